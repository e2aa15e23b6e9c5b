"""What a training reads, as its recipe keeps it: the same wherever it lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from dcme.datasets.recipe import Place, content_mark, short_mark
from dcme.datasets.samples import list_rows, spread
from dcme.files import PathLike
from dcme.training.caffe_train import NetFiles, read_solver

_LOOKED_INTO = 8
"""Files of a data set whose beginnings count; of the others only the sizes do."""

# Whoever mends an image or a prototxt after an error goes on with the same command. So all of these
# may change where they are.


def nets_place(files: NetFiles) -> Place:
    """The prototxts of a net, known by what they say."""
    solver = read_solver(files.solver)
    # These are paths: they may be others where the nets are moved, and a run has its own ones (see
    # ``bind_to_data``).
    for name in ("net", "snapshot_prefix"):
        solver.ClearField(name)
    rest = solver.SerializeToString(deterministic=True).hex()
    content = short_mark([content_mark(files.train), content_mark(files.deploy), rest])
    return Place(str(files.train.parent.resolve()), content, may_change=True)


def weights_place(paths: Sequence[PathLike]) -> Place:
    """Weights to start from, known by what is in the files."""
    there = [Path(path).resolve() for path in paths]
    content = short_mark(map(content_mark, there))
    return Place(",".join(map(str, there)), content, may_change=True)


def data_place(data: PathLike, name: str) -> Place:
    """A data set, known by one of its lists (or LMDBs) and the files that this names."""
    root = Path(data).resolve()
    listed = root / name
    parts, files = [], [listed / "data.mdb"]
    if listed.is_file():
        rows = list_rows(listed)
        parts = [row.text for row in rows]
        # However blanks in names are meant, one of these is the file.
        files = [root / name for row in rows for name in (row.text, *row.names)]
    # What is not there the check of the data tells of.
    there = [path for path in dict.fromkeys(files) if os.path.isfile(path)]
    parts += [str(path.stat().st_size) for path in there]
    parts += [_beginning(path) for path in spread(there, _LOOKED_INTO)]
    return Place(str(root), short_mark(parts), may_change=True)


def _beginning(path: Path) -> str:
    """Differs from that of a file that begins otherwise; LMDBs are too large to be read."""
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read(1 << 20)).hexdigest()
