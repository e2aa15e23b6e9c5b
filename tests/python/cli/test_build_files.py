"""What CMake's files offer, and install."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
needs_cmake = pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")


def cmake(*words):
    subprocess.run(["cmake", *words], check=True, capture_output=True)


@needs_cmake
def test_cmake_installs_the_commands_that_pip_makes(tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(commands NONE)\n"
        "set(DEST_BIN bin)\nset(DEST_PYTHON lib/python)\n"
        f"include({ROOT}/python/commands.cmake)\n"
    )
    cmake("-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build")  # make may not be there
    cmake("--install", tmp_path / "build", "--prefix", tmp_path / "tree")
    package = tmp_path / "tree/lib/python"
    for path in ("dcme_command.py", "dcme/__init__.py", "dcme/training/__init__.py"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text("import colorsys\ndef main(): return 3")
    (package / "colorsys.py").write_text("raise SystemExit(4)")  # that of Python comes first
    shutil.copy(package / "dcme_command.py", package / "dcme/training/log_table.py")
    listed = re.search(
        r"\[project.scripts\]\n(.*?)\n\n", (ROOT / "pyproject.toml").read_text(), re.S
    )
    names = {line.split(" = ")[0] for line in listed[1].splitlines()}
    assert {path.name for path in (tmp_path / "tree/bin").iterdir()} == names
    for name in names:
        assert subprocess.run([tmp_path / "tree/bin" / name]).returncode == 3


def test_options_stand_in_one_list_and_on_the_page():
    declaration = re.compile(r"^ *(?:cmake_dependent_)?option\((\w+)", re.MULTILINE)
    listed = declaration.findall((ROOT / "CMakeLists.txt").read_text())
    others = [*ROOT.glob("cmake/*.cmake"), *ROOT.glob("*/CMakeLists.txt")]
    elsewhere = [name for path in others for name in declaration.findall(path.read_text())]
    assert "CPU_ONLY" in listed and not elsewhere
    page = (ROOT / "docs/building.md").read_text()
    assert [name for name in listed if f"`{name}`" not in page] == []


def test_pip_builds_no_cpp_tests_unless_they_are_asked_for():
    settings = (ROOT / "pyproject.toml").read_text().partition("[tool.scikit-build]")[2]
    assert 'cmake.define.BUILD_TESTING = "OFF"\n' in settings.partition("\n[")[0]
    assert "-C cmake.define.BUILD_TESTING=$tests" in (ROOT / "run").read_text()
