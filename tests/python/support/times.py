"""Which files are written anew, however fast that was."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_LONG_AGO = 1_000_000_000
"""Seconds. What is written now gets another time, even where the clock of files is coarse."""


def age(paths: Iterable[Path]) -> list[Path]:
    """Give files and folders a time of long ago; returns them."""
    aged = list(paths)
    for path in aged:
        os.utime(path, (_LONG_AGO, _LONG_AGO))
    return aged


def renewed(aged: Iterable[Path]) -> list[Path]:
    """Those that were written since."""
    return [path for path in aged if path.stat().st_mtime != _LONG_AGO]
