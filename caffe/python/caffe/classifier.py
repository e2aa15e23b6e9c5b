"""Image classification with any net that has one input and one output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import io
from .net import TEST, Net, PathLike

Array = npt.NDArray[Any]


def input_transformer(
    net: Net,
    mean: Array | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> io.Transformer:
    """Make the Transformer of a net's first input, for H x W x C images."""
    name = net.inputs[0]
    transformer = io.Transformer({name: net.blobs[name].shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer


class Classifier(Net):
    """A net that gives images class scores.

    Parameters
    ----------
    model_file, pretrained_file
        Deploy prototxt and weights.
    image_dims
        (height, width) to which images are resized before cropping; default: the input's size.
    mean, input_scale, raw_scale, channel_swap
        See ``caffe.io.Transformer``.
    """

    def __init__(
        self,
        model_file: PathLike,
        pretrained_file: PathLike,
        image_dims: Sequence[int] | None = None,
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = input_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = tuple(image_dims) if image_dims else tuple(self.crop_dims)

    def predict(self, inputs: Sequence[Array], oversample: bool = True) -> Array:
        """Return the N x classes scores of N images (H x W x C, as load_image gives them).

        `oversample` averages over ten crops (see ``caffe.io.oversample``), else the centre is used.
        """
        images = [io.resize_image(image, self.image_dims) for image in inputs]
        cut = io.oversample if oversample else io.centre_crops
        crops = cut(images, self.crop_dims.tolist())
        name = self.inputs[0]
        batch: dict[str, Any] = {
            name: np.stack([self.transformer.preprocess(name, crop) for crop in crops])
        }
        scores = self.forward_all(**batch)[self.outputs[0]]
        if oversample:
            scores = scores.reshape(len(images), -1, *scores.shape[1:]).mean(axis=1)
        return scores
