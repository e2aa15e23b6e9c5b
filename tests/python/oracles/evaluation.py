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


def _with_distances(reference, distances):
    """Its ground truth reader, which leaves distances out, with these filled in by image and id."""
    read = reference.getGtInstances

    def filled(truths, args):
        found = read(truths, args)
        for truth, known in zip(truths, distances):
            for objects in found[reference.os.path.abspath(truth)].values():
                for one in objects:
                    values = known.get(one["instID"], (-1, 0))
                    one["medDist"], one["distConf"] = values
        return found

    return filled


def evaluate(monkeypatch, folder, images, distances=None):
    """(names, AP by class and threshold) of [(ids, [(mask, label, confidence)])].

    With distances, {id: (metres, share)} of each image, the table has a first axis for all ground
    truth, that within 100 m and that within 50 m.
    """
    reference = _reference_module(monkeypatch)
    args = SimpleNamespace(**vars(reference.args))
    args.gtInstancesFile = str(folder / "gtInstances.json")
    args.predictionPath = str(folder)
    args.quiet, args.JSONOutput = True, False
    if distances is not None:
        args.distanceAvailable = True
        filled = _with_distances(reference, distances)
        monkeypatch.setattr(reference, "getGtInstances", filled)
    files = [write_image(folder, i, *image) for i, image in enumerate(images)]
    truths, listings = zip(*files)
    result = reference.evaluateImgLists(list(listings), list(truths), args)
    table = np.array(result["resultApMatrix"])
    return result["instLabels"], table if distances is not None else table[0]
