"""Data-parallel training from Python, one process for each GPU."""

from __future__ import annotations

from . import _caffe


def has_nccl() -> bool:
    """Whether this build can train on several GPUs through NCCL."""
    return hasattr(_caffe, "NCCL")


class _NoNCCL:
    """Takes the place of NCCL in a build without it."""

    def __init__(self, *args: object) -> None:
        raise _caffe.Error(self._message)

    @classmethod
    def new_uid(cls) -> str:
        """Raise Error: there is no NCCL to make an id."""
        raise _caffe.Error(cls._message)

    _message = "this caffe was built without NCCL; caffe.has_nccl() tells"


NCCL = getattr(_caffe, "NCCL", _NoNCCL)
