"""Files are written whole or not at all, and those of strangers are not believed."""

import errno
import os
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from dcme.datasets.vectors import read_vectors
from dcme.errors import UserError, one_line
from dcme.files import (
    atomic_path,
    checked_size,
    png_palette,
    read_image,
    read_json,
    read_labels,
    resized,
    stretched,
    write_picture,
    write_png,
    write_text,
)
from PIL import Image


def test_a_full_disk_leaves_nothing_and_names_the_file(tmp_path):
    with pytest.raises(OSError) as full, atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "whatever the library said")
    assert one_line(full.value) == f"{tmp_path / 'a.txt'}: no space left on device"
    assert not list(tmp_path.iterdir())


def test_names_may_be_as_long_as_the_file_system_takes(tmp_path):
    longest = tmp_path / f"{(os.pathconf(tmp_path, 'PC_NAME_MAX') - 4) * 'y'}.txt"
    write_text(longest, "all")
    assert longest.read_text() == "all" and list(tmp_path.iterdir()) == [longest]


def test_pictures_are_written_in_formats_that_are_known(tmp_path):
    image = np.zeros((4, 6, 3), np.uint8)
    write_picture(tmp_path / "a.PNG", image)
    assert read_image(tmp_path / "a.PNG").shape == (4, 6, 3)
    with pytest.raises(UserError, match=r"a\.xyz: pictures are written as \.png, \.jpg"):
        write_picture(tmp_path / "a.xyz", image)


def test_errors_of_other_files_keep_their_names(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"b\.txt"), atomic_path(tmp_path / "a.txt"):
        open(tmp_path / "b.txt")


def test_where_nothing_can_be_written_the_file_is_named(tmp_path, monkeypatch):
    """There even the removal of a file that is not there is an error."""

    def refused(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "write_bytes", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(OSError) as stop:
        write_text(tmp_path / "a.txt", "text")
    assert stop.value.filename == str(tmp_path / "a.txt")


def test_of_a_link_the_file_behind_it_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "there" / "a.txt")
    for content in ("new", "other"):
        write_text(tmp_path / "link.txt", content)
        assert (tmp_path / "link.txt").is_symlink()
        assert (tmp_path / "there" / "a.txt").read_text() == content


def test_a_file_that_is_replaced_hands_its_permissions_on(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    (tmp_path / "a.txt").chmod(0o640)
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_two_threads_may_write_one_file(tmp_path):
    """Each its own temporary one: here the second begins and ends while the first writes."""
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("first")
        write_text(tmp_path / "a.txt", "second")
        assert (tmp_path / "a.txt").read_text() == "second"
    assert (tmp_path / "a.txt").read_text() == "first"


def test_processes_of_one_number_write_side_by_side(tmp_path):
    """The first ones of two containers that share a folder are such."""
    code = "\n".join(
        (
            "import os, sys; from dcme.files import atomic_path",
            "os.getpid = lambda: 7",
            "with atomic_path(sys.argv[1]) as temporary: print(temporary); temporary.touch()",
        )
    )
    words = [sys.executable, "-c", code]
    outputs = [subprocess.check_output([*words, tmp_path / name]) for name in ("a.txt", "b.txt")]
    assert outputs[0] != outputs[1]


def test_what_is_no_file_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text(tmp_path / "pipe", "content")
    assert os.read(reader, 99) == b"content" and (tmp_path / "pipe").is_fifo()
    os.close(reader)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder; name a file"):
        write_text(tmp_path, "content")


@pytest.mark.parametrize(
    "words", [["plot", "a.png", "--image", "image.png"], ["prepare", "--lmdb"]]
)
def test_commands_on_a_full_disk_say_so_in_one_line(words, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (100, 200, 3), dtype=np.uint8)
    write_png(tmp_path / "image.png", noise)
    write_png(tmp_path / "ids.png", np.full((100, 200), 1001, np.uint16))
    (tmp_path / "val.txt").write_text("image.png ids.png\n")
    size = (tmp_path / "image.png").stat().st_size
    limit = size - 1 if words[0] == "plot" else size + 1
    done = subprocess.run(
        [sys.executable, "-m", "dcme", *words, *(["val.txt", "out"] if "--lmdb" in words else [])],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "a.png: file too large" in done.stderr or "val_lmdb: cannot be written" in done.stderr
    assert not [path for path in tmp_path.rglob(".*") if path.name.endswith(".tmp")]


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(height, width, content=b"", claimed=None, more=b""):
    """A PNG in colours whose data chunk claims a length, and `more` chunks behind that."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(content))
    if claimed is not None:
        data = struct.pack(">I", claimed) + data[4:]
    return PNG_SIGNATURE + chunk(b"IHDR", header) + data + more + chunk(b"IEND", b"")


def jpeg(height, width):
    """A JPEG of 40x50 whose header claims another size."""
    content = bytearray(cv2.imencode(".jpg", np.full((40, 50, 3), 90, np.uint8))[1].tobytes())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def bmp(height, width, bits, compression, content):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 256, 0)
    body = header + bytes(1024) + content
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + 40 + 1024) + body


def stray(content, *, before):
    """A JPEG with bytes that decoders pass over in front of a marker."""
    at = content.index(before)
    return content[:at] + b"\0x\xff\0\xff\xd0" + content[at:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged, or no image"),
        (b"no image", "is damaged, or no image"),
        (png(4, 5, bytes(64), claimed=0x7FFFFFFF), "is cut off"),
        (png(4, 5, bytes(64))[:-9], "is cut off"),
        (png(30000, 30000, bytes(64)), "is cut off"),
        (png(2**31 - 1, 2**31 - 1, bytes(64)), "is cut off"),
        (png(30000, 30000, bytes(64), more=png(4, 5)[8:33]), "is cut off"),
        (jpeg(40, 50)[:-2], "is cut off"),
        (jpeg(40, 50)[: len(jpeg(40, 50)) // 2], "is cut off"),
        (jpeg(65000, 65000), "is cut off"),
        (stray(jpeg(65000, 65000), before=b"\xff\xc0"), "is cut off"),
        (stray(jpeg(65000, 65000), before=b"\xff\xdb"), "is cut off"),
        (bmp(32000, 32000, 8, 1, b"\0\1"), "is cut off"),
        (bmp(-32000, 32000, 8, 0, bytes(9)), "is cut off"),
        (b"BM", "is cut off"),
        (b"P6 100000 100000 255\n", "is damaged, or no image"),
        (bytes(128) + b"DICM", "is a DICOM file; convert it"),
    ],
)
def test_damaged_pictures_are_refused_before_memory_is_taken(tmp_path, content, message):
    (tmp_path / "image.png").write_bytes(content)
    with pytest.raises(UserError, match=rf"image\.png: {message}"):
        read_image(tmp_path / "image.png")


@pytest.mark.parametrize(
    "content",
    [
        PNG_SIGNATURE + chunk(b"IEND", b""),
        PNG_SIGNATURE + chunk(b"IHDR", b"") + chunk(b"IEND", b""),
        PNG_SIGNATURE + chunk(b"tEXt", bytes(13)) + chunk(b"IEND", b""),
    ],
    ids=["none", "an empty one", "another chunk"],
)
def test_a_png_without_header_is_told_as_damaged(tmp_path, content):
    (tmp_path / "image.png").write_bytes(content)
    for read in (checked_size, read_image):
        with pytest.raises(UserError, match=r"image\.png: is damaged, or no image"):
            read(tmp_path / "image.png")


def test_bytes_behind_the_end_of_a_picture_do_not_matter(tmp_path):
    for content in (png(4, 5, bytes(4 * 16)), jpeg(40, 50)):
        (tmp_path / "image").write_bytes(content + bytes(5000))
        assert read_image(tmp_path / "image").ndim == 3


def test_bytes_between_the_segments_of_a_jpeg_do_not_matter(tmp_path):
    (tmp_path / "image.jpg").write_bytes(stray(jpeg(40, 50), before=b"\xff\xc0"))
    assert read_image(tmp_path / "image.jpg").shape == (40, 50, 3)


def test_bitmaps_of_runs_are_read(tmp_path):
    runs = b"".join(bytes([255, 7, 45, 7, 0, 0]) for _ in range(30)) + b"\0\1"
    (tmp_path / "image.bmp").write_bytes(bmp(30, 300, 8, 1, runs))
    assert read_image(tmp_path / "image.bmp").shape[:2] == (30, 300)
    plain = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    cv2.imwrite(str(tmp_path / "plain.bmp"), plain)
    assert (read_image(tmp_path / "plain.bmp") == plain).all()


def test_a_jpegs_end_is_that_behind_its_pixels(tmp_path):
    thumbnail = b"\xff\xe1\0\x08" + b"Exif\xff\xd9"
    plain = jpeg(40, 50)
    filled = plain[:2] + b"\xff\xff\xff" + thumbnail + plain[2:]
    (tmp_path / "image.jpg").write_bytes(filled)
    assert read_image(tmp_path / "image.jpg").shape == (40, 50, 3)
    (tmp_path / "image.jpg").write_bytes(filled[:-2])
    with pytest.raises(UserError, match="is cut off"):
        read_image(tmp_path / "image.jpg")


LABELS = np.array([[0, 1, 1, 0], [2, 2, 0, 255]], np.uint8)
VOC_COLOURS = [0, 0, 0, 128, 0, 0, 0, 128, 0, *[9] * 3 * 252, 224, 224, 192]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_of_a_palette_the_numbers_are_the_labels(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    picture = Image.fromarray(LABELS).convert("P")
    for colours in (VOC_COLOURS, [0] * 768):
        picture.putpalette(colours)
        picture.save(path)
        assert np.array_equal(read_labels(path), LABELS)


def test_of_a_palette_of_greys_in_any_order_the_greys_are_the_labels(tmp_path):
    picture = Image.fromarray(LABELS).convert("P")
    picture.putpalette([7] * 3 + [0] * 3 + [5] * 3 + [4] * 3 * 252 + [9] * 3)
    picture.save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png").tolist() == [[7, 0, 0, 7], [5, 5, 7, 9]]


def test_of_three_equal_channels_one_is_taken(tmp_path):
    for kind in (np.uint8, np.uint16):
        write_png(tmp_path / "a.png", np.repeat(LABELS[..., None].astype(kind), 3, axis=2))
        assert np.array_equal(read_labels(tmp_path / "a.png"), LABELS)
    write_png(tmp_path / "a.png", np.dstack([LABELS, LABELS, LABELS // 2]))
    with pytest.raises(UserError, match=r"a\.png: a label map has one channel"):
        read_labels(tmp_path / "a.png")


def test_objects_of_cellpose_are_told_as_such(tmp_path):
    np.save(tmp_path / "a_seg.npy", np.array({"masks": LABELS}, dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"a_seg\.npy: holds Python objects.*array 'masks' alone"):
        read_labels(tmp_path / "a_seg.npy")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", r"Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, r"Exceeds the limit \(4300( digits)?\) for integer string conversion"),
    ],
)
def test_json_that_cannot_be_read_names_the_file(tmp_path, text, reason):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=rf"a\.json: is no JSON \({reason}"):
        read_json(tmp_path / "a.json")


def test_what_is_no_number_becomes_black():
    image = np.array([[np.nan, -5, 0.5, 1, 9]], np.float32)
    assert stretched(image, (0, 1)).tolist() == [[0, 0, 128, 255, 255]]


def test_an_image_larger_than_the_memory_is_told_as_such(monkeypatch):
    def fails(*_, **__):
        raise cv2.error("Failed to allocate 30000000000 bytes")

    monkeypatch.setattr(cv2, "resize", fails)
    with pytest.raises(MemoryError) as large:
        resized(np.zeros((2, 2)), (100000, 90000), cv2.INTER_AREA)
    assert one_line(large.value) == "the memory does not suffice (for an image of 100000x90000)"


@pytest.mark.parametrize("header", ["{'descr': '<f4', 'shape': (2,", "{'shape': (9,)}", "((("])
def test_damaged_arrays_name_themselves(tmp_path, header):
    text = header.encode().ljust(117) + b"\n"
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)
    with pytest.raises(UserError, match=r"a\.npy: cannot be read"):
        read_labels(path)
    with pytest.raises(UserError, match=r"a\.npy: cannot be read"):
        list(read_vectors(path))


def test_the_palette_of_a_png_is_read_and_no_other_files(tmp_path):
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    picture = Image.fromarray(labels).convert("P")
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    picture.save(tmp_path / "palette.png")
    assert png_palette(tmp_path / "palette.png")[:9] == bytes([0, 0, 0, 128, 0, 0, 0, 128, 0])
    cv2.imwrite(str(tmp_path / "grey.png"), labels)
    np.save(tmp_path / "array.npy", labels)
    whole = (tmp_path / "palette.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: whole.index(b"PLTE") - 6])
    for name in ("grey.png", "array.npy", "cut.png"):
        assert png_palette(tmp_path / name) == b""
