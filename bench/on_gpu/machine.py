"""What the machine has: GPUs, CUDA's libraries."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__all__ = ["cuda_arguments", "cuda_library_folders", "folders_of", "gpu_names", "gpu_used"]


def _nvidia_smi(query: str) -> list[str]:
    if not shutil.which("nvidia-smi"):
        return []
    done = subprocess.run(
        ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def gpu_names() -> list[str]:
    """Names and drivers of the GPUs; empty where there is none."""
    return _nvidia_smi("name,driver_version")


def gpu_used() -> float:
    """MiB of GPU 0 that are in use, by whomever. Raises LookupError where there is no GPU."""
    used = _nvidia_smi("memory.used")
    if not used:
        raise LookupError("there is no GPU here (nvidia-smi names none)")
    return float(used[0])


def _first(pattern: str) -> Path | None:
    """A file of the CUDA libraries that came as wheels, PyTorch's needs."""
    folders = {sysconfig.get_paths()["purelib"], *sys.path}
    for folder in sorted(f for f in folders if f):
        for found in sorted(Path(folder, "nvidia").glob(pattern)):
            return found
    return None


def cuda_arguments() -> list[str]:
    """CMake's arguments for cuDNN and NCCL, where they are there only as wheels."""
    arguments = []
    for name, header, library in (
        ("CUDNN", "**/include/cudnn.h", "**/lib/libcudnn.so.*"),
        ("NCCL", "**/include/nccl.h", "**/lib/libnccl.so.*"),
    ):
        include, lib = _first(header), _first(library)
        if include and lib:
            arguments += [f"-D{name}_INCLUDE_DIR={include.parent}", f"-D{name}_LIBRARY={lib}"]
    return arguments


@cache
def _folder_of(name: str) -> str:
    """Empty where the loader knows it."""
    try:
        ctypes.CDLL(name)
        return ""
    except OSError:
        pass
    toolkits = sorted(Path("/usr/local").glob(f"cuda*/lib*/{name}"))
    found = _first(f"**/lib/{name}") or (toolkits[-1] if toolkits else None)
    if not found:
        raise LookupError(f"{name} is not here: install that version of CUDA's libraries")
    return str(found.parent)


def folders_of(libraries: Iterable[str]) -> list[str]:
    """Where CUDA's libraries are that the loader does not know. Raises LookupError where one is
    not to be found."""
    return list(dict.fromkeys(filter(None, map(_folder_of, libraries))))


def cuda_library_folders() -> list[str]:
    """Where the libraries of `cuda_arguments` are, for the loader."""
    found = (_first("**/lib/libcudnn.so.*"), _first("**/lib/libnccl.so.*"))
    return [str(path.parent) for path in found if path]
