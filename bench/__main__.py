"""The project's figures beside its peers'. Run as ``./run bench``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench import report
from bench.report import Row
from bench.timing import Budget

Case = Callable[[], list[Row]]


def _cases(images: int, rows: list[str], budget: Budget) -> dict[str, Case]:
    """Everything that can be measured, by name, in the order of the table. Where only rows of the
    GPU are asked for, only these: a bare machine may lack what the others need."""
    from bench import gpu_rows

    if rows and all(row.startswith("gpu-") for row in rows):
        return gpu_rows.gpu_cases(budget)
    from bench import core, data, evaluation, floor, layer_rows, net_rows, startup

    return {
        "floor": floor.floor_rows,
        "twins": net_rows.agreement_rows,
        **net_rows.net_cases(),
        **layer_rows.layer_cases(),
        "encode": core.encoding_rows,
        "decode": core.decoding_rows,
        "evaluate-25": lambda: evaluation.evaluation_rows(images, 25),
        "evaluate-100": lambda: evaluation.evaluation_rows(images, 100),
        "data": data.data_rows,
        "startup": startup.startup_rows,
        **gpu_rows.gpu_cases(budget),
    }


def _parse(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measures speed and memory compared with PyTorch, NumPy and cityscapesScripts.",
        epilog="example: ./run bench vgg-train encode --json figures.json",
    )
    parser.add_argument(
        "rows", nargs="*", help="names of rows, or their beginnings; default: all but gpu-..."
    )
    parser.add_argument("--list", action="store_true", help="only list the names")
    parser.add_argument(
        "--images", type=int, default=50, help="images that the rows evaluate read; default: 50"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help="start no row after N seconds; of the GPU's rows, only those that fit, the most "
        "important ones first",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the figures; FILE keeps its rows that are not measured now",
    )
    parser.add_argument(
        "--show", type=Path, metavar="FILE", help="only print the table of such a file"
    )
    return parser.parse_args(words)


def _measure(case: Case, name: str, failed: list[str]) -> list[Row]:
    print(f"== {name}", file=sys.stderr, flush=True)
    try:
        rows = case()
    except LookupError as error:
        print(f"   left out: {error}", file=sys.stderr)
        return []
    except Exception as error:  # the other rows are measured all the same
        print(f"   failed: {error or type(error).__name__}", file=sys.stderr)
        failed.append(name)
        return []
    for row in rows:
        report.stamp(row)
    return rows


def main(words: list[str] | None = None) -> None:
    """Measure, print the table, write the file after every case, so that Ctrl-C loses little."""
    options = _parse(words)
    if options.show:
        if not options.show.exists():
            sys.exit(f"{options.show}: no such file")
        report.show(report.read(options.show))
        return
    budget = Budget(options.seconds)
    cases = _cases(options.images, options.rows, budget)
    chosen = [
        name
        for name in cases
        if (name.startswith(tuple(options.rows)) if options.rows else not name.startswith("gpu-"))
    ]
    unknown = [row for row in options.rows if not any(name.startswith(row) for name in cases)]
    if unknown:
        sys.exit(f"no row starts with '{unknown[0]}'; there are: {', '.join(cases)}")
    if options.list:
        print("\n".join(chosen))
        return
    if options.json:
        report.read(options.json)  # a file of something else is found before the work
    rows: list[Row] = []
    failed: list[str] = []
    late: list[str] = []
    try:
        for name in chosen:
            if budget.left() < 0:
                late.append(name)
                continue
            measured = _measure(cases[name], name, failed)
            rows += measured
            if options.json:
                report.merge(options.json, measured)
    except KeyboardInterrupt:
        print("interrupted; what was measured until then:", file=sys.stderr)
    report.show(rows)
    if late:
        print(f"left out, the time was up: {', '.join(late)}", file=sys.stderr)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # of `| head`; what is left must not be written at the end, either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
