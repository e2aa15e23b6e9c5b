"""The loss on held-out images while a net is trained: the solver's testing, on a few of them."""

from __future__ import annotations

from pathlib import Path

from dcme.datasets.lmdb_file import LMDB_ENDING
from dcme.datasets.samples import list_rows, spread
from dcme.files import write_text
from dcme.training.caffe_train import (
    NetFiles,
    data_layers,
    data_parameters,
    read_net,
    read_solver,
    write_message,
)

LIST = "measured_on.txt"
"""Beside a run. Its paths are relative to the data set, so that it is no list for a command."""


def measure_held_out(files: NetFiles, images: int) -> int:
    """Let the solver test on so many images of the validation list; returns how many it has.

    ``files`` are bound to a data set. The images are spread over the list, in every test the same,
    and named in ``measured_on.txt`` beside the files. There are ten tests, but they come neither
    more seldom than snapshots nor more often than every 100 iterations. Where training reads LMDBs
    they are read from the list that the LMDB was made of. A solver that tests by itself stays as it
    is, and so does one whose net or data knows no such list. A crop of the net's TEST phase stays,
    too: of larger images their middle is measured.
    """
    net, solver = read_net(files.train), read_solver(files.solver)
    layers = [layer for layer, testing in data_layers(net, files.train) if testing]
    if not images or solver.test_iter or len(layers) != 1:
        return 0
    parameters = data_parameters(layers[0])
    source = Path(parameters.source)
    if source.name.endswith(LMDB_ENDING):
        source = source.with_name(f"{source.name.removesuffix(LMDB_ENDING)}.txt")
        parameters.ClearField("backend")
    if not source.is_file():
        return 0
    rows = [row.text for row in list_rows(source)]
    chosen = spread(rows, images)
    if not chosen:
        return 0
    listed = files.train.with_name(LIST).resolve()
    write_text(listed, "".join(f"{row}\n" for row in chosen))
    parameters.source, parameters.batch_size = str(listed), 1
    solver.test_iter.append(len(chosen))
    solver.test_compute_loss = True
    solver.test_initialization = False  # batch normalisation has seen no data yet
    often = max(100, solver.max_iter // 10)
    solver.test_interval = min(solver.snapshot or solver.max_iter, often)
    write_message(files.train, net)
    write_message(files.solver, solver)
    return len(chosen)
