"""Networks as functions: any size, batches, mirrored averaging. A stand-in plays the runtime."""

import json
import shutil
import sys
from dataclasses import replace
from types import ModuleType
from typing import ClassVar

import caffe.proto.caffe_pb2  # noqa: F401 (the stand-in below has no messages)
import cv2
import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes, write_classes
from dcme.datasets.samples import read_folder
from dcme.datasets.vectors import VectorMap, read_vectors
from dcme.errors import UserError
from dcme.files import write_png
from dcme.prediction.network import Network, Preprocessing, padded, softmax
from dcme.prediction.predict import Prediction, load_picture, predict
from dcme.prediction.views import seen, turned_back
from dcme.results.decode import Decoding
from dcme.results.thresholds import write_decoding
from dcme.training.net_classes import classes_of_net
from oracles.times import age, renewed


class Blob:
    def __init__(self, shape):
        self.reshape(*shape)

    def reshape(self, *shape):
        self.shape, self.data = shape, np.zeros(shape, np.float32)


class GradientNet:
    """dx, dy = differences of neighbours, so mirroring the image mirrors the vectors."""

    batches: ClassVar[list] = []
    seen: ClassVar[np.ndarray]

    def __init__(self, deploy, phase):
        self.inputs, self.outputs = ["data"], ["vectors", "classes"]
        self.blobs = {"data": Blob((1, 3, 32, 64))}
        self.params, self.memory = {}, {}
        self.bottom_names, self.top_names = {"data": []}, {"data": ["data"]}

    def copy_from(self, weights):
        return []

    def reshape(self):
        pass

    def forward(self):
        data = self.blobs["data"].data
        GradientNet.seen = data.copy()
        GradientNet.batches.append(data.shape)
        grey = np.pad(data.mean(axis=1), ((0, 0), (1, 1), (1, 1)), mode="edge")
        dx = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
        dy = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
        n, _, h, w = data.shape
        blocks = data.mean(axis=1).reshape(n, h // 16, 16, w // 16, 16).mean(axis=(2, 4))
        share = 1 / (1 + np.exp(-blocks / 64))
        return {
            "vectors": self._kept("vectors", np.stack([dx, dy], axis=1)),
            "classes": self._kept("classes", np.stack([share, 1 - share], axis=1)),
        }

    def _kept(self, name, values):
        """As in the runtime, each pass writes over the last one's outputs."""
        if name not in self.memory or self.memory[name].shape != values.shape:
            self.memory[name] = np.empty_like(values)
        self.memory[name][...] = values
        return self.memory[name]


@pytest.fixture
def deploy(tmp_path, monkeypatch):
    caffe = ModuleType("caffe")
    caffe.Net, caffe.TEST, caffe.init_log = GradientNet, 1, lambda level: None
    monkeypatch.setitem(sys.modules, "caffe", caffe)
    GradientNet.batches = []
    (tmp_path / "deploy.prototxt").write_text("")
    (tmp_path / "train.prototxt").write_text('layer { name: "d" transform_param {} }')
    return tmp_path / "deploy.prototxt"


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def test_sizes_that_are_no_multiple_of_the_stride_are_padded_and_cut(deploy):
    network = Network(deploy, None, stride=32)
    ((vectors, grid),) = network([picture(40, 70)])
    assert GradientNet.batches == [(1, 3, 64, 96)]
    assert vectors.shape == (2, 40, 70)
    assert grid.shape == (2, 3, 5)
    assert np.allclose(grid.sum(axis=0), 1)


def test_outputs_survive_the_next_forward_pass(deploy):
    network = Network(deploy, None)
    ((vectors, grid),) = network([picture(32, 64, seed=1)])
    before = vectors.copy(), grid.copy()
    network([picture(32, 64, seed=2)])
    assert np.array_equal(vectors, before[0]) and np.array_equal(grid, before[1])


def test_grey_images_are_seen_as_three_equal_channels(deploy):
    network, grey = Network(deploy, None), picture(32, 64)[..., 0]
    ((alone, _),) = network([grey])
    ((vectors, _),) = network([np.stack([grey] * 3, axis=2)])
    assert np.array_equal(alone, vectors)
    assert network([]) == []


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (picture(8, 8), r"give a list of images, of a single one \[image\]"),
        ([picture(8, 8), picture(8, 9)], r"have one size, these \(8, 8\) and \(8, 9\)"),
        ([picture(8, 8).astype(np.float32)], r"an image is uint8 .* this is float32 \(8, 8, 3\)"),
        ([picture(8, 8)[..., :2]], r"an image is uint8 .* this is uint8 \(8, 8, 2\)"),
        ([picture(0, 8)], r"an image is uint8 .* this is uint8 \(0, 8, 3\)"),
    ],
)
def test_what_is_no_list_of_images_is_refused(deploy, images, message):
    with pytest.raises(ValueError, match=message):
        Network(deploy, None)(images)


@pytest.mark.parametrize("options", [{"stride": 0}, {"views": 3}])
def test_options_that_make_no_sense_are_refused_at_once(deploy, options):
    with pytest.raises(UserError, match="at least 1, and one of"):
        Network(deploy, None, **options)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 5), (32, 32), (33, 31)])
def test_padding_mirrors_the_image_as_often_as_need_be(shape):
    image = picture(*shape)
    size = tuple(-(-side // 32) * 32 for side in shape)
    more = [(0, most - side) for most, side in zip(size, shape)]
    assert np.array_equal(padded(image, size), np.pad(image, [*more, (0, 0)], mode="reflect"))


def test_scores_become_probabilities_and_probabilities_stay():
    of_sum_one = softmax(np.array([[-1.0, 2]]))
    assert of_sum_one[0] == pytest.approx([1 / (1 + np.e**3), 1 / (1 + np.e**-3)])
    assert softmax(np.array([[1000.0, 0]])).tolist() == [[1, 0]]
    shares = np.array([[0.25, 0.75]])
    assert np.array_equal(softmax(shares), shares)


@pytest.mark.parametrize("views", [2, 8])
def test_averaging_over_views_changes_nothing_for_a_symmetric_network(deploy, views):
    image = picture(64, 96)
    ((plain, plain_grid),) = Network(deploy, None)([image])
    ((mean, mean_grid),) = Network(deploy, None, views=views)([image])
    assert len(GradientNet.batches) == 1 + views
    assert np.allclose(plain, mean, atol=1e-4)
    assert np.allclose(plain_grid, mean_grid, atol=1e-6)


def test_views_are_turned_back_to_where_they_came_from():
    batch = np.random.default_rng(0).random((1, 1, 3, 5))
    views = [seen(batch, view) for view in range(8)]
    assert len({view.tobytes() for view in views}) == 8
    for number, view in enumerate(views):
        assert np.array_equal(turned_back(view, number), batch)


def test_pixels_classified_by_the_network_are_the_foreground(deploy, monkeypatch):
    """The class output has the shape of the vector map: their names tell them apart."""
    rows, cols = np.mgrid[:32, :32].astype(np.float32)
    vectors = np.stack([15 - cols, 15 - rows])  # every pixel points at one centre
    nucleus = np.zeros((32, 32), np.float32)
    nucleus[10:21, 8:23] = 0.7

    def forward(self):
        return {"mask": np.stack([1 - nucleus, nucleus])[None], "vectors": vectors[None]}

    monkeypatch.setattr(GradientNet, "forward", forward)
    ((found, mask),) = Network(deploy, None)([picture(32, 32)])
    assert np.array_equal(found, vectors)
    for probability, expected in ((0.6, nucleus > 0), (0.8, None)):
        decoding = Decoding(
            dt=3, vt=5, et=3, classes=ClassMap((1,), ("nucleus",)), probability=probability
        )
        result = decoding(VectorMap("a", found, mask))
        assert len(result) == (expected is not None)
        if expected is not None:
            assert np.array_equal(result.masks[0], expected)
            assert result.labels.tolist() == [1]


def test_a_net_without_vectors_is_refused_with_what_it_gives(deploy, monkeypatch):
    monkeypatch.setattr(GradientNet, "forward", lambda self: {"classes": np.ones((1, 2, 2, 4))})
    with pytest.raises(UserError, match=r"no output is a vector map .* classes \(1, 2, 2, 4\)"):
        Network(deploy, None)([picture(32, 64)])


def test_mean_and_scale_are_applied_per_channel():
    image = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    values = Preprocessing(0.5, (10.0, 10.0, 10.0))(image, 3)
    assert values.ravel().tolist() == [0, 5, 10]
    with pytest.raises(UserError, match="2 mean values"):
        Preprocessing(1.0, (1.0, 2.0))(image, 3)
    assert Preprocessing()(image, 1).tolist() == [[[22]]]  # 0.114 blue, 0.587 green, 0.299 red


TRANSFORM = "transform_param {{ scale: {} mean_value: 9 {} }}"


def train_net(folder, scale, more=""):
    transform = TRANSFORM.format(scale, more)
    text = f'layer {{ name: "d" type: "DCMEData" top: "data" {transform} }}'
    (folder / "train.prototxt").write_text(text)


def predicted_input(deploy, tmp_path, *options):
    """What the network sees of a grey 50 image."""
    image, weights = tmp_path / "a.png", tmp_path / "w.caffemodel"
    if not image.exists():
        write_png(image, np.full((32, 64, 3), 50, np.uint8))
    if not weights.exists():
        weights.touch()
    words = [deploy, weights, image, tmp_path / "r", *options]
    code = main(["predict", *map(str, words), "--classes", "1:thing", "--quiet"])
    return code or float(GradientNet.seen.max())


def test_input_is_scaled_as_the_training_net_beside_says(deploy, tmp_path, monkeypatch, capsys):
    net = tmp_path / "sub"
    net.mkdir()
    train_net(tmp_path, 0.5)
    train_net(net, 0.25)
    assert predicted_input(deploy, tmp_path) == (50 - 9) * 0.5
    other = net / "train.prototxt"
    assert predicted_input(deploy, tmp_path, "--train-net", other) == (50 - 9) * 0.25
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    assert predicted_input(deploy, tmp_path, "--mean", "10") == 40
    assert predicted_input(deploy, tmp_path, "--train-net", other, "--scale", "2") == 1
    assert "either --train-net, or --scale" in capsys.readouterr().err
    (tmp_path / "train.prototxt").unlink()
    assert predicted_input(deploy, tmp_path) == 1
    assert "train.prototxt: no such file to tell scale and mean" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        predicted_input(deploy, tmp_path, "--scale", "nan")


def test_where_nothing_is_found_the_command_says_what_to_try(deploy, tmp_path, capsys):
    train_net(tmp_path, 1)
    predicted_input(deploy, tmp_path)
    assert "0 instances in 1 image\na network that has learned little" in capsys.readouterr().out


def test_in_python_too_the_training_net_beside_tells_how_the_input_is_scaled(deploy, tmp_path):
    train_net(tmp_path, 0.5)
    assert Network(deploy, None).preprocessing == Preprocessing(0.5, (9.0,))
    assert Network(deploy, None, Preprocessing(2.0)).preprocessing == Preprocessing(2.0)
    (tmp_path / "train.prototxt").unlink()
    told = r"train.prototxt: no such file .*; give dcme.Preprocessing\(scale, mean\)"
    with pytest.raises(UserError, match=told):
        Network(deploy, None)


def labels_found(deploy, tmp_path, *options):
    """Labels in the result of an image in which GradientNet finds something, and what is told."""
    rows, cols = np.mgrid[:32, :64]
    image = np.repeat(40 - np.abs(cols - 30) - np.abs(rows - 16), 3).reshape(32, 64, 3)
    write_png(tmp_path / "a.png", image.clip(0, 255).astype(np.uint8))
    words = ["predict", deploy, tmp_path / "w.caffemodel", tmp_path / "a.png", tmp_path / "r"]
    words += ["--dt", "40", "--vt", "1", "--et", "99", "--quiet", *options]
    (tmp_path / "w.caffemodel").touch()
    assert main([str(word) for word in words]) == 0
    return {int(row.split()[-2]) for row in (tmp_path / "r" / "a.txt").read_text().splitlines()}


def test_classes_are_those_that_the_network_was_trained_on(deploy, tmp_path, fails, capsys):
    """Never Cityscapes' by their number; and who reads the results need not be told again."""
    layer = 'layer {{ name: "d" type: "DCMEData" transform_param {{}} dcme_data_param {{ {} }} }}'
    train = tmp_path / "train.prototxt"
    train.write_text(layer.format("label: 7"))
    assert labels_found(deploy, tmp_path, "--vectors", str(tmp_path / "v")) == {7}
    assert read_classes(tmp_path / "r") == read_classes(tmp_path / "v") == ClassMap([7], ["class7"])
    shutil.copy(tmp_path / "r" / "instanceIds" / "a_instanceIds.png", tmp_path / "truth.png")
    (tmp_path / "val.txt").write_text("a.png truth.png\n")
    write_classes(tmp_path, ClassMap([7], ["cell"]))  # dcme train leaves the names there
    assert labels_found(deploy, tmp_path) == {7}
    assert main(["evaluate", str(tmp_path / "r"), str(tmp_path / "val.txt"), "--quiet"]) == 0
    assert "\ncell " in capsys.readouterr().out
    words = ["decode", tmp_path / "v", tmp_path / "d", "--dt", "40", "--vt", "1", "--et", "99"]
    assert main([*map(str, words), "--quiet"]) == 0
    assert read_classes(tmp_path / "d") == ClassMap([7], ["class7"])
    assert labels_found(deploy, tmp_path, "--classes", "3:speck") == {3}
    train.write_text(layer.format("label: 8"))  # whose names the file does not tell
    assert labels_found(deploy, tmp_path) == {8}
    train.unlink()
    words = ["predict", deploy, tmp_path / "w.caffemodel", tmp_path / "a.png", tmp_path / "r"]
    line = fails(*words, "--scale", "1", "--quiet")
    assert "train.prototxt: no such file to tell the network's classes; give --classes" in line


def test_thresholds_beside_the_network_are_taken_and_told(deploy, tmp_path, capsys):
    def settings(*options):
        predicted_input(deploy, tmp_path, *options)
        return json.loads((tmp_path / "r" / "predict.json").read_text())

    saved = tmp_path / "decoding.json"
    write_decoding(saved, Decoding(dt=3, vt=18, probability=0.4))
    told = settings("--vt", "5")
    assert (told["dt"], told["vt"], told["et"], told["probability"]) == (3, 5, 15, 0.4)
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith(f"{saved}: --dt 3 --et 15 ") and "--vt" not in said
    saved.rename(tmp_path / "other.json")
    assert settings()["dt"] == 10
    assert settings("--decoding", str(tmp_path / "other.json"))["dt"] == 3


def test_without_labels_a_training_net_is_one_of_cityscapes(tmp_path):
    net = tmp_path / "train.prototxt"
    net.write_text('layer { name: "d" type: "DCMEData" }')
    assert classes_of_net(net) == CITYSCAPES
    net.write_text('layer { name: "d" type: "ImageData" }')
    assert classes_of_net(net) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "tells no classes (Expecting"),
        ("[]", "tells no classes (list indices"),
        ('{"labels": [1]}', "tells no classes ('names')"),
        ('{"labels": [0], "names": ["a"], "ignored": [], "priority": [1]}', "tells no classes ("),
        ('{"labels": "x", "names": ["a"], "ignored": [], "priority": [1]}', "tells no classes ("),
    ],
)
def test_a_file_that_tells_no_classes_is_one_line(tmp_path, text, told):
    (tmp_path / "classes.json").write_text(text)
    with pytest.raises(UserError) as error:
        read_classes(tmp_path)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_without_a_mean_nothing_is_subtracted(tmp_path):
    (tmp_path / "train.prototxt").write_text('layer { name: "d" transform_param { scale: 2 } }')
    found = Preprocessing.of_training_net(tmp_path / "train.prototxt")
    assert found == Preprocessing(2.0, (0.0,))


def test_a_mean_file_is_not_passed_over(tmp_path):
    train_net(tmp_path, 1, 'mean_file: "m"')
    with pytest.raises(UserError, match="has a mean_file"):
        Preprocessing.of_training_net(tmp_path / "train.prototxt")


def test_missing_files_name_themselves(deploy, tmp_path):
    with pytest.raises(UserError, match=r"none\.caffemodel"):
        Network(deploy, tmp_path / "none.caffemodel")
    with pytest.raises(UserError, match=r"none\.prototxt: no such file"):
        Preprocessing.beside(tmp_path / "none.prototxt", deploy, "--scale")


def test_predict_batches_neighbours_of_one_size_and_restores_full_size(deploy, tmp_path):
    images = tmp_path / "images"
    for index, shape in enumerate([(64, 64), (64, 64), (64, 64), (32, 96)]):
        write_png(images / f"{index}.png", picture(*shape, seed=index))
    network = Network(deploy, None)
    decoding = Decoding(dt=3, vt=5, et=3, classes=ClassMap((1,), ("thing",)))
    out, kept = tmp_path / "r", tmp_path / "v"
    samples = read_folder(images)
    how = Prediction(network, decoding, batch=2)
    found = predict(how, samples, out, vectors_out=kept, workers=2).instances
    assert [shape[0] for shape in GradientNet.batches] == [2, 1, 1]
    assert [item.vectors.shape for item in read_vectors(kept)] == [(2, 64, 64)] * 3 + [(2, 32, 96)]
    assert found == sum(len(p.read_text().splitlines()) for p in out.glob("*.txt"))
    assert len(list(out.glob("*.txt"))) == 4


def test_an_interrupted_prediction_goes_on_with_what_is_missing(deploy, tmp_path):
    for index in range(4):
        write_png(tmp_path / "images" / f"{index}.png", picture(32, 64, seed=index))
    out, kept = tmp_path / "r", tmp_path / "v"
    decoding = Decoding(dt=9, vt=2, et=99, classes=ClassMap((1,), ("thing",)))
    samples = read_folder(tmp_path / "images")
    how = Prediction(Network(deploy, None), decoding, batch=1)
    first = predict(how, samples, out, vectors_out=kept)
    assert first.instances > 0 and (first.images, first.kept) == (4, 0)
    texts = {path.name: path.read_text() for path in out.glob("*.txt")}
    (out / "1.txt").unlink()
    (kept / "3.npz").unlink()
    GradientNet.batches.clear()
    assert predict(how, samples, out, vectors_out=kept, resume=True) == replace(first, kept=2)
    assert len(GradientNet.batches) == 2 and (kept / "3.npz").is_file()
    assert {path.name: path.read_text() for path in out.glob("*.txt")} == texts
    assert predict(how, samples, out, vectors_out=kept, resume=True) == replace(first, kept=4)
    assert len(GradientNet.batches) == 2
    assert predict(how, samples, out) == first and len(GradientNet.batches) == 6


def test_the_command_resumes_where_it_is_told_to(deploy, tmp_path, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    GradientNet.batches.clear()
    assert predicted_input(deploy, tmp_path, "--scale", "2", "--resume") == 100
    assert not GradientNet.batches and "in 1 image (1 kept)" in capsys.readouterr().out
    write_png(tmp_path / "a.png", picture(32, 64))  # another image of that name is not kept
    predicted_input(deploy, tmp_path, "--scale", "2", "--resume")
    assert len(GradientNet.batches) == 1


def test_an_interrupted_prediction_says_how_to_go_on(deploy, tmp_path, fails, monkeypatch, capsys):
    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(GradientNet, "forward", interrupted)
        assert predicted_input(deploy, tmp_path) == 130
    captured = capsys.readouterr()
    assert "stopped; the same command with --resume goes on" in captured.out
    assert captured.err.endswith("dcme: interrupted\n")
    write_png(tmp_path / "truth.png", np.full((32, 64), 1001, np.uint16))
    (tmp_path / "val.txt").write_text("a.png truth.png\n")
    line = fails("evaluate", tmp_path / "r", tmp_path / "val.txt", "--quiet")
    assert "a.txt: there are no results for this image" in line and "with --resume" in line
    assert predicted_input(deploy, tmp_path, "--resume") == 50


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--dt", "3"), "(dt: 10; now 3.0)"),
        (("--scale", "3"), "(scale: 2.0; now 3.0)"),
        (("--views", "2"), "(views: 1; now 2)"),
        (("--size", "64x32"), "(size: None; now [64, 32])"),
        (("--classes", "2:thing"), "(classes: 1:thing; now 2:thing)"),
        (("--vectors", "kept"), "(vectors: none; now "),
    ],
)
def test_results_of_other_settings_are_not_taken_for_ones_own(
    deploy, tmp_path, fails, monkeypatch, options, told
):
    monkeypatch.chdir(tmp_path)
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    words = ("--scale", "2", "--classes", "1:thing", *options, "--resume", "--quiet")
    line = fails("predict", deploy, "w.caffemodel", "a.png", "r", *words)
    assert "r: holds results of another prediction " + told in line
    assert "choose another folder, or begin anew without --resume" in line


def test_results_of_other_images_are_neither_mixed_nor_lost(deploy, tmp_path, fails, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    words = ("predict", deploy, tmp_path / "w.caffemodel", tmp_path / "b.png", tmp_path / "r")
    words = (*words, "--classes", "1:thing", "--scale", "2", "--quiet")
    line = fails(*words, "--dt", "3")
    assert "r: holds results of other images (1: a); name another folder, delete this one" in line
    assert (tmp_path / "r" / "a.txt").is_file()
    (tmp_path / "r" / "notes.txt").write_text("not ours")
    assert main([str(word) for word in (*words, "--resume")]) == 0
    assert {path.name for path in (tmp_path / "r").glob("?.txt")} == {"a.txt", "b.txt"}
    capsys.readouterr()


def test_a_prediction_does_not_go_on_with_what_was_decoded_there(deploy, tmp_path, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    np.save(tmp_path / "a.npy", np.zeros((2, 32, 64), np.float32))
    words = ["decode", str(tmp_path / "a.npy"), str(tmp_path / "r"), "--quiet"]
    assert main(words) == 0
    GradientNet.batches.clear()
    predicted_input(deploy, tmp_path, "--scale", "2", "--resume")
    assert len(GradientNet.batches) == 1


def test_results_of_other_weights_are_not_taken_for_ones_own(deploy, tmp_path, capsys):
    assert predicted_input(deploy, tmp_path, "--scale", "2") == 100
    # What an interrupted run without --resume has not come to is not there any more.
    (tmp_path / "a.png").write_bytes(b"damaged")
    assert predicted_input(deploy, tmp_path, "--scale", "3") == 1
    write_png(tmp_path / "a.png", np.full((32, 64, 3), 50, np.uint8))
    assert predicted_input(deploy, tmp_path, "--scale", "3", "--resume") == 150
    (tmp_path / "w.caffemodel").write_bytes(b"of another training")
    assert predicted_input(deploy, tmp_path, "--scale", "3", "--resume") == 1
    assert "results of another prediction (state of the weights: " in capsys.readouterr().err
    deploy.write_text("# another net")
    assert predicted_input(deploy, tmp_path, "--scale", "3", "--resume") == 1
    assert "results of another prediction (content of the net: " in capsys.readouterr().err


@pytest.mark.parametrize("size", [(20, 40), (50, 90), (20, 90)])
def test_images_are_reduced_by_area_and_enlarged_linearly(tmp_path, size):
    write_png(tmp_path / "a.png", image := picture(32, 64))
    (sample,) = read_folder(tmp_path)
    method = cv2.INTER_AREA if size == (20, 40) else cv2.INTER_LINEAR
    expected = cv2.resize(image, size[::-1], interpolation=method)
    assert np.array_equal(load_picture(size, False, sample).image, expected)


def test_predict_does_not_write_among_the_images(deploy, tmp_path):
    write_png(tmp_path / "images" / "a.png", picture(32, 64))
    how = Prediction(Network(deploy, None), Decoding())
    for place in ({"out": tmp_path / "images"}, {"out": "r", "vectors_out": tmp_path / "images"}):
        with pytest.raises(UserError, match="is where the data set is; name another folder"):
            predict(how, read_folder(tmp_path / "images"), **place)
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["a.png"]


@pytest.mark.parametrize("lines", ["images/val.png\n", "images/val.png instanceIds/val.png\n"])
def test_predict_does_not_write_into_a_data_set(deploy, tmp_path, fails, lines):
    """A result's text file could be a list, its instance map would stand beside the true ones."""
    data, weights = tmp_path / "data", tmp_path / "w.caffemodel"
    write_png(data / "images" / "val.png", picture(32, 64))
    write_png(data / "instanceIds" / "val.png", np.ones((32, 64), np.uint16))
    for name in ("train.txt", "val.txt"):
        (data / name).write_text(lines)
    weights.touch()
    before = age(data.rglob("*"))
    for source in (data, data / "train.txt"):
        for place in ((data,), (tmp_path / "r", "--vectors", data)):
            line = fails("predict", deploy, weights, source, *place, "--classes", "1:a", "--quiet")
            assert f"{data}: is where the data set is; name another folder" in line
    np.savez(tmp_path / "val.npz", vectors=np.zeros((2, 32, 64), np.float32))
    line = fails("decode", tmp_path / "val.npz", data, "--list", data / "train.txt")
    assert f"{data}: is where the list is; name another folder" in line
    assert not renewed(before) and set(before) == set(data.rglob("*"))


def test_predict_sees_images_of_16_bits_between_the_levels(deploy, tmp_path):
    image = picture(32, 64)
    write_png(tmp_path / "deep.png", image.astype(np.uint16) * 16 + 100)
    thing = Decoding(classes=ClassMap((1,), ("thing",)))
    how = Prediction(Network(deploy, None), thing, levels=(100, 100 + 16 * 255))
    predict(how, read_folder(tmp_path), tmp_path / "r")
    assert np.array_equal(GradientNet.seen[0], image.transpose(2, 0, 1))


def test_an_image_that_is_missing_is_found_before_any_work(deploy, tmp_path):
    (tmp_path / "list.txt").write_text("absent.png\n")
    from dcme.datasets.samples import read_list

    with pytest.raises(UserError, match=r"absent\.png: there is no such image"):
        how = Prediction(Network(deploy, None), Decoding())
        predict(how, read_list(tmp_path / "list.txt"), tmp_path / "r")
    assert GradientNet.batches == []
