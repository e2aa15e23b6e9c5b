"""Thresholds of the decoder for a trained network, found on validation images.

The vector maps are computed once (``dcme predict --vectors``); only decoding and scoring is
repeated. One threshold after the other takes its best value on a ladder while the others stay, in
turns, until none moves: far fewer trials than a full grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dcme.classes import ClassMap, require_classes
from dcme.datasets.samples import Sample
from dcme.datasets.vectors import VectorMap, read_vector_map
from dcme.encoding import reduce_ids
from dcme.errors import UserError
from dcme.evaluation import Evaluator, void_of
from dcme.files import PathLike, read_ids
from dcme.labels import FIRST_INSTANCE_ID, labels_in
from dcme.matching import Matching, matching
from dcme.parallel import ordered_map
from dcme.pictures.charts import chart
from dcme.results.decode import Decoding, classifies_pixels

LADDERS: dict[str, tuple[float, ...]] = {
    "dt": (1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40),
    "vt": (3, 5, 8, 12, 18, 25, 35, 50, 70, 100, 140, 200, 280),
    "et": (2, 3, 4, 6, 8, 11, 15, 20, 28, 40, 56),
    "foreground": (0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4),
    "probability": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
}
"""Values that are tried, in pixels and votes of the vector maps."""
STEP = 1.4
"""By which ladders go on at either end, as long as the value there is the best; of a probability by
which its odds do."""
LIMITS = {
    "dt": (0.1, math.inf),
    "vt": (1, math.inf),
    "et": (0.1, math.inf),
    "foreground": (0.01, math.inf),
    "probability": (0.01, 0.99),
}
"""As far as they go."""
UNITS = {"dt": "pixels", "vt": "votes", "et": "pixels", "foreground": "pixels", "probability": ""}
GOALS = ("score", "ap")
IOUS = (0.5, 0.7)


@dataclass(frozen=True)
class Scene:
    """A vector map and the true instances at its size; ``truth`` keeps classes and groups."""

    item: VectorMap
    truth: np.ndarray


@dataclass(frozen=True)
class Trial:
    """What one set of thresholds reaches."""

    decoding: Decoding
    value: float
    """Of the goal: the larger the better."""
    precision: float
    recall: float


@dataclass
class Tuning:
    """The best thresholds and all that was tried on the way."""

    best: Trial
    trials: list[Trial] = field(default_factory=list)
    goal: str = "score"
    iou: float = IOUS[0]
    """At which the trials' precision and recall are."""

    def along(self, name: str) -> list[Trial]:
        """The trials that differ from the best one in this threshold only, in its order."""
        changed = {getattr(t.decoding, name): t for t in self.trials if self._same(t, name)}
        return [changed[value] for value in sorted(changed)]

    def _same(self, trial: Trial, name: str) -> bool:
        value = getattr(trial.decoding, name)
        return replace(self.best.decoding, **{name: value}) == trial.decoding

    def edges(self) -> list[str]:
        """Thresholds whose best value is the last that can be tried."""
        values = {name: getattr(self.best.decoding, name) for name in LIMITS}
        tried = (name for name in values if len(self.along(name)) > 1)
        return [name for name in tried if values[name] in LIMITS[name]]

    def require_found(self) -> None:
        """Raise where the best is as good as nothing: no advice could be taken from it."""
        if self.best.value > 0:
            return
        if all(np.isnan(trial.precision) for trial in self.trials):
            raise UserError("no thresholds find anything: train longer")
        a_value = "an AP" if self.goal == "ap" else "a score"
        small = " (instances below 100 pixels of the map do not count)" if self.goal == "ap" else ""
        raise UserError(f"no thresholds reach {a_value} above 0: train longer{small}")

    def flags(self) -> str:
        """The options for ``dcme predict``, ``dcme decode`` and ``dcme reproduce``."""
        d = self.best.decoding
        words = f"--dt {d.dt:g} --vt {d.vt:g} --et {d.et:g}"
        for name in ("foreground", "probability"):
            if len(self.along(name)) > 1:
                words += f" --{name} {getattr(d, name):g}"
        return words + (f" --mode {d.mode}" if d.mode != "standard" else "")


def refuse_test_data(source: PathLike, split: str) -> None:
    """Raise where the data is called test data: thresholds chosen on it would make its scores
    meaningless."""
    path = Path(source)
    if split.startswith("test") or (path.is_file() and path.stem.startswith("test")):
        raise UserError(
            f"{source}: thresholds tuned on test data would make its scores meaningless; use the "
            "validation split"
        )


def load_scenes(
    vectors: PathLike, samples: Sequence[Sample], classes: ClassMap, workers: int = 1
) -> list[Scene]:
    """The vector maps of all samples with their ground truth, reduced to the maps' size.

    Held in memory together, so that each trial only decodes. Raises where the ground truth has
    labels that are none of the classes, or no instance of any.
    """

    def load(sample: Sample) -> Scene:
        item = read_vector_map(vectors, sample)
        ids, size = read_ids(sample.ids_path()), item.vectors.shape[1:]
        require_classes(classes, labels_in(ids), sample.ids_path())
        if ids.shape == size:
            return Scene(item, ids)
        nearest = cv2.resize(ids, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
        reduced = reduce_ids(ids, size)
        # The reduction leaves out stuff and groups, which the evaluation knows.
        stuff = np.where(nearest < FIRST_INSTANCE_ID, nearest, 0)
        return Scene(item, np.where(reduced > 0, reduced, stuff).astype(np.uint16))

    scenes = list(ordered_map(load, samples, workers))
    if not any(labels_in(scene.truth) & set(classes.labels) for scene in scenes):
        raise UserError(
            f"none of {len(scenes)} instance maps has an instance of {', '.join(classes.names)}: "
            "there is nothing to tune on"
        )
    return scenes


def _matchings(decoding: Decoding, ious: Sequence[float], scene: Scene) -> list[Matching]:
    found = decoding.find(scene.item)
    labels = scene.truth // FIRST_INSTANCE_ID
    truth = np.where(np.isin(labels, decoding.classes.labels), scene.truth, 0)
    # As dcme evaluate: groups are ids below 1000 that are a class's label.
    silent = np.isin(scene.truth, [*decoding.classes.labels, *void_of(decoding.classes)])
    return [matching(truth, found, iou, silent) for iou in ious]


def _score(
    decoding: Decoding, scenes: Sequence[Scene], ious: Sequence[float], workers: int
) -> Trial:
    rows = ordered_map(lambda scene: _matchings(decoding, ious, scene), scenes, workers)
    sums = [reduce(add, column) for column in zip(*rows)]
    value = float(np.mean([m.score for m in sums]))
    return Trial(decoding, value, sums[0].precision, sums[0].recall)


def _average_precision(
    decoding: Decoding, scenes: Sequence[Scene], ious: Sequence[float], workers: int
) -> Trial:
    """AP over classes where the maps have grids, else that of all objects alike."""
    classified = all(scene.item.grid is not None for scene in scenes)
    evaluator = Evaluator(decoding.classes, class_agnostic=not classified)

    def one(scene: Scene) -> None:
        result = decoding(scene.item)
        evaluator.add(scene.truth, result.masks, result.labels.tolist(), result.scores.tolist())

    for _ in ordered_map(one, scenes, workers):
        pass
    trial = _score(decoding, scenes, ious[:1], workers)
    value = evaluator.results().ap
    return replace(trial, value=0.0 if np.isnan(value) else value)


def _unused(start: Decoding, scenes: Sequence[Scene]) -> tuple[str, ...]:
    """Thresholds that change nothing: the foreground is told by one at most."""
    if start.published:
        return ("foreground", "probability")
    by_pixel = all(classifies_pixels(scene.item) for scene in scenes)
    return ("foreground",) if by_pixel else ("probability",)


def _with(decoding: Decoding, **thresholds: Any) -> Decoding:
    """A decoding with other values of thresholds whose names only the run knows."""
    return replace(decoding, **thresholds)


def _beyond(name: str, value: float, direction: int) -> float | None:
    """The next value of a threshold after (1) or before (-1) one; None where there is none."""
    step = STEP**direction
    if name == "probability":
        odds = step * value / (1 - value)
        following = round(odds / (1 + odds), 2)
    else:
        following = round(step * value, 2)
    low, high = LIMITS[name]
    following = min(max(following, low), high)
    return following if direction * following > direction * value else None


@dataclass
class _Search:
    """Trials of thresholds, each measured once."""

    measure: Callable[[Decoding], Trial]
    names: list[str]
    report: Callable[[Trial, bool], None]
    known: dict[tuple[float, ...], Trial] = field(default_factory=dict)

    def attempt(self, decoding: Decoding) -> Trial:
        key = tuple(getattr(decoding, name) for name in self.names)
        if key not in self.known:
            before = max((trial.value for trial in self.known.values()), default=-1.0)
            self.known[key] = self.measure(decoding)
            self.report(self.known[key], self.known[key].value > before)
        return self.known[key]

    def better(self, best: Trial, name: str, value: float) -> Trial:
        """A trial, or that with this value of one threshold where it is better."""
        trial = self.attempt(_with(best.decoding, **{name: value}))
        return trial if trial.value > best.value else best

    def climb(self, best: Trial, name: str, ladder: Sequence[float]) -> Trial:
        """The best of a trial and those with other values of one threshold."""
        for value in ladder:
            best = self.better(best, name, value)
        for direction, end in ((-1, min(ladder)), (1, max(ladder))):
            before = None
            while (
                before is not best and direction * getattr(best.decoding, name) >= direction * end
            ):
                before = best
                beyond = _beyond(name, getattr(best.decoding, name), direction)
                if beyond is not None:  # the ladder was too short
                    best = self.better(best, name, beyond)
        return best

    def in_turns(self, best: Trial, ladders: Mapping[str, Sequence[float]]) -> Trial:
        """One threshold after the other takes its best value, until none moves."""
        before = None
        while before is not best:
            before = best
            for name in self.names:
                best = self.climb(best, name, ladders[name])
        return best


def tune(
    scenes: Sequence[Scene],
    start: Decoding,
    goal: str = "score",
    ious: Sequence[float] = IOUS,
    ladders: Mapping[str, Sequence[float]] = LADDERS,
    workers: int = 1,
    report: Callable[[Trial, bool], None] = lambda trial, better: None,
) -> Tuning:
    """Search thresholds from ``start`` on, in its mode.

    Parameters
    ----------
    goal : "score", the mean over ``ious`` of TP / (TP + FP + FN), classes aside; or "ap",
        Cityscapes' average precision, for which instances below 100 pixels of the map do not count.
    report : called after each trial, with whether it is better than all before.
    """
    if goal not in GOALS:
        raise ValueError(f"unknown goal '{goal}'; known are {', '.join(GOALS)}")
    measure = _score if goal == "score" else _average_precision
    names = [name for name in ladders if name not in _unused(start, scenes)]
    search = _Search(lambda decoding: measure(decoding, scenes, ious, workers), names, report)
    # A start from which no single step helps: the middles of the ladders are another.
    middles = {name: ladders[name][len(ladders[name]) // 2] for name in names}
    first = (search.attempt(start), search.attempt(_with(start, **middles)))
    best = search.in_turns(max(first, key=lambda trial: trial.value), ladders)
    # The last turn, in which none moved, has tried every ladder around the best.
    return Tuning(best, list(search.known.values()), goal, ious[0])


def plot_tuning(out: PathLike, tuning: Tuning) -> None:
    """The goal, precision and recall along each threshold, the others at their best."""
    names = [name for name in LADDERS if len(tuning.along(name)) > 1]
    with chart(out, (3.2 * len(names), 5), 2, len(names), sharex="col", sharey="row") as panels:
        for column, name in zip(panels.T, names):
            _plot_ladder(column, tuning, name)
        panels[0, 0].set_ylabel({"score": "score", "ap": "AP"}[tuning.goal])
        panels[0, 0].set_ylim(bottom=0)
        panels[1, 0].set_ylabel(f"precision, recall\nat IoU > {tuning.iou:g}")
        panels[1, 0].legend(fontsize=8)


def _plot_ladder(panels: Sequence[Any], tuning: Tuning, name: str) -> None:
    """The goal in the upper panel, precision and recall in the lower one, along one threshold."""
    upper, lower = panels
    trials = tuning.along(name)
    places = [getattr(trial.decoding, name) for trial in trials]
    upper.plot(places, [t.value for t in trials], "o-", markersize=4)
    lower.plot(places, [t.precision for t in trials], "C1o-", markersize=4, label="precision")
    lower.plot(places, [t.recall for t in trials], "C3s--", markersize=4, label="recall")
    best = getattr(tuning.best.decoding, name)
    upper.set_title(f"{name.upper() if len(name) == 2 else name}: {best:g}")
    # The ladder of the probability is even, the others grow by factors.
    even = name == "probability"
    lower.set(xscale="linear" if even else "log", xlabel=UNITS[name], ylim=(0, 1.04))
    for axes in panels:
        axes.axvline(best, color="0.6", linewidth=1, zorder=0)
        axes.grid(alpha=0.3)
    ticks = _apart(places, best, even)
    lower.set_xticks(ticks, [f"{v:g}" for v in ticks])
    lower.minorticks_off()


def _apart(places: Sequence[float], best: float, even: bool, share: float = 0.14) -> list[float]:
    """The best place and as many others as have this share of the axis between them."""

    def position(place: float) -> float:
        return place if even else math.log(place)

    least = share * (position(places[-1]) - position(places[0]))
    kept = [best]
    for place in places:
        if all(abs(position(place) - position(other)) >= least for other in kept):
            kept.append(place)
    return sorted(kept)
