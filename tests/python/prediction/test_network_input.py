"""What a network sees, its classes, the thresholds beside it. A stand-in plays the runtime."""

import json
import shutil

import cv2
import numpy as np
import pytest
from dcme.classes import CITYSCAPES, ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes, write_classes
from dcme.datasets.samples import read_folder
from dcme.errors import UserError
from dcme.files import write_png
from dcme.prediction.network import Network, Preprocessing
from dcme.prediction.predict import Prediction, load_picture, predict
from dcme.results.decode import Decoding
from dcme.results.thresholds import write_decoding
from dcme.training.net_classes import classes_of_net
from support.stand_in_network import GradientNet, picture, predicted_input, train_net


def test_mean_and_scale_are_applied_per_channel():
    image = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    values = Preprocessing(0.5, (10.0, 10.0, 10.0))(image, 3)
    assert values.ravel().tolist() == [0, 5, 10]
    with pytest.raises(UserError, match=r"2 mean values \(--mean, .* 3 channels"):
        Preprocessing(1.0, (1.0, 2.0))(image, 3)
    assert Preprocessing()(image, 1).tolist() == [[[22]]]  # 0.114 blue, 0.587 green, 0.299 red


def test_input_is_scaled_as_the_training_net_beside_says(deploy, tmp_path, capsys):
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
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith(f"{saved}: no such file; --dt 10 --vt 50 --et 15 are the defaults (dcme")
    settings("--dt", "4")
    assert "defaults" not in capsys.readouterr().out
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
        ("{", "is no JSON (Expecting"),
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


@pytest.mark.filterwarnings("ignore:.* are squeezed")
@pytest.mark.parametrize("size", [(20, 40), (50, 90), (20, 90)])
def test_images_are_reduced_by_area_and_enlarged_linearly(tmp_path, size):
    write_png(tmp_path / "a.png", image := picture(32, 64))
    (sample,) = read_folder(tmp_path)
    method = cv2.INTER_AREA if size == (20, 40) else cv2.INTER_LINEAR
    expected = cv2.resize(image, size[::-1], interpolation=method)
    assert np.array_equal(load_picture(size, False, sample).image, expected)


def test_predict_sees_images_of_16_bits_between_the_levels(deploy, tmp_path):
    image = picture(32, 64)
    write_png(tmp_path / "deep.png", image.astype(np.uint16) * 16 + 100)
    thing = Decoding(classes=ClassMap((1,), ("thing",)))
    how = Prediction(Network(deploy, None), thing, levels=(100, 100 + 16 * 255))
    predict(how, read_folder(tmp_path), tmp_path / "r")
    assert np.array_equal(GradientNet.seen[0], image.transpose(2, 0, 1))
