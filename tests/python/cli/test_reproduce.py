"""Both papers' tables: what can be computed, from the data alone and on synthetic scenes."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from dcme.classes import CITYSCAPES
from dcme.cli import main
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import write_npz
from dcme.encoding import encode, reduce_ids
from dcme.errors import UserError
from dcme.files import read_ids, read_image, write_png
from dcme.pictures.plotting import class_colours
from dcme.reproduce import synthetic
from dcme.reproduce.context import Context, find_nets
from dcme.reproduce.experiments import EXPERIMENTS
from dcme.reproduce.figures import draw_figures
from dcme.reproduce.paper import paper_tables
from dcme.reproduce.runner import choose, reproduce, survey
from dcme.results.oracles import Ceiling, count_instances
from dcme.results.scoring import score_images
from dcme.training.job import Trained
from support.times import age, renewed

PROTOTXT = Path(__file__).parents[3] / "prototxt"
DATA_ONLY = (
    "isisa-2019/table1_right",
    "isisa-2019/table3",
    "dcme-2017/ground_truth_340x680_val_AP",
)


def test_every_number_of_the_papers_has_its_experiment():
    told = {"isisa-2019/gs", "isisa-2019/clip_amplitude_A"}  # settings, no results
    assert {e.key for e in EXPERIMENTS} == set(paper_tables()) - told


def test_the_papers_numbers_are_read_as_printed():
    tables = paper_tables()
    assert tables["isisa-2019/table1_right"].values["mean"] == {"AP": 59.2, "AP50": 97.8}
    assert tables["dcme-2017/table1"].values["DCME-FCN"]["AP50m"] == 8.61
    assert tables["isisa-2019/table3"].values["total"]["instances"] == 10118
    assert tables["dcme-2017/segnet_watershed_val_AP"].values == {"mean": {"AP": 5.7}}


@pytest.fixture
def context(city, tmp_path):
    """Ground truth of the validation split, and nothing else."""
    source = tmp_path / "cityscapes"
    shutil.copytree(city / "gtFine" / "val", source / "gtFine" / "val")
    nets = find_nets(PROTOTXT, None)
    return Context(source, tmp_path / "out", nets, (43, 85), (64, 128), workers=2, quiet=True)


def test_ground_truth_alone_gives_the_tables_that_need_no_net(context):
    states = {r.experiment.key: r.state for r in survey(context, EXPERIMENTS)}
    assert [key for key, state in states.items() if state == "to do"] == list(DATA_ONLY)
    reports = {r.experiment.key: r for r in reproduce(context, choose(DATA_ONLY))}
    assert all(r.state == "done" for r in reports.values())

    samples = find_samples(context.source, "val")
    samples = [type(s)(s.name, None, s.ids) for s in samples]
    scores = score_images(Ceiling((64, 128), None), samples, CITYSCAPES)
    values = reports["isisa-2019/table1_right"].outcome.values
    assert values["mean"]["AP"] == pytest.approx(100 * scores.ap_mean)
    for row in scores.rows:
        expected = None if np.isnan(row.ap50) else pytest.approx(100 * row.ap50)
        assert values[row.name]["AP50"] == expected
    counts = count_instances(samples, (64, 128), CITYSCAPES)
    table = reports["isisa-2019/table3"].outcome.values
    assert [table[name]["instances"] for name in CITYSCAPES.names] == counts.tolist()
    encoded = score_images(Ceiling((64, 128)), samples, CITYSCAPES)
    assert values["mean"]["AP encoded"] == pytest.approx(100 * encoded.ap_mean)
    small = score_images(Ceiling((43, 85), None), samples, CITYSCAPES)
    text = reports["dcme-2017/ground_truth_340x680_val_AP"].outcome.values
    assert text["mean"]["AP"] == pytest.approx(100 * small.ap_mean)


def again(context):
    """The same reproduction, begun anew."""
    return dataclasses.replace(context)


def total(context):
    """Instances of Table III."""
    (report,) = reproduce(again(context), choose(["isisa-2019/table3"]))
    return report.outcome.values["total"]["instances"]


def test_a_second_call_computes_nothing_and_another_size_everything(context):
    key = "isisa-2019/table1_right"
    (experiment,) = choose([key])
    reproduce(context, [experiment])
    calls = []

    def counted(_):
        calls.append(1)
        return experiment.run(context)

    counting = dataclasses.replace(experiment, run=counted)
    reproduce(again(context), [counting])
    assert calls == []
    context.size_2019 = (32, 64)
    reproduce(again(context), [counting])
    assert calls == [1]


def test_new_and_changed_data_are_counted_anew(context):
    before = total(context)
    (first, *_) = find_samples(context.source, "val")
    copy = first.ids.with_name(first.ids.name.replace(first.name, "copy_000000_000000"))
    shutil.copy(first.ids, copy)
    more = total(context)
    assert more > before
    write_png(copy, np.zeros_like(read_ids(copy)))
    assert total(context) == before


def test_vectors_and_results_belong_to_the_data_and_the_nets(context, tmp_path):
    """Folders of what is kept change with whatever it was computed from."""

    def folder():
        return again(context).mark(["isisa2019_deeplabv3plus"], ["val"])

    nets = tmp_path / "nets"
    shutil.copytree(PROTOTXT / "isisa2019_deeplabv3plus", nets / "isisa2019_deeplabv3plus")
    (tmp_path / "isisa2019_deeplabv3plus.caffemodel").write_bytes(b"w")
    context.nets = find_nets(nets, tmp_path)
    marks = [folder()]
    assert folder() == marks[0]
    for name in ("deploy", "train"):
        with (nets / "isisa2019_deeplabv3plus" / f"{name}.prototxt").open("a") as stream:
            stream.write("# changed\n")
        marks.append(folder())
    (tmp_path / "isisa2019_deeplabv3plus.caffemodel").write_bytes(b"other")
    marks.append(folder())
    context.thresholds = {"isisa2019_deeplabv3plus": (1, 2, 3)}
    marks.append(folder())
    assert len(set(marks)) == len(marks)


def test_what_an_older_version_has_stored_is_computed_anew(context, monkeypatch):
    """The tables, the results they are made from, and the vectors below those."""
    key = "isisa-2019/table1_right"
    reproduce(context, choose([key]))
    assert survey(again(context), choose([key]))[0].state == "done"
    before = again(context).mark([], ["val"])
    monkeypatch.setattr("dcme.reproduce.context.VERSION", 1000)
    assert survey(again(context), choose([key]))[0].state == "to do"
    assert again(context).mark([], ["val"]) != before


def test_tables_4_and_5_are_of_all_instances_detected(city, tmp_path, monkeypatch):
    """Also of those that the encoder takes for background."""
    background = np.zeros((9, 4, 8), np.float32)
    background[0] = 1
    for sample in find_samples(city, "val"):
        ids = reduce_ids(read_ids(sample.ids), (64, 128))
        write_npz(tmp_path / "v" / f"{sample.name}.npz", encode(ids, round_centre=True), background)
    (tmp_path / "isisa2019_deeplabv3plus.caffemodel").write_bytes(b"w")
    monkeypatch.setattr(Context, "vectors", lambda *_: tmp_path / "v")
    context = Context(
        city,
        tmp_path / "out",
        find_nets(PROTOTXT, tmp_path),
        size_2019=(64, 128),
        thresholds={"isisa2019_deeplabv3plus": (0, 0, 1)},
        quiet=True,
    )
    keys = [f"isisa-2019/{name}" for name in ("table1_left", "table4", "table5")]
    left, oracle, found = (r.outcome.values for r in reproduce(context, choose(keys)))
    assert left["mean"]["AP"] == 0 < 20 < oracle["mean"]["AP"]
    assert found["50"]["accuracy"] > 50


def test_a_damaged_file_fails_its_tables_and_no_others(context, capsys):
    (first, *_) = find_samples(context.source, "val")
    first.ids.write_bytes(first.ids.read_bytes()[:200])
    words = ["reproduce", "--source", str(context.source), "--out", str(context.out), "--quiet"]
    assert main([*words, "--nets", str(PROTOTXT)]) == 1
    printed = capsys.readouterr()
    assert "failed" in printed.out and first.ids.name in printed.out
    assert "tables or figures failed" in printed.err and printed.err.count("\n") == 1
    report = json.loads((context.out / "report.json").read_text())
    assert {key for key, entry in report.items() if entry["state"] == "failed"} == set(DATA_ONLY)
    assert report["isisa-2019/table8"]["state"] == "cited"
    assert first.ids.name in (context.out / "index.html").read_text()


def test_tables_are_written_in_every_format(context):
    reports = {r.experiment.key: r for r in reproduce(context, choose(["isisa-2019"]))}
    table = reports["isisa-2019/table1_right"].table()
    stem = context.out / "tables" / "isisa-2019_table1_right"
    written = {
        "txt": table.as_text(),
        "csv": table.as_csv(),
        "md": table.as_markdown(),
        "tex": table.as_latex(),
        "json": table.as_json(),
    }
    for suffix, text in written.items():
        assert "59.2" in text and stem.with_suffix(f".{suffix}").read_text() == text
    assert "19.22" in (context.out / "tables" / "isisa-2019_table8.txt").read_text()


def test_counts_have_no_difference(context):
    (report,) = reproduce(context, choose(["isisa-2019/table3"]))
    names = [name for name in report.table().header if "diff." in name]
    assert names == ["accuracy diff."]


def test_the_tables_files_tell_paper_ours_and_difference_of_each_column(context):
    (report,) = reproduce(context, choose(["isisa-2019/table1_right"]))
    stem = context.out / "tables" / "isisa-2019_table1_right"
    mean = json.loads(stem.with_suffix(".json").read_text())["rows"]["mean"]
    for column in ("AP", "AP50"):
        ours = report.outcome.values["mean"][column]
        paper = report.paper.values["mean"][column]
        assert mean[f"{column} paper"] == paper and mean[f"{column} ours"] == ours
        assert mean[f"{column} diff."] == pytest.approx(ours - paper)
    lines = stem.with_suffix(".csv").read_text().splitlines()
    (line,) = (row for row in csv.DictReader(lines) if row["class"] == "mean")
    assert float(line["ap50 ours"]) == mean["AP50 ours"] != mean["AP ours"]


def test_figures_of_the_ground_truth_need_no_images(context):
    drawn = draw_figures(context)
    assert len(drawn.figures) == 4 and not drawn.failed
    assert any("not on disk" in caption for caption in drawn.figures)
    for path in drawn.figures.values():
        assert read_image(path).std() > 5
    blocks = read_image(context.out / "figures" / "isisa-2019_fig1.png")
    legend = blocks[2 * context.size_2019[0] + 4 :].reshape(-1, 3)
    assert any((legend == colour).all(axis=1).sum() > 50 for colour in class_colours(CITYSCAPES))
    anchors = read_image(context.out / "figures" / "dcme-2017_fig2.png")
    half = anchors.shape[0] // 2
    assert anchors.shape[1] == 85 and np.any(anchors[:40] != anchors[half + 2 : half + 42])


def test_the_command_says_what_is_missing(city, tmp_path, capsys):
    words = ["reproduce", "--source", str(city), "--out", str(tmp_path), "--nets", str(PROTOTXT)]
    assert main([*words, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "no weights isisa2019_deeplabv3plus.caffemodel" in out and "(and for how many" in out
    assert not (tmp_path / "tables").exists()


def test_wrong_folders_and_tables_are_named(city, tmp_path, fails, monkeypatch):
    monkeypatch.delenv("CITYSCAPES_DATASET", raising=False)
    assert "$CITYSCAPES_DATASET" in fails("reproduce", "--out", tmp_path)
    assert "its parent does" in fails("reproduce", "--source", city / "gtFine")
    assert "is no table; there are isisa-2019" in fails("reproduce", "table9", "--source", city)
    assert "no such folder of weights" in fails(
        "reproduce", "--source", city, "--weights", tmp_path / "none"
    )


@pytest.fixture
def trained_at_once(city, monkeypatch):
    """--synthetic without its work; returns the modes for which thresholds were searched."""
    modes = []

    def copy_data(out, *_):
        if not (out / "city").exists():
            shutil.copytree(city, out / "city")

    def train(out, nets, plan, *_):
        shutil.copytree(PROTOTXT / plan.net, out / "nets" / plan.name, dirs_exist_ok=True)
        weights = out / f"{plan.name}.caffemodel"
        if not weights.exists():
            weights.write_bytes(b"w")
        return Trained(weights, 1, (0, 0.0), 0.0, None)

    def tuned(context, net):
        modes.append(context.mode)
        return (1.0, 2.0, 3.0) if context.mode == "reference" else (4.0, 5.0, 6.0)

    for name, stand_in in (("_make_data", copy_data), ("_train", train), ("_tuned", tuned)):
        monkeypatch.setattr(synthetic, name, stand_in)
    return modes


def test_another_effort_takes_another_folder(trained_at_once, tmp_path):
    scale = synthetic.Scale(effort=0.01)
    synthetic.synthetic_context(tmp_path, PROTOTXT, scale, quiet=True)
    before = age(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=r"another reproduction \(effort: 0\.01; now 0\.02\)"):
        synthetic.synthetic_context(tmp_path, PROTOTXT, synthetic.Scale(effort=0.02), quiet=True)
    assert not renewed(before) and set(before) == set(tmp_path.rglob("*"))
    synthetic.synthetic_context(tmp_path, PROTOTXT, scale, quiet=True)


def test_thresholds_belong_to_the_mode_and_the_weights(trained_at_once, tmp_path):
    def thresholds(mode):
        scale = synthetic.Scale()
        context = synthetic.synthetic_context(tmp_path, PROTOTXT, scale, mode=mode, quiet=True)
        return context.thresholds["dcme2017_fcn8s"]

    assert thresholds("reference") == (1, 2, 3) and thresholds("standard") == (4, 5, 6)
    assert trained_at_once == ["reference"] * 5 + ["standard"] * 5
    assert thresholds("reference") == (1, 2, 3) and len(trained_at_once) == 10
    (tmp_path / "dcme2017_fcn8s.caffemodel").write_bytes(b"other")
    thresholds("reference")
    assert len(trained_at_once) == 11


def test_a_reproduction_that_was_moved_is_not_computed_again(trained_at_once, tmp_path):
    def made(folder):
        context = synthetic.synthetic_context(folder, PROTOTXT, synthetic.Scale(), quiet=True)
        return context.mark(context.nets, ["val", "test"])

    before = made(tmp_path / "one")
    assert made((tmp_path / "one").rename(tmp_path / "two")) == before
    assert len(trained_at_once) == 5, "thresholds are found once"
    (image, *_) = (tmp_path / "two" / "city" / "leftImg8bit" / "val").rglob("*.png")
    age([image])
    assert made(tmp_path / "two") != before


CLASSES = CITYSCAPES


def classes_in(city, split):
    """Names of the classes with an instance of at least 100 pixels, from which on AP counts."""
    found = set()
    for sample in find_samples(city, split):
        values, counts = np.unique(read_ids(sample.ids), return_counts=True)
        labels = values[counts >= 100] // 1000
        found |= {name for k, name in zip(CLASSES.labels, CLASSES.names) if k in labels}
    return found


@pytest.mark.slow
def test_every_table_and_figure_is_filled_on_synthetic_scenes(tmp_path, capfd):
    """A tenth of the scenes and iterations; docs/reproduce.md shows the whole."""
    out = tmp_path / "synthetic"
    words = ["reproduce", "--synthetic", "--effort", "0.1", "--out", str(out), "--nets"]
    assert main([*words, str(PROTOTXT), "--quiet"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert set(report) == {e.key for e in EXPERIMENTS}
    present = {split: classes_in(out / "city", split) for split in ("val", "test")}
    assert all(len(names) >= 5 for names in present.values())
    for key, entry in report.items():
        if key == "isisa-2019/table8":
            assert entry["state"] == "cited"
            continue
        assert entry["state"] == "done", (key, entry["missing"])
        for row, columns in entry["paper"].items():
            if key == "dcme-2017/table1" and not row.startswith("DCME"):
                continue  # others' methods
            for column in columns:
                value = entry["ours"][row][column]
                split = "test" if entry["title"].endswith("test") else "val"
                if value is None:  # only AP of a class without ground truth
                    assert row in CLASSES.names and row not in present[split], (key, row, column)
                else:
                    assert value >= 0, (key, row, column)
    assert 30 < report["isisa-2019/table1_right"]["ours"]["mean"]["AP"] < 90
    table3 = report["isisa-2019/table3"]["ours"]
    city = find_samples(out / "city", "val")
    instances = [np.unique(read_ids(s.ids)) // 1000 for s in city]
    labels = CITYSCAPES.labels
    assert table3["total"]["instances"] >= sum(np.isin(v, labels).sum() for v in instances) - 2
    assert len(list((out / "figures").glob("*.png"))) == 7
    capfd.readouterr()
    log = age([out / "training" / "dcme2017_fcn8s" / "train.log"])
    assert main([*words, str(PROTOTXT), "--quiet"]) == 0  # nothing is computed again
    assert not renewed(log)


def test_effort_is_a_share_of_all_scenes_and_iterations():
    assert synthetic.Scale.of_effort(1) == synthetic.Scale()
    assert synthetic.Scale.of_effort(2) == synthetic.Scale(effort=2)
    some = synthetic.Scale.of_effort(0.05)
    assert (some.train, some.val, some.test, some.effort) == (15, 4, 4, 0.05)
