"""The synthetic street scenes: formats, reproducibility, and what they must contain."""

import cv2
import numpy as np
import pytest
from dcme.classes import CITYSCAPES
from dcme.cli import main
from dcme.errors import UserError
from dcme.labels import LABEL_ID
from dcme.synth import render_scene, write_dataset

SIZE = (96, 192)


@pytest.fixture(scope="module")
def scenes():
    return [render_scene((7, 0, index), SIZE) for index in range(24)]


def files_of(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.png")}


def test_layout_and_formats_are_those_of_cityscapes(tmp_path):
    write_dataset(tmp_path, train=2, val=1, size=SIZE)
    images = sorted((tmp_path / "leftImg8bit").glob("*/*/*_leftImg8bit.png"))
    assert [path.parts[-3] for path in images] == ["train", "train", "val"]
    for path in images:
        city, split = path.parts[-2], path.parts[-3]
        assert path.name.startswith(f"{city}_")
        stem = path.name.replace("_leftImg8bit.png", "_gtFine_")
        fine = tmp_path / "gtFine" / split / city
        ids = cv2.imread(str(fine / f"{stem}instanceIds.png"), cv2.IMREAD_UNCHANGED)
        labels = cv2.imread(str(fine / f"{stem}labelIds.png"), cv2.IMREAD_UNCHANGED)
        assert ids.dtype == np.uint16 and labels.dtype == np.uint8
        assert ids.shape == labels.shape == cv2.imread(str(path)).shape[:2] == SIZE
        assert (fine / f"{stem}color.png").exists()


def test_the_same_seed_gives_the_same_bits_for_any_number_of_workers(tmp_path):
    write_dataset(tmp_path / "one", train=3, val=1, seed=5, size=SIZE, workers=1)
    write_dataset(tmp_path / "two", train=3, val=1, seed=5, size=SIZE, workers=2)
    write_dataset(tmp_path / "other", train=3, val=1, seed=6, size=SIZE, workers=1)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert files_of(tmp_path / "one") != files_of(tmp_path / "other")


def test_a_second_call_paints_only_what_is_missing(tmp_path):
    assert write_dataset(tmp_path, train=2, val=1, size=SIZE) == 3
    before = files_of(tmp_path)
    next(tmp_path.rglob("*instanceIds.png")).unlink()
    assert write_dataset(tmp_path, train=2, val=1, size=SIZE) == 1
    assert files_of(tmp_path) == before


def test_two_data_sets_are_not_mixed_in_one_folder(tmp_path):
    write_dataset(tmp_path, train=1, val=0, seed=1, size=SIZE)
    with pytest.raises(
        UserError, match=r"holds another data set \(seed: 1; now 2\); choose another folder"
    ):
        write_dataset(tmp_path, train=1, val=0, seed=2, size=SIZE)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        write_dataset(tmp_path / "full", train=1, val=0, size=SIZE)


def test_all_classes_void_and_groups_occur(scenes):
    values = set(np.concatenate([np.unique(scene.instance_ids) for scene in scenes]).tolist())
    assert set(CITYSCAPES.labels) <= {value // 1000 for value in values}
    assert LABEL_ID["person"] in values or LABEL_ID["car"] in values
    assert LABEL_ID["static"] in values or LABEL_ID["dynamic"] in values
    assert {LABEL_ID[name] for name in ("road", "sky", "building", "vegetation", "pole")} <= values


def test_label_map_is_the_instance_map_without_the_instances(scenes):
    for scene in scenes:
        ids = scene.instance_ids
        assert np.array_equal(scene.label_ids, np.where(ids >= 1000, ids // 1000, ids))


def test_some_instances_are_split_in_two(scenes):
    split = 0
    for scene in scenes:
        for value in np.unique(scene.instance_ids[scene.instance_ids >= 1000]):
            _, _, stats, _ = cv2.connectedComponentsWithStats(
                (scene.instance_ids == value).astype(np.uint8)
            )
            split += int((stats[1:, cv2.CC_STAT_AREA] >= 15).sum() > 1)
    assert split >= 5


def test_objects_shrink_with_distance(scenes):
    feet, heights = [], []
    for scene in scenes:
        ids = scene.instance_ids
        for value in np.unique(ids[(ids >= 24000) & (ids < 25000)]):
            rows = np.nonzero((ids == value).any(axis=1))[0]
            feet.append(rows[-1])
            heights.append(rows[-1] - rows[0] + 1)
    assert np.corrcoef(feet, heights)[0, 1] > 0.6


def test_colour_alone_does_not_tell_objects_from_background(scenes):
    """A histogram classifier over colour, fitted on these very scenes, stays far from a mask."""
    foreground = np.zeros((16, 16, 16))
    total = np.zeros((16, 16, 16))
    for scene in scenes:
        bins = tuple((scene.image // 16).reshape(-1, 3).T)
        np.add.at(total, bins, 1)
        np.add.at(foreground, bins, (scene.instance_ids >= 1000).ravel())
    likely = foreground > 0.5 * total
    hit = union = 0
    for scene in scenes:
        predicted = likely[tuple(np.moveaxis(scene.image // 16, -1, 0))]
        truth = scene.instance_ids >= 1000
        hit += (predicted & truth).sum()
        union += (predicted | truth).sum()
    assert hit / union < 0.35


def test_more_scenes_than_names_are_refused_at_once(tmp_path):
    with pytest.raises(UserError, match="at most 1000000 scenes for a split"):
        write_dataset(tmp_path / "x", train=99_999_999_999, val=0)
    assert not (tmp_path / "x").exists()


def test_command_line(tmp_path, capsys):
    out = str(tmp_path / "city")
    words = ["synth", out, "--train", "1", "--val", "1", "--size", "64x128", "--quiet"]
    assert main(words) == 0
    assert "2 scenes painted" in capsys.readouterr().out
    assert main([*words, "--seed", "9"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "holds another data set" in error
    with pytest.raises(SystemExit) as stop:
        main(["synth", out, "--size", "banana"])
    assert stop.value.code == 2
