"""Charts as files: drawn by matplotlib without a display, in colours that most eyes tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcme.errors import UserError
from dcme.files import PathLike, atomic_path

if TYPE_CHECKING:
    from dcme.training.log import Curve, TrainLog

STYLE = "tableau-colorblind10"
COLOURS = 10
"""In that style."""
CLEAR = 5
"""So many of them are easily told apart; the markers change as often."""
MARKERS = "os^Dv"

Line = Any
"""``matplotlib.lines.Line2D``, which takes long to load."""


@contextmanager
def chart(
    out: PathLike, size: tuple[float, float], rows: int = 1, columns: int = 1, **shared: Any
) -> Iterator[Any]:
    """The panels of a figure, an array (rows, columns) of Axes; written when the block ends well.

    size: width and height in inches. shared: what ``Figure.subplots`` takes. The suffix of ``out``
    picks the format; raises for one that matplotlib does not know.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    known = figure.canvas.get_supported_filetypes()
    if Path(out).suffix[1:].lower() not in known:
        raise UserError(f"{out}: figures are written as {', '.join(sorted(known))}")
    with style.context(STYLE):
        yield figure.subplots(rows, columns, squeeze=False, **shared)
        with atomic_path(out) as temporary:
            figure.savefig(temporary, dpi=150)


def _tests(log: TrainLog) -> list[tuple[str, Curve]]:
    """The loss of the tests, which compares to that of training, or else the single losses."""
    if log.test_loss.values:
        return [("held-out", log.test_loss)]
    return [(f"held-out: {name}", curve) for name, curve in log.test.items() if "loss" in name]


def _look(index: int) -> dict[str, str]:
    """Colour and marker that tell a log of others."""
    return {"color": f"C{index % COLOURS}", "marker": MARKERS[index // CLEAR % len(MARKERS)]}


def _plot_log(axes: Any, index: int, log: TrainLog) -> list[tuple[str, Line]]:
    """Draw a log's curves; returns what each shows, and its line."""
    look, few = _look(index), log.loss.few
    smooth = log.loss.smoothed(max(1, len(log.loss.values) // 40))
    if not few:
        faint = {"color": look["color"], "alpha": 0.25, "linewidth": 1}
        axes.plot(log.loss.iterations, log.loss.values, **faint)
    marked = look if few or index >= CLEAR else {"color": look["color"]}
    every = 1 if few else max(1, len(log.loss.values) // 12)
    lines = [("training", *axes.plot(smooth.iterations, smooth.values, markevery=every, **marked))]
    for (title, curve), style in zip(_tests(log), cycle(("--", ":", "-."))):
        lines += [(title, *axes.plot(curve.iterations, curve.values, style, **look))]
    return lines


def _add_legend(
    axes: Any, names: Sequence[str], lines: Sequence[Sequence[tuple[str, Line]]]
) -> None:
    """Name each log by its colour and, in grey, what styles of lines mean; beside the curves."""
    from matplotlib.lines import Line2D

    if len(names) == 1:
        entries = {title: line for title, line in lines[0]}
    else:
        entries = {name: of_log[0][1] for name, of_log in zip(names, lines)}
        kinds = {title: line.get_linestyle() for of_log in lines for title, line in of_log}
        for title, style in kinds.items() if len(kinds) > 1 else ():
            entries[title] = Line2D([], [], linestyle=style, color="0.4")
    axes.legend(entries.values(), entries.keys(), loc="upper left", bbox_to_anchor=(1, 1))


def plot_losses(out: PathLike, logs: Sequence[tuple[str, TrainLog]]) -> None:
    """Loss curves of named logs as a figure; the suffix of ``out`` picks the format."""
    with chart(out, (8, max(4.5, 0.25 * len(logs) + 1))) as panels:
        axes = panels[0, 0]
        lines = [_plot_log(axes, index, log) for index, (_, log) in enumerate(logs)]
        values = [v for _, log in logs for v in log.loss.values if v > 0]
        if values and max(values) > 20 * min(values):
            axes.set_yscale("log")
        axes.set(xlabel="iteration", ylabel="loss")
        axes.grid(alpha=0.3)
        _add_legend(axes, [name for name, _ in logs], lines)
