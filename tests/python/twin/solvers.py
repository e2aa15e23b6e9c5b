"""The six solvers and seven learning rate policies."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from caffe.proto.caffe_pb2 import SolverParameter
from torch import Tensor

from twin.parameters import Parameters


def sgd(solver: Solver, rate: float, gradient: Tensor, v: Tensor, _: Tensor) -> Tensor:
    """Momentum."""
    return v.mul_(solver.proto.momentum).add_(rate * gradient)


def nesterov(solver: Solver, rate: float, gradient: Tensor, v: Tensor, _: Tensor) -> Tensor:
    """Momentum, looked at from one step ahead."""
    momentum, before = solver.proto.momentum, v.clone()
    return (1 + momentum) * v.mul_(momentum).add_(rate * gradient) - momentum * before


def adagrad(solver: Solver, rate: float, gradient: Tensor, squares: Tensor, _: Tensor) -> Tensor:
    """Steps divided by the root of all squared gradients so far."""
    squares.add_(gradient**2)
    return rate * gradient / (squares.sqrt() + solver.proto.delta)


def rmsprop(solver: Solver, rate: float, gradient: Tensor, squares: Tensor, _: Tensor) -> Tensor:
    """Steps divided by the root of the fading mean of squared gradients."""
    _fade(squares, solver.proto.rms_decay, gradient**2)
    return rate * gradient / (squares.sqrt() + solver.proto.delta)


def adadelta(
    solver: Solver, rate: float, gradient: Tensor, squares: Tensor, steps: Tensor
) -> Tensor:
    """Gradients in the unit of the steps before."""
    _fade(squares, solver.proto.momentum, gradient**2)
    delta = solver.proto.delta
    step = gradient * torch.sqrt((steps + delta) / (squares + delta))
    _fade(steps, solver.proto.momentum, step**2)
    return rate * step


def adam(solver: Solver, rate: float, gradient: Tensor, mean: Tensor, squares: Tensor) -> Tensor:
    """The fading mean of gradients by the root of that of their squares, bias corrected."""
    proto, count = solver.proto, solver.iteration + 1
    _fade(mean, proto.momentum, gradient)
    _fade(squares, proto.momentum2, gradient**2)
    correction = math.sqrt(1 - proto.momentum2**count) / (1 - proto.momentum**count)
    return rate * correction * mean / (squares.sqrt() + proto.delta)


def _fade(mean: Tensor, fraction: float, new: Tensor) -> None:
    mean.mul_(fraction).add_((1 - fraction) * new)


# From the learning rate, a gradient and what was kept of those before to what is subtracted.
SOLVERS: dict[str, Callable[[Solver, float, Tensor, Tensor, Tensor], Tensor]] = {
    "SGD": sgd,
    "Nesterov": nesterov,
    "AdaGrad": adagrad,
    "RMSProp": rmsprop,
    "AdaDelta": adadelta,
    "Adam": adam,
}

# The factor of base_lr at an iteration.
POLICIES: dict[str, Callable[[SolverParameter, int], float]] = {
    "fixed": lambda s, i: 1.0,
    "step": lambda s, i: s.gamma ** (i // s.stepsize),
    "exp": lambda s, i: s.gamma**i,
    "inv": lambda s, i: (1 + s.gamma * i) ** -s.power,
    "multistep": lambda s, i: s.gamma ** sum(i >= value for value in s.stepvalue),
    "poly": lambda s, i: (1 - i / s.max_iter) ** s.power,
    "sigmoid": lambda s, i: 1 / (1 + math.exp(-s.gamma * (i - s.stepsize))),
}


class Solver:
    """Moves parameters by their gradients, which `iter_size` backward passes have summed."""

    def __init__(self, proto: SolverParameter, parameters: Parameters) -> None:
        self.proto = proto
        self.iteration = 0
        self._learned = list(parameters.learned().values())
        self._history = [
            (torch.zeros_like(p.value), torch.zeros_like(p.value)) for p in self._learned
        ]

    @torch.no_grad()
    def step(self) -> None:
        """One iteration; the gradients are none after it."""
        rate = self.proto.base_lr * POLICIES[self.proto.lr_policy](self.proto, self.iteration)
        for p, gradient, history in zip(self._learned, self._gradients(), self._history):
            decay = self.proto.weight_decay * p.decay_mult
            l1 = self.proto.regularization_type == "L1"
            gradient = gradient + decay * (p.value.sign() if l1 else p.value)
            p.value -= SOLVERS[self.proto.type](self, rate * p.lr_mult, gradient, *history)
        self.iteration += 1

    def _gradients(self) -> list[Tensor]:
        """Of the mean over iter_size; the sum is what clip_gradients limits."""
        found = []
        for p in self._learned:
            found.append(torch.zeros_like(p.value) if p.value.grad is None else p.value.grad)
            p.value.grad = None
        norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in found))
        most = self.proto.clip_gradients
        factor = most / norm if 0 <= most < norm else 1.0
        return [gradient * factor / self.proto.iter_size for gradient in found]
