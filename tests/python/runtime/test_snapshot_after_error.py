"""A training that a bad file ends leaves its last whole iteration, and goes on from there."""

import shutil
import subprocess

import cv2
import numpy as np
import pytest
from support import command

BATCHES = "iter_size: 3"
NET = """
layer { name: "data" type: "ImageData" top: "x" top: "t"
  image_data_param { source: "list.txt" batch_size: 2 }
  transform_param { scale: 0.01 mirror: true } }
layer { name: "noise" type: "DummyData" top: "noise"
  dummy_data_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } data_filler { type: "gaussian" } } }
layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "noise" top: "sum" }
layer { name: "bn" type: "BatchNorm" bottom: "sum" top: "bn" }
layer { name: "ip" type: "InnerProduct" bottom: "bn" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.01 momentum: 0.9 lr_policy: "fixed" random_seed: 3 max_iter: 12
display: 1 average_loss: 4 snapshot_prefix: "snap" solver_mode: CPU
"""
TRAIN = ("train", "--solver=solver.prototxt")
IMAGES = 60


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(7)
    for i in range(IMAGES):
        cv2.imwrite(str(tmp_path / f"{i}.png"), random.integers(0, 256, (8, 8, 3), np.uint8))
    (tmp_path / "list.txt").write_text("".join(f"{i}.png {i % 2}\n" for i in range(IMAGES)))
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER + BATCHES)
    return tmp_path


def fails(folder, image, *more):
    """Train until a bad image; returns the log, which ends with the error."""
    done = subprocess.run(
        command.call(*TRAIN, *more), cwd=folder, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: layer 'data'") and f"cannot read the image {image}" in last
    return done.stderr


def states(folder):
    return sorted(path.name for path in folder.glob("*.solverstate"))


def cut_off(path):
    """Shorten a file; returns what it was."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


# Of 6 images an iteration: the first, second and third batch of iteration 5.
@pytest.mark.parametrize("image", [30, 33, 35])
def test_the_training_goes_on_to_the_bits_of_one_without_the_error(folder, image):
    command.run(folder, *TRAIN)
    unbroken = (folder / "snap_iter_12.caffemodel").read_bytes()
    state = (folder / "snap_iter_12.solverstate").read_bytes()
    for path in folder.glob("snap_*"):
        path.unlink()
    whole = cut_off(folder / f"{image}.png")
    assert "a snapshot keeps its 5 iterations" in fails(folder, f"{image}.png")
    assert states(folder) == ["snap_iter_5.solverstate"]
    (folder / f"{image}.png").write_bytes(whole)
    command.run(folder, *TRAIN, "--snapshot=snap_iter_5.solverstate")
    assert (folder / "snap_iter_12.caffemodel").read_bytes() == unbroken
    assert (folder / "snap_iter_12.solverstate").read_bytes() == state


def test_an_error_in_a_test_leaves_a_snapshot(folder):
    data = NET[: NET.index('layer { name: "noise"')]
    train, test = (
        data.replace('"ImageData"', f'"ImageData" include {{ phase: {phase} }}')
        for phase in ("TRAIN", "TEST")
    )
    net = NET.replace(data, train + test.replace("list.txt", "test.txt"))
    (folder / "net.prototxt").write_text(net)
    (folder / "test.txt").write_text("0.png 0\n" * 50 + "broken.png 0\n")
    shutil.copy(folder / "0.png", folder / "broken.png")
    cut_off(folder / "broken.png")
    with open(folder / "solver.prototxt", "a") as solver:
        solver.write(" test_iter: 30 test_interval: 4 test_initialization: false")
    fails(folder, "broken.png")
    assert states(folder) == ["snap_iter_4.solverstate"]


def test_an_error_in_the_first_iteration_leaves_none(folder):
    cut_off(folder / "3.png")
    assert "Snapshot" not in fails(folder, "3.png")
    assert states(folder) == []


def test_one_that_was_due_is_not_written_twice(folder):
    with open(folder / "solver.prototxt", "a") as solver:
        solver.write(" snapshot: 5")
    cut_off(folder / "30.png")
    assert fails(folder, "30.png").count("Snapshotting solver state") == 1
    log = fails(folder, "30.png", "--snapshot=snap_iter_5.solverstate")
    assert "Snapshotting" not in log and states(folder) == ["snap_iter_5.solverstate"]


def test_numbers_that_are_not_finite_are_not_kept(folder):
    text = (folder / "solver.prototxt").read_text()
    (folder / "solver.prototxt").write_text(text.replace("base_lr: 0.01", "base_lr: 3e38"))
    cut_off(folder / "42.png")
    log = fails(folder, "42.png")
    assert "No snapshot of iteration 7 can be taken: the parameters are not finite" in log
    assert states(folder) == []


RECURRENT = """
layer { name: "goes on" type: "DummyData" top: "goes on"
  dummy_data_param { shape { dim: 2 dim: 1 } data_filler { value: 1 } } }
layer { name: "steps" type: "Reshape" bottom: "bn" top: "steps"
  reshape_param { shape { dim: 2 dim: 1 dim: -1 } } }
layer { name: "lstm" type: "LSTM" bottom: "steps" bottom: "goes on" top: "lstm"
  recurrent_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "flat" type: "Reshape" bottom: "lstm" top: "flat"
  reshape_param { shape { dim: 2 dim: 5 } } }
"""


def test_a_layer_that_keeps_something_from_pass_to_pass_leaves_none(folder):
    net = NET.replace('bottom: "bn" top: "ip"', 'bottom: "flat" top: "ip"')
    net = net.replace('layer { name: "ip"', RECURRENT.strip() + '\nlayer { name: "ip"')
    (folder / "net.prototxt").write_text(net)
    cut_off(folder / "33.png")
    log = fails(folder, "33.png")
    assert "layer 'lstm' has seen a part of the next iteration" in log and states(folder) == []
