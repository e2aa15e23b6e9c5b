"""Every installed header by itself, as the first thing that a file of a user includes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

INCLUDE = Path(sys.prefix) / "include"
CONFIG = Path(sys.prefix) / "lib/cmake/Caffe/CaffeConfig.cmake"

PROJECT = """\
cmake_minimum_required(VERSION 3.16)
project(headers LANGUAGES CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(Caffe 1.0 REQUIRED)
add_library(header OBJECT header.cpp)
target_link_libraries(header PRIVATE caffe)
"""


def compiler_call(folder: Path) -> list[str]:
    """How CMake compiles a file that uses the installed runtime, less the file."""
    (folder / "CMakeLists.txt").write_text(PROJECT)
    (folder / "header.cpp").write_text("")
    # `./run` installs Ninja, not make.
    configure = ["cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build"]
    configure += [f"-DCaffe_DIR={CONFIG.parent}"]
    subprocess.run(configure, check=True, capture_output=True)
    (compiled,) = json.loads((folder / "build/compile_commands.json").read_text())
    words = shlex.split(compiled["command"])
    return words[: words.index("-o")]


def check_syntax(call: list[str], *options: str, code: str) -> subprocess.CompletedProcess[str]:
    """Have the compiler read code, and write nothing."""
    words = [*call, *options, "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(words, input=code, capture_output=True, text=True)


@pytest.mark.skipif(not CONFIG.exists(), reason="caffe is not installed")
def test_code_that_includes_glog_finds_it():
    # Installations one after the other keep it.
    folders = [INCLUDE, Path("/usr/include"), Path("/usr/local/include")]
    assert any((folder / "glog/logging.h").exists() for folder in folders)


@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
def test_old_makefiles_may_ask_for_cpp_11(tmp_path):
    headers = [path.relative_to(INCLUDE) for path in INCLUDE.glob("caffe/**/*.h*")]
    # Those for tests include googletest, which today wants more.
    headers = [header for header in headers if header.parent.name != "test"]
    code = "".join(f"#include <{header}>\n" for header in headers if header.suffix != ".cuh")
    done = check_syntax(compiler_call(tmp_path), "-std=c++11", "-Wall", code=code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
def test_of_a_build_with_cuda_cmake_is_told_where_cuda_is(tmp_path):
    call = compiler_call(tmp_path)
    if "-DCPU_ONLY" in call:
        pytest.skip("a build without CUDA")
    # Looked up, for the compiler has folders of its own, where links may lead to CUDA's headers.
    folders = [folder for flag, folder in zip(call, call[1:]) if flag in ("-isystem", "-I")]
    assert any(Path(folder, "cuda_runtime.h").exists() for folder in [*folders, "/usr/include"])
    with (tmp_path / "CMakeLists.txt").open("a") as project:
        project.write("add_library(caller MODULE header.cpp)\n")
        project.write("target_link_libraries(caller PRIVATE caffe -Wl,--no-undefined)\n")
    code = "#include <caffe/util/device_alternate.hpp>\nvoid Check() { CUDA_CHECK(cudaFree(0)); }\n"
    (tmp_path / "header.cpp").write_text(code)
    build = ["cmake", "--build", tmp_path / "build", "--target", "caller"]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
def test_constants_of_messages_link_in_cpp_11(tmp_path):
    code = "#include <caffe/common.hpp>\n#include <caffe/proto/caffe.pb.h>\nint main() {\n"
    code += "  CHECK_EQ(caffe::PoolingParameter().pool(), caffe::PoolingParameter::MAX);\n}\n"
    words = [*compiler_call(tmp_path), "-std=c++11", "-O0", "-x", "c++", "-"]
    words += ["-o", tmp_path / "program", f"-L{sys.prefix}/lib", f"-Wl,-rpath,{sys.prefix}/lib"]
    words += ["-lcaffe", "-lprotobuf"]
    done = subprocess.run(words, input=code, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run([tmp_path / "program"], check=True)


# What code written for Caffe 1.0 uses behind one header alone: classes (their sizes), functions.
NAMES = {
    "layers/accuracy_layer.hpp": ["sizeof(caffe::LossLayer<float>)"],
    "layers/conv_layer.hpp": [
        "sizeof(caffe::BaseConvolutionLayer<float>)",
        "&caffe::im2col_cpu<float>",
        "&caffe::col2im_nd_cpu<float>",
    ],
    "layers/data_layer.hpp": [
        "sizeof(caffe::BasePrefetchingDataLayer<float>)",
        "sizeof(caffe::DataTransformer<float>)",
        "sizeof(caffe::InternalThread)",
        "sizeof(caffe::db::Cursor)",
    ],
    "layers/dummy_data_layer.hpp": ["&caffe::GetFiller<float>"],
    "layers/hdf5_data_layer.hpp": ["sizeof(hid_t)", "sizeof(caffe::BaseDataLayer<float>)"],
    "layers/infogain_loss_layer.hpp": [
        "sizeof(caffe::LossLayer<float>)",
        "sizeof(caffe::SoftmaxLayer<float>)",
    ],
    "layers/lrn_layer.hpp": [
        f"sizeof(caffe::{name}Layer<float>)" for name in ("Eltwise", "Pooling", "Power", "Split")
    ],
    "layers/lstm_layer.hpp": ["sizeof(caffe::RecurrentLayer<float>)"],
    "layers/recurrent_layer.hpp": ["sizeof(caffe::Net<float>)", "&caffe::format_int"],
    "layers/scale_layer.hpp": ["sizeof(caffe::BiasLayer<float>)"],
    "layers/sigmoid_cross_entropy_loss_layer.hpp": [
        "sizeof(caffe::LossLayer<float>)",
        "sizeof(caffe::SigmoidLayer<float>)",
    ],
    "layers/softmax_loss_layer.hpp": [
        "sizeof(caffe::LossLayer<float>)",
        "sizeof(caffe::SoftmaxLayer<float>)",
    ],
    "layers/spp_layer.hpp": [
        f"sizeof(caffe::{name}Layer<float>)" for name in ("Concat", "Flatten", "Pooling", "Split")
    ],
    "solver.hpp": ["sizeof(boost::function<int()>)", "sizeof(caffe::Net<float>)"],
    "util/math_functions.hpp": ["&vsAdd", "&vdPowx", "&cblas_sgemm"],
    "util/mkl_alternate.hpp": ["&vsAdd", "&caffe::caffe_add<float>"],
}


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
def test_headers_bring_the_names_that_code_for_caffe_finds_through_them(tmp_path):
    call = compiler_call(tmp_path)

    def use(header: str) -> str:
        uses = "".join(f"  (void)({name});\n" for name in NAMES[header])
        code = f"#include <caffe/{header}>\nint main() {{\n{uses}}}\n"
        done = check_syntax(call, "-Wall", "-Wextra", code=code)
        return f"{header}: {done.stderr}" if done.returncode or done.stderr else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(use, NAMES) if fault]
    assert not faults, "\n".join(faults)


@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_builds_without_openmp_have_no_warnings(tmp_path, compiler):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    options = [word for word in compiler_call(tmp_path)[1:] if word != "-fopenmp"]
    # In a system's folder, where CMake sees them, headers never warn.
    options[options.index(str(INCLUDE)) - 1] = "-I"
    code = "#include <caffe/util/math_functions.hpp>\n"
    code += "int main() { caffe::ThreadsForOperations few(1); }\n"
    done = check_syntax([compiler, *options], "-Wall", "-Wextra", code=code)
    assert (done.returncode, done.stderr) == (0, "")


# What of google-glog's header could get in the way: macros, and names in namespace google.
GLOG = """\
#ifndef GLOG_LOGGING_H
#define GLOG_LOGGING_H
#include <iostream>
#define LOG(severity) std::cerr
#define CHECK(condition) if (!(condition)) std::cerr
#define CHECK_EQ(a, b) CHECK((a) == (b))
namespace fLI { extern int FLAGS_minloglevel; }
using fLI::FLAGS_minloglevel;
namespace google {
typedef int LogSeverity;
const int GLOG_INFO = 0, GLOG_WARNING = 1, GLOG_ERROR = 2, GLOG_FATAL = 3;
const int INFO = GLOG_INFO, WARNING = GLOG_WARNING, ERROR = GLOG_ERROR, FATAL = GLOG_FATAL;
void InitGoogleLogging(const char* argv0);
void InstallFailureFunction(void (*fail)());
}
#endif
"""
GFLAGS = """\
#pragma once
#define DEFINE_int32(name, value, text) namespace fLI { int FLAGS_##name = value; } \\
  using fLI::FLAGS_##name
"""
PROGRAM = """\
DEFINE_int32(gpu, 3, "");
int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_minloglevel = google::WARNING;
  try {
    CHECK_EQ(FLAGS_gpu, 2) << "of " << argc;
  } catch (const caffe::Error&) {
  }
  LOG(INFO) << caffe::Caffe::solver_count();
}
"""


@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
@pytest.mark.parametrize("order", [("caffe/common.hpp", "glog/logging.h"), ("glog/logging.h", "")])
def test_the_headers_of_google_go_before_or_after_those_of_caffe(tmp_path, order):
    for name, text in (("glog/logging.h", GLOG), ("gflags/gflags.h", GFLAGS)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    includes = [*filter(None, order), "caffe/common.hpp"]
    code = "".join(f"#include <{header}>\n" for header in includes) + PROGRAM
    done = check_syntax(compiler_call(tmp_path), f"-I{tmp_path}", "-Wall", code=code)
    assert (done.returncode, done.stderr) == (0, "")


KERNEL = """\
#include "caffe/util/gpu_util.cuh"
template <typename Dtype>
__global__ void Sum(const Dtype* values, Dtype* sum) {
  caffe::caffe_gpu_atomic_add(values[threadIdx.x], sum);
}
template __global__ void Sum<float>(const float*, float*);
template __global__ void Sum<double>(const double*, double*);
"""


@pytest.mark.skipif(not (shutil.which("nvcc") and CONFIG.exists()), reason="no nvcc, caffe")
def test_kernels_may_add_atomically(tmp_path):
    (tmp_path / "sum.cu").write_text(KERNEL)
    command = ["nvcc", f"-I{INCLUDE}", "-c", "sum.cu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
def test_every_header_compiles_alone_and_twice(tmp_path):
    headers = [
        path.relative_to(INCLUDE)
        for folder in ("caffe", "glog", "opencv2")
        for path in INCLUDE.glob(f"{folder}/**/*.h*")
        if path.suffix != ".cuh"
    ]
    assert len(headers) > 100
    call = compiler_call(tmp_path)

    def compile_alone(header: Path) -> str:
        code = f"#include <{header}>\n" * 2 + "int main() { return 0; }\n"
        done = check_syntax(call, "-Wall", "-Wextra", code=code)
        return f"{header}: {done.stderr}" if done.returncode or done.stderr else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(compile_alone, headers) if fault]
    assert not faults, "\n".join(faults)
