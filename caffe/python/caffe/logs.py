"""What the runtime writes to standard error."""

from ._caffe import set_log_level


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Show log lines from this severity on: 0 all, 1 warnings, 2 errors.

    Lines always go to standard error; `stderr` is there because pycaffe has it.
    """
    del stderr
    set_log_level(level)
