"""What the makers of kits share."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

__all__ = ["extract", "output"]


def output(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command prints. Raises OSError with its last line where it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(f"{command[0]} failed: {(done.stderr.strip() or '?').splitlines()[-1]}")
    return done.stdout


def extract(archive: Path, to: Path) -> None:
    """Unpack an archive of a kit. Raises LookupError where it is not there, or has files that do
    not stay below `to`."""
    if not archive.exists():
        raise LookupError(f"{archive} is not there: make it with bench/gpu --pack")
    to.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.startswith(("/", "..")) or "/../" in member.name:
                raise LookupError(f"{archive}: no kit, it has a file {member.name}")
        if hasattr(tarfile, "tar_filter"):
            files.extraction_filter = tarfile.tar_filter
        files.extractall(to)
