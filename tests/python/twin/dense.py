"""Layers of full matrices, InnerProduct and Embed; and Parameter."""

from __future__ import annotations

import math

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


DENSE: dict[str, Function] = {
    "Embed": embed,
    "InnerProduct": inner_product,
    "Parameter": parameter,
}
