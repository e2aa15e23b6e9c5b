"""cmake/Cuda.cmake: which of CUDA's libraries and GPUs a build is for."""

import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[3] / "cmake" / "Cuda.cmake"

pytestmark = pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")


def said_by(tmp_path, commands):
    """What CMake prints for commands that follow Cuda.cmake."""
    script = tmp_path / "script.cmake"
    script.write_text(f"include({MODULE})\n{commands}\n")
    done = subprocess.run(
        ["cmake", "-DCPU_ONLY=ON", "-DUSE_CUDNN=ON", "-P", script],
        env={"PATH": str(Path(shutil.which("cmake")).parent)},  # without nvidia-smi, as a rule
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("version", "has"), [("8", False), ("9", True), ("10", True)])
def test_a_cudnn_before_9_is_left_out(tmp_path, version, has):
    (tmp_path / "cudnn_version.h").write_text(f"#define CUDNN_MAJOR {version}\n")
    said = said_by(
        tmp_path,
        f"set(CUDNN_INCLUDE_DIR {tmp_path})\n"
        f"set(CUDNN_LIBRARY {tmp_path}/libcudnn.so)\n"
        'find_gpu_library(cuDNN cudnn 9 cudnn_version.h "products are slow")\n'
        'message("HAVE_CUDNN ${HAVE_CUDNN}")',
    )
    assert f"HAVE_CUDNN {'ON' if has else 'OFF'}" in said
    assert ("products are slow" in said) is not has


@pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="for machines without a GPU")
@pytest.mark.parametrize(("newest", "last"), [("compute_90", "90"), ("compute_100", "100")])
def test_gpus_that_this_nvcc_does_not_know_are_left_out(tmp_path, newest, last):
    nvcc = tmp_path / "nvcc"
    nvcc.write_text(f"#!/bin/sh\necho compute_75\necho {newest}\n")
    nvcc.chmod(0o755)
    said = said_by(
        tmp_path,
        f'set(CMAKE_CUDA_COMPILER {nvcc})\nfind_gpus_here(found)\nmessage("GPUS ${{found}}.")',
    )
    assert f";{last}.\n" in said
