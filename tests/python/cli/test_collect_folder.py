"""What ``dcme collect`` may write into: a folder of its own, in which it leaves all or nothing."""

import cv2
import numpy as np
import pytest
from dcme.cli import main
from dcme.datasets import collect as module
from dcme.datasets.collect import UNFINISHED, collect
from support.photographed import CELL, collected, label_map


@pytest.fixture
def labelled(masks):
    """A folder with a label map of each image."""
    for name in "abc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    return masks


def files_of(folder):
    """The names and contents of all files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_other_files_are_not_mixed_with(photos, labelled, tmp_path, fails):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.txt").write_text("")
    for out in (tmp_path / "data", tmp_path / "data" / "train.txt"):
        assert "not an empty folder" in fails("collect", photos, labelled, out)


def test_images_and_masks_that_are_there_are_not_written_over(photos, labelled, tmp_path, fails):
    """Not even where there is nothing else, as in a folder of one's own for both."""
    mine = tmp_path / "mine"
    mine.mkdir()
    photos.rename(mine / "images")
    labelled.rename(mine / "instanceIds")
    before = files_of(mine)
    for masks in (mine / "instanceIds", tmp_path):
        assert "not an empty folder" in fails("collect", mine / "images", masks, mine)
    assert files_of(mine) == before


def test_a_killed_call_is_taken_over_without_what_it_left(photos, labelled, tmp_path):
    out = tmp_path / "data"
    (out / "images").mkdir(parents=True)
    (out / UNFINISHED).touch()
    (out / "images" / "stranger.png").touch()
    collect(photos, labelled, out, classes=CELL)
    assert set(collected(out)) == set("abc")
    assert {path.name for path in out.iterdir()} == {
        *("images", "instanceIds", "train.txt", "val.txt", "classes.json")
    }
    assert not (out / "images" / "stranger.png").exists()


def test_what_a_killed_call_left_is_not_both_read_and_removed(photos, labelled, tmp_path, fails):
    out = tmp_path / "data"
    out.mkdir()
    (out / UNFINISHED).touch()
    photos.rename(out / "images")
    before = files_of(out)
    assert f"{out}: is where {out / 'images'} is" in fails(
        "collect", out / "images", labelled, out, "--quiet"
    )
    assert files_of(out) == before


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("last", ["b.png", "val.txt"])
def test_ctrl_c_leaves_nothing(photos, labelled, tmp_path, monkeypatch, workers, last):
    written = {name: getattr(module, name) for name in ("write_png", "write_text")}

    def interrupted(kind):
        def write(path, content):
            written[kind](path, content)
            if path.name == last:
                raise KeyboardInterrupt

        return write

    for kind in written:
        monkeypatch.setattr(module, kind, interrupted(kind))
    out = tmp_path / "data"
    words = ["collect", photos, labelled, out, "--quiet", "--workers", workers]
    assert main([str(word) for word in words]) == 130
    assert not out.exists()


def test_an_error_leaves_an_empty_folder_empty(photos, labelled, tmp_path, fails):
    (tmp_path / "data").mkdir()
    cv2.imwrite(str(labelled / "c.png"), np.zeros((4, 4)))
    assert "is 4x4 but" in fails("collect", photos, labelled, tmp_path / "data", "--quiet")
    assert list((tmp_path / "data").iterdir()) == []
