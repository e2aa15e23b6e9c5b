"""Basic SegNet at 340x680, the small SegNet that paper 1 (DCME 2017) tried and set aside.

Four stages down and four up, each one 7x7 convolution of 64 channels with batch normalisation. The
paper says only that its results were half of SegNet's. Chosen here:
- The recipe of dcme2017_segnet in all else: solver, loss, batch, input.
- No ReLU between upsampling and the next stage, as in the published basic SegNet: its decoder
  convolutions are linear. The head is a 1x1 convolution, as its classifier was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from caffe import NetSpec

from . import dcme2017_segnet
from .blocks import conv, conv_bn, conv_bn_relu
from .papers import DCME_2017_SIZE
from .segnet import level_sizes, pool_with_mask, unpool

STAGES = 4
STAGE: dict[str, Any] = {"kernel": 7, "bias_term": True}


def body(n: NetSpec) -> None:
    """conv1 .. conv4 and upsample4 .. upsample1, conv_decode4 .. conv_decode1."""
    bottom = n.data
    for level in range(1, STAGES + 1):
        bottom = conv_bn_relu(n, f"{level}", bottom, 64, **STAGE)
        bottom = pool_with_mask(n, level, bottom)
    sizes = level_sizes(DCME_2017_SIZE, STAGES)
    for level in range(STAGES, 0, -1):
        bottom = unpool(n, level, bottom, sizes[level - 1])
        bottom = conv_bn(n, f"_decode{level}", bottom, 64, **STAGE)
    n.vectors = conv(bottom, 2, kernel=1, name="conv_regress")


NET = replace(
    dcme2017_segnet.NET,
    name="dcme2017_basic_segnet",
    about=__doc__ or "",
    body=body,
)
