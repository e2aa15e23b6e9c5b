"""A layer of the twin, as the function that computes it sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from caffe.proto.caffe_pb2 import TEST, LayerParameter
from torch import Tensor

from twin.parameters import Parameters

Tops = Union[Tensor, tuple[Tensor, ...]]
# From the layer and its bottoms to its tops.
Function = Callable[..., Tops]


class Layer:
    """A layer's message, its parameters, and the state that it carries on from pass to pass."""

    def __init__(self, proto: LayerParameter, phase: int, parameters: Parameters) -> None:
        self.proto = proto
        self.testing = phase == TEST
        self.state: list[Tensor] = []
        self._parameters = parameters

    def parameter(self, index: int, shape: Sequence[int], std: float, mean: float = 0) -> Tensor:
        """A learned parameter; the net's first pass draws it. A shared one may have another shape,
        which its first layer gave it."""
        found = self._parameters.of(self.proto, index, shape, std, mean, learned=True)
        return found.value.reshape(tuple(shape))

    def statistic(self, index: int, shape: Sequence[int], std: float, mean: float) -> Tensor:
        """A parameter that the layer itself moves."""
        return self._parameters.of(self.proto, index, shape, std, mean, learned=False).value


def along(values: Tensor, x: Tensor, axis: int) -> Tensor:
    """Values shaped to be broadcast over `x`, their first axis being its `axis`."""
    return values.reshape(values.shape + (1,) * (x.dim() - axis - values.dim()))
