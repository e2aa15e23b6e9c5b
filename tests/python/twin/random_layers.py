"""Layers with random options, for a net that grows. Each function adds one, or some that belong
together, behind a blob, and returns the name of what they make, or None where none fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from twin.growing import GrowingNet

Draw = Callable[[GrowingNet, str], Optional[str]]
# How many axes a blob may have for a layer.
ANY, WITH_CHANNELS = range(0, 6), range(2, 6)
ACTIVATIONS: list[tuple[str, dict[str, Any]]] = [
    ("ReLU", {}),
    ("ReLU", {}),
    ("ReLU", {"relu_param": {"negative_slope": 0.5}}),
    ("AbsVal", {}),
    ("BNLL", {}),
    ("Clip", {"clip_param": {"min": -0.5, "max": 1.5}}),
    ("Dropout", {"dropout_param": {"dropout_ratio": 1e-9}}),
    ("ELU", {"elu_param": {"alpha": 0.5}}),
    ("Exp", {"exp_param": {"base": 2, "scale": -0.5, "shift": 1}}),
    ("Log", {"log_param": {"base": 2, "shift": 20}}),
    ("PReLU", {}),
    ("PReLU", {"prelu_param": {"channel_shared": True}}),
    ("Power", {"power_param": {"scale": -1.5, "shift": 0.3}}),
    ("Power", {"power_param": {"power": 2}}),
    ("Sigmoid", {}),
    ("Swish", {"swish_param": {"beta": 2}}),
    ("TanH", {}),
]


def activation(net: GrowingNet, x: str) -> str | None:
    """Any element-wise layer of one bottom."""
    type, options = net.choose(*ACTIVATIONS)
    in_place = net.may_be_in_place(x)
    if in_place and net.chance(0.1):  # in training only
        options = options | net.choose(
            {"include": [{"phase": "TRAIN"}]}, {"exclude": [{"phase": "TEST"}]}
        )
    return net.add(type, [x], in_place=in_place, **options)


def activations(net: GrowingNet, x: str) -> str | None:
    """A row of them, mostly in place."""
    for _ in range(net.choose(2, 3, 4)):
        x = activation(net, x) or x
    return x


def relu(net: GrowingNet, x: str) -> str | None:
    """The commonest one, in place wherever that can be."""
    return net.add("ReLU", [x], in_place=net.may_be_in_place(x))


def _specs(net: GrowingNet, count: int) -> list[dict[str, float]]:
    """lr_mult and decay_mult, now and then."""
    if net.chance(0.65):
        return []
    rates, decays = (0.0, 0.0, 1.0, 0.5, 2.0), (0.0, 1.0, 2.0)
    return [
        {"lr_mult": net.choose(*rates), "decay_mult": net.choose(*decays)} for _ in range(count)
    ]


def _axis(net: GrowingNet, x: str, first: int = 1) -> int:
    """An axis, counted from the front or from behind."""
    count = net.values[x].dim()
    axis = int(net.rng.integers(first, count)) if count > first else first
    return net.choose(axis, axis - count)


def with_parameters(net: GrowingNet, type: str, x: str, **fields: Any) -> str | None:
    """A layer with weights and perhaps a bias, or two layers that share them."""
    (options,) = fields.values()
    count = 2 if options["bias_term"] else 1
    if net.chance(0.85):
        return net.add(type, [x], param=_specs(net, count), **fields)
    shared = [{"name": f"shared{len(net.layers)}_{i}"} for i in range(count)]
    top = net.add(type, [x], param=shared, **fields)
    if top:
        other = net.choose(*net.alike(x))
        if type == "InnerProduct" and net.chance(0.4):  # the same numbers as another matrix
            options["transpose"] = not options["transpose"]
            shared = [spec | {"share_mode": "PERMISSIVE"} for spec in shared]
        net.add(type, [other], param=shared, **fields)
    return top


def batch_norm(net: GrowingNet, x: str) -> str | None:
    """Where there is enough to normalise; mostly followed by Scale."""
    if net.values[x].numel() < 6 * net.shape(x)[1]:
        return None
    options: dict[str, Any] = {"moving_average_fraction": net.choose(0.5, 0.9, 0.999)}
    if net.chance(0.3):
        options["use_global_stats"] = net.chance(0.5)
    if net.chance(0.3):
        options["eps"] = 1e-3
    specs = [{"lr_mult": 0}] * 3 if net.chance(0.4) else []
    in_place = net.may_be_in_place(x)
    top = net.add("BatchNorm", [x], in_place=in_place, batch_norm_param=options, param=specs)
    return scale(net, top) or top if top and net.chance(0.7) else top


def scale(net: GrowingNet, x: str) -> str | None:
    """Scale or Bias, by parameters or by a blob of the first axes' shape."""
    shape, in_place = net.shape(x), net.may_be_in_place(x)
    type = net.choose("Scale", "Scale", "Bias")
    factors = [name for name, v in net.values.items() if name != x and v.shape == shape[: v.dim()]]
    if factors and net.chance(0.15):
        bottoms = [x, net.choose(*factors)]
        return net.add(type, bottoms, in_place=in_place, **{f"{type.lower()}_param": {"axis": 0}})
    options: dict[str, Any] = {"axis": net.choose(1, 1, _axis(net, x))}
    options["num_axes"] = net.choose(1, 1, 1, -1, 0)
    if type == "Scale":
        options["bias_term"] = net.chance(0.6)
    specs = _specs(net, 2 if options.get("bias_term") else 1)
    fields = {f"{type.lower()}_param": options}
    return net.add(type, [x], in_place=in_place, param=specs, **fields)


def eltwise(net: GrowingNet, x: str) -> str | None:
    """Two or three blobs into one, which may take the place of the first."""
    count = net.choose(2, 2, 3)
    bottoms = [x, *(net.choose(*net.alike(x)) for _ in range(count - 1))]
    options: dict[str, Any] = {"operation": net.choose("SUM", "SUM", "PROD", "MAX")}
    if options["operation"] == "SUM" and net.chance(0.4):
        options["coeff"] = [net.choose(1.0, -1.0, 0.5, 0.0) for _ in bottoms]
    in_place = bottoms.count(x) == 1 and net.may_be_in_place(x)
    return net.add("Eltwise", bottoms, in_place=in_place, eltwise_param=options)


def inner_product(net: GrowingNet, x: str) -> str | None:
    """From any axis on."""
    options = {
        "num_output": net.choose(1, 2, 3, 4, 8, 17),
        "axis": net.choose(1, _axis(net, x)),
        "transpose": net.chance(0.3),
        "bias_term": net.chance(0.7),
    }
    return with_parameters(net, "InnerProduct", x, inner_product_param=options)


def concat(net: GrowingNet, x: str) -> str | None:
    """Of one to three blobs, along any axis."""
    axis = net.choose(1, _axis(net, x, first=0))
    axis = min(axis, net.values[x].dim() - 1)
    fitting = net.alike(x, but_for=axis % net.values[x].dim())
    bottoms = [x, *(net.choose(*fitting) for _ in range(net.choose(0, 1, 1, 2)))]
    return net.add("Concat", bottoms, concat_param={"axis": axis})


def slices(net: GrowingNet, x: str) -> str | None:
    """Two or three pieces, along any axis but that of the batch."""
    axis, count = _axis(net, x), net.choose(2, 3)
    size = net.shape(x)[axis]
    options: dict[str, Any] = {"axis": axis}
    if size > count and (size % count or net.chance(0.5)):
        points = net.rng.choice(range(1, size), count - 1, replace=False)
        options["slice_point"] = sorted(int(point) for point in points)
    return net.add("Slice", [x], tops=count, slice_param=options)


def flatten(net: GrowingNet, x: str) -> str | None:
    """All axes from one on, or some."""
    axis = _axis(net, x)
    end = net.choose(-1, -1, axis)
    return net.add("Flatten", [x], flatten_param={"axis": axis, "end_axis": end})


def reshape(net: GrowingNet, x: str) -> str | None:
    """All axes but the first as one, or one axis as two."""
    options = net.choose(
        {"shape": {"dim": [0, -1]}},
        {"shape": {"dim": [-1, 1, 1]}, "axis": 1},
        {"shape": {"dim": [2, -1]}, "axis": 1, "num_axes": 1},
    )
    return net.add("Reshape", [x], reshape_param=options)


def reduction(net: GrowingNet, x: str) -> str | None:
    """Of the last axes, or of all to a single number."""
    operation = net.choose("SUM", "ASUM", "SUMSQ", "MEAN")
    axis, factor = net.choose(0, _axis(net, x)), net.choose(1.0, 0.1, -0.1)
    options = {"operation": operation, "axis": axis, "coeff": factor}
    return net.add("Reduction", [x], reduction_param=options)


def softmax(net: GrowingNet, x: str) -> str | None:
    """Along any axis but the first."""
    return net.add("Softmax", [x], softmax_param={"axis": _axis(net, x)})


def weighed(net: GrowingNet, x: str) -> str | None:
    """A blob in the middle of the net that adds to the loss."""
    options = {"scale": 0.5, "power": net.choose(1, 2)}
    return net.add("Power", [x], power_param=options, loss_weight=[net.choose(0.01, 0.05)])


# What may stand behind any blob.
EVERYWHERE: list[tuple[Draw, range]] = [
    (activation, ANY),
    (activations, ANY),
    (eltwise, ANY),
    (eltwise, ANY),
    (weighed, ANY),
    (batch_norm, WITH_CHANNELS),
    (concat, WITH_CHANNELS),
    (flatten, WITH_CHANNELS),
    (inner_product, WITH_CHANNELS),
    (reduction, WITH_CHANNELS),
    (reshape, WITH_CHANNELS),
    (scale, WITH_CHANNELS),
    (slices, WITH_CHANNELS),
    (softmax, WITH_CHANNELS),
]
