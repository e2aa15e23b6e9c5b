"""Layers that normalise, scale and shift channels."""

from __future__ import annotations

import torch
from caffe.proto.caffe_pb2 import BNParameter, LRNParameter
from torch import Tensor
from torch.nn import functional as F

from twin.layer import Function, Layer, along


def batch_norm(layer: Layer, x: Tensor) -> Tensor:
    """Channels of mean 0 and variance 1, over the batch or, in TEST, by the running statistics.

    These are sums that fade by a fraction at each batch, of its means and its unbiased variances,
    and the third blob is the sum of their weights.
    """
    options = layer.proto.batch_norm_param
    channels = (x.shape[1],)
    means = layer.statistic(0, channels, 0.3, 0)
    variances = layer.statistic(1, channels, 0.05, 1.3)
    weight = layer.statistic(2, (1,), 0, 1.7)
    set_by_hand = options.HasField("use_global_stats")
    if options.use_global_stats if set_by_hand else layer.testing:
        mean, variance = means / weight, variances / weight
    else:
        axes = [axis for axis in range(x.dim()) if axis != 1]
        mean, variance = x.mean(axes), x.var(axes, unbiased=False)
        count = x.numel() // x.shape[1]
        with torch.no_grad():
            for total, new in ((means, mean), (variances, variance * count / max(1, count - 1))):
                total.mul_(options.moving_average_fraction).add_(new)
            weight.mul_(options.moving_average_fraction).add_(1)
    return (x - along(mean, x, 1)) / torch.sqrt(along(variance, x, 1) + options.eps)


def scale(layer: Layer, x: Tensor, *factor: Tensor) -> Tensor:
    """x times a parameter or the second bottom, broadcast from an axis on; plus a bias."""
    options = layer.proto.scale_param
    axis = options.axis % x.dim()
    multiplier = factor[0] if factor else layer.parameter(0, _covered(x, options), 0.3, 1)
    y = x * along(multiplier, x, axis)
    if options.bias_term:
        y = y + along(layer.parameter(0 if factor else 1, multiplier.shape, 0.3), x, axis)
    return y


def bias(layer: Layer, x: Tensor, *summand: Tensor) -> Tensor:
    """x plus a parameter or the second bottom, broadcast from an axis on."""
    options = layer.proto.bias_param
    shift = summand[0] if summand else layer.parameter(0, _covered(x, options), 0.5)
    return x + along(shift, x, options.axis % x.dim())


def lrn(layer: Layer, x: Tensor) -> Tensor:
    """x s^-beta, s = k + alpha times the mean of x^2 in a window: of channels, or of pixels (and
    then k is 1). What the window has beside the image counts as zeros."""
    options = layer.proto.lrn_param
    size, reach = options.local_size, options.local_size // 2
    squares = x**2
    if options.norm_region == LRNParameter.WITHIN_CHANNEL:
        means = F.avg_pool2d(squares, size, 1, reach, count_include_pad=True)
        return x * (1 + options.alpha * means) ** -options.beta
    padded = F.pad(squares, (0, 0, 0, 0, reach, reach))
    sums = padded.unfold(1, size, 1).sum(-1)
    return x * (options.k + options.alpha / size * sums) ** -options.beta


def mvn(layer: Layer, x: Tensor) -> Tensor:
    """Each channel of each image, or each image, less its mean and by its deviation plus eps, which
    the gradient has no share of: there it counts as a part of the deviation."""
    options = layer.proto.mvn_param
    groups = x.flatten(1 if options.across_channels else 2)
    y = groups - groups.mean(-1, keepdim=True)
    if options.normalize_variance:
        variance = groups.var(-1, unbiased=False, keepdim=True)
        divisor = torch.sqrt(variance.detach()) + options.eps
        y = y / (divisor + (variance - variance.detach()) / (2 * divisor))
    return y.reshape(x.shape)


def segnets_bn(layer: Layer, x: Tensor) -> Tensor:
    """SegNet's BatchNorm and Scale in one, always by the statistics of the batch; in INFERENCE the
    Scale alone."""
    channels = x.shape[1]
    if layer.proto.bn_param.bn_mode == BNParameter.LEARN:
        axes = [axis for axis in range(x.dim()) if axis != 1]
        mean, variance = x.mean(axes), x.var(axes, unbiased=False)
        x = (x - along(mean, x, 1)) / torch.sqrt(along(variance, x, 1) + 1e-5)
    factors = layer.parameter(0, (1, channels, 1, 1), 0.3, 1).flatten()
    shifts = layer.parameter(1, (1, channels, 1, 1), 0.3).flatten()
    return x * along(factors, x, 1) + along(shifts, x, 1)


def _covered(x, options) -> tuple[int, ...]:
    """The shape of a parameter for num_axes axes, or for all that follow."""
    axis = options.axis % x.dim()
    return tuple(x.shape[axis:] if options.num_axes == -1 else x.shape[axis:][: options.num_axes])


NORMALIZATION: dict[str, Function] = {
    "BN": segnets_bn,
    "BatchNorm": batch_norm,
    "Bias": bias,
    "LRN": lrn,
    "MVN": mvn,
    "Scale": scale,
}
