"""Losses with random options and labels, for the blobs in which a random net ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.growing import GrowingNet

IGNORED = 255


def loss(net: GrowingNet, x: str) -> str | None:
    """A loss of any kind that fits the blob; for one of other rows than the batch a sum."""
    shape = net.shape(x)
    if not shape:
        return net.add("Power", [x], power_param={"power": 2}, loss_weight=[0.5])
    if shape[0] != net.batch:
        return _summed(net, x)
    kinds = [_summed, _euclidean, _euclidean, _sigmoid]
    if len(shape) > 1:
        kinds += [_softmax, _softmax, _softmax, _hinge]
    return net.choose(*kinds)(net, x)


def _weight(net: GrowingNet) -> dict[str, Any]:
    return {"loss_weight": [net.choose(0.3, 2.0)]} if net.chance(0.4) else {}


def _labels(net: GrowingNet, values: np.ndarray) -> str:
    return net.dataset(f"labels{len(net.layers)}", values)


def _normalized(net: GrowingNet, ignoring: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"ignore_label": IGNORED} if ignoring else {}
    if net.chance(0.4):
        options["normalization"] = net.choose("FULL", "VALID", "BATCH_SIZE")
    elif net.chance(0.3):
        options["normalize"] = net.chance(0.5)
    return options


def _summed(net: GrowingNet, x: str) -> str | None:
    operation = net.choose("SUM", "SUMSQ", "ASUM", "MEAN")
    options = {"operation": operation, "coeff": 1 / net.values[x].numel()}
    return net.add("Reduction", [x], reduction_param=options, loss_weight=[net.choose(1.0, 0.5)])


def _euclidean(net: GrowingNet, x: str) -> str | None:
    others = [name for name in net.alike(x) if name != x]
    if others and net.chance(0.4):
        return net.add("EuclideanLoss", [x, net.choose(*others)], **_weight(net))
    target = _labels(net, net.rng.normal(size=(net.rows, *net.shape(x)[1:])))
    return net.add("EuclideanLoss", [x, target], **_weight(net))


def _sigmoid(net: GrowingNet, x: str) -> str | None:
    values = net.rng.integers(0, 2, (net.rows, *net.shape(x)[1:]))
    ignoring = net.chance(0.4)
    if ignoring:
        values[net.rng.random(values.shape) < 0.3] = IGNORED
    options = {"loss_param": _normalized(net, ignoring)} | _weight(net)
    return net.add("SigmoidCrossEntropyLoss", [x, _labels(net, values)], **options)


def _softmax(net: GrowingNet, x: str) -> str | None:
    shape = net.shape(x)
    axis = net.choose(1, 1, int(net.rng.integers(1, len(shape))))
    values = net.rng.integers(0, shape[axis], (net.rows, *shape[1:axis], *shape[axis + 1 :]))
    ignoring = net.chance(0.4)
    if ignoring:
        values[net.rng.random(values.shape) < 0.3] = IGNORED
    options = _normalized(net, ignoring)
    bottoms = [x, _labels(net, values)]
    if net.chance(0.4):
        measured: dict[str, Any] = {"top_k": net.choose(1, min(2, shape[axis])), "axis": axis}
        measured |= {"ignore_label": IGNORED} if ignoring else {}
        only = net.choose([], [{"phase": "TEST"}])
        net.add("Accuracy", bottoms, accuracy_param=measured, include=only)
    fields = {"softmax_param": {"axis": axis}, "loss_param": options} | _weight(net)
    return net.add("SoftmaxWithLoss", bottoms, **fields)


def _hinge(net: GrowingNet, x: str) -> str | None:
    labels = _labels(net, net.rng.integers(0, np.prod(net.shape(x)[1:]), net.rows))
    options = {"norm": net.choose("L1", "L2")}
    return net.add("HingeLoss", [x, labels], hinge_loss_param=options, **_weight(net))
