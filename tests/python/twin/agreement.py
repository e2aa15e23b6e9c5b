"""Whether two trainings, or passes of a net, agree as well as rounding allows.

How well that is, the twin in single precision tells, beside a small part of the unit of each value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from twin.growing import GrowingNet
from twin.trainings import Training

Outputs = dict[str, np.ndarray]


def apart(found: ArrayLike, exact: ArrayLike, rounded: ArrayLike, allowed: float) -> str | None:
    """What is wrong with values, or None where they are near enough to the exact ones."""
    a, b, c = (np.asarray(values, np.float64) for values in (found, exact, rounded))
    if a.size != b.size:
        return f"has {a.size} values instead of {b.size}"
    distance = np.linalg.norm(a.ravel() - b.ravel())
    if distance <= allowed + 20 * np.linalg.norm(c.ravel() - b.ravel()):
        return None
    return f"is off by {distance:.3g} ({allowed:.1g} allowed), of {np.linalg.norm(b):.3g}"


def magnitude(value: np.ndarray) -> float:
    """The norm of a blob, or a part of what it would be if its values were about 1."""
    return float(np.linalg.norm(value)) + 0.01 * value.size**0.5


def differences(
    net: GrowingNet, found: Training, exact: Training, rounded: Training
) -> Iterator[str]:
    """What `caffe train` got wrong: the losses first, as parameters follow from them."""
    for i, (loss, right) in enumerate(zip(exact.losses, found.losses)):
        wrong = apart(right, loss, rounded.losses[i], net.slack * 2e-3 * (abs(loss) + 0.1))
        if wrong:
            yield f"the loss of iteration {i} {wrong}"
    if len(found.losses) != len(exact.losses):
        yield f"{len(found.losses)} losses are logged instead of {len(exact.losses)}"
    yield from _test_differences(net, found, exact, rounded)
    yield from _parameter_differences(net, found, exact, rounded)


def _test_differences(
    net: GrowingNet, found: Training, exact: Training, rounded: Training
) -> Iterator[str]:
    if list(found.tests) != list(exact.tests):
        yield f"there are tests at {list(found.tests)} instead of {list(exact.tests)}"
        return
    for at, outputs in exact.tests.items():
        for wrong in output_differences(net, found.tests[at], outputs, rounded.tests[at]):
            yield f"at iteration {at[0]}, test net {at[1]}: {wrong}"


def output_differences(
    net: GrowingNet, found: Outputs, exact: Outputs, rounded: Outputs
) -> Iterator[str]:
    """What a test net got wrong."""
    if set(found) != set(exact):
        yield f"outputs are {sorted(found)} instead of {sorted(exact)}"
        return
    for name, value in exact.items():
        wrong = apart(found[name], value, rounded[name], net.slack * 3e-3 * magnitude(value))
        if wrong:
            yield f"the output {name} {wrong}"


def _parameter_differences(
    net: GrowingNet, found: Training, exact: Training, rounded: Training
) -> Iterator[str]:
    """Measured by how far a parameter moved, or a part of how far the one that moved most did."""
    moved = {
        name: float(np.linalg.norm(exact.parameters[name] - p.initial))
        for name, p in net.parameters.owners().items()
    }
    most = max(moved[name] for name in net.parameters.learned())
    for name, value in exact.parameters.items():
        unit = moved[name] + 0.05 * most + 1e-4 * float(np.linalg.norm(value))
        wrong = apart(
            found.parameters[name], value, rounded.parameters[name], net.slack * 1e-3 * unit
        )
        if wrong:
            yield f"parameter {name[1]} of layer {name[0]} {wrong}"
