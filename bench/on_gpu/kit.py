"""What a bare machine lacks, in a folder: headers, libraries and protoc of this one, and wheels.

Which headers a build has read, CMake's build folder knows; which libraries it links, ldd. Those of
the C and C++ libraries themselves stay behind: every machine has its own, which must not be older.
What is built finds the kit's libraries by its RPATH; nothing else sees them, for the machine's own
programs may need newer ones of the same names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from bench.on_gpu.tools import extract, output

__all__ = ["add_to", "is_required", "pack", "requirements", "unpack"]

# Debian packages that come with a compiler; and what the loader itself is made of.
OF_THE_COMPILER = re.compile(
    r"^(libc6|libc-|linux-libc|libstdc\+\+|libgcc|gcc|cpp|g\+\+|libcrypt|libgomp)"
)
# Read by CMake, protoc and the linker, not by the compiler: globs below /usr.
BESIDES = [
    "bin/protoc",
    "include/google/protobuf/*.h",
    "include/google/protobuf/*.proto",
    "include/boost/version.hpp",
    "include/boost/config/compiler/*.hpp",  # one for each compiler: nvcc's, too
    "include/CLI/CLI.hpp",
    "include/gtest/gtest.h",
    "lib/*/cmake/GTest/*",
    "lib/*/libg[tm][eo][sc][tk]*.a",
    "lib/*/lib{}.so",
]
LINKED = (
    "protobuf",
    "openblas",
    "hdf5_serial",
    "hdf5_serial_hl",
    "lmdb",
    "opencv_core",
    "opencv_imgproc",
    "opencv_imgcodecs",
    "deflate",
)
ARCHIVE = "system.tar.xz"
# Python packages that the build and the GPU's stages do not go without; a machine with PyTorch has
# NumPy. The rest is for tests on the CPU (oneDNN for its fast paths).
REQUIRED = ("scikit-build-core", "pybind11", "numpy", "protobuf", "pytest", "tqdm")
PLATFORMS = [f"manylinux_2_{n}_x86_64" for n in (34, 31, 28, 27, 24, 17)] + [
    f"manylinux{n}_x86_64" for n in (2014, 2010, 1)
]


def _headers(build: Path) -> set[Path]:
    deps = output("ninja", "-C", build, "-t", "deps")
    return {Path(path) for path in re.findall(r"^    (/usr/(?:include|lib)/\S+)$", deps, re.M)}


def _libraries(programs: Iterable[Path]) -> set[Path]:
    found = set()
    for program in programs:
        found |= {Path(p) for p in re.findall(r"=> (/\S+) \(", output("ldd", program))}
    return {path for path in found if str(path).startswith(("/lib/", "/usr/lib/"))}


def _below_usr() -> set[Path]:
    names = [glob for glob in BESIDES if "{}" not in glob]
    names += [glob.format(name) for glob in BESIDES if "{}" in glob for name in LINKED]
    return {path for name in names for path in Path("/usr").glob(name)}


def _owners(paths: Iterable[Path]) -> dict[Path, str]:
    """The Debian package of each file; those of none are missing."""
    owners: dict[Path, str] = {}
    done = subprocess.run(["dpkg", "-S", *map(str, paths)], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        package, _, path = line.partition(": ")
        owners[Path(path)] = package.split(":")[0]
    return owners


def _add(archive: tarfile.TarFile, path: Path) -> None:
    """Add what is at a path; a link as one that leads there within the archive."""
    real = path.resolve()
    if real != path:
        link = tarfile.TarInfo(str(path)[1:])
        link.type = tarfile.SYMTYPE
        link.linkname = os.path.relpath(real, path.parent)
        archive.addfile(link)
    if str(real)[1:] not in archive.getnames():
        archive.add(real, arcname=str(real)[1:], recursive=False)


def _system_files(root: Path) -> list[Path]:
    build = root / "build"
    programs = [*build.glob("caffe/libcaffe.so"), *build.glob("tests/cpp/test_runtime")]
    if not programs:
        raise LookupError(f"{build}: there is no build to look at; ./run build tests makes it")
    wanted = _headers(build) | _below_usr() | _libraries([*programs, Path("/usr/bin/protoc")])
    # /lib is a link to /usr/lib, which dpkg does not know everywhere.
    merged = {Path(re.sub(r"^/lib/", "/usr/lib/", str(path))) for path in wanted}
    owners = _owners([*merged, *(Path(str(path).removeprefix("/usr")) for path in merged)])
    keep = set()
    for path in merged:
        owner = owners.get(path) or owners.get(Path(str(path).removeprefix("/usr")), "")
        if not OF_THE_COMPILER.match(owner) and "/c++/" not in str(path):
            keep.add(path)
    return sorted(path for path in keep if path.exists())


def requirements(root: Path) -> list[str]:
    """Lines that pip takes: what the build and the tests need. Raises OSError."""
    command = "source ./run help >/dev/null; requirements build test"
    return output("bash", "-c", command, cwd=root).splitlines()


def is_required(requirement: str) -> bool:
    """Whether nothing can be built and run without it."""
    return re.split(r"[<>=;\[ ]", requirement)[0] in REQUIRED


def _wheels(root: Path, folder: Path, python: str, small: bool) -> None:
    wanted = requirements(root)
    if small:
        wanted = [line for line in wanted if is_required(line) and not line.startswith("numpy")]
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    pip = root / ".venv" / "bin" / "python"
    if not pip.exists():
        raise LookupError(f"{pip} is not there; ./run build makes it")
    output(
        pip,
        "-m",
        "pip",
        "download",
        "-q",
        "--only-binary=:all:",
        "--python-version",
        python,
        "--implementation",
        "cp",
        *platforms,
        "-d",
        folder,
        "wheel",
        *wanted,
    )


def pack(root: Path, folder: Path, python: str, small: bool = False) -> str:
    """Fill `folder`; what to do with it. Raises LookupError before a build, OSError where a tool
    fails. With `small`, without NumPy and what only tests on the CPU need."""
    files = _system_files(root)
    wheels = folder / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True)
    _wheels(root, wheels, python, small)
    unfinished = folder / f"{ARCHIVE}.part"
    with tarfile.open(unfinished, "w:xz") as archive:
        for path in files:
            _add(archive, path)
    unfinished.rename(folder / ARCHIVE)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) >> 20
    return (
        f"{folder}: {len(files)} files of this system and {len(list(wheels.iterdir()))} wheels for "
        f"Python {python}, {size} MiB. On the other machine: bench/gpu --kit {folder.name}"
    )


def unpack(folder: Path, to: Path) -> None:
    """Unpack the kit's system files. Raises LookupError where `folder` is no kit."""
    shutil.rmtree(to, ignore_errors=True)
    extract(folder / ARCHIVE, to)
    _wrap(to / "usr" / "bin" / "protoc", to)


def _library_folders(unpacked: Path) -> list[str]:
    return sorted({str(path.parent) for path in unpacked.glob("usr/lib/**/*.so*")})


def _wrap(program: Path, unpacked: Path) -> None:
    """Make a program of the kit find the kit's libraries, for itself alone."""
    real = program.with_name(f"{program.name}.real")
    program.rename(real)
    folders = ":".join(_library_folders(unpacked))
    program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{folders}" exec "{real}" "$@"\n')
    program.chmod(0o755)


def add_to(environment: dict[str, str], folder: Path, unpacked: Path) -> None:
    """Let commands find what is in the kit: pip, CMake and the linker."""
    environment["PIP_NO_INDEX"] = "1"
    environment["PIP_FIND_LINKS"] = str((folder / "wheels").resolve())
    environment["CMAKE_ARGS"] += f" -DCMAKE_FIND_ROOT_PATH={unpacked}"
    # An RPATH (not a RUNPATH) also serves the libraries of libraries.
    paths = [f"-Wl,-rpath,{folder}" for folder in _library_folders(unpacked)]
    environment["LDFLAGS"] = " ".join(["-Wl,--disable-new-dtags", *paths])
