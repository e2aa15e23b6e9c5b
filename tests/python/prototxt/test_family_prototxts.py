"""Prototxts as users of SegNet, FCN, DeepLab and DCME have them, trained as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dcme.files import write_png
from support import command

import caffe

FAMILY = Path(__file__).parent / "family"
COLOURS = np.array([[90, 120, 100], [30, 40, 220], [220, 60, 30]], np.uint8)
SOLVERS = {
    "segnet_dense": 'base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 test_iter: 2 test_interval: 15',
    "segnet_bn": 'base_lr: 0.05 lr_policy: "step" gamma: 1.0 stepsize: 1000 momentum: 0.9',
    "dcme_python_layer": 'base_lr: 1e-8 lr_policy: "step" gamma: 1 stepsize: 100 momentum: 0.9',
    "deeplab_interp": 'base_lr: 0.05 lr_policy: "poly" power: 0.9 momentum: 0.9',
    "fcn_crop": 'base_lr: 1e-6 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 iter_size: 2',
    # The field that named the solver before `type`.
    "fcn_v1": 'solver_type: NESTEROV base_lr: 0.01 lr_policy: "inv" gamma: 1e-4 power: 0.75 '
    "momentum: 0.9 test_iter: 2 test_interval: 15",
}
ITERATIONS = 40


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coloured ellipses with a label image and a class each, and lists of both."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(5)
    rows, cols = np.ogrid[:45, :61]
    dense, classes = "", ""
    for i in range(6):
        kind = 1 + i % 2
        row, col = rng.uniform(15, 30), rng.uniform(20, 40)
        inside = ((rows - row) / 12) ** 2 + ((cols - col) / 16) ** 2 < 1
        labels = np.where(inside, kind, 0).astype(np.uint8)
        noise = rng.integers(0, 30, (45, 61, 3), dtype=np.uint8)
        write_png(folder / f"{i}.png", COLOURS[labels] + noise)
        write_png(folder / f"{i}_labels.png", labels)
        # Caffe 1.0 divides lines at blanks, which names of folders may have.
        dense += f"{i}.png {i}_labels.png\n"
        classes += f"{i}.png {kind}\n"
    (folder / "dense.txt").write_text(dense)
    (folder / "classes.txt").write_text(classes)
    return folder


@pytest.fixture
def run_folder(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a net is trained, with the pictures, the net files and their Python layer."""
    for source in (*pictures.iterdir(), *FAMILY.glob("*.*")):
        shutil.copy(source, tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def train(name: str, folder: Path) -> list[str]:
    common = f"max_iter: {ITERATIONS} display: 1 random_seed: 3 snapshot_prefix: '{name}'"
    (folder / "solver.prototxt").write_text(
        f'net: "{name}.prototxt" {SOLVERS[name]} {common} snapshot_after_train: true'
    )
    return command.run(folder, "train", "--solver=solver.prototxt")


def losses(lines: list[str]) -> list[float]:
    found = (re.search(r"Iteration \d+ .*, loss = (\S+)", line) for line in lines)
    return [float(match[1]) for match in found if match]


@pytest.mark.parametrize("name", SOLVERS)
def test_it_trains(name: str, run_folder: Path) -> None:
    log = train(name, run_folder)
    values = losses(log)
    assert len(values) == ITERATIONS
    assert np.mean(values[-8:]) < 0.8 * np.mean(values[:8])
    assert (run_folder / f"{name}_iter_{ITERATIONS}.caffemodel").stat().st_size > 0


def test_every_prototxt_of_the_folder_is_trained() -> None:
    assert {path.stem for path in FAMILY.glob("*.prototxt")} == set(SOLVERS)


def test_the_weighted_net_tells_the_accuracy_of_each_class(run_folder: Path) -> None:
    log = train("segnet_dense", run_folder)
    told = [line for line in log if "Test net output" in line and "per_class_accuracy" in line]
    # Three classes, before training, after 15 iterations and after 30.
    assert len(told) == 3 * 3


def test_bn_layers_infer_by_factors_that_hold_the_statistics(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SegNet's script has it: means and deviations are worked into a net for INFERENCE."""
    train("segnet_bn", run_folder)
    weights = str(run_folder / f"segnet_bn_iter_{ITERATIONS}.caffemodel")
    text = (run_folder / "segnet_bn.prototxt").read_text()
    (run_folder / "inference.prototxt").write_text(
        text.replace("bn_param {", "bn_param { bn_mode: INFERENCE").replace("shuffle: true", "")
    )
    (run_folder / "learn.prototxt").write_text(text.replace("shuffle: true", ""))
    monkeypatch.chdir(run_folder)
    learn = caffe.Net("learn.prototxt", weights, caffe.TEST)
    learn.forward(end="conv1_1")
    x = learn.blobs["conv1_1"].data.copy()
    factors, shifts = (blob.data.reshape(-1) for blob in learn.params["conv1_1_bn"])
    by_deviation = factors / np.sqrt(x.var(axis=(0, 2, 3)) + 1e-5)
    learn.forward(start="conv1_1_bn", end="conv1_1_bn")
    normalised = learn.blobs["conv1_1"].data.copy()

    inference = caffe.Net("inference.prototxt", weights, caffe.TEST)
    inference.params["conv1_1_bn"][0].data.flat = by_deviation
    inference.params["conv1_1_bn"][1].data.flat = shifts - x.mean(axis=(0, 2, 3)) * by_deviation
    inference.forward(end="conv1_1_bn")
    np.testing.assert_allclose(inference.blobs["conv1_1"].data, normalised, rtol=1e-4, atol=1e-4)


def test_old_syntax_trains_like_its_upgrade(run_folder: Path) -> None:
    old = losses(train("fcn_v1", run_folder))
    shutil.move(run_folder / "fcn_v1.prototxt", run_folder / "old.prototxt")
    tool = Path(sys.executable).with_name("upgrade_net_proto_text")
    upgrade = [tool, "old.prototxt", "fcn_v1.prototxt"]
    subprocess.run(upgrade, cwd=run_folder, check=True, capture_output=True)
    assert "layers {" not in (run_folder / "fcn_v1.prototxt").read_text()
    assert losses(train("fcn_v1", run_folder)) == old
