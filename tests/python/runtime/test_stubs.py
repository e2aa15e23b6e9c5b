"""The type stubs of the C++ half of the package caffe name what it has."""

import ast
import inspect
from pathlib import Path

import pytest

import caffe
from caffe import _caffe

STUB = ast.parse((Path(caffe.__file__).parent / "_caffe.pyi").read_text())


def names(body):
    # Annotated names in classes are attributes of instances, which vars() does not see.
    found = {node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    return {name for name in found if not name.startswith("__")}


def public(thing):
    return {name for name in vars(thing) if not name.startswith("_")}


def test_of_the_module():
    assert names(STUB.body) == public(_caffe)


CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef) and node.name != "Error"]


@pytest.mark.parametrize("node", CLASSES, ids=lambda node: node.name)
def test_of_a_class(node):
    assert names(node.body) == public(getattr(_caffe, node.name))


def test_classes_are_all_there():
    classes = {name for name, value in vars(_caffe).items() if inspect.isclass(value)}
    assert classes == {node.name for node in CLASSES} | {"Error"}
