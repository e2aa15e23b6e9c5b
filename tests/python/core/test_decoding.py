import subprocess
import sys

import cv2
import dcme
import numpy as np
import pytest
from support.maps import best_ious

from bench.reference import decoding as oracle
from bench.reference.scenes import scene_ids
from bench.reference.vectorised import decode_standard

pytestmark = pytest.mark.filterwarnings("ignore:all ids are below 1000")  # of stuff alone
KINDS = ["noise", "limits", "encoded", "disturbed"]
MODES = ["standard", "reference", "watershed"]
LIMITS = [-129, -128, -127, -1, -0.99, 0, 0.99, 1, 127.9, 128, 255, 256, -256, 70001, -3e38, 2**31]


def random_field(rng, kind):
    shape = tuple(int(n) for n in rng.integers(1, 40, 2))
    if kind == "noise":
        return rng.normal(0, rng.choice([0.5, 3, 10, 100, 1e4]), (2, *shape)).astype(np.float32)
    if kind == "limits":
        return rng.choice(LIMITS, (2, *shape)).astype(np.float32)
    ids = scene_ids(rng, shape, int(rng.integers(1, 8)))
    field = dcme.encode(ids, round_centre=bool(rng.integers(2)))
    if kind == "disturbed":
        field += rng.normal(0, rng.choice([0.3, 1, 3]), field.shape).astype(np.float32)
        hit = rng.random(shape) < 0.05
        field[:, hit] = rng.choice(LIMITS, (2, hit.sum()))
    return field


def random_cases(kind):
    """150 small fields with thresholds."""
    rng = np.random.default_rng(len(kind))
    for _ in range(150):
        thresholds = {
            "dt": rng.choice([0, 1, 2.5, 5, 10]),
            "vt": rng.choice([0, 1, 2, 3.5, 10, 50]),
            "et": rng.choice([0, 1, 2.5, 8.1, 15, 200]),
        }
        yield random_field(rng, kind), thresholds


@pytest.mark.parametrize("kind", KINDS)
def test_standard_mode_equals_its_reference_implementation(kind):
    found = 0
    for field, thresholds in random_cases(kind):
        expected = decode_standard(field, **thresholds)
        decoded = dcme.decode(field, **thresholds)
        assert len(decoded) == len(expected)
        for mask, true_mask in zip(decoded, expected):
            np.testing.assert_array_equal(mask, true_mask)
        found += len(expected)
    assert found > 100


def test_the_sub_pixel_centre_of_rows_of_280000_pixels():
    """All belong to one instance; the pixels of the first row miss the centre on one side."""
    columns, middle = np.arange(280_000), 140_000
    target = middle + columns % 12 + np.array([[0], [12], [12]])
    vectors = np.array([target - columns, np.full(target.shape, [[1], [0], [-1]])], np.float32)
    (centre,) = dcme.decode(vectors, dt=32, vt=10, et=60).centres
    assert centre == pytest.approx([1, target.mean()], abs=1e-3)


def test_pixels_that_miss_a_centre_by_half_of_dt_move_it():
    rows, cols = np.indices((15, 15))
    field = np.array([7 - cols, 7 - rows], np.float32)
    field[0, :10, 0] += 4
    (centre,) = dcme.decode(field, dt=8, vt=50, et=15).centres
    # All but the five that are too near to the centre to be foreground.
    assert centre == pytest.approx([7, 7 + 10 * 4 / 220], abs=1e-3)


PUBLISHED = {"reference": oracle.decode, "watershed": oracle.watershed}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", PUBLISHED)
def test_the_modes_of_the_papers_equal_their_literal_versions(mode, kind):
    found = 0
    for field, thresholds in random_cases(kind):
        expected = PUBLISHED[mode](field, **thresholds)
        decoded = dcme.decode(field, mode=mode, **thresholds)
        assert len(decoded) == len(expected)
        for mask, centre, (true_mask, true_centre) in zip(decoded, decoded.centres, expected):
            assert tuple(centre) == true_centre
            np.testing.assert_array_equal(mask, true_mask)
        found += len(expected)
    assert found > 100


def round_trip_scores(ids, mode):
    return best_ious(ids, dcme.decode(dcme.encode(ids), mode=mode).label_map())


@pytest.mark.parametrize("count", [10, 60, 400])
def test_decoding_returns_the_encoded_instances(count):
    ids = scene_ids(np.random.default_rng(count), (512, 1024), count)
    scores = round_trip_scores(ids, "standard")
    assert scores.size > 0.8 * count
    assert (scores > 0.9).mean() >= 0.99


def test_watershed_returns_instances_that_are_in_one_piece():
    ids = np.zeros((60, 100), np.uint16)
    cv2.circle(blank := np.zeros(ids.shape, np.uint8), (30, 30), 20, 1, -1)
    ids[blank > 0] = 24001
    cv2.ellipse(blank := np.zeros(ids.shape, np.uint8), (60, 30), (14, 20), 0, 0, 360, 1, -1)
    ids[blank > 0] = 24002
    assert round_trip_scores(ids, "watershed").tolist() == pytest.approx([1, 1], abs=0.03)


def test_watershed_goes_on_behind_pixels_whose_vectors_are_shorter():
    ids = np.zeros((60, 60), np.uint16)
    ids[10:51, 10:51] = 24001
    field = dcme.encode(ids)
    rows, columns = np.mgrid[:60, :60]
    field[:, np.maximum(abs(rows - 30), abs(columns - 30)) == 12] *= 0.2
    decoded = dcme.decode(field, mode="watershed")
    np.testing.assert_array_equal(decoded.masks, [ids > 0])


def test_watershed_finds_instances_whose_centre_lies_outside():
    """An L, and a car behind a pole: nothing but pixels of the instance is in the mask."""
    hooked, parted = np.zeros((2, 100, 100), bool)
    hooked[20:80, 20:28], hooked[72:80, 20:80] = True, True
    parted[30:70, 10:40], parted[30:70, 50:80] = True, True
    for shape in (hooked, parted):
        decoded = dcme.decode(dcme.encode(np.where(shape, 26001, 0)), mode="watershed")
        np.testing.assert_array_equal(decoded.masks, [shape])


def test_centres_are_sub_pixel_and_votes_count_pixels():
    ids = np.zeros((40, 60), np.uint16)
    ids[3:12, 4:14] = 24001  # centre of mass (7, 8.5)
    ids[20:36, 30:47] = 26001  # (27.5, 38)
    decoded = dcme.decode(dcme.encode(ids))
    assert decoded.centres == pytest.approx(np.array([[7, 8.5], [27.5, 38]]), abs=1e-5)
    assert np.abs(decoded.votes - [90, 16 * 17]).max() <= 4  # the longest vectors not above 1 px
    assert decoded.pixels.tolist() == [90, 16 * 17]
    assert decoded.boxes.tolist() == [[3, 4, 12, 14], [20, 30, 36, 47]]


def test_instances_closer_than_dt_are_told_apart_where_vectors_are_exact():
    ids = np.zeros((30, 30), np.uint16)
    ids[5:20, 5:10] = 24001
    ids[5:20, 10:15] = 24002
    decoded = dcme.decode(dcme.encode(ids), dt=20)
    assert decoded.centres == pytest.approx(np.array([[12, 7], [12, 12]]), abs=1e-3)


def test_pixels_that_miss_the_centre_by_far_do_not_move_it():
    ids = np.zeros((60, 60), np.uint16)
    ids[10:41, 10:41] = 24001
    field = dcme.encode(ids)
    field[0, 10, 10:41] += 25
    decoded = dcme.decode(field, dt=100, et=60)
    assert decoded.centres == pytest.approx(np.array([[25, 25]]), abs=1e-3)


def count_centres(votes, **thresholds):
    """Where pixels, all of them foreground, give each of these cells that many votes."""
    rows, cols = np.repeat(list(votes), list(votes.values()), axis=0).T
    field = np.array([cols - np.arange(cols.size), rows], np.float32)[:, None]
    foreground = np.ones((1, cols.size), bool)
    return len(dcme.decode(field, foreground=foreground, et=200, **thresholds))


def test_peaks_with_a_valley_of_three_quarters_between_them_are_one_centre():
    # The votes two rows away leave no centre sharp.
    votes = {(0, 10): 40, (0, 11): 30, (0, 12): 40, (2, 11): 20}
    assert count_centres(votes, dt=1, vt=35) == 1
    assert count_centres(votes | {(0, 11): 29}, dt=1, vt=35) == 2


def test_a_broad_centre_needs_more_votes_than_a_sharp_one_beside_it():
    broad = {(0, col): 12 for col in range(24, 33, 2)}
    assert count_centres(broad, dt=10, vt=50) == 1
    assert count_centres(broad | {(0, 20): 60}, dt=10, vt=50) == 1
    assert count_centres(broad | {(0, 20): 59}, dt=10, vt=50) == 2


def test_holes_belong_to_the_innermost_instance_around_them():
    rows, columns = np.mgrid[:60, :60]
    away = np.hypot(rows - 30, columns - 30)
    outer, inner = (14 <= away) & (away < 18), (4 <= away) & (away < 8)
    field = np.zeros((2, 60, 60))
    for ring, (row, column) in ((outer, (5, 5)), (inner, (55, 55))):
        field[:, ring] = np.stack([column - columns, row - rows])[:, ring]
    decoded = dcme.decode(field)
    np.testing.assert_array_equal(decoded.mask(0), (away >= 8) & (away < 18))
    np.testing.assert_array_equal(decoded.mask(1), away < 8)


def test_fields_beyond_the_memory_that_is_kept_are_decoded():
    ids = np.zeros((4200, 4200), np.uint16)
    ids[4100:4120, 30:60] = 26001
    decoded = dcme.decode(dcme.encode(ids))
    assert decoded.boxes.tolist() == [[4100, 30, 4120, 60]]


def test_masks_label_map_and_iteration_show_the_same():
    ids = scene_ids(np.random.default_rng(3), (90, 120), 6)
    decoded = dcme.decode(dcme.encode(ids))
    masks = decoded.masks
    assert masks.dtype == np.bool_ and masks.shape == (len(decoded), 90, 120)
    assert masks.sum(0).max() == 1, "no pixel lies in two instances"
    labels = decoded.label_map()
    for k, mask in enumerate(decoded):
        np.testing.assert_array_equal(mask, masks[k])
        np.testing.assert_array_equal(mask, labels == k + 1)
        np.testing.assert_array_equal(mask, decoded.mask(k))
    assert masks.sum((1, 2)).tolist() == decoded.pixels.tolist()


def test_of_overlapping_masks_the_first_wins_in_the_label_map():
    overlaps = 0
    for field, thresholds in random_cases("disturbed"):
        found = dcme.decode(field, mode="reference", **thresholds)
        labels = np.zeros(found.shape, int)
        for k in reversed(range(len(found))):
            labels[found.mask(k)] = k + 1
        np.testing.assert_array_equal(found.label_map(), labels)
        overlaps += found.pixels.sum() - np.count_nonzero(labels)
    assert overlaps > 100


def test_a_label_map_draws_the_instances_asked_for_in_their_order():
    rng = np.random.default_rng(0)
    for field, thresholds in random_cases("disturbed"):
        found = dcme.decode(field, mode="reference", **thresholds)
        upwards = rng.permutation(len(found))[: len(found) // 2 + 1]
        labels = np.zeros(found.shape, int)
        for k in upwards:
            labels[found.mask(k)] = k + 1
        np.testing.assert_array_equal(found.label_map(upwards), labels)
    with pytest.raises(ValueError, match="no such instance"):
        found.label_map([len(found)])


def test_an_explicit_foreground_decides_what_belongs():
    ids = np.zeros((40, 40), np.uint16)
    ids[5:15, 5:15] = 24001
    field = dcme.encode(ids)
    allowed = ids > 0
    allowed[:, 12:] = False
    decoded = dcme.decode(field, foreground=allowed)
    np.testing.assert_array_equal(decoded.mask(0), allowed)
    assert len(dcme.decode(field, foreground=50.0)) == 0
    # It decides also of pixels whose vectors are short, as those in doubt are.
    field[:, 5:7, 5:7] *= 0.2
    decoded = dcme.decode(field, foreground=ids > 0)
    np.testing.assert_array_equal(decoded.mask(0), ids > 0)
    # A single pixel has the vector 0 and is found only if something else says that it is there.
    lone = np.zeros((9, 9), bool)
    lone[4, 5] = True
    decoded = dcme.decode(np.zeros((2, 9, 9)), vt=0, foreground=lone)
    np.testing.assert_array_equal(decoded.masks, [lone])
    # The centre of half a ring is not in it.
    rows, columns = np.mgrid[:40, :40]
    ring = (abs(np.hypot(rows - 20, columns - 20) - 8) < 2) & (columns < 22)
    field = dcme.encode(np.where(ring, 24001, 0))
    decoded = dcme.decode(field, dt=3, et=8, foreground=ring)
    np.testing.assert_array_equal(decoded.masks, [ring])


@pytest.mark.parametrize("sigma", [0.7, 1, 2, 4])
@pytest.mark.parametrize("thresholds", [{}, {"dt": 3, "vt": 18, "et": 8}, {"dt": 20, "et": 20}])
def test_noise_makes_next_to_no_instances(sigma, thresholds):
    noise = np.random.default_rng(0).normal(0, sigma, (2, 340, 680))
    assert len(dcme.decode(noise, **thresholds)) <= 2
    ids = np.zeros(noise.shape[1:], np.uint16)
    for k in range(40):  # beside instances, which are all found as they are without it
        row, column = 40 + 65 * (k // 10), 40 + 65 * (k % 10)
        ids[row : row + 20, column : column + 24] = 24000 + k
    field = np.where(ids, dcme.encode(ids), noise)
    decoded = dcme.decode(field, **thresholds)
    assert 40 <= len(decoded) <= 42
    assert np.count_nonzero(best_ious(ids, decoded.label_map()) > 0.7) == 40


@pytest.mark.parametrize("mode", MODES)
def test_odd_fields_are_survived(mode):
    rng = np.random.default_rng(7)
    assert len(dcme.decode(np.zeros((2, 30, 40)), mode=mode)) == 0
    assert dcme.decode(np.zeros((2, 30, 40)), mode=mode).masks.shape == (0, 30, 40)
    assert len(dcme.decode(np.ones((2, 1, 1)), mode=mode)) == 0
    crowd = np.kron(np.arange(1, 2501).reshape(50, 50), np.ones((8, 8))).astype(np.uint16) + 24000
    assert len(dcme.decode(dcme.encode(crowd), mode=mode, dt=2, vt=20, et=4)) == 2500
    dcme.decode(rng.normal(0, 1e6, (2, 50, 60)), mode=mode, vt=0)
    blocks = np.kron([[24001, 24002], [24003, 24004]], np.ones((15, 15))).astype(np.uint16)
    far, farther = ({"dt": reach, "vt": 3, "et": reach} for reach in (1e4, 1e300))
    for field in (dcme.encode(blocks), rng.normal(0, 3, (2, 30, 30))):
        labels = [dcme.decode(field, mode=mode, **reach).label_map() for reach in (far, farther)]
        np.testing.assert_array_equal(*labels)
        assert labels[0].any() and len(dcme.decode(field, vt=1e300, mode=mode)) == 0
    nested = np.full((41, 41), 24001, np.uint16)
    nested[10:31, 10:31] = 24002  # two instances with one centre
    assert len(dcme.decode(dcme.encode(nested), mode=mode)) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_no_number_is_named(mode, bad):
    field = np.zeros((2, 5, 7), np.float32)
    field[1, 3, 6] = bad
    with pytest.raises(ValueError, match="the vector at row 3, column 6 is"):
        dcme.decode(field, mode=mode)


@pytest.mark.filterwarnings("error")
def test_a_vector_beyond_single_precision_is_named_without_a_warning():
    field = np.zeros((2, 5, 7))
    field[0, 3, 6] = 1e300
    with pytest.raises(ValueError, match="the vector at row 3, column 6 is"):
        dcme.decode(field)


@pytest.mark.parametrize(
    ("field", "options", "message"),
    [
        (np.zeros((5, 7)), {}, r"vectors must have shape \(2, H, W\)"),
        (np.zeros((3, 5, 7)), {}, r"these have \(3, 5, 7\)"),
        (np.zeros((2, 5, 7), complex), {}, "must hold real numbers"),
        (np.zeros((2, 5, 7)), {"mode": "fast"}, "unknown decode mode 'fast'"),
        (np.zeros((2, 5, 7)), {"dt": -1}, "dt must be a number >= 0"),
        (np.zeros((2, 5, 7)), {"et": np.nan}, "et must be a number >= 0"),
        (np.zeros((2, 5, 7)), {"vt": np.inf}, "vt must be a number >= 0"),
        (np.zeros((2, 5, 7)), {"foreground": -1.0}, "foreground must be a number >= 0"),
        (np.zeros((2, 5, 7)), {"foreground": np.zeros((5, 7))}, "foreground mask must be boolean"),
        (np.zeros((2, 5, 7)), {"foreground": np.zeros((7, 5), bool)}, "mask is 7x5 but .* 5x7"),
        (np.zeros((2, 5, 7)), {"foreground": 1, "mode": "reference"}, "leave foreground out"),
        (np.zeros((2, 5, 7)), {"foreground": 1, "mode": "watershed"}, "leave foreground out"),
    ],
)
def test_bad_arguments_are_answered_by_one_clear_line(field, options, message):
    with pytest.raises(ValueError, match=message):
        dcme.decode(field, **options)


def test_masks_are_enlarged_with_the_bits_of_opencv():
    ids = scene_ids(np.random.default_rng(8), (64, 128), 8)
    decoded = dcme.decode(dcme.encode(ids))
    enlarged = list(dcme.masks_full_resolution(decoded, (128, 256)))
    assert len(enlarged) == len(decoded) > 3
    for small, large in zip(decoded, enlarged):
        expected = cv2.resize(
            small.astype(np.uint8) * 255, (256, 128), interpolation=cv2.INTER_CUBIC
        )
        np.testing.assert_array_equal(large, expected != 0)


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import dcme, sys; print([m for m in ('cv2', 'matplotlib', 'caffe') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("mode", MODES)
def test_means_spreads_and_offsets_are_those_of_the_masks(mode):
    rng = np.random.default_rng(8)
    field = random_field(rng, "disturbed")
    while len(found := dcme.decode(field, dt=3, vt=5, et=8, mode=mode)) < 3:
        field = random_field(rng, "disturbed")
    values = rng.random(found.shape).astype(np.float32)
    rows, columns = np.mgrid[: found.shape[0], : found.shape[1]]
    for k, mask in enumerate(found):
        row, column = found.centres[k]
        to_centre = np.hypot(rows + field[1] - row, columns + field[0] - column)
        assert found.means_over(values)[k] == pytest.approx(values[mask].mean(), rel=1e-5)
        offset = np.hypot(rows[mask].mean() - row, columns[mask].mean() - column)
        assert found.offsets[k] == pytest.approx(offset, abs=1e-6)
        assert found.spreads(field)[k] == pytest.approx(to_centre[mask].mean(), rel=1e-5)


def test_means_need_values_of_the_same_size():
    found = dcme.decode(np.zeros((2, 6, 8), np.float32))
    with pytest.raises(ValueError, match="the values are 8x6 but the instances are of 6x8"):
        found.means_over(np.zeros((8, 6)))
    with pytest.raises(ValueError, match="the values are 8x6"):
        found.spreads(np.zeros((2, 8, 6)))
