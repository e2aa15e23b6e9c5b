"""One command at a time in a folder that it fills."""

from __future__ import annotations

import errno
import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dcme.errors import UserError

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EBADF, errno.EINVAL)
"""What file systems answer that lock no folders, such as NFS."""


def _holder(folder: int) -> str:
    """The process that holds the lock of an open folder, as far as Linux tells."""
    inode = str(os.fstat(folder).st_ino)
    with suppress(OSError), open("/proc/locks") as lines:
        for line in lines:
            fields = line.split()
            if fields[1:2] == ["FLOCK"] and fields[5].rpartition(":")[2] == inode:
                return f" (process {fields[4]})"
    return ""


def _make(folder: Path) -> list[Path]:
    """Create a folder; returns all that had to be created for it, the innermost first."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return made


_SETTINGS = ("*.json", "*.prototxt", "measured_on.txt", ".decoding")
"""What commands write before their work begins; the last two are dcme train's and decode's."""


def _remove_settings(folder: Path) -> None:
    """Remove all that a folder holds where this is settings alone."""
    files = [path for path in folder.rglob("*") if not path.is_dir()]
    if all(any(path.match(pattern) for pattern in _SETTINGS) for path in files):
        for path in (*files, *sorted(set(folder.rglob("*")) - set(files), reverse=True)):
            path.rmdir() if path.is_dir() else path.unlink()


@contextmanager
def sole_writer(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Create a folder and lock it for this block; raises where another process has done so.

    The lock is on the folder itself: it leaves no file, and ends with the process, however that
    ends. Folders that were created and got no content are removed, also where an error comes when
    they hold no more than settings. What is a file or a device stays as it is: who wants to write
    into it says so. Where the file system has no locks a warning does.
    """
    path = Path(folder)
    if any(above.exists() and not above.is_dir() for above in (path, *path.parents)):
        yield
        return
    made = _make(path)
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(opened)
        os.close(opened)
        raise UserError(
            f"{path}: another dcme command{holder} is at work here; wait for its end, or name "
            "another folder"
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            os.close(opened)
            raise
        warnings.warn(
            f"{path}: this file system locks no folders; start no second command there meanwhile",
            stacklevel=3,
        )
    try:
        yield
    except Exception:  # what is interrupted may be gone on with
        if path in made:
            with suppress(OSError):
                _remove_settings(path)
        raise
    finally:
        os.close(opened)
        with suppress(OSError):  # the first that holds something
            for empty in made:
                empty.rmdir()
