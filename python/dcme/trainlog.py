"""What a training log says: losses, learning rates, test outputs by iteration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from dcme.errors import UserError
from dcme.files import PathLike, read_text

_NUMBER = r"([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf))"
_LOSS = re.compile(rf"Iteration (\d+)(?: \([^)]*\))?, loss = {_NUMBER}\s*$", re.IGNORECASE)
_RATE = re.compile(rf"Iteration (\d+), lr = {_NUMBER}\s*$", re.IGNORECASE)
_TESTING = re.compile(r"Iteration (\d+), Testing net")
_OUTPUT = re.compile(rf"(Train|Test) net output #\d+: (\S+) = {_NUMBER}", re.IGNORECASE)


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

    def smoothed(self, window: int) -> Curve:
        """The running mean over so many points."""
        if len(self.values) < 2 or window < 2:
            return self
        total = np.cumsum(np.concatenate([[0.0], self.values]))
        ends = np.arange(1, len(self.values) + 1)
        starts = np.maximum(ends - window, 0)
        mean = (total[ends] - total[starts]) / (ends - starts)
        return Curve(list(self.iterations), mean.tolist())


@dataclass
class TrainLog:
    """The curves of a log: ``loss``, ``rate`` and named outputs of the train and test nets."""

    loss: Curve = field(default_factory=Curve)
    rate: Curve = field(default_factory=Curve)
    train: dict[str, Curve] = field(default_factory=dict)
    test: dict[str, Curve] = field(default_factory=dict)
    _tested_at: int = 0

    def feed(self, line: str) -> bool:
        """Take in one line; whether it brought a new loss."""
        if match := _LOSS.search(line):
            self.loss.add(int(match[1]), float(match[2]))
            return True
        if match := _RATE.search(line):
            self.rate.add(int(match[1]), float(match[2]))
        elif match := _TESTING.search(line):
            self._tested_at = int(match[1])
        elif match := _OUTPUT.search(line):
            test = match[1].lower() == "test"
            iteration = self._tested_at if test else (self.loss.iterations or [0])[-1]
            curves = self.test if test else self.train
            curves.setdefault(match[2], Curve()).add(iteration, float(match[3]))
        return False


def parse_log(lines: Iterable[str]) -> TrainLog:
    """The curves of the lines of a log."""
    log = TrainLog()
    for line in lines:
        log.feed(line)
    return log


def read_log(path: PathLike) -> TrainLog:
    """The curves of a log file; raises where it holds no loss."""
    log = parse_log(read_text(path).splitlines())
    if not log.loss.iterations:
        raise UserError(f"{path}: holds no line 'Iteration N ..., loss = X'; is it a training log?")
    return log
