"""Where the tests compute: on the GPU that the environment's CAFFE_TEST_GPU names, or the CPU."""

from __future__ import annotations

import os

import caffe

__all__ = ["GPU", "use_device"]

GPU = os.environ.get("CAFFE_TEST_GPU")


def use_device() -> None:
    """Let nets that are made from now on in this thread compute there."""
    if GPU is None:
        caffe.set_mode_cpu()
    else:
        caffe.set_device(int(GPU))
        caffe.set_mode_gpu()
