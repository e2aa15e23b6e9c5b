"""Passes of a net through `import caffe`, with batches of changing size, beside the twin's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from google.protobuf import text_format
from support.device import use_device

import caffe
from twin.agreement import apart, magnitude
from twin.net import Net
from twin.random_nets import RandomTraining
from twin.trainings import Blobs

caffe.init_log(2)  # not what each net consists of
# Layers whose top may be their bottom's memory, which layers in place behind them then change.
VIEWS = ("Reshape", "Flatten", "Concat", "Slice")


class TwinPass:
    """Blobs and gradients of the twin for one batch, in a precision."""

    def __init__(self, training: RandomTraining, weights: Blobs, dtype: torch.dtype) -> None:
        self._parameters = training.net.parameters.restarted(dtype)
        self._parameters.load(weights)
        self._force = training.force_backward
        self._net = Net(training.net.on_inputs(self._force), caffe.TRAIN, self._parameters)
        self._dtype = dtype

    def run(self, batch: dict[str, np.ndarray]) -> None:
        """Forward and backward. State and BatchNorm's statistics go on from pass to pass."""
        for p in self._parameters.owners().values():
            p.value.grad = None
        loss = self._net.forward(batch, self._dtype, self._force)
        for values in self._net.blobs.values():
            if values[0].requires_grad:
                values[0].retain_grad()
        if loss.requires_grad:
            loss.backward()

    def blobs(self) -> dict[str, np.ndarray]:
        """The last value of each blob."""
        return {name: v[-1].detach().numpy() for name, v in self._net.blobs.items()}

    def gradients(self) -> dict[str, np.ndarray]:
        """Of blobs that no layer in place changes, and of the parameters that a solver moves."""
        found = {}
        for name, values in self._net.blobs.items():
            if len(values) == 1 and values[0].grad is not None:
                found[f"blob {name}"] = values[0].grad.numpy()
        for (layer, i), p in self._parameters.learned().items():
            grad = torch.zeros_like(p.value) if p.value.grad is None else p.value.grad
            found[f"parameter {i} of {layer}"] = grad.numpy()
        return found


def pass_differences(training: RandomTraining, weights: Blobs, folder: Path) -> Iterator[str]:
    """What `import caffe` gets wrong of a net with these weights."""
    net = _loaded(training, weights, folder)
    exact, rounded = (
        TwinPass(training, weights, dtype) for dtype in (torch.float64, torch.float32)
    )
    row = 0
    for size in (training.net.batch, *training.other_batches):
        batch = training.net.batch_at(row, size)
        row += size
        exact.run(batch)
        if any(np.isnan(value).any() for value in exact.blobs().values()):
            return  # Log of a negative number
        rounded.run(batch)
        _run(net, batch)
        for wrong in _differences(training, net, exact, rounded):
            yield f"import caffe, batch of {size}: {wrong}"


def _loaded(training: RandomTraining, weights: Blobs, folder: Path) -> caffe.Net:
    path = folder / "inputs.prototxt"
    path.write_text(text_format.MessageToString(training.net.on_inputs(training.force_backward)))
    use_device()
    net = caffe.Net(str(path), caffe.TRAIN)
    for layer, i in training.net.parameters.owners():
        net.params[layer][i].data[...] = weights[layer, i]
    return net


def _run(net: caffe.Net, batch: dict[str, np.ndarray]) -> None:
    for name, rows in batch.items():
        net.blobs[name].reshape(*rows.shape)
        net.blobs[name].data[...] = rows
    net.clear_param_diffs()
    net.forward()
    net.backward()


def _differences(
    training: RandomTraining, net: caffe.Net, exact: TwinPass, rounded: TwinPass
) -> Iterator[str]:
    """Blobs and diffs, but not those that layers in place may change afterwards: of blobs that have
    a view the data, and of views the diffs."""
    slack = training.net.slack
    views = [layer for layer in training.net.layers if layer.type in VIEWS]
    changed = {name for layer in views for name in layer.bottom}
    near = rounded.blobs()
    for name, value in exact.blobs().items():
        wrong = apart(net.blobs[name].data, value, near[name], slack * 1e-3 * magnitude(value))
        if wrong and name not in changed:
            yield f"blob {name} {wrong}"
    changed = {f"blob {name}" for layer in views for name in layer.top}
    near, gradients = rounded.gradients(), exact.gradients()
    most = max(float(np.linalg.norm(value)) for value in gradients.values())
    for name, value in gradients.items():
        allowed = slack * 3e-3 * (float(np.linalg.norm(value)) + 0.01 * most + 1e-3)
        wrong = apart(_diff(net, name), value, near[name], allowed)
        if wrong and name not in changed:
            yield f"the diff of {name} {wrong}"


def _diff(net: caffe.Net, name: str) -> np.ndarray:
    """What the net has for a name of `TwinPass.gradients`."""
    kind, *words = name.split()
    if kind == "blob":
        return net.blobs[words[0]].diff
    return net.params[words[2]][int(words[0])].diff
