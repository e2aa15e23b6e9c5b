"""The command line of ``bench/gpu``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.on_gpu import built, kit
from bench.on_gpu.machine import gpu_names
from bench.on_gpu.settings import Settings
from bench.on_gpu.stages import STAGES
from bench.on_gpu.table import run_all
from bench.timing import Budget

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]


def _parse(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/gpu",
        description="Builds with CUDA, runs the tests on CPU and GPU, Caffe 1.0's reference values "
        "and compute-sanitizer on the GPU, then the benchmarks compared with PyTorch. If a stage "
        "fails, the others still run. Everything goes to --out: a log for each stage, "
        "stages.json, figures.json.",
        epilog="For a machine without network, run `bench/gpu --pack FOLDER` on one with network, "
        "and bring the folder along.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "build-gpu" / "report",
        metavar="FOLDER",
        help="folder to write to; default: build-gpu/report",
    )
    parser.add_argument("--kit", type=Path, metavar="FOLDER", help="use what --pack made")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[stage.name for stage in STAGES],
        metavar="STAGE",
        help="only these: " + ", ".join(stage.name for stage in STAGES),
    )
    parser.add_argument(
        "--without-gpu",
        action="store_true",
        help="on a machine without a GPU: run the stages that need none",
    )
    parser.add_argument(
        "--pack",
        type=Path,
        metavar="FOLDER",
        help="write what a bare machine lacks (libraries of this one, wheels) and end; run "
        "./run build tests before",
    )
    parser.add_argument(
        "--small",
        action="store_true",
        help="with --pack: leave out what only tests on the CPU need, and NumPy",
    )
    parser.add_argument(
        "--built",
        type=Path,
        nargs="?",
        const=ROOT / "build-gpu",
        metavar="BUILD",
        help="with --pack: pack a build that this command has made here (build-gpu) instead; the "
        "other machine needs PyTorch, CUDA and ctest, and compiles nothing",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help="leave out benchmarks, the least important ones first, to end after about N seconds",
    )
    parser.add_argument(
        "--python",
        metavar="3.x",
        help="with --pack: the other machine's Python; default: this one's",
    )
    return parser.parse_args(words)


def _pack(options: argparse.Namespace) -> str:
    if options.built:
        return built.pack(options.built, options.pack)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return kit.pack(ROOT, options.pack, options.python or here, options.small)


def _refuse_what_does_not_fit(options: argparse.Namespace) -> None:
    """Raise LookupError before a long run that is not what was asked for."""
    for name in ("built", "small", "python"):
        if getattr(options, name):
            raise LookupError(f"--{name} goes with --pack FOLDER")
    archives = (kit.ARCHIVE, built.ARCHIVE)
    if options.kit and not any((options.kit / name).exists() for name in archives):
        raise LookupError(
            f"{options.kit} is no kit, it has no {' or '.join(archives)}: make one with "
            "bench/gpu --pack FOLDER"
        )


def main(words: list[str] | None = None) -> None:
    """Run the stages; exit with 1 where one of them failed or there is no GPU."""
    options = _parse(words)
    try:
        if options.pack:
            print(_pack(options))
            return
        _refuse_what_does_not_fit(options)
        if not options.without_gpu and not gpu_names():
            sys.exit("bench/gpu: there is no GPU here (nvidia-smi names none)")
        settings = Settings(
            ROOT,
            options.out.resolve(),
            options.kit,
            gpu=not options.without_gpu,
            budget=Budget(options.seconds),
        )
        chosen = [stage for stage in STAGES if not options.only or stage.name in options.only]
        sys.exit(0 if run_all(chosen, settings) else 1)
    except (OSError, LookupError) as error:
        sys.exit(f"bench/gpu: {error}")
