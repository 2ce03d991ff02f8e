"""From a name or path to a checked configuration: the one door through which YAML enters.

All problems of a file are found in one go. Structure, units and bounds are read first; what is wrong is then
replaced by a default, so that the rules which tie keys together can still be checked on the rest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from pydantic_core import ValidationError

from cordgraft.core.parameters import ParameterSpec
from cordgraft.core.problems import BadInput, Caution, Problem, nearest
from cordgraft.scenario import catalog, fragments, overrides, rules
from cordgraft.scenario.assemble import assemble, cautions_of, resolve
from cordgraft.scenario.config import Config, digest_of, file_digest
from cordgraft.scenario.document import Document, Path, parse, quoted
from cordgraft.scenario.faults import EXAMPLE, problem_at, problem_of_fault, problem_of_finding
from cordgraft.scenario.schema import (
    KINDS,
    RUNNABLE,
    TREATMENT_NAME,
    all_specs,
    reader,
    specs_of,
    treatment_types,
)
from cordgraft.scenario.sections import SECTIONS

#: What stands in for a required key that is missing or wrong, so that the other keys can still be checked.
_STAND_IN: dict[Path, Any] = {
    ("kind",): "scenario",
    ("schema_version",): 1,
    ("title",): "without a title",
    ("duration",): "1095 d",
    ("subject",): {"species": "mouse"},
    ("subject", "species"): "mouse",
}
_MASKS = ("geometry.cord_mask", "geometry.lesion_mask")


def load(
    name_or_path: str | FilePath,
    sets: Sequence[str] = (),
    seed: int | None = None,
    *,
    allow_open: bool = False,
) -> Config:
    """Return the checked configuration of a scenario.

    Parameters
    ----------
    name_or_path : str or Path
        Name in the catalogue or path of a YAML file.
    sets : sequence of str
        ``ADDRESS=VALUE``, each replaces one value of the file.
    seed : int, optional
        Replaces the one of the file.
    allow_open : bool
        Whether addresses under ``requires`` may still be open (to show a scenario, not to run it).

    Raises
    ------
    BadInput
        With every problem that was found.
    """
    path = catalog.locate(name_or_path)
    document = parse(catalog.read_text(path), _shown(path))
    return from_document(document, path, sets, seed, allow_open=allow_open)


def from_document(
    document: Document,
    path: FilePath,
    sets: Sequence[str] = (),
    seed: int | None = None,
    *,
    allow_open: bool = False,
) -> Config:
    """Return the checked configuration of a document that stands in the file `path`; see `load`."""
    problems = overrides.apply(document, sets if seed is None else [*sets, f"seed={seed}"])
    problems += document.problems
    bad: list[Path] = []
    kind = document.data.get("kind")
    if kind == "treatment":
        sentence = "a treatment cannot be run by itself"
        allowed = f"a scenario that brings it in: {catalog.how_to_use(path.stem)}"
        raise BadInput(problem_at(document, ("kind",), sentence, allowed))
    if kind in KINDS and kind not in RUNNABLE:
        raise BadInput(
            problem_at(document, ("kind",), f"a {kind} cannot be run by this version", ", ".join(RUNNABLE))
        )
    _tidy(document)
    open_addresses = _open_addresses(document)
    _place_masks(document, path.parent)
    fragments.bring_in(document, path.parent, problems, bad)
    treatments = _treatment_types(document, path.parent, problems, bad)
    given = _read(document, treatments, problems, bad)
    config = replace(assemble(given, path.stem), requires=open_addresses, places=document.by_address())
    problems += _open_problems(document, open_addresses, specs_of(treatments), allow_open)
    waiting = {tuple(known.split(".")) for known in open_addresses}
    for finding in rules.check(config):
        if finding.path not in waiting and not _rests_on_bad(finding, bad):
            problems.append(problem_of_finding(document, finding))
    if problems:
        raise BadInput(
            sorted(dict.fromkeys(problems), key=lambda p: (p.file != document.file, p.line, p.column))
        )
    return _finish(config)


def _finish(config: Config) -> Config:
    resolved = resolve(config)
    masks = {
        "geometry.cord_mask": config.geometry.cord_mask,
        "geometry.lesion_mask": config.geometry.lesion_mask,
    }
    inputs = {known: file_digest(FilePath(mask)) for known, mask in masks.items() if mask}
    cautions = cautions_of(config)
    cautions += [Caution(known, f"still open: --set {known}={_blank(known)}") for known in config.requires]
    return replace(
        config,
        resolved=resolved,
        inputs=inputs,
        digest=digest_of(resolved, inputs),
        cautions=tuple(cautions),
    )


def _shown(path: FilePath) -> str:
    """Return a path as messages show it: relative where it lies below the working folder."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return str(path) if relative.startswith("..") else relative


# --------------------------------------------------------------------------------------- before reading


def _tidy(document: Document) -> None:
    """Take sections whose lines are all commented out as empty, and ``none`` as no treatment and no bound."""
    data = document.data
    for section in ("injury", "parameters", "safety", "treatments", *SECTIONS):
        if section in data and data[section] is None:
            data[section] = {}
    if data.get("safety") == "none":
        data["safety"] = {}
    parameters = data.get("parameters")
    if isinstance(parameters, dict):
        data["parameters"] = {name: {} if keys is None else keys for name, keys in parameters.items()}
    treatments = data.get("treatments")
    if treatments == "none":
        data["treatments"] = {}
    elif isinstance(treatments, dict):
        data["treatments"] = {name: keys for name, keys in treatments.items() if keys not in (None, "none")}


def _open_addresses(document: Document) -> tuple[str, ...]:
    wanted = document.data.get("requires")
    if not isinstance(wanted, list):
        return ()
    return tuple(
        known for known in wanted if isinstance(known, str) and document.get(tuple(known.split("."))) is None
    )


def _open_problems(
    document: Document, open_addresses: Sequence[str], specs: Mapping[str, ParameterSpec], allow_open: bool
) -> list[Problem]:
    place = document.place(("requires",), key=True)
    problems = []
    for known in open_addresses:
        spec = specs.get(known)
        if spec is None:
            sentence, allowed = "there is no such address", "the address of one value"
        elif allow_open:
            continue
        else:
            sentence = f"this scenario leaves the key open; give it with --set {known}={_blank(known)}"
            allowed = spec.meaning
        near = () if spec is not None else nearest(known, specs)
        problems.append(
            Problem(
                sentence,
                key=known,
                allowed=allowed,
                near=near,
                file=place.file,
                line=place.line,
                column=place.column,
            )
        )
    return problems


def _blank(known: str) -> str:
    if known in _MASKS:
        return "FILE"
    spec = all_specs().get(known)
    return "21d" if spec is not None and spec.unit == "h" else "VALUE"


def _place_masks(document: Document, folder: FilePath) -> None:
    """Make paths of masks absolute: in a file they count from its folder, after --set from the working one."""
    geometry = document.data.get("geometry")
    if not isinstance(geometry, dict):
        return
    for key in ("cord_mask", "lesion_mask"):
        name = geometry.get(key)
        if isinstance(name, str) and name:
            outside = document.place(("geometry", key)).file == overrides.SET
            base = FilePath.cwd() if outside else folder.resolve()
            geometry[key] = os.path.normpath(base / FilePath(name).expanduser())


# ------------------------------------------------------------------------------------------- structure


def _read(
    document: Document, treatments: dict[str, str], problems: list[Problem], bad: list[Path]
) -> Mapping[str, Any]:
    """Return what the document states, wrong keys taken out; problems and bad paths are added to the lists."""
    validator = reader(tuple(treatments.items()))
    for _ in range(len(_STAND_IN) + 2):
        try:
            return dict(validator.validate_python(document.data))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                path = tuple(fault["loc"])
                if path not in bad:
                    problems.append(problem_of_fault(document, path, fault, treatments))
                    bad.append(path)
                _repair(document, path)
    raise AssertionError("a document could not be repaired: a stand-in is wrong itself")


def _treatment_types(
    document: Document, beside: FilePath, problems: list[Problem], bad: list[Path]
) -> dict[str, str]:
    """Return name -> type of the treatments; those without a usable type are reported and taken out."""
    treatments = document.data.get("treatments")
    if not isinstance(treatments, dict):
        return {}
    known, found = treatment_types(), {}
    if isinstance(treatments.get("type"), str):
        sentence = "each treatment needs a name of its own, with its keys under it"
        problems.append(problem_at(document, ("treatments",), sentence, EXAMPLE, value="type"))
        bad.append(("treatments",))
        document.drop(("treatments",))
        return {}
    for name, keys in list(treatments.items()):
        path: Path = ("treatments", name)
        word = keys.get("type") if isinstance(keys, dict) else None
        if re.fullmatch(TREATMENT_NAME, name) is None:
            # the name is a part of addresses, of files and of the event log
            problem = problem_at(
                document,
                path,
                "a treatment cannot be called so",
                "letters, digits, _ and -, a letter first",
                key=True,
                value=quoted(name),
            )
        elif isinstance(word, str) and word in known:
            found[name] = word
            continue
        elif not isinstance(keys, dict):
            sentence = "a map that starts with its type, or with use, is needed here"
            problem = problem_at(document, path, sentence, _as_map(keys, beside, known))
        elif word is None:
            allowed = f"type: one of {', '.join(known)}; or use: one of {', '.join(sorted(fragments.files(beside)))}"
            problem = problem_at(document, path, "the key type is missing, or use", allowed, key=True)
        else:
            near = nearest(str(word), known)
            problem = problem_at(
                document, (*path, "type"), "there is no such treatment", ", ".join(known), near
            )
        problems.append(problem)
        bad.append(path)
        document.drop(path)
    return found


def _as_map(word: Any, beside: FilePath, types: Mapping[str, Any]) -> str:
    """Return how a treatment is written that was given as one word: with use or type, where the word is known."""
    if isinstance(word, str):
        for key, names in (("use", fragments.files(beside)), ("type", types)):
            if word in names:
                return f"{{{key}: {word}}}"
    return f"{EXAMPLE}; or NAME: {{use: FRAGMENT}}"


def _repair(document: Document, path: Path) -> None:
    """Take a wrong value out, or put a stand-in where one is needed."""
    if path[0] == "safety" and len(path) > 2:
        path = path[:2]  # a bound without all its keys is none
    while path and path not in _STAND_IN and isinstance(path[-1], int):
        path = path[:-1]
    if path in _STAND_IN:
        parent = document.get(path[:-1])
        if isinstance(parent, dict):
            parent[path[-1]] = _STAND_IN[path]
    else:
        document.drop(path)


def _rests_on_bad(finding: rules.Finding, bad: Sequence[Path]) -> bool:
    return any(path[: len(wrong)] == wrong for wrong in bad for path in (finding.path, *finding.rests_on))
