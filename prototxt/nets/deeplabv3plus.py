"""VGG-DeepLabv3+ at 512x1024, the main net of paper 2 (ISISA 2019).

From the paper: the VGG-16 encoder with its ImageNet weights (layer names conv1_1 .. conv5_3 as in
VGG_ILSVRC_16_layers.caffemodel), four halvings (grid size 16), five convolutions added to the
encoder's end, DeepLabv3+'s decoder with deconvolutions in place of its upsampling, an encoder head
for the classes of the blocks, and the clipped loss with A = 4 on independent outputs. Left open
there, and chosen here:
- The five added layers are the five convolutions of DeepLabv3+'s pyramid: 1x1, three 3x3 with rates
  6, 12 and 18, and the 1x1 after image pooling: the end of DeepLabv3+'s encoder, and it has five.
- pool5 is dropped; conv5 is atrous with rate 2, as in the DeepLabs on VGG, so that it sees as far
  as the objects are large while keeping the stride of 16 and the pretrained weights.
- The low-level feature is conv3_3, the richest one at stride 4, reduced to 48 channels.
- The head regresses at stride 4 and is enlarged by four; at full size 3x3 layers would cost more
  than the rest of the decoder.
- No batch normalisation and no dropout: VGG's weights were learned without the former, its buffers
  would not leave room for 6 images in 11 GB, and the noise of the latter moves regressed vectors.
- Adam, 1e-4, falling as poly: its steps do not depend on the scale of the gradient. VGG's layers
  learn at a tenth of it.
- Both losses are means with weight 1, so a block's class counts as much as its pixels' errors do.
  Dividing by N changes nothing else: Adam's steps are the same. With SGD, take NONE, the paper's.
"""

from __future__ import annotations

from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P

from .blocks import (
    FULL,
    conv,
    conv_relu,
    dcme_loss,
    grid_loss,
    grid_probabilities,
    upsample,
    vgg16_body,
)
from .files import NetDefinition

CLASSES = 9
FINE_TUNED = [{"lr_mult": 0.1, "decay_mult": 1}, {"lr_mult": 0.2, "decay_mult": 0}]


def _named(n: NetSpec, name: str, bottom: Any, outputs: int, **more: Any) -> Any:
    """A convolution called `name` and its ReLU."""
    n[name] = conv(bottom, outputs, **more)
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[f"{name}_relu"]


def _pretrained(n: NetSpec, name: str, bottom: Any, outputs: int, **more: Any) -> Any:
    return conv_relu(n, name, bottom, outputs, param=FINE_TUNED, **more)


def _pyramid(n: NetSpec, bottom: Any) -> Any:
    """Atrous spatial pyramid pooling: what lies around, at five scales."""
    branches = [_named(n, "aspp1", bottom, 256, kernel=1)]
    for k, rate in enumerate((6, 12, 18), start=2):
        branches.append(_named(n, f"aspp{k}", bottom, 256, dilation=rate))
    n.image_pool = L.Pooling(bottom, pool=P.Pooling.AVE, global_pooling=True)
    pooled = _named(n, "aspp5", n.image_pool, 256, kernel=1)
    n.aspp5_wide = L.Interp(pooled, branches[0])
    n.aspp_concat = L.Concat(*branches, n.aspp5_wide)
    return _named(n, "encoder_out", n.aspp_concat, 256, kernel=1)


def body(n: NetSpec) -> None:
    """Encoder, its head, decoder, its head."""
    ends = vgg16_body(n, n.data, _pretrained, dilations={5: 2})
    encoded = _pyramid(n, ends[5])
    n.grid_score = conv(encoded, CLASSES, kernel=1)
    n.encoder_up = upsample(encoded, 256, 4)
    low = _named(n, "low_level", ends[3], 48, kernel=1)
    n.decoder_concat = L.Concat(n.encoder_up, low)
    decoded = _named(n, "decoder1", n.decoder_concat, 256)
    decoded = _named(n, "decoder2", decoded, 256)
    n.vectors_stride4 = conv(decoded, 2, kernel=1, weight_filler={"type": "gaussian", "std": 0.001})
    n.vectors = upsample(n.vectors_stride4, 2, 4)


def losses(n: NetSpec) -> None:
    """Vectors and classes."""
    dcme_loss(n, normalization=FULL)
    grid_loss(n)


NET = NetDefinition(
    name="deeplabv3plus",
    about=__doc__ or "",
    body=body,
    losses=losses,
    outputs=grid_probabilities,
    input_shape=(3, 512, 1024),
    data={"grid_size": 16, "new_height": 512, "new_width": 1024},
    train_data={"batch_size": 6, "shuffle": True},
    test_data={"batch_size": 1},
    transform={"mean_value": [103.939, 116.779, 123.68], "mirror": True},
    solver={
        "type": "Adam",
        "base_lr": 1e-4,
        "momentum": 0.9,
        "momentum2": 0.999,
        "lr_policy": "poly",
        "power": 0.9,
        "max_iter": 40000,
        "display": 20,
        "average_loss": 20,
        "snapshot": 2000,
    },
)
