"""The classical method that the net for nuclei is compared with."""

import cv2
import numpy as np

from bench.nuclei_classical import Settings, score, segment, watershed

HOW = Settings(blur=1, root=False, smooth=0.5, apart=3, least=10)


def touching_discs():
    """An image of two bright discs that touch, one of them with a hole, and its label map."""
    truth = np.zeros((40, 60), np.int32)
    cv2.circle(truth, (20, 20), 9, 1, -1)
    cv2.circle(truth, (38, 20), 9, 2, -1)
    image = np.where(truth > 0, 180, 20).astype(np.uint8)
    image[18:22, 18:22] = 20
    image[3:5, 50:53] = 180  # six pixels
    return image, truth


def test_touching_discs_are_parted_and_holes_filled():
    image, truth = touching_discs()
    labels = segment(image, HOW)
    assert len(np.unique(labels)) == 3 and labels[20, 20] > 0
    at_half, above = score(truth, image, HOW)
    assert (at_half.tp, at_half.fp, at_half.fn) == (above.tp, above.fp, above.fn) == (2, 0, 0)


def test_small_instances_are_left_out():
    image, _ = touching_discs()
    every = Settings(blur=0, root=True, smooth=0, apart=3, least=1)
    assert segment(image, every)[3:5, 50:53].all()
    assert not segment(image, HOW)[:10, 45:].any()


def test_a_watershed_grows_seeds_down_to_the_valley_between_them():
    height = np.float32([[0, 3, 9, 6, 2, 1, 4, 8, 0]])
    seeds = np.int32([[0, 0, 1, 0, 0, 0, 0, 2, 0]])
    labels = watershed(height, seeds)[0].tolist()
    assert labels[:5] == [0, 1, 1, 1, 1] and labels[6:] == [2, 2, 0] and labels[5] in (1, 2)
