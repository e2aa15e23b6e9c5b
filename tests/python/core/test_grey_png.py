import struct
import zlib
from dataclasses import replace

import cv2
import dcme
import numpy as np
import pytest
from dcme._core import read_grey_png
from dcme.evaluation import add_files

from bench.reference.scenes import scene_ids

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(rows, cols, bits=8, colour=0, interlace=0):
    values = (cols, rows, bits, colour, 0, 0, interlace)
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *values))


def filtered(row, above, kind, step):
    """The bytes of a row as the PNG filter `kind` stores them."""
    left = np.concatenate([np.zeros(step, int), row])[: row.size]
    corner = np.concatenate([np.zeros(step, int), above])[: row.size]
    estimate = left + above - corner
    away = np.abs([estimate - left, estimate - above, estimate - corner])
    paeth = np.choose(np.argmin(away, axis=0), [left, above, corner])
    prediction = [0, left, above, (left + above) // 2, paeth][kind]
    return (row - prediction) % 256


def write_png(path, image, bits):
    """A PNG that uses all five row filters."""
    if bits >= 8:
        rows = np.ascontiguousarray(image).astype(f">u{bits // 8}").view(np.uint8).astype(int)
    else:
        digits = (image[..., None] >> np.arange(bits)[::-1]) & 1
        rows = np.packbits(digits.reshape(image.shape[0], -1), axis=1).astype(int)
    data, above = b"", np.zeros(rows.shape[1], int)
    for r, row in enumerate(rows):
        kind = (r + 2) % 5  # the first row, too, is stored as a difference to the one above
        stored = filtered(row, above, kind, max(bits // 8, 1)).astype(np.uint8)
        data += bytes([kind]) + stored.tobytes()
        above = row
    packed = zlib.compress(data)
    middle = len(packed) // 2
    path.write_bytes(
        SIGNATURE
        + header(*image.shape, bits)
        + chunk(b"IDAT", packed[:middle])
        + chunk(b"IDAT", packed[middle:])
        + chunk(b"IEND", b"")
    )
    return str(path)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("cols", [1, 7, 8, 61])
def test_every_filter_and_depth_is_read_as_opencv_reads_it(bits, cols, tmp_path):
    rng = np.random.default_rng(bits)
    noise = rng.integers(0, 2**bits, (23, cols))
    flat = noise * (rng.random((23, cols)) < 0.1)
    for image in (noise, flat, noise.T):
        path = write_png(tmp_path / "image.png", image, bits)
        read = read_grey_png(path)
        np.testing.assert_array_equal(read, image * (255 // (2**bits - 1) if bits < 8 else 1))
        np.testing.assert_array_equal(read, cv2.imread(path, cv2.IMREAD_UNCHANGED))


def test_interlaced_images_are_read(tmp_path):
    image = np.random.default_rng(4).integers(0, 256, (13, 11)).astype(np.uint8)
    passes = [np.s_[::8, ::8], np.s_[::8, 4::8], np.s_[4::8, ::4], np.s_[::4, 2::4]]
    passes += [np.s_[2::4, ::2], np.s_[::2, 1::2], np.s_[1::2, :]]
    rows = [b"\0" + row.tobytes() for part in passes for row in image[part]]
    chunks = header(13, 11, interlace=1) + chunk(b"IDAT", zlib.compress(b"".join(rows)))
    (tmp_path / "image.png").write_bytes(SIGNATURE + chunks + chunk(b"IEND", b""))
    np.testing.assert_array_equal(read_grey_png(str(tmp_path / "image.png")), image)


def test_the_largest_channel_of_a_colour_image_counts(tmp_path):
    colour = np.random.default_rng(1).integers(0, 256, (9, 11, 4)).astype(np.uint8)
    for image in (colour, colour[..., :3]):
        cv2.imwrite(str(tmp_path / "colour.png"), image)
        read = read_grey_png(str(tmp_path / "colour.png"))
        np.testing.assert_array_equal(read, image[..., :3].max(axis=2))


def test_a_damaged_file_names_itself(tmp_path):
    path = tmp_path / "mask.png"
    for absent in (path, tmp_path):
        with pytest.raises(ValueError, match=rf"{absent}: cannot be opened"):
            read_grey_png(str(absent))
    write_png(path, np.random.default_rng(2).integers(0, 256, (30, 40)), 8)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"mask\.png: is (cut off|not a PNG)"):
            read_grey_png(str(path))
    path.write_bytes(whole[:100] + b"?" + whole[101:])
    with pytest.raises(ValueError, match=r"mask\.png: is damaged \(checksum\); copy or create"):
        read_grey_png(str(path))


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (header(2**31 - 1, 2**31 - 1), "claims a size of 2147483647x2147483647"),
        (header(2**32 - 1, 2**32 - 1), "claims a size of 4294967295x4294967295"),
        (header(3, 0), "claims a size of 3x0"),
        (header(3, 3, colour=5), "is damaged"),
        (chunk(b"IHDR", bytes(12)), r"is damaged \(header\)"),
        (header(3, 3) + header(2, 2), r"is damaged \(header\)"),
        (header(3, 3), "is cut off"),
        (header(3, 3) + chunk(b"IDAT", b"x"), "is cut off"),
        (header(3, 3) + chunk(b"IDAT", zlib.compress(bytes(11))), "is cut off"),
        (header(3, 3) + chunk(b"IDAT", zlib.compress(bytes(13))), "more data than its size holds"),
        (header(3, 3) + chunk(b"IDAT", zlib.compress(b"\5" + bytes(11))), "row filter"),
        (header(3, 3) + chunk(b"IDAT", b"xxxxxxxx"), "compressed data"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(chunks, message, tmp_path):
    (tmp_path / "mask.png").write_bytes(SIGNATURE + chunks + chunk(b"IEND", b""))
    with pytest.raises(ValueError, match=rf"mask\.png: .*{message}"):
        read_grey_png(str(tmp_path / "mask.png"))


def test_evaluating_files_equals_evaluating_arrays(tmp_path):
    rng = np.random.default_rng(3)
    ids = scene_ids(rng, (120, 160), 10, labels=[24, 26])
    decoded = dcme.decode(dcme.encode(ids) + rng.normal(0, 1, (2, *ids.shape)), vt=30)
    labels, scores = rng.choice([24, 26], len(decoded)), rng.random(len(decoded))
    cv2.imwrite(str(tmp_path / "truth.png"), ids)
    files = []
    for k, mask in enumerate(decoded):
        files.append((tmp_path / f"{k}.png", labels[k], scores[k]))
        one_bit = [cv2.IMWRITE_PNG_BILEVEL, k % 2]
        cv2.imwrite(str(files[k][0]), mask.astype(np.uint8) * 255, one_bit)
    by_files, by_arrays = dcme.Evaluator(), dcme.Evaluator()
    by_files.add_files(tmp_path / "truth.png", files)
    by_arrays.add(ids, decoded, labels, scores)
    np.testing.assert_array_equal(by_files.results().ap_table, by_arrays.results().ap_table)

    agnostic = dcme.Evaluator(class_agnostic=True)
    told = add_files([by_files, agnostic], tmp_path / "truth.png", files, ious=[0.5, 0.8])
    assert told.truth_labels == [24, 26]
    truth = np.where(ids >= 1000, ids, 0)
    for by_file in told.matchings:
        by_array = dcme.matching(truth, decoded, by_file.iou)
        assert replace(by_file, iou_sum=0) == replace(by_array, iou_sum=0)
        # The sum of Python 3.12 and later rounds otherwise.
        assert by_file.iou_sum == pytest.approx(by_array.iou_sum, rel=1e-12)
    assert [m.iou for m in told.matchings] == [0.5, 0.8]
    arrays = dcme.Evaluator(class_agnostic=True)
    arrays.add(ids, decoded, labels, scores)
    assert agnostic.results().ap == arrays.results().ap

    crowd = [*decoded, *(np.roll(mask, 4, axis=1) for mask in decoded)]
    crowd += [a | b for a, b in zip(decoded, list(decoded)[1:])]
    files = [(tmp_path / f"{k}.png", 24, 0.5) for k in range(len(crowd))]
    for (path, *_), mask in zip(files, crowd):
        cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
    ids[:30, :40] = 26  # a group
    cv2.imwrite(str(tmp_path / "truth.png"), ids)
    truth = np.where(ids >= 1000, ids, 0)
    ious = [0.0, 0.1, 0.3, 0.5]
    told = add_files([dcme.Evaluator()], tmp_path / "truth.png", files, ious=ious)
    for by_file in told.matchings:
        by_array = dcme.matching(truth, np.stack(crowd), by_file.iou, ignored=ids == 26)
        assert replace(by_file, iou_sum=0) == replace(by_array, iou_sum=0)
        assert by_file.iou_sum == pytest.approx(by_array.iou_sum, rel=1e-12)

    with pytest.raises(ValueError, match=r"0\.png: has 8 bits"):
        by_files.add_files(tmp_path / "0.png", files)
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(ValueError, match=r"0\.png: a predicted mask is 9x9 but its ground truth"):
        by_files.add_files(tmp_path / "truth.png", files)


def test_files_are_matched_one_to_one_the_best_first(tmp_path):
    def counts(truth, masks, iou):
        cv2.imwrite(
            str(tmp_path / "truth.png"), 24000 + np.repeat([truth], 9, axis=0).astype(np.uint16)
        )
        files = [(tmp_path / f"{k}.png", 24, 0.5) for k in range(len(masks))]
        for (path, *_), mask in zip(files, masks):
            cv2.imwrite(str(path), np.repeat([mask], 9, axis=0).astype(np.uint8))
        return add_files([dcme.Evaluator()], tmp_path / "truth.png", files, ious=[iou]).matchings[0]

    both = counts([1, 1, 2, 2], [[1, 1, 1, 1]], 0.25)
    assert (both.tp, both.fp, both.fn) == (1, 0, 1)
    assert counts([1, 1, 2, 2], [[1, 0, 0, 0]], 0.5).tp == 0, "IoU must be greater"
    better = counts([1, 1, 1, 1], [[1, 1, 0, 0], [1, 1, 1, 0]], 0.25)
    assert (better.tp, better.fp, better.iou_sum) == (1, 1, 0.75)
