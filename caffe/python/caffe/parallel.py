"""Data-parallel training from Python, one process for each GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._caffe import NCCLCore, has_nccl

if TYPE_CHECKING:
    from .solver import Solver

__all__ = ["NCCL", "has_nccl"]


class NCCL:
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
        self._solver = solver
        self._core = NCCLCore(solver._core, uid)

    @staticmethod
    def new_uid() -> bytes:
        """Make the name (128 bytes) under which processes meet; one does, and tells the others."""
        return NCCLCore.new_uid()

    def bcast(self) -> None:
        """Take over the parameters of rank 0."""
        self._core.bcast()
