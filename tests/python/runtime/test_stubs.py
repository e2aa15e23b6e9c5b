"""The type stubs of the C++ halves of the packages name what these have."""

import ast
import inspect
from pathlib import Path

import caffe.io
import pytest
from dcme import _core

import caffe
from caffe import _caffe


def stub_of(module):
    file = Path(module.__file__)
    return ast.parse(file.with_name(f"{file.name.partition('.')[0]}.pyi").read_text())


STUBS = {module: stub_of(module) for module in (_caffe, _core)}


def annotated(body):
    """Names that stand there with a type only."""
    return {node.target.id for node in body if isinstance(node, ast.AnnAssign)}


def names(body):
    found = {node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    return {name for name in found if not name.startswith("__")}


def properties(body):
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    decorators = {node.name: [ast.unparse(d) for d in node.decorator_list] for node in functions}
    return {name for name, wrapped in decorators.items() if "property" in wrapped}


def faces(body):
    """Names of the package's classes that the module has as well."""
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {name.asname for node in imports for name in node.names}


def public(thing):
    return {name for name in vars(thing) if not name.startswith("_")}


@pytest.mark.parametrize("module", STUBS, ids=lambda module: module.__name__)
def test_of_the_module(module):
    body = STUBS[module].body
    constants = {name for name in annotated(body) if not name.startswith("__")}
    assert names(body) | constants | faces(body) == public(module)


def test_scripts_find_the_classes_where_pycaffe_has_them():
    for name in faces(STUBS[_caffe].body) | {"Blob", "Layer", "Timer"}:
        assert getattr(_caffe, name) is getattr(caffe, name)
    for name in caffe.pycaffe.__all__:
        assert getattr(caffe.pycaffe, name) is getattr(caffe, name)


def test_type_checkers_take_caffe_pb2_from_where_pycaffe_scripts_do():
    """A name that is only imported is none of a module's own to them; one `as` itself is."""
    body = ast.parse(Path(caffe.io.__file__).read_text()).body
    imported = [name for node in body if isinstance(node, ast.ImportFrom) for name in node.names]
    assert [name.asname for name in imported if name.name == "caffe_pb2"] == ["caffe_pb2"]


CLASSES = [
    (getattr(module, node.name), node.body)
    for module, stub in STUBS.items()
    for node in stub.body
    if isinstance(node, ast.ClassDef) and node.name != "Error"
]


@pytest.mark.parametrize(("thing", "body"), CLASSES, ids=[thing.__name__ for thing, _ in CLASSES])
def test_of_a_class(thing, body):
    assert names(body) == public(thing)
    assert properties(body) == {n for n in public(thing) if isinstance(vars(thing)[n], property)}
    # These are attributes of instances, which the class does not have.
    assert not annotated(body) & set(vars(thing))


@pytest.mark.parametrize("module", STUBS, ids=lambda module: module.__name__)
def test_classes_are_all_there(module):
    classes = {name for name in public(module) if inspect.isclass(getattr(module, name))}
    told = {
        thing.__name__ for thing, _ in CLASSES if getattr(module, thing.__name__, None) is thing
    }
    assert classes - faces(STUBS[module].body) - {"Error"} == told
