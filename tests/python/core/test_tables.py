"""One table in every format."""

import csv
import json

import pytest
from dcme.errors import UserError
from dcme.tables import Table, write_table

TABLE = Table(
    "A & B", ["class", "n", "AP"], [["car_1", 3, 0.12345], ["train", 0, float("nan")]], 2, strong=1
)


def test_text_is_aligned_and_rounded():
    assert TABLE.as_text() == "A & B\nclass  n    AP\ncar_1  3  0.12\ntrain  0     -\n"


def test_csv_and_json_keep_all_digits():
    rows = list(csv.DictReader(TABLE.as_csv().splitlines()))
    assert rows[0] == {"class": "car_1", "n": "3", "ap": "0.12345"} and rows[1]["ap"] == "nan"
    content = json.loads(TABLE.as_json())
    assert content["rows"] == {"car_1": {"n": 3, "AP": 0.12345}, "train": {"n": 0, "AP": None}}


def test_markdown_and_latex_escape_what_is_special_there():
    assert "| **train** | **0** | **-** |" in TABLE.as_markdown()
    latex = TABLE.as_latex()
    assert r"\caption{A \& B}" in latex and r"car\_1 & 3 & 0.12 \\" in latex
    assert latex.index(r"\midrule" + "\ntrain") > 0


@pytest.mark.parametrize("header", [["class", "AP", "ap"], ["class", "n", "n"]])
def test_columns_and_rows_of_one_name_are_refused(header):
    with pytest.raises(ValueError, match="two columns"):
        Table("", header, [])
    double = Table("", ["class", "n"], [["car", 1], ["car", 2]])
    assert "car,1\ncar,2" in double.as_csv()
    with pytest.raises(ValueError, match="two rows 'car'"):
        double.as_json()


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".json", ".md", ".tex"])
def test_the_suffix_picks_the_format(tmp_path, suffix):
    write_table(tmp_path / f"t{suffix}", TABLE)
    assert "0.12" in (tmp_path / f"t{suffix}").read_text()


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"\.xls: tables are written as \.txt, \.csv"):
        write_table(tmp_path / "t.xls", TABLE)
