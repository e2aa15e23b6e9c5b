"""Images and masks in the forms that people have them become a data set."""

import cv2
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes
from dcme.datasets.collect import Settings, collect, split_names, tiles
from dcme.datasets.mask_folders import thin_values
from dcme.datasets.regions import Region, instance_map, overlaid, regions_of_values
from dcme.datasets.samples import cityscapes_split, read_folder
from dcme.errors import UserError
from support.photographed import LEFT, RIGHT, SHAPE, collected, disc, label_map

CELL = ClassMap((1,), ("cell",))


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


def test_smaller_masks_lie_on_top():
    regions = [Region(1, disc(20, 20, 3)), Region(1, disc(20, 20, 9))]
    ids = instance_map(overlaid(regions, SHAPE), regions, "x")
    assert ids[20, 20] == 1001 and ids[20, 27] == 1002


def test_a_class_has_at_most_999_instances_in_an_image():
    pixels = [Region(1, np.ones((1, 1), bool), left=k) for k in range(1000)]
    seen = overlaid(pixels, (1, 1000))
    assert instance_map(seen[:, :999], pixels, "x").max() == 1999
    assert instance_map(seen[:, 1:], pixels, "x").max() == 1999
    with pytest.raises(UserError, match=r"x: has 1000 instances of one class.* --tile"):
        instance_map(seen, pixels, "x")


@pytest.mark.parametrize("first", [720575940621039145, 2**60 + 1, 2**64 - 70])
def test_values_of_64_bits_are_told_apart(photos, masks, tmp_path, first):
    labels = np.zeros(SHAPE, np.uint64)
    corners = [(r, c) for r in (0, 20) for c in (0, 20)]
    for (row, column), more in zip(corners, (0, 1, 2, 61)):
        labels[row : row + 8, column : column + 8] = np.uint64(first + more)
    for name in "abc":
        np.save(masks / f"{name}.npy", labels)
    assert collect(photos, masks, tmp_path / "data", classes=CELL).instances["train"] == 8


def test_thin_values_of_64_bits_are_told_apart():
    labels = np.zeros((20, 20), np.uint64)
    labels[1:6, 1:6], labels[8], labels[12, :9] = 2**60, 2**60 + 1, 2**60 + 2
    assert thin_values(labels).tolist() == [2**60 + 1, 2**60 + 2]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int64, np.float32, bool])
def test_values_of_a_label_map_are_found_as_one_by_one(kind):
    random = np.random.default_rng(3)
    for share in (0.9, 0.5, 0):
        labels = (random.integers(1, 9, (13, 17)) * (random.random((13, 17)) < share)).astype(kind)
        found = regions_of_values(3, labels)
        one_by_one = [Region.of_mask(3, labels == v) for v in np.unique(labels) if v]
        assert len(found) == len(one_by_one)
        for region, other in zip(found, one_by_one):
            assert (region.label, region.top, region.left) == (3, other.top, other.left)
            assert np.array_equal(region.mask, other.mask)


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


def test_regions_keep_no_more_of_the_image_than_they_cover():
    mask = disc(20, 20, 4) | disc(30, 50, 3)
    whole = Region.of_mask(1, mask)
    assert whole.mask.shape == (18, 38)
    assert [part.mask.shape for part in whole.parts()] == [(9, 9), (7, 7)]
    for regions in ([whole], whole.parts()):
        painted = np.zeros(SHAPE, np.uint16)
        for region in regions:
            region.paint(painted, 1)
        assert np.array_equal(painted, mask)
    assert Region.of_mask(1, np.zeros(SHAPE, bool)).parts() == []
    assert len(Region.of_mask(1, np.eye(3, dtype=bool)).parts()) == 1, "corners touch"


def test_splits_are_disjoint_and_of_the_seed():
    names = [f"{k}" for k in range(10)]
    parts = split_names(names, 0.3, seed=4)
    assert sorted(parts["train"] + parts["val"]) == names and len(parts["val"]) == 3
    assert split_names(names, 0.3, seed=4) == parts != split_names(names, 0.3, seed=5)
    assert split_names(names, 0, seed=4) == {"train": names}


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
    assert f"2 instances in several parts, up to 4 in {masks / 'a.png'}; --parts each" in told
    for parts in ("one", "each"):
        assert main([*words, str(tmp_path / parts), "--quiet", "--parts", parts]) == 0
        assert "several parts" not in capsys.readouterr().out


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


def test_other_files_are_not_mixed_with(photos, masks, tmp_path, fails):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.txt").write_text("")
    for out in (tmp_path / "data", tmp_path / "data" / "train.txt"):
        assert "not an empty folder" in fails("collect", photos, masks, out)


def test_what_an_interrupted_call_left_is_taken_over(photos, masks, tmp_path):
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    (tmp_path / "data" / "images").mkdir(parents=True)
    collect(photos, masks, tmp_path / "data", classes=CELL)
    assert set(collected(tmp_path / "data")) == set("abc")


def test_more_instances_than_an_instance_map_can_number(photos, masks, tmp_path, fails):
    for name in "abc":
        np.save(masks / f"{name}.npy", np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE))
    line = fails("collect", photos, masks, tmp_path / "data", "--parts", "one", "--quiet")
    assert "has 2399 instances of one class, an instance map holds 999" in line


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


def test_thin_instances_are_taken_where_they_are_said_to_be_such(photos, masks, tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    for k in range(1, 5):
        labels[4 * k : 4 * k + 2, 5:50] = k
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), labels)
    done = collect(photos, masks, tmp_path / "data", classes=CELL, settings=Settings(parts="one"))
    assert sum(done.instances.values()) == 12


def test_no_instance_at_all_is_a_mistake(photos, masks, tmp_path, fails):
    for name in "abc":
        (masks / name).mkdir()
        (masks / name / ".hidden").touch()
    line = fails("collect", photos, masks, tmp_path / "data", "--quiet")
    assert "there is no instance in any of the 3 images" in line
    assert not (tmp_path / "data").exists()
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "images" / "mine.png").touch()
    fails("collect", photos, masks, tmp_path / "data", "--quiet")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["images"]
    assert (tmp_path / "data" / "images" / "mine.png").exists()


def test_names_with_blanks_are_read_again(photos, masks, tmp_path):
    (photos / "a.jpg").rename(photos / "my a.jpg")
    for name in ("my a", "b", "c"):
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    collect(photos, masks, tmp_path / "data", classes=CELL)
    assert set(collected(tmp_path / "data")) == {"my a", "b", "c"}


def test_a_single_image_is_for_training(photos, masks, tmp_path, capsys):
    for name in "bc":
        (photos / f"{name}.jpg").unlink()
    cv2.imwrite(str(masks / "a.png"), label_map())
    assert main(["collect", str(photos), str(masks), str(tmp_path / "data"), "--quiet"]) == 0
    assert not (tmp_path / "data" / "val.txt").exists()
    assert "val.txt" not in capsys.readouterr().out


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
