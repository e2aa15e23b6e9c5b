import dcme
import numpy as np
import pytest
from support.maps import scattered_ids

from bench.reference import encoding as oracle
from bench.reference.scenes import scene_ids


def random_sizes(rng):
    """(map size, reduced size): whole ratios, whole in one direction only, large, and odd ones."""
    kind = rng.integers(4)
    if kind == 0:
        reduced = rng.integers(1, 20, 2)
        return reduced * rng.integers(1, 5, 2), reduced
    if kind == 1:
        reduced = rng.integers(1, 4, 2)
        return reduced * rng.integers(10, 40, 2), reduced
    size = rng.integers(1, 90, 2)
    return size, [rng.integers(1, n + 1) for n in size]


def test_reduction_has_the_bits_of_area_averaged_masks_on_random_maps():
    rng = np.random.default_rng(1)
    for _ in range(600):
        size, reduced = (tuple(map(int, s)) for s in random_sizes(rng))
        for ids in (scattered_ids(rng, size), scene_ids(rng, size, 6)):
            np.testing.assert_array_equal(
                dcme.reduce_ids(ids, reduced), oracle.reduce_ids(ids, reduced), f"{size} {reduced}"
            )


@pytest.mark.parametrize("size", [(512, 1024), (340, 680), (341, 683), (1000, 1024)])
def test_reduction_of_a_cityscapes_sized_map(size):
    ids = scene_ids(np.random.default_rng(2), (1024, 2048), 40)
    np.testing.assert_array_equal(dcme.reduce_ids(ids, size), oracle.reduce_ids(ids, size))


@pytest.mark.parametrize("block", [(15, 34), (30, 34), (51, 40)])
@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5])
def test_means_of_one_half_of_a_step_are_rounded_to_even(block, pixels):
    """A pixel of 255 in an area of 510 makes 0.5, and so do two of 1020."""
    ids = np.zeros((2 * block[0], 3 * block[1]), np.uint16)
    ids[3, 5 : 5 + pixels] = 24001
    np.testing.assert_array_equal(dcme.reduce_ids(ids, (2, 3)), oracle.reduce_ids(ids, (2, 3)))


def test_reduction_to_equal_size_keeps_instances_only():
    ids = np.array([[0, 26, 1000, 1001, 33005]], np.uint16)
    assert dcme.reduce_ids(ids, (1, 5)).tolist() == [[0, 0, 1000, 1001, 33005]]


def test_a_side_cannot_grow():
    with pytest.raises(ValueError, match=r"4x4 to 5x2: a side may shrink .* but not grow"):
        dcme.reduce_ids(np.zeros((4, 4), np.uint16), (5, 2))


@pytest.mark.parametrize("anchor", ["mass", "box"])
@pytest.mark.parametrize("round_centre", [False, True])
def test_vectors_lead_to_the_anchor(anchor, round_centre):
    rng = np.random.default_rng(3)
    for ids in (scene_ids(rng, (61, 83), 12), scattered_ids(rng, (9, 13))):
        vectors = dcme.encode(ids, anchor=anchor, round_centre=round_centre)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, oracle.encode(ids, anchor, round_centre))


def test_encoding_can_be_limited_to_known_classes():
    ids = np.array([[24000, 29000, 24000]], np.uint16)
    assert dcme.encode(ids, classes=dcme.CITYSCAPES)[0].tolist() == [[1, 0, -1]]
    with pytest.raises(ValueError, match="instance 5001 is of class label 5"):
        dcme.encode(np.array([[5001]], np.uint16), classes=dcme.CITYSCAPES)


def test_the_table_of_instances_matches_their_pixels():
    ids = scene_ids(np.random.default_rng(4), (70, 90), 15)
    table = dcme.instances(ids)
    assert table["id"].tolist() == [i for i in np.unique(ids) if i >= 1000]
    for entry in table:
        rows, cols = np.nonzero(ids == entry["id"])
        assert entry["label"] == entry["id"] // 1000 and entry["pixels"] == rows.size
        assert (entry["row"], entry["col"]) == pytest.approx((rows.mean(), cols.mean()))
        assert (entry["top"], entry["left"]) == (rows.min(), cols.min())
        assert (entry["bottom"], entry["right"]) == (rows.max() + 1, cols.max() + 1)


def test_the_longest_vector_of_an_image_is_displayed_as_255():
    ids = scene_ids(np.random.default_rng(5), (40, 50), 5)
    vectors = dcme.encode(ids)
    length = np.hypot(*vectors.astype(np.float64))
    display = dcme.magnitude(vectors)
    assert display.dtype == np.uint8 and display.max() == 255
    assert np.abs(display - length / length.max() * 255).max() <= 0.501
    assert not dcme.magnitude(np.zeros((2, 3, 4), np.float32)).any()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.zeros((3, 4), np.uint8), "has 8 bits"),
        (np.zeros((3, 4), np.float32), "must hold integers"),
        (np.zeros((3, 4, 3), np.uint16), r"must have shape \(H, W\), this has \(3, 4, 3\)"),
        (np.full((3, 4), 70000), "must be 0..65535, these are 70000..70000"),
    ],
)
def test_what_is_no_instance_map_is_refused(ids, message):
    for function in (dcme.encode, dcme.grid_classes, dcme.instances):
        with pytest.raises(ValueError, match=message):
            function(ids)


def test_wider_integers_and_strided_views_are_instance_maps_too():
    ids = scene_ids(np.random.default_rng(6), (40, 50), 5)
    expected = dcme.encode(ids)
    np.testing.assert_array_equal(dcme.encode(ids.astype(np.int32)), expected)
    np.testing.assert_array_equal(dcme.encode(np.asfortranarray(ids)), expected)
    with pytest.raises(ValueError, match="unknown anchor 'middle'"):
        dcme.encode(ids, anchor="middle")
