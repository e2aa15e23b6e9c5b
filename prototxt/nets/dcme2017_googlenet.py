"""GoogLeNet (inception v1) at 224x224, which paper 1 (DCME 2017) trains to classify instances.

Layer by layer with the names and shapes of bvlc_googlenet.caffemodel; only the classifiers are new,
`loss1_1`, `loss2_1` and `loss3_1` with 9 outputs: the eight classes of Cityscapes, and 0 for
caravans and trailers. `caffe train --weights` starts from that file, or leave it out.
Recipe of the paper: SGD with rate 1e-3 falling as poly, momentum 0.9, weight decay 2e-4, batches of
64, 80000 iterations; crops go in as BGR / 256 without a mean, mirrored at random in training;
xavier fillers and biases of 0.2. Chosen here:
- Power 4 of the poly policy and the weights 0.3, 0.3 and 1 of the three losses, as the author had.
- The crops are those of `dcme prepare ... --crops 224`, read from lists of lines `image label`;
  crops of another size are resized.
- A snapshot every 5000 iterations.
"""

from __future__ import annotations

from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

from .blocks import WEIGHT_AND_BIAS, conv
from .files import NetDefinition

CLASSES = 9
SIDE = 224
FILLERS: dict[str, Any] = {
    "weight_filler": {"type": "xavier"},
    "bias_filler": {"type": "constant", "value": 0.2},
}
MODULES: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Outputs of 1x1; 3x3_reduce, 3x3; 5x5_reduce, 5x5; pool_proj."""


def _conv(n: NetSpec, stage: str, kind: str, bottom: Any, outputs: int, **more: Any) -> Any:
    """<stage>/<kind> and <stage>/relu_<kind>."""
    n[f"{stage}/{kind}"] = conv(bottom, outputs, **FILLERS, **more)
    n[f"{stage}/relu_{kind}"] = L.ReLU(n[f"{stage}/{kind}"], in_place=True)
    return n[f"{stage}/relu_{kind}"]


def _halve(bottom: Any) -> Any:
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=3, stride=2)


def _normalize(bottom: Any) -> Any:
    return L.LRN(bottom, local_size=5, alpha=1e-4, beta=0.75)


def _inception(n: NetSpec, name: str, bottom: Any) -> Any:
    """Four views of the same place, side by side."""
    stage = f"inception_{name}"
    one, three_reduced, three, five_reduced, five, projected = MODULES[name]
    branches = [_conv(n, stage, "1x1", bottom, one, kernel=1)]
    reduced = _conv(n, stage, "3x3_reduce", bottom, three_reduced, kernel=1)
    branches.append(_conv(n, stage, "3x3", reduced, three))
    reduced = _conv(n, stage, "5x5_reduce", bottom, five_reduced, kernel=1)
    branches.append(_conv(n, stage, "5x5", reduced, five, kernel=5))
    n[f"{stage}/pool"] = L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=3, stride=1, pad=1)
    branches.append(_conv(n, stage, "pool_proj", n[f"{stage}/pool"], projected, kernel=1))
    n[f"{stage}/output"] = L.Concat(*branches)
    return n[f"{stage}/output"]


def _inner_product(bottom: Any, outputs: int) -> Any:
    return L.InnerProduct(bottom, num_output=outputs, param=WEIGHT_AND_BIAS, **FILLERS)


def _auxiliary(n: NetSpec, k: int, bottom: Any) -> None:
    """loss<k>/...: a small classifier half-way."""
    head = f"loss{k}"
    n[f"{head}/ave_pool"] = L.Pooling(bottom, pool=P.Pooling.AVE, kernel_size=5, stride=3)
    pooled = _conv(n, head, "conv", n[f"{head}/ave_pool"], 128, kernel=1)
    n[f"{head}/fc"] = _inner_product(pooled, 1024)
    n[f"{head}/relu_fc"] = L.ReLU(n[f"{head}/fc"], in_place=True)
    n[f"{head}/drop_fc"] = L.Dropout(n[f"{head}/relu_fc"], in_place=True, dropout_ratio=0.7)
    n[f"{head}_1"] = _inner_product(n[f"{head}/drop_fc"], CLASSES)


def _stem(n: NetSpec) -> Any:
    n["conv1/7x7_s2"] = conv(n.data, 64, kernel=7, stride=2, **FILLERS)
    n["conv1/relu_7x7"] = L.ReLU(n["conv1/7x7_s2"], in_place=True)
    n["pool1/3x3_s2"] = _halve(n["conv1/relu_7x7"])
    n["pool1/norm1"] = _normalize(n["pool1/3x3_s2"])
    reduced = _conv(n, "conv2", "3x3_reduce", n["pool1/norm1"], 64, kernel=1)
    n["conv2/norm2"] = _normalize(_conv(n, "conv2", "3x3", reduced, 192))
    n["pool2/3x3_s2"] = _halve(n["conv2/norm2"])
    return n["pool2/3x3_s2"]


def body(n: NetSpec) -> None:
    """Stem, nine inception modules, the classifier."""
    bottom = _stem(n)
    for name in MODULES:
        bottom = _inception(n, name, bottom)
        if name in ("3b", "4e"):
            pool = f"pool{name[0]}/3x3_s2"
            n[pool] = _halve(bottom)
            bottom = n[pool]
    n["pool5/7x7_s1"] = L.Pooling(bottom, pool=P.Pooling.AVE, kernel_size=7, stride=1)
    n["pool5/drop_7x7_s1"] = L.Dropout(n["pool5/7x7_s1"], in_place=True, dropout_ratio=0.4)
    n.loss3_1 = _inner_product(n["pool5/drop_7x7_s1"], CLASSES)


def losses(n: NetSpec) -> None:
    """The auxiliary heads, and a loss and an accuracy for each of the three."""
    for k, module in ((1, "4a"), (2, "4d")):
        _auxiliary(n, k, n[f"inception_{module}/output"])
    for k, weight in ((1, 0.3), (2, 0.3), (3, 1)):
        score = n[f"loss{k}_1"]
        n[f"loss{k}/loss"] = L.SoftmaxWithLoss(score, n.label, loss_weight=weight)
        n[f"loss{k}/accuracy"] = L.Accuracy(score, n.label, include=[{"phase": caffe_pb2.TEST}])


def outputs(n: NetSpec) -> None:
    """The probability of each class."""
    n.prob = L.Softmax(n.loss3_1)


NET = NetDefinition(
    name="dcme2017_googlenet",
    about=__doc__ or "",
    body=body,
    losses=losses,
    outputs=outputs,
    input_shape=(3, SIDE, SIDE),
    data={"new_height": SIDE, "new_width": SIDE},
    train_data={"batch_size": 64, "shuffle": True},
    test_data={"batch_size": 1},
    transform={"scale": 1 / 256},
    train_transform={"mirror": True},
    solver={
        "type": "SGD",
        "base_lr": 1e-3,
        "momentum": 0.9,
        "weight_decay": 2e-4,
        "lr_policy": "poly",
        "power": 4,
        "max_iter": 80000,
        "display": 20,
        "average_loss": 20,
        "snapshot": 5000,
    },
    labels=("data", "label"),
    data_type="ImageData",
    data_folder="cityscapes_crops",
)
