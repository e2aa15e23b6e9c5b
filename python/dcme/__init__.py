"""DCME: instance segmentation by regression to the centre of mass.

Encode instance maps as vectors to the instances' centres, decode vectors into instances, evaluate.
"""

from dcme.classes import CITYSCAPES, ClassMap
from dcme.encoding import encode, instances, magnitude, reduce_ids
from dcme.grid import classify_instances, grid_classes

__all__ = [
    "CITYSCAPES",
    "ClassMap",
    "classify_instances",
    "encode",
    "grid_classes",
    "instances",
    "magnitude",
    "reduce_ids",
]
