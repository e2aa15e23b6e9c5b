"""What a net consists of: its blobs, layers and parameters, by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import cached_property

from ._caffe import Blob, BlobVec, Layer, NetCore
from .read_only import read_only


class NetStructure:
    """The part of ``caffe.Net`` that looks at a net of the runtime without running it."""

    _core: NetCore

    @cached_property
    def name(self) -> str:
        """The name that the prototxt gives the net. A program may set another."""
        return self._core.name

    @read_only
    def _blob_names(self) -> list[str]:
        return self._core.blob_names

    @read_only
    def _layer_names(self) -> list[str]:
        return self._core.layer_names

    @read_only
    def _blobs(self) -> list[Blob]:
        return self._core.blobs

    @read_only
    def _inputs(self) -> list[int]:
        return self._core.inputs

    @read_only
    def _outputs(self) -> list[int]:
        return self._core.outputs

    @read_only
    def _blob_loss_weights(self) -> list[float]:
        return self._core.blob_loss_weights

    def _top_ids(self, layer: int) -> list[int]:
        return self._core.top_ids(layer)

    def _bottom_ids(self, layer: int) -> list[int]:
        return self._core.bottom_ids(layer)

    @read_only
    def blobs(self) -> OrderedDict[str, Blob]:
        """The blobs by name, in the order in which the net makes them."""
        return OrderedDict(zip(self._blob_names, self._blobs))

    @read_only
    def blob_loss_weights(self) -> OrderedDict[str, float]:
        """By blob name, the blob's weight in the loss."""
        return OrderedDict(zip(self._blob_names, self._blob_loss_weights))

    @read_only
    def layers(self) -> list[Layer]:
        """The layers, in the order in which they run; those added by the net included."""
        return self._core.layers

    @read_only
    def layer_dict(self) -> OrderedDict[str, Layer]:
        """The layers by name."""
        return OrderedDict(zip(self._layer_names, self.layers))

    @read_only
    def params(self) -> OrderedDict[str, BlobVec]:
        """By layer name, the parameter blobs of the layers that have some."""
        named = ((name, self._core.layer_blobs(i)) for i, name in enumerate(self._layer_names))
        return OrderedDict((name, blobs) for name, blobs in named if len(blobs))

    @read_only
    def inputs(self) -> list[str]:
        """Names of the input blobs."""
        return [self._blob_names[i] for i in self._inputs]

    @read_only
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads."""
        return [self._blob_names[i] for i in self._outputs]

    @property
    def _input_list(self) -> list[str]:
        # As scripts call it.
        return self.inputs

    @property
    def _output_list(self) -> list[str]:
        return self.outputs

    @read_only
    def top_names(self) -> OrderedDict[str, list[str]]:
        """By layer name, the names of the blobs it writes."""
        return self._names_by_layer(self._top_ids)

    @read_only
    def bottom_names(self) -> OrderedDict[str, list[str]]:
        """By layer name, the names of the blobs it reads."""
        return self._names_by_layer(self._bottom_ids)

    def _names_by_layer(self, ids: Callable[[int], list[int]]) -> OrderedDict[str, list[str]]:
        return OrderedDict(
            (layer, [self._blob_names[b] for b in ids(i)])
            for i, layer in enumerate(self._layer_names)
        )

    def _layer_index(self, layer: str | int) -> int:
        if isinstance(layer, int):
            return layer
        if layer not in self._layer_names:
            raise ValueError(f"the net has no layer '{layer}'; it has {self._layer_names}")
        return self._layer_names.index(layer)

    def _known_blobs(self, names: Iterable[str] | None) -> list[str]:
        asked = list(names or ())
        for name in asked:
            if name not in self.blobs:
                raise ValueError(f"the net has no blob '{name}'; it has {self._blob_names}")
        return asked
