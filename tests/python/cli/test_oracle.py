"""Experiments with part of the answer from the ground truth."""

import weakref

import cv2
import dcme
import numpy as np
import pytest
from dcme.classes import CITYSCAPES
from dcme.cli import main
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import write_npz
from dcme.errors import UserError
from dcme.files import read_ids, write_json, write_png, write_text
from dcme.results.decode import Decoding
from dcme.results.files import ImageResult, LazyMasks, write_result
from dcme.results.oracles import (
    Ceiling,
    ClassOracle,
    InstanceOracle,
    class_accuracy,
    count_instances,
    majority_labels,
    true_instances,
)
from dcme.results.scoring import score_images

from bench.reference import decoding, encoding, evaluation

CLASSES = CITYSCAPES
SIZE = (64, 128)


def literal_ceiling(ids, size, thresholds):
    """Protocol, section 1 and 4: reduce, encode, decode as published, enlarge; statement by
    statement. None for the thresholds: without en- and decoding."""
    reduced = encoding.reduce_ids(ids, size)
    reduced[~np.isin(reduced // 1000, CITYSCAPES.labels)] = 0
    if thresholds is None:
        masks = [reduced == i for i in np.unique(reduced[reduced > 0])]
    else:
        vectors = encoding.encode(reduced, round_centre=True)
        masks = [mask for mask, _ in decoding.decode(vectors, *thresholds)]
    predictions = []
    for mask in masks:
        values = reduced[mask & (reduced > 0)]
        grey = mask.astype(np.uint8) * 255
        full = cv2.resize(grey, ids.shape[::-1], interpolation=cv2.INTER_CUBIC) > 0
        predictions.append((full, int(np.bincount(values).argmax()) // 1000, 1.0))
    return predictions


@pytest.mark.parametrize("more", [["--masks"], []])
def test_truth_of_other_classes_names_its_file(city, fails, more):
    words = ("oracle", "ceiling", city, "--size", "64x128", "--classes", "1:cell", "--quiet")
    line = fails(*words, *more)
    assert "_gtFine_instanceIds.png: label " in line and "--classes 1:cell,24:class24" in line


def test_masks_are_made_once_and_one_after_the_other(city):
    """An image's masks at full size would not fit into memory together."""
    made, masks = [], []

    class Mask(np.ndarray):
        """An array that can be referred to weakly."""

    def mask(index):
        assert sum(each() is not None for each in masks) <= 2  # the last one, and what it was of
        made.append(index)
        array = np.zeros((128, 256), bool).view(Mask)
        array[index] = True
        masks.append(weakref.ref(array))
        return array

    def make(sample):
        labels, scores = np.full(9, 26), np.linspace(1, 0.5, 9)
        return ImageResult(sample.name, (128, 256), LazyMasks(9, mask), labels, scores)

    (sample, _) = find_samples(city, "val")
    scores = score_images(make, [sample], CLASSES)
    assert made == list(range(9)) and scores.rows[2].predictions == 9


@pytest.mark.parametrize("size", [SIZE, (43, 85)])
@pytest.mark.parametrize("thresholds", [None, (0, 0, 1), (3, 20, 4)])
def test_the_ceiling_is_that_of_opencv_and_cityscapesscripts(city, size, thresholds, tmp_path):
    samples = find_samples(city, "val")
    exact = thresholds and Decoding(*thresholds, mode="reference")
    scores = score_images(Ceiling(size, exact or None), samples, CLASSES, workers=2)
    images = [
        (ids, literal_ceiling(ids, size, thresholds)) for ids in map(read_ids, ids_of(samples))
    ]
    _, expected = evaluation.evaluate(tmp_path, images)
    np.testing.assert_allclose([row.ap for row in scores.rows], expected.mean(axis=1), atol=1e-9)
    np.testing.assert_allclose([row.ap50 for row in scores.rows], expected[:, 0], atol=1e-9)
    assert 0.1 < scores.ap_mean < 0.95


def ids_of(samples):
    return [sample.ids for sample in samples]


@pytest.fixture
def vectors(city, tmp_path):
    """Perfect network outputs: true vectors, and the true grid classes as probabilities."""
    for sample in find_samples(city, "val"):
        ids = dcme.reduce_ids(read_ids(sample.ids), SIZE)
        grid = np.moveaxis(np.eye(9, dtype=np.float32)[dcme.grid_classes(ids, 16)], -1, 0)
        write_npz(tmp_path / "v" / f"{sample.name}.npz", dcme.encode(ids), grid)
    return tmp_path / "v"


def test_the_instance_oracle_counts_right_and_wrong_classes(city, vectors):
    samples = find_samples(city, "val")
    accuracy = class_accuracy(InstanceOracle(vectors), samples, workers=2)
    expected = np.zeros((2, 8), int)
    for sample in samples:
        ids = dcme.reduce_ids(read_ids(sample.ids), SIZE)
        grid = dcme.grid_classes(ids, 16)
        for one in true_instances(ids, CLASSES):
            k = CITYSCAPES.labels.index(one["label"])
            block = grid[int(one["row"]) // 16, int(one["col"]) // 16]
            expected[:, k] += (1, block == k + 1)
    assert np.array_equal([accuracy.instances, accuracy.correct], expected)
    assert np.array_equal(count_instances(samples, SIZE, CLASSES), expected[0])
    assert 0 < expected[1].sum() < expected[0].sum()
    (*rows, total) = accuracy.table().rows
    assert [row[0] for row in rows if np.isnan(row[3])] == [
        name for name, count in zip(CITYSCAPES.names, expected[0]) if count == 0
    ]
    assert total[3] == pytest.approx(100 * expected[1].sum() / expected[0].sum())


def test_a_mask_has_the_class_of_the_instance_that_covers_most_of_it():
    ids = np.array([[7, 7, 7, 7, 24001, 24001, 24002, 24002, 26001, 26001, 26001, 29001]])
    masks = np.stack([ids > 0, ids < 1000, ids // 1000 == 24, ids == 29001])
    assert majority_labels(masks, ids, CLASSES).tolist() == [26, 0, 24, 0]


def test_both_oracles_are_limited_by_the_ceiling(city, vectors, tmp_path):
    samples = find_samples(city, "val")
    ceiling = score_images(Ceiling(SIZE, None), samples, CLASSES)
    instance = score_images(InstanceOracle(vectors), samples, CLASSES)
    for sample in samples:
        result = Ceiling(SIZE, None)(sample)
        result.labels[:] = 26
        write_result(tmp_path / "r", result)
    by_class = score_images(ClassOracle(tmp_path / "r"), samples, CLASSES)
    assert [row.ap for row in by_class.rows] == pytest.approx(
        [row.ap for row in ceiling.rows], nan_ok=True
    )
    assert 0 < instance.ap_mean <= ceiling.ap_mean


def test_the_class_oracle_judges_also_what_the_grid_takes_for_background(city, tmp_path, capsys):
    """Paper 2: "the correct class of all detected instances"."""
    background = np.zeros((9, 4, 8), np.float32)
    background[0] = 1
    for sample in find_samples(city, "val"):
        ids = dcme.reduce_ids(read_ids(sample.ids), SIZE)
        vectors = dcme.encode(ids, round_centre=True, classes=CITYSCAPES)
        write_npz(tmp_path / "v" / f"{sample.name}.npz", vectors, background)
    words = ["decode", str(tmp_path / "v"), str(tmp_path / "r"), "--size", "128x256", "--quiet"]
    words += ["--mode", "reference", "--dt", "0", "--vt", "0", "--et", "1"]
    assert main(words) == 0
    assert "0 instances" in capsys.readouterr().out
    assert main([*words, "--no-grid"]) == 0
    samples = find_samples(city, "val")
    assert score_images(ClassOracle(tmp_path / "r"), samples, CLASSES).ap_mean == pytest.approx(
        score_images(Ceiling(SIZE), samples, CLASSES).ap_mean
    )


def test_the_command_prints_and_writes_tables(city, vectors, tmp_path, capsys):
    table = tmp_path / "t.tex"
    words = ["oracle", "ceiling", str(city), "--size", "64x128", "--table", str(table), "--quiet"]
    assert main(words) == 0
    assert "class-agnostic" in capsys.readouterr().out and "toprule" in table.read_text()
    assert main(["oracle", "instance", str(city), "--vectors", str(vectors), "--quiet"]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_what_is_missing_is_named(city, vectors, fails):
    assert "needs --size" in fails("oracle", "ceiling", city)
    next(vectors.glob("*.npz")).unlink()
    line = fails("oracle", "instance", city, "--vectors", vectors, "--quiet")
    assert "no vectors for this image" in line and "--vectors DIR" in line


def test_distances_bring_two_more_columns(city, tmp_path, capsys):
    import shutil

    from dcme.files import write_png

    root = tmp_path / "city"
    shutil.copytree(city, root)
    for sample in find_samples(root, "val"):
        place = sample.ids.parent.name
        ids = read_ids(sample.ids)
        stored = np.full(ids.shape, 256 * 10 + 1, np.uint16)
        write_png(root / "disparity/val" / place / f"{sample.name}_disparity.png", stored)
        camera = {"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": 1000}}
        write_json(root / "camera/val" / place / f"{sample.name}_camera.json", camera)
    assert main(["oracle", "ceiling", str(root), "--size", "64x128", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "AP100m" in out and "AP50m" in out


@pytest.fixture
def cells(tmp_path):
    """A list of one image with cells of two classes, without a classes.json; its folder."""
    ids = np.zeros((40, 60), np.uint16)
    ids[5:20, 5:20], ids[22:38, 30:50] = 1001, 3001
    write_png(tmp_path / "ids.png", ids)
    write_text(tmp_path / "val.txt", "image.png ids.png\n")
    return tmp_path


def test_classes_are_those_of_the_vectors_or_results_where_the_list_tells_none(cells, capsys):
    words = ["--classes", "1:cell,3:dead cell, big", "--grid-size", "1", "--quiet"]
    assert main(["encode", str(cells), str(cells / "v"), *words]) == 0
    assert main(["decode", str(cells / "v"), str(cells / "r"), "--quiet"]) == 0
    for kind, option, folder in (("instance", "--vectors", "v"), ("class", "--results", "r")):
        capsys.readouterr()
        assert main(["oracle", kind, str(cells), option, str(cells / folder), "--quiet"]) == 0
        assert "dead cell, big" in capsys.readouterr().out


def test_labels_of_no_class_are_told_before_any_table(cells, capsys):
    assert main(["encode", str(cells), str(cells / "v"), "--quiet"]) == 1
    words = ["--classes", "1:a,3:b", "--quiet"]
    assert main(["encode", str(cells), str(cells / "v"), *words]) == 0
    (sample,) = find_samples(cells)
    capsys.readouterr()
    words = ["oracle", "instance", str(cells), "--vectors", str(cells / "v"), "--classes"]
    assert main([*words, "1:a,2:b", "--quiet"]) == 1
    captured = capsys.readouterr()
    assert not captured.out and "label 3 is none of the classes (1 a, 2 b)" in captured.err
    with pytest.raises(UserError, match="label 1 is none of the classes"):
        count_instances([sample], None, CLASSES)


def test_results_of_another_size_say_what_to_do(cells, fails):
    words = ["--classes", "1:a,3:b", "--quiet"]
    small = ["encode", str(cells), str(cells / "v"), "--size", "20x30"]
    assert main([*small, *words]) == 0
    assert main(["decode", str(cells / "v"), str(cells / "r"), *words]) == 0
    line = fails("oracle", "class", cells, "--results", cells / "r", *words)
    assert "is 20x30, expected 40x60 (dcme decode --size 40x60 brings masks to it)" in line
