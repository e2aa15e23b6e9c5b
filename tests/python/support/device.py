"""Where the tests compute: on the GPU that the environment's CAFFE_TEST_GPU names, or the CPU."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import caffe

__all__ = ["GPU", "WITH_CUDA", "use_device"]

GPU = os.environ.get("CAFFE_TEST_GPU")

_OPTIONS = Path(sys.prefix) / "include/caffe/util/build_options.hpp"
WITH_CUDA = "#define CPU_ONLY" not in _OPTIONS.read_text()
"""Whether the build that is tested can compute on GPUs."""


def use_device() -> None:
    """Let nets that are made from now on in this thread compute there."""
    if GPU is None:
        caffe.set_mode_cpu()
    else:
        caffe.set_device(int(GPU))
        caffe.set_mode_gpu()
