"""On the painted street scenes: what the core promises about whole images, groups and void in them.

Scenes hold instances split in two, crowds, void and all eight classes.
"""

import dcme
import numpy as np
import pytest
from dcme.classes import CITYSCAPES
from dcme.synth import render_scene
from support.maps import best_ious

from bench.reference import decoding, encoding, evaluation

FULL, REDUCED = (256, 512), (128, 256)


@pytest.fixture(scope="module")
def scenes():
    return [render_scene((11, 0, index), FULL).instance_ids for index in range(8)]


@pytest.fixture(scope="module")
def reduced(scenes):
    return [dcme.reduce_ids(ids, REDUCED) for ids in scenes]


def test_reduction_has_the_bits_of_area_averaged_masks(scenes, reduced):
    for ids, small in zip(scenes, reduced):
        np.testing.assert_array_equal(small, encoding.reduce_ids(ids, REDUCED))


@pytest.mark.parametrize("noise", [0, 0.5, 2])
def test_reference_decoding_has_the_bits_of_the_published_decoder(reduced, noise):
    rng = np.random.default_rng(3)
    for ids in reduced:
        field = dcme.encode(ids, round_centre=True)
        field += (noise * rng.standard_normal(field.shape)).astype(np.float32)
        expected = decoding.decode(field, dt=10, vt=50, et=15)
        decoded = dcme.decode(field, dt=10, vt=50, et=15, mode="reference")
        assert len(decoded) == len(expected)
        for mask, centre, (true_mask, true_centre) in zip(decoded, decoded.centres, expected):
            assert tuple(centre) == true_centre
            np.testing.assert_array_equal(mask, true_mask)


def test_encoded_instances_are_decoded_again(reduced):
    ious = [best_ious(ids, dcme.decode(dcme.encode(ids)).label_map()) for ids in reduced]
    ious = np.concatenate(ious)
    assert len(ious) > 50
    assert (ious > 0.9).mean() >= 0.99


def predictions_of(ids, rng):
    """Shifted masks of most instances with tied confidences; no trains; some wrong classes."""
    for value in np.unique(ids[ids >= 1000]):
        label = int(value) // 1000
        if label != 31 and rng.random() < 0.9:
            mask = np.roll(ids == value, rng.integers(-2, 3, 2), axis=(0, 1))
            named = int(rng.choice(CITYSCAPES.labels)) if rng.random() < 0.1 else label
            yield mask, named if named != 31 else 26, float(rng.choice([0.3, 0.6, 0.9]))


def test_ap_is_that_of_cityscapesscripts(scenes, tmp_path):
    rng = np.random.default_rng(5)
    images = [(ids, list(predictions_of(ids, rng))) for ids in scenes]
    present = np.unique(np.concatenate([ids.ravel() for ids in scenes]))
    assert present[0] <= 4, "void: unlabeled, ego vehicle, borders, static"
    assert np.isin(present, CITYSCAPES.labels).any(), "groups"
    names, expected = evaluation.evaluate(tmp_path, images)
    evaluator = dcme.Evaluator()
    for ids, predictions in images:
        evaluator.add(ids, *zip(*predictions))
    result = evaluator.results()
    assert result.classes == names
    assert result.class_ap["train"] == 0
    np.testing.assert_allclose(result.ap_table, expected, rtol=0, atol=1e-9)
