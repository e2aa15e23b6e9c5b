"""FCN-8s at 340x680, the second segmentation net of paper 1 (DCME 2017).

FCN-8s as published, layer by layer with the names and shapes of fcn8s-heavy-pascal.caffemodel: give
it to `caffe train --weights`. Only the last deconvolution is new, `upscore8_1` to the two vector
components. VGG_ILSVRC_16_layers.caffemodel fits, too (the weights of its fully connected fc6 and
fc7 are read as the convolutions that they are here): `--weights=VGG_ILSVRC_16_layers.caffemodel,
prototxt/dcme2017_fcn8s/start.caffemodel`.
Recipe of the paper: EuclideanLoss, SGD with the fixed rate 1e-10, momentum 0.99, weight decay 5e-4,
batches of 14 (7 images, twice), best after 40000 iterations; images go in as BGR / 255 without a
mean; no augmentation. Left open there, and chosen here:
- upscore2 and upscore_pool4 are fixed (rate 0) and interpolate each class. The public weights hold
  them, and for runs without these, start.caffemodel does: the bilinear filler fills all 21 x 21
  kernels, so that each class would receive the sum of all, and learning at the paper's rate
  diverges after ten iterations.
- upscore8_1 starts near zero: an untrained net finds nothing, and no direction has a head start.
- msra fillers elsewhere; they, too, serve only runs without the public weights.
- 100000 iterations as for SegNet, and a snapshot every 1000, to choose the best as the paper did.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

from .blocks import conv, conv_relu, pool, vgg16_body
from .papers import segmentation_of_dcme_2017

CLASSES = 21
"""Of Pascal, whose scores the public weights compute."""


def _padded(n: NetSpec, name: str, bottom: Any, outputs: int, **more: Any) -> Any:
    """conv_relu, but conv1_1 with the padding that FCN-8s crops in the end."""
    if name == "1_1":
        more["pad"] = 100
    return conv_relu(n, name, bottom, outputs, **more)


def _fully_connected(n: NetSpec, k: int, bottom: Any, kernel: int) -> Any:
    """fc<k>, relu<k> and drop<k>."""
    n[f"fc{k}"] = conv(bottom, 4096, kernel=kernel, pad=0)
    n[f"relu{k}"] = L.ReLU(n[f"fc{k}"], in_place=True)
    n[f"drop{k}"] = L.Dropout(n[f"relu{k}"], in_place=True, dropout_ratio=0.5)
    return n[f"drop{k}"]


def _score(bottom: Any) -> Any:
    return conv(bottom, CLASSES, kernel=1)


def _enlarge(bottom: Any, outputs: int, factor: int, filler: dict[str, Any], rate: float) -> Any:
    """A deconvolution that reads all channels; the borders are cropped later."""
    return L.Deconvolution(
        bottom,
        convolution_param={
            "num_output": outputs,
            "kernel_size": [2 * factor],
            "stride": [factor],
            "bias_term": False,
            "weight_filler": filler,
        },
        param=[{"lr_mult": rate}],
    )


def _fuse(n: NetSpec, level: int, coarse: Any, bottom: Any, offset: int) -> Any:
    """score_pool<k>, score_pool<k>c cropped to the coarser scores, and their sum fuse_pool<k>."""
    n[f"score_pool{level}"] = _score(bottom)
    n[f"score_pool{level}c"] = L.Crop(n[f"score_pool{level}"], coarse, axis=2, offset=[offset])
    n[f"fuse_pool{level}"] = L.Eltwise(coarse, n[f"score_pool{level}c"], operation=P.Eltwise.SUM)
    return n[f"fuse_pool{level}"]


def body(n: NetSpec) -> None:
    """VGG with convolutions for its last layers, and scores of three strides added up."""
    ends = vgg16_body(n, n.data, _padded, dilations={})
    n.pool5 = pool(ends[5])
    bottom = _fully_connected(n, 6, n.pool5, kernel=7)
    n.score_fr = _score(_fully_connected(n, 7, bottom, kernel=1))
    bilinear = {"type": "bilinear"}
    n.upscore2 = _enlarge(n.score_fr, CLASSES, 2, bilinear, rate=0)
    n.upscore_pool4 = _enlarge(_fuse(n, 4, n.upscore2, n.pool4, 5), CLASSES, 2, bilinear, rate=0)
    fused = _fuse(n, 3, n.upscore_pool4, n.pool3, 9)
    n.upscore8_1 = _enlarge(fused, 2, 8, {"type": "gaussian", "std": 0.001}, rate=1)
    n.vectors = L.Crop(n.upscore8_1, n.data, axis=2, offset=[31], name="score")


def start() -> Any:
    """upscore2 and upscore_pool4 for each class on its own: bilinear, enlarging by two."""
    rise = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
    weights = np.zeros((CLASSES, CLASSES, 4, 4), np.float32)
    weights[range(CLASSES), range(CLASSES)] = np.outer(rise, rise)
    net = caffe_pb2.NetParameter(name="dcme2017_fcn8s")
    for name in ("upscore2", "upscore_pool4"):
        blob = net.layer.add(name=name, type="Deconvolution").blobs.add(data=weights.ravel())
        blob.shape.dim.extend(weights.shape)
    return net


NET = segmentation_of_dcme_2017(
    name="dcme2017_fcn8s",
    about=__doc__ or "",
    body=body,
    batch=7,
    solver={"base_lr": 1e-10, "momentum": 0.99, "lr_policy": "fixed", "iter_size": 2},
    start=start,
)
