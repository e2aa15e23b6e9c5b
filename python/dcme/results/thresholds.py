"""The decoder's thresholds for a network in a file: ``dcme tune`` writes it, others read it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dcme.errors import UserError
from dcme.files import PathLike, folder_of, read_json, write_json
from dcme.results.decode import MODES, Decoding

DECODING_FILE = "decoding.json"
"""Beside a deploy net, or in a folder of a network's outputs."""
THRESHOLDS = ("dt", "vt", "et", "foreground", "probability")
_KNOWN = (*THRESHOLDS, "mode")


def write_decoding(path: PathLike, decoding: Decoding) -> None:
    """Keep the thresholds and the mode; the classes are told elsewhere (``class_file``)."""
    write_json(path, {name: getattr(decoding, name) for name in _KNOWN})


def read_decoding(path: PathLike) -> dict[str, Any]:
    """What a file tells of a ``Decoding``, by the names of its fields; raises for anything else."""
    told = read_json(path)
    if not isinstance(told, dict) or not told:
        raise UserError(f"{path}: must be {{{', '.join(_KNOWN)}}}, as dcme tune --save writes it")
    for name, value in told.items():
        _check(f"{path}: {name}", name, value)
    return told


def _check(where: str, name: str, value: Any) -> None:
    if name not in _KNOWN:
        raise UserError(f"{where}: is nothing that the decoder knows ({', '.join(_KNOWN)})")
    if name == "mode":
        if value not in MODES:
            raise UserError(f"{where}: must be one of {', '.join(MODES)}, not {value!r}")
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    most = 1 if name == "probability" else sys.float_info.max
    if not number or not 0 <= value < most:
        limit = " below 1" if name == "probability" else ""
        raise UserError(f"{where}: must be a number from 0 on{limit}, not {value!r:.40}")


def decoding_beside(place: PathLike) -> Path:
    """Where the thresholds are looked for of a network, or of its outputs in a file or a folder."""
    return folder_of(place) / DECODING_FILE
