"""What `caffe time` and `--trace` tell about the layers of a net."""

import json
import re

from support import command

NET = """name: "small"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "target" type: "DummyData" top: "t" dummy_data_param { shape { dim: 2 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "t" top: "loss" }
"""
SOLVER = """net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 3 solver_mode: CPU
snapshot_after_train: false
"""


def events(path):
    return json.loads(path.read_text())["traceEvents"]


def test_a_table_shows_rates_and_reorders_of_every_layer(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    lines = command.output(tmp_path, "time", "--model=net.prototxt", "--iterations=2").splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert list(rows) == ["layer", "in", "target", "conv", "relu", "ip", "loss", "peak:"]
    assert rows["conv"].count("%") == 2
    assert rows["conv"].count("GFLOP/s") == 2
    assert "computed by the layer before" in rows["relu"]
    assert "GFLOP/s" not in rows["relu"]
    assert "GFLOP/s, a matrix product in FP32" in rows["peak:"]


def shares_and_last_line(tmp_path, net):
    """The largest share of a peak in the table, 0 where there is none, and the line below it."""
    (tmp_path / "net.prototxt").write_text(net)
    lines = command.output(tmp_path, "time", "--model=net.prototxt", "--iterations=5").splitlines()
    shares = [int(share) for line in lines[:-1] for share in re.findall(r"(\d+) %", line)]
    return max(shares, default=0), lines[-1]


def test_shares_above_the_peak_are_explained_where_there_are_any(tmp_path):
    large = NET.replace("num_output: 16", "num_output: 64")
    large = large.replace("dim: 2 dim: 3 dim: 8 dim: 8", "dim: 2 dim: 64 dim: 64 dim: 64")
    for net in (NET, large):  # by Winograd's algorithm, where nothing else keeps the machine busy
        share, last = shares_and_last_line(tmp_path, net)
        assert ("above 100 %: Winograd" in last) == (share > 100)
    without_rates = NET[: NET.index('layer { name: "conv"')]
    share, last = shares_and_last_line(tmp_path, without_rates)
    assert share == 0 and "above" not in last


def test_layers_are_measured_by_products_in_their_own_precision(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        NET.replace('type: "InnerProduct"', 'type: "InnerProduct" precision: FP32')
    )
    words = ["--model=net.prototxt", "--iterations=2", "--precision=BF16"]
    peak = command.output(tmp_path, "time", *words).splitlines()[-1]
    assert "a matrix product in FP32" in peak
    assert "a matrix product in BF16" in peak
    assert "GB/s, a copy of large memory" in peak


def test_a_trace_of_time_has_every_layer_of_every_pass(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    command.run(tmp_path, "time", "--model=net.prototxt", "--iterations=2", "--trace=trace.json")
    found = [(event["name"], event["cat"]) for event in events(tmp_path / "trace.json")]
    assert found.count(("conv", "net forward")) == 2
    assert found.count(("conv", "net backward")) == 2
    assert found.count(("in", "net backward")) == 0


def test_a_trace_of_training_has_layers_inside_of_iterations(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    command.run(tmp_path, "train", "--solver=solver.prototxt", "--trace=trace.json")
    found = events(tmp_path / "trace.json")
    steps = [event for event in found if event["name"] == "gradients"]
    assert [event["args"]["iteration"] for event in steps] == [0, 1, 2]
    losses = [event for event in found if event["name"] == "loss" and "back" in event["cat"]]
    for step, loss in zip(steps, losses):
        assert step["ts"] <= loss["ts"]
        assert loss["ts"] + loss["dur"] <= step["ts"] + step["dur"]


def test_an_unknown_precision_is_refused(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    assert "use FP32, TF32, BF16 or FP16" in command.fail(
        tmp_path, "time", "--model=net.prototxt", "--precision=FP8"
    )
