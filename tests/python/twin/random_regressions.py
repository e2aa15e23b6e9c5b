"""Losses that measure distances, with random options and targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.growing import GrowingNet


def labels(net: GrowingNet, values: np.ndarray) -> str:
    """A blob of data for the next layer alone."""
    return net.dataset(f"labels{len(net.layers)}", values)


def weight(net: GrowingNet) -> dict[str, Any]:
    """A loss_weight, now and then."""
    return {"loss_weight": [net.choose(0.3, 2.0)]} if net.chance(0.4) else {}


def euclidean(net: GrowingNet, x: str) -> str | None:
    """From another blob, or from data."""
    others = [name for name in net.alike(x) if name != x]
    if others and net.chance(0.4):
        return net.add("EuclideanLoss", [x, net.choose(*others)], **weight(net))
    target = labels(net, net.rng.normal(size=(net.rows, *net.shape(x)[1:])))
    return net.add("EuclideanLoss", [x, target], **weight(net))


def contrastive(net: GrowingNet, x: str) -> str | None:
    """Of the rows of two blobs."""
    others = [name for name in net.alike(x) if name != x]
    if not others or any(size != 1 for size in net.shape(x)[2:]):
        return None
    options = {"margin": net.choose(1.0, 3.0), "legacy_version": net.chance(0.4)}
    bottoms = [x, net.choose(*others), labels(net, net.rng.integers(0, 2, net.rows))]
    return net.add("ContrastiveLoss", bottoms, contrastive_loss_param=options, **weight(net))


def geometric(net: GrowingNet, x: str) -> str | None:
    """Of images; any channels of a pixel share their errors."""
    channels = net.shape(x)[1]
    options = {"num_dim": net.choose(*(d for d in range(1, channels + 1) if channels % d == 0))}
    target = labels(net, net.rng.normal(size=(net.rows, *net.shape(x)[1:])))
    fields = {"geometric_loss_param": options, "loss_weight": [0.1]}
    return net.add("GeometricLoss", [x, target], **fields)


def dcme(net: GrowingNet, x: str) -> str | None:
    """Of images; with weights of pixels or of outputs, or without."""
    shape = net.shape(x)[1:]
    options: dict[str, Any] = {"normalization": net.choose("BATCH", "FULL", "NONE")}
    if net.chance(0.6):
        options["amplitude"] = net.choose(0.5, 2.0)
    bottoms = [x, labels(net, net.rng.normal(size=(net.rows, *shape)))]
    if net.chance(0.6):
        weighed = (net.rows, net.choose(1, shape[0]), *shape[1:])
        name = f"weights{len(net.layers)}"
        bottoms.append(net.dataset(name, net.rng.choice([0, 0, 0.5, 1], weighed)))
    many = net.values[x].numel()
    factor = {"FULL": 1.0, "BATCH": 10 / many, "NONE": 3 / many}[options["normalization"]]
    return net.add("DCMELoss", bottoms, dcme_loss_param=options, loss_weight=[factor])
