"""Layers that change the shape of blobs, or reduce them."""

from __future__ import annotations

import torch
from caffe.proto.caffe_pb2 import ReductionParameter
from torch import Tensor

from twin.layer import Function, Layer


def slices(layer: Layer, x: Tensor) -> tuple[Tensor, ...]:
    """Pieces along an axis, cut at points or equally long."""
    options = layer.proto.slice_param
    size, count = x.shape[options.axis], len(layer.proto.top)
    if not options.slice_point and size % count:
        raise ValueError("no equal pieces")
    points = options.slice_point or range(size // count, size, size // count)
    return torch.tensor_split(x, list(points), options.axis)


def reshape(layer: Layer, x: Tensor) -> Tensor:
    """num_axes axes from one on with other sizes: 0 is the old one, -1 what is left."""
    options = layer.proto.reshape_param
    begin = options.axis if options.axis >= 0 else x.dim() + options.axis + 1
    end = x.dim() if options.num_axes == -1 else begin + options.num_axes
    sizes = [x.shape[begin + i] if size == 0 else size for i, size in enumerate(options.shape.dim)]
    return x.reshape(*x.shape[:begin], *sizes, *x.shape[end:])


def reduction(layer: Layer, x: Tensor) -> Tensor:
    """One number for all that an axis and those behind it hold."""
    options = layer.proto.reduction_param
    rows = x.flatten(options.axis)
    return options.coeff * {
        ReductionParameter.SUM: rows,
        ReductionParameter.ASUM: rows.abs(),
        ReductionParameter.SUMSQ: rows**2,
        ReductionParameter.MEAN: rows / rows.shape[-1],
    }[options.operation].sum(-1)


SHAPES: dict[str, Function] = {
    "Concat": lambda layer, *bottoms: torch.cat(bottoms, layer.proto.concat_param.axis),
    "Flatten": lambda layer, x: x.flatten(
        layer.proto.flatten_param.axis, layer.proto.flatten_param.end_axis
    ),
    "Reduction": reduction,
    "Reshape": reshape,
    "Silence": lambda *_: (),
    "Slice": slices,
}
