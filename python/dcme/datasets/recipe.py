"""What a folder's content is made from, kept in a file beside it.

Who goes on in the folder later must be making the same, and what an item was made from must not
have changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcme.errors import UserError
from dcme.files import read_json, write_json

_SOURCES = "sources"


def short_mark(parts: Iterable[str]) -> str:
    """Ten letters that change with any of the parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]


def file_state(path: Path) -> str:
    """Differs from that of any other file, and after any change."""
    state = path.stat()
    return f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"


def content_mark(path: Path) -> str:
    """Differs from that of a file that says anything else."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
        found, wanted = self._kept(), self._wanted()
        if not found:
            return
        for key in dict.fromkeys([*wanted, *found]):
            before, now = found.get(key), wanted.get(key)
            if key != _SOURCES and before != now:
                was, wants = ("not given" if v is None else v for v in (before, now))
                raise UserError(
                    f"{self.folder}: holds {self.other} ({key}: {was}; now {wants}); {advice}"
                )

    def unchanged(self, sources: Mapping[str, str]) -> set[str]:
        """The items that were made from what their ``sources`` (item: state) are now."""
        known = _sources(self._kept())
        return {item for item, state in sources.items() if known.get(item) == state}

    def keep(self, sources: Mapping[str, str] | None = None) -> None:
        """Write the file; with what its items are made from, beside those that it knows already.

        Those known are forgotten where the settings are other ones now. What is there of an item
        that is not ``unchanged`` has to be removed before, and the file written before the item is.
        """
        found, content = self._kept(), self._wanted()
        same = {key: value for key, value in found.items() if key != _SOURCES} == content
        known = _sources(found) if same else {}
        write_json(self.path, {**content, **({_SOURCES: {**known, **sources}} if sources else {})})

    def _wanted(self) -> dict[str, Any]:
        """The settings as they come back from the file."""
        return dict(json.loads(json.dumps(self.settings)))

    def _kept(self) -> dict[str, Any]:
        """What the file says; nothing where there is none."""
        if not self.path.exists():
            return {}
        try:
            return dict(read_json(self.path))
        except (ValueError, TypeError):
            what = self.folder if self.required else "this file"
            raise UserError(f"{self.path}: is damaged; delete {what} and start again") from None
