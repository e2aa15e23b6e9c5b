"""A build for a machine whose time is too dear to build on: programs, Python packages, libraries.

What is linked, readelf and ldd tell; what is loaded later is named in the program. CUDA's
libraries, which the other machine has, stay behind; so do the C and C++ libraries, which must not
be older there. Of the libraries that come along, those are used that the other machine lacks.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from bench.on_gpu.tools import extract, output

__all__ = ["ABOUT", "ARCHIVE", "LIBRARIES", "Built", "pack", "unpack"]

ARCHIVE = "built.tar.xz"
ABOUT = "about.json"
LIBRARIES = "libraries"
PRESET: Literal[3] = 3  # of xz: a tenth larger than the usual 6, in a third of the time
OF_CUDA = re.compile(r"^lib(cuda|cublas|curand|cudnn|nccl|nv)")
# Those that a program names itself, to load them when it needs them.
LOADED = re.compile(rb"\0(lib(?:cublas|curand|cudnn|nccl)\.so\.\d+)\0")
OF_THE_LOADER = re.compile(r"^(ld-linux|lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+)\.so)")
# Debian's OpenCV links it for maps, and with it 100 MB of others: a library of the same names that
# opens none will do.
HOLLOW = re.compile(r"^libgdal\.so")
# Without NumPy, which comes with PyTorch; and what only tests on the CPU need.
PACKAGES = ("protobuf", "tqdm", "pytest", "lmdb")

# Prints the files of installed packages: with all that they need, and of the project itself.
_FILES = """
import importlib.metadata as found, json, re, sys
files, seen = set(), {"numpy"}
def add(name, all_of_it):
    if name.lower() in seen:
        return
    seen.add(name.lower())
    try:
        package = found.distribution(name)
    except found.PackageNotFoundError:
        return
    files.update(str(file.locate().resolve()) for file in package.files or [])
    for line in package.requires or [] if all_of_it else []:
        if "extra ==" not in line:
            add(re.match(r"[\\w.-]+", line).group(), True)
add("dcme", False)
for name in sys.argv[1:]:
    add(name, True)
print(json.dumps(sorted(files)))
"""


def _python(build: Path) -> Path:
    python = build / "venv" / "bin" / "python"
    if not python.exists() or not (build / "tests" / "cpp" / "test_runtime").exists():
        raise LookupError(
            f"{build}: there is no build to bring along; on this machine, with the other one's "
            "Python: python3.x bench/gpu --without-gpu --only environment build"
        )
    return python


def _files(build: Path) -> list[Path]:
    """What the stages run, below the build folder."""
    python, venv = _python(build), (build / "venv").resolve()
    installed = {Path(p) for p in json.loads(output(python, "-c", _FILES, *PACKAGES))}
    aside = [venv / name for name in ("include", "share", "lib/cmake")]
    kept = [
        path
        for path in installed
        if venv in path.parents
        and path.is_file()
        and path.suffix not in (".pyc", ".pyi")
        and not any(folder in path.parents for folder in aside)
    ]
    tests = [p for p in (build / "tests" / "cpp").iterdir() if p.is_file() and _is_elf(p)]
    return sorted([*kept, *tests, *build.rglob("CTestTestfile.cmake")])


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _needed(program: Path) -> list[str]:
    """Sonames of the libraries that it names itself."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", program))


def _libraries(programs: Iterable[Path]) -> tuple[dict[str, Path], list[str]]:
    """What to bring along, by soname, and CUDA's, which are not."""
    found: dict[str, Path] = {}
    cuda: set[str] = set()
    for program in programs:
        places = dict(re.findall(r"^\s*(\S+) => (/\S+) \(", output("ldd", program), re.M))
        wanted = _needed(program)
        cuda.update(name.decode() for name in LOADED.findall(program.read_bytes()))
        while wanted:
            name = wanted.pop()
            if OF_CUDA.match(name):
                cuda.add(name)
            elif name in places and name not in found and not OF_THE_LOADER.match(name):
                found[name] = Path(places[name])
                wanted += [] if HOLLOW.match(name) else _needed(Path(places[name]))
    return found, sorted(cuda)


def _symbols(library: Path, which: str) -> dict[str, str]:
    """Kinds of a library's symbols by name; which: undefined or defined."""
    listed = output("nm", "-D", f"--{which}-only", library)
    found = re.findall(r"^(?:[0-9a-f]+)? *(\w) ([^@\s]+)", listed, re.M)
    return {name: kind for kind, name in found}


def _hollow(name: str, libraries: dict[str, Path], folder: Path) -> Path:
    """A library with the names that the others take from the real one; its functions return 0."""
    wanted = {
        symbol
        for other, path in libraries.items()
        if other != name and name in _needed(path)
        for symbol in _symbols(path, "undefined")
    }
    lines = [
        f"void* {symbol}(void) {{ return 0; }}" if kind in "TWi" else f"char {symbol}[256];"
        for symbol, kind in sorted(_symbols(libraries[name], "defined").items())
        if symbol in wanted
    ]
    source = folder / f"{name}.c"
    source.write_text("\n".join(lines) + "\n")
    output("cc", "-w", "-shared", "-fPIC", f"-Wl,-soname,{name}", source, "-o", folder / name)
    return folder / name


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    archive.addfile(member, io.BytesIO(text.encode()))


def pack(build: Path, folder: Path) -> str:
    """Write what runs a build's GPU stages elsewhere into `folder`; what to do with it. Raises
    LookupError where there is no such build, OSError where a tool fails."""
    build = build.resolve()
    files = _files(build)
    libraries, cuda = _libraries(path for path in files if _is_elf(path))
    own = {path.name for path in files}
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{ARCHIVE}.part"
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = output(_python(build), "-c", code).strip()
    about = {"build": str(build), "python": python, "cuda": cuda}
    compressed = tarfile.open(unfinished, "w:xz", preset=PRESET)
    with compressed as archive, tempfile.TemporaryDirectory() as hollow:
        _add_text(archive, ABOUT, json.dumps(about))
        for path in files:
            archive.add(path, arcname=str(path.relative_to(build)))
        for name in sorted(set(libraries) - own):
            path = libraries[name]
            if HOLLOW.match(name):
                path = _hollow(name, libraries, Path(hollow))
            archive.add(path.resolve(), arcname=f"{LIBRARIES}/{name}")
    unfinished.rename(folder / ARCHIVE)
    size = (folder / ARCHIVE).stat().st_size / 2**20
    return (
        f"{folder / ARCHIVE}: {len(files)} files and {len(libraries)} libraries, {size:.0f} MiB, "
        f"for Python {python}. On the other machine: "
        f"bench/gpu --kit {folder.name}"
    )


class Built:
    """A build that has been unpacked into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._about = json.loads((folder / ABOUT).read_text())

    def library_folders(self) -> list[str]:
        """For the loader."""
        return [str(self._folder / LIBRARIES), str(self._folder / "venv" / "lib")]

    @property
    def cuda(self) -> list[str]:
        """The libraries of CUDA that it needs."""
        return list(self._about["cuda"])

    @property
    def python(self) -> str:
        """The version that its Python modules are for, e.g. 3.12."""
        return str(self._about["python"])

    def settle(self) -> None:
        """Let it be at home here: paths in scripts, and libraries that this machine has itself."""
        before, now = self._about["build"], str(self._folder.resolve())
        scripts = [p for p in (self._folder / "venv" / "bin").iterdir() if p.is_file()]
        for path in [*scripts, *self._folder.rglob("CTestTestfile.cmake")]:
            if not path.is_symlink() and not _is_elf(path):
                path.write_text(path.read_text().replace(before, now))
        known = set(re.findall(r"^\s*(\S+) \(", output("/sbin/ldconfig", "-p"), re.M))
        for library in (self._folder / LIBRARIES).glob("*"):
            if library.name in known:
                library.unlink()


def unpack(folder: Path, to: Path) -> Built:
    """Unpack into the build folder `to`, whose environment is there. Raises LookupError where the
    build is for another Python."""
    extract(folder / ARCHIVE, to)
    built = Built(to)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if built.python != here:
        raise LookupError(f"{folder}: built for Python {built.python}, and this is {here}")
    built.settle()
    return built
