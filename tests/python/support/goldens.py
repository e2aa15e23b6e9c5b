"""The golden cases of tests/golden: finding them, and comparing with them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parents[2] / "golden"


@cache
def _archive(name: str) -> Mapping[str, np.ndarray]:
    with np.load(GOLDEN / name) as arrays:
        return dict(arrays)


def case_names(archive: str) -> list[str]:
    """Names of the cases in an .npz of tests/golden, in order."""
    with zipfile.ZipFile(GOLDEN / archive) as members:
        return list(dict.fromkeys(name.split("/")[0] for name in members.namelist()))


def case(archive: str, name: str) -> dict[str, np.ndarray]:
    """The arrays of a case by key."""
    prefix = name + "/"
    return {
        key[len(prefix) :]: array
        for key, array in _archive(archive).items()
        if key.startswith(prefix)
    }


def with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose key is the prefix and something more, by that."""
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}


def assert_close(got: np.ndarray, golden: np.ndarray, what: str) -> None:
    """Compare up to the order of sums."""
    got = np.asarray(got)
    assert got.shape == golden.shape, f"{what} has shape {got.shape}, not {golden.shape}"
    largest = max(1.0, float(np.abs(golden).max())) if golden.size else 1.0
    np.testing.assert_allclose(got, golden, rtol=1e-4, atol=1e-5 * largest, err_msg=what)
