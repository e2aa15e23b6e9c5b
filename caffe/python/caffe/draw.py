"""Pictures of nets: ``draw_net_to_file(net_proto, "net.png")``.

``python -m caffe.draw net.prototxt net.png`` does the same from a shell. The command ``dot`` of
Graphviz arranges them; where it is not installed, a simpler layout does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from os import fspath
from pathlib import Path
from secrets import token_hex
from typing import Any

from .graph import Edge, Graph, Node, picture
from .net import PathLike
from .net_spec import param_name_dict
from .proto import caffe_pb2
from .prototxt import parse_prototxt

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}
COLOURS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
WINDOW_FIELDS = {"Convolution": "convolution", "Deconvolution": "convolution", "Pooling": "pooling"}


def get_pooling_types_dict() -> dict[int, str]:
    """Return the names of the pooling methods by number."""
    enum = caffe_pb2.PoolingParameter.PoolMethod
    return {value: name for name, value in enum.items()}


def get_edge_label(layer: Any) -> str:
    """Return what to write beside a layer's outgoing edge: its batch or output size."""
    if layer.type in ("Data", "ImageData", "HDF5Data", "WindowData"):
        own = getattr(layer, _param_field(layer.type))
        return f"Batch {own.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return ""


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """Return what to write into a layer's box: name, type, and window where it has one.

    With display_lrm, also the factors of the learning rate that the prototxt gives its parameters.
    """
    lines = [layer.name, f"({layer.type})"]
    if layer.type in WINDOW_FIELDS:
        lines += _window_lines(layer)
    if display_lrm and layer.param:
        lines.append("lr_mult: " + ", ".join(f"{spec.lr_mult:g}" for spec in layer.param))
    return "\\n".join(lines) if rankdir in ("TB", "BT") else " ".join(lines)


def _window_lines(layer: Any) -> list[str]:
    param = getattr(layer, WINDOW_FIELDS[layer.type] + "_param")
    values = []
    for what, fields, default in (
        ("kernel size", ("kernel_size", "kernel"), 1),
        ("stride", ("stride", "stride"), 1),
        ("pad", ("pad", "pad"), 0),
    ):
        sizes = _window_value(param, *fields, default)
        values.append(f"{what}: {sizes}")
    if layer.type == "Pooling":
        values.insert(0, get_pooling_types_dict()[param.pool])
    return values


def _window_value(param: Any, field: str, short: str, default: int) -> str:
    if param.HasField(f"{short}_h") or param.HasField(f"{short}_w"):
        return f"{getattr(param, short + '_h')}x{getattr(param, short + '_w')}"
    value = getattr(param, field)
    if isinstance(value, int):
        return str(value or default)
    return "x".join(map(str, value)) or str(default)


def choose_color_by_layertype(layertype: str) -> str:
    """Return the fill colour of a layer's box, as #RRGGBB."""
    return COLOURS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def _param_field(layer_type: str) -> str:
    return param_name_dict()[layer_type] + "_param"


def _included(layer: Any, phase: int | None) -> bool:
    """Whether a layer belongs to a phase (None: all layers do)."""
    if phase is None:
        return True
    wanted = [rule.phase for rule in layer.include if rule.HasField("phase")]
    unwanted = [rule.phase for rule in layer.exclude if rule.HasField("phase")]
    return (not wanted or phase in wanted) and phase not in unwanted


def _quote(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def net_to_graph(
    caffe_net: Any,
    rankdir: str = "LR",
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Graph:
    """Return the layers and blobs of a NetParameter, and what leads from one to the other."""
    if caffe_net.layers:
        warnings.warn(
            "old layers (`layers`) are not drawn: upgrade_net_proto_text rewrites the file",
            stacklevel=2,
        )
    graph = Graph(caffe_net.name or "Net", rankdir)
    blobs: dict[str, None] = {}
    for layer in caffe_net.layer:
        if not _included(layer, phase):
            continue
        name = f"{layer.name}_{layer.type}"
        in_place = len(layer.bottom) == 1 and list(layer.bottom) == list(layer.top)
        style = dict(NEURON_LAYER_STYLE if in_place else LAYER_STYLE_DEFAULT)
        style["fillcolor"] = COLOURS.get(layer.type, style["fillcolor"])
        graph.nodes.append(Node(name, get_layer_label(layer, rankdir, display_lrm), style))
        for bottom in layer.bottom:
            blobs[bottom] = None
            graph.edges.append(Edge(bottom + "_blob", name))
        label = get_edge_label(layer) if label_edges else ""
        for top in layer.top:
            blobs[top] = None
            graph.edges.append(Edge(name, top + "_blob", label))
    graph.nodes += [Node(blob + "_blob", blob, BLOB_STYLE) for blob in blobs]
    return graph


def net_to_dot(
    caffe_net: Any,
    rankdir: str = "LR",
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> str:
    """Return the graph of a NetParameter in Graphviz's language; rankdir LR, RL, TB or BT."""
    graph = net_to_graph(caffe_net, rankdir, label_edges, phase, display_lrm)
    lines = [f"digraph {_quote(graph.name)} {{", f"  rankdir={_quote(rankdir)};"]
    for node in graph.nodes:
        attributes = {"label": node.label, **node.style}
        listed = ", ".join(f"{key}={_quote(value)}" for key, value in attributes.items())
        lines.append(f"  {_quote(node.name)} [{listed}];")
    for edge in graph.edges:
        label = f" [label={_quote(edge.label)}]" if edge.label is not None else ""
        lines.append(f"  {_quote(edge.tail)} -> {_quote(edge.head)}{label};")
    return "\n".join([*lines, "}", ""])


def get_pydot_graph(
    caffe_net: Any,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Any:
    """Return the graph as an object of the package pydot, which must be installed."""
    import pydot

    dot = net_to_dot(caffe_net, rankdir, label_edges, phase, display_lrm)
    return pydot.graph_from_dot_data(dot)[0]


def draw_net(
    caffe_net: Any,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """Return a picture of a NetParameter, in a format that Graphviz knows.

    Where Graphviz is not installed, a warning says so, and the picture is laid out more plainly.
    """
    if ext == "dot":
        return net_to_dot(caffe_net, rankdir, phase=phase, display_lrm=display_lrm).encode()
    if shutil.which("dot") is None:
        warnings.warn(
            "no command `dot`, which arranges nets better: apt-get install graphviz", stacklevel=2
        )
        graph = net_to_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
        return picture(graph, ext)
    dot = net_to_dot(caffe_net, rankdir, phase=phase, display_lrm=display_lrm).encode()
    done = subprocess.run(["dot", f"-T{ext}"], input=dot, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"dot -T{ext} failed: {done.stderr.decode().strip()}")
    return done.stdout


def draw_net_to_file(
    caffe_net: Any,
    filename: PathLike,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Write a picture of a NetParameter; the name's extension says in which format.

    Where that fails an earlier picture of that name is left as it was.
    """
    ext = os.path.splitext(fspath(filename))[1][1:]
    if not ext:
        raise ValueError(f"{filename}: name a picture with an extension: .png, .svg, .dot, ...")
    _write(Path(filename), draw_net(caffe_net, rankdir, ext, phase, display_lrm))


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; errors of the system name it."""
    target = Path(os.path.realpath(path))  # of a link, what it leads to
    # Into a pipe or a device there is no other way than to write.
    in_place = path.exists() and not target.is_file()
    # A number of the process would not do: containers that share a folder have the same ones.
    part = path if in_place else target.with_name(f".{token_hex(8)}.tmp{target.suffix}")
    try:
        part.write_bytes(content)
        if not in_place:
            with suppress(OSError):  # no earlier file, or a file system without permissions
                shutil.copymode(target, part)
            os.replace(part, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        if not in_place:
            with suppress(OSError):  # the error above says what is wrong
                part.unlink(missing_ok=True)


def _read_net(path: str) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a prototxt of a net ({error})") from None
    return parse_prototxt(text, caffe_pb2.NetParameter(), path)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m caffe.draw``; returns 0, 1 after an error, 2 for wrong arguments, 130 where
    it was stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m caffe.draw",
        description="Draws a net; the picture's extension sets its format.",
        epilog="example: python -m caffe.draw net.prototxt net.png --rankdir TB",
    )
    parser.add_argument("input_net_proto_file", help="prototxt of the net")
    parser.add_argument("output_image_file", help="picture: .png, .svg, .pdf, .dot, ...")
    parser.add_argument(
        "--rankdir",
        choices=("LR", "RL", "TB", "BT"),
        default="LR",
        help="direction from inputs to outputs (default: LR)",
    )
    phases = {"ALL": None, "TRAIN": caffe_pb2.TRAIN, "TEST": caffe_pb2.TEST}
    parser.add_argument(
        "--phase",
        choices=tuple(phases),
        default="ALL",
        help="only the layers of this phase (default: ALL)",
    )
    parser.add_argument("--display_lrm", action="store_true", help="show lr_mult of parameters")
    given = parser.parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: _say(f"warning: {message}")
            draw_net_to_file(
                _read_net(given.input_net_proto_file),
                given.output_image_file,
                given.rankdir,
                phases[given.phase],
                given.display_lrm,
            )
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except OSError as error:
        _say(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}")
        return 1
    except (RuntimeError, ValueError) as error:
        _say(f"error: {error}")
        return 1
    return 0


def _say(line: str) -> None:
    print(f"caffe.draw: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
