"""Fixtures of several folders: small data sets, failing commands, a stand-in for the runtime.

A folder's ``conftest.py`` imports those that it needs.
"""

import sys
from types import ModuleType

import caffe.proto.caffe_pb2
import caffe.prototxt  # noqa: F401 (the stand-in for caffe has neither)
import pytest
from dcme.cli import main
from dcme.datasets.prepare import prepare
from dcme.synth import write_dataset

from support.stand_in_network import GradientNet


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """A Cityscapes tree of 3 + 2 scenes of 128x256."""
    root = tmp_path_factory.mktemp("city")
    write_dataset(root, train=3, val=2, seed=11, size=(128, 256))
    return root


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A data set of 3 + 1 scenes, reduced to 32x64; the Cityscapes tree ``city`` is beside it."""
    root = tmp_path_factory.mktemp("data")
    write_dataset(root / "city", train=3, val=1, seed=2, size=(64, 128))
    prepare(root / "city", root / "small", size=(32, 64))
    return root / "small"


@pytest.fixture
def fails(capsys):
    """Run a command that must fail with one line; returns that line."""

    def run(*words):
        assert main([str(word) for word in words]) == 1
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1, captured.err
        return captured.err

    return run


@pytest.fixture
def deploy(tmp_path, monkeypatch):
    """A deploy net that the stand-in for the runtime takes, with its training net beside it."""
    caffe = ModuleType("caffe")
    caffe.Net, caffe.TEST, caffe.init_log = GradientNet, 1, lambda level: None
    monkeypatch.setitem(sys.modules, "caffe", caffe)
    GradientNet.batches = []
    (tmp_path / "deploy.prototxt").write_text("")
    (tmp_path / "train.prototxt").write_text('layer { name: "d" transform_param {} }')
    return tmp_path / "deploy.prototxt"
