"""From the description of a net to its three files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from caffe import NetSpec
from caffe.proto import caffe_pb2

Fields = Mapping[str, Any]


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
    """Of dcme_data_param, in both phases."""
    train_data: Fields
    """Further dcme_data_param fields in training: batch size, augmentation."""
    test_data: Fields
    transform: Fields
    solver: Fields
    labels: tuple[str, ...] = field(default=("data", "vectors_gt", "classes_gt"))


def _data_layer(net: NetDefinition, phase: int) -> Any:
    layer = caffe_pb2.LayerParameter(name="data", type="DCMEData", top=net.labels)
    layer.include.add(phase=phase)
    training = phase == caffe_pb2.TRAIN
    _fill(layer.transform_param, net.transform)
    _fill(layer.dcme_data_param, net.data)
    _fill(layer.dcme_data_param, net.train_data if training else net.test_data)
    folder = f"data/{net.name}"
    layer.dcme_data_param.source = f"{folder}/{'train' if training else 'val'}.txt"
    layer.dcme_data_param.root_folder = f"{folder}/"
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


def solver(net: NetDefinition) -> Any:
    """The SolverParameter."""
    proto = caffe_pb2.SolverParameter(net=f"prototxt/{net.name}/train.prototxt")
    _fill(proto, net.solver)
    proto.snapshot_prefix = f"snapshots/{net.name}"
    return proto


def file_texts(net: NetDefinition) -> dict[str, str]:
    """The content of each file by its name."""
    lines = [line.rstrip() for line in net.about.strip().splitlines()]
    head = "".join(f"# {line}".rstrip() + "\n" for line in lines)
    head += "#\n# Made by prototxt/generate.py: change it there.\n"
    messages = {"train": train_net(net), "deploy": deploy_net(net), "solver": solver(net)}
    return {
        f"{name}.prototxt": head + text_format.MessageToString(message)
        for name, message in messages.items()
    }


def write_files(net: NetDefinition, folder: Path) -> None:
    """Write the three files into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in file_texts(net).items():
        (folder / name).write_text(text, encoding="utf-8")
