"""What the processor can do: the floor under the VGG net's training step."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.report import Row
from bench.timing import alternate, milliseconds

__all__ = ["floor_rows"]

HERE = Path(__file__).resolve().parent
HEIGHT, WIDTH = 256, 512


def vgg_operations() -> int:
    """Multiplications and additions of the VGG body's forward and backward pass."""
    operations, channels, pixels = 0, 3, HEIGHT * WIDTH
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            operations += 3 * 2 * pixels * 9 * channels * width
            channels = width
        pixels //= 4
    return operations


def _sgemm_gflops(threads: int) -> float:
    """Of a 2048x2048 product by NumPy's BLAS, in a process with that many threads."""
    code = (
        "import numpy as np, time; n = 2048; a = np.ones((n, n), 'f4'); times = []\n"
        "for _ in range(8):\n t = time.perf_counter(); a @ a; times.append(time.perf_counter() - t)"
        "\nprint(2e-9 * n ** 3 / sorted(times)[3])"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    return float(done.stdout)


def _bandwidth() -> float:
    """GB/s, read and written, of a copy on one thread; far more than the caches hold."""
    source = np.ones(1 << 26, np.float32)
    target = np.empty_like(source)
    taken = alternate({"copy": lambda: milliseconds(lambda: np.copyto(target, source))})
    return 2 * source.nbytes / taken["copy"] / 1e6


def _primitives(kind: str, threads: int) -> tuple[float, float, float] | None:
    """Milliseconds of the bare convolutions: forward, by data, by weights. None: no oneDNN here."""
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/conv_floor"
        prefix = sys.prefix
        build = ["c++", "-O2", "-std=c++17", str(HERE / "conv_floor.cpp"), f"-I{prefix}/include"]
        build += [f"-L{prefix}/lib", "-ldnnl", f"-Wl,-rpath,{prefix}/lib", "-o", program]
        if subprocess.run(build, stderr=subprocess.DEVNULL).returncode:
            return None
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        command = [program, kind, str(HEIGHT), str(WIDTH)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            return None
        forward, data, weights = map(float, done.stdout.split())
        return forward, data, weights


def floor_rows() -> list[Row]:
    """Matrix product, memory, and the bare convolutions of the VGG body."""
    threads = len(os.sched_getaffinity(0))
    rows = [Row("floor-bandwidth", "memory copy, 1 thread, read + written", _bandwidth(), "GB/s")]
    for count in sorted({1, threads}):
        rate = _sgemm_gflops(count)
        row = Row(f"floor-sgemm-{count}", f"sgemm 2048, {count} thread(s)", rate, "GFLOP/s")
        needed = vgg_operations() / rate / 1e6
        row.note = f"the VGG body's {vgg_operations() / 1e9:.0f} GFLOP would take {needed:.0f} ms"
        rows.append(row)
    for kind in ("f32", "bf16"):
        for count in sorted({1, threads}) if kind == "f32" else [threads]:
            parts = _primitives(kind, count)
            if not parts:
                continue
            what = f"bare oneDNN convolutions of the VGG body, {kind}, {count} thread(s)"
            row = Row(f"floor-conv-{kind}-{count}", what, sum(parts))
            row.note = (
                "forward {:.0f} + by data {:.0f} + by weights {:.0f} ms".format(*parts)
                + f", {vgg_operations() / sum(parts) / 1e6:.0f} GFLOP/s"
            )
            rows.append(row)
    return rows
