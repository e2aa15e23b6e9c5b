"""The nuclei net for images in colour and for several classes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.class_file import read_classes
from dcme.training.caffe_train import NetFiles, data_layers, read_net
from dcme.training.net_classes import bind_classes
from nets.choices import ChoiceError, with_choices
from nets.files import DECODING, file_texts, write_files
from nets.nuclei import Choices, define

import caffe

PROTOTXT = Path(__file__).parents[3] / "prototxt"

SMALL = ["colour=true", "width=4", "crop=32"]


def layer(net: Any, name: str) -> Any:
    return next(one for one in net.layer if one.name == name)


def test_a_variant_has_the_channels_and_crops_asked_for(tmp_path: Path) -> None:
    write_files(define(with_choices(Choices(), SMALL)), tmp_path, str(tmp_path))
    net = caffe.Net(str(tmp_path / "deploy.prototxt"), caffe.TEST)
    assert tuple(net.blobs["data"].shape[:2]) == (1, 3)
    assert [net.blobs[f"conv{k}_2"].shape[1] for k in (1, 2, 3, 4)] == [4, 8, 16, 16]
    data = layer(read_net(tmp_path / "train.prototxt"), "data").dcme_data_param
    assert data.is_color and (data.crop_height, data.crop_width) == (32, 32)


def test_thresholds_come_with_variants_for_nuclei_and_not_for_larger_objects() -> None:
    for setting, written in [("colour=true", True), ("crop=64", True), ("crop=256", False)]:
        texts = file_texts(define(with_choices(Choices(), [setting])))
        assert (DECODING in texts) == written, setting


@pytest.mark.parametrize("setting", ["crop=100", "crop=0", "width=0"])
def test_choices_that_make_no_net_are_refused(setting: str) -> None:
    with pytest.raises(ChoiceError, match="multiple of 8"):
        file_texts(define(with_choices(Choices(), [setting])))


@pytest.mark.parametrize(
    ("name", "head"),
    [("nuclei", "mask_score"), ("small", "grid_score"), ("isisa2019_deeplabv3plus", "grid_score")],
)
def test_the_head_gets_an_output_for_each_class(tmp_path: Path, name: str, head: str) -> None:
    shutil.copytree(PROTOTXT / name, tmp_path / name)
    files = NetFiles.of_folder(tmp_path / name)
    bind_classes(files, ClassMap((7, 3), ("cell", "debris")))
    for path in (files.train, files.deploy):
        assert layer(read_net(path), head).convolution_param.num_output == 3
    for data, _ in data_layers(read_net(files.train), files.train):
        assert list(data.dcme_data_param.label) == [7, 3]


def test_two_classes_are_trained_and_predicted_by_their_labels(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    image, ids = np.full((48, 48, 3), 30, np.uint8), np.zeros((48, 48), np.uint16)
    for k, label in enumerate((7, 3)):
        inside = np.s_[10:30, 4 + 24 * k : 18 + 24 * k]
        image[inside], ids[inside] = 200, 1000 * label + 1
    cv2.imwrite(str(tmp_path / "data" / "a.png"), image)
    cv2.imwrite(str(tmp_path / "data" / "a_ids.png"), ids)
    (tmp_path / "data" / "train.txt").write_text("a.png a_ids.png\n")
    write_files(define(with_choices(Choices(), SMALL)), tmp_path / "nets", str(tmp_path / "nets"))
    run = tmp_path / "run"
    classes = ["--classes", "7:cell,3:debris", "--quiet"]
    words = ["train", tmp_path / "nets", tmp_path / "data", run, "--iterations", 2]
    assert main([str(word) for word in [*words, *classes]]) == 0
    words = ["predict", run / "deploy.prototxt", run / "snapshot_iter_2.caffemodel"]
    words += [tmp_path / "data" / "train.txt", tmp_path / "results", "--vt", "0"]
    assert main([str(word) for word in [*words, "--probability", "0", "--quiet"]]) == 0
    assert read_classes(tmp_path / "results") == ClassMap([7, 3], ["cell", "debris"])
    rows = (tmp_path / "results" / "a.txt").read_text().splitlines()
    assert rows and {row.split()[1] for row in rows} <= {"7", "3"}
