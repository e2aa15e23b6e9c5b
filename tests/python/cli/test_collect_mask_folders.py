"""Folders with a file for each mask become a data set."""

import cv2
import numpy as np
import pytest
from dcme.datasets.collect import collect
from support.photographed import CELL, LEFT, RIGHT, SHAPE, collected, label_map


@pytest.mark.parametrize("inside", ["", "masks"])
def test_folders_of_single_masks(photos, masks, tmp_path, inside):
    for name in "abc":
        folder = masks / name / inside
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "1.png"), 255 * LEFT.astype(np.uint8))
        cv2.imwrite(str(folder / "2.png"), 255 * RIGHT.astype(np.uint8))
        cv2.imwrite(str(folder / "empty.png"), np.zeros(SHAPE, np.uint8))
    assert collect(photos, masks, tmp_path / "data", classes=CELL).unused == []
    assert all(
        np.array_equal(ids, 1001 * LEFT + 1002 * RIGHT)
        for ids in collected(tmp_path / "data").values()
    )


def test_single_masks_may_have_any_depth(photos, masks, tmp_path):
    """16-bit masks of 0 and 1 are as good as 8-bit ones of 0 and 255."""
    for name, value in zip("abc", (1, 255, 65535)):
        (masks / name).mkdir()
        cv2.imwrite(str(masks / name / "1.png"), value * LEFT.astype(np.uint16))
        np.save(masks / name / "2.npy", RIGHT)
        colour = np.zeros((*SHAPE, 4), np.uint8)  # opaque black is black
        colour[..., 3] = 255
        cv2.imwrite(str(masks / name / "3.png"), colour)
    done = collect(photos, masks, tmp_path / "data", classes=CELL)
    assert all(
        np.array_equal(ids, 1001 * LEFT + 1002 * RIGHT)
        for ids in collected(tmp_path / "data").values()
    )
    assert done.lost == 3


def test_one_folder_for_each_image_with_all_that_is_of_it(tmp_path):
    for name in ("first", "second"):
        for kind in ("images", "masks"):
            (tmp_path / "raw" / name / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "raw" / name / "images" / f"{name}.png"), np.ones(SHAPE))
        cv2.imwrite(str(tmp_path / "raw" / name / "masks" / "x.png"), 255.0 * LEFT)
    done = collect(tmp_path / "raw", tmp_path / "raw", tmp_path / "data", classes=CELL)
    assert done.images == {"train": 1, "val": 1} and done.instances == {"train": 1, "val": 1}


def nested(root, kind, files):
    """The files of a kind in folders of their own, ``root``/NAME/kind/file."""
    for name, (file, content) in files.items():
        folder = root / name / kind
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / file), content)


def test_the_only_image_of_a_folder_has_the_folders_name(tmp_path):
    raw, labels = tmp_path / "raw", tmp_path / "labels"
    labels.mkdir()
    for i in range(3):
        cv2.imwrite(str(labels / f"n.{i}.png"), label_map())
    nested(raw, "images", {f"n.{i}": ("image.png", np.ones(SHAPE)) for i in range(3)})
    assert collect(raw, labels, tmp_path / "a", classes=CELL).instances == {"train": 4, "val": 2}
    nested(raw, "masks", {f"n.{i}": ("x.png", 255.0 * LEFT) for i in range(3)})
    assert collect(raw, raw, tmp_path / "b", classes=CELL).instances == {"train": 2, "val": 1}
    (raw / "n.0" / "images" / "image.png").rename(raw / "n.0" / "images" / "other.png")
    (raw / "n.1" / "images" / "image.png").rename(raw / "n.1" / "images" / "third.png")
    assert set(collected(tmp_path / "b")) == {"n.0", "n.1", "n.2"}
    assert collect(raw, raw, tmp_path / "c", classes=CELL).instances == {"train": 2, "val": 1}
