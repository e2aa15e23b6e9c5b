"""Runs what can be run, keeps every table when it is done, and says what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dcme.errors import EXPECTED, UserError, one_line
from dcme.files import read_json, write_json
from dcme.reproduce.context import Context
from dcme.reproduce.experiments import EXPERIMENTS, Experiment, Outcome
from dcme.reproduce.paper import TITLES, PaperTable, paper_tables
from dcme.tables import Cell, Table, write_table

_COUNTS = ("instances", "correct", "detections")
"""Columns of numbers that grow with the data set: their difference says nothing of other data."""


@dataclass(frozen=True)
class Report:
    """One experiment: the paper's numbers, ours if it ran, what is missing or failed if not."""

    experiment: Experiment
    paper: PaperTable
    outcome: Outcome | None
    missing: list[str]
    failure: str = ""
    """Why it failed; empty where it did not."""

    @property
    def state(self) -> str:
        """In a word: ``done``, ``cited``, ``missing``, ``failed``, or ``to do`` if it never ran."""
        if self.experiment.run is None:
            return "cited"
        if self.missing:
            return "missing"
        if self.failure:
            return "failed"
        return "to do" if self.outcome is None else "done"

    def table(self) -> Table:
        """Paper, ours and, but for counts, the difference of each row, column by column."""
        ours = self.outcome.values if self.outcome else {}
        printed = self.paper.values
        beyond = [name for row in ours.values() for name in row if name not in self.paper.columns]
        header = ["class" if len(printed) > 1 else ""]
        for name in self.paper.columns:
            parts = ("paper", "ours") if name in _COUNTS else ("paper", "ours", "diff.")
            header += [f"{name} {part}" for part in parts] if ours else [name]
        header += dict.fromkeys(beyond)
        rows: list[list[Cell]] = []
        for row in dict.fromkeys([*printed, *ours]):
            cells: list[Cell] = [row]
            for name in self.paper.columns:
                here, there = ours.get(row, {}).get(name), printed.get(row, {}).get(name)
                apart = None if here is None or there is None else here - there
                compared = [there, here] if name in _COUNTS else [there, here, apart]
                cells += compared if ours else [there]
            cells += [ours.get(row, {}).get(name) for name in dict.fromkeys(beyond)]
            rows.append(cells)
        paper = self.experiment.key.split("/")[0]
        return Table(f"{TITLES[paper]}, {self.experiment.title}", header, rows, 2)


def _stored(context: Context, experiment: Experiment) -> Path:
    return context.out / "values" / f"{experiment.key.replace('/', '_')}.json"


def _mark(context: Context, experiment: Experiment) -> str:
    """Changes when the outcome could."""
    nets = experiment.nets or tuple(context.nets)
    splits = sorted({name.split()[0] for name in experiment.data})
    return context.mark(nets, splits)


def stored_outcome(context: Context, experiment: Experiment) -> Outcome | None:
    """What an earlier call has computed from the same data, weights and settings."""
    path = _stored(context, experiment)
    if not path.is_file():
        return None
    try:
        content = read_json(path)
        if content["mark"] == _mark(context, experiment):
            return Outcome(content["values"], content["notes"])
    except (ValueError, KeyError, TypeError):
        return None  # damaged: compute it again
    return None


def choose(keys: Sequence[str]) -> list[Experiment]:
    """The experiments of these keys (``isisa-2019/table2``, or a paper's name); all for none."""
    chosen: dict[str, Experiment] = {}
    for key in keys or TITLES:
        found = [e for e in EXPERIMENTS if e.key == key or e.key.startswith(f"{key}/")]
        if not found:
            known = ", ".join(e.key for e in EXPERIMENTS)
            raise UserError(f"'{key}' is no table; there are {known}")
        chosen.update((e.key, e) for e in found)
    return [e for e in EXPERIMENTS if e.key in chosen]


def survey(context: Context, experiments: Sequence[Experiment]) -> list[Report]:
    """What is done, what can be done and what is missing for the rest. Nothing is computed."""
    tables = paper_tables()
    return [
        Report(e, tables[e.key], stored_outcome(context, e), e.missing(context) if e.run else [])
        for e in experiments
    ]


def reproduce(context: Context, experiments: Sequence[Experiment]) -> list[Report]:
    """Run what can be run; each table is kept and written when it is done.

    One that fails, over a damaged file say, does not keep the others from being computed.
    """
    reports = []
    for report in survey(context, experiments):
        if report.state == "to do":
            try:
                report = replace(report, outcome=_computed(context, report.experiment))
            except EXPECTED as error:
                report = replace(report, failure=one_line(error))
        elif report.state != "done":
            report = replace(report, outcome=None)
        _write_tables(context, report)
        reports.append(report)
    return reports


def _computed(context: Context, experiment: Experiment) -> Outcome:
    """Run an experiment and keep what it gives."""
    assert experiment.run is not None
    if not context.quiet:
        print(f"{experiment.key}: {experiment.title} ...", flush=True)
    outcome = experiment.run(context)
    content = {"mark": _mark(context, experiment), "values": outcome.values, "notes": outcome.notes}
    write_json(_stored(context, experiment), content)
    return outcome


def _write_tables(context: Context, report: Report) -> None:
    stem = context.out / "tables" / report.experiment.key.replace("/", "_")
    for suffix in (".txt", ".csv", ".md", ".tex", ".json"):
        write_table(stem.with_name(stem.name + suffix), report.table())


def as_json(reports: Sequence[Report]) -> dict[str, object]:
    """All tables with their states, for report.json."""
    return {
        r.experiment.key: {
            "title": r.experiment.title,
            "state": r.state,
            "missing": r.missing,
            "failure": r.failure,
            "notes": r.outcome.notes if r.outcome else [],
            "paper": r.paper.values,
            "ours": r.outcome.values if r.outcome else None,
        }
        for r in reports
    }
