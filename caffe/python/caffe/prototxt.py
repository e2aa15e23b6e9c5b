"""Prototxts as messages of the package protobuf, with the runtime's words for what is wrong."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from . import _caffe

M = TypeVar("M", bound=Message)


def parse_prototxt(text: str, message: M, path: str) -> M:
    """Fill a message from the text of the prototxt at ``path``; ValueError names what is wrong.

    Of a misspelt field the runtime tells the place and what may have been meant.
    """
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        told = _caffe.prototxt_error(path, message.DESCRIPTOR.full_name)
        raise ValueError(told or f"{path}: {error}") from None
    return message
