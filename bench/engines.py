"""One net, or layer, on one side, ready to run: ours or PyTorch's, to train or to predict."""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bench.layer_engines import caffe_layer_step, torch_layer_step
from bench.layers import LAYERS

__all__ = [
    "ENGINES",
    "PRECISIONS",
    "Job",
    "import_caffe",
    "job_of",
    "net_from",
    "solver_of",
    "use_gpu",
]

Step = Callable[[], Any]
JOBS = ("train", "infer")
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
# Of the loss in fp16, in which small gradients would become 0; PyTorch's GradScaler finds its own.
LOSS_SCALE = 1024


class Job(argparse.Namespace):
    """What a worker runs: its command line."""

    engine: str
    net: str
    job: str
    precision: str
    layout: str
    threads: int
    gpu: bool
    batch: int
    compile: bool


def job_of(arguments: Sequence[str]) -> Job:
    """Parse a worker's command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.worker")
    parser.add_argument("engine", choices=tuple(ENGINES))
    parser.add_argument("net", choices=("vgg", "deeplab", "segnet", "resnet", *LAYERS))
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw", help="of PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="on GPU 0")
    parser.add_argument("--batch", type=int, default=1, help="images in a step")
    parser.add_argument("--compile", action="store_true", help="PyTorch's, by torch.compile")
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


def import_caffe() -> Any:
    """Our runtime, which logs only errors."""
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


def solver_of(proto: Any, precision: str) -> Any:
    """Adam as the nets of prototxt/ are trained, without anything but steps."""
    import caffe

    parameters = caffe.proto.caffe_pb2.SolverParameter(
        net_param=proto, type="Adam", base_lr=1e-4, momentum=0.9, momentum2=0.999, lr_policy="fixed"
    )
    if precision == "fp16":
        parameters.loss_scale = LOSS_SCALE
    with _as_file(parameters) as path:
        return caffe.get_solver(path)


def use_gpu(caffe: Any) -> Callable[[], None]:
    """Compute on GPU 0; what waits for it."""
    caffe.set_device(0)
    caffe.set_mode_gpu()
    timer = caffe.Timer()

    def wait() -> None:
        timer.start()
        timer.stop()
        _ = timer.ms

    return wait


def caffe_step(job: Job) -> Step:
    """A step of ours. Raises LookupError where the runtime has no such precision."""
    caffe = import_caffe()
    from bench.nets import NETS, set_precision

    wait = use_gpu(caffe) if job.gpu else lambda: None
    definition = NETS[job.net]
    train = job.job == "train"
    proto = definition.proto(train, job.batch)
    set_precision(proto, job.precision)
    solver = solver_of(proto, job.precision) if train and definition.solver else None
    net = solver.net if solver else net_from(proto, caffe.TRAIN if train else caffe.TEST)
    for name, values in _random_inputs(definition.inputs(train, job.batch)).items():
        net.blobs[name].data[...] = values

    def step() -> None:
        if solver:
            solver.step(1)
        else:
            net.forward()
            if train:
                net.backward()
        wait()

    return step


def torch_step(job: Job) -> Step:
    """A step of PyTorch's: eager, or compiled where the job says so."""
    torch = _import_torch()
    from bench.nets import NETS
    from bench.twins import TWINS, loss_of

    torch.manual_seed(0)
    torch.set_num_threads(job.threads)
    device = "cuda" if job.gpu else "cpu"
    torch.backends.cudnn.benchmark = True
    for backend in (torch.backends.cudnn, torch.backends.cuda.matmul):
        backend.allow_tf32 = job.precision == "tf32"
    wait = torch.cuda.synchronize if job.gpu else lambda: None
    definition = NETS[job.net]
    train = job.job == "train"
    layout = torch.channels_last if job.layout == "nhwc" else torch.contiguous_format
    net = TWINS[job.net]().to(device, memory_format=layout).train(train)
    run = torch.compile(net) if job.compile else net
    arrays = _random_inputs(definition.inputs(train, job.batch))
    inputs = {name: torch.from_numpy(values).to(device) for name, values in arrays.items()}
    data = inputs["data"].contiguous(memory_format=layout)
    fp16 = job.precision == "fp16"
    rounded = torch.float16 if fp16 else torch.bfloat16
    half = torch.autocast(device, dtype=rounded, enabled=fp16 or job.precision == "bf16")
    if not train:

        def infer() -> None:
            with torch.no_grad(), half:
                run(data)
            wait()

        return infer
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
    scaler = torch.amp.GradScaler(device, enabled=fp16)
    data.requires_grad_(not definition.solver)

    def step() -> None:
        net.zero_grad(set_to_none=True)
        data.grad = None
        with half:
            outputs = run(data)
        loss = loss_of(outputs, inputs, clipped=definition.solver)
        scaler.scale(loss).backward()
        if definition.solver:
            scaler.step(optimiser)
            scaler.update()
        wait()

    return step


def _forget_torch() -> None:
    """Give back what earlier nets have left on the GPU, so that it does not count as the next's."""
    torch = _import_torch()
    torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


# Of each: imports, what makes a step of a job, and what clears up after one.
ENGINES: dict[str, tuple[Callable[[], None], Callable[[Job], Step], Callable[[], Any]]] = {
    "caffe": (import_caffe, caffe_step, gc.collect),
    "torch": (_import_torch, torch_step, _forget_torch),
    "caffe-layer": (import_caffe, caffe_layer_step, gc.collect),
    "torch-layer": (_import_torch, torch_layer_step, _forget_torch),
}
