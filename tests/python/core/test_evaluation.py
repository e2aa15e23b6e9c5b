import json
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import dcme
import numpy as np
import pytest
from dcme.datasets.vectors import VectorMap
from dcme.evaluation import CITYSCAPES_VOID
from dcme.results.decode import Decoding

from bench.reference import evaluation as oracle
from bench.reference.scenes import scene_ids

SHAPE = (120, 160)


def random_image(rng, labels, count=25):
    """Ground truth with groups and void, and predictions: shifted, split, doubled, wrong, tied."""
    ids = scene_ids(rng, SHAPE, count, labels=[*labels, 29])
    for value in (0, 3, 29, *rng.choice(labels, 2)):  # void, a caravan group, groups of classes
        top, left = rng.integers(0, 100, 2)
        ids[top : top + rng.integers(1, 30), left : left + rng.integers(1, 30)] = value
    predictions = []
    for i in np.unique(ids):
        label = int(i) // 1000 if i >= 1000 else int(i)
        if label not in labels or rng.random() < 0.15:
            continue
        for _ in range(rng.integers(1, 3)):
            mask = np.roll(ids == i, rng.integers(-3, 4, 2), axis=(0, 1))
            if rng.random() < 0.3:
                mask = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0
            if rng.random() < 0.1:
                label = int(rng.choice(labels))
            predictions.append((mask, label, float(rng.choice([0.1, 0.5, 0.5, 0.9, rng.random()]))))
    for _ in range(3):
        mask = np.zeros(SHAPE, bool)
        top, left = rng.integers(0, 110, 2)
        mask[top : top + 12, left : left + 12] = True
        predictions.append((mask, int(rng.choice([*labels, 7, 29])), float(rng.random())))
    predictions.append((np.zeros(SHAPE, bool), int(labels[0]), 1.0))
    return ids, predictions


def evaluate(images, **options):
    evaluator = dcme.Evaluator(**options)
    for ids, predictions in images:
        masks, labels, confidences = zip(*predictions) if predictions else ((), (), ())
        evaluator.add(ids, masks, labels, confidences)
    return evaluator.results()


@pytest.mark.parametrize("seed", range(6))
def test_the_numbers_are_those_of_cityscapesscripts(seed, tmp_path):
    rng = np.random.default_rng(seed)
    # Trains are never there, buses never predicted.
    labels = [24, 25, 26, 27, 32, 33]
    images = [random_image(rng, labels) for _ in range(4)]
    images.append((scene_ids(rng, SHAPE, 5, labels=[28]), []))
    names, expected = oracle.evaluate(tmp_path, images)
    result = evaluate(images)
    assert result.classes == names
    np.testing.assert_array_equal(result.thresholds, np.arange(0.5, 1, 0.05))
    np.testing.assert_allclose(result.ap_table, expected, rtol=0, atol=1e-12)
    assert np.isnan(result.class_ap["train"]) and result.class_ap["bus"] == 0
    assert 0.05 < result.ap < 0.95
    assert result.ap == pytest.approx(np.nanmean(expected), abs=1e-12)
    assert result.ap50 == pytest.approx(np.nanmean(expected[:, 0]), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_ap_at_a_distance_is_that_of_cityscapesscripts(seed, tmp_path):
    rng = np.random.default_rng(seed)
    images, distances = [], []
    for _ in range(3):
        ids = scene_ids(rng, (240, 320), 30, labels=[24, 26])
        predictions = [
            (np.roll(ids == i, rng.integers(-4, 5), axis=1), int(i) // 1000, float(rng.random()))
            for i in np.unique(ids[ids >= 1000])
        ]
        images.append((ids, predictions))
        known = [int(i) for i in np.unique(ids) if rng.random() < 0.9]
        metres = rng.choice([50, 100, *rng.uniform(5, 150, 4)], len(known))  # the limits count
        shares = rng.choice([0.5, *rng.random(4)], len(known))
        distances.append(dict(zip(known, zip(metres.tolist(), shares.tolist()))))
    names, expected = oracle.evaluate(tmp_path, images, distances)
    evaluator = dcme.Evaluator(distances=True)
    for (ids, predictions), known in zip(images, distances):
        evaluator.add(ids, *zip(*predictions), known)
    result = evaluator.results()
    assert result.classes == names and 0 < result.ap50m < 1 and result.ap100m != result.ap50m
    tables = (result.ap_table, result.ap_table_100m, result.ap_table_50m)
    np.testing.assert_allclose(tables, expected, rtol=0, atol=1e-12)


def test_void_is_what_cityscapesscripts_ignores():
    from cityscapesscripts.helpers.labels import labels

    assert CITYSCAPES_VOID == tuple(k.id for k in labels if k.ignoreInEval and k.id >= 0)


def test_ious_of_round_numbers_fall_on_the_same_side(tmp_path):
    """Predictions of IoU exactly 0.5, 0.55 ... 0.95, where a threshold's last bit decides."""
    images = []
    for percent in range(50, 100, 5):
        ids = np.zeros((20, 40), np.uint16)
        ids[:, :20] = 26001
        mask = np.zeros(ids.shape, bool)
        mask.ravel()[np.flatnonzero(ids)[: 4 * percent]] = True
        images.append((ids, [(mask, 26, percent / 100)]))
    _, expected = oracle.evaluate(tmp_path, images)
    np.testing.assert_allclose(evaluate(images).ap_table, expected, rtol=0, atol=1e-12)


def test_a_class_whose_predictions_are_all_forgiven_has_ap_0():
    ids = np.zeros((40, 40), np.uint16)  # 0 is void
    ids[20:, 20:] = 26001
    mask = np.zeros(ids.shape, bool)
    mask[:10, :10] = True
    assert evaluate([(ids, [(mask, 26, 1.0)])]).class_ap["car"] == 0


def test_all_ways_to_give_masks_agree():
    rng = np.random.default_rng(1)
    ids = scene_ids(rng, SHAPE, 8)
    decoded = dcme.decode(dcme.encode(ids) + rng.normal(0, 0.5, (2, *SHAPE)), vt=20)
    labels = rng.choice([24, 26], len(decoded))
    scores = rng.random(len(decoded))
    tables = []
    arrays = (decoded.masks, 256 * decoded.masks.astype(int), decoded.label_map())
    for masks in (decoded, *arrays, list(decoded), iter(decoded)):
        evaluator = dcme.Evaluator()
        evaluator.add(ids, masks, labels, scores)
        tables.append(evaluator.results().ap_table)
    for table in tables[1:]:
        np.testing.assert_array_equal(table, tables[0])


def test_the_predictions_of_a_label_map_are_its_values():
    ids = np.zeros((40, 80), np.uint16)
    ids[5:35, 5:35], ids[5:35, 40:70] = 26001, 26002
    labels = np.where(ids == 26001, 2, np.where(ids == 26002, 3, 0)).astype(np.uint8)
    evaluator = dcme.Evaluator()
    evaluator.add(ids, labels, [24, 26, 26], [0.9, 0.8, 0.7])  # value 1 is nowhere
    result = evaluator.results()
    assert result.class_ap["car"] == pytest.approx(1) and sum(result.predictions) == 2


def test_truth_of_crowds_alone_is_no_label_map():
    ids = np.zeros((40, 80), np.uint16)
    ids[5:35, 5:35] = 1
    mask = ids == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dcme.Evaluator(dcme.ClassMap((1,), ("cell",))).add(ids, mask[None], [1])
    with pytest.warns(UserWarning, match="below 1000"):
        dcme.Evaluator(dcme.ClassMap((2,), ("cell",))).add(ids, mask[None], [2])


def test_instances_are_as_certain_as_they_have_votes():
    ids = np.zeros((40, 80), np.uint16)
    ids[5:35, 5:35], ids[15:27, 50:62] = 26001, 26002
    decoded = dcme.decode(dcme.encode(ids))
    truth = np.where(ids == 26001, ids, 7)  # the smaller one, of fewer votes, is invented
    evaluator = dcme.Evaluator()
    evaluator.add(truth, decoded, [26, 26])
    assert evaluator.results().ap == pytest.approx(1)


def test_confidences_rank_instances_as_results_do():
    ids = np.zeros((60, 100), np.uint16)
    ids[5:45, 5:45], ids[20:36, 70:86] = 26001, 26002
    field = dcme.encode(ids)
    field[:, ids == 26001] += np.random.default_rng(1).normal(0, 3, (2, 1600))
    decoded = dcme.decode(field)
    truth = np.where(ids == 26002, ids, 7)  # the larger one, of more votes, is invented
    ranked = {}
    for confidences in (None, decoded.confidences(field)):
        evaluator = dcme.Evaluator()
        evaluator.add(truth, decoded, [26, 26], confidences)
        ranked[confidences is None] = evaluator.results().class_ap50["car"]
    assert ranked[True] < ranked[False] == 1
    result = Decoding()(VectorMap("x", field, None))
    assert sorted(result.scores) == sorted(decoded.confidences(field))


def test_an_image_without_predictions_needs_no_labels():
    evaluator = dcme.Evaluator()
    evaluator.add(np.full((20, 20), 26001), np.zeros((0, 20, 20)))
    assert evaluator.results().class_ap["car"] == 0
    evaluator.add(np.full((20, 20), 26001), np.zeros((1, 20, 20)), [26])
    assert evaluator.results().predictions == [0] * 8, "an empty mask is none"


def test_images_may_come_from_many_threads_in_any_order():
    rng = np.random.default_rng(2)
    images = [random_image(rng, [24, 25, 26]) for _ in range(8)]
    expected = evaluate(images)
    evaluator = dcme.Evaluator()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda image: evaluator.add(image[0], *zip(*image[1])), reversed(images)))
    np.testing.assert_array_equal(evaluator.results().ap_table, expected.ap_table)


def test_without_classes_only_the_objects_count():
    ids = scene_ids(np.random.default_rng(3), SHAPE, 10)
    truth = [m for m in dcme.instances(ids) if m["pixels"] >= 100]
    predictions = [(ids == m["id"], 24, 0.5) for m in truth[1:]]
    result = evaluate([(ids, predictions)], class_agnostic=True)
    assert result.classes == ["instance"] and result.truths == [len(truth)]
    assert result.ap50 == pytest.approx(result.ap) == pytest.approx(1 - 1 / len(truth))


def test_own_classes():
    cells = dcme.ClassMap([1], names=["nucleus"])
    ids = scene_ids(np.random.default_rng(4), SHAPE, 10, labels=[1])
    evaluator = dcme.Evaluator(cells)
    evaluator.add(ids, dcme.decode(dcme.encode(ids)))
    result = evaluator.results()
    assert result.class_ap == {"nucleus": pytest.approx(1)}
    assert json.loads(json.dumps(result.as_dict()))["classes"]["nucleus"]["ap50"] == 1
    ids = np.full((20, 40), 1001, np.uint16)
    ids[:, 20:] = 0  # of which only Cityscapes makes no statement
    false, true = (ids == 0, 1, 0.9), (ids > 0, 1, 0.5)
    assert evaluate([(ids, [false, true])], classes=cells).ap == pytest.approx(0.25)


def test_distant_instances_are_left_out_of_ap50m():
    ids = np.zeros((100, 200), np.uint16)
    ids[10:60, 10:60], ids[10:60, 110:160] = 26001, 26002
    evaluator = dcme.Evaluator(distances=True)
    mask = ids == 26001
    mask[36:] = False  # IoU 0.52: right at the first of ten thresholds
    evaluator.add(ids, [mask], [26], [0.9], {26001: (20, 0.9), 26002: (70, 0.9)})
    result = evaluator.results()
    expected = {"ap": 0.05, "ap50": 0.5, "ap100m": 0.05, "ap50m": 0.1}
    assert {name: getattr(result, name) for name in expected} == pytest.approx(expected)
    table = result.as_dict()
    car = table.pop("classes")["car"]
    assert table == pytest.approx(expected)
    assert car == pytest.approx(expected | {"ground_truth": 2, "predictions": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([np.zeros((5, 6))], [26], [1]), "a predicted mask is 5x6 but its ground truth 8x9"),
        (([np.zeros((8, 9))], [26], [np.nan]), "confidence of a prediction is not a number"),
        (([np.zeros((8, 9))], None, [1]), "several classes need their labels"),
        (([np.zeros((8, 9))], [26, 26], [1]), "1 masks, but 2 labels and 1 confidences"),
        (([np.zeros((8, 9))], [26], [1, 1]), "1 masks, but 1 labels and 2 confidences"),
        ((iter([np.zeros((8, 9))]), [26, 26], [1, 1]), "1 masks, but 2 labels"),
        ((iter([np.zeros((8, 9))] * 2), [26], [1]), "more masks than the 1 labels"),
        ((iter([]),), "one by one need labels or confidences"),
        ((np.zeros((8, 9), bool), [26], [1]), r"holds integers, this has dtype bool \(masks are"),
        ((np.zeros((8, 9)), [26], [1]), "holds integers, this has dtype float64"),
        ((np.zeros((8, 9, 1, 1)), [26], [1]), r"must be \(K, H, W\), or a label map"),
        ((np.full((8, 9), 3), [26], [1]), "largest value is 3, but 1 labels and 1 confidences"),
        ((np.full((8, 9), 2**40), None, None), "largest value is 1099511627776, more than"),
    ],
)
def test_bad_predictions_are_answered_by_one_clear_line(arguments, message):
    with pytest.raises(ValueError, match=message):
        dcme.Evaluator().add(np.zeros((8, 9), np.uint16), *arguments)
