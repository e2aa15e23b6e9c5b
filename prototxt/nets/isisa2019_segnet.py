"""SegNet at 512x1024 with the encoder head of paper 2 (ISISA 2019), grid size 32.

SegNet as published: VGG-16 with batch normalisation, each pooling's mask undone by the decoder's
upsampling, and a 3x3 convolution `conv1_1_D_regress` to the two vector components. The encoder's
convolutions have the names and shapes of VGG_ILSVRC_16_layers.caffemodel: start from it with
`caffe train --weights`, or without it. Left open in the paper, and chosen here:
- The encoder head is a 1x1 convolution on pool5: with stride 32 it is the encoder's last blob.
- The ImageNet mean is subtracted, for VGG's weights; normalisation makes a scale redundant.
- Normalisation stays as in SegNet, with Caffe's usual running statistics: these runs are long.
- Adam, 1e-4, falling as poly, for the reason given with isisa2019_deeplabv3plus; msra fillers as in
  paper 1.
- Batch 3, as in the paper; 80000 iterations are 80 passes over the 2975 images, as there.
- Both losses are means with weight 1, so a block's class counts as much as its pixels' errors do.
"""

from __future__ import annotations

from caffe import NetSpec

from .blocks import FULL, conv, dcme_loss, grid_loss
from .papers import ISISA_2019_SIZE, net_of_isisa_2019
from .segnet import decoder, encoder, regress


def body(n: NetSpec) -> None:
    """Encoder, its head, decoder, its head."""
    encoded = encoder(n, n.data)
    n.grid_score = conv(encoded, 9, kernel=1)
    n.vectors = regress(decoder(n, encoded, ISISA_2019_SIZE))


def losses(n: NetSpec) -> None:
    """Vectors and classes."""
    dcme_loss(n, normalization=FULL)
    grid_loss(n)


NET = net_of_isisa_2019(
    name="isisa2019_segnet",
    about=__doc__ or "",
    body=body,
    losses=losses,
    batch=3,
    grid_size=32,
    max_iter=80000,
)
