"""Tables that people write by hand or export from a spreadsheet: dates, participants, pairs, measures."""

from __future__ import annotations

import csv
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem

#: What separates cells, by the end of a file's name; commas for every other name.
SEPARATORS = {".tsv": "\t"}
#: What spreadsheets of other habits write between cells.
OTHERS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces"}


def read_text(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return columns and rows of a table as text; blank lines are left out.

    Parameters
    ----------
    path : Path
        UTF-8. Tabs separate cells in ``.tsv``, commas in all others.

    Raises
    ------
    BadInput
        E01 if there is no such file, E03 if it is no such table: not UTF-8, cells separated by something else, a column
        twice, more cells in a line than there are columns. A value is never taken from a column that it may not be of.
    """
    separator = SEPARATORS.get(path.suffix.lower(), ",")
    lines: list[tuple[int, dict[str | None, str | list[str] | None]]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=separator)
            for line in reader:
                lines.append((reader.line_num, line))
            header = list(reader.fieldnames or [])
    except FileNotFoundError:
        raise BadInput(Problem("there is no such file", key="E01", file=str(path))) from None
    except IsADirectoryError:
        raise BadInput(Problem("is a folder", key="E01", file=str(path))) from None
    except UnicodeDecodeError:
        raise BadInput(
            Problem("is no text in UTF-8", key="E03", file=str(path), allowed="a table saved as UTF-8")
        ) from None
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            Problem("cannot be read as a table", key="E03", file=str(path), value=reason)
        ) from None
    columns = [name for name in header if name]
    problems = _wrong_separator(path, header, separator)
    for name in dict.fromkeys(column for column in columns if columns.count(column) > 1):
        problems.append(
            Problem("has a column twice", key="E03", file=str(path), value=name, allowed="one of them")
        )
    for number, line in lines:
        over = [cell for cell in line.get(None) or [] if cell.strip()]
        if over:
            problems.append(
                Problem(f"has more cells in line {number} than columns", key="E03", file=str(path),
                        value=", ".join(over), allowed=f"{len(header)} cells, as in the first line")
            )  # fmt: skip
    if problems:
        raise BadInput(problems)
    return columns, [{name: str(line.get(name) or "").strip() for name in columns} for _, line in lines]


def _wrong_separator(path: Path, header: list[str], separator: str) -> list[Problem]:
    """Return a problem if the first line is one cell that holds another separator."""
    if len(header) != 1:
        return []
    found = [words for mark, words in OTHERS.items() if mark != separator and mark in header[0]]
    return [
        Problem(f"has its cells separated by {words}", key="E03", file=str(path), value=header[0],
                allowed=f"{OTHERS[separator]}, by its name")
        for words in found[:1]
    ]  # fmt: skip
