"""What a training log says: losses, learning rates, test outputs by iteration, and when."""

from __future__ import annotations

import math
import re
from calendar import isleap
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import numpy as np

from dcme.errors import UserError
from dcme.files import PathLike, read_text

_NUMBER = r"([-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|nan|inf))"
_LOSS = re.compile(rf"Iteration (\d+)(?: \([^)]*\))?, loss = {_NUMBER}\s*$", re.IGNORECASE)
_RATE = re.compile(rf"Iteration (\d+), lr = {_NUMBER}\s*$", re.IGNORECASE)
_TEST_LOSS = re.compile(rf"Test loss: {_NUMBER}\s*$", re.IGNORECASE)
_TESTING = re.compile(r"Iteration (\d+), Testing net(?: \(#(\d+)\))?")
_STAMP = re.compile(r"^[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6}) ")
_OUTPUT = re.compile(rf"(Train|Test) net output #\d+: (\S+) = {_NUMBER}", re.IGNORECASE)

_A_LEAP_YEAR = 2000
_HALF_YEAR = timedelta(days=180)


@dataclass
class Curve:
    """Values by iteration."""

    iterations: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, iteration: int, value: float) -> None:
        """Append a point; a resumed run overwrites the iterations it repeats."""
        while self.iterations and self.iterations[-1] >= iteration:
            self.iterations.pop()
            self.values.pop()
        self.iterations.append(iteration)
        self.values.append(value)

    @property
    def last(self) -> tuple[int, float] | None:
        """The last point's iteration and value; None where there is none."""
        return (self.iterations[-1], self.values[-1]) if self.values else None

    @property
    def diverged(self) -> int | None:
        """The iteration from which on no value is a finite number; None where the last is one."""
        first = None
        for iteration, value in zip(reversed(self.iterations), reversed(self.values)):
            if math.isfinite(value):
                break
            first = iteration
        return first

    @property
    def few(self) -> bool:
        """Whether its points are so few that a chart has to mark each: one alone makes no line."""
        return len(self.values) <= 20

    def smoothed(self, window: int) -> Curve:
        """The running mean over so many points."""
        if len(self.values) < 2 or window < 2:
            return self
        total = np.cumsum(np.concatenate([[0.0], self.values]))
        ends = np.arange(1, len(self.values) + 1)
        starts = np.maximum(ends - window, 0)
        mean = (total[ends] - total[starts]) / (ends - starts)
        return Curve(list(self.iterations), mean.tolist())


class _Clock:
    """Seconds since the solver began, by the stamps of the lines, which mostly lack the year."""

    def __init__(self) -> None:
        self._year = datetime.now().year
        self._start: datetime | None = None
        self._now: datetime | None = None

    def feed(self, line: str) -> None:
        match = _STAMP.match(line)
        if match is None:
            return
        year, month, day, hour, minute, second, micro = (int(part or 0) for part in match.groups())
        with suppress(ValueError):  # no date
            stamp = datetime(year or _A_LEAP_YEAR, month, day, hour, minute, second, micro)
            self._year = year or self._guessed_year(stamp)
            self._now = stamp.replace(year=self._year)
        if self._start is None and ("Solving " in line or "Iteration " in line):
            self._start = self._now

    def _guessed_year(self, stamp: datetime) -> int:
        """That of the stamp before, or the next; for 29 February perhaps an earlier one."""
        year = self._year
        # A year of any length has a day of up to 28 in every month.
        if self._now and stamp.replace(year=year, day=min(stamp.day, 28)) < self._now - _HALF_YEAR:
            year += 1
        if (stamp.month, stamp.day) == (2, 29) and not isleap(year):
            return self._moved_to_leap_year(year)
        return year

    def _moved_to_leap_year(self, year: int) -> int:
        """The last leap year before `year`; the stamps so far are moved with it."""
        earlier = next(y for y in count(year, -1) if isleap(y))
        if self._now:
            back = datetime(year, 2, 28) - datetime(earlier, 2, 28)
            self._now -= back
            if self._start:
                self._start -= back
        return earlier

    def seconds(self) -> float:
        """NaN where there were no stamps."""
        if self._now is None or self._start is None:
            return float("nan")
        return (self._now - self._start).total_seconds()


@dataclass
class TrainLog:
    """The curves of a log: ``loss``, ``rate``, named outputs of the train and test nets, and the
    seconds since the solver began when they were told (NaN where the lines have no stamps).

    Outputs of a solver's further test nets are called ``accuracy (#1)`` and so on.
    """

    loss: Curve = field(default_factory=Curve)
    rate: Curve = field(default_factory=Curve)
    train: dict[str, Curve] = field(default_factory=dict)
    test: dict[str, Curve] = field(default_factory=dict)
    train_seconds: Curve = field(default_factory=Curve)
    test_seconds: Curve = field(default_factory=Curve)
    test_loss: Curve = field(default_factory=Curve)
    """Weighted sum of the first test net's losses, where the solver has ``test_compute_loss``."""
    _tested_at: int = 0
    _test_net: int = 0
    _clock: _Clock = field(default_factory=_Clock)

    def feed(self, line: str) -> bool:
        """Take in one line; whether it brought a new loss."""
        self._clock.feed(line)
        if match := _LOSS.search(line):
            self.loss.add(int(match[1]), float(match[2]))
            self.train_seconds.add(int(match[1]), self._clock.seconds())
            return True
        if match := _RATE.search(line):
            self.rate.add(int(match[1]), float(match[2]))
        elif match := _TESTING.search(line):
            self._tested_at, self._test_net = int(match[1]), int(match[2] or 0)
            if self._test_net == 0:
                self.test_seconds.add(self._tested_at, self._clock.seconds())
        elif match := _TEST_LOSS.search(line):
            if self._test_net == 0:
                self.test_loss.add(self._tested_at, float(match[1]))
        elif match := _OUTPUT.search(line):
            test = match[1].lower() == "test"
            iteration = self._tested_at if test else (self.loss.iterations or [0])[-1]
            curves = self.test if test else self.train
            name = f"{match[2]} (#{self._test_net})" if test and self._test_net else match[2]
            curves.setdefault(name, Curve()).add(iteration, float(match[3]))
        return False


def parse_log(lines: Iterable[str]) -> TrainLog:
    """The curves of the lines of a log."""
    log = TrainLog()
    for line in lines:
        log.feed(line)
    return log


def read_any_log(path: PathLike) -> TrainLog:
    """The curves of a log file, if it has any; names in it need not be UTF-8."""
    return parse_log(read_text(path, foreign_bytes=True).splitlines())


def read_log(path: PathLike) -> TrainLog:
    """The curves of a log file; raises where it holds no loss."""
    log = read_any_log(path)
    if not log.loss.iterations:
        raise UserError(f"{path}: holds no line 'Iteration N ..., loss = X'; is it a training log?")
    return log
