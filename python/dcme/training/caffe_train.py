"""Running ``caffe train`` from Python: nets bound to a data set, progress read from the log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcme.datasets.lmdb_file import LMDB_ENDING
from dcme.errors import UserError
from dcme.files import PathLike, read_text, write_text
from dcme.stopping import left_to_the_parent, must_finish
from dcme.training.log import TrainLog, read_any_log

Report = Callable[[TrainLog, float], None]
"""Called with the log so far and the seconds since the start whenever a loss was printed."""


SHIPPED_NETS = Path(__file__).parents[1] / "prototxt"


def nets_path(path: PathLike) -> Path:
    """The path itself; outside the repository ``prototxt/...`` means the nets that dcme brings."""
    given = Path(path)
    if given.parts[:1] == ("prototxt",) and not given.exists():
        shipped = SHIPPED_NETS.joinpath(*given.parts[1:])
        return shipped if shipped.exists() else given
    return given


@dataclass(frozen=True)
class NetFiles:
    """The prototxts of a network."""

    train: Path
    deploy: Path
    solver: Path

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """The three of them."""
        return self.train, self.deploy, self.solver

    @classmethod
    def bound_in(cls, out: PathLike) -> NetFiles:
        """Those of a run's folder, whichever variant is trained."""
        folder = Path(out)
        return cls(*(folder / f"{name}.prototxt" for name in ("train", "deploy", "solver")))

    @classmethod
    def of_folder(cls, folder: PathLike, variant: str = "") -> NetFiles:
        """``train.prototxt``, ``deploy.prototxt`` and ``solver.prototxt`` of a folder.

        A variant's are ``train_<variant>.prototxt`` and ``solver_<variant>.prototxt``.
        """
        root, suffix = nets_path(folder), f"_{variant}" if variant else ""
        files = cls(
            root / f"train{suffix}.prototxt",
            root / "deploy.prototxt",
            root / f"solver{suffix}.prototxt",
        )
        for path in files.all:
            if not path.is_file():
                raise UserError(
                    f"{path}: no such file; name a folder with train{suffix}.prototxt, "
                    f"deploy.prototxt and solver{suffix}.prototxt, e.g. prototxt/small"
                )
        return files


def _parse(path: Path, message: Any) -> Any:
    from caffe.prototxt import parse_prototxt

    try:
        return parse_prototxt(read_text(path), message, str(path))
    except ValueError as error:
        raise UserError(str(error)) from None


def read_net(path: PathLike) -> Any:
    """The NetParameter of a prototxt."""
    from caffe.proto import caffe_pb2

    return _parse(Path(path), caffe_pb2.NetParameter())


def read_solver(path: PathLike) -> Any:
    """The SolverParameter of a prototxt."""
    from caffe.proto import caffe_pb2

    return _parse(Path(path), caffe_pb2.SolverParameter())


def write_message(path: PathLike, message: Any) -> None:
    """Write a message as a prototxt."""
    from google.protobuf import text_format

    write_text(path, text_format.MessageToString(message))


def is_written_solver(path: PathLike) -> bool:
    """Whether a solver's file is as ``write_message`` leaves it, which nobody writes by hand."""
    from google.protobuf import text_format

    return read_text(path) == text_format.MessageToString(read_solver(path))


_DATA_PARAMETERS = {"DCMEData": "dcme_data_param", "ImageData": "image_data_param"}


def data_parameters(layer: Any) -> Any:
    """What a data layer says of its list: dcme_data_param or image_data_param."""
    return getattr(layer, _DATA_PARAMETERS[layer.type])


def data_layers(net: Any, path: PathLike) -> list[tuple[Any, bool]]:
    """The layers that read a list, and whether each serves testing; raises where there are none."""
    from caffe.proto import caffe_pb2

    found = [
        (layer, any(rule.phase == caffe_pb2.TEST for rule in layer.include))
        for layer in net.layer
        if layer.type in _DATA_PARAMETERS
    ]
    if not found:
        raise UserError(
            f"{path}: has no data layer ({' or '.join(_DATA_PARAMETERS)}) to read the data set"
        )
    return found


def _bind_source(layer: Any, root: Path, name: str) -> None:
    """Let a data layer read a list below ``root``, or the LMDB (``..._lmdb``) of a split."""
    from caffe.proto import caffe_pb2

    parameters = data_parameters(layer)
    parameters.source, parameters.root_folder = str(root / name), f"{root}/"
    if name.endswith(LMDB_ENDING):
        if layer.type != "DCMEData":
            raise UserError(f"layer {layer.name} ({layer.type}) reads lists, no LMDB")
        parameters.backend = caffe_pb2.DCMEDataParameter.LMDB


def _require_utf8(folder: Path) -> None:
    """Raise for a folder whose name no prototxt can hold."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        advice = "rename it"
        if sys.getfilesystemencoding() != "utf-8":
            advice = "set a locale that is in UTF-8, e.g. LC_ALL=C.UTF-8, or rename it"
        shown = os.fsencode(folder).decode(errors="backslashreplace")
        raise UserError(
            f"{shown}: prototxts, which are in UTF-8, cannot name it; {advice}"
        ) from None


def bind_to_data(
    files: NetFiles,
    data: PathLike,
    out: PathLike,
    max_iter: int | None = None,
    learn: bool = True,
    train_list: str = "train.txt",
) -> NetFiles:
    """Copies of the prototxts in ``out`` that read ``data``/{train,val}.txt and snapshot there.

    ``data`` is a folder written by ``dcme collect`` or ``dcme prepare``; training reads its
    ``train_list``, or both splits' LMDBs where that is ``train_lmdb``. With ``max_iter`` the solver
    stops there; the steps of its learning rate move in proportion, snapshots come as often as
    before, and losses are shown at least ten times. Without ``learn`` the learning rate is 0: such
    a run leaves the random weights as they are and only gathers the statistics of the data that
    batch normalisation needs.
    """
    root, folder = Path(data).resolve(), Path(out)
    for place in (root, folder.resolve()):
        _require_utf8(place)
    net, solver = read_net(files.train), read_solver(files.solver)
    val_list = f"val{LMDB_ENDING}" if train_list.endswith(LMDB_ENDING) else "val.txt"
    for layer, testing in data_layers(net, files.train):
        _bind_source(layer, root, val_list if testing else train_list)
    bound = NetFiles.bound_in(folder)
    solver.net = str(bound.train.resolve())
    solver.snapshot_prefix = str((folder / "snapshot").resolve())
    if max_iter is not None and solver.max_iter:
        share = max_iter / solver.max_iter
        steps = [max(1, round(step * share)) for step in solver.stepvalue]
        del solver.stepvalue[:]
        solver.stepvalue.extend(steps)
        solver.stepsize = max(1, round(solver.stepsize * share)) if solver.stepsize else 0
        solver.max_iter = max_iter
        solver.snapshot = min(solver.snapshot or max_iter, max_iter)
        solver.display = min(solver.display, max(1, max_iter // 10))
    if not learn:
        solver.base_lr = 0
    write_message(bound.train, net)
    write_message(bound.solver, solver)
    write_text(bound.deploy, read_text(files.deploy))
    return bound


def max_iterations(files: NetFiles) -> int:
    """How many iterations the solver runs."""
    return int(read_solver(files.solver).max_iter)


def testing_batches(files: NetFiles) -> int:
    """How many batches the solver tests on at a time; 0 where it never tests."""
    return sum(read_solver(files.solver).test_iter)


def _command() -> str:
    """The caffe command that belongs to this Python, else the one on the path."""
    beside = Path(sys.executable).with_name("caffe")
    found = str(beside) if beside.is_file() else shutil.which("caffe")
    if found is None:
        raise UserError("the command 'caffe' is not on the PATH; build and install it: ./run build")
    return found


def _started(words: Sequence[str]) -> subprocess.Popen[str]:
    """A command whose output comes through a pipe, and that only this process stops."""
    # Threads that spin while they wait make training many times slower on a machine that is shared.
    # The losses are read from the log, whatever the user wants to see of others.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "GLOG_minloglevel": "0"}
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,  # Ctrl-C is passed on, once
        preexec_fn=left_to_the_parent(),
        restore_signals=False,  # a log that nobody reads any more does not end it
    )


def _end(code: int, last: Sequence[str]) -> str:
    """How a command failed that ended with this code behind these lines."""
    reason = next((line for line in reversed(last) if line), "no output").removeprefix("error: ")
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL), as Linux does where memory runs out: free some"
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)}): {reason}"
    return f"failed (exit code {code}): {reason}"


def train(
    files: NetFiles,
    log_path: PathLike,
    report: Report,
    extra: Sequence[str] = (),
    append: bool = False,
) -> tuple[TrainLog, float]:
    """Run ``caffe train`` with ``extra`` arguments; returns its log's curves and the seconds.

    The log is kept in ``log_path``, however training ends; with ``append`` it goes on. Another
    thread reads it and calls ``report``. Raises with the log's last line where it fails. On Ctrl-C,
    and on errors of the log or of ``report``, ``caffe`` leaves a snapshot before this returns; it
    does so, too, where this process is killed.
    """
    words = [_command(), "train", f"--solver={files.solver}", *extra]
    log, start = TrainLog(), time.monotonic()
    if append and Path(log_path).is_file():
        log = read_any_log(log_path)
    last: deque[str] = deque(maxlen=5)
    Path(log_path).parent.mkdir(parents=True, exist_ok=True)
    with (
        must_finish(),
        open(log_path, "a" if append else "w", 1, encoding="utf-8") as stream,
        _started(words) as process,
        ThreadPoolExecutor(1) as other,
    ):

        def follow() -> None:
            for line in process.stdout or ():
                stream.write(line)
                last.append(line.strip())
                if log.feed(line):
                    report(log, time.monotonic() - start)

        # In a thread of its own, where no Ctrl-C comes between reading a line and writing it.
        following = other.submit(follow)
        try:
            following.result()
        except BaseException as stop:
            process.send_signal(signal.SIGINT)  # stops after a snapshot; it ignores SIGTERM
            if isinstance(stop, KeyboardInterrupt):
                following.result()
            raise
    if process.returncode != 0:
        raise UserError(f"caffe train {_end(process.returncode, last)}")
    return log, time.monotonic() - start


def final_weights(files: NetFiles) -> Path:
    """The weights that training of these files left at its last iteration."""
    path = files.solver.with_name(f"snapshot_iter_{max_iterations(files)}.caffemodel")
    if not path.is_file():
        raise UserError(f"{path}: training left no such weights")
    return path
