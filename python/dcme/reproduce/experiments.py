"""One function for each table: what it needs, and how its numbers come about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from dcme.classes import CITYSCAPES
from dcme.datasets.samples import Sample, find_maps
from dcme.reproduce.context import (
    DEEPLAB,
    FCN,
    GOOGLENET,
    LAST_LAYERS,
    OTHER_THRESHOLDS,
    SEGNET_2017,
    SEGNET_2019,
    Context,
    Pipeline,
)
from dcme.reproduce.paper import Values, paper_tables
from dcme.results.decode import Decoding
from dcme.results.oracles import (
    EXACT,
    Ceiling,
    ClassOracle,
    InstanceOracle,
    class_accuracy,
    count_instances,
)
from dcme.results.scoring import Scores, score_images, score_results
from dcme.results.submission import write_submission

CLASSES = CITYSCAPES
PAPER_2 = Pipeline(DEEPLAB)
DETECTED = Pipeline(DEEPLAB, classified=False)
"""All that the decoder of paper 2 detects, whatever the encoder takes it for."""
SEGNET = Pipeline(SEGNET_2017, GOOGLENET)
FCN8S = Pipeline(FCN, GOOGLENET)
TRUTH, IMAGES = "val", "val images"
TEST, TEST_IMAGES = "test", "test images"


@dataclass
class Outcome:
    """What an experiment gives: numbers like the paper's, and what has to be said about them."""

    values: Values
    """None where there is no such number: AP of a class without ground truth."""
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for row in self.values.values():
            for column, value in row.items():
                if value is not None and np.isnan(value):
                    row[column] = None


@dataclass(frozen=True)
class Experiment:
    """A table (or a number in the text) of a paper."""

    key: str
    title: str
    data: tuple[str, ...] = ()
    nets: tuple[str, ...] = ()
    run: Callable[[Context], Outcome] | None = None
    """None: the numbers are of others' methods, and only cited."""

    def missing(self, context: Context) -> list[str]:
        """Why it cannot run; nothing where it can."""
        return context.missing(self.data, self.nets)


def _truths(context: Context, split: str) -> list[Sample]:
    return find_maps(context.source, split)


def _by_class(scores: Scores, key: str) -> Values:
    """AP and its relatives in percent, for the columns that the paper prints."""
    names = {"AP": "ap", "AP50": "ap50", "AP100m": "ap100m", "AP50m": "ap50m"}
    columns = [name for name in paper_tables()[key].columns if name in names]
    values = {
        row.name: {column: 100 * getattr(row, names[column]) for column in columns}
        for row in scores.rows
    }
    values["mean"] = {column: 100 * getattr(scores, f"{names[column]}_mean") for column in columns}
    return values


def _score(
    context: Context, pipeline: Pipeline, split: str, ious: Sequence[float] = (0.5,)
) -> Scores:
    results = context.results(pipeline, split)
    samples = _truths(context, split)
    return score_results(
        results, samples, CLASSES, workers=context.workers, ious=ious, quiet=context.quiet
    )


def _thresholds(context: Context, pipeline: Pipeline) -> str:
    d = context.decoding(pipeline)
    return f"Decoder: {d.mode}, DT {d.dt:g}, VT {d.vt:g}, ET {d.et:g}."


def _results(key: str, pipeline: Pipeline, split: str, context: Context) -> Outcome:
    """AP by class of a pipeline."""
    scores = _score(context, pipeline, split)
    return Outcome(_by_class(scores, key), [_thresholds(context, pipeline)])


def _mean_only(pipeline: Pipeline, split: str, context: Context) -> Outcome:
    scores = _score(context, pipeline, split)
    return Outcome({"mean": {"AP": 100 * scores.ap_mean}}, [_thresholds(context, pipeline)])


def _ceiling_scores(
    context: Context, size: tuple[int, int], decoding: Decoding | None, title: str
) -> Scores:
    samples = _truths(context, "val")
    ceiling = Ceiling(size, decoding, CLASSES)
    return score_images(
        ceiling, samples, CLASSES, workers=context.workers, quiet=context.quiet, title=title
    )


def _ceiling(key: str, paper: int, context: Context) -> Outcome:
    """Ground truth, reduced and brought back: the masks, as printed, and through the vectors."""
    size = context.size_2019 if paper == 2 else context.size_2017
    where = f"at {size[0]}x{size[1]}"
    values = _by_class(_ceiling_scores(context, size, None, f"masks {where}"), key)
    encoded = _by_class(_ceiling_scores(context, size, EXACT, f"encoded {where}"), key)
    for row, columns in encoded.items():
        values[row].update({f"{name} encoded": value for name, value in columns.items()})
    noisy = Decoding(*OTHER_THRESHOLDS, "reference")
    other = _ceiling_scores(context, size, noisy, f"decoded as predictions {where}")
    notes = [
        "Masks that are reduced and enlarged; 'encoded': also encoded and decoded on the way "
        "(reference, DT 0, VT 0, ET 1: the vectors have no error).",
        f"Decoded with DT 10, VT 50, ET 15, as predictions are: mean AP {100 * other.ap_mean:.2f}, "
        f"AP50 {100 * other.ap50_mean:.2f}.",
    ]
    if not _is_table(key):
        values = {"mean": values["mean"]}
    return Outcome(values, notes)


def _instance_oracle(key: str, context: Context) -> Outcome:
    oracle = InstanceOracle(context.vectors(DEEPLAB, "val"), CLASSES)
    samples = _truths(context, "val")
    scores = score_images(oracle, samples, CLASSES, workers=context.workers, quiet=context.quiet)
    return Outcome(_by_class(scores, key))


def _class_oracle(key: str, context: Context) -> Outcome:
    oracle = ClassOracle(context.results(DETECTED, "val"), CLASSES)
    samples = _truths(context, "val")
    scores = score_images(oracle, samples, CLASSES, workers=context.workers, quiet=context.quiet)
    notes = ["A mask takes the class of the instance that covers most of it; others are dropped."]
    return Outcome(_by_class(scores, key), [_thresholds(context, DETECTED), *notes])


def _counts(context: Context) -> np.ndarray:
    samples = _truths(context, "val")
    return count_instances(samples, context.size_2019, CLASSES, context.workers, context.quiet)


def _class_accuracy(context: Context) -> Outcome:
    """Table III; without weights only its counts."""
    if context.missing((IMAGES,), (DEEPLAB,)):
        counts = _counts(context)
        values: Values = {name: {"instances": int(n)} for name, n in zip(CLASSES.names, counts)}
        values["total"] = {"instances": int(counts.sum())}
        return Outcome(values, [f"Counts only: the rest needs {DEEPLAB}.caffemodel and images."])
    oracle = InstanceOracle(context.vectors(DEEPLAB, "val"), CLASSES)
    accuracy = class_accuracy(oracle, _truths(context, "val"), context.workers, context.quiet)
    columns = ("instances", "correct", "accuracy")
    rows: Any = accuracy.table().rows
    return Outcome({name: dict(zip(columns, values)) for name, *values in rows})


def _detections(context: Context) -> Outcome:
    scores = _score(context, DETECTED, "val", ious=(0.25, 0.5, 0.75))
    total = int(_counts(context).sum())
    values: Values = {
        f"{100 * m.iou:g}": {"detections": m.tp, "accuracy": 100 * m.tp / max(total, 1)}
        for m in scores.matchings
    }
    notes = [f"Of {total} instances; matched one to one, classes aside."]
    return Outcome(values, [_thresholds(context, DETECTED), *notes])


def _is_table(key: str) -> bool:
    return len(paper_tables()[key].values) > 1


def _test(key: str, pipeline: Pipeline, context: Context) -> Outcome:
    """Numbers of the test set: evaluated where its truth is known, else zipped for the server."""
    if not context.missing((TEST,), ()):
        if _is_table(key):
            return _results(key, pipeline, "test", context)
        return _mean_only(pipeline, "test", context)
    path = context.out / f"submission_{pipeline.name}.zip"
    results = context.results(pipeline, "test")
    write_submission(
        results, context.samples("test"), path, workers=context.workers, quiet=context.quiet
    )
    return Outcome({}, [f"{path} is ready: the evaluation server tells the numbers."])


def _summary_2017(context: Context) -> Outcome:
    """Table I of paper 1: the two rows that are its own."""
    values, notes = {}, []
    for row, pipeline in (("DCME-SegNet", SEGNET), ("DCME-FCN", FCN8S)):
        outcome = _test("dcme-2017/table2", pipeline, context)
        notes += outcome.notes
        if outcome.values:
            values[row] = outcome.values["mean"]
    return Outcome(values, [*notes, "The other rows are others' methods."])


def _ours(key: str, title: str, pipeline: Pipeline, split: str) -> Experiment:
    """The scores of a pipeline: of all classes, or the mean where the paper tells no more."""
    data: tuple[str, ...] = (TRUTH, IMAGES)
    if split == "test":
        run, data = partial(_test, key, pipeline), (TEST_IMAGES,)
    else:
        run = (
            partial(_results, key, pipeline, split)
            if _is_table(key)
            else partial(_mean_only, pipeline, split)
        )
    return Experiment(key, title, data, tuple(pipeline.nets), run)


P1, P2 = "dcme-2017", "isisa-2019"
EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        f"{P2}/table1_right",
        "Table I right: the ground truth at the network's size",
        (TRUTH,),
        (),
        partial(_ceiling, f"{P2}/table1_right", 2),
    ),
    Experiment(
        f"{P2}/table3", "Table III: classes named by the encoder", (TRUTH,), (), _class_accuracy
    ),
    Experiment(
        f"{P1}/ground_truth_340x680_val_AP",
        "The ground truth at the network's size, mean AP",
        (TRUTH,),
        (),
        partial(_ceiling, f"{P1}/ground_truth_340x680_val_AP", 1),
    ),
    _ours(f"{P2}/table1_left", "Table I left: VGG-DeepLabv3+, validation", PAPER_2, "val"),
    Experiment(
        f"{P2}/table2",
        "Table II: instance oracle, validation",
        (TRUTH, IMAGES),
        (DEEPLAB,),
        partial(_instance_oracle, f"{P2}/table2"),
    ),
    Experiment(
        f"{P2}/table4",
        "Table IV: class oracle, validation",
        (TRUTH, IMAGES),
        (DEEPLAB,),
        partial(_class_oracle, f"{P2}/table4"),
    ),
    Experiment(
        f"{P2}/table5",
        "Table V: instances found, validation",
        (TRUTH, IMAGES),
        (DEEPLAB,),
        _detections,
    ),
    _ours(f"{P2}/table6", "Table VI: VGG-DeepLabv3+, test", PAPER_2, "test"),
    _ours(f"{P2}/table7", "Table VII: paper 1 (SegNet and GoogLeNet), test", SEGNET, "test"),
    Experiment(f"{P2}/table8", "Table VIII: multi-task learning (Kendall et al.), test"),
    _ours(f"{P2}/segnet_val_AP", "SegNet in place of DeepLabv3+", Pipeline(SEGNET_2019), "val"),
    _ours(
        f"{P2}/fine_tune_last_layers_test_AP",
        "Only the last layers fine-tuned, test",
        Pipeline(LAST_LAYERS),
        "test",
    ),
    Experiment(
        f"{P1}/table1",
        "Table I: all methods, test",
        (TEST_IMAGES,),
        (SEGNET_2017, FCN, GOOGLENET),
        _summary_2017,
    ),
    _ours(f"{P1}/table2", "Table II: SegNet and GoogLeNet, test", SEGNET, "test"),
    _ours(f"{P1}/table3", "Table III: FCN-8s and GoogLeNet, test", FCN8S, "test"),
    _ours(f"{P1}/segnet_val_AP", "SegNet and GoogLeNet, validation", SEGNET, "val"),
    _ours(f"{P1}/fcn_val_AP", "FCN-8s and GoogLeNet, validation", FCN8S, "val"),
    _ours(
        f"{P1}/segnet_watershed_val_AP",
        "SegNet, step 4 by watershed, validation",
        Pipeline(SEGNET_2017, GOOGLENET, watershed=True),
        "val",
    ),
    _ours(
        f"{P1}/fcn_watershed_val_AP",
        "FCN-8s, step 4 by watershed, validation",
        Pipeline(FCN, GOOGLENET, watershed=True),
        "val",
    ),
)
