"""caffe.Net: how it is made, and what it consists of."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from support.small_net import NET, write

import caffe


def test_a_net_is_made_from_a_file_with_positions_keywords_or_the_old_order(tmp_path, net):
    file, weights = str(tmp_path / "net.prototxt"), str(tmp_path / "w.caffemodel")
    net.save(weights)
    for other in (
        caffe.Net(file, caffe.TEST, weights=weights),
        caffe.Net(network_file=file, phase=caffe.TEST, weights=weights),
        caffe.Net(file, caffe.TEST, 0, None, weights),
        caffe.Net(file, weights, caffe.TEST),
        caffe.Net(tmp_path / "net.prototxt", caffe.TEST, weights=tmp_path / "w.caffemodel"),
    ):
        for mine, theirs in zip(net.params["conv"], other.params["conv"]):
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_a_net_is_made_from_a_message():
    spec = caffe.NetSpec()
    spec.data = caffe.layers.Input(shape={"dim": [1, 2]})
    spec.out = caffe.layers.Power(spec.data, scale=3)
    other = caffe.Net(spec.to_proto(), caffe.TEST)
    assert other.forward(data=np.array([[1, 2]]))["out"].tolist() == [[3, 6]]


def test_a_net_needs_a_phase(tmp_path):
    with pytest.raises(TypeError, match="phase"):
        caffe.Net(write(tmp_path, NET))
    with pytest.raises(ValueError, match=r"caffe\.TEST \(1\), not 2"):
        caffe.Net(write(tmp_path, NET), 2)


def test_a_net_takes_no_further_values(tmp_path):
    file = write(tmp_path, NET)
    with pytest.raises(TypeError, match="a file and at most 4 values, got 5"):
        caffe.Net(file, caffe.TEST, 0, None, None, None)
    with pytest.raises(TypeError, match="a file and at most 2 values, got 3"):
        caffe.Net(file, "net.caffemodel", caffe.TEST, 0)


@pytest.mark.parametrize(
    ("values", "keywords", "name"),
    [
        ((caffe.TEST,), {"phase": caffe.TRAIN}, "phase"),
        ((caffe.TEST, 0), {"level": 0}, "level"),
        ((caffe.TEST, 0, ["a"]), {"stages": ["b"]}, "stages"),
        ((caffe.TEST, 0, None, "a.caffemodel"), {"weights": "b.caffemodel"}, "weights"),
        (("a.caffemodel", caffe.TEST), {"weights": "b.caffemodel"}, "weights"),
        (("a.caffemodel", caffe.TEST), {"phase": caffe.TEST}, "phase"),
    ],
)
def test_a_net_takes_each_value_once(tmp_path, values, keywords, name):
    with pytest.raises(TypeError, match=f"Net got multiple values for '{name}'"):
        caffe.Net(write(tmp_path, NET), *values, **keywords)


def test_the_name_of_a_stage_is_no_list_of_stages(tmp_path):
    with pytest.raises(TypeError, match=r"stages is a list of names: \['deploy'\]"):
        caffe.Net(write(tmp_path, NET), caffe.TEST, stages="deploy")


@pytest.mark.parametrize("name", ["blobs", "inputs", "layers", "outputs", "params"])
def test_what_a_net_consists_of_cannot_be_set(net, name):
    before = getattr(net, name)
    with pytest.raises(AttributeError, match=name):
        setattr(net, name, 3)
    assert getattr(net, name) is before or getattr(net, name) == before


def test_level_and_stages_select_layers(tmp_path):
    layer = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ {1} }} {2} }}'
    shape = "shape { dim: 1 }"
    file = write(
        tmp_path,
        "\n".join(
            [
                layer.format("always", shape, ""),
                layer.format("deep", shape, "include { min_level: 3 }"),
                layer.format("middle", shape, "include { min_level: 1 max_level: 2 }"),
                layer.format("a", shape, 'include { stage: "A" }'),
                layer.format("not_b", shape, 'exclude { stage: "B" }'),
                layer.format("train", shape, "include { phase: TRAIN }"),
            ]
        ),
    )
    names = lambda *args, **kw: list(caffe.Net(file, *args, **kw).blobs)  # noqa: E731
    assert names(caffe.TEST) == ["always", "not_b"]
    assert names(caffe.TRAIN) == ["always", "not_b", "train"]
    assert names(caffe.TEST, level=1) == names(caffe.TEST, level=2) == ["always", "middle", "not_b"]
    assert names(caffe.TEST, level=3) == ["always", "deep", "not_b"]
    assert names(caffe.TEST, stages=["A", "B"]) == ["always", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("layer { nmae: 'x' }", "nmae"),
        ("layer { name: 'x' type: 'Convolutoin' }", "Convolution"),
        (
            "layer { name: 'd' type: 'Input' top: 'x' include { phase: TRAIN } }"
            "layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'y' }",
            r"'x', but include or exclude rules leave what makes it \('d'\) out of a net with "
            "phase TEST, level 0, no stage",
        ),
    ],
)
def test_a_bad_file_is_an_error_that_python_can_catch(tmp_path, text, message):
    file = str(tmp_path / "missing.prototxt") if text is None else write(tmp_path, text)
    with pytest.raises(caffe.Error, match=message):
        caffe.Net(file, caffe.TEST)
    assert issubclass(caffe.Error, RuntimeError)


def test_errors_show_the_bytes_of_files_that_are_not_utf_8(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'layer { name: "stra\xdfe" type: "Nowhere" }')
    with pytest.raises(caffe.Error, match=r"layer 'stra\\xdfe' \(Nowhere\)"):
        caffe.Net(str(path), caffe.TEST)


@pytest.mark.parametrize("layer", ["Tile' tile_param { axis: 0 tiles: 2 }", "Reduction'"])
def test_a_layer_that_cannot_work_in_place_is_refused(tmp_path, layer):
    text = f"""layer {{ name: 'x' type: 'Input' top: 'x' input_param {{ shape {{ dim: 3 }} }} }}
      layer {{ name: 'y' bottom: 'x' top: 'x' type: '{layer} }}"""
    with pytest.raises(caffe.Error, match=r"layer 'y' .* cannot work in place"):
        caffe.Net(write(tmp_path, text), caffe.TEST)


def test_an_error_ends_the_process_where_the_environment_says_so():
    done = subprocess.run(
        [sys.executable, "-c", "import caffe; caffe.Net('missing.prototxt', caffe.TEST)"],
        env={**os.environ, "CAFFE_ABORT_ON_FATAL": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGABRT
    assert "missing.prototxt" in done.stderr


class Named(caffe.Net):
    """Has a name of its own, as classes of pycaffe's users do."""

    def __init__(self, file, before=None, after=None):
        if before:
            self.name = before
        super().__init__(file, caffe.TEST)
        if after:
            self.name = after


def test_a_program_may_give_a_net_another_name(tmp_path, net):
    net.name = "vgg16"
    assert net.name == "vgg16"
    assert repr(net) == "<caffe.Net 'vgg16' TEST: 6 layers>"

    file = write(tmp_path, NET)
    assert Named(file).name == "small"
    assert Named(file, before="mine").name == Named(file, after="mine").name == "mine"

    (tmp_path / "solver.prototxt").write_text(f'net: "{file}" lr_policy: "fixed" base_lr: 1')
    solver = caffe.SGDSolver(str(tmp_path / "solver.prototxt"))
    assert solver.net.name == "small"
    solver.net.name = "trained"
    assert solver.net.name == "trained"


def test_names_are_those_of_the_file_and_of_the_splits_the_net_adds(net):
    assert net.name == "small"
    assert list(net.blobs) == [
        "data",
        "conv",
        "ip",
        "ip_ip_0_split_0",
        "ip_ip_0_split_1",
        "one",
        "two",
    ]
    assert net._layer_names == ["data", "conv", "ip", "ip_ip_0_split", "one", "two"]
    assert list(net.layer_dict) == list(net._layer_names)
    assert [layer.type for layer in net.layers][:3] == ["Input", "Convolution", "InnerProduct"]
    assert list(net.params) == ["conv", "ip"]
    assert (net.inputs, net.outputs) == (["data"], ["one", "two"])
    assert net.top_names["conv"] == ["conv"]
    assert net.bottom_names["one"] == ["ip_ip_0_split_0"]
    assert list(net.blob_loss_weights) == list(net.blobs)


def test_layers_may_have_one_name(tmp_path):
    text = NET.replace('name: "one" type', 'name: "ip" type')
    twice = caffe.Net(write(tmp_path, text), caffe.TEST)
    assert list(twice.params) == ["conv", "ip"]
    assert [blob.shape for blob in twice.params["ip"]] == [(6, 24), (6,)]


def test_blobs_tell_their_shape(net):
    blob = net.blobs["data"]
    assert blob.shape == (2, 3, 5, 4)
    assert (blob.num, blob.channels, blob.height, blob.width) == (2, 3, 5, 4)
    assert blob.count == 120
    assert blob.data.shape == blob.diff.shape == blob.shape
    assert blob.data.dtype == np.float32


def test_params_are_sequences(net):
    conv = net.params["conv"]
    assert len(conv) == 2
    assert [b.shape for b in conv] == [(4, 3, 3, 3), (4,)]
    assert conv[-1].shape == (4,)
    assert [b.shape for b in conv[:1]] == [(4, 3, 3, 3)]
    with pytest.raises(IndexError, match="conv"):
        conv[2]


def test_unknown_layers_are_named_in_the_error(net):
    with pytest.raises(ValueError, match="the net has no layer 'nope'; it has"):
        net.forward(start="nope")
