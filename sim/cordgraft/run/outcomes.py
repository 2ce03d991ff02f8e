"""The verb that says what the axons of runs did: crossings, reach, connections, function, contrasts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import say, say_table

if TYPE_CHECKING:
    from cordgraft_analysis.outcomes import Gathered
    from cordgraft_analysis.outcomes.tables import Table

#: Distances beyond the lesion edge that the terminal shows, mm, where the cord is long enough.
SHOWN_MM = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def parse_days(text: str | None) -> list[float]:
    """Return the days that ``14,112`` names; none for None.

    Raises
    ------
    BadInput
        If they are no numbers of days.
    """
    if text is None:
        return []
    try:
        days = [float(part.strip().removesuffix("d").strip()) for part in text.split(",")]
    except ValueError:
        days = [math.nan]
    if not all(math.isfinite(day) and day >= 0.0 for day in days):
        raise BadInput(
            Problem(
                "these are no days",
                key="--days",
                value=text,
                allowed="days after the injury, for example 14,112",
            )
        )
    return days


def show_outcomes(
    runs: Sequence[Path], out: Path | None, days: str | None, overwrite: bool, json_output: bool, quiet: bool
) -> None:
    """Print what the axons of runs did, and write it where a directory is named."""
    from cordgraft_analysis.outcomes import gather
    from cordgraft_analysis.outcomes.tables import all_tables
    from cordgraft_analysis.outcomes.writing import refuse_occupied, write_outcomes

    wanted = parse_days(days)
    gathered = gather(runs, wanted)
    if out is not None:
        refuse_occupied(gathered, out, overwrite)
    tables = all_tables(gathered)
    written = write_outcomes(gathered, out, overwrite, tables) if out is not None else []
    if json_output:
        say(json.dumps(_record(gathered, tables, written), indent=2))
        return
    if not quiet:
        _print(gathered, {table.name: table for table in tables})
        for path in written:
            say(f"wrote {path}")
    elif out is not None:
        say(str(out))


def _record(gathered: Gathered, tables: Sequence[Table], written: Sequence[Path]) -> dict[str, Any]:
    return {
        "days": list(gathered.days),
        "arms": [{"label": arm.label, "seeds": [one.seed for one in arm.subjects]} for arm in gathered.arms],
        "notes": [*gathered.censored_notes(), *gathered.notes],
        # the courses over distance and time are long; the files have them
        **{table.name: table.records() for table in tables if table.name not in ("crossings", "function")},
        "written": [str(path) for path in written],
    }


def _print(gathered: Gathered, tables: dict[str, Table]) -> None:
    day = gathered.days[-1]
    shown = [
        row for row in tables["crossings"].records() if row["distance_mm"] in SHOWN_MM and row["day"] == day
    ]
    rows = []
    for key, same in _grouped(shown, ("arm", "origin", "tract", "side")).items():
        counts = _grouped(same, ("distance_mm",))
        row = {"arm": key[0], "axons": key[2], "counted": f"{key[3]} of the lesion"}
        row |= {
            f"{distance[0]:g} mm": _span(found, "axons_represented") for distance, found in counts.items()
        }
        rows.append(row)
    say_table(
        f"Axons through planes beyond the lesion, day {day:g} (whole cord)", _without_arm(rows, gathered)
    )
    rows = [
        {
            "arm": key[0],
            "axons": key[2],
            "measure": key[3].replace("_", " "),
            "95th percentile, mm": _span(same, "p95_mm"),
            "longest, mm": _span(same, "longest_mm"),
            "axons that count": _span(same, "axons_represented"),
            "simulated": _span(same, "axons_simulated"),
        }
        for key, same in _grouped(
            [row for row in tables["reach"].records() if row["day"] == day],
            ("arm", "origin", "tract", "measure"),
        ).items()
    ]
    say_table("Reach of living tips", _without_arm(rows, gathered))
    rows = [
        {
            "arm": key[0], "route": key[1], "tract": key[4], "to": key[3],
            "living": _span(same, "synapses_living_represented"),
            "simulated": _span(same, "synapses_living_simulated"),
            "lost": _span(same, "synapses_lost_represented"),
        }
        for key, same in _grouped(
            [row for row in tables["connections"].records() if row["day"] == day],
            ("arm", "route", "source", "target", "tract"),
        ).items()
    ]  # fmt: skip
    say_table("Synapses (whole cord)", _without_arm(rows, gathered))
    if "contrasts" in tables:
        rows = [_contrast(row) for row in tables["contrasts"].records()]
        rows = [row for row in rows if row["difference"] != 0.0]
        say_table(f"Paired contrasts against '{gathered.arms[0].label}' that are not nil", rows)
    if any(len(arm.subjects) > 1 for arm in gathered.arms):
        say(
            "Counts and lengths: median over the seeds that define them, in brackets the smallest and the largest."
        )
    for note in (*gathered.censored_notes(), *gathered.notes):
        say(note)
    from cordgraft.core.schema import RESEARCH_SENTENCE

    say(RESEARCH_SENTENCE)


def _contrast(row: dict[str, Any]) -> dict[str, Any]:
    interval = row["remark"] or f"{row['difference_low95']:.4g} to {row['difference_high95']:.4g}"
    ratio, effect = (
        "–" if value is None else value for value in (row["ratio"], row["effect_in_sd_between_subjects"])
    )
    return {
        "arm": row["arm"],
        "outcome": row["meaning"],
        "unit": row["unit"],
        "difference": row["mean_difference"],
        "95 % interval": interval,
        "ratio": ratio,
        "effect (SD)": effect,
    }


def _without_arm(rows: list[dict[str, Any]], gathered: Gathered) -> list[dict[str, Any]]:
    """Return rows without the column of the arm where there is one arm only."""
    if len(gathered.arms) > 1:
        return rows
    return [{name: value for name, value in row.items() if name != "arm"} for row in rows]


def _grouped(rows: list[dict[str, Any]], by: tuple[str, ...]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in by), []).append(row)
    return found


def _span(rows: list[dict[str, Any]], name: str) -> str:
    """Return the median of a column, with its range where rows differ; a dash where it is not defined."""
    from statistics import median

    values = [row[name] for row in rows if row[name] is not None]
    if not values:
        return "–"
    low, high = min(values), max(values)
    return f"{median(values):.4g}" + (f" ({low:.4g} to {high:.4g})" if low != high else "")
