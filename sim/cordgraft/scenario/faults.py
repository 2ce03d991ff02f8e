"""From what is wrong to what the user reads: the place, what was found, what is allowed, the nearest right name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from cordgraft.core.problems import Problem, nearest
from cordgraft.core.units import UnitError, parse_quantity
from cordgraft.scenario.document import Document, Path, address
from cordgraft.scenario.fields import REFUSED, form
from cordgraft.scenario.rules import Finding
from cordgraft.scenario.schema import (
    RUNNABLE,
    SCHEMA_VERSION,
    TITLE,
    all_specs,
    mechanisms,
    names_at,
    specs_of,
)
from cordgraft.scenario.sections import SAFETY, SAFETY_DAY
from cordgraft.scenario.shape import MISSING_KEY, UNKNOWN_KEY

#: How a treatment is written.
EXAMPLE = "graft: {type: cell_graft, at: 9 d}"
#: Most sibling keys that a message lists.
_LISTED = 14


def problem_of_fault(
    document: Document, path: Path, fault: Mapping[str, Any], treatments: dict[str, str]
) -> Problem:
    """Return the problem behind an error of the validator.

    Parameters
    ----------
    document : Document
    path : tuple
        Where the error lies.
    fault : mapping
        The error as pydantic-core describes it.
    treatments : dict
        Name -> type of the treatments of the document.
    """
    kind = fault["type"]
    if kind == REFUSED:
        context = fault["ctx"]
        return problem_at(document, path, context["sentence"], context["allowed"], context["near"])
    if kind == MISSING_KEY:
        return problem_at(document, path, "the key is missing", _wanted(path), key=True)
    if kind == UNKNOWN_KEY:
        return _unknown_key(document, path, treatments)
    allowed = f"none, or {EXAMPLE}" if path == ("treatments",) else ", ".join(names_at(path, treatments))
    if path == ("safety",):
        allowed = f"none, or bounds of {allowed}"
    return problem_at(document, path, "a map of keys is needed here", allowed)


def _wanted(path: Path) -> str:
    """Return what may stand behind a required key."""
    specs = {**all_specs(), "title": TITLE}
    if address(path) in specs:
        return form(specs[address(path)])
    if path[0] == "safety":
        return form(SAFETY[str(path[1])].limit if path[-1] == "at_most" else SAFETY_DAY)
    return {"kind": ", ".join(RUNNABLE), "schema_version": str(SCHEMA_VERSION)}.get(
        str(path[-1]), ", ".join(names_at(path))
    )


def _unknown_key(document: Document, path: Path, treatments: dict[str, str]) -> Problem:
    siblings = names_at(path[:-1], treatments)
    word = str(path[-1])
    sentence = "there is no such key here"
    near: tuple[str, ...] = ()
    if path[0] == "parameters" and len(path) == 3 and word in ("enabled", "period"):
        reason = (
            "the state has no meaning without it"
            if word == "enabled"
            else "it looks at the clock in every tick"
        )
        sentence = f"this mechanism has no such key: {reason}"
    else:
        other = tuple(
            known for known in _elsewhere(word, treatments) if known.rpartition(".")[2] not in siblings
        )
        near = (*other, *nearest(word, siblings))[:3]
    listed = siblings if len(siblings) <= _LISTED or not near else ()
    place = document.place(path, key=True)
    return Problem(
        sentence,
        address(path),
        word,
        ", ".join(listed),
        near,
        place.file,
        place.line,
        place.column,
    )


def _elsewhere(word: str, treatments: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses that end in a word, where it is one of a kind, or almost so spelled."""
    known: dict[str, list[str]] = {}
    for one in (*specs_of(treatments), *(f"parameters.{name}" for name in mechanisms())):
        known.setdefault(one.rpartition(".")[2], []).append(one)
    match = word if word in known else next(iter(get_close_matches(word, known, n=1, cutoff=0.9)), "")
    found = known.get(match, [])
    return tuple(found) if len(found) <= 2 else ()


def problem_at(
    document: Document,
    path: Path,
    sentence: str,
    allowed: str = "",
    near: Sequence[str] = (),
    *,
    key: bool = False,
    value: str = "",
) -> Problem:
    """Return a problem with the place and the text of the value at `path` (or, with `key`, the place of its key)."""
    place = document.place(path, key=key)
    written = value or (document.values[path].written if path in document.values else "")
    return Problem(
        sentence, address(path), written, allowed, tuple(near), place.file, place.line, place.column
    )


def problem_of_finding(document: Document, finding: Finding) -> Problem:
    """Return the problem where the user wrote something that takes part in it."""
    written = [path for path in (finding.path, *finding.rests_on) if path in document.values]
    item = _item(document, finding)
    place = document.place(item or (written[0] if written else finding.path))
    # What the user wrote says more to them than the same time in other units.
    stated = document.values.get(item or finding.path)
    value = stated.written if stated is not None and document.get(item or finding.path) is not None else ""
    if not value or (value in ("a map", "a list") and finding.value):
        value = finding.value
    return Problem(
        finding.sentence,
        address(item or finding.path),
        value,
        finding.allowed,
        finding.near,
        place.file,
        place.line,
        place.column,
    )


def _item(document: Document, finding: Finding) -> Path | None:
    """Return the path of the item of a list that a finding is about, by its value."""
    if finding.path != ("record", "maps"):
        return None
    items = document.get(finding.path)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        try:
            if isinstance(item, str) and parse_quantity(item, "h") == parse_quantity(finding.value, "h"):
                return (*finding.path, index)
        except UnitError:
            continue
    return None
