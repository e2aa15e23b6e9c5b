"""Masks that would give wrong instances are no data set."""

import cv2
import numpy as np
import pytest
from support.photographed import LEFT, RIGHT, SHAPE, label_map


def wrong_size(photos, masks):
    cv2.imwrite(str(masks / "a.png"), np.zeros((4, 4)))


def wrong_size_single(photos, masks):
    (masks / "a").mkdir()
    cv2.imwrite(str(masks / "a" / "1.png"), np.ones((4, 4)))


def no_mask(photos, masks):
    pass


def two_files(photos, masks):
    cv2.imwrite(str(masks / "a_x.png"), label_map())
    cv2.imwrite(str(masks / "a_y.png"), label_map())


def colours(photos, masks):
    cv2.imwrite(str(masks / "a.png"), np.full((*SHAPE, 3), (0, 0, 9)))


def negative(photos, masks):
    np.save(masks / "a.npy", label_map().astype(int) - 1)


def fractions(photos, masks):
    np.save(masks / "a.npy", label_map() / 2.5)


def endless(photos, masks):
    np.save(masks / "a.npy", np.where(LEFT, np.inf, 0))


def flat(photos, masks):
    (masks / "a").mkdir()
    np.save(masks / "a" / "1.npy", LEFT.ravel())


def pickled(photos, masks):
    np.save(masks / "a.npy", np.array([{}]), allow_pickle=True)


def deep(photos, masks):
    cv2.imwrite(str(masks / "a.png"), label_map())
    cv2.imwrite(str(photos / "a.png"), label_map())
    (photos / "a.jpg").unlink()


def smoothed(photos, masks):
    grey = cv2.GaussianBlur(255 * (LEFT | RIGHT).astype(np.uint8), (3, 3), 0)
    cv2.imwrite(str(masks / "a.png"), grey)


def lossy(photos, masks):
    cv2.imwrite(str(masks / "a.jpg"), label_map())


def lossy_single(photos, masks):
    (masks / "a").mkdir()
    cv2.imwrite(str(masks / "a" / "1.jpg"), 255.0 * LEFT)


def no_masks_in_folder(photos, masks):
    (masks / "a").mkdir()
    (masks / "a" / "1.gif").write_bytes(b"GIF89a")


def interior_and_border(photos, masks):
    mask = (LEFT | RIGHT).astype(np.uint8)
    cv2.imwrite(str(masks / "a.png"), mask + cv2.erode(mask, np.ones((3, 3))))


def stack(photos, masks):
    cv2.imwritemulti(str(masks / "a.tif"), [label_map(), label_map()])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (wrong_size, "a.png: is 4x4 but its image is 40x60"),
        (wrong_size_single, "1.png: is 4x4 but its image is 40x60"),
        (no_mask, "a.jpg: no masks in "),
        (two_files, "a.jpg: two files could hold its masks"),
        (colours, "a.png: a label map has one channel"),
        (negative, "a.npy: holds -1"),
        (fractions, "a.npy: a label map holds whole numbers"),
        (endless, "a.npy: a label map holds whole numbers"),
        (flat, "1.npy: a mask has shape (H, W), this one (2400,)"),
        (pickled, "a.npy: holds Python objects"),
        (deep, "a.png: has 16 bits a channel"),
        (smoothed, "of its values occur on thin lines only"),
        (lossy, "a.jpg: JPEG changes the values of masks"),
        (lossy_single, "1.jpg: JPEG changes the values of masks"),
        (no_masks_in_folder, "a: holds no masks (.png"),
        (interior_and_border, "each value of its foreground (1, 2) is in separate parts"),
        (stack, "a.tif: is a stack of 2 pages"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_masks_that_would_give_wrong_instances_are_refused(
    photos, masks, tmp_path, fails, spoil, message
):
    for name in "bc":
        cv2.imwrite(str(masks / f"{name}.png"), label_map())
    spoil(photos, masks)
    assert message in fails("collect", photos, masks, tmp_path / "data", "--quiet")
    assert not (tmp_path / "data" / "train.txt").exists()


def test_images_are_not_taken_for_their_masks(photos, tmp_path, fails):
    line = fails("collect", photos, photos, tmp_path / "data", "--quiet")
    assert "a.jpg: is the image itself" in line


def test_swapped_folders_are_asked_about(masks, tmp_path, fails):
    """Instance maps in the place of the images, and photographs in that of the masks."""
    images = tmp_path / "pictures"
    images.mkdir()
    cv2.imwrite(str(images / "a.png"), np.full((*SHAPE, 3), 90, np.uint8))
    cv2.imwrite(str(masks / "a.png"), label_map().astype(np.uint16))
    line = fails("collect", masks, images, tmp_path / "data")
    assert "a.png: has 16 bits a channel" in line
    assert line.endswith("; or are the folders of images and masks swapped?\n")
    assert not (tmp_path / "data").exists()
