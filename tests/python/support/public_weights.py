"""Files shaped like the public caffemodels, with random values: right names, shapes and format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from caffe.proto import caffe_pb2

Layers = dict[str, tuple[str, list[tuple[int, ...]]]]
"""Name to V1 type and the shapes of weights and biases."""

VGG16_WIDTHS = {1: (64, 2), 2: (128, 2), 3: (256, 3), 4: (512, 3), 5: (512, 3)}
INCEPTION = """3a 64,96,128,16,32,32 | 3b 128,128,192,32,96,64 | 4a 192,96,208,16,48,64 |
 4b 160,112,224,24,64,64 | 4c 128,128,256,24,64,64 | 4d 112,144,288,32,64,64 |
 4e 256,160,320,32,128,128 | 5a 256,160,320,32,128,128 | 5b 384,192,384,48,128,128"""


def _convolution(outputs: int, inputs: int, kernel: int) -> tuple[str, list[tuple[int, ...]]]:
    return "CONVOLUTION", [(outputs, inputs, kernel, kernel), (1, 1, 1, outputs)]


def _inner_product(outputs: int, inputs: int) -> tuple[str, list[tuple[int, ...]]]:
    return "INNER_PRODUCT", [(1, 1, outputs, inputs), (1, 1, 1, outputs)]


def _vgg16_convolutions() -> Layers:
    layers: Layers = {}
    inputs = 3
    for level, (width, depth) in VGG16_WIDTHS.items():
        for k in range(1, depth + 1):
            layers[f"conv{level}_{k}"] = _convolution(width, inputs, 3)
            inputs = width
    return layers


def vgg16(fully_connected: bool) -> Layers:
    """VGG_ILSVRC_16_layers; without its fully connected layers it is an eighth of the size."""
    layers = _vgg16_convolutions()
    if fully_connected:
        layers["fc6"] = _inner_product(4096, 512 * 7 * 7)
        layers["fc7"] = _inner_product(4096, 4096)
        layers["fc8"] = _inner_product(1000, 4096)
    return layers


def fcn8s_heavy_pascal() -> Layers:
    """fcn8s-heavy-pascal."""
    layers = _vgg16_convolutions()
    layers["fc6"] = _convolution(4096, 512, 7)
    layers["fc7"] = _convolution(4096, 4096, 1)
    for name, inputs in (("score_fr", 4096), ("score_pool4", 512), ("score_pool3", 256)):
        layers[name] = _convolution(21, inputs, 1)
    for name, kernel in (("upscore2", 4), ("upscore_pool4", 4), ("upscore8", 16)):
        layers[name] = ("DECONVOLUTION", [(21, 21, kernel, kernel)])
    return layers


def bvlc_googlenet() -> Layers:
    """bvlc_googlenet."""
    layers = {
        "conv1/7x7_s2": _convolution(64, 3, 7),
        "conv2/3x3_reduce": _convolution(64, 64, 1),
        "conv2/3x3": _convolution(192, 64, 3),
    }
    inputs = 192
    for module in INCEPTION.split("|"):
        name, widths = module.split()
        one, reduce3, three, reduce5, five, pool = map(int, widths.split(","))
        for kind, outputs, channels, kernel in (
            ("1x1", one, inputs, 1),
            ("3x3_reduce", reduce3, inputs, 1),
            ("3x3", three, reduce3, 3),
            ("5x5_reduce", reduce5, inputs, 1),
            ("5x5", five, reduce5, 5),
            ("pool_proj", pool, inputs, 1),
        ):
            layers[f"inception_{name}/{kind}"] = _convolution(outputs, channels, kernel)
        inputs = one + three + five + pool
    for k, channels in ((1, 512), (2, 528)):
        layers[f"loss{k}/conv"] = _convolution(128, channels, 1)
        layers[f"loss{k}/fc"] = _inner_product(1024, 128 * 4 * 4)
        layers[f"loss{k}/classifier"] = _inner_product(1000, 1024)
    layers["loss3/classifier"] = _inner_product(1000, 1024)
    return layers


def _values(name: str, layers: Layers) -> Iterator[np.ndarray]:
    rng = np.random.default_rng([ord(letter) for letter in name])
    for shape in layers[name][1]:
        yield rng.random(shape, np.float32)


def _fill(blob: Any, values: np.ndarray) -> None:
    """Give a BlobProto its four sizes and its values, these as bytes: there are millions."""
    blob.num, blob.channels, blob.height, blob.width = values.shape
    length, size = values.nbytes, bytearray()
    while length > 127:
        size.append(length % 128 + 128)
        length //= 128
    size.append(length)
    tag = caffe_pb2.BlobProto.DESCRIPTOR.fields_by_name["data"].number * 8 + 2
    blob.MergeFromString(bytes([tag]) + bytes(size) + values.tobytes())


def write(path: Path, layers: Layers) -> None:
    """Write the layers in the format of the public files, V1."""
    net = caffe_pb2.NetParameter()
    for name, (kind, _) in layers.items():
        layer = net.layers.add(name=name, type=caffe_pb2.V1LayerParameter.LayerType.Value(kind))
        for values in _values(name, layers):
            _fill(layer.blobs.add(), values)
    path.write_bytes(net.SerializeToString())


def expected(name: str, layers: Layers) -> list[np.ndarray]:
    """The values that ``write`` wrote for a layer."""
    return list(_values(name, layers))
