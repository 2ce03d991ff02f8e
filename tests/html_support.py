"""A look into HTML pages: whether they are whole and stand alone, and what they hold."""

from __future__ import annotations

import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VOID = {"meta", "img", "br", "hr", "link", "input"}
#: What the parts of a page may stand in, so that a browser does not have to repair it.
PARENTS = {
    "li": {"ul", "ol"}, "tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"}, "figcaption": {"figure"},
    "summary": {"details"}, "thead": {"table"}, "tbody": {"table"}, "dt": {"div", "dl"}, "dd": {"div", "dl"},
}  # fmt: skip
BLOCKS = {"p", "div", "table", "section", "h1", "h2", "h3", "ul", "dl", "figure", "details"}


class Page(HTMLParser):
    """Follows open tags; keeps pictures, links, anchors, text and the cells of tables.

    Attributes
    ----------
    images : list of dict
        Attributes of every picture.
    rows : list of list of str
        Cells of every row of every table, by their text.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.images: list[dict[str, str]] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.lang = ""
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.title = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self.open[-1] if self.open else ""
        assert parent in PARENTS.get(tag, {parent}), f"{tag} in {parent}"
        assert not (tag in BLOCKS and "p" in self.open), f"{tag} in a paragraph"
        self.tags.append(tag)
        values = {name: value or "" for name, value in attrs}
        assert len(values) == len(attrs), f"an attribute of {tag} stands twice"
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(values)
        if tag == "html":
            self.lang = values.get("lang", "")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if "href" in values:
            self.links.append(values["href"])
        if "id" in values:
            self.anchors.append(values["id"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        if self.open and self.open[-1] == "title":
            self.title += data
        self.words.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        """Return what a reader sees, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def row(self, first: str) -> list[str]:
        """Return the cells of the one row whose first cell begins with a word."""
        found = [row for row in self.rows if row and row[0].startswith(first)]
        assert len(found) == 1, (first, found)
        return found[0]


def check_alone(text: str, *private: str) -> Page:
    """Check that a page is whole, needs nothing from outside, and names no place on this machine."""
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>\n") and page.open == []
    assert page.lang == "en" and page.title.strip()
    assert all(image["src"].startswith("data:image/png;base64,iVBOR") for image in page.images)
    assert all(len(image["alt"]) > 20 for image in page.images)
    assert len({image["alt"] for image in page.images}) == len(page.images)
    assert page.links and all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.anchors)
    assert len(set(page.anchors)) == len(page.anchors)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    outside = re.sub(r'src="data:[^"]*"', "", text)
    assert "://" not in outside and "url(" not in outside and "@import" not in outside
    for place in (*private, str(ROOT), str(Path.home()), tempfile.gettempdir(), sys.prefix):
        assert place not in outside, place
    assert "research model" in page.text and "no diagnosis" in page.text
    return page
