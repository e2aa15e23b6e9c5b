"""From instance maps to training targets: reduction and vectors to the centres.

An instance map is a 16-bit image with ``id = 1000 * label + k`` for instance ``k`` of a class;
smaller ids are stuff, void or groups and count as background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dcme import _core
from dcme._arrays import are_whole, as_ids, as_vectors, warn_of_labels
from dcme.labels import FIRST_INSTANCE_ID

if TYPE_CHECKING:
    import numpy.typing as npt

    from dcme.classes import ClassMap

__all__ = ["encode", "from_labels", "instances", "magnitude", "reduce_ids"]


def from_labels(labels: npt.ArrayLike, label: int = 1) -> npt.NDArray[np.uint16]:
    """The instance map of a label map: ids ``1000 * label + k``, uint16 (H, W).

    Parameters
    ----------
    labels : (H, W) whole numbers or booleans; each value but 0 is an instance. Its k, from 1, is
        its rank among the values.
    label : the class of all instances, 1..64.

    Raises ``ValueError`` for negative values, more than 999 instances, and other labels.
    """
    array = np.asarray(labels)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"a label map has shape (H, W), this has {array.shape}")
    if not are_whole(array):
        raise ValueError(f"a label map holds whole numbers; this has others ({array.dtype})")
    if not 1 <= label <= _core.LAST_LABEL:
        raise ValueError(f"the label of a class is 1..{_core.LAST_LABEL}, not {label}")
    values = np.unique(array[array != 0])
    if values.size and values[0] < 0:
        raise ValueError(f"a label map is 0 where no instance is, and never {values[0]}")
    if len(values) >= FIRST_INSTANCE_ID:
        raise ValueError(
            f"{len(values)} instances do not fit into an instance map, which numbers 999 of a class"
        )
    ids = FIRST_INSTANCE_ID * label + 1 + np.searchsorted(values, array)
    return np.where(array != 0, ids, 0).astype(np.uint16)


def reduce_ids(ids: npt.ArrayLike, size: tuple[int, int]) -> npt.NDArray[np.uint16]:
    """Reduce an instance map to ``size`` = (H, W) as the published method does.

    The binary mask of each id >= 1000, in ascending order, is shrunk by area averaging (the bits of
    OpenCV's ``INTER_AREA``); wherever any of it remains the pixel takes the id. Stuff and groups
    become 0, also at equal size. Growing a side raises ``ValueError``.
    """
    rows, cols = size
    return _core.reduce_ids(as_ids(ids), int(rows), int(cols))


def encode(
    ids: npt.ArrayLike,
    anchor: str = "mass",
    round_centre: bool = False,
    classes: ClassMap | None = None,
) -> npt.NDArray[np.float32]:
    """Vectors from every instance pixel to its instance's centre: float32 (2, H, W), dx then dy.

    Parameters
    ----------
    ids : (H, W) instance map.
    anchor : "mass" for the centre of mass, "box" for the centre of the bounding box.
    round_centre : truncate centres to whole pixels, as the published labels were made.
    classes : leave out instances that are no class of this map; all count by default.

    Warns of what looks like a label map 0, 1, 2, ...: see ``from_labels``.
    """
    checked = as_ids(ids)
    warn_of_labels(checked, classes)
    return _core.encode(checked, anchor, bool(round_centre), classes)


def magnitude(vectors: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Lengths of the vectors for display: uint8 (H, W), the longest of the image being 255."""
    return _core.magnitude(as_vectors(vectors))


def instances(ids: npt.ArrayLike, classes: ClassMap | None = None) -> npt.NDArray[np.void]:
    """Table of an instance map's instances: a record array sorted by id.

    Fields: ``id``, ``label`` (id // 1000), ``pixels``, ``row`` and ``col`` of the centre of mass,
    and the bounding box ``top``, ``left``, ``bottom``, ``right`` (the last two one past the end).
    """
    return _core.instances(as_ids(ids), classes)
