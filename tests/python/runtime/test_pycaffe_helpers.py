"""Helpers of pycaffe that scripts call by themselves."""

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import caffe.coord_map
import caffe.draw
import caffe.graph
import cv2
import numpy as np
import pytest
from google.protobuf import text_format

import caffe
from caffe import layers as L
from caffe.proto import caffe_pb2


def test_coord_map_reads_windows_and_crops():
    data = L.Input(shape={"dim": [1, 3, 32, 32]})
    conv = L.Convolution(data, kernel_size=[3, 5], stride=2, pad=1, num_output=4)
    axis, stride, extent, pad = caffe.coord_map.conv_params(conv.fn)
    assert (axis, stride.tolist(), extent.tolist(), pad.tolist()) == (1, [2], [3, 5], [1])
    dilated = L.Convolution(data, kernel_size=[3, 5], dilation=2, axis=2, num_output=4)
    axis, stride, extent, pad = caffe.coord_map.conv_params(dilated.fn)
    assert (axis, stride.tolist(), extent.tolist(), pad.tolist()) == (2, [1], [5, 9], [0])
    axis, offset = caffe.coord_map.crop_params(L.Crop(conv, data, axis=2, offset=7).fn)
    assert (axis, offset.tolist()) == (2, [7])
    axis, offset = caffe.coord_map.crop_params(L.Crop(conv, data).fn)
    assert (axis, offset.tolist()) == (2, [0])


def test_crops_of_tops_that_lie_over_each_other_begin_at_zero():
    data = L.Input(shape={"dim": [1, 3, 32, 32]})
    for top in (L.ReLU(data), L.Convolution(data, kernel_size=3, pad=1, num_output=4)):
        params = caffe.coord_map.crop(top, data).fn.params["crop_param"]
        assert (params["axis"], params["offset"]) == (2, [0])


def test_the_inverse_of_a_map_undoes_it():
    there = (1, 4.0, 3.0)
    back = caffe.coord_map.inverse(there)
    assert caffe.coord_map.compose(back, there) == (1, 1.0, 0.0)


def test_drawings_label_windows_and_sizes():
    text = """
        layer { name: "p" type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
        layer { name: "ip" type: "InnerProduct" inner_product_param { num_output: 7 } }
        layer { name: "d" type: "Data" data_param { batch_size: 5 } }"""
    pool, product, data = text_format.Parse(text, caffe_pb2.NetParameter()).layer
    assert caffe.draw.get_pooling_types_dict()[caffe_pb2.PoolingParameter.AVE] == "AVE"
    label = caffe.draw.get_layer_label(pool, "LR")
    assert "AVE" in label and "kernel size: 3" in label and "stride: 2" in label
    assert caffe.draw.get_layer_label(pool, "TB").count("\\n") > 1
    assert caffe.draw.get_edge_label(product) == "7"
    assert caffe.draw.get_edge_label(data) == "Batch 5"


@pytest.mark.parametrize(
    ("kind", "window", "lines"),
    [
        ("Convolution", "kernel_size: 3", "kernel size: 3 stride: 1 pad: 0"),
        ("Convolution", "kernel_size: 3 kernel_size: 5 pad: 1 pad: 2", "3x5 stride: 1 pad: 1x2"),
        ("Deconvolution", "kernel_h: 3 kernel_w: 5 stride_h: 2 stride_w: 4", "3x5 stride: 2x4 pad"),
        ("Convolution", "kernel_size: 3 pad_h: 1", "pad: 1x0"),
        ("Convolution", "kernel_size: 3 pad_w: 2", "pad: 0x2"),
        ("Pooling", "global_pooling: true", "MAX kernel size: 1 stride: 1 pad: 0"),
        ("Pooling", "kernel_size: 4 stride: 2 pad: 1", "MAX kernel size: 4 stride: 2 pad: 1"),
        ("Pooling", "pool: AVE kernel_h: 2 kernel_w: 3", "AVE kernel size: 2x3 stride: 1 pad: 0"),
    ],
)
def test_drawings_show_windows_however_they_are_written(kind, window, lines):
    layer = caffe_pb2.LayerParameter(name="l", type=kind)
    field = "pooling_param" if kind == "Pooling" else "convolution_param"
    text_format.Parse(window, getattr(layer, field))
    assert lines in caffe.draw.get_layer_label(layer, "LR")


def test_drawings_show_factors_of_the_learning_rate_if_asked():
    text = """
        layer { name: "ip" type: "InnerProduct" param { lr_mult: 0.5 } param { lr_mult: 2 } }
        layer { name: "relu" type: "ReLU" }"""
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    labels = [caffe.draw.get_layer_label(layer, "LR", display_lrm=True) for layer in net.layer]
    assert labels == ["ip (InnerProduct) lr_mult: 0.5, 2", "relu (ReLU)"]
    assert b"lr_mult" in caffe.draw.draw_net(net, "TB", "dot", None, True)
    assert b"lr_mult" not in caffe.draw.draw_net(net, "TB", "dot")


BRANCHES = """
    layer { name: "data" type: "Input" top: "data" }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
            convolution_param { num_output: 4 kernel_size: 3 } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "deeper" type: "Pooling" bottom: "conv" top: "deeper" }
    layer { name: "sum" type: "Eltwise" bottom: "conv" bottom: "deeper" top: "sum" }"""


def test_nets_are_laid_out_in_the_order_in_which_they_compute():
    net = text_format.Parse(BRANCHES, caffe_pb2.NetParameter())
    graph = caffe.draw.net_to_graph(net, "LR")
    places = caffe.graph.layout(graph)
    assert set(places) == {node.name for node in graph.nodes}
    assert len(set(places.values())) == len(places)
    x = {name: place[0] for name, place in places.items()}
    way = ["data_Input", "data_blob", "conv_Convolution", "conv_blob", "deeper_Pooling"]
    way += ["deeper_blob", "sum_Eltwise", "sum_blob"]
    assert [x[name] for name in way] == sorted({x[name] for name in way})
    assert x["relu_ReLU"] == x["deeper_Pooling"]
    upwards = caffe.graph.layout(caffe.draw.net_to_graph(net, "BT"))
    assert [upwards[name][1] for name in way] == sorted({upwards[name][1] for name in way})


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
def test_nets_are_drawn_without_graphviz(monkeypatch, tmp_path, rankdir):
    monkeypatch.setenv("PATH", str(tmp_path))
    net = text_format.Parse(BRANCHES, caffe_pb2.NetParameter())
    with pytest.warns(UserWarning, match="apt-get install graphviz"):
        caffe.draw.draw_net_to_file(net, tmp_path / "net.png", rankdir)
        with pytest.raises(RuntimeError, match="xyz pictures need"):
            caffe.draw.draw_net_to_file(net, tmp_path / "net.xyz", rankdir)
    assert not (tmp_path / "net.xyz").exists()
    image = cv2.imread(str(tmp_path / "net.png"))
    along, across = (1, 0) if rankdir in ("LR", "RL") else (0, 1)
    assert image.shape[along] > 1.5 * image.shape[across]
    colours = {tuple(colour) for colour in image.reshape(-1, 3).tolist()}
    assert {(0x50, 0x50, 0xFF), (0x90, 0xEE, 0x90), (0xE0, 0xE0, 0xE0)} <= colours  # B G R


def branches(rankdir):
    net = text_format.Parse(BRANCHES, caffe_pb2.NetParameter())
    return caffe.draw.net_to_graph(net, rankdir, label_edges=False)


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
def test_every_node_is_drawn_where_it_was_laid_out(rankdir):
    graph = branches(rankdir)
    image = cv2.imdecode(np.frombuffer(caffe.graph.picture(graph, "png"), np.uint8), 1)

    def pixels_at(x, y, around=0):
        row, column = len(image) - 1 - round(90 * y), round(90 * x)
        return image[row - around : row + around + 1, column - around : column + around + 1]

    for node in graph.nodes:
        x, y = caffe.graph.layout(graph)[node.name]
        left = x - 1.7 / 2  # of the box, where no label is
        blue, green, red = pixels_at(left + 0.05, y)[0, 0].tolist()
        assert f"#{red:02X}{green:02X}{blue:02X}" == node.style["fillcolor"]
        # Blobs have round corners, outside of which nothing is drawn.
        top = y + 0.07 * len(caffe.graph._lines(node)) + 0.1
        drawn = (pixels_at(left, top, around=1) < 99).any()
        assert drawn == (node.style["shape"] != "octagon")
    for places, size in zip(np.nonzero((image != 255).any(axis=2)), image.shape):
        assert 0 < places.min() < 60 and 0 < size - 1 - places.max() < 60, "no place is left free"


def test_columns_of_few_nodes_stand_in_the_middle():
    places = caffe.graph.layout(branches("LR"))
    # relu and deeper both read conv; what is alone in its column stands between them.
    beside = [places[name][1] for name in ("relu_ReLU", "deeper_Pooling")]
    assert places["conv_blob"][1] == pytest.approx(np.mean(beside)) and beside[0] != beside[1]
    column = 1.7 + 0.5
    way = ["data_Input", "data_blob", "conv_Convolution", "conv_blob"]
    assert [places[name][0] / column for name in way] == pytest.approx([0.5, 1.5, 2.5, 3.5])


def test_edges_begin_and_end_in_the_middles_of_the_boxes_sides():
    box = caffe.graph.Box(10, 20, 3, 2)
    assert [box.border(True, side) for side in (1, -1)] == [(13, 20), (7, 20)]
    assert [box.border(False, side) for side in (1, -1)] == [(10, 22), (10, 18)]


def test_nets_are_drawn_by_a_command(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        BRANCHES + 'layer { name: "loss" type: "EuclideanLoss" include { phase: TRAIN } }'
    )
    command = [sys.executable, "-m", "caffe.draw", "net.prototxt"]
    for picture in ("net.png", "net.svg"):
        subprocess.run([*command, picture], cwd=tmp_path, check=True)
    assert cv2.imread(str(tmp_path / "net.png")) is not None
    assert "<svg" in (tmp_path / "net.svg").read_text()
    for phase, drawn in (("ALL", True), ("TRAIN", True), ("TEST", False)):
        options = ["--rankdir", "BT", "--phase", phase]
        assert (
            caffe.draw.main([*(str(tmp_path / n) for n in ("net.prototxt", "g.dot")), *options])
            == 0
        )
        graph = (tmp_path / "g.dot").read_text()
        assert ("loss_EuclideanLoss" in graph, 'rankdir="BT"' in graph) == (drawn, True)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (None, r"net\.prototxt: No such file or directory"),
        (b"layer { nmae: 'x' }", r"net\.prototxt:1:\d+: .* \"nmae\" \(did you mean name\?\)"),
        (b"\xd0\0\xff", r"net\.prototxt: not a prototxt of a net"),
    ],
)
def test_what_cannot_be_drawn_is_an_error_of_one_line(tmp_path, capsys, contents, message):
    if contents is not None:
        (tmp_path / "net.prototxt").write_bytes(contents)
    assert caffe.draw.main([str(tmp_path / "net.prototxt"), str(tmp_path / "net.dot")]) == 1
    assert re.fullmatch(rf"caffe\.draw: error: .*{message}.*\n", capsys.readouterr().err)
    assert not (tmp_path / "net.dot").exists()


def test_a_picture_that_cannot_be_written_leaves_the_earlier_one(tmp_path):
    # Of more than the 1024 bytes that the shell lets it write.
    (tmp_path / "net.prototxt").write_text(f'name: "{2000 * "n"}"')
    (tmp_path / "net.dot").write_text("earlier")
    words = [sys.executable, "-m", "caffe.draw", "net.prototxt", "net.dot"]
    limited = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *words]
    done = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "caffe.draw: error: net.dot: File too large\n")
    assert (tmp_path / "net.dot").read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"net.prototxt", "net.dot"}


def test_a_net_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "net.prototxt").write_bytes(b"\xef\xbb\xbfname: 'n'")
    assert caffe.draw.main([str(tmp_path / "net.prototxt"), str(tmp_path / "net.dot")]) == 0


def test_pictures_of_processes_of_one_number_do_not_meet(tmp_path, monkeypatch):
    """The first ones of two containers that share a folder are such."""
    monkeypatch.setattr("os.getpid", lambda: 7)
    parts, write = [], Path.write_bytes

    def noted(path, content):
        parts.append(path)
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", noted)
    for name in ("a.dot", "b.dot"):
        caffe.draw.draw_net_to_file(caffe_pb2.NetParameter(name="n"), tmp_path / name)
    assert len(set(parts)) == 2


def test_a_picture_goes_where_a_link_leads_and_into_pipes(tmp_path):
    net = caffe_pb2.NetParameter(name="n")
    (tmp_path / "real").write_text("earlier")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "net.dot").symlink_to("real")
    caffe.draw.draw_net_to_file(net, tmp_path / "net.dot", "LR")
    assert (tmp_path / "net.dot").is_symlink()
    assert (tmp_path / "real").read_text() == caffe.draw.net_to_dot(net, "LR")
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe.dot")
    reader = os.open(tmp_path / "pipe.dot", os.O_RDONLY | os.O_NONBLOCK)
    caffe.draw.draw_net_to_file(net, tmp_path / "pipe.dot", "LR")
    assert os.read(reader, 1000).decode() == caffe.draw.net_to_dot(net, "LR")
    os.close(reader)


def test_a_picture_needs_an_extension(tmp_path):
    with pytest.raises(ValueError, match=r"some\.d/picture: name a picture with an extension"):
        caffe.draw.draw_net_to_file(caffe_pb2.NetParameter(), tmp_path / "some.d/picture")


def test_a_drawing_that_is_stopped_says_so(tmp_path, monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(caffe.draw, "draw_net", stopped)
    (tmp_path / "net.prototxt").write_text(BRANCHES)
    assert caffe.draw.main([str(tmp_path / "net.prototxt"), str(tmp_path / "net.png")]) == 130
    assert capsys.readouterr().err == "caffe.draw: interrupted\n"


def test_graphviz_arranges_nets_where_it_is_installed(monkeypatch, tmp_path):
    # Stands for the command; its picture is what it was given.
    dot = tmp_path / "dot"
    dot.write_text('#!/bin/sh\n[ "$1" = -Tsvg ] || { echo "no $1" >&2; exit 1; }\ncat\n')
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    net = text_format.Parse(BRANCHES, caffe_pb2.NetParameter())
    caffe.draw.draw_net_to_file(net, tmp_path / "net.svg", "TB")
    assert (tmp_path / "net.svg").read_text() == caffe.draw.net_to_dot(net, "TB")
    with pytest.raises(RuntimeError, match="dot -Txyz failed: no -Txyz"):
        caffe.draw.draw_net(net, "TB", "xyz")


def test_old_nets_are_not_drawn_in_silence():
    net = text_format.Parse("layers { name: 'x' type: RELU }", caffe_pb2.NetParameter())
    with pytest.warns(UserWarning, match="upgrade_net_proto_text"):
        assert not caffe.draw.net_to_graph(net).nodes


def test_a_plug_in_that_is_none_is_named(tmp_path):
    (tmp_path / "no.so").write_text("text")
    with pytest.raises(caffe.Error, match=r"no\.so cannot be loaded"):
        caffe.load_plugin(str(tmp_path / "no.so"))


def test_graphs_are_handed_to_pydot(monkeypatch):
    # Stands for the package, which nothing else needs.
    pydot = types.SimpleNamespace(graph_from_dot_data=lambda text: [("a graph", text)])
    monkeypatch.setitem(sys.modules, "pydot", pydot)
    net = caffe_pb2.NetParameter(name="n")
    assert caffe.draw.get_pydot_graph(net, "TB") == ("a graph", caffe.draw.net_to_dot(net, "TB"))


@pytest.fixture
def detector(tmp_path):
    net = (
        'input: "x" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 } layer { name: "s" type: "Softmax" '
    )
    (tmp_path / "net.prototxt").write_text(net + 'bottom: "x" top: "y" }')
    weights = tmp_path / "w.caffemodel"
    caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST).save(str(weights))
    mean = np.array([1, 2, 3], np.float32)
    return caffe.Detector(str(tmp_path / "net.prototxt"), str(weights), mean=mean)


def test_a_detector_asks_selective_search_for_windows(detector, tmp_path, monkeypatch):
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), np.full((20, 30, 3), 7, np.uint8))
    asked = []

    def get_windows(names, cmd):
        asked.append((names, cmd))
        return [np.array([[0, 0, 9, 9], [5, 5, 19, 29]])]

    name = "selective_search_ijcv_with_python"
    monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(get_windows=get_windows))
    found = detector.detect_selective_search([image])
    assert asked == [([str(image)], "selective_search_rcnn")]
    assert [detection["window"].tolist() for detection in found] == [[0, 0, 9, 9], [5, 5, 19, 29]]
    assert found[0]["prediction"].shape == (3, 8, 8)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="detect_windows"):
        detector.detect_selective_search([image])


def test_a_detector_takes_its_context_anew(detector):
    detector.configure_crop(2)
    crop = detector.crop(np.zeros((8, 8, 3), np.float32), np.array([0, 0, 7, 7]))
    assert crop.shape == (8, 8, 3)
    assert crop[0, 0].tolist() == [1, 2, 3]


def test_nccl_in_place_of_callbacks_hooks_itself_into_net_and_solver(tmp_path, monkeypatch):
    class Core:
        """Stands for that of a build with NCCL, which needs GPUs."""

        def __init__(self):
            self.hooked = []

        hook_into_net = hook_into_solver = lambda self, core: self.hooked.append(core)

    for module in ("caffe.net", "caffe.solver"):
        monkeypatch.setattr(sys.modules[module], "NCCLCore", Core)
    layer = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }'
    (tmp_path / "solver.prototxt").write_text(f"net_param {{ {layer} }} base_lr: 1")
    solver, core = caffe.get_solver(str(tmp_path / "solver.prototxt")), Core()
    solver.net.after_backward(core)
    solver.add_callback(core)
    assert core.hooked == [solver.net._core, solver._core]


@pytest.mark.skipif(caffe.has_nccl(), reason="for builds without NCCL")
def test_parallel_training_needs_nccl():
    with pytest.raises(caffe.Error, match="built without NCCL"):
        caffe.NCCL.new_uid()


@pytest.mark.skipif(not caffe.has_nccl(), reason="for builds with NCCL")
def test_processes_meet_under_a_name_of_128_bytes():
    assert len(caffe.NCCL.new_uid()) == 128


def test_a_layers_colour_is_that_of_its_type():
    assert caffe.draw.choose_color_by_layertype("Deconvolution") == "#FF5050"
    assert caffe.draw.choose_color_by_layertype("ReLU") == "#6495ED"


def test_nets_and_solvers_are_found_where_pycaffe_keeps_them():
    from caffe.pycaffe import Net, SGDSolver

    assert (Net, SGDSolver) == (caffe.Net, caffe.SGDSolver)
