"""Bad input to `caffe` is answered by one line that says what is wrong, and status 1."""

import subprocess
from pathlib import Path

import pytest
from support import command

NET = """name: "small"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 4 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" top: "loss" }
"""
SOLVER = 'net: "net.prototxt"\nbase_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 2\nsolver_mode: CPU\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return tmp_path


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def train_fails(folder, *words):
    return command.fail(folder, "train", "--solver=solver.prototxt", *words)


def test_unknown_commands_and_flags_are_answered_with_near_names(folder):
    assert "unknown command tran (did you mean train?)" in command.fail(folder, "tran")
    line = command.fail(folder, "train", "--solvr=solver.prototxt")
    assert "unknown option --solvr (did you mean --solver?)" in line
    for wrong, meant in (("--plugn", "--plugin"), ("--minloglevl", "--minloglevel")):
        line = command.fail(folder, "train", f"{wrong}=1")
        assert f"unknown option {wrong} (did you mean {meant}?)" in line
    assert "unknown option --solver; see" in command.fail(folder, "train", "--", "--solver=x")


def test_a_name_is_offered_once(folder):
    assert "unknown command help (did you mean --help?)" in command.fail(folder, "help")


def test_a_log_option_without_its_value_is_named(folder):
    done = subprocess.run(command.call("-v"), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "error: the flag -v needs a value\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("words", [["check", "--model=net.prototxt"], ["train", "--help"]])
def test_output_that_cannot_be_written_is_an_error(folder, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command.call(*words), cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert "error: cannot write the output: No space left on device" in done.stderr


def test_without_arguments_the_commands_are_told(folder):
    with command.start(folder) as process:
        text = process.stderr.read()
    assert process.returncode == 1
    assert "device_query" in text


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["train", "--solver=none.prototxt"], "none.prototxt"),
        (["time", "--model=none.prototxt"], "none.prototxt"),
        (["test", "--model=net.prototxt", "--weights=none.caffemodel"], "none.caffemodel"),
        (["train", "--solver=solver.prototxt", "--snapshot=none.solverstate"], "none.solverstate"),
        (["time", "--model=net.prototxt", "--plugin=none.so"], "none.so"),
    ],
)
def test_missing_files_are_named(folder, words, missing):
    assert missing in command.fail(folder, *words)


def test_a_malformed_net_is_answered_with_file_and_line(folder):
    change(folder / "net.prototxt", "inner_product_param", "inner_produkt_param")
    line = train_fails(folder)
    assert "net.prototxt:4:" in line
    assert "inner_produkt_param" in line


@pytest.mark.parametrize("end", ["", "name:", "inner_product_param"])
def test_a_brace_that_is_not_closed_is_asked_about(folder, end):
    (folder / "net.prototxt").write_text(f'layer {{ type: "ReLU" {end}\n')
    line = command.fail(folder, "check", "--model=net.prototxt")
    assert "net.prototxt:2:1: the file ends too early; is a { not closed?\n" in line


def test_a_number_below_0_is_told_where_there_is_none(folder):
    change(folder / "net.prototxt", "num_output: ", "num_output: -")
    line = command.fail(folder, "check", "--model=net.prototxt")
    assert "Expected a number of at least 0, got a negative one" in line
    change(folder / "net.prototxt", "num_output: -", "bias_term: -")
    assert "identifier, got: -" in command.fail(folder, "check", "--model=net.prototxt")


def test_an_unknown_layer_type_is_answered_with_near_names(folder):
    change(folder / "net.prototxt", "InnerProduct", "InerProduct")
    line = train_fails(folder)
    assert "layer 'ip'" in line
    assert "did you mean InnerProduct?" in line


def test_weights_of_another_net_are_refused_with_both_shapes(folder):
    command.run(folder, "train", "--solver=solver.prototxt")
    model = next(folder.glob("*_iter_2.caffemodel"))
    change(folder / "net.prototxt", "num_output: 4", "num_output: 5")
    line = command.fail(folder, "test", "--model=net.prototxt", f"--weights={model.name}")
    assert "ip" in line
    assert "4 3 (12)" in line
    assert "5 3 (15)" in line


def test_a_snapshot_and_weights_exclude_each_other(folder):
    line = train_fails(folder, "--snapshot=a.solverstate", "--weights=b.caffemodel")
    assert "not both" in line


def test_a_plugin_that_is_no_library_is_named(folder):
    (folder / "text.so").write_text("no library")
    line = command.fail(folder, "time", "--model=net.prototxt", "--plugin=text.so")
    assert "plug-in text.so cannot be loaded" in line


def test_a_file_without_its_flag_is_answered_with_the_flag(folder):
    line = command.fail(folder, "check", "net.prototxt")
    assert "unknown argument net.prototxt (did you mean --model=net.prototxt?)" in line
    line = command.fail(folder, "train", "help")
    assert "unknown argument help (did you mean --help?); see" in line


def test_a_model_is_no_snapshot(folder):
    change(folder / "solver.prototxt", "max_iter: 2", "max_iter: 1")
    command.run(folder, "train", "--solver=solver.prototxt")
    (model,) = folder.glob("*.caffemodel")
    line = train_fails(folder, f"--snapshot={model.name}")
    assert f"{model.name}: holds no state of a solver" in line
    (state,) = folder.glob("*.solverstate")
    line = command.fail(folder, "train", f"--solver={state.name}")
    assert f"{state.name}: seems to be a solver's state (.solverstate)" in line
    line = command.fail(folder, "check", f"--model={model.name}")
    assert f"{model.name}: seems to be a model (.caffemodel)" in line


def test_a_table_counts_characters(folder):
    change(folder / "net.prototxt", 'name: "ip"', 'name: "rä"')
    table = command.output(folder, "check", "--model=net.prototxt").split("\n\n")[0]
    rows = [row.split() for row in table.splitlines()]
    assert [row[0] for row in rows] == ["layer", "in", "rä", "loss"]
    assert len({line.index(row[1]) for line, row in zip(table.splitlines(), rows)}) == 1


def test_shapes_and_values_that_do_not_fit_are_told_in_a_sentence(folder):
    nets = {
        "Pooling' pooling_param { kernel_size: 2 kernel_h: 2 kernel_w: 2 }": (
            "give either kernel_size or kernel_h and kernel_w"
        ),
        "Eltwise'": "Eltwise takes at least 2 bottom blob(s), and is given 1",
        "Softmax' softmax_param { axis: 4 }": "a blob of shape 2 3 (6) has 2 axes, and no axis 4",
        "Pooling' pooling_param { kernel_size: 2 }": (
            "2 axes: Pooling takes num x channels x height x width, not 2 3 (6)"
        ),
    }
    for layer, sentence in nets.items():
        (folder / "bad.prototxt").write_text(
            "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }"
            f"layer {{ name: 'a' bottom: 'x' top: 'a' type: '{layer} }}"
        )
        kind = layer.split("'")[0]
        line = command.fail(folder, "check", "--model=bad.prototxt")
        assert line == f"error: layer 'a' ({kind}; bottoms: x 2 3 (6)): {sentence}\n"


def test_a_field_of_a_fork_is_answered_with_how_such_layers_come_in(folder):
    (folder / "fork.prototxt").write_text("layer { name: 'p' type: 'Permute' permute_param { } }")
    line = command.fail(folder, "check", "--model=fork.prototxt")
    assert "fork.prototxt:1:" in line and "plug-in" in line and "python_param" in line
