"""COCO's annotations become a data set."""

import json
import shlex

import cv2
import numpy as np
import pytest
from dcme.classes import ClassMap
from dcme.cli import main
from dcme.datasets.coco import Annotations
from dcme.datasets.collect import collect
from matplotlib.path import Path as Outline
from support.photographed import RIGHT, SHAPE, collected


def coco(photos, annotations, categories=((1, "cat"), (3, "dog"))):
    content = {
        "images": [
            {"id": i, "file_name": f"{name}.jpg", "height": SHAPE[0], "width": SHAPE[1]}
            for i, name in enumerate("abc")
        ],
        "categories": [{"id": i, "name": name} for i, name in categories],
        "annotations": annotations,
    }
    path = photos.parent / "annotations.json"
    path.write_text(json.dumps(content))
    return path


def box(image=0, category=1, left=10, top=5, width=8, height=4):
    right, bottom = left + width, top + height
    corners = [left, top, right, top, right, bottom, left, bottom]
    return {
        "id": 5,
        "image_id": image,
        "category_id": category,
        "segmentation": [corners],
        "iscrowd": 0,
    }


def runs(mask):
    flat = mask.T.ravel().astype(np.int8)
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    return np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()


def test_coco_polygons_cover_the_pixels_inside_and_runs_are_exact(photos, tmp_path):
    crowd = {
        "image_id": 1,
        "category_id": 3,
        "iscrowd": 1,
        "segmentation": {"size": list(SHAPE), "counts": runs(RIGHT)},
    }
    in_two_parts = box(2)
    in_two_parts["segmentation"] += box(left=30)["segmentation"]
    path = coco(photos, [box(), box(category=3, left=30), crowd, in_two_parts])
    done = collect(photos, path, tmp_path / "data")
    assert str(done.classes) == "1:cat,3:dog"
    ids = collected(tmp_path / "data")
    expected = np.zeros(SHAPE, np.uint16)
    expected[5:9, 10:18] = 1001
    expected[5:9, 30:38] = 3001
    assert np.array_equal(ids["a"], expected)
    assert np.array_equal(ids["b"], 3 * RIGHT)
    expected[5:9, 30:38] = 1001
    assert np.array_equal(ids["c"], expected)


def test_polygons_cover_what_matplotlib_says_is_inside():
    """Also where they cross themselves, and far beyond the image."""
    random = np.random.default_rng(3)
    shape = (23, 31)
    centres = np.argwhere(np.ones(shape, bool))[:, ::-1] + 0.5
    for corners in (3, 4, 9, 30):
        for size in (10, 40, 1e5):
            points = (random.random((corners, 2)) - 0.3) * size
            whole = {"segmentation": [points.ravel().tolist()]}
            (region,) = Annotations("x", shape, [(1, whole)]).regions(shape)
            painted = np.zeros(shape, np.uint8)
            region.paint(painted, 1)
            inside = Outline(points).contains_points(centres).reshape(shape)
            assert np.array_equal(painted, inside)


def test_a_polygon_of_no_area_and_one_beyond_all_measures_cover_what_they_can():
    flat = [[5, 5, 9, 9, 5, 5], [2, 3.5, 9, 3.5, 4, 3.5]]
    (region,) = Annotations("x", (9, 9), [(1, {"segmentation": flat})]).regions((9, 9))
    assert not region.mask.any()
    far = [[-1e308, -1e308, 1e308, -1e308, 1e308, 1e308, -1e308, 1e308]]
    (region,) = Annotations("x", (9, 9), [(1, {"segmentation": far})]).regions((9, 9))
    assert region.mask.shape == (9, 9) and region.mask.all()


def test_compressed_run_lengths_are_read_as_pycocotools_wrote_them(photos, tmp_path):
    """Two boxes, the first with a hole of one pixel; by mask.encode of pycocotools 2.0.11."""
    counts = "U:i0?00FBJ>`00000000000000000g<N[C" + 47 * "0" + "l5"
    whole = {"size": list(SHAPE), "counts": counts}
    path = coco(photos, [box() | {"segmentation": whole}, box(1) | {"segmentation": whole}])
    collect(photos, path, tmp_path / "data")
    expected = np.zeros(SHAPE, np.uint16)
    expected[5:30, 8:20], expected[12:35, 30:55], expected[20, 10] = 1001, 1001, 0
    ids = collected(tmp_path / "data")
    assert np.array_equal(ids["a"], expected) and np.array_equal(ids["b"], expected)


def test_coco_categories_can_be_chosen(photos, tmp_path):
    path = coco(photos, [box(), box(category=3, left=30)])
    collect(photos, path, tmp_path / "data", classes=ClassMap((26,), ("dog",)))
    assert set(np.unique(collected(tmp_path / "data")["a"])) == {0, 26001}


def damaged(counts):
    return {"segmentation": {"size": list(SHAPE), "counts": counts}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segmentation": [[1, 2, 3]]}, "annotation 5: a polygon is a list of"),
        ({"segmentation": [[1, 2, 3, 4]]}, "annotation 5: a polygon is a list of"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "annotation 5: a polygon is a list of"),
        ({"segmentation": [[1, 2, np.inf, 4, 5, 6]]}, "annotation 5: a polygon is a list of"),
        ({"segmentation": None}, "annotation 5: has no segmentation"),
        (damaged("abc"), "the compressed run lengths are damaged"),
        (damaged("p"), "the compressed run lengths are damaged"),
        (damaged("0 0"), "the compressed run lengths are damaged"),
        (damaged(9999 * "o"), "the compressed run lengths are damaged"),
        (damaged("N"), "run lengths are whole numbers"),
        (damaged("12"), "run lengths are whole numbers"),
        ({"segmentation": {"size": [40, 60], "counts": [1, 2]}}, "run lengths are whole numbers"),
        ({"segmentation": {"size": [40, 60], "counts": [[1], 2]}}, "run lengths are whole numbers"),
        (
            {"segmentation": {"size": [40, 60], "counts": [2**63, 2**63, 2400 - 2**64]}},
            "run lengths are whole numbers",
        ),
        ({"segmentation": {"size": 40, "counts": [2400]}}, "has no segmentation"),
        ({"segmentation": [[1, 2, 10**400, 4, 5, 6]]}, "annotation 5: a polygon is a list of"),
        ({"category_id": 77}, "annotation 5 is of an image or category not in it"),
        ({"image_id": 77}, "annotation 5 is of an image or category not in it"),
        ({"image_id": [0]}, "unhashable type: 'list'"),
    ],
)
def test_coco_annotations_that_do_not_fit(photos, tmp_path, fails, change, message):
    path = coco(photos, [box() | change])
    assert message in fails("collect", photos, path, tmp_path / "data", "--quiet")


def test_coco_files_that_are_none(photos, tmp_path, fails):
    path = tmp_path / "x.json"
    for text, message in (
        ("{", "x.json: is no JSON ("),
        ("{}", "is no COCO file"),
        ("[]", "is no COCO annotation file, {images, annotations, categories}, but a list"),
        ('{"categories": [], "annotations": [], "images": []}', "names no images"),
        ('{"categories": [{"id": Infinity, "name": "a"}]}', "is no COCO file"),
        (
            '{"categories": [], "annotations": [], "images": '
            '[{"id": 0, "file_name": "a.jpg", "height": 1e999, "width": 60}]}',
            "is no COCO file",
        ),
    ):
        path.write_text(text)
        assert message in fails("collect", photos, path, tmp_path / "data", "--quiet")
    path = coco(photos, [])
    for old, new, message in (
        ("b.jpg", "a.jpg", "names the image a.jpg twice"),
        ('"height": 40', '"height": 41', "(a.jpg): the file says 41x60, the image is 40x60"),
    ):
        (tmp_path / "changed.json").write_text(path.read_text().replace(old, new))
        words = ("collect", photos, tmp_path / "changed.json", tmp_path / old, "--quiet")
        assert message in fails(*words)
    line = fails("collect", photos, path, tmp_path / "data", "--parts", "one")
    assert "--parts is for folders of masks" in line
    line = fails("collect", photos, path, tmp_path / "data", "--classes", "1:bird", "--quiet")
    assert "has no category 'bird'; it has cat, dog" in line


def test_categories_whose_ids_are_no_labels_get_others_by_the_printed_option(
    photos, tmp_path, fails, capsys
):
    categories = [(1, "person"), (3, "traffic light"), (90, "toothbrush")]
    items = [box(category=category, left=left) for category, left in ((1, 0), (3, 20), (90, 40))]
    path = coco(photos, [*items, box(1, 3)], categories)
    line = fails("collect", photos, path, tmp_path / "data")
    assert "category 90 cannot be a label (1..64)" in line
    option = shlex.split(line.partition("labels: ")[2])
    assert option == ["--classes", "1:person,2:traffic light,3:toothbrush"]
    assert main([*map(str, ["collect", photos, path, tmp_path / "data"]), *option]) == 0
    assert set(np.unique(collected(tmp_path / "data")["a"])) == {0, 1001, 2001, 3001}
    assert "left out" not in capsys.readouterr().out
    words = ["collect", photos, path, tmp_path / "one", "--classes", "1:toothbrush"]
    assert main([*map(str, words)]) == 0
    said = capsys.readouterr().out
    assert "categories: 3 annotations (traffic light 2, person 1)" in said


def test_categories_of_one_name_are_one_class_where_it_is_named(photos, tmp_path, fails):
    categories = ((2, "cell"), (3, "dead cell, big"), (4, "cell"))
    items = [box(category=category, left=left) for category, left in ((2, 0), (3, 20), (4, 40))]
    path = coco(photos, items, categories)
    line = fails("collect", photos, path, tmp_path / "data")
    assert "two categories are called 'cell'; to make them one class" in line
    option = shlex.split(line.partition("labels: ")[2])
    assert option == ["--classes", "1:cell,2:dead cell, big"]
    words = ["collect", photos, path, tmp_path / "data", *option]
    assert main([str(word) for word in words]) == 0
    assert np.unique(collected(tmp_path / "data")["a"]).tolist() == [0, 1001, 1002, 2001]


def test_of_more_categories_than_labels_some_have_to_be_chosen(photos, tmp_path, fails):
    path = coco(photos, [], [(i, f"kind{i}") for i in range(1, 81)])
    line = fails("collect", photos, path, tmp_path / "data")
    assert "name up to 64 of the 80 categories, e.g. --classes 1:kind1,2:kind2,3:kind3" in line


def test_annotations_without_a_pixel_are_counted(photos, tmp_path, capsys):
    empty = box() | {"segmentation": []}
    crowd = box(1) | {"iscrowd": 1}
    path = coco(photos, [box(), box(left=100), empty, box(width=4), box(width=4), crowd])
    words = ["collect", photos, path, tmp_path / "data", "--quiet"]
    assert main([str(word) for word in words]) == 0
    assert "3 masks gave no instance" in capsys.readouterr().out  # one of the equal boxes is hidden
    assert np.unique(collected(tmp_path / "data")["a"]).tolist() == [0, 1001, 1002]


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg"])
def test_an_image_outside_of_the_folder_is_refused(photos, tmp_path, fails, name):
    path = coco(photos, [])
    path.write_text(path.read_text().replace("a.jpg", name))
    assert "lies outside" in fails("collect", photos, path, tmp_path / "data", "--quiet")


@pytest.mark.parametrize("other", ["a.png", "x_a.jpg"])
def test_images_of_one_stem_do_not_overwrite_each_other(photos, tmp_path, fails, other):
    path = coco(photos, [box()])
    folder = photos / "x" if other == "x_a.jpg" else photos
    folder.mkdir(exist_ok=True)
    first = "x/a.jpg" if other == "x_a.jpg" else "a.jpg"
    for name in (first, other):
        cv2.imwrite(str(photos / name), np.full((*SHAPE, 3), 90, np.uint8))
    text = path.read_text().replace("a.jpg", first).replace("b.jpg", other)
    path.write_text(text)
    if other == "a.png":
        assert "share the name 'a'" in fails("collect", photos, path, tmp_path / "d", "--quiet")
    else:
        collect(photos, path, tmp_path / "d")
        assert set(collected(tmp_path / "d")) == {"a", "x_a", "c"}
