"""From instance maps to training targets: reduction and vectors to the centres.

An instance map is a 16-bit image with ``id = 1000 * label + k`` for instance ``k`` of a class;
smaller ids are stuff, void or groups and count as background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcme import _core
from dcme._arrays import as_ids, as_vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dcme.classes import ClassMap

__all__ = ["encode", "instances", "magnitude", "reduce_ids"]


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
    """
    return _core.encode(as_ids(ids), anchor, bool(round_centre), classes)


def magnitude(vectors: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Lengths of the vectors for display: uint8 (H, W), the longest of the image being 255."""
    return _core.magnitude(as_vectors(vectors))


def instances(ids: npt.ArrayLike, classes: ClassMap | None = None) -> npt.NDArray[np.void]:
    """Table of an instance map's instances: a record array sorted by id.

    Fields: ``id``, ``label`` (id // 1000), ``pixels``, ``row`` and ``col`` of the centre of mass,
    and the bounding box ``top``, ``left``, ``bottom``, ``right`` (the last two one past the end).
    """
    return _core.instances(as_ids(ids), classes)
