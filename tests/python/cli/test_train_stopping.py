"""``dcme train`` interrupted, stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from dcme.stopping import stop_signals_as_ctrl_c
from dcme.training.job import newest_state
from support.small_training import NETS

FAR = 1_000_000
"""Iterations that take hours: whatever ends before has been stopped."""


def wait_until(happened, what, seconds=120):
    """Wait for what takes a second on an idle machine; fail where it does not happen."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def begun_training(data, out):
    """The process of a command that has begun to train."""
    words = [sys.executable, "-m", "dcme", "train", NETS, data, out, "--iterations", FAR]
    log = out / "train.log"

    def begun():
        assert process.poll() is None, "the command ended"
        return log.is_file() and "Iteration 0" in log.read_text()

    with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(begun, "the first iteration")
            yield process
        finally:
            process.kill()


def children(process):
    return list(
        map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    )


def is_running(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_stops_it_leaves_a_snapshot(data, tmp_path, number):
    """Ctrl-C; a scheduler, which signals to all processes; a terminal that closes."""
    with begun_training(data, tmp_path / "r") as process:
        if number == signal.SIGTERM:
            for child in children(process):
                os.kill(child, number)
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + number and "run the same command to continue from" in out
    assert newest_state(tmp_path / "r")[1] < FAR


@pytest.mark.skipif(sys.platform != "linux", reason="the signal at a parent's death is Linux's")
def test_the_training_stops_with_a_snapshot_where_the_command_is_killed(data, tmp_path):
    with begun_training(data, tmp_path / "r") as process:
        (training,) = children(process)
        process.kill()
        try:
            wait_until(lambda: not is_running(training), "the end of the training")
        finally:
            if is_running(training):
                os.kill(training, signal.SIGKILL)
    assert newest_state(tmp_path / "r")[1] < FAR


def test_signals_that_are_ignored_stay_so():
    """``nohup`` is meant."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals_as_ctrl_c():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


class Dropping:
    """Is told to stop while Python, which drops what that raises, removes it."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_is_not_lost_in_what_python_calls_by_itself():
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"), stop_signals_as_ctrl_c():
        Dropping()
        time.sleep(60)
