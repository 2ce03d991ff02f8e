"""From the docstring of a mechanism to Markdown: its sections, its equations as written, its links.

A docstring is plain text in the manner of reStructuredText. Paragraphs that begin with ``Sources:`` or ``Left out:``,
and headings that are underlined, make sections. What is indented is an equation or a table of equations and stays
as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MODEL, SOURCES, LEFT_OUT = "What it models", "Sources", "What is left out"
#: Headings and first words of paragraphs, as they stand in docstrings -> the section they open.
HEADINGS = {"What is modelled": MODEL, "Sources": SOURCES, "What is left out": LEFT_OUT}
LABELS = {"Sources": SOURCES, "Left out": LEFT_OUT}
_LABEL = re.compile(r"^(Sources|Left out): ", re.MULTILINE)
_RULE = re.compile(r"^=+( +=+)+$")
_UNDERLINE = re.compile(r"^-{4,}$")
_DOI = re.compile(r"(?<![\w/`\[.])10\.\d{4,9}/[^\s,;`|]+")
_ARCHIVE = re.compile(r"(?<![\w/`\[])(PMC|PMID )(\d{4,9})\b")
_CODE = re.compile(r"``(.+?)``|(?<!`)`([^`\n]+)`(?!`)", re.DOTALL)
_BEFORE_A_LIST = re.compile(r"\n(?=(?:[-+*#>]|\d+[.)])\s)")
_LOOKS_LIKE_A_LIST = re.compile(r"^([-+*#>]|\d+[.)])(?=\s)", re.MULTILINE)


@dataclass(frozen=True)
class Text:
    """A docstring in parts.

    Parameters
    ----------
    summary : str
        First paragraph, Markdown.
    sections : dict
        Heading -> Markdown; `MODEL` may be empty, the others are absent where the docstring has none.
    equations : int
        Displayed equations and formulas within the text.
    """

    summary: str
    sections: dict[str, str]
    equations: int


def blocks(document: str) -> list[str]:
    """Return the paragraphs, tables and indented pieces of a docstring, a heading with its underline as one."""
    found: list[str] = []
    lines = document.strip("\n").split("\n")
    current: list[str] = []
    for index, line in enumerate(lines):
        underlined = index + 1 < len(lines) and _UNDERLINE.match(lines[index + 1])
        if (not line.strip() and not _open_table(current)) or underlined:
            found.append("\n".join(current))
            current = [line] if underlined else []
        elif _UNDERLINE.match(line):
            found.append(f"{current.pop()}\n{line}")
        else:
            current.append(line)
    found.append("\n".join(current))
    return [block for block in found if block.strip()]


def _open_table(lines: list[str]) -> bool:
    """Whether a table has begun and not ended; its rows may have blank lines between them."""
    rules = sum(1 for line in lines if _RULE.match(line))
    return bool(lines) and _RULE.match(lines[0]) is not None and rules < 2


def read(document: str, link: Callable[[str], str]) -> Text:
    """Return a docstring as Markdown.

    Parameters
    ----------
    document : str
    link : callable
        From a word in single backticks to its Markdown: a link for the name of a mechanism, else code.
    """
    pieces = blocks(document)
    summary = to_markdown(pieces[0], link)
    sections: dict[str, list[str]] = {MODEL: []}
    inside = MODEL
    for piece in pieces[1:]:
        first = piece.split("\n", 1)[0]
        if _UNDERLINE.match(piece.rsplit("\n", 1)[-1]) and first in HEADINGS:
            inside = HEADINGS[first]
            sections.setdefault(inside, [])
            continue
        for label, text in _labelled(piece):
            where = LABELS.get(label, inside)
            sections.setdefault(where, []).append(to_markdown(text, link))
    formulas = sum(1 for piece in pieces if piece.startswith("    "))
    formulas += sum(1 for code, _ in _CODE.findall(document) if re.search(r"[=/^*(+-]", code))
    return Text(summary, {name: "\n\n".join(text) for name, text in sections.items()}, formulas)


def _labelled(piece: str) -> list[tuple[str, str]]:
    """Return a paragraph cut where a label stands: at its beginning, or after a full stop."""
    if piece.startswith("    "):
        return [("", piece)]
    cut = re.sub(r"(?<=[.)])[ \n](?=(?:Sources|Left out): )", "\n\n", piece)
    found = []
    for part in cut.split("\n\n"):
        label = _LABEL.match(part)
        found.append((label[1], _sentence(part[label.end() :])) if label else ("", part))
    return found


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def to_markdown(block: str, link: Callable[[str], str]) -> str:
    """Return one paragraph, table or indented piece as Markdown."""
    lines = block.split("\n")
    if all(line.startswith("    ") or not line for line in lines):
        return "```text\n" + "\n".join(line[4:] for line in lines) + "\n```"
    if _RULE.match(lines[0]):
        return _table(lines, link)
    text = re.sub(r"::$", ":", block, flags=re.MULTILINE)
    text = re.sub(r"^Symbols: ", "**Symbols:** ", text)
    # a line that happens to begin like a list is none; within code a backslash would be shown, so lines are joined
    text = _CODE.sub(lambda found: _BEFORE_A_LIST.sub(" ", found[0]), text)
    text = _LOOKS_LIKE_A_LIST.sub(lambda found: "\\" + found[0], text)
    return inline(text, link)


def inline(text: str, link: Callable[[str], str]) -> str:
    """Return prose with its code, its links to other mechanisms and its references as Markdown."""
    pieces: list[str] = []
    position = 0
    for found in _CODE.finditer(text):
        pieces.append(references(text[position : found.start()]))
        pieces.append(f"`{found[1]}`" if found[1] else link(found[2]))
        position = found.end()
    pieces.append(references(text[position:]))
    return "".join(pieces)


def references(text: str) -> str:
    """Return text in which DOIs and numbers of PubMed and PubMed Central are links."""

    def doi(found: re.Match[str]) -> str:
        name = found[0].rstrip(".")
        while name.endswith(")") and name.count("(") < name.count(")"):
            name = name[:-1].rstrip(".")
        return f"[{name}](https://doi.org/{name}){found[0][len(name) :]}"

    def archive(found: re.Match[str]) -> str:
        if found[1] == "PMC":
            return f"[PMC{found[2]}](https://pmc.ncbi.nlm.nih.gov/articles/PMC{found[2]}/)"
        return f"[PMID {found[2]}](https://pubmed.ncbi.nlm.nih.gov/{found[2]}/)"

    return _ARCHIVE.sub(archive, _DOI.sub(doi, text))


def _table(lines: list[str], link: Callable[[str], str]) -> str:
    """Return a simple table: columns stand under the rules; a row with an empty first cell goes on with the last."""
    starts = [found.start() for found in re.finditer("=+", lines[0])]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    rules = [index for index, line in enumerate(lines) if _RULE.match(line)]
    rows: list[list[str]] = []
    for index, line in enumerate(lines):
        if index in rules or not line.strip():
            continue
        cells = [line[start:stop].strip() for start, stop in spans]
        if rows and not cells[0]:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    head = rows.pop(0) if len(rules) > 2 else [""] * len(spans)
    texts = [[inline(cell, link).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    texts.insert(1, ["---"] * len(spans))
    return "\n".join("| " + " | ".join(row) + " |" for row in texts)
