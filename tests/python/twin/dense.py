"""Layers of full matrices: InnerProduct, Embed, and the recurrent ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from twin.layer import Function, Layer


def inner_product(layer: Layer, x: Tensor) -> Tensor:
    """The axes from one on as a vector, times a matrix, plus a bias."""
    options = layer.proto.inner_product_param
    rows = x.flatten(options.axis)
    inputs, outputs = rows.shape[-1], options.num_output
    shape = (inputs, outputs) if options.transpose else (outputs, inputs)
    weights = layer.parameter(0, shape, 1.2 / math.sqrt(inputs))
    y = rows @ (weights if options.transpose else weights.T)
    return y + layer.parameter(1, (outputs,), 0.3) if options.bias_term else y


def embed(layer: Layer, indices: Tensor) -> Tensor:
    """A row of a matrix for each index, plus a bias."""
    options = layer.proto.embed_param
    weights = layer.parameter(0, (options.input_dim, options.num_output), 1)
    y = weights[indices.long()]
    return y + layer.parameter(1, (options.num_output,), 0.3) if options.bias_term else y


def parameter(layer: Layer) -> Tensor:
    """Learned values that other layers read."""
    return layer.parameter(0, layer.proto.parameter_param.shape.dim, 0.3, 1) * 1


def _carried(layer: Layer, count: int, like: Tensor) -> list[Tensor]:
    """The state of a recurrent layer at the end of the pass before; zeros in the first."""
    return layer.state or [torch.zeros_like(like)] * count


def _driven(layer: Layer, x: Tensor, gates: int) -> Tensor:
    """What the inputs of all steps, (T, N, ...), add to the gates of `num_output` units."""
    rows = x.flatten(2)
    size = gates * layer.proto.recurrent_param.num_output
    weights = layer.parameter(0, (size, rows.shape[2]), 1 / math.sqrt(rows.shape[2]))
    return rows @ weights.T + layer.parameter(1, (size,), 0.3)


def lstm(layer: Layer, x: Tensor, continued: Tensor) -> Tensor:
    """Long short-term memory; `continued`, (T, N), is 0 where a sequence begins."""
    units = layer.proto.recurrent_param.num_output
    driven = _driven(layer, x, 4)
    weights = layer.parameter(2, (4 * units, units), 1 / math.sqrt(units))
    h, c = _carried(layer, 2, driven[0, :, :units])
    steps = []
    for drive, goes_on in zip(driven, continued.detach()[:, :, None]):
        gates = drive + (goes_on * h) @ weights.T
        admit, keep, show = torch.sigmoid(gates[:, : 3 * units]).chunk(3, 1)
        c = goes_on * keep * c + admit * torch.tanh(gates[:, 3 * units :])
        h = show * torch.tanh(c)
        steps.append(h)
    layer.state = [h.detach(), c.detach()]
    return torch.stack(steps)


def rnn(layer: Layer, x: Tensor, continued: Tensor) -> Tensor:
    """h = tanh(Wh h + Wx x + b), y = tanh(Wy h + by)."""
    units = layer.proto.recurrent_param.num_output
    driven = _driven(layer, x, 1)
    weights = layer.parameter(2, (units, units), 1 / math.sqrt(units))
    output = layer.parameter(3, (units, units), 1 / math.sqrt(units))
    bias = layer.parameter(4, (units,), 0.3)
    (h,) = _carried(layer, 1, driven[0])
    steps = []
    for drive, goes_on in zip(driven, continued.detach()[:, :, None]):
        h = torch.tanh((goes_on * h) @ weights.T + drive)
        steps.append(torch.tanh(h @ output.T + bias))
    layer.state = [h.detach()]
    return torch.stack(steps)


DENSE: dict[str, Function] = {
    "Embed": embed,
    "InnerProduct": inner_product,
    "LSTM": lstm,
    "Parameter": parameter,
    "RNN": rnn,
}
