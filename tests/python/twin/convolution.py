"""Layers that move a window over images: Convolution, Deconvolution, Pooling and its inverse."""

from __future__ import annotations

import math

import torch
from caffe.proto.caffe_pb2 import PoolingParameter
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


def windows(
    size: int, kernel: int, stride: int, pad: int, padded: bool, floor: bool
) -> list[range]:
    """The windows along an axis, the padding before and behind included: from -pad on.

    Their number is rounded up, unless told otherwise; with padding on any axis, a last one that
    begins behind the image and its padding in front is left out.
    """
    steps = (size + 2 * pad - kernel) / stride
    count = (math.floor(steps) if floor else math.ceil(steps)) + 1
    if padded and (count - 1) * stride >= size + pad:
        count -= 1
    starts = [i * stride - pad for i in range(count)]
    return [range(start, min(start + kernel, size + pad)) for start in starts]


def pooling(layer: Layer, x: Tensor) -> tuple[Tensor, ...]:
    """The largest of each window and its place in the image, or the mean, padding counted as 0."""
    options = layer.proto.pooling_param
    kernel, stride, pad = list(x.shape[2:]), [1, 1], [0, 0]
    if not options.global_pooling:
        kernel = sides(options, "kernel_size", 2, 1)
        stride = sides(options, "stride", 2, 1)
        pad = sides(options, "pad", 2, 0)
    floor = options.round_mode == PoolingParameter.FLOOR
    rows, columns = (
        windows(x.shape[2 + i], kernel[i], stride[i], pad[i], any(pad), floor) for i in (0, 1)
    )
    if not rows or not columns:
        raise ValueError("the window is larger than the image")
    pooled = [_pool(x, row, column, options.pool) for row in rows for column in columns]
    size = (*x.shape[:2], len(rows), len(columns))
    return tuple(torch.stack(values, 2).reshape(size) for values in zip(*pooled))


def _pool(x: Tensor, rows: range, columns: range, method: int) -> tuple[Tensor, ...]:
    top, left = max(rows.start, 0), max(columns.start, 0)
    inside = x[:, :, top : rows.stop, left : columns.stop]
    if inside.numel() == 0:
        raise ValueError("a window of padding alone")
    if method == PoolingParameter.AVE:
        return (inside.sum((2, 3)) / (len(rows) * len(columns)),)
    values, where = inside.flatten(2).max(2)  # of equal ones the first
    width = inside.shape[3]
    place = (top + where // width) * x.shape[3] + left + where % width
    return values, place.to(x.dtype)


def upsample(layer: Layer, x: Tensor, mask: Tensor) -> Tensor:
    """Zeros but for the elements of x, where a pooling layer's mask says that they came from."""
    options = layer.proto.upsample_param
    size = (options.upsample_h, options.upsample_w)
    empty = torch.zeros(*x.shape[:2], math.prod(size), dtype=x.dtype)
    return empty.scatter(2, mask.long().flatten(2), x.flatten(2)).unflatten(2, size)


CONVOLUTION: dict[str, Function] = {
    "Convolution": convolution,
    "Deconvolution": deconvolution,
    "Pooling": pooling,
    "Upsample": upsample,
}
