"""Graphs of nets, and their pictures where Graphviz is not installed."""

from __future__ import annotations

import io
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Node:
    """A layer or a blob; `style` is in Graphviz's words."""

    name: str
    label: str
    style: dict[str, str]

    @property
    def is_blob(self) -> bool:
        """Whether it stands for a blob."""
        return self.style["shape"] == "octagon"


@dataclass
class Edge:
    """Leads from a layer to a blob that it makes, or from a blob to a layer that reads it."""

    tail: str
    head: str
    label: str | None = None


@dataclass
class Graph:
    """A net as a graph; `rankdir` says where it leads to: LR, RL, TB or BT."""

    name: str
    rankdir: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


@dataclass
class Box:
    """Where a node was drawn: its centre and half its size, in inches."""

    x: float
    y: float
    half_width: float
    half_height: float

    def border(self, sideways: bool, side: int) -> tuple[float, float]:
        """Return the middle of the right (side 1) or left (-1) edge, or of the upper or lower."""
        if sideways:
            return self.x + side * self.half_width, self.y
        return self.x, self.y + side * self.half_height


# The room for a node, in inches.
_WIDTH, _HEIGHT = 1.7, 1.0
_GAP_ALONG, _GAP_ACROSS = 0.5, 0.2
# What picture files can hold, in pixels.
_LONGEST_SIDE = 60000


def _ranks(graph: Graph) -> dict[str, int]:
    """How many nodes lead to each; a blob stays where the first layer that writes it put it."""
    blobs = {node.name for node in graph.nodes if node.is_blob}
    rank = {node.name: 0 for node in graph.nodes if not node.is_blob}
    for edge in graph.edges:
        after = rank.setdefault(edge.tail, 0) + 1
        if edge.head in blobs:
            rank.setdefault(edge.head, after)
        else:
            rank[edge.head] = max(rank[edge.head], after)
    return rank


def layout(graph: Graph) -> dict[str, tuple[float, float]]:
    """Return the centre (x, y) of each node, in inches: y grows upwards, all are above 0."""
    rank = _ranks(graph)
    sizes = Counter(rank.values())
    across = max(sizes.values(), default=1)
    along = max(sizes, default=0)
    sideways = graph.rankdir in ("LR", "RL")
    seen: Counter[int] = Counter()
    places = {}
    for name, i in rank.items():
        place = (across - sizes[i]) / 2 + seen[i]
        seen[i] += 1
        step = along - i if graph.rankdir in ("RL", "TB") else i
        if sideways:
            x = (step + 0.5) * (_WIDTH + _GAP_ALONG)
            y = (across - place - 0.5) * (_HEIGHT + _GAP_ACROSS)
        else:
            x = (place + 0.5) * (_WIDTH + _GAP_ACROSS)
            y = (step + 0.5) * (_HEIGHT + _GAP_ALONG)
        places[name] = (x, y)
    return places


def _lines(node: Node) -> list[str]:
    return [part for line in node.label.split("\\n") for part in textwrap.wrap(line, 26)]


def picture(graph: Graph, ext: str) -> bytes:
    """Draw a graph in columns (rows), one for each step from the inputs on.

    `ext` is a format of matplotlib: png, svg, pdf, jpg, ... Raises RuntimeError for others.
    """
    from matplotlib.figure import Figure

    places = layout(graph)
    width = max((x for x, _ in places.values()), default=0) + _WIDTH / 2 + 0.2
    height = max((y for _, y in places.values()), default=0) + _HEIGHT / 2 + 0.2
    figure = Figure((width, height), dpi=min(90, _LONGEST_SIDE / max(width, height)))
    if ext not in figure.canvas.get_supported_filetypes():
        raise RuntimeError(f".{ext} pictures need the command `dot`: apt-get install graphviz")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    boxes = {node.name: _draw_node(axes, node, *places[node.name]) for node in graph.nodes}
    for edge in graph.edges:
        _draw_edge(axes, edge, boxes[edge.tail], boxes[edge.head], graph.rankdir)
    file = io.BytesIO()
    figure.savefig(file, format=ext)
    return file.getvalue()


def _draw_node(axes: Any, node: Node, x: float, y: float) -> Box:
    from matplotlib.patches import FancyBboxPatch

    lines = _lines(node)
    box = Box(x, y, _WIDTH / 2, 0.07 * len(lines) + 0.1)
    corner = (x - box.half_width, y - box.half_height)
    shape = "round,pad=0,rounding_size=0.1" if node.is_blob else "square,pad=0"
    colour = node.style["fillcolor"]
    axes.add_patch(FancyBboxPatch(corner, _WIDTH, 2 * box.half_height, boxstyle=shape, fc=colour))
    axes.text(x, y, "\n".join(lines), fontsize=7.5, ha="center", va="center")
    return box


def _draw_edge(axes: Any, edge: Edge, tail: Box, head: Box, rankdir: str) -> None:
    sideways = rankdir in ("LR", "RL")
    onwards = 1 if rankdir in ("LR", "BT") else -1
    way = head.x - tail.x if sideways else head.y - tail.y
    # What works in place leads back to the blob that it reads: in a bow.
    back = way * onwards < 0
    side = -onwards if back else onwards
    start, end = tail.border(sideways, side), head.border(sideways, -side)
    arrow = {"arrowstyle": "->", "connectionstyle": f"arc3,rad={0.3 if back else 0}"}
    # Below the boxes: what skips columns passes behind them.
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow, zorder=0)
    if edge.label:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        axes.text(*middle, edge.label, fontsize=7, ha="center", va="bottom")
