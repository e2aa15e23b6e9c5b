"""Image classification with any net that has one input and one output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    if not net.inputs:
        raise ValueError("the net has no input to put images into: give its deploy prototxt")
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
        self.image_dims = tuple(self.crop_dims) if image_dims is None else tuple(image_dims)

    def predict(self, inputs: Sequence[Array], oversample: bool = True) -> Array:
        """Return the scores of N images (H x W x K, as load_image gives them).

        `oversample` averages over ten crops of each (see ``caffe.io.oversample``), and gives one
        row for each image: N x classes. Else the centre is used, and the scores are in the shape of
        the net's output: N x classes, or N x classes x 1 x 1 behind a global pooling.
        """
        images = [io.resize_image(image, self.image_dims) for image in self._checked(inputs)]
        cut = io.oversample if oversample else io.centre_crops
        crops = cut(images, self.crop_dims.tolist())
        name = self.inputs[0]
        batch = np.stack([self.transformer.preprocess(name, crop) for crop in crops])
        scores = self.forward_all(**{name: batch})[self.outputs[0]]
        if oversample:
            scores = scores.reshape(len(images), 10, -1).mean(axis=1)
        return scores

    @staticmethod
    def _checked(inputs: Iterable[Array]) -> list[Array]:
        images = list(inputs)
        if not images:
            raise ValueError("predict needs at least one image")
        for image in images:
            if np.ndim(image) != 3:
                raise ValueError(
                    f"predict takes a list of images H x W x K, and one of shape {np.shape(image)} "
                    "is in it; is it a single image, for predict([image])?"
                )
        return images
