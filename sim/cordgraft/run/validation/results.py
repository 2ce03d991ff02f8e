"""From the runs to rows with verdicts, their tables, files and figures."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import cordgraft
from cordgraft.run.validation.judge import NO_DATA, PASSES, Judgement, judge
from cordgraft.run.validation.row import Course, Courses, Panel, Row, Scatter
from cordgraft.run.validation.store import FINISHED, Wanted

if TYPE_CHECKING:
    from cordgraft_analysis.validation_figures import TargetPanel, TargetScatter

RESULTS_JSON, RESULTS_CSV, RESULTS_MARKDOWN = "validation.json", "validation.csv", "validation.md"
COLUMNS = (
    "row", "quantity", "target", "unit", "low", "high", "judged_bound", "calibrated", "mean", "interval_low",
    "interval_high", "verdict", "seeds", "seeds_wanted", "seconds", "sources",
)  # fmt: skip


@dataclass(frozen=True)
class RowResult:
    """A row with what was simulated.

    Parameters
    ----------
    row : Row
    courses : mapping
        Seed -> part of the arm -> course, for the seeds of which every arm is finished.
    judgements : tuple of Judgement
    wanted : int
        Seeds that were asked for.
    seconds : float
        Wall time of the runs that the row used, s.
    """

    row: Row
    courses: Mapping[int, Courses]
    judgements: tuple[Judgement, ...]
    wanted: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every quantity of the row passes on all the seeds that were asked for."""
        full = len(self.courses) == self.wanted
        return full and all(found.verdict == PASSES for found in self.judgements)


def evaluate(row: Row, runs: Sequence[Wanted], seeds: Sequence[int]) -> RowResult:
    """Return a row judged on the finished runs; only seeds count of which every arm is finished."""
    finished = {(run.arm.name, run.seed): run for run in runs if run.state() == FINISHED}
    courses: dict[int, Courses] = {}
    seconds = 0.0
    for seed in seeds:
        found = {
            part: [run for number in arm.seeds_of(seed) if (run := finished.get((arm.name, number))) is not None]
            for part, arm in row.arms.items()
        }
        if all(len(found[part]) == arm.patients for part, arm in row.arms.items()):
            courses[seed] = {part: _course(row, present) for part, present in found.items()}
            seconds += sum(run.seconds for present in found.values() for run in present)
    judgements = tuple(
        judge(claim, [claim.measure(of_seed) for of_seed in courses.values()]) for claim in row.claims
    )
    return RowResult(row, courses, judgements, len(seeds), seconds)


def _course(row: Row, runs: Sequence[Wanted]) -> Course:
    """Return the course of one arm and seed: of its run, or gathered from its patients."""
    courses = [row.read(run.directory) for run in runs]
    return courses[0] if row.gather is None else row.gather(courses)


def number(value: float) -> str:
    """Return a value with three significant digits."""
    return "" if math.isnan(value) else f"{value:.3g}"


def interval_words(found: Judgement) -> str:
    """Return the mean and its interval in words."""
    if math.isnan(found.mean):
        return "-"
    if found.verdict == NO_DATA:
        return f"{number(found.mean)} (no interval)"
    return f"{number(found.mean)} ({number(found.low)} to {number(found.high)})"


def table(results: Sequence[RowResult]) -> list[dict[str, Any]]:
    """Return the rows of the table for people, one per quantity."""
    rows = []
    for result in results:
        for found in result.judgements:
            rows.append(
                {
                    "row": result.row.name,
                    "quantity": found.claim.quantity,
                    "target": found.claim.target,
                    "calibrated": "yes" if result.row.calibrated else "no",
                    "simulated, 95 % interval": interval_words(found),
                    "verdict": found.verdict,
                    "seeds": f"{len(result.courses)} of {result.wanted}",
                    "seconds": f"{result.seconds:.0f}",
                }
            )
    return rows


def record(results: Sequence[RowResult], code: str, finished: str) -> dict[str, Any]:
    """Return everything as plain data."""
    rows = []
    for result in results:
        row = result.row
        rows.append(
            {
                "row": row.name,
                "title": row.title,
                "statement": row.statement,
                "sources": [str(source) for source in row.sources],
                "calibrated": row.calibrated,
                "calibration": row.calibration,
                "remarks": list(row.remarks),
                "arms": {
                    part: {
                        "name": arm.name,
                        "scenario": arm.scenario,
                        "settings": list(arm.settings),
                        "note": arm.note,
                    }
                    for part, arm in row.arms.items()
                },
                "seeds": list(result.courses),
                "seeds_wanted": result.wanted,
                "seconds": round(result.seconds, 1),
                "passed": result.passed,
                "quantities": [
                    {
                        "quantity": found.claim.quantity,
                        "unit": found.claim.unit,
                        "target": found.claim.target,
                        "low": _finite(found.claim.low),
                        "high": _finite(found.claim.high),
                        "judged_bound": found.claim.judged,
                        "pooled": found.claim.pool is not None,
                        "values": _plain(found.values.tolist()),
                        "mean": _finite(found.mean),
                        "interval": [_finite(found.low), _finite(found.high)],
                        "verdict": found.verdict,
                    }
                    for found in result.judgements
                ],
            }
        )
    passed = all(result.passed for result in results)
    version = cordgraft.__version__
    return {"version": version, "code": code, "finished": finished, "passed": passed, "rows": rows}


def markdown(results: Sequence[RowResult], data: Mapping[str, Any]) -> str:
    """Return the table of the quantities as Markdown, under a line with version, code and date."""
    lines = [f"cordgraft {data['version']}, code `{data['code']}`, {data['finished']}", ""]
    rows = table(results)
    if rows:
        lines += ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
        lines += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _plain(values: Any) -> Any:
    """Return nested lists of numbers with None for what is not finite."""
    return [_plain(inner) for inner in values] if isinstance(values, list) else _finite(values)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def write_files(out: Path, results: Sequence[RowResult], data: Mapping[str, Any]) -> None:
    """Write the results as JSON, as CSV, and as the table of a page."""
    (out / RESULTS_MARKDOWN).write_text(markdown(results, data), encoding="utf-8")
    (out / RESULTS_JSON).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    with (out / RESULTS_CSV).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for result in results:
            sources = "; ".join(map(str, result.row.sources))
            for found in result.judgements:
                claim = found.claim
                cells = [result.row.name, claim.quantity, claim.target, claim.unit, claim.low, claim.high]
                cells += [
                    claim.judged,
                    result.row.calibrated,
                    found.mean,
                    found.low,
                    found.high,
                    found.verdict,
                ]
                cells += [len(result.courses), result.wanted, round(result.seconds, 1), sources]
                writer.writerow(["" if isinstance(x, float) and not math.isfinite(x) else x for x in cells])


def draw(out: Path, results: Sequence[RowResult]) -> list[Path]:
    """Draw a figure per row that has runs and return the files."""
    from cordgraft_analysis.validation_figures import draw_target

    drawn = []
    for result in results:
        if not result.courses:
            continue
        panels = [_drawn(panel, list(result.courses.values())) for panel in result.row.panels]
        verdicts = [
            f"{found.claim.quantity}: {interval_words(found)}; target {found.claim.target}: {found.verdict}"
            for found in result.judgements
        ]
        path = out / f"{result.row.name}.png"
        title = f"{result.row.name}  {result.row.title}, {len(result.courses)} seeds"
        drawn.append(draw_target(path, title, result.row.clock, panels, verdicts))
    return drawn


def _drawn(panel: Panel | Scatter, seeds: Sequence[Courses]) -> TargetPanel | TargetScatter:
    """Return what is drawn of a panel: its curves, or its points, of all seeds."""
    from cordgraft_analysis.validation_figures import Cloud, Curve, TargetBand, TargetPanel, TargetScatter

    if isinstance(panel, Scatter):
        clouds = [
            Cloud(
                label,
                np.array([of[part].at(panel.across[0], panel.day) for of in seeds]),
                np.array([of[part].at(panel.up[0], panel.day) for of in seeds]),
            )
            for part, label in panel.arms
        ]
        across, up = (f"{name}, {unit}" for _, name, unit in (panel.across, panel.up))
        return TargetScatter(panel.title, across, up, clouds, panel.fitted)
    curves = [
        Curve(label, [(of[part].days, of[part].curves[name]) for of in seeds]) for part, name, label in panel.curves
    ]
    bands = [TargetBand(band.days, band.values, band.label, band.of) for band in panel.bands]
    return TargetPanel(panel.title, panel.unit, curves, bands)
