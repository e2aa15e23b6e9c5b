"""A net of the twin, which runs the layers of a prototxt one after the other."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
from caffe.proto.caffe_pb2 import LayerParameter, NetParameter, NetStateRule
from torch import Tensor

from twin.convolution import CONVOLUTION
from twin.dense import DENSE
from twin.elementwise import ELEMENTWISE
from twin.layer import Function, Layer
from twin.losses import LOSSES
from twin.normalization import NORMALIZATION
from twin.parameters import Parameters
from twin.pooling import POOLING
from twin.recurrent import RECURRENT
from twin.regression_losses import REGRESSION_LOSSES
from twin.resizing import interp
from twin.shapes import SHAPES

LAYERS: dict[str, Function] = {
    **CONVOLUTION,
    **DENSE,
    **ELEMENTWISE,
    **LOSSES,
    **NORMALIZATION,
    **POOLING,
    **RECURRENT,
    **REGRESSION_LOSSES,
    **SHAPES,
    "Interp": interp,
}


def _is_in(layer: LayerParameter, phase: int, stages: Collection[str]) -> bool:
    """Whether a layer is in the net of a phase and stages; it has one rule at most."""

    def holds(rule: NetStateRule) -> bool:
        return rule.phase == phase and all(stage in stages for stage in rule.stage)

    if layer.include:
        return holds(layer.include[0])
    return not layer.exclude or not holds(layer.exclude[0])


class Net:
    """The layers of a phase. `forward` fills the blobs, of each name all its values, as layers in
    place give it another one; the outputs, which no later layer reads; and the loss."""

    def __init__(
        self,
        proto: NetParameter,
        phase: int,
        parameters: Parameters,
        stages: Collection[str] = (),
    ) -> None:
        self.blobs: dict[str, list[Tensor]] = {}
        self.outputs: dict[str, Tensor] = {}
        self.loss = torch.zeros(())
        self._layers = [
            Layer(layer, phase, parameters) for layer in proto.layer if _is_in(layer, phase, stages)
        ]

    def forward(
        self,
        data: dict[str, np.ndarray],
        dtype: torch.dtype = torch.float64,
        differentiable: bool = False,
    ) -> Tensor:
        """The loss for a batch of data, which layers without bottoms read (but for Parameter), and
        whose gradients may be asked for."""
        self.blobs, self.outputs, self.loss = {}, {}, torch.zeros((), dtype=dtype)
        for layer in self._layers:
            if layer.proto.bottom or layer.proto.type == "Parameter":
                self.accept(layer.proto, self.compute(layer))
            else:
                inputs = [torch.tensor(data[name], dtype=dtype) for name in layer.proto.top]
                self.accept(layer.proto, [x.requires_grad_(differentiable) for x in inputs])
        return self.loss

    def compute(self, layer: Layer) -> list[Tensor]:
        """The tops of a layer; where it propagates nothing down, gradients end."""
        bottoms = [self.blobs[name][-1] for name in layer.proto.bottom]
        for i, propagates in enumerate(layer.proto.propagate_down):
            if not propagates:
                bottoms[i] = bottoms[i].detach()
        tops = LAYERS[layer.proto.type](layer, *bottoms)
        return [tops] if isinstance(tops, Tensor) else list(tops)

    def accept(self, proto: LayerParameter, tops: list[Tensor]) -> None:
        """Enter a layer's tops among the blobs, and what they weigh into the loss."""
        for name in proto.bottom:
            self.outputs.pop(name, None)
        for i, (name, top) in enumerate(zip(proto.top, tops)):
            self.blobs.setdefault(name, []).append(top)
            self.outputs[name] = top
            usual = 1.0 if i == 0 and proto.type.endswith("Loss") else 0.0
            weight = proto.loss_weight[i] if i < len(proto.loss_weight) else usual
            if weight:
                self.loss = self.loss + weight * top.sum()
