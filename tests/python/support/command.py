"""Running the `caffe` command, and reading its log."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def call(*words: object) -> list[str]:
    """`caffe words...` of the environment the tests run in, activated or not."""
    return [str(Path(sys.executable).with_name("caffe")), *map(str, words)]


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    """Start `caffe words...` in a folder; its log can be read line by line from stderr."""
    return subprocess.Popen(call(*words), cwd=folder, stderr=subprocess.PIPE, text=True)


def run(folder: Path, *words: object) -> list[str]:
    """Run a command that must succeed; return the messages of its log."""
    done = subprocess.run(call(*words), cwd=folder, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return messages(done.stderr)


def output(folder: Path, *words: object) -> str:
    """Run a command that must succeed; return what it prints to stdout."""
    done = subprocess.run(call(*words), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fail(folder: Path, *words: object) -> str:
    """Run a command that must fail with one line; return that line."""
    words = (*words, "--minloglevel=2")
    done = subprocess.run(call(*words), cwd=folder, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def messages(log: str) -> list[str]:
    """The lines of a log without date, time, thread and place."""
    return [line.split("] ", 1)[1] for line in log.splitlines() if re.match(r"[IWE]\d{4} ", line)]
