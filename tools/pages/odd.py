"""The description of the model after the ODD protocol, put together from the code.

What can be read off the code is: state variables, scales, schedule, streams, outcomes, presets, scenarios, tracts,
equations. The sentences between are here; where they name a number it is taken from the specs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import isnan

from tools.pages import prose
from tools.pages.odd_words import CONCEPTS, HEAD, INITIAL, INPUT, ORDER, PURPOSE, SCALES_WORDS
from tools.pages.parameters import entries, is_modelling
from tools.pages.processes import PHASES, period_words, summary_of, text_of
from tools.pages.tables import declared, link_to, page, rounded, table, title_of, who, words

from cordgraft.core.contract import ArraySpec, FieldSpec, Phase, matches
from cordgraft.core.schema import SAFETY_BOUNDS, SCALES, series_specs
from cordgraft.core.streams import DESCRIPTIONS, Stream
from cordgraft.processes import registry
from cordgraft.processes.axon_injury import PLACES
from cordgraft.scenario import catalog
from cordgraft.scenario.config import Config
from cordgraft.scenario.fields import quantity_in_words
from cordgraft.scenario.load import load
from cordgraft.scenario.schema import all_specs
from cordgraft.scenario.sections import LEVELS
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES
from cordgraft.state.cells import KIND_NAMES
from cordgraft.state.lines import LINES
from cordgraft.state.tissue import TABLES

FOLDER = "processes/"
#: Presets that are cords of their own, as columns.
CORDS = ("mouse", "rat", "human_cervical", "human_thoracic", "human_thoracolumbar")
#: What the rows of a table of agents are; a new table needs a sentence.
AGENTS: dict[str, str] = {
    "cell": "grafted cells, each standing for `cells_per_agent` living ones of the section or volume",
    "fibre": "axons, one row each: a sample of the host's fibres, and one for every grafted neuron that projects",
    "cone": "growth cones, the living tips of axons",
    "segment": "the pieces of which paths consist; a log, nothing is ever removed from it",
    "synapse": "connections, living and lost",
}
#: Arrays on the lattice and of the subject, by group.
PLACES_OF: dict[str, str] = {
    "map": "fixed maps of the cord",
    "fraction": "dry tissue; the fractions of a voxel sum to one",
    "density": "the host's cells and matrix, and room for the graft; nothing here diffuses",
    "field": "fields: diffusing, bound, or in balance at every step",
    "lattice": "diffusing fields on lattices of their own, perhaps coarser; `field` is interpolated from them",
    "scalar": "numbers of the whole subject",
}


def odd_page() -> str:
    """Return docs/odd.md."""
    concepts: list[str] = []
    for title, sentences in CONCEPTS.items():
        concepts += [f"### 4.{len(concepts) // 2 + 1} {title}", sentences.format(**_numbers())]
        concepts[-1] = "\n\n".join([concepts[-1], *_more(title)])
    return page(
        "The model after the ODD protocol",
        HEAD,
        "## 1 Purpose and patterns",
        PURPOSE.format(**_numbers()),
        *_patterns(),
        "## 2 Entities, state variables and scales",
        *_entities(),
        "### Scales",
        SCALES_WORDS,
        _scales(),
        "## 3 Process overview and scheduling",
        ORDER,
        *_schedule(),
        "## 4 Design concepts",
        *concepts,
        "## 5 Initialization",
        INITIAL,
        *_initial(),
        "## 6 Input data",
        INPUT,
        *_scenarios(),
        "## 7 Submodels",
        *_submodels(),
    )


def _numbers() -> dict[str, object]:
    tags = Counter(entry.spec.evidence for entry in entries() if is_modelling(entry))
    return {
        "mechanisms": len(registry()),
        "numbers": sum(tags.values()),
        "assumed": tags["assumed"],
        "calibrated": tags["calibrated"],
        "species": ", ".join(LEVELS),
        "lines": len(LINES),
        "streams": len(Stream),
    }


# ------------------------------------------------------------------------------------------ 1 purpose


def _patterns() -> Iterable[str]:
    rows = []
    for kind in registry().values():
        sources = text_of(kind, FOLDER).sections.get(prose.SOURCES, "").replace("\n", " ")
        found = re.findall(r"(?:o compare with: )((?:[^.]|\.(?=\S))+)", sources)
        rows += [(link_to(kind, FOLDER), _balanced(sentence)) for sentence in found]
    yield "**Patterns that mechanisms name for comparison.** They enter nowhere as an input."
    yield table(("mechanism", "pattern"), rows)
    yield "**Bounds of safety.** A scenario may declare them before the run; each is judged, none is enforced."
    bounds = ((f"`{name}`", meaning, f"`{series}`") for name, (series, _, meaning) in SAFETY_BOUNDS.items())
    yield table(("bound", "what it bounds", "outcome judged"), bounds)


def _balanced(sentence: str) -> str:
    """Return a sentence without the bracket that closes what was opened before it."""
    text = sentence.strip()
    while text.count(")") > text.count("("):
        text = text[: text.rindex(")")].rstrip()
    return text


# ----------------------------------------------------------------------------------------- 2 entities


def _entities() -> Iterable[str]:
    arrays, _ = declared()
    yield (
        "The *subject* is one animal or patient. Its *cord* is a lattice of voxels; each holds shares of tissues, "
        "densities of cells and matrix, and fields. On it live *agents* in five tables: grafted cells, axons, growth "
        "cones, the pieces of paths, and synapses. A treatment is an entry of the scenario with a date."
    )
    for group in TABLES:
        members = [spec for spec in arrays.values() if spec.group == group]
        yield f"**Table `{group}`**: {AGENTS[group]}."
        yield table(("column", "unit", "meaning"), ((f"`{s.short}`", s.unit, s.meaning) for s in members))
    yield f"A cell is one of: {', '.join(KIND_NAMES.values())}."
    unknown = {spec.group for spec in arrays.values()} - AGENTS.keys() - PLACES_OF.keys()
    if unknown:
        raise LookupError(f"no words for the arrays of the groups {sorted(unknown)}")
    for group, meaning in PLACES_OF.items():
        members = [spec for spec in arrays.values() if spec.group == group]
        yield f"**Group `{group}`**: {meaning}."
        if group == "field":
            yield table(("name", "unit", "meaning", "spread", "moved by"), (_field_row(s) for s in members))
        else:
            writers = ((f"`{s.short}`", s.unit, s.meaning, who("writes", s.name, FOLDER)) for s in members)
            yield table(("name", "unit", "meaning", "written by"), writers)


def _field_row(spec: ArraySpec) -> tuple[str, ...]:
    assert isinstance(spec, FieldSpec)
    spread = {"diffusing": "diffuses", "bound": "bound, does not spread", "steady": "in balance at each step"}
    return f"`{spec.short}`", spec.unit, spec.meaning, spread[spec.solver], who("writes", spec.name, FOLDER)


def _scales() -> str:
    specs = all_specs()
    chosen = [name for name in specs if name.startswith("geometry.") and specs[name].kind == "quantity"]
    rows = []
    for name in (*chosen, "numerics.cells_per_agent", "duration", "tick"):
        spec = specs[name]
        values = [words(spec, spec.default_for(cord)) for cord in CORDS]
        if any(value != "not given" for value in values):
            rows.append((f"`{name}`", spec.meaning, *values))
    return table(("key", "meaning", *(cord.replace("_", ", ") for cord in CORDS)), rows)


# ----------------------------------------------------------------------------------------- 3 schedule


def _schedule() -> Iterable[str]:
    number = 0
    rows = []
    for phase in Phase:
        for kind in registry().values():
            if kind.phase is phase:
                number += 1
                where = (str(number), phase.name.lower(), link_to(kind, FOLDER))
                rows.append((*where, period_words(kind), summary_of(kind, FOLDER)))
    yield table(("phase", "what happens in it"), ((phase.name.lower(), meaning) for phase, meaning in PHASES.items()))
    yield table(("", "phase", "mechanism", "every", "what it does"), rows)


# ------------------------------------------------------------------------------------ 4 design concepts


def _more(title: str) -> Iterable[str]:
    if title == "Sensing":
        yield _sensing()
    if title == "Stochasticity":
        rows = []
        for stream in Stream:
            users = ", ".join(link_to(kind, FOLDER) for kind in registry().values() if stream in kind.streams)
            rows.append((str(int(stream)), stream.name.lower(), DESCRIPTIONS[stream], users or "not used yet"))
        yield table(("number", "stream", "what it decides", "drawn by"), rows)
    if title == "Observation":
        yield _observed()


def _sensing() -> str:
    """Return which arrays on the lattice the mechanisms of agents read."""
    arrays, _ = declared()
    rows = []
    for kind in registry().values():
        changed = {name.split(".")[0] for name in (*kind.writes, *kind.deposits)}
        agents = [group for group in TABLES if group in changed]
        if not agents or kind.phase < Phase.SENSE:
            continue
        reads = (*kind.reads, *kind.optional_reads)
        seen = [n for n, s in arrays.items() if s.group in ("field", "density", "fraction") and matches(reads, n)]
        rows.append((link_to(kind, FOLDER), ", ".join(agents), ", ".join(f"`{name}`" for name in seen) or "nothing"))
    return table(("mechanism", "of", "what is read where the agent is"), rows)


def _observed() -> str:
    groups: dict[str, list[str]] = {}
    for spec in series_specs("mouse", SAFETY_BOUNDS):
        groups.setdefault(spec.name.split("_")[0], []).append(spec.long_name)
    rows = [(f"`{group}_*`", str(len(n)), "; ".join(dict.fromkeys((n[0], n[-1])))) for group, n in groups.items()]
    scales = ", ".join(f"{species}: {long_name}" for species, (_, _, long_name) in SCALES.items())
    return f"{table(('outcomes', 'number', 'first and last of them'), rows)}\n\nScale of function by species: {scales}."


# ---------------------------------------------------------------------------------- 5 initial, 6 input


def _initial() -> Iterable[str]:
    arrays, _ = declared()
    yield (
        "Tissue fractions are those of the maps; vessels, oxygen, permissive and inhibitory matrix begin as their "
        "mechanisms have them in intact tissue. What else does not begin at zero:"
    )
    begun = [spec for spec in arrays.values() if spec.initial and spec.group not in TABLES]
    rows = [
        (f"`{spec.name}`", "nothing" if isnan(spec.initial) else rounded(spec.initial, spec.unit), spec.meaning)
        for spec in begun
    ]
    yield table(("array", "begins at", "meaning"), rows)
    yield (
        "Where the tracts run: angle round the axis in degrees (ventral 90, dorsal -90, both sides alike) and "
        f"distance from the axis (1 is the surface of the cord), from [`axon_injury`]({FOLDER}axon_injury.md)."
    )
    tracts = []
    for tract in HOST_TRACTS:
        places = [places[tract] for places in PLACES.values()]
        cells = [f"{p.phi[0]:g} to {p.phi[1]:g}; {p.rho[0]:g} to {p.rho[1]:g}" for p in places]
        tracts.append((TRACT_NAMES[tract], *cells))
    yield table(("tract", *(f"{host}: angle; radius" for host in PLACES)), tracts)


def _scenarios() -> Iterable[str]:
    folder = catalog.package_folder()
    configs = [load(folder / path.name, allow_open=True) for path in sorted(folder.glob("*.yaml"))]
    yield "Scenarios that come with the model:"
    rows = (
        (f"`{c.name}`", c.title, _cord(c), _lattice(c), str(quantity_in_words(c.duration_h, "h")), _treatments(c))
        for c in configs
    )
    yield table(("scenario", "what it is", "cord", "lattice", "lasts", "treatments"), rows)


def _cord(config: Config) -> str:
    return f"{config.subject.species} {config.geometry.level}, {config.subject.immune_system} immune system"


def _lattice(config: Config) -> str:
    edges = config.geometry.voxel_um if config.geometry.section == "volume" else config.geometry.voxel_um[1:]
    edge = " x ".join(f"{length:g}" for length in dict.fromkeys(edges))
    return f"{config.geometry.section}, {edge} um, {quantity_in_words(config.geometry.length_um, 'um')}"


def _treatments(config: Config) -> str:
    said = []
    for kind, params in config.treatments.values():
        at = getattr(params, "at", None)
        said.append(kind if at is None else f"{kind} at {quantity_in_words(at, 'h')}")
    return ", ".join(said) or "none"


# ---------------------------------------------------------------------------------------- 7 submodels


def _submodels() -> Iterable[str]:
    yield (
        "In running order, with the equations that stand apart in the text of each mechanism. Its page has the rest: "
        "symbols, rules in words, sources, what is left out, arrays and parameters."
    )
    for kind in registry().values():
        text = text_of(kind, FOLDER)
        yield f"### {title_of(kind)}"
        yield f"{summary_of(kind, FOLDER)} → [page]({FOLDER}{kind.name}.md)"
        yield from re.findall(r"```text\n.*?\n```", text.sections[prose.MODEL], re.DOTALL)
