"""One page for each mechanism, and their index, from docstring, declarations and parameter specs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

from tools.pages import prose
from tools.pages.constants import constant_table, constants
from tools.pages.tables import (
    declared,
    describe,
    document_of,
    file_of,
    is_number,
    link_to,
    linker,
    page,
    parameter_table,
    period_of,
    says_name,
    section_of,
    source_of,
    table,
    title_of,
    who,
)

from cordgraft.core.contract import Phase, Process, matches
from cordgraft.core.parameters import EVIDENCE
from cordgraft.core.streams import DESCRIPTIONS
from cordgraft.processes import registry
from cordgraft.scenario.schema import mechanism_specs

#: What each phase is for; a new phase needs a sentence.
PHASES: dict[Phase, str] = {
    Phase.TREAT: "what is scheduled: the blow and what is done about it; the only ones that know the date",
    Phase.MILIEU: "the host's cells, vessels and matrix, and what cells release into the tissue",
    Phase.TRANSPORT: "spread and decay of fields",
    Phase.SENSE: "what cells read off their surroundings, and the dangers that follow",
    Phase.DECIDE: "what cells and axons intend: to commit, to divide, to move, to stop",
    Phase.ACT: "moves, growth, births and deaths",
    Phase.REMODEL: "what follows for tissue, connections and function",
    Phase.RECORD: "what is observed; not a mechanism",
}


@cache
def text_of(kind: type[Process], folder: str = "") -> prose.Text:
    """Return the docstring of a mechanism as Markdown."""
    return prose.read(document_of(kind), linker(folder))


def summary_of(kind: type[Process], folder: str = "") -> str:
    """Return what a mechanism is, in one line: the first paragraph of its docstring, its own name taken off."""
    summary = text_of(kind, folder).summary.replace("\n", " ")
    first, colon, rest = summary.partition(": ")
    if colon and (says_name(kind, first) or first.lower() == kind.name.split("_")[-1]):
        summary = rest
    return summary[:1].upper() + summary[1:]


def process_page(kind: type[Process]) -> str:
    """Return docs/processes/NAME.md."""
    text = text_of(kind)
    where = section_of(kind)
    facts = (
        f"Phase {kind.phase.name.lower()}, {period_of(kind)} · parameters at "
        f"[`{where}`](#parameters) · [code](../../{file_of(kind)}) · [all mechanisms](README.md)"
    )
    parts = [summary_of(kind), facts]
    if text.sections[prose.MODEL]:
        parts += [f"## {prose.MODEL}", text.sections[prose.MODEL]]
    parts += [f"## {prose.SOURCES}", text.sections.get(prose.SOURCES, ""), _evidence(kind)]
    if prose.LEFT_OUT in text.sections:
        parts += [f"## {prose.LEFT_OUT}", text.sections[prose.LEFT_OUT]]
    parts += ["## What it touches", *_touches(kind)]
    parts += ["## Random numbers", _streams(kind)]
    specs = mechanism_specs(kind) if kind.section == "parameters" else kind.Params.specs()
    parts.append("## Parameters")
    if specs:
        parts += [f"Each is addressed as `{where}.KEY`{_naming(kind)}.", parameter_table(specs)]
    else:
        parts.append("None.")
    fixed = list(constants(kind.__module__))
    if fixed:
        parts += ["### Numbers without an address", "Fixed in the code; no scenario can change them."]
        parts.append(constant_table(fixed))
    parts += ["## Switching it off", *_switching(kind)]
    return page(title_of(kind), *parts)


def _evidence(kind: type[Process]) -> str:
    """Return on what the parameters rest, and their sources where the docstring has no word of its own."""
    specs = {key: spec for key, spec in kind.Params.specs().items() if is_number(spec)}
    if not specs:
        return ""
    tags = Counter(spec.evidence for spec in specs.values())
    counts = ", ".join(f"{tags[tag]} {tag}" for tag in EVIDENCE if tags[tag])
    which = "one numeric parameter" if len(specs) == 1 else f"{len(specs)} numeric parameters"
    sentence = f"Its {which}: {counts}; see [parameters](#parameters)."
    if prose.SOURCES in text_of(kind).sections:
        return sentence
    named = [f"`{key}`: {source_of(spec)} ({spec.evidence})." for key, spec in specs.items() if source_of(spec)]
    return " ".join([*named, sentence])


def _naming(kind: type[Process]) -> str:
    if kind.section != "treatments":
        return ""
    return "; a scenario has the name that it gave the treatment in place of the type"


def _touches(kind: type[Process]) -> Iterable[str]:
    if not (kind.reads or kind.writes or kind.deposits or kind.optional_reads):
        yield "Nothing of the shared state."
        return
    verbs = (
        ("Reads", kind.reads, "written by", "writes"),
        ("Reads where it is there", kind.optional_reads, "written by", "writes"),
        ("Writes", kind.writes, "read by", "reads"),
        ("Deposits into", kind.deposits, "taken by", "writes"),
    )
    for title, names, partner, verb in verbs:
        if not names:
            continue
        rows = []
        for name in names:
            unit, meaning = describe(name)
            rows.append((f"`{name}`", unit, meaning, _partners(kind, verb, name)))
        yield f"**{title}**"
        yield table(("array", "unit", "meaning", partner), rows)
    own = [spec.name for spec in kind.provides.arrays]
    if own:
        yield f"It brings {_listed(own)} into the state."


def _partners(kind: type[Process], verb: str, name: str) -> str:
    """Return links to the mechanisms on the other side of an array; a table of agents is used by all who name it."""
    group, _, short = name.partition(".")
    found = []
    for other in registry().values():
        names = getattr(other, verb)
        if verb == "reads":
            names = (*names, *(n for n in other.writes if n == f"{group}.*"), *other.optional_reads)
        told = any(n.split(".")[0] == group for n in names) if short == "*" else matches(names, name)
        if told and other is not kind:
            found.append(link_to(other))
    return ", ".join(found)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _streams(kind: type[Process]) -> str:
    if not kind.streams:
        return "None: the step is determined by the state."
    rows = [(str(int(stream)), stream.name.lower(), DESCRIPTIONS[stream]) for stream in kind.streams]
    return table(("stream", "name", "decides"), rows)


# ------------------------------------------------------------------------------------- switching off


def _switching(kind: type[Process]) -> Iterable[str]:
    if kind.section == "treatments":
        yield (
            f"It acts where a scenario names it: an entry under `treatments` with `type: {kind.treatment_type}`. Take "
            "the entry out, or set it to `none` (`--set treatments.NAME=none`), and nothing of it happens."
        )
        return
    if kind.essential:
        alone = [name for name in kind.writes if len(_writers(name)) == 1 and _readers(name, kind)]
        readers = {reader for name in alone for reader in _readers(name, kind)}
        yield "It cannot be switched off: without it the state has no meaning."
        if alone:
            links = ", ".join(link_to(reader) for reader in registry().values() if reader in readers)
            yield f"It alone writes {_listed(alone)}, which {links} read."
        return
    yield f"```yaml\nparameters:\n  {kind.name}:\n    enabled: false\n```"
    yield f"or `--set parameters.{kind.name}.enabled=false`."
    rows = []
    for spec in kind.provides.arrays:
        others = (other for other in registry().values() if other is not kind)
        users = [other for other in others if _uses(other, spec.name)]
        if users:
            rows.append((f"`{spec.name}`", spec.meaning, ", ".join(link_to(user) for user in users)))
    if rows:
        yield "Others need these arrays, so they stay. What this mechanism alone writes is then as in intact tissue."
        fed = [spec.name for spec in kind.provides.arrays if _fed_by_others(kind, spec.name)]
        if fed:
            yield f"What others put into {_listed(fed)} goes on to spread, to decay and to act."
        yield table(("array", "meaning", "needed by"), rows)
    elif kind.provides.arrays:
        yield "No other mechanism needs its arrays; they are then not there at all."
    else:
        yield "It brings no arrays of its own; what it would have changed is left to the others."


def _fed_by_others(kind: type[Process], name: str) -> bool:
    """Whether an array is a field into which another mechanism or a treatment deposits."""
    group, _, short = name.partition(".")
    others = (other for other in registry().values() if other is not kind)
    return group == "field" and any(matches(other.deposits, f"source.{short}") for other in others)


def _uses(kind: type[Process], name: str) -> bool:
    return any(matches(getattr(kind, verb), name) for verb in ("reads", "optional_reads", "writes", "deposits"))


def _writers(name: str) -> list[type[Process]]:
    return [kind for kind in registry().values() if matches(kind.writes, name)]


def _readers(name: str, but: type[Process]) -> list[type[Process]]:
    return [kind for kind in registry().values() if kind is not but and matches(kind.reads, name)]


# ------------------------------------------------------------------------------------------- the index


def index_page() -> str:
    """Return docs/processes/README.md."""
    kinds = registry()
    parts = [
        f"The {len(kinds)} mechanisms of the model, in the order in which they run within a tick. Each page has the "
        "equation with its symbols, the sources, what is left out, what it reads and writes, its parameters, and how "
        "to switch it off. How they fit together: [the ODD description](../odd.md). All numbers: "
        "[parameters](../parameters.md).",
    ]
    for phase in Phase:
        members = [kind for kind in kinds.values() if kind.phase is phase]
        if not members:
            continue
        parts += [f"## {phase.name.capitalize()}", f"{PHASES[phase][:1].upper()}{PHASES[phase][1:]}."]
        rows = [(link_to(kind), summary_of(kind), period_words(kind), _can_go(kind)) for kind in members]
        parts.append(table(("mechanism", "what it is", "every", "can be switched off"), rows))
    parts += ["## Who tells whom", *_who_tells_whom()]
    parts += ["## What is left out", "A result that would hang on one of these is not to be trusted."]
    omissions = []
    for kind in kinds.values():
        left = text_of(kind).sections.get(prose.LEFT_OUT, "")
        omissions.append((link_to(kind), " ".join(left.split())))
    parts.append(table(("mechanism", "left out"), omissions))
    return page("Mechanisms", *parts)


def period_words(kind: type[Process]) -> str:
    """Return the period of a mechanism in a table."""
    return "scheduled" if kind.phase is Phase.TREAT else f"{kind.period_h:g} h"


def _can_go(kind: type[Process]) -> str:
    if kind.section == "treatments":
        return "leave it out"
    return "no" if kind.essential else "yes"


def _who_tells_whom() -> Iterable[str]:
    arrays, _ = declared()
    yield (
        "Mechanisms never call each other: one writes an array, others read it. Fields are fed by deposits. Fixed maps "
        "and tables of agents are left out here."
    )
    rows = []
    for name, spec in arrays.items():
        if spec.group in ("field", "density", "fraction"):
            depositors = who("deposits", f"source.{spec.short}") if spec.group == "field" else ""
            readers = [k for k in registry().values() if matches(k.reads, name) or name in k.optional_reads]
            read = ", ".join(link_to(k) for k in readers)
            rows.append((f"`{name}`", spec.meaning, who("writes", name), depositors, read))
    yield table(("array", "meaning", "written by", "fed by", "read by"), rows)


def pages() -> dict[str, str]:
    """Return path from the root -> text of the index and of the page of every mechanism."""
    found = {"docs/processes/README.md": index_page()}
    found.update({f"docs/processes/{name}.md": process_page(kind) for name, kind in registry().items()})
    return found

