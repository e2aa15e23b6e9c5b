"""Benchmarks beside peers: ``./run bench``; ``./run bench --list`` names the rows."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "prototxt"))  # for its nets
