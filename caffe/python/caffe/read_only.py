"""Attributes that are worked out once and cannot be set."""

from __future__ import annotations

from functools import cached_property
from typing import NoReturn, TypeVar

T = TypeVar("T")


class read_only(cached_property[T]):
    """A ``cached_property`` that refuses to be set: AttributeError."""

    def __set__(self, owner: object, value: object) -> NoReturn:
        raise AttributeError(f"{type(owner).__name__}.{self.attrname} cannot be set")
