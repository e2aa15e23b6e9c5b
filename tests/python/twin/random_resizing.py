"""Layers that give images another size, with random options."""

from __future__ import annotations

from typing import Any

from twin.growing import GrowingNet


def window(net: GrowingNet, axes: int, **values: tuple[int, ...]) -> dict[str, Any]:
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


def im2col(net: GrowingNet, x: str) -> str | None:
    """What a convolution multiplies."""
    options = window(net, 2, kernel_size=(1, 2, 3), stride=(1, 2), pad=(0, 1), dilation=(1, 1, 2))
    return net.add("Im2col", [x], convolution_param=options)


def pyramid(net: GrowingNet, x: str) -> str | None:
    """SPP of one to three levels."""
    options = {"pyramid_height": net.choose(1, 2, 3), "pool": net.choose("MAX", "AVE")}
    return net.add("SPP", [x], spp_param=options)


def crop(net: GrowingNet, x: str) -> str | None:
    """To the size of a smaller blob, from an axis behind the first one on."""
    count = net.values[x].dim()
    axis = int(net.rng.integers(1, count))
    smaller = [
        name
        for name, value in net.values.items()
        if value.dim() == count
        and all(a <= b for a, b in zip(value.shape[axis:], net.shape(x)[axis:]))
        and value.shape[axis:] != net.shape(x)[axis:]
    ]
    if not smaller:
        return None
    like = net.choose(*smaller)
    options: dict[str, Any] = {"axis": net.choose(axis, axis - count)}
    room = [a - b for a, b in zip(net.shape(x)[axis:], net.shape(like)[axis:])]
    if net.chance(0.8):
        options["offset"] = [int(net.rng.integers(0, most + 1)) for most in room]
    return net.add("Crop", [x, like], crop_param=options)


def interp(net: GrowingNet, x: str) -> str | None:
    """By a factor, to a size, or to that of another blob."""
    height, width = net.shape(x)[2:]
    if min(height, width) == 1:  # equal pixels, the largest of which is any
        return None
    cut = net.chance(0.3) and min(height, width) > 3
    options: dict[str, Any] = {"pad_beg": -1, "pad_end": net.choose(0, -1)} if cut else {}
    way = net.choose("factor", "size", "like")
    bottoms = [x]
    if way == "factor":
        options |= {"zoom_factor": net.choose(1, 2, 3), "shrink_factor": net.choose(1, 1, 2, 3)}
    elif way == "size":
        options |= {"height": net.choose(1, 2, 5, 9, 16), "width": net.choose(1, 3, 6, 9, 15)}
    else:
        bottoms.append(net.choose(*(n for n, v in net.values.items() if v.dim() == 4)))
    return net.add("Interp", bottoms, interp_param=options)
