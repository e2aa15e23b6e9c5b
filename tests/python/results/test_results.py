"""Files of results: what is written, and read back."""

from functools import partial
from threading import Event

import dcme
import numpy as np
import pytest
from dcme.datasets.vectors import VectorMap
from dcme.errors import UserError
from dcme.parallel import ordered_map
from dcme.results.decode import Decoding
from dcme.results.files import ImageResult, LazyMasks, read_result, resize_mask, write_result


def make_result(count, score=0.5, name="x"):
    masks = np.zeros((count, 6, 8), bool)
    for k in range(count):
        masks[k, k % 6, : 1 + k % 8] = True
    return ImageResult(name, (6, 8), masks, np.full(count, 26), np.full(count, score))


@pytest.mark.parametrize("name", ["x", "x[1]", "*"])
def test_writing_again_removes_the_masks_of_an_earlier_result(tmp_path, name):
    write_result(tmp_path, make_result(1, name="another"))
    write_result(tmp_path, make_result(3, name=name))
    write_result(tmp_path, make_result(1, name=name))
    write_result(tmp_path, make_result(2, name=f"{name}_1"))
    write_result(tmp_path, make_result(1, name=name))
    assert len(list((tmp_path / "masks").iterdir())) == 4
    assert len(read_result(tmp_path / f"{name}.txt")) == 1


def test_an_interrupted_rewrite_leaves_no_list_of_an_earlier_result(tmp_path, monkeypatch):
    write_result(tmp_path, make_result(3))
    monkeypatch.setattr("dcme.results.files.write_png", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_result(tmp_path, make_result(2))
    assert not (tmp_path / "x.txt").exists()


def test_ctrl_c_ends_the_writing_between_two_masks(tmp_path, monkeypatch):
    begun = Event()

    def write(path, image):
        begun.set()
        Event().wait(0.01)

    def results():
        yield make_result(900)
        yield make_result(900, name="y")
        assert begun.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr("dcme.results.files.write_png", write)
    with pytest.raises(KeyboardInterrupt):
        list(ordered_map(partial(write_result, tmp_path), results(), 2))
    assert not list(tmp_path.glob("*.txt"))


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("mode", ["standard", "reference"])
def test_the_label_map_of_what_was_decoded_is_that_of_its_masks(mode):
    rng = np.random.default_rng(0)
    ids = np.zeros((60, 90), np.uint16)
    ids[5:30, 5:40], ids[20:50, 35:70], ids[35:55, 5:30] = 26001, 26002, 26003
    vectors = dcme.encode(ids) + rng.normal(0, 2, (2, 60, 90)).astype(np.float32) * (ids > 0)
    found = Decoding(dt=4, vt=10, et=20, mode=mode)(VectorMap("x", vectors, None))
    drawn = found.label_map()
    found.masks = np.stack(list(found.masks))
    assert len(found) >= 3 and np.array_equal(drawn, found.label_map())


def test_in_the_instance_map_the_higher_score_is_on_top():
    masks = np.ones((2, 2, 2), bool)
    result = ImageResult("x", (2, 2), masks, np.array([24, 26]), np.array([0.9, 0.2]))
    assert (result.instance_map() == 24000).all()


def test_more_instances_than_an_instance_map_can_hold_are_in_a_label_map(tmp_path):
    write_result(tmp_path, make_result(3))
    result = make_result(1001)
    labels = tmp_path / "instanceIds" / "x_labels.npy"
    with pytest.warns(UserWarning, match=rf"more than 1000 instances of label 26 .*; {labels} is"):
        write_result(tmp_path, result)
    assert len((tmp_path / "x.txt").read_text().splitlines()) == 1001
    assert np.array_equal(np.load(labels), result.label_map()) and np.load(labels).max() == 1001
    assert [path.name for path in labels.parent.iterdir()] == [labels.name]
    write_result(tmp_path, make_result(3))
    assert [path.name for path in labels.parent.iterdir()] == ["x_instanceIds.png"]


def test_a_map_with_instances_that_its_list_lacks_is_refused(tmp_path):
    masks = np.zeros((3, 4, 4), bool)
    masks[0, 0], masks[1, 1], masks[2, 2] = True, True, True
    result = ImageResult("x", (4, 4), masks, np.array([24, 24, 26]), np.array([0.9, 0.8, 0.7]))
    write_result(tmp_path, result, masks=False)
    text = tmp_path / "x.txt"
    lines = text.read_text().splitlines(keepends=True)
    assert len(read_result(text)) == 3
    text.write_text("".join([lines[0], *lines[2:]]))
    with pytest.raises(UserError, match=r"x_instanceIds\.png: holds 24001, which is no instance"):
        read_result(text)


@pytest.mark.parametrize("value", [3, -1, 2**32 + 1])
def test_a_label_map_with_instances_that_its_list_lacks_is_refused(tmp_path, value):
    labels = tmp_path / "instanceIds" / "x_labels.npy"
    labels.parent.mkdir()
    (tmp_path / "x.txt").write_text(2 * "instanceIds/x_labels.npy 1 0.5\n")
    np.save(labels, np.array([[0, 1], [0, 0]]))  # all of the second may be hidden
    assert len(read_result(tmp_path / "x.txt")) == 2
    np.save(labels, np.array([[0, 1], [0, value]]))
    with pytest.raises(UserError, match=rf"x_labels\.npy: holds {value}, which is no instance"):
        read_result(tmp_path / "x.txt")


def test_the_last_label_has_fewer_ids():
    masks = np.ones((537, 2, 2), bool)
    result = ImageResult("x", (2, 2), masks, np.full(537, 65), np.ones(537))
    with pytest.raises(UserError, match="x: more than 536 instances of label 65 do not fit"):
        result.instance_map()
    part = ImageResult("x", (2, 2), masks[:536], result.labels[:536], result.scores[:536])
    assert (part.instance_map() == 65535).all()


def test_enlarging_keeps_half_covered_pixels_or_for_the_papers_any():
    mask = np.zeros((8, 8), bool)
    mask[2:6, 2:6] = True
    linear, cubic = (resize_mask(mask, (32, 32), cubic) for cubic in (False, True))
    assert 250 <= linear.sum() <= 16 * 16  # corners are rounded
    assert cubic.sum() > linear.sum() and (cubic & linear).sum() == linear.sum()
    for half in ([[True, False]], [[False, True]]):
        assert resize_mask(np.array(half), (1, 1)).all()


def test_centres_lie_at_the_same_place_of_an_enlarged_image():
    result = make_result(2)
    result.centres = np.array([[0, 0], [5, 7]])  # of the first and the last pixel
    assert result.resized((12, 32)).centres.tolist() == [[0.5, 1.5], [10.5, 29.5]]


def test_masks_have_no_index_from_the_end():
    masks = LazyMasks(2, lambda index: np.full((1, 1), index > 0))
    for index in (-1, 2):
        with pytest.raises(IndexError):
            masks[index]


@pytest.mark.parametrize("line", ["mask.png", "mask.png car 0.5", "mask.png 26 high", "a 26 nan"])
def test_bad_lines_are_located(tmp_path, line):
    (tmp_path / "x.txt").write_text(f"{line}\n")
    with pytest.raises(UserError, match=r"x\.txt:1"):
        read_result(tmp_path / "x.txt")


def test_masks_of_another_size_than_the_image_are_refused(tmp_path):
    write_result(tmp_path, make_result(1))
    with pytest.raises(UserError, match="6x8, expected 12x16"):
        read_result(tmp_path / "x.txt", (12, 16)).instance_map()
