"""Class maps: which labels of the instance maps are classes, and their order."""

from dcme._core import CITYSCAPES, ClassMap

__all__ = ["CITYSCAPES", "ClassMap"]
