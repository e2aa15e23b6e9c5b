"""The numbers that the two papers print (paper_tables.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Optional

Values = dict[str, dict[str, Optional[float]]]
"""Row, then column."""

TITLES = {"isisa-2019": "Paper 2 (ISISA 2019)", "dcme-2017": "Paper 1 (DCME 2017)"}
_COLUMNS_OF_LISTS = ("AP", "AP50", "AP100m", "AP50m")


@dataclass(frozen=True)
class PaperTable:
    """A table as it was printed; AP and accuracies in percent."""

    key: str
    """Paper and table, e.g. ``isisa-2019/table1_right``."""
    what: str
    values: Values

    @property
    def columns(self) -> list[str]:
        """All columns that occur, in order."""
        return list(dict.fromkeys(name for row in self.values.values() for name in row))


@cache
def paper_tables() -> dict[str, PaperTable]:
    """All tables, and every number that the papers' text gives, by key."""
    content = json.loads(Path(__file__).with_name("paper_tables.json").read_text(encoding="utf-8"))
    tables = {}
    for paper, entries in content.items():
        for name, entry in entries.items():
            if name == "text":
                continue
            values = {
                row: dict(zip(_COLUMNS_OF_LISTS, v)) if isinstance(v, list) else v
                for row, v in entry["values"].items()
            }
            key = f"{paper}/{name}"
            tables[key] = PaperTable(key, entry["what"], values)
        for name, value in entries["text"].items():
            key = f"{paper}/{name}"
            tables[key] = PaperTable(key, "in the text", {"mean": {"AP": value}})
    return tables
