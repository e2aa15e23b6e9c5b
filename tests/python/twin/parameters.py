"""The parameters of a net's layers, which a training net and a test net have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from caffe.proto.caffe_pb2 import LayerParameter, ParamSpec

# Of a parameter: its layer and its place there.
Name = tuple[str, int]


@dataclass
class Parameter:
    """A blob of parameters; `learned` by a solver, which BatchNorm's statistics are not."""

    initial: np.ndarray
    lr_mult: float
    decay_mult: float
    learned: bool
    value: torch.Tensor

    def restarted(self, dtype: torch.dtype) -> Parameter:
        """Another one, of this precision, with the initial values."""
        value = torch.tensor(self.initial, dtype=dtype, requires_grad=self.moves)
        return Parameter(self.initial, self.lr_mult, self.decay_mult, self.learned, value)

    @property
    def moves(self) -> bool:
        """Whether a solver computes its gradient."""
        return self.learned and self.lr_mult != 0


class Parameters:
    """Parameters by layer, drawn when a layer first asks; those of one name are one."""

    def __init__(self, draw: np.random.Generator) -> None:
        self.by_layer: dict[str, list[Parameter]] = {}
        self._draw = draw
        self._named: dict[str, Parameter] = {}

    def of(
        self,
        layer: LayerParameter,
        index: int,
        shape: Sequence[int],
        std: float,
        mean: float,
        learned: bool,
    ) -> Parameter:
        """A layer's parameter, normal numbers at first. Layers ask in order of the indices."""
        own = self.by_layer.setdefault(layer.name, [])
        if index == len(own):
            spec = layer.param[index] if index < len(layer.param) else ParamSpec()
            if spec.name not in self._named:
                values = self._draw.normal(mean, std, tuple(shape)).astype(np.float32)
                fresh = Parameter(
                    values, spec.lr_mult, spec.decay_mult, learned, torch.empty(0)
                ).restarted(torch.float64)
                if not spec.name:
                    own.append(fresh)
                    return fresh
                self._named[spec.name] = fresh
            own.append(self._named[spec.name])
        return own[index]

    def owners(self) -> dict[Name, Parameter]:
        """All of them, shared ones once, by the first layer that has them."""
        found: dict[int, tuple[Name, Parameter]] = {}
        for layer, own in self.by_layer.items():
            for i, p in enumerate(own):
                found.setdefault(id(p), ((layer, i), p))
        return dict(found.values())

    def learned(self) -> dict[Name, Parameter]:
        """Those that a solver moves."""
        return {name: p for name, p in self.owners().items() if p.moves}

    def forget(self, layer: str) -> None:
        """Undo what a layer asked for that the net is not to have after all."""
        self.by_layer.pop(layer, None)
        kept = {id(p) for p in self.owners().values()}
        self._named = {name: p for name, p in self._named.items() if id(p) in kept}

    def restarted(self, dtype: torch.dtype) -> Parameters:
        """A copy in some precision, with the initial values."""
        copies = {id(p): p.restarted(dtype) for p in self.owners().values()}
        other = Parameters(self._draw)
        other.by_layer = {name: [copies[id(p)] for p in own] for name, own in self.by_layer.items()}
        return other

    def values(self) -> dict[Name, np.ndarray]:
        """What they are now."""
        return {name: p.value.detach().numpy().copy() for name, p in self.owners().items()}

    def load(self, values: dict[Name, np.ndarray]) -> None:
        """Take other values."""
        for name, p in self.owners().items():
            p.value.data.copy_(torch.tensor(values[name]).reshape(p.value.shape))
