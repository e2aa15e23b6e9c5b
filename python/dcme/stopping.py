"""Being told to stop: by a scheduler, by a terminal that closes, by the end of the parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl

IMPATIENCE = 1.0
"""Seconds after the first signal from which a further one ends the process at once. What comes
sooner is the same wish: ``timeout`` and schedulers signal to a process and to its group."""

_DROPPED = b"\0"
"""Among the numbers of signals: the exception of the first one was dropped."""
_CALLBACK = 0.02
"""Seconds that whatever dropped it is given to end."""

_USUAL = {
    signal.SIGINT: (signal.default_int_handler, signal.SIG_DFL),  # the latter by dcme_command
    signal.SIGTERM: (signal.SIG_DFL,),
    signal.SIGHUP: (signal.SIG_DFL,),
}

_must_finish = threading.Event()


@contextmanager
def must_finish() -> Iterator[None]:
    """In this block further signals do nothing: what the first began, such as the snapshot of a
    training, is not to be broken off."""
    _must_finish.set()
    try:
        yield
    finally:
        _must_finish.clear()


class _FirstSignal:
    """The first signal raises KeyboardInterrupt, once: the end of the work is not to be broken off.

    Python drops an exception of what it calls by itself, such as a ``__del__`` or the callback of a
    weak reference. Where it has dropped that one, the signal comes again a little later.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._ended = False

    def end(self) -> None:
        """What has not come again by now does not: other handlers follow."""
        self._ended = True

    def handle(self, number: int, _: FrameType | None) -> None:
        """Of Python's signal handlers."""
        if self._number is None:
            self._number = number
            raise KeyboardInterrupt(signal.Signals(number).name)

    def repeat(self) -> None:
        """Send the signal once more."""
        time.sleep(_CALLBACK)
        number, self._number = self._number, None
        main = threading.main_thread().ident
        if number is not None and main is not None and not self._ended:
            signal.pthread_kill(main, number)

    def watch(self, pipe: int) -> None:
        """Read numbers of signals; the second, not too soon after the first, ends the process.

        A thread does this, since Python's handlers wait for the end of a call into C++, which can
        take long.
        """
        first = None
        with open(pipe, "rb", buffering=0) as numbers:
            while byte := numbers.read(1):
                if byte == _DROPPED:
                    first = None
                    self.repeat()
                    continue
                now = time.monotonic()
                first = first or now
                if now - first >= IMPATIENCE and not _must_finish.is_set():
                    os._exit(128 + byte[0])


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Of a process that ends so: as shells number signals, 128 + 15 for SIGTERM; Ctrl-C where the
    exception tells no other."""
    names = {number.name: number for number in signal.Signals}
    name = str(interrupt.args[0]) if interrupt.args else ""
    return 128 + names.get(name, signal.SIGINT)


@contextmanager
def _watched(first: _FirstSignal) -> Iterator[None]:
    ends = os.pipe()
    os.set_blocking(ends[1], False)
    threading.Thread(target=first.watch, args=ends[:1], daemon=True).start()
    hook = sys.unraisablehook

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            os.write(ends[1], _DROPPED)
        else:
            hook(what)

    before = signal.set_wakeup_fd(ends[1], warn_on_full_buffer=False)
    sys.unraisablehook = dropped
    try:
        yield
    finally:
        first.end()
        sys.unraisablehook = hook
        signal.set_wakeup_fd(before)
        os.close(ends[1])


@contextmanager
def stop_signals_as_ctrl_c() -> Iterator[None]:
    """In this block the first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt, so that work ends
    in good order; one that comes ``IMPATIENCE`` later ends the process, unless it ``must_finish``.

    What is ignored already (``nohup``) stays ignored. Only the main thread can receive signals;
    elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    first = _FirstSignal()
    with _watched(first):
        for number, usual in _USUAL.items():
            if signal.getsignal(number) in usual:
                before[number] = signal.signal(number, first.handle)
        try:
            yield
        finally:
            for number, earlier in before.items():
                signal.signal(number, earlier)


def left_to_the_parent() -> Callable[[], None]:
    """What a child calls before it starts (``preexec_fn``) to be stopped by its parent alone.

    SIGTERM, which schedulers send to all processes at once, is ignored; the parent passes on
    SIGINT instead. Where the parent is killed, Linux sends that SIGINT.
    """
    # Looked up here: in the child it could wait for ever for the lock of another thread's dlopen.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if prctl is not None:
            prctl(_PARENT_DEATH_SIGNAL, signal.SIGINT)

    return prepare
