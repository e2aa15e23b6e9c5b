"""Layers that pick, repeat and make rows, with random options."""

from __future__ import annotations

from typing import Any

from twin.growing import GrowingNet
from twin.random_layers import WITH_CHANNELS, Draw, activation

INDICES = 6


def tile(net: GrowingNet, x: str) -> str | None:
    """Copies along any axis but the first."""
    axis = int(net.rng.integers(1, net.values[x].dim()))
    axis = net.choose(axis, axis - net.values[x].dim())
    return net.add("Tile", [x], tile_param={"axis": axis, "tiles": net.choose(1, 2, 3)})


def embed(net: GrowingNet, x: str) -> str | None:
    """Rows of a matrix, brought to the blob's shape where they fit it."""
    shape = net.shape(x)[1:]
    name = f"indices{len(net.layers)}"
    net.dataset(name, net.rng.integers(0, INDICES, (net.rows, *shape[:-1])))
    options = {
        "num_output": net.choose(1, 3, shape[-1], shape[-1]),
        "input_dim": INDICES,
        "bias_term": net.chance(0.6),
    }
    return net.add("Embed", [name], embed_param=options)


def batch_reindex(net: GrowingNet, x: str) -> str | None:
    """Rows in any order, some of them repeatedly, where batches have one size."""
    if not net.of_one_size or net.shape(x)[0] < net.batch:
        return None
    name = f"places{len(net.layers)}"
    net.dataset(name, net.rng.integers(0, net.batch, net.rows))
    return net.add("BatchReindex", [x, name])


def filtered(net: GrowingNet, x: str) -> str | None:
    """Some rows of one or two blobs, perhaps none, and their own way to the loss, as their number
    changes from batch to batch."""
    if net.shape(x)[0] != net.batch:
        return None
    selected = net.rng.random(net.rows) < net.choose(0.2, 0.5, 0.8)
    selected[0] = True
    bottoms = [x] if net.chance(0.6) else [x, net.choose(*net.alike(x))]
    selector = net.dataset(f"selector{len(net.layers)}", selected)
    top = net.add("Filter", [*bottoms, selector], tops=len(bottoms))
    if not top:
        return None
    for name in [top] if len(bottoms) == 1 else [top[:-1] + "x", top[:-1] + "y"]:
        _to_the_loss(net, name)
    return x


def product(net: GrowingNet, x: str) -> str | None:
    """A plain InnerProduct."""
    return net.add("InnerProduct", [x], inner_product_param={"num_output": net.choose(2, 5)})


def _to_the_loss(net: GrowingNet, x: str) -> None:
    """Hides all that comes from x from layers to come, which want blobs of one size."""
    for draw in net.choose([], [activation], [product], [product, activation]):
        made = draw(net, x) if net.values[x].dim() > 1 else None
        if made and made != x:
            net.hide(x)
        x = made or x
    options: dict[str, Any] = {"operation": net.choose("SUM", "SUMSQ", "ASUM")}
    options["coeff"] = 1 / net.values[x].numel()
    total = net.add("Reduction", [x], reduction_param=options, loss_weight=[0.5])
    if total:
        net.hide(total)
    else:
        net.add("Silence", [x], tops=0)
    net.hide(x)


def arg_max(net: GrowingNet, x: str) -> str | None:
    """The places of the largest elements, which are an output of the net."""
    if net.nearly_equal(x):
        return None
    options: dict[str, Any] = {"out_max_val": net.chance(0.6)}
    if net.chance(0.5):
        options["axis"] = net.choose(1, -1)
    largest = net.values[x].shape[options["axis"]] if "axis" in options else 2
    options["top_k"] = net.choose(1, 1, min(2, largest, net.values[x][0].numel()))
    top = net.add("ArgMax", [x], argmax_param=options)
    return net.hide(top) if top else None


def threshold(net: GrowingNet, x: str) -> str | None:
    """Which elements are large, as an output of the net."""
    top = net.add("Threshold", [x], threshold_param={"threshold": net.choose(0.0, 0.5)})
    return net.hide(top) if top else None


def factor(net: GrowingNet, x: str) -> str | None:
    """A Parameter layer that multiplies or shifts channels."""
    top = net.add("Parameter", [], parameter_param={"shape": {"dim": net.shape(x)[1:2]}})
    if not top:
        return None
    return net.add(net.choose("Scale", "Bias"), [x, net.hide(top)])


ROWS: list[tuple[Draw, range]] = [
    (tile, WITH_CHANNELS),
    (embed, WITH_CHANNELS),
    (batch_reindex, WITH_CHANNELS),
    (filtered, WITH_CHANNELS),
    (arg_max, WITH_CHANNELS),
    (threshold, WITH_CHANNELS),
    (factor, WITH_CHANNELS),
]
