"""DCME: instance segmentation by regression to the centre of mass.

Encode instance maps as vectors to the instances' centres, decode vectors into instances, evaluate.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from dcme.classes import CITYSCAPES, ClassMap
from dcme.decoding import Instances, decode, masks_full_resolution
from dcme.encoding import encode, from_labels, instances, magnitude, reduce_ids
from dcme.evaluation import CITYSCAPES_VOID, EvaluationResult, Evaluator
from dcme.grid import classify_instances, grid_classes
from dcme.matching import Matching, matching, matching_dataset

if TYPE_CHECKING:
    from dcme.files import read_ids, read_image
    from dcme.prediction.network import Network, Preprocessing

try:
    __version__ = version("dcme")
except PackageNotFoundError:  # a folder on the path, not an installed package
    __version__ = "0"

_LATER = {
    "Network": "dcme.prediction.network",
    "Preprocessing": "dcme.prediction.network",
    "read_ids": "dcme.files",
    "read_image": "dcme.files",
}
"""What needs OpenCV or the runtime, which ``import dcme`` does not wait for."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'dcme' has no attribute '{name}'")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "CITYSCAPES",
    "CITYSCAPES_VOID",
    "ClassMap",
    "EvaluationResult",
    "Evaluator",
    "Instances",
    "Matching",
    "Network",
    "Preprocessing",
    "__version__",
    "classify_instances",
    "decode",
    "encode",
    "from_labels",
    "grid_classes",
    "instances",
    "magnitude",
    "masks_full_resolution",
    "matching",
    "matching_dataset",
    "read_ids",
    "read_image",
    "reduce_ids",
]
