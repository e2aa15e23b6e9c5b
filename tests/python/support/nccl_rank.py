"""A process that trains on its share of eight images beside others, through caffe.NCCL.

Arguments: its rank, how many there are, NCCL's name for them in hexadecimal digits, whether
gradients travel while the backward pass goes on (0 or 1), after how many iterations it kills itself
(0: never), and the .npz file that the parameters go to.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

import caffe
from support.device import use_device
from support.small_net import write

IMAGES, ITERATIONS = 8, 20
NET = """
layer {{ name: "data" type: "Input" top: "data" top: "label"
  input_param {{ shape {{ dim: {0} dim: 3 dim: 12 dim: 12 }} shape {{ dim: {0} }} }} }}
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 8 kernel_size: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{ name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param {{ num_output: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }}
"""
SOLVER = 'net: "{}" base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" display: 0 random_seed: {}'


def _solver(rank: int, count: int, folder: Path) -> caffe.Solver:
    """With its share of the images, and parameters of its own."""
    share = IMAGES // count
    net = write(folder, NET.format(share))
    solver = caffe.get_solver(write(folder, SOLVER.format(net, 5 + rank), "solver.prototxt"))
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(IMAGES, 3, 12, 12)), rng.integers(0, 5, IMAGES)
    mine = slice(rank * share, (rank + 1) * share)
    solver.net.blobs["data"].data[...] = images[mine]
    solver.net.blobs["label"].data[...] = labels[mine]
    return solver


def main(rank: int, count: int, uid: bytes, beside: bool, killed_after: int, result: str) -> None:
    """Train, and write the parameters."""
    caffe.init_log(2)
    use_device()
    caffe.set_solver_count(count)
    caffe.set_solver_rank(rank)
    caffe.set_multiprocess(True)
    with tempfile.TemporaryDirectory() as folder:
        solver = _solver(rank, count, Path(folder))
    if count > 1:
        nccl = caffe.NCCL(solver, uid)
        nccl.bcast()
        solver.add_callback(nccl)
        if beside:
            solver.net.after_backward(nccl)
    if killed_after:
        solver.step(killed_after)
        os.kill(os.getpid(), signal.SIGKILL)
    solver.step(ITERATIONS)
    blobs = {f"{n} {i}": b.data for n, own in solver.net.params.items() for i, b in enumerate(own)}
    np.savez(result, **blobs)


if __name__ == "__main__":
    _rank, _count, _uid, _beside, _killed_after, _result = sys.argv[1:]
    main(
        int(_rank),
        int(_count),
        bytes.fromhex(_uid),
        _beside == "1",
        int(_killed_after),
        _result,
    )
