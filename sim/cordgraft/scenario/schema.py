"""The shape of a scenario: which keys stand where, and what may stand behind them.

Nothing is listed twice. The sections ``injury``, ``treatments`` and ``parameters`` are made from the `Params` of
the registered processes, the others from `cordgraft.scenario.sections`. Documents are read against this shape,
and the JSON Schema for editors is written from it.

``python -m cordgraft.scenario.schema`` prints the JSON Schema; with a path it writes it there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic_core import SchemaValidator

from cordgraft.core.contract import Phase, Process
from cordgraft.core.parameters import ParameterSpec
from cordgraft.core.problems import nearest
from cordgraft.processes import registry
from cordgraft.scenario.fields import json_schema, leaf, quantity_in_words, read, refused, sentence
from cordgraft.scenario.sections import MAP_DAY, SAFETY, SAFETY_DAY, SECTIONS, Top
from cordgraft.scenario.shape import Items, Leaf, Map, Node, validator
from cordgraft.scenario.shape import json_schema as shape_schema

#: Version of the scenario language; a file that states another one is refused.
SCHEMA_VERSION = 1
#: Kinds of file the language knows, and those of them that this version can run.
KINDS = ("scenario", "treatment", "sweep", "trial")
RUNNABLE = ("scenario",)
#: What a treatment may be called; letters of any alphabet.
TREATMENT_NAME = r"[^\W\d_][\w-]*"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

TITLE = ParameterSpec("text", "One line that says what is simulated", "")
ENABLED = ParameterSpec(
    "switch",
    "Whether this mechanism acts at all; what it alone writes then stays as in intact tissue, and fields that others "
    "feed go on",
    True,
)
PERIOD = ParameterSpec(
    "quantity",
    "Interval at which this mechanism is advanced, a whole number of ticks",
    1.0,
    unit="h",
    bounds=(0.25, 24.0 * 30),
)
#: Keys of the top level in the order of a file, with what an editor says of them.
TOP: dict[str, str] = {
    "kind": "What kind of file this is.",
    "schema_version": "Version of the scenario language.",
    "title": TITLE.meaning + ".",
    "requires": "Addresses that the file leaves open: a run needs each by --set ADDRESS=VALUE.",
    **{name: spec.meaning + "." for name, spec in Top.specs().items()},
    "subject": "Who is injured.",
    "geometry": "The piece of cord that is simulated.",
    "injury": "What the minute of injury destroys. The final lesion is an outcome, never an input.",
    "treatments": "What is done, each under a name of its own; or none.",
    "parameters": "Any parameter of any mechanism. What is not written keeps its cited default.",
    "safety": "Bounds declared before the run, each judged and not enforced; or none.",
    "record": "What is written.",
    "numerics": "How finely chance is resolved; nothing biological.",
}
#: Keys without which a file says too little.
REQUIRED = ("kind", "schema_version", "title", "duration", "subject")


# ------------------------------------------------------------------------------------ parts of the registry


def injury_process() -> type[Process]:
    """Return the process that reads the section ``injury``."""
    return next(kind for kind in registry().values() if kind.section == "injury")


def treatment_types() -> dict[str, type[Process]]:
    """Return the word behind ``type:`` -> process, for everything that can stand under ``treatments``."""
    return {kind.treatment_type: kind for kind in registry().values() if kind.section == "treatments"}


def mechanisms() -> dict[str, type[Process]]:
    """Return name -> process of everything that can stand under ``parameters``."""
    return {name: kind for name, kind in registry().items() if kind.section == "parameters"}


def mechanism_specs(kind: type[Process]) -> dict[str, ParameterSpec]:
    """Return every key under ``parameters.NAME``, the switch and the period included."""
    specs: dict[str, ParameterSpec] = {}
    if not kind.essential:
        specs["enabled"] = ENABLED
    if kind.phase != Phase.TREAT:  # what is scheduled looks at the clock in every tick
        specs["period"] = _period_spec(kind.period_h)
    return {**specs, **kind.Params.specs()}


@lru_cache(maxsize=32)
def _period_spec(period_h: float) -> ParameterSpec:
    return ParameterSpec("quantity", PERIOD.meaning, period_h, unit="h", bounds=PERIOD.bounds)


def names_at(path: Sequence[str | int], treatments: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the keys that may stand in the map at an address.

    Parameters
    ----------
    path : sequence
        From the top; ``()`` is the top itself.
    treatments : mapping, optional
        Name -> type of the treatments of the document.
    """
    if not path:
        return tuple(TOP)
    section, rest = path[0], path[1:]
    if section in SECTIONS and not rest:
        return (*SECTIONS[section].specs(), *(("maps",) if section == "record" else ()))
    if section == "injury" and not rest:
        return tuple(injury_process().Params.specs())
    if section == "safety":
        if not rest:
            return tuple(SAFETY)
        return ("from", "to", "at_most") if rest[0] in SAFETY else ()
    if section == "parameters":
        if not rest:
            return tuple(mechanisms())
        kind = mechanisms().get(str(rest[0]))
        return tuple(mechanism_specs(kind)) if kind else ()
    if section == "treatments" and rest:
        chosen = treatment_types().get((treatments or {}).get(str(rest[0]), ""))
        return ("type", *chosen.Params.specs()) if chosen else ("type",)
    return ()


def all_specs() -> dict[str, ParameterSpec]:
    """Return address -> spec of every single value; a treatment stands under ``treatments.TYPE``."""
    found = dict(Top.specs())
    for section, params in SECTIONS.items():
        found.update({f"{section}.{name}": spec for name, spec in params.specs().items()})
    found["record.maps"] = MAP_DAY
    found.update({f"injury.{name}": spec for name, spec in injury_process().Params.specs().items()})
    for word, kind in treatment_types().items():
        found.update({f"treatments.{word}.{name}": spec for name, spec in kind.Params.specs().items()})
    for name, kind in mechanisms().items():
        found.update({f"parameters.{name}.{key}": spec for key, spec in mechanism_specs(kind).items()})
    found.update({f"safety.{name}.at_most": measure.limit for name, measure in SAFETY.items()})
    return found


def specs_of(treatments: Mapping[str, str]) -> dict[str, ParameterSpec]:
    """Return address -> spec of every single value of a document with these treatments (name -> type)."""
    types = treatment_types()
    found = {known: spec for known, spec in all_specs().items() if not known.startswith("treatments.")}
    for name, word in treatments.items():
        found.update({f"treatments.{name}.{key}": spec for key, spec in types[word].Params.specs().items()})
    return found


# ------------------------------------------------------------------------------------ the shape of a document


def specs_map(specs: Mapping[str, ParameterSpec], description: str, required: Iterable[str] = ()) -> Map:
    """Return the shape of a map whose keys are parameters."""
    wanted = frozenset(required)
    return Map({key: leaf(spec, required=key in wanted) for key, spec in specs.items()}, description, wanted)


def _summary(kind: type[Process]) -> str:
    document = sys.modules[kind.__module__].__doc__ or kind.__doc__ or kind.name
    return document.strip().split("\n\n", 1)[0].replace("\n", " ")


def _read_kind(value: Any) -> str:
    if value not in RUNNABLE:
        near = nearest(value, RUNNABLE) if isinstance(value, str) else ()
        raise refused("this kind of file cannot be run", ", ".join(RUNNABLE), near)
    return str(value)


def _read_version(value: Any) -> int:
    if value is True or value != SCHEMA_VERSION:
        raise refused("the file is written in another version of the language", str(SCHEMA_VERSION))
    return SCHEMA_VERSION


def _read_voxel(value: Any) -> tuple[float, float, float]:
    spec = SECTIONS["geometry"].specs()["voxel"]
    if not isinstance(value, list):
        edge = read(spec, value)
        return (edge, edge, edge)
    if len(value) != 3:
        forms = "'25 um' or [50 um, 25 um, 25 um]: right-left, back-front, along the cord"
        raise refused("a voxel has one edge or three", forms)
    x, y, z = (read(spec, edge) for edge in value)
    return (x, y, z)


def _voxel_schema() -> dict[str, Any]:
    one = json_schema(SECTIONS["geometry"].specs()["voxel"])
    edge = {"type": "string", **{key: one[key] for key in ("pattern", "patternErrorMessage", "description")}}
    return {**one, "type": ["string", "array"], "items": edge, "minItems": 3, "maxItems": 3}


def _want_list(value: Any) -> Any:
    if not isinstance(value, list):
        raise refused(
            "a list is needed here", f"for example [{quantity_in_words(MAP_DAY.default, MAP_DAY.unit)}]"
        )
    return value


def _read_addresses(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refused("a list of addresses is needed here", "for example [geometry.cord_mask]")
    return value


def _section(name: str) -> Map:
    shape = specs_map(SECTIONS[name].specs(), TOP[name], ("species",) if name == "subject" else ())
    keys: dict[str, Node] = dict(shape.keys)
    if name == "geometry":
        keys["voxel"] = Leaf(_read_voxel, _voxel_schema)
    if name == "record":
        keys["maps"] = Items(leaf(MAP_DAY, required=True), _want_list)
    return Map(keys, shape.description, shape.required)


def _safety() -> Map:
    bounds = {
        name: Map(
            {
                "from": leaf(SAFETY_DAY, required=True),
                "to": leaf(SAFETY_DAY, required=True),
                "at_most": leaf(measure.limit, required=True),
            },
            sentence(measure.limit.meaning),
            frozenset((*measure.needed, "at_most")),
        )
        for name, measure in SAFETY.items()
    }
    return Map(bounds, TOP["safety"])


def document_shape(treatments: Node) -> Map:
    """Return the shape of a whole scenario; what stands under ``treatments`` depends on its names and types."""
    keys: dict[str, Node] = {
        "kind": Leaf(_read_kind, lambda: {"description": TOP["kind"], "enum": list(RUNNABLE)}),
        "schema_version": Leaf(
            _read_version, lambda: {"description": TOP["schema_version"], "const": SCHEMA_VERSION}
        ),
        "title": leaf(TITLE),
        "requires": Leaf(
            _read_addresses,
            lambda: {"description": TOP["requires"], "type": "array", "items": {"type": "string"}},
        ),
        **{name: leaf(spec, required=name in REQUIRED) for name, spec in Top.specs().items()},
        **{name: _section(name) for name in SECTIONS},
        "injury": specs_map(injury_process().Params.specs(), TOP["injury"]),
        "treatments": treatments,
        "parameters": Map(
            {name: specs_map(mechanism_specs(kind), _summary(kind)) for name, kind in mechanisms().items()},
            TOP["parameters"],
        ),
        "safety": _safety(),
    }
    return Map({name: keys[name] for name in TOP}, "A simulation of one subject.", frozenset(REQUIRED))


#: The type of a treatment has been read before the rest: it decides which keys stand beside it.
_CHOSEN = Leaf(lambda word: word, lambda: {"type": "string"})


@lru_cache(maxsize=32)
def reader(treatments: tuple[tuple[str, str], ...]) -> SchemaValidator:
    """Return the validator of documents with these treatments (name, type)."""
    types = treatment_types()
    named = {}
    for name, word in treatments:
        shape = specs_map(types[word].Params.specs(), "")
        named[name] = Map({"type": _CHOSEN, **shape.keys})
    return validator(document_shape(Map(named)))


# ------------------------------------------------------------------------------------ the schema for editors


def treatments_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``treatments``: named maps whose other keys follow from ``type``."""
    types = treatment_types()
    described = " ".join(f"{word}: {_summary(kind)}" for word, kind in types.items())
    branches = []
    for word, kind in types.items():
        keys = {key: json_schema(spec) for key, spec in kind.Params.specs().items()}
        branches.append(
            {
                "if": {"properties": {"type": {"const": word}}, "required": ["type"]},
                "then": {"properties": {"type": {"const": word}, "use": True, **keys}, "additionalProperties": False},
            }
        )
    fragment = {"description": "Name of a fragment: a file in the folder treatments.", "type": "string"}
    return {
        "description": TOP["treatments"],
        "type": ["object", "string", "null"],
        "pattern": "^none$",
        "patternErrorMessage": "Named treatments are needed, or the word none",
        "additionalProperties": {
            "type": ["object", "string", "null"],
            "pattern": "^none$",
            "patternErrorMessage": "A map that starts with its type is needed, or the word none",
            "anyOf": [{"required": ["type"]}, {"required": ["use"]}],
            "properties": {
                "type": {"description": f"What is done. {described}", "enum": list(types)},
                "use": fragment,
            },
            "allOf": branches,
        },
    }


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario (draft 2020-12)."""
    whole = shape_schema(document_shape(Leaf(lambda value: value, treatments_schema)))
    whole["properties"]["safety"] |= {
        "type": ["object", "string", "null"],
        "pattern": "^none$",
        "patternErrorMessage": "Bounds are needed, or the word none",
    }
    return {"$schema": DIALECT, "title": "cordgraft scenario", **whole}


def schema_text() -> str:
    """Return the JSON Schema as the committed file holds it."""
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print the JSON Schema, or write it to the path that is given."""
    if arguments:
        Path(arguments[0]).write_text(schema_text(), encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(schema_text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
