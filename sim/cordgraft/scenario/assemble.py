"""From the keys that a document states to a configuration with every default filled in, and back to text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cordgraft.core.contract import Phase, Process
from cordgraft.core.parameters import ParameterSpec, Params
from cordgraft.core.problems import Caution
from cordgraft.processes import registry
from cordgraft.scenario.config import Config, GeometryConfig, RecordConfig, SubjectConfig
from cordgraft.scenario.fields import cited_in_words, in_words, quantity_in_words
from cordgraft.scenario.resolution import coarsened, preview_caution
from cordgraft.scenario.schema import SCHEMA_VERSION, injury_process, mechanism_specs, treatment_types
from cordgraft.scenario.sections import (
    BORROWED,
    MAP_DAY,
    SAFETY,
    SAFETY_DAY,
    SECTIONS,
    Geometry,
    Numerics,
    Record,
    Subject,
    Top,
    preset_of,
)
from cordgraft.scenario.simulated_cells import few_cells, tracts_without_fibres
from cordgraft.scenario.treatments import first_graft_h, idle_cautions

Given = Mapping[str, Any]
#: Relative error that a unit conversion may leave on a value that stands exactly at an end of a range.
ROUNDING = 1e-9


def assemble(given: Given, name: str) -> Config:
    """Return the configuration of a document that was read without problems.

    Parameters
    ----------
    given : mapping
        What the document states, in the units of the specs.
    name : str
        Of the scenario.
    """
    if given.get("resolution") == "preview":
        given = coarsened(given)
    top = Top.for_preset("mouse", **{key: given[key] for key in Top.specs() if key in given})
    subject = Subject.for_preset(given["subject"]["species"], **given["subject"])
    stated = dict(given.get("geometry", {}))
    level = stated.get("level") or Geometry.specs()["level"].default_for(subject.species)
    preset = preset_of(subject.species, level)
    voxel = stated.pop("voxel", None)
    geometry = Geometry.for_preset(preset, **{**stated, "level": level})
    if voxel is None:
        voxel = (geometry.voxel,) * 3
    record = dict(given.get("record", {}))
    maps = record.pop("maps", None)
    if maps is None:
        maps = [top.duration]
    numerics = Numerics.for_preset(preset, **given.get("numerics", {}))
    enabled, periods, parameters = _mechanisms(given.get("parameters", {}), preset, top.tick)
    treatments = {}
    for label, keys in given.get("treatments", {}).items():
        kind = treatment_types()[keys["type"]]
        values = {key: value for key, value in keys.items() if key != "type"}
        treatments[label] = (keys["type"], kind.Params.for_preset(preset, **values))
        periods[label] = top.tick
    return Config(
        name=name,
        title=given["title"],
        resolution=top.resolution,
        seed=top.seed,
        duration_h=top.duration,
        tick_h=top.tick,
        subject=SubjectConfig(subject.species, subject.immune_system),
        geometry=GeometryConfig(
            level=level,
            preset=preset,
            section=geometry.section,
            length_um=geometry.length,
            voxel_um=(voxel[0], voxel[1], voxel[2]),
            slab_um=geometry.slab,
            cord_diameter_um=(geometry.cord_width, geometry.cord_depth),
            segment_um=geometry.segment_length,
            grey_share=geometry.grey_share,
            cells_per_agent=numerics.cells_per_agent,
            cord_mask=geometry.cord_mask,
            lesion_mask=geometry.lesion_mask,
            scan_at_h=geometry.scan_at,
        ),
        injury=injury_process().Params.for_preset(preset, **given.get("injury", {})),
        treatments=treatments,
        parameters=parameters,
        enabled=enabled,
        periods_h=periods,
        safety={key: dict(bound) for key, bound in given.get("safety", {}).items()},
        record=RecordConfig(Record.for_preset(preset, **record).series, tuple(sorted(set(maps)))),
    )


def _mechanisms(
    given: Given, preset: str, tick_h: float
) -> tuple[dict[str, bool], dict[str, float], dict[str, Params]]:
    enabled: dict[str, bool] = {}
    periods: dict[str, float] = {}
    parameters: dict[str, Params] = {}
    for name, kind in registry().items():
        if kind.section == "treatments":
            continue
        stated = dict(given.get(name, {})) if kind.section == "parameters" else {}
        enabled[name] = stated.pop("enabled", True)
        periods[name] = stated.pop("period", None) or default_period(kind, tick_h)
        if kind.section == "parameters":
            parameters[name] = kind.Params.for_preset(preset, **stated)
    return enabled, periods, parameters


def default_period(kind: type[Process], tick_h: float) -> float:
    """Return the interval of a process where none is written: its own, rounded up to whole ticks."""
    if kind.phase == Phase.TREAT:
        return tick_h
    return max(1, math.ceil(kind.period_h / tick_h - 1e-9)) * tick_h


# ------------------------------------------------------------------------------------------- back to text


def resolve(config: Config) -> dict[str, Any]:
    """Return the whole scenario as keys and text, every default written out."""
    geometry = config.geometry
    x, y, z = (quantity_in_words(edge, "um") for edge in geometry.voxel_um)
    top = Top.specs()
    resolved: dict[str, Any] = {
        "kind": "scenario",
        "schema_version": SCHEMA_VERSION,
        "title": config.title,
        **({"requires": list(config.requires)} if config.requires else {}),
        "seed": config.seed,
        "duration": in_words(top["duration"], config.duration_h),
        "tick": in_words(top["tick"], config.tick_h),
        "resolution": config.resolution,
        "subject": {"species": config.subject.species, "immune_system": config.subject.immune_system},
        "geometry": {
            key: in_words(spec, value)
            for key, spec, value in _geometry_values(geometry)
            if value not in (None, "")
        },
        "injury": words_of(config.injury),
        "treatments": {
            label: {"type": kind, **words_of(params)} for label, (kind, params) in config.treatments.items()
        }
        or "none",
        "parameters": {
            name: {
                **_switch_and_period(name, config),
                **words_of(params),
            }
            for name, params in config.parameters.items()
        },
        "safety": {key: _bound_words(key, bound) for key, bound in config.safety.items()},
        "record": {
            "series": in_words(Record.specs()["series"], config.record.series_h),
            "maps": [in_words(MAP_DAY, hours) for hours in config.record.maps_h],
        },
        "numerics": {"cells_per_agent": geometry.cells_per_agent},
    }
    resolved["geometry"]["voxel"] = x if x == y == z else [x, y, z]
    return resolved


def _geometry_values(geometry: GeometryConfig) -> list[tuple[str, ParameterSpec, Any]]:
    values = {
        "level": geometry.level,
        "section": geometry.section,
        "length": geometry.length_um,
        "voxel": geometry.voxel_um[1],
        "slab": geometry.slab_um,
        "cord_width": geometry.cord_diameter_um[0],
        "cord_depth": geometry.cord_diameter_um[1],
        "segment_length": geometry.segment_um,
        "grey_share": geometry.grey_share,
        "cord_mask": geometry.cord_mask,
        "lesion_mask": geometry.lesion_mask,
        "scan_at": geometry.scan_at_h,
    }
    return [(key, spec, values[key]) for key, spec in SECTIONS["geometry"].specs().items()]


def words_of(params: Params) -> dict[str, Any]:
    """Return every value of a parameter set as a scenario would write it; what has no value is left out."""
    return {
        key: in_words(spec, getattr(params, key))
        for key, spec in type(params).specs().items()
        if getattr(params, key) is not None
    }


def _switch_and_period(name: str, config: Config) -> dict[str, Any]:
    specs = mechanism_specs(registry()[name])
    words: dict[str, Any] = {}
    if "enabled" in specs:
        words["enabled"] = config.enabled[name]
    if "period" in specs:
        words["period"] = in_words(specs["period"], config.periods_h[name])
    return words


def _bound_words(key: str, bound: Mapping[str, float]) -> dict[str, Any]:
    specs = {"from": SAFETY_DAY, "to": SAFETY_DAY, "at_most": SAFETY[key].limit}
    return {edge: in_words(spec, bound[edge]) for edge, spec in specs.items() if edge in bound}


def values_of(config: Config) -> list[tuple[str, ParameterSpec, Any]]:
    """Return address, spec under the preset, and value of every parameter that is in force."""
    rows = [(f"geometry.{key}", spec, value) for key, spec, value in _geometry_values(config.geometry)]
    sets: dict[str, Params] = {"injury": config.injury}
    sets.update({f"treatments.{label}": params for label, (_, params) in config.treatments.items()})
    sets.update({f"parameters.{name}": params for name, params in config.parameters.items()})
    for prefix, params in sets.items():
        rows += [
            (f"{prefix}.{key}", spec, getattr(params, key)) for key, spec in type(params).specs().items()
        ]
    return [(address, spec.under(config.geometry.preset), value) for address, spec, value in rows]


# ---------------------------------------------------------------------------------------------- cautions


def cautions_of(config: Config) -> list[Caution]:
    """Return what the reader of a result must know: values outside their cited range, borrowed sizes, what is idle."""
    found = [preview_caution(config)] if config.resolution == "preview" else []
    level = (config.subject.species, config.geometry.level)
    if level in BORROWED and not config.geometry.cord_mask:
        found.append(
            Caution(
                "geometry.level",
                f"no cord size is cited for {config.subject.species} {level[1]}; that of {BORROWED[level]} stands in",
            )
        )
    silent = {f"parameters.{name}" for name, acts in config.enabled.items() if not acts}
    if config.geometry.cord_mask:  # the mask gives the diameters
        silent |= {"geometry.cord_width", "geometry.cord_depth"}
    for address, spec, value in values_of(config):
        if address in silent or address.rpartition(".")[0] in silent:
            continue
        caution = _outside(address, spec, value)
        if caution is not None:
            found.append(caution)
    found.extend(_judged_too_late(config))
    found.extend(few_cells(config))
    found.extend(tracts_without_fibres(config))
    found.extend(idle_cautions(config))
    if config.subject.immune_system == "suppressed" and config.treatments:
        found.append(
            Caution(
                "subject.immune_system",
                "suppression by drugs is taken as complete; intact with a treatment of type immunosuppression is not",
            )
        )
    return found


def _judged_too_late(config: Config) -> list[Caution]:
    graft, found = first_graft_h(config), []
    for name, bound in config.safety.items():
        late = (graft or 0.0) + max(bound.get("from", 0.0), bound.get("to", 0.0))
        if graft is not None and late > config.duration_h:
            found.append(
                Caution(
                    f"safety.{name}",
                    f"is judged on day {late / 24.0:g} after the injury, but the run ends on day "
                    f"{config.duration_h / 24.0:g}",
                )
            )
    return found


def _outside(address: str, spec: ParameterSpec, value: Any) -> Caution | None:
    if spec.cited is None or value is None:
        return None
    low, high = spec.cited
    if low - ROUNDING * abs(low) <= value <= high + ROUNDING * abs(high):
        return None
    source = ", ".join(filter(None, (spec.source, spec.doi))) or f"{spec.evidence}, no source"
    return Caution(
        address, f"{in_words(spec, value)} lies outside the cited range {cited_in_words(spec)} ({source})"
    )
