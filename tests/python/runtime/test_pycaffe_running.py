"""caffe.Net: forward, backward, and the callbacks on the way."""

import os
import subprocess
import sys

import numpy as np
import pytest
from support.small_net import fill

import caffe


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
    with pytest.raises(ValueError, match="data of 'data': could not broadcast"):
        net.forward(data=values[:, :2])
    with pytest.raises(ValueError, match="do not match"):
        net.forward(nope=values)


def test_blobs_that_the_net_does_not_have_are_named_before_it_runs(net):
    ran = []
    net.before_forward(ran.append)
    net.before_backward(ran.append)
    with pytest.raises(ValueError, match=r"no blob 'conv9'; it has .*'conv'"):
        net.forward(blobs=["conv9"])
    with pytest.raises(ValueError, match="no blob 'conv9'"):
        net.backward(diffs=["conv9"])
    assert ran == []


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


def test_backward_from_a_layer_takes_its_tops_or_all_outputs(net):
    fill(net)
    net.forward()
    ones = np.ones((2, 6), np.float32)
    of_tops = net.backward(start="one", one=ones, end="one")["ip_ip_0_split_0"].copy()
    assert np.abs(of_tops).max() > 0
    of_outputs = net.backward(start="one", one=2 * ones, two=ones, end="one")["ip_ip_0_split_0"]
    np.testing.assert_array_equal(of_outputs, 2 * of_tops)
    np.testing.assert_array_equal(net.blobs["two"].diff, ones)
    named = r"net outputs or tops of 'conv': got \['one'\], need \['one', 'two'\] or \['conv'\]"
    with pytest.raises(ValueError, match=named):
        net.backward(start="conv", one=ones)
    with pytest.raises(
        ValueError, match=r"match net outputs: got \['one'\], need \['one', 'two'\]$"
    ):
        net.backward(one=ones)


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


@pytest.mark.parametrize(("blob", "size"), [("data", (2, 3, 50, 40)), ("one", (2, 600))])
def test_backward_needs_a_forward_pass_of_the_same_shapes(net, blob, size):
    fill(net)
    net.forward()
    net.blobs[blob].reshape(*size)
    with pytest.raises(caffe.Error, match=f"blob '{blob}' .* run forward before backward"):
        net.backward()


def test_parts_run_backward_after_their_forward_pass(net):
    net.forward()
    net.blobs["data"].reshape(3, 3, 5, 4)
    net.forward(end="conv")
    net.blobs["conv"].diff[...] = 1
    assert net.backward(start="conv")["data"].shape == (3, 3, 5, 4)
    with pytest.raises(caffe.Error, match=r"layer 'ip' .* blob 'conv' is of shape 3 4 3 2"):
        net.backward()
    net.reshape()
    net.backward()
    net.blobs["data"].reshape(2, 3, 5, 4)
    net.forward()
    net.backward()


def test_forward_all_pads_the_last_batch_and_cuts_the_padding_off(net):
    values = np.random.default_rng(3).normal(size=(5, 3, 5, 4))
    out = net.forward_all(blobs=["conv"], data=values)
    assert out["one"].shape == (5, 6)
    assert out["conv"].shape == (5, 4, 3, 2)
    for i in range(5):
        alone = net.forward(data=np.stack([values[i]] * 2))["one"][0]
        np.testing.assert_allclose(out["one"][i], alone, rtol=1e-4, atol=1e-4)


def test_arrays_that_go_together_have_as_many_items(net):
    values = np.zeros((3, 3, 5, 4))
    with pytest.raises(ValueError, match=r"differ in their number of items: .*'one': 4.*'two': 3"):
        net.forward_backward_all(data=values, one=np.zeros((4, 6)), two=np.zeros((3, 6)))


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


def test_what_cannot_be_called_is_no_callback(net):
    for add in (net.before_forward, net.after_forward, net.before_backward, net.after_backward):
        with pytest.raises(TypeError, match="a callback must be a function, not 3"):
            add(3)


def test_an_exception_in_a_callback_comes_through(net):
    def refuse(_layer):
        raise LookupError("not now")

    net.before_forward(refuse)
    with pytest.raises(LookupError, match="not now"):
        net.forward()


FORK = """
import os, sys
import numpy as np
import caffe
caffe.init_log(2)
old = caffe.Net(sys.argv[1], caffe.TEST, weights=sys.argv[2])
expected = old.forward()["y"].sum()
if os.fork() == 0:
    new = caffe.Net(sys.argv[1], caffe.TEST, weights=sys.argv[2])
    results = [net.forward()["y"].sum() for net in (old, new)]
    os._exit(0 if np.allclose(results, expected) else 1)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
LARGE = """
layer { name: "x" type: "DummyData" top: "x"
  dummy_data_param { shape { dim: 4 dim: 32 dim: 48 dim: 48 } data_filler { value: 1 } } }
layer { name: "y" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 32 kernel_size: 3 weight_filler { type: "xavier" } } }
"""


def test_a_forked_process_runs_nets(tmp_path):
    model, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    model.write_text(LARGE)
    caffe.Net(str(model), caffe.TEST).save(weights)
    command = [sys.executable, "-c", FORK, str(model), str(weights)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    # Where it waits for threads that it does not have, it waits forever.
    assert subprocess.run(command, env=environment).returncode == 0
