"""Nets for other classes than those of their prototxts: labels of the data, outputs of the head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcme.classes import CITYSCAPES, ClassMap
from dcme.errors import UserError
from dcme.files import PathLike
from dcme.training.caffe_train import NetFiles, data_layers, read_net, write_message


def classes_of_net(train: PathLike, *named: ClassMap | None) -> ClassMap | None:
    """The classes that a training prototxt's data layer lists; None where it lists none.

    It tells labels only: the names are those of the first of ``named`` with the same labels, else
    Cityscapes', else ``class1`` and the like.
    """
    for layer in read_net(train).layer:
        if layer.type == "DCMEData":
            told = layer.dcme_data_param
            labels = list(told.label) or CITYSCAPES.labels
            for classes in (*named, CITYSCAPES):
                if classes is not None and classes.labels == labels:
                    return classes
            return ClassMap(labels, [], list(told.ignored_label), list(told.priority))
    return None


def _label_blobs(net: Any) -> set[str]:
    """The blobs with the true classes."""
    return {top for layer in net.layer if layer.type == "DCMEData" for top in layer.top[2:3]}


def _class_head(net: Any, path: Path) -> Any:
    """The layer whose outputs are scores of the classes; None where the net has none."""
    label_blobs = _label_blobs(net)
    scores = [
        layer.bottom[0]
        for layer in net.layer
        if layer.type == "SoftmaxWithLoss" and layer.bottom[1] in label_blobs
    ]
    if not scores:
        return None
    maker = next(layer for layer in reversed(net.layer) if scores[0] in layer.top)
    if maker.type != "Convolution":
        raise UserError(
            f"{path}: layer '{maker.name}', which scores the classes, is no convolution but "
            f"{maker.type}: change its number of outputs by hand"
        )
    return maker


def classes_to_bind(files: NetFiles, kept: ClassMap | None, place: PathLike) -> ClassMap | None:
    """The classes ``kept`` with the data at ``place``, where a net has to be made one for these.

    None where its own data layer knows their labels, or reads none. Raises where it scores another
    number of classes: to give it other outputs than its weights may have is for the user to say.
    """
    own = classes_of_net(files.train)
    if kept is None or own is None or set(kept.labels) <= set(own.labels):
        return None
    head = _class_head(read_net(files.train), files.train)
    scored = len(kept.labels) if head is None else head.convolution_param.num_output - 1
    if scored != len(kept.labels):
        raise UserError(
            f"{place}: has the classes {kept}, but the net scores {scored} ({own}); to give it an "
            f"output for each: {kept.option()}"
        )
    return kept


def bind_classes(files: NetFiles, classes: ClassMap) -> None:
    """Make a net's files, in place, one for these classes: class k of the net is the k-th of them.

    The data layers take the labels; the convolution that scores the classes, if the net has one,
    gets an output for each and one for the background, in training and deployment.
    """
    train, deploy = read_net(files.train), read_net(files.deploy)
    for layer, _ in data_layers(train, files.train):
        if layer.type != "DCMEData":
            raise UserError(f"{files.train}: --classes is for nets with a DCMEData layer")
        parameters = layer.dcme_data_param
        for field in ("label", "priority", "ignored_label"):
            parameters.ClearField(field)
        parameters.label.extend(classes.labels)
        parameters.ignored_label.extend(classes.ignored)
        if classes.priority != list(range(1, 1 + len(classes.labels))):
            parameters.priority.extend(classes.priority)
    head = _class_head(train, files.train)
    for net, path in ((train, files.train), (deploy, files.deploy)):
        for layer in net.layer:
            if head is not None and layer.name == head.name:
                layer.convolution_param.num_output = 1 + len(classes.labels)
        write_message(path, net)
