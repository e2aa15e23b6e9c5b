"""Who asks for a GPU where there is none is told so in one line, and how to go on."""

import subprocess
import sys

import pytest
from support import command
from support.device import WITH_CUDA

import caffe

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 2 kernel_size: 3 } }
"""
SOLVER = 'net: "net.prototxt"\nbase_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 1\nsolver_mode: GPU\n'

with_cuda = pytest.mark.skipif(not WITH_CUDA, reason="built without CUDA")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A net and a solver for a GPU, where all GPUs are hidden from the processes that follow."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return tmp_path


@pytest.mark.skipif(WITH_CUDA, reason="built with CUDA")
@pytest.mark.parametrize("ask", [caffe.set_mode_gpu, lambda: caffe.set_device(0)])
def test_a_build_without_cuda_says_so(ask):
    with pytest.raises(caffe.Error, match="CUDA"):
        ask()


@with_cuda
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], ("solver_mode: GPU, but GPU 0 does not exist or is not usable (", "solver_mode: CPU")),
        (["--gpu=0"], ("GPU 0 does not exist or is not usable (", "leave out --gpu")),
        (["--gpu=all"], ("--gpu=all: there is no usable GPU (", "leave out --gpu")),
    ],
)
def test_a_training_names_the_gpu_and_who_asked_for_it(folder, words, message):
    line = command.fail(folder, "train", "--solver=solver.prototxt", *words)
    told, remedy = message
    assert told in line and f"); {remedy}" in line, "the driver's reason, then what to do"


def test_a_query_says_that_there_is_no_gpu(folder):
    [line] = command.run(folder, "device_query")
    assert line.startswith("There is no usable GPU (" if WITH_CUDA else "This build has no CUDA")
    assert "computes on the CPU" in line


def test_dcme_says_how_to_go_on_without_a_gpu(folder):
    (folder / "a.png").write_bytes(b"")
    words = "predict net.prototxt w.caffemodel a.png r --classes 1:a --gpu 0"
    done = subprocess.run(
        [sys.executable, "-m", "dcme", *words.split()],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert ("there is no usable GPU (" if WITH_CUDA else "built without CUDA") in done.stderr
    assert done.stderr.endswith("; leave out --gpu to compute on the CPU\n")


@with_cuda
@pytest.mark.parametrize(
    "call", ["set_device(0)", "set_mode_gpu(); caffe.Net('net.prototxt', caffe.TEST)"]
)
def test_pycaffe_blames_no_layer_for_it(folder, call):
    code = f"import caffe; caffe.{call}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("caffe.Error: there is no usable GPU (") and "set_mode_cpu()" in last
