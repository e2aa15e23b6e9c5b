"""The command ``parse_log``: a training log as tables, as the script of Caffe 1.0 writes them."""

from __future__ import annotations

import csv
import io
import sys
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Union

from dcme.errors import EXPECTED, one_line
from dcme.files import write_text
from dcme.printing import Parser, drop_output, flush_output, open_streams
from dcme.training.log import Curve, TrainLog, read_log

Row = list[Union[int, float, str]]


def table(log: TrainLog, test: bool) -> tuple[list[str], list[Row]]:
    """Return the head and the rows of a log's training or test, an iteration a row.

    Columns: NumIters, Seconds (since the solver began), LearningRate, and the net's outputs.
    """
    seconds, outputs = (
        (log.test_seconds, log.test)
        if test
        else (log.train_seconds, log.train or {"loss": log.loss})
    )
    by_iteration = {name: dict(zip(c.iterations, c.values)) for name, c in outputs.items()}
    rows: list[Row] = []
    for iteration, when in zip(seconds.iterations, seconds.values):
        values = [by_iteration[name].get(iteration, "") for name in outputs]
        if any(value != "" for value in values):
            rows.append([iteration, when, _rate_at(log.rate, iteration), *values])
    return ["NumIters", "Seconds", "LearningRate", *outputs], rows


def _rate_at(rate: Curve, iteration: int) -> float:
    """The learning rate told last by then; before, the first."""
    if not rate.values:
        return float("nan")
    return rate.values[max(bisect_right(rate.iterations, iteration) - 1, 0)]


def write_tables(log_file: Path, folder: Path, delimiter: str = ",") -> list[Path]:
    """Write ``folder/<log's name>.train`` and ``.test``, where the log has such; return them.

    Raises UserError where the file is no training log.
    """
    log = read_log(log_file)
    written = []
    for kind in ("train", "test"):
        head, rows = table(log, kind == "test")
        if not rows:
            continue
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerows([head, *rows])
        written.append(folder / f"{log_file.name}.{kind}")
        write_text(written[-1], text.getvalue())
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``parse_log``; returns the exit code: 0, 1 after an error, 2 for wrong arguments."""
    open_streams()
    parser = Parser(
        prog="parse_log",
        description="Writes the losses and outputs of a log of `caffe train` as two tables (CSV).",
        epilog="example: parse_log train.log . writes train.log.train and train.log.test",
    )
    parser.add_argument("logfile_path", type=Path, help="log of caffe train")
    parser.add_argument("output_dir", type=Path, help="folder for the tables")
    parser.add_argument("--verbose", action="store_true", help="say what is written")
    parser.add_argument("--delimiter", default=",", help="between columns (default: ',')")
    arguments = parser.parse_args(argv)
    if len(arguments.delimiter) != 1:
        parser.error("--delimiter must be one character")
    try:
        written = write_tables(arguments.logfile_path, arguments.output_dir, arguments.delimiter)
        if arguments.verbose:
            for path in written:
                print(f"wrote {path}")
        flush_output()
    except BrokenPipeError:
        drop_output()
        return 1
    except EXPECTED as error:
        print(f"parse_log: error: {one_line(error)}", file=sys.stderr)
        return 1
    return 0
