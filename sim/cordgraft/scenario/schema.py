"""The shape of a scenario: which keys stand where, and what may stand behind them.

Nothing is listed twice. The sections ``injury``, ``treatments`` and ``parameters`` are made from the `Params` of
the registered processes, the others from `cordgraft.scenario.sections`; pydantic reads a document against types
built from those specs, and the JSON Schema for editors comes from the same types.

``python -m cordgraft.scenario.schema`` prints the JSON Schema; with a path it writes it there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Required, TypedDict

from pydantic import BeforeValidator, ConfigDict, PlainValidator, TypeAdapter, WithJsonSchema

from cordgraft.core.contract import Phase, Process
from cordgraft.core.parameters import ParameterSpec
from cordgraft.core.problems import nearest
from cordgraft.processes import registry
from cordgraft.scenario.fields import field_type, json_schema, quantity_in_words, read, refused
from cordgraft.scenario.sections import MAP_DAY, SAFETY, SAFETY_DAY, SECTIONS, Top

#: Version of the scenario language; a file that states another one is refused.
SCHEMA_VERSION = 1
#: Kinds of file the language knows, and those of them that this version can run.
KINDS = ("scenario", "treatment", "sweep", "trial")
RUNNABLE = ("scenario",)
DIALECT = "https://json-schema.org/draft/2020-12/schema"

TITLE = ParameterSpec("text", "One line that says what is simulated", "")
ENABLED = ParameterSpec("switch", "Whether this mechanism acts at all", True)
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
    "safety": "Bounds declared before the run; each is judged, none is enforced.",
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


# --------------------------------------------------------------------------------------- types for pydantic


def map_type(name: str, fields: Mapping[str, Any], description: str, required: Iterable[str] = ()) -> Any:
    """Return the type of a map with these keys and no others.

    A typed dictionary rather than a class: a parameter may have any name, and what comes back holds only the
    keys that were written, so that defaults can follow the preset.
    """
    wanted = frozenset(required)
    annotations = {key: Required[kind] if key in wanted else kind for key, kind in fields.items()}
    make: Any = TypedDict  # the keys are known at run time only
    typed = make(name, annotations, total=False)
    typed.__pydantic_config__ = ConfigDict(
        extra="forbid", title=name, json_schema_extra={"description": description, "title": name}
    )
    return typed


def specs_type(name: str, specs: Mapping[str, ParameterSpec], description: str) -> Any:
    """Return the type of a map whose keys are parameters."""
    return map_type(name, {key: field_type(spec) for key, spec in specs.items()}, description)


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


def _voxel_type() -> Any:
    one = json_schema(SECTIONS["geometry"].specs()["voxel"])
    edge = {key: one[key] for key in ("pattern", "patternErrorMessage", "description")}
    schema = {
        **one,
        "type": ["string", "array"],
        "items": {"type": "string", **edge},
        "minItems": 3,
        "maxItems": 3,
    }
    return Annotated[Any, PlainValidator(_read_voxel), WithJsonSchema(schema)]


def _section_fields(section: str) -> dict[str, Any]:
    specs = SECTIONS[section].specs()
    fields = {name: field_type(spec, required=name == "species") for name, spec in specs.items()}
    if section == "geometry":
        fields["voxel"] = _voxel_type()
    if section == "record":
        day = json_schema(MAP_DAY, required=True)
        schema = {"type": "array", "items": day, "description": day["description"]}
        days: Any = GenericAlias(list, (field_type(MAP_DAY),))
        fields["maps"] = Annotated[days, BeforeValidator(_want_list), WithJsonSchema(schema)]
    return fields


def _safety_type() -> Any:
    measures = {}
    for name, measure in SAFETY.items():
        fields = {edge: field_type(SAFETY_DAY, required=True) for edge in ("from", "to")}
        fields["at_most"] = field_type(measure.limit, required=True)
        measures[name] = map_type(name, fields, measure.limit.meaning + ".", (*measure.needed, "at_most"))
    return map_type("safety", measures, TOP["safety"])


def document_type(processes: Iterable[str], treatments: Any) -> Any:
    """Return the type of a whole scenario.

    Parameters
    ----------
    processes : iterable of str
        Mechanisms that may stand under ``parameters``: for reading, those that the document mentions (building
        the types of all takes longer than reading), for the JSON Schema all.
    treatments : type
        What stands under ``treatments``.
    """
    known = mechanisms()
    parameters = {
        name: specs_type(name, mechanism_specs(known[name]), _summary(known[name])) for name in processes
    }
    version = {"const": SCHEMA_VERSION, "description": TOP["schema_version"]}
    addresses = {"type": "array", "items": {"type": "string"}, "description": TOP["requires"]}
    fields: dict[str, Any] = {
        "kind": Annotated[
            Any,
            PlainValidator(_read_kind),
            WithJsonSchema({"enum": list(RUNNABLE), "description": TOP["kind"]}),
        ],
        "schema_version": Annotated[Any, PlainValidator(_read_version), WithJsonSchema(version)],
        "title": field_type(TITLE),
        "requires": Annotated[Any, PlainValidator(_read_addresses), WithJsonSchema(addresses)],
        **{name: field_type(spec, required=name in REQUIRED) for name, spec in Top.specs().items()},
    }
    for section in SECTIONS:
        required = ("species",) if section == "subject" else ()
        fields[section] = map_type(section, _section_fields(section), TOP[section], required)
    fields["injury"] = specs_type("injury", injury_process().Params.specs(), TOP["injury"])
    fields["treatments"] = treatments
    fields["parameters"] = map_type("parameters", parameters, TOP["parameters"])
    fields["safety"] = _safety_type()
    return map_type(
        "scenario", {name: fields[name] for name in TOP}, "A simulation of one subject.", REQUIRED
    )


@lru_cache(maxsize=32)
def reader(
    processes: tuple[str, ...], treatments: tuple[tuple[str, str], ...]
) -> TypeAdapter[dict[str, Any]]:
    """Return the reader of documents with these mechanisms and treatments (name, type)."""
    word = Annotated[Any, PlainValidator(lambda value: value)]
    types = treatment_types()
    named = {
        name: map_type(
            name,
            {"type": word, **{key: field_type(s) for key, s in types[kind].Params.specs().items()}},
            kind,
        )
        for name, kind in treatments
    }
    return TypeAdapter(document_type(processes, map_type("treatments", named, "")))


# ------------------------------------------------------------------------------------ the schema for editors


def treatments_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``treatments``: named maps whose other keys follow from ``type``."""
    types = treatment_types()
    described = {word: _summary(kind) for word, kind in types.items()}
    branches = []
    for word, kind in types.items():
        keys = {key: json_schema(spec) for key, spec in kind.Params.specs().items()}
        branches.append(
            {
                "if": {"properties": {"type": {"const": word}}, "required": ["type"]},
                "then": {"properties": {"type": {"const": word}, **keys}, "additionalProperties": False},
            }
        )
    return {
        "description": TOP["treatments"],
        "type": ["object", "string", "null"],
        "pattern": "^none$",
        "patternErrorMessage": "Named treatments are needed, or the word none",
        "additionalProperties": {
            "type": ["object", "string", "null"],
            "pattern": "^none$",
            "patternErrorMessage": "A map that starts with its type is needed, or the word none",
            "required": ["type"],
            "properties": {
                "type": {
                    "enum": list(types),
                    "markdownEnumDescriptions": list(described.values()),
                    "description": "What is done. "
                    + " ".join(f"{w}: {text}" for w, text in described.items()),
                }
            },
            "allOf": branches,
        },
    }


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario (draft 2020-12), every part written out where it applies."""
    treatments = Annotated[Any, PlainValidator(lambda value: value), WithJsonSchema(treatments_schema())]
    whole = TypeAdapter(document_type(mechanisms(), treatments)).json_schema()
    parts = whole.pop("$defs", {})
    inlined = _inline(whole, parts)
    inlined.pop("title", None)
    return {"$schema": DIALECT, "title": "cordgraft scenario", **inlined}


def _inline(value: Any, parts: Mapping[str, Any], *, section: bool = False) -> Any:
    """Replace references by what they refer to: editors show hover text beside a reference unreliably."""
    if isinstance(value, list):
        return [_inline(item, parts) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inline(parts[value["$ref"].removeprefix("#/$defs/")], parts, section=True)
    result = {key: _inline(item, parts) for key, item in value.items()}
    if section:
        result.pop("title", None)
        if not result.get("required"):
            # A section whose lines are all commented out is as good as absent.
            result["type"] = ["object", "null"]
    for name, described in result.get("properties", {}).items():
        if isinstance(described, dict) and described.get("title") and "properties" not in described:
            described.pop("title")
        assert isinstance(described, dict), name
    return result


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
