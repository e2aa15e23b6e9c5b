"""From the description of a net to its three files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from caffe import NetSpec
from caffe.proto import caffe_pb2

Fields = Mapping[str, Any]
START = "start.caffemodel"
DECODING = "decoding.json"
DATA_PARAMETERS = {"DCMEData": "dcme_data_param", "ImageData": "image_data_param"}


@dataclass(frozen=True)
class NetDefinition:
    """One net: how to build it, and what surrounds it in training and deployment."""

    name: str
    about: str
    """What stands at the head of the files."""
    body: Callable[[NetSpec], None]
    """Adds all layers from the blob ``data`` to the outputs."""
    losses: Callable[[NetSpec], None]
    """Adds the losses on the outputs and on the labels ``vectors_gt`` and ``classes_gt``."""
    outputs: Callable[[NetSpec], None]
    """Adds what deployment needs beyond the body."""
    input_shape: tuple[int, int, int]
    """Channels, height, width."""
    data: Fields
    """Of the data layer's parameters, in both phases."""
    train_data: Fields
    """Further fields in training: batch size, augmentation."""
    test_data: Fields
    transform: Fields
    solver: Fields
    labels: tuple[str, ...] = ("data", "vectors_gt", "classes_gt")
    train_transform: Fields = field(default_factory=dict)
    """Further transform_param fields in training."""
    data_type: str = "DCMEData"
    """Type of the data layer, a key of DATA_PARAMETERS."""
    data_folder: str = ""
    """Where its lists are, below data/; the net's name by default."""
    decoding: Fields = field(default_factory=dict)
    """Thresholds of the decoder that fit the net's task: they become decoding.json."""
    start: Callable[[], Any] | None = None
    """Weights (a NetParameter) that no filler gives: they become start.caffemodel."""
    variants: Mapping[str, NetDefinition] = field(default_factory=dict)
    """Other ways to train the same net: train_<variant> and solver_<variant> stand beside."""


def _data_layer(net: NetDefinition, phase: int) -> Any:
    layer = caffe_pb2.LayerParameter(name="data", type=net.data_type, top=net.labels)
    layer.include.add(phase=phase)
    training = phase == caffe_pb2.TRAIN
    _fill(layer.transform_param, net.transform)
    if training:
        _fill(layer.transform_param, net.train_transform)
    parameters = getattr(layer, DATA_PARAMETERS[net.data_type])
    _fill(parameters, net.data)
    _fill(parameters, net.train_data if training else net.test_data)
    folder = f"data/{net.data_folder or net.name}"
    parameters.source = f"{folder}/{'train' if training else 'val'}.txt"
    parameters.root_folder = f"{folder}/"
    return layer


def _fill(message: Any, values: Fields) -> None:
    for name, value in values.items():
        if isinstance(value, (list, tuple)):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)


def _spec(names: tuple[str, ...]) -> NetSpec:
    """A NetSpec whose first blobs come from elsewhere."""
    from caffe import layers

    spec = NetSpec()
    tops = layers.Input(ntop=len(names)) if len(names) > 1 else (layers.Input(),)
    for name, top in zip(names, tops):
        spec[name] = top
    return spec


def train_net(net: NetDefinition) -> Any:
    """The NetParameter for training and testing."""
    spec = _spec(net.labels)
    net.body(spec)
    net.losses(spec)
    proto = caffe_pb2.NetParameter(name=net.name)
    for phase in (caffe_pb2.TRAIN, caffe_pb2.TEST):
        proto.layer.append(_data_layer(net, phase))
    proto.layer.extend(spec.to_proto().layer[1:])
    return proto


def deploy_net(net: NetDefinition) -> Any:
    """The NetParameter with an Input layer, without losses."""
    spec = _spec(("data",))
    net.body(spec)
    net.outputs(spec)
    proto = caffe_pb2.NetParameter(name=net.name)
    layer = proto.layer.add(name="data", type="Input", top=["data"])
    layer.input_param.shape.add(dim=(1, *net.input_shape))
    proto.layer.extend(spec.to_proto().layer[1:])
    return proto


def solver(net: NetDefinition, home: str, suffix: str = "") -> Any:
    """The SolverParameter; with a variant's suffix, that of its training net, in folder home."""
    proto = caffe_pb2.SolverParameter(net=f"{home}/train{suffix}.prototxt")
    _fill(proto, net.solver)
    proto.snapshot_prefix = f"snapshots/{net.name}{suffix}"
    return proto


def _text(net: NetDefinition, message: Any) -> str:
    lines = [line.rstrip() for line in net.about.strip().splitlines()]
    head = "".join(f"# {line}".rstrip() + "\n" for line in lines)
    head += "#\n# Made by prototxt/generate.py: change it there.\n"
    return head + text_format.MessageToString(message)


def file_texts(net: NetDefinition, folder: str = "") -> dict[str, str]:
    """The content of each file by its name. folder: where they will be; prototxt/<net>."""
    home = folder or f"prototxt/{net.name}"
    texts = {"deploy.prototxt": _text(net, deploy_net(net))}
    for variant, definition in {"": net, **net.variants}.items():
        suffix = f"_{variant}" if variant else ""
        texts[f"train{suffix}.prototxt"] = _text(definition, train_net(definition))
        texts[f"solver{suffix}.prototxt"] = _text(definition, solver(definition, home, suffix))
    if net.decoding:
        texts[DECODING] = json.dumps(net.decoding, indent=2) + "\n"
    return texts


def write_files(net: NetDefinition, folder: Path, home: str = "") -> None:
    """Write the prototxts into ``folder``, and the weights to start from, if any.

    home: the folder's name in the solvers, where it is not prototxt/<net>.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not net.decoding:  # those of another variant do not fit
        (folder / DECODING).unlink(missing_ok=True)
    if net.start is not None:
        (folder / START).write_bytes(net.start().SerializeToString(deterministic=True))
    for name, text in file_texts(net, home).items():
        (folder / name).write_text(text, encoding="utf-8")
