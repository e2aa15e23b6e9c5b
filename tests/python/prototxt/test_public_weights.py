"""The public caffemodels load by name into the papers' nets, and no layer is missed silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from support import command, public_weights
from support.public_weights import Layers

import caffe
from caffe.proto import caffe_pb2

FOLDER = Path(__file__).parents[3] / "prototxt"
VGG_LAYERS = set(public_weights.vgg16(fully_connected=False))


def training_net(name: str, folder: Path) -> caffe.Net:
    """The net that `caffe train` builds, fed by an Input layer, so that it needs no data set."""
    proto = caffe_pb2.NetParameter()
    text_format.Parse((FOLDER / name / "train.prototxt").read_text(), proto)
    shape = deployed_shape(name)
    kept = [layer for layer in proto.layer if layer.name != "data"]
    tops = proto.layer[0].top
    del proto.layer[:]
    inputs = proto.layer.add(name="data", type="Input", top=tops)
    stride = 32 if "segnet" in name else 16
    shapes = {
        "data": shape,
        "vectors_gt": (1, 2, *shape[2:]),
        "classes_gt": (1, 1, shape[2] // stride, shape[3] // stride),
        "label": (1,),
    }
    for top in tops:
        inputs.input_param.shape.add(dim=shapes[top])
    proto.layer.extend(kept)
    path = folder / "net.prototxt"
    path.write_text(text_format.MessageToString(proto))
    return caffe.Net(str(path), caffe.TRAIN)


def deployed_shape(name: str) -> tuple[int, ...]:
    proto = caffe_pb2.NetParameter()
    text_format.Parse((FOLDER / name / "deploy.prototxt").read_text(), proto)
    return tuple(proto.layer[0].input_param.shape[0].dim)


def load(name: str, layers: Layers, folder: Path) -> tuple[caffe.Net, set[str]]:
    """Load the file; the net and its layers that the file names, each checked for its values."""
    path = folder / "public.caffemodel"
    public_weights.write(path, layers)
    net = training_net(name, folder)
    net.copy_from(str(path))
    path.unlink()
    taken = set(net.params) & set(layers)
    for layer in taken:
        for blob, values in zip(net.params[layer], public_weights.expected(layer, layers)):
            assert blob.data.size == values.size
            assert np.array_equal(blob.data.ravel(), values.ravel()), layer
        assert len(net.params[layer]) == len(layers[layer][1])
    return net, taken


@pytest.mark.parametrize("name", ["isisa2019_deeplabv3plus", "isisa2019_segnet", "dcme2017_segnet"])
def test_vgg16_gives_its_convolutions_to_every_encoder(name: str, tmp_path: Path) -> None:
    _, taken = load(name, public_weights.vgg16(fully_connected=False), tmp_path)
    assert taken == VGG_LAYERS


@pytest.mark.slow
def test_vgg16_gives_fcn8s_its_fully_connected_layers_as_convolutions(tmp_path: Path) -> None:
    _, taken = load("dcme2017_fcn8s", public_weights.vgg16(fully_connected=True), tmp_path)
    assert taken == VGG_LAYERS | {"fc6", "fc7"}


@pytest.mark.slow
def test_fcn8s_takes_all_of_the_pascal_net_but_the_last_layer(tmp_path: Path) -> None:
    net, taken = load("dcme2017_fcn8s", public_weights.fcn8s_heavy_pascal(), tmp_path)
    assert set(net.params) - taken == {"upscore8_1"}


def test_googlenet_takes_all_but_the_classifiers(tmp_path: Path) -> None:
    net, taken = load("dcme2017_googlenet", public_weights.bvlc_googlenet(), tmp_path)
    assert set(net.params) - taken == {"loss1_1", "loss2_1", "loss3_1"}


SMALL = """name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "conv1_1" type: "Convolution" bottom: "data" top: "a"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "fc6" type: "Convolution" bottom: "a" top: "b"
  convolution_param { num_output: 5 kernel_size: 6 } }
layer { name: "added" type: "InnerProduct" bottom: "b" top: "c"
  inner_product_param { num_output: 2 } }
"""


def small_net(tmp_path: Path, layers: Layers) -> caffe.Net:
    (tmp_path / "small.prototxt").write_text(SMALL)
    public_weights.write(tmp_path / "small.caffemodel", layers)
    return caffe.Net(
        str(tmp_path / "small.prototxt"), caffe.TEST, weights=str(tmp_path / "small.caffemodel")
    )


def test_fully_connected_weights_are_the_convolution_over_the_whole_input(tmp_path: Path) -> None:
    layers: Layers = {"fc6": ("INNER_PRODUCT", [(1, 1, 5, 4 * 6 * 6), (1, 1, 1, 5)])}
    net = small_net(tmp_path, layers)
    rng = np.random.default_rng(0)
    net.blobs["data"].data[...] = rng.random((1, 3, 8, 8))
    net.forward()
    weights, biases = public_weights.expected("fc6", layers)
    expected = weights[0, 0] @ net.blobs["a"].data.ravel() + biases.ravel()
    assert net.blobs["b"].data.ravel() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "shapes", "told"),
    [
        ("CONVOLUTION", [(4, 1, 3, 3), (1, 1, 1, 4)], "4 3 3 3 .*in the net, 4 1 3 3 .*in the w"),
        # As many values, in no order that would fit.
        ("CONVOLUTION", [(3, 4, 3, 3), (1, 1, 1, 4)], "4 3 3 3 .*in the net, 3 4 3 3 .*in the w"),
        ("INNER_PRODUCT", [(1, 1, 27, 4), (1, 1, 1, 4)], "in the net, 1 1 27 4 "),
        ("CONVOLUTION", [(4, 3, 3, 3)], "2 parameter blobs in the net, 1 in the weights"),
    ],
)
def test_a_layer_that_does_not_fit_is_named_with_both_shapes_and_advice(
    kind: str, shapes: list[tuple[int, ...]], told: str, tmp_path: Path
) -> None:
    pattern = rf"small\.caffemodel: .*conv1_1.*{told}.*weights of another net"
    with pytest.raises(RuntimeError, match=pattern):
        small_net(tmp_path, {"conv1_1": (kind, shapes)})


def test_the_log_names_layers_on_both_sides_that_find_no_partner(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(SMALL)
    layers: Layers = {
        "conv1_1": ("CONVOLUTION", [(4, 3, 3, 3), (1, 1, 1, 4)]),
        "fc8": ("INNER_PRODUCT", [(1, 1, 2, 5), (1, 1, 1, 2)]),
    }
    public_weights.write(tmp_path / "some.caffemodel", layers)
    words = ("test", "--model=net.prototxt", "--weights=some.caffemodel", "--iterations=1")
    lines = command.run(tmp_path, *words)
    assert "Ignoring source layer fc8" in lines
    assert "Layers with no parameters in these weights keep their own: fc6, added" in lines
