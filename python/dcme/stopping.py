"""Being told to stop: by a scheduler, by a terminal that closes, by the end of the parent."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


_USUAL = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}


def _interrupt(number: int, _: FrameType | None) -> None:
    # Once: what the first one began, a snapshot or the end of threads, is not to be broken off by
    # a second.
    for each in _USUAL:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def stop_signals_as_ctrl_c() -> Iterator[None]:
    """In this block the first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt, further ones do
    nothing, so that work ends in good order.

    What is ignored already (``nohup``) stays ignored. Only the main thread can receive signals;
    elsewhere nothing changes.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number, usual in _USUAL.items():
            if signal.getsignal(number) is usual:
                before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def left_to_the_parent() -> Callable[[], None]:
    """What a child calls before it starts (``preexec_fn``) to be stopped by its parent alone.

    SIGTERM, which schedulers send to all processes at once, is ignored; the parent passes on
    SIGINT instead. Where the parent is killed, Linux sends that SIGINT.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if library is not None:
            library.prctl(_PARENT_DEATH_SIGNAL, signal.SIGINT)

    return prepare
