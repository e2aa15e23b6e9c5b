"""Class maps: which labels of the instance maps are classes, their names and their order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dcme import _core
from dcme.errors import UserError

if TYPE_CHECKING:
    from dcme.files import PathLike

__all__ = ["CITYSCAPES", "ClassMap"]

LAST_LABEL = _core.LAST_LABEL
"""The highest of which all 999 instances that a map numbers fit into 16 bits: 64."""


class ClassMap(_core.ClassMap):
    """The classes of a data set; class k, from 1 on, is entry k - 1.

    Parameters
    ----------
    labels : ids of the classes in the instance maps (``id // 1000``), 1..64, each once.
    names : one for each label; by default ``class24`` and the like.
    ignored : labels that may occur but count as background.
    priority : all classes (from 1 on); the first of them that occurs in a block of a grid is the
        block's. By default in the order of ``labels``.
    """

    @classmethod
    def parse(cls, text: str) -> ClassMap:
        """``cityscapes`` or ``label:name,label:name,...``, e.g. ``1:nucleus``.

        A comma begins another class where a label follows; any other is one of a name's. Where the
        labels are Cityscapes', caravan and trailer are ignored as there.
        """
        if text == "cityscapes":
            return CITYSCAPES
        labels, names = [], []
        for part in re.split(r",\s*(?=\d+:)", text):
            label, colon, name = part.partition(":")
            known = label.isdecimal() and 1 <= int(label) <= LAST_LABEL
            if not known or not colon or not name:
                raise UserError(
                    f"class '{part}' is not LABEL:NAME with a label of 1..{LAST_LABEL}, "
                    "e.g. 1:nucleus"
                )
            labels.append(int(label))
            names.append(name)
        if len(set(labels)) < len(labels) or len(set(names)) < len(names):
            raise UserError(f"'{text}' names a class twice")
        classes = cls(labels, names)
        # In another order, as a net may have them, they are still Cityscapes' evaluated eight.
        return cls(labels, names, CITYSCAPES.ignored) if are_cityscapes(classes) else classes

    def __str__(self) -> str:
        """As ``parse`` reads it."""
        return ",".join(f"{label}:{name}" for label, name in zip(self.labels, self.names))

    def option(self) -> str:
        """What to give on a command line for these classes."""
        return f"--classes {shlex.quote(str(self))}"

    def and_labels(self, labels: Iterable[int], named: ClassMap | None = None) -> ClassMap:
        """These classes, then those of further labels; ``named`` may know names for them."""
        further = list(labels)
        names = _names_of(further, named, self.names)
        return ClassMap([*self.labels, *further], [*self.names, *names])

    def _key(self) -> tuple[tuple[object, ...], ...]:
        return tuple(self.labels), tuple(self.names), tuple(self.ignored), tuple(self.priority)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassMap) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def name_of(self, label: int) -> str:
        """Name of a label."""
        return self.names[self.labels.index(label)]


def _cityscapes() -> ClassMap:
    core = _core.CITYSCAPES
    return ClassMap(core.labels, core.names, core.ignored, core.priority)


CITYSCAPES = _cityscapes()
"""The eight evaluated classes of Cityscapes; caravan and trailer are ignored. The class with the
fewest instances in the training set is first in priority."""


def are_cityscapes(classes: _core.ClassMap) -> bool:
    """Whether the labels are those that Cityscapes evaluates, in any order."""
    return set(classes.labels) == set(CITYSCAPES.labels)


def _names_of(
    labels: Iterable[int], named: ClassMap | None, taken: Iterable[str] = ()
) -> list[str]:
    """The names that ``named`` knows for labels, but none that are taken; else ``class1``..."""
    names = dict(zip(named.labels, named.names)) if named else {}
    known = {k: name for k, name in names.items() if name not in ("", *taken)}
    return [known.get(k, f"class{k}") for k in labels]


def classes_option(classes: ClassMap, labels: Iterable[int], named: ClassMap | None = None) -> str:
    """The option for data with these labels of which not all are classes: the further ones after
    those there are or, where none of those occurs, the labels alone. ``named`` may know names."""
    found = sorted(set(labels) - set(classes.ignored))
    further = [label for label in found if label not in classes.labels]
    if further == found:
        return ClassMap(found, _names_of(found, named)).option()
    return classes.and_labels(further, named).option()


def require_classes(
    classes: ClassMap, labels: Iterable[int], path: PathLike, also: Iterable[int] = ()
) -> None:
    """Raise for a label that is neither of a class, nor among those left aside, nor ``also``."""
    given = set(labels)
    strange = sorted(given - {*classes.labels, *classes.ignored, *also})
    if strange:
        listed = ", ".join(f"{k} {n}" for k, n in zip(classes.labels, classes.names))
        # Other files may have the classes that somebody named; Cityscapes' are also the default.
        expected = given & set(classes.labels) if classes == CITYSCAPES else classes.labels
        remedy = (
            f"labels of classes end at {LAST_LABEL}"
            if strange[-1] > LAST_LABEL
            else f"name all classes of your data: {classes_option(classes, [*expected, *strange])}"
        )
        raise UserError(f"{path}: label {strange[0]} is none of the classes ({listed}); {remedy}")
