"""Nets that only predict take the memory that only prediction needs."""

import numpy as np
import pytest
from dcme.errors import UserError
from dcme.prediction.classifier import Classifier
from dcme.prediction.net_loading import bytes_at_once, load_net
from dcme.prediction.network import Preprocessing

import caffe

SCALE = Preprocessing(1.0, (0.0,))
NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 10] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 16 kernel_size: 3 pad: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "power" type: "Power" bottom: "conv" top: "power" }
layer { name: "pool" type: "Pooling" bottom: "power" top: "pool"
        pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "vectors" type: "Convolution" bottom: "pool" top: "vectors"
        convolution_param { num_output: 2 kernel_size: 1 } }
"""


@pytest.fixture
def deploy(tmp_path):
    def write(text):
        (tmp_path / "deploy.prototxt").write_text(text)
        return tmp_path / "deploy.prototxt"

    return write


def test_values_between_the_layers_are_freed_unless_the_prototxt_keeps_them(deploy):
    outputs = {}
    for text in (NET, NET + "blob_lifetime: KEEP"):
        net = load_net(deploy(text), None)
        for blobs in net.params.values():
            blobs[0].data[...] = 0.1
        net.blobs["data"].data[...] = np.arange(240).reshape(3, 8, 10)
        outputs[text] = net.forward()["vectors"].copy()
        if text == NET:
            with pytest.raises(caffe.Error, match="blob_lifetime"):
                net.blobs["power"].data  # noqa: B018
        else:
            assert net.blobs["power"].data.any()
    lean, kept = outputs.values()
    np.testing.assert_allclose(lean, kept, rtol=1e-5)


def test_memory_is_that_of_the_largest_neighbours(deploy):
    values = 3 * 80 + 16 * 80 + 16 * 80  # the input, what Power reads and what it writes
    assert bytes_at_once(load_net(deploy(NET), None)) == 2 * 4 * values


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("net.caffemodel", "net.prototxt"), r"net\.caffemodel: is no \.prototxt file; name the"),
        (("net.prototxt", "net.prototxt"), r"net\.prototxt: is no \.caffemodel file; name the"),
        (("net.prototxt", "net.solverstate"), r"net\.solverstate: is no \.caffemodel file"),
        (("net.prototxt", "net.caffemodel"), r"net\.caffemodel: is an empty file; copy it again"),
        (("net.prototxt", "other.caffemodel"), r"other\.caffemodel: no such file"),
        ((".", "net.caffemodel"), r"is a folder; name a \.prototxt file in it"),
        (("net.prototxt", "."), r"is a folder; name a \.caffemodel file in it"),
    ],
)
def test_files_in_each_others_place_are_told(tmp_path, files, told):
    for ending in ("prototxt", "caffemodel", "solverstate"):
        (tmp_path / f"net.{ending}").write_text(NET if ending == "prototxt" else "")
    with pytest.raises(UserError, match=told):
        load_net(*(tmp_path / file for file in files))


def test_a_deploy_net_has_one_input(deploy):
    second = 'layer { name: "m" type: "Input" top: "more" input_param { shape { dim: 1 } } }'
    with pytest.raises(UserError, match=r"deploy\.prototxt: has 2 inputs; a deploy net for images"):
        load_net(deploy(NET + second), None)


def test_a_classifier_has_one_output(deploy):
    more = 'layer { name: "o" type: "Power" bottom: "data" top: "other" }'
    with pytest.raises(UserError, match=r"one output; this has the outputs .*other"):
        Classifier(deploy(NET.replace("8, 10]", "8, 8]") + more), None, SCALE)


def test_the_runtime_tells_what_is_wrong_in_a_prototxt(deploy):
    with pytest.raises(caffe.Error, match=r"deploy\.prototxt:4:.*did you mean num_output\?"):
        load_net(deploy(NET.replace("num_output: 16", "num_outputs: 16")), None)
