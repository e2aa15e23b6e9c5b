"""The committed nets are those that the generator writes, and what the nets promise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

caffe = pytest.importorskip("caffe")
from google.protobuf import text_format  # noqa: E402

from caffe.proto import caffe_pb2  # noqa: E402

FOLDER = Path(__file__).parents[3] / "prototxt"
sys.path.insert(0, str(FOLDER))
from generate import NETS  # noqa: E402
from nets.files import file_texts  # noqa: E402

ALL = sorted(NETS)


def message(path: Path) -> Any:
    kind = caffe_pb2.SolverParameter if path.name == "solver.prototxt" else caffe_pb2.NetParameter
    return text_format.Parse(path.read_text(encoding="utf-8"), kind())


def layers(name: str, file: str) -> dict[str, Any]:
    return {layer.name: layer for layer in message(FOLDER / name / f"{file}.prototxt").layer}


@pytest.mark.parametrize("name", ALL)
def test_committed_files_are_what_the_generator_writes(name: str, tmp_path: Path) -> None:
    for file, text in file_texts(NETS[name]).items():
        committed = FOLDER / name / file
        fresh = tmp_path / file
        fresh.write_text(text, encoding="utf-8")
        assert message(committed) == message(fresh), f"run prototxt/generate.py {name}"
        head = [line for line in text.splitlines() if line.startswith("#")]
        assert committed.read_text(encoding="utf-8").splitlines()[: len(head)] == head


def test_every_folder_of_nets_is_generated() -> None:
    assert {path.parent.name for path in FOLDER.glob("*/train.prototxt")} == set(NETS)


@pytest.mark.parametrize("name", ALL)
def test_training_and_deployment_share_every_layer_with_weights(name: str) -> None:
    train, deploy = layers(name, "train"), layers(name, "deploy")
    for layer in deploy.values():
        if layer.type in ("Convolution", "Deconvolution", "BatchNorm", "Scale"):
            assert train[layer.name] == layer


VGG_CONVOLUTIONS = [
    f"conv{i}_{k}" for i, n in enumerate((2, 2, 3, 3, 3), 1) for k in range(1, n + 1)
]


@pytest.mark.parametrize("name", ["deeplabv3plus", "segnet"])
def test_layers_of_the_vgg_body_have_the_names_of_the_public_weights(name: str) -> None:
    assert set(VGG_CONVOLUTIONS) <= set(layers(name, "train"))


def test_segnet_decoder_has_the_published_names() -> None:
    names = layers("segnet", "train")
    levels = {5: (3, 2, 1), 4: (3, 2, 1), 3: (3, 2, 1), 2: (2, 1), 1: (2,)}
    expected = [f"conv{level}_{k}_D" for level, ks in levels.items() for k in ks]
    expected += [f"upsample{k}" for k in range(1, 6)] + ["conv1_1_D_regress"]
    assert set(expected) <= set(names)
    widths = [names[f"conv{k}_D"].convolution_param.num_output for k in ("4_1", "3_1", "2_1")]
    assert widths == [256, 128, 64]


@pytest.mark.parametrize("name", ["small", "nuclei"])
def test_small_nets_give_vectors_at_full_size_and_classes_per_block(name: str) -> None:
    net = caffe.Net(str(FOLDER / name / "deploy.prototxt"), caffe.TEST)
    channels, height, width = NETS[name].input_shape
    assert tuple(net.blobs["data"].shape) == (1, channels, height, width)
    assert tuple(net.blobs["vectors"].shape) == (1, 2, height, width)
    if name == "small":
        assert tuple(net.blobs["grid"].shape) == (1, 9, height // 16, width // 16)
