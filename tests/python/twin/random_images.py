"""Layers of images with random options, as `random_layers` has those of all blobs."""

from __future__ import annotations

from typing import Any

from twin.growing import GrowingNet
from twin.random_layers import (
    Draw,
    activation,
    batch_norm,
    eltwise,
    relu,
    scale,
    with_parameters,
)

OF_IMAGES = range(4, 5)


def _window(net: GrowingNet, axes: int, **values: tuple[int, ...]) -> dict[str, Any]:
    """Options of a convolution's window: one for all axes, one for each, or height and width."""
    options: dict[str, Any] = {}
    for name, choices in values.items():
        each = [net.choose(*choices) for _ in range(axes)]
        if axes == 2 and name != "dilation" and net.chance(0.2):
            stem = name.replace("_size", "")
            options |= {f"{stem}_h": each[0], f"{stem}_w": each[1]}
        else:
            options[name] = each if net.chance(0.2) else each[:1]
    return options


def _convolution(net: GrowingNet, x: str, type: str) -> str | None:
    channels = net.shape(x)[1]
    divisors = [d for d in range(1, channels + 1) if channels % d == 0]
    group = net.choose(1, 1, 1, channels, net.choose(*divisors))
    outputs = group * net.choose(1, 1, 2) if group > 1 else net.choose(1, 2, 3, 4, 6, 8, 9, 16)
    options = {
        "num_output": outputs,
        "group": group,
        "bias_term": net.chance(0.7),
        **_window(
            net,
            net.values[x].dim() - 2,
            kernel_size=(1, 1, 2, 3, 3, 3, 4, 5),
            stride=(1, 1, 1, 2, 3),
            pad=(0, 0, 1, 1, 2),
            dilation=(1, 1, 1, 1, 2),
        ),
    }
    if net.chance(0.08):
        both = [x, net.choose(*net.alike(x))]
        return net.add(type, both, tops=2, convolution_param=options)
    return with_parameters(net, type, x, convolution_param=options)


def convolution(net: GrowingNet, x: str) -> str | None:
    """Of any number of spatial axes; sometimes of two bottoms."""
    return _convolution(net, x, "Convolution")


def deconvolution(net: GrowingNet, x: str) -> str | None:
    """The same backwards."""
    return _convolution(net, x, "Deconvolution")


def same_size(net: GrowingNet, x: str) -> str | None:
    """A convolution whose top has the shape of its bottom."""
    options = {"num_output": net.shape(x)[1], "kernel_size": [3], "pad": [1]}
    return net.add("Convolution", [x], convolution_param=options)


def pooling(net: GrowingNet, x: str) -> str | None:
    """Of the maximum or the mean; sometimes of the whole image."""
    if net.chance(0.1):
        options = {"pool": net.choose("MAX", "AVE"), "global_pooling": True}
    else:
        options = _pooling_window(net) | {"pool": net.choose("MAX", "MAX", "AVE")}
    return net.add("Pooling", [x], pooling_param=options)


def _pooling_window(net: GrowingNet) -> dict[str, Any]:
    options: dict[str, Any] = {"stride": net.choose(1, 2, 2, 3)}
    if net.chance(0.2):
        options |= {"kernel_h": net.choose(2, 3), "kernel_w": net.choose(2, 3, 4)}
    else:
        options["kernel_size"] = net.choose(2, 2, 3, 4)
    if net.chance(0.3):
        options["pad"] = 1
    if net.chance(0.15):
        options["round_mode"] = "FLOOR"
    return options


def pooling_and_back(net: GrowingNet, x: str) -> str | None:
    """Pooling with its mask, layers that keep the size, and Upsample by the mask."""
    height, width = net.shape(x)[2:]
    pooled = net.add("Pooling", [x], tops=2, pooling_param=_pooling_window(net) | {"pool": "MAX"})
    if not pooled:
        return None
    mask = net.hide(pooled[:-1] + "y")
    for _ in range(net.choose(0, 1, 2)):
        pooled = net.choose(activation, batch_norm, same_size)(net, pooled) or pooled
    size = {"upsample_h": height, "upsample_w": width}
    return net.add("Upsample", [pooled, mask], upsample_param=size)


CHAINS: list[list[Draw]] = [
    [batch_norm],
    [batch_norm, relu],
    [batch_norm, relu, pooling],
    [batch_norm, batch_norm],
    [relu, pooling],
    [pooling, relu],
    [relu, activation],
    [scale, relu],
    [relu, same_size, relu],
    [relu, same_size, eltwise, relu],
]


def chain(net: GrowingNet, x: str) -> str | None:
    """A convolution and what usually follows one."""
    for draw in (convolution, *net.choose(*CHAINS)):
        x = draw(net, x) or x
        if net.values[x].dim() != 4:
            break
    return x


IMAGES: list[tuple[Draw, range]] = [
    (chain, OF_IMAGES),
    (convolution, OF_IMAGES),
    (deconvolution, OF_IMAGES),
    (pooling, OF_IMAGES),
    (pooling_and_back, OF_IMAGES),
]
