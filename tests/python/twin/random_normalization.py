"""Layers that normalise images, with random options."""

from __future__ import annotations

from twin.growing import GrowingNet


def lrn(net: GrowingNet, x: str) -> str | None:
    """Over channels or pixels."""
    options = {
        "local_size": net.choose(3, 5, 1, 7),
        "alpha": net.choose(1.0, 0.1, 5.0),
        "beta": net.choose(0.75, 0.5, 1.0),
        "k": net.choose(1.0, 2.0),
        "norm_region": net.choose("ACROSS_CHANNELS", "ACROSS_CHANNELS", "WITHIN_CHANNEL"),
    }
    return net.add("LRN", [x], lrn_param=options)


def mvn(net: GrowingNet, x: str) -> str | None:
    """Where no group of values is small, or nearly constant."""
    across = net.chance(0.4)
    groups = net.values[x].flatten(1 if across else 2)
    if groups.shape[-1] < 6 or float(groups.std(-1).min()) < 0.05:
        return None
    options = {"across_channels": across, "normalize_variance": net.chance(0.7)}
    if net.chance(0.4):
        options["eps"] = 0.1
    return net.add("MVN", [x], in_place=net.may_be_in_place(x), mvn_param=options)


def segnets_bn(net: GrowingNet, x: str) -> str | None:
    """Like batch_norm, mostly."""
    if net.values[x].numel() < 6 * net.shape(x)[1]:
        return None
    options = {"bn_mode": net.choose("LEARN", "LEARN", "LEARN", "INFERENCE")}
    return net.add("BN", [x], in_place=net.may_be_in_place(x), bn_param=options)
