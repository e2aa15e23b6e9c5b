"""Tuning thresholds on stored vector maps."""

import json
from dataclasses import replace
from unittest import mock

import cv2
import dcme
import numpy as np
import pytest
from dcme.classes import CITYSCAPES
from dcme.cli import main
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import VectorMap, write_npz
from dcme.errors import UserError
from dcme.files import read_ids, write_png
from dcme.prediction.tuning import LADDERS, Scene, Trial, Tuning, load_scenes, plot_tuning, tune
from dcme.results.decode import Decoding

CLASSES = CITYSCAPES


@pytest.fixture(scope="module")
def vectors(city, tmp_path_factory):
    """True vectors with noise, at full size."""
    folder, rng = tmp_path_factory.mktemp("v"), np.random.default_rng(0)
    for sample in find_samples(city, "val"):
        ids = read_ids(sample.ids)
        field = dcme.encode(ids, classes=dcme.CITYSCAPES)
        noise = rng.normal(0, 4, field.shape).astype(np.float32)
        write_npz(folder / f"{sample.name}.npz", field + noise * (field != 0), None)
    return folder


def test_the_best_is_the_best_of_the_whole_ladder(city, vectors):
    """With one threshold free the search must find what trying all finds."""
    scenes = load_scenes(vectors, find_samples(city, "val"), CLASSES, 2)
    ladder = (1, 3, 6, 12)
    found = tune(scenes, Decoding(dt=4, vt=10, et=1), "score", (0.5, 0.7), {"et": ladder})
    scores = {}
    for et in ladder:
        counts = {iou: dcme.Matching(iou) for iou in (0.5, 0.7)}
        for sample, scene in zip(find_samples(city, "val"), scenes):
            ids = read_ids(sample.ids)
            truth = np.where(np.isin(ids // 1000, CITYSCAPES.labels), ids, 0)
            silent = np.isin(ids, [*CITYSCAPES.labels, *dcme.evaluation.CITYSCAPES_VOID])
            instances = dcme.decode(scene.item.vectors, 4, 10, et)
            for iou in counts:
                counts[iou] += dcme.matching(truth, instances, iou, silent)
        scores[et] = np.mean([m.score for m in counts.values()])
    assert scores[found.best.decoding.et] == max(scores.values())
    assert found.best.value == pytest.approx(max(scores.values()))
    tried = [t.value for t in found.along("et") if t.decoding.et in ladder]
    assert tried == pytest.approx(list(scores.values()))


@pytest.mark.parametrize("goal", ["score", "ap"])
def test_bad_thresholds_are_mended(city, vectors, goal):
    scenes = load_scenes(vectors, find_samples(city, "val"), CLASSES)
    ladders = {"dt": (1, 4, 8), "vt": (5, 20, 2000), "et": (1, 6, 12)}
    found = tune(scenes, Decoding(dt=1, vt=2000, et=1), goal, ladders=ladders)
    assert found.best.value > 0.3 and found.best.decoding.vt < 2000
    assert len(found.trials) < 27
    for name, ladder in ladders.items():
        assert {getattr(trial.decoding, name) for trial in found.along(name)} >= set(ladder)
    with pytest.raises(ValueError, match="unknown goal 'best'; known are score, ap"):
        tune(scenes, Decoding(), "best")


def test_thresholds_move_in_turns_until_none_is_better(monkeypatch):
    """Along a ridge, where no threshold can go far while the other stays."""
    measured, reported = [], []

    def on_a_ridge(decoding, *_):
        measured.append(decoding)
        away = (decoding.dt - decoding.vt) ** 2 + 0.5 * (decoding.vt - 7) ** 2
        return Trial(decoding, 1 / (1 + away), 1, 1)

    monkeypatch.setattr("dcme.prediction.tuning._score", on_a_ridge)
    ladder = (1, 2, 3, 4, 5, 6, 7, 20)
    found = tune(
        [],
        Decoding(dt=1, vt=1, mode="reference"),
        ladders={"dt": ladder, "vt": ladder},
        report=lambda trial, better: reported.append(trial.value) if better else None,
    )
    assert (found.best.decoding.dt, found.best.decoding.vt) == (6, 6)
    assert len(measured) == len(set(map(str, measured))) == len(found.trials)
    assert reported == sorted(set(reported)) and reported[-1] == found.best.value


def test_instances_too_small_for_ap_make_it_0():
    ids = np.zeros((30, 30), np.uint16)
    ids[5:12, 5:12] = 24001
    scene = Scene(VectorMap("a", dcme.encode(ids), None), ids)
    assert tune([scene], Decoding(dt=2, vt=5, et=3), "ap", ladders={"et": (3,)}).best.value == 0


def test_the_command_prints_flags_and_draws_the_trade_off(city, vectors, tmp_path, capsys):
    plot, table = tmp_path / "t.png", tmp_path / "t.json"
    words = ["tune", str(vectors), str(city), "--plot", str(plot), "--json", str(table)]
    assert main([*words, "--dt", "4", "--vt", "12", "--et", "6", "--quiet"]) == 0
    flags = capsys.readouterr().out.splitlines()[-1]
    assert flags.startswith("--dt ") and "--foreground" in flags
    picture = cv2.imread(str(plot))
    for colour in ((0xA4, 0x6B, 0x00), (0x0E, 0x80, 0xFF), (0x59, 0x59, 0x59)):  # B G R
        rows, columns = np.nonzero((picture == colour).all(axis=2))
        # The goal, precision and recall along every threshold, from the first to the last.
        assert len(rows) > 200 and np.ptp(columns) > 0.6 * picture.shape[1]
    trials = json.loads(table.read_text())
    assert max(t["value"] for t in trials) > 0.5
    assert main(["decode", str(vectors), str(tmp_path / "r"), *flags.split(), "--quiet"]) == 0


def test_no_label_of_the_picture_covers_another(tmp_path):
    best = Trial(Decoding(probability=0.04), 0.9, 0.9, 0.9)
    ladders = {**LADDERS, "probability": (0.03, 0.04, 0.06, 0.08, 0.11, *LADDERS["probability"])}
    others = [
        replace(best, decoding=replace(best.decoding, **{name: value}))
        for name, ladder in ladders.items()
        for value in ladder
    ]
    seen = []

    def look(figure, *words, **options):
        figure.draw_without_rendering()
        seen.append(figure.axes[len(figure.axes) // 2].get_ylabel())
        for axes in figure.axes[len(figure.axes) // 2 :]:
            labels = axes.get_xticklabels()
            boxes = [label.get_window_extent() for label in labels]
            assert all(a.x1 + 2 < b.x0 for a, b in zip(boxes, boxes[1:])), axes.get_xlabel()
            assert len(boxes) > 3
        assert "0.04" in [label.get_text() for label in labels], "the best has a label"
        figure.canvas.print_figure(*words, **options)

    with mock.patch("matplotlib.figure.Figure.savefig", autospec=True, side_effect=look):
        plot_tuning(tmp_path / "t.png", Tuning(best, [best, *others], iou=0.6))
    assert seen == ["precision, recall\nat IoU > 0.6"]


def test_the_reference_mode_keeps_its_own_foreground(city, vectors, capsys):
    words = ["tune", str(vectors), str(city), "--mode", "reference", "--images", "1"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.endswith("--mode reference\n")
    assert "foreground" not in told and "probability" not in told


def test_maps_of_another_size_are_compared_with_the_reduced_truth(city, tmp_path):
    sample = find_samples(city, "val")[0]
    small = dcme.reduce_ids(read_ids(sample.ids), (64, 128))
    write_npz(tmp_path / f"{sample.name}.npz", dcme.encode(small), None)
    (scene,) = load_scenes(tmp_path, [sample], CLASSES)
    assert np.array_equal(np.where(scene.truth >= 1000, scene.truth, 0), small)
    assert 7 in scene.truth  # the street


def test_test_data_is_refused(city, vectors, tmp_path, fails):
    assert "thresholds tuned on test data" in fails("tune", vectors, city, "--split", "test")
    write_png(tmp_path / "a.png", np.zeros((4, 4), np.uint16))
    (tmp_path / "test_A.txt").write_text("a.png a.png\n")
    assert "thresholds tuned on test data" in fails("tune", vectors, tmp_path / "test_A.txt")


def test_truth_of_other_classes_is_refused(city, vectors, fails):
    line = fails("tune", vectors, city, "--classes", "1:nucleus", "--quiet")
    assert "is none of the classes (1 nucleus)" in line and "--classes" in line


def test_truth_without_instances_is_refused(city, vectors, tmp_path, fails):
    (sample, _) = find_samples(city, "val")
    ids = read_ids(sample.ids)
    write_png(tmp_path / "empty.png", np.where(ids < 1000, ids, 0).astype(np.uint16))
    (tmp_path / "val.txt").write_text(f"{sample.name}.png empty.png\n")
    assert "nothing to tune on" in fails("tune", vectors, tmp_path, "--quiet")


def test_ious_and_output_files_are_checked_before_the_search(city, vectors, tmp_path, capsys):
    wrong = (["--plot", "t.xyz"], ["--json", str(tmp_path)], ["--save", "/"], ["--iou", "1.2"])
    for words in wrong:
        with pytest.raises(SystemExit):
            main(["tune", str(vectors), str(city), *words])
        message = capsys.readouterr().err.splitlines()[-1]
        assert words[0] in message and words[1] in message


def test_only_what_is_better_is_reported(city, vectors, capsys):
    assert main(["tune", str(vectors), str(city), "--images", "1"]) == 0
    *progress, summary, flags = capsys.readouterr().out.splitlines()
    values = [float(line.split()[-1]) for line in progress]
    assert values == sorted(values) and len(progress) >= 2
    words = flags.split()
    best = [f"{name} {words[2 * k + 1]}," for k, name in enumerate(("DT", "VT", "ET"))]
    assert all(word in progress[-1] for word in best)
    assert f"{values[-1]:.4f}" in summary


def test_missing_vectors_are_named(city, tmp_path, fails):
    assert "no vectors for this image" in fails("tune", tmp_path, city, "--quiet")


def test_networks_that_classify_pixels_have_their_probability_tuned(city, tmp_path):
    sample = find_samples(city, "val")[0]
    ids = read_ids(sample.ids)
    inside = np.isin(ids // 1000, CITYSCAPES.labels)
    doubtful = np.where(inside, 0.7, 0.55).astype(np.float32)  # all above one half
    rest = np.repeat(doubtful[None] / 8, 8, axis=0)
    field = dcme.encode(ids, classes=dcme.CITYSCAPES)
    write_npz(tmp_path / f"{sample.name}.npz", field, np.concatenate([1 - doubtful[None], rest]))
    ladders = {name: LADDERS[name] for name in ("foreground", "probability")}
    scenes = load_scenes(tmp_path, [sample], CLASSES)
    found = tune(scenes, Decoding(dt=4, vt=12, et=6), ladders=ladders)
    assert found.best.decoding.probability == 0.6
    assert "--probability 0.6" in found.flags() and "--foreground" not in found.flags()


def test_ladders_go_on_while_their_last_value_is_the_best(city, vectors):
    scenes = load_scenes(vectors, find_samples(city, "val"), CLASSES)
    found = tune(scenes, Decoding(dt=4, vt=12, et=4), ladders={"et": (4, 5)})
    assert found.best.decoding.et > 5
    last = found.along("et")[-1]
    assert last.decoding.et > found.best.decoding.et and last.value <= found.best.value


def classified_scene():
    return Scene(
        VectorMap("a", np.zeros((2, 4, 4), np.float32), np.ones((9, 4, 4))),
        np.zeros((4, 4), np.uint16),
    )


@pytest.mark.parametrize(
    ("name", "best"), [("et", 0.5), ("probability", 0.07), ("probability", 0.95)]
)
def test_ladders_go_on_at_either_end(monkeypatch, name, best):
    def around(decoding, *_):
        return Trial(decoding, 1 / (1 + abs(getattr(decoding, name) - best)), 1, 1)

    monkeypatch.setattr("dcme.prediction.tuning._score", around)
    found = tune([classified_scene()], Decoding())
    assert getattr(found.best.decoding, name) == pytest.approx(best, rel=0.2)
    values = [getattr(trial.decoding, name) for trial in found.along(name)]
    place = values.index(getattr(found.best.decoding, name))
    assert 0 < place < len(values) - 1 and found.edges() == []


@pytest.mark.parametrize(("towards", "edge"), [(-1, 0.01), (1, 0.99)])
def test_an_edge_that_ladders_cannot_pass_is_named(monkeypatch, towards, edge):
    monkeypatch.setattr(
        "dcme.prediction.tuning._score", lambda d, *_: Trial(d, 1 + towards * d.probability, 1, 1)
    )
    found = tune([classified_scene()], Decoding())
    assert found.best.decoding.probability == edge and found.edges() == ["probability"]


def test_where_nothing_is_found_there_is_no_advice(city, tmp_path, fails):
    for sample in find_samples(city, "val"):
        write_npz(tmp_path / f"{sample.name}.npz", np.zeros((2, 64, 128), np.float32), None)
    line = fails("tune", tmp_path, city, "--save", tmp_path / "d.json", "--quiet")
    assert line.endswith("no thresholds find anything: train longer\n")
    assert not (tmp_path / "d.json").exists()


def test_what_is_found_but_never_true_is_no_advice_either(monkeypatch):
    monkeypatch.setattr("dcme.prediction.tuning._score", lambda d, *_: Trial(d, 0.0, 0.0, 0.0))
    with pytest.raises(UserError, match=r"no thresholds reach a score above 0: train longer$"):
        tune([], Decoding(mode="reference")).require_found()


def test_thresholds_go_from_tune_to_decode_in_a_file(city, vectors, tmp_path, capsys):
    saved, table = tmp_path / "decoding.json", tmp_path / "t.json"
    words = ["tune", str(vectors), str(city), "--images", "1", "--quiet"]
    assert main([*words, "--save", str(saved), "--json", str(table)]) == 0
    flags = capsys.readouterr().out.splitlines()[-1].split()
    told = json.loads(saved.read_text())
    assert [f"{told[name]:g}" for name in ("dt", "vt", "et")] == flags[1:6:2]
    (best,) = [trial for trial in json.loads(table.read_text()) if trial["best"]]
    assert {name: told[name] for name in LADDERS} == {name: best[name] for name in LADDERS}
    by_hand, by_file, other = (tmp_path / name for name in "abc")
    assert main(["decode", str(vectors), str(by_hand), *flags, "--quiet"]) == 0
    words = ["decode", str(vectors), "--decoding", str(saved), "--quiet"]
    capsys.readouterr()
    assert main([*words, str(by_file)]) == 0
    assert capsys.readouterr().out.startswith(f"{saved}: --dt {told['dt']} --vt ")
    assert main([*words, str(other), "--vt", "100000"]) == 0
    said = capsys.readouterr().out
    assert "--vt" not in said and "0 instances" in said
    for path in by_hand.glob("*.txt"):
        assert path.read_text() == (by_file / path.name).read_text() != ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dt: 3", "is no JSON (Expecting value"),
        ("[3, 18, 8]", "must be {dt, vt, et, foreground, probability, mode}, as dcme tune --save"),
        ("{}", "must be {dt, "),
        ('{"dt": 3, "size": 4}', "size: is nothing that the decoder knows"),
        ('{"dt": "3"}', "dt: must be a number from 0 on, not '3'"),
        ('{"et": 1%s}' % ("0" * 400), "et: must be a number from 0 on, not 1000"),
        ('{"vt": -1}', "vt: must be a number from 0 on, not -1"),
        ('{"et": NaN}', "et: must be a number from 0 on, not nan"),
        ('{"probability": 1}', "probability: must be a number from 0 on below 1, not 1"),
        ('{"mode": "best"}', "mode: must be one of standard, reference, watershed, not 'best'"),
        ('{"mode": ["standard"]}', "mode: must be one of"),
    ],
)
def test_a_file_of_thresholds_may_come_from_anybody(tmp_path, vectors, fails, text, told):
    (tmp_path / "d.json").write_text(text)
    line = fails("decode", vectors, tmp_path / "r", "--decoding", tmp_path / "d.json")
    assert f"{tmp_path / 'd.json'}: {told}" in line


def test_vectors_in_the_place_of_the_ground_truth_are_told(tmp_path, fails):
    write_npz(tmp_path / "v" / "a.npz", np.zeros((2, 4, 4), np.float32), None)
    line = fails("tune", tmp_path / "data", tmp_path / "v")
    assert f"{tmp_path / 'v'}: holds vector maps; the ground truth is named after them" in line
