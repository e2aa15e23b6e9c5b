"""bench/gpu: what happens around its stages, which need no GPU for that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.on_gpu import kit
from bench.on_gpu.machine import gpu_names
from bench.on_gpu.stages import STAGES, Failed, Settings, Stage
from bench.on_gpu.table import run_all

COMMAND = Path(__file__).resolve().parents[3] / "bench" / "gpu"


def passes(settings):
    return "all well"


def fails(settings):
    raise Failed("nvcc: error: on purpose (build.log)")


def needs_more(settings):
    raise LookupError("needs a GPU")


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path, tmp_path / "report", kit=None, gpu=False)


def test_a_stage_that_fails_does_not_hide_the_others(settings, capsys):
    stages = [
        Stage("first", "goes well", passes),
        Stage("second", "goes wrong", fails),
        Stage("third", "cannot run here", needs_more),
        Stage("fourth", "goes well again", passes),
    ]
    assert not run_all(stages, settings)
    written = json.loads((settings.out / "stages.json").read_text())["stages"]
    assert [stage["verdict"] for stage in written] == ["passed", "failed", "left out", "passed"]
    assert "on purpose" in written[1]["note"]
    table = capsys.readouterr().out.splitlines()[-5:]
    assert [line.split()[0] for line in table[:4]] == ["first", "second", "third", "fourth"]
    assert str(settings.out) in table[4]


def test_all_is_well_where_nothing_failed(settings):
    assert run_all([Stage("only", "goes well", passes), Stage("more", "", needs_more)], settings)


def test_stages_for_a_gpu_say_that_there_is_none(settings):
    for stage in STAGES:
        if stage.name in ("gpu", "goldens", "sanitizer", "benchmarks"):
            with pytest.raises(LookupError, match="needs a GPU"):
                stage.run(settings)


def run(*words):
    return subprocess.run(
        [sys.executable, str(COMMAND), *map(str, words)], capture_output=True, text=True
    )


@pytest.mark.skipif(bool(gpu_names()), reason="for machines without a GPU")
def test_without_a_gpu_one_line_says_so():
    done = run()
    assert done.returncode == 1
    assert done.stderr == "bench/gpu: there is no GPU here (nvidia-smi names none)\n"
    assert done.stdout == ""


def test_a_folder_that_is_no_kit_is_refused(tmp_path):
    with pytest.raises(LookupError, match="--pack"):
        kit.unpack(tmp_path, tmp_path / "to")
