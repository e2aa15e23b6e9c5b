#!/usr/bin/env python3
"""Writes every net of this folder: prototxt/<net>/{train,deploy,solver}.prototxt.

Edit the functions below and run ``python prototxt/generate.py``; a test keeps the files in step.
Each net is a module in ``nets/``: its docstring, which becomes the head of the files, says what the
papers leave open and what was chosen, and why.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from nets import deeplabv3plus, nuclei, segnet, small  # noqa: E402
from nets.files import NetDefinition, write_files  # noqa: E402

NETS: dict[str, NetDefinition] = {
    module.NET.name: module.NET for module in (small, nuclei, deeplabv3plus, segnet)
}


def main() -> None:
    """Write the files of the nets named on the command line, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="net", help=f"of {', '.join(NETS)}; all")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (this one)")
    arguments = parser.parse_args()
    for name in arguments.names or NETS:
        if name not in NETS:
            parser.error(f"no net '{name}'; there are {', '.join(NETS)}")
        write_files(NETS[name], arguments.out / name)


if __name__ == "__main__":
    main()
