"""The script ``run`` makes its folders and removes no others."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PYTHON = """#!/bin/sh
# Stands for Python: makes an environment, and installs nothing.
[ "$2" != venv ] || { mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && touch "$3/bin/caffe"; }
"""


@pytest.fixture
def run(tmp_path):
    """Runs the script's commands in a checkout of its own."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("run", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)

    def command(words, place=checkout, **settings):
        environment = {"PATH": os.environ["PATH"], "DCME_NO_APT": "1", **settings}
        environment["PYTHON"] = str(tmp_path / "python")
        words = ["bash", place / "run", *words.split()]
        return subprocess.run(words, env=environment, capture_output=True, text=True)

    command.checkout = checkout
    return command


def test_clean_removes_what_the_script_made(run):
    assert run("clean").returncode == 0, "nothing is there yet"
    assert run("build").returncode == 0
    assert all((run.checkout / name).is_dir() for name in ("build", ".venv"))
    assert run("clean").returncode == 0
    assert {path.name for path in run.checkout.iterdir()} == {"run", "pyproject.toml"}


@pytest.mark.parametrize("setting", ["DCME_VENV", "DCME_BUILD"])
def test_clean_leaves_folders_that_were_there_before(run, tmp_path, setting):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "mine").touch()
    assert run("build", **{setting: str(shared)}).returncode == 0
    assert len(list(shared.iterdir())) > 1, "it was worked in"
    done = run("clean", **{setting: str(shared)})
    assert done.returncode == 1 and f"left as it is: {shared}" in done.stderr
    assert (shared / "mine").exists()
    assert {path.name for path in run.checkout.iterdir()} == {"run", "pyproject.toml"}


def test_clean_leaves_the_environment_of_another_checkout(run, tmp_path):
    shared, second = str(tmp_path / "shared"), tmp_path / "second"
    shutil.copytree(run.checkout, second)
    assert run("build", DCME_VENV=shared).returncode == 0
    assert run("clean", second, DCME_VENV=shared).returncode == 1
    assert (tmp_path / "shared" / "bin").is_dir()
    assert run("clean", DCME_VENV=shared).returncode == 0 and not (tmp_path / "shared").exists()


@pytest.mark.parametrize(
    "name", ["prototxt/nuclei/net.prototxt", "README.md", "python/dcme/a.py", "caffe/src/a.cpp"]
)
def test_what_is_installed_is_built_anew_where_it_changes(run, name):
    changed = run.checkout / name
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text("before")
    stamp = run.checkout / "build" / ".stamp"
    stamps = []
    for text in ("before", "before", "changed"):
        if changed.read_text() != text:
            changed.write_text(text)
        assert run("build").returncode == 0
        stamps.append(stamp.read_text())
    assert stamps[0] == stamps[1] != stamps[2]


def test_folders_of_the_user_are_no_sources(run):
    """Nor is an environment there, which every build changes."""
    stamp = run.checkout / "build" / ".stamp"
    stamps = set()
    for name in ("before", "city", "CITY", "pictures", "penv"):
        (run.checkout / name).mkdir(exist_ok=True)
        (run.checkout / name / "a.png").touch()
        assert run("build", DCME_VENV="penv").returncode == 0
        stamps.add(stamp.read_text())
    assert len(stamps) == 1


@pytest.mark.parametrize("words", ["lint --fx", "build all", "clean up", "docs all"])
def test_wrong_words_are_told_before_anything_is_made(run, words):
    done = run(words)
    command, word = words.split()
    assert done.returncode == 1 and done.stderr.startswith(f"run: {command} takes ")
    assert f"and not '{word}'" in done.stderr
    assert {path.name for path in run.checkout.iterdir()} == {"run", "pyproject.toml"}


def test_help_for_tests_builds_nothing(run):
    done = run("test --help")
    assert done.returncode == 0 and "arguments go to pytest" in done.stdout
    assert {path.name for path in run.checkout.iterdir()} == {"run", "pyproject.toml"}


def test_packages_of_tests_and_linters_are_installed_for_these_only(run):
    wanted = run.checkout / ".venv" / "requirements.txt"

    def installed_for(word):
        run(word)  # there are no programs of these packages: it fails, after their installation
        text = wanted.read_text()
        return ["numpy>=" in text, "pytest" in text, "ruff" in text]

    assert installed_for("build") == [True, False, False]
    assert installed_for("lint") == [True, False, True]
    assert installed_for("test") == [True, True, False]
    wanted.unlink()
    assert run("build").returncode == 0 and not wanted.exists(), "all is there already"
