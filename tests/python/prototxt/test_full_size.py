"""Every net of the papers learns at full size, by its own solver, without its public weights."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("caffe")
sys.path.insert(0, str(Path(__file__).parents[3] / "prototxt"))
from generate import NETS
from measure import measure, write_data

RUNS = [(name, "") for name in NETS if name.startswith(("dcme2017", "isisa2019"))]
RUNS += [(name, f"_{variant}") for name, _ in RUNS for variant in NETS[name].variants]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full_size")
    write_data(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("name", "suffix"), RUNS)
def test_the_loss_falls_in_20_iterations(name: str, suffix: str, data: Path) -> None:
    trained = measure(name, data, batch=1, iterations=20, suffix=suffix)
    before, after = trained.loss_change()
    assert len(trained.losses) == 20
    assert after < 0.95 * before
