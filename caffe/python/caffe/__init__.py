"""Caffe's nets, solvers and layers in Python, with the interface of pycaffe.

>>> import caffe
>>> net = caffe.Net("deploy.prototxt", caffe.TEST, weights="weights.caffemodel")
>>> net.blobs["data"].data[...] = image
>>> scores = net.forward()["prob"]
"""

from . import _caffe, io, pycaffe
from ._caffe import (
    Blob,
    Error,
    Layer,
    Timer,
    __version__,
    layer_type_list,
    load_plugin,
    log,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .classifier import Classifier
from .detector import Detector
from .logs import init_log
from .net import TEST, TRAIN, Net
from .net_spec import NetSpec, layers, params, to_proto
from .parallel import NCCL, has_nccl
from .solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    get_solver,
)

# Where pycaffe's compiled half has them, for scripts that take them from there.
for _face in (*pycaffe.__all__, "Solver", "get_solver"):
    setattr(_caffe, _face, globals()[_face])
del _face

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Classifier",
    "Detector",
    "Error",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "Timer",
    "__version__",
    "get_solver",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "load_plugin",
    "log",
    "params",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
