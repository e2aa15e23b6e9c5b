"""What the headers of pictures claim beside what the files hold: decoders would take the memory for
it, gigabytes for a file of a few bytes."""

import struct

import cv2
import numpy as np
import pytest
from dcme._core import picture_problem
from dcme.files import UserError, read_image


def tiff(width, height, *, order="<", big=False, sides=(256, 257)):
    """A TIFF's header and the fields of its size."""
    start, field = (b"II", b"MM")[order == ">"], "HHQQ" if big else "HHII"
    if big:
        head = start + struct.pack(order + "HHHQQ", 43, 8, 0, 16, 2)
    else:
        head = start + struct.pack(order + "HIH", 42, 8, 2)
    kinds = {2: "H", 4: "I", 8: "Q"}
    fields = b""
    for tag, value, bytes_ in zip(sides, (width, height), (2 if height < 65536 else 4, 4)):
        number = struct.pack(order + kinds[bytes_], value).ljust(8 if big else 4, b"\0")
        body = struct.pack(order + field[:3], tag, 3 if bytes_ == 2 else 4, 1)
        fields += body + number
    return head + fields + bytes(8)


def gif(width, height):
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(30)


def webp(width, height, kind=b"VP8X"):
    size = (width - 1) | (height - 1) << 14
    body = {
        b"VP8X": bytes(4) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3],
        b"VP8L": b"\x2f" + struct.pack("<I", size & 0xFFFFFFFF),
        b"VP8 ": bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF),
    }[kind]
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk + bytes(8)


def codestream(width, height):
    """The first marks of JPEG 2000."""
    return b"\xff\x4f\xff\x51" + struct.pack(">HHII", 47, 0, width, height) + bytes(60)


def box(kind, content, long=False):
    if long:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def jpeg_2000(width, height):
    """The last box reaches to the end of the file."""
    start = box(b"jP  ", b"\r\n\x87\n") + box(b"jp2h", bytes(20), long=True)
    return start + struct.pack(">I4s", 0, b"jp2c") + codestream(width, height)


def extents(width, height):
    return box(b"ispe", struct.pack(">III", 0, width, height))


def avif(width, height):
    images = box(b"meta", bytes(4) + extents(64, 64) + extents(width, height))
    return box(b"ftyp", b"avif") + images


FORMATS = {
    "TIFF": tiff,
    "TIFF, high bytes first": lambda w, h: tiff(w, h, order=">"),
    "BigTIFF": lambda w, h: tiff(w, h, big=True),
    "BigTIFF, high bytes first": lambda w, h: tiff(w, h, order=">", big=True),
    "tiles of a TIFF": lambda w, h: tiff(w, h, sides=(322, 323)),
    "GIF": gif,
    "animated WebP": webp,
    "WebP without loss": lambda w, h: webp(w, h, b"VP8L"),
    "WebP": lambda w, h: webp(w, h, b"VP8 "),
    "JPEG 2000": jpeg_2000,
    "JPEG 2000 without boxes": codestream,
    "AVIF": avif,
}


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_more_pixels_than_a_small_file_holds_are_refused(make):
    small, large = make(8192, 8192), make(8200, 8192)
    assert picture_problem(small) == ""
    assert picture_problem(large).startswith("claims too many pixels for so small a file")
    # A file with a byte for each 2048 pixels may hold them.
    assert picture_problem(large + bytes(8200 * 8192 // 2048)) == ""


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_headers_that_were_cut_off_claim_nothing_outside_of_the_file(make):
    content = make(8000, 8000)
    for size in range(len(content)):
        assert picture_problem(content[:size]) in ("", "is cut off; copy or create it again")


def test_pixels_may_look_like_a_size():
    mark = codestream(2**31, 2**31)[:20]
    assert picture_problem(jpeg_2000(64, 64) + mark) == ""
    assert picture_problem(codestream(64, 64) + mark) == ""
    assert picture_problem(avif(64, 64) + box(b"mdat", extents(2**31, 2**31))) == ""


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(60000, 60000))
    with pytest.raises(UserError, match=r"a\.tif: claims too many pixels .* as a PNG"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".jp2", ".png", ".jpg"])
def test_pictures_of_one_colour_are_read_however_small_the_file(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(suffix, np.zeros((2000, 3000, 3), np.uint8))[1].tobytes())
    assert read_image(path).shape == (2000, 3000, 3)
