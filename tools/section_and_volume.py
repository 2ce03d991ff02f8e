"""Measure what a section makes of an injury and a graft, beside a volume of the same cord, with paired seeds.

    .venv/bin/python tools/section_and_volume.py --write
    .venv/bin/python tools/section_and_volume.py --seeds 3 --fibres 2000
    .venv/bin/python tools/section_and_volume.py --only transection contusion --seeds 12

Each seed is run twice, as a mid-sagittal section and as a volume: the same subject, the same fibres and the same
random numbers for each of them. Every table holds the mean of either over the seeds with its standard error, the mean
difference within the pairs in per cent of the section with its own standard error, that difference in standard errors,
and a verdict: *alike* (the 99 % interval of Student's t lies within 10 % of nothing), *apart* (it lies on one side of
nothing, and reaches beyond 10 %), or *not known* (neither: it takes more seeds or fibres to say). 99 %, because the
tables have dozens of rows.

Runs that are there already are not made again: they are kept per state of the code in --keep, so Ctrl-C loses one run
at most, and the same command goes on. ``--write`` puts the tables into docs/convergence.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.convergence import CLOSE, PAGE, TRACTS, Change, code_digest, folder_of, make_runs
from tools.paired_runs import ROOT, put_between, seconds_of, series_of

MARKS = (
    "<!-- tables by tools/section_and_volume.py -->",
    "<!-- end of the tables of a section and a volume -->",
)
#: The two ways to run one subject; the first is what the second is compared with.
SECTIONS = ("midsagittal", "volume")
#: Probability that an interval holds the difference.
SURE = 0.99
EXTRA = "of_tracts.json"

#: What is measured on the fibres of a tract -> unit.
OF_TRACTS = {
    "severed": "1",
    "spared": "1",
    "die-back": "um",
    "with a living tip": "1",
    "advance of tips": "um",
}
#: Outcomes of the series compared in a grafted subject; one that no run has a value of is left out.
OF_GRAFTS = (
    "graft_delivered",
    "graft_survival",
    "graft_survivors",
    "graft_volume",
    "graft_volume_outside",
    "graft_fraction_neuron",
    "graft_neuron_distance_p95",
    "axons_graft_count",
    "axons_graft_outside",
    "axons_graft_crossings_rostral",
    "axons_graft_crossings_centre",
    "axons_graft_crossings_caudal",
    "axons_graft_crossings_segment",
    "synapses_host_to_graft",
    "synapses_graft_to_host",
    "lesion_volume",
    *(f"axons_{tract}_live_fraction" for tract in TRACTS),
    "function_motor_index",
    "function_sensory_index",
)

#: Outcomes compared on the first recorded day with grafted cells too: where they came to rest.
ON_ARRIVAL = ("graft_volume", "graft_volume_outside")
#: What became of the dose, from the scalars of the summary.
OF_DOSES = ("graft_backflow", "graft_surplus")

#: What the series does not hold, read off the tissue at the end.
_AFTER = """
from tools.section_and_volume import EXTRA, of_tracts
import json
Path(folder, EXTRA).write_text(json.dumps(of_tracts(model.tissue)), encoding="utf-8")
"""
#: A cut through everything over the length of the contusion: the same in every part of the cross-section.
_CUT = "injury={type: transection, severity: complete, primary_length: 1 mm}"
#: A volume with a graft is bearable like this; at 25 um and 20 mm it has a hundred times the voxels.
_COARSE = (
    "geometry.voxel=100 um",
    "geometry.slab=100 um",
    "geometry.length=12 mm",
    "numerics.cells_per_agent=10",
)
_FINE = ("geometry.voxel=50 um", "geometry.slab=50 um", "geometry.length=6 mm")


@dataclass(frozen=True)
class Case:
    """One comparison: its name for ``--only``, its heading, scenario, simulated days and settings."""

    name: str
    title: str
    scenario: str
    days: float
    sets: tuple[str, ...]
    grafted: bool = False

    def change(self, section: str, fibres: int) -> Change:
        """Return the run of one section, with so many simulated fibres a tract."""
        numbers = tuple(f"parameters.axon_injury.{tract}_simulated={fibres}" for tract in TRACTS)
        days = (f"duration={self.days:g} d", f"record.maps=[{self.days:g} d]", "safety={}")
        return Change(f"{self.name} {section}", (f"geometry.section={section}", *days, *self.sets, *numbers))


CASES = (
    Case(
        "transection",
        "Transected mouse, 12 days (voxel 50 um, cord 6 mm)",
        "mouse_contusion_untreated",
        12.0,
        (*_FINE, _CUT),
    ),
    # what of the difference is the work of grey matter, which the midline hardly has
    Case(
        "transection_even",
        "Transected mouse, grey matter as good for axons as white matter, myelin without inhibition",
        "mouse_contusion_untreated",
        12.0,
        (*_FINE, _CUT, "parameters.axon_growth.myelin_strength=0", "parameters.axon_growth.substrate_grey=1"),
    ),
    Case(
        "contusion",
        "Contused mouse, 3 days, no swelling (voxel 50 um, cord 6 mm)",
        "mouse_contusion_untreated",
        3.0,
        (*_FINE, "parameters.axon_injury.swelling_rate=0 1/d"),
    ),
    Case(
        "graft_transection",
        "Graft in a transected mouse, 56 days (voxel and slab 100 um, cord 12 mm, 10 cells per simulated one)",
        "mouse_subacute_graft",
        56.0,
        (*_COARSE, _CUT),
        grafted=True,
    ),
    Case(
        "graft_contusion",
        "Graft in a contused mouse, 56 days (voxel and slab 100 um, cord 12 mm, 10 cells per simulated one)",
        "mouse_subacute_graft",
        56.0,
        _COARSE,
        grafted=True,
    ),
)


@dataclass(frozen=True)
class Pair:
    """Means of section and volume, mean difference within pairs, and standard errors, in units of the outcome."""

    section: float
    section_error: float
    volume: float
    volume_error: float
    apart: float
    error: float
    pairs: int

    @property
    def in_errors(self) -> float:
        """Difference over its standard error; 0 without a difference, infinite where every pair has the same one."""
        if self.apart == 0.0:
            return 0.0
        return math.copysign(math.inf, self.apart) if self.error == 0.0 else self.apart / self.error

    def verdict(self) -> str:
        """Return ``alike``, ``apart``, ``not known``, or nothing where no pair has a value."""
        if self.pairs == 0:
            return ""
        if self.pairs == 1:
            return "not known"
        half = float(stats.t.ppf(0.5 + 0.5 * SURE, self.pairs - 1)) * self.error
        if abs(self.apart) + half <= CLOSE * abs(self.section):
            return "alike"
        return "apart" if abs(self.apart) > half else "not known"

    def in_per_cent(self) -> str:
        """Return the difference with its standard error in per cent of the section; absolute where that is zero."""
        if self.section == 0.0:
            return "0" if self.apart == 0.0 else f"{_with_error(self.apart, self.error)} (absolute)"
        share = 100.0 / abs(self.section)
        known = f" ± {share * self.error:.1f}" if math.isfinite(self.error) else ""
        return f"{share * self.apart:+.1f}{known}"

    def row(self, seeds: int) -> str:
        """Return the cells of a table: section, volume, difference, standard errors, verdict."""
        word = {"apart": "**apart**"}.get(self.verdict(), self.verdict())
        if self.pairs < seeds:
            word += f" ({self.pairs} of {seeds} pairs have a value)"
        errors = f"{self.in_errors:+.1f}" if math.isfinite(self.in_errors) else "-"
        cells = (
            _with_error(self.section, self.section_error),
            _with_error(self.volume, self.volume_error),
            self.in_per_cent(),
            errors,
            word,
        )
        return " | ".join(cells)


def _with_error(value: float, error: float) -> str:
    """Return a value with its standard error, to the second digit of the error."""
    if not math.isfinite(error):
        return f"{value:.4g}"
    if error == 0.0:
        return f"{value:.4g} ± 0"
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{places}f} ± {error:.{places}f}"


def compare(section: Iterable[float], volume: Iterable[float]) -> Pair:
    """Return what paired values say; pairs of which one has no value are left out.

    Parameters
    ----------
    section, volume : iterable of float
        One value per seed, in the same order; NaN where a run has none.
    """
    pairs = np.array(list(zip(section, volume, strict=True)), dtype=float).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    n = len(pairs)
    if n == 0:
        return Pair(*(math.nan,) * 6, 0)
    columns = (pairs[:, 0], pairs[:, 1], pairs[:, 1] - pairs[:, 0])
    found: list[float] = []
    for values in columns:
        error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
        found += [float(values.mean()), error]
    return Pair(*found, n)


def of_tracts(tissue: object) -> dict[str, dict[str, float]]:
    """Return tract -> what is measured -> value, from the tissue at the end of a run.

    Share of the fibres that were severed at any time, and the rest; mean distance from cut to stump over severed
    fibres, um; share of the severed fibres with a living tip, and the mean over them of the arc that the tip farthest
    from its origin has laid, um. NaN where there is nothing to take a mean of. All fibres of a tract stand for as many.
    """
    from cordgraft.state.axons import Tract

    get = tissue.__getitem__  # type: ignore[attr-defined]
    host, tract_of = get("fibre.origin") == 0, get("fibre.tract")
    cut = get("fibre.cut_tick") >= 0
    farthest = np.full(host.size, -np.inf)
    np.maximum.at(farthest, get("cone.fibre"), get("cone.arc_um"))
    found = {}
    for name in TRACTS:
        own = host & (tract_of == Tract[name.upper()])
        severed = own & cut
        tips = severed & np.isfinite(farthest)
        share = _mean(cut[own])
        found[name] = {
            "severed": share,
            "spared": 1.0 - share,
            "die-back": _mean(get("fibre.receded_um")[severed]),
            "with a living tip": _mean(tips[severed]),
            "advance of tips": _mean(farthest[tips]),
        }
    return found


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan


def of_series(values: dict[str, np.ndarray], units: dict[str, str]) -> dict[tuple[str, str], float]:
    """Return (what, unit) -> value of a grafted subject: some on the day of the graft, all at the end.

    Parameters
    ----------
    values : dict of str to (days,) float64
        Outcomes by name; NaN where there is none.
    units : dict of str to str
    """
    there = np.flatnonzero(values["graft_survivors"] > 0.0)
    found = {}
    for key in ON_ARRIVAL:
        early = float(values[key][there[0]]) if there.size else math.nan
        found[f"{key}, on the day of the graft", units[key]] = early
    return found | {(key, units[key]): float(values[key][-1]) for key in OF_GRAFTS if key in values}


def read_run(case: Case, folder: Path) -> dict[tuple[str, str], float]:
    """Return (what, unit) -> value."""
    if case.grafted:
        _, values, units = series_of(folder)
        scalars = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["scalars"]
        dose = {(key, scalars[key]["unit"]): float(scalars[key]["value"]) for key in OF_DOSES}
        return dose | of_series(values, units)
    tracts = json.loads((folder / EXTRA).read_text(encoding="utf-8"))
    return {
        (f"{tract}, {what}", unit): float(tracts[tract][what])
        for what, unit in OF_TRACTS.items()
        for tract in TRACTS
    }


def table(case: Case, seeds: list[int], fibres: int, keep: Path) -> str:
    """Return the table of one comparison in Markdown, with what it cost."""
    folders = {
        section: [folder_of(keep, case.scenario, case.change(section, fibres), seed) for seed in seeds]
        for section in SECTIONS
    }
    section, volume = ([read_run(case, folder) for folder in folders[name]] for name in SECTIONS)
    lines = [
        f"#### {case.title}",
        "",
        f"`{case.scenario}`, {len(seeds)} pairs (seeds {seeds[0]} to {seeds[-1]}), {fibres} simulated fibres a tract; "
        "means with standard errors over the pairs.",
        "",
        "| what | unit | section | volume | difference, % of the section | in standard errors | |",
        "|---|---|---|---|---|---|---|",
    ]
    for what, unit in section[0]:
        found = compare((run[what, unit] for run in section), (run[what, unit] for run in volume))
        # nothing to compare: no value, or nothing there in any run
        if found.pairs and not found.section == found.volume == found.error == 0.0:
            lines.append(f"| {what} | {unit} | {found.row(len(seeds))} |")
    cost = [statistics.median(seconds_of(folder) for folder in folders[name]) for name in SECTIONS]
    lines += [
        "",
        f"One run took {cost[0]:.1f} CPU seconds as a section and {cost[1]:.1f} as a volume (medians).",
    ]
    return "\n".join(lines)


def main() -> int:
    """Make the runs and print the tables; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [case.name for case in CASES]
    parser.add_argument(
        "--seeds", type=int, default=8, help="pairs per comparison, 1 or more; two tell an error"
    )
    parser.add_argument("--fibres", type=int, default=4000, help="simulated fibres of each tract")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some of the comparisons")
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "build" / "section_and_volume", help="folder that keeps the runs"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/convergence.md")
    asked = parser.parse_args()
    cases = [case for case in CASES if case.name in asked.only]
    if asked.seeds < 1 or asked.fibres < 1:
        parser.error("--seeds and --fibres: 1 or more")
    if asked.write and len(cases) < len(CASES):
        parser.error("--write puts all tables into the page: leave --only out")
    keep = (asked.keep / code_digest()).resolve()
    seeds = list(range(1, asked.seeds + 1))
    plan = [
        (case.scenario, case.change(section, asked.fibres), seed)
        for case in cases
        for seed in seeds
        for section in SECTIONS
    ]
    try:
        make_runs(plan, keep, _AFTER)
    except KeyboardInterrupt:
        print(f"stopped; the finished runs are in {keep}, and the same command goes on", flush=True)
        return 130
    from cordgraft import __version__

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    head = f"Measured on {today} with cordgraft {__version__}, code {keep.name}."
    text = "\n\n".join([head, *(table(case, seeds, asked.fibres, keep) for case in cases)])
    print(text)
    if asked.write:
        put_between(PAGE, MARKS, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
