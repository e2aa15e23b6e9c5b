"""cityscapesScripts' own evaluation, made to run: its files kept out of the way, its crashes named.

Three things stop release 2.3.0: ``np.in1d`` is gone from NumPy, its JSON caches reject NumPy's
integers (and one lands in the installed package), and a class all of whose predictions are
forgiven makes it fail, for which AP 0 is right.
"""

import sys
from types import SimpleNamespace

import cv2
import numpy as np


def _reference_module(monkeypatch):
    monkeypatch.setattr(np, "in1d", np.isin, raising=False)
    monkeypatch.setattr(sys, "argv", sys.argv[:1])
    from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as reference

    monkeypatch.setattr(reference, "writeDict2JSON", lambda *_: None)
    return reference


def write_image(folder, index, ids, predictions):
    """Ground truth and predictions [(mask, label, confidence)] in the benchmark's files."""
    truth = folder / f"city_{index:06d}_000000_gtFine_instanceIds.png"
    cv2.imwrite(str(truth), ids)
    lines = []
    for k, (mask, label, confidence) in enumerate(predictions):
        name = f"city_{index:06d}_000000_{k}.png"
        cv2.imwrite(str(folder / name), mask.astype(np.uint8) * 255)
        lines.append(f"{name} {label} {confidence!r}\n")
    listing = folder / f"city_{index:06d}_000000.txt"
    listing.write_text("".join(lines))
    return str(truth), str(listing)


def evaluate(monkeypatch, folder, images):
    """(names, AP by class and threshold) of [(ids, [(mask, label, confidence)])]."""
    reference = _reference_module(monkeypatch)
    args = SimpleNamespace(**vars(reference.args))
    args.gtInstancesFile = str(folder / "gtInstances.json")
    args.predictionPath = str(folder)
    args.quiet, args.JSONOutput = True, False
    files = [write_image(folder, i, *image) for i, image in enumerate(images)]
    truths, listings = zip(*files)
    result = reference.evaluateImgLists(list(listings), list(truths), args)
    return result["instLabels"], np.array(result["resultApMatrix"])[0]
