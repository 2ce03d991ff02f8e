"""Numbers that stand at the top of a file of the model and have no address: what no scenario can change."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from typing import NamedTuple

from tools.pages.tables import table

from cordgraft.processes import MODULES

#: Conversions of units, which nobody chose.
CONVERSIONS = ("HOURS", "MM3", "NM_PER_MOL_UM3", "UM3_PER_ML", "UM3_PER_UL", "SECONDS_PER_HOUR")
#: Files beside the mechanisms whose numbers say something about the cord or the cells.
OTHERS = ("cordgraft.state.cells", "cordgraft.scenario.anatomy")


class Constant(NamedTuple):
    """A number, or numbers, with its name, its value as written and the comment above it."""

    name: str
    value: str
    meaning: str


def constants(module: str) -> Iterable[Constant]:
    """Yield the numbers at the top of a file, with the comment above each or above the lines before it."""
    source = inspect.getsource(import_module(module))
    lines = source.split("\n")
    last_row, last_comment = -2, ""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name = _bare(ast.unparse(target))
        if not re.fullmatch(r"[A-Z_0-9, ]+", name) or name in CONVERSIONS:
            continue
        try:
            value = ast.literal_eval(node.value)
        except ValueError:
            continue
        if _numeric(value):
            comment = _comment(lines, node.lineno - 1) or (last_comment if node.lineno == last_row + 1 else "")
            last_row, last_comment = node.end_lineno or node.lineno, comment
            yield Constant(name, _bare(ast.unparse(node.value)), comment)


def _bare(text: str) -> str:
    """Return several numbers without the brackets round them all."""
    return text[1:-1] if text.startswith("(") else text


def _numeric(value: object) -> bool:
    if isinstance(value, tuple | list):
        return bool(value) and all(_numeric(part) for part in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _comment(lines: list[str], row: int) -> str:
    if "#" in lines[row]:
        return lines[row].split("#", 1)[1].strip()
    found: list[str] = []
    while row and lines[row - 1].startswith("#"):
        row -= 1
        found.insert(0, lines[row].lstrip("#: ").rstrip())
    return " ".join(found).replace("``", "`")


def constant_table(found: Iterable[Constant]) -> str:
    """Return the table of some numbers."""
    return table(("name", "value", "meaning"), ((f"`{c.name}`", f"`{c.value}`", c.meaning) for c in found))


def fixed_numbers() -> Iterable[str]:
    """Yield the table of all numbers without an address, by file."""
    yield (
        "Fixed at the top of a file of the code. Exponents and factors that are part of a formula stand in the "
        "formula, on the page of the mechanism."
    )
    rows = []
    for module in (*(f"cordgraft.processes.{name}" for name, _ in MODULES), *OTHERS):
        path = f"sim/{module.replace('.', '/')}.py"
        for one in constants(module):
            link = f"[`{module.split('.', 1)[1].replace('.', '/')}.py`](../{path})"
            rows.append((link, f"`{one.name}`", f"`{one.value}`", one.meaning))
    yield table(("file", "name", "value", "meaning"), rows)
