"""What the SegNets of both papers share: VGG-16 with normalisation, and back with its masks."""

from __future__ import annotations

from typing import Any

from caffe import NetSpec
from caffe import layers as L

from .blocks import VGG16, conv, conv_bn_relu, pool

Size = tuple[int, int]


def level_sizes(image: Size, levels: int) -> list[Size]:
    """(H, W) at each level, the image's own first: pooling by two rounds up."""
    sizes = [image]
    for _ in range(1, levels):
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def pool_with_mask(n: NetSpec, level: int, bottom: Any) -> Any:
    """pool<k>, and in pool<k>_mask where each maximum was."""
    n[f"pool{level}"], n[f"pool{level}_mask"] = pool(bottom, ntop=2)
    return n[f"pool{level}"]


def unpool(n: NetSpec, level: int, bottom: Any, size: Size) -> Any:
    """upsample<k>: the values go back to where pool<k> found its maxima.

    The (H, W) before the pooling is written out: twice the size after it is one too many where
    pooling rounded up.
    """
    height, width = size
    n[f"pool{level}_D"] = L.Upsample(
        bottom,
        n[f"pool{level}_mask"],
        name=f"upsample{level}",
        upsample_h=height,
        upsample_w=width,
    )
    return n[f"pool{level}_D"]


def encoder(n: NetSpec, bottom: Any) -> Any:
    """conv1_1 .. conv5_3 with the names and shapes of VGG_ILSVRC_16_layers, and pool1 .. pool5."""
    for level, (width, depth) in enumerate(VGG16, start=1):
        for k in range(1, depth + 1):
            bottom = conv_bn_relu(n, f"{level}_{k}", bottom, width, bias_term=True)
        bottom = pool_with_mask(n, level, bottom)
    return bottom


def decoder(n: NetSpec, bottom: Any, image: Size) -> Any:
    """conv5_3_D .. conv1_2_D: the encoder backwards; a level ends with the next one's width."""
    sizes = level_sizes(image, len(VGG16))
    for level in range(len(VGG16), 0, -1):
        width, depth = VGG16[level - 1]
        narrower = VGG16[level - 2][0] if level > 1 else 0
        bottom = unpool(n, level, bottom, sizes[level - 1])
        for k in range(depth, 1 if level == 1 else 0, -1):
            outputs = width if k > 1 else narrower
            bottom = conv_bn_relu(n, f"{level}_{k}_D", bottom, outputs, bias_term=True)
    return bottom


def regress(bottom: Any) -> Any:
    """conv1_1_D_regress: the two components of the vectors."""
    return conv(bottom, 2, name="conv1_1_D_regress")
