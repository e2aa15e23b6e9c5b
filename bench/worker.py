"""A net in a process of its own, which runs a step whenever it is told to.

As a program: reads lines from its input. ``step`` runs one and answers with its milliseconds,
``memory`` answers with MiB: the most that was resident (for a job on the GPU: what is in use of the
GPU's memory), and how much of it had been before the first net was made. ``job`` and the words of
another job of the same engine: its net takes the place of the one before. As a module: `Worker`
starts such a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.engines import ENGINES, job_of
from bench.memory import resident
from bench.on_gpu.machine import gpu_used
from bench.timing import milliseconds

__all__ = ["Worker"]


def _serve(arguments: list[str]) -> None:
    job = job_of(arguments)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(value: Any) -> None:
        print(json.dumps(value), file=answers, flush=True)

    imports, prepare, forget = ENGINES[job.engine]
    imports()
    used: Callable[..., float] = (lambda **_: gpu_used()) if job.gpu else resident
    imported = used()
    step = None

    def begin(words: list[str]) -> None:
        nonlocal step
        step = None
        forget()
        try:
            step = prepare(job_of(words))
        except LookupError as error:
            answer({"unavailable": str(error)})
        else:
            answer({})

    begin(arguments)
    for line in sys.stdin:
        what, *words = line.split()
        if what == "step" and step:
            answer(milliseconds(step))
        elif what == "job":
            begin(words)
        else:
            answer({"peak": used(peak=True), "imported": imported})


class Worker:
    """A process that runs steps: ``with Worker("caffe vgg train --threads 2") as worker``.

    Raises LookupError where the engine has no such job, RuntimeError with the end of what the
    process printed where it fails.
    """

    def __init__(self, job: str) -> None:
        words = job.split()
        threads = str(job_of(words).threads)
        self._job = job
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", *words],
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        try:
            self._must_be_ready()
        except LookupError:
            self.close()
            raise

    def switch(self, job: str) -> None:
        """Another job of this engine instead, with as many threads. Raises what `Worker` does."""
        self._job = job
        self._tell(f"job {job}")
        self._must_be_ready()

    def step(self) -> float:
        """Milliseconds that one step took."""
        return float(self._ask("step"))

    def memory(self) -> tuple[float, float]:
        """MiB: the peak of the whole process, and by how much that is above the imports."""
        found = self._ask("memory")
        return found["peak"], found["peak"] - found["imported"]

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def _must_be_ready(self) -> None:
        ready = self._answer()
        if "unavailable" in ready:
            raise LookupError(ready["unavailable"])

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended, and its answer tells why

    def _ask(self, word: str) -> Any:
        self._tell(word)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        status = self._process.wait()
        self._log.seek(0)
        last = self._log.read()[-2000:].decode(errors="replace").strip()
        raise RuntimeError(f"'{self._job}' ended with status {status}:\n{last}")

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if __name__ == "__main__":
    _serve(sys.argv[1:])
