"""SegNet at 512x1024 with the encoder head of paper 2 (ISISA 2019), grid size 32.

SegNet as published: VGG-16 with batch normalisation, each pooling's mask undone by the decoder's
upsampling, and a 3x3 convolution `conv1_1_D_regress` to the two vector components. Left open in the
paper, and chosen here:
- The encoder head is a 1x1 convolution on pool5: with stride 32 it is the encoder's last blob.
- Normalisation stays as in SegNet, with Caffe's usual running statistics: these runs are long.
- Adam, 1e-4, falling as poly, for the reason given with deeplabv3plus; msra fillers as in paper 1.
- Batch 3, as in the paper.
- Both losses are means with weight 1, so a block's class counts as much as its pixels' errors do.
"""

from __future__ import annotations

from typing import Any

from caffe import NetSpec
from caffe import layers as L

from .blocks import (
    FULL,
    VGG16,
    conv,
    conv_bn_relu,
    dcme_loss,
    grid_loss,
    grid_probabilities,
    pool,
)
from .files import NetDefinition


def _encoder(n: NetSpec, bottom: Any) -> Any:
    for level, (width, depth) in enumerate(VGG16, start=1):
        for k in range(1, depth + 1):
            bottom = conv_bn_relu(n, f"{level}_{k}", bottom, width)
        n[f"pool{level}"], n[f"pool{level}_mask"] = pool(bottom, ntop=2)
        bottom = n[f"pool{level}"]
    return bottom


def _decoder(n: NetSpec, bottom: Any) -> Any:
    """conv5_3_D .. conv1_2_D: the encoder backwards; a level ends with the next one's width."""
    for level in range(5, 0, -1):
        width, depth = VGG16[level - 1]
        narrower = VGG16[level - 2][0] if level > 1 else 0
        n[f"pool{level}_D"] = L.Upsample(
            bottom, n[f"pool{level}_mask"], scale=2, name=f"upsample{level}"
        )
        bottom = n[f"pool{level}_D"]
        for k in range(depth, 0, -1):
            if level == 1 and k == 1:
                return bottom
            bottom = conv_bn_relu(n, f"{level}_{k}_D", bottom, width if k > 1 else narrower)
    return bottom


def body(n: NetSpec) -> None:
    """Encoder, its head, decoder, its head."""
    encoded = _encoder(n, n.data)
    n.grid_score = conv(encoded, 9, kernel=1)
    decoded = _decoder(n, encoded)
    n.vectors = conv(decoded, 2, name="conv1_1_D_regress")


def losses(n: NetSpec) -> None:
    """Vectors and classes."""
    dcme_loss(n, normalization=FULL)
    grid_loss(n)


NET = NetDefinition(
    name="segnet",
    about=__doc__ or "",
    body=body,
    losses=losses,
    outputs=grid_probabilities,
    input_shape=(3, 512, 1024),
    data={"grid_size": 32, "new_height": 512, "new_width": 1024},
    train_data={"batch_size": 3, "shuffle": True},
    test_data={"batch_size": 1},
    transform={"scale": 1 / 256, "mirror": True},
    solver={
        "type": "Adam",
        "base_lr": 1e-4,
        "momentum": 0.9,
        "momentum2": 0.999,
        "lr_policy": "poly",
        "power": 0.9,
        "max_iter": 80000,
        "display": 20,
        "average_loss": 20,
        "snapshot": 4000,
    },
)
