"""The nets that are measured, for our runtime, from the parts in prototxt/nets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nets import isisa2019_deeplabv3plus, isisa2019_segnet
from nets.blocks import conv_bn, conv_bn_relu, conv_relu, vgg16_body
from nets.files import NetDefinition

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

__all__ = ["NETS", "BenchNet", "set_precision"]

Shape = tuple[int, ...]

RESNET50 = [(64, 3), (128, 4), (256, 6), (512, 3)]
"""Channels and blocks of each level (He et al. 2016)."""


@dataclass(frozen=True)
class BenchNet:
    """One net, as both sides are given it."""

    title: str
    size: tuple[int, int]
    """Height, width of the input."""
    labels: Callable[[int, tuple[int, int]], dict[str, Shape]]
    """Shapes of what training compares with, of a number of images and their size."""
    body: Callable[[NetSpec], None]
    losses: Callable[[NetSpec], None]
    outputs: tuple[str, ...]
    """Blobs of the body that both sides must agree in."""
    solver: bool = True
    """Whether a training step includes Adam's update; else it ends with the input's gradient."""
    batch: int = 1
    """Images in a step on the CPU."""

    def inputs(self, train: bool, batch: int = 1) -> dict[str, Shape]:
        """Shapes of the input and, in training, of the labels."""
        shapes: dict[str, Shape] = {"data": (batch, 3, *self.size)}
        return shapes | (self.labels(batch, self.size) if train else {})

    def proto(self, train: bool, batch: int = 1) -> Any:
        """The NetParameter, with Input layers for data and labels."""
        spec = NetSpec()
        for name, shape in self.inputs(train, batch).items():
            spec[name] = L.Input(input_param={"shape": {"dim": list(shape)}})
        self.body(spec)
        if train:
            self.losses(spec)
        proto = spec.to_proto()
        proto.name = self.title
        proto.force_backward = train and not self.solver
        # As the commands `caffe train`, `time` and `test` have it: nobody looks in between.
        proto.blob_lifetime = proto.UNTIL_BACKWARD if train else proto.UNTIL_READ
        return proto


def _vectors(batch: int, size: tuple[int, int]) -> dict[str, Shape]:
    return {"vectors_gt": (batch, 2, *size)}


def _vgg_body(n: NetSpec) -> None:
    ends = vgg16_body(n, n.data, conv_relu, dilations={})
    n.vectors = L.Deconvolution(
        ends[5],
        convolution_param={
            "num_output": 2,
            "kernel_size": [32],
            "stride": [16],
            "pad": [8],
            "weight_filler": {"type": "gaussian", "std": 0.001},
        },
    )


def _vgg_losses(n: NetSpec) -> None:
    n.loss = L.EuclideanLoss(n.vectors, n.vectors_gt)


def _residual(n: NetSpec, name: str, bottom: Any, width: int, stride: int, widens: bool) -> Any:
    shortcut = bottom
    if widens:
        shortcut = conv_bn(n, f"{name}_1", bottom, 4 * width, kernel=1, stride=stride)
    x = conv_bn_relu(n, f"{name}_2a", bottom, width, kernel=1, stride=stride)
    x = conv_bn_relu(n, f"{name}_2b", x, width)
    x = conv_bn(n, f"{name}_2c", x, 4 * width, kernel=1)
    n[f"res{name}"] = L.Eltwise(shortcut, x)
    n[f"res{name}_relu"] = L.ReLU(n[f"res{name}"], in_place=True)
    return n[f"res{name}_relu"]


def _resnet50_body(n: NetSpec) -> None:
    x = conv_bn_relu(n, "1", n.data, 64, kernel=7, stride=2)
    x = n.pool1 = L.Pooling(x, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    for level, (width, depth) in enumerate(RESNET50, start=2):
        for k in range(depth):
            halves = k == 0 and level > 2
            x = _residual(n, f"{level}_{k}", x, width, 2 if halves else 1, widens=k == 0)
    n.pool5 = L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)
    n.scores = L.InnerProduct(n.pool5, num_output=1000, weight_filler={"type": "xavier"})


def _resnet50_losses(n: NetSpec) -> None:
    n.loss = L.SoftmaxWithLoss(n.scores, n.classes_gt)


def _of_repository(net: NetDefinition, title: str, stride: int) -> BenchNet:
    def labels(batch: int, size: tuple[int, int]) -> dict[str, Shape]:
        height, width = size
        classes = {"classes_gt": (batch, 1, height // stride, width // stride)}
        return _vectors(batch, size) | classes

    return BenchNet(
        title=title,
        size=net.input_shape[1:],
        labels=labels,
        body=net.body,
        losses=net.losses,
        outputs=("vectors", "grid_score"),
    )


NETS = {
    "vgg": BenchNet(
        "VGG-16 body", (256, 512), _vectors, _vgg_body, _vgg_losses, ("vectors",), solver=False
    ),
    "deeplab": _of_repository(isisa2019_deeplabv3plus.NET, "VGG-DeepLabv3+", 16),
    "segnet": _of_repository(isisa2019_segnet.NET, "SegNet", 32),
    "resnet": BenchNet(
        "ResNet-50 (8 images)",
        (224, 224),
        lambda batch, _: {"classes_gt": (batch,)},
        _resnet50_body,
        _resnet50_losses,
        ("scores",),
        batch=8,
    ),
}


def set_precision(proto: Any, precision: str) -> None:
    """Ask for a precision; raises LookupError where this runtime has no such setting."""
    if precision == "fp32":
        return
    try:
        proto.precision = caffe_pb2.Precision.Value(precision.upper())
    except (AttributeError, ValueError):
        raise LookupError(f"this runtime has no setting for {precision} compute") from None
