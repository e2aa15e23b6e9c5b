"""What ``dcme train`` makes of the data beforehand: their classes, and files that are not whole."""

import json
import os
import shlex
import shutil

import cv2
import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes, write_classes
from dcme.files import read_ids, read_image, write_png
from dcme.training import data_check
from dcme.training.caffe_train import data_layers, read_net
from dcme.training.job import newest_state
from google.protobuf import text_format
from support.small_training import NETS, train

TWO = ClassMap((1, 2), ("a", "b b"))


@pytest.fixture
def copied(data, tmp_path):
    """The data set, to be changed."""
    shutil.copytree(data, tmp_path / "data")
    return tmp_path / "data"


def relabel(data, new_label):
    """Give all instances the label ``new_label(index of their class)``."""
    for path in (data / "instanceIds").rglob("*.png"):
        ids = read_ids(path)
        changed = np.zeros_like(ids)
        for index, label in enumerate(CITYSCAPES.labels):
            own = ids // 1000 == label
            changed[own] = ids[own] - 1000 * label + 1000 * new_label(index)
        write_png(path, changed)


def test_folders_whose_names_are_no_utf8_are_prepared_but_not_trained_in(
    data, tmp_path, fails, monkeypatch
):
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/r\xe9nx")
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    folder = tmp_path / os.fsdecode(b"r\xe9nx")
    assert main(["prepare", str(data), str(folder / "data"), "--quiet"]) == 0
    monkeypatch.chdir(folder)
    told = r"r\xe9nx/data: prototxts, which are in UTF-8, cannot name it; rename it"
    assert told in fails("train", NETS, "data", tmp_path / "run")
    told = r"r\xe9nx/run: prototxts, which are in UTF-8, cannot name it; rename it"
    assert told in fails("train", NETS, data, "run")
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    assert "set a locale that is in UTF-8, e.g. LC_ALL=C.UTF-8" in fails("train", NETS, data, "run")


@pytest.fixture
def two_classes(copied):
    relabel(copied, lambda index: 1 + index % 2)
    write_classes(copied, TWO)
    return copied


def bound_labels(out):
    path = out / "train.prototxt"
    return [list(layer.dcme_data_param.label) for layer, _ in data_layers(read_net(path), path)]


def test_a_net_of_as_many_classes_is_bound_to_those_of_the_data(copied, tmp_path):
    relabel(copied, lambda index: 11 + index)
    other = ClassMap(range(11, 19), list("abcdefgh"))
    write_classes(copied, other)
    for iterations in (1, 2):
        assert train(copied, tmp_path / "r", iterations, "--quiet") == 0
    assert bound_labels(tmp_path / "r") == [other.labels] * 2
    assert read_classes(tmp_path / "r") == other


def test_a_net_of_another_number_of_classes_is_left_to_the_user(two_classes, tmp_path, fails):
    line = fails("train", NETS, two_classes, tmp_path / "r", "--quiet")
    assert "has the classes 1:a,2:b b, but the net scores 8 (24:person," in line
    assert not (tmp_path / "r").exists()
    given = shlex.split(line.partition("an output for each: ")[2])
    assert given == ["--classes", "1:a,2:b b"]
    assert train(two_classes, tmp_path / "r", 1, *given, "--quiet") == 0
    assert read_classes(tmp_path / "r") == TWO


def without_class_outputs(folder):
    """The small net, of which the vectors are left."""
    shutil.copytree(NETS, folder)
    for name in ("train", "deploy"):
        net = read_net(folder / f"{name}.prototxt")
        kept = [layer for layer in net.layer if not layer.name.startswith("grid")]
        for layer in kept:
            if layer.type == "DCMEData":
                del layer.top[2:]
        del net.layer[:]
        net.layer.extend(kept)
        (folder / f"{name}.prototxt").write_text(text_format.MessageToString(net))
    return folder


def test_a_net_without_class_outputs_takes_any_number(two_classes, tmp_path):
    nets = without_class_outputs(tmp_path / "nets")
    assert train(two_classes, tmp_path / "r", 1, "--quiet", nets=nets) == 0
    assert bound_labels(tmp_path / "r") == [[1, 2]] * 2 and read_classes(tmp_path / "r") == TWO


def test_a_net_that_knows_the_classes_of_the_data_stays_as_it_is(copied, tmp_path):
    write_classes(copied, ClassMap(CITYSCAPES.labels[::-1], CITYSCAPES.names[::-1]))
    assert train(copied, tmp_path / "r", 1, "--quiet") == 0
    assert bound_labels(tmp_path / "r") == [[]] * 2 and read_classes(tmp_path / "r") == CITYSCAPES


@pytest.mark.parametrize(("named", "name"), [(True, "b b"), (False, "class2")])
def test_a_label_that_is_none_of_the_classes_is_told_before(
    two_classes, tmp_path, fails, named, name
):
    if not named:
        (two_classes / "classes.json").unlink()
    line = fails("train", NETS, two_classes, tmp_path / "r", "--classes", "1:a", "--quiet")
    assert ".png: holds instances of class label 2, which is none of the net's classes" in line
    given = shlex.split(line.partition("all classes of the data: ")[2])
    assert given == ["--classes", f"1:a,2:{name}"]
    assert not (tmp_path / "r" / "train.log").exists()


def test_ids_beyond_all_labels_are_told_before(copied, tmp_path, fails):
    path = next((copied / "instanceIds" / "train").glob("*.png"))
    write_png(path, np.full_like(read_ids(path), 65001))
    line = fails("train", NETS, copied, tmp_path / "r", "--quiet")
    assert f"{path.name}: holds ids from 65000 on" in line and "labels of classes end at 64" in line


@pytest.mark.parametrize("folder", ["images", "instanceIds"])
def test_a_file_that_is_cut_off_is_found_before_anything_runs(copied, tmp_path, fails, folder):
    path = max((copied / folder / "train").glob("*.png"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    line = fails("train", NETS, copied, tmp_path / "r", "--quiet")
    assert f"{path}: is cut off" in line and not (tmp_path / "r" / "train.log").exists()
    path.write_bytes(whole)
    assert train(copied, tmp_path / "r", 1, "--quiet") == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda image: image.astype(np.uint16), "has 16 bits a channel"),
        (lambda image: image[1:], "its image is"),
        (None, "is damaged, or no image"),
    ],
)
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_images_that_cannot_be_trained_on_are_found_before(
    copied, tmp_path, fails, damage, message, ending
):
    path = max((copied / "images" / "train").glob("*.png"))
    changed = path.with_suffix(ending)
    image = read_image(path)
    path.unlink()
    changed.write_bytes(b"")
    if damage is not None:
        cv2.imwrite(str(changed), damage(image))
    rows = (copied / "train.txt").read_text()
    (copied / "train.txt").write_text(rows.replace(path.name + " ", changed.name + " "))
    line = fails("train", NETS, copied, tmp_path / "r", "--quiet")
    assert message in line and path.stem in line
    assert not (tmp_path / "r" / "train.log").exists()


def test_what_was_checked_is_not_read_again_until_it_changes(copied, tmp_path, monkeypatch):
    read, plain = [], data_check._labels

    def counted(sample):
        read.append(sample.name)
        return plain(sample)

    monkeypatch.setattr(data_check, "_labels", counted)
    assert train(copied, tmp_path / "r", 1, "--quiet", "--held-out", 0) == 0
    assert len(read) == len(set(read)) == 3
    assert train(copied, tmp_path / "r", 2, "--quiet", "--held-out", 0) == 0
    assert len(read) == 3
    path = next((copied / "instanceIds" / "train").glob("*.png"))
    write_png(path, np.full_like(read_ids(path), 24001))
    assert train(copied, tmp_path / "r", 3, "--quiet", "--held-out", 0) == 0
    assert len(read) == 6
    (tmp_path / "r" / "checked_data.json").write_text("[]")
    assert train(copied, tmp_path / "r", 4, "--quiet", "--held-out", 0) == 0
    assert len(read) == 9


def test_training_goes_on_after_an_error_where_it_stopped(copied, tmp_path, fails, capsys):
    """An image whose end is there and whose middle is not: only the training reads that."""
    nets = tmp_path / "nets"
    shutil.copytree(NETS, nets)
    text = (nets / "train.prototxt").read_text()
    (nets / "train.prototxt").write_text(text.replace("shuffle: true", "shuffle: false"))
    rows = (copied / "train.txt").read_text().splitlines()
    (copied / "train.txt").write_text("".join(f"{row}\n" for row in rows[:2] * 10 + rows[2:]))
    path = copied / rows[2].split()[0]
    whole = path.read_bytes()
    at = whole.index(b"IDAT") + 40
    path.write_bytes(whole[:at] + bytes(200) + whole[at + 200 :])
    line = fails("train", nets, copied, tmp_path / "r", "--quiet", "--iterations", 30)
    state, iteration = newest_state(tmp_path / "r")
    assert 0 < iteration < 21 and path.name in line and line.count("error: ") == 1
    assert line.endswith(f"; then run the same command to continue from {state.name}\n")
    path.write_bytes(whole)
    assert train(copied, tmp_path / "r", 30, nets=nets) == 0
    assert f"continuing from {state}" in capsys.readouterr().out


def test_the_thresholds_of_the_nets_go_along(copied, tmp_path):
    nets, told = tmp_path / "nets", tmp_path / "r" / "decoding.json"
    shutil.copytree(NETS, nets)
    assert train(copied, tmp_path / "r", 1, "--quiet", nets=nets) == 0 and not told.exists()
    (nets / "decoding.json").write_text('{"dt": 3}')
    assert train(copied, tmp_path / "r", 2, "--quiet", nets=nets) == 0
    assert json.loads(told.read_text()) == {"dt": 3}
    told.write_text('{"dt": 5}')
    assert train(copied, tmp_path / "r", 3, "--quiet", nets=nets) == 0
    assert json.loads(told.read_text()) == {"dt": 5}


def test_data_without_any_instance_are_told_before(copied, tmp_path, fails):
    """As label maps 0, 1, 2, ... are, saved with 16 bits."""
    for path in (copied / "instanceIds").rglob("*.png"):
        write_png(path, read_ids(path) // 1000)
    for _ in range(2):  # no earlier check hides it
        line = fails("train", NETS, copied, tmp_path / "r", "--quiet")
        assert "holds no instance (ids from 1000 on), nor does any of 3 others; of label" in line
        assert "dcme collect makes instance maps" in line
        assert not (tmp_path / "r" / "train.log").exists()
