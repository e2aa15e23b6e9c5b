"""Names and paths in any script, and those that are no UTF-8 (PEP 383: bytes as surrogates)."""

import os

import numpy as np
import pytest
from support import command

import caffe
from caffe.proto import caffe_pb2

NET = """name: "網" layer { name: "вход" type: "Input" top: "данные"
  input_param { shape { dim: 1 dim: 2 } } }
layer { name: "層" type: "InnerProduct" bottom: "данные" top: "出力"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""
NAMES = ["層".encode(), b"caf\xe9"]
FOLDERS = ["папка".encode(), b"dossier-\xe9"]


@pytest.fixture(params=FOLDERS, ids=["utf-8", "other"])
def folder(request, tmp_path):
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/" + request.param)
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    return tmp_path / os.fsdecode(request.param)


@pytest.mark.parametrize("name", NAMES, ids=["utf-8", "other"])
def test_nets_are_loaded_run_and_saved(folder, name):
    path = folder / "сеть.prototxt"
    path.write_bytes(NET.encode().replace(NAMES[0], name))
    net = caffe.Net(str(path), caffe.TEST)
    layer = name.decode("utf-8", "surrogateescape")
    assert net.name == "網" and list(net.params) == [layer]
    assert net.bottom_names[layer] == ["данные"] and net.outputs == ["出力"]
    result = net.forward(end=layer, данные=np.ones((1, 2)))["出力"]
    for save, file in ((net.save, "вес.caffemodel"), (net.save_hdf5, "вес.h5")):
        save(folder / file)
        again = caffe.Net(path, caffe.TEST)
        assert list(again.copy_from(os.fsencode(folder / file))) == [layer]
        np.testing.assert_array_equal(again.forward(данные=np.ones((1, 2)))["出力"], result)


def test_solvers_read_and_write_such_paths(folder):
    train = 'layer { name: "потеря" type: "EuclideanLoss" bottom: "出力" bottom: "данные" }'
    (folder / "сеть.prototxt").write_text(NET + train)
    solver = caffe_pb2.SolverParameter(base_lr=0.1, lr_policy="fixed", max_iter=2, snapshot=1)
    solver.net = "сеть.prototxt"
    solver.snapshot_prefix = "снимок"
    (folder / "решатель.prototxt").write_text(str(solver))
    command.run(folder, "train", "--solver=решатель.prototxt")
    command.run(
        folder,
        "train",
        "--solver=решатель.prototxt",
        "--snapshot=снимок_iter_1.solverstate",
    )


def test_files_that_are_missing_are_named(folder):
    with pytest.raises(caffe.Error, match=r"нет\.prototxt: No such file"):
        caffe.Net(folder / "нет.prototxt", caffe.TEST)
    with pytest.raises(OSError, match=r"нет\.png"):
        caffe.io.load_image(folder / "нет.png")
    assert "нет.prototxt: No such file" in command.fail(folder, "check", "--model=нет.prototxt")


def test_texts_of_python_layers_may_hold_any_bytes(tmp_path, monkeypatch):
    (tmp_path / "any_text.py").write_text(
        "import caffe\n"
        "class Echo(caffe.Layer):\n"
        "    def setup(self, bottom, top): raise ValueError(self.param_str)\n"
        "    def reshape(self, bottom, top): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "net.prototxt").write_bytes(
        b'layer { name: "caf\xe9" type: "Python" top: "y" python_param { module: "any_text" '
        b'layer: "Echo" param_str: "caf\xe9" } }'
    )
    with pytest.raises(ValueError, match="caf\udce9"):
        caffe.Net(tmp_path / "net.prototxt", caffe.TEST)
