"""This process's resident memory."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["resident"]


def resident(peak: bool = False) -> float:
    """MiB that are resident now (VmRSS), or the most that ever was (VmHWM).

    Raises RuntimeError on a system that does not tell (all but Linux).
    """
    what = "VmHWM" if peak else "VmRSS"
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        status = ""
    found = re.search(rf"^{what}:\s+(\d+) kB", status, re.M)
    if not found:
        raise RuntimeError("this system does not tell a process's memory")
    return int(found.group(1)) / 1024
