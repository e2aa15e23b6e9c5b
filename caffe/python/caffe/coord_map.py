"""How positions in one top of a NetSpec map to positions in another, and the Crop that follows.

A map is (axis, scale, shift): position x of the first top lies over scale * x + shift of the
second, on the spatial axes from `axis` on; axis None stands for "any", as element-wise layers have.

>>> n.score = crop(n.upscore, n.data)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Union

import numpy as np

from .net_spec import Function, Top, layers

Number = Union[int, float, Any]
Map = tuple[Union[int, None], Number, Number]

IDENTITY: Map = (None, 1, 0)
WINDOWED = ("Convolution", "Pooling", "Im2col")
POSITION_KEEPING = frozenset(
    "AbsVal BatchNorm Bias BNLL Clip Dropout Eltwise ELU Exp Log LRN MVN Power PReLU ReLU Scale "
    "Sigmoid Split Swish TanH Threshold".split()
)


class UndefinedMapException(Exception):
    """A layer has no coordinate map."""


class AxisMismatchException(Exception):
    """Two maps begin at different axes."""


def _params(fn: Function, field: str) -> Mapping[str, Any]:
    params: Mapping[str, Any] = fn.params.get(field, fn.params)
    return params


def _spatial(params: Mapping[str, Any], name: str, default: int) -> Any:
    """A value for each spatial axis, however it was given: kernel_size or kernel_h, kernel_w."""
    short = name.split("_")[0]
    pair = [params.get(f"{short}_{axis}") for axis in "hw"]
    if None not in pair:
        return np.array(pair)
    return np.array(params.get(name, default), ndmin=1)


def conv_params(fn: Function) -> tuple[int, Any, Any, Any]:
    """Return first axis, stride, extent of the (dilated) kernel and padding of a windowed layer."""
    params = _params(fn, "pooling_param" if fn.type_name == "Pooling" else "convolution_param")
    extent = (_spatial(params, "kernel_size", 1) - 1) * _spatial(params, "dilation", 1) + 1
    return params.get("axis", 1), _spatial(params, "stride", 1), extent, _spatial(params, "pad", 0)


def crop_params(fn: Function) -> tuple[int, Any]:
    """Return first axis and offsets of a Crop layer."""
    params = _params(fn, "crop_param")
    return params.get("axis", 2), np.array(params.get("offset", 0), ndmin=1)


def coord_map(fn: Function) -> Map:
    """Return the map from a layer's (first) bottom to its tops.

    Raises UndefinedMapException where the layer has none.
    """
    if fn.type_name in WINDOWED:
        axis, stride, extent, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (extent - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, extent, pad = conv_params(fn)
        return axis, stride, (extent - 1) / 2 - pad
    if fn.type_name in POSITION_KEEPING:
        return IDENTITY
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset  # counted from the channel axis, as convolutions count
    raise UndefinedMapException(f"layer type {fn.type_name} has no coordinate map")


def compose(base_map: Map, next_map: Map) -> Map:
    """Return the map that does `next_map` first, then `base_map`."""
    axis1, scale1, shift1 = base_map
    axis2, scale2, shift2 = next_map
    if axis1 is not None and axis2 is not None and axis1 != axis2:
        raise AxisMismatchException(f"maps of axis {axis1} and axis {axis2} do not compose")
    return axis2 if axis1 is None else axis1, scale1 * scale2, scale1 * shift2 + shift1


def inverse(coord_map: Map) -> Map:
    """Return the map the other way."""
    axis, scale, shift = coord_map
    return axis, 1 / scale, -shift / scale


def _ancestors(top: Top) -> Iterator[tuple[Top, Map]]:
    """Yield a top and those it was computed from, with the map from each of them to it."""
    known: dict[Top, Map] = {top: IDENTITY}
    frontier = [top]
    while frontier:
        current = frontier.pop()
        yield current, known[current]
        fn = current.fn
        # The second bottom of Crop only gives a size.
        bottoms = fn.inputs[:1] if fn.type_name == "Crop" else fn.inputs
        for bottom in bottoms:
            if bottom not in known:
                try:
                    known[bottom] = compose(known[current], coord_map(fn))
                except UndefinedMapException:
                    continue
                frontier.append(bottom)


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """Return the map from one top of a net to another, by way of a top both are computed from.

    Raises RuntimeError where no such way has a map.
    """
    to_from = dict(_ancestors(top_from))
    for top, to_target in _ancestors(top_to):
        if top in to_from:
            return compose(to_target, inverse(to_from[top]))
    raise RuntimeError("could not compute a map between the tops: are they spatially connected?")


def crop(top_from: Top, top_to: Top) -> Top:
    """Return a Crop layer's top: `top_from` cut so that it lies exactly over `top_to`.

    Raises AssertionError where that is not possible by cutting whole pixels.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    if not np.all(np.asarray(scale) == 1):
        raise AssertionError(f"scale mismatch on crop: one pixel is {scale} of the other's")
    if not np.all(np.asarray(shift) <= 0):
        raise AssertionError(f"cannot crop negative offset: the top would begin at {shift}")
    if not np.all(np.round(shift) == shift):
        raise AssertionError(f"cannot crop noninteger offset {shift}")
    offset = (-np.round(np.atleast_1d(shift))).astype(int).tolist()
    first = 2 if axis is None else axis + 1
    cut: Top = layers.Crop(top_from, top_to, crop_param={"axis": first, "offset": offset})
    return cut
