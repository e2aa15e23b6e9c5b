"""`caffe check` builds a net without running it and lists its layers."""

from pathlib import Path

import pytest
from support import command

PROTOTXT = Path(__file__).parents[3] / "prototxt"
NET = """name: "small"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
"""


def table(folder, *words):
    return command.output(folder, "check", *words).splitlines()


def test_the_table_has_shapes_and_parameters(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    lines = table(tmp_path, "--model=net.prototxt")
    # 4 filters of 3 x 3 x 3 with a bias each.
    assert lines[2].split() == ["conv", "Convolution", *"2 x 4 x 6 x 6 112 0.00 0.0".split()]
    assert lines[3].startswith("relu")
    assert "3 layers, 112 parameters" in lines[-1]
    (tmp_path / "net.prototxt").write_text(NET.splitlines()[1])
    assert "the net: 1 layer, 0 parameters" in table(tmp_path, "--model=net.prototxt")[-1]


@pytest.mark.parametrize("name", sorted(file.parent.name for file in PROTOTXT.glob("*/deploy.*")))
def test_the_nets_of_this_repository_can_be_built(tmp_path, name):
    model = PROTOTXT / name / "deploy.prototxt"
    assert "GFLOP per forward pass" in table(tmp_path, f"--model={model}", "--phase=TEST")[-1]


def test_a_net_without_layers_is_told(tmp_path):
    (tmp_path / "net.prototxt").write_text("")
    line = command.fail(tmp_path, "check", "--model=net.prototxt")
    assert "net.prototxt: has no layers in this phase" in line
