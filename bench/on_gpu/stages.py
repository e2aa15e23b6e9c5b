"""The stages of ``bench/gpu``, in their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.on_gpu import built, kit
from bench.on_gpu.machine import folders_of, gpu_names
from bench.on_gpu.settings import Failed, Settings

__all__ = ["STAGES", "Stage"]

# By program. Enough of the tests to pass through every kind of kernel; memcheck slows them down 50
# times.
SANITIZED = {
    "test_runtime": "*Pooling*:Upsample*:Solvers*:*onvolution*:BatchNorm*:Interp*:EltwiseLayer*:"
    "Softmax*:AnyEngine*:SyncedMemory*:Losses*:FusedLayers*:GpuThreads*:DeviceMemory*",
    "test_layers": "DCMELoss*:DCMEData*",
}
RANDOM_NETS = 150

Command = Sequence["str | Path"]


@dataclass(frozen=True)
class Stage:
    """``run`` returns one line, or raises Failed, or LookupError where it cannot be run here."""

    name: str
    what: str
    run: Callable[[Settings], str]


def _start(settings: Settings, name: str, command: Command, **more: str) -> subprocess.Popen[bytes]:
    """Start a command with its output in a log."""
    with _log_of(settings, name).open("w") as file:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=settings.root,
            env={**settings.environment(), **more},
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )


def _log_of(settings: Settings, name: str) -> Path:
    return settings.out / f"{name}.log"


def _log(settings: Settings, name: str, command: Command, **more: str) -> tuple[int, str]:
    """Run a command with its output in a log; its status and the output."""
    process = _start(settings, name, command, **more)
    try:
        status = process.wait()
    finally:
        process.kill()
    return status, _log_of(settings, name).read_text(errors="replace")


def _must(settings: Settings, name: str, command: Command, **more: str) -> str:
    status, text = _log(settings, name, command, **more)
    if status:
        lines = [line for line in text.splitlines() if line.strip()] or ["no output"]
        errors = [line for line in lines if re.search(r"\b(error|failed|Error)\b", line)]
        raise Failed(f"{(errors or lines)[-1].strip()[:200]} ({name}.log)")
    return text


def _at_once(settings: Settings, commands: Mapping[str, Command], **more: str) -> None:
    """Run commands at the same time, each with its output in the log that it is named after. Raises
    Failed with the names of those that fail."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            running[name] = _start(settings, name, command, **more)
        failed = [name for name, process in running.items() if process.wait()]
    finally:
        for process in running.values():
            process.kill()
    if failed:
        raise Failed(f"failed: {', '.join(failed)} (their logs)")


def _line(text: str, pattern: str) -> str:
    """The last line that has the pattern."""
    found = [line.strip(" =") for line in text.splitlines() if re.search(pattern, line)]
    return found[-1] if found else ""


def _machine(settings: Settings) -> str:
    needed = ["ctest"] if settings.is_built else ["nvcc", "cmake", "ninja"]
    tools = [name for name in needed if not shutil.which(name)]
    if tools:
        raise Failed(f"{', '.join(tools)} not found: put it on PATH")
    compiler = []
    if shutil.which("nvcc"):
        compiler = [_line(_must(settings, "nvcc", ["nvcc", "--version"]), "release")]
    return "; ".join([*gpu_names(), *compiler, f"Python {sys.version.split()[0]}"])


def _see_packages_of_this_python(settings: Settings) -> None:
    """Also where this Python belongs to an environment itself, the one that has PyTorch."""
    paths = sysconfig.get_paths()
    folders = dict.fromkeys([paths["purelib"], paths["platlib"]])
    for site in settings.venv.glob("lib/python*/site-packages"):
        (site / "outer.pth").write_text("".join(f"{folder}\n" for folder in folders))


def _bring(settings: Settings) -> str:
    """The environment, and the build, of the kit."""
    assert settings.kit
    shutil.rmtree(settings.build / built.LIBRARIES, ignore_errors=True)
    (settings.build / built.ABOUT).unlink(missing_ok=True)
    options = ["--without-pip", "--system-site-packages"]
    _must(settings, "environment", [sys.executable, "-m", "venv", *options, settings.venv])
    _see_packages_of_this_python(settings)
    try:
        brought = built.unpack(settings.kit, settings.build)
        folders_of(brought.cuda)
    except LookupError as error:
        raise Failed(str(error.args[0])) from None
    return f"{settings.venv}, and the build, from {settings.kit}"


def _environment(settings: Settings) -> str:
    if settings.is_built:
        return _bring(settings)
    if settings.kit:
        kit.unpack(settings.kit, settings.build / "kit")
    command: Command = [sys.executable, "-m", "venv", "--system-site-packages", settings.venv]
    _must(settings, "environment", command)
    _see_packages_of_this_python(settings)
    missing = []
    for line in kit.requirements(settings.root):
        name = re.split(r"[<>=;]", line)[0].strip()
        pip: Command = [settings.venv / "bin" / "python", "-m", "pip", "install", "-q", line]
        status, _ = _log(settings, f"pip-{name}", pip)
        if status and kit.is_required(line):
            raise Failed(f"{name} is neither there nor in the kit (pip-{name}.log)")
        missing += [name] if status else []
    # `./run build` finds its packages installed, as far as they are to be had.
    note = "source ./run help >/dev/null; note_installed build test"
    _must(settings, "environment", ["bash", "-c", note])
    return f"{settings.venv}" + (f", without {', '.join(missing)}" if missing else "")


def _build(settings: Settings) -> str:
    if settings.is_built:
        raise LookupError("the kit has it")
    more = {"DCME_NO_APT": "1"} if settings.kit else {}
    _must(settings, "build", ["./run", "build", "tests"], **more)
    text = (settings.build / "run.log").read_text(errors="replace")
    return _what_was_found(text)


def _what_was_found(text: str) -> str:
    """The lines of CMake's output that tell which of CUDA's libraries the build has, and lacks."""
    found = [_line(text, rf"-- (No )?{name}[ :]") for name in ("(CUDA|nvcc)", "cuDNN", "NCCL")]
    return ", ".join(line.replace("-- ", "") for line in found if line)


def _cpp(settings: Settings, name: str, *which: str) -> str:
    command: Command = [
        "ctest",
        "--test-dir",
        settings.build,
        "--output-on-failure",
        "--no-tests=error",
    ]
    text = _must(settings, name, [*command, *which])
    # ctest counts them among those that passed.
    skipped = re.findall(r"^\s*\d+ - (\S+) \(Skipped\)", text, re.M)
    if skipped:
        raise Failed(
            f"{', '.join(skipped)} skipped: there is no usable GPU 0; nvidia-smi tells its driver "
            f"and mode ({name}.log)"
        )
    return _line(text, "tests passed|tests failed")


def _cpu(settings: Settings) -> str:
    return _cpp(settings, "cpu", "-E", "_gpu")


def _gpu(settings: Settings) -> str:
    settings.need_gpu()
    return _cpp(settings, "gpu", "-R", "_gpu")


def _pytest(settings: Settings, name: str, *what: str, **more: str) -> str:
    python = settings.venv / "bin" / "python"
    text = _must(settings, name, [python, "-m", "pytest", "-q", *what], **more)
    passed = _line(text, r"\d+ passed")
    if not passed:
        raise Failed(f"not one test was run ({name}.log)")
    return passed


def _python(settings: Settings) -> str:
    return _pytest(settings, "python", "tests/python/runtime", "tests/python/core")


def _goldens(settings: Settings) -> str:
    settings.need_gpu()
    return _pytest(
        settings,
        "goldens",
        "tests/python/runtime/test_goldens.py",
        "tests/python/runtime/test_pycaffe_net.py",
        CAFFE_TEST_GPU="0",
    )


def _nccl(settings: Settings) -> str:
    settings.need_gpu()
    tests = "tests/python/runtime/test_nccl_processes.py"
    return _pytest(settings, "nccl", tests, CAFFE_TEST_GPU="0")


def _shards(programs: int = 1) -> int:
    """Parts in which to run so many programs at once, each of which wants two processors."""
    return max(1, (os.cpu_count() or 1) // (2 * programs))


def _nets(settings: Settings) -> str:
    settings.need_gpu()
    shards = _shards()
    python = settings.venv / "bin" / "python"
    pytest: Command = [python, "-m", "pytest", "-q", "--all", "tests/python/twin"]
    commands: dict[str, Command] = {}
    for shard in range(shards):
        first, last = (RANDOM_NETS * k // shards for k in (shard, shard + 1))
        commands[f"nets-{shard}"] = ["env", f"CAFFE_TEST_SEEDS={first}:{last}", *pytest]
    # Those that go on from a snapshot are to have the same bits.
    _at_once(settings, commands, CAFFE_TEST_GPU="0", CAFFE_DETERMINISTIC="1", OMP_NUM_THREADS="2")
    return f"{RANDOM_NETS} nets train as their twins"


def _sanitizer(settings: Settings) -> str:
    settings.need_gpu()
    if not shutil.which("compute-sanitizer"):
        raise LookupError("compute-sanitizer is not on PATH")
    tools = ("memcheck", "racecheck")
    shards = _shards(len(tools) * len(SANITIZED))
    commands: dict[str, Command] = {}
    for tool in tools:
        for program, tests in SANITIZED.items():
            check = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "1"]
            test: Command = [settings.build / "tests" / "cpp" / program, f"--gtest_filter={tests}"]
            for shard in range(shards):
                part = ["env", f"GTEST_TOTAL_SHARDS={shards}", f"GTEST_SHARD_INDEX={shard}"]
                commands[f"sanitizer-{tool}-{program}-{shard}"] = [*part, *check, *test]
    _at_once(settings, commands, CAFFE_TEST_GPU="0", GLOG_minloglevel="3", OMP_NUM_THREADS="2")
    found = [
        _line(_log_of(settings, name).read_text(errors="replace"), "SUMMARY") for name in commands
    ]
    return "; ".join(f"{found.count(line)} x {line}" for line in sorted(set(found)))


def _benchmarks(settings: Settings) -> str:
    settings.need_gpu()
    command: Command = [settings.venv / "bin" / "python", "-m", "bench"]
    figures = settings.out / "figures.json"
    rows: Command = ["gpu-", "--json", figures]
    if settings.budget.left() < float("inf"):
        rows = [*rows, "--seconds", f"{max(0, settings.budget.left()):.0f}"]
    status, text = _log(settings, "benchmarks", [*command, *rows])
    shown = _must(settings, "figures", [*command, "--show", figures])
    (settings.out / "figures.txt").write_text(shown)
    verdicts = re.findall(r"\| (met|missed) *\|", shown)
    late = re.findall(r"^== (.*)\n   left out: no time", text, re.M)
    if late and not verdicts and not status:
        raise LookupError("no time for any of them")
    if status or not verdicts:
        raise Failed(f"{_line(text, 'failed') or 'nothing was measured'} (benchmarks.log)")
    return f"{verdicts.count('met')} of {len(verdicts)} bounds met (figures.json)" + (
        f"; no time for {', '.join(late)}" if late else ""
    )


STAGES = [
    Stage("machine", "GPUs and tools", _machine),
    Stage("environment", "a Python environment, and the kit's libraries", _environment),
    Stage("build", "everything, for this machine's GPU", _build),
    Stage("cpu", "the C++ tests on the CPU", _cpu),
    Stage("gpu", "the C++ tests on the GPU: gradients, CPU beside GPU, solvers", _gpu),
    Stage("python", "the Python tests on the CPU", _python),
    Stage("goldens", "Caffe 1.0's reference values on the GPU", _goldens),
    Stage("nccl", "two processes that train as one, on one GPU", _nccl),
    Stage("nets", "random nets beside their twins in PyTorch, on the GPU", _nets),
    Stage("sanitizer", "compute-sanitizer over the small tests", _sanitizer),
    Stage("benchmarks", "beside PyTorch", _benchmarks),
]
