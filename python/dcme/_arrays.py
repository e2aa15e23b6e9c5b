"""Checks on arrays from users: what the C++ core needs, without a copy where it is so already."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dcme import _core
from dcme.labels import FIRST_INSTANCE_ID

if TYPE_CHECKING:
    from dcme.classes import ClassMap


def as_ids(ids: npt.ArrayLike, name: str = "instance map") -> npt.NDArray[np.uint16]:
    """A 16-bit (H, W) instance map; other integer types are converted if their values fit."""
    array = np.asarray(ids)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"the {name} must have shape (H, W), this has {array.shape}")
    if array.dtype == np.uint8:
        raise ValueError(
            f"the {name} has 8 bits; ids 1000 * label + k need 16"
            " (read the PNG unchanged: cv2.imread(path, cv2.IMREAD_UNCHANGED))"
        )
    if array.dtype.kind not in "iu":
        raise ValueError(f"the {name} must hold integers, this has dtype {array.dtype}")
    if array.dtype != np.uint16:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > 65535:
            raise ValueError(f"ids of the {name} must be 0..65535, these are {low}..{high}")
    return np.ascontiguousarray(array, dtype=np.uint16)


def as_label_map(labels: npt.ArrayLike, name: str) -> npt.NDArray[np.int32]:
    """A label map (H, W) of integers or booleans, whose values must fit into 32 bits."""
    array = np.asarray(labels)
    if array.ndim != 2 or array.dtype.kind not in "iub":
        raise ValueError(
            f"{name} must be a label map of integers (H, W), this is {array.dtype} {array.shape}"
        )
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    limits = np.iinfo(np.int32)
    if low < limits.min or high > limits.max:
        raise ValueError(f"labels of {name} must fit into 32 bits, these are {low}..{high}")
    return np.ascontiguousarray(array, dtype=np.int32)


def are_whole(array: npt.NDArray[Any]) -> bool:
    """Whether an array holds whole numbers, of whatever real type."""
    if array.dtype.kind != "f":
        return array.dtype.kind in "biu"
    return bool((np.isfinite(array) & (array == np.rint(array))).all())


def _is_label_map(ids: npt.NDArray[np.uint16], classes: ClassMap | None) -> bool:
    """Whether a map without instances looks like a label map 0, 1, 2, ..., and not like one of
    stuff and groups alone: these are labels of the classes or, in Cityscapes, others with gaps."""
    if not 0 < int(ids.max()) < FIRST_INSTANCE_ID:  # as most maps: counting takes longer
        return False
    values = np.flatnonzero(np.bincount(ids.ravel()))
    values = values[values > 0]
    if classes is not None and np.isin(values, (*classes.labels, *classes.ignored)).all():
        return False
    if classes is not None and set(classes.labels) != set(_core.CITYSCAPES.labels):
        return True
    return bool(values[-1] == len(values) or values[-1] > _core.LAST_LABEL)


def warn_of_labels(ids: npt.NDArray[np.uint16], classes: ClassMap | None = None) -> None:
    """Warn the caller's caller where an instance map (of these classes, if given) holds no
    instance, but looks like a label map 0, 1, 2, ..."""
    if _is_label_map(ids, classes):
        warnings.warn(
            "all ids are below 1000, so that no pixel is of an instance; of a label map 0, 1, 2, "
            "... dcme.from_labels or the command dcme collect make an instance map",
            stacklevel=3,
        )


def as_vectors(vectors: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """A float32 (2, H, W) vector field, channel 0 = dx, channel 1 = dy."""
    array = np.asarray(vectors)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3 or array.shape[0] != 2 or array.size == 0:
        raise ValueError(f"vectors must have shape (2, H, W): dx, dy; these have {array.shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"vectors must hold real numbers, these have dtype {array.dtype}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused by whoever needs it finite
        return np.ascontiguousarray(array, dtype=np.float32)


def json_number(value: float) -> float | None:
    """A figure for JSON, which knows no NaN."""
    return None if np.isnan(value) else float(value)
