"""A small synthetic data set that the command-line tests share."""

import cv2
import numpy as np
import pytest
from dcme.cli import main
from dcme.synth import write_dataset
from oracles.photographed import SHAPE


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """A Cityscapes tree of 3 + 2 scenes of 128x256."""
    root = tmp_path_factory.mktemp("city")
    write_dataset(root, train=3, val=2, seed=11, size=(128, 256))
    return root


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
def photos(tmp_path):
    """A folder with the images a, b and c."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abc":
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((*SHAPE, 3), 90, np.uint8))
    return folder
