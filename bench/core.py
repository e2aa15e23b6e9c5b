"""DCME's algorithms on one image beside vectorised NumPy and OpenCV; outputs are compared first."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import dcme
import numpy as np

from bench.reference import vectorised
from bench.reference.encoding import reduce_ids
from bench.reference.scenes import street
from bench.report import Row, Target, at_most, faster
from bench.timing import alternate, milliseconds

__all__ = ["decoding_rows", "encoding_rows"]

NUMPY_DECODERS: dict[str, Callable[..., Any]] = {
    "standard": vectorised.decode_standard,
    "reference": vectorised.decode_reference,
}


def _beside(
    name: str,
    what: str,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    peer_name: str,
    targets: list[Target],
) -> Row:
    def ours_ten_times() -> float:
        # As in a loop over images: the peer has emptied the caches before each turn.
        return statistics.median(milliseconds(ours) for _ in range(10))

    figures = alternate({"ours": ours_ten_times, "peer": lambda: milliseconds(peer)}, rounds=9)
    return Row(name, what, figures["ours"], "ms", peer_name, figures["peer"], targets)


def encoding_rows() -> list[Row]:
    """Encode and reduce; both run on one thread."""
    ids = street((512, 1024), 60)
    assert np.abs(dcme.encode(ids) - vectorised.encode(ids)).max() < 1e-3
    rows = [
        _beside(
            "encode",
            "encode 512x1024, 60 instances",
            lambda: dcme.encode(ids),
            lambda: vectorised.encode(ids),
            "NumPy",
            [at_most(1.5), faster(7)],
        )
    ]
    full = street((1024, 2048), 60)
    for size in ((512, 1024), (340, 680)):
        assert np.array_equal(dcme.reduce_ids(full, size), reduce_ids(full, size))
        rows.append(
            _beside(
                f"reduce-{size[0]}",
                f"reduce 1024x2048 to {size[0]}x{size[1]}, 60 instances",
                partial(dcme.reduce_ids, full, size),
                partial(reduce_ids, full, size),
                "OpenCV, mask by mask",
                [],
            )
        )
    return rows


def _fields(count: int) -> dict[str, np.ndarray]:
    """Vectors as encoded, and disturbed as a net's: (2, 512, 1024)."""
    rng = np.random.default_rng(count)
    exact = dcme.encode(street((512, 1024), count))
    noise = np.stack([cv2.GaussianBlur(rng.normal(0, 12, exact.shape[1:]), (0, 0), 3)] * 2)
    noisy = exact + noise * exact.any(axis=0) + rng.normal(0, 0.3, exact.shape)
    return {"exact": exact, "noisy": noisy.astype(np.float32)}


def decoding_rows() -> list[Row]:
    """Decode in both modes on one thread. The speed-up is asked for at 60 instances.

    At 400 the published clustering merges most centres, so that NumPy has little left to do.
    """
    rows = []
    for count, targets in ((60, [at_most(4), faster(50)]), (400, [at_most(10)])):
        for name, field in _fields(count).items():
            for mode, peer in NUMPY_DECODERS.items():
                expected, decoded = peer(field), dcme.decode(field, mode=mode)
                assert len(decoded) == len(expected)
                assert all(np.array_equal(a, b) for a, b in zip(decoded, expected))
                rows.append(
                    _beside(
                        f"decode-{mode}-{count}-{name}",
                        f"decode 512x1024 {mode}, {count} instances, {name} vectors",
                        partial(dcme.decode, field, mode=mode),
                        partial(peer, field),
                        "NumPy",
                        targets,
                    )
                )
    return rows
