"""Layers written in Python: in nets, in training, in the caffe command, and when they fail."""

import gc
import os
import signal
import subprocess
import sys
import threading
import traceback

import numpy as np
import pytest
from support import command

import caffe

LAYERS = '''
import os, signal
import caffe
import numpy as np

class Samples(caffe.Layer):
    """Random x and t = 1 x0 + 2 x1 + 3 x2; param_str: how many a batch."""

    def setup(self, bottom, top):
        self.n = int(self.param_str)
        self.rng = np.random.default_rng(0)

    def reshape(self, bottom, top):
        top[0].reshape(self.n, 3)
        top[1].reshape(self.n)

    def forward(self, bottom, top):
        top[0].data[...] = self.rng.normal(size=(self.n, 3))
        top[1].data[...] = top[0].data @ [1, 2, 3]

    def backward(self, top, propagate_down, bottom):
        pass

    def save_state(self):
        import pickle
        return pickle.dumps(self.rng.bit_generator.state)

    def restore_state(self, state):
        import pickle
        self.rng.bit_generator.state = pickle.loads(state)

class Linear(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(3)

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].shape[0])

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data @ self.blobs[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += top[0].diff @ bottom[0].data
        self.down = propagate_down
        if propagate_down[0]:
            bottom[0].diff[...] = np.outer(top[0].diff, self.blobs[0].data)

class Phase(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[()] = self.phase

class Keeper(Linear):
    def __init__(self, param):
        super().__init__(param)
        self.param = param

    def forward(self, bottom, top):
        super().forward(bottom, top)
        self.kept = bottom, top[0]

class BadForward(Linear):
    def forward(self, bottom, top):
        raise KeyError("no such thing")

class BadInTwoLines(Linear):
    def forward(self, bottom, top):
        raise ValueError("wrong\\n  in two ways")

class BadInit(caffe.Layer):
    def __init__(self, param):
        raise ValueError("wrong\\n  in two ways")

class NoState(Linear):
    def save_state(self):
        return None

class BadSetup(Linear):
    def setup(self, bottom, top):
        raise RuntimeError("wrong param_str")

class NoForward(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(8)

class Interrupts(Linear):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        os.kill(os.getpid(), signal.SIGINT)

not_a_layer = 3
'''

NET = """
layer {{ name: "samples" type: "Python" top: "x" top: "t"
        python_param {{ module: "layers_of_test" layer: "Samples" param_str: "8" }} }}
layer {{ name: "linear" type: "Python" bottom: "x" top: "y"
        python_param {{ module: "layers_of_test" layer: "{layer}" }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }}
"""
SOLVER = """
net: "{folder}/net.prototxt" base_lr: 0.2 lr_policy: "fixed" momentum: 0.5 max_iter: 60
snapshot_prefix: "{folder}/s" solver_mode: CPU
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "layers_of_test.py").write_text(LAYERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "layers_of_test", raising=False)
    write(tmp_path, "Linear")
    (tmp_path / "solver.prototxt").write_text(SOLVER.format(folder=tmp_path))
    return tmp_path


def write(folder, layer):
    path = folder / "net.prototxt"
    path.write_text(NET.format(layer=layer))
    return str(path)


def test_param_str_and_phase_are_attributes(folder):
    net = caffe.Net(write(folder, "Linear"), caffe.TRAIN)
    assert net.layers[0].param_str == "8"
    assert net.layers[0].n == 8
    assert net.blobs["x"].shape == (8, 3)
    phase_net = folder / "phase.prototxt"
    phase_net.write_text(
        'layer { name: "p" type: "Python" top: "phase"\n'
        'python_param { module: "layers_of_test" layer: "Phase" } }'
    )
    for phase in (caffe.TRAIN, caffe.TEST):
        assert caffe.Net(str(phase_net), phase).forward()["phase"] == phase


def test_layers_of_the_runtime_have_these_attributes_as_well(folder):
    for phase in (caffe.TRAIN, caffe.TEST):
        loss = caffe.Net(write(folder, "Linear"), phase).layer_dict["loss"]
        assert (loss.phase, loss.param_str) == (phase, "")
    with pytest.raises(AttributeError, match="layer 'loss' has no attribute 'nope'"):
        loss.nope  # noqa: B018


def test_layers_of_a_net_are_the_instances_themselves(folder):
    net = caffe.Net(write(folder, "Linear"), caffe.TRAIN)
    layer = net.layers[1]
    assert type(layer).__name__ == "Linear"
    assert isinstance(layer, caffe.Layer)
    assert layer.type == "Python"
    layer.mark = 1
    assert net.layer_dict["linear"].mark == 1


def test_forward_and_backward_reach_blobs_and_parameters(folder):
    net = caffe.Net(write(folder, "Linear"), caffe.TRAIN)
    net.params["linear"][0].data[...] = [1, 1, 1]
    net.forward()
    x, t = net.blobs["x"].data, net.blobs["t"].data
    np.testing.assert_allclose(net.blobs["y"].data, x.sum(1), rtol=1e-5)
    net.clear_param_diffs()
    net.backward()
    expected = (x.sum(1) - t) @ x / 8
    np.testing.assert_allclose(net.params["linear"][0].diff, expected, rtol=1e-4)
    assert net.layers[1].down == [False]


def test_a_layer_may_keep_what_it_is_handed(folder):
    net = caffe.Net(write(folder, "Keeper"), caffe.TRAIN)
    net.forward()
    layer, result = net.layers[list(net._layer_names).index("linear")], net.blobs["y"]
    del net
    gc.collect()
    bottoms, top = layer.kept
    assert [blob.shape for blob in bottoms] == [(8, 3)]
    assert np.any(bottoms[0].data)
    assert top == result
    assert layer.param.name == "linear"


def test_parameters_are_saved_and_loaded(folder):
    net = caffe.Net(write(folder, "Linear"), caffe.TRAIN)
    net.params["linear"][0].data[...] = [4, 5, 6]
    net.save(folder / "w.caffemodel")
    net.params["linear"][0].data[...] = 0
    net.copy_from(folder / "w.caffemodel")
    assert net.params["linear"][0].data.tolist() == [4, 5, 6]


def test_solvers_train_python_layers(folder):
    solver = caffe.SGDSolver(str(folder / "solver.prototxt"))
    solver.solve()
    np.testing.assert_allclose(solver.net.params["linear"][0].data, [1, 2, 3], atol=1e-2)


def test_a_restored_run_goes_on_to_the_same_bits_where_layers_keep_their_state(folder):
    solver = caffe.get_solver(folder / "solver.prototxt")
    solver.step(5)
    solver.snapshot()
    solver.step(5)
    other = caffe.get_solver(folder / "solver.prototxt")
    other.restore(folder / "s_iter_5.solverstate")
    other.step(5)
    np.testing.assert_array_equal(
        solver.net.params["linear"][0].data, other.net.params["linear"][0].data
    )


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        ("BadSetup", RuntimeError, "wrong param_str"),
        ("not_a_layer", caffe.Error, "not a subclass of caffe.Layer"),
        ("Missing", AttributeError, "Missing"),
    ],
)
def test_a_layer_that_cannot_be_made_raises_its_own_error(folder, layer, error, message):
    with pytest.raises(error, match=message):
        caffe.Net(write(folder, layer), caffe.TRAIN)


def test_exceptions_keep_their_traceback(folder):
    net = caffe.Net(write(folder, "BadForward"), caffe.TRAIN)
    with pytest.raises(KeyError, match="no such thing") as caught:
        net.forward()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].filename == str(folder / "layers_of_test.py")
    assert frames[-1].name == "forward"
    if sys.version_info >= (3, 11):
        assert "'linear'" in caught.value.__notes__[0]


def test_a_missing_method_is_named(folder):
    net = caffe.Net(write(folder, "NoForward"), caffe.TRAIN)
    with pytest.raises(NotImplementedError, match="forward"):
        net.forward()


def test_a_state_that_is_no_bytes_is_refused(folder):
    write(folder, "NoState")
    solver = caffe.get_solver(folder / "solver.prototxt")
    with pytest.raises(
        caffe.Error,
        match=r"save_state\(\) of Python layer 'linear' returned NoneType, bytes are needed",
    ):
        solver.snapshot()


def test_layers_of_the_runtime_check_the_number_of_blobs_they_are_handed(folder):
    net = caffe.Net(write(folder, "Linear"), caffe.TRAIN)
    loss, blobs = net.layer_dict["loss"], net.blobs
    for method in (loss.setup, loss.reshape):
        with pytest.raises(caffe.Error, match=r"layer 'loss': EuclideanLoss .*bottom"):
            method([], [])
        method([blobs["y"], blobs["t"]], [blobs["loss"]])


def test_nets_with_python_layers_run_in_threads(folder):
    file = write(folder, "Linear")
    nets = [caffe.Net(file, caffe.TRAIN) for _ in range(4)]

    def run(net):
        for _ in range(20):
            net.forward()
            net.backward()

    threads = [threading.Thread(target=run, args=(net,)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net in nets[1:]:
        np.testing.assert_array_equal(net.blobs["x"].data, nets[0].blobs["x"].data)


def test_ctrl_c_ends_a_run_between_two_iterations(folder):
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    write(folder, "Interrupts")
    solver = caffe.get_solver(folder / "solver.prototxt")
    with pytest.raises(KeyboardInterrupt):
        solver.step(1000)
    assert solver.iter <= 1
    with pytest.raises(KeyboardInterrupt):
        solver.solve()


# ---- from the caffe command, which has no interpreter of its own ----


def train(folder):
    return subprocess.run(
        command.call("train", f"--solver={folder}/solver.prototxt"),
        cwd=folder,
        env={**os.environ, "GLOG_minloglevel": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_caffe_command_trains_python_layers_from_the_current_folder(folder):
    done = train(folder)
    assert done.returncode == 0, done.stderr
    net = caffe.Net(str(folder / "net.prototxt"), caffe.TRAIN)
    net.copy_from(folder / "s_iter_60.caffemodel")
    np.testing.assert_allclose(net.params["linear"][0].data, [1, 2, 3], atol=1e-2)


def test_the_caffe_command_shows_where_a_python_layer_failed(folder):
    write(folder, "BadForward")
    done = train(folder)
    assert done.returncode == 1
    assert "layers_of_test.py" in done.stderr
    assert "KeyError: 'no such thing'" in done.stderr.splitlines()[-1]
    assert "'linear'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("layer", "method"), [("BadInTwoLines", "forward"), ("BadInit", "__init__")]
)
def test_the_caffe_command_tells_an_error_of_several_lines_in_one(folder, layer, method):
    write(folder, layer)
    done = train(folder)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert f"ValueError: wrong in two ways, in {method}() of Python layer 'linear'" in last
