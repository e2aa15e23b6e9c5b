"""VGG-DeepLabv3+ at 512x1024, the main net of paper 2 (ISISA 2019).

From the paper: the VGG-16 encoder with its ImageNet weights (layer names conv1_1 .. conv5_3 as in
VGG_ILSVRC_16_layers.caffemodel: give it to `caffe train --weights`), four halvings (grid size 16),
five convolutions added to the encoder's end, DeepLabv3+'s decoder with deconvolutions in place of
its upsampling, an encoder head for the classes of the blocks, the clipped loss with A = 4 on
independent outputs, and batches of 6. Left open there, and chosen here (in brackets what to give to
`generate.py isisa2019_deeplabv3plus --set ... --out DIR` to try the other way):
- The five added layers are the five convolutions of DeepLabv3+'s pyramid: 1x1, three 3x3 with rates
  6, 12 and 18, and the 1x1 after image pooling: the end of DeepLabv3+'s encoder, and it has five.
  encoder_out, which joins them, is DeepLabv3+'s own, too.
- pool5 is dropped; conv5 is atrous with rate 2, as in the DeepLabs on VGG, so that it sees as far
  as the objects are large while keeping the stride of 16 and the pretrained weights
  [pool5=true: 3x3, stride 1; conv5_dilation=1].
- The low-level feature is conv3_3, the richest one at stride 4, reduced to 48 channels
  [low_level=pool2].
- The head regresses at stride 4 and is enlarged by four; at full size 3x3 layers would cost more
  than the rest of the decoder.
- No batch normalisation and no dropout: VGG's weights were learned without the former, and the
  noise of the latter moves regressed vectors [batch_norm=true: in the added layers; dropout=0.5: on
  the encoder's output].
- Adam, 1e-4, falling as poly, without weight decay: its steps do not depend on the scale of the
  gradient. VGG's layers learn at a tenth of it [pretrained_rate=1]. 40000 batches are 80 passes
  over the 2975 images; they are mirrored at random, the cheapest way to have more of them.
- Both losses are means with weight 1, so a block's class counts as much as its pixels' errors do
  [grid_weight=0.1]. Dividing by N changes nothing else: Adam's steps are the same. With SGD, take
  NONE, the paper's [full_normalization=false; amplitude=8].
- train_last_layers and solver_last_layers are the paper's ablation that fine-tunes only the last
  layers: VGG's keep their weights (rate 0, and no gradient is computed for them), all that is added
  to them learns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
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
    upsample,
    vgg16_body,
)
from .choices import ChoiceError
from .files import NetDefinition
from .papers import net_of_isisa_2019

CLASSES = 9


@dataclass(frozen=True)
class Choices:
    """What the paper leaves open."""

    low_level: str = "conv3_3"
    """Of the decoder: conv3_3 or pool2, both at stride 4."""
    pool5: bool = False
    conv5_dilation: int = 2
    batch_norm: bool = False
    """In the layers added to VGG's."""
    dropout: float = 0.0
    """Share of the encoder's outputs that is dropped."""
    pretrained_rate: float = 0.1
    """Learning rate of VGG's layers as a share of the others'; 0: they keep their weights."""
    amplitude: float = 4.0
    full_normalization: bool = True
    grid_weight: float = 1.0


def _added(n: NetSpec, choices: Choices, name: str, bottom: Any, outputs: int, **more: Any) -> Any:
    """A convolution called `name`, its normalisation if chosen, and its ReLU."""
    n[name] = conv(bottom, outputs, bias_term=not choices.batch_norm, **more)
    if choices.batch_norm:
        n[f"{name}_bn"] = L.BatchNorm(n[name], in_place=True)
        n[f"{name}_scale"] = L.Scale(n[f"{name}_bn"], in_place=True, bias_term=True)
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[f"{name}_relu"]


def _vgg16(n: NetSpec, choices: Choices) -> dict[int, Any]:
    """The pretrained layers; the last blob of each level."""
    rate = choices.pretrained_rate
    learning = [{"lr_mult": rate, "decay_mult": 1}, {"lr_mult": 2 * rate, "decay_mult": 0}]
    block = partial(conv_relu, param=learning)
    ends = vgg16_body(n, n.data, block, dilations={5: choices.conv5_dilation})
    if choices.pool5:
        n.pool5 = L.Pooling(ends[5], pool=P.Pooling.MAX, kernel_size=3, stride=1, pad=1)
        ends[5] = n.pool5
    return ends


def _pyramid(n: NetSpec, choices: Choices, bottom: Any) -> Any:
    """Atrous spatial pyramid pooling: what lies around, at five scales."""
    added = partial(_added, n, choices)
    branches = [added("aspp1", bottom, 256, kernel=1)]
    for k, rate in enumerate((6, 12, 18), start=2):
        branches.append(added(f"aspp{k}", bottom, 256, dilation=rate))
    n.image_pool = L.Pooling(bottom, pool=P.Pooling.AVE, global_pooling=True)
    pooled = added("aspp5", n.image_pool, 256, kernel=1)
    n.aspp5_wide = L.Interp(pooled, branches[0])
    n.aspp_concat = L.Concat(*branches, n.aspp5_wide)
    encoded = added("encoder_out", n.aspp_concat, 256, kernel=1)
    if choices.dropout > 0:
        n.encoder_drop = L.Dropout(encoded, in_place=True, dropout_ratio=choices.dropout)
        return n.encoder_drop
    return encoded


def body(n: NetSpec, choices: Choices) -> None:
    """Encoder, its head, decoder, its head."""
    if choices.low_level not in ("conv3_3", "pool2"):
        raise ChoiceError(f"low_level is conv3_3 or pool2, not '{choices.low_level}'")
    ends = _vgg16(n, choices)
    encoded = _pyramid(n, choices, ends[5])
    n.grid_score = conv(encoded, CLASSES, kernel=1)
    n.encoder_up = upsample(encoded, 256, 4)
    added = partial(_added, n, choices)
    source = ends[3] if choices.low_level == "conv3_3" else n.pool2
    low = added("low_level", source, 48, kernel=1)
    n.decoder_concat = L.Concat(n.encoder_up, low)
    decoded = added("decoder1", n.decoder_concat, 256)
    decoded = added("decoder2", decoded, 256)
    n.vectors_stride4 = conv(decoded, 2, kernel=1, weight_filler={"type": "gaussian", "std": 0.001})
    n.vectors = upsample(n.vectors_stride4, 2, 4)


def losses(n: NetSpec, choices: Choices) -> None:
    """Vectors and classes."""
    normalization = {"normalization": FULL} if choices.full_normalization else {}
    dcme_loss(n, choices.amplitude, **normalization)
    weight = {} if choices.grid_weight == 1 else {"loss_weight": choices.grid_weight}
    grid_loss(n, **weight)


def define(choices: Choices) -> NetDefinition:
    """The net with these choices."""
    return net_of_isisa_2019(
        name="isisa2019_deeplabv3plus",
        about=__doc__ or "",
        body=partial(body, choices=choices),
        losses=partial(losses, choices=choices),
        batch=6,
        grid_size=16,
        max_iter=40000,
    )


NET = replace(define(Choices()), variants={"last_layers": define(Choices(pretrained_rate=0.0))})
