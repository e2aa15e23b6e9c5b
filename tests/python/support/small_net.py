"""A small net, and what tests of pycaffe do with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import caffe

NET = """
name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "gaussian" std: 1 }
                      bias_filler { type: "constant" value: 2 } } param { decay_mult: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 6 weight_filler { type: "gaussian" std: 2 } } }
layer { name: "one" type: "Power" bottom: "ip" top: "one" power_param { scale: 2 } }
layer { name: "two" type: "Power" bottom: "ip" top: "two" power_param { power: 2 } }
"""


def write(folder: Path, text: str, name: str = "net.prototxt") -> str:
    """Write a file; its path."""
    path = folder / name
    path.write_text(text)
    return str(path)


def fill(net: caffe.Net, seed: int = 0) -> None:
    """Fill the input with normal numbers."""
    shape = net.blobs["data"].shape
    net.blobs["data"].data[...] = np.random.default_rng(seed).normal(size=shape)
