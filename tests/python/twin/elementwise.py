"""Layers each element of whose top comes from the same element of their bottoms."""

from __future__ import annotations

import math
from functools import reduce

import torch
from caffe.proto.caffe_pb2 import EltwiseParameter
from torch import Tensor
from torch.nn import functional as F

from twin.layer import Function, Layer, along


def relu(layer: Layer, x: Tensor) -> Tensor:
    """x, or slope x where x is not positive."""
    return torch.where(x > 0, x, layer.proto.relu_param.negative_slope * x)


def prelu(layer: Layer, x: Tensor) -> Tensor:
    """ReLU with a learned slope, of each channel or of all."""
    channels = x.shape[1]
    shape = () if layer.proto.prelu_param.channel_shared else (channels,)
    slope = layer.parameter(0, shape, std=0.2, mean=0.2)
    return torch.where(x > 0, x, along(slope, x, 1) * x)


def elu(layer: Layer, x: Tensor) -> Tensor:
    """x, or alpha (e^x - 1) where x is not positive."""
    return torch.where(x > 0, x, layer.proto.elu_param.alpha * torch.expm1(x.clamp(max=0)))


def swish(layer: Layer, x: Tensor) -> Tensor:
    """x sigmoid(beta x)."""
    return x * torch.sigmoid(layer.proto.swish_param.beta * x)


def clip(layer: Layer, x: Tensor) -> Tensor:
    """x between two bounds."""
    return x.clamp(layer.proto.clip_param.min, layer.proto.clip_param.max)


def power(layer: Layer, x: Tensor) -> Tensor:
    """(shift + scale x)^power."""
    options = layer.proto.power_param
    return (options.shift + options.scale * x) ** options.power


def exp(layer: Layer, x: Tensor) -> Tensor:
    """base^(shift + scale x); base -1 stands for e."""
    options = layer.proto.exp_param
    rate = 1.0 if options.base == -1 else math.log(options.base)
    return torch.exp(rate * (options.shift + options.scale * x))


def log(layer: Layer, x: Tensor) -> Tensor:
    """The logarithm of shift + scale x; base -1 stands for e."""
    options = layer.proto.log_param
    rate = 1.0 if options.base == -1 else math.log(options.base)
    return torch.log(options.shift + options.scale * x) / rate


def eltwise(layer: Layer, *bottoms: Tensor) -> Tensor:
    """The weighted sum, the product, or the largest: of two equal ones the second if they are the
    first two bottoms, and else the earlier."""
    options = layer.proto.eltwise_param
    if options.operation == EltwiseParameter.PROD:
        return reduce(torch.mul, bottoms)
    if options.operation == EltwiseParameter.MAX:
        first, second, *others = bottoms
        largest = torch.where(first > second, first, second)
        return reduce(lambda x, y: torch.where(x >= y, x, y), others, largest)
    weights = list(options.coeff) or [1.0] * len(bottoms)
    return reduce(torch.add, [weight * x for weight, x in zip(weights, bottoms)])


ELEMENTWISE: dict[str, Function] = {
    "AbsVal": lambda _, x: x.abs(),
    "BNLL": lambda _, x: F.softplus(x),
    "Clip": clip,
    "Dropout": lambda _, x: x * 1,  # random nets drop next to nothing
    "ELU": elu,
    "Eltwise": eltwise,
    "Exp": exp,
    "Log": log,
    "PReLU": prelu,
    "Power": power,
    "ReLU": relu,
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Swish": swish,
    "TanH": lambda _, x: torch.tanh(x),
    "Threshold": lambda layer, x: (x > layer.proto.threshold_param.threshold).to(x.dtype),
}
