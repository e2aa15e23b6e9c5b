"""Recurrent layers with random options."""

from __future__ import annotations

from typing import Any

from twin.growing import GrowingNet


def recurrent(net: GrowingNet, x: str) -> str | None:
    """LSTM or RNN: the batch is time, and sequences begin where the data says so."""
    if net.shape(x)[:2] != (net.batch, *net.data["continued"].shape[1:]):
        return None
    (name, states), units = net.choose(("LSTM", 2), ("RNN", 1)), net.choose(1, 3, 4)
    sequences = net.shape(x)[1]
    options: dict[str, Any] = {"num_output": units, "weight_filler": {"type": "constant"}}
    bottoms = [x, "continued"]
    if net.chance(0.3):
        bottoms.append(_constant(net, [sequences, net.choose(1, 2, 5)], 1.0))
    options["expose_hidden"] = net.chance(0.4)
    if not options["expose_hidden"]:
        return net.add(name, bottoms, recurrent_param=options)
    bottoms += [_constant(net, [1, sequences, units], 0.0) for _ in range(states)]
    top = net.add(name, bottoms, tops=1 + states, recurrent_param=options)
    if top:
        for state in "yz"[:states]:
            net.hide(top[:-1] + state)
    return top


def _constant(net: GrowingNet, shape: list[int], rate: float) -> str:
    """A blob that does not depend on the data."""
    options = {"shape": {"dim": shape}}
    name = net.add("Parameter", [], parameter_param=options, param=[{"lr_mult": rate}])
    return net.hide(str(name))


def lstm_unit(net: GrowingNet, x: str) -> str | None:
    """A single step, where the batch is one."""
    if net.shape(x)[:2] != (1, *net.data["continued"].shape[1:]):
        return None
    units = net.choose(1, 3)
    options = {"num_output": 4 * units, "axis": 2}
    gates = net.add("InnerProduct", [x], inner_product_param=options)
    if not gates:
        return None
    before = _constant(net, [1, net.shape(x)[1], units], 1.0)
    return net.add("LSTMUnit", [before, net.hide(gates), "continued"], tops=2)
