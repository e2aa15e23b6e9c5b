"""One net, or a solver and its nets, used by several threads: their calls run one after another."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from support.small_net import fill

import caffe

SOLVER = """
net_param { layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
            layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "x" top: "loss" } }
base_lr: 0.1 lr_policy: "fixed" solver_mode: CPU
"""


def run_in_threads(function, count=4):
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_runs_of_a_net_do_not_mix(net):
    fill(net)
    seen = []

    def note(layer):
        seen.append((threading.get_ident(), layer))
        time.sleep(0.001)  # lets the others run

    net.before_forward(note)
    run_in_threads(lambda: [net.forward() for _ in range(3)])
    layers = len(net.layers)
    assert len(seen) == 4 * 3 * layers
    for start in range(0, len(seen), layers):
        run = seen[start : start + layers]
        assert len({thread for thread, _ in run}) == 1
        assert [layer for _, layer in run] == list(range(layers))


def test_threads_may_reshape_save_and_load_while_others_run(net, tmp_path):
    fill(net)
    expected = net.forward()["one"].copy()
    weights = str(tmp_path / "w.caffemodel")
    other = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)

    def use():
        for _ in range(20):
            net.forward()
            net.reshape()
            net.backward()
            net.clear_param_diffs()
            net.share_with(net)
            other.share_with(net)

    def store():
        for _ in range(20):
            net.save(weights)
            net.copy_from(weights)

    storing = threading.Thread(target=store)
    storing.start()
    run_in_threads(use)
    storing.join()
    np.testing.assert_array_equal(net.forward()["one"], expected)


def test_a_callback_may_run_its_own_net(net):
    fill(net)
    expected = net.forward()["one"].copy()
    net.before_forward(lambda layer: layer and net.clear_param_diffs())
    np.testing.assert_array_equal(net.forward()["one"], expected)
    assert (net.params["ip"][0].diff == 0).all()


@pytest.fixture
def solver(tmp_path):
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return caffe.get_solver(tmp_path / "solver.prototxt")


def test_a_net_of_a_solver_waits_for_the_solver(solver):
    waiting = threading.Thread(target=solver.net.forward)

    def start():
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()

    solver.add_callback(start)
    solver.step(1)
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_solvers_callback_may_run_its_net(solver):
    runs = []
    solver.add_callback(lambda: runs.append(solver.net.forward()))
    solver.step(2)
    assert len(runs) == 2


# Convolutions have an order of values of their own; arrays of their blobs are in the plain one.
CONVOLUTIONS = """
net_param { force_backward: true
  layer { name: "x" type: "Input" top: "x"
    input_param { shape { dim: 2 dim: 16 dim: 16 dim: 16 } } }
  layer { name: "c0" type: "Convolution" bottom: "x" top: "c0" convolution_param {
    num_output: 16 kernel_size: 3 weight_filler { type: "msra" } } }
  layer { name: "c1" type: "Convolution" bottom: "c0" top: "c1" convolution_param {
    num_output: 16 kernel_size: 3 weight_filler { type: "msra" } } }
  layer { name: "sum" type: "Reduction" bottom: "c1" top: "sum" loss_weight: 1
    reduction_param { operation: SUMSQ } } }
base_lr: 1e-9 lr_policy: "fixed" momentum: 0.9 random_seed: 1 solver_mode: CPU
"""


def weights_after(tmp_path, look):
    """What a solver learns while another thread looks at it: look(net), over and over."""
    (tmp_path / "solver.prototxt").write_text(CONVOLUTIONS)
    solver = caffe.get_solver(tmp_path / "solver.prototxt")
    solver.net.blobs["x"].data[...] = np.random.default_rng(0).normal(size=(2, 16, 16, 16))
    stepping = threading.Thread(target=solver.step, args=(200,))
    stepping.start()
    while stepping.is_alive():
        look(solver.net)
    return [blob.data.copy() for blobs in solver.net.params.values() for blob in blobs]


def test_looking_at_blobs_does_not_change_what_is_learnt(tmp_path):
    def look(net):
        for blob in (*net.blobs.values(), net.params["c0"][0]):
            assert np.isfinite(blob.data).all()
            assert np.isfinite(blob.diff).all()

    alone = weights_after(tmp_path, lambda net: time.sleep(0.01))
    for expected, found in zip(alone, weights_after(tmp_path, look)):
        np.testing.assert_array_equal(found, expected)


def test_who_looks_at_a_blob_does_not_wait_for_all_iterations(solver):
    enough = threading.Event()

    def stop():
        if enough.is_set():
            raise KeyboardInterrupt

    def step():
        with pytest.raises(KeyboardInterrupt):
            solver.step(10**9)

    solver.add_callback(stop)
    stepping = threading.Thread(target=step)
    stepping.start()
    for _ in range(5):
        assert solver.net.blobs["x"].data.shape == (2, 3)
    enough.set()
    stepping.join()


def in_helper(function):
    helper = threading.Thread(target=function)
    helper.start()
    helper.join()


def test_python_code_may_wait_for_a_thread_that_looks_at_a_blob(net, solver):
    seen = []
    fill(net)
    net.after_forward(lambda layer: in_helper(lambda: seen.append(net.blobs["conv"].data.copy())))
    net.forward()
    np.testing.assert_array_equal(seen[-1], net.blobs["conv"].data)
    solver.add_callback(lambda: in_helper(lambda: seen.append(solver.net.blobs["x"].data[0, 0])))
    solver.step(2)
    assert len(seen) == len(net.layers) + 2


# A thread that Python does not wait for is in a net or a solver, or in code called by one.
DAEMON = """
import atexit, sys, threading, time
import caffe
caffe.init_log(2)
solver = caffe.get_solver(sys.argv[1])
began = threading.Event()

def callback(*args):
    began.set()
    if sys.argv[2] == "sleep":
        time.sleep(0.2)

def use():
    while True:
        if sys.argv[2] == "forward":
            solver.net.forward()
        elif sys.argv[2] == "look":
            solver.net.blobs["c1"].data
        elif sys.argv[2] == "load":
            caffe.get_solver(sys.argv[1])
        else:
            solver.step(10**9)
        began.set()

if sys.argv[2] not in ("forward", "step", "look", "load"):
    solver.add_callback(callback, callback)
    solver.net.before_forward(callback)
if sys.argv[2] in ("step", "look"):
    threading.Thread(target=solver.step, args=(10**9,), daemon=True).start()
    solver.net.blobs["x"].data
    began.set()
if sys.argv[2] != "step":
    threading.Thread(target=use, daemon=True).start()
began.wait()
if sys.argv[2] == "error":
    raise ValueError("as it should")
"""


@pytest.mark.parametrize("what", ["forward", "step", "look", "load", "callback", "sleep", "error"])
def test_python_ends_while_a_thread_is_in_a_net(tmp_path, what):
    (tmp_path / "solver.prototxt").write_text(CONVOLUTIONS)
    done = subprocess.run(
        [sys.executable, "-c", DAEMON, str(tmp_path / "solver.prototxt"), what],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == (1 if what == "error" else 0), done.stderr
    assert ("as it should" in done.stderr) == (what == "error")


AT_EXIT = """
import atexit, sys
atexit.register(lambda: print(net.forward()))
import caffe
caffe.init_log(2)
net = caffe.Net(sys.argv[1], caffe.TEST)
"""


def test_what_python_does_at_its_end_may_run_nets(net, tmp_path):
    command = [sys.executable, "-c", AT_EXIT, str(tmp_path / "net.prototxt")]
    assert "one" in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
