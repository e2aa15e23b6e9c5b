"""A small DCME net for 128x256 street scenes: trains on two processor cores in about 3 minutes.

VGG blocks with batch normalisation down to a stride of 16, and back up with skip connections. The
encoder's output names the class of each 16x16 block (paper 2), the decoder's the vectors.
Choices: learned 2x2 deconvolutions, as paper 2 found them more stable than fixed upsampling;
Adam, for which the size of the loss does not matter; statistics over 50 batches, as the whole run
has a few hundred.
"""

from __future__ import annotations

from caffe import NetSpec

from .blocks import FULL, ZERO, conv, dcme_loss, encoder_decoder, grid_loss, grid_probabilities
from .files import NetDefinition

WIDTHS = [16, 32, 64, 96, 128]


def body(n: NetSpec) -> None:
    """Both heads."""
    encoded, decoded = encoder_decoder(n, n.data, WIDTHS, fraction=0.98)
    n.grid_score = conv(encoded, 9, kernel=1)
    # Zero at first: an untrained net then finds nothing, and no direction has a head start.
    n.vectors = conv(decoded, 2, weight_filler=ZERO)


def losses(n: NetSpec) -> None:
    """Both are means, so a block's class counts as much as its pixels' errors do."""
    dcme_loss(n, normalization=FULL)
    grid_loss(n)


NET = NetDefinition(
    name="small",
    about=__doc__ or "",
    body=body,
    losses=losses,
    outputs=grid_probabilities,
    input_shape=(3, 128, 256),
    data={"grid_size": 16},
    train_data={"batch_size": 4, "shuffle": True},
    test_data={"batch_size": 1},
    transform={"scale": 1 / 128, "mean_value": [128], "mirror": True},
    solver={
        "type": "Adam",
        "base_lr": 2e-3,
        "momentum": 0.9,
        "momentum2": 0.999,
        "lr_policy": "poly",
        "power": 0.9,
        "max_iter": 1400,
        "display": 20,
        "average_loss": 20,
        "snapshot": 1400,
        "random_seed": 1,
    },
)
