"""Processes that train as one through caffe.NCCL.

One GPU does for two: NCCL takes them for processes on two machines, and joins them by sockets.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.device import GPU

import caffe

pytestmark = [
    pytest.mark.skipif(GPU is None, reason="for a GPU: set CAFFE_TEST_GPU"),
    pytest.mark.skipif(not caffe.has_nccl(), reason="for builds with NCCL"),
]

TESTS = Path(__file__).parents[1]


@pytest.fixture
def start():
    """Starts processes; none is left when the test ends."""
    started = []

    def start_rank(rank, count, uid, result, beside=False, killed_after=0):
        words = [rank, count, uid.hex(), int(beside), killed_after, result]
        process = subprocess.Popen(
            [sys.executable, "-m", "support.nccl_rank", *map(str, words)],
            cwd=TESTS,
            env={**os.environ, "NCCL_HOSTID": f"machine {rank}", "NCCL_SOCKET_IFNAME": "lo"},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_rank
    for process in started:
        process.kill()
        process.wait()


def _ended(process):
    """Its status and what it said."""
    said = process.communicate(timeout=60)[1]
    return process.returncode, said


@pytest.mark.parametrize("beside", [False, True])
def test_two_learn_what_one_learns_from_all_images(start, beside, tmp_path):
    uid = caffe.NCCL.new_uid()
    results = [tmp_path / f"{rank}.npz" for rank in range(2)]
    ranks = [start(rank, 2, uid, results[rank], beside) for rank in range(2)]
    for process in ranks:
        assert _ended(process) == (0, "")
    assert _ended(start(0, 1, b"", tmp_path / "alone.npz")) == (0, "")
    with np.load(tmp_path / "alone.npz") as alone:
        for result in results:
            with np.load(result) as got:
                for name in alone:
                    np.testing.assert_allclose(got[name], alone[name], atol=1e-5)


def test_the_end_of_one_is_an_error_of_the_other(start, tmp_path):
    uid = caffe.NCCL.new_uid()
    alive = start(0, 2, uid, tmp_path / "result.npz", beside=True)
    killed = start(1, 2, uid, tmp_path / "none.npz", beside=True, killed_after=3)
    _ended(killed)
    status, said = _ended(alive)
    assert status == 1
    assert "caffe.Error: NCCL: " in said
