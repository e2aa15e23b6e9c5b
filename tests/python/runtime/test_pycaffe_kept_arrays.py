"""Arrays that Python layers and callbacks took once, and use in the middle of every later run."""

import sys
from types import ModuleType

import numpy as np
import pytest

import caffe


class Source(caffe.Layer):
    """Writes 1, 2, 3... into the array it took at setup."""

    def setup(self, bottom, top):
        top[0].reshape(2, 16, 8, 8)
        self.values, self.runs = top[0].data, 0

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        self.runs += 1
        self.values[...] = self.runs

    def backward(self, top, propagate_down, bottom):
        pass


class Copy(caffe.Layer):
    """Reads values and gradients from arrays it took at setup."""

    def setup(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
        self.values, self.gradient = bottom[0].data, top[0].diff

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        top[0].data[...] = self.values

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.gradient


class Sum(caffe.Layer):
    """Sums the array it took at setup; writes its number of runs into that of the gradients."""

    def setup(self, bottom, top):
        top[0].reshape()
        self.values, self.gradient, self.runs = bottom[0].data, bottom[0].diff, 0

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        top[0].data[...] = self.values.sum()

    def backward(self, top, propagate_down, bottom):
        self.runs += 1
        self.gradient[...] = self.runs


# A convolution of 1 by these weights gives 1.44 (16 channels of 3 x 3 weights of 0.01).
NET = """
layer { name: "x" type: "Python" top: "x" python_param { module: "keepers" layer: "Source" } }
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1" convolution_param {
  num_output: 16 kernel_size: 3 weight_filler { type: "constant" value: 0.01 } } }
layer { name: "copy" type: "Python" bottom: "c1" top: "copy"
  python_param { module: "keepers" layer: "Copy" } }
layer { name: "c2" type: "Convolution" bottom: "copy" top: "c2" convolution_param {
  num_output: 16 kernel_size: 3 weight_filler { type: "constant" value: 0.01 } } }
layer { name: "sum" type: "Python" bottom: "c2" top: "sum" loss_weight: 1
  python_param { module: "keepers" layer: "Sum" } }
"""
SOLVER = """
net: "{folder}/net.prototxt" base_lr: 0 lr_policy: "fixed" max_iter: 9 solver_mode: CPU
snapshot_after_train: false
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    module = ModuleType("keepers")
    module.Source, module.Copy, module.Sum = Source, Copy, Sum
    monkeypatch.setitem(sys.modules, "keepers", module)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER.format(folder=tmp_path))
    return tmp_path


@pytest.fixture
def keepers(folder):
    return caffe.Net(str(folder / "net.prototxt"), caffe.TRAIN)


def test_of_python_layers_show_and_feed_every_pass(keepers):
    for run in (1, 2, 3):
        keepers.clear_param_diffs()
        total = keepers.forward()["sum"]
        assert total == pytest.approx(2 * 16 * 4 * 4 * 1.44**2 * run, rel=1e-5)
        keepers.backward()
        for layer in ("c2", "c1"):
            gradient = keepers.params[layer][0].diff
            np.testing.assert_allclose(gradient, 2 * 16 * 1.44 * run**2, rtol=1e-5)


def test_of_callbacks_show_what_the_layers_before_have_made(keepers):
    names, values, gradient = (
        keepers._layer_names,
        keepers.blobs["c1"].data,
        keepers.blobs["c1"].diff,
    )
    seen = []
    keepers.after_forward(lambda i: names[i] == "c1" and seen.append(values.max()))
    keepers.after_backward(lambda i: names[i] == "copy" and seen.append(gradient.max()))
    for run in (1, 2, 3):
        seen.clear()
        keepers.forward()
        keepers.backward()
        np.testing.assert_allclose(seen, [1.44 * run, 1.44 * run], rtol=1e-5)


def test_of_callbacks_feed_the_layers_behind(keepers):
    names, values = keepers._layer_names, keepers.blobs["copy"].data

    def fill(layer):
        if names[layer] == "c2":
            values[...] = 5

    keepers.before_forward(fill)
    for _ in range(3):
        keepers.forward()
        np.testing.assert_allclose(keepers.blobs["c2"].data, 1.44 * 5, rtol=1e-5)


def test_of_a_solvers_callbacks_show_every_iteration(folder):
    solver = caffe.get_solver(folder / "solver.prototxt")
    values, seen = solver.net.blobs["c1"].data, []
    solver.add_callback(None, lambda: seen.append(values.max()))
    solver.step(3)
    np.testing.assert_allclose(seen, [1.44, 2.88, 4.32], rtol=1e-5)


# Blobs that lie in the memory of others, in rows.
SHARING = """
layer { name: "x" type: "Input" top: "x" top: "cont" top: "label" input_param {
  shape { dim: 3 dim: 2 dim: 4 } shape { dim: 3 dim: 2 } shape { dim: 3 dim: 2 } } }
layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 4 } } }
layer { name: "s" type: "Bias" bottom: "x" bottom: "p" top: "s" bias_param { axis: 2 } }
layer { name: "r" type: "Reshape" bottom: "s" top: "r"
  reshape_param { shape { dim: 0 dim: 0 dim: -1 } } }
layer { name: "lstm" type: "LSTM" bottom: "s" bottom: "cont" top: "h" recurrent_param {
  num_output: 4 weight_filler { type: "gaussian" std: 1 } } }
layer { name: "f" type: "Flatten" bottom: "h" top: "f" flatten_param { axis: 2 } }
layer { name: "c" type: "Concat" bottom: "r" top: "c" }
layer { name: "g" type: "Flatten" bottom: "c" top: "g" flatten_param { axis: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "f" bottom: "g" top: "sum" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "sum" bottom: "label" top: "loss" top: "prob"
  softmax_param { axis: 2 } }
"""


def test_before_the_first_run_are_those_of_every_run(tmp_path):
    (tmp_path / "net.prototxt").write_text(SHARING)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TRAIN)
    kept = {name: (blob.data, blob.diff) for name, blob in net.blobs.items()}
    net.params["p"][0].data[...] = 1
    for run in (1, 2):
        net.blobs["x"].data[...] = run
        net.forward()
        net.backward()
        for name, (data, diff) in kept.items():
            np.testing.assert_array_equal(data, net.blobs[name].data, err_msg=name)
            np.testing.assert_array_equal(diff, net.blobs[name].diff, err_msg=name)
        assert kept["p"][0].tolist() == [1, 1, 1, 1]
        assert np.abs(kept["s"][1]).max() > 0
