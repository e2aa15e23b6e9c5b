"""Solvers: training from Python."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from os import fsencode
from typing import Any, ClassVar

from ._caffe import NCCLCore, SolverCore
from .net import Net, PathLike, check_callback
from .proto import caffe_pb2
from .read_only import read_only

# What a solver and its nets are made by: no later change counts.
_DONE_WITH = frozenset(
    """device_id net net_param precision random_seed release_blobs solver_mode solver_type test_net
    test_net_param test_state train_net train_net_param train_state type weights""".split()
)


class SolverParam:
    """The fields of a solver's prototxt; what is set here counts from now on.

    Repeated fields are tuples, and take any sequence. Messages (``net_param``, say) are copies.
    """

    def __init__(self, core: SolverCore) -> None:
        object.__setattr__(self, "_core", core)

    def _message(self) -> Any:
        return caffe_pb2.SolverParameter.FromString(self._core.param)

    def __getattr__(self, name: str) -> Any:
        # Copies are asked for their methods before they have a solver.
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._message(), name)
        return tuple(value) if _is_repeated(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _DONE_WITH:
            raise AttributeError(
                f"solver.param.{name} was read when the solver was made, and cannot change any "
                "more: write it into the solver's prototxt"
            )
        message = self._message()
        if _is_repeated(getattr(message, name)):
            message.ClearField(name)
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
        self._core.set_param(message.SerializeToString())

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *caffe_pb2.SolverParameter.DESCRIPTOR.fields_by_name]

    def __str__(self) -> str:
        return str(self._message())


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "extend")


class Solver:
    """Trains the net that a solver prototxt names; ``caffe.get_solver`` makes the right kind.

    A subclass such as ``caffe.AdamSolver`` uses its own update rule whatever the file says.
    """

    type: ClassVar[str] = ""

    def __init__(self, solver_file: PathLike) -> None:
        self._core = SolverCore.load(fsencode(solver_file), self.type)

    def __repr__(self) -> str:
        return f"<caffe.{type(self).__name__} at iteration {self.iter}>"

    @read_only
    def net(self) -> Net:
        """The net that is trained."""
        return Net._wrap(self._core.net)

    @read_only
    def test_nets(self) -> list[Net]:
        """The nets of the test phase, which share the parameters."""
        return [Net._wrap(core) for core in self._core.test_nets]

    @property
    def iter(self) -> int:
        """The number of iterations done."""
        return self._core.iter

    @property
    def lr(self) -> float:
        """The learning rate of the next iteration."""
        return self._core.lr

    @property
    def param(self) -> SolverParam:
        """The solver's settings, by their names in the prototxt."""
        return SolverParam(self._core)

    def step(self, n: int) -> None:
        """Do `n` iterations."""
        try:
            iterations = index(n)
        except TypeError:
            raise TypeError(f"step takes a whole number of iterations, not {n!r}") from None
        if abs(iterations) >= 2**31:
            raise ValueError(f"step takes at most {2**31 - 1} iterations, not {n}")
        self._core.step(iterations)

    def solve(self, resume_file: PathLike | None = None) -> None:
        """Train until max_iter, going on from a .solverstate if one is given."""
        self._core.solve(b"" if resume_file is None else fsencode(resume_file))

    def restore(self, state_file: PathLike) -> None:
        """Take parameters and state from a .solverstate (or .solverstate.h5)."""
        self._core.restore(fsencode(state_file))

    def snapshot(self) -> None:
        """Write <snapshot_prefix>_iter_<n>.caffemodel and .solverstate."""
        self._core.snapshot()

    def apply_update(self) -> None:
        """Turn the parameters' diffs into an update and apply it."""
        self._core.apply_update()

    def share_weights(self, net: Net) -> None:
        """Make `net` use the parameters of the trained net."""
        self._core.share_weights(net._core)

    def add_callback(
        self,
        on_start: Callable[[], Any] | NCCLCore | None,
        on_gradients_ready: Callable[[], Any] | None = None,
    ) -> None:
        """Have functions called before each iteration's forward, and when its gradients are there.

        An exception they raise ends the run. An NCCL in their place joins the solver's gradients
        with those of others; it must live as long as the solver trains.
        """
        if isinstance(on_start, NCCLCore):
            on_start.hook_into_solver(self._core)
            return
        for function in (on_start, on_gradients_ready):
            if function is not None:
                check_callback(function)
        self._core.add_callback(on_start, on_gradients_ready)


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum."""

    type = "SGD"


class NesterovSolver(Solver):
    """Nesterov's accelerated gradient."""

    type = "Nesterov"


class AdaGradSolver(Solver):
    """Duchi et al., JMLR 2011."""

    type = "AdaGrad"


class RMSPropSolver(Solver):
    """Tieleman and Hinton, Coursera lecture 6.5, 2012."""

    type = "RMSProp"


class AdaDeltaSolver(Solver):
    """Zeiler, arXiv:1212.5701."""

    type = "AdaDelta"


class AdamSolver(Solver):
    """Kingma and Ba, arXiv:1412.6980."""

    type = "Adam"


_KINDS = {
    kind.type: kind
    for kind in (
        SGDSolver,
        NesterovSolver,
        AdaGradSolver,
        RMSPropSolver,
        AdaDeltaSolver,
        AdamSolver,
    )
}


def get_solver(solver_file: PathLike) -> Solver:
    """Make a solver of the type that its prototxt names (default SGD)."""
    core = SolverCore.load(fsencode(solver_file), "")
    kind = _KINDS.get(core.type, Solver)
    solver = kind.__new__(kind)
    solver._core = core
    return solver
