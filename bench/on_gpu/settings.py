"""Where ``bench/gpu`` has its things, and what it runs commands with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bench.on_gpu import built, kit
from bench.on_gpu.machine import cuda_arguments, cuda_library_folders, folders_of
from bench.timing import Budget

__all__ = ["Failed", "Settings"]


class Failed(Exception):
    """A stage went wrong; the message is one line."""


@dataclass(frozen=True)
class Settings:
    """Where things are."""

    root: Path
    out: Path
    kit: Path | None
    gpu: bool
    budget: Budget = field(default_factory=Budget)

    @property
    def build(self) -> Path:
        """CMake's folder."""
        return self.root / "build-gpu"

    @property
    def venv(self) -> Path:
        """The Python environment, which sees the system's packages: PyTorch is one of them."""
        return self.build / "venv"

    def need_gpu(self) -> None:
        """Raise LookupError without one."""
        if not self.gpu:
            raise LookupError("needs a GPU")

    @property
    def is_built(self) -> bool:
        """Whether the kit has a build, and nothing is to be built here."""
        return self.kit is not None and (self.kit / built.ARCHIVE).exists()

    def environment(self) -> dict[str, str]:
        """Variables of all commands."""
        found = {
            **os.environ,
            "DCME_VENV": str(self.venv.relative_to(self.root)),
            "DCME_BUILD": str(self.build.relative_to(self.root)),
            "PATH": f"{self.venv / 'bin'}:{os.environ['PATH']}",
            "CMAKE_ARGS": " ".join([*self._options(), *cuda_arguments()]),
        }
        found.pop("PYTHONPATH", None)
        libraries = cuda_library_folders()
        if self.is_built:
            if (self.build / built.ABOUT).exists():
                brought = built.Built(self.build)
                libraries = [*brought.library_folders(), *folders_of(brought.cuda)]
        elif self.kit:
            kit.add_to(found, self.kit, self.build / "kit")
        if self.venv.exists() and not (self.venv / "include" / "dnnl.h").exists():
            found["CMAKE_ARGS"] += " -DUSE_ONEDNN=OFF"
        if libraries:
            libraries += filter(None, [os.environ.get("LD_LIBRARY_PATH")])
            found["LD_LIBRARY_PATH"] = ":".join(libraries)
        return found

    def _options(self) -> list[str]:
        # Another compiler may have other warnings. With a GPU, CMake asks it for its kind; without
        # one, one kind stands for all: this only shows that the code compiles.
        kind = [] if self.gpu else ["-DCMAKE_CUDA_ARCHITECTURES=90"]
        return ["-DCPU_ONLY=OFF", "-DWARNINGS_AS_ERRORS=OFF", *kind]
