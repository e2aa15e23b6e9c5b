"""One table in every format."""

import csv
import json

import pytest
from dcme.errors import UserError
from dcme.tables import Table, write_table, write_tables

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


def test_markup_escapes_what_is_special_there_and_sets_the_last_rows_off():
    table = Table("A & B", ["class", "n"], [["a|b<c", 3], ["d_1", 4], ["all", 7]], strong=1)
    assert table.as_markdown().splitlines() == [
        *("**A & B**", "", "| class | n |", "|---|---:|", "| a\\|b<c | 3 |", "| d_1 | 4 |"),
        "| **all** | **7** |",
    ]
    assert table.as_html() == (
        "<table><tr><th>class</th><th>n</th></tr><tr><td>a|b&lt;c</td><td>3</td></tr>"
        '<tr><td>d_1</td><td>4</td></tr><tr class="strong"><td>all</td><td>7</td></tr></table>'
    )
    assert table.as_latex().splitlines() == [
        *(r"\begin{table}", r"\centering", r"\caption{A \& B}", r"\begin{tabular}{lr}"),
        *(r"\toprule", r"class & n \\", r"\midrule", r"a|b<c & 3 \\", r"d\_1 & 4 \\"),
        *(r"\midrule", r"all & 7 \\", r"\bottomrule", r"\end{tabular}", r"\end{table}"),
    ]


def test_no_row_is_set_off_unless_it_is_said():
    table = Table("", ["class", "n"], [["a", 3], ["b", 4]])
    assert "**" not in table.as_markdown() and "strong" not in table.as_html()
    assert table.as_latex().count("midrule") == 1 and "caption" not in table.as_latex()


@pytest.mark.parametrize("header", [["class", "AP", "ap"], ["class", "n", "n"]])
def test_columns_and_rows_of_one_name_are_refused(header):
    with pytest.raises(ValueError, match="two columns"):
        Table("", header, [])
    double = Table("", ["class", "n"], [["car", 1], ["car", 2]])
    assert "car,1\ncar,2" in double.as_csv()
    with pytest.raises(ValueError, match="two rows 'car'"):
        double.as_json()


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        (".txt", TABLE.as_text()),
        (".csv", TABLE.as_csv()),
        (".json", TABLE.as_json()),
        (".md", TABLE.as_markdown()),
        (".tex", TABLE.as_latex()),
    ],
)
def test_the_suffix_picks_the_format(tmp_path, suffix, expected):
    write_table(tmp_path / f"t{suffix}", TABLE)
    assert (tmp_path / f"t{suffix}").read_text() == expected


def test_further_tables_stand_beside_the_first(tmp_path):
    tables = {"ap": TABLE, "matching": Table("", ["class"], [["car"]])}
    written = write_tables(tmp_path / "t.csv", tables)
    assert [path.name for path in written] == ["t.csv", "t_matching.csv"]
    assert [path.read_text()[:8] for path in written] == ["class,n,", "class\nca"]


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"\.xls: tables are written as \.txt, \.csv"):
        write_table(tmp_path / "t.xls", TABLE)
