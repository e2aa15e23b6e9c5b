"""Both papers in small: synthetic scenes, narrow copies of their nets, trained on the spot.

All that a reproduction on Cityscapes does is done, by the same functions; only the data, the nets'
widths and the sizes differ. Pretrained weights are stood in for by a short training on the classes
of the grid's blocks, as ImageNet's is one on classes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from dcme.datasets.crops import CropRule, CropSettings
from dcme.datasets.prepare import prepare, prepare_crops, write_balanced_list
from dcme.datasets.recipe import Recipe
from dcme.datasets.samples import cityscapes_split
from dcme.files import write_json
from dcme.prediction.tuning import LADDERS, load_scenes, tune
from dcme.reproduce.context import (
    DEEPLAB,
    FCN,
    GOOGLENET,
    LAST_LAYERS,
    SEGNET_2017,
    SEGNET_2019,
    Context,
    NetRun,
    read_thresholds,
)
from dcme.results.decode import Decoding
from dcme.synth import write_dataset
from dcme.training.caffe_train import NetFiles
from dcme.training.job import Trained, TrainingJob, run_job
from dcme.training.narrowing import Narrowing, write_narrowed

SIZE = (256, 512)
SIZE_2017, SIZE_2019 = (85, 170), (128, 256)
"""A third and a half of the scenes, as the papers' sizes are of Cityscapes'."""
SMALLEST_CROP = 13
"""50 pixels of Cityscapes' 1024, about."""
PRETRAINING = "pretraining"
RECIPE, TUNED_FILE = "synthetic.json", "tuned.json"


@dataclass(frozen=True)
class Scale:
    """How much is painted and trained."""

    train: int = 300
    val: int = 40
    test: int = 40
    seed: int = 1
    effort: float = 1.0
    """Iterations are multiplied by this."""

    @classmethod
    def of_effort(cls, effort: float) -> Scale:
        """This share of the scenes, at most all and at least four of a split, and iterations."""
        counts = (cls.train, cls.val, cls.test)
        train, val, test = (max(4, round(count * min(effort, 1))) for count in counts)
        return cls(train, val, test, effort=effort)


@dataclass(frozen=True)
class _Plan:
    """One training: net, variant, data, and how it is scaled down."""

    name: str
    net: str
    data: str
    narrowing: Narrowing
    variant: str = ""
    start: str = ""
    """Name of the training whose weights it starts from, or of a file in the net's folder."""
    train_list: str = "train.txt"


def plans(effort: float) -> list[_Plan]:
    """All trainings, in order."""
    large = partial(Narrowing, size=SIZE_2019, batch=4, rate=2e-3)
    small = partial(Narrowing, size=SIZE_2017, batch=3, rate=2e-3)

    def steps(count: int) -> int:
        return max(1, round(count * effort))

    balanced = "train_balanced.txt"
    return [
        _Plan(PRETRAINING, DEEPLAB, "2019", large(4, iterations=steps(150), vector_weight=0.0)),
        _Plan(DEEPLAB, DEEPLAB, "2019", large(4, iterations=steps(700)), start=PRETRAINING),
        _Plan(
            LAST_LAYERS,
            DEEPLAB,
            "2019",
            large(4, iterations=steps(400)),
            variant="last_layers",
            start=PRETRAINING,
        ),
        _Plan(SEGNET_2019, SEGNET_2019, "2019", large(8, batch=3, iterations=steps(600))),
        _Plan(
            SEGNET_2017, SEGNET_2017, "2017", small(8, iterations=steps(600)), train_list=balanced
        ),
        _Plan(
            FCN,
            FCN,
            "2017",
            small(8, iterations=steps(600)),
            start="start.caffemodel",
            train_list=balanced,
        ),
        _Plan(GOOGLENET, GOOGLENET, "crops", large(8, batch=16, iterations=steps(500))),
    ]


def _make_data(out: Path, scale: Scale, workers: int, quiet: bool) -> None:
    city = out / "city"
    write_dataset(
        city,
        train=scale.train,
        val=scale.val,
        test=scale.test,
        seed=scale.seed,
        size=SIZE,
        workers=workers,
        quiet=quiet,
    )
    prepare(city, out / "data" / "2019", size=SIZE_2019, workers=workers, quiet=quiet)
    prepare(city, out / "data" / "2017", size=SIZE_2017, workers=workers, quiet=quiet)
    write_balanced_list(out / "data" / "2017")
    crops = CropSettings(CropRule(smallest=SMALLEST_CROP))
    prepare_crops(city, out / "data" / "crops", crops, workers=workers, quiet=quiet)


def _train(
    out: Path, nets: Path, plan: _Plan, start: Path | None, gpu: str | None, quiet: bool
) -> Trained:
    if not quiet:
        print(f"training {plan.name}: {plan.narrowing.iterations} iterations", flush=True)
    files = NetFiles.of_folder(nets / plan.net, plan.variant)
    write_narrowed(files, out / "nets" / plan.name, plan.narrowing)
    job = TrainingJob(
        nets=out / "nets" / plan.name,
        data=out / "data" / plan.data,
        out=out / "training" / plan.name,
        weights=start,
        train_list=plan.train_list,
        gpu=gpu,
    )
    return run_job(job, quiet)


def _tuned(context: Context, net: str) -> tuple[float, float, float]:
    """Thresholds for a net on the validation scenes, for vectors that are computed once."""
    samples = cityscapes_split(context.source, "val")
    start = Decoding(mode=context.mode)
    scenes = load_scenes(context.vectors(net, "val"), samples, start.classes, context.workers)
    ladders = {name: LADDERS[name] for name in ("dt", "vt", "et")}
    best = tune(scenes, start, "score", (0.5,), ladders, context.workers).best.decoding
    return best.dt, best.vt, best.et


def synthetic_context(
    out: Path,
    nets: Path,
    scale: Scale,
    *,
    mode: str = "reference",
    workers: int = 1,
    quiet: bool = False,
    gpu: str | None = None,
) -> Context:
    """Paint, reduce, train and tune below ``out``; what an earlier call has done is kept.

    ``nets`` is the repository's ``prototxt`` folder.
    """
    for plan in plans(scale.effort):
        NetFiles.of_folder(nets / plan.net, plan.variant)
    recipe = Recipe(out, RECIPE, {"effort": scale.effort, **asdict(scale)}, "another reproduction")
    recipe.check()
    recipe.keep()
    _make_data(out, scale, workers, quiet)
    runs: dict[str, NetRun] = {}
    weights: dict[str, Path | None] = {"": None}
    for plan in plans(scale.effort):
        start = weights.get(plan.start, nets / plan.net / plan.start)
        done = _train(out, nets, plan, start, gpu, quiet)
        weights[plan.name] = done.weights
        files = NetFiles.of_folder(out / "nets" / plan.name)
        runs[plan.name] = NetRun(plan.name, files.deploy, files.train, done.weights)
    context = Context(
        out / "city",
        out,
        runs,
        size_2017=SIZE_2017,
        size_2019=SIZE_2019,
        smallest_crop=SMALLEST_CROP,
        mode=mode,
        workers=workers,
        quiet=quiet,
    )
    return replace(context, thresholds=_thresholds(context))


def _thresholds(context: Context) -> dict[str, tuple[float, float, float]]:
    """Those of each net, for the decoder's mode; found once for each set of weights."""
    path = context.out / TUNED_FILE
    known, found = read_thresholds(path), {}
    for net in (DEEPLAB, LAST_LAYERS, SEGNET_2019, SEGNET_2017, FCN):
        key = f"{net} {context.mode} {context.mark([net], ['val'])}"
        if key not in known:
            if not context.quiet:
                print(f"tuning thresholds of {net} on the validation scenes", flush=True)
            known[key] = _tuned(context, net)
            write_json(path, {k: list(v) for k, v in known.items()})
        found[net] = known[key]
    return found
