"""The recurrent layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from twin.layer import Function, Layer


class Steps:
    """What the steps of a recurrent layer read: the bottoms x, (T, N, ...), and the flags that are
    0 where a sequence begins, (T, N); perhaps an input of all steps, (N, ...); and, with
    expose_hidden, the states before the first step, (1, N, units) each. Else the states are those
    after the pass before, and zeros in the first. No gradient goes into states."""

    def __init__(self, layer: Layer, gates: int, states: int, bottoms: tuple[Tensor, ...]) -> None:
        x, continued, *others = bottoms
        options = layer.proto.recurrent_param
        self.units = options.num_output
        self._layer, self._parameters = layer, 0
        size = gates * self.units
        rows = x.flatten(2)
        driven = rows @ self.weights(size, rows.shape[2]).T + self.bias(size)
        given = others[-states:] if options.expose_hidden else []
        if len(others) > len(given):
            constant = others[0].flatten(1)
            driven = driven + constant @ self.weights(size, constant.shape[1]).T
        self.each = list(zip(driven, continued.detach()[:, :, None]))
        before = [state.detach().reshape(-1, self.units) for state in given] or layer.state
        self.before = before or [torch.zeros_like(driven[0, :, : self.units])] * states

    def weights(self, outputs: int, inputs: int) -> Tensor:
        """The next parameter, a matrix."""
        self._parameters += 1
        shape = (outputs, inputs)
        return self._layer.parameter(self._parameters - 1, shape, 1 / math.sqrt(inputs))

    def bias(self, outputs: int) -> Tensor:
        """The next parameter, a vector."""
        self._parameters += 1
        return self._layer.parameter(self._parameters - 1, (outputs,), 0.3)

    def tops(self, outputs: list[Tensor], *states: Tensor) -> tuple[Tensor, ...]:
        """The outputs of all steps and, with expose_hidden, the states after the last one."""
        after = [state.detach() for state in states]
        if self._layer.proto.recurrent_param.expose_hidden:
            return torch.stack(outputs), *(state[None] for state in after)
        self._layer.state = after
        return (torch.stack(outputs),)


def lstm(layer: Layer, *bottoms: Tensor) -> tuple[Tensor, ...]:
    """Long short-term memory, of the states h and c."""
    steps = Steps(layer, 4, 2, bottoms)
    weights = steps.weights(4 * steps.units, steps.units)
    h, c = steps.before
    outputs = []
    for drive, goes_on in steps.each:
        gates = drive + (goes_on * h) @ weights.T
        admit, keep, show = torch.sigmoid(gates[:, : 3 * steps.units]).chunk(3, 1)
        c = goes_on * keep * c + admit * torch.tanh(gates[:, 3 * steps.units :])
        h = show * torch.tanh(c)
        outputs.append(h)
    return steps.tops(outputs, h, c)


def rnn(layer: Layer, *bottoms: Tensor) -> tuple[Tensor, ...]:
    """h = tanh(Wh h + Wx x + b), y = tanh(Wy h + by)."""
    steps = Steps(layer, 1, 1, bottoms)
    weights, output = (steps.weights(steps.units, steps.units) for _ in range(2))
    bias = steps.bias(steps.units)
    (h,) = steps.before
    outputs = []
    for drive, goes_on in steps.each:
        h = torch.tanh((goes_on * h) @ weights.T + drive)
        outputs.append(torch.tanh(h @ output.T + bias))
    return steps.tops(outputs, h)


def lstm_unit(_: Layer, c: Tensor, gates: Tensor, continued: Tensor) -> tuple[Tensor, Tensor]:
    """A step of LSTM: the new c and h."""
    admit, keep, show, new = gates.chunk(4, 2)
    kept = continued.detach()[..., None] * torch.sigmoid(keep) * c
    c = kept + torch.sigmoid(admit) * torch.tanh(new)
    return c * 1, torch.sigmoid(show) * torch.tanh(c)  # h does not come from the top c


RECURRENT: dict[str, Function] = {"LSTM": lstm, "LSTMUnit": lstm_unit, "RNN": rnn}
