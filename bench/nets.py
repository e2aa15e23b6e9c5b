"""The nets that are measured, for our runtime, from the parts in prototxt/nets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nets import isisa2019_deeplabv3plus, isisa2019_segnet
from nets.blocks import conv_relu, vgg16_body
from nets.files import NetDefinition

from caffe import NetSpec
from caffe import layers as L
from caffe.proto import caffe_pb2

__all__ = ["NETS", "BenchNet", "set_precision"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class BenchNet:
    """One net, as both sides are given it."""

    title: str
    size: tuple[int, int]
    """Height, width of the input."""
    stride: int
    """Pixels a side of the blocks of the second output; 0: there is none."""
    body: Callable[[NetSpec], None]
    losses: Callable[[NetSpec], None]
    outputs: tuple[str, ...]
    """Blobs of the body that both sides must agree in."""
    solver: bool
    """Whether a training step includes Adam's update; else it ends with the input's gradient."""

    def inputs(self, train: bool, batch: int = 1) -> dict[str, Shape]:
        """Shapes of the input and, in training, of the labels."""
        height, width = self.size
        shapes: dict[str, Shape] = {"data": (batch, 3, height, width)}
        if train:
            shapes["vectors_gt"] = (batch, 2, height, width)
            if self.stride:
                shapes["classes_gt"] = (batch, 1, height // self.stride, width // self.stride)
        return shapes

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


def _of_repository(net: NetDefinition, title: str, stride: int) -> BenchNet:
    return BenchNet(
        title=title,
        size=net.input_shape[1:],
        stride=stride,
        body=net.body,
        losses=net.losses,
        outputs=("vectors", "grid_score"),
        solver=True,
    )


NETS = {
    "vgg": BenchNet("VGG-16 body", (256, 512), 0, _vgg_body, _vgg_losses, ("vectors",), False),
    "deeplab": _of_repository(isisa2019_deeplabv3plus.NET, "VGG-DeepLabv3+", 16),
    "segnet": _of_repository(isisa2019_segnet.NET, "SegNet", 32),
}


def set_precision(proto: Any, precision: str) -> None:
    """Ask for a precision; raises LookupError where this runtime has no such setting."""
    if precision == "fp32":
        return
    try:
        proto.precision = caffe_pb2.Precision.Value(precision.upper())
    except (AttributeError, ValueError):
        raise LookupError(f"this runtime has no setting for {precision} compute") from None
