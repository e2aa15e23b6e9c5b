"""The classes of a folder's content, told to later commands by its file ``classes.json``."""

from __future__ import annotations

from pathlib import Path

from dcme.classes import CITYSCAPES, ClassMap
from dcme.errors import UserError
from dcme.files import PathLike, folder_of, read_json, write_json

CLASS_FILE = "classes.json"
_FIELDS = ("labels", "names", "ignored", "priority")


def write_classes(folder: PathLike, classes: ClassMap) -> None:
    """Keep the classes of what is in a folder: a data set, a net, vector maps or results."""
    write_json(Path(folder) / CLASS_FILE, {name: getattr(classes, name) for name in _FIELDS})


def read_classes(place: PathLike) -> ClassMap | None:
    """The classes kept in a folder, or beside a file; None where none are."""
    path = folder_of(place) / CLASS_FILE
    if not path.is_file():
        return None
    kept = read_json(path)
    try:
        return ClassMap(*(kept[name] for name in _FIELDS))
    except (ValueError, TypeError, LookupError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path}: tells no classes ({reason}); delete it and give --classes LABEL:NAME,..."
        ) from None


def classes_of(place: PathLike, given: ClassMap | None = None) -> ClassMap:
    """Those given, else those kept with a folder or file, else Cityscapes'."""
    return given or read_classes(place) or CITYSCAPES
