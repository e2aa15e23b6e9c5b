"""What a training gives, by the twin and by `caffe train`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import torch
from caffe.proto.caffe_pb2 import TEST, TRAIN, NetParameter, SolverParameter
from google.protobuf import text_format
from support.device import GPU

from twin.net import Net
from twin.parameters import Name, Parameters
from twin.random_nets import RandomTraining
from twin.solvers import Solver

# The program beside this Python, which need not be activated.
CAFFE = Path(sys.executable).with_name("caffe")
SOLVER = "--solver=solver.prototxt"
Blobs = dict[Name, np.ndarray]


@dataclass
class Training:
    """The losses of the iterations and after the last one, the outputs of tests by iteration
    and test net, the parameters at the end."""

    losses: list[float] = field(default_factory=list)
    tests: dict[tuple[int, int], dict[str, np.ndarray]] = field(default_factory=dict)
    parameters: Blobs = field(default_factory=dict)


def twins(training: RandomTraining, dtype: torch.dtype = torch.float64) -> Training:
    """What the twin makes of a training, in a precision."""
    solver, net = training.solver, training.net
    parameters = net.parameters.restarted(dtype)
    learner = Solver(solver, parameters)
    trained, tests = Net(training.proto, TRAIN, parameters), _tests(training, parameters, dtype)
    batches = _batches(training, net.batch)
    result = Training()
    for iteration in range(solver.max_iter):
        if _tests_at(solver, iteration):
            result.tests |= {(iteration, i): next(test) for i, test in enumerate(tests)}
        total = 0.0
        for _ in range(solver.iter_size):
            loss = trained.forward(next(batches), dtype)
            if loss.requires_grad:
                loss.backward()
            total += loss.item()
        result.losses.append(total / solver.iter_size)
        learner.step()
    result.parameters = parameters.values()
    result.losses.append(trained.forward(next(batches), dtype).item())
    if _tests_at(solver, solver.max_iter):
        result.tests |= {(solver.max_iter, i): next(test) for i, test in enumerate(tests)}
    return result


def _tests(
    training: RandomTraining, parameters: Parameters, dtype: torch.dtype
) -> list[Iterator[dict[str, np.ndarray]]]:
    """Of each test net, what its tests give one after the other."""
    solver = training.solver
    stages = [state.stage for state in solver.test_state] or [[]]
    return [
        tested(training, parameters, count, stage, dtype)
        for count, stage in zip(solver.test_iter, stages)
    ]


def tested(
    training: RandomTraining,
    parameters: Parameters,
    count: int,
    stages: Collection[str] = (),
    dtype: torch.dtype = torch.float64,
) -> Iterator[dict[str, np.ndarray]]:
    """Again and again, the mean of each output of a test net over the next batches."""
    net = Net(training.proto, TEST, parameters, stages)
    batches = _batches(training, training.test_batch)
    while True:
        sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(()))
        for _ in range(count):
            with torch.no_grad():
                net.forward(next(batches), dtype)
            for name, value in net.outputs.items():
                sums[name] = sums[name] + value.numpy().ravel() / count
        yield dict(sums)


def _batches(training: RandomTraining, size: int) -> Iterator[dict[str, np.ndarray]]:
    row = 0
    while True:
        yield training.net.batch_at(row, size)
        row += size


def _tests_at(solver: SolverParameter, iteration: int) -> bool:
    if not solver.test_interval or iteration % solver.test_interval:
        return False
    return iteration > 0 or solver.test_initialization


def programs(training: RandomTraining, folder: Path) -> Training:
    """What `caffe train` makes of a training, in a folder."""
    _write(training, folder)
    log = _caffe(folder, "train", SOLVER, "--weights=initial.caffemodel")
    losses = re.findall(r"Iteration \d+\b[^:\n]*, loss = (\S+)", log)
    result = Training([float(loss) for loss in losses])
    # From one test to the next: the iteration and the net, what is logged after it, and so on.
    parts = re.split(r"Iteration (\d+), Testing net \(#(\d+)\)", log)
    for iteration, net, text in zip(parts[1::3], parts[2::3], parts[3::3]):
        outputs = _outputs(r"Test net output #\d+: (\S+) = (\S+)", text)
        result.tests[int(iteration), int(net)] = outputs
    result.parameters = snapshot(training, folder)
    return result


def _outputs(pattern: str, log: str) -> dict[str, np.ndarray]:
    found: dict[str, list[float]] = defaultdict(list)
    for name, value in re.findall(pattern, log):
        if "_split_" not in name:  # the share of a loss_weight in a blob that others read, too
            found[name].append(float(value))
    return {name: np.array(values) for name, values in found.items()}


def last_batch_tested(training: RandomTraining, folder: Path, count: int) -> dict[str, np.ndarray]:
    """What `caffe test` says of the last of some batches, with the parameters at the end."""
    weights = _snapshot_file(training, folder, training.solver.max_iter).name
    options = ["--model=net.prototxt", f"--weights={weights}", f"--iterations={count}"]
    log = _caffe(folder, "test", *options)
    return _outputs(rf"Batch {count - 1}, (\S+) = (\S+)", log)


def resumed(training: RandomTraining, folder: Path) -> Blobs:
    """The parameters where `caffe train` goes on from the snapshot in the middle of a training."""
    _snapshot_file(training, folder, training.solver.max_iter).unlink()
    middle = _snapshot_file(training, folder, training.solver.snapshot).name
    state = middle.replace("caffemodel", "solverstate")
    _caffe(folder, "train", SOLVER, f"--snapshot={state}")
    return snapshot(training, folder)


def _caffe(folder: Path, *arguments: str) -> str:
    device = [f"--gpu={GPU}"] if GPU else []
    command = [CAFFE, *arguments, *device]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    log = run.stdout + run.stderr
    if run.returncode:
        raise AssertionError(f"caffe {arguments} ends with {run.returncode}: {log[-600:]}")
    return log


def _write(training: RandomTraining, folder: Path) -> None:
    with h5py.File(folder / "data.h5", "w") as file:
        for name, rows in training.net.data.items():
            file[name] = rows
    (folder / "list.txt").write_text("data.h5\n")
    for name, message in (("net", training.proto), ("solver", training.solver)):
        (folder / f"{name}.prototxt").write_text(text_format.MessageToString(message))
    initial = NetParameter()
    owners = {layer for layer, _ in training.net.parameters.owners()}
    for name, own in training.net.parameters.by_layer.items():
        if name not in owners:
            continue  # the parameters of another layer, perhaps in another shape
        layer = initial.layer.add(name=name)
        for p in own:
            layer.blobs.add(shape={"dim": p.initial.shape}, data=p.initial.ravel())
    (folder / "initial.caffemodel").write_bytes(initial.SerializeToString())


def _snapshot_file(training: RandomTraining, folder: Path, iteration: int) -> Path:
    hdf5 = training.solver.snapshot_format == SolverParameter.HDF5
    return folder / f"snapshot_iter_{iteration}.caffemodel{'.h5' if hdf5 else ''}"


def snapshot(training: RandomTraining, folder: Path) -> Blobs:
    """The parameters in the last snapshot."""
    path = _snapshot_file(training, folder, training.solver.max_iter)
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {
                (layer, int(i)): np.array(blob)
                for layer, blobs in file["data"].items()
                for i, blob in blobs.items()
            }
    net = NetParameter.FromString(path.read_bytes())
    return {
        (layer.name, i): np.reshape(blob.data, tuple(blob.shape.dim))
        for layer in net.layer
        for i, blob in enumerate(layer.blobs)
    }
