"""The same nets in PyTorch, as its users write them. Modules are named as our layers are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["TWINS", "clipped_loss", "copy_weights", "euclidean_loss", "loss_of"]

VGG16 = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
RESNET50 = [(64, 3), (128, 4), (256, 6), (512, 3)]
CLASSES = 9


class VggBody(nn.Sequential):
    """conv1_1 .. conv5_3 with ReLUs, pool1 .. pool4, and a deconvolution by 16 to two channels."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for level, (width, depth) in enumerate(VGG16, start=1):
            for k in range(1, depth + 1):
                self.add_module(f"conv{level}_{k}", nn.Conv2d(channels, width, 3, padding=1))
                self.add_module(f"relu{level}_{k}", nn.ReLU(inplace=True))
                channels = width
            if level < 5:
                self.add_module(f"pool{level}", nn.MaxPool2d(2, 2))
        self.add_module("vectors", nn.ConvTranspose2d(512, 2, 32, stride=16, padding=8))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Vectors, (N, 2, H, W)."""
        return (super().forward(x),)


class DeepLabV3Plus(nn.Module):
    """prototxt/isisa2019_deeplabv3plus: VGG-16, atrous pyramid, two heads."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for level, (width, depth) in enumerate(VGG16, start=1):
            rate = 2 if level == 5 else 1
            for k in range(1, depth + 1):
                convolution = nn.Conv2d(channels, width, 3, padding=rate, dilation=rate)
                self.add_module(f"conv{level}_{k}", convolution)
                channels = width
        self.aspp1 = nn.Conv2d(512, 256, 1)
        self.aspp2 = nn.Conv2d(512, 256, 3, padding=6, dilation=6)
        self.aspp3 = nn.Conv2d(512, 256, 3, padding=12, dilation=12)
        self.aspp4 = nn.Conv2d(512, 256, 3, padding=18, dilation=18)
        self.aspp5 = nn.Conv2d(512, 256, 1)
        self.encoder_out = nn.Conv2d(1280, 256, 1)
        self.grid_score = nn.Conv2d(256, CLASSES, 1)
        self.encoder_up = nn.ConvTranspose2d(
            256, 256, 8, stride=4, padding=2, groups=256, bias=False
        )
        self.low_level = nn.Conv2d(256, 48, 1)
        self.decoder1 = nn.Conv2d(304, 256, 3, padding=1)
        self.decoder2 = nn.Conv2d(256, 256, 3, padding=1)
        self.vectors_stride4 = nn.Conv2d(256, 2, 1)
        self.vectors = nn.ConvTranspose2d(2, 2, 8, stride=4, padding=2, groups=2, bias=False)

    def _active(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.get_submodule(name)(x), inplace=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Vectors, (N, 2, H, W), and scores of the blocks, (N, 9, H / 16, W / 16)."""
        low = x
        for level, (_, depth) in enumerate(VGG16, start=1):
            for k in range(1, depth + 1):
                x = self._active(f"conv{level}_{k}", x)
            if level == 3:
                low = x
            if level < 5:
                x = F.max_pool2d(x, 2)
        branches = [self._active(f"aspp{k}", x) for k in range(1, 5)]
        pooled = self._active("aspp5", F.adaptive_avg_pool2d(x, 1))
        branches.append(pooled.expand(-1, -1, *x.shape[2:]))
        encoded = self._active("encoder_out", torch.cat(branches, 1))
        decoded = torch.cat([self.encoder_up(encoded), self._active("low_level", low)], 1)
        decoded = self._active("decoder2", self._active("decoder1", decoded))
        return self.vectors(self.vectors_stride4(decoded)), self.grid_score(encoded)


class SegNet(nn.Module):
    """prototxt/isisa2019_segnet: VGG-16 with batch normalisation, its mirror, two heads."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for name, width in [*self._encoder_convolutions(), *self._decoder_convolutions()]:
            self.add_module(f"conv{name}", nn.Conv2d(channels, width, 3, padding=1))
            self.add_module(f"conv{name}_bn", nn.BatchNorm2d(width, momentum=0.001))
            channels = width
        self.grid_score = nn.Conv2d(512, CLASSES, 1)
        self.conv1_1_D_regress = nn.Conv2d(64, 2, 3, padding=1)

    @staticmethod
    def _encoder_convolutions() -> Iterator[tuple[str, int]]:
        for level, (width, depth) in enumerate(VGG16, start=1):
            for k in range(1, depth + 1):
                yield f"{level}_{k}", width

    @staticmethod
    def _decoder_convolutions() -> Iterator[tuple[str, int]]:
        for level in range(5, 0, -1):
            width, depth = VGG16[level - 1]
            for k in range(depth, 1 if level == 1 else 0, -1):
                yield f"{level}_{k}_D", width if k > 1 else VGG16[level - 2][0]

    def _block(self, name: str, x: Tensor) -> Tensor:
        x = self.get_submodule(f"conv{name}")(x)
        return F.relu(self.get_submodule(f"conv{name}_bn")(x), inplace=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Vectors, (N, 2, H, W), and scores of the blocks, (N, 9, H / 32, W / 32)."""
        masks = []
        for level, (_, depth) in enumerate(VGG16, start=1):
            for k in range(1, depth + 1):
                x = self._block(f"{level}_{k}", x)
            x, mask = F.max_pool2d(x, 2, return_indices=True)
            masks.append(mask)
        scores = self.grid_score(x)
        for name, _ in self._decoder_convolutions():
            level, k = int(name[0]), int(name[2])
            if k == VGG16[level - 1][1]:
                x = F.max_unpool2d(x, masks[level - 1], 2)
            x = self._block(name, x)
        return self.conv1_1_D_regress(x), scores


class ResNet50(nn.Module):
    """ResNet-50 as its authors trained it in Caffe: a block's first convolution has the stride."""

    def __init__(self) -> None:
        super().__init__()
        self._add("1", 3, 64, 7, stride=2)
        channels = 64
        for level, (width, depth) in enumerate(RESNET50, start=2):
            for k in range(depth):
                name, stride = f"{level}_{k}", 2 if k == 0 and level > 2 else 1
                if k == 0:
                    self._add(f"{name}_1", channels, 4 * width, 1, stride)
                self._add(f"{name}_2a", channels, width, 1, stride)
                self._add(f"{name}_2b", width, width, 3)
                self._add(f"{name}_2c", width, 4 * width, 1)
                channels = 4 * width
        self.scores = nn.Linear(channels, 1000)

    def _add(self, name: str, ins: int, outs: int, kernel: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(ins, outs, kernel, stride, kernel // 2, bias=False)
        self.add_module(f"conv{name}", convolution)
        self.add_module(f"conv{name}_bn", nn.BatchNorm2d(outs, momentum=0.001))

    def _normalised(self, name: str, x: Tensor) -> Tensor:
        return self.get_submodule(f"conv{name}_bn")(self.get_submodule(f"conv{name}")(x))

    def _block(self, name: str, x: Tensor, widens: bool) -> Tensor:
        y = F.relu(self._normalised(f"{name}_2a", x), inplace=True)
        y = F.relu(self._normalised(f"{name}_2b", y), inplace=True)
        y = self._normalised(f"{name}_2c", y)
        y += self._normalised(f"{name}_1", x) if widens else x
        return F.relu(y, inplace=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Scores, (N, 1000)."""
        x = F.relu(self._normalised("1", x), inplace=True)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for level, (_, depth) in enumerate(RESNET50, start=2):
            for k in range(depth):
                x = self._block(f"{level}_{k}", x, widens=k == 0)
        return (self.scores(x.mean((2, 3))),)


TWINS: dict[str, type[nn.Module]] = {
    "vgg": VggBody,
    "deeplab": DeepLabV3Plus,
    "segnet": SegNet,
    "resnet": ResNet50,
}


def euclidean_loss(vectors: Tensor, truth: Tensor) -> Tensor:
    """Half the squared distance."""
    return (vectors.float() - truth).square().sum() / 2


class _Clipped(torch.autograd.Function):
    """DCMELoss, normalised by the number of outputs: its gradient is not its loss's derivative."""

    @staticmethod
    def forward(context: Any, vectors: Tensor, truth: Tensor, amplitude: float) -> Tensor:
        error = vectors.float() - truth
        context.save_for_backward(error)
        context.amplitude, context.dtype = amplitude, vectors.dtype
        return error.square().mean() / 2

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (error,) = context.saved_tensors
        clipped = torch.tanh(error / 2).mul_(context.amplitude / 2 / error.numel())
        return clipped.mul_(gradient).to(context.dtype), None, None


def clipped_loss(vectors: Tensor, truth: Tensor, amplitude: float = 4) -> Tensor:
    """DCMELoss with normalization FULL."""
    return _Clipped.apply(vectors, truth, amplitude)


def loss_of(outputs: tuple[Tensor, ...], labels: dict[str, Tensor], clipped: bool) -> Tensor:
    """The sum of the losses of what the labels are for: vectors, classes, or both."""
    loss = outputs[0].new_zeros((), dtype=torch.float32)
    if "vectors_gt" in labels:
        vectors = (outputs[0], labels["vectors_gt"])
        loss = loss + (clipped_loss(*vectors) if clipped else euclidean_loss(*vectors))
    if "classes_gt" in labels:
        classes = labels["classes_gt"].long()
        scores = outputs[-1].float()
        loss = loss + F.cross_entropy(scores, classes[:, 0] if classes.dim() > 1 else classes)
    return loss


def copy_weights(layers: dict[str, list[np.ndarray]], twin: nn.Module) -> None:
    """Give the twin our weights: {layer: its arrays}. Scale layers belong to the one before.

    Raises ValueError where shapes differ or weights are left over on either side.
    """
    state = twin.state_dict()
    missing = {name for name in state if not name.endswith("num_batches_tracked")}
    for layer, arrays in layers.items():
        names = [f"{layer}.weight", f"{layer}.bias"]
        if layer.endswith("_scale"):
            names = [f"{layer[: -len('_scale')]}_bn.{kind}" for kind in ("weight", "bias")]
        elif layer.endswith("_bn"):
            # The third array is the factor that mean and variance are still to be divided by.
            factor = float(arrays[2][0]) or 1.0
            arrays = [array / factor for array in arrays[:2]]
            names = [f"{layer}.running_mean", f"{layer}.running_var"]
        for name, array in zip(names, arrays):
            if name not in missing or tuple(state[name].shape) != array.shape:
                raise ValueError(f"PyTorch's twin has no {name} of shape {array.shape}")
            state[name].copy_(torch.from_numpy(array))
            missing.discard(name)
    if missing:
        raise ValueError(f"our net has no {', '.join(sorted(missing))}")
