"""Images and masks in the forms that people have them become a data set."""

import cv2
import numpy as np
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes
from dcme.datasets.collect import collect
from dcme.datasets.samples import cityscapes_split, read_folder
from support.photographed import CELL, LEFT, RIGHT, SHAPE, collected, label_map


def test_what_comes_next_is_told(photos, masks, tmp_path, capsys):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    out = tmp_path / "data"
    assert main(["collect", str(photos), str(masks), str(out)]) == 0
    told = capsys.readouterr().out
    assert told.endswith(f"classes: 1:object\nnext: dcme train prototxt/nuclei {out} runs/data\n")


def test_label_maps_of_any_kind_are_numbered_anew(photos, masks, tmp_path, capsys):
    cv2.imwrite(str(masks / "a.png"), label_map())
    cv2.imwrite(str(masks / "b_masks.tif"), label_map().astype(np.float32))
    np.save(masks / "c.labels.npy", label_map().astype(np.int64))
    out = tmp_path / "data"
    words = ["collect", photos, masks, out, "--classes", "2:cell", "--val-share", "0.4", "--quiet"]
    assert main([str(word) for word in words]) == 0
    assert capsys.readouterr().out == (
        f"{out}/train.txt: 2 images, 4 instances\n{out}/val.txt: 1 image, 2 instances\n"
        "classes: 2:cell\n"
    )
    assert read_classes(out) == ClassMap([2], ["cell"])
    assert main(["prepare", str(out), str(tmp_path / "copy"), "--quiet"]) == 0
    assert main(["encode", str(out / "val.txt"), str(tmp_path / "vectors"), "--quiet"]) == 0
    assert (
        read_classes(tmp_path / "copy") == read_classes(tmp_path / "vectors") == read_classes(out)
    )
    for ids in collected(out).values():
        assert np.array_equal(ids, 2001 * LEFT + 2002 * RIGHT)


def test_hidden_files_are_no_images_and_no_masks(photos, masks, tmp_path):
    """macOS leaves a ``._a.png`` beside an ``a.png`` on drives of others."""
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
        (masks / f"._{name}.png").write_bytes(b"Mac OS X")
        (photos / f"._{name}.jpg").write_bytes(b"Mac OS X")
    assert sum(collect(photos, masks, tmp_path / "data").images.values()) == 3
    assert [sample.name for sample in read_folder(photos)] == ["a", "b", "c"]
    scene = tmp_path / "city" / "leftImg8bit" / "val" / "x"
    scene.mkdir(parents=True)
    for name in ("a_leftImg8bit.png", "._a_leftImg8bit.png"):
        (scene / name).write_bytes(b"")
    assert [sample.name for sample in cityscapes_split(tmp_path / "city", "val")] == ["a"]


def test_images_of_16_bits_are_stretched_between_the_levels(photos, masks, tmp_path):
    deep = np.linspace(0, 5000, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype(np.uint16)
    for name in "abc":
        (photos / f"{name}.jpg").unlink()
        cv2.imwrite(str(photos / f"{name}.tif"), deep)
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    words = ["collect", photos, masks, tmp_path / "data", "--levels", "1000,4000", "--quiet"]
    assert main([str(word) for word in words]) == 0
    written = cv2.imread(str(tmp_path / "data/images/a.png"))
    expected = np.clip((deep.astype(float) - 1000) * 255 / 3000, 0, 255)
    assert np.abs(written - expected[..., None]).max() <= 0.5 + 1e-4
    assert written.min() == 0 and written.max() == 255


def test_wrong_folders_and_classes_are_named(photos, masks, tmp_path, fails):
    out, none = tmp_path / "data", tmp_path / "none"
    assert "none: no such folder of images" in fails("collect", none, masks, out)
    assert "none: no such folder or file of masks" in fails("collect", photos, none, out)
    line = fails("collect", photos, photos / "a.jpg", out)
    assert "a.jpg: masks are a folder, or a COCO file (.json)" in line
    (masks / "a").mkdir()
    cv2.imwrite(str(masks / "a" / "1.png"), 255 * LEFT.astype(np.uint8))
    for name in "bc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    line = fails("collect", photos, masks, out, "--classes", "1:a,2:b")
    assert f"{masks / 'a'}: single masks are of exactly one class" in line


def test_a_mask_belongs_to_the_image_of_the_longest_name_it_begins_with(tmp_path, fails):
    folder, masks = tmp_path / "photos", tmp_path / "masks"
    folder.mkdir()
    masks.mkdir()
    for name in ("a", "a_1"):
        cv2.imwrite(str(folder / f"{name}.png"), np.full(SHAPE, 90, np.uint8))
    cv2.imwrite(str(masks / "a_1_mask.png"), 7.0 * LEFT)
    assert "a.png: no masks in" in fails("collect", folder, masks, tmp_path / "data", "--quiet")
    cv2.imwrite(str(masks / "a_mask.png"), 7.0 * LEFT + 8.0 * RIGHT)
    collect(folder, masks, tmp_path / "data", classes=CELL)
    ids = collected(tmp_path / "data")
    assert np.unique(ids["a"]).tolist() == [0, 1001, 1002]
    assert np.unique(ids["a_1"]).tolist() == [0, 1001]


def test_what_was_not_used_is_told(photos, masks, tmp_path, capsys):
    for name in "abcd":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    (masks / "e").mkdir()
    words = ["collect", photos, masks, tmp_path / "data", "--quiet"]
    assert main([str(word) for word in words]) == 0
    assert "2 in " in (out := capsys.readouterr().out) and "no image: d.png, e\n" in out


def test_no_instance_at_all_is_a_mistake(photos, masks, tmp_path, fails):
    for name in "abc":
        (masks / name).mkdir()
        (masks / name / ".hidden").touch()
    line = fails("collect", photos, masks, tmp_path / "data", "--quiet")
    assert "there is no instance in any of the 3 images" in line
    assert not (tmp_path / "data").exists()


def test_names_with_blanks_are_read_again(photos, masks, tmp_path):
    (photos / "a.jpg").rename(photos / "my a.jpg")
    for name in ("my a", "b", "c"):
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    collect(photos, masks, tmp_path / "data", classes=CELL)
    assert set(collected(tmp_path / "data")) == {"my a", "b", "c"}
