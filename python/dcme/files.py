"""Reading and writing of pictures and small files; every write is atomic."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Union

import cv2
import numpy as np

from dcme.errors import UserError

PathLike = Union[str, "os.PathLike[str]"]


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and ``path`` is untouched.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: PathLike, content: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, content.encode())


def write_json(path: PathLike, content: Any) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(content, indent=2, sort_keys=False) + "\n")


def write_npy(path: PathLike, array: np.ndarray) -> None:
    """Write a .npy file atomically."""
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.save(stream, array, allow_pickle=False)


def png_bytes(image: np.ndarray) -> bytes:
    """A PNG of a grey (H, W) or BGR (H, W, 3) image of 8 or 16 bits."""
    done, buffer = cv2.imencode(".png", image)
    if not done:
        raise UserError(f"cannot encode an image of shape {image.shape} and type {image.dtype}")
    return buffer.tobytes()


def write_png(path: PathLike, image: np.ndarray) -> None:
    """Write a PNG atomically."""
    write_bytes(path, png_bytes(image))


def _decode(path: PathLike, flags: int) -> np.ndarray:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if content[:8] == b"\x89PNG\r\n\x1a\n" and content[-8:-4] != b"IEND":
        raise UserError(f"{path}: the PNG is truncated; copy or create the file again")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if image is None:
        raise UserError(f"{path}: not an image that can be decoded")
    return image


def read_image(path: PathLike) -> np.ndarray:
    """An image file as BGR (H, W, 3), 8 bit; grey images get three equal channels.

    Pixels come as they are stored: turning them by EXIF would part them from their instance map.
    """
    return _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def read_photo(path: PathLike) -> np.ndarray:
    """Like ``read_image``, but refuses images of more than 8 bits, which would lose the rest."""
    kept = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, kept)
    if image.dtype != np.uint8:
        raise UserError(
            f"{path}: has {8 * image.dtype.itemsize} bits a channel; stretch the contrast to 8 "
            "bits, here and later for prediction alike"
        )
    return image


def read_mask(path: PathLike) -> np.ndarray:
    """A mask (H, W), bool: where an image is not black."""
    return _decode(path, cv2.IMREAD_GRAYSCALE) > 0


def read_labels(path: PathLike) -> np.ndarray:
    """A label map (H, W) of whole numbers: a grey image of any depth, or a .npy file."""
    if Path(path).suffix.lower() == ".npy":
        try:
            labels = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error})") from None
    else:
        labels = _decode(path, cv2.IMREAD_UNCHANGED)
    if labels.ndim != 2:
        raise UserError(
            f"{path}: a label map has one channel with a number for each instance; this one has "
            f"shape {'x'.join(map(str, labels.shape))}"
        )
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise UserError(f"{path}: a label map holds whole numbers")
    return np.asarray(labels)


def read_ids(path: PathLike) -> np.ndarray:
    """A 16-bit instance map (H, W) as uint16."""
    ids = _decode(path, cv2.IMREAD_UNCHANGED)
    if ids.ndim != 2 or ids.dtype != np.uint16:
        channels = 1 if ids.ndim == 2 else ids.shape[2]
        raise UserError(
            f"{path}: instance maps are 16-bit PNGs with one channel (id = 1000 * class + number); "
            f"this one has {8 * ids.dtype.itemsize} bits and {channels} channel(s)"
        )
    return ids


def read_text(path: PathLike) -> str:
    """A UTF-8 text file."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file") from None
