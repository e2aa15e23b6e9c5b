"""Arrays of any number of items, cut into the batches of a net, and what comes out put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def number_of_items(arrays: Mapping[str, npt.ArrayLike]) -> int | None:
    """The number of items (first axis) of arrays, which all must have; None without arrays."""
    counts = {name: len(cast(Any, values)) for name, values in arrays.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the arrays differ in their number of items: {counts}")
    return next(iter(counts.values()), None)


def cut(values: Mapping[str, npt.ArrayLike], size: int) -> Iterator[dict[str, Any]]:
    """Cut arrays (or lists of items) into batches; the last one is padded with zeros."""
    arrays = {name: np.asarray(items) for name, items in values.items()}
    for begin in range(0, number_of_items(arrays) or 0, size):
        batch = {name: array[begin : begin + size] for name, array in arrays.items()}
        for name, part in batch.items():
            padding = np.zeros((size - len(part), *part.shape[1:]), part.dtype)
            batch[name] = np.concatenate([part, padding])
        yield batch


def append(all_parts: dict[str, list[Array]], parts: Mapping[str, Array]) -> None:
    """Add copies of a batch's results to those of the batches before."""
    for name, part in parts.items():
        all_parts.setdefault(name, []).append(np.atleast_1d(part).copy())


def join(all_parts: Mapping[str, list[Array]], items: int | None) -> dict[str, Array]:
    """Put the batches together, leaving out what came from padding."""
    return {name: np.concatenate(parts)[:items] for name, parts in all_parts.items()}
