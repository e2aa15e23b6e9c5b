"""Scaled-down copies of nets."""

import pytest
from dcme.training.caffe_train import NetFiles, read_net
from dcme.training.narrowing import Narrowing, write_narrowed

NET = """
layer { name: "data" type: "DCMEData" top: "data" top: "v" include { phase: TRAIN }
  dcme_data_param { source: "x" batch_size: 6 new_height: 512 new_width: 1024 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 0.1 } param { lr_mult: 0.2 } convolution_param { num_output: 64 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" top: "mask1" }
layer { name: "up1" type: "Upsample" bottom: "pool1" bottom: "mask1" top: "up1"
  upsample_param { upsample_h: 512 upsample_w: 1024 } }
layer { name: "deconv" type: "Deconvolution" bottom: "up1" top: "deconv"
  convolution_param { num_output: 64 group: 64 weight_filler { type: "bilinear" } } }
layer { name: "score" type: "Convolution" bottom: "deconv" top: "score"
  convolution_param { num_output: 2 } }
layer { name: "loss" type: "DCMELoss" bottom: "score" bottom: "v" top: "loss" }
"""
DEPLOY = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 512 dim: 1024 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 64 } }
"""


@pytest.fixture
def nets(tmp_path):
    for name, text in (("train", NET), ("deploy", DEPLOY), ("solver", "base_lr: 1")):
        (tmp_path / f"{name}.prototxt").write_text(text)
    return NetFiles.of_folder(tmp_path)


def test_channels_sizes_rates_and_normalisation(nets, tmp_path):
    small = write_narrowed(nets, tmp_path / "s", Narrowing(8, (63, 126), 2, 10, 1e-3, 0.0))
    layers = {layer.name: layer for layer in read_net(small.train).layer}
    data = layers["data"].dcme_data_param
    assert (data.batch_size, data.new_height, data.new_width) == (2, 63, 126)
    conv = layers["conv1"]
    assert conv.convolution_param.num_output == 8
    assert [p.lr_mult for p in conv.param] == [1, 2]
    assert conv.convolution_param.weight_filler.type == "msra"
    deconv = layers["deconv"].convolution_param
    assert (deconv.num_output, deconv.group, deconv.weight_filler.type) == (8, 8, "bilinear")
    assert layers["score"].convolution_param.num_output == 2
    up = layers["up1"].upsample_param
    assert (up.upsample_h, up.upsample_w) == (63, 126)
    names = list(layers)
    assert names[names.index("conv1") + 1 : names.index("relu1")] == ["conv1_bn", "conv1_scale"]
    assert list(layers["loss"].loss_weight) == [0]
    assert list(read_net(small.deploy).layer[0].input_param.shape[0].dim) == [1, 3, 63, 126]
