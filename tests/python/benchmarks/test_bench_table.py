"""The table of ./run bench: ratios, verdicts, and the file that figures are kept in."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.engines import job_of
from bench.layer_engines import caffe_layer_step
from bench.nets import NETS
from bench.report import Row, at_most, faster, merge, no_more_than, read, show

ROOT = Path(__file__).parents[3]


def row(name="a", ours=2.0, theirs=10.0, unit="ms", targets=()):
    return Row(name, f"what {name}", ours, unit, "peer", theirs, list(targets))


def test_a_share_is_ours_over_the_peers():
    assert row().share == pytest.approx(0.2)
    assert row().speed_up == pytest.approx(5)


def test_a_higher_rate_is_a_smaller_share():
    rate = row(ours=30, theirs=10, unit="img/s")
    assert rate.speed_up == pytest.approx(3)
    assert rate.share == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (at_most(2), True),
        (at_most(1.9), False),
        (no_more_than(0.2), True),
        (no_more_than(0.19), False),
        (faster(5), True),
        (faster(5.1), False),
    ],
)
def test_targets(target, met):
    assert row(targets=[target]).met is met


def test_one_missed_target_is_a_missed_row():
    assert not row(targets=[at_most(5), faster(50)]).met


def test_rows_measured_again_replace_the_old_ones(tmp_path):
    path = tmp_path / "figures.json"
    merge(path, [row("a", targets=[faster(7)]), row("b", theirs=float("nan"))])
    merged = merge(path, [row("a", ours=1.0, targets=[faster(7)])])
    assert [(r.name, r.ours) for r in merged] == [("a", 1.0), ("b", 2.0)]
    assert [(r.name, r.ours, r.met) for r in read(path)] == [("a", 1.0, True), ("b", 2.0, True)]
    entries = json.loads(path.read_text())["rows"]
    assert entries[0]["share"] == pytest.approx(0.1)
    assert entries[1]["theirs"] is None


def test_a_reader_that_ends_early_is_no_error_to_tell():
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "bench", "--list"]
    done = subprocess.run(words, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text("[1, 2]")
    with pytest.raises(SystemExit, match=r"other\.json"):
        read(path)


def test_the_table_shows_targets_and_verdicts():
    out = io.StringIO()
    show([row(targets=[no_more_than(0.1)]), row("b", theirs=float("nan"))], out)
    head, _, first, second = out.getvalue().splitlines()
    assert "must reach" in head
    assert "<= 0.1 x peer" in first and "missed" in first
    assert "missed" not in second


@pytest.mark.parametrize("train", [True, False])
def test_the_nets_are_vgg_those_of_the_repository_and_resnet(train):
    for name, net in NETS.items():
        layers = {layer.name for layer in net.proto(train).layer}
        ends = {"conv1", "conv5_2_2c"} if name == "resnet" else {"conv1_1", "conv5_3"}
        assert ends <= layers
        assert set(net.inputs(train)) <= layers
        assert any(layer.endswith("_gt") for layer in layers) is train


@pytest.mark.parametrize("words", ["average train", "lstm infer"])
def test_single_layers_run_on_our_side(monkeypatch, words):
    monkeypatch.setenv("GLOG_minloglevel", "2")  # or the engine sets it, for all tests that follow
    caffe_layer_step(job_of(["caffe-layer", *words.split()]))()


def test_unknown_rows_are_named():
    with pytest.raises(SystemExit, match="no row starts with 'nothing'"):
        main(["nothing"])


def test_rows_are_listed_by_the_start_of_their_names(capsys):
    main(["vgg-train-fp32", "encode", "--list"])
    listed = capsys.readouterr().out.split()
    assert listed == [
        "vgg-train-fp32-2",
        "vgg-train-fp32-1",
        "vgg-train-fp32-memory",
        "encode",
    ]
