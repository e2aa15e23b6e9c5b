"""Do our nets and their PyTorch twins compute the same? Prints {net: [difference, parameters]}."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np


def _settle_statistics(params: Mapping[str, Any], rng: np.random.Generator) -> None:
    """Means and variances as after training; as made they would normalise by zero."""
    for name, blobs in params.items():
        if name.endswith("_bn"):
            blobs[0].data[...] = rng.normal(0, 0.1, blobs[0].data.shape)
            blobs[1].data[...] = rng.uniform(0.5, 2, blobs[1].data.shape)
            blobs[2].data[...] = 1


def compare(name: str) -> tuple[float, int]:
    """The largest difference of outputs over their largest value, and the number of parameters.

    Raises ValueError where shapes of outputs or parameters differ.
    """
    import torch

    import caffe
    from bench.engines import net_from
    from bench.nets import NETS
    from bench.twins import TWINS, copy_weights

    definition = NETS[name]
    rng = np.random.default_rng(1)
    proto = definition.proto(train=False)
    # Fused layers round otherwise, too.
    proto.blob_lifetime = proto.KEEP
    net = net_from(proto, caffe.TEST)
    _settle_statistics(net.params, rng)
    image = rng.normal(0, 1, net.blobs["data"].data.shape).astype(np.float32)
    net.blobs["data"].data[...] = image
    net.forward()
    twin = TWINS[name]().eval()
    layers = {layer: [blob.data.copy() for blob in blobs] for layer, blobs in net.params.items()}
    copy_weights(layers, twin)
    with torch.no_grad():
        outputs = twin(torch.from_numpy(image))
    worst = 0.0
    for blob, output in zip(definition.outputs, outputs):
        ours, theirs = net.blobs[blob].data, output.numpy()
        if ours.shape != theirs.shape:
            raise ValueError(f"{name}: {blob} is {ours.shape}, the twin's {theirs.shape}")
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            raise ValueError(f"{name}: {blob} holds values that are not finite")
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    return worst, sum(parameter.numel() for parameter in twin.parameters())


def main() -> None:
    """Compare all nets."""
    # Sums in another order move some maximum of SegNet's pools to a neighbour, and its value with
    # it: what is compared here are the nets, not how they round.
    os.environ["CAFFE_WINOGRAD"] = "0"
    # Before caffe: of two NCCLs in a process the first counts, and PyTorch's is the newer one.
    import torch  # noqa: F401

    from bench.nets import NETS

    print(json.dumps({name: compare(name) for name in NETS}))


if __name__ == "__main__":
    os.environ.setdefault("GLOG_minloglevel", "2")
    main()
