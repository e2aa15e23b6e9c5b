"""Choices that a net leaves open: a dataclass of plain values, set by text such as dropout=0.5."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound="DataclassInstance")


class ChoiceError(ValueError):
    """A choice that the net does not have, or a value that does not fit it."""


def _value(text: str, default: Any) -> Any:
    """The value of the default's type that the text stands for."""
    if isinstance(default, bool):
        try:
            return {"true": True, "false": False}[text.lower()]
        except KeyError:
            raise ValueError(text) from None
    return type(default)(text)


def with_choices(choices: C, settings: list[str]) -> C:
    """``choices`` with every ``name=value`` of the settings taken over."""
    known: dict[str, Any] = {field.name: getattr(choices, field.name) for field in fields(choices)}
    changed: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in known:
            raise ChoiceError(f"no choice '{name}'; there are {', '.join(known)}")
        try:
            changed[name] = _value(text, known[name])
        except ValueError:
            kind = type(known[name]).__name__
            raise ChoiceError(f"{name} takes a value of type {kind}, not '{text}'") from None
    return replace(choices, **changed)
