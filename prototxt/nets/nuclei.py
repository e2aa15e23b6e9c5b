"""A DCME net for nuclei in grey images, trained from scratch.

The small net with one input channel. The square root and the normalisation of each image are
layers, so that dim and bright exposures look alike to the net and images go in as they are.
Instead of the encoder's head, which classifies 16x16 blocks, one at full size classifies pixels
(grid_size 1): nuclei are hardly larger than such a block, and a probability draws their borders
better than the length of a vector does. Both losses are sums over the pixels, so that a pixel's
class counts about as much as its vector.
All views of a nucleus are alike: training turns and mirrors the images, and zooms them because
magnifications differ. Crops of half the side make an iteration four times as cheap: with a given
time, twice the iterations on half the pixels each did better on held-out images.
Choices (generate.py --set): colour=true for images in colour, width= of the first level's channels,
crop= of the side of the crops, which large objects need to be larger.
The decoder's thresholds in decoding.json are in pixels, for nuclei (docs/nuclei.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P

from .blocks import ZERO, conv, dcme_loss, encoder_decoder
from .choices import ChoiceError
from .files import NetDefinition


@dataclass(frozen=True)
class Choices:
    """What depends on the images."""

    colour: bool = False
    width: int = 32
    """Channels of the first level; deeper ones have 2, 4 and 4 times as many."""
    crop: int = 128
    """Side of the crops that training sees, in pixels."""


DECODING = {"dt": 3, "vt": 18, "et": 8, "probability": 0.4}


def features(n: NetSpec, widths: list[int], fraction: float = 0.99) -> Any:
    """Normalisation, encoder and decoder; returns the decoder's output."""
    n.root = L.Power(n.data, power=0.5)
    n.normalized = L.MVN(n.root)
    return encoder_decoder(n, n.normalized, widths, fraction)[1]


def body(n: NetSpec, choices: Choices) -> None:
    """The net with both heads."""
    decoded = features(n, [choices.width * factor for factor in (1, 2, 4, 4)])
    # Zero at first: an untrained net then finds nothing, and no direction has a head start.
    n.vectors = conv(decoded, 2, weight_filler=ZERO)
    n.mask_score = conv(decoded, 2, kernel=1, weight_filler=ZERO)


def losses(n: NetSpec) -> None:
    """Of the vectors and of the pixels' classes."""
    dcme_loss(n)
    n.mask_loss = L.SoftmaxWithLoss(
        n.mask_score, n.classes_gt, loss_param={"normalization": P.Loss.NONE}
    )


def outputs(n: NetSpec) -> None:
    """The probabilities of background and nucleus."""
    n.mask = L.Softmax(n.mask_score)


def define(choices: Choices) -> NetDefinition:
    """The net with these choices."""
    stride = 8
    if choices.width < 1 or choices.crop < stride or choices.crop % stride:
        raise ChoiceError(f"width is at least 1, and crop a multiple of {stride}")
    return NetDefinition(
        name="nuclei",
        about=__doc__ or "",
        body=partial(body, choices=choices),
        losses=losses,
        outputs=outputs,
        input_shape=(3 if choices.colour else 1, 256, 256),
        data={"is_color": choices.colour, "label": [1], "grid_size": 1},
        train_data={
            "batch_size": 4,
            "crop_height": choices.crop,
            "crop_width": choices.crop,
            "shuffle": True,
            "rotate": True,
            "min_zoom": 0.75,
            "max_zoom": 1.33,
        },
        test_data={"batch_size": 1, "crop_height": 256, "crop_width": 256},
        transform={"scale": 1 / 256},
        # Larger crops are for larger objects.
        decoding=DECODING if choices.crop <= Choices.crop else {},
        solver={
            "type": "Adam",
            "base_lr": 1e-3,
            "momentum": 0.9,
            "momentum2": 0.999,
            "lr_policy": "poly",
            "power": 1,
            "max_iter": 5000,
            "display": 20,
            "average_loss": 20,
            "snapshot": 500,
            "random_seed": 1,
        },
    )


NET = define(Choices())
