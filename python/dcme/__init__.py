"""DCME: instance segmentation by regression to the centre of mass.

Encode instance maps as vectors to the instances' centres, decode vectors into instances, evaluate.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dcme.classes import CITYSCAPES, ClassMap
    from dcme.decoding import Instances, decode, masks_full_resolution
    from dcme.encoding import encode, instances, magnitude, reduce_ids
    from dcme.evaluation import CITYSCAPES_VOID, EvaluationResult, Evaluator
    from dcme.grid import classify_instances, grid_classes
    from dcme.matches import Matching, matching, matching_dataset

__all__ = [
    "CITYSCAPES",
    "CITYSCAPES_VOID",
    "ClassMap",
    "EvaluationResult",
    "Evaluator",
    "Instances",
    "Matching",
    "classify_instances",
    "decode",
    "encode",
    "grid_classes",
    "instances",
    "magnitude",
    "masks_full_resolution",
    "matching",
    "matching_dataset",
    "reduce_ids",
]

_HOMES = {
    "classes": ("CITYSCAPES", "ClassMap"),
    "decoding": ("Instances", "decode", "masks_full_resolution"),
    "encoding": ("encode", "instances", "magnitude", "reduce_ids"),
    "evaluation": ("CITYSCAPES_VOID", "EvaluationResult", "Evaluator"),
    "grid": ("classify_instances", "grid_classes"),
    "matches": ("Matching", "matching", "matching_dataset"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `dcme --help` does without NumPy and OpenCV."""
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"dcme.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'dcme' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
