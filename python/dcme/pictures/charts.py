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
        return [("loss", log.test_loss)]
    return [(name, curve) for name, curve in log.test.items() if "loss" in name]


def plot_losses(out: PathLike, logs: Sequence[tuple[str, TrainLog]]) -> None:
    """Loss curves of named logs as a figure; the suffix of ``out`` picks the format."""
    with chart(out, (8, 4.5)) as panels:
        axes = panels[0, 0]
        for index, (name, log) in enumerate(logs):
            colour = f"C{index}"
            points = len(log.loss.values)
            smooth = log.loss.smoothed(max(1, points // 40))
            axes.plot(log.loss.iterations, log.loss.values, color=colour, alpha=0.25, linewidth=1)
            mark = "o" if log.loss.few else None
            axes.plot(smooth.iterations, smooth.values, color=colour, label=name, marker=mark)
            for (output, curve), marker in zip(_tests(log), cycle("os^Dv")):
                label = f"{name}: {output} (test)"
                axes.plot(curve.iterations, curve.values, f"{marker}--", color=colour, label=label)
        values = [v for _, log in logs for v in log.loss.values if v > 0]
        if values and max(values) > 20 * min(values):
            axes.set_yscale("log")
        axes.set(xlabel="iteration", ylabel="loss")
        axes.grid(alpha=0.3)
        axes.legend()
