"""Windowed detection: a classifier run over given windows of images (R-CNN)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import io
from .classifier import input_transformer
from .net import TEST, Net, PathLike

Array = npt.NDArray[Any]


class Detector(Net):
    """A net that scores windows of images.

    Parameters
    ----------
    model_file, pretrained_file
        Deploy prototxt and weights.
    mean, input_scale, raw_scale, channel_swap
        See ``caffe.io.Transformer``.
    context_pad
        Pixels of surroundings that a window's crop has on each side, in the net's input.
    """

    def __init__(
        self,
        model_file: PathLike,
        pretrained_file: PathLike,
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = input_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(
        self, images_windows: Iterable[tuple[PathLike, Iterable[npt.ArrayLike]]]
    ) -> list[dict[str, Any]]:
        """Score windows (ymin, xmin, ymax, xmax) of image files.

        Returns a dict with ``window``, ``prediction`` and ``filename`` for each window.
        """
        found: list[dict[str, Any]] = []
        crops = []
        name = self.inputs[0]
        for filename, windows in images_windows:
            image = io.load_image(filename).astype(np.float32)
            for window in windows:
                try:
                    crop = self.crop(image, np.asarray(window))
                except ValueError as error:
                    raise ValueError(f"{os.fspath(filename)}: {error}") from None
                crops.append(self.transformer.preprocess(name, crop))
                found.append({"window": np.asarray(window), "filename": filename})
        if not crops:
            return found
        scores = self.forward_all(**{name: np.stack(crops)})[self.outputs[0]]
        for entry, score in zip(found, scores):
            entry["prediction"] = score.squeeze()
        return found

    def detect_selective_search(self, image_fnames: Sequence[PathLike]) -> list[dict[str, Any]]:
        """Score the windows that the package ``selective_search_ijcv_with_python`` proposes."""
        try:
            import selective_search_ijcv_with_python as selective_search
        except ImportError as error:
            raise ImportError(
                "detect_selective_search needs the package selective_search_ijcv_with_python (and "
                "MATLAB); detect_windows takes windows of your own"
            ) from error
        names = [str(name) for name in image_fnames]
        windows = selective_search.get_windows(names, cmd="selective_search_rcnn")
        return self.detect_windows(zip(names, windows))

    def crop(self, im: Array, window: Array) -> npt.NDArray[np.float32]:
        """Cut a window (ymin, xmin, ymax, xmax) out of an image, with context if configured.

        With context the result has the size of the net's input; outside the image it is the mean.
        Without, the window must begin in the image.
        """
        if np.shape(window) != (4,):
            raise ValueError(f"a window is (ymin, xmin, ymax, xmax), not {np.asarray(window)!r}")
        ymin, xmin, ymax, xmax = (int(v) for v in window)
        height, width = im.shape[:2]
        if self.context_pad:  # the last row and column belong to the window
            fits = ymin <= ymax and xmin <= xmax
        else:
            fits = 0 <= ymin < min(ymax, height) and 0 <= xmin < min(xmax, width)
        if not fits:
            raise ValueError(
                f"the window ({ymin}, {xmin}, {ymax}, {xmax}) (ymin, xmin, ymax, xmax) is empty, "
                f"or outside the image of {height} x {width}"
            )
        if not self.context_pad:
            return np.asarray(im[ymin:ymax, xmin:xmax], np.float32)
        size = self.blobs[self.inputs[0]].shape[3]
        scale = size / (size - 2.0 * self.context_pad)
        half = np.array([ymax - ymin + 1, xmax - xmin + 1]) / 2 * scale
        centre = np.array([ymin, xmin]) + half / scale
        wanted = np.round(np.concatenate([centre - half, centre + half])).astype(int)
        top, left, bottom, right = wanted
        # Where the wanted box lies inside the image, in fractions of the input's size.
        y0, x0 = max(top, 0), max(left, 0)
        y1, x1 = min(bottom, im.shape[0]), min(right, im.shape[1])
        step = size / np.maximum([bottom - top, right - left], 1)
        pad_y, pad_x = np.round(step * [y0 - top, x0 - left]).astype(int)
        inner_h, inner_w = np.round(step * [y1 - y0, x1 - x0]).astype(int)
        inner_h, inner_w = min(inner_h, size - pad_y), min(inner_w, size - pad_x)
        crop = np.broadcast_to(self.crop_mean, (size, size, im.shape[2])).astype(np.float32)
        if inner_h > 0 and inner_w > 0:
            inside = io.resize_image(im[y0:y1, x0:x1], (inner_h, inner_w))
            crop[pad_y : pad_y + inner_h, pad_x : pad_x + inner_w] = inside
        return crop

    def configure_crop(self, context_pad: int | None) -> None:
        """Set the context of crops; their outside is filled with the mean, in image units."""
        self.context_pad = context_pad
        self.crop_mean: Any = np.float32(0)
        name = self.inputs[0]
        mean = self.transformer.mean.get(name)
        if not context_pad or mean is None:
            return
        channels = self.blobs[name].shape[1]
        colours = np.broadcast_to(mean.mean(axis=(1, 2)), channels)
        if name in self.transformer.channel_swap:
            colours = colours[np.argsort(self.transformer.channel_swap[name])]
        self.crop_mean = colours / np.float32(self.transformer.raw_scale.get(name, 1))
