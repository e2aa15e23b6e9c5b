"""How long it takes until something happens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import Row, at_most
from bench.timing import alternate, milliseconds

__all__ = ["startup_rows"]

TINY = """
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "out" type: "InnerProduct" bottom: "data" top: "out"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""


def _run(command: list[str]) -> float:
    return milliseconds(
        lambda: subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    )


def startup_rows() -> list[Row]:
    """Whole processes, files in the page cache."""
    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder) / "tiny.prototxt"
        tiny.write_text(TINY)
        commands = {
            "dcme --help": ["dcme", "--help"],
            "caffe time, a tiny net": ["caffe", "time", f"--model={tiny}", "--iterations=1"],
            "import dcme": [sys.executable, "-c", "import dcme"],
        }
        runs = {what: lambda command=command: _run(command) for what, command in commands.items()}
        figures = alternate(runs, rounds=5, seconds=2)
    return [
        Row(f"startup-{k}", f"start-up: `{what}`", ms, targets=[at_most(300)])
        for k, (what, ms) in enumerate(figures.items(), start=1)
    ]
