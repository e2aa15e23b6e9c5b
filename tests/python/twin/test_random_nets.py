"""Random nets train, in `caffe train` and `import caffe`, as their twins do.

CAFFE_TEST_SEEDS=17, or =100:400, draws other nets than the usual ones. CAFFE_TEST_GPU=0 trains them
on that GPU.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch: ./run bench installs it"),
]


def seeds() -> range:
    """The usual ones, or those that the environment names."""
    first, _, last = os.environ.get("CAFFE_TEST_SEEDS", "0:150").partition(":")
    return range(int(first), int(last or int(first) + 1))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Where slow tests are left out, one line of them is enough.
    left_out = not metafunc.config.getoption("--all")
    metafunc.parametrize("seed", seeds()[:1] if left_out else seeds())


def test_a_random_net_is_trained_as_by_its_twin(seed: int, tmp_path: Path) -> None:
    # Here, since importing PyTorch takes seconds, also where slow tests are left out.
    from twin.comparison import ordinary_training, told, wrong

    training = ordinary_training(seed)
    found = list(islice(wrong(training, tmp_path), 3))
    if found:
        again = f"CAFFE_TEST_SEEDS={seed} {sys.executable} -m pytest --all {__file__}"
        pytest.fail("\n".join([*found, told(training), f"again: {again}"]), pytrace=False)
