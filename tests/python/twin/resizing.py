"""Interp, which resizes images."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from twin.layer import Layer


def interp(layer: Layer, x: Tensor, *like: Tensor) -> Tensor:
    """Bilinear, corner pixels onto corner pixels, of an image from which borders were cut."""
    options = layer.proto.interp_param
    begin, end = -options.pad_beg, -options.pad_end
    x = x[:, :, begin : x.shape[2] - end, begin : x.shape[3] - end]
    if like:
        size = list(like[0].shape[2:])
    elif options.height:
        size = [options.height, options.width]
    else:
        size = [(side - 1) // options.shrink_factor + 1 for side in x.shape[2:]]
        size = [side + (side - 1) * (options.zoom_factor - 1) for side in size]
    return F.interpolate(x, size, mode="bilinear", align_corners=True)
