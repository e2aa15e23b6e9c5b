"""A DCME net for nuclei in 256x256 grey images, trained from scratch.

The small net with one input channel and without the encoder's head (there is one class).
The square root and the normalisation of each image are layers, so that dim and bright exposures
look alike to the net and images go in as they are. All views of a nucleus are alike: training turns
and mirrors the images, and zooms them because magnifications differ.
"""

from __future__ import annotations

from typing import Any

from caffe import NetSpec
from caffe import layers as L

from .blocks import ZERO, conv, dcme_loss, encoder_decoder
from .files import NetDefinition

WIDTHS = [16, 32, 64, 128, 128]


def features(n: NetSpec, widths: list[int]) -> Any:
    """Normalisation, encoder and decoder; returns the decoder's output."""
    n.root = L.Power(n.data, power=0.5)
    n.normalized = L.MVN(n.root)
    return encoder_decoder(n, n.normalized, widths, fraction=0.98)[1]


def body(n: NetSpec) -> None:
    """The net with its head."""
    # Zero at first: an untrained net then finds nothing, and no direction has a head start.
    n.vectors = conv(features(n, WIDTHS), 2, weight_filler=ZERO)


def losses(n: NetSpec) -> None:
    """The vectors alone."""
    dcme_loss(n)


def outputs(n: NetSpec) -> None:
    """Nothing beyond the vectors."""


NET = NetDefinition(
    name="nuclei",
    about=__doc__ or "",
    body=body,
    losses=losses,
    outputs=outputs,
    input_shape=(1, 256, 256),
    data={"is_color": False, "label": [1]},
    train_data={
        "batch_size": 4,
        "crop_height": 256,
        "crop_width": 256,
        "shuffle": True,
        "rotate": True,
        "contrast": 0.3,
        "min_zoom": 0.75,
        "max_zoom": 1.33,
    },
    test_data={"batch_size": 1, "crop_height": 256, "crop_width": 256},
    transform={"scale": 1 / 256},
    solver={
        "type": "Adam",
        "base_lr": 1e-3,
        "momentum": 0.9,
        "momentum2": 0.999,
        "lr_policy": "poly",
        "power": 1,
        "max_iter": 1600,
        "display": 20,
        "average_loss": 20,
        "snapshot": 400,
        "random_seed": 1,
    },
    labels=("data", "vectors_gt"),
)
