"""Self-contained pages."""

import re

import numpy as np
from dcme.pictures.report import Page, curve_svg
from dcme.tables import Table
from dcme.training.log import Curve


def test_pages_refer_to_nothing_outside_and_escape_text(tmp_path):
    page = Page("a <title>")
    page.cards([("AP & more", "0.5")])
    page.table(Table("", ["class", "AP"], [["car", 0.25], ["mean", float("nan")]], strong=1))
    page.chart([("loss", Curve([0, 1, 2], [3.0, 2.0, 1.0]))], "iteration", "loss")
    page.gallery([[("input", np.zeros((4, 4, 3), np.uint8))]])
    page.write(tmp_path / "index.html")
    html = (tmp_path / "index.html").read_text()
    assert "a &lt;title&gt;" in html and "AP &amp; more" in html
    assert "0.250" in html and "<td>-</td>" in html
    assert "prefers-color-scheme: dark" in html
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', html)
    assert sources and all(source.startswith("data:image/") for source in sources)


def test_pictures_are_neither_blown_up_nor_squeezed_into_one_row():
    page = Page("sizes")
    page.gallery([[(name, np.zeros((4, 30, 3), np.uint8)) for name in "abcde"]])
    html = page.html()
    assert html.count('style="max-width: 60px"') == 5
    assert "repeat(auto-fit, minmax(min(14rem, 100%), 1fr))" in html
    assert "grid-template-columns" not in page.parts[0], "no row has a number of columns"


def test_curves_with_infinite_or_equal_values_stay_inside_the_chart():
    svg = curve_svg([("x", Curve([0, 1, 2], [1.0, float("inf"), 1.0]))], "i", "l")
    numbers = [float(v) for v in re.findall(r"[-\d.]+,([-\d.]+)", svg)]
    assert all(0 <= value <= 320 for value in numbers)
    for none in (Curve(), Curve([0, 1], [float("nan")] * 2)):
        assert "no curve" in curve_svg([("x", none)], "i", "l")


def test_few_points_are_marked_and_one_alone_is_seen():
    svg = curve_svg([("x", Curve([0], [4.0]))], "i", "l")
    assert svg.count("<circle") == 1 and "no curve" not in svg
    many = Curve(list(range(50)), [1.0] * 50)
    assert "<circle" not in curve_svg([("x", many)], "i", "l")
