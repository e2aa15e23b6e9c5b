"""Layers that move a window over images and learn: Convolution, Deconvolution; and Im2col."""

from __future__ import annotations

import math

from google.protobuf.message import Message
from torch import Tensor
from torch.nn import functional as F

from twin.layer import Function, Layer


def sides(options: Message, name: str, axes: int, default: int) -> list[int]:
    """An option of each spatial axis: kernel_h and kernel_w, or kernel_size, once or for each."""
    stem = name.replace("_size", "")
    if name != "dilation" and options.HasField(f"{stem}_h"):
        return [getattr(options, f"{stem}_h"), getattr(options, f"{stem}_w")]
    value = getattr(options, name)
    given = [value] if isinstance(value, int) else list(value) or [default]
    return given * axes if len(given) == 1 else given


def spread(inputs: float) -> float:
    """The deviation of random weights whose products with so many inputs are about 1."""
    return 1.2 / math.sqrt(max(1.0, inputs))


def convolution(layer: Layer, *bottoms: Tensor) -> tuple[Tensor, ...]:
    """Each bottom (N, C, ...) convolved with the same weights (K, C / group, ...)."""
    options = layer.proto.convolution_param
    tops = []
    for x in bottoms:
        axes = x.dim() - 2
        kernel = sides(options, "kernel_size", axes, 1)
        channels = x.shape[1] // options.group
        shape = (options.num_output, channels, *kernel)
        weights = layer.parameter(0, shape, spread(channels * math.prod(kernel)))
        bias = layer.parameter(1, shape[:1], 0.3) if options.bias_term else None
        stride = sides(options, "stride", axes, 1)
        pad = sides(options, "pad", axes, 0)
        dilation = sides(options, "dilation", axes, 1)
        convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
        tops.append(convolve(x, weights, bias, stride, pad, dilation, options.group))
    return tuple(tops)


def deconvolution(layer: Layer, *bottoms: Tensor) -> tuple[Tensor, ...]:
    """Each bottom (N, C, ...) through the transpose of a convolution, (C, K / group, ...)."""
    options = layer.proto.convolution_param
    tops = []
    for x in bottoms:
        axes = x.dim() - 2
        kernel = sides(options, "kernel_size", axes, 1)
        stride = sides(options, "stride", axes, 1)
        shape = (x.shape[1], options.num_output // options.group, *kernel)
        inputs = x.shape[1] / options.group * math.prod(kernel) / math.prod(stride)
        weights = layer.parameter(0, shape, spread(inputs))
        bias = layer.parameter(1, (options.num_output,), 0.3) if options.bias_term else None
        pad = sides(options, "pad", axes, 0)
        dilation = sides(options, "dilation", axes, 1)
        transposed = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[axes - 1]
        tops.append(transposed(x, weights, bias, stride, pad, 0, options.group, dilation))
    return tuple(tops)


def im2col(layer: Layer, x: Tensor) -> Tensor:
    """The values in each place of a convolution's window, as channels (N, C kh kw, h, w)."""
    options = layer.proto.convolution_param
    kernel = sides(options, "kernel_size", 2, 1)
    stride, pad = sides(options, "stride", 2, 1), sides(options, "pad", 2, 0)
    dilation = sides(options, "dilation", 2, 1)
    size = [
        (x.shape[2 + i] + 2 * pad[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i in (0, 1)
    ]
    return F.unfold(x, kernel, dilation, pad, stride).unflatten(2, size)


CONVOLUTION: dict[str, Function] = {
    "Convolution": convolution,
    "Deconvolution": deconvolution,
    "Im2col": im2col,
}
