"""Nets of the runtime for prediction, loaded with their weights, in little memory."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dcme.datasets.recipe import Place, content_mark, short_mark
from dcme.errors import UserError
from dcme.files import PathLike
from dcme.training.caffe_train import nets_path, read_net

ONLY_ERRORS = 2
"""Level of the runtime's log: building a net otherwise prints a line for each blob."""

COPIES = 2
"""Beside what a layer reads and writes there may be one more of it, in another order of values."""


def _definition(deploy: Path) -> Any:
    """The net of a prototxt, which frees values between its layers once they are read; the path
    where it cannot be parsed, since the runtime tells better what is wrong."""
    try:
        net = read_net(deploy)
    except UserError:
        return str(deploy)
    if not net.HasField("blob_lifetime"):
        net.blob_lifetime = net.UNTIL_READ
    return net


def require_file(path: Path, kind: str) -> None:
    """Raise unless a path names a file, and one that may be of this kind, a suffix."""
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a {kind} file in it")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix in {".prototxt", ".caffemodel", ".solverstate"} - {kind}:
        raise UserError(f"{path}: is no {kind} file; name the net's prototxt, then its caffemodel")


def load_net(deploy: PathLike, weights: PathLike | None) -> Any:
    """A ``caffe.Net`` for testing with one input.

    Only its inputs and outputs can be looked at, unless the prototxt says ``blob_lifetime: KEEP``.
    Raises where files are missing or do not fit: every layer that learns must have its weights.
    """
    deploy = nets_path(deploy)
    require_file(deploy, ".prototxt")
    if weights is not None:
        require_file(Path(weights), ".caffemodel")
    import caffe

    caffe.init_log(ONLY_ERRORS)
    net = caffe.Net(_definition(deploy), caffe.TEST)
    if len(net.inputs) != 1:
        raise UserError(f"{deploy}: has {len(net.inputs)} inputs; a deploy net for images has one")
    if weights is not None:
        taken = set(net.copy_from(str(weights)))
        missing = [name for name in net.params if name not in taken]
        if missing and not Path(weights).stat().st_size:
            raise UserError(f"{weights}: is an empty file; copy it again, or train anew")
        if missing:
            raise UserError(
                f"{weights}: has no weights for {len(missing)} of the {len(net.params)} layers of "
                f"{deploy} ({', '.join(missing[:4])}{', ...' if len(missing) > 4 else ''}); are "
                "they of another net?"
            )
    return net


def net_mark(deploy: PathLike, weights: PathLike | None) -> dict[str, Any]:
    """What tells a net with its weights from others: it changes with what either file says."""
    return {
        "net": _known_by_content(nets_path(deploy)),
        "weights": "none" if weights is None else _known_by_content(Path(weights)),
    }


def _known_by_content(path: Path) -> Place:
    return Place(str(path.resolve()), short_mark([content_mark(path)]))


def use_gpu(number: int) -> None:
    """Run the networks that are loaded from now on on this GPU; raises where it is not usable."""
    import caffe

    try:
        caffe.set_mode_gpu()
        caffe.set_device(number)
    except caffe.Error as error:
        # What the runtime advises is for those who write solvers and Python.
        reason = re.split("[;:] ", str(error))[0]
        raise UserError(f"{reason}; leave out --gpu to compute on the CPU") from None


def available_memory() -> int:
    """Bytes of memory that this machine has to spare; a large number where it does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 1 << 62


def bytes_at_once(net: Any) -> float:
    """Memory, about, that the blobs of a net take which frees them once they are read."""
    steps = list(zip(net.bottom_names.values(), net.top_names.values()))
    last_read = {name: k for k, (bottoms, _) in enumerate(steps) for name in bottoms}
    last_read.update((name, len(steps)) for name in (*net.inputs, *net.outputs))
    sizes = {name: int(np.prod(blob.shape)) for name, blob in net.blobs.items()}
    living: set[str] = set(net.inputs)
    most = 0
    for k, (_, tops) in enumerate(steps):
        living |= set(tops)
        most = max(most, sum(sizes[name] for name in living))
        living = {name for name in living if last_read.get(name, k) > k}
    return 4.0 * COPIES * most


class SharedNet:
    """A net with one input as a function of it, which threads may share: their calls take turns.

    Locks of the runtime guard single passes; here one is held from the input to the outputs.
    """

    def __init__(self, deploy: PathLike, weights: PathLike | None) -> None:
        self.net: Any = load_net(deploy, weights)
        self.outputs: list[str] = list(self.net.outputs)
        self._input = self.net.blobs[self.net.inputs[0]]
        self.shape: tuple[int, ...] = tuple(map(int, self._input.shape))
        """That of the input in the deploy file."""
        self._lock = threading.Lock()

    def __call__(
        self,
        batch: np.ndarray,
        needed: Callable[[Mapping[str, np.ndarray]], Iterable[str]] = list,
    ) -> dict[str, np.ndarray]:
        """Those outputs by name that are ``needed`` of all; the input takes the batch's shape."""
        with self._lock:
            if tuple(self._input.shape) != batch.shape:
                self._reshape(batch.shape)
            self._input.data[...] = batch
            outputs = self.net.forward()
            # Copies, for the next forward pass writes into the same memory.
            return {name: np.array(outputs[name]) for name in needed(outputs)}

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether the input can have this shape."""
        with self._lock:
            try:
                self._reshape(shape)
                return True
            except RuntimeError:
                self._reshape(self.shape)
                return False

    def bytes_per_value(self) -> float:
        """Memory that the net takes for each value of its input, about."""
        with self._lock:
            return bytes_at_once(self.net) / int(np.prod(self._input.shape))

    def _reshape(self, shape: tuple[int, ...]) -> None:
        self._input.reshape(*shape)
        self.net.reshape()
