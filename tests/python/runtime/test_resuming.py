"""A training continued from a snapshot goes on to the same bits as one that was never stopped."""

import re
import shutil
import signal
import sys
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest
from support import command

import caffe
from caffe.proto import caffe_pb2

# Everything that goes over from batch to batch in one net: shuffled data, dropout, a filler, states
# of recurrent layers (3 steps of one sequence that never ends); 20 samples do not fill 3 batches.
NET = """
name: "random"
layer { name: "data" type: "HDF5Data" top: "x" top: "t"
  hdf5_data_param { source: "list.txt" batch_size: 3 shuffle: true } }
layer { name: "noise" type: "DummyData" top: "noise" include { phase: TRAIN }
  dummy_data_param { shape { dim: 3 dim: 4 } data_filler { type: "gaussian" std: 0.1 } } }
layer { name: "noisy" type: "Eltwise" bottom: "x" bottom: "noise" top: "noisy"
  include { phase: TRAIN } }
layer { name: "clean" type: "Power" bottom: "x" top: "noisy" include { phase: TEST } }
layer { name: "ip1" type: "InnerProduct" bottom: "noisy" top: "ip1"
  inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }
layer { name: "steps" type: "Reshape" bottom: "ip1" top: "steps"
  reshape_param { shape { dim: 3 dim: 1 dim: 6 } } }
layer { name: "goes on" type: "DummyData" top: "goes on"
  dummy_data_param { shape { dim: 3 dim: 1 } data_filler { value: 1 } } }
layer { name: "lstm" type: "LSTM" bottom: "steps" bottom: "goes on" top: "lstm"
  recurrent_param { num_output: 5 weight_filler { type: "uniform" min: -0.8 max: 0.8 } } }
layer { name: "rnn" type: "RNN" bottom: "lstm" bottom: "goes on" top: "rnn"
  recurrent_param { num_output: 4 weight_filler { type: "uniform" min: -0.8 max: 0.8 } } }
layer { name: "ip2" type: "InnerProduct" bottom: "rnn" top: "ip2"
  inner_product_param { axis: 2 num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "net.prototxt"
base_lr: 0.01 momentum: 0.5
lr_policy: "multistep" gamma: 0.5 stepvalue: 15 stepvalue: 30
iter_size: 2
average_loss: 20
display: 20
snapshot_prefix: "snap"
solver_mode: CPU
"""


@pytest.fixture
def folders(tmp_path):
    """Makes folders that hold the net, its data, and a solver with additional lines."""

    def make(name, *lines):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        random = np.random.default_rng(5)
        with h5py.File(folder / "data.h5", "w") as file:
            file["x"] = random.standard_normal((20, 4)).astype(np.float32)
            file["t"] = random.standard_normal((20, 2)).astype(np.float32)
        (folder / "list.txt").write_text("data.h5\n")
        (folder / "net.prototxt").write_text(NET)
        (folder / "solver.prototxt").write_text(SOLVER + "\n".join(lines))
        return folder

    return make


def files_of(folder, iteration):
    files = sorted(folder.glob(f"snap_iter_{iteration}.*"))
    assert len(files) == 2
    return files


def assert_same_snapshot(folder, other, iteration):
    for file in files_of(folder, iteration):
        assert file.read_bytes() == (other / file.name).read_bytes(), file.name


def resume(folder, source, iteration, ending=""):
    for file in files_of(source, iteration):
        shutil.copy(file, folder)
    state = f"snap_iter_{iteration}.solverstate{ending}"
    return command.run(folder, "train", "--solver=solver.prototxt", f"--snapshot={state}")


@pytest.mark.parametrize("solver", ["SGD", "Adam"])
@pytest.mark.parametrize(("snapshot_format", "ending"), [("BINARYPROTO", ""), ("HDF5", ".h5")])
def test_a_run_without_seed_goes_on_from_its_snapshot(folders, solver, snapshot_format, ending):
    lines = [f'type: "{solver}"', f"snapshot_format: {snapshot_format}", "snapshot: 25"]
    lines += ["max_iter: 50", "test_iter: 2", "test_iter: 3", "test_interval: 10"]
    unbroken, resumed = folders("unbroken", *lines), folders("resumed", *lines)
    log = command.run(unbroken, "train", "--solver=solver.prototxt")
    log_resumed = resume(resumed, unbroken, 25, ending)
    assert_same_snapshot(unbroken, resumed, 50)
    # The first loss shown, at 40, is a mean over average_loss (20), across the break at 25.
    shown = [re.sub(r"\(.*iters\)", "", line) for line in log if "loss = " in line]
    shown_resumed = [re.sub(r"\(.*iters\)", "", line) for line in log_resumed if "loss = " in line]
    assert len(shown_resumed) > 3
    assert shown[-len(shown_resumed) :] == shown_resumed


def test_restoring_goes_on_with_the_data_that_follow(folders, monkeypatch):
    folder = folders("run", "max_iter: 4")
    monkeypatch.chdir(folder)
    with lmdb.open("db", map_size=1 << 20) as environment, environment.begin(write=True) as to:
        for k in range(50):
            datum = caffe.proto.caffe_pb2.Datum(channels=1, height=1, width=1, float_data=[k])
            to.put(b"%04d" % k, datum.SerializeToString())
    data = 'layer { name: "d" type: "Data" top: "d" data_param { source: "db" backend: LMDB '
    loss = 'batch_size: 1 } } layer { name: "l" type: "Reduction" bottom: "d" top: "l" }'
    Path("net.prototxt").write_text(data + loss)
    solver = caffe.SGDSolver("solver.prototxt")
    solver.step(2)
    solver.snapshot()
    solver.step(3)
    solver.restore("snap_iter_2.solverstate")
    solver.step(1)
    assert solver.net.blobs["d"].data[0, 0, 0, 0] == 5  # two images an iteration


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_the_state_of_a_single_step_outlives_its_top(tmp_path, kind):
    def run(lifetime):
        (tmp_path / "net.prototxt").write_text(
            f'blob_lifetime: {lifetime} layer {{ name: "x" type: "Input" top: "x" top: "goes on" '
            "input_param { shape { dim: 1 dim: 2 dim: 3 } shape { dim: 1 dim: 2 } } } "
            f'layer {{ name: "r" type: "{kind}" bottom: "x" bottom: "goes on" top: "h" '
            'recurrent_param { num_output: 4 weight_filler { type: "gaussian" } } } '
            'layer { name: "y" type: "Power" bottom: "h" top: "y" }'
        )
        caffe.set_random_seed(3)
        net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
        net.blobs["x"].data[...] = net.blobs["goes on"].data[...] = 1
        return [net.forward()["y"].copy() for _ in range(3)]

    np.testing.assert_array_equal(run("UNTIL_READ"), run("KEEP"))


def test_testing_does_not_change_the_training(folders):
    lines = ["random_seed: 3", "max_iter: 30"]
    tested = folders("tested", *lines, "test_iter: 5", "test_interval: 7")
    untested = folders("untested", *lines)
    for folder in (tested, untested):
        command.run(folder, "train", "--solver=solver.prototxt")
    model = "snap_iter_30.caffemodel"
    assert (tested / model).read_bytes() == (untested / model).read_bytes()


def wait_for(process, text):
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"the log ended without {text!r}")


def interrupt(folder, text):
    """Start training, press Ctrl-C when a line with `text` is seen; the iteration it ended at."""
    with command.start(folder, "train", "--solver=solver.prototxt") as process:
        wait_for(process, text)
        process.send_signal(signal.SIGINT)
        line = wait_for(process, "Snapshotting solver state")
        rest = process.stderr.read()
    assert process.returncode == 0
    assert "Optimization stopped early." in rest
    return int(re.search(r"_iter_(\d+)\.", line)[1])


def test_ctrl_c_and_going_on_gives_the_weights_of_the_unbroken_run(folders):
    endless = folders("endless", "random_seed: 3", "max_iter: 100000000")
    stopped_at = interrupt(endless, "Iteration 40 ")
    lines = ["random_seed: 3", f"max_iter: {stopped_at + 20}"]
    unbroken, resumed = folders("unbroken", *lines), folders("resumed", *lines)
    command.run(unbroken, "train", "--solver=solver.prototxt")
    resume(resumed, endless, stopped_at)
    assert_same_snapshot(unbroken, resumed, stopped_at + 20)


def test_ctrl_c_during_a_test_stops_before_the_next_iteration(folders):
    seed = "random_seed: 3"
    testing = ["test_interval: 30", "test_initialization: false"]
    endless = folders("endless", seed, "max_iter: 100", "test_iter: 100000000", *testing)
    assert interrupt(endless, "Iteration 30, Testing net") == 30
    lines = [seed, "max_iter: 50", "test_iter: 4", *testing]
    unbroken, resumed = folders("unbroken", *lines), folders("resumed", *lines)
    command.run(unbroken, "train", "--solver=solver.prototxt")
    resume(resumed, endless, 30)
    model = "snap_iter_50.caffemodel"
    assert (unbroken / model).read_bytes() == (resumed / model).read_bytes()


def test_an_exception_in_a_test_does_not_shift_the_tests_that_follow(folders, monkeypatch):
    monkeypatch.chdir(folders("run", "random_seed: 3", "test_iter: 3", "test_interval: 2"))

    def tested(fail_at):
        """The batches that the tests of four iterations see, of the last of each test."""
        solver = caffe.get_solver("solver.prototxt")
        (net,) = solver.test_nets
        seen = []

        def after_forward(layer):
            if net.layers[layer].type == "EuclideanLoss":
                seen.append(net.blobs["x"].data.copy())
                if len(seen) == fail_at:
                    raise KeyboardInterrupt

        net.after_forward(after_forward)
        if fail_at:
            with pytest.raises(KeyboardInterrupt):
                solver.step(4)
            del seen[:]
        fail_at = None
        solver.step(4)
        return np.array(seen)

    np.testing.assert_array_equal(tested(2), tested(None))


def test_sighup_takes_a_snapshot_and_training_goes_on(folders):
    folder = folders("endless", "random_seed: 3", "max_iter: 100000000")
    with command.start(folder, "train", "--solver=solver.prototxt") as process:
        wait_for(process, "Iteration 20 ")
        process.send_signal(signal.SIGHUP)
        wait_for(process, "Snapshotting solver state")
        wait_for(process, "lr = ")
        process.send_signal(signal.SIGINT)
        wait_for(process, "Snapshotting solver state")
        process.stderr.read()
    assert process.returncode == 0
    assert len(list(folder.glob("*.solverstate"))) == 2


@pytest.fixture
def snapshot(folders):
    """A folder with a snapshot of iteration 10."""
    folder = folders("run", "random_seed: 3", "max_iter: 10")
    command.run(folder, "train", "--solver=solver.prototxt")
    return folder


def resume_fails(folder, solver="solver.prototxt"):
    state = "snap_iter_10.solverstate"
    return command.fail(folder, "train", f"--solver={solver}", f"--snapshot={state}")


def damage(file: Path):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_damaged_model_is_not_continued(snapshot):
    damage(snapshot / "snap_iter_10.caffemodel")
    assert "snap_iter_10.caffemodel: not the file" in resume_fails(snapshot)


def test_a_truncated_state_names_itself(snapshot):
    state = snapshot / "snap_iter_10.solverstate"
    state.write_bytes(state.read_bytes()[:-300])
    assert "snap_iter_10.solverstate" in resume_fails(snapshot)


@pytest.mark.parametrize("field", ["iter", "current_step"])
def test_a_state_before_the_beginning_is_damaged(snapshot, field):
    file = snapshot / "snap_iter_10.solverstate"
    state = caffe_pb2.SolverState.FromString(file.read_bytes())
    setattr(state, field, -2000000000)
    file.write_bytes(state.SerializeToString())
    assert "snap_iter_10.solverstate is damaged" in resume_fails(snapshot)


@pytest.mark.parametrize("harm", ["model", "history", "rng_state", "layer_state"])
def test_a_state_that_cannot_be_restored_changes_nothing(snapshot, monkeypatch, harm):
    monkeypatch.chdir(snapshot)
    file = snapshot / "snap_iter_10.solverstate"
    state = caffe_pb2.SolverState.FromString(file.read_bytes())
    if harm == "model":
        damage(snapshot / "snap_iter_10.caffemodel")
    elif harm == "history":
        state.history[-1].data.pop()
    elif harm == "layer_state":
        # The last one: by then other layers have theirs.
        assert state.layer_state[-1].layer == "rnn"
        state.layer_state[-1].extra = b"no message"
    else:
        state.rng_state = b"no numbers"
    file.write_bytes(state.SerializeToString())

    def learned(restores):
        # One after the other: solvers share a generator of random numbers.
        solver = caffe.get_solver("solver.prototxt")
        solver.step(3)
        if restores:
            with pytest.raises(caffe.Error):
                solver.restore(str(file))
        solver.step(3)
        assert solver.iter == 6
        return [blob.data.copy() for blobs in solver.net.params.values() for blob in blobs]

    mine, theirs = learned(restores=True), learned(restores=False)
    assert len(mine) == len(theirs) == 12
    for one, other in zip(mine, theirs):
        np.testing.assert_array_equal(one, other)


class Grudging(caffe.Layer):
    """Takes no state back."""

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = 0

    def save_state(self):
        return b"state"

    def restore_state(self, state):
        raise ValueError("not this one")


def test_a_layer_that_takes_no_state_is_the_error_and_the_others_get_theirs_back(
    folders, monkeypatch
):
    folder = folders("run", "random_seed: 3")
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, "grudging", sys.modules[__name__])
    python = 'type: "Python" python_param { module: "grudging" layer: "Grudging" }'
    Path("net.prototxt").write_text(f'layer {{ name: "g" top: "g" {python} }}' + NET)
    solvers = [caffe.get_solver("solver.prototxt") for _ in range(2)]
    for solver in solvers:
        solver.step(2)
    solvers[0].snapshot()
    for solver in solvers:
        solver.step(2)
    with pytest.raises(ValueError, match="not this one"):
        solvers[0].restore("snap_iter_2.solverstate")
    for solver in solvers:
        solver.step(2)
    xs = [solver.net.blobs["x"].data for solver in solvers]
    np.testing.assert_array_equal(*xs)


def test_a_state_without_its_model_says_where_it_should_be(snapshot):
    (snapshot / "snap_iter_10.caffemodel").unlink()
    assert "its model snap_iter_10.caffemodel does not exist: put" in resume_fails(snapshot)


def test_the_state_of_another_solver_is_refused(snapshot):
    solver = snapshot / "adam.prototxt"
    solver.write_text(SOLVER + 'type: "Adam" max_iter: 20')
    assert "another number of history blobs than solver Adam" in resume_fails(snapshot, solver.name)


def test_a_moved_snapshot_finds_its_model_beside_itself(snapshot, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in files_of(snapshot, 10):
        shutil.move(str(file), moved)
    state = moved / "snap_iter_10.solverstate"
    log = command.run(snapshot, "train", "--solver=solver.prototxt", f"--snapshot={state}")
    assert "Optimization Done." in log


def test_a_copied_snapshot_finds_its_model_beside_itself_where_the_named_one_is_another(
    snapshot, tmp_path
):
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in files_of(snapshot, 10):
        shutil.copy(file, copied)
    (named,) = snapshot.glob("snap_iter_10.caffemodel")
    named.write_bytes(b"of another training")
    state = copied / "snap_iter_10.solverstate"
    log = command.run(snapshot, "train", "--solver=solver.prototxt", f"--snapshot={state}")
    assert "Optimization Done." in log
