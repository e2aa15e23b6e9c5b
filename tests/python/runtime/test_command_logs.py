"""What `caffe` prints agrees with the logs of Caffe 1.0, but for times."""

import re
import shutil

import pytest
from support import command
from support.goldens import GOLDEN

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")
TIMES = [
    (re.compile(r"\(.* iter/s, .*s/(\d+) iters\)"), r"(iter/s, \1 iters)"),
    (re.compile(r"[\d.e+-]+ ms\."), "ms."),
]
COMMANDS = {
    "train": ["train", "--solver=solver.prototxt", "--weights=init.caffemodel"],
    "resume": ["train", "--solver=solver.prototxt", "--snapshot=snap_iter_10.solverstate"],
    "test": [
        *("test", "--model=net.prototxt", "--weights=snap_iter_20.caffemodel"),
        "--iterations=4",
    ],
    "time": ["time", "--model=net.prototxt", "--iterations=3"],
}


def without_times(line):
    for pattern, replacement in TIMES:
        line = pattern.sub(replacement, line)
    return line


def shape(line):
    """A line with every number blotted out."""
    return NUMBER.sub("#", line)


def numbers(line):
    return [float(number) for number in NUMBER.findall(line)]


@pytest.mark.parametrize("name", COMMANDS)
def test_progress_is_told_as_by_caffe(name, tmp_path):
    folder = tmp_path / "logs"
    shutil.copytree(GOLDEN / "logs", folder)
    golden = command.messages((folder / f"{name}.log").read_text())
    golden = [without_times(line) for line in golden]
    kept = {shape(line) for line in golden}
    lines = [without_times(line) for line in command.run(folder, *COMMANDS[name])]
    lines = [line for line in lines if shape(line) in kept]
    # "Initial loss" comes from weights drawn by a random generator of our own.
    assert [shape(line) for line in lines] == [shape(line) for line in golden]
    for line, expected in zip(lines, golden):
        if not line.startswith("Initial loss"):
            assert numbers(line) == pytest.approx(numbers(expected), rel=1e-4), line


def test_flags_take_one_dash_or_two_and_a_blank_or_an_equals_sign(tmp_path):
    folder = tmp_path / "logs"
    shutil.copytree(GOLDEN / "logs", folder)
    words = "-model net.prototxt --weights snap_iter_20.caffemodel -iterations=4".split()
    assert "Running for 4 iterations." in command.run(folder, "test", *words)


GROWING_LAYER = """\
import caffe

class Growing(caffe.Layer):
    rows = 0

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.rows += 1
        top[0].reshape(self.rows)
        top[0].data[...] = 10
"""
GROWING_NET = """\
layer { name: "a" type: "Python" top: "a" python_param { module: "growing" layer: "Growing" } }
layer { name: "b" type: "DummyData" top: "b" dummy_data_param {
  shape { dim: 1 } data_filler { value: 2 } } }
"""


def test_outputs_that_change_their_size_are_summed_by_themselves(tmp_path, monkeypatch):
    (tmp_path / "growing.py").write_text(GROWING_LAYER)
    (tmp_path / "net.prototxt").write_text(GROWING_NET)
    (tmp_path / "solver.prototxt").write_text(
        "net: 'net.prototxt' base_lr: 1 lr_policy: 'fixed' max_iter: 0 snapshot_prefix: 'snap'\n"
        "test_iter: 2 test_interval: 1"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = command.run(tmp_path, "train", "--solver=solver.prototxt")
    outputs = [line.split(": ")[1] for line in log if "Test net output" in line]
    assert outputs == ["a = 10", "a = 5", "b = 2"]
    weights = "--weights=snap_iter_0.caffemodel"
    log = command.run(tmp_path, "test", "--model=net.prototxt", weights, "--iterations=2")
    assert log[-3:] == ["a = 10", "a = 5", "b = 2"]
