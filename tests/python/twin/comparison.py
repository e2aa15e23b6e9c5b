"""Everything that is compared of one random net."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np
import torch
from google.protobuf import text_format

from twin.agreement import differences, output_differences
from twin.passes import pass_differences
from twin.random_nets import RandomTraining, random_training
from twin.trainings import Blobs, last_batch_tested, programs, resumed, tested, twins

# A larger loss is one that bursts.
LARGEST = 1000
# These go on from their state of the pass before, which no snapshot has.
STATEFUL = ("LSTM", "RNN")


def ordinary_training(seed: int) -> RandomTraining:
    """The first of a seed's random trainings that neither bursts nor has nothing to learn."""
    torch.set_num_threads(1)
    drawn = (random_training([seed, attempt]) for attempt in count())
    return next(training for training in drawn if _is_ordinary(training))


def _is_ordinary(training: RandomTraining) -> bool:
    if not training.net.parameters.learned():
        return False
    exact = twins(training)
    tested = [value for outputs in exact.tests.values() for value in outputs.values()]
    return all(bool((np.abs(v) < LARGEST).all()) for v in (*exact.losses, *tested))


def wrong(training: RandomTraining, folder: Path) -> Iterator[str]:
    """What the runtime gets wrong, in sentences; the cause before what follows from it."""
    found = programs(training, folder)
    exact, rounded = twins(training), twins(training, torch.float32)
    yield from differences(training.net, found, exact, rounded)
    yield from pass_differences(training, found.parameters, folder)
    yield from _test_differences(training, found.parameters, folder)
    solver, layers = training.solver, training.net.layers
    if solver.snapshot < solver.max_iter and not any(layer.type in STATEFUL for layer in layers):
        yield from _changed("going on from a snapshot", found.parameters, resumed(training, folder))


def _test_differences(training: RandomTraining, weights: Blobs, folder: Path) -> Iterator[str]:
    """What `caffe test` gets wrong, in the second batch."""
    found = last_batch_tested(training, folder, 2)
    expected = []
    for dtype in (torch.float64, torch.float32):
        parameters = training.net.parameters.restarted(dtype)
        parameters.load(weights)
        expected.append(next(islice(tested(training, parameters, 1, dtype=dtype), 1, None)))
    for wrong in output_differences(training.net, found, *expected):
        yield f"caffe test: {wrong}"


def _changed(what: str, before: Blobs, after: Blobs) -> Iterator[str]:
    for (layer, i), value in before.items():
        difference = np.abs(after[layer, i] - value).max()
        if difference:
            yield f"{what} changes parameter {i} of layer {layer} by {difference:.3g}"


def told(training: RandomTraining) -> str:
    """The prototxts and the data, to look for the cause with."""
    data = {name: rows.shape for name, rows in training.net.data.items()}
    solver, net = (text_format.MessageToString(m) for m in (training.solver, training.proto))
    return f"solver:\n{solver}\nnet:\n{net}\ndata: {data}"
