"""Rows of the table: a figure of ours, its peer's, and what must be reached."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Row", "Target", "at_most", "faster", "merge", "no_more_than", "processor", "read"]


@dataclass(frozen=True)
class Target:
    """A bound: ``of`` is 'value', 'share' (ours / peer) or 'speed-up' (how much faster we are)."""

    of: str
    bound: float

    def met_by(self, row: Row) -> bool:
        """Whether the row's figures are within the bound."""
        if self.of == "value":
            return row.ours <= self.bound
        if self.of == "share":
            return row.share <= self.bound
        return row.speed_up >= self.bound

    def text(self, unit: str) -> str:
        """As the table shows it."""
        if self.of == "value":
            return f"<= {self.bound:g} {unit}"
        if self.of == "share":
            return f"<= {self.bound:g} x peer"
        return f">= {self.bound:g} x faster"


def at_most(value: float) -> Target:
    """Ours is at most ``value`` in the row's unit."""
    return Target("value", value)


def no_more_than(share: float) -> Target:
    """Ours is at most ``share`` times the peer's."""
    return Target("share", share)


def faster(times: float) -> Target:
    """We are at least ``times`` as fast as the peer."""
    return Target("speed-up", times)


@dataclass
class Row:
    """One line of the table; ``name`` identifies it in the JSON file."""

    name: str
    what: str
    ours: float
    unit: str = "ms"
    peer: str = ""
    theirs: float = math.nan
    targets: Sequence[Target] = ()
    note: str = ""
    measured: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Ours / peer; for rates, too, the larger the slower."""
        share = self.ours / self.theirs
        return 1 / share if self.unit.endswith("/s") else share

    @property
    def speed_up(self) -> float:
        """Peer / ours."""
        return 1 / self.share

    @property
    def met(self) -> bool:
        """Whether every target is met."""
        return all(target.met_by(self) for target in self.targets)

    def cells(self) -> list[str]:
        """What, ours, peer, ratio, targets, verdict."""
        has_peer = not math.isnan(self.theirs)
        wants_share = any(target.of == "share" for target in self.targets)
        ratio = f"{self.share:.2f}" if wants_share else f"{self.speed_up:.1f} x faster"
        return [
            self.what,
            f"{_figure(self.ours)} {self.unit}",
            f"{_figure(self.theirs)} {self.unit} ({self.peer})" if has_peer else self.peer,
            ratio if has_peer else "",
            ", ".join(target.text(self.unit) for target in self.targets),
            ("met" if self.met else "missed") if self.targets else "",
        ]


HEAD = ["what", "ours", "peer", "ratio", "must reach", ""]


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def show(rows: Iterable[Row], file: Any = None) -> None:
    """Print the rows as a table in Markdown, which also reads well on a terminal."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEAD))]
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths))
        print("| " + " | ".join(cells) + " |", file=file or sys.stdout)
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|", file=file)
    for row in rows:
        if row.note:
            print(f"{row.what}: {row.note}", file=file)


def processor() -> str:
    """Name of the processor and how many of them this process may use."""
    name = platform.processor() or platform.machine()
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
        name = found.group(1) if found else name
    except OSError:
        pass
    return f"{name}, {len(os.sched_getaffinity(0))} processors"


def stamp(row: Row) -> None:
    """Note when and on what the row was measured."""
    row.measured = {"at": time.strftime("%Y-%m-%d %H:%M"), "on": processor()}


def read(path: Path) -> list[Row]:
    """The rows of a file that `merge` wrote; none where there is no such file."""
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["rows"]
        keys = Row.__dataclass_fields__
        rows = [Row(**{key: entry[key] for key in keys}) for entry in entries]
        for row, entry in zip(rows, entries):
            row.targets = [Target(**target) for target in entry["targets"]]
            row.theirs = math.nan if row.theirs is None else row.theirs
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(
            f"{path}: not a file of this benchmark ({error!r}); name another"
        ) from None
    return rows


def merge(path: Path, rows: Sequence[Row]) -> list[Row]:
    """Write the rows to ``path``; those in it that were not measured now stay. Returns all."""
    from dcme.files import write_json

    known = {row.name: row for row in read(path)}
    known.update({row.name: row for row in rows})
    entries = []
    for row in known.values():
        entry = asdict(row)
        entry["theirs"] = None if math.isnan(row.theirs) else row.theirs
        entry["share"] = None if math.isnan(row.theirs) else row.share
        entry["met"] = row.met if row.targets else None
        entries.append(entry)
    write_json(path, {"rows": entries})
    return list(known.values())
