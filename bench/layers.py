"""Single layers that are measured beside PyTorch's: those of common nets that `bench.nets` lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["LAYERS", "BenchLayer"]


@dataclass(frozen=True)
class BenchLayer:
    """A layer as both sides are given it."""

    title: str
    shape: tuple[int, ...]
    """Of the input."""
    layer: str
    """The layer's prototxt, without its name and its blobs."""
    twin: Callable[[Any], Any]
    """The module, of ``torch.nn``."""


def _convolution(channels: int, kernel: int, groups: int, stride: int = 1) -> str:
    return (
        f"type: 'Convolution' convolution_param {{ num_output: {channels} kernel_size: {kernel} "
        f"pad: {kernel // 2} stride: {stride} group: {groups} weight_filler {{ type: 'xavier' }} }}"
    )


def _rnn(nn: Any) -> Any:
    """PyTorch's, with the outputs that Caffe's makes of the states."""

    class Twin(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.states = nn.RNN(256, 256)
            self.outputs = nn.Linear(256, 256)

        def forward(self, x: Any) -> Any:
            return self.outputs(self.states(x)[0]).tanh()

    return Twin()


LAYERS = {
    "groups": BenchLayer(
        "convolution 3x3, 32 groups of 4 channels",
        (8, 128, 56, 56),
        _convolution(128, 3, 32),
        lambda nn: nn.Conv2d(128, 128, 3, padding=1, groups=32),
    ),
    "depthwise": BenchLayer(
        "depthwise convolution 3x3, 256 channels",
        (8, 256, 28, 28),
        _convolution(256, 3, 256),
        lambda nn: nn.Conv2d(256, 256, 3, padding=1, groups=256),
    ),
    "fc": BenchLayer(
        "inner product, 4096 to 4096",
        (16, 4096),
        "type: 'InnerProduct' "
        "inner_product_param { num_output: 4096 weight_filler { type: 'xavier' } }",
        lambda nn: nn.Linear(4096, 4096),
    ),
    "average": BenchLayer(
        "average pooling 3x3, stride 2",
        (8, 96, 55, 55),
        "type: 'Pooling' pooling_param { pool: AVE kernel_size: 3 stride: 2 }",
        lambda nn: nn.AvgPool2d(3, 2, ceil_mode=True),
    ),
    "plane": BenchLayer(
        "average of the plane",
        (8, 1024, 14, 14),
        "type: 'Pooling' pooling_param { pool: AVE global_pooling: true }",
        lambda nn: nn.AdaptiveAvgPool2d(1),
    ),
    "lrn": BenchLayer(
        "LRN over 5 channels",
        (8, 96, 55, 55),
        "type: 'LRN' lrn_param { local_size: 5 }",
        lambda nn: nn.LocalResponseNorm(5),
    ),
    "sigmoid": BenchLayer("Sigmoid", (8, 64, 112, 112), "type: 'Sigmoid'", lambda nn: nn.Sigmoid()),
    "tanh": BenchLayer("TanH", (8, 64, 112, 112), "type: 'TanH'", lambda nn: nn.Tanh()),
    "elu": BenchLayer("ELU", (8, 64, 112, 112), "type: 'ELU'", lambda nn: nn.ELU()),
    "dropout": BenchLayer(
        "Dropout", (8, 64, 112, 112), "type: 'Dropout'", lambda nn: nn.Dropout(0.5)
    ),
    "softmax": BenchLayer(
        "Softmax of 21 classes", (8, 21, 128, 128), "type: 'Softmax'", lambda nn: nn.Softmax(1)
    ),
    "classes": BenchLayer(
        "Softmax of 1000 classes", (64, 1000), "type: 'Softmax'", lambda nn: nn.Softmax(1)
    ),
    "lstm": BenchLayer(
        "LSTM, 50 steps, 32 sequences, 256 units",
        (50, 32, 256),
        "type: 'LSTM' recurrent_param { num_output: 256 weight_filler { type: 'xavier' } }",
        lambda nn: nn.LSTM(256, 256),
    ),
    "rnn": BenchLayer(
        "RNN, 50 steps, 32 sequences, 256 units",
        (50, 32, 256),
        "type: 'RNN' recurrent_param { num_output: 256 weight_filler { type: 'xavier' } }",
        _rnn,
    ),
}
