"""Sentences that figures and pages write about a run: what it was, what stands for what, what to be careful of."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import numpy as np

from cordgraft.core import schema
from cordgraft.core.units import time_in_words
from cordgraft_analysis.view import Frame, Mark, RunView

#: Characters of a footnote line at the width of the overview.
FOOTNOTE_WIDTH = 215
#: Characters of a header line, which is written larger, at the width of the overview.
HEADER_WIDTH = 220
#: Cautions that a figure prints; the page and summary.json have them all.
MOST_CAUTIONS = 4


def number(value: float) -> str:
    """Return a count or measure with a thousands separator and no false precision."""
    if not np.isfinite(value):
        return "–"
    if value != 0.0 and (abs(value) < 0.01 or abs(value) >= 1e7):
        return f"{value:.3g}"
    if abs(value) >= 100.0:
        return f"{round(value):,}"
    return f"{value:.3g}"


def day_title(view: RunView, day: float) -> str:
    """Return the title of a column: the day counted from the injury, and from the graft where there was one."""
    title = f"Day {day:g} after injury"
    delivered = [mark for mark in view.marks if mark.is_graft]
    if delivered:
        since = day - delivered[0].day
        title += (
            f" ({since:g} d after graft)"
            if since > 0
            else " (day of graft)"
            if since == 0
            else " (before graft)"
        )
    return title


def run_line(view: RunView) -> str:
    """Return species, level, plane, lattice, seed and state of a run in one line."""
    x, y, z = view.spacing_mm
    shape = view.cord.shape
    parts = [" ".join(str(view.setting.get(key, "")) for key in ("species", "level")).strip()]
    if view.is_volume:
        parts.append(
            f"3-D volume of {shape[0]} × {shape[1]} × {shape[2]} voxels of {_um(x)} × {_um(y)} × {_um(z)} µm"
        )
    else:
        parts.append(
            f"mid-sagittal section {_um(x)} µm thick, {shape[1]} × {shape[2]} voxels of {_um(y)} × {_um(z)} µm"
        )
    if view.days.size:
        parts.append(f"{view.days[-1]:g} days")
    if view.seed is not None:
        parts.append(f"seed {view.seed}")
    if view.marks:
        parts.append("; ".join(marks_in_words(view.marks)))
    else:
        parts.append("no treatment")
    if view.status != "finished":
        planned = f" of {view.planned_days:g}" if view.planned_days else ""
        reached = f" at day {view.days[-1]:g}{planned}" if view.days.size else ""
        parts.append(f"NOT FINISHED: {view.status}{reached}")
    return "  ·  ".join(part for part in parts if part)


def marks_in_words(marks: Iterable[Mark]) -> list[str]:
    """Return what was done when, in the order of the first time: ``enzyme on days 7 and 9``, ``drug ends on day 3``.

    A time within the first day is given in hours.
    """
    times: dict[str, list[Mark]] = {}
    for mark in marks:
        times.setdefault(f"{mark.label} ends" if mark.is_end else mark.label, []).append(mark)
    found = []
    for what, when in times.items():
        early = [f"after {time_in_words(24.0 * mark.day)}" for mark in when if 0.0 < mark.day < 1.0]
        days = [f"{mark.day:.6g}" for mark in when if not 0.0 < mark.day < 1.0]
        listed = " and ".join(filter(None, (", ".join(days[:-1]), *days[-1:])))
        if days:
            early.append(f"on day{'s' if len(days) > 1 else ''} {listed}")
        found.append(f"{what} {' and '.join(early)}")
    return found


def _um(value_mm: float) -> str:
    return f"{value_mm * 1000.0:g}"


def scale_line(view: RunView) -> str:
    """Return dose and line of every graft, and how simulated numbers relate to those of the whole cord."""
    parts = [f"{name}: {number(dose)} cells of line {line}" for name, dose, line in view.grafts]
    represented, simulated = view.last("graft_survivors"), view.last("graft_survivors_simulated")
    if simulated > 0.0:
        parts.append(
            f"{number(represented)} grafted cells on day {view.days[-1]:g}, represented by {number(simulated)}"
            f" simulated ones (1 stands for {number(represented / simulated)} of the whole cord)"
        )
    axons, agents = view.last("axons_graft_count"), view.last("axons_graft_count_simulated")
    if agents > 0.0:
        parts.append(f"1 simulated graft axon stands for {number(axons / agents)}")
    host = view.host_weights()
    if host:
        low, high = min(host), max(host)
        stands = number(low) if np.isclose(low, high) else f"{number(low)} to {number(high)} (by tract)"
        parts.append(f"1 simulated host fibre stands for {stands}")
    return "; ".join(parts)


def cell_count(frame: Frame) -> str:
    """Return how many cells a day has, simulated and represented."""
    if frame.cells is None or not frame.cells.kind.size:
        return "no grafted cell"
    simulated, represented = frame.cells.kind.size, float(frame.cells.weight.sum())
    return f"{number(simulated)} simulated = {number(represented)} represented"


def _axon_count(frame: Frame, graft: bool) -> tuple[int, int, float]:
    """Return simulated axons, how many of them have grown at all since the injury, and what these represent."""
    paths = frame.paths
    if paths is None:
        return 0, 0, 0.0
    mine = (paths.tract == "graft") == graft
    grew = np.array([bool(grown.any()) for grown in paths.grown], dtype=bool) & mine
    rows = np.flatnonzero(grew)
    _, first = np.unique(paths.axon[rows], return_index=True)
    return int(np.unique(paths.axon[mine]).size), int(first.size), float(paths.weight[rows[first]].sum())


def host_axon_count(frame: Frame) -> str:
    """Return how many host axons a day has and how many of them have grown, however short: no sign of regrowth."""
    axons, grew, represented = _axon_count(frame, graft=False)
    if not axons:
        return "no host axon"
    return f"{number(grew)} of {number(axons)} simulated sprout = {number(represented)} represented"


def graft_axon_count(frame: Frame) -> str:
    """Return how many axons of grafted neurons a day has."""
    axons, _, represented = _axon_count(frame, graft=True)
    return f"{number(axons)} simulated = {number(represented)} represented" if axons else "no graft axon"


def safety_line(view: RunView) -> str:
    """Return the verdict on every safety bound that was declared before the run; empty without one."""
    verdicts = []
    for name, entry in view.summary.get("safety", {}).items():
        verdict = str(entry.get("verdict", ""))
        verdict = verdict.upper() if verdict == "broken" else verdict
        value, most = entry.get("value"), float(entry["at_most"])
        scale, unit = (1e-3, " mm") if entry.get("unit") == "um" else (1.0, "")
        if "fraction" in name:
            scale, unit = 100.0, " %"
        found = "" if value is None else f" ({number(value * scale)} of at most {number(most * scale)}{unit})"
        verdicts.append(f"{name.replace('_', ' ')} {verdict}{found}")
    return "Safety bounds declared before the run: " + "; ".join(verdicts) + "." if verdicts else ""


def censored_line(view: RunView) -> str:
    """Return what has left the lattice and is no longer followed; empty where nothing has."""
    parts = []
    for name, what in (("axons_censored", "axons"), ("graft_censored", "grafted cells")):
        represented, simulated = view.last(name), view.last(f"{name}_simulated")
        if simulated > 0.0:
            parts.append(f"{number(represented)} {what} ({number(simulated)} simulated)")
    if not parts:
        return ""
    return f"Censored: {' and '.join(parts)} reached the end of the simulated cord; reach is a lower bound for them."


def edge_line(*views: RunView) -> str:
    """Return whose axons the host count at the caudal edge holds; empty where it is 0 throughout."""
    counts = [view.values("axons_host_crossings_caudal") for view in views]
    if not any(count is not None and np.nansum(count) > 0.0 for count in counts):
        return ""
    return (
        "Host axons through the caudal edge are of all tracts: beside descending ones that came through, ascending ones"
        " that only enter the lesion there. cordgraft outcomes tells the tracts apart."
    )


def run_notes(view: RunView) -> list[str]:
    """Return verdicts, censoring, cautions and provenance of one run, a sentence each."""
    notes = [note for note in (safety_line(view), censored_line(view), edge_line(view)) if note]
    notes += caution_notes(view)
    return [*notes, provenance_line(view)]


def caution_notes(view: RunView) -> list[str]:
    """Return the cautions of a run, cut to `MOST_CAUTIONS` with a word on the others."""
    notes = [f"Caution: {caution}" for caution in view.cautions[:MOST_CAUTIONS]]
    rest = len(view.cautions) - MOST_CAUTIONS
    if rest > 0:
        notes.append(f"and {rest} more cautions, listed in {schema.SUMMARY_NAME} and on the report page.")
    return notes


def header(view: RunView) -> list[str]:
    """Return the lines under the title of the overview: what was run, and what stands for what."""
    return wrapped((line for line in (run_line(view), scale_line(view)) if line), HEADER_WIDTH)


def footnotes(view: RunView) -> list[str]:
    """Return the lines under the overview: meaning of the marks, verdicts, cautions, provenance."""
    return wrapped(
        [
            "Panels over time: dashed vertical line = treatment, small triangles = days with maps."
            " Counts are of the whole cord (represented) unless they are called simulated.",
            *run_notes(view),
        ]
    )


def wrapped(notes: Iterable[str], width: int = FOOTNOTE_WIDTH) -> list[str]:
    """Return notes as lines that fit the width of a figure."""
    lines: list[str] = []
    for note in notes:
        lines.extend(textwrap.wrap(note, width, subsequent_indent="    ") or [""])
    return lines


def provenance_line(view: RunView) -> str:
    """Return versions, commit and time of a run in one line."""
    versions = view.attribute("versions", {})
    made = [f"cordgraft {versions['cordgraft']}" if "cordgraft" in versions else "cordgraft"]
    commit = str(view.attrs.get("commit", ""))
    if commit:
        made.append(f"commit {commit[:10]}{'+changes' if commit.endswith('+changes') else ''}")
    digest = str(view.attrs.get("scenario_digest", ""))
    if digest:
        made.append(f"scenario {digest[:10]}")
    if view.attrs.get("ended"):
        made.append(f"ended {view.attrs['ended']}")
    return f"Scenario '{view.name}'; " + ", ".join(made) + "."
