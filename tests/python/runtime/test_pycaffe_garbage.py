"""Nets and solvers go when nobody has them any more, whatever their callbacks mention."""

import gc
import weakref

import pytest
from support.small_net import NET, write

import caffe

SOLVER = 'net: "{net}" base_lr: 0.1 lr_policy: "fixed" solver_mode: CPU'


def is_gone(reference):
    gc.collect()
    return reference() is None


@pytest.mark.parametrize(
    "event", ["before_forward", "after_forward", "before_backward", "after_backward"]
)
def test_a_net_whose_callbacks_know_it(tmp_path, event):
    def use():
        net = caffe.Net(write(tmp_path, NET), caffe.TEST)
        getattr(net, event)(lambda _layer: net.name)
        net.forward()
        return weakref.ref(net), net.blobs["conv"]

    reference, blob = use()
    assert is_gone(reference)
    assert blob.data.shape == blob.shape


def test_a_solver_whose_callbacks_know_it(tmp_path):
    def use():
        solver = caffe.get_solver(path)
        solver.add_callback(lambda: solver.iter, lambda: solver.lr)
        solver.net.before_forward(lambda _layer: solver.iter)
        return weakref.ref(solver)

    path = write(tmp_path, SOLVER.format(net=write(tmp_path, NET)), "solver.prototxt")
    assert is_gone(use())


def test_callbacks_live_as_long_as_their_net(tmp_path):
    net, calls = caffe.Net(write(tmp_path, NET), caffe.TEST), []
    net.before_forward(lambda layer: calls.append((layer, net.name)))
    gc.collect()
    net.forward()
    assert len(calls) == len(net.layers)
