"""bench/gpu: what happens around its stages, which need no GPU for that."""

import dataclasses
import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bench.on_gpu import built, kit, stages
from bench.on_gpu.machine import gpu_names
from bench.on_gpu.settings import Failed, Settings
from bench.on_gpu.stages import STAGES, Stage
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
        if stage.name in ("gpu", "goldens", "nccl", "nets", "sanitizer", "benchmarks"):
            with pytest.raises(LookupError, match="needs a GPU"):
                stage.run(settings)


def in_a_build_whose_tests(settings, command, name="runtime_gpu"):
    """The settings of a build with one test, which runs a shell's command."""
    settings.build.mkdir()
    (settings.build / "CTestTestfile.cmake").write_text(
        f'add_test({name} sh -c "{command}")\n'
        f"set_tests_properties({name} PROPERTIES SKIP_RETURN_CODE 77)\n"
    )
    settings.out.mkdir()
    return dataclasses.replace(settings, gpu=True)


def stage(name):
    return next(stage for stage in STAGES if stage.name == name)


needs_ctest = pytest.mark.skipif(not shutil.which("ctest"), reason="needs ctest")


@needs_ctest
def test_tests_on_the_gpu_that_pass_are_counted(settings):
    assert "1" in stage("gpu").run(in_a_build_whose_tests(settings, "exit 0"))


@needs_ctest
def test_tests_that_find_no_gpu_have_not_passed(settings):
    with pytest.raises(Failed, match=r"^runtime_gpu skipped: there is no usable GPU"):
        stage("gpu").run(in_a_build_whose_tests(settings, "exit 77"))


@needs_ctest
def test_a_build_without_tests_for_the_gpu_has_not_passed(settings):
    with pytest.raises(Failed):
        stage("gpu").run(in_a_build_whose_tests(settings, "exit 0", name="runtime"))


def test_the_row_of_the_build_says_what_it_lacks():
    text = "-- CUDA 12.4 for 90\n-- No cuDNN: products are slow\n-- NCCL /usr/lib/libnccl.so\n"
    said = stages._what_was_found(text)
    assert said == "CUDA 12.4 for 90, No cuDNN: products are slow, NCCL /usr/lib/libnccl.so"


def test_each_filter_of_the_sanitizer_has_tests():
    tests = COMMAND.parents[1] / "tests" / "cpp"
    covered = set()
    for program, patterns in stages.SANITIZED.items():
        folder = tests / program.removeprefix("test_")
        text = "".join(path.read_text() for path in folder.glob("*.cpp"))
        suites = set(re.findall(r"^(?:TYPED_)?TEST(?:_[FP])?\((\w+)", text, re.M))
        for pattern in patterns.split(":"):
            found = fnmatch.filter(suites, pattern)
            assert found, pattern
            covered.update(found)
    assert {"RectifiedPooling", "GpuThreads", "DeviceMemory", "DCMELoss", "DCMEData"} <= covered


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


def test_a_kit_that_is_not_there_is_refused_at_once(tmp_path):
    done = run("--only", "machine", "environment", "--kit", tmp_path / "mistyped")
    assert done.returncode == 1
    assert re.fullmatch(r"bench/gpu: \S+mistyped is no kit, .*--pack FOLDER\n", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize("words", [["--small"], ["--python", "3.12"], ["--built"]])
def test_what_belongs_to_packing_starts_no_run(words):
    done = run(*words)
    assert done.returncode == 1
    assert done.stderr == f"bench/gpu: {words[0]} goes with --pack FOLDER\n"


def test_a_folder_that_is_no_kit_is_refused(tmp_path):
    with pytest.raises(LookupError, match="--pack"):
        kit.unpack(tmp_path, tmp_path / "to")


def test_what_a_kit_holds_is_seen_by_what_is_built_alone(tmp_path):
    files = tmp_path / "files" / "usr"
    (files / "bin").mkdir(parents=True)
    (files / "lib" / "sub").mkdir(parents=True)
    (files / "lib" / "sub" / "libold.so").write_bytes(b"")
    protoc = files / "bin" / "protoc"
    protoc.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH $1"\n')
    protoc.chmod(0o755)
    folder = tmp_path / "kit"
    folder.mkdir()
    with tarfile.open(folder / kit.ARCHIVE, "w:xz") as archive:
        archive.add(files, "usr")
    unpacked = tmp_path / "unpacked"
    kit.unpack(folder, unpacked)
    libraries = str(unpacked / "usr" / "lib" / "sub")
    environment = {"CMAKE_ARGS": "", "PATH": "/usr/bin"}
    kit.add_to(environment, folder, unpacked)
    assert f"-rpath,{libraries}" in environment["LDFLAGS"]
    assert "LD_LIBRARY_PATH" not in environment, "the machine's own programs would load them"
    shown = subprocess.run(
        [unpacked / "usr/bin/protoc", "word"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"{libraries} word\n"


def test_a_package_that_only_tests_on_the_cpu_need_may_be_missing():
    wanted = kit.requirements(COMMAND.parents[1])
    assert {"numpy", "protobuf", "h5py"} <= {re.split("[<>=]", line)[0] for line in wanted}
    assert all(kit.is_required(line) for line in ("numpy>=1.22", "numpy<2.4", "pytest>=7"))
    assert not kit.is_required("h5py>=3.7")


def test_rows_of_the_gpu_need_no_package_of_the_others():
    words = "import sys; sys.modules['cv2'] = None; import bench.__main__ as b; none = b.Budget();"
    words += "print(len(b._cases(1, ['gpu-'], none))); b._cases(1, [], none)"
    done = subprocess.run(
        [sys.executable, "-c", words], cwd=COMMAND.parents[1], capture_output=True, text=True
    )
    assert int(done.stdout) > 10
    assert "cv2" in done.stderr


@pytest.fixture(scope="module")
def kit_of_a_build(tmp_path_factory):
    """A kit of a build whose one test is /bin/true."""
    build = tmp_path_factory.mktemp("before")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", build / "venv"], check=True)
    tests = build / "tests" / "cpp"
    tests.mkdir(parents=True)
    shutil.copy(shutil.which("true"), tests / "test_runtime")
    with (tests / "test_runtime").open("ab") as file:
        file.write(b"\0libcublas.so.13\0")  # as of one that loads it
    (tests / "CTestTestfile.cmake").write_text(f'add_test(runtime "{tests}/test_runtime")\n')
    folder = tmp_path_factory.mktemp("kit")
    assert "Python" in built.pack(build, folder)
    return folder


def test_a_build_of_another_place_is_at_home_where_it_is_unpacked(kit_of_a_build, tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    brought = built.unpack(kit_of_a_build, tmp_path)
    test = tmp_path / "tests" / "cpp" / "test_runtime"
    assert subprocess.run([test]).returncode == 0
    assert str(test) in (tmp_path / "tests" / "cpp" / "CTestTestfile.cmake").read_text()
    assert brought.cuda == ["libcublas.so.13"]
    assert "libc.so.6" not in [path.name for path in (tmp_path / "libraries").glob("*")]


def test_a_build_for_another_python_is_refused(kit_of_a_build, tmp_path, monkeypatch):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    about = {"build": "/nowhere", "python": "3.99", "cuda": []}
    monkeypatch.setattr(built.json, "loads", lambda text: about)
    with pytest.raises(LookupError, match="built for Python"):
        built.unpack(kit_of_a_build, tmp_path)


def test_without_a_build_there_is_none_to_bring_along(tmp_path):
    done = run("--pack", tmp_path / "kit", "--built", tmp_path)
    assert done.returncode == 1
    assert "there is no build to bring along" in done.stderr
    assert not (tmp_path / "kit").exists()
