"""Nets written in Python: ``NetSpec``, and ``layers`` and ``params`` for its lines.

>>> from caffe import NetSpec, layers as L, params as P
>>> n = NetSpec()
>>> n.data, n.label = L.HDF5Data(source="train.txt", batch_size=8, ntop=2)
>>> n.ip = L.InnerProduct(n.data, num_output=10, weight_filler=dict(type="xavier"))
>>> n.relu = L.ReLU(n.ip, in_place=True)
>>> n.loss = L.SoftmaxWithLoss(n.relu, n.label)
>>> text = str(n.to_proto())
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from ._caffe import layer_type_list
from .proto import caffe_pb2

# Layers that read the parameters of another type.
_BORROWED_PARAMS = {"Deconvolution": "Convolution"}


@cache
def param_name_dict() -> dict[str, str]:
    """By layer type, the name of its own parameter field without ``_param``."""
    names = {}
    for field in caffe_pb2.LayerParameter.DESCRIPTOR.fields:
        if field.name.endswith("_param") and field.message_type is not None:
            layer_type = field.message_type.name
            if layer_type.endswith("Parameter"):
                names[layer_type[: -len("Parameter")]] = field.name[: -len("_param")]
    return names


def to_proto(*tops: Top) -> Any:
    """Make the NetParameter of all layers that the given tops need, naming what has no name."""
    return _Writer({}).write(top.fn for top in tops)


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set a field of a message from Python values: dicts are messages, lists repeated fields."""
    field = getattr(proto, name)
    if hasattr(field, "extend"):
        single = isinstance(val, (str, bytes, Mapping)) or not hasattr(val, "__iter__")
        for item in [val] if single else val:
            if isinstance(item, Mapping):
                _fill_message(field.add(), item)
            else:
                field.append(item)
    elif isinstance(val, Mapping):
        field.SetInParent()
        _fill_message(field, val)
    else:
        setattr(proto, name, val)


def _fill_message(message: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        assign_proto(message, name, value)


class Top:
    """One output blob of a layer that does not exist yet."""

    def __init__(self, fn: Function, n: int) -> None:
        self.fn = fn
        self.n = n

    def to_proto(self) -> Any:
        """Make the NetParameter of all layers that this top needs."""
        return to_proto(self)


class Function:
    """A layer: its type, the tops it reads, and its parameters.

    Keywords that are fields of the layer's own parameter message go there, others are fields of
    the layer (``name``, ``param``, ``loss_weight``, ``include``, any ``..._param``).
    """

    def __init__(self, type_name: str, inputs: tuple[Top, ...], params: dict[str, Any]) -> None:
        for i, top in enumerate(inputs):
            if not isinstance(top, Top):
                raise TypeError(f"{type_name} input {i} is not a Top (type is {type(top)})")
        self.type_name = type_name
        self.inputs = inputs
        self.params = dict(params)
        self.ntop: int = self.params.pop("ntop", 1)
        self.in_place: bool = self.params.pop("in_place", False)
        if self.in_place and not inputs:
            raise TypeError(f"{type_name} cannot be in place: it has no inputs")
        self.tops = tuple(Top(self, i) for i in range(self.ntop))

    def fill(self, layer: Any) -> None:
        """Write the parameters into a LayerParameter, which has its name."""
        where = f"layer '{layer.name}' ({self.type_name})"
        own = param_name_dict().get(_BORROWED_PARAMS.get(self.type_name, self.type_name))
        for name, value in self.params.items():
            target = layer
            if own and not name.endswith("param"):
                message = getattr(layer, own + "_param")
                if name in message.DESCRIPTOR.fields_by_name:
                    target = message
            if name not in target.DESCRIPTOR.fields_by_name:
                raise AttributeError(f"{where}: {self._unknown(name)}")
            try:
                assign_proto(target, name, value)
            except (AttributeError, TypeError, ValueError) as error:
                raise type(error)(f"{where}: {name} = {value!r}: {error}") from None

    def _unknown(self, parameter: str) -> str:
        """What is wrong where the layer has no such parameter: its type, if there is none."""
        types = layer_type_list()
        if self.type_name in types:
            return f"{self.type_name} has no parameter '{parameter}'"
        near = get_close_matches(self.type_name, types)
        return "unknown layer type" + (f" (did you mean {', '.join(near)}?)" if near else "")


class _Writer:
    """Lists the layers of a net, each after those that it reads."""

    def __init__(self, names: Mapping[Any, str]) -> None:
        self._names: dict[Any, str] = dict(names)
        self._numbers: Counter[str] = Counter()
        self._layers: dict[Function, Any] = {}

    def write(self, functions: Iterable[Function]) -> Any:
        for fn in functions:
            self._add_with_inputs(fn)
        net = caffe_pb2.NetParameter()
        net.layer.extend(self._layers.values())
        return net

    def _add_with_inputs(self, fn: Function) -> None:
        # An explicit stack: nets may be deeper than Python's recursion limit.
        stack = [(fn, iter(fn.inputs))]
        while stack:
            current, inputs = stack[-1]
            pending = next((top.fn for top in inputs if top.fn not in self._layers), None)
            if pending is not None:
                stack.append((pending, iter(pending.inputs)))
                continue
            stack.pop()
            if current not in self._layers:
                self._layers[current] = self._make(current)

    def _auto_name(self, fn: Function) -> str:
        self._numbers[fn.type_name] += 1
        return f"{fn.type_name}{self._numbers[fn.type_name]}"

    def _top_name(self, top: Top) -> str:
        if top not in self._names:
            self._names[top] = self._auto_name(top.fn)
        return self._names[top]

    def _make(self, fn: Function) -> Any:
        layer = caffe_pb2.LayerParameter(type=fn.type_name)
        layer.bottom.extend(self._top_name(top) for top in fn.inputs)
        if fn.in_place:
            layer.name = self._names.get(fn.tops[0]) or self._auto_name(fn)
            layer.top.extend(layer.bottom[:1])
            self._names[fn.tops[0]] = layer.bottom[0]
        else:
            layer.top.extend(self._top_name(top) for top in fn.tops)
            layer.name = layer.top[0] if fn.tops else self._names.get(fn) or self._auto_name(fn)
        fn.fill(layer)
        return layer


class NetSpec:
    """A net under construction: attributes (or items) are its named tops, in order."""

    def __init__(self) -> None:
        object.__setattr__(self, "tops", OrderedDict())

    def __setattr__(self, name: str, value: Any) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        # Copies are asked for their methods before they have tops.
        try:
            return self.__dict__.get("tops", {})[name]
        except KeyError:
            raise AttributeError(f"the net has no top '{name}'") from None

    __setitem__ = __setattr__

    def __getitem__(self, name: str) -> Any:
        return self.tops[name]

    def __delattr__(self, name: str) -> None:
        try:
            del self.tops[name]
        except KeyError:
            raise AttributeError(f"the net has no top '{name}'") from None

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def to_proto(self) -> Any:
        """Make the NetParameter of the tops, and of the layers without tops, that have a name."""
        for name, item in self.tops.items():
            if not isinstance(item, (Top, Function)):
                raise TypeError(
                    f"'{name}' of the net is {item!r}, not what a layer returns; of a layer with "
                    "several tops each has a name: n.a, n.b = L.Slice(..., ntop=2)"
                )
        writer = _Writer({item: name for name, item in self.tops.items()})
        return writer.write(getattr(item, "fn", item) for item in self.tops.values())


class Layers:
    """``layers.<Type>(*bottoms, **parameters)`` makes a layer of any type.

    Returns its top; a tuple of tops for ntop > 1; the Function itself for ntop = 0.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def layer_fn(*args: Top, **kwargs: Any) -> Any:
            fn = Function(name, args, kwargs)
            if fn.ntop == 0:
                return fn
            return fn.tops[0] if fn.ntop == 1 else fn.tops

        layer_fn.__name__ = name
        return layer_fn


class Parameters:
    """``params.<Type>.<VALUE>`` is a value of an enum, e.g. ``params.Pooling.MAX``."""

    def __getattr__(self, name: str) -> Any:
        class Values:
            def __getattr__(self, value_name: str) -> Any:
                return getattr(getattr(caffe_pb2, name + "Parameter"), value_name)

        return Values()


layers = Layers()
params = Parameters()
