"""Which layers a file of weights is for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from dcme.errors import UserError
from dcme.files import PathLike

_WITH_WEIGHTS = (
    *("Convolution", "Deconvolution", "InnerProduct", "Embed", "BatchNorm", "BN", "PReLU"),
    *("LSTM", "RNN", "Parameter"),
)


def weight_layers(path: PathLike) -> set[str]:
    """Names of the layers that a .caffemodel (or .caffemodel.h5) holds weights of."""
    from google.protobuf.message import DecodeError

    from caffe.proto import caffe_pb2

    if str(path).endswith((".h5", ".hdf5")):
        import h5py

        try:
            with h5py.File(path, "r") as file:
                return {name for name, group in file.get("data", {}).items() if len(group)}
        except Exception as error:  # damaged files raise whatever HDF5 comes upon
            raise UserError(f"{path}: cannot be read as weights ({error})") from None
    try:
        net = caffe_pb2.NetParameter.FromString(Path(path).read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except DecodeError:
        raise UserError(f"{path}: holds no weights (not a .caffemodel)") from None
    layers = [*net.layer, *net.layers, *(old.layer for old in net.layers)]
    return {layer.name for layer in layers if layer.blobs}


def has_weights(layer: Any) -> bool:
    """Whether a layer of a prototxt has weights by its type; of plug-ins this is not known."""
    if layer.type in ("Scale", "Bias"):  # with a second bottom these have their factors from there
        return len(layer.bottom) == 1
    return layer.type in _WITH_WEIGHTS


def require_any(learned: Collection[str], stored: Collection[str], path: PathLike) -> None:
    """Raise where a net learns layers, and the weights that ``path`` names are for none of them."""
    if learned and not set(learned) & set(stored):
        raise UserError(
            f"{path}: has weights for none of the net's layers; it holds "
            f"{', '.join(sorted(stored)[:4]) or 'no weights'} ..., the net "
            f"{', '.join(list(learned)[:4])}"
        )
