"""What a folder's content is made from, kept in a file beside it.

Who goes on in the folder later must be making the same, and what an item was made from must not
have changed since. What is read is known by what it is, not by where it is: a folder may be moved
together with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dcme.errors import UserError
from dcme.files import PathLike, read_json, write_json

_SOURCES = "sources"

Sources = Mapping[str, Sequence[Path]]
"""The files that each item is made from."""


def short_mark(parts: Iterable[str]) -> str:
    """Ten letters that change with any of the parts."""
    # Names of files may hold bytes that are no UTF-8.
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()[:10]


def file_state(path: Path) -> str:
    """Differs from that of any other file, and after any change."""
    state = path.stat()
    return f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"


def content_mark(path: Path) -> str:
    """Differs from that of a file that says anything else."""
    return _digest(path, file_state(path))


@lru_cache(maxsize=64)
def _digest(path: Path, state: str) -> str:
    """Of a file in a state; weights are read once, however many images are predicted by calls."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class Place:
    """A setting that is a path: the same one wherever it leads, if the same is there."""

    path: str
    content: str
    """Changes with what is there."""
    may_change: bool = False
    """Whether it is the same, too, if something else is at the same path now."""

    @classmethod
    def seen_from(cls, folder: PathLike, path: PathLike) -> Place:
        """A path that is the same one if either it is, or the way to it from a folder."""
        there = Path(path).resolve()
        return cls(str(there), os.path.relpath(there, Path(folder).resolve()), may_change=True)

    def differs(self, kept: Any) -> tuple[Any, str] | None:
        """How it differs from what a file tells of it, for messages; None where it does not.

        Files of earlier versions tell only the path.
        """
        known = kept if isinstance(kept, dict) else {"path": kept}
        path, content = known.get("path"), known.get("content")
        if content == self.content or (self.may_change and path == self.path):
            return None
        if path != self.path:
            return path, self.path
        before = "unknown, as an earlier version left it" if content is None else content
        return f"content {before}", f"content {self.content}"


def _place_as_json(place: Place) -> dict[str, str]:
    return {"path": place.path, "content": place.content}


def _difference(kept: Any, wanted: Any) -> tuple[Any, Any] | None:
    """A setting in a file and now, as messages show them; None where they are the same."""
    if isinstance(wanted, Place):
        return wanted.differs(kept)
    wanted = json.loads(json.dumps(wanted))
    if kept == wanted:
        return None
    return (kept.get("path") if isinstance(kept, dict) else kept), wanted


def state_below(folder: Path, files: Iterable[Path]) -> str:
    """Ten letters that change when a file is changed, or moved without the folder."""
    base = folder.resolve()
    states = (file_state(path).rsplit(" ", 2) for path in files)
    return short_mark(" ".join((os.path.relpath(path, base), *state)) for path, *state in states)


def _states(folder: Path, files: Sequence[Path]) -> str:
    """Two words, of which the first changes when a file is changed or moved, and the second when
    it is changed or moved without the folder."""
    return f"{short_mark(map(file_state, files))} {state_below(folder, files)}"


def _sources(content: Mapping[str, Any]) -> dict[str, str]:
    """What the items are made from, according to a file's content; whoever edited it may have left
    something else there."""
    kept = content.get(_SOURCES)
    return kept if isinstance(kept, dict) else {}


@dataclass(frozen=True)
class Recipe:
    """The settings that ``folder`` is filled with, kept as JSON in its file ``name``."""

    folder: Path
    name: str
    settings: Mapping[str, Any]
    other: str
    """What the folder would hold if they differed, for messages: ``another data set``."""
    required: bool = False
    """Whether a folder that holds something without the file is not gone on with."""

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.folder / self.name

    def require_folder_of_its_own(self) -> None:
        """Raise for what is no folder, and where the file is required and not there."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"{self.folder}: is a file; name a folder")
        absent = self.required and not self.path.exists()
        if absent and self.folder.is_dir() and any(self.folder.iterdir()):
            raise UserError(
                f"{self.folder}: is not empty and holds no {self.name}; choose another folder"
            )

    def check(self, advice: str = "choose another folder") -> None:
        """Raise where the folder was filled with other settings; the first of them is named."""
        found = self._kept()
        if not found:
            return
        for key, (was, wants) in self._differences(found):
            before, now = ("not given" if v is None else v for v in (was, wants))
            raise UserError(
                f"{self.folder}: holds {self.other} ({key}: {before}; now {now}); {advice}"
            )

    def unchanged(self, sources: Sources) -> set[str]:
        """The items that were made from what their ``sources`` are now."""
        known = _sources(self._kept())
        states = self._states_of(sources)
        return {
            item
            for item, state in states.items()
            if set(state.split()) & set(str(known.get(item)).split())
        }

    def keep(self, sources: Sources | None = None) -> None:
        """Write the file; with what its items are made from, beside those that it knows already.

        Those known are forgotten where the settings are other ones now. What is there of an item
        that is not ``unchanged`` has to be removed before, and the file written before the item is.
        """
        found = self._kept()
        content = json.loads(json.dumps(self.settings, default=_place_as_json))
        known = {} if any(self._differences(found)) else _sources(found)
        states = self._states_of(sources) if sources else {}
        write_json(self.path, {**content, **({_SOURCES: {**known, **states}} if states else {})})

    def _states_of(self, sources: Sources) -> dict[str, str]:
        return {item: _states(self.folder, files) for item, files in sources.items()}

    def _differences(self, found: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
        """The settings that are other ones than a file tells, before and now."""
        for key in dict.fromkeys([*self.settings, *found]):
            difference = _difference(found.get(key), self.settings.get(key))
            if key != _SOURCES and difference is not None:
                yield key, difference

    def _kept(self) -> dict[str, Any]:
        """What the file says; nothing where there is none."""
        if not self.path.exists():
            return {}
        try:
            return dict(read_json(self.path))
        except (ValueError, TypeError):
            what = self.folder if self.required else "this file"
            raise UserError(f"{self.path}: is damaged; delete {what} and start again") from None
