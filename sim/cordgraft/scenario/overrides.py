"""``--set ADDRESS=VALUE``: one value of a scenario replaced from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cordgraft.core.problems import BadInput, Problem
from cordgraft.scenario.document import Document, Path, Place, address, parse_value, quoted

#: What stands in place of a file name in problems with such values.
SET = "--set"


def apply(document: Document, sets: Sequence[str]) -> list[Problem]:
    """Write each ``a.b.c=value`` into the document, in order; maps that are missing on the way are made.

    Parameters
    ----------
    document : Document
        Changed in place.
    sets : sequence of str

    Returns
    -------
    list of Problem
        One per setting that could not be understood; the others are written.
    """
    problems: list[Problem] = []
    for text in sets:
        try:
            problem = _apply_one(document, text)
        except BadInput as error:
            problems.extend(error.problems)
        else:
            if problem is not None:
                problems.append(problem)
    return problems


def _apply_one(document: Document, text: str) -> Problem | None:
    left, equals, right = text.partition("=")
    path: Path = tuple(left.strip().split("."))
    if not equals or not all(path):
        return Problem(
            "a setting is an address, an equals sign and a value",
            value=quoted(text),
            allowed="for example treatments.graft.dose=2e5cells",
            file=SET,
        )
    stated = _value(right, path)
    if stated.data["value"] is None and not right.strip():
        return Problem("the value is missing", key=address(path), value=text, file=SET)
    parent: dict[str, Any] = document.data
    for depth, step in enumerate(path[:-1], start=1):
        inner = parent.get(str(step))
        if inner is None or inner == "none":
            document.forget_places(path[:depth])
            document.keys[path[:depth]] = Place(SET, written=str(step))
            inner = parent[str(step)] = {}
        if not isinstance(inner, dict):
            here = address(path[:depth])
            kind = "a list, which is set as a whole" if isinstance(inner, list) else "one value"
            sentence = f"{here} is {kind}; nothing can be set inside it"
            return Problem(sentence, address(path), quoted(text), file=SET)
        parent = inner
    document.forget_places(path)
    parent[str(path[-1])] = stated.data["value"]
    document.problems.extend(stated.problems)
    cut = len(("value",))
    document.values.update({path + known[cut:]: place for known, place in stated.values.items() if known})
    document.keys.update(
        {path + known[cut:]: place for known, place in stated.keys.items() if len(known) > cut}
    )
    document.keys[path] = stated.values["value",]
    return None


def _value(text: str, path: Path) -> Document:
    """Return the value of a setting; what is wrong with it is reported with the address, not with a line."""
    try:
        return parse_value(text, SET)
    except BadInput as error:
        raise BadInput(
            [
                replace(
                    problem,
                    message=problem.message.replace("the file", "the value"),
                    key=problem.key or address(path),
                    line=0,
                    column=0,
                )
                for problem in error.problems
            ]
        ) from None
