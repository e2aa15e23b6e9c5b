"""What the nets of one paper have in common: image size, data, losses, solver."""

from __future__ import annotations

from typing import Any

from caffe import NetSpec

from .blocks import IMAGENET_MEAN, euclidean_loss, grid_probabilities
from .files import NetDefinition

DCME_2017_SIZE = (340, 680)
"""Height and width of the images of paper 1."""

ISISA_2019_SIZE = (512, 1024)
"""Height and width of the images of paper 2."""


def _nothing(n: NetSpec) -> None:
    """Nothing beyond the vectors."""


def segmentation_of_dcme_2017(batch: int, solver: dict[str, Any], **own: Any) -> NetDefinition:
    """A net of paper 1 that regresses vectors. batch: images; the solver is SGD."""
    return NetDefinition(
        losses=euclidean_loss,
        outputs=_nothing,
        input_shape=(3, *DCME_2017_SIZE),
        data={"new_height": DCME_2017_SIZE[0], "new_width": DCME_2017_SIZE[1]},
        train_data={"batch_size": batch, "shuffle": True},
        test_data={"batch_size": 1},
        transform={"scale": 1 / 255},
        solver={
            "type": "SGD",
            "weight_decay": 5e-4,
            "max_iter": 100000,
            "display": 20,
            "average_loss": 20,
            "snapshot": 1000,
            **solver,
        },
        labels=("data", "vectors_gt"),
        data_folder="cityscapes_340x680",
        **own,
    )


def net_of_isisa_2019(batch: int, grid_size: int, max_iter: int, **own: Any) -> NetDefinition:
    """A net of paper 2, vectors and classes of blocks. batch: images; the solver is Adam."""
    height, width = ISISA_2019_SIZE
    return NetDefinition(
        outputs=grid_probabilities,
        input_shape=(3, height, width),
        data={"grid_size": grid_size, "new_height": height, "new_width": width},
        train_data={"batch_size": batch, "shuffle": True},
        test_data={"batch_size": 1},
        transform={"mean_value": IMAGENET_MEAN, "mirror": True},
        solver={
            "type": "Adam",
            "base_lr": 1e-4,
            "momentum": 0.9,
            "momentum2": 0.999,
            "lr_policy": "poly",
            "power": 0.9,
            "max_iter": max_iter,
            "display": 20,
            "average_loss": 20,
            "snapshot": max_iter // 20,
        },
        data_folder="cityscapes_512x1024",
        **own,
    )
