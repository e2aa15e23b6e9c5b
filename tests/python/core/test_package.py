"""The package's names, which are imported when they are first used."""

import subprocess
import sys

import dcme
import pytest


def test_every_public_name_can_be_had():
    for name in dcme.__all__:
        assert getattr(dcme, name) is not None
        assert name in dir(dcme)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dcme.nothing  # noqa: B018


def test_submodules_do_not_hide_public_names():
    for order in ("dcme.matches", "dcme.decoding", "dcme.evaluation"):
        code = (
            f"import {order}, dcme; assert all(callable(f) for f in (dcme.matching, dcme.decode))"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


def test_help_needs_neither_numpy_nor_opencv():
    code = "import sys, dcme.cli; assert not {'numpy', 'cv2', 'dcme._core'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
