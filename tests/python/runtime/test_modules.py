"""The folders of caffe/src build on each other in one order, which docs/design.md names them in."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "caffe" / "src"


def modules():
    """The folders, as the page lists them: each includes those before it."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `caffe/src/(\w+)` \|", page, re.MULTILINE)


def test_the_design_lists_every_folder_once():
    folders = [path.name for path in SOURCES.iterdir() if path.is_dir()]
    assert sorted(modules()) == sorted(folders)


def test_folders_include_headers_of_those_above_them_only():
    order = modules()
    against = []
    for path in SOURCES.rglob("*.*"):
        later = order[order.index(path.parent.name) + 1 :]
        for folder in re.findall(r'^#include "(\w+)/', path.read_text(), re.MULTILINE):
            if folder in later:
                against.append(f"{path.relative_to(ROOT)} includes {folder}/")
    assert not against


def test_the_core_and_the_runtime_compile_for_wider_vector_units_on_the_same_condition():
    headers = (SOURCES / "util" / "simd.hpp", ROOT / "caffe_ext" / "include" / "dcme" / "simd.hpp")
    pattern = r"^#if (defined.*?[^\\])\n#define \w+_SIMD_CLONES.*?(target_clones\(.*?\))"
    runtime, core = (
        re.search(pattern, path.read_text(), re.MULTILINE | re.DOTALL).groups() for path in headers
    )
    assert runtime == core
