"""Work in threads: in order, not too far ahead, and not later than need be.

What goes on at once is held by events, not by times: a loaded machine decides nothing here.
"""

import os
import subprocess
import sys
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from threading import Event

import dcme.parallel
import pytest
from dcme import _core
from dcme.parallel import AHEAD, ordered_map, stop_if_cancelled, usable_cores

LONG = 60
"""Seconds after which an event that never comes lets a test fail instead of hang."""


def noted(items, taken):
    """Items that are written down when they are taken."""
    for item in items:
        taken.append(item)
        yield item


@pytest.mark.parametrize(
    ("limit", "cores"), [(None, 8), ("max 100000", 8), ("150000 100000", 2), ("1600000 100000", 8)]
)
def test_a_container_leaves_as_many_cores_as_its_limit_says(limit, cores, tmp_path, monkeypatch):
    if limit:
        groups = tmp_path / "sys/fs/cgroup"
        groups.mkdir(parents=True)
        (groups / "cpu.max").write_text(limit)
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    quota = _core.processor_quota(str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(_core, "processor_quota", lambda: quota)
    assert usable_cores() == cores


def test_a_result_does_not_wait_for_items_that_come_slowly(monkeypatch):
    futures = []

    class Kept(ThreadPoolExecutor):
        def submit(self, function, /, *args, **kwargs):
            futures.append(super().submit(function, *args, **kwargs))
            return futures[-1]

    def items():
        yield 0
        wait(futures, LONG)
        yield from range(1, 20)

    taken = []
    monkeypatch.setattr(dcme.parallel, "ThreadPoolExecutor", Kept)
    results = ordered_map(lambda k: k * k, noted(items(), taken), 4)
    assert next(results) == 0 and taken in ([0], [0, 1])
    assert list(results) == [k * k for k in range(1, 20)]


def test_a_failure_cancels_what_has_not_begun(monkeypatch):
    all_are_waiting, cancelled = Event(), Event()

    class Told(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait=wait)

    def items():
        yield from range(4)
        all_are_waiting.set()

    begun = []

    def fails_first(k):
        begun.append(k)
        if k == 0:
            assert all_are_waiting.wait(LONG)
            raise ValueError("first")
        assert cancelled.wait(LONG)

    monkeypatch.setattr(dcme.parallel, "ThreadPoolExecutor", Told)
    with pytest.raises(ValueError, match="first"):
        list(ordered_map(fails_first, items(), 2))
    assert 3 not in begun


def test_a_failure_breaks_off_what_has_begun():
    begun, ended = Event(), []

    def long_or_failing(k):
        if k == 0:
            assert begun.wait(LONG)
            raise ValueError("first")
        begun.set()
        try:
            for _ in range(100 * LONG):
                stop_if_cancelled()
                Event().wait(0.01)
        except CancelledError:
            ended.append(k)
            raise

    stop_if_cancelled()  # outside of any map there is nothing to cancel
    with pytest.raises(ValueError, match="first"):
        list(ordered_map(long_or_failing, range(2), 2))
    assert ended == [1]


def test_few_items_are_taken_before_their_results_are():
    asked_for_another = Event()

    def held(k):
        assert asked_for_another.wait(LONG)
        return k

    def items():
        for k in range(20):
            if k == 2 * AHEAD:
                asked_for_another.set()
            yield k

    taken = []
    results = ordered_map(held, noted(items(), taken), 2)
    assert next(results) == 0 and taken == list(range(2 * AHEAD + 1))
    assert list(results) == list(range(1, 20))


BAR = """
import multiprocessing, os
multiprocessing.set_start_method("forkserver")  # the default since Python 3.14
from dcme.parallel import progress
assert list(progress([7], 1, "counting")) == [7]
print(open(f"/proc/self/task/{os.getpid()}/children").read())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_progress_bar_starts_no_process():
    told = subprocess.run(
        [sys.executable, "-c", BAR], check=True, text=True, stdout=subprocess.PIPE
    )
    assert told.stdout.split() == []
