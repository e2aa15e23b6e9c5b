#!/usr/bin/env python3
"""Writes every net of this folder: prototxt/<net>/{train,deploy,solver}.prototxt.

Edit the functions below and run ``python prototxt/generate.py``; a test keeps the files in step.
Each net is a module in ``nets/``: its docstring, which becomes the head of the files, says what the
papers leave open and what was chosen, and why. The names of the papers' nets begin with the paper.
Where a net leaves choices open, ``--set`` writes a variant:

    python prototxt/generate.py isisa2019_deeplabv3plus --set dropout=0.5 --out /tmp/variant
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from nets import (
    dcme2017_basic_segnet,
    dcme2017_fcn8s,
    dcme2017_googlenet,
    dcme2017_segnet,
    isisa2019_deeplabv3plus,
    isisa2019_segnet,
    nuclei,
    small,
)
from nets.choices import ChoiceError, with_choices
from nets.files import NetDefinition, write_files

HERE = Path(__file__).resolve().parent

MODULES = {
    module.NET.name: module
    for module in (
        small,
        nuclei,
        isisa2019_deeplabv3plus,
        isisa2019_segnet,
        dcme2017_segnet,
        dcme2017_basic_segnet,
        dcme2017_fcn8s,
        dcme2017_googlenet,
    )
}
NETS: dict[str, NetDefinition] = {name: module.NET for name, module in MODULES.items()}


def _variant(name: str, settings: list[str]) -> NetDefinition:
    """The net as it is committed, or with other choices."""
    if not settings:
        return NETS[name]
    module = MODULES[name]
    if not hasattr(module, "Choices"):
        raise ChoiceError(f"net '{name}' leaves no choices open")
    net: NetDefinition = module.define(with_choices(module.Choices(), settings))
    return replace(net, about=f"{net.about}\nThis is the variant with {', '.join(settings)}.\n")


def main() -> None:
    """Write the files of the nets named on the command line, or of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="net", help=f"of {', '.join(NETS)}; all")
    parser.add_argument("--out", type=Path, help="folder to write to (this one)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="CHOICE=VALUE", help="writes a variant"
    )
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in NETS:
            parser.error(f"no net '{name}'; there are {', '.join(NETS)}")
    if arguments.set and (len(arguments.names) != 1 or arguments.out is None):
        parser.error("--set makes a variant of one net: name it, and a folder with --out")
    try:
        for name in arguments.names or NETS:
            folder = (arguments.out or HERE) / name
            home = str(folder) if arguments.out else ""
            write_files(_variant(name, arguments.set), folder, home)
    except ChoiceError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
