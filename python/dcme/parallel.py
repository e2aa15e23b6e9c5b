"""Running one function over many items, with a progress bar."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sized
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context
from typing import Callable, TypeVar

from dcme import _core

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Items in work or waiting, for each worker: more would hold more memory and keep none busier."""


_of_thread = threading.local()


def stop_if_cancelled() -> None:
    """End the item that this thread of an ``ordered_map`` works on, where its result is not wanted
    any more. Long work calls this wherever it may be broken off."""
    cancelled: threading.Event | None = getattr(_of_thread, "cancelled", None)
    if cancelled is not None and cancelled.is_set():
        raise CancelledError


def _remember(cancelled: threading.Event) -> None:
    _of_thread.cancelled = cancelled


def usable_cores() -> int:
    """Processor cores that this process may use, in a container those whose time it may take."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    return min(cores, _core.processor_quota() or cores)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and one core to each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2

    cv2.setNumThreads(1)


def _executor(workers: int, processes: bool, cancelled: threading.Event) -> Executor:
    if processes:
        return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    return ThreadPoolExecutor(workers, initializer=_remember, initargs=(cancelled,))


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int = 1,
    processes: bool = False,
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` in the order of the items, computed by threads or processes.

    Items are taken as they are needed, a few ahead of the results that are asked for; a result that
    is there does not wait for further items to come.
    With ``processes`` the function and its items must be picklable; use it for work that holds the
    interpreter lock. The first exception, Ctrl-C included, cancels what has not begun, and in
    threads what has, at its next ``stop_if_cancelled``; so does closing the generator, which waits
    for all that has begun.
    """
    if isinstance(items, Sized):
        workers = min(workers, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    cancelled = threading.Event()
    executor = _executor(workers, processes, cancelled)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(function, item))
            while waiting and (len(waiting) > AHEAD * workers or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        cancelled.set()
        executor.shutdown(wait=True, cancel_futures=True)


def progress(
    results: Iterable[Result], total: int | None, title: str, quiet: bool = False
) -> Iterator[Result]:
    """Pass the results on while a bar on the terminal counts them."""
    from tqdm import tqdm

    # Bars are drawn by this process alone. The lock that tqdm would make is for several processes;
    # since Python 3.14 it starts one that looks after it, and that warns where this one is killed.
    if not hasattr(tqdm, "_lock"):
        tqdm.set_lock(threading.RLock())
    bar = tqdm(results, total=total, desc=title, disable=quiet or None, leave=False)
    yield from bar
