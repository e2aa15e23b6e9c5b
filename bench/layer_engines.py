"""One layer on one side, ready to run: forward and backward (train), or forward alone (infer)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.layers import LAYERS

if TYPE_CHECKING:
    from bench.engines import Job, Step

__all__ = ["caffe_layer_step", "torch_layer_step"]


def _input(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def _proto(name: str, train: bool) -> Any:
    from google.protobuf import text_format

    from caffe.proto import caffe_pb2

    layer = LAYERS[name]
    bottoms = {"data": layer.shape}
    if "recurrent_param" in layer.layer:
        bottoms["cont"] = layer.shape[:2]
    proto = caffe_pb2.NetParameter(force_backward=train)
    for bottom, shape in bottoms.items():
        made = proto.layer.add(name=bottom, type="Input", top=[bottom])
        made.input_param.shape.add(dim=shape)
    made = text_format.Parse(layer.layer, proto.layer.add())
    made.name = "layer"
    made.bottom.extend(bottoms)
    made.top.append("out")
    return proto


def caffe_layer_step(job: Job) -> Step:
    """A step of ours."""
    from bench.engines import import_caffe, net_from

    caffe = import_caffe()
    train = job.job == "train"
    net = net_from(_proto(job.net, train), caffe.TRAIN if train else caffe.TEST)
    for blob in net.blobs.values():
        blob.data[...] = 1
    net.blobs["data"].data[...] = _input(LAYERS[job.net].shape)
    net.blobs["out"].diff[...] = 1

    def step() -> None:
        net.forward()
        if train:
            net.backward()

    return step


def torch_layer_step(job: Job) -> Step:
    """A step of PyTorch's, eager, in NCHW as a layer between others of Caffe's has it."""
    import torch

    torch.set_num_threads(job.threads)
    train = job.job == "train"
    module = LAYERS[job.net].twin(torch.nn).train(train)
    data = torch.from_numpy(_input(LAYERS[job.net].shape)).requires_grad_(train)

    with torch.no_grad():
        out = module(data)
    diff = torch.ones_like(out[0] if isinstance(out, tuple) else out)

    def infer() -> None:
        with torch.no_grad():
            module(data)

    def step() -> None:
        data.grad = None
        module.zero_grad(set_to_none=True)
        out = module(data)
        (out[0] if isinstance(out, tuple) else out).backward(diff)

    return step if train else infer
