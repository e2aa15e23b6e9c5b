"""DCME: instance segmentation by regression to the centre of mass.

Encode instance maps as vectors to the instances' centres, decode vectors into instances, evaluate.
"""

from dcme.classes import CITYSCAPES, ClassMap
from dcme.decoding import Instances, decode, masks_full_resolution
from dcme.encoding import encode, instances, magnitude, reduce_ids
from dcme.evaluation import CITYSCAPES_VOID, EvaluationResult, Evaluator
from dcme.grid import classify_instances, grid_classes
from dcme.matching import Matching, matching, matching_dataset

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
