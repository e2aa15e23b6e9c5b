"""Instance maps to files of vectors, in every format, and back from the files."""

import resource
import subprocess
import sys
import warnings
from contextlib import contextmanager

import dcme
import h5py
import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.cli import main
from dcme.datasets import vectors
from dcme.datasets.samples import find_samples
from dcme.datasets.vectors import VectorMap, read_vectors, write_h5
from dcme.encoding import encode
from dcme.errors import UserError
from dcme.files import read_ids, write_png


@pytest.mark.parametrize("file_format", ["npz", "npy", "h5"])
def test_files_hold_the_vectors_and_grid_classes_of_each_map(city, tmp_path, file_format):
    out = tmp_path / ("vectors.h5" if file_format == "h5" else "vectors")
    words = ["encode", str(city), str(out), "--format", file_format, "--grid-size", "16"]
    assert main([*words, "--split", "train", "--quiet"]) == 0
    samples, maps = find_samples(city, "train"), list(read_vectors(out))
    assert [item.name for item in maps] == [sample.name for sample in samples]
    for sample, item in zip(samples, maps):
        ids = read_ids(sample.ids)
        assert np.array_equal(item.vectors, dcme.encode(ids))
        assert np.array_equal(item.grid, dcme.grid_classes(ids, 16))


def test_one_instance_map_reduced_with_truncated_box_centres(city, tmp_path):
    sample = find_samples(city, "val")[0]
    words = ["--size", "64x128", "--anchor", "box", "--round-centre", "--grid-size", "0"]
    assert main(["encode", str(sample.ids), str(tmp_path / "v"), *words, "--quiet"]) == 0
    (item,) = read_vectors(tmp_path / "v")
    reduced = dcme.reduce_ids(read_ids(sample.ids), (64, 128))
    assert item.name == sample.name and item.grid is None
    assert np.array_equal(item.vectors, dcme.encode(reduced, "box", round_centre=True))


def test_ignored_labels_are_background_as_in_training(tmp_path):
    ids = np.zeros((32, 32), np.uint16)
    ids[2:9, 2:9], ids[20:30, 20:30] = 29001, 26001  # a caravan and a car
    write_png(tmp_path / "a.png", ids)
    for grid_size in ("16", "0"):
        words = ["encode", str(tmp_path / "a.png"), str(tmp_path / "v"), "--grid-size", grid_size]
        assert main([*words, "--quiet"]) == 0
        (item,) = read_vectors(tmp_path / "v")
        assert np.array_equal(item.vectors, dcme.encode(np.where(ids == 26001, ids, 0)))


def test_unknown_class_names_the_file_and_the_label(fails, tmp_path):
    import cv2

    ids = np.full((32, 32), 9001, np.uint16)
    cv2.imwrite(str(tmp_path / "odd.png"), ids)
    line = fails("encode", tmp_path / "odd.png", tmp_path / "v")
    assert "odd.png" in line and "9" in line
    words = ["encode", str(tmp_path / "odd.png"), str(tmp_path / "v"), "--quiet"]
    assert main([*words, "--classes", "9:cell"]) == 0


def test_a_class_list_that_cannot_be_read_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["encode", "x", "y", "--classes", "nucleus"])
    assert stop.value.code == 2
    assert "LABEL:NAME" in capsys.readouterr().err


def test_hdf5output_files_are_read_as_stacks(tmp_path):
    data = np.random.default_rng(0).normal(size=(3, 2, 8, 8)).astype(np.float32)
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["data"] = data
        file["label"] = np.zeros((3, 9, 1, 1), np.float32)
    maps = list(read_vectors(tmp_path / "out.h5", ["a", "b", "c"]))
    assert [item.name for item in maps] == ["a", "b", "c"]
    assert np.array_equal(np.stack([item.vectors for item in maps]), data)
    with pytest.raises(UserError, match="3 vector maps for 1 names"):
        list(read_vectors(tmp_path / "out.h5", ["a"]))


def test_nan_is_located(tmp_path):
    vectors = np.zeros((2, 6, 7), np.float32)
    vectors[1, 2, 3] = np.nan
    np.save(tmp_path / "v.npy", vectors)
    with pytest.raises(UserError, match=r"v\.npy.*channel 1, row 2, column 3"):
        list(read_vectors(tmp_path / "v.npy"))


@pytest.mark.parametrize("name", ["v.npy", "v.npz", "v.h5"])
def test_damaged_files_name_themselves(tmp_path, name):
    (tmp_path / name).write_bytes(b"not an array")
    with pytest.raises(UserError, match=name):
        list(read_vectors(tmp_path / name))


@pytest.mark.parametrize("file_format", ["npz", "npy", "h5"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, file_format):
    ids = np.random.default_rng(0).integers(24000, 24900, (60, 60), np.uint16)
    write_png(tmp_path / "a.png", ids)
    out = tmp_path / "out"
    target = out / "v.h5" if file_format == "h5" else out
    words = ["-m", "dcme", "encode", "--format", file_format, tmp_path / "a.png", target]
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and ": file too large" in done.stderr.lower()
    assert not out.exists() or not list(out.iterdir())


@contextmanager
def file_size_limit(size):
    """Nothing can be written beyond so many bytes of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 50, 500, 3000, 30000, 60000, 87000])
def test_hdf5_is_spared_errors_of_the_disk(tmp_path, size):
    """Whenever it fills up: during the first bytes, the maps, the names or at the file's end."""
    maps = [VectorMap(name, np.ones((2, 60, 60), np.float32)) for name in "abc"]
    path = tmp_path / "v.h5"
    with file_size_limit(size), pytest.raises(OSError, match="File too large") as error:
        write_h5(path, iter(maps), 3)
    assert error.value.filename == str(path) and not list(tmp_path.iterdir())
    with file_size_limit(200000):
        write_h5(path, iter(maps), 3)
    assert [item.name for item in read_vectors(path)] == ["a", "b", "c"]


def test_ctrl_c_while_hdf5_writes_is_one(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(vectors, "memoryview", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        write_h5(tmp_path / "v.h5", iter([VectorMap("a", np.ones((2, 6, 6), np.float32))]), 1)
    assert not list(tmp_path.iterdir())


def test_label_maps_are_told_from_instance_maps(tmp_path, capsys):
    write_png(tmp_path / "labels.png", np.full((8, 8), 2, np.uint16))
    words = ["encode", str(tmp_path / "labels.png"), str(tmp_path / "v"), "--quiet"]
    assert main([*words, "--classes", "1:cell"]) == 0
    warned = capsys.readouterr().err
    assert warned.startswith("dcme encode: warning: all ids are below 1000")
    assert warned.count("\n") == 1


@pytest.mark.parametrize(
    ("values", "classes", "warned"),
    [
        ([1, 2, 3], None, True),
        ([1, 2, 3], ClassMap((1, 2)), True),
        ([1, 2], ClassMap((1, 2)), False),  # crowds of both classes
        ([2], ClassMap((1, 2)), False),
        ([7, 11, 26], CITYSCAPES, False),  # Cityscapes' stuff, and a group
        ([7, 11, 26], None, False),
        ([5, 300], CITYSCAPES, True),  # a part of a large label map
        ([1, 24001], None, False),
        ([], None, False),
    ],
)
def test_stuff_and_groups_alone_are_no_label_map(values, classes, warned):
    ids = np.zeros((4, 4), np.uint16)
    ids.flat[: len(values)] = values
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encode(ids, classes=classes)
    assert [str(one.message)[:23] for one in caught] == ["all ids are below 1000,"] * warned
