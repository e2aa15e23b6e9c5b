"""caffe.Net, Blob and Layer: the surface that pycaffe's users know."""

import gc
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import caffe
from caffe.proto import caffe_pb2

NET = """
name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "gaussian" std: 1 }
                      bias_filler { type: "constant" value: 2 } } param { decay_mult: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 6 weight_filler { type: "gaussian" std: 2 } } }
layer { name: "one" type: "Power" bottom: "ip" top: "one" power_param { scale: 2 } }
layer { name: "two" type: "Power" bottom: "ip" top: "two" power_param { power: 2 } }
"""


def write(folder, text, name="net.prototxt"):
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.fixture
def net(tmp_path):
    caffe.set_mode_cpu()
    caffe.set_random_seed(7)
    return caffe.Net(write(tmp_path, NET), caffe.TEST)


def fill(net, seed=0):
    shape = net.blobs["data"].shape
    net.blobs["data"].data[...] = np.random.default_rng(seed).normal(size=shape)


# ---- construction ----


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


def test_a_net_is_made_from_a_message(net):
    spec = caffe.NetSpec()
    spec.data = caffe.layers.Input(shape={"dim": [1, 2]})
    spec.out = caffe.layers.Power(spec.data, scale=3)
    other = caffe.Net(spec.to_proto(), caffe.TEST)
    assert other.forward(data=np.array([[1, 2]]))["out"].tolist() == [[3, 6]]


def test_a_net_needs_a_phase(tmp_path):
    with pytest.raises(TypeError, match="phase"):
        caffe.Net(write(tmp_path, NET))


def test_level_and_stages_select_layers(tmp_path):
    layer = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ {1} }} {2} }}'
    shape = "shape { dim: 1 }"
    file = write(
        tmp_path,
        "\n".join(
            [
                layer.format("always", shape, ""),
                layer.format("deep", shape, "include { min_level: 3 }"),
                layer.format("a", shape, 'include { stage: "A" }'),
                layer.format("not_b", shape, 'exclude { stage: "B" }'),
                layer.format("train", shape, "include { phase: TRAIN }"),
            ]
        ),
    )
    names = lambda *args, **kw: list(caffe.Net(file, *args, **kw).blobs)  # noqa: E731
    assert names(caffe.TEST) == ["always", "not_b"]
    assert names(caffe.TRAIN) == ["always", "not_b", "train"]
    assert names(caffe.TEST, level=3) == ["always", "deep", "not_b"]
    assert names(caffe.TEST, stages=["A", "B"]) == ["always", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("layer { nmae: 'x' }", "nmae"),
        ("layer { name: 'x' type: 'Convolutoin' }", "Convolution"),
    ],
)
def test_a_bad_file_is_an_error_that_python_can_catch(tmp_path, text, message):
    file = str(tmp_path / "missing.prototxt") if text is None else write(tmp_path, text)
    with pytest.raises(caffe.Error, match=message):
        caffe.Net(file, caffe.TEST)
    assert issubclass(caffe.Error, RuntimeError)


def test_an_error_ends_the_process_where_the_environment_says_so():
    done = subprocess.run(
        [sys.executable, "-c", "import caffe; caffe.Net('missing.prototxt', caffe.TEST)"],
        env={**os.environ, "CAFFE_ABORT_ON_FATAL": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGABRT
    assert "missing.prototxt" in done.stderr


# ---- structure ----


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
    with pytest.raises(ValueError, match="nope"):
        net.forward(start="nope")


# ---- views ----


def test_views_keep_their_memory_when_the_net_is_gone(tmp_path):
    net = caffe.Net(write(tmp_path, NET), caffe.TEST)
    views = [b.data for b in net.blobs.values()] + [b.diff for b in net.blobs.values()]
    views += [b.data for blobs in net.params.values() for b in blobs]
    params, blobs, layers = net.params, net.blobs, net.layers
    del net
    gc.collect()
    total = sum(float(np.abs(v).sum()) for v in views)
    assert np.isfinite(total) and total > 0
    assert params["conv"][1].data.tolist() == [2] * 4
    assert blobs["data"].shape == (2, 3, 5, 4)
    assert layers[1].blobs[1].data.tolist() == [2] * 4


def test_views_outlive_a_reshape_that_needs_more_memory(net):
    view = net.blobs["data"].data
    view[...] = 3
    net.blobs["data"].reshape(200, 3, 5, 4)
    assert (view == 3).all()
    assert net.blobs["data"].data.shape == (200, 3, 5, 4)


def test_a_view_taken_once_shows_every_forward_and_feeds_every_forward(net):
    data, conv, weights = net.blobs["data"].data, net.blobs["conv"].data, net.params["conv"][0].data
    seen = []
    for seed in range(3):
        data[...] = np.random.default_rng(seed).normal(size=data.shape)
        weights *= 1.5
        net.forward()
        np.testing.assert_array_equal(conv, net.blobs["conv"].data)
        seen.append(conv.copy())
    fill(net, 2)
    net.forward()
    np.testing.assert_array_equal(net.blobs["conv"].data, seen[2])
    assert not np.allclose(seen[0], seen[1])


def test_a_net_that_frees_its_blobs_early_refuses_all_but_what_is_looked_at(tmp_path):
    lean = caffe.Net(write(tmp_path, "blob_lifetime: UNTIL_READ\n" + NET), caffe.TEST)
    fill(lean)
    lean.forward()
    assert np.any(lean.blobs["one"].data)
    with pytest.raises(caffe.Error, match="blob_lifetime: KEEP"):
        np.any(lean.blobs["conv"].data)
    watched = caffe.Net(write(tmp_path, "blob_lifetime: UNTIL_READ\n" + NET), caffe.TEST)
    view = watched.blobs["conv"].data
    fill(watched)
    watched.forward()
    assert np.any(view)
    assert view.ctypes.data == watched.blobs["conv"].data.ctypes.data


def test_reshape_takes_numbers_or_one_sequence(net):
    net.blobs["data"].reshape(1, 3, 5, 4)
    assert net.blobs["data"].shape == (1, 3, 5, 4)
    net.blobs["data"].reshape((4, 3, 5, 4))
    net.reshape()
    assert net.blobs["ip"].shape == (4, 6)


def test_changed_input_shapes_reach_the_outputs_with_the_next_forward(net):
    net.blobs["data"].reshape(3, 3, 5, 4)
    assert net.forward()["one"].shape == (3, 6)


# ---- running ----


def test_forward_returns_the_outputs_and_whatever_is_asked_for(net):
    fill(net)
    out = net.forward(blobs=["conv"])
    assert set(out) == {"one", "two", "conv"}
    np.testing.assert_allclose(out["two"], (out["one"] / 2) ** 2, rtol=1e-5)


def test_forward_copies_keywords_into_the_inputs(net):
    values = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
    net.forward(data=values)
    np.testing.assert_array_equal(net.blobs["data"].data, values.astype(np.float32))
    with pytest.raises(ValueError, match="not batch sized"):
        net.forward(data=values[:1])
    with pytest.raises(ValueError, match="do not match"):
        net.forward(nope=values)


def test_part_of_the_layers_run_between_start_and_end(net):
    conv = np.random.default_rng(2).normal(size=net.blobs["conv"].shape).astype(np.float32)
    net.blobs["conv"].data[...] = conv
    out = net.forward(start="ip", end="ip")
    assert set(out) == {"ip"}
    weights, bias = (b.data for b in net.params["ip"])
    expected = conv.reshape(2, -1) @ weights.T + bias
    np.testing.assert_allclose(out["ip"], expected, rtol=1e-4, atol=1e-4)

    net.blobs["ip"].diff[...] = 1
    back = net.backward(start="ip", end="ip")
    assert set(back) == {"conv"}
    expected = np.ones((2, 6)) @ weights
    np.testing.assert_allclose(back["conv"].reshape(2, -1), expected, rtol=1e-4, atol=1e-4)


def test_backward_returns_the_input_diffs_and_adds_to_the_params(net):
    fill(net)
    net.forward()
    diff = net.params["ip"][0].diff
    ones = np.ones((2, 6), np.float32)
    out = net.backward(diffs=["ip"], one=ones, two=0 * ones)
    assert set(out) == {"data", "ip"}
    once = diff.copy()
    assert np.abs(once).max() > 0
    net.backward(one=ones, two=0 * ones)
    np.testing.assert_allclose(diff, 2 * once, rtol=1e-5)
    net.clear_param_diffs()
    assert (diff == 0).all()


def test_forward_all_pads_the_last_batch_and_cuts_the_padding_off(net):
    values = np.random.default_rng(3).normal(size=(5, 3, 5, 4))
    out = net.forward_all(blobs=["conv"], data=values)
    assert out["one"].shape == (5, 6)
    assert out["conv"].shape == (5, 4, 3, 2)
    for i in range(5):
        alone = net.forward(data=np.stack([values[i]] * 2))["one"][0]
        np.testing.assert_allclose(out["one"][i], alone, rtol=1e-4, atol=1e-4)


def test_forward_backward_all_does_both(net):
    values = np.random.default_rng(3).normal(size=(3, 3, 5, 4))
    ones = np.ones((3, 6), np.float32)
    outs, diffs = net.forward_backward_all(data=values, one=ones, two=0 * ones)
    assert outs["one"].shape == (3, 6)
    assert diffs["data"].shape == values.shape
    np.testing.assert_allclose(diffs["data"][0], diffs["data"][2], rtol=1e-4)


def test_callbacks_see_every_layer_in_order(net):
    calls = []
    net.before_forward(lambda i: calls.append(("before", i)))
    net.after_forward(lambda i: calls.append(("after", i)))
    net.before_backward(lambda i: calls.append(("back", i)))
    net.after_backward(lambda i: calls.append(("done", i)))
    net.forward(end="conv")
    net.backward(start="conv", end="conv")
    assert calls == [
        ("before", 0),
        ("after", 0),
        ("before", 1),
        ("after", 1),
        ("back", 1),
        ("done", 1),
    ]


def test_an_exception_in_a_callback_comes_through(net):
    def refuse(_layer):
        raise LookupError("not now")

    net.before_forward(refuse)
    with pytest.raises(LookupError, match="not now"):
        net.forward()


# ---- parameters ----


@pytest.mark.parametrize(
    ("save", "load"),
    [("save", "copy_from"), ("save_hdf5", "load_hdf5"), ("save_hdf5", "copy_from")],
)
def test_parameters_are_saved_and_loaded_by_layer_name(tmp_path, net, save, load):
    file = tmp_path / ("w.h5" if "hdf5" in save else "w.caffemodel")
    getattr(net, save)(file)
    other = caffe.Net(write(tmp_path, NET), caffe.TRAIN)
    assert not np.array_equal(other.params["ip"][0].data, net.params["ip"][0].data)
    getattr(other, load)(str(file))
    for name in net.params:
        for mine, theirs in zip(net.params[name], other.params[name]):
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_share_with_uses_one_memory_for_two_nets(tmp_path, net):
    other = caffe.Net(write(tmp_path, NET), caffe.TEST)
    other.share_with(net)
    net.params["conv"][1].data[...] = 5
    assert other.params["conv"][1].data.tolist() == [5] * 4


def test_saved_files_are_caffes_messages(tmp_path, net):
    net.save(tmp_path / "w.caffemodel")
    message = caffe_pb2.NetParameter.FromString((tmp_path / "w.caffemodel").read_bytes())
    assert [layer.name for layer in message.layer if layer.blobs] == ["conv", "ip"]
    assert list(message.layer[1].blobs[0].shape.dim) == [4, 3, 3, 3]


# ---- MemoryData ----

MEMORY_NET = """
layer { name: "pad" type: "Input" top: "pad" input_param { shape { dim: 1 } } }
layer { name: "mem" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 } }
"""


def test_memory_data_reads_the_arrays_it_was_given(tmp_path):
    net = caffe.Net(write(tmp_path, MEMORY_NET), caffe.TEST)
    data = np.arange(4 * 6, dtype=np.float32).reshape(4, 1, 2, 3)
    net.set_input_arrays(data, np.arange(4, dtype=np.float32))
    expected = data.copy()
    for _ in range(2):
        for begin in (0, 2):
            net.forward()
            np.testing.assert_array_equal(net.blobs["data"].data, expected[begin : begin + 2])
            assert net.blobs["label"].data.ravel().tolist() == [begin, begin + 1]


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (np.zeros((2, 1, 2, 3)), np.zeros(2, np.float32), "float32"),
        (np.zeros((2, 1, 2, 4), np.float32), np.zeros(2, np.float32), "axis 3"),
        (np.zeros((3, 1, 2, 3), np.float32), np.zeros(3, np.float32), "multiple"),
        (np.zeros((2, 1, 2, 3), np.float32), np.zeros(4, np.float32), "items"),
        (np.zeros((2, 1, 3, 2), np.float32).transpose(0, 1, 3, 2), None, "contiguous"),
        (np.zeros((2, 6), np.float32), None, "4-d"),
    ],
)
def test_memory_data_refuses_arrays_that_do_not_fit(tmp_path, data, labels, message):
    net = caffe.Net(write(tmp_path, MEMORY_NET), caffe.TEST)
    labels = np.zeros(2, np.float32) if labels is None else labels
    with pytest.raises(ValueError, match=message):
        net.set_input_arrays(data, labels)


def test_set_input_arrays_needs_a_memory_data_layer(net):
    with pytest.raises(caffe.Error, match="MemoryData"):
        net.set_input_arrays(np.zeros((2, 3, 5, 4), np.float32), np.zeros(2, np.float32))


# ---- the module ----


def test_layer_types_include_pythons_own():
    types = caffe.layer_type_list()
    assert {"Convolution", "Python", "Split"} <= set(types)
    assert types == sorted(types)


def test_settings_and_version():
    assert caffe.__version__ == "1.0.0"
    assert (caffe.TRAIN, caffe.TEST) == (0, 1)
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)
    assert caffe.has_nccl() in (True, False)
    timer = caffe.Timer()
    timer.start()
    timer.stop()
    assert timer.ms >= 0


def test_random_seeds_make_fillers_repeat(tmp_path):
    weights = []
    for _ in range(2):
        caffe.set_random_seed(3)
        net = caffe.Net(write(tmp_path, NET), caffe.TEST)
        weights.append(net.params["conv"][0].data.copy())
    np.testing.assert_array_equal(*weights)


def test_messages_know_their_enums_and_survive_text():
    from google.protobuf import text_format

    layer = caffe_pb2.LayerParameter(name="p", type="Pooling")
    layer.pooling_param.pool = caffe_pb2.PoolingParameter.AVE
    again = text_format.Parse(str(layer), caffe_pb2.LayerParameter())
    assert again == layer
    assert caffe_pb2.LayerParameter.__module__ == "caffe.proto.caffe_pb2"
    assert caffe_pb2.TEST == 1
