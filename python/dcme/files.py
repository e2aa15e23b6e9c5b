"""Reading and writing of pictures and small files; every write is atomic."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Union

import cv2
import numpy as np

from dcme import _core
from dcme._arrays import are_whole
from dcme.errors import UserError

PathLike = Union[str, "os.PathLike[str]"]

Levels = tuple[float, float]
"""Of an image of more than 8 bits: the values that become black and white."""


def folder_of(path: PathLike) -> Path:
    """A folder itself; of anything else the one that it is in."""
    return Path(path) if Path(path).is_dir() else Path(path).parent


def visible_files(folder: PathLike, suffixes: Sequence[str], pattern: str = "*") -> list[Path]:
    """Files below a folder that match the pattern and have one of the suffixes, sorted.

    Those whose names begin with a dot are none of them: files that are being written, and the
    ``._a.png`` that macOS leaves beside an ``a.png``.
    """
    found = (p for p in Path(folder).glob(pattern) if p.suffix.lower() in suffixes)
    return sorted(path for path in found if path.name[0] != ".")


def require_apart(out: PathLike, places: Iterable[PathLike], what: str) -> None:
    """Raise where ``out`` is a folder of what is read: what is written there would mix with it.

    ``what`` says so: ``the images are``.
    """
    if Path(out).resolve() in {Path(place).resolve() for place in places}:
        raise UserError(f"{out}: is where {what}; name another folder")


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and ``path`` is untouched. Of a
    link the file is replaced that it leads to; what is no file (``/dev/stdout``, a pipe) is written
    to as it is. A file that is replaced hands its permissions on. Errors of the system, such as a
    full disk, name ``path``.

    Nothing waits for the disk: what was written in the last seconds before a power cut may be
    empty. For thousands of small files that would take long, and all can be computed again, unlike
    the snapshots of trainings, which the runtime does wait for.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{target.parent}: is no folder, or lies below a file") from None
    if target.is_dir():
        raise UserError(f"{path}: is a folder; name a file")
    # Without the stem: a name that is as long as names may be would be too long. A number of the
    # process would not do: containers that share a folder have the same ones.
    beside = target.with_name(f".{token_hex(8)}.tmp{target.suffix}")
    in_place = Path(path).exists() and not target.is_file()
    try:
        yield Path(path) if in_place else beside
        if not in_place:
            with suppress(OSError):  # no earlier file, or a file system without permissions
                shutil.copymode(target, beside)
            os.replace(beside, target)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(beside)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with suppress(OSError):  # where nothing can be written, the error above says so
            beside.unlink(missing_ok=True)


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: PathLike, content: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, content.encode())


def read_json(path: PathLike) -> Any:
    """The content of a JSON file."""
    text = read_text(path)
    try:
        return json.loads(text)
    except RecursionError:
        raise UserError(f"{path}: is no JSON (nested too deeply)") from None
    except ValueError as error:  # beside what the parser finds: numbers of thousands of digits
        reason = str(error).partition(";")[0]
        raise UserError(f"{path}: is no JSON ({reason})") from None


def write_json(path: PathLike, content: Any) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(content, indent=2, sort_keys=False) + "\n")


def write_npy(path: PathLike, array: np.ndarray) -> None:
    """Write a .npy file atomically."""
    # Of a file that takes only a part, NumPy tells neither the name nor the reason.
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_bytes(path, content.getvalue())


PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def require_picture(path: PathLike) -> None:
    """Raise where ``write_picture`` knows no format for the suffix."""
    if Path(path).suffix.lower() not in PICTURE_SUFFIXES:
        raise UserError(f"{path}: pictures are written as {', '.join(PICTURE_SUFFIXES)}")


def write_picture(path: PathLike, image: np.ndarray) -> None:
    """Write a BGR image (H, W, 3), uint8, atomically, in the format of the path's suffix."""
    require_picture(path)
    done, buffer = cv2.imencode(Path(path).suffix.lower(), image)
    if not done:
        raise UserError(f"{path}: cannot encode an image of shape {image.shape}")
    write_bytes(path, buffer.tobytes())


def png_bytes(image: np.ndarray) -> bytes:
    """A PNG of a grey (H, W) or BGR (H, W, 3) image of 8 or 16 bits."""
    done, buffer = cv2.imencode(".png", image)
    if not done:
        raise UserError(f"cannot encode an image of shape {image.shape} and type {image.dtype}")
    return buffer.tobytes()


def write_png(path: PathLike, image: np.ndarray) -> None:
    """Write a PNG atomically."""
    write_bytes(path, png_bytes(image))


PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
"""What all PNGs begin with, up to the size: the header comes first and has 13 bytes."""
TIFF_STARTS = (b"II*\0", b"MM\0*")


def _content_of_picture(path: PathLike) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if problem := _core.picture_problem(content):
        raise UserError(f"{path}: {problem}")
    return content


def _decode(path: PathLike) -> np.ndarray:
    """The file's only image as it is stored, of whatever depth and channels."""
    content = _content_of_picture(path)
    if content[:4] in TIFF_STARTS and (pages := cv2.imcount(str(path))) > 1:
        raise UserError(f"{path}: is a stack of {pages} pages; save each as a file of its own")
    image = None
    with suppress(cv2.error):  # nothing, or a size that OpenCV does not take
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise UserError(f"{path}: is damaged, or no image; copy or create the file again")
    return image


def resized(image: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    """An image at ``size`` = (H, W), by one of OpenCV's ways; MemoryError where it is too large."""
    try:
        return cv2.resize(image, size[::-1], interpolation=interpolation)
    except cv2.error as error:
        raise MemoryError(f"for an image of {size[0]}x{size[1]}") from error


def image_size(path: PathLike) -> tuple[int, int]:
    """(H, W) of an image file of any depth."""
    height, width = _decode(path).shape[:2]
    return height, width


def require_size(path: PathLike, found: Sequence[int], image: Sequence[int]) -> None:
    """Raise where what a file holds, (H, W) ``found``, is not of its image's size."""
    if tuple(found) != tuple(image):
        raise UserError(
            f"{path}: is {found[0]}x{found[1]} but its image is {image[0]}x{image[1]} (HxW)"
        )


def warn_of_squeezing(size: Sequence[int], image: Sequence[int]) -> None:
    """Warn where (H, W) ``size`` has quite other proportions than an image, as swapped sides do."""
    if not 0.8 <= size[0] * image[1] / (size[1] * image[0]) <= 1.25:
        warnings.warn(
            f"{size[0]}x{size[1]} (height x width) has other proportions than the images: they are "
            "squeezed",
            stacklevel=2,
        )


def stretched(image: np.ndarray, levels: Levels) -> np.ndarray:
    """An image of any type as uint8: from ``levels[0]``, which becomes 0, to ``levels[1]``, 255."""
    low, high = levels
    shares = (np.nan_to_num(image.astype(np.float32)) - low) / (high - low)
    return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)


def read_image(path: PathLike, levels: Levels | None = None) -> np.ndarray:
    """An image file as BGR (H, W, 3), uint8; grey images get three equal channels.

    Pixels come as they are stored: turning them by EXIF would part them from their instance map.
    Images of more than 8 bits are ``stretched`` between the ``levels``; without, they are refused.
    So are stacks.
    """
    image = _decode(path)
    if image.dtype != np.uint8 and levels is not None:
        image = stretched(image, levels)
    if image.dtype != np.uint8:
        raise UserError(
            f"{path}: has {8 * image.dtype.itemsize} bits a channel; stretch the contrast to 8 "
            "bits, for training and prediction alike (dcme collect, predict, plot: --levels)"
        )
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    if image.shape[2] not in (3, 4):
        raise UserError(f"{path}: has {image.shape[2]} channels; an image is grey or has colours")
    return np.ascontiguousarray(image[..., :3])


def checked_size(path: PathLike) -> tuple[int, int]:
    """(H, W) of an image that ``read_image`` reads without levels; raises where it does not.

    Of a PNG this is told by its header, without the work of decoding it: damage in its middle is
    left unseen.
    """
    content = _content_of_picture(path)
    if content.startswith(PNG_START):
        width, height, bits = struct.unpack_from(">IIB", content, len(PNG_START))
        if bits <= 8:
            return height, width
    height, width = read_image(path).shape[:2]
    return height, width


def _holds_objects(path: PathLike) -> bool:
    """Whether a .npy file's header tells of Python objects; to read these may run code."""
    try:
        with open(path, "rb") as stream:
            return b"'|O'" in stream.read(128)
    except OSError:
        return False


def _read_exact(path: PathLike) -> np.ndarray:
    """The numbers of a .npy file or of an image, as they were written: JPEG does not keep them."""
    if Path(path).suffix.lower() == ".npy":
        try:
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        except Exception as error:  # NumPy lets through whatever the header's parser raises
            if _holds_objects(path):
                raise UserError(
                    f"{path}: holds Python objects, not an array of numbers; of Cellpose's "
                    "_seg.npy save the array 'masks' alone"
                ) from None
            raise UserError(f"{path}: cannot be read ({error})") from None
    image = _decode(path)
    with open(path, "rb") as stream:
        if stream.read(2) == b"\xff\xd8":
            raise UserError(
                f"{path}: JPEG changes the values of masks; export them as PNG, TIFF or .npy"
            )
    return image


def read_mask(path: PathLike) -> np.ndarray:
    """A mask (H, W), bool: where an image of any depth, or a .npy file, is not 0.

    Colours count, transparency does not.
    """
    image = _read_exact(path)
    mask = np.asarray(image[..., :3].any(axis=2) if image.ndim == 3 else image != 0)
    if mask.ndim != 2:
        raise UserError(f"{path}: a mask has shape (H, W), this one {mask.shape}")
    return mask


def _numbers_of_colours(path: PathLike, image: np.ndarray) -> np.ndarray:
    """The numbers (H, W) that an image (H, W, C) with a palette, or of greys alone, stands for; of
    any other the image itself.

    Programs that make files small give a grey image a palette whose order means nothing: where
    all colours are greys, and no two numbers have the same, these are the numbers.
    """
    from PIL import Image

    colours = image[..., :3]
    grey = colours[..., 0] if (colours == colours[..., :1]).all() else None
    try:
        with Image.open(path) as picture:
            numbers = np.asarray(picture) if picture.mode == "P" else None
    except Exception as error:  # damaged files raise whatever the format's reader comes upon
        raise UserError(f"{path}: its palette cannot be read ({error})") from None
    if numbers is not None and (grey is None or len(np.unique(grey)) < len(np.unique(numbers))):
        return numbers
    return image if grey is None else grey


def png_palette(path: PathLike) -> bytes:
    """The palette of a PNG, three bytes a colour; none where it has no palette, or is no PNG."""
    with open(path, "rb") as file:
        head = file.read(33)  # the signature and the first chunk
        has_one = head.startswith(PNG_START) and head[25:26] == b"\3"
        while has_one and len(chunk := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", chunk)
            if kind == b"PLTE":
                colours = file.read(min(size, 3 * 256))
                return colours[: len(colours) // 3 * 3]
            file.seek(size + 4, os.SEEK_CUR)
    return b""


def read_labels(path: PathLike) -> np.ndarray:
    """A label map (H, W) of whole numbers: a .npy file, or an image of any depth that is grey or
    has a palette; of a palette's colours the numbers count (VOC, DAVIS)."""
    labels = _read_exact(path)
    if labels.ndim == 3 and Path(path).suffix.lower() != ".npy":
        labels = _numbers_of_colours(path, labels)
    if labels.ndim != 2:
        raise UserError(
            f"{path}: a label map has one channel with a number for each instance; this one has "
            f"shape {'x'.join(map(str, labels.shape))}: save the numbers as a grey image, one with "
            "a palette, or .npy"
        )
    if not are_whole(labels):
        raise UserError(f"{path}: a label map holds whole numbers")
    return labels


def is_deep_grey_png(path: PathLike) -> bool:
    """Whether a file is a grey PNG of 16 bits, as instance maps are and no picture of ours is."""
    with open(path, "rb") as stream:
        head = stream.read(len(PNG_START) + 10)
    return head.startswith(PNG_START) and head[-2:] == b"\x10\0"


def read_ids(path: PathLike) -> np.ndarray:
    """A 16-bit instance map (H, W) as uint16."""
    ids = _decode(path)
    if ids.ndim != 2 or ids.dtype != np.uint16:
        channels = 1 if ids.ndim == 2 else ids.shape[2]
        raise UserError(
            f"{path}: instance maps are 16-bit PNGs with one channel (id = 1000 * class + number); "
            f"this one has {8 * ids.dtype.itemsize} bits and {channels} channel(s)"
        )
    return ids


def read_text(path: PathLike, foreign_bytes: bool = False) -> str:
    """A UTF-8 text file, with or without a byte order mark.

    With `foreign_bytes` those of other encodings are read as \\xNN; a file that has NULs beside
    them (UTF-16, or no text at all) is refused even so.
    """
    try:
        contents = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    lenient = foreign_bytes and b"\0" not in contents
    try:
        text = contents.decode("utf-8-sig", "backslashreplace" if lenient else "strict")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
