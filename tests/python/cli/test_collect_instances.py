"""What is one instance of which class in a map of labels, and what is asked about."""

import cv2
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes
from dcme.datasets.collect import Settings, collect
from PIL import Image
from support.photographed import CELL, LEFT, RIGHT, SHAPE, collected, label_map


@pytest.mark.parametrize("first", [720575940621039145, 2**60 + 1, 2**64 - 70])
def test_values_of_64_bits_are_told_apart(photos, masks, tmp_path, first):
    labels = np.zeros(SHAPE, np.uint64)
    corners = [(r, c) for r in (0, 20) for c in (0, 20)]
    for (row, column), more in zip(corners, (0, 1, 2, 61)):
        labels[row : row + 8, column : column + 8] = np.uint64(first + more)
    for name in "abc":
        np.save(masks / f"{name}.npy", labels)
    assert collect(photos, masks, tmp_path / "data", classes=CELL).instances["train"] == 8


def test_a_plain_foreground_mask_is_asked_about(photos, masks, tmp_path, fails):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), 255.0 * (LEFT | RIGHT))
    line = fails("collect", photos, masks, tmp_path / "data", "--quiet")
    assert "a.png: each value of its foreground (255) is in" in line and "--parts each" in line
    for parts, instances in (("each", 6), ("one", 3)):
        done = collect(
            photos, masks, tmp_path / parts, classes=CELL, settings=Settings(parts=parts, val=0)
        )
        assert done.instances["train"] == instances


def test_some_instances_may_be_in_parts(photos, masks, tmp_path):
    labels = label_map()
    labels[:3, :3] = 7
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), labels)
    assert collect(photos, masks, tmp_path / "data", classes=CELL).instances["train"] == 4


def test_instances_in_parts_are_told_unless_they_are_said_to_be_right(
    photos, masks, tmp_path, capsys
):
    """A map of classes is taken for one of instances where a single class is in one piece."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[20:23, 20:23] = 2
    for name, cells in {"a": 4, "b": 1, "c": 2}.items():
        own = labels.copy()
        for i in range(cells):
            own[8 * i : 8 * i + 4, :4] = 1
        cv2.imwrite(str(masks / f"{name}.png"), own)
    words = ["collect", str(photos), str(masks)]
    assert main([*words, str(tmp_path / "data"), "--quiet"]) == 0
    told = capsys.readouterr().out
    assert f"2 instances in several parts, up to 4 in {masks / 'a.png'}; use --parts each" in told
    for parts in ("one", "each"):
        assert main([*words, str(tmp_path / parts), "--quiet", "--parts", parts]) == 0
        assert "several parts" not in capsys.readouterr().out


def test_thin_instances_are_taken_where_they_are_said_to_be_such(photos, masks, tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    for k in range(1, 5):
        labels[4 * k : 4 * k + 2, 5:50] = k
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), labels)
    done = collect(photos, masks, tmp_path / "data", classes=CELL, settings=Settings(parts="one"))
    assert sum(done.instances.values()) == 12


def test_more_instances_than_an_instance_map_can_number(photos, masks, tmp_path, fails):
    for name in "abc":
        np.save(masks / f"{name}.npy", np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE))
    line = fails("collect", photos, masks, tmp_path / "data", "--parts", "one", "--quiet")
    assert "has 2399 instances of one class, an instance map holds 999" in line


@pytest.fixture
def several_classes(masks):
    """Instance maps with instances of the classes 1 and 2, a group of 2, and stuff."""
    ids = 1007 * LEFT.astype(np.uint16) + 2001 * RIGHT.astype(np.uint16)
    ids[0, :3], ids[1, :3] = 2, 7
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), ids)
    return masks


def test_instance_maps_keep_the_classes_that_are_named(photos, several_classes, tmp_path, fails):
    two = ClassMap([1, 2], ["a", "b"])
    collect(photos, several_classes, tmp_path / "data", classes=two)
    assert read_classes(tmp_path / "data") == two
    for ids in collected(tmp_path / "data").values():
        assert np.array_equal(np.where(ids < 1000, 0, ids), 1001 * LEFT + 2001 * RIGHT)
        assert (ids[0, :3] == 2).all() and not ids[1, :3].any()
    words = ("collect", photos, several_classes, tmp_path / "other", "--quiet", "--classes")
    assert "label 2 is none of the classes (1 a, 3 c)" in fails(*words, "1:a,3:c")


def test_instance_maps_whose_classes_are_lost_are_told(photos, masks, tmp_path, capsys):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), np.where(LEFT, 1007, 2001 * RIGHT).astype("u2"))
    words = ["collect", str(photos), str(masks), "--quiet"]
    assert main([*words, str(tmp_path / "data")]) == 0
    warned = capsys.readouterr().err
    assert f"{masks}: seems to hold instance maps of several classes" in warned
    assert warned.count("\n") == 1
    assert main([*words, str(tmp_path / "same"), "--classes", "1:cell"]) == 0
    assert not capsys.readouterr().err


def palette_maps(masks, labels, colour):
    """Label maps with a palette of 256 colours, all a multiple of this one."""
    picture = Image.fromarray(labels).convert("P")
    picture.putpalette([channel * i // 255 for i in range(256) for channel in colour])
    for name in "abc":
        picture.save(masks / f"{name}.png")


def ringed(*values):
    """Cells of these numbers, each with a contour of 255."""
    labels = np.zeros(SHAPE, np.uint8)
    for cell, value in zip((LEFT, RIGHT), values):
        labels[cv2.dilate(cell.astype(np.uint8), np.ones((7, 7))) > 0] = 255
        labels[cell] = value
    return labels


def test_vocs_void_is_no_instance(photos, masks, tmp_path, capsys):
    palette_maps(masks, ringed(1, 2), (255, 9, 77))
    words = ["collect", str(photos), str(masks), str(tmp_path / "data"), "--quiet"]
    assert main(words) == 0
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "255 is no instance but VOC's void" in told
    for ids in collected(tmp_path / "data").values():
        assert np.array_equal(ids, 1001 * LEFT + 1002 * RIGHT)


@pytest.mark.parametrize(
    ("labels", "colour"),
    [
        (ringed(1, 2), (255, 255, 255)),  # of a palette of greys the greys are the numbers
        (ringed(254, 253), (255, 9, 77)),
        (ringed(255), (255, 9, 77)),
    ],
)
def test_255_is_an_instance_elsewhere(photos, masks, tmp_path, capsys, labels, colour):
    palette_maps(masks, labels, colour)
    words = [
        "collect",
        str(photos),
        str(masks),
        str(tmp_path / "data"),
        "--quiet",
        "--parts",
        "one",
    ]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    for ids in collected(tmp_path / "data").values():
        assert len(np.unique(ids)) == len(np.unique(labels))


@pytest.mark.parametrize("parts", ["each", "one"])
def test_masks_whose_background_is_an_instance_are_warned_of(
    photos, masks, tmp_path, capsys, parts
):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), 255.0 * ~(LEFT | RIGHT))
    words = ["collect", str(photos), str(masks), "--quiet", "--parts", parts]
    assert main([*words, str(tmp_path / "data")]) == 0
    told = capsys.readouterr().err
    assert f"{masks}: in 3 of 3 images an instance covers most of the image" in told
    for name in "ab":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    assert main([*words, str(tmp_path / "mixed")]) == 0
    assert capsys.readouterr().err == ""


def test_small_numbers_are_no_instances_of_several_classes(photos, masks, tmp_path, fails):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    line = fails("collect", photos, masks, tmp_path / "data", "--classes", "3:a,2:b", "--quiet")
    assert "with several --classes their values are 1000 * class + number, e.g. 3001" in line
