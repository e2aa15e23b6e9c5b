"""A net that grows at random, and knows from its twin what its blobs hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from caffe.proto.caffe_pb2 import TEST, TRAIN, LayerParameter, NetParameter

from twin.layer import Layer
from twin.net import Net
from twin.parameters import Parameters

T = TypeVar("T")
# Larger numbers make a training burst, more of them make it slow.
LARGEST, MOST = 20, 20000


class GrowingNet:
    """Layers on data sets of some rows, of which each batch takes the next ones.

    The first axis of every blob with axes is the batch, or some batches behind each other, so that
    batches may have any size, unless they are to be `of_one_size`. `values` are those of blobs that
    layers to come may read.
    """

    def __init__(self, seed: int | Sequence[int]) -> None:
        self.rng = np.random.default_rng(seed)
        self.batch = int(self.rng.integers(1, 5))
        self.rows = 2 * self.batch + int(self.rng.integers(0, 4))
        self.data: dict[str, np.ndarray] = {}
        self.values: dict[str, torch.Tensor] = {}
        self.parameters = Parameters(self.rng)
        self.layers: list[LayerParameter] = []
        self.of_one_size = False
        # What values may be off, by the usual limits. Of very many some are so near to 0 that
        # rounding decides what ReLU makes of them.
        self.slack = 1.0
        self.most = MOST
        self._twin = Net(NetParameter(), TRAIN, self.parameters)
        self._reads: Counter[str] = Counter()

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.rng.random() < probability

    def choose(self, *options: T) -> T:
        """One of the options; the oftener named, the likelier."""
        return options[int(self.rng.integers(len(options)))]

    def shape(self, blob: str) -> tuple[int, ...]:
        """A blob's shape, for the first batch."""
        return tuple(self.values[blob].shape)

    def pick(self, axes: range) -> str | None:
        """A blob with so many axes; rather one that nothing reads yet, or a late one."""
        fitting = [name for name, value in self.values.items() if value.dim() in axes]
        unread = [name for name in fitting if not self._reads[name]]
        if not fitting:
            return None
        if unread and self.chance(0.75):
            return self.choose(*unread)
        return self.choose(*fitting[-3:], *fitting)

    def alike(self, blob: str, but_for: int | None = None) -> list[str]:
        """The blobs of a blob's shape, in which one axis may differ."""

        def rest(name: str) -> list[int]:
            return [size for axis, size in enumerate(self.shape(name)) if axis != but_for]

        same = self.values[blob].dim()
        return [n for n in self.values if self.values[n].dim() == same and rest(n) == rest(blob)]

    def nearly_equal(self, blob: str) -> bool:
        """Whether an item or a plane has values that only rounding tells apart, so that none is
        the largest for sure."""
        value = self.values[blob]
        gaps = value.flatten(2 if value.dim() == 4 else 1).sort(-1).values.diff(dim=-1)
        return bool(((gaps > 0) & (gaps < 1e-12)).any())

    def unread(self) -> list[str]:
        """The blobs that no layer reads."""
        return [name for name in self.values if not self._reads[name] and name not in self.data]

    def dataset(self, name: str, rows: np.ndarray, for_layers: bool = False) -> str:
        """A blob of data, which layers to come may read or, as labels, only the next one."""
        self.data[name] = rows.astype(np.float32)
        value = torch.tensor(self.data[name][: self.batch], dtype=torch.float64)
        self._twin.blobs[name] = [value]
        if for_layers:
            self.values[name] = value
        return name

    def may_be_in_place(self, blob: str) -> bool:
        """At random, where nothing else reads the blob and it is no data."""
        return blob not in self.data and not self._reads[blob] and self.chance(0.6)

    def add(
        self,
        type: str,
        bottoms: Sequence[str],
        tops: int = 1,
        in_place: bool = False,
        **fields: Any,
    ) -> str | None:
        """A layer, if it can be and its values are of ordinary size; the name of its first top."""
        number = len(self.layers)
        names = [bottoms[0]] if in_place else [f"b{number}{'xyz'[i]}" for i in range(tops)]
        if bottoms and "Loss" not in type and type != "Silence" and self.chance(0.03):
            fields["propagate_down"] = [self.chance(0.3) and b in self.values for b in bottoms]
        proto = LayerParameter(name=f"L{number}", type=type, bottom=bottoms, top=names, **fields)
        try:
            with torch.no_grad():
                found = self._twin.compute(Layer(proto, TRAIN, self.parameters))
        except (RuntimeError, ValueError, IndexError):
            found = [torch.tensor(torch.nan)]
        if not all(0 < v.numel() <= self.most and float(v.abs().max()) <= LARGEST for v in found):
            self.parameters.forget(proto.name)
            return None
        self._reads.update(bottoms)
        self._twin.accept(proto, found)
        self.layers.append(proto)
        for name, value in zip(names, found):
            self.values[name] = value
            self._reads[name] = 1 if proto.loss_weight else 0  # which reads it, too
        return names[0] if names else bottoms[0]

    def hide(self, blob: str) -> str:
        """Keep a blob from all layers to come but those that ask for it by name."""
        del self.values[blob]
        return blob

    def on_files(self, source: str, test_batch: int) -> NetParameter:
        """The net on a list of HDF5 files, with a test net of batches of another size."""
        readers = [
            LayerParameter(
                name="data",
                type="HDF5Data",
                top=self.data,
                include=[{"phase": phase}],
                hdf5_data_param={"source": source, "batch_size": size},
            )
            for phase, size in ((TRAIN, self.batch), (TEST, test_batch))
        ]
        return NetParameter(layer=[*readers, *self.layers])

    def on_inputs(self, force_backward: bool) -> NetParameter:
        """The net on blobs that the caller fills, and whose gradients it has, too, if told so."""
        shapes = [{"dim": (self.batch, *rows.shape[1:])} for rows in self.data.values()]
        data = LayerParameter(
            name="data", type="Input", top=self.data, input_param={"shape": shapes}
        )
        return NetParameter(layer=[data, *self.layers], force_backward=force_backward)

    def batch_at(self, row: int, size: int) -> dict[str, np.ndarray]:
        """The rows from one on, behind the last of which comes the first again."""
        which = np.arange(row, row + size) % self.rows
        return {name: rows[which] for name, rows in self.data.items()}
