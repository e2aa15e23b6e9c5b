"""The flags of `caffe` that users of Caffe 1.0 have in their scripts, however they are written."""

import signal
import subprocess

import pytest
from support import command

NET = """name: "staged"
layer { name: "x" type: "DummyData" top: "x" top: "t"
  dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "deep" type: "ReLU" bottom: "ip" top: "ip" include { min_level: 2 } }
layer { name: "extra" type: "TanH" bottom: "ip" top: "ip" include { stage: "extra" stage: "on" } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" }
"""
SOLVER = """net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 4 display: 1
snapshot_prefix: "snap" solver_mode: CPU
"""
ENDLESS = SOLVER.replace("max_iter: 4 display: 1", "max_iter: 100000000 display: 1000")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    (tmp_path / "endless.prototxt").write_text(ENDLESS)
    return tmp_path


@pytest.fixture
def weights(folder):
    command.run(folder, "train", "--solver=solver.prototxt")
    return "snap_iter_4.caffemodel"


@pytest.mark.parametrize(
    "words",
    [
        ["--solver=solver.prototxt"],
        ["-solver=solver.prototxt"],
        ["--solver", "solver.prototxt"],
        ["-solver", "solver.prototxt", "-logtostderr=1"],
        ["--nologtostderr", "--noalsologtostderr", "--solver=solver.prototxt"],
        ["--logtostderr", "--colorlogtostderr=false", "--solver=solver.prototxt"],
    ],
)
def test_flags_have_one_dash_or_two_and_an_equals_sign_or_a_space(folder, words):
    assert "Optimization Done." in command.run(folder, "train", *words)


def test_flags_may_come_before_the_command(folder):
    words = ["--solver", "solver.prototxt", "-logtostderr=1", "-v=1", "train", "-gpu="]
    assert "Optimization Done." in command.run(folder, *words)
    line = command.fail(folder, "--solver", "solver.prototxt", "trian")
    assert "unknown command trian (did you mean train?)" in line
    assert "no command for --solver;" in command.fail(folder, "--solver=solver.prototxt")


def test_empty_values_are_those_of_flags_that_are_left_out(folder):
    empty = ["--gpu=", "--stage=", "--weights="]
    log = command.run(folder, "train", *empty, "--solver=solver.prototxt", "--snapshot=")
    assert "Optimization Done." in log
    assert "caffe: --solver is required;" in command.fail(folder, "train", "--solver=")


def test_flags_of_google_glog_are_those_that_programs_take(folder):
    words = ["time", "--model=net.prototxt", "--iterations=1"]
    for flags in (["--nolog_prefix", "--max_log_size=1"], ["-log_prefix=false", "-log_link", "x"]):
        done = subprocess.run(
            command.call(*flags, *words), cwd=folder, capture_output=True, text=True
        )
        assert done.stderr.count("\n*** Benchmark begins ***\n") == 1, done.stderr
    says = "Loaded plug-in "  # on level 1
    assert not any(says in line for line in command.run(folder, *words, "--v=0"))
    assert any(says in line for line in command.run(folder, *words, "--v=1"))
    line = command.fail(folder, *words, "--v=much")
    assert "the flag --v needs a number, not 'much'" in line


@pytest.mark.parametrize("number", ["0", "-3", "some"])
def test_the_number_of_iterations_is_above_0(folder, number):
    line = command.fail(folder, "time", "--model=net.prototxt", f"--iterations={number}")
    assert f"--iterations: Value {number} not in range" in line


def layers_made(log):
    made = [line.removeprefix("Creating Layer ") for line in log if "Creating Layer " in line]
    return [name for name in made if name in ("deep", "extra")]


@pytest.mark.parametrize(
    ("flags", "layers"),
    [
        ([], []),
        (["--level=2"], ["deep"]),
        (["--stage=on"], []),
        (["--stage=on,extra"], ["extra"]),
        (["-stage", "extra,on", "-level", "3"], ["deep", "extra"]),
    ],
)
def test_level_and_stages_choose_layers_in_every_command(folder, weights, flags, layers):
    model = "--model=net.prototxt"
    once = ["--iterations=1", *flags]
    assert layers_made(command.run(folder, "train", "--solver=solver.prototxt", *flags)) == layers
    test = command.run(folder, "test", model, f"--weights={weights}", *once)
    assert layers_made(test) == layers
    assert layers_made(command.run(folder, "time", model, *once)) == layers


def test_weights_are_taken_from_several_files_by_layer_name(folder, weights):
    (folder / "net.prototxt").write_text(NET.replace('"ip"', '"other"'))
    log = command.run(folder, "train", "--solver=solver.prototxt", f"--weights={weights}")
    assert "Ignoring source layer ip" in log
    assert any("weights of another net" in line for line in log)
    other = (folder / weights).rename(folder / "other.caffemodel").name
    (folder / "net.prototxt").write_text(NET)
    command.run(folder, "train", "--solver=solver.prototxt")
    for words in (
        ["train", "--solver=solver.prototxt"],
        ["test", "--model=net.prototxt", "--iterations=1"],
    ):
        log = command.run(folder, *words, f"--weights={other},{weights}")
        assert "Ignoring source layer other" in log
        assert "Ignoring source layer ip" not in log


def wait_for(process, text):
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the log ended without {text!r}")


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
@pytest.mark.parametrize("effect", ["stop", "snapshot", "none"])
def test_signals_stop_or_take_a_snapshot_or_do_nothing(folder, name, effect):
    other, end = ("SIGHUP", "sighup") if name == "SIGINT" else ("SIGINT", "sigint")
    flags = [f"--{name.lower()}_effect={effect}", f"-{end}_effect", "stop"]
    with command.start(folder, "train", "--solver=endless.prototxt", *flags) as process:
        wait_for(process, "Iteration 1000 ")
        process.send_signal(getattr(signal, name))
        if effect == "snapshot":
            wait_for(process, "Snapshotting solver state")
        if effect != "stop":
            wait_for(process, "lr = ")
            wait_for(process, "lr = ")
            process.send_signal(getattr(signal, other))
        wait_for(process, "Optimization stopped early.")
        process.stderr.read()
    assert process.returncode == 0
    assert len(list(folder.glob("*.solverstate"))) == (2 if effect == "snapshot" else 1)


@pytest.mark.parametrize("flag", ["--sigint_effect", "--sighup_effect"])
def test_other_effects_of_signals_are_refused(folder, flag):
    line = command.fail(folder, "train", "--solver=solver.prototxt", f"{flag}=halt")
    assert f"{flag}=halt: use stop, snapshot or none" in line


@pytest.mark.parametrize("words", ["", "train", "test", "time", "check", "device_query"])
def test_help_fits_into_a_terminal(folder, words):
    told = command.output(folder, *words.split(), "--help")
    assert max(map(len, told.splitlines())) <= 80
    assert "\n  caffe " in told, "examples are indented"
    assert told.count("--plugin ") == told.count("\nLogging:\n  --minloglevel ") == 1
    assert "\n\n\n" not in told


def test_what_is_told_without_arguments_is_the_help(folder):
    done = subprocess.run(command.call(), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == command.output(folder, "--help")
