"""Every installed header by itself, as the first thing that a file of a user includes."""

from __future__ import annotations

import os
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
find_package(Caffe REQUIRED)
add_library(header OBJECT header.cpp)
target_link_libraries(header PRIVATE caffe)
"""


def compiler_call(folder: Path) -> str:
    """How CMake compiles a file that uses the installed runtime, less the file."""
    (folder / "CMakeLists.txt").write_text(PROJECT)
    (folder / "header.cpp").write_text("")
    configure = ["cmake", "-S", folder, "-B", folder / "build", f"-DCaffe_DIR={CONFIG.parent}"]
    subprocess.run(configure, check=True, capture_output=True)
    (command,) = (
        line.split('"command": "')[1].split(" -o ")[0]
        for line in (folder / "build/compile_commands.json").read_text().splitlines()
        if '"command"' in line
    )
    return command


@pytest.mark.skipif(not CONFIG.exists(), reason="caffe is not installed")
def test_code_that_includes_glog_finds_it():
    # Installations one after the other keep it.
    folders = [INCLUDE, Path("/usr/include"), Path("/usr/local/include")]
    assert any((folder / "glog/logging.h").exists() for folder in folders)


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("cmake") and CONFIG.exists()), reason="no cmake, caffe")
def test_every_header_compiles_alone_and_twice(tmp_path):
    headers = [
        path.relative_to(INCLUDE)
        for path in [*INCLUDE.glob("caffe/**/*.h*"), *INCLUDE.glob("glog/*.h")]
        if path.suffix != ".cuh"
    ]
    assert len(headers) > 100
    command = compiler_call(tmp_path)

    def compile_alone(header: Path) -> str:
        done = subprocess.run(
            f"{command} -Wall -Wextra -fsyntax-only -x c++ -",
            shell=True,
            input=f"#include <{header}>\n" * 2 + "int main() { return 0; }\n",
            capture_output=True,
            text=True,
        )
        return f"{header}: {done.stderr}" if done.returncode or done.stderr else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(compile_alone, headers) if fault]
    assert not faults, "\n".join(faults)
