"""Arrays as pictures, and sheets of them."""

import cv2
import numpy as np
import pytest
from dcme.classes import CITYSCAPES
from dcme.pictures.plotting import (
    class_colours,
    palette,
    show_directions,
    show_grid,
    show_instances,
    show_magnitude,
)
from dcme.pictures.sheets import direction_wheel, enlarged, strip


def test_touching_instances_have_a_light_line_between_them():
    image = np.zeros((8, 8, 3), np.uint8)
    ids = np.full((8, 8), 1001, np.uint16)
    ids[4:] = 1002
    shown = show_instances(image, ids)
    assert shown[3:5].min() > 150 > shown[[2, 5], 2:6].min()


def test_every_instance_has_a_colour_of_its_own():
    assert len(np.unique(palette(50), axis=0)) == 50
    image = np.zeros((8, 8, 3), np.uint8)
    ids = np.zeros((8, 8), np.uint16)
    ids[:4], ids[4:, :4], ids[6:, 6:] = 24000, 24001, 7
    shown = show_instances(image, ids)
    assert not np.array_equal(shown[0, 0], shown[7, 0])
    assert (shown[7, 7] == 0).all(), "stuff is not an instance"


def test_grid_blocks_are_coloured_where_they_have_a_class():
    image = np.full((32, 48, 3), 100, np.uint8)
    grid = np.zeros((2, 3), np.uint8)
    grid[1, 2] = 3
    shown = show_grid(image, grid, class_colours(CITYSCAPES))
    assert (shown[:15, :15] == 100).all()
    assert not (shown[20:30, 36:44] == 100).all()


@pytest.mark.parametrize("scale", [1, 3])
def test_a_grid_as_fine_as_the_image_or_finer_is_shown_without_lines(scale):
    image = np.full((8, 12, 3), 100, np.uint8)
    grid = np.zeros((8 * scale, 12 * scale), np.uint8)
    grid[:, 6 * scale :] = 1
    shown = show_grid(image, grid, class_colours(CITYSCAPES))
    assert (shown[:, :6] == 100).all() and (shown[:, 6:] == shown[0, 6]).all()
    assert (shown[0, 6] != 100).any()


def test_panels_of_other_sizes_are_brought_to_the_first():
    sheet = strip([np.zeros((10, 20, 3), np.uint8), np.zeros((5, 10, 3), np.uint8)])
    assert sheet.shape == (10, 44, 3)
    assert strip([np.zeros((10, 20, 3), np.uint8)], columns=4).shape == (10, 20, 3)
    gap = strip([None, np.zeros((10, 20, 3), np.uint8)])
    assert (gap[:, :20] == 255).all() and not gap[:, 24:].any()


def test_a_legend_shows_each_colour_once_with_its_name_in_lines_as_wide_as_the_sheet():
    colours = palette(8, 1 / 8)
    panel = np.full((64, 256, 3), 100, np.uint8)
    sheet = strip([panel], legend=list(zip(CITYSCAPES.names, colours)))
    band = sheet[64:]
    assert sheet.shape[1] == 256 and band.shape[0] > 25, "more than one line"
    for k, colour in enumerate(colours):
        rows, columns = np.nonzero((band == colour).all(axis=2))
        assert 80 < len(rows) < 400 and np.ptp(rows) < 20 and np.ptp(columns) < 20, k
        beside = band[rows.min() : rows.max() + 1, columns.max() + 2 :][:, :20]
        assert beside.min() < 100, "the name is beside its colour"


def test_small_panels_are_enlarged_and_titles_fit_panels_of_any_shape():
    assert enlarged(np.zeros((9, 11, 3), np.uint8)).shape == (216, 264, 3)
    assert enlarged(np.zeros((9, 256, 3), np.uint8)).shape == (9, 256, 3)
    title = "predicted magnitudes (white: 34.5 px)"
    narrow, wide = (
        strip([np.zeros((*size, 3), np.uint8)], titles=[title]) for size in ((1500, 48), (60, 2400))
    )
    assert narrow.shape[1] >= 250 and (narrow[-1500:, 48:] == 255).all()
    assert wide.shape[0] < 60 + 24, "no title is as high as its panel"


def test_magnitudes_of_one_scale_compare():
    vectors = np.zeros((2, 1, 3), np.float32)
    vectors[0] = [[2, 5, 10]]
    assert show_magnitude(vectors)[0, :, 0].tolist() == [51, 128, 255]
    assert show_magnitude(vectors, 5)[0, :, 0].tolist() == [102, 255, 255]
    assert show_magnitude(0.3 * vectors, 10).max() == 76
    assert show_directions(0.3 * vectors, 10).max() < show_directions(vectors, 10).max() == 255


def test_opposite_directions_have_opposite_hues():
    vectors = np.zeros((2, 1, 2), np.float32)
    vectors[0] = [[5, -5]]
    hue = cv2.cvtColor(show_directions(vectors), cv2.COLOR_BGR2HSV)[0, :, 0].astype(int)
    assert abs(abs(hue[0] - hue[1]) - 90) <= 2
    wheel = cv2.cvtColor(direction_wheel(49), cv2.COLOR_BGR2HSV)[24, [47, 1], 0].astype(int)
    assert (abs(wheel - hue) <= 2).all(), "the right of the wheel is what points to the right"
