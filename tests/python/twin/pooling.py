"""Pooling, pyramids of it, and its inverse."""

from __future__ import annotations

import math

import torch
from caffe.proto.caffe_pb2 import PoolingParameter, SPPParameter
from torch import Tensor

from twin.convolution import sides
from twin.layer import Function, Layer


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
    return _pooled(x, kernel, stride, pad, floor, options.pool)


def _pooled(
    x: Tensor, kernel: list[int], stride: list[int], pad: list[int], floor: bool, method: int
) -> tuple[Tensor, ...]:
    rows, columns = (
        windows(x.shape[2 + i], kernel[i], stride[i], pad[i], any(pad), floor) for i in (0, 1)
    )
    if not rows or not columns:
        raise ValueError("the window is larger than the image")
    pooled = [_pool(x, row, column, method) for row in rows for column in columns]
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


def pyramid(layer: Layer, x: Tensor) -> Tensor:
    """An image pooled into 1, 2 x 2, 4 x 4, ... windows that cover it, and centre it, all of them
    as one vector; a single level as an image of one pixel."""
    options = layer.proto.spp_param
    method = {SPPParameter.MAX: PoolingParameter.MAX, SPPParameter.AVE: PoolingParameter.AVE}
    levels = []
    for level in range(options.pyramid_height):
        bins = 2**level
        kernel = [math.ceil(size / bins) for size in x.shape[2:]]
        pad = [(bins * kernel[i] - x.shape[2 + i] + 1) // 2 for i in (0, 1)]
        levels.append(_pooled(x, kernel, kernel, pad, False, method[options.pool])[0])
    if len(levels) == 1:
        return levels[0]
    return torch.cat([level.flatten(1) for level in levels], 1)


def upsample(layer: Layer, x: Tensor, mask: Tensor) -> Tensor:
    """Zeros but for the elements of x, where a pooling layer's mask says that they came from."""
    options = layer.proto.upsample_param
    size = (options.upsample_h, options.upsample_w)
    if not options.HasField("upsample_h"):
        both = options.scale
        scales = [
            getattr(options, f) if options.HasField(f) else both for f in ("scale_h", "scale_w")
        ]
        cut = (options.pad_out_h, options.pad_out_w)
        size = tuple(x.shape[2 + i] * scales[i] - cut[i] for i in (0, 1))
    if mask.max() >= math.prod(size):
        raise ValueError("a place outside of the image")
    empty = torch.zeros(*x.shape[:2], math.prod(size), dtype=x.dtype)
    return empty.scatter(2, mask.long().flatten(2), x.flatten(2)).unflatten(2, size)


POOLING: dict[str, Function] = {"Pooling": pooling, "SPP": pyramid, "Upsample": upsample}
