"""docs/compatibility.md lists everything there is, and what tests each."""

import re

import pytest

from compatibility import table
from compatibility.evidence import REPOSITORY, TESTS

REMEDY = "docs/compatibility.md is out of date: ./run docs"


def cells(page):
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture(scope="module")
def page():
    return (REPOSITORY / "docs/compatibility.md").read_text()


def test_the_page_tells_the_differences_as_the_source_does(page):
    assert table.DIFFERENCES in page, REMEDY


def test_the_page_has_every_row(page):
    expected = [row[0] for row in cells(table.document())]
    assert [row[0] for row in cells(page)] == expected, REMEDY


def test_goldens_and_gradients_are_those_of_the_tests(page):
    rows = {row[0]: tuple(row[1:3]) for row in cells(page)}
    for name, goldens, gradient, _ in table.layer_rows():
        assert rows[name] == (str(goldens), gradient), f"{name}: {REMEDY}"


def test_the_page_names_tests_that_exist(page):
    existing = {path.name for path in TESTS.glob("**/test_*")}
    assert set(re.findall(r"`(test_\w+\.\w+)`", page)) <= existing, REMEDY


def test_every_layer_has_a_golden_case_or_a_test():
    rows = table.layer_rows()
    assert [name for name, goldens, _, test in rows if (goldens, test) == ("-", "-")] == []


@pytest.mark.parametrize("row", table.field_rows(), ids=lambda row: row[0])
def test_every_field_is_set_by_a_test(row):
    message, _, _, untested = row
    missing = re.findall(r"\*\*(\w+)\*\*", untested)
    assert not missing, f"no test sets {missing} of {message}"
