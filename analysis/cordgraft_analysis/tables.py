"""Outcomes as tables: which ones matter most, in units that people read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core import schema
from cordgraft_analysis.view import RunView
from cordgraft_analysis.words import number

#: What a summary shows, in the order of the story; names that a run does not have are left out.
KEY_OUTCOMES: tuple[str, ...] = (
    "graft_survivors",
    "graft_survival",
    "graft_fraction_neuron",
    "graft_fraction_astrocyte",
    "graft_fraction_oligodendrocyte",
    "graft_fraction_precursor",
    "graft_fraction_undifferentiated",
    "graft_volume",
    "axons_host_crossings_rostral",
    "axons_host_crossings_caudal",
    "axons_host_reach_p95",
    "axons_graft_count",
    "axons_graft_crossings_caudal",
    "axons_graft_reach_p95",
    "synapses_host_to_graft",
    "synapses_graft_to_host",
    *(f"axons_{tract}_live_fraction" for tract in schema.HOST_TRACTS),
    "lesion_length",
    "lesion_volume",
    "lesion_cavity_volume",
    "lesion_scar_volume",
    "scaffold_volume",
    "lesion_spared_white_matter",
    "rim_cspg",
    "function_motor_index",
    "function_sensory_index",
    *(name for name, _, _ in schema.SCALES.values()),
    "exam_upper_motor_score",
    "exam_lower_motor_score",
    "exam_ais_first",
    "exam_ais",
    "graft_dividing_fraction",
    "graft_volume_ratio",
    "graft_pressure",
    "safety_any_flag",
    "graft_censored",
    "axons_censored",
)

#: Parts of the table and how their series begin.
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Graft", ("graft_",)),
    ("Axons and synapses", ("axons_", "synapses_")),
    ("Lesion", ("lesion_", "scaffold_")),
    ("Milieu (rim and core of the lesion)", ("rim_", "core_", "immune_")),
    ("Function", ("function_",)),
    ("Examination", ("exam_",)),
    ("Safety", ("safety_",)),
)


@dataclass(frozen=True)
class OutcomeRow:
    """One outcome of a run for reading.

    Parameters
    ----------
    name, meaning, unit, definition : str
    end, peak, peak_day : str
        Last value, greatest value and its day; a dash where it is not defined.
    simulated : str
        Last value of the simulated twin of a count; empty for other quantities.
    """

    name: str
    meaning: str
    unit: str
    end: str
    simulated: str
    peak: str
    peak_day: str
    definition: str


def in_reading_unit(unit: str, name: str = "") -> tuple[float, str]:
    """Return factor and unit in which a quantity is read: lengths in mm, shares in percent."""
    if unit == "um":
        return 1e-3, "mm"
    shares = ("fraction", "spared_white_matter", "graft_survival")
    if unit == "1" and not name.startswith("safety_") and any(word in name for word in shares):
        return 100.0, "%"
    return 1.0, {"mm3": "mm³", "mm2": "mm²", "ug/mL": "µg/mL"}.get(unit, unit)


def outcome_rows(view: RunView) -> dict[str, list[OutcomeRow]]:
    """Return section -> rows for every outcome that the run has, in the order of the schema."""
    bounds = [name for name in schema.SAFETY_BOUNDS if f"safety_{name}" in view.series]
    found: dict[str, list[OutcomeRow]] = {}
    for spec in schema.series_specs(view.species, bounds):
        if spec.name.endswith("_simulated") or spec.name not in view.series:
            continue
        scale, unit = in_reading_unit(spec.unit, spec.name)
        values = np.asarray(view.series[spec.name].values, dtype=np.float64) * scale
        end = float(values[-1]) if values.size else float("nan")
        peak = peak_day = "–"
        if np.isfinite(values).any():
            index = int(np.nanargmax(values))
            peak, peak_day = number(float(values[index])), f"{view.days[index]:g}"
        twin = f"{spec.name}_simulated"
        simulated = number(float(view.series[twin].values[-1])) if twin in view.series and values.size else ""
        missing = f"Not defined {spec.missing}" if spec.missing else ""
        definition = ". ".join(part for part in (spec.definition, missing) if part)
        row = OutcomeRow(spec.name, spec.long_name, unit, number(end), simulated, peak, peak_day, definition)
        found.setdefault(_section(spec.name), []).append(row)
    return found


def key_rows(view: RunView) -> list[OutcomeRow]:
    """Return the rows of `KEY_OUTCOMES` that the run has."""
    known = {row.name: row for rows in outcome_rows(view).values() for row in rows}
    return [known[name] for name in KEY_OUTCOMES if name in known]


def _section(name: str) -> str:
    for title, starts in SECTIONS:
        if name.startswith(starts):
            return title
    return "Other"


def safety_rows(view: RunView) -> list[tuple[str, str, str, str, str]]:
    """Return (bound, at most, found, verdict, remark) of every bound that was declared before the run."""
    rows = []
    judged = view.summary.get("safety", {})
    for name, entry in judged.items():
        scale, unit = in_reading_unit(str(entry.get("unit", "1")), "fraction" if "fraction" in name else name)
        value = entry.get("value")
        found = "–" if value is None else f"{number(value * scale)} {unit}".removesuffix(" 1")
        most = f"{number(float(entry['at_most']) * scale)} {unit}".removesuffix(" 1")
        rows.append(
            (
                str(entry.get("meaning", name)),
                most,
                found,
                str(entry.get("verdict", "")),
                str(entry.get("reason", "")),
            )
        )
    return rows
