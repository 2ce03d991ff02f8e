"""The page of parameters: every value a scenario can state, and what is assumed among them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tools.pages.constants import fixed_numbers
from tools.pages.prose import references
from tools.pages.tables import (
    COMMON,
    anchor,
    is_number,
    link_to,
    page,
    parameter_table,
    rounded,
    section_of,
    table,
    values,
)

from cordgraft.core.contract import Process
from cordgraft.core.parameters import EVIDENCE, PRESETS, ParameterSpec
from cordgraft.processes import registry
from cordgraft.scenario.schema import all_specs
from cordgraft.state.lines import LINES, Attribute

LINES_TITLE, TOP_LEVEL = "Cell lines", "top level"
#: Tables of what the user decides: it needs no evidence.
CHOSEN = (TOP_LEVEL, "record", "numerics", "safety")
MEANINGS = {
    "read": "a publication was read, and the value or range stands in it",
    "recalled": "known from the literature, but the publication was not opened again",
    "derived": "calculated from published values",
    "assumed": "nobody has measured it, or the source is silent about this case: a number to vary, not to believe",
    "calibrated": "tuned so that a published outcome comes out; that outcome is then no test of the model",
}
INTRODUCTION = """\
Every value has one address: the heading of its table, a full stop, and its key. The address serves `--set`, the
scenario file, the results and the error messages:

```sh
cordgraft run mouse_subacute_graft --set parameters.migration.precursor_speed="1.5 um/h"
cordgraft show mouse_subacute_graft --parameters migration
```

A treatment stands in a scenario under a name of its own, `treatments.NAME`; here its tables are headed by its type.
Where a preset of a species or level has another value, it is named; what is not named holds for all. A value outside
*possible* is refused; one outside the *cited range* is run, with a caution in every result. A value without cited
range has no published range that anybody has read. Every mechanism has two keys more: `period`, the interval at which
it is advanced, and, unless it is essential, `enabled`; both stand on [its page](processes/README.md). Units are written
as in scenarios: um for micrometre, d for day, U for units of enzyme activity, nothing for a pure number."""


class Entry(NamedTuple):
    """One number of the model with its address; `under` is the heading of its table."""

    under: str
    key: str
    spec: ParameterSpec


def entries() -> list[Entry]:
    """Return every value that a scenario can state, by heading; the keys that all mechanisms share are left out."""
    found = []
    for address, spec in all_specs().items():
        under, _, key = address.rpartition(".")
        if under.startswith("safety."):
            under, key = "safety", f"{under.split('.')[1]}.{key}"
        if not (under.startswith("parameters.") and key in COMMON):
            found.append(Entry(under or TOP_LEVEL, key, spec))
    return found


def is_modelling(entry: Entry) -> bool:
    """Whether a value says something about the cord; dates, sizes of the lattice and safety bounds are choices."""
    return is_number(entry.spec) and entry.under not in CHOSEN


class Assumption(NamedTuple):
    """A number that rests on little: preset (or nothing), tag and whether a source is named."""

    entry: Entry
    preset: str
    evidence: str
    sourced: bool


def assumptions() -> list[Assumption]:
    """Return every number that is assumed or recalled, for all presets or for one alone."""
    found = []
    for entry in entries():
        if not is_modelling(entry):
            continue
        for preset in ("", *PRESETS):
            if preset and preset not in entry.spec.variants:
                continue
            spec = entry.spec.under(preset) if preset else entry.spec
            if spec.evidence in ("assumed", "recalled"):
                found.append(Assumption(entry, preset, spec.evidence, bool(spec.source or spec.doi)))
    return found


GROUPS: tuple[tuple[str, str, bool, str], ...] = (
    ("Assumed, without any source", "assumed", False, "Nobody has measured these, or nobody was found who has."),
    ("Recalled, without a source", "recalled", False, "Known in the field; the publication is not named."),
    ("Assumed, with a source nearby", "assumed", True, "A source speaks of something near; the value is not in it."),
    ("Recalled, with a source", "recalled", True, "The publication is named, but was not opened again."),
)


def parameters_page() -> str:
    """Return docs/parameters.md."""
    everything = entries()
    by_heading: dict[str, list[Entry]] = {}
    for entry in everything:
        by_heading.setdefault(entry.under, []).append(entry)
    parts = [INTRODUCTION, "## How well founded", _tags(everything), _counts(by_heading)]
    parts += ["## Open assumptions", *_open(), "## All values"]
    for heading, members in by_heading.items():
        specs = {entry.key: entry.spec for entry in members}
        prefix = "" if heading == TOP_LEVEL else f"{heading}."
        rows = parameter_table(specs, evidence=heading not in CHOSEN, prefix=prefix)
        parts += [f"### {heading}", _about(heading), rows]
    parts += [f"### {LINES_TITLE}", *_lines()]
    parts += ["### Numbers without an address", *fixed_numbers()]
    return page("Parameters", *parts)


def _owner(heading: str) -> type[Process] | None:
    return next((kind for kind in registry().values() if section_of(kind) == heading), None)


def _about(heading: str) -> str:
    kind = _owner(heading)
    return f"Mechanism: {link_to(kind, 'processes/')}." if kind else ""


def _tags(everything: list[Entry]) -> str:
    numbers = [entry for entry in everything if is_modelling(entry)]
    tags = Counter(entry.spec.evidence for entry in numbers)
    rows = [(tag, str(tags[tag]), MEANINGS[tag]) for tag in EVIDENCE]
    total = f"{len(numbers)} numbers describe the cord, its injury and what is done."
    return f"{total} Their tags, under the default preset:\n\n{table(('tag', 'numbers', 'meaning'), rows)}"


def _counts(by_heading: Mapping[str, list[Entry]]) -> str:
    rows = []
    for heading, members in by_heading.items():
        tags = Counter(entry.spec.evidence for entry in members if is_modelling(entry))
        if tags:
            link = f"[{heading}](#{anchor(heading)})"
            rows.append((link, *(str(tags[tag] or "") for tag in EVIDENCE)))
    return table(("where", *EVIDENCE), rows)


def _open() -> Iterable[str]:
    everything = assumptions()
    yield (
        "What a result may hang on without anybody having shown it. The numbers of cell lines are all assumed; they "
        f"stand [below](#{anchor(LINES_TITLE)})."
    )
    for title, evidence, sourced, sentence in GROUPS:
        members = [one for one in everything if (one.evidence, one.sourced) == (evidence, sourced)]
        rows: dict[str, list[str]] = {}
        for one in members:
            rows.setdefault(one.entry.under, []).append(_short(one))
        yield f"### {title}"
        yield f"{sentence} {len(members)} values."
        yield table(("where", "values"), ((f"[{k}](#{anchor(k)})", ", ".join(v)) for k, v in rows.items()))


def _short(one: Assumption) -> str:
    key = f"[`{one.entry.key}`](#{one.entry.under}.{one.entry.key})"
    if one.preset:
        under = one.entry.spec.under(one.preset)
        return f"{key} {values(under)} ({one.preset.replace('_', ' ')})"
    # presets with an evidence of their own are an entry of their own, here or nowhere
    spec = one.entry.spec
    kept = {n: v for n, v in spec.presets.items() if not {n, n.split("_")[0]} & spec.variants.keys()}
    first, *others = values(dataclasses.replace(spec, presets=kept, variants={})).split("\n")
    return f"{key} {first}" + (f" ({'; '.join(others)})" if others else "")


def _lines() -> Iterable[str]:
    yield (
        "What distinguishes one grafted population from another; chosen by `treatments.NAME.line` and fixed in "
        "[`state/lines.py`](../sim/cordgraft/state/lines.py). A leaning is the odds with which a committing precursor "
        "would choose if nothing round it mattered; what a graft becomes is an outcome."
    )
    yield table(("line", "meaning"), ((f"`{line.name}`", line.meaning) for line in LINES))
    first, *others = LINES
    rows = []
    for name, usual in first.attributes().items():
        members = {line.name: line.attributes()[name] for line in LINES}
        differing = [
            f"{rounded(members[line.name].value, usual.unit)}: `{line.name}`"
            for line in others
            if members[line.name].value != usual.value
        ]
        low, high = min(m.low for m in members.values()), max(m.high for m in members.values())
        rows.append(
            (
                f"`{name}`",
                rounded(usual.value, usual.unit),
                "\n".join(differing),
                f"{low:g} to {high:g}",
                _where_from(members),
            )
        )
    head = ("number", f"`{first.name}` and others", "what differs", "plausible", "evidence and source")
    yield table(head, rows)


def _where_from(members: Mapping[str, Attribute]) -> str:
    """Return evidence and source of one number, with the lines for which each stands where they differ."""
    said: dict[str, list[str]] = {}
    for line, m in members.items():
        said.setdefault(f"{m.evidence}: {references(m.source)}" if m.source else m.evidence, []).append(f"`{line}`")
    if len(said) == 1:
        return next(iter(said))
    return "\n".join(f"{', '.join(lines)}: {text}" for text, lines in said.items())
