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


def crop(layer: Layer, x: Tensor, like: Tensor) -> Tensor:
    """The part of x, from an offset on, that has the size of another blob from an axis on."""
    options = layer.proto.crop_param
    first = options.axis % x.dim()
    offsets = list(options.offset) or [0]
    offsets = offsets * (x.dim() - first) if len(offsets) == 1 else offsets
    for axis, offset in enumerate(offsets, first):
        if offset + like.shape[axis] > x.shape[axis]:
            raise ValueError("the part is not inside")
        x = x.narrow(axis, offset, like.shape[axis])
    return x


def tile(layer: Layer, x: Tensor) -> Tensor:
    """Copies behind each other along an axis."""
    options = layer.proto.tile_param
    return torch.cat([x] * options.tiles, options.axis)


def filtered(layer: Layer, *bottoms: Tensor) -> tuple[Tensor, ...]:
    """The rows for which the last bottom is not 0."""
    *values, selector = bottoms
    return tuple(x[selector.flatten() != 0] for x in values)


def arg_max(layer: Layer, x: Tensor) -> Tensor:
    """The places of the largest elements along an axis, or of an item; of equal ones the last is
    the first. Or their values; of an item both."""
    options = layer.proto.argmax_param
    along_axis = options.HasField("axis")
    rows = x.detach().movedim(options.axis, -1) if along_axis else x.detach().flatten(1)
    values, places = torch.sort(rows.flip(-1), dim=-1, descending=True, stable=True)
    values = values[..., : options.top_k]
    places = (rows.shape[-1] - 1 - places[..., : options.top_k]).to(x.dtype)
    if along_axis:
        return (values if options.out_max_val else places).movedim(-1, options.axis)
    return torch.stack([places, values] if options.out_max_val else [places], 1)


SHAPES: dict[str, Function] = {
    "ArgMax": arg_max,
    "BatchReindex": lambda _, x, rows: x[rows.long().flatten()],
    "Concat": lambda layer, *bottoms: torch.cat(bottoms, layer.proto.concat_param.axis),
    "Crop": crop,
    "Filter": filtered,
    "Flatten": lambda layer, x: x.flatten(
        layer.proto.flatten_param.axis, layer.proto.flatten_param.end_axis
    ),
    "Reduction": reduction,
    "Reshape": reshape,
    "Silence": lambda *_: (),
    "Slice": slices,
    "Tile": tile,
}
