"""Reducing data sets, and the one line that bad input is answered by."""

import shutil

import cv2
import dcme
import lmdb
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes, write_classes
from dcme.datasets.prepare import Pairs, prepare, write_balanced_list
from dcme.datasets.samples import find_samples
from dcme.errors import UserError
from dcme.files import read_ids, read_image
from support.times import age, renewed

from caffe.proto import caffe_pb2


def records_of(database):
    """What an LMDB holds, by key."""
    with lmdb.open(str(database), readonly=True) as environment:
        with environment.begin() as transaction:
            return dict(transaction.cursor())


def make_pair(root, name, shape=(32, 48), ids_shape=None, dtype=np.uint16):
    rng = np.random.default_rng(3)
    ids = np.zeros(ids_shape or shape, dtype)
    ids[4:20, 6:30] = 1001 if dtype == np.uint16 else 7
    cv2.imwrite(str(root / f"{name}.png"), rng.integers(0, 255, (*shape, 3), np.uint8))
    cv2.imwrite(str(root / f"{name}_ids.png"), ids)
    return f"{name}.png {name}_ids.png\n"


@pytest.fixture
def listed(tmp_path):
    """A folder with a list of one good pair; returns the folder."""
    root = tmp_path / "data"
    root.mkdir()
    (root / "train.txt").write_text(make_pair(root, "good"))
    return root


def test_images_are_reduced_by_area_and_ids_by_the_protocol(city, tmp_path):
    done = prepare(city, tmp_path / "out", size=(40, 90), workers=2)
    assert done == {"train": Pairs(0, 3), "val": Pairs(0, 2)}
    for split in done:
        originals = find_samples(city, split)
        reduced = find_samples(tmp_path / "out" / f"{split}.txt")
        assert [s.name for s in originals] == [s.name for s in reduced]
        for before, after in zip(originals, reduced):
            image = cv2.resize(read_image(before.image), (90, 40), interpolation=cv2.INTER_AREA)
            assert np.array_equal(read_image(after.image), image)
            ids = dcme.reduce_ids(read_ids(before.ids), (40, 90))
            assert np.array_equal(read_ids(after.ids), ids)


def test_the_classes_of_a_data_set_go_along(listed, tmp_path):
    write_classes(listed, ClassMap((1,), ("cell",)))
    prepare(listed, tmp_path / "out", splits=("train",))
    assert read_classes(tmp_path / "out") == ClassMap((1,), ("cell",))


def test_a_balanced_list_without_rare_classes_is_refused(listed, tmp_path, fails):
    prepare(listed / "train.txt", tmp_path / "out")
    with pytest.raises(UserError, match=r"train\.txt: none of its 1 images has .* labels 27, 28"):
        write_balanced_list(tmp_path / "out", rare=[27, 28])
    assert not (tmp_path / "out" / "train_balanced.txt").exists()


def test_a_split_of_the_users_that_is_called_balanced_is_kept_as_it_is(listed, tmp_path):
    shutil.copy(listed / "train.txt", listed / "train_balanced.txt")
    for name in ("good", "other"):
        (listed / "train.txt").write_text(make_pair(listed, name))
        prepare(listed, tmp_path / "out", splits=("train", "train_balanced"))
        (sample,) = find_samples(tmp_path / "out" / "train_balanced.txt")
        assert sample.name == "good" and sample.image.parent.name == "train_balanced"


@pytest.mark.parametrize("replaced", ["good.png", "good_ids.png"])
def test_pairs_of_originals_that_have_changed_are_made_anew(listed, tmp_path, capsys, replaced):
    def prepared():
        assert main(["prepare", str(listed / "train.txt"), str(tmp_path / "out"), "--quiet"]) == 0
        (sample,) = find_samples(tmp_path / "out" / "train.txt")
        return read_image(sample.image), read_ids(sample.ids)

    prepared()
    assert "1 image: 0 kept, 1 new" in capsys.readouterr().out
    before = prepared()
    assert "1 image: 1 kept, 0 new" in capsys.readouterr().out
    pixels = cv2.imread(str(listed / replaced), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(listed / replaced), np.roll(pixels, 3, axis=1))
    after = prepared()
    assert "1 image: 0 kept, 1 new" in capsys.readouterr().out
    changed = [not np.array_equal(a, b) for a, b in zip(before, after)]
    assert changed == [replaced == "good.png", replaced == "good_ids.png"]


def test_a_list_may_repeat_an_image(listed, tmp_path):
    row = (listed / "train.txt").read_text()
    (listed / "train.txt").write_text(3 * row)
    done = prepare(listed / "train.txt", tmp_path / "out", size=(16, 24), lmdb=True, workers=4)
    assert done == {"train": Pairs(0, 1)}
    assert len(find_samples(tmp_path / "out" / "train.txt")) == 3
    assert len(records_of(tmp_path / "out" / "train_lmdb")) == 6


def test_what_was_made_of_pairs_that_have_changed_is_made_anew(listed, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare(listed / "train.txt", out, lmdb=True)
    write_balanced_list(out, rare=[1])
    derived = age([out / "train_lmdb" / "data.mdb", out / "train_balanced.txt"])
    prepare(listed / "train.txt", out)
    assert not renewed(derived), "nothing has changed"
    ids = read_ids(listed / "good_ids.png")
    cv2.imwrite(str(listed / "good_ids.png"), np.where(ids == 1001, np.uint16(27001), ids))
    prepare(listed / "train.txt", out)
    datum = caffe_pb2.Datum.FromString(records_of(out / "train_lmdb")[b"00000000.ids"])
    assert datum.data == (out / "instanceIds/train/good.png").read_bytes()
    assert len(find_samples(out / "train_balanced.txt")) == 3, "a truck makes an image rare"
    with open(listed / "train.txt", "a") as stream:
        stream.write(make_pair(listed, "more"))
    prepare(listed / "train.txt", out)
    assert len(records_of(out / "train_lmdb")) == 4
    assert len(find_samples(out / "train_balanced.txt")) == 4
    (listed / "train.txt").write_text(make_pair(listed, "more"))

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dcme.datasets.prepare.prepare_sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(listed / "train.txt", out)
    assert not any(path.exists() for path in derived), "better none than those of other pairs"


@pytest.mark.parametrize("missing", [0, -1])
def test_a_second_call_does_only_what_is_missing(city, tmp_path, missing):
    out = tmp_path / "out"
    prepare(city, out, size=(64, 128))
    files = age(sorted(out.rglob("*.png")))
    files[missing].unlink()
    prepare(city, out, size=(64, 128))
    assert files[missing] in (written := renewed(files)) and len(written) <= 2


def test_without_a_size_images_of_different_sizes_pass_as_they_are(listed, tmp_path):
    with open(listed / "train.txt", "a") as stream:
        stream.write(make_pair(listed, "small", (20, 40)))
    assert prepare(listed / "train.txt", tmp_path / "out") == {"train": Pairs(0, 2)}
    shapes = [read_ids(s.ids).shape for s in find_samples(tmp_path / "out" / "train.txt")]
    assert shapes == [(32, 48), (20, 40)]


def test_an_unfinished_write_leaves_nothing_behind(tmp_path, monkeypatch):
    from dcme import files

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(tmp_path / "list.txt", "half")
    assert list(tmp_path.iterdir()) == []


def test_wrong_path(fails, tmp_path):
    assert "no such file or folder" in fails("prepare", tmp_path / "nowhere", tmp_path / "out")


def test_folder_that_is_no_data_set(fails, tmp_path):
    (tmp_path / "x").mkdir()
    assert "neither a Cityscapes tree" in fails("prepare", tmp_path / "x", tmp_path / "out")


def test_empty_list(fails, tmp_path):
    (tmp_path / "train.txt").write_text("\n")
    assert "list is empty" in fails("prepare", tmp_path / "train.txt", tmp_path / "out")


def test_image_without_its_mask(fails, listed, tmp_path):
    (listed / "good_ids.png").unlink()
    line = fails("prepare", listed / "train.txt", tmp_path / "out")
    assert "good_ids.png" in line and "no such instance map" in line
    (listed / "train.txt").write_text("good.png\n")
    assert "no instance map for this image" in fails(
        "prepare", listed / "train.txt", tmp_path / "out"
    )


def test_cityscapes_image_without_its_mask(fails, city, tmp_path):
    copy = tmp_path / "city"
    shutil.copytree(city, copy)
    next(copy.rglob("gtFine/val/*/*instanceIds.png")).unlink()
    assert "no instance map for this image" in fails("prepare", copy, tmp_path / "out")


def test_sizes_that_differ(fails, listed, tmp_path):
    make_pair(listed, "good", ids_shape=(32, 40))
    line = fails("prepare", listed / "train.txt", tmp_path / "out")
    assert "good_ids.png" in line and "32x40" in line and "32x48" in line


def test_eight_bit_instance_map(fails, listed, tmp_path):
    make_pair(listed, "good", dtype=np.uint8)
    assert "16-bit" in fails("prepare", listed / "train.txt", tmp_path / "out")


def test_truncated_png(fails, listed, tmp_path):
    path = listed / "good.png"
    path.write_bytes(path.read_bytes()[:-100])
    line = fails("prepare", listed / "train.txt", tmp_path / "out")
    assert "good.png: is cut off" in line


def test_growing_is_refused(fails, listed, tmp_path):
    for size in ("64x64", "64x8", "8x64"):
        line = fails("prepare", listed / "train.txt", tmp_path / "out", "--size", size)
        assert f"cannot be reduced to {size}" in line


def test_a_folder_prepared_otherwise_is_left_alone(fails, listed, tmp_path):
    assert main(["prepare", str(listed / "train.txt"), str(tmp_path / "out"), "--quiet"]) == 0
    line = fails("prepare", listed / "train.txt", tmp_path / "out", "--size", "16x24")
    assert "choose another folder" in line
    line = fails("prepare", listed / "train.txt", listed)
    assert "is not empty and holds no prepare.json; choose another folder" in line
    (tmp_path / "out" / "prepare.json").write_text("{")
    line = fails("prepare", listed / "train.txt", tmp_path / "out")
    assert f"prepare.json: is damaged; delete {tmp_path / 'out'} and start again" in line


def test_an_lmdb_holds_maps_as_files_and_images_as_planes(listed, tmp_path):
    prepare(listed / "train.txt", tmp_path / "out", lmdb=True)
    prepare(listed / "train.txt", tmp_path / "out", lmdb=True)
    records = records_of(tmp_path / "out" / "train_lmdb")
    assert sorted(records) == [b"00000000.ids", b"00000000.image"]
    datum = caffe_pb2.Datum.FromString(records[b"00000000.ids"])
    assert (datum.channels, datum.height, datum.width, datum.encoded) == (1, 32, 48, True)
    assert datum.data == (tmp_path / "out/instanceIds/train/good.png").read_bytes()
    datum = caffe_pb2.Datum.FromString(records[b"00000000.image"])
    assert (datum.channels, datum.height, datum.width, datum.encoded) == (3, 32, 48, False)
    image = read_image(tmp_path / "out/images/train/good.png")
    assert datum.data == image.transpose(2, 0, 1).tobytes()


def test_an_lmdb_grows_with_what_is_written(listed, tmp_path, monkeypatch):
    monkeypatch.setattr("dcme.datasets.lmdb_file._FIRST_SIZE", 32 << 10)
    for k in range(9):
        with (listed / "train.txt").open("a") as file:
            file.write(make_pair(listed, f"more{k}"))
    prepare(listed / "train.txt", tmp_path / "out", lmdb=True)
    with lmdb.open(str(tmp_path / "out" / "train_lmdb"), readonly=True) as environment:
        assert environment.stat()["entries"] == 20


def test_a_call_that_was_refused_leaves_the_folder_to_the_next(fails, listed, tmp_path):
    fails("prepare", listed / "train.txt", tmp_path / "out", "--size", "64x64", "--quiet")
    words = ["prepare", listed / "train.txt", tmp_path / "out", "--size", "16x24", "--quiet"]
    assert main([str(word) for word in words]) == 0


def test_names_with_blanks_are_listed_so_that_they_can_be_read(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    make_pair(root, "a b")
    (root / "train.txt").write_text("a b.png\ta b_ids.png\n")
    prepare(root / "train.txt", tmp_path / "out")
    (sample,) = find_samples(tmp_path / "out" / "train.txt")
    assert sample.name == "a b" and sample.ids_path().is_file()


def test_the_first_id_of_label_1_is_an_instance_in_reduced_maps_too(listed, tmp_path):
    ids = np.zeros((32, 48), np.uint16)
    ids[:16], ids[16:, 24:] = 1000, 1001
    cv2.imwrite(str(listed / "good_ids.png"), ids)
    prepare(listed / "train.txt", tmp_path / "out", size=(16, 24))
    (sample,) = find_samples(tmp_path / "out" / "train.txt")
    assert np.unique(read_ids(sample.ids)).tolist() == [0, 1000, 1001]


def test_maps_without_any_instance_are_told(listed, tmp_path, capsys):
    path = listed / "good_ids.png"
    cv2.imwrite(str(path), (read_ids(path) > 0).astype(np.uint16))
    words = ["prepare", str(listed / "train.txt"), str(tmp_path / "out"), "--quiet"]
    for warnings in (1, 0):  # what is kept is not read
        assert main(words) == 0
        assert capsys.readouterr().err.count("good_ids.png: holds no instance") == warnings


def test_sides_that_were_swapped_are_told(city, tmp_path, capsys):
    assert main(["prepare", str(city), str(tmp_path / "a"), "--size", "64x32", "--quiet"]) == 0
    told = capsys.readouterr().err
    assert told == (
        "dcme prepare: warning: 64x32 (height x width) has other proportions than the images: they "
        "are squeezed\n"
    )
    assert main(["prepare", str(city), str(tmp_path / "b"), "--size", "40x90", "--quiet"]) == 0
    assert not capsys.readouterr().err
