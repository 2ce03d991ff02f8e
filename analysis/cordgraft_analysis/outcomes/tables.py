"""Outcomes of axons as tidy tables: one row per observation, units in the header."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft.core import schema
from cordgraft_analysis.outcomes.connections import connections
from cordgraft_analysis.outcomes.contrasts import Contrast, contrasts
from cordgraft_analysis.outcomes.crossings import crossings
from cordgraft_analysis.outcomes.gathering import Gathered
from cordgraft_analysis.outcomes.reach import MEASURES, reach
from cordgraft_analysis.seeds import HIGH, LOW, median, percentile

MM = 1e-3
#: Series that `function_table` has.
FUNCTION_SERIES: tuple[str, ...] = (
    "function_motor_index",
    "function_sensory_index",
    *(f"function_drive_{tract}" for tract in schema.HOST_TRACTS),
)


@dataclass(frozen=True)
class Table:
    """A tidy table: file name without ending, column titles, rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dicts of plain values; what is not defined is None."""
        return [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]

    def write(self, path: Path) -> Path:
        """Write as CSV with full precision; what is not defined is empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            cells = [_plain(cell) for cell in row]
            writer.writerow(
                ["" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in cells]
            )
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        return path


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def crossings_table(gathered: Gathered) -> Table:
    """Return `crossings` of every run, day, group and distance."""
    columns = (
        "arm", "seed", "day", "origin", "tract", "side", "distance_mm", "axons_represented", "axons_simulated",
        "axons_censored_represented", "axons_censored_simulated",
    )  # fmt: skip
    rows = []
    for arm in gathered.arms:
        for one in arm.subjects:
            for day in one.days:
                found = crossings(day, gathered.distances_um)
                for group in range(found.sizes["group"]):
                    names = (str(found[name].values[group]) for name in ("origin", "tract", "side"))
                    left = (float(found[name].values[group]) for name in ("censored", "censored_simulated"))
                    head, tail = (arm.label, one.seed, day.day, *names), tuple(left)
                    for column, distance in enumerate(found["distance"].values):
                        counts = (
                            float(found[name].values[group, column]) for name in ("represented", "simulated")
                        )
                        rows.append((*head, round(float(distance) * MM, 9), *counts, *tail))
    return Table("crossings", columns, tuple(rows))


def reach_table(gathered: Gathered) -> Table:
    """Return `reach` of every run and day."""
    columns = (
        "arm", "seed", "day", "origin", "tract", "measure", "median_mm", "p95_mm", "longest_mm", "axons_represented",
        "axons_simulated", "axons_censored_simulated", "definition",
    )  # fmt: skip
    rows = [
        (
            arm.label, one.seed, day.day, row.origin, row.tract, row.measure,
            *(MM * value for value in (row.median_um, row.p95_um, row.longest_um)),
            row.represented, row.simulated, row.censored, MEASURES[row.measure],
        )
        for arm in gathered.arms for one in arm.subjects for day in one.days for row in reach(day)
    ]  # fmt: skip
    return Table("reach", columns, tuple(rows))


def connections_table(gathered: Gathered) -> Table:
    """Return `connections` of every run and day."""
    columns = (
        "arm", "seed", "day", "route", "source", "target", "tract", "synapses_living_represented",
        "synapses_living_simulated", "synapses_lost_represented", "synapses_lost_simulated",
    )  # fmt: skip
    rows = [
        (
            arm.label, one.seed, day.day, row.route, row.source, row.target, row.tract, row.living,
            row.living_simulated, row.lost, row.lost_simulated,
        )
        for arm in gathered.arms for one in arm.subjects for day in one.days for row in connections(day)
    ]  # fmt: skip
    return Table("connections", columns, tuple(rows))


def function_table(gathered: Gathered) -> Table:
    """Return indices and drives over time: median and 5th and 95th percentile over the seeds that define them."""
    columns = ("arm", "day", "outcome", "unit", "seeds", "median", "p05", "p95")
    rows = []
    for arm in gathered.arms:
        for name in FUNCTION_SERIES:
            stacked = arm.ensemble.stack(name)
            defined = np.isfinite(stacked).sum(axis=0)
            if not defined.any():
                continue
            found = (median(stacked), percentile(stacked, LOW), percentile(stacked, HIGH))
            for index, day in enumerate(arm.ensemble.days):
                rows.append(
                    (arm.label, float(day), name, "1", int(defined[index]), *(row[index] for row in found))
                )
    return Table("function", columns, tuple(rows))


def contrasts_table(found: Sequence[Contrast], day: float) -> Table:
    """Return contrasts, greatest effect first within each arm."""
    columns = (
        "arm", "reference", "day", "outcome", "meaning", "unit", "pairs", "mean_reference", "mean_arm",
        "mean_difference", "difference_low95", "difference_high95", "smallest_difference", "largest_difference",
        "ratio", "ratio_low95", "ratio_high95", "ratio_of", "effect_in_sd_between_subjects", "remark",
    )  # fmt: skip
    rows = [
        (
            one.arm, one.reference, day, one.outcome, one.meaning, one.unit, len(one.seeds), one.mean_reference,
            one.mean_arm, one.difference, one.low, one.high, min(one.differences), max(one.differences), one.ratio,
            one.ratio_low, one.ratio_high, one.ratio_of, one.effect, one.label,
        )
        for one in found
    ]  # fmt: skip
    return Table("contrasts", columns, tuple(rows))


def all_tables(gathered: Gathered) -> list[Table]:
    """Return every table; contrasts only where there are several arms."""
    found = [
        crossings_table(gathered),
        reach_table(gathered),
        connections_table(gathered),
        function_table(gathered),
    ]
    if len(gathered.arms) > 1:
        found.append(contrasts_table(contrasts(gathered), gathered.days[-1]))
    return found
