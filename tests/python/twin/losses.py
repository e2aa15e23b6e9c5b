"""Softmax, the losses, and Accuracy."""

from __future__ import annotations

import math

import torch
from caffe.proto.caffe_pb2 import LossParameter
from torch import Tensor
from torch.nn import functional as F

from twin.layer import Function, Layer

# What a label of softmax may add to the loss.
LARGEST = -math.log(torch.finfo(torch.float32).tiny)


def _divisor(options: LossParameter, valid: int, total: int, batch: int, default: int) -> float:
    """What a loss is divided by: `normalization`, or what the older `normalize` stands for."""
    mode = options.normalization if options.HasField("normalization") else default
    if options.HasField("normalize") and not options.HasField("normalization"):
        mode = LossParameter.VALID if options.normalize else LossParameter.BATCH_SIZE
    divisors = {
        LossParameter.FULL: total,
        LossParameter.VALID: valid,
        LossParameter.BATCH_SIZE: batch,
        LossParameter.NONE: 1,
    }
    return max(1.0, divisors[mode])


def _scores(x: Tensor, label: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Scores with the classes' axis last, (labels, classes), and the labels, (labels)."""
    scores = x.movedim(axis, -1)
    return scores.reshape(-1, scores.shape[-1]), label.reshape(-1).long()


def _counted(label: Tensor, options) -> Tensor:
    """Which labels count: all but the ignored one."""
    if not options.HasField("ignore_label"):
        return torch.ones_like(label, dtype=torch.bool)
    return label.long() != options.ignore_label


def softmax_loss(layer: Layer, x: Tensor, label: Tensor) -> Tensor:
    """The mean negative logarithm of the probability of the right class, or of the least one that
    is a normal float; the gradient is the same."""
    axis, options = layer.proto.softmax_param.axis % x.dim(), layer.proto.loss_param
    scores, labels = _scores(x, label, axis)
    counts = _counted(labels, options)
    losses = F.cross_entropy(scores[counts], labels[counts], reduction="none")
    losses = losses - (losses - LARGEST).clamp(min=0).detach()
    batch = x.shape[:axis].numel()
    valid = int(counts.sum())
    return losses.sum() / _divisor(options, valid, labels.numel(), batch, LossParameter.VALID)


def sigmoid_loss(layer: Layer, x: Tensor, target: Tensor) -> Tensor:
    """The cross entropy of sigmoids, each a probability of its own."""
    options = layer.proto.loss_param
    counts = _counted(target, options)
    losses = F.binary_cross_entropy_with_logits(x[counts], target[counts], reduction="sum")
    valid = int(counts.sum())
    return losses / _divisor(options, valid, x.numel(), len(x), LossParameter.BATCH_SIZE)


def euclidean_loss(_: Layer, x: Tensor, y: Tensor) -> Tensor:
    """Half the mean squared distance."""
    return ((x.flatten() - y.flatten()) ** 2).sum() / (2 * len(x))


def hinge_loss(layer: Layer, x: Tensor, label: Tensor) -> Tensor:
    """By how much the right class misses 1 and the others -1, or its square."""
    scores = x.flatten(1)
    right = F.one_hot(label.flatten().long(), scores.shape[1]).bool()
    missing = torch.relu(1 + torch.where(right, -scores, scores))
    return (missing**layer.proto.hinge_loss_param.norm).sum() / len(x)


def accuracy(layer: Layer, x: Tensor, label: Tensor) -> Tensor:
    """The share of labels with fewer than top_k classes of at least their score."""
    options = layer.proto.accuracy_param
    scores, labels = _scores(x, label, options.axis)
    counts = _counted(labels, options)
    scores, labels = scores[counts], labels[counts]
    others = (scores >= scores.gather(1, labels[:, None])).sum(1) - 1
    return (others < options.top_k).to(x.dtype).sum() / max(1, labels.numel())


LOSSES: dict[str, Function] = {
    "Accuracy": accuracy,
    "EuclideanLoss": euclidean_loss,
    "HingeLoss": hinge_loss,
    "SigmoidCrossEntropyLoss": sigmoid_loss,
    "Softmax": lambda layer, x: x.softmax(layer.proto.softmax_param.axis),
    "SoftmaxWithLoss": softmax_loss,
}
