"""The one exception that users see as a single line, and how others become one."""

from __future__ import annotations


class UserError(ValueError):
    """Bad input: the message names the file or option, what is wrong, and what to do."""


EXPECTED = (ValueError, OSError, RuntimeError, ImportError, MemoryError, OverflowError)
"""What bad input (also numbers too large to compute with), a full disk or memory, or a missing
library raises; anything else is a fault of ours."""


def one_line(error: BaseException) -> str:
    """An exception's message without line breaks; the system's errors as ``file: reason``, or
    the reason alone where they name no file."""
    if isinstance(error, OSError) and error.strerror:
        reason = f"{error.strerror[0].lower()}{error.strerror[1:]}"
        return reason if error.filename is None else f"{error.filename}: {reason}"
    if isinstance(error, MemoryError):
        return f"the memory does not suffice ({str(error) or type(error).__name__})"
    return " ".join(str(error).split()) or type(error).__name__
