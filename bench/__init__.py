"""Benchmarks beside peers: ``./run bench``; ``./run bench --list`` names the rows."""

import sys
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent / "prototxt"),  # for its nets
    str(Path(sys.prefix) / "peers"),  # for PyTorch, where ./run bench has installed it
]
