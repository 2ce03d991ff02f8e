"""Where scenarios are found, and how a new one is written.

A scenario is looked up by explicit path, then in the folders of ``$CORDGRAFT_SCENARIOS``, then in the installed
package, then in the checkout.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cordgraft.core.problems import BadInput, Problem, nearest
from cordgraft.scenario.document import MOST_BYTES, decode, parse

#: Variable with folders of scenarios of one's own, separated like ``PATH``.
VARIABLE = "CORDGRAFT_SCENARIOS"
ENDINGS = (".yaml", ".yml")
#: Folder of the treatments that are written in files of their own, beside scenarios.
FRAGMENTS = "treatments"
#: The schema stands in this place beside the scenarios, so that one comment line serves every editor.
SCHEMA = Path("schema") / "scenario.json"
#: Part of the schema by which it is known as ours.
SCHEMA_TITLE = '"title": "cordgraft scenario"'
SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA.as_posix()}"
_SCHEMA_LINE = re.compile(r"^#\s*yaml-language-server:\s*\$schema=.*$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One scenario of the catalogue; `fault` says why its title could not be read."""

    name: str
    title: str
    kind: str
    path: Path
    fault: str = ""


def package_folder() -> Path:
    """Return the folder of the scenarios that are shipped: in the installed package, or in the checkout."""
    import cordgraft

    package = Path(cordgraft.__file__).parent
    installed, checkout = package / "scenarios", package.parents[1] / "scenarios"
    return installed if installed.is_dir() else checkout


def folders() -> list[Path]:
    """Return the folders in which names are looked up, the first one wins."""
    own = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    return [folder for folder in (*own, package_folder()) if folder.is_dir()]


def _files() -> Iterator[Path]:
    seen: set[str] = set()
    for folder in folders():
        for path in sorted(folder.iterdir()):
            if path.suffix in ENDINGS and path.is_file() and path.stem not in seen:
                seen.add(path.stem)
                yield path


def locate(name_or_path: str | Path) -> Path:
    """Return the file of a scenario.

    Raises
    ------
    BadInput
        If there is none; names the nearest ones.
    """
    given = Path(name_or_path)
    if given.is_file():
        return given
    text = str(name_or_path)
    is_path = given.suffix in ENDINGS or len(given.parts) > 1 or text.endswith(("/", os.sep))
    known = {path.stem: path for path in _files()}
    if not is_path and text in known:
        return known[text]
    if given.is_dir():
        inside = [path for path in sorted(given.iterdir()) if path.suffix in ENDINGS and path.is_file()]
        raise BadInput(
            Problem("this is a directory, not a scenario file", value=text, near=tuple(map(str, inside[:3])))
        )
    if is_path:
        beside = given.parent if given.parent.is_dir() else None
        others = [path.name for path in beside.iterdir() if path.suffix in ENDINGS] if beside else []
        near = nearest(given.name, others) or nearest(given.stem, known)
        raise BadInput(Problem("there is no such scenario file", value=text, near=near))
    if _is_fragment(text):
        raise BadInput(
            Problem(
                "this is a treatment, not a scenario",
                value=text,
                allowed=f"a scenario that brings it in: {how_to_use(text)}",
            )
        )
    raise BadInput(
        Problem(
            "there is no scenario of this name",
            value=text,
            allowed=", ".join(sorted(known)) or "the path of a YAML file",
            near=nearest(text, known) or tuple(name for name in sorted(known) if text.lower() in name)[:3],
        )
    )


def names() -> list[str]:
    """Return the names of all scenarios, in the order of the folders."""
    return [path.stem for path in _files()]


def _is_fragment(name: str) -> bool:
    return any((folder / FRAGMENTS / f"{name}{end}").is_file() for folder in folders() for end in ENDINGS)


def how_to_use(name: str) -> str:
    """Return how a scenario brings in a treatment that is written in a file of its own."""
    return f"use: {name} under a name of its own in treatments, or --set treatments.NAME.use={name}"


def read_text(name_or_path: str | Path) -> str:
    """Return the text of a scenario, decoded."""
    path = locate(name_or_path)
    try:
        with path.open("rb") as stream:
            # one byte more than is allowed tells that there is more, however large the file is
            return decode(stream.read(MOST_BYTES + 1), str(name_or_path))
    except OSError as error:
        raise BadInput(
            Problem(f"the file cannot be read: {error.strerror}", value=str(name_or_path))
        ) from None


def list_scenarios() -> list[Entry]:
    """Return every scenario that can be named, in alphabetical order; broken files are listed with their fault."""
    entries = []
    for path in _files():
        try:
            data = parse(read_text(path), path.name).data
        except BadInput as error:
            entries.append(Entry(path.stem, "", "", path, str(error.problems[0])))
        else:
            entries.append(Entry(path.stem, str(data.get("title", "")), str(data.get("kind", "")), path))
    return sorted(entries, key=lambda entry: entry.name)


def schema_file_text() -> str:
    """Return the JSON Schema that stands beside the shipped scenarios."""
    return (package_folder() / SCHEMA).read_text(encoding="utf-8")


def text_for_new(name_or_path: str | Path) -> str:
    """Return the text of a scenario as the start of a new file: its first line names the schema beside it."""
    body = _SCHEMA_LINE.sub("", read_text(name_or_path)).lstrip("\n")
    return f"{SCHEMA_LINE}\n{body}"


def write_new(destination: str | Path, name_or_path: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write a copy of a scenario and, beside it, the schema for editors; returns the files written.

    Raises
    ------
    BadInput
        If the destination exists and `overwrite` does not say that it may go.
    """
    target = Path(destination)
    if target.is_dir() or str(destination).endswith(("/", os.sep)):
        target = target / f"{locate(name_or_path).stem}.yaml"
    elif target.suffix not in ENDINGS:
        target = target.with_name(target.name + ".yaml")
    if target.exists() and not overwrite:
        raise BadInput(
            Problem("the file exists already", value=str(target), allowed="another name, or --overwrite")
        )
    text, schema = text_for_new(name_or_path), schema_file_text()
    beside = target.parent / SCHEMA
    if beside.exists() and SCHEMA_TITLE not in beside.read_text(encoding="utf-8", errors="replace"):
        raise BadInput(
            Problem(
                "the schema for editors would replace a file of something else",
                value=str(beside),
                allowed="another folder",
            )
        )
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(schema, encoding="utf-8", newline="\n")
    target.write_text(text, encoding="utf-8", newline="\n")
    return [target, beside]


def to_yaml(resolved: dict[str, Any]) -> str:
    """Return a resolved scenario as YAML text that loads again."""
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = 1000
    yaml.representer.add_representer(list, _one_line)
    stream = io.StringIO()
    yaml.dump(resolved, stream)
    return stream.getvalue()


def _one_line(representer: Any, values: list[Any]) -> Any:
    """Represent a list in one line: ``[3 d, 14 d]``."""
    return representer.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)
