"""``dcme train``: checks, going on, fine-tuning. Trains a small net for some iterations."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from dcme.cli import main
from dcme.datasets.prepare import prepare
from dcme.errors import UserError
from dcme.stopping import stop_signals_as_ctrl_c
from dcme.training.caffe_train import NetFiles, bind_to_data, read_net, read_solver
from dcme.training.held_out import measure_held_out
from dcme.training.job import (
    TrainingJob,
    TrainingProgress,
    check_weights,
    duration,
    newest_state,
    run_job,
)
from dcme.training.log import TrainLog, read_log
from dcme.training.weights import weight_layers

pytest.importorskip("caffe")
pytestmark = pytest.mark.skipif(not shutil.which("caffe"), reason="needs the command caffe")

NETS = Path(__file__).parents[3] / "prototxt" / "small"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from dcme.synth import write_dataset

    root = tmp_path_factory.mktemp("data")
    write_dataset(root / "city", train=3, val=1, seed=2, size=(64, 128))
    prepare(root / "city", root / "small", (32, 64))
    return root / "small"


def train(data, out, iterations, *more, nets=NETS):
    words = ["train", nets, data, out, "--iterations", iterations, *more]
    return main([str(word) for word in words])


def test_it_trains_and_goes_on_where_it_stopped(data, tmp_path, capfd):
    out = tmp_path / "run"
    assert train(data, out, 20) == 0
    curve = read_log(out / "train.log").loss
    said = (
        f"snapshot_iter_20.caffemodel: 20 iterations, loss {curve.values[-1]:.4g} at iteration 20"
    )
    assert said in capfd.readouterr().out and curve.iterations == list(range(0, 21, 2))
    assert train(data, out, 40) == 0
    printed = capfd.readouterr().out
    assert "going on from" in printed and "snapshot_iter_20.solverstate" in printed
    assert newest_state(out)[1] == 40
    assert read_log(out / "train.log").loss.iterations == [*range(0, 21, 2), *range(24, 41, 4)]
    before = (out / "train.log").read_bytes()
    assert train(data, out, 40) == 0
    assert "nothing is left to do" in capfd.readouterr().out
    assert (out / "train.log").read_bytes() == before


def test_it_trains_from_lmdbs_as_from_the_images(data, tmp_path, fails):
    line = fails("train", NETS, data, tmp_path / "none", "--lmdb", "--iterations", 1)
    assert "train_lmdb: no such LMDB; dcme prepare --lmdb writes it" in line
    prepare(data.parent / "city", tmp_path / "lmdb", (32, 64), lmdb=True)
    losses = []
    for name, more in (("a", []), ("b", ["--lmdb"])):
        assert train(tmp_path / "lmdb", tmp_path / name, 3, "--quiet", *more) == 0
        losses.append(read_log(tmp_path / name / "train.log").loss.values)
    assert losses[0] == losses[1]
    (layer, _) = (
        one for one in read_net(tmp_path / "b" / "train.prototxt").layer if not one.bottom
    )
    assert layer.dcme_data_param.source == str(tmp_path / "lmdb" / "train_lmdb")


def test_the_loss_on_held_out_images_is_told_and_changes_no_weight(data, tmp_path, capfd):
    for name, images in (("with", 20), ("without", 0)):
        assert train(data, tmp_path / name, 20, "--held-out", images, "--quiet") == 0
    first, second = capfd.readouterr().out.splitlines()
    log = read_log(tmp_path / "with" / "train.log")
    assert log.test_loss.iterations == [20]
    parts = [log.test[name].values[0] for name in ("grid_loss", "vector_loss")]
    assert log.test_loss.values == [pytest.approx(sum(parts), rel=1e-4)]
    said = f"loss on held-out images {log.test_loss.values[0]:.4g} at iteration 20"
    assert first.endswith(said)
    assert "held-out" not in second and not read_log(tmp_path / "without" / "train.log").test
    weights = "snapshot_iter_20.caffemodel"
    contents = [(tmp_path / name / weights).read_bytes() for name in ("with", "without")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("listed", "images", "chosen"),
    [(50, 20, range(0, 40, 2)), (5, 20, range(5)), (40, 3, (0, 13, 26)), (5, 0, ()), (0, 20, ())],
)
def test_held_out_images_are_spread_over_the_list(data, tmp_path, listed, images, chosen):
    shutil.copytree(data, tmp_path / "data")
    rows = [f"images/val/{i}.png instanceIds/val/{i}.png\n" for i in range(listed)]
    (tmp_path / "data" / "val.txt").write_text("# a comment\n" + "".join(rows))
    bound = bind_to_data(NetFiles.of_folder(NETS), tmp_path / "data", tmp_path / "r", 5000)
    before = bound.solver.read_bytes()
    assert measure_held_out(bound, images) == len(chosen)
    if not chosen:
        assert bound.solver.read_bytes() == before
        return
    assert (tmp_path / "r" / "held_out.txt").read_text() == "".join(rows[i] for i in chosen)
    solver = read_solver(bound.solver)
    assert (list(solver.test_iter), solver.test_interval) == ([len(chosen)], 500)
    assert measure_held_out(bound, images) == 0, "a solver that tests stays as it is"


def test_without_a_list_of_held_out_images_nothing_is_tested(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "val.txt").unlink()
    assert train(tmp_path / "data", tmp_path / "r", 1, "--quiet") == 0
    assert not read_log(tmp_path / "r" / "train.log").test


def test_a_log_that_is_switched_off_elsewhere_is_read_all_the_same(data, tmp_path, monkeypatch):
    monkeypatch.setenv("GLOG_minloglevel", "3")
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    assert read_log(tmp_path / "r" / "train.log").loss.iterations[0] == 0


def test_the_same_training_may_be_spelled_otherwise(data, tmp_path, monkeypatch, fails):
    assert train(data, tmp_path / "r", 2, "--quiet") == 0
    monkeypatch.chdir(data.parent)
    assert train(f"./{data.name}", tmp_path / "r", 3, "--quiet") == 0
    assert newest_state(tmp_path / "r")[1] == 3
    before = (tmp_path / "r" / "solver.prototxt").read_bytes()
    line = fails("train", NETS, data, tmp_path / "r", "--iterations", 1)
    assert "has 3 iterations behind it (snapshot_iter_3.solverstate), more than 1" in line
    assert (tmp_path / "r" / "solver.prototxt").read_bytes() == before


def test_images_that_the_net_cannot_halve_are_refused_with_what_to_do(data, tmp_path, fails):
    prepare(data.parent / "city", tmp_path / "odd", (40, 64))
    line = fails("train", NETS, tmp_path / "odd", tmp_path / "r", "--iterations", 1)
    assert "layer 'concat4'" in line and "sides must be multiples of its stride" in line


def test_weights_are_matched_by_name_and_the_command_says_which(data, tmp_path, capfd):
    assert train(data, tmp_path / "a", 1) == 0
    weights = tmp_path / "a" / "snapshot_iter_1.caffemodel"
    assert {"conv1_1", "grid_score", "vectors"} <= weight_layers(weights)
    capfd.readouterr()
    assert train(data, tmp_path / "b", 1, "--weights", weights, "--quiet") == 0
    assert train(data, tmp_path / "c", 1, "--weights", weights) == 0
    out = capfd.readouterr().out
    assert f"layers start from {weights}" in out and "; new:" not in out
    assert train(data, tmp_path / "c", 2, "--weights", weights) == 0
    assert "going on from" in capfd.readouterr().out
    other = tmp_path / "b" / "snapshot_iter_1.caffemodel"
    assert train(data, tmp_path / "d", 1, "--weights", f"{weights},{other}", "--quiet") == 0


def test_a_variant_and_the_box_anchor_are_bound(data, tmp_path, fails):
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    for kind in ("train", "solver"):
        shutil.copy(nets / f"{kind}.prototxt", nets / f"{kind}_slow.prototxt")
    assert train(data, tmp_path / "r", 1, "--variant", "slow", "--anchor", "box", nets=nets) == 0
    bound = read_net(NetFiles.of_folder(tmp_path / "r").train)
    assert {layer.dcme_data_param.anchor for layer in bound.layer if not layer.bottom} == {1}
    line = fails("train", nets, data, tmp_path / "r", "--anchor", "box")
    assert "another training (variant: slow; now none)" in line


def test_the_newest_snapshot_is_that_of_most_iterations(tmp_path):
    assert newest_state(tmp_path) is None
    for name in ("9.solverstate", "20.solverstate", "x.solverstate", "30.solverstate.tmp"):
        (tmp_path / f"snapshot_iter_{name}").touch()
    assert newest_state(tmp_path) == (tmp_path / "snapshot_iter_20.solverstate", 20)
    (tmp_path / "snapshot_iter_100.solverstate.h5").touch()
    assert newest_state(tmp_path) == (tmp_path / "snapshot_iter_100.solverstate.h5", 100)


def test_off_a_terminal_every_tenth_part_is_told(capsys):
    for quiet in (False, True):
        progress, log = TrainingProgress(100, start=20, quiet=quiet), TrainLog()
        for iteration in range(20, 100, 5):
            log.loss.add(iteration, iteration)
            progress(log, iteration - 20.0)
    first, *between, last = capsys.readouterr().out.splitlines()
    assert len(between) == 5
    assert first == "  iteration 30/100  loss 30  70 s left"
    assert last == "  iteration 90/100  loss 90  10 s left"


def test_progress_is_told_once_for_each_tenth_part(monkeypatch, capsys):
    monkeypatch.setattr("os.isatty", lambda _: False)
    progress, log = TrainingProgress(1000, start=299), TrainLog()
    for iteration in (299, 300, 399, 400, 450, 1000):
        log.loss.add(iteration, 1)
        progress(log, 10.0)
    told = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert told == ["300/1000", "400/1000", "1000/1000"]


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ([f"l{i}" for i in range(10)], "10 of 10 layers start from W"),
        ([f"l{i}" for i in range(8)], "8 of 10 layers start from W; new: l8, l9"),
        (["l0", "l1"], "2 of 10 layers start from W; new: l2, l3, l4, l5, l6, l7, l8, l9"),
        (["l9"], "1 of 10 layers start from W; new: l0, l1, l2, l3, l4, l5, l6, l7 and 1 more"),
    ],
)
def test_the_layers_that_start_anew_are_named(tmp_path, stored, told):
    from caffe.proto import caffe_pb2

    net, weights = caffe_pb2.NetParameter(), caffe_pb2.NetParameter()
    for i in range(10):
        net.layer.add(name=f"l{i}", type=("Convolution", "InnerProduct")[i % 2])
    net.layer.add(name="relu", type="ReLU")
    for name in stored:
        weights.layer.add(name=name).blobs.add(data=[1.0])
    path = tmp_path / "w.caffemodel"
    path.write_bytes(weights.SerializeToString())
    assert check_weights(net, path) == told.replace("W", str(path))


def play_training(monkeypatch, out, *names, log=""):
    """Training that leaves these files, and runs no command."""

    def train(bound, log_path, progress, words, append):
        train.words = list(words)
        for name in names:
            (out / name).touch()
        if log:
            log_path.write_text(log)
        return TrainLog(), 1.0

    monkeypatch.setattr("dcme.training.job.train", train)
    return train


def test_what_a_training_leaves_behind_is_looked_at(data, tmp_path, monkeypatch, fails):
    job = TrainingJob(NETS, data, tmp_path / "r", iterations=10)
    play_training(monkeypatch, tmp_path / "r")
    with pytest.raises(UserError, match=r"r: training left no snapshot; see .*train\.log"):
        run_job(job, quiet=True)
    play_training(monkeypatch, tmp_path / "r", "snapshot_iter_10.solverstate")
    with pytest.raises(UserError, match=r"snapshot_iter_10\.caffemodel: training left no such"):
        run_job(job, quiet=True)
    state, weights = "snapshot_iter_10.solverstate.h5", "snapshot_iter_10.caffemodel.h5"
    job = TrainingJob(NETS, data, tmp_path / "s", iterations=20, gpu="0,1")
    interrupted = play_training(monkeypatch, tmp_path / "s", state, weights)
    with pytest.raises(KeyboardInterrupt):  # somebody stopped caffe, and it left a snapshot
        run_job(job, quiet=True)
    assert interrupted.words == ["--gpu=0,1"]
    names = [name.replace("10", "20") for name in (state, weights)]
    whole = play_training(monkeypatch, tmp_path / "s", *names)
    trained = run_job(job, quiet=True)
    assert whole.words == [f"--snapshot={tmp_path / 's' / state}", "--gpu=0,1"]
    assert trained.weights == tmp_path / "s" / names[1]
    assert (trained.iterations, trained.loss, trained.seconds) == (20, None, 1.0)
    assert str(trained) == f"{trained.weights}: 20 iterations"


def test_what_is_left_is_told_once_it_is_known_and_as_people_say_it(monkeypatch, capsys):
    monkeypatch.setattr("os.isatty", lambda _: True)
    progress, log = TrainingProgress(1000), TrainLog()
    for iteration, seconds in ((0, 2), (100, 6000), (900, 630), (990, 99), (1000, 100)):
        log.loss.add(iteration, 3)
        progress(log, seconds)
    shown = [line.strip() for line in capsys.readouterr().out.split("\r")[1:]]
    left = [line.partition("loss 3")[2].strip() for line in shown]
    assert left == ["", "15 h 0 min left", "70 s left", "1 s left", ""]
    assert duration(172_800) == "48 h 0 min" and duration(130 * 60) == "2 h 10 min"
    assert duration(100) == "2 min" and duration(3599) == "1 h 0 min"
    assert duration(89) == "89 s" and duration(90) == "2 min"


def test_a_solver_with_nothing_to_do_makes_no_progress(capsys):
    progress, log = TrainingProgress(0), TrainLog()
    log.loss.add(0, 3)
    progress(log, 1)
    assert capsys.readouterr().out == ""  # of no tenth part of the training


FAR = 1_000_000
"""Iterations that take hours: whatever ends before has been stopped."""


@contextmanager
def begun_training(data, out):
    """The process of a command that has begun to train."""
    words = [sys.executable, "-m", "dcme", "train", NETS, data, out, "--iterations", FAR]
    log = out / "train.log"
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True) as process:
        try:
            while not (log.is_file() and "Iteration 0" in log.read_text()):
                assert process.poll() is None
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def children(process):
    return list(
        map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    )


def is_running(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_stops_it_leaves_a_snapshot(data, tmp_path, number):
    """Ctrl-C; a scheduler, which signals to all processes; a terminal that closes."""
    with begun_training(data, tmp_path / "r") as process:
        if number == signal.SIGTERM:
            for child in children(process):
                os.kill(child, number)
        os.kill(process.pid, number)
        out, _ = process.communicate()
    assert process.returncode == 130 and "the same command goes on from" in out
    assert newest_state(tmp_path / "r")[1] < FAR


@pytest.mark.skipif(sys.platform != "linux", reason="the signal at a parent's death is Linux's")
def test_the_training_stops_with_a_snapshot_where_the_command_is_killed(data, tmp_path):
    with begun_training(data, tmp_path / "r") as process:
        (training,) = children(process)
        process.kill()
        while is_running(training):
            time.sleep(0.05)
    assert newest_state(tmp_path / "r")[1] < FAR


def test_signals_that_are_ignored_stay_so():
    """``nohup`` is meant."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals_as_ctrl_c():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_mistakes_are_found_before_anything_runs(data, tmp_path, fails):
    out = tmp_path / "r"
    assert "no such folder" in fails("train", NETS, tmp_path / "none", out)
    assert "train_x.prototxt: no such file" in fails("train", NETS, data, out, "--variant", "x")
    (tmp_path / "w").write_bytes(b"no weights")
    assert "holds no weights" in fails("train", NETS, data, out, "--weights", tmp_path / "w")
    line = fails("train", NETS, data, out, "--balanced")
    assert "train_balanced.txt: no such list" in line
    assert "where the data set is" in fails("train", NETS, data, data)
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    next((copy / "images" / "train").glob("*.png")).unlink()
    assert "there is no such image" in fails("train", NETS, copy, tmp_path / "q")


def test_weights_of_another_net_are_refused(data, tmp_path, fails):
    from caffe.proto import caffe_pb2

    other = caffe_pb2.NetParameter()
    other.layer.add(name="fc8").blobs.add(data=[1.0])
    (tmp_path / "w").write_bytes(other.SerializeToString())
    line = fails("train", NETS, data, tmp_path / "r", "--weights", tmp_path / "w")
    assert "has weights for none of the net's layers; it holds fc8" in line
    deploy = NETS / "deploy.prototxt"
    line = fails("predict", deploy, tmp_path / "w", data / "val.txt", tmp_path / "results")
    told = re.search(r"w: has no weights for (\d+) of the (\d+) layers of .*deploy", line)
    assert told[1] == told[2] and "conv1_1" in line and "of another net?" in line


def test_a_deploy_net_with_a_layer_that_nobody_trained_is_refused(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    weights = tmp_path / "r" / "snapshot_iter_1.caffemodel"
    deploy = tmp_path / "r" / "deploy.prototxt"
    words = ("predict", deploy, weights, data / "val.txt", tmp_path / "results")
    deploy.write_text(deploy.read_text().replace('"conv1_1"', '"conv_other"'))
    assert "has no weights for 1 of the" in (line := fails(*words)) and "(conv_other)" in line


def test_weights_of_another_shape_name_file_and_layer(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    weights = tmp_path / "r" / "snapshot_iter_1.caffemodel"
    deploy = tmp_path / "r" / "deploy.prototxt"
    text = deploy.read_text()
    deploy.write_text(re.sub(r"num_output: \d+", "num_output: 5", text, count=1))
    line = fails("predict", deploy, weights, data / "val.txt", tmp_path / "results")
    assert f"{weights}: parameter 0 of layer 'conv1_1' has shape 5 " in line
    assert "weights of another net" in line and "Check failed" not in line


def test_a_folder_with_another_training_is_left_alone(data, tmp_path, fails):
    assert train(data, tmp_path / "r", 1, "--quiet") == 0
    weights = tmp_path / "r" / "snapshot_iter_1.caffemodel"
    shutil.copy(data / "train.txt", data / "train_balanced.txt")
    for words, told in (
        (("--anchor", "box"), "anchor: mass; now box"),
        (("--weights", weights), f"weights: none; now {weights.resolve()}"),
        (("--balanced",), "list: train.txt; now train_balanced.txt"),
        (("--classes", "24:person"), "classes: those of the nets; now 24:person"),
    ):
        line = fails("train", NETS, data, tmp_path / "r", *words, "--quiet")
        assert f"holds snapshots of another training ({told})" in line
    (data / "train_balanced.txt").unlink()


def test_a_training_that_never_began_may_be_another_one(data, tmp_path, fails):
    fails("train", NETS, data, tmp_path / "r", "--balanced", "--anchor", "box")
    assert train(data, tmp_path / "r", 1, "--quiet") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "train.txt: the list is empty"),
        ("a.png\n", "train.txt:1: a line is 'image class'"),
        ("a.png x\n", "train.txt:1: a line is 'image class'"),
        ("\na.png -1\n", "train.txt:1: a line is 'image class'"),
        ("a.png 3\n", "a.png: there is no such image"),
    ],
)
def test_lists_of_a_classifier_are_checked(tmp_path, fails, text, message):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.txt").write_text(text)
    nets = NETS.with_name("dcme2017_googlenet")
    assert message in fails("train", nets, tmp_path / "data", tmp_path / "r", "--quiet")


def test_a_list_for_testing_is_needed_only_where_the_solver_tests(data, tmp_path, fails):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    (copy / "val.txt").unlink()
    assert train(copy, tmp_path / "r", 1, "--quiet") == 0
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    with open(nets / "solver.prototxt", "a") as solver:
        solver.write("test_iter: 1\ntest_interval: 1\n")
    assert "val.txt: no such list" in fails("train", nets, copy, tmp_path / "s")
