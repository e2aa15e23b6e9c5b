"""Softmax, the losses, and Accuracy."""

from __future__ import annotations

import math

import torch
from caffe.proto.caffe_pb2 import LossParameter
from torch import Tensor
from torch.nn import functional as F

from twin.layer import Function, Layer

# The least probability that SoftmaxWithLoss takes the logarithm of, and the one of other losses.
TINY, LEAST = torch.finfo(torch.float32).tiny, 1e-20


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


def _limited(losses: Tensor, largest: float) -> Tensor:
    """Losses that are no larger, with the gradients of those that may be."""
    return losses - (losses - largest).clamp(min=0).detach()


def _class_weights(options: LossParameter, labels: Tensor, scores: Tensor) -> Tensor | None:
    """What a class's positions count: as told, or the median of the classes' frequencies by its."""
    if options.class_weighting:
        return torch.tensor(list(options.class_weighting)).to(scores)
    if not options.weight_by_label_freqs:
        return None
    found = labels.bincount(minlength=scores.shape[1]).to(scores)
    return found[found > 0].quantile(0.5) / found if len(labels) else found


def softmax_loss(layer: Layer, x: Tensor, label: Tensor) -> Tensor:
    """The mean negative logarithm of the probability of the right class, or of the least one that
    is a normal float; the gradient is the same."""
    axis, options = layer.proto.softmax_param.axis % x.dim(), layer.proto.loss_param
    scores, labels = _scores(x, label, axis)
    counts = _counted(labels, options)
    losses = F.cross_entropy(scores[counts], labels[counts], reduction="none")
    losses = _limited(losses, -math.log(TINY))
    weights = _class_weights(options, labels[counts], scores)
    if weights is not None:
        losses = losses * weights[labels[counts]]
    batch = x.shape[:axis].numel()
    valid = int(counts.sum())
    return losses.sum() / _divisor(options, valid, labels.numel(), batch, LossParameter.VALID)


def infogain_loss(layer: Layer, x: Tensor, label: Tensor, gain: Tensor) -> Tensor:
    """The mean of the negative logarithms of all probabilities, weighed by the label's row."""
    axis, options = layer.proto.infogain_loss_param.axis % x.dim(), layer.proto.loss_param
    scores, labels = _scores(x, label, axis)
    counts = _counted(labels, options)
    rows = gain.reshape(scores.shape[1], -1)[labels[counts]]
    loss = (rows * _limited(-scores[counts].log_softmax(1), -math.log(LEAST))).sum()
    batch, valid = x.shape[:axis].numel(), int(counts.sum())
    return loss / _divisor(options, valid, labels.numel(), batch, LossParameter.VALID)


def logistic_loss(_: Layer, probabilities: Tensor, label: Tensor) -> Tensor:
    """The mean negative logarithm of the right class's probability, if that is not too small."""
    right = probabilities.flatten(1).gather(1, label.long().reshape(-1, 1))
    limited = right.detach().clamp(min=LEAST)
    return -(torch.log(limited) + (right - right.detach()) / limited).sum() / len(right)


def sigmoid_loss(layer: Layer, x: Tensor, target: Tensor) -> Tensor:
    """The cross entropy of sigmoids, each a probability of its own."""
    options = layer.proto.loss_param
    counts = _counted(target, options)
    targets = target[counts].detach()
    losses = F.binary_cross_entropy_with_logits(x[counts], targets, reduction="sum")
    valid = int(counts.sum())
    return losses / _divisor(options, valid, x.numel(), len(x), LossParameter.BATCH_SIZE)


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
    "HingeLoss": hinge_loss,
    "InfogainLoss": infogain_loss,
    "MultinomialLogisticLoss": logistic_loss,
    "SigmoidCrossEntropyLoss": sigmoid_loss,
    "Softmax": lambda layer, x: x.softmax(layer.proto.softmax_param.axis),
    "SoftmaxWithLoss": softmax_loss,
}
