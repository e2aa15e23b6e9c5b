"""The report of a reproduction as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dcme.files import read_image, write_json
from dcme.pictures.report import Page
from dcme.reproduce.context import Context
from dcme.reproduce.paper import TITLES
from dcme.reproduce.runner import Report, as_json


def write_report(
    context: Context, reports: Sequence[Report], figures: Mapping[str, Path], about: str
) -> Path:
    """Write report.json and index.html; returns the page's path."""
    write_json(context.out / "report.json", as_json(reports))
    page = Page("Both papers, reproduced")
    page.text(about)
    states = [report.state for report in reports]
    page.cards(
        [
            ("tables computed", str(states.count("done"))),
            ("not run", str(states.count("missing"))),
            ("failed", str(states.count("failed"))),
            ("of others, cited", str(states.count("cited"))),
        ]
    )
    for paper, title in TITLES.items():
        mine = [r for r in reports if r.experiment.key.startswith(f"{paper}/")]
        if not mine:
            continue
        page.heading(title)
        for report in mine:
            _add(page, report)
    if figures:
        page.heading("Figures")
        for caption, path in figures.items():
            page.gallery([[(caption, read_image(path))]])
    page.write(context.out / "index.html")
    return context.out / "index.html"


def _add(page: Page, report: Report) -> None:
    page.text(f"{report.experiment.title}: {report.paper.what}.")
    page.table(report.table())
    notes = list(report.outcome.notes) if report.outcome else []
    if report.missing:
        notes.append("Not run: " + "; ".join(report.missing) + ".")
    if report.failure:
        notes.append(f"Failed: {report.failure}")
    if report.state == "cited":
        notes.append("Numbers of another method, cited.")
    if notes:
        page.text(" ".join(notes), soft=True)
