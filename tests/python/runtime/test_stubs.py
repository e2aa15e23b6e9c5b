"""The type stubs of the C++ half of the package caffe name what it has."""

import ast
import inspect
from pathlib import Path

import caffe.io
import pytest

import caffe
from caffe import _caffe

STUB = ast.parse((Path(caffe.__file__).parent / "_caffe.pyi").read_text())


def names(body):
    # Annotated names in classes are attributes of instances, which vars() does not see.
    found = {node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    return {name for name in found if not name.startswith("__")}


def faces(body):
    """Names of the package's classes that the module has as well."""
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {name.asname for node in imports for name in node.names}


def public(thing):
    return {name for name in vars(thing) if not name.startswith("_")}


def test_of_the_module():
    assert names(STUB.body) | faces(STUB.body) == public(_caffe)


def test_scripts_find_the_classes_where_pycaffe_has_them():
    for name in faces(STUB.body) | {"Blob", "Layer", "Timer"}:
        assert getattr(_caffe, name) is getattr(caffe, name)
    for name in caffe.pycaffe.__all__:
        assert getattr(caffe.pycaffe, name) is getattr(caffe, name)


def test_type_checkers_take_caffe_pb2_from_where_pycaffe_scripts_do():
    """A name that is only imported is none of a module's own to them; one `as` itself is."""
    module = ast.parse(Path(caffe.io.__file__).read_text())
    imported = [
        alias for node in module.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert [alias.asname for alias in imported if alias.name == "caffe_pb2"] == ["caffe_pb2"]


CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef) and node.name != "Error"]


@pytest.mark.parametrize("node", CLASSES, ids=lambda node: node.name)
def test_of_a_class(node):
    assert names(node.body) == public(getattr(_caffe, node.name))


def test_classes_are_all_there():
    classes = {name for name in public(_caffe) if inspect.isclass(getattr(_caffe, name))}
    assert classes - faces(STUB.body) == {node.name for node in CLASSES} | {"Error"}
