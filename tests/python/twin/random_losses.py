"""Losses with random options and labels, for the blobs in which a random net ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.growing import GrowingNet
from twin.random_regressions import contrastive, dcme, euclidean, geometric, labels, weight

IGNORED = 255
# The stage of layers that only some test nets have.
MORE = "more"


def loss(net: GrowingNet, x: str) -> str | None:
    """A loss of any kind that fits the blob; for one of other rows than the batch a sum."""
    shape = net.shape(x)
    if not shape:
        return net.add("Power", [x], power_param={"power": 2}, loss_weight=[0.5])
    if shape[0] != net.batch:
        return _summed(net, x)
    kinds = [_summed, euclidean, euclidean, _sigmoid]
    if len(shape) > 1:
        kinds += [_softmax, _softmax, _softmax, _hinge, _infogain, contrastive, _logistic]
    if len(shape) == 4:
        kinds += [geometric, dcme, dcme]
    return net.choose(*kinds)(net, x)


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


def _sigmoid(net: GrowingNet, x: str) -> str | None:
    values = net.rng.integers(0, 2, (net.rows, *net.shape(x)[1:]))
    ignoring = net.chance(0.4)
    if ignoring:
        values[net.rng.random(values.shape) < 0.3] = IGNORED
    options = {"loss_param": _normalized(net, ignoring)} | weight(net)
    return net.add("SigmoidCrossEntropyLoss", [x, labels(net, values)], **options)


def _classes(net: GrowingNet, x: str) -> tuple[int, np.ndarray, bool]:
    """The axis of the classes, random labels, and whether some of these are ignored."""
    shape = net.shape(x)
    axis = net.choose(1, 1, int(net.rng.integers(1, len(shape))))
    values = net.rng.integers(0, shape[axis], (net.rows, *shape[1:axis], *shape[axis + 1 :]))
    ignoring = net.chance(0.4)
    if ignoring:
        values[net.rng.random(values.shape) < 0.3] = IGNORED
    return axis, values, ignoring


def _softmax(net: GrowingNet, x: str) -> str | None:
    axis, values, ignoring = _classes(net, x)
    classes, options = net.shape(x)[axis], _normalized(net, ignoring)
    bottoms = [x, labels(net, values)]
    if net.chance(0.4):
        measured: dict[str, Any] = {"top_k": net.choose(1, min(2, classes)), "axis": axis}
        measured |= {"ignore_label": IGNORED} if ignoring else {}
        only = net.choose([], [{"phase": "TEST"}], [{"phase": "TEST", "stage": [MORE]}])
        net.add("Accuracy", bottoms, accuracy_param=measured, include=only)
    if net.chance(0.2):
        options["weight_by_label_freqs"] = True
    elif net.chance(0.2):
        options["class_weighting"] = [net.choose(0.0, 0.5, 1.0, 3.0) for _ in range(classes)]
    fields = {"softmax_param": {"axis": axis}, "loss_param": options} | weight(net)
    return net.add("SoftmaxWithLoss", bottoms, **fields)


def _infogain(net: GrowingNet, x: str) -> str | None:
    axis, values, ignoring = _classes(net, x)
    classes = net.shape(x)[axis]
    gain = net.add(
        "Parameter",
        [],
        parameter_param={"shape": {"dim": [1, 1, classes, classes]}},
        param=[{"lr_mult": 0}],
    )
    if not gain:
        return None
    bottoms = [x, labels(net, values), net.hide(gain)]
    fields = {"infogain_loss_param": {"axis": axis}, "loss_param": _normalized(net, ignoring)}
    return net.add("InfogainLoss", bottoms, **fields, **weight(net))


def _logistic(net: GrowingNet, x: str) -> str | None:
    if len(net.shape(x)) != 2:
        return None
    probabilities = net.add("Softmax", [x])
    if not probabilities:
        return None
    right = labels(net, net.rng.integers(0, net.shape(x)[1], net.rows))
    return net.add("MultinomialLogisticLoss", [net.hide(probabilities), right], **weight(net))


def _hinge(net: GrowingNet, x: str) -> str | None:
    right = labels(net, net.rng.integers(0, np.prod(net.shape(x)[1:]), net.rows))
    options = {"norm": net.choose("L1", "L2")}
    return net.add("HingeLoss", [x, right], hinge_loss_param=options, **weight(net))
