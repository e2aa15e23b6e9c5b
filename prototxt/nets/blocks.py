"""What several nets are made of. Every function names its layers as nets of the family do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

Block = Callable[..., Any]
"""conv_relu or conv_bn_relu."""

VGG16 = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
"""Channels and convolutions of each level."""

IMAGENET_MEAN = [103.939, 116.779, 123.68]
"""Blue, green and red, for VGG's ImageNet weights."""

FULL = P.DCMELoss.FULL
MSRA = {"type": "msra"}
ZERO = {"type": "constant", "value": 0}
WEIGHT_AND_BIAS = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 0}]


def conv(bottom: Any, outputs: int, kernel: int = 3, dilation: int = 1, **more: Any) -> Any:
    """A convolution that keeps the size, unless told another pad or stride."""
    more = {"weight_filler": MSRA, "pad": dilation * (kernel // 2), **more}
    if more.pop("bias_term", True):
        more.setdefault("param", WEIGHT_AND_BIAS)
    else:
        more["bias_term"] = False
    if dilation > 1:
        more["dilation"] = dilation
    return L.Convolution(bottom, num_output=outputs, kernel_size=kernel, **more)


def conv_relu(n: NetSpec, name: str, bottom: Any, outputs: int, **more: Any) -> Any:
    """conv<k> and relu<k>."""
    n[f"conv{name}"] = conv(bottom, outputs, **more)
    n[f"relu{name}"] = L.ReLU(n[f"conv{name}"], in_place=True)
    return n[f"relu{name}"]


def conv_bn(
    n: NetSpec, name: str, bottom: Any, outputs: int, fraction: float = 0.999, **more: Any
) -> Any:
    """conv<k>, conv<k>_bn, conv<k>_scale."""
    n[f"conv{name}"] = conv(bottom, outputs, **{"bias_term": False, **more})
    n[f"conv{name}_bn"] = L.BatchNorm(
        n[f"conv{name}"], in_place=True, moving_average_fraction=fraction
    )
    n[f"conv{name}_scale"] = L.Scale(n[f"conv{name}_bn"], in_place=True, bias_term=True)
    return n[f"conv{name}_scale"]


def conv_bn_relu(
    n: NetSpec, name: str, bottom: Any, outputs: int, fraction: float = 0.999, **more: Any
) -> Any:
    """conv<k>, conv<k>_bn, conv<k>_scale, relu<k>.

    Normalisation makes the convolution's bias redundant; bias_term=True is for nets whose public
    weights have one. fraction: of the statistics that a new batch leaves standing. Runs of a few
    hundred iterations need less than Caffe's 0.999, else the first ones are still in them at the
    end.
    """
    normalized = conv_bn(n, name, bottom, outputs, fraction, **more)
    n[f"relu{name}"] = L.ReLU(normalized, in_place=True)
    return n[f"relu{name}"]


def pool(bottom: Any, **more: Any) -> Any:
    """Halves the size by maxima."""
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=2, stride=2, **more)


def upsample(bottom: Any, channels: int, factor: int) -> Any:
    """Each channel enlarged on its own, bilinear at first and then as training finds best."""
    return L.Deconvolution(
        bottom,
        convolution_param={
            "num_output": channels,
            "group": channels,
            "kernel_size": [2 * factor],
            "stride": [factor],
            "pad": [factor // 2],
            "bias_term": False,
            "weight_filler": {"type": "bilinear"},
        },
        param=[{"lr_mult": 1, "decay_mult": 0}],
    )


def encoder_decoder(n: NetSpec, bottom: Any, widths: list[int], fraction: float) -> tuple[Any, Any]:
    """A small VGG with a mirrored decoder and skip connections.

    Two convolutions a level, halved between levels, widths[i] channels at level i. Returns the
    encoder's output (stride 2^(levels - 1)) and the decoder's (full size).
    """
    levels = len(widths)
    skips = []
    for level, width in enumerate(widths, start=1):
        for k in (1, 2):
            bottom = conv_bn_relu(n, f"{level}_{k}", bottom, width, fraction)
        if level < levels:
            skips.append(bottom)
            bottom = n[f"pool{level}"] = pool(bottom)
    encoded = bottom
    for level in range(levels - 1, 0, -1):
        width = widths[level - 1]
        n[f"upconv{level}"] = L.Deconvolution(
            bottom,
            convolution_param={
                "num_output": width,
                "kernel_size": [2],
                "stride": [2],
                "weight_filler": MSRA,
            },
            param=WEIGHT_AND_BIAS,
        )
        n[f"concat{level}"] = L.Concat(n[f"upconv{level}"], skips.pop())
        bottom = n[f"concat{level}"]
        for k in (2, 1):
            bottom = conv_bn_relu(n, f"{level}_{k}_D", bottom, width, fraction)
    return encoded, bottom


def vgg16_body(n: NetSpec, bottom: Any, block: Block, dilations: dict[int, int]) -> dict[int, Any]:
    """conv1_1 .. conv5_3 with ``block`` and pool1 .. pool4 (pool5 is left to the net).

    dilations: of the convolutions of a level, where not 1. Returns the last blob of each level.
    """
    ends = {}
    for level, (width, depth) in enumerate(VGG16, start=1):
        for k in range(1, depth + 1):
            bottom = block(n, f"{level}_{k}", bottom, width, dilation=dilations.get(level, 1))
        ends[level] = bottom
        if level < 5:
            bottom = n[f"pool{level}"] = pool(bottom)
    return ends


def dcme_loss(n: NetSpec, amplitude: float = 4, **more: Any) -> None:
    """The paper's loss on ``vectors``: independent outputs, errors clipped at amplitude / 2."""
    n.vector_loss = L.DCMELoss(n.vectors, n.vectors_gt, amplitude=amplitude, **more)


def euclidean_loss(n: NetSpec) -> None:
    """Paper 1's loss on ``vectors``."""
    n.vector_loss = L.EuclideanLoss(n.vectors, n.vectors_gt)


def grid_loss(n: NetSpec, **more: Any) -> None:
    """SoftmaxWithLoss of ``grid_score`` on the classes of the blocks, and their accuracy."""
    n.grid_loss = L.SoftmaxWithLoss(n.grid_score, n.classes_gt, **more)
    n.grid_accuracy = L.Accuracy(n.grid_score, n.classes_gt, include=[{"phase": caffe_pb2.TEST}])


def grid_probabilities(n: NetSpec) -> None:
    """Deployment: the probability of each class in each block."""
    n.grid = L.Softmax(n.grid_score)
