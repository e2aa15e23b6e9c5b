"""Trainings of the small net, of some iterations."""

from pathlib import Path

from dcme.cli import main

NETS = Path(__file__).parents[3] / "prototxt" / "small"


def train(data, out, iterations, *more, nets=NETS):
    words = ["train", nets, data, out, "--iterations", iterations, *more]
    return main([str(word) for word in words])
