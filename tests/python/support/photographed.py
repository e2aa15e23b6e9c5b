"""Photographs of two round cells: what the tests of ``dcme collect`` start from and look at."""

import numpy as np
from dcme.classes import ClassMap
from dcme.datasets.samples import read_list
from dcme.files import read_ids

SHAPE = (40, 60)
CELL = ClassMap((1,), ("cell",))


def disc(row, column, radius=6):
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


LEFT, RIGHT = disc(15, 15), disc(20, 40)


def label_map():
    """Both cells, under values that are no numbers of their own."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[LEFT], labels[RIGHT] = 7, 300
    return labels


def collected(out):
    """The instance maps written below ``out`` by name."""
    rows = [s for split in ("train", "val") for s in read_list(out / f"{split}.txt")]
    return {sample.name: read_ids(sample.ids) for sample in rows}
