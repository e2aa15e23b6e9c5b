import dcme
import numpy as np
import pytest


def row(*labels):
    return np.repeat(np.array([labels]), 10, axis=1)


def reference_counts(truth, maps, iou, ignored):
    """tp, fp, fn and the sum of IoUs, by masks."""
    truths = {a: truth == a for a in np.unique(truth) if a}
    masks = [labels == b for labels in maps for b in np.unique(labels) if b]
    pairs = []
    for a, true_mask in truths.items():
        for k, mask in enumerate(masks):
            score = (true_mask & mask).sum() / (true_mask | mask).sum()
            if score > iou:
                pairs.append((-score, a, k))
    found, used = {}, set()
    for negative, a, k in sorted(pairs):
        if a not in found and k not in used:
            found[a] = -negative
            used.add(k)
    wrong = [k for k, mask in enumerate(masks) if k not in used and ignored[mask].mean() <= iou]
    total = 0.0
    for score in found.values():  # the best first
        total += score
    return len(found), len(wrong), len(truths) - len(found), total


@pytest.mark.parametrize("iou", [0, 0.1, 0.25, 0.5])
def test_counts_equal_those_of_a_literal_version_to_the_last_bit(iou):
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        shape = tuple(rng.integers(1, 7, 2))
        labels = rng.integers(-(2**31), 2**31, 4) * rng.integers(0, 2, 4)
        truth, predicted = rng.choice(labels, (2, *shape)).astype(np.int32)
        masks = rng.random((3, *shape)) < 0.4
        ignored = rng.random(shape) < 0.4
        for given, maps in ((predicted, [predicted]), (masks, masks), (masks[:0], [])):
            counts = dcme.matching(truth, given, iou, ignored)
            expected = reference_counts(truth, maps, iou, ignored)
            assert (counts.tp, counts.fp, counts.fn, counts.iou_sum) == expected
            found += counts.tp
    assert found > 20


def test_objects_match_one_to_one_above_the_threshold():
    truth = row(1, 1, 1, 0, 2, 2, 0, 3)
    predicted = row(5, 5, 0, 0, 7, 7, 6, 0)
    result = dcme.matching(truth, predicted, iou=0.5)
    assert (result.tp, result.fp, result.fn) == (2, 1, 1)
    assert result.score == 0.5 and result.precision == result.recall == pytest.approx(2 / 3)
    assert result.mean_iou == pytest.approx((1 + 2 / 3) / 2)
    assert dcme.matching(truth, predicted, iou=2 / 3).tp == 1, "IoU must be greater"


def test_below_one_half_the_better_pair_goes_first():
    result = dcme.matching(row(1, 1, 2, 2, 2), row(3, 3, 3, 4, 4), iou=0.25)
    assert result.tp == 2 and result.mean_iou == pytest.approx(2 / 3)
    both_on_one = dcme.matching(row(1, 1, 1, 1), row(2, 2, 3, 3), iou=0.25)
    assert (both_on_one.tp, both_on_one.fp) == (1, 1)
    one_on_both = dcme.matching(row(1, 1, 2, 2), row(3, 3, 3, 3), iou=0.25)
    assert (one_on_both.tp, one_on_both.fn) == (1, 1)
    assert dcme.matching(row(1, 1, 0), row(0, 1, 1), iou=0).tp == 1


def test_masks_and_instances_are_predictions_too():
    truth = row(1, 1, 0, 2)
    masks = np.stack([truth == 1, truth == 1, truth == 2])
    assert (dcme.matching(truth, masks).tp, dcme.matching(truth, masks).fp) == (2, 1)
    assert dcme.matching(truth, 0.5 * masks) == dcme.matching(truth, masks)
    assert dcme.matching(truth, masks[:0]).fn == 2
    ids = np.zeros((40, 60), np.uint16)
    ids[3:12, 4:14], ids[20:36, 30:47] = 1001, 1002
    for mode in ("standard", "reference"):
        assert dcme.matching(ids, dcme.decode(dcme.encode(ids), mode=mode)).score == 1
    overlapping = dcme.decode(dcme.encode(ids), et=60, mode="reference")
    assert overlapping.masks.all(axis=0).any()
    assert dcme.matching(ids, overlapping) == dcme.matching(ids, overlapping.masks)


def test_predictions_in_pixels_of_which_nothing_is_known_are_not_invented():
    truth, ignored = row(1, 1, 0, 0, 0, 0), row(0, 1, 0, 1, 1, 0)
    predicted = row(1, 1, 0, 2, 2, 2)
    assert dcme.matching(truth, predicted).fp == 1
    forgiven = dcme.matching(truth, predicted, ignored=ignored)
    assert (forgiven.tp, forgiven.fp, forgiven.fn) == (1, 0, 0)
    assert dcme.matching(truth, predicted, 0.7, ignored).fp == 1, "a share of 2/3"
    masks = np.stack([predicted == k for k in (1, 2)])
    assert dcme.matching(truth, masks, ignored=ignored) == forgiven
    overlapping = np.stack([predicted == 1, predicted == 2, predicted > 0])
    assert dcme.matching(truth, overlapping, 0.6, ignored).fp == 1, "a share of 3/5"


def test_counts_add_up_over_images():
    truths = [row(1, 0), row(1, 2), row(0, 0)]
    predicted = [row(1, 0), row(0, 0), row(0, 0)]
    total = dcme.matching_dataset(truths, predicted)
    assert (total.tp, total.fp, total.fn, total.score) == (1, 0, 2, pytest.approx(1 / 3))
    nothing = dcme.matching(row(0), row(0))
    assert (nothing.score, nothing.mean_iou) == (1, 0)
    assert np.isnan([nothing.precision, nothing.recall]).all()
    with pytest.raises(ValueError, match="as many predictions as truths"):
        dcme.matching_dataset(truths, predicted[:2])
    with pytest.raises(ValueError, match=r"cannot add counts at IoU > 0\.5"):
        dcme.matching(row(1), row(1)) + dcme.matching(row(1), row(1), 0.7)


def test_bad_arguments_are_answered_by_one_clear_line():
    with pytest.raises(ValueError, match="differ in size: 1x10 and 1x20"):
        dcme.matching(row(1), row(1, 2))
    for strange in (np.array([[2**32, 1]]), np.array([[1, 2**31]], np.uint32)):
        with pytest.raises(ValueError, match="labels of truth must fit into 32 bits"):
            dcme.matching(strange, np.ones((1, 2), int))
    with pytest.raises(ValueError, match="truth must be a label map of integers"):
        dcme.matching(np.zeros((3, 3)), row(1))
    with pytest.raises(ValueError, match=r"iou must be in \[0, 1\)"):
        dcme.matching(row(1), row(1), 1.0)
