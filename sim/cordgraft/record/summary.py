"""``summary.json``: outcomes at the days that matter, verdicts and cautions, for people and scripts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.clock import HOURS_PER_DAY
from cordgraft.core.schema import SAFETY_BOUNDS, SeriesSpec

Series = Mapping[str, NDArray[Any]]
#: Days after grafting at which published grafts were looked at (47 and 103: Nori 2015, PMID 25684226).
GRAFT_DAYS: tuple[float, ...] = (47.0, 60.0, 90.0, 103.0)


def outcomes_of(
    specs: Sequence[SeriesSpec], series: Series, days: Sequence[float], graft_day: float
) -> dict[str, dict[str, Any]]:
    """Return outcome -> unit, meaning, value at the end, peak, and values at the days that matter.

    Parameters
    ----------
    specs : sequence of SeriesSpec
    series : mapping
        Columns of the recorded series with their `time` (days) and nothing missing.
    days : sequence of float
        Days of the maps.
    graft_day : float
        Day of the first delivery; NaN without one.
    """
    time = series[schema.TIME]
    found: dict[str, dict[str, Any]] = {}
    for spec in specs:
        if spec.name.endswith("_simulated"):
            continue  # stands beside its represented number
        values = series[spec.name]
        entry: dict[str, Any] = {
            "unit": spec.unit,
            "meaning": spec.long_name,
            "source": spec.source,
            "end": _last(values),
            "peak": _peak(time, values),
            "days": _at(time, values, days),
        }
        twin = f"{spec.name}_simulated"
        if twin in series:
            entry["end_simulated"] = _last(series[twin])
        if spec.name.startswith("graft_") and not math.isnan(graft_day):
            entry["days_after_grafting"] = _at(time - graft_day, values, GRAFT_DAYS)
        found[spec.name] = entry
    return found


def _last(values: NDArray[Any]) -> float | None:
    return float(values[-1]) if values.size and math.isfinite(values[-1]) else None


def _peak(time: NDArray[Any], values: NDArray[Any]) -> dict[str, float] | None:
    if not np.any(np.isfinite(values)):
        return None
    index = int(np.nanargmax(values))
    return {"value": float(values[index]), "day": float(time[index])}


def _at(time: NDArray[Any], values: NDArray[Any], days: Sequence[float]) -> dict[str, float | None]:
    """Return day -> value at the recorded time nearest to it; days that the run did not reach are left out."""
    found: dict[str, float | None] = {}
    for day in days:
        if time.size and float(np.min(time)) <= day <= float(np.max(time)) + 1e-9:
            value = float(values[int(np.argmin(np.abs(time - day)))])
            found[f"{day:g}"] = value if math.isfinite(value) else None
    return found


def safety_of(
    bounds: Mapping[str, Mapping[str, float]], series: Series, graft_day: float
) -> dict[str, dict[str, Any]]:
    """Return bound -> what was declared, what was found, and the verdict: held, broken or not judged."""
    time = series[schema.TIME]
    found: dict[str, dict[str, Any]] = {}
    for name, bound in bounds.items():
        measured, unit, meaning = SAFETY_BOUNDS[name]
        values = series[measured]
        since = time - graft_day
        begin, end = (
            bound.get(key, default) / HOURS_PER_DAY for key, default in (("from", 0.0), ("to", math.inf))
        )
        flag = _last(series[f"safety_{name}"])
        judged = np.isfinite(values) & (since >= begin - 1e-9)
        if name != "graft_volume_ratio":
            judged &= since <= end + 1e-9
        worst = float(np.max(values[judged])) if np.any(judged) else None
        verdict = "not judged" if flag is None else ("broken" if flag > 0.0 else "held")
        entry: dict[str, Any] = {
            "meaning": meaning,
            "unit": unit,
            "at_most": bound["at_most"],
            "verdict": verdict,
            "value": _last(values[judged]) if name == "graft_volume_ratio" else worst,
        }
        if "from" in bound:
            entry["from_days_after_grafting"] = begin
        if "to" in bound:
            entry["to_days_after_grafting"] = end
        reached = float(np.max(since)) if since.size and not math.isnan(graft_day) else -math.inf
        if flag is None:
            entry["reason"] = (
                "no graft was delivered"
                if math.isnan(graft_day)
                else "the run ended before the bound applies"
            )
        elif math.isfinite(end) and reached < end - 1e-9:
            entry["reason"] = f"provisional: the run ended {reached:g} d after grafting"
        found[name] = entry
    return found
