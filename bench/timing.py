"""Medians of runs that take turns, so that what disturbs one disturbs the other."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Budget", "alternate", "milliseconds"]


class Budget:
    """Seconds from now on for all that is to be measured; None: as many as it takes."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; infinite where there is no bound, less than 0 where it is passed."""
        return self._end - time.monotonic()


def milliseconds(function: Callable[[], Any]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    function()
    return 1e3 * (time.perf_counter() - begin)


def alternate(
    runs: Mapping[str, Callable[[], float]],
    rounds: int = 5,
    seconds: float = 2,
    warm_up: int = 1,
) -> dict[str, float]:
    """Median of what each of ``runs`` returns, called in turns.

    rounds, seconds: the least number of turns, and for how long at least.
    warm_up: turns that do not count.
    """
    for _ in range(warm_up):
        for run in runs.values():
            run()
    figures: dict[str, list[float]] = {name: [] for name in runs}
    started = time.perf_counter()
    turns = 0
    while turns < rounds or time.perf_counter() - started < seconds:
        for name, run in runs.items():
            figures[name].append(run())
        turns += 1
    return {name: statistics.median(values) for name, values in figures.items()}
