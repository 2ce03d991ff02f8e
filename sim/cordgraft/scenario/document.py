"""A YAML file as plain data that knows where everything stands: file, line, column, and the text as written.

The file is composed into YAML's node graph and walked here, not turned into objects by the YAML library: so
every value keeps its place, a number keeps the spelling a message can quote (``5e5``, not 500000.0), a date
stays text, and several duplicate keys are reported at once.

YAML 1.2; UTF-8 with or without byte order mark, and UTF-16.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cordgraft.core.problems import BadInput, Problem

#: Address of a value: keys of maps and positions in lists, from the top.
Path = tuple[str | int, ...]

#: A scenario is a page of text; far larger input is no scenario (aliases can blow a small file up).
MOST_VALUES = 20_000
DEEPEST = 24
MOST_BYTES = 500_000
#: Characters of a value that a message quotes.
QUOTED = 60

_TAG = "tag:yaml.org,2002:"
#: Types that YAML gives to untagged values; any other tag was written by hand.
_TAGS = frozenset(
    _TAG + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")
)
_VERSION = re.compile(r"^%YAML\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Where a value stands and how it was written; line and column count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0
    written: str = ""


@dataclass
class Document:
    """Plain data with the places of its keys and values.

    Parameters
    ----------
    data : dict
        Maps, lists, text, numbers, booleans and None.
    file : str
        Name of the file, as the user gave it.
    values, keys : dict
        Address -> place of the value, and of the key in front of it.
    problems : list of Problem
        Mistakes that did not stop the reading: duplicate keys, tags.
    """

    data: dict[str, Any]
    file: str
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of a value (or of its key), or of the nearest map around it."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while path:
            found = first.get(path) or second.get(path)
            if found is not None:
                return found
            path = path[:-1]
            first, second = self.keys, self.values
        return Place(self.file)

    def by_address(self) -> dict[str, tuple[str, int, int]]:
        """Return address -> file, line and column of every value."""
        return {address(path): (p.file, p.line, p.column) for path, p in self.values.items() if path}

    def get(self, path: Path) -> Any:
        """Return the value at an address, or None."""
        value: Any = self.data
        for step in path:
            if isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def drop(self, path: Path) -> None:
        """Forget the value at an address."""
        parent = self.get(path[:-1])
        if isinstance(parent, dict):
            parent.pop(path[-1], None)
        elif isinstance(parent, list) and isinstance(path[-1], int):
            self.drop(path[:-1])

    def forget_places(self, path: Path) -> None:
        """Forget the places of a value and of everything below it: something else stands there now."""
        for places in (self.values, self.keys):
            for known in [known for known in places if known[: len(path)] == path]:
                del places[known]


def address(path: Path) -> str:
    """Return a path as people write it: ``treatments.graft.dose``, ``record.maps[1]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def quoted(text: str) -> str:
    """Return a text as a message quotes it: cut where it is long."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}..."


def decode(data: bytes, file: str) -> str:
    """Return the text of a file.

    Raises
    ------
    BadInput
        If it is neither UTF-8 nor UTF-16, or too large for a scenario.
    """
    if len(data) > MOST_BYTES:
        raise BadInput(
            Problem(
                "the file is too large for a scenario",
                allowed=f"at most {MOST_BYTES:,} bytes",
                file=file,
            )
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data[:2].count(0) == 1:  # without a mark: the first character of a scenario is an ASCII one
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        raise BadInput(
            Problem(
                f"the file is not readable as {encoding.removesuffix('-sig').upper()} text",
                value=f"byte 0x{data[error.start]:02x}",
                allowed="UTF-8 or UTF-16",
                file=file,
                line=before.count(b"\n") + 1,
                column=len(before[line_start:].decode(errors="replace")) + 1,
            )
        ) from None


def parse(text: str, file: str) -> Document:
    """Return the document in a YAML text whose top level is a map.

    Raises
    ------
    BadInput
        If the text is no YAML, or its top level is no map.
    """
    version = _VERSION.search(text)
    if version and version[1] != "1.2":
        line = text.count("\n", 0, version.start()) + 1
        raise BadInput(
            Problem("only YAML 1.2 is read", value=f"%YAML {version[1]}", file=file, line=line, column=1)
        )
    node = _compose(text, file)
    if node is None:
        raise BadInput(
            Problem("the file is empty", file=file, allowed="a map that starts with kind and title")
        )
    document = Document({}, file)
    reader = _Reader(document)
    data = reader.value(node, ())
    if not isinstance(data, dict):
        place = document.values[()]
        raise BadInput(
            Problem(
                "the top level is not a map of keys",
                value=place.written,
                allowed="lines such as 'kind: scenario'",
                file=file,
                line=place.line,
                column=place.column,
            )
        )
    document.data = data
    return document


def parse_value(text: str, file: str) -> Document:
    """Return a single value as a document with the key ``value`` (for ``--set``); see `parse`.

    A text that begins with a bracket, a brace or a quotation mark is YAML; any other is one plain word or
    number, in which a colon or a hash has no meaning (``C:/masks/cord.nii.gz``).
    """
    document = Document({}, file)
    stripped = text.strip()
    if stripped[:1] in ("[", "{", '"', "'"):
        node = _compose(stripped, file)
        document.data["value"] = _Reader(document, located=False).value(node, ("value",))
    else:
        document.values[("value",)] = Place(file, written=quoted(stripped))
        document.data["value"] = _plain(stripped)
    return document


@lru_cache(maxsize=1)
def _yaml() -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True)


def _compose(text: str, file: str) -> Any:
    """Return the root node of a YAML text, or None for an empty one."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        return _yaml().compose(io.StringIO(text))
    except MarkedYAMLError as error:
        found = str(error.problem or error.context or error)
        left_open = "end of stream" in found or "<stream end>" in found
        # What is never closed is missed at the end of the file; the user wants to know where it begins.
        marks = (error.problem_mark, error.context_mark)
        mark = next((mark for mark in (reversed(marks) if left_open else marks) if mark is not None), None)
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        raise BadInput(_syntax_problem(text, found, file, line, column)) from None
    except RecursionError:
        raise BadInput(
            Problem("the file is nested too deeply", allowed=f"at most {DEEPEST} levels", file=file)
        ) from None
    except ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        raise BadInput(
            Problem(
                "the text holds a control character",
                value=repr(error.character if isinstance(error.character, str) else chr(error.character)),
                file=file,
                line=before.count("\n") + 1,
                column=len(before) - before.rfind("\n"),
            )
        ) from None
    except YAMLError as error:
        raise BadInput(Problem(f"the file is no YAML: {error}", file=file)) from None


def _syntax_problem(text: str, found: str, file: str, line: int, column: int) -> Problem:
    lines = text.splitlines()
    shown = lines[line] if line < len(lines) else ""
    indent = shown[: len(shown) - len(shown.lstrip())]
    if "\t" in indent:
        return Problem(
            "a line is indented with a tab",
            allowed="spaces",
            file=file,
            line=line + 1,
            column=indent.find("\t") + 1,
        )
    sentence = f"the file is no YAML: {_syntax_hint(found, shown, column)}"
    return Problem(sentence, value=quoted(shown.strip()), file=file, line=line + 1, column=column + 1)


def _syntax_hint(found: str, shown: str, column: int) -> str:
    """Return what the YAML library found, in words for people who do not know its grammar."""
    if "'\\t'" in found:
        return "a tab stands where spaces are needed"
    if "mapping values are not allowed" in found:
        # The second colon of a line, or the first one of a line that is indented as if it went on.
        if ": " in shown[:column]:
            return "a second colon in one line; put text that holds ': ' in quotes"
        return "this line is indented more than the one it belongs to"
    if "end of stream" in found:
        return "a quotation mark is not closed"
    if "<stream end>" in found:
        return "a bracket is not closed"
    hints = {
        "expected <block end>": "this line is indented like none of those before it",
        "expected ',' or": "a comma or a closing bracket is missing before here",
        "could not find expected ':'": "a colon is missing behind a key",
        "but found another document": "one scenario per file (a line '---' begins another)",
    }
    return next((hint for part, hint in hints.items() if part in found), found)


class _Reader:
    """Walks the node graph; see the module."""

    def __init__(self, document: Document, *, located: bool = True) -> None:
        self.document = document
        self.located = located
        self.count = 0

    def value(self, node: Any, path: Path) -> Any:
        """Return the plain value of a node and note where it stands."""
        self.count += 1
        if self.count > MOST_VALUES or len(path) > DEEPEST:
            raise BadInput(
                Problem(
                    "the file holds more than any scenario needs (an alias that contains itself?)",
                    allowed=f"at most {MOST_VALUES} values, {DEEPEST} levels deep",
                    file=self.document.file,
                )
            )
        place = self.place(node)
        self.document.values[path] = place
        kind = type(node).__name__
        tag = str(node.tag)
        if tag not in _TAGS:
            self.complain("a scenario has no tags", path, tag, place)
        if kind == "MappingNode":
            return self.mapping(node, path)
        if kind == "SequenceNode":
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        quoted = node.style is not None
        return str(node.value) if quoted else _plain(str(node.value), tag)

    def mapping(self, node: Any, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            if type(key_node).__name__ != "ScalarNode":
                self.complain("a key must be a word", path, place.written, place)
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key == "<<" and key_node.style is None:
                self.complain("YAML 1.2 merges no maps; write the keys out", here, key, place)
                continue
            if key in result:
                first = self.document.keys[here]
                self.complain(f"the key stands here twice (first in line {first.line})", here, key, place)
                continue
            self.document.keys[here] = place
            result[key] = self.value(value_node, here)
        return result

    def place(self, node: Any) -> Place:
        mark = node.start_mark
        written = {"MappingNode": "a map", "SequenceNode": "a list"}.get(type(node).__name__)
        if written is None:
            written = quoted(str(node.value)) if node.style is None else repr(quoted(str(node.value)))
        if not self.located:
            return Place(self.document.file, written=written)
        return Place(self.document.file, mark.line + 1, mark.column + 1, written)

    def complain(self, sentence: str, path: Path, found: str, place: Place) -> None:
        self.document.problems.append(
            Problem(sentence, address(path), found, file=place.file, line=place.line, column=place.column)
        )


def _plain(text: str, tag: str = "") -> Any:
    """Return what an unquoted word means in YAML 1.2: nothing, a switch, a number or text."""
    if tag == _TAG + "str":
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if re.fullmatch(r"[+-]?\d{1,30}", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return text
