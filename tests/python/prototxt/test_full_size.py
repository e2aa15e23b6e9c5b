"""Every net of the papers learns at full size, by its own solver, without its public weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from generate import NETS
from measure import bind, measure, write_data
from support import command

FOLDER = Path(__file__).parents[3] / "prototxt"

RUNS = [(name, "") for name in NETS if name.startswith(("dcme2017", "isisa2019"))]
RUNS += [(name, variant) for name, _ in RUNS for variant in NETS[name].variants]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full_size")
    write_data(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_the_loss_falls_in_20_iterations(name: str, variant: str, data: Path) -> None:
    trained = measure(name, data, batch=1, iterations=20, variant=variant)
    before, after = trained.loss_change()
    assert len(trained.losses) == 21  # and once more after the last step
    assert after < before


@pytest.mark.slow
def test_the_main_net_trains_at_the_papers_batch_in_less_than_11_gb(data: Path) -> None:
    trained = measure("isisa2019_deeplabv3plus", data, batch=6, iterations=1)
    assert 2 < trained.peak_gib * 1.024**3 < 11


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({name for name, _ in RUNS}))
def test_caffe_time_runs_it(name: str, data: Path) -> None:
    solver, _ = bind(name, "", data, batch=1, iterations=1)
    model = solver.with_name("train.prototxt")
    lines = command.run(data, "time", f"--model={model}", "--iterations=1")
    assert any(line.startswith("Average Forward-Backward: ") for line in lines)
