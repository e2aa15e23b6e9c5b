"""Layers of images with random options, as `random_layers` has those of all blobs."""

from __future__ import annotations

import math
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
from twin.random_normalization import lrn, mvn, segnets_bn
from twin.random_resizing import crop, im2col, interp, pyramid, window

OF_IMAGES = range(4, 5)


def _convolution(net: GrowingNet, x: str, type: str) -> str | None:
    channels = net.shape(x)[1]
    divisors = [d for d in range(1, channels + 1) if channels % d == 0]
    group = net.choose(1, 1, 1, channels, net.choose(*divisors))
    outputs = group * net.choose(1, 1, 2) if group > 1 else net.choose(1, 2, 3, 4, 6, 8, 9, 16)
    options = {
        "num_output": outputs,
        "group": group,
        "bias_term": net.chance(0.7),
        **window(
            net,
            net.values[x].dim() - 2,
            kernel_size=(1, 1, 2, 3, 3, 3, 4, 5),
            stride=(1, 1, 1, 2, 3),
            pad=(0, 0, 1, 1, 2),
            dilation=(1, 1, 1, 1, 2),
        ),
    }
    if net.chance(0.1):
        options |= net.choose(
            {"engine": "CAFFE"}, {"force_nd_im2col": True}, {"axis": 1 - len(net.shape(x))}
        )
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
    if net.nearly_equal(x):
        return None
    if net.chance(0.1):
        options = {"pool": net.choose("MAX", "AVE"), "global_pooling": True}
    else:
        options = _pooling_window(net) | {"pool": net.choose("MAX", "MAX", "AVE")}
    return net.add("Pooling", [x], pooling_param=options)


def _pooling_window(net: GrowingNet) -> dict[str, Any]:
    options: dict[str, Any] = {"stride": net.choose(1, 2, 2, 3)}
    if net.chance(0.1):
        options = {"stride_h": net.choose(1, 2, 3), "stride_w": net.choose(1, 2, 3)}
    if net.chance(0.2):
        options |= {"kernel_h": net.choose(2, 3), "kernel_w": net.choose(2, 3, 4)}
    else:
        options["kernel_size"] = net.choose(2, 2, 3, 4)
    if net.chance(0.3):
        options |= net.choose({"pad": 1}, {"pad": 1}, {"pad_h": 1, "pad_w": 0})
    if net.chance(0.15):
        options["round_mode"] = "FLOOR"
    return options


def pooling_and_back(net: GrowingNet, x: str) -> str | None:
    """Pooling with its mask, layers that keep the size, and Upsample by the mask."""
    if net.nearly_equal(x):
        return None
    height, width = net.shape(x)[2:]
    pooled = net.add("Pooling", [x], tops=2, pooling_param=_pooling_window(net) | {"pool": "MAX"})
    if not pooled:
        return None
    mask = net.hide(pooled[:-1] + "y")
    for _ in range(net.choose(0, 1, 2)):
        pooled = net.choose(activation, batch_norm, same_size)(net, pooled) or pooled
    options = _upsampled(net, (height, width), net.shape(pooled)[2:])
    return net.add("Upsample", [pooled, mask], upsample_param=options)


def _upsampled(net: GrowingNet, size: tuple[int, ...], pooled: tuple[int, ...]) -> dict[str, Any]:
    """The size before pooling, or by a scale what has at least as many pixels."""
    if net.chance(0.4):
        scales = [math.ceil(a / b) for a, b in zip(size, pooled)]
        cut = [int(net.chance(0.3)) for _ in size]
        if math.prod(s * b - c for s, b, c in zip(scales, pooled, cut)) >= math.prod(size):
            options: dict[str, Any] = {"scale_h": scales[0], "scale_w": scales[1]}
            if scales[0] == scales[1]:
                options = {"scale": scales[0]}
            return options | {"pad_out_h": bool(cut[0]), "pad_out_w": bool(cut[1])}
    return {"upsample_h": size[0], "upsample_w": size[1]}


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
    [relu, lrn],
    [lrn, pooling],
    [mvn, relu],
    [segnets_bn, relu],
    [segnets_bn, relu, pooling],
    [crop],
    [scale],
    [scale, relu, pooling],
]


def wide_convolution(net: GrowingNet, x: str) -> str | None:
    """3x3, of as many channels as Winograd's algorithm is for."""
    dilation = net.choose(1, 1, 1, 1, 2, 3)
    options: dict[str, Any] = {
        "num_output": net.choose(16, 32, 32, 32, 33, 40, 48, 64),
        "kernel_size": [3],
        "pad": [net.choose(dilation, dilation, dilation, 0, 1)],
        "bias_term": net.chance(0.7),
    }
    if dilation > 1:
        options["dilation"] = [dilation]
    return with_parameters(net, "Convolution", x, convolution_param=options)


def wide_chain(net: GrowingNet, x: str) -> str | None:
    """The same of many channels."""
    for draw in (wide_convolution, *net.choose(*CHAINS, [relu], [relu], [])):
        x = draw(net, x) or x
        if net.values[x].dim() != 4:
            break
    return x


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
    (lrn, OF_IMAGES),
    (mvn, OF_IMAGES),
    (segnets_bn, OF_IMAGES),
    (im2col, OF_IMAGES),
    (pyramid, OF_IMAGES),
    (crop, OF_IMAGES),
    (interp, OF_IMAGES),
]
WIDE: list[tuple[Draw, range]] = [
    (wide_chain, OF_IMAGES),
    (wide_chain, OF_IMAGES),
    (wide_chain, OF_IMAGES),
    (pooling, OF_IMAGES),
    (pooling_and_back, OF_IMAGES),
    (eltwise, OF_IMAGES),
]
