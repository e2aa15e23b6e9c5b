"""Regions of an image: how they are found by value, laid over each other and numbered."""

import numpy as np
import pytest
from dcme.datasets.mask_folders import thin_values
from dcme.datasets.regions import Region, instance_map, overlaid, regions_of_values
from dcme.errors import UserError
from support.photographed import SHAPE, disc


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


def test_thin_values_of_64_bits_are_told_apart():
    labels = np.zeros((20, 20), np.uint64)
    labels[1:6, 1:6], labels[8], labels[12, :9] = 2**60, 2**60 + 1, 2**60 + 2
    assert thin_values(labels).tolist() == [2**60 + 1, 2**60 + 2]


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
