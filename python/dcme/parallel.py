"""Running one function over many items, with a progress bar."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sized
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Callable, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Items in work or waiting, for each worker: more would hold more memory and keep none busier."""


def usable_cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and one core to each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2

    cv2.setNumThreads(1)


def _executor(workers: int, processes: bool) -> Executor:
    if processes:
        return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    return ThreadPoolExecutor(workers)


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int = 1,
    processes: bool = False,
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of the items, computed by threads or processes.

    Items are taken as they are needed, a few ahead of the results that are asked for; a result that
    is there does not wait for further items to come.
    With ``processes`` the function and its items must be picklable; use it for work that holds the
    interpreter lock. The first exception, Ctrl-C included, cancels what has not begun.
    """
    if isinstance(items, Sized):
        workers = min(workers, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    executor = _executor(workers, processes)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(function, item))
            while waiting and (len(waiting) > AHEAD * workers or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def progress(
    results: Iterable[Result], total: int | None, title: str, quiet: bool = False
) -> Iterator[Result]:
    """Pass the results on while a bar on the terminal counts them."""
    from tqdm import tqdm

    bar = tqdm(results, total=total, desc=title, disable=quiet or None, leave=False)
    yield from bar
