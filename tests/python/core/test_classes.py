"""Class maps: labels, names, order."""

import pytest
from dcme.classes import CITYSCAPES, ClassMap


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


WRONG = ["", "cell", "1:", ":cell", "0:a", "66:a", "x:a", "1:a,1:b", "1:a,2:a"]


@pytest.mark.parametrize("text", WRONG)
def test_texts_that_name_no_classes(text):
    with pytest.raises(ValueError, match=r"is not LABEL:NAME|names a class twice"):
        ClassMap.parse(text)
