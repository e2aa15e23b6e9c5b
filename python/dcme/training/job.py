"""``dcme train``: checks before a run, its progress, and going on after an interruption."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dcme.classes import ClassMap
from dcme.datasets.class_file import read_classes, write_classes
from dcme.datasets.recipe import Recipe
from dcme.errors import UserError
from dcme.files import PathLike, read_text, require_apart, write_text
from dcme.results.thresholds import DECODING_FILE
from dcme.training.caffe_train import (
    NetFiles,
    bind_to_data,
    data_layers,
    is_written_solver,
    max_iterations,
    nets_path,
    read_net,
    train,
    write_message,
)
from dcme.training.data_check import check_data, require_labels
from dcme.training.held_out import measure_held_out
from dcme.training.log import TrainLog, read_any_log
from dcme.training.net_classes import bind_classes, classes_of_net, classes_to_bind
from dcme.training.places import data_place, nets_place, weights_place
from dcme.training.weights import has_weights, require_any, weight_layers

RECIPE = "training.json"
_STATE = re.compile(r"snapshot_iter_(\d+)\.solverstate(\.h5)?")


@dataclass(frozen=True)
class TrainingJob:
    """What is trained on which data, and where it is kept."""

    nets: PathLike
    """Folder with train.prototxt, deploy.prototxt and solver.prototxt."""
    data: PathLike
    """Folder written by ``dcme collect`` or ``dcme prepare``."""
    out: PathLike
    """For snapshots, log and the prototxts bound to the data."""
    variant: str = ""
    """Another way to train the net: ``last_layers`` for train_last_layers.prototxt."""
    weights: PathLike | None = None
    """Weights to start from, matched by layer name; several files with commas between."""
    iterations: int | None = None
    train_list: str = "train.txt"
    box_anchor: bool = False
    """Point to the centres of the bounding boxes instead of the centres of mass."""
    held_out: int = 0
    """Images of ``val.txt`` on which the loss is measured in between; see ``measure_held_out``."""
    gpu: str | None = None
    classes: ClassMap | None = None
    """Of the data; None: those of the prototxts or, where these know them not, those that
    ``classes.json`` in ``data`` tells."""


@dataclass(frozen=True)
class Trained:
    """What a run left."""

    weights: Path
    iterations: int
    loss: tuple[int, float] | None
    """Iteration and value of the last that was displayed; None where none was."""
    seconds: float
    held_out: tuple[int, float] | None
    """The same on held-out images."""

    def __str__(self) -> str:
        text = f"{self.weights}: {self.iterations} iteration{'' if self.iterations == 1 else 's'}"
        for last, kind in ((self.loss, "loss"), (self.held_out, "loss on held-out images")):
            text += "" if last is None else f", {kind} {last[1]:.4g} at iteration {last[0]}"
        return text


def duration(seconds: float) -> str:
    """A time in the units that people say it in: ``50 s``, ``7 min``, ``2 h 10 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class TrainingProgress:
    """One line on a terminal that follows the training; every tenth part elsewhere."""

    def __init__(self, total: int, start: int = 0, quiet: bool = False) -> None:
        self.total, self.start, self.quiet = total, start, quiet
        self.live, self.tenth = os.isatty(1), self._tenth(start)

    def _tenth(self, done: int) -> int:
        return 10 * done // max(self.total, 1)  # a solver may have nothing to do

    def __call__(self, log: TrainLog, seconds: float) -> None:
        """Show the state after the log's last line with a loss."""
        done = log.loss.iterations[-1]
        line = f"  iteration {done}/{self.total}  loss {log.loss.values[-1]:.4g}"
        if self.start < done < self.total:
            left = seconds / (done - self.start) * (self.total - done)
            line += f"  {duration(left)} left"
        if self.quiet:
            return
        if self.live:
            # A line longer than the terminal's would not be written over, but scroll.
            width = min(72, shutil.get_terminal_size().columns - 1)
            print(f"\r{line[:width]:<{width}}", end="" if done < self.total else "\n", flush=True)
        elif self._tenth(done) > self.tenth:
            self.tenth = self._tenth(done)
            print(line, flush=True)


def _states(folder: PathLike) -> list[tuple[Path, int]]:
    """The snapshots of a run's folder and their iterations, the newest last."""
    found = []
    for path in Path(folder).glob("snapshot_iter_*.solverstate*"):
        match = _STATE.fullmatch(path.name)
        if match:
            found.append((path, int(match[1])))
    return sorted(found, key=lambda state: (state[1], state[0]))


def newest_state(folder: PathLike) -> tuple[Path, int] | None:
    """The newest snapshot of a run's folder and its iteration; None where there is none."""
    return next(reversed(_states(folder)), None)


def check_weights(net: Any, path: PathLike) -> str:
    """How many layers of the net are named in weights files; raises where none is.

    Whether the shapes fit as well is for the runtime to tell, when it has built the net.
    """
    stored = {name for part in str(path).split(",") for name in weight_layers(part)}
    learned = [layer.name for layer in net.layer if layer.name in stored or has_weights(layer)]
    missing = [name for name in learned if name not in stored]
    require_any(learned, stored, path)
    more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
    new = f"; new: {', '.join(missing[:8])}{more}" if missing else ""
    return f"{len(learned) - len(missing)} of {len(learned)} layers are named in {path}{new}"


def _use_box_anchor(files: NetFiles) -> None:
    from caffe.proto import caffe_pb2

    net = read_net(files.train)
    for layer, _ in data_layers(net, files.train):
        if layer.type == "DCMEData":
            layer.dcme_data_param.anchor = caffe_pb2.DCMEDataParameter.BOX_CENTRE
    write_message(files.train, net)


def _recipe(job: TrainingJob, files: NetFiles) -> dict[str, Any]:
    """What makes two trainings the same, wherever their files are."""
    return {
        "nets": nets_place(files),
        "variant": job.variant or "none",
        "data": data_place(job.data, job.train_list),
        "list": job.train_list,
        "weights": weights_place(str(job.weights).split(",")) if job.weights else "none",
        "anchor": "box" if job.box_anchor else "mass",
        "classes": str(job.classes or "those of the nets"),
    }


def _require_own_folder(job: TrainingJob) -> None:
    """Refuse a folder with data or with nets of the user's, which those of the run would replace.

    Where a training was, as its recipe tells, the nets are the run's own. Where the recipe was lost
    its solver and a snapshot tell. Not a snapshot alone: ``caffe train`` leaves it beside the
    user's nets.
    """
    require_apart(job.out, [job.data], "the data set is")
    if (Path(job.out) / RECIPE).exists():
        return
    require_apart(job.out, [nets_path(job.nets)], "the nets are")
    bound = NetFiles.bound_in(job.out)
    left = newest_state(job.out) is not None and bound.solver.is_file()
    if left and is_written_solver(bound.solver):
        return
    for path in bound.all:
        if path.exists():
            raise UserError(
                f"{path}: would be overwritten, but dcme train did not write it; name another "
                "folder"
            )


def _keep_recipe(job: TrainingJob, files: NetFiles) -> None:
    """Refuse to go on with a folder in which something else was trained."""
    recipe = Recipe(Path(job.out), RECIPE, _recipe(job, files), "snapshots of another training")
    if newest_state(job.out) is not None:
        recipe.check()
    recipe.keep()


def _check_iterations(job: TrainingJob, files: NetFiles) -> None:
    """Refuse fewer iterations than a folder has behind it."""
    total, state = job.iterations or max_iterations(files), newest_state(job.out)
    if state is not None and state[1] > total:
        raise UserError(
            f"{job.out}: is already at iteration {state[1]} ({state[0].name}), beyond {total}; "
            "choose another folder"
        )


def _take_decoding(job: TrainingJob) -> None:
    """Thresholds that come with the nets go along, unless the run has some (``dcme tune``)."""
    brought, own = nets_path(job.nets) / DECODING_FILE, Path(job.out) / DECODING_FILE
    if brought.is_file() and not own.exists():
        write_text(own, read_text(brought))


def _words(job: TrainingJob, state: Path | None) -> Iterable[str]:
    if state is not None:
        yield f"--snapshot={state}"
    elif job.weights is not None:
        yield f"--weights={job.weights}"
    if job.gpu is not None:
        yield f"--gpu={job.gpu}"


def run_job(job: TrainingJob, quiet: bool = False) -> Trained:
    """Train with ``caffe train``, or go on from the newest snapshot in ``job.out``.

    Files, lists, labels and weights are checked before anything runs. Ctrl-C leaves a snapshot, as
    do errors after the first iterations, and the same call goes on from there.
    """
    if job.weights is not None:
        parts = str(job.weights).split(",")
        if not all(parts):
            raise UserError(f"--weights '{job.weights}': names no file; give FILE or FILE,FILE,...")
        job = replace(job, weights=",".join(str(nets_path(part)) for part in parts))
    files = NetFiles.of_folder(job.nets, job.variant)
    if not Path(job.data).is_dir():
        raise UserError(f"{job.data}: no such folder; dcme collect and dcme prepare write such")
    _require_own_folder(job)

    def say(text: str) -> None:
        if not quiet:
            print(text, flush=True)

    if job.weights is not None:
        say(check_weights(read_net(files.train), job.weights))
    kept = read_classes(job.data)
    if job.classes is None:
        job = replace(job, classes=classes_to_bind(files, kept, job.data))
    _keep_recipe(job, files)
    _check_iterations(job, files)
    bound = bind_to_data(files, job.data, job.out, job.iterations, train_list=job.train_list)
    if job.box_anchor:
        _use_box_anchor(bound)
    if job.classes is not None:
        bind_classes(bound, job.classes)
    measure_held_out(bound, job.held_out)
    found = check_data(bound, quiet)
    own, classes = classes_of_net(bound.train), classes_of_net(bound.train, job.classes, kept)
    if own is not None and classes is not None:
        require_labels(found, classes, own.ignored, kept)
        write_classes(job.out, classes)
    _take_decoding(job)
    log_path = Path(job.out) / "train.log"
    seconds = _run(job, bound, log_path, say, quiet)
    return _trained(bound, files.solver, Path(job.out), log_path, seconds)


def _run(
    job: TrainingJob, bound: NetFiles, log_path: Path, say: Callable[[str], None], quiet: bool
) -> float:
    """Train from where the run is; returns the seconds that took."""
    total, state = max_iterations(bound), newest_state(job.out)
    if state is not None and state[1] >= total:
        say(f"{job.out}: iteration {total} of {total} is done; nothing is left to do")
        return 0.0
    words = list(_words(job, state[0] if state else None))
    if state:
        say(f"continuing from {state[0]}")
    say(shlex.join(["caffe", "train", f"--solver={bound.solver}", *words]))
    progress = TrainingProgress(total, state[1] if state else 0, quiet)
    try:
        return train(bound, log_path, progress, words, append=state is not None)[1]
    except KeyboardInterrupt:
        left = newest_state(job.out)
        say(f"\nstopped; run the same command to continue from {left[0]}" if left else "\nstopped")
        raise
    except UserError as error:
        left = newest_state(job.out)
        if left is None or left == state:
            raise UserError(f"{error}{_way_around(job, str(error))}") from None
        raise UserError(
            f"{error}; then run the same command to continue from {left[0].name}"
        ) from None


def _way_around(job: TrainingJob, error: str) -> str:
    """What to do where an error is about the newest snapshot and an older one is there."""
    states = _states(job.out)
    older = [path for path, iteration in states if iteration < states[-1][1]]
    files = f"snapshot_iter_{states[-1][1]}." if states else ""
    if not older or files not in error:
        return ""
    damaged = Path(job.out) / files
    return f"; delete {damaged}* and run the same command to continue from {older[-1].name}"


def _trained(files: NetFiles, solver: Path, out: Path, log_path: Path, seconds: float) -> Trained:
    """What training of ``files`` in ``out`` left; ``solver`` is the user's, which they are from."""
    state = newest_state(out)
    if state is None:
        raise UserError(f"{out}: training left no snapshot; see {log_path}")
    weights = Path(str(state[0]).replace(".solverstate", ".caffemodel"))
    if not weights.is_file():
        raise UserError(f"{weights}: training left no such weights")
    if state[1] < max_iterations(files):
        raise KeyboardInterrupt  # caffe was told to stop by somebody else
    log = read_any_log(log_path) if log_path.is_file() else TrainLog()
    if (since := log.loss.diverged) is not None:
        warnings.warn(
            f"{log_path}: the loss is not finite since iteration {since}: these weights are "
            f"useless; lower base_lr in {solver} and train in another folder",
            stacklevel=2,
        )
    return Trained(weights, state[1], log.loss.last, seconds, log.test_loss.last)
