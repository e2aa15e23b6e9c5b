"""Folders of photographs and masks that the command-line tests share."""

import cv2
import numpy as np
import pytest
from support.fixtures import city, data, deploy, fails  # noqa: F401
from support.photographed import SHAPE


@pytest.fixture
def photos(tmp_path):
    """A folder with the images a, b and c."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abc":
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((*SHAPE, 3), 90, np.uint8))
    return folder


@pytest.fixture
def masks(tmp_path):
    """An empty folder beside ``photos``."""
    folder = tmp_path / "masks"
    folder.mkdir()
    return folder
