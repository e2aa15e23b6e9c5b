"""From vectors to instances: voting for centres, then pixels to the centre they point at."""

from __future__ import annotations

import operator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dcme import _core
from dcme._arrays import as_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

__all__ = ["Instances", "decode", "masks_full_resolution"]

DEFAULTS = _core.DECODE_DEFAULTS
"""The thresholds of paper 1 for SegNet: dt, vt and et; and the length of a vector that counts."""

PUBLISHED_MODES = ("reference", "watershed")
"""The modes that decode as the papers' decoder does: they find the foreground themselves."""


class Instances:
    """The instances of one image, as ``decode`` finds them. ``len()`` gives their number, K.

    Masks are kept compactly; ``mask(k)`` makes one, ``masks`` makes (and keeps) them all.
    """

    def __init__(self, core: _core.Instances) -> None:
        self._core = core

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        return f"<dcme.Instances: {len(self)} in {self.shape[0]}x{self.shape[1]}>"

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the vector field."""
        return self._core.shape

    @cached_property
    def centres(self) -> npt.NDArray[np.float64]:
        """(K, 2) centres as (row, col), in pixels."""
        return self._core.centres()

    @cached_property
    def votes(self) -> npt.NDArray[np.int64]:
        """(K,) votes of each centre."""
        return self._core.votes()

    @cached_property
    def pixels(self) -> npt.NDArray[np.int64]:
        """(K,) pixels of each mask."""
        return self._core.pixels()

    @cached_property
    def boxes(self) -> npt.NDArray[np.int32]:
        """(K, 4) bounding boxes: top, left, bottom, right, the last two one past the end."""
        return self._core.boxes()

    @cached_property
    def offsets(self) -> npt.NDArray[np.float64]:
        """(K,) distances, in pixels, between the centre of mass of each mask and the centre that
        its pixels voted for: large for a part that was cut off its instance."""
        return self._core.offsets()

    def means_over(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(K,) means of a (H, W) map over each mask, e.g. of the probability of foreground."""
        return self._core.means_over(np.ascontiguousarray(values, dtype=np.float32))

    def spreads(self, vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(K,) mean distances, in pixels, between where a mask's pixels point and its centre.

        vectors : (2, H, W), those the instances were decoded from. Beside the size of a mask the
        spread tells how sure it is: the network's own errors, without the truth.
        """
        return self._core.spreads(as_vectors(vectors))

    def confidences(self, vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(K,) how well each instance keeps to what DCME means, 0 to 1, without the truth.

        Its pixels should point at its centre (``spreads``), and that should be the centre of its
        mass (``offsets``): exp(-4 (spread + offset) / sqrt(pixels)), errors in units of its size.
        ``vectors`` : (2, H, W), those the instances were decoded from.
        """
        errors = self.spreads(vectors) + self.offsets
        return np.exp(-4 * errors / np.sqrt(np.maximum(self.pixels, 1)))

    @cached_property
    def masks(self) -> npt.NDArray[np.bool_]:
        """(K, H, W) masks. K * H * W bytes: for many instances prefer ``mask`` or iteration."""
        return self._core.masks()

    def mask(self, index: int) -> npt.NDArray[np.bool_]:
        """(H, W) mask of one instance; a negative index counts from the end."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no instance {index}; there are {len(self)}")
        return self._core.mask(index % len(self))

    def __reduce__(self) -> tuple[type[Instances], tuple[_core.Instances]]:
        """For pickle and copy: without the masks that were made."""
        return Instances, (self._core,)

    def __getitem__(self, index: int | slice) -> npt.NDArray[np.bool_]:
        """``mask(index)``; of a slice the masks (k, H, W)."""
        if not isinstance(index, slice):
            return self.mask(operator.index(index))
        chosen = range(len(self))[index]
        masks = np.zeros((len(chosen), *self.shape), np.bool_)
        for place, k in enumerate(chosen):
            masks[place] = self._core.mask(k)
        return masks

    def __iter__(self) -> Iterator[npt.NDArray[np.bool_]]:
        """The masks, one after the other."""
        return (self._core.mask(k) for k in range(len(self)))

    def label_map(self, upwards: Sequence[int] | None = None) -> npt.NDArray[np.int32]:
        """(H, W) map of 1 + index, 0 where no instance is; of overlapping masks the first wins.

        upwards : indices; only these instances are drawn, in this order, later over earlier ones.
        """
        return self._core.label_map(None if upwards is None else [int(k) for k in upwards])


def decode(
    vectors: npt.ArrayLike,
    dt: float = DEFAULTS["dt"],
    vt: float = DEFAULTS["vt"],
    et: float = DEFAULTS["et"],
    mode: str = "standard",
    foreground: npt.ArrayLike | float | None = None,
) -> Instances:
    """Find the instances in a (2, H, W) field of vectors (dx, dy) to their centres.

    Parameters
    ----------
    dt : DT, pixels: proposals of centres that lie this close are one centre. In "standard" votes
        are counted within DT / 2 rows and columns of a peak, and a peak within 2 DT of a higher one
        is a centre of its own only if the smoothed votes between them fall below 0.75 of its
        height; centres of which 0.9 of the votes lie in 3x3 cells may be closer.
    vt : VT: a centre needs more votes than this; also about the smallest instance found, in pixels.
        In "reference" a single cell must have them, in "standard" all cells within DT / 2. There,
        without a foreground mask, votes must also exceed those that vectors without a common aim
        leave by chance, so that noise in the background makes no instances.
    et : ET, pixels: a pixel belongs to a centre that it points to within this distance. In
        "standard" it must also come 0.3 of the way to it (not under a foreground mask).
    mode : "standard": one vote a pixel, sub-pixel, each pixel in at most one instance.
        "reference": exactly what produced the published numbers; masks may overlap.
        "watershed": centres as "reference", then a watershed on the lengths of the vectors.
    foreground : a (H, W) boolean mask of the pixels that count, or the length in pixels (default 1)
        that a vector must exceed to count. For "standard" only.

    NaN or infinite vectors (the pixel is named), wrong shapes and thresholds raise ``ValueError``.
    """
    field = as_vectors(vectors)
    length, mask = DEFAULTS["foreground"], None
    if foreground is not None:
        given = np.asarray(foreground)
        if mode in PUBLISHED_MODES:
            raise ValueError(f"mode '{mode}' finds the foreground itself: leave foreground out")
        if given.ndim == 0:
            length = float(given)
        elif given.dtype != np.bool_:
            raise ValueError(f"a foreground mask must be boolean, this has dtype {given.dtype}")
        else:
            mask = np.ascontiguousarray(given).view(np.uint8)
    return Instances(_core.decode(field, float(dt), float(vt), float(et), mode, length, mask))


def masks_full_resolution(
    instances: Instances, size: tuple[int, int]
) -> Iterator[npt.NDArray[np.bool_]]:
    """Each mask enlarged to ``size`` = (H, W) as the published method does.

    OpenCV's ``INTER_CUBIC`` on the binary mask; every non-zero value counts. One after the other,
    since together they would fill the memory.
    """
    rows, cols = size
    for k in range(len(instances)):
        yield instances._core.mask_full_resolution(k, int(rows), int(cols))
