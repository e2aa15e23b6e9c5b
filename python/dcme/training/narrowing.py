"""Scaled-down copies of a net's files, for trainings of minutes on small images.

The same layers with the same names, with a fraction of the channels and another input size: what
runs is the paper's net in small, from the paper's own prototxts. Where those rely on pretrained
weights, batch normalisation takes their place: without either, such nets do not learn in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcme.errors import UserError
from dcme.files import PathLike
from dcme.training.caffe_train import (
    NetFiles,
    data_layers,
    data_parameters,
    read_net,
    write_message,
)

MOST_OUTPUTS_OF_HEADS = 21
"""Layers with more outputs than this are hidden ones: heads give vectors, classes or scores."""
FEWEST_CHANNELS = 4
SHORT_RUN_FRACTION = 0.98
"""Of batch normalisation's running statistics: they follow the last 50 batches or so."""


@dataclass(frozen=True)
class Narrowing:
    """How a net and its solver are scaled down."""

    factor: int
    """Channels of hidden layers are divided by this."""
    size: tuple[int, int]
    """(H, W) of the images; a classifier keeps its own."""
    batch: int
    iterations: int
    rate: float
    vector_weight: float = 1.0
    """Of the losses on vectors; 0 trains the encoder's classes alone."""


def _narrow_layer(layer: Any, factor: int) -> None:
    """Divide a layer's channels; learn at the full rate and start at random."""
    if layer.type == "BatchNorm":
        layer.batch_norm_param.moving_average_fraction = SHORT_RUN_FRACTION
    kinds = {
        "Convolution": "convolution_param",
        "Deconvolution": "convolution_param",
        "InnerProduct": "inner_product_param",
    }
    if layer.type not in kinds:
        return
    parameters = getattr(layer, kinds[layer.type])
    for k, learned in enumerate(layer.param):
        if learned.lr_mult > 0:  # those of pretrained layers are small: here nothing is pretrained
            learned.lr_mult = k + 1
    if parameters.num_output <= MOST_OUTPUTS_OF_HEADS:
        return
    outputs = max(parameters.num_output // factor, FEWEST_CHANNELS)
    if layer.type != "InnerProduct" and parameters.group == parameters.num_output:
        parameters.group = outputs
    parameters.num_output = outputs
    filler = parameters.weight_filler
    if filler.type == "constant" and filler.value == 0:
        filler.type = "msra"


def _in_place(kind: str, name: str, blob: str) -> Any:
    """A layer that changes one blob in place."""
    from caffe.proto import caffe_pb2

    return caffe_pb2.LayerParameter(name=name, type=kind, bottom=[blob], top=[blob])


def _normalization(convolution: Any) -> list[Any]:
    """BatchNorm and Scale for a convolution's output; at rest where the convolution is."""
    blob = convolution.top[0]
    normal = _in_place("BatchNorm", f"{convolution.name}_bn", blob)
    normal.batch_norm_param.moving_average_fraction = SHORT_RUN_FRACTION
    scale = _in_place("Scale", f"{convolution.name}_scale", blob)
    scale.scale_param.bias_term = True
    if convolution.param and all(learned.lr_mult == 0 for learned in convolution.param):
        normal.batch_norm_param.use_global_stats = True
        for _ in range(2):
            scale.param.add(lr_mult=0)
    return [normal, scale]


def _normalize(net: Any) -> None:
    """Put batch normalisation before each ReLU that follows a convolution directly."""
    normalized = {layer.bottom[0] for layer in net.layer if layer.type == "BatchNorm"}
    convolutions = {
        layer.top[0]: layer
        for layer in net.layer
        if layer.type == "Convolution" and layer.top[0] not in normalized
    }
    layers = []
    for layer in net.layer:
        if layer.type == "ReLU" and layer.bottom[0] in convolutions:
            layers += _normalization(convolutions[layer.bottom[0]])
        layers.append(layer)
    copies = [type(layer).FromString(layer.SerializeToString()) for layer in layers]
    del net.layer[:]
    net.layer.extend(copies)


def _resize_upsampling(net: Any, size: tuple[int, int]) -> None:
    """Give Upsample layers the sizes before the poolings whose masks they undo."""
    before = {}
    for layer in net.layer:
        if layer.type == "Pooling" and len(layer.top) == 2:
            before[layer.top[1]] = size
            size = (-(-size[0] // 2), -(-size[1] // 2))
        elif layer.type == "Upsample" and layer.upsample_param.upsample_h:
            height, width = before[layer.bottom[1]]
            layer.upsample_param.upsample_h, layer.upsample_param.upsample_w = height, width


def _narrow(net: Any, settings: Narrowing) -> None:
    for layer in net.layer:
        _narrow_layer(layer, settings.factor)
        if layer.type in ("DCMELoss", "EuclideanLoss") and settings.vector_weight != 1:
            layer.loss_weight[:] = [settings.vector_weight]
    _resize_upsampling(net, settings.size)
    _normalize(net)


def _train_net(path: Path, settings: Narrowing) -> Any:
    net = read_net(path)
    _narrow(net, settings)
    for layer, testing in data_layers(net, path):
        parameters = data_parameters(layer)
        if not testing:
            parameters.batch_size = settings.batch
        if layer.type == "DCMEData":
            parameters.new_height, parameters.new_width = settings.size
    return net


def _deploy_net(path: Path, settings: Narrowing) -> Any:
    net = read_net(path)
    _narrow(net, settings)
    inputs = [layer for layer in net.layer if layer.type == "Input"]
    if len(inputs) != 1:
        raise UserError(f"{path}: has {len(inputs)} Input layers; a deploy net has one")
    shape = inputs[0].input_param.shape[0].dim
    if shape[2] != shape[3]:  # a classifier's crops are square
        shape[2:] = settings.size
    return net


def _solver(settings: Narrowing) -> Any:
    """Adam, whose steps do not depend on how a loss is scaled, with its rate falling to 0."""
    from caffe.proto import caffe_pb2

    return caffe_pb2.SolverParameter(
        type="Adam",
        base_lr=settings.rate,
        momentum=0.9,
        momentum2=0.999,
        lr_policy="poly",
        power=0.9,
        max_iter=settings.iterations,
        display=10,
        average_loss=10,
        snapshot=settings.iterations,
        random_seed=1,
    )


def write_narrowed(files: NetFiles, out: PathLike, settings: Narrowing) -> NetFiles:
    """Write a net's three files, scaled down, into the folder ``out``."""
    folder = Path(out)
    small = NetFiles(*(folder / f"{name}.prototxt" for name in ("train", "deploy", "solver")))
    solver = _solver(settings)
    solver.net = str(small.train)
    messages = (
        (small.train, _train_net(files.train, settings)),
        (small.deploy, _deploy_net(files.deploy, settings)),
        (small.solver, solver),
    )
    for path, message in messages:
        write_message(path, message)
    return small
