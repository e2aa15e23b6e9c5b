"""One net, or a solver and its nets, used by several threads: their calls run one after another."""

import threading
import time

import numpy as np
import pytest
from oracles.small_net import fill

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
