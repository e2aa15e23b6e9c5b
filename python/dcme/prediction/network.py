"""A trained network as a function from images to vector maps and grid probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dcme.errors import UserError
from dcme.files import PathLike
from dcme.grid import block_size
from dcme.prediction.net_loading import SharedNet, available_memory, net_mark, require_file
from dcme.prediction.tiling import Outputs, run_tiled
from dcme.prediction.views import VIEWS, averaged
from dcme.training.caffe_train import nets_path, read_net


def training_net(deploy: PathLike, train: PathLike | None = None) -> Path:
    """``train``, else ``train.prototxt`` beside a deploy net, whether it is there or not."""
    return nets_path(train or Path(deploy).with_name("train.prototxt"))


@dataclass(frozen=True)
class Preprocessing:
    """Network input = (image - mean) * scale, per channel in the order blue, green, red."""

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)

    @classmethod
    def of_training_net(cls, path: PathLike) -> Preprocessing:
        """Scale and mean values of the first data layer in a training prototxt."""
        net = read_net(path)
        for layer in net.layer:
            if not layer.bottom and layer.HasField("transform_param"):
                transform = layer.transform_param
                if transform.mean_file:
                    raise UserError(
                        f"{path}: has a mean_file; give the mean of each channel: --scale, --mean"
                    )
                return cls(transform.scale, tuple(transform.mean_value) or (0.0,))
        raise UserError(f"{path}: has no data layer with a transform_param; give --scale, --mean")

    @classmethod
    def beside(cls, deploy: PathLike, train: PathLike | None, otherwise: str) -> Preprocessing:
        """That of ``train``, by default of the ``train.prototxt`` beside a deploy net.

        Raises where there is none, and names the options that would tell ``otherwise``: a network
        whose input is scaled in another way than in training finds little, without a word.
        """
        require_file(nets_path(deploy), ".prototxt")
        path = training_net(deploy, train)
        if train is None and not path.is_file():
            raise UserError(
                f"{path}: no such file to tell scale and mean of the input; give {otherwise}"
            )
        return cls.of_training_net(path)

    def __call__(self, image: np.ndarray, channels: int) -> np.ndarray:
        """The network's input (C, H, W), float32, of a BGR image (H, W, 3)."""
        if channels == 1:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None]
        if len(self.mean) not in (1, channels):
            raise UserError(
                f"{len(self.mean)} mean values (--mean, or mean_value in the training prototxt) "
                f"for a network input of {channels} channel{'' if channels == 1 else 's'}"
            )
        values = (image.astype(np.float32) - np.array(self.mean, np.float32)) * self.scale
        return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)


def checked_images(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Images as the network takes them: BGR (H, W, 3) of one size; grey ones (H, W) become such.

    Raises ValueError for what is no list of 8-bit images of one size.
    """
    if isinstance(images, np.ndarray) and images.ndim < 4:
        raise ValueError("give a list of images, of a single one [image]")
    checked = []
    for image in map(np.asarray, images):
        grey = image.ndim == 2
        if image.dtype != np.uint8 or image.size == 0 or not (grey or image.shape[2:] == (3,)):
            raise ValueError(
                f"an image is uint8 (H, W, 3), blue first, or grey (H, W); this is {image.dtype} "
                f"{image.shape}"
            )
        checked.append(np.repeat(image[..., None], 3, axis=2) if grey else image)
        if checked[-1].shape != checked[0].shape:
            raise ValueError(
                f"images of one call have one size, these {checked[0].shape[:2]} and "
                f"{image.shape[:2]}"
            )
    return checked


def padded(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image, mirrored at its right and lower edges (as often as need be) up to ``size``."""
    bottom, right = (most - side for most, side in zip(size, image.shape[:2]))
    return cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REFLECT_101)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities over axis 1; what already sums to one is left alone."""
    if scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return scores
    with np.errstate(invalid="ignore"):  # infinite scores become NaN, which is told later on
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Tiling:
    """How images are cut up that do not fit into memory whole, or are larger than asked for."""

    size: tuple[int, int] | None = None
    """Largest (H, W) that the network sees at once; by default what fits into memory."""
    overlap: int = 128
    """Pixels that neighbouring tiles share at least."""
    memory: int | None = None
    """Bytes for the network's blobs; by default half of what is available."""


def _maps(outputs: Mapping[str, np.ndarray], size: tuple[int, ...]) -> list[str]:
    """Which of a net's outputs are the vector map and, if there is one, the grid classes; nothing
    where none can be the former."""
    maps = [name for name, array in outputs.items() if array.ndim == 4]
    fitting = [name for name in maps if outputs[name].shape[1:] == (2, *size)]
    if not fitting:
        return []
    vectors = "vectors" if "vectors" in fitting else fitting[0]
    others = [name for name in maps if name != vectors]
    # Those named as in our nets come first: features may be outputs, too.
    return [vectors, *sorted(others, key=lambda name: name not in ("grid", "mask"))[:1]]


class Network:
    """A deploy network with weights, for images of any size.

    Images are mirrored at their edges up to multiples of ``stride``; those larger than ``tiling``
    allows are seen in overlapping tiles. An image of the deploy file's own size passes as it is;
    a net that takes no other (SegNet's upsampling names its sizes) sees all images in tiles of it.

    Without ``preprocessing`` the ``train.prototxt`` beside the deploy file tells it; an error where
    there is none. Values between the layers are freed as soon as they are read (see ``load_net``).

    The output ``vectors``, or the one with two channels at the input's size, is the vector map;
    ``grid`` or ``mask``, or another, if there is one, the grid classes. These may be as fine as the
    vectors: one a pixel.

    Threads may share a network: their calls take turns.
    """

    def __init__(
        self,
        deploy: PathLike,
        weights: PathLike | None,
        preprocessing: Preprocessing | None = None,
        stride: int = 32,
        views: int = 1,
        tiling: Tiling | None = None,
    ) -> None:
        if stride < 1 or views not in VIEWS:
            raise UserError(
                f"a stride of {stride} and {views} views: at least 1, and one of {VIEWS}"
            )
        self._net = SharedNet(deploy, weights)
        self.deploy, self.weights = deploy, weights
        _, self.channels, height, width = self._net.shape
        self.input_size = height, width
        self.preprocessing = preprocessing or Preprocessing.beside(
            deploy, None, "dcme.Preprocessing(scale, mean)"
        )
        self.stride = stride
        self.views = views
        self.tiling = tiling or Tiling()
        if self.tiling.size not in (None, self.input_size) and self.one_size:
            raise UserError(f"{deploy}: takes {height}x{width} only; leave --tile out")
        if views > 2 and height != width and self.one_size:
            raise UserError(
                f"{deploy}: takes {height}x{width} only, and 8 views turn images by quarters; use 2"
            )

    @property
    def net(self) -> Any:
        """The ``caffe.Net``, for looking at its weights; to run it is for calls of this object."""
        return self._net.net

    def __repr__(self) -> str:
        return f"<dcme.Network {self.deploy}: {self.channels} channels, {self.views} views>"

    @property
    def settings(self) -> dict[str, Any]:
        """All that its outputs depend on, as a ``Recipe`` takes it."""
        return {
            **net_mark(self.deploy, self.weights),
            **asdict(self.preprocessing),
            "stride": self.stride,
            "views": self.views,
            "tile": self.tiling.size,
            "overlap": self.tiling.overlap,
        }

    @cached_property
    def one_size(self) -> bool:
        """Whether the net takes images of its own size only."""
        height, width = (side + self.stride for side in self.input_size)
        return not self._net.takes((1, self.channels, height, width))

    def _seen_size(self, height: int, width: int) -> tuple[int, int]:
        """The size to which images of this size are mirrored."""
        if (height, width) == self.input_size:
            return self.input_size
        rows, columns = (-(-side // self.stride) * self.stride for side in (height, width))
        if (rows, columns) != self.input_size and self.one_size:
            return self.input_size
        return rows, columns

    @cached_property
    def bytes_per_pixel(self) -> float:
        """Memory that the network takes for each pixel of its input, about."""
        return self._net.bytes_per_value() * self.channels

    def _budget(self) -> float:
        """Pixels that the network may see at once."""
        return (self.tiling.memory or available_memory() // 2) / self.bytes_per_pixel

    def tile_size(self, height: int, width: int) -> tuple[int, int] | None:
        """The tile (H, W) for images of this size; None where they pass whole."""
        stride, limit = self.stride, self.tiling.size
        whole = self._seen_size(height, width)
        if height > whole[0] or width > whole[1]:
            return self.input_size  # the only size that the net takes
        if limit == whole:
            return None
        if limit is None:
            pixels = self._budget()
            if whole[0] * whole[1] <= pixels:
                return None
            rows = min(whole[0], int(pixels**0.5))
            limit = (rows, min(whole[1], int(pixels / max(rows, 1))))
        smallest = self.tiling.overlap + stride
        tile = tuple(min(side, most // stride * stride) for side, most in zip(whole, limit))
        if any(t < min(smallest, side) for t, side in zip(tile, whole)):
            cut = "" if tile == limit else f" (to multiples of the stride: {tile[0]}x{tile[1]})"
            raise UserError(
                f"tiles of {limit[0]}x{limit[1]}{cut} are too small for an overlap of "
                f"{self.tiling.overlap} pixels and a stride of {stride}; reduce the images "
                "(--size), or give larger tiles (--tile) or less overlap (--overlap)"
            )
        return None if tile == whole else (tile[0], tile[1])

    def _forward(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        def needed(outputs: Mapping[str, np.ndarray]) -> list[str]:
            names = _maps(outputs, batch.shape[2:])
            if names:
                return names
            shapes = ", ".join(f"{k} {tuple(v.shape)}" for k, v in outputs.items())
            raise UserError(
                f"{self.deploy}: no output is a vector map (2 channels, {batch.shape[2]}x"
                f"{batch.shape[3]}); the outputs are {shapes}"
            )

        vectors, *grid = self._net(batch, needed).values()
        return vectors, softmax(grid[0]) if grid else None

    def __call__(self, images: Sequence[np.ndarray]) -> list[Outputs]:
        """Vector map (2, H, W) and grid probabilities (C, h, w) of each image.

        The images are uint8 (H, W, 3), blue first, or grey (H, W), and have one size. Outputs are
        averaged over ``views`` of each image: 1, as it is; 2, also mirrored; 8, also turned by
        quarters.
        """
        images = checked_images(images)
        if not images:
            return []
        height, width = images[0].shape[:2]
        tile = self.tile_size(height, width)
        if tile is None and len(images) * height * width <= self._budget():
            return self._whole(images)
        if tile is None:
            return [self._whole([image])[0] for image in images]
        overlap, stride = self.tiling.overlap, self.stride
        return [
            run_tiled(lambda part: self._whole([part])[0], image, tile, overlap, stride)
            for image in images
        ]

    def _whole(self, images: Sequence[np.ndarray]) -> list[Outputs]:
        height, width = images[0].shape[:2]
        size = self._seen_size(height, width)
        batch = np.stack([self.preprocessing(padded(im, size), self.channels) for im in images])
        vectors, grid = averaged(self._forward, batch, self.views)
        if grid is not None:
            block = block_size(batch.shape[2:], grid.shape[2:])
            grid = grid[:, :, : -(-height // block), : -(-width // block)]
        return [
            (
                np.ascontiguousarray(vectors[i, :, :height, :width]),
                None if grid is None else np.ascontiguousarray(grid[i]),
            )
            for i in range(len(images))
        ]
