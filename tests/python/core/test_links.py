"""The pages refer to files and headings that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(page):
    """What links call the headings of a page: lower case, blanks as hyphens, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def is_dead(page, link):
    """Whether there is no such file, or no such heading in it."""
    name, _, anchor = link.partition("#")
    path = page.parent / name if name else page
    return not path.exists() or (anchor and anchor not in anchors(path))


def test_no_link_is_dead():
    dead = []
    for page in PAGES:
        links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        dead += [
            f"{page.name}: {link}" for link in links if "://" not in link and is_dead(page, link)
        ]
    assert not dead
