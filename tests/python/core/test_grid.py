import dcme
import numpy as np
import pytest
from dcme.grid import block_size

from bench.reference import encoding as oracle
from bench.reference.scenes import scene_ids

CITYSCAPES = {24: 1, 25: 2, 26: 3, 27: 4, 28: 5, 31: 6, 32: 7, 33: 8}
RAREST_FIRST = ["train", "bus", "truck", "motorcycle", "rider", "bicycle", "person", "car"]


def test_cityscapes_classes_are_numbered_by_label_and_ranked_by_rarity():
    assert dict(zip(dcme.CITYSCAPES.labels, range(1, 9))) == CITYSCAPES
    names = dcme.CITYSCAPES.names
    assert [names[k - 1] for k in dcme.CITYSCAPES.priority] == RAREST_FIRST


@pytest.mark.parametrize("grid_size", [1, 7, 16, 32])
def test_a_block_takes_its_highest_ranked_class(grid_size):
    ids = scene_ids(np.random.default_rng(1), (128, 150), 40, labels=[*CITYSCAPES, 29, 30])
    for priority in (None, [3, 1, 2, 8, 7, 6, 5, 4]):
        expected = oracle.grid_classes(
            ids, grid_size, CITYSCAPES, priority or [6, 5, 4, 7, 2, 8, 1, 3]
        )
        grid = dcme.grid_classes(ids, grid_size=grid_size, priority=priority)
        np.testing.assert_array_equal(grid, expected)


def test_a_partial_last_block_counts():
    ids = np.zeros((33, 32), np.uint16)
    ids[32, 31] = 26001
    assert dcme.grid_classes(ids, grid_size=16).tolist() == [[0, 0], [0, 0], [0, 3]]


@pytest.mark.parametrize(
    "size", [(340, 680), (100, 130), (65, 33), (33, 500), (512, 1024), (63, 40)]
)
def test_the_size_of_blocks_is_known_from_their_number(size):
    for grid_size in (1, 2, 4, 8, 16, 32, 7):
        grid = dcme.grid_classes(np.zeros(size, np.uint16), grid_size)
        assert block_size(size, grid.shape) == grid_size
    assert block_size((340, 680), (21, 42)) == 16, "of encoders that leave partial blocks out"
    assert block_size((10, 10), (40, 40)) == 1


def test_a_block_larger_than_the_image_holds_all_of_it():
    ids = np.zeros((4, 9), np.uint16)
    ids[1, 2] = 26000
    for size in (9, 10, 4_000_000_000, 10**30):
        assert dcme.grid_classes(ids, size).tolist() == dcme.grid_classes(ids, 9).tolist()
    assert dcme.grid_classes(ids, 9).shape == (1, 1) and dcme.grid_classes(ids, 9).any()


def test_own_classes_and_priority_by_name():
    ids = np.array([[1001, 2001]], np.uint16)
    own = dcme.ClassMap([1, 2], names=["cell", "debris"])
    assert dcme.grid_classes(ids, 2, classes=own).tolist() == [[1]]
    assert dcme.grid_classes(ids, 2, ["debris", "cell"], own).tolist() == [[2]]
    with pytest.raises(ValueError, match="priority names 'dust'; the classes are cell, debris"):
        dcme.grid_classes(ids, 2, ["dust", "cell"], own)
    with pytest.raises(ValueError, match=r"must name each of the classes 1\.\.2 once"):
        dcme.grid_classes(ids, 2, [1], own)
    with pytest.raises(ValueError, match="instance 1001 is of class label 1"):
        dcme.grid_classes(ids, 2)
    with pytest.raises(ValueError, match="grid size must be at least 1"):
        dcme.grid_classes(ids, 0, classes=own)


def test_an_instance_has_the_class_of_the_block_that_holds_its_centre():
    probabilities = np.zeros((3, 2, 2), np.float32)
    probabilities[:, 0, 0] = 0.5, 0.2, 0.3
    probabilities[:, 0, 1] = 0.1, 0.8, 0.1
    probabilities[:, 1, 0] = 0.0, 0.1, 0.9
    centres = [(3.9, 4.0), (4.0, 3.9), (0, 0)]
    classes, confidences = dcme.classify_instances(centres, probabilities, grid_size=4)
    assert classes.tolist() == [1, 2, 0]
    assert confidences.tolist() == pytest.approx([0.8, 0.9, 0.5])
    classes, confidences = dcme.classify_instances(centres, probabilities, 4, foreground_only=True)
    assert classes.tolist() == [1, 2, 2] and confidences[2] == pytest.approx(0.3)
    classes, _ = dcme.classify_instances(np.zeros((0, 2)), probabilities, 4)
    assert classes.shape == (0,)
    outside, _ = dcme.classify_instances([(-9, 40), (40, -9)], probabilities, 4)
    assert outside.tolist() == [1, 2], "the nearest block's"
    for foreground_only in (False, True):
        tied, _ = dcme.classify_instances([(0, 0)], np.ones((3, 1, 1)), 4, foreground_only)
        assert tied.tolist() == [int(foreground_only)], "the first of equally likely ones"


@pytest.mark.parametrize(
    ("centre", "shape", "grid_size", "message"),
    [
        ((0, 0), (2, 3, 3), 0, "grid size must be at least 1"),
        ((0, 0), (1, 3, 3), 4, "at least one class and one block"),
        ((0, 0), (2, 3, 0), 4, "at least one class and one block"),
        ((np.nan, 0), (2, 3, 3), 4, "a centre must be a place"),
        ((0, np.inf), (2, 3, 3), 4, "a centre must be a place"),
    ],
)
def test_what_cannot_be_classified_is_refused(centre, shape, grid_size, message):
    with pytest.raises(ValueError, match=message):
        dcme.classify_instances([centre], np.ones(shape), grid_size, foreground_only=True)
