"""Random nets with random solvers: what a seed stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caffe.proto.caffe_pb2 import TEST, LayerParameter, NetParameter, SolverParameter

from twin.growing import GrowingNet
from twin.random_images import IMAGES, WIDE, convolution, wide_chain
from twin.random_layers import EVERYWHERE, inner_product, scale
from twin.random_losses import MORE, loss
from twin.random_rows import ROWS
from twin.random_sequences import lstm_unit, recurrent

# The learning rate with which each solver neither stands still nor bursts, and what it needs.
SOLVERS: dict[str, dict[str, Any]] = {
    "SGD": {"base_lr": 0.02, "momentum": 0.9},
    "Nesterov": {"base_lr": 0.02, "momentum": 0.9},
    "AdaGrad": {"base_lr": 0.02, "delta": 0.01},
    "RMSProp": {"base_lr": 0.005, "delta": 0.01, "rms_decay": 0.9},
    "AdaDelta": {"base_lr": 1.0, "momentum": 0.9, "delta": 0.001},
    "Adam": {"base_lr": 0.01, "momentum": 0.9, "delta": 0.01},
}
NO_GRADIENT = ("Accuracy", "ArgMax", "Embed", "Threshold")
POLICIES = ("fixed", "fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")


@dataclass
class RandomTraining:
    """A net, the solver that trains it, the sizes of the batches of its test nets and others, and
    whether passes are to find the gradients of its data."""

    net: GrowingNet
    proto: NetParameter
    solver: SolverParameter
    test_batch: int
    other_batches: list[int]
    force_backward: bool


def random_training(seed: int | Sequence[int]) -> RandomTraining:
    """The net and the solver of a seed, the same ones wherever it is drawn."""
    net = GrowingNet(seed)
    _plant(net)
    _finish(net)
    test_batch = net.choose(net.batch, net.batch, 1, 2, 3)
    others = [int(size) for size in net.rng.integers(1, 6, 2)]
    if net.of_one_size:
        test_batch, others = net.batch, [net.batch, net.batch]
    proto = net.on_files("list.txt", test_batch)
    forced = net.chance(0.5) and not any(_hinders_gradients(layer) for layer in net.layers)
    return RandomTraining(net, proto, _solver(net), test_batch, others, forced)


def _hinders_gradients(layer: LayerParameter) -> bool:
    """force_backward would override propagate_down, and ask layers for gradients that they have
    not."""
    only_tested = any(rule.phase == TEST for rule in layer.include)
    return bool(layer.propagate_down) or (layer.type in NO_GRADIENT and not only_tested)


def _plant(net: GrowingNet) -> None:
    """Data of some kind, and layers behind it that fit the kind, the first one with parameters."""
    channels = net.choose(1, 2, 3, 4, 5, 7, 8, 16)
    kind = net.choose("images", "images", "images", "wide", "volumes", "vectors", "sequences")
    net.of_one_size = kind == "sequences" or net.chance(0.15)
    if kind == "images":
        shape, own = (channels, *net.rng.integers(4, 13, 2)), IMAGES * 2
    elif kind == "wide":
        net.most, net.slack = 60000, 10.0
        shape, own = (net.choose(16, 32, 32, 48), *net.rng.integers(6, 30, 2)), WIDE * 4
    elif kind == "volumes":
        shape = (min(channels, 5), *net.rng.integers(2, 8, net.choose(1, 3)))
        own = [(convolution, range(3, 6))] * 5
    elif kind == "vectors":
        shape, own = (net.choose(3, 5, 8, 16),), [(inner_product, range(2, 6))] * 3
    else:
        shape, own = (net.choose(2, 3), net.choose(2, 5)), [(recurrent, range(3, 5))] * 3
        own.append((lstm_unit, range(3, 5)))
        net.dataset("continued", net.rng.random((net.rows, shape[0])) < 0.8)
    net.dataset("data", net.rng.normal(size=(net.rows, *shape)), for_layers=True)
    first = {"images": convolution, "wide": wide_chain}.get(kind, scale)
    while not net.layers:
        first(net, "data")
    wanted = int(net.rng.integers(4, 18))
    for _ in range(100):
        draw, axes = net.choose(*own, *EVERYWHERE, *ROWS)
        x = net.pick(axes)
        if x and len(net.layers) < wanted:
            draw(net, x)


def _finish(net: GrowingNet) -> None:
    """A loss behind most blobs that nothing reads; the others are silenced, or outputs."""
    done = False
    for x in net.unread():
        if done and net.chance(0.2):
            if net.chance(0.5):
                net.add("Silence", [x], tops=0)
            continue
        for _ in range(4):
            if loss(net, x):
                done = True
                break


def _solver(net: GrowingNet) -> SolverParameter:
    """One to five iterations, with a snapshot in the middle, and with tests beside them or not."""
    type = net.choose("SGD", "SGD", *SOLVERS)
    iterations = net.choose(1, 2, 3, 4, 5)
    solver = SolverParameter(
        net="net.prototxt",
        type=type,
        lr_policy=net.choose(*POLICIES),
        gamma=0.8,
        power=0.75,
        stepsize=2,
        stepvalue=[1, 3],
        max_iter=iterations,
        display=1,
        snapshot=(iterations + 1) // 2,
        snapshot_prefix="snapshot",
        snapshot_format=net.choose("HDF5", "BINARYPROTO"),
        solver_mode="CPU",
        iter_size=net.choose(1, 1, 1, 2, 3),
        **SOLVERS[type],
    )
    if net.chance(0.5):
        solver.weight_decay = 0.05
        solver.regularization_type = net.choose("L1", "L2")
    if net.chance(0.25):
        solver.clip_gradients = net.choose(0.1, 1.0, 10.0)
    if net.chance(0.5):
        solver.test_iter.append(net.choose(1, 2, 3))
        if net.chance(0.4):  # a test net for each state
            solver.test_iter.append(net.choose(1, 2))
            solver.test_state.add()
            solver.test_state.add(stage=[MORE])
        solver.test_interval = net.choose(1, 2, 3)
        solver.test_initialization = net.chance(0.6)
    return solver
