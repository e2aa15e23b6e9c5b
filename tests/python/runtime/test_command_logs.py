"""What `caffe` prints agrees with the logs of Caffe 1.0, but for times."""

import re
import shutil

import pytest
from oracles import command
from oracles.goldens import GOLDEN

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
