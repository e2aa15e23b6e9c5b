"""Layers and solvers give the numbers of Caffe 1.0 (tests/golden)."""

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.goldens import GOLDEN, assert_close, case, case_names, with_prefix

import caffe

SOLVERS = "solvers/solvers.npz"
LAYER_CASES = [
    (f"layers/{archive.name}", name)
    for archive in sorted((GOLDEN / "layers").glob("*.npz"))
    for name in case_names(f"layers/{archive.name}")
]
SNAPSHOT_CASES = [name for name in case_names(SOLVERS) if name.startswith("snapshot_")]


def set_params(params, arrays):
    for key, value in arrays.items():
        layer, index = key.rsplit("_", 1)
        params[layer][int(index)].data[...] = value


def check_params(params, arrays, what, part="data"):
    for key, value in arrays.items():
        layer, index = key.rsplit("_", 1)
        assert_close(getattr(params[layer][int(index)], part), value, f"{what}{key}")


class Replay:
    """A net of a case, and the steps of comparing it."""

    def __init__(self, arrays, folder):
        self.arrays = arrays
        self.inputs = [str(name) for name in arrays["inputs"]]
        prototxt = folder / "net.prototxt"
        prototxt.write_text(str(arrays["prototxt"]))
        self.net = caffe.Net(str(prototxt), getattr(caffe, str(arrays["phase"])))
        params = with_prefix(arrays, "param_")
        first = {k: v for k, v in params.items() if not k.startswith(("diff_", "after"))}
        set_params(self.net.params, first)
        self.net.clear_param_diffs()

    def forward(self, number):
        suffix = "" if number == 1 else f"_fwd{number}"
        for i, name in enumerate(self.inputs):
            self.net.blobs[name].data[...] = self.arrays[f"bottom_{i}{suffix}"]
        self.net.forward()
        for key, golden in with_prefix(self.arrays, "top_").items():
            name = key[: len(key) - len(suffix)]
            if key.endswith(suffix) and name in self.net.blobs:
                assert_close(self.net.blobs[name].data, golden, f"top {key}")
        check_params(self.net.params, with_prefix(self.arrays, f"param_after{number}_"), "after ")

    def backward(self):
        for name, diff in with_prefix(self.arrays, "top_diff_").items():
            self.net.blobs[name].diff[...] = diff
        self.net.backward()
        for i, golden in with_prefix(self.arrays, "bottom_diff_").items():
            assert_close(self.net.blobs[self.inputs[int(i)]].diff, golden, f"diff of bottom {i}")
        golden = with_prefix(self.arrays, "param_diff_")
        check_params(self.net.params, golden, "diff of ", part="diff")


@pytest.mark.parametrize(("archive", "name"), LAYER_CASES, ids=[name for _, name in LAYER_CASES])
def test_layer_computes_what_caffe_does(archive, name, tmp_path):
    arrays = case(archive, name)
    replay = Replay(arrays, tmp_path)
    replay.forward(1)
    if any(key.startswith(("bottom_diff_", "param_diff_")) for key in arrays):
        replay.backward()
    number = 2
    while any(key.endswith(f"_fwd{number}") for key in arrays):
        replay.forward(number)
        number += 1


class Training:
    """A solver of a case in a folder of its own."""

    def __init__(self, name, folder):
        self.arrays = case(SOLVERS, name)
        # A net may read files beside it, and files may name others.
        os.chdir(folder)
        Path("net.prototxt").write_text(str(self.arrays["net_prototxt"]))
        Path("solver.prototxt").write_text(str(self.arrays["solver_prototxt"]))
        if (GOLDEN / "solvers" / name).is_dir():
            shutil.copytree(GOLDEN / "solvers" / name, folder, dirs_exist_ok=True)
        self.solver = caffe.get_solver("solver.prototxt")
        self.fed_by_hand = not (folder / "train.h5").exists()

    def set_first_params(self):
        set_params(self.solver.net.params, with_prefix(self.arrays, "param_"))

    def iterate(self, iteration):
        net = self.solver.net
        if self.fed_by_hand:
            for name, batches in with_prefix(self.arrays, "input_").items():
                net.blobs[name].data[...] = batches[iteration]
        assert self.solver.lr == pytest.approx(float(self.arrays["lr"][iteration]), rel=1e-6)
        self.solver.step(1)
        assert_close(net.blobs["loss"].data, self.arrays["loss"][iteration], f"loss {iteration}")
        params = with_prefix(self.arrays, "params_")
        golden = {key: values[iteration] for key, values in params.items()}
        check_params(net.params, golden, f"after iteration {iteration}: ")


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    # Comes back from wherever a test goes.
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", case_names(SOLVERS))
def test_solver_makes_the_updates_that_caffe_does(name, own_folder):
    training = Training(name, own_folder)
    training.set_first_params()
    for iteration in range(len(training.arrays["lr"])):
        training.iterate(iteration)


@pytest.mark.parametrize("name", SNAPSHOT_CASES)
def test_training_goes_on_from_a_snapshot_of_caffe(name, own_folder):
    training = Training(name, own_folder)
    (state,) = own_folder.glob("*.solverstate*")
    training.solver.restore(state.name)
    assert training.solver.iter == int(training.arrays["state_iter"])
    for iteration in range(training.solver.iter, len(training.arrays["lr"])):
        training.iterate(iteration)


@pytest.mark.parametrize("name", SNAPSHOT_CASES)
def test_a_snapshot_holds_what_caffe_writes_into_it(name, own_folder):
    training = Training(name, own_folder)
    training.set_first_params()
    for iteration in range(int(training.arrays["state_iter"])):
        training.iterate(iteration)
    for file in own_folder.glob("*_iter_3*"):
        file.unlink()
    training.solver.snapshot()
    (state,) = own_folder.glob("*.solverstate*")
    history, stored = read_state(state)
    assert stored["iter"] == int(training.arrays["state_iter"])
    assert stored["current_step"] == int(training.arrays["state_current_step"])
    assert stored["learned_net"] == str(training.arrays["state_learned_net"])
    golden = with_prefix(training.arrays, "history_")
    assert len(history) == len(golden)
    for index, values in golden.items():
        assert_close(history[int(index)], values, f"history {index}")


def read_state(path):
    """The history and the fields of a .solverstate in either format."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            history = [file["history"][str(i)][...] for i in range(len(file["history"]))]
            numbers = {name: np.asarray(file[name]).item() for name in ("iter", "current_step")}
            return history, {**numbers, "learned_net": file["learned_net"].asstr()[()]}
    from caffe.proto import caffe_pb2

    state = caffe_pb2.SolverState.FromString(path.read_bytes())
    history = [np.array(blob.data).reshape(list(blob.shape.dim)) for blob in state.history]
    fields = ("iter", "current_step", "learned_net")
    return history, {field: getattr(state, field) for field in fields}
