"""Runs stages one after the other and says how each went."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.on_gpu.settings import Failed, Settings
from bench.on_gpu.stages import Stage

__all__ = ["run_all"]


@dataclass
class Outcome:
    """How a stage went: verdict is 'passed', 'failed' or 'left out'."""

    name: str
    verdict: str
    seconds: float
    note: str


def _run(stage: Stage, settings: Settings) -> Outcome:
    started = time.monotonic()
    print(f"== {stage.name}: {stage.what}", flush=True)
    try:
        verdict, note = "passed", stage.run(settings)
    except LookupError as error:
        verdict, note = "left out", str(error.args[0])
    except (Failed, OSError) as error:
        verdict, note = "failed", str(error)
    outcome = Outcome(stage.name, verdict, round(time.monotonic() - started, 1), note)
    print(f"   {verdict} after {outcome.seconds:.0f} s: {note}", flush=True)
    return outcome


def _write(outcomes: Sequence[Outcome], settings: Settings) -> None:
    file = settings.out / "stages.json"
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(json.dumps({"stages": [asdict(o) for o in outcomes]}, indent=2) + "\n")
    os.replace(unfinished, file)


def run_all(stages: Sequence[Stage], settings: Settings) -> bool:
    """Run the stages, then print the table; whether none failed. Ctrl-C ends with the table."""
    settings.out.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    try:
        for stage in stages:
            outcomes.append(_run(stage, settings))
            _write(outcomes, settings)
    except KeyboardInterrupt:
        print("interrupted")
    figures = settings.out / "figures.txt"
    if any(o.name == "benchmarks" for o in outcomes) and figures.exists():
        print("\n" + figures.read_text(), end="")
    print()
    for o in outcomes:
        print(f"{o.name:12} {o.verdict:9} {o.seconds:6.0f} s  {o.note}")
    print(f"logs and figures: {settings.out}")
    return all(o.verdict != "failed" for o in outcomes)
