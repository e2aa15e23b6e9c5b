"""Nets: what pycaffe's users call ``caffe.Net``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Union, overload

import numpy as np
import numpy.typing as npt

from . import batches
from ._caffe import Error, NCCLCore, NetCore
from .batches import Array
from .net_structure import NetStructure
from .proto import caffe_pb2

TRAIN: int = caffe_pb2.TRAIN
TEST: int = caffe_pb2.TEST

PathLike = Union[str, "os.PathLike[str]"]


def check_callback(function: object) -> None:
    """Raise TypeError for what cannot be called."""
    if not callable(function):
        raise TypeError(f"a callback must be a function, not {function!r}")


class Net(NetStructure):
    """A directed graph of layers that compute on blobs.

    Parameters
    ----------
    network_file
        A prototxt, or a ``caffe_pb2.NetParameter``.
    phase
        ``caffe.TRAIN`` or ``caffe.TEST``.
    level, stages
        Select layers, together with the phase, by their include and exclude rules; default: level
        0, no stage.
    weights
        A .caffemodel or .h5 file whose parameters are loaded by layer name.

    The older order ``Net(network_file, weights, phase)`` is understood, too.

    Raises
    ------
    caffe.Error
        When a file cannot be read or the net is not valid.
    """

    def __init__(
        self,
        network_file: Any,
        *args: Any,
        phase: int | None = None,
        level: int | None = None,
        stages: Iterable[str] | None = None,
        weights: PathLike | None = None,
    ) -> None:
        options: dict[str, Any] = dict(phase=phase, level=level, stages=stages, weights=weights)
        old_order = bool(args) and isinstance(args[0], (str, os.PathLike))
        names = ("weights", "phase") if old_order else tuple(options)
        if len(args) > len(names):
            raise TypeError(f"Net takes a file and at most {len(names)} values, got {len(args)}")
        for name, value in zip(names, args):
            if options[name] is not None:
                raise TypeError(f"Net got multiple values for '{name}'")
            options[name] = value
        if isinstance(options["stages"], str):
            raise TypeError(f"stages is a list of names: [{options['stages']!r}]")
        if options["phase"] is None:
            raise TypeError("Net needs a phase: caffe.TRAIN or caffe.TEST")
        if options["phase"] not in (TRAIN, TEST):
            raise ValueError(
                f"a net's phase is caffe.TRAIN (0) or caffe.TEST (1), not {options['phase']}"
            )
        state = (int(options["phase"]), int(options["level"] or 0), list(options["stages"] or ()))
        if isinstance(network_file, caffe_pb2.NetParameter):
            self._core = NetCore.parse(network_file.SerializeToString(), *state)
        else:
            self._core = NetCore.load(os.fsencode(network_file), *state)
        if options["weights"] is not None:
            self.copy_from(options["weights"])

    @classmethod
    def _wrap(cls, core: NetCore) -> Net:
        """Give a net of the runtime (a solver's) its Python face."""
        net = cls.__new__(cls)
        net._core = core
        return net

    def __repr__(self) -> str:
        phase = "TRAIN" if self._core.phase == TRAIN else "TEST"
        return f"<caffe.Net '{self.name}' {phase}: {len(self._layer_names)} layers>"

    # ---- running ----

    def _forward(self, start: int, end: int) -> float:
        return self._core.forward(start, end)

    def _backward(self, start: int, end: int) -> None:
        self._core.backward(start, end)

    # A dict of arrays may be given as keywords; in the eyes of a type checker it might hold any of
    # the other arguments, too.
    @overload
    def forward(self, **kwargs: npt.ArrayLike) -> dict[str, Array]: ...
    @overload
    def forward(
        self,
        blobs: list[str] | None = ...,
        start: str | None = ...,
        end: str | None = ...,
        **kwargs: npt.ArrayLike,
    ) -> dict[str, Array]: ...
    def forward(
        self,
        blobs: Any = None,
        start: Any = None,
        end: Any = None,
        **kwargs: npt.ArrayLike,
    ) -> dict[str, Array]:
        """Run the layers from `start` to `end` (both included; default: all).

        Keywords are input blobs by name, copied in first. Returns the data of the output blobs (of
        the tops of `end`, if given) and of `blobs`, as views.
        """
        first = 0 if start is None else self._layer_index(start)
        last = len(self._layer_names) - 1 if end is None else self._layer_index(end)
        results = list(self.outputs if end is None else self.top_names[self._layer_names[last]])
        if kwargs and set(kwargs) != set(self.inputs):
            raise ValueError(
                f"Input blob arguments do not match net inputs: got {sorted(kwargs)}, "
                f"need {self.inputs}"
            )
        results += self._known_blobs(blobs)
        for name, values in kwargs.items():
            self._fill(name, values, "data")
        self._forward(first, last)
        return {n: self.blobs[n].data for n in dict.fromkeys(results)}

    @overload
    def backward(self, **kwargs: npt.ArrayLike) -> dict[str, Array]: ...
    @overload
    def backward(
        self,
        diffs: list[str] | None = ...,
        start: str | None = ...,
        end: str | None = ...,
        **kwargs: npt.ArrayLike,
    ) -> dict[str, Array]: ...
    def backward(
        self,
        diffs: Any = None,
        start: Any = None,
        end: Any = None,
        **kwargs: npt.ArrayLike,
    ) -> dict[str, Array]:
        """Run the layers backwards from `start` to `end` (both included; default: all).

        Keywords are diffs of all output blobs, or of all tops of `start`, copied in first. Returns
        the diffs of the input blobs (of the bottoms of `end`, if given) and of `diffs`, as views.
        """
        first = len(self._layer_names) - 1 if start is None else self._layer_index(start)
        last = 0 if end is None else self._layer_index(end)
        results = list(self.inputs if end is None else self.bottom_names[self._layer_names[last]])
        if kwargs:
            self._check_top_diffs(kwargs, None if start is None else self._layer_names[first])
        results += self._known_blobs(diffs)
        for name, values in kwargs.items():
            self._fill(name, values, "diff")
        self._backward(first, last)
        return {n: self.blobs[n].diff for n in dict.fromkeys(results)}

    def _check_top_diffs(self, given: Iterable[str], start: str | None) -> None:
        """Raise where names are neither those of the net's outputs nor of the tops of `start`."""
        allowed = {"net outputs": self.outputs}
        if start is not None:
            allowed[f"tops of '{start}'"] = self.top_names[start]
        if set(given) not in map(set, allowed.values()):
            raise ValueError(
                f"Top diff arguments do not match {' or '.join(allowed)}: got {sorted(given)}, "
                f"need {' or '.join(map(str, allowed.values()))}"
            )

    def _fill(self, name: str, values: npt.ArrayLike, which: str) -> None:
        array = np.asarray(values)
        target = getattr(self.blobs[name], which)
        if target.ndim and (array.ndim == 0 or array.shape[0] != target.shape[0]):
            raise ValueError(
                f"{which} of '{name}' is not batch sized: it has shape {array.shape}, "
                f"the blob {target.shape}"
            )
        try:
            target[...] = array
        except ValueError as error:
            raise ValueError(f"{which} of '{name}': {error}") from None

    @overload
    def forward_all(self, **kwargs: npt.ArrayLike) -> dict[str, npt.NDArray[Any]]: ...
    @overload
    def forward_all(
        self, blobs: list[str] | None = ..., **kwargs: npt.ArrayLike
    ) -> dict[str, npt.NDArray[Any]]: ...
    def forward_all(
        self, blobs: Any = None, **kwargs: npt.ArrayLike
    ) -> dict[str, npt.NDArray[Any]]:
        """Run forward over any number of items, batch by batch (the last one padded with zeros).

        Keywords are all input blobs, first axis = items. Returns the outputs and `blobs`, copied.
        """
        outs: dict[str, list[Array]] = {}
        for batch in self._batch(kwargs) if kwargs else [{}]:
            batches.append(outs, self.forward(blobs=blobs, **batch))
        return batches.join(outs, batches.number_of_items(kwargs))

    @overload
    def forward_backward_all(
        self, **kwargs: npt.ArrayLike
    ) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]: ...
    @overload
    def forward_backward_all(
        self,
        blobs: list[str] | None = ...,
        diffs: list[str] | None = ...,
        **kwargs: npt.ArrayLike,
    ) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]: ...
    def forward_backward_all(
        self,
        blobs: Any = None,
        diffs: Any = None,
        **kwargs: npt.ArrayLike,
    ) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
        """Run forward and backward over any number of items, batch by batch.

        Keywords are all input blobs and all diffs of outputs, first axis = items. Returns the
        output data (and `blobs`) and the input diffs (and `diffs`), copied.
        """
        data = {n: v for n, v in kwargs.items() if n not in self.outputs}
        grad = {n: v for n, v in kwargs.items() if n in self.outputs}
        outs: dict[str, list[Array]] = {}
        grads: dict[str, list[Array]] = {}
        pairs: Iterable[tuple[dict[str, Any], dict[str, Any]]] = zip_longest(
            self._batch(data) if data else [{}], self._batch(grad) if grad else [{}], fillvalue={}
        )
        for inputs, top_diffs in pairs:
            batches.append(outs, self.forward(blobs=blobs, **inputs))
            batches.append(grads, self.backward(diffs=diffs, **top_diffs))
        items = batches.number_of_items(kwargs)
        return batches.join(outs, items), batches.join(grads, items)

    def _batch(self, blobs: Mapping[str, npt.ArrayLike]) -> Iterator[dict[str, Any]]:
        """Cut arrays (or lists of items) into batches; the last one is padded with zeros."""
        return batches.cut(blobs, size=next(iter(self.blobs.values())).shape[0])

    def set_input_arrays(self, data: Array, labels: Array) -> None:
        """Make float32 arrays the source of the net's MemoryData layer, without copying them.

        `data` is N x C x H x W, `labels` has N values; N must be a multiple of the batch size.
        """
        for name, values in (("data", data), ("labels", labels)):
            if not isinstance(values, np.ndarray):
                raise TypeError(
                    f"{name} must be a NumPy array of float32, not a {type(values).__name__}"
                )
        if labels.ndim == 1:
            labels = np.ascontiguousarray(labels[:, np.newaxis, np.newaxis, np.newaxis])
        for index, layer in enumerate(self.layers):
            if layer.type == "MemoryData":
                self._core.set_input_arrays(data, labels, index)
                return
        raise Error("set_input_arrays needs a net with a MemoryData layer")

    def reshape(self) -> None:
        """Shape all layers anew, after input blobs were reshaped; forward does it, too."""
        self._core.reshape()

    def clear_param_diffs(self) -> None:
        """Set the diffs of all parameters to zero; backward adds to them."""
        self._core.clear_param_diffs()

    # ---- callbacks ----

    def before_forward(self, callback: Callable[[int], Any]) -> None:
        """Have `callback` called with the index of each layer before it runs forward."""
        check_callback(callback)
        self._core.before_forward(callback)

    def after_forward(self, callback: Callable[[int], Any]) -> None:
        """Have `callback` called with the index of each layer after it has run forward."""
        check_callback(callback)
        self._core.after_forward(callback)

    def before_backward(self, callback: Callable[[int], Any]) -> None:
        """Have `callback` called with the index of each layer before it runs backward."""
        check_callback(callback)
        self._core.before_backward(callback)

    def after_backward(self, callback: Callable[[int], Any] | NCCLCore) -> None:
        """Have `callback` called with the index of each layer after it has run backward.

        An NCCL in its place sends gradients off as soon as they are complete.
        """
        if isinstance(callback, NCCLCore):
            callback.hook_into_net(self._core)
            return
        check_callback(callback)
        self._core.after_backward(callback)

    # ---- parameters ----

    def copy_from(self, weights: PathLike) -> list[str]:
        """Load parameters by layer name from a .caffemodel or .h5 file.

        Returns the names of the layers that have them now (beyond pycaffe, which returns nothing).
        """
        return self._core.copy_from(os.fsencode(weights))

    def share_with(self, other: Net) -> None:
        """Use the parameters of another net's layers of the same names, without copying."""
        self._core.share_with(other._core)

    def save(self, filename: PathLike) -> None:
        """Write the parameters to a .caffemodel file."""
        self._core.save(os.fsencode(filename))

    def save_hdf5(self, filename: PathLike) -> None:
        """Write the parameters to an HDF5 file."""
        self._core.save_hdf5(os.fsencode(filename))

    def load_hdf5(self, filename: PathLike) -> list[str]:
        """``copy_from`` for HDF5 files, whatever their name."""
        return self._core.load_hdf5(os.fsencode(filename))
