"""Fragments: a treatment written once, in a file of its own, and brought in by name with ``use:``.

    treatments:
      enzyme:
        use: chondroitinase_gel      # treatments/chondroitinase_gel.yaml
        at: 14 d                     # what is written here wins over the fragment

A fragment is looked for in the folder ``treatments`` beside the scenario, then in those of the catalogue. Its keys take
the places they have in their own file, so that a mistake in a fragment is reported where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from cordgraft.core.problems import BadInput, Problem, nearest
from cordgraft.scenario import catalog
from cordgraft.scenario.document import Document, Path, Place, parse
from cordgraft.scenario.faults import problem_at

#: Folder of the fragments, beside scenarios.
FOLDER = catalog.FRAGMENTS
#: Keys of a fragment.
KEYS = ("kind", "schema_version", "title", "treatment")
USE = "use"


def files(beside: FilePath | None = None) -> dict[str, FilePath]:
    """Return name -> file of every fragment; the one beside a scenario wins over those of the catalogue."""
    found: dict[str, FilePath] = {}
    for folder in _folders(beside):
        for path in sorted(folder.iterdir()):
            if path.suffix in catalog.ENDINGS and path.is_file():
                found.setdefault(path.stem, path)
    return found


def titles() -> list[tuple[str, str]]:
    """Return name and title of every fragment of the catalogue, in alphabetical order; broken ones have no title."""
    found = []
    for name, path in sorted(files().items()):
        try:
            title = str(parse(catalog.read_text(path), path.name).data.get("title", ""))
        except BadInput:
            title = ""
        found.append((name, title))
    return found


def bring_in(document: Document, beside: FilePath, problems: list[Problem], bad: list[Path]) -> None:
    """Put the keys of every fragment that a treatment uses into the treatment, in place.

    Parameters
    ----------
    document : Document
    beside : Path
        Folder of the scenario.
    problems, bad : list
        What is wrong is added, with the address that cannot be used.
    """
    treatments = document.data.get("treatments")
    if not isinstance(treatments, dict):
        return
    known: dict[str, FilePath] | None = None
    for name, keys in list(treatments.items()):
        if not isinstance(keys, dict) or USE not in keys:
            continue
        path: Path = ("treatments", name, USE)
        known = files(beside) if known is None else known
        word = keys[USE]
        if not isinstance(word, str) or word not in known:
            near = nearest(str(word), known)
            allowed = ", ".join(sorted(known))
            problems.append(
                problem_at(document, path, "there is no such fragment of a treatment", allowed, near)
            )
            bad.append(path[:2])
            document.drop(path[:2])
            continue
        del keys[USE]
        _fill(document, name, keys, known[word], problems, bad)


def _folders(beside: FilePath | None) -> Iterator[FilePath]:
    own = [] if beside is None else [beside]
    for folder in (*own, *catalog.folders()):
        if (folder / FOLDER).is_dir():
            yield folder / FOLDER


def _fill(
    document: Document,
    name: str,
    keys: dict[str, Any],
    file: FilePath,
    problems: list[Problem],
    bad: list[Path],
) -> None:
    """Take over what the fragment in `file` states and the treatment does not."""
    fragment = parse(catalog.read_text(file), f"{FOLDER}/{file.name}")
    problems += fragment.problems
    stated = fragment.data.get("treatment")
    unknown = [key for key in fragment.data if key not in KEYS]
    for key in unknown:
        problems.append(
            problem_at(
                fragment, (key,), "a fragment has no such key", ", ".join(KEYS), nearest(key, KEYS), key=True
            )
        )
    if fragment.data.get("kind") != "treatment" or not isinstance(stated, dict):
        sentence = "a fragment states kind: treatment, and the treatment's keys under treatment:"
        problems.append(problem_at(fragment, ("kind",), sentence, "kind: treatment"))
        bad.append(("treatments", name))
        document.drop(("treatments", name))
        return
    for key, value in stated.items():
        if key in keys:
            continue
        keys[key] = value
        here: Path = ("treatments", name, key)
        place: Place = fragment.place(("treatment", key))
        document.values[here] = place
        document.keys[here] = fragment.place(("treatment", key), key=True)


__all__ = ["FOLDER", "bring_in", "files", "titles"]
