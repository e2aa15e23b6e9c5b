"""Class maps: labels, names, order."""

import shlex

import numpy as np
import pytest
from dcme.classes import CITYSCAPES, LAST_LABEL, ClassMap, classes_option
from dcme.encoding import from_labels


def test_text_and_class_map_are_one():
    classes = ClassMap.parse("7:cell,3:debris")
    assert (classes.labels, classes.names) == ([7, 3], ["cell", "debris"])
    assert str(classes) == "7:cell,3:debris" and ClassMap.parse(str(classes)) == classes
    assert ClassMap.parse("cityscapes") is CITYSCAPES
    assert classes.name_of(3) == "debris" and classes.class_of(7001) == 1


def test_class_maps_are_equal_where_all_of_them_is():
    one = ClassMap([7, 3], ["cell", "debris"])
    assert one == ClassMap((7, 3), ("cell", "debris")) and len({one, ClassMap.parse(str(one))}) == 1
    assert one != ClassMap([3, 7], ["debris", "cell"])
    assert one != ClassMap([7, 3], ["cell", "debris"], ignored=[9])
    assert one != ClassMap([7, 3], ["cell", "debris"], priority=[2, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": []}, "at least one label"),
        ({"labels": [0]}, r"class label 0 is outside 1\.\.64"),
        ({"labels": [65]}, r"class label 65 is outside 1\.\.64"),
        ({"labels": [1], "ignored": [65]}, r"class label 65 is outside 1\.\.64"),
        ({"labels": [1, 1]}, "class label 1 is given twice"),
        ({"labels": [1], "ignored": [1]}, "class label 1 is given twice"),
        ({"labels": [1, 2], "names": ["a"]}, "2 labels but 1 names"),
        ({"labels": [1, 2], "priority": [1, 1]}, r"each of the classes 1\.\.2 once"),
    ],
)
def test_class_maps_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        ClassMap(**options)


def test_a_label_that_no_class_can_have_is_told_as_such():
    with pytest.raises(ValueError, match=r"65001 is of class label 65, .*; labels end at 64$"):
        CITYSCAPES.class_of(65001)
    with pytest.raises(ValueError, match=r"64999 is of class label 64, .* --classes 64:class64$"):
        CITYSCAPES.class_of(64999)
    with pytest.raises(ValueError, match=r"--classes '1:a cell,64:class64'$"):
        ClassMap([1], ["a cell"]).class_of(64999)
    assert LAST_LABEL == (2**16 - 1 - 999) // 1000
    ids = from_labels(np.arange(1000).reshape(1, -1), LAST_LABEL)
    assert ids.max() == 64999


def test_the_classes_to_give_are_those_known_and_the_one_that_lacks():
    def told(*names):
        with pytest.raises(ValueError, match="is of class label 3, ") as error:
            ClassMap(range(1, 1 + len(names)), names).class_of(3001)
        return str(error.value)

    assert told("cell").endswith("e.g. --classes 1:cell,3:class3")
    line = told("a b", "it's")
    assert "(1 a b, 2 it's)" in line
    words = shlex.split(line.partition("e.g. ")[2])
    assert words == ["--classes", "1:a b,2:it's,3:class3"]


def test_where_none_of_the_classes_occurs_the_labels_alone_are_advised():
    named = ClassMap([1, 2], ["cell", "b"])
    assert classes_option(CITYSCAPES, {1, 2, 29}, named) == "--classes 1:cell,2:b"
    assert classes_option(named, {1, 5}) == "--classes 1:cell,2:b,5:class5"
    assert classes_option(named, {5}) == "--classes 5:class5"


@pytest.mark.parametrize(
    "names", [("dead cell, big", "cell"), ("cell", "a,b, c"), ("person, 2 of them", "x,2")]
)
def test_names_may_have_commas(names):
    classes = ClassMap((1, 12), names)
    assert ClassMap.parse(str(classes)) == classes


def test_blanks_may_stand_between_classes():
    assert ClassMap.parse("1:a, 2:b, c") == ClassMap((1, 2), ("a", "b, c"))


WRONG = ["", "cell", "1:", ":cell", "0:a", "65:a", "x:a", "1:a,1:b", "1:a,2:a"]


@pytest.mark.parametrize("text", WRONG)
def test_texts_that_name_no_classes(text):
    with pytest.raises(ValueError, match=r"is not LABEL:NAME|names a class twice"):
        ClassMap.parse(text)
