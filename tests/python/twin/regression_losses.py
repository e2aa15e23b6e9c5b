"""Losses that measure distances."""

from __future__ import annotations

import torch
from caffe.proto.caffe_pb2 import DCMELossParameter
from torch import Tensor

from twin.layer import Function, Layer


def euclidean_loss(_: Layer, x: Tensor, y: Tensor) -> Tensor:
    """Half the mean squared distance."""
    return ((x.flatten() - y.flatten()) ** 2).sum() / (2 * len(x))


def _told(value: Tensor, error: Tensor, gradient: Tensor) -> Tensor:
    """A loss of this value, whose gradient by the error is said to be another than its own."""
    share = (gradient.detach() * error).sum()
    return value.detach() + share - share.detach()


def geometric_loss(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    """Half the mean squared distance; the channels of a pixel that are num_dim apart all receive
    the sum of their errors."""
    error = x - y
    groups = error.unflatten(1, (-1, layer.proto.geometric_loss_param.num_dim))
    sums = groups.sum(1, keepdim=True).expand_as(groups).flatten(1, 2)
    return _told((error**2).sum() / (2 * len(x)), error, sums / len(x))


def dcme_loss(layer: Layer, x: Tensor, y: Tensor, *weights: Tensor) -> Tensor:
    """Half the weighted mean of squared errors; each output receives its own error, clipped by a
    logistic function of that amplitude, times its weight."""
    options = layer.proto.dcme_loss_param
    error, weight = x - y, weights[0] if weights else torch.ones_like(x)
    clipped = error
    if options.amplitude:
        clipped = options.amplitude * (torch.sigmoid(error) - 0.5)
    divisor = {
        DCMELossParameter.NONE: 1,
        DCMELossParameter.BATCH: len(x),
        DCMELossParameter.FULL: x.numel(),
    }[options.normalization]
    return _told((weight * error**2).sum() / (2 * x.numel()), error, weight * clipped / divisor)


def contrastive_loss(layer: Layer, x: Tensor, y: Tensor, similar: Tensor) -> Tensor:
    """Half the mean of d^2 for similar pairs, of max(margin - d, 0)^2 for others, or, in the legacy
    version, of max(margin - d^2, 0). Where the gradient divides by d, 1e-4 is added."""
    options = layer.proto.contrastive_loss_param
    squares = ((x - y).flatten(1) ** 2).sum(1)
    if options.legacy_version:
        others = torch.relu(options.margin - squares)
    else:
        root = torch.sqrt(squares.detach())
        distance = root + (squares - squares.detach()) / (2 * (root + 1e-4))
        others = torch.relu(options.margin - distance) ** 2
    return torch.where(similar.flatten() != 0, squares, others).sum() / (2 * len(x))


REGRESSION_LOSSES: dict[str, Function] = {
    "ContrastiveLoss": contrastive_loss,
    "DCMELoss": dcme_loss,
    "EuclideanLoss": euclidean_loss,
    "GeometricLoss": geometric_loss,
}
