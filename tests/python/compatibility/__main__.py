"""``python -m compatibility`` (in tests/python): writes docs/compatibility.md."""

from .evidence import REPOSITORY
from .table import document

if __name__ == "__main__":
    path = REPOSITORY / "docs/compatibility.md"
    path.write_text(document())
    print(path)
