"""One net on one side, ready to run: ours or PyTorch's, for training or inference."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["ENGINES", "Job", "job_of", "net_from"]

Step = Callable[[], Any]
JOBS = ("train", "infer")


class Job(argparse.Namespace):
    """What a worker runs. Attributes: engine, net, job, precision, layout, threads."""

    engine: str
    net: str
    job: str
    precision: str
    layout: str
    threads: int


def job_of(arguments: Sequence[str]) -> Job:
    """Parse a worker's command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.worker")
    parser.add_argument("engine", choices=("caffe", "torch"))
    parser.add_argument("net", choices=("vgg", "deeplab", "segnet"))
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw", help="of PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments, Job())


def _random_inputs(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    inputs = {}
    for name, shape in shapes.items():
        if name == "classes_gt":
            inputs[name] = rng.integers(0, 9, shape).astype(np.float32)
        else:
            inputs[name] = rng.normal(0, 1, shape).astype(np.float32)
    return inputs


def _import_caffe() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "2")
    import caffe

    return caffe


def _import_torch() -> Any:
    import torch

    return torch


@contextmanager
def _as_file(message: Any) -> Iterator[str]:
    """The path of a prototxt with the message."""
    from google.protobuf import text_format

    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text_format.MessageToString(message))
        file.flush()
        yield file.name


def net_from(proto: Any, phase: int) -> Any:
    """Our net of a NetParameter."""
    import caffe

    with _as_file(proto) as path:
        return caffe.Net(path, phase)


def _solver_of(proto: Any) -> Any:
    """Adam as the nets of prototxt/ are trained, without anything but steps."""
    import caffe

    parameters = caffe.proto.caffe_pb2.SolverParameter(
        net_param=proto, type="Adam", base_lr=1e-4, momentum=0.9, momentum2=0.999, lr_policy="fixed"
    )
    with _as_file(parameters) as path:
        return caffe.get_solver(path)


def caffe_step(job: Job) -> Step:
    """A step of ours. Raises LookupError where bf16 is asked for and there is no such setting."""
    caffe = _import_caffe()
    from bench.nets import NETS, set_precision

    definition = NETS[job.net]
    train = job.job == "train"
    proto = definition.proto(train)
    set_precision(proto, job.precision)
    solver = _solver_of(proto) if train and definition.solver else None
    net = solver.net if solver else net_from(proto, caffe.TRAIN if train else caffe.TEST)
    for name, values in _random_inputs(definition.inputs(train)).items():
        net.blobs[name].data[...] = values
    if solver:
        return lambda: solver.step(1)
    if train:
        return lambda: (net.forward(), net.backward())
    return net.forward


def torch_step(job: Job) -> Step:
    """A step of PyTorch's, eager."""
    torch = _import_torch()
    from bench.nets import NETS
    from bench.twins import TWINS, euclidean_loss, vector_and_grid_loss

    torch.manual_seed(0)
    torch.set_num_threads(job.threads)
    definition = NETS[job.net]
    train = job.job == "train"
    layout = torch.channels_last if job.layout == "nhwc" else torch.contiguous_format
    net = TWINS[job.net]().to(memory_format=layout).train(train)
    arrays = _random_inputs(definition.inputs(train))
    inputs = {name: torch.from_numpy(values) for name, values in arrays.items()}
    data = inputs["data"].contiguous(memory_format=layout)
    half = torch.autocast("cpu", dtype=torch.bfloat16, enabled=job.precision == "bf16")
    if not train:

        def infer() -> None:
            with torch.no_grad(), half:
                net(data)

        return infer
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
    data.requires_grad_(not definition.solver)

    def step() -> None:
        net.zero_grad(set_to_none=True)
        data.grad = None
        with half:
            outputs = net(data)
        if definition.solver:
            classes = inputs["classes_gt"][:, 0].long()
            loss = vector_and_grid_loss(*outputs, inputs["vectors_gt"], classes)
        else:
            loss = euclidean_loss(*outputs, inputs["vectors_gt"])
        loss.backward()
        if definition.solver:
            optimiser.step()

    return step


ENGINES = {"caffe": (_import_caffe, caffe_step), "torch": (_import_torch, torch_step)}
