"""Tables of figures as text, CSV, JSON, LaTeX and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Union

import numpy as np

from dcme.errors import UserError
from dcme.files import PathLike, write_text

Cell = Union[str, int, float, None]
"""None and NaN are shown as a dash."""

_LATEX_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
)


@dataclass(frozen=True)
class Table:
    """Named columns and rows; the first column holds the rows' names."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    decimals: int = 3
    """Of floats, where people read them; CSV and JSON keep all digits."""
    strong: int = 0
    """The last so many rows are set off: means, totals."""

    def __post_init__(self) -> None:
        """Names must tell columns apart, or readers of CSV and JSON would lose some."""
        _require_unique([name.lower() for name in self.header], "columns")

    def _shown(self, value: Cell) -> str:
        if _is_missing(value):
            return "-"
        return f"{value:.{self.decimals}f}" if isinstance(value, float) else str(value)

    def _grid(self) -> list[list[str]]:
        return [list(self.header), *([self._shown(cell) for cell in row] for row in self.rows)]

    def as_text(self) -> str:
        """Columns aligned for the terminal, the title above unless it is empty."""
        grid = self._grid()
        widths = [max(len(row[k]) for row in grid) for k in range(len(self.header))]
        lines = [self.title] if self.title else []
        for row in grid:
            cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines) + "\n"

    def as_csv(self) -> str:
        """Comma-separated values; column names in lower case, missing values as nan."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([name.lower() for name in self.header])
        for row in self.rows:
            writer.writerow(["nan" if cell is None else cell for cell in row])
        return stream.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: {row: {column: value}}, missing ones as None.

        Raises where two rows have one name.
        """
        _require_unique([str(row[0]) for row in self.rows], "rows")
        return {
            str(row[0]): {
                name: None if _is_missing(cell) else cell
                for name, cell in zip(self.header[1:], row[1:])
            }
            for row in self.rows
        }

    def as_json(self) -> str:
        """``as_dict`` with the title, as JSON."""
        return json.dumps({"title": self.title, "rows": self.as_dict()}, indent=2) + "\n"

    def as_markdown(self) -> str:
        """A pipe table."""
        head, *body = self._grid()
        lines = [f"**{self.title}**", ""] if self.title else []
        lines.append("| " + " | ".join(head) + " |")
        lines.append("|---|" + "---:|" * (len(head) - 1))
        for index, row in enumerate(body):
            cells = [cell.replace("|", "\\|") for cell in row]
            if index >= len(body) - self.strong:
                cells = [f"**{cell}**" if cell else "" for cell in cells]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def as_html(self) -> str:
        """A ``table`` without its title."""
        head, *body = self._grid()
        rows = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
        rows += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in body]
        first = len(rows) - self.strong
        kinds = (' class="strong"' if index >= first else "" for index in range(len(rows)))
        return f"<table>{''.join(f'<tr{k}>{row}</tr>' for k, row in zip(kinds, rows))}</table>"

    def as_latex(self) -> str:
        """A ``tabular`` in a ``table`` with the title as its caption (needs booktabs)."""
        head, *body = ([cell.translate(_LATEX_SPECIAL) for cell in row] for row in self._grid())
        lines = [r"\begin{table}", r"\centering"]
        if self.title:
            lines.append(rf"\caption{{{self.title.translate(_LATEX_SPECIAL)}}}")
        lines += [rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", r"\toprule"]
        lines += [" & ".join(head) + r" \\", r"\midrule"]
        for index, row in enumerate(body):
            if self.strong and index == len(body) - self.strong:
                lines.append(r"\midrule")
            lines.append(" & ".join(row) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
        return "\n".join(lines) + "\n"


_FORMATS = {
    ".txt": Table.as_text,
    ".csv": Table.as_csv,
    ".json": Table.as_json,
    ".md": Table.as_markdown,
    ".tex": Table.as_latex,
}


def _is_missing(value: Cell) -> bool:
    return value is None or (isinstance(value, float) and bool(np.isnan(value)))


def _require_unique(names: Sequence[str], kind: str) -> None:
    double = [name for name, times in Counter(names).items() if times > 1]
    if double:
        raise ValueError(f"a table has two {kind} '{double[0]}'")


def format_of(path: PathLike) -> str:
    """The suffix of a table's file; raises where no such format is known."""
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise UserError(f"{path}: tables are written as {', '.join(_FORMATS)}")
    return suffix


def write_tables(path: PathLike, tables: Mapping[str, Table]) -> list[Path]:
    """Write the first one as ``path``, others beside it: ``t_matching.csv`` to ``t.csv``."""
    first = Path(path)
    names = ["", *(f"_{name}" for name in list(tables)[1:])]
    paths = [first.with_name(f"{first.stem}{name}{first.suffix}") for name in names]
    for each, table in zip(paths, tables.values()):
        write_table(each, table)
    return paths


def write_table(path: PathLike, table: Table) -> None:
    """Write a table in the format of the path's suffix: .txt, .csv, .json, .md or .tex."""
    write_text(path, _FORMATS[format_of(path)](table))
