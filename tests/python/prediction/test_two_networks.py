"""Paper 1: vectors by one network, the class of each instance by another. Stand-ins play both."""

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import dcme
import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.samples import find_samples
from dcme.errors import UserError
from dcme.files import read_ids
from dcme.prediction.classifier import Classifier, boxes_at, classified
from dcme.prediction.network import Network
from dcme.prediction.predict import Prediction, decode_stored, predict, predict_vectors
from dcme.results.decode import Decoding
from dcme.results.files import ImageResult, list_result
from support.stand_in_network import Blob, GradientNet, letting_others_run

CLASSES = CITYSCAPES


class BrightnessNet:
    """Class 3 (car) for bright crops, background for dark ones."""

    size = (16, 16)

    def __init__(self, deploy, phase):
        self.inputs, self.outputs = ["data"], ["prob"]
        self.blobs = {"data": Blob((10, 3, *self.size))}

    def reshape(self):
        pass

    def forward(self):
        data = self.blobs["data"].data
        scores = np.zeros((len(data), 9), np.float32)
        bright = data.mean(axis=(1, 2, 3)) > 50
        scores[bright, 3], scores[~bright, 0] = 0.8, 0.9
        scores[:, 8] = 1 - scores.sum(axis=1)
        return {"prob": scores[:, :, np.newaxis, np.newaxis]}  # as convolutions give them


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """Deploy files of both; the net's name picks the stand-in."""
    caffe = ModuleType("caffe")

    def load(deploy, phase):
        kind = BrightnessNet if deploy.name == "class" else GradientNet
        return kind(deploy, phase)

    caffe.Net, caffe.TEST, caffe.init_log = load, 1, lambda level: None
    monkeypatch.setitem(sys.modules, "caffe", caffe)
    for name in ("vectors", "class"):
        (tmp_path / f"{name}.prototxt").write_text(f'name: "{name}"')
    (tmp_path / "train.prototxt").write_text('layer { name: "d" transform_param {} }')
    return tmp_path / "vectors.prototxt", tmp_path / "class.prototxt"


def test_boxes_scale_with_the_image():
    mask = np.zeros((1, 10, 20), bool)
    mask[0, 2:4, 5:9] = True
    result = ImageResult("a", (10, 20), mask, np.array([1]), np.array([1.0]))
    assert boxes_at(result, (30, 60)) == [(6, 15, 12, 27)]
    mask[0] = False
    mask[0, 2, 5] = True
    assert boxes_at(result, (3, 6)) == [(1, 2, 2, 3)]  # a pixel stays of what is smaller


def test_background_is_dropped_and_scores_are_probabilities():
    masks = np.zeros((3, 4, 4), bool)
    masks[0, 0], masks[1, 1], masks[2, 2] = True, True, True
    result = ImageResult("a", (4, 4), masks, np.ones(3), np.array([0.5, 1, 1]), np.zeros((3, 2)))
    rows = np.zeros((3, 9))
    rows[0, 1], rows[1, 0], rows[2, 8] = 0.6, 1, 0.7
    paper = classified(result, rows, CLASSES, keep_scores=False)
    assert paper.labels.tolist() == [33, 24] and paper.scores.tolist() == [0.7, 0.6]
    assert paper.masks[0][2].all()
    scored = classified(result, rows, CLASSES, keep_scores=True)
    assert scored.scores.tolist() == [0.7, 0.3]


def test_the_classifier_sees_crops_of_the_image(networks):
    classifier = Classifier(networks[1], None, smallest=8)
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255
    rows = classifier(image, [(0, 22, 10, 32), (0, 2, 10, 12)] * 20)
    assert rows.shape == (40, 9)
    assert rows.argmax(axis=1).tolist() == [3, 0] * 20
    assert classifier(image, []).shape == (0, 9)


def test_threads_share_a_classifier_and_each_gets_its_answers(networks, monkeypatch):
    monkeypatch.setattr(BrightnessNet, "forward", letting_others_run(BrightnessNet.forward))
    classifier = Classifier(networks[1], None)
    with ThreadPoolExecutor(3) as threads:
        images = [np.full((40, 40, 3), grey, np.uint8) for grey in (0, 255)] * 3
        answers = list(threads.map(lambda image: classifier(image, [(0, 0, 9, 9)]), images))
    assert [rows.argmax() for rows in answers] == [0, 3] * 3


def test_a_classifier_of_crops_that_are_not_square_is_refused(networks, monkeypatch):
    monkeypatch.setattr(BrightnessNet, "size", (16, 20))
    with pytest.raises(UserError, match=r"class\.prototxt: takes 16x20; crops are square"):
        Classifier(networks[1], None)


def test_a_classifier_of_other_classes_is_refused(networks):
    classifier = Classifier(networks[1], None, classes=ClassMap((1,), ("cell",)))
    with pytest.raises(UserError, match=r"gives 9 probabilities; expected 2"):
        classifier(np.zeros((40, 40, 3), np.uint8), [(0, 0, 9, 9)])


@pytest.mark.parametrize("mode", ["standard", "watershed", "reference"])
def test_predicting_at_once_and_by_way_of_files_agree(city, networks, tmp_path, mode):
    samples = find_samples(city, "val")
    network, classifier = Network(networks[0], None), Classifier(networks[1], None, smallest=9)
    decoding = Decoding(dt=3, vt=4, et=5, mode=mode)
    kept, once, later = (tmp_path / name for name in ("v", "once", "later"))
    how = Prediction(network, decoding, (64, 128), classifier=classifier)
    found = predict(how, samples, once, vectors_out=kept).instances
    assert predict_vectors(network, samples, kept, size=(64, 128)) == 0
    assert decode_stored(kept, samples, later, decoding, classifier=classifier, workers=2) == found
    for sample in samples:
        text = (once / f"{sample.name}.txt").read_text()
        assert text == (later / f"{sample.name}.txt").read_text()
        assert {label for _, label, _ in list_result(once / f"{sample.name}.txt")} <= {26, 33}


def test_vectors_that_are_there_are_not_computed_again(city, networks, tmp_path):
    samples = find_samples(city, "val")
    network = Network(networks[0], None)
    assert predict_vectors(network, samples, tmp_path / "v", size=(64, 128)) == len(samples)
    (tmp_path / "v" / f"{samples[0].name}.npz").unlink()
    assert predict_vectors(network, samples, tmp_path / "v", size=(64, 128)) == 1


def test_box_centres_and_watershed_work_end_to_end(city):
    """Paper 1's two alternatives, on the truth itself."""
    ids = dcme.reduce_ids(read_ids(find_samples(city, "val")[0].ids), (64, 128))
    for anchor in ("mass", "box"):
        vectors = dcme.encode(ids, anchor)
        for mode in ("standard", "watershed"):
            found = dcme.decode(vectors, dt=1, vt=4, et=3, mode=mode)
            assert dcme.matching(np.where(ids >= 1000, ids, 0), found).recall > 0.6
