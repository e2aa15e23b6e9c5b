"""The papers' figures, from the data set at hand and the results of its reproduction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from dcme.classes import CITYSCAPES
from dcme.datasets.samples import Sample, spread
from dcme.datasets.vectors import read_vector_map
from dcme.encoding import encode, reduce_ids
from dcme.errors import EXPECTED, one_line
from dcme.files import PathLike, read_ids, read_image, write_png
from dcme.grid import grid_classes
from dcme.labels import FIRST_INSTANCE_ID, labels_in
from dcme.pictures.charts import chart
from dcme.pictures.plotting import class_colours, show_grid, show_instances, show_magnitude
from dcme.pictures.sheets import Entry, strip
from dcme.reproduce.context import Context, Pipeline
from dcme.reproduce.experiments import FCN8S, PAPER_2, SEGNET
from dcme.results.files import map_path

CLASSES = CITYSCAPES
PICTURES = 4


def logistic_curves(out: PathLike, amplitudes: Sequence[float] = (1, 2, 4, 8)) -> None:
    """Paper 2, Fig. 3: the function that clips errors, f(x) = A (1 / (1 + exp(-x)) - 0.5)."""
    x = np.linspace(-10, 10, 401)
    with chart(out, (5.5, 3.6)) as panels:
        axes = panels[0, 0]
        for amplitude in amplitudes:
            axes.plot(x, amplitude * (1 / (1 + np.exp(-x)) - 0.5), label=f"A = {amplitude:g}")
        axes.plot([-3, 3], [-3, 3], color="black", linestyle=":", label="unclipped")
        axes.set(xlabel="error, pixels", ylabel="what is propagated back", xlim=(-10, 10))
        axes.grid(alpha=0.3)
        axes.legend()


def show_classes(image: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Instances of a map (H, W) in Cityscapes' colours of their classes, over the dimmed image."""
    shown = (image * 0.35).astype(np.uint8)
    for label, colour in zip(CLASSES.labels, class_colours(CLASSES)):
        shown[ids // FIRST_INSTANCE_ID == label] = colour
    return shown


def _legend(labels: Collection[int]) -> list[Entry]:
    """The classes of these labels and their colours."""
    rows = zip(CLASSES.labels, CLASSES.names, class_colours(CLASSES))
    return [(name, colour) for label, name, colour in rows if label in labels]


def _busiest(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Samples with instances of most classes, in their own order."""

    def classes(sample: Sample) -> int:
        labels = np.unique(read_ids(sample.ids_path())) // FIRST_INSTANCE_ID
        return len(set(labels.tolist()) & set(CLASSES.labels))

    looked_at = spread(samples, 60)
    chosen = sorted(looked_at, key=lambda sample: -classes(sample))[:count]
    return [sample for sample in looked_at if sample in chosen]


def _picture(sample: Sample, size: tuple[int, int]) -> np.ndarray:
    """The image at this size, grey where only its ground truth is on disk."""
    if sample.image is None or not sample.image.is_file():
        return np.full((*size, 3), 128, np.uint8)
    return cv2.resize(read_image(sample.image), size[::-1], interpolation=cv2.INTER_AREA)


def _fitting(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(ids, size[::-1], interpolation=cv2.INTER_NEAREST)


def grid_figure(context: Context, sample: Sample, out: Path) -> None:
    """Paper 2, Fig. 1: the image, and the classes of its blocks."""
    ids = reduce_ids(read_ids(sample.ids_path()), context.size_2019)
    image = _picture(sample, context.size_2019)
    grid = grid_classes(ids, 16)
    blocks = show_grid(image, grid, class_colours(CLASSES))
    seen = {CLASSES.labels[number - 1] for number in np.unique(grid[grid > 0])}
    write_png(out, strip([image, blocks], columns=1, legend=_legend(seen)))


def _magnitudes(sample: Sample, size: tuple[int, int], anchor: str = "mass") -> np.ndarray:
    ids = reduce_ids(read_ids(sample.ids_path()), size)
    return show_magnitude(encode(ids, anchor, classes=CITYSCAPES))


def anchor_figure(context: Context, sample: Sample, out: Path) -> None:
    """Paper 1, Fig. 2: magnitudes to the box's centre (top) and to the centre of mass (bottom)."""
    panels = [_magnitudes(sample, context.size_2017, anchor) for anchor in ("box", "mass")]
    write_png(out, strip(panels, columns=1))


def mass_figure(context: Context, sample: Sample, out: Path) -> None:
    """Paper 2, Fig. 2: magnitudes to the centre of mass."""
    write_png(out, _magnitudes(sample, context.size_2019))


def result_figure(
    context: Context, pipeline: Pipeline, samples: Sequence[Sample], out: Path
) -> None:
    """Paper 2, Fig. 4: input, classes, instances. Paper 1, Figs. 3 and 4: input, magnitudes,
    instances. One image a row."""
    size = context.size_of(pipeline.net)
    results, vectors = context.results(pipeline, "val"), context.vectors(pipeline.net, "val")
    panels: list[np.ndarray] = []
    seen: set[int] = set()
    for sample in samples:
        image = _picture(sample, size)
        ids = _fitting(read_ids(map_path(results, sample.name)), size)
        if pipeline.classifier is None:
            middle = show_classes(image, ids)
            seen |= labels_in(ids)
        else:
            middle = show_magnitude(read_vector_map(vectors, sample).vectors)
        panels += [image, middle, show_instances(image, ids)]
    write_png(out, strip(panels, columns=3, legend=_legend(seen)))


@dataclass
class Drawn:
    """The figures of a reproduction by caption, and why others could not be drawn."""

    figures: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, caption: str, path: Path, draw: Callable[[Path], None]) -> None:
        """Draw one into ``path``."""
        try:
            draw(path)
            self.figures[caption] = path
        except EXPECTED as error:
            self.failed[caption] = one_line(error)


def draw_figures(context: Context) -> Drawn:
    """Draw every figure that the data and weights allow."""
    folder, drawn = context.out / "figures", Drawn()
    drawn.add("Paper 2, Fig. 3: clipped errors", folder / "isisa-2019_fig3.png", logistic_curves)
    if context.missing(("val",), ()):
        return drawn
    try:
        samples = _busiest(context.samples("val"), PICTURES)
    except EXPECTED as error:
        drawn.failed["the figures of scenes"] = one_line(error)
        return drawn
    first = samples[0]
    grey = "" if first.image is not None else " (the image is not on disk: grey)"
    drawn.add(
        f"Paper 2, Fig. 1: classes of the blocks{grey}",
        folder / "isisa-2019_fig1.png",
        lambda path: grid_figure(context, first, path),
    )
    drawn.add(
        "Paper 2, Fig. 2: magnitudes",
        folder / "isisa-2019_fig2.png",
        lambda path: mass_figure(context, first, path),
    )
    drawn.add(
        "Paper 1, Fig. 2: magnitudes to the box's centre and to the centre of mass",
        folder / "dcme-2017_fig2.png",
        lambda path: anchor_figure(context, first, path),
    )
    for caption, name, pipeline in (
        ("Paper 2, Fig. 4: input, classes, instances", "isisa-2019_fig4.png", PAPER_2),
        ("Paper 1, Fig. 3: input, magnitudes, instances (SegNet)", "dcme-2017_fig3.png", SEGNET),
        ("Paper 1, Fig. 4: input, magnitudes, instances (FCN-8s)", "dcme-2017_fig4.png", FCN8S),
    ):
        if not context.missing(("val", "val images"), pipeline.nets):
            draw = partial(result_figure, context, pipeline, samples)
            drawn.add(caption, folder / name, draw)
    return drawn
