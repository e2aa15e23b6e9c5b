"""SegNet at 340x680, the better of the two segmentation nets of paper 1 (DCME 2017).

SegNet as published, with a 3x3 convolution `conv1_1_D_regress` to the two vector components in
place of the classifier, which is the one change that the paper makes. Pooling rounds 340x680 up to
170x340, 85x170, 43x85, 22x43 and 11x22; each upsampling names the size it goes back to.
Recipe of the paper: msra fillers, EuclideanLoss, SGD with rate 1e-8, momentum 0.9, weight decay
5e-4, batches of 15 (3 images, 5 times), 100000 iterations, of which the one after 71000 was best;
images go in as BGR / 255 without a mean; no augmentation. Left open there, and chosen here:
- One learning rate is named, and a `step` policy: steps of factor 1 keep that rate throughout.
- Centres of mass are exact, as in equation 1; `round_centre: true` truncates them to whole pixels.
- A snapshot every 1000 iterations, so that the best one can be chosen as the paper did.
"""

from __future__ import annotations

from caffe import NetSpec

from .papers import DCME_2017_SIZE, segmentation_of_dcme_2017
from .segnet import decoder, encoder, regress


def body(n: NetSpec) -> None:
    """Encoder and decoder."""
    n.vectors = regress(decoder(n, encoder(n, n.data), DCME_2017_SIZE))


NET = segmentation_of_dcme_2017(
    name="dcme2017_segnet",
    about=__doc__ or "",
    body=body,
    batch=3,
    solver={
        "base_lr": 1e-8,
        "momentum": 0.9,
        "lr_policy": "step",
        "gamma": 1,
        "stepsize": 100000,
        "iter_size": 5,
    },
)
