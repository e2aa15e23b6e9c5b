"""Images are cut into tiles, and divided between training and validation."""

import cv2
import numpy as np
from dcme.cli import main
from dcme.datasets.collect import Settings, collect, split_names, tiles
from support.photographed import CELL, LEFT, RIGHT, collected, label_map


def test_tiles_are_few_and_about_equal():
    assert tiles((40, 60), None) == tiles((40, 60), (40, 60)) == [(slice(0, 40), slice(0, 60))]
    sizes = {(r.stop - r.start, c.stop - c.start) for r, c in tiles((41, 61), (40, 30))}
    assert sizes == {(20, 20), (20, 21), (21, 20), (21, 21)}


def test_large_images_are_cut_into_tiles_with_their_masks(photos, masks, tmp_path, capsys):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    words = ["collect", photos, masks, tmp_path / "data", "--tile", "64x16", "--val-share", "0.4"]
    assert main([str(word) for word in (*words, "--quiet")]) == 0
    assert "train.txt: 8 images, 8 instances\n" in capsys.readouterr().out
    ids = collected(tmp_path / "data")
    whole = [f"{name}_y0_x{left}" for name in "abc" for left in (0, 15, 30, 45)]
    assert sorted(ids) == sorted(whole)
    for left in (0, 15, 30, 45):
        part = np.s_[:, left : left + 15]
        number = 1000 + (1 + LEFT[part].any()) * RIGHT[part]
        assert np.array_equal(ids[f"b_y0_x{left}"], LEFT[part] * 1001 + RIGHT[part] * number)
    for split in ("train", "val"):
        lines = (tmp_path / "data" / f"{split}.txt").read_text().splitlines()
        images = [line.split("_y0")[0] for line in lines]
        assert {images.count(image) for image in images} == {4}, "parts of an image in both lists"


def test_tiles_of_the_only_image_are_divided(photos, masks, tmp_path):
    for name in "bc":
        (photos / f"{name}.jpg").unlink()
    cv2.imwrite(str(masks / "a.png"), label_map())
    done = collect(photos, masks, tmp_path / "data", classes=CELL, settings=Settings(tile=(20, 20)))
    assert done.images == {"train": 5, "val": 1} and done.lost == 0


def test_a_tile_of_the_name_of_an_image_is_told(photos, masks, tmp_path, fails):
    cv2.imwrite(str(photos / "b_y0_x0.jpg"), np.zeros((40, 30)))
    for name in ("a", "b", "c", "b_y0_x0"):
        cv2.imwrite(str(masks / f"{name}.png"), label_map()[:, : 30 if "_" in name else 60])
    line = fails("collect", photos, masks, tmp_path / "data", "--tile", "40x30", "--quiet")
    assert "would share the name 'b_y0_x0'" in line


def test_splits_are_disjoint_and_of_the_seed():
    names = [f"{k}" for k in range(10)]
    parts = split_names(names, 0.3, seed=4)
    assert sorted(parts["train"] + parts["val"]) == names and len(parts["val"]) == 3
    assert split_names(names, 0.3, seed=4) == parts != split_names(names, 0.3, seed=5)
    assert split_names(names, 0, seed=4) == {"train": names}


def test_a_single_image_is_for_training(photos, masks, tmp_path, capsys):
    for name in "bc":
        (photos / f"{name}.jpg").unlink()
    cv2.imwrite(str(masks / "a.png"), label_map())
    assert main(["collect", str(photos), str(masks), str(tmp_path / "data"), "--quiet"]) == 0
    assert not (tmp_path / "data" / "val.txt").exists()
    assert "val.txt" not in capsys.readouterr().out
