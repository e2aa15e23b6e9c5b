"""The committed nets are those that the generator writes, and what the nets promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generate import NETS
from google.protobuf import text_format
from nets.choices import ChoiceError, with_choices
from nets.files import DECODING, START, file_texts
from nets.isisa2019_deeplabv3plus import Choices, define

import caffe
from caffe.proto import caffe_pb2

FOLDER = Path(__file__).parents[3] / "prototxt"

ALL = sorted(NETS)


def message(path: Path) -> Any:
    kind = caffe_pb2.SolverParameter if path.name.startswith("solver") else caffe_pb2.NetParameter
    return text_format.Parse(path.read_text(encoding="utf-8"), kind())


def layers(name: str, file: str) -> dict[str, Any]:
    return {layer.name: layer for layer in message(FOLDER / name / f"{file}.prototxt").layer}


@pytest.mark.parametrize("name", ALL)
def test_committed_files_are_what_the_generator_writes(name: str, tmp_path: Path) -> None:
    for file, text in file_texts(NETS[name]).items():
        committed = FOLDER / name / file
        if file == DECODING:
            assert committed.read_text(encoding="utf-8") == text, f"run prototxt/generate.py {name}"
            continue
        fresh = tmp_path / file
        fresh.write_text(text, encoding="utf-8")
        assert message(committed) == message(fresh), f"run prototxt/generate.py {name}"
        head = [line for line in text.splitlines() if line.startswith("#")]
        assert committed.read_text(encoding="utf-8").splitlines()[: len(head)] == head


def test_weights_to_start_from_are_what_the_generator_writes() -> None:
    made = {name for name in ALL if NETS[name].start is not None}
    assert {path.parent.name for path in FOLDER.glob("*/start.caffemodel")} == made
    for name in made:
        stored = caffe_pb2.NetParameter.FromString((FOLDER / name / START).read_bytes())
        assert stored == NETS[name].start(), f"run prototxt/generate.py {name}"


def test_fcn8s_starts_with_classes_that_interpolate_each_on_its_own() -> None:
    folder = FOLDER / "dcme2017_fcn8s"
    net = caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST, weights=str(folder / START))
    for name in ("upscore2", "upscore_pool4"):
        bottom = net.blobs[net.bottom_names[name][0]].data
        bottom[...] = np.random.default_rng(1).random(bottom.shape, np.float32)
        net.forward(start=name, end=name)
        # Every second row and column inside lies a quarter of a step further.
        rows = 0.75 * bottom[:, :, :-1] + 0.25 * bottom[:, :, 1:]
        expected = 0.75 * rows[..., :-1] + 0.25 * rows[..., 1:]
        top = net.blobs[net.top_names[name][0]].data
        assert np.allclose(top[:, :, 2:-2:2, 2:-2:2], expected, rtol=1e-4)


def test_every_folder_of_nets_is_generated() -> None:
    assert {path.parent.name for path in FOLDER.glob("*/train.prototxt")} == set(NETS)


@pytest.mark.parametrize("name", ALL)
def test_training_and_deployment_share_every_layer_with_weights(name: str) -> None:
    train, deploy = layers(name, "train"), layers(name, "deploy")
    for layer in deploy.values():
        if layer.type in ("Convolution", "Deconvolution", "InnerProduct", "BatchNorm", "Scale"):
            assert train[layer.name] == layer


SEGNETS = ["isisa2019_segnet", "dcme2017_segnet"]


@pytest.mark.parametrize("name", SEGNETS)
def test_segnet_decoder_has_the_published_names(name: str) -> None:
    names = layers(name, "train")
    levels = {5: (3, 2, 1), 4: (3, 2, 1), 3: (3, 2, 1), 2: (2, 1), 1: (2,)}
    expected = [f"conv{level}_{k}_D" for level, ks in levels.items() for k in ks]
    expected += [f"upsample{k}" for k in range(1, 6)] + ["conv1_1_D_regress"]
    assert set(expected) <= set(names)
    widths = [names[f"conv{k}_D"].convolution_param.num_output for k in ("4_1", "3_1", "2_1")]
    assert widths == [256, 128, 64]


def test_upsampling_of_paper_1_goes_back_to_the_sizes_before_pooling_rounded_up() -> None:
    names = layers("dcme2017_segnet", "train")
    sizes = [names[f"upsample{k}"].upsample_param for k in (5, 4, 3, 2, 1)]
    assert [(size.upsample_w, size.upsample_h) for size in sizes] == [
        (43, 22),
        (85, 43),
        (170, 85),
        (340, 170),
        (680, 340),
    ]


@pytest.mark.parametrize("name", [*SEGNETS, "dcme2017_basic_segnet"])
def test_vectors_have_the_size_of_the_image(name: str) -> None:
    net = caffe.Net(str(FOLDER / name / "deploy.prototxt"), caffe.TEST)
    assert tuple(net.blobs["vectors"].shape) == (1, 2, *NETS[name].input_shape[1:])


# From the papers: type, rate, momentum, decay, policy; images a step.
RECIPES = {
    "dcme2017_segnet": ("SGD", 1e-8, 0.9, 5e-4, "step", 15),
    "dcme2017_fcn8s": ("SGD", 1e-10, 0.99, 5e-4, "fixed", 14),
    "dcme2017_googlenet": ("SGD", 1e-3, 0.9, 2e-4, "poly", 64),
}


@pytest.mark.parametrize("name", RECIPES)
def test_paper_1_is_trained_as_it_says(name: str) -> None:
    solver = message(FOLDER / name / "solver.prototxt")
    net = NETS[name]
    kind, rate, momentum, decay, policy, images = RECIPES[name]
    assert (solver.type, solver.lr_policy) == (kind, policy)
    assert (solver.base_lr, solver.momentum, solver.weight_decay) == pytest.approx(
        (rate, momentum, decay)
    )
    assert solver.iter_size * net.train_data["batch_size"] == images


def test_only_the_last_layers_learn_in_the_ablation_of_paper_2() -> None:
    frozen, learning = set(), set()
    for name, layer in layers("isisa2019_deeplabv3plus", "train_last_layers").items():
        if layer.param:
            (learning if any(param.lr_mult for param in layer.param) else frozen).add(name)
    assert frozen == {
        f"conv{i}_{k}" for i, n in enumerate((2, 2, 3, 3, 3), 1) for k in range(1, n + 1)
    }
    assert {"aspp1", "encoder_out", "grid_score", "decoder2", "vectors"} <= learning


def test_a_variant_changes_what_was_chosen(tmp_path: Path) -> None:
    net = define(with_choices(Choices(), ["low_level=pool2", "dropout=0.5", "batch_norm=true"]))
    texts = file_texts(net, "variants/mine")
    assert 'net: "variants/mine/train.prototxt"' in texts["solver.prototxt"]
    text = texts["deploy.prototxt"]
    path = tmp_path / "deploy.prototxt"
    path.write_text(text)
    assert tuple(caffe.Net(str(path), caffe.TEST).blobs["vectors"].shape) == (1, 2, 512, 1024)
    assert "dropout_ratio: 0.5" in text and "aspp1_bn" in text


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("low=pool2", "no choice 'low'; there are low_level, "),
        ("dropout=much", "dropout takes a value of type float, not 'much'"),
        ("pool5=1", "pool5 takes a value of type bool, not '1'"),
    ],
)
def test_an_impossible_choice_is_explained(setting: str, told: str) -> None:
    with pytest.raises(ChoiceError, match=told):
        with_choices(Choices(), [setting])


@pytest.mark.parametrize("name", ["small", "nuclei"])
def test_small_nets_give_vectors_at_full_size_and_classes_per_block(name: str) -> None:
    net = caffe.Net(str(FOLDER / name / "deploy.prototxt"), caffe.TEST)
    channels, height, width = NETS[name].input_shape
    assert tuple(net.blobs["data"].shape) == (1, channels, height, width)
    assert tuple(net.blobs["vectors"].shape) == (1, 2, height, width)
    if name == "small":
        assert tuple(net.blobs["grid"].shape) == (1, 9, height // 16, width // 16)
