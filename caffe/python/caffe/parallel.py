"""Data-parallel training from Python, one process for each GPU."""

from __future__ import annotations

from ._caffe import NCCLCore, has_nccl
from .solver import Solver

__all__ = ["NCCL", "has_nccl"]


class NCCL(NCCLCore):
    """The place of this process's solver among those of other processes, which learn as one.

    Every process sets its device, ``set_solver_count``, ``set_solver_rank`` and
    ``set_multiprocess(True)``, makes its solver, then this with the one `uid`, and::

        nccl.bcast()
        solver.add_callback(nccl)
        solver.net.after_backward(nccl)  # gradients travel while the backward pass goes on
        solver.step(1000)

    Raises Error in a build without NCCL (:func:`has_nccl`).
    """

    def __init__(self, solver: Solver, uid: bytes) -> None:
        super().__init__(solver._core, uid)
