"""The demo with next to no training: every stage runs and the page and the metrics are there."""

import argparse
import json
from pathlib import Path

from dcme.cli import main
from dcme.cli.demo import add_arguments
from dcme.demo import DemoSettings

NETS = Path(__file__).parents[3] / "prototxt" / "small"


def test_all_stages_run_and_the_last_line_names_page_and_metrics(tmp_path, capfd):
    words = ["demo", str(tmp_path), "--nets", str(NETS), "--train", "4", "--val", "2"]
    assert main([*words, "--iterations", "3"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert "index.html" in out[-1] and "metrics.json" in out[-1]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["iterations"] == 3 and metrics["val_scenes"] == 2
    for key in ("ap50_class_agnostic", "ap50_untrained", "ap_mean", "ap50_mean", "train_seconds"):
        assert metrics[key] is not None and metrics[key] >= 0
    page = (tmp_path / "index.html").read_text()
    assert page.count("<img ") == 2 * 5
    weights = "net/snapshot_iter_3.caffemodel"
    assert weights in page and (tmp_path / weights).is_file()
    assert f"<pre>cd {tmp_path}\ndcme synth " in page, "the commands work from anywhere"
    assert "car" in metrics["per_class"]


def test_the_settings_are_those_of_the_command_by_default():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given, settings = parser.parse_args([]), DemoSettings()
    assert (given.train, given.val, given.seed) == (400, 40, 7)
    assert (settings.train_scenes, settings.val_scenes, settings.seed) == (400, 40, 7)
    assert Path(given.nets) == settings.nets


def test_nets_of_other_classes_are_refused_before_any_work(tmp_path, fails):
    line = fails("demo", tmp_path / "out", "--nets", NETS.with_name("nuclei"))
    assert "is for the classes 1:" in line and "prototxt/small" in line
    assert not (tmp_path / "out").exists()


def test_missing_nets_are_named_before_any_work(tmp_path, fails):
    assert "train.prototxt: no such file" in fails("demo", tmp_path / "out", "--nets", tmp_path)
    assert not (tmp_path / "out").exists()
