"""Binding nets to a data set and running ``caffe train``; a stand-in plays the command."""

import io
import os
import shlex
import signal
import sys
from pathlib import Path

import pytest
from dcme.errors import UserError
from dcme.prediction.network import Preprocessing
from dcme.training import caffe_train
from dcme.training.caffe_train import (
    NetFiles,
    _command,
    bind_to_data,
    final_weights,
    max_iterations,
    nets_path,
    read_net,
    train,
)

TRAIN = """
layer { name: "data" type: "DCMEData" top: "data" top: "vectors" include { phase: TRAIN }
  transform_param { scale: 0.5 mean_value: 1 mean_value: 2 mean_value: 3 }
  dcme_data_param { source: "elsewhere.txt" batch_size: 4 } }
layer { name: "data" type: "DCMEData" top: "data" top: "vectors" include { phase: TEST }
  dcme_data_param { source: "elsewhere.txt" batch_size: 1 } }
"""
SOLVER = 'net: "x" max_iter: 100 lr_policy: "multistep" stepvalue: 60 stepvalue: 80 base_lr: 1'


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "nets"
    folder.mkdir()
    for name, text in (("train", TRAIN), ("deploy", ""), ("solver", SOLVER)):
        (folder / f"{name}.prototxt").write_text(text)
    return NetFiles.of_folder(folder)


def test_each_phase_reads_its_list_and_steps_move_with_the_iterations(files, tmp_path):
    bound = bind_to_data(files, tmp_path / "data", tmp_path / "net", max_iter=50)
    lists = [layer.dcme_data_param.source for layer in read_net(bound.train).layer]
    assert lists == [str(tmp_path / "data" / name) for name in ("train.txt", "val.txt")]
    assert max_iterations(bound) == 50
    text = bound.solver.read_text()
    assert "stepvalue: 30" in text and "stepvalue: 40" in text
    assert str(bound.train) in text


@pytest.mark.parametrize("given, iterations, expected", [(20, 50, 20), (20, 10, 10), (0, 50, 50)])
def test_snapshots_come_as_often_as_the_solver_says(files, tmp_path, given, iterations, expected):
    files.solver.write_text(f"{SOLVER} snapshot: {given}")
    bound = bind_to_data(files, tmp_path / "data", tmp_path / "net", max_iter=iterations)
    assert f"snapshot: {expected}\n" in bound.solver.read_text()


def test_of_a_short_run_no_step_comes_before_its_first_iteration(files, tmp_path):
    steps = 'net: "x" max_iter: 100 base_lr: 2 stepvalue: 20 stepsize: 20'
    files.solver.write_text(steps)
    text = bind_to_data(files, tmp_path / "data", tmp_path / "net", max_iter=1).solver.read_text()
    assert "stepvalue: 1\n" in text and "stepsize: 1\n" in text
    text = bind_to_data(files, tmp_path / "data", tmp_path / "net", max_iter=50).solver.read_text()
    assert "stepvalue: 10\n" in text and "stepsize: 10\n" in text and "base_lr: 2" in text


def test_without_learning_the_rate_is_zero(files, tmp_path):
    bound = bind_to_data(files, tmp_path / "data", tmp_path / "net", learn=False)
    assert "base_lr: 0" in bound.solver.read_text()


def test_preprocessing_is_that_of_the_training_net(files):
    assert Preprocessing.of_training_net(files.train) == Preprocessing(0.5, (1.0, 2.0, 3.0))


def test_a_missing_or_malformed_prototxt_names_itself(files):
    files.train.write_text("layer { nme: 1 }")
    with pytest.raises(UserError, match=r"train\.prototxt:1:\d+: .* \"nme\" \(did you mean"):
        read_net(files.train)
    files.deploy.unlink()
    with pytest.raises(UserError, match=r"deploy\.prototxt: no such file"):
        NetFiles.of_folder(files.deploy.parent)


def test_the_nets_of_the_package_are_there_outside_the_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repository = Path(__file__).parents[3] / "prototxt"
    for folder in (path.parent for path in repository.glob("*/solver.prototxt")):
        shipped = NetFiles.of_folder(Path("prototxt") / folder.name)
        assert shipped.deploy.read_bytes() == (folder / "deploy.prototxt").read_bytes()
    assert nets_path("prototxt/dcme2017_fcn8s/start.caffemodel").is_file()
    (tmp_path / "prototxt" / "small").mkdir(parents=True)
    assert nets_path("prototxt/small") == Path("prototxt/small")  # what is there comes first
    with pytest.raises(UserError, match=r"^prototxt/none/train\.prototxt: no such file"):
        NetFiles.of_folder("prototxt/none")


def play_caffe(tmp_path, monkeypatch, script):
    command = tmp_path / "bin" / "caffe"
    command.parent.mkdir()
    program = command.with_suffix(".py")
    program.write_text(script)
    # The shell's line, for a path in that of `#!` may hold no blank.
    words = shlex.join([sys.executable, str(program)])
    command.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setattr("dcme.training.caffe_train._command", lambda: str(command))


WAITING = """
import pathlib, signal, time
def stop(*_):
    pathlib.Path({!r}).touch()
    raise SystemExit
signal.signal(signal.SIGINT, stop)
print("Iteration 0 (1 iter/s), loss = 9", flush=True)
time.sleep(60)
"""
"""A training that waits for SIGINT."""


def test_losses_are_reported_while_training_runs(files, tmp_path, monkeypatch):
    lines = "".join(f"print('Iteration {i} (1 iter/s), loss = {9 - i}')\n" for i in range(3))
    play_caffe(tmp_path, monkeypatch, lines)
    seen = []
    log, _ = train(files, tmp_path / "train.log", lambda log, _: seen.append(log.loss.values[-1]))
    assert seen == log.loss.values == [9, 8, 7]
    assert (tmp_path / "train.log").read_text().count("\n") == 3
    with pytest.raises(UserError, match="no such weights"):
        final_weights(files)


def nobody_listens(log, _):
    raise BrokenPipeError


@pytest.mark.parametrize(
    ("log", "report"),
    [("/dev/full", lambda *_: None), ("train.log", nobody_listens)],
    ids=["a full disk", "a closed pipe"],
)
def test_where_nobody_can_follow_it_training_stops(files, tmp_path, monkeypatch, log, report):
    play_caffe(tmp_path, monkeypatch, WAITING.format(str(tmp_path / "stopped")))
    with pytest.raises(OSError):
        train(files, tmp_path / log, report)
    assert (tmp_path / "stopped").exists()


def test_the_command_beside_this_python_comes_before_that_on_the_path(tmp_path, monkeypatch):
    for folder in ("env", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "caffe").touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "env" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    assert _command() == str(tmp_path / "env" / "caffe")
    (tmp_path / "env" / "caffe").unlink()
    assert _command() == str(tmp_path / "other" / "caffe")
    (tmp_path / "other" / "caffe").unlink()
    with pytest.raises(UserError, match="'caffe' is not on the PATH"):
        _command()


def test_a_failing_command_gives_its_last_line(files, tmp_path, monkeypatch):
    play_caffe(tmp_path, monkeypatch, "print('unknown layer type Foo')\nraise SystemExit(1)")
    with pytest.raises(UserError, match=r"exit code 1.*unknown layer type Foo"):
        train(files, tmp_path / "train.log", lambda *_: None)


@pytest.mark.parametrize(
    ("number", "told"),
    [(signal.SIGKILL, "was killed.*memory"), (signal.SIGSEGV, r"signal 11 \(Seg.*\): its last")],
)
def test_a_command_that_a_signal_ended_is_told_with_it(files, tmp_path, monkeypatch, number, told):
    dying = f"import os\nprint('its last', flush=True)\nos.kill(os.getpid(), {int(number)})"
    play_caffe(tmp_path, monkeypatch, dying)
    with pytest.raises(UserError, match=told):
        train(files, tmp_path / "train.log", lambda *_: None)


class _InterruptedLog(io.TextIOWrapper):
    """Before it writes a certain line, Ctrl-C is pressed."""

    def write(self, text):
        if text == "line 50\n":
            os.kill(os.getpid(), signal.SIGINT)
        return super().write(text)


def test_ctrl_c_loses_no_line_of_the_log(files, tmp_path, monkeypatch):
    lines = "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\n"
    lines += "for i in range(100): print('line', i)"
    play_caffe(tmp_path, monkeypatch, lines)
    log = tmp_path / "train.log"
    opened = _InterruptedLog(log.open("wb"), write_through=True)
    monkeypatch.setattr(caffe_train, "open", lambda *_, **__: opened, raising=False)
    with pytest.raises(KeyboardInterrupt):
        train(files, log, lambda *_: None)
    assert log.read_text() == "".join(f"line {i}\n" for i in range(100))
