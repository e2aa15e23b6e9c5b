"""What commands print arrives, or the command fails with one line; without one where nobody reads
on (``| head``)."""

from __future__ import annotations

import argparse
import os
import sys
from io import TextIOWrapper
from typing import IO

from dcme.errors import one_line


def open_streams() -> None:
    """Stand in for standard streams that the caller has closed (``>&-``): Python has None for
    these, and the next file that is opened would take their place. Let them print any text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or open(os.devnull)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names that a terminal's encoding lacks end no work
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Let what is printed vanish, also what Python would try to write once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def flush_output() -> None:
    """Write out what was printed; what cannot be is dropped."""
    try:
        sys.stdout.flush()
    except OSError as error:
        drop_output()
        raise OSError(error.errno, os.strerror(error.errno or 0), "standard output") from None


class Parser(argparse.ArgumentParser):
    """Ends with an error where its help cannot be written; argparse itself passes over that."""

    def _print_message(self, message: str, file: IO[str] | None = None) -> None:
        if file is not sys.stdout:
            super()._print_message(message, file)
            return
        try:
            print(message, end="")
            flush_output()
        except BrokenPipeError:
            drop_output()
            self.exit(1)
        except OSError as error:
            self.exit(1, f"{self.prog}: error: {one_line(error)}\n")
