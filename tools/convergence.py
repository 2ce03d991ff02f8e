"""Measure how axons and function depend on voxel size, tick, growth step and simulated numbers, with paired seeds.

    .venv/bin/python tools/convergence.py --write
    .venv/bin/python tools/convergence.py mouse_subacute_graft --seeds 12 --days 112
    .venv/bin/python tools/convergence.py --only "voxel 50 um" "half the fibres" --seeds 3

Each seed is run as the reference and once per change; it is the same injured subject every time. Of each outcome at the
end the table holds the mean difference within the pairs over the mean of the reference, with its 95 % interval
(percentiles of 4000 bootstrap samples of the seeds), and a verdict: *converged* (the interval lies within 10 % of
nothing), *bias* (it lies on one side of nothing, and reaches beyond 10 %; with six pairs or more), *not known*
(neither: chance is larger than what was changed). All runs simulate five times the default number of host fibres, so
that what few fibres do is not chance alone; the default number is one of the changes.

Runs that are there already are not made again: they are kept per state of the code in --keep, so Ctrl-C loses one run
at most, and the same command goes on. ``--write`` puts the tables into docs/convergence.md.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.paired_runs import ROOT, SECONDS, put_between, run_once, seconds_of, series_of

PAGE = ROOT / "docs" / "convergence.md"
MARKS = ("<!-- tables by tools/convergence.py -->", "<!-- end of the tables -->")
SCENARIOS = ("mouse_subacute_graft", "mouse_contusion_untreated")
TRACTS = ("corticospinal", "reticulospinal", "propriospinal", "gracile", "spinothalamic")
REFERENCE = "reference"
#: Simulated host fibres of the reference over the default.
MORE_FIBRES = 5
#: Relative difference within which an outcome counts as converged.
CLOSE = 0.10
SAMPLES = 4000
#: Pairs below which no bias is called sure: of five differences all have one sign by chance once in sixteen times.
FEWEST_PAIRS = 6
EXTRA = "at_the_end.json"

#: Outcomes of the series, in the order of the table; those that a run does not have are left out.
OUTCOMES = (
    "function_motor_index",
    "function_sensory_index",
    *(f"function_drive_{tract}" for tract in TRACTS),
    *(f"axons_{tract}_live_fraction" for tract in TRACTS),
    "axons_host_growing",
    "axons_host_advance_p95",
    "axons_host_reach_p95",
    "axons_host_crossings_rostral",
    "axons_host_crossings_centre",
    "axons_graft_count",
    "axons_graft_outside",
    "axons_graft_crossings_caudal",
    "axons_graft_reach_p95",
    "synapses_host_to_graft",
    "synapses_graft_to_host",
    "graft_survivors",
    "graft_neuron",
    "graft_neuron_distance_p95",
    "graft_volume_outside",
    "lesion_volume",
)

#: What the series does not hold, read off the tissue at the end.
_AFTER = """
from tools.convergence import EXTRA, at_the_end
import json
Path(folder, EXTRA).write_text(json.dumps(at_the_end(model.tissue)), encoding="utf-8")
"""


@dataclass(frozen=True)
class Change:
    """One run beside the reference: what it is called, and the settings that differ."""

    name: str
    sets: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Mean of the reference, mean difference, and the bounds of its 95 % interval, all in units of the outcome."""

    reference: float
    mean: float
    low: float
    high: float
    pairs: int

    def verdict(self) -> str:
        """Return ``converged``, ``bias``, ``not known``, or nothing where there was nothing in any run."""
        nothing = self.reference == self.mean == 0.0 and (self.low == self.high or self.pairs == 1)
        if self.pairs == 0 or nothing:
            return ""
        close = CLOSE * abs(self.reference)
        if -close <= self.low and self.high <= close:
            return "converged"
        sure = self.pairs >= FEWEST_PAIRS and (self.low > 0.0 or self.high < 0.0)
        return "bias" if sure else "not known"

    def in_words(self) -> str:
        """Return the relative difference with its interval, per cent, and the verdict."""
        verdict = self.verdict()
        if not verdict:
            return "-"
        if self.reference == 0.0:
            return f"{self.mean:+.2g} (absolute) *{verdict}*"
        if self.pairs == 1:
            return f"{100.0 * self.mean / abs(self.reference):+.0f} (one pair) ?"
        share = [100.0 * value / abs(self.reference) for value in (self.mean, self.low, self.high)]
        word = {"converged": "", "bias": " **bias**", "not known": " ?"}[verdict]
        return f"{share[0]:+.0f} ({share[1]:+.0f} to {share[2]:+.0f}){word}"


def difference(reference: list[float], changed: list[float]) -> Difference:
    """Return the difference of paired values; pairs of which one has no value are left out."""
    pairs = np.array(list(zip(reference, changed, strict=True)), dtype=float).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    n = len(pairs)
    if n == 0:
        return Difference(math.nan, math.nan, math.nan, math.nan, 0)
    apart = pairs[:, 1] - pairs[:, 0]
    drawn = np.random.default_rng(1).integers(0, n, (SAMPLES, n))
    low, high = np.percentile(apart[drawn].mean(axis=1), (2.5, 97.5)) if n > 1 else (-math.inf, math.inf)
    return Difference(float(pairs[:, 0].mean()), float(apart.mean()), float(low), float(high), n)


def at_the_end(tissue: object) -> dict[str, tuple[float, str]]:
    """Return name -> (value, unit) of what the series does not hold, from the tissue at the end of a run.

    Shares of swollen and of severed fibres over all host tracts; mean arc laid by corticospinal axons with a living
    tip; inputs of the relays added up, and outputs on the caudal side.
    """
    from cordgraft.state.axons import AxonState, Tract

    get = tissue.__getitem__  # type: ignore[attr-defined]
    host = get("fibre.origin") == 0
    weight, state = get("fibre.weight")[host], get("fibre.state")[host]
    total = float(weight.sum())
    swollen = float(weight[state == AxonState.SWOLLEN].sum())
    severed = float(weight[state >= AxonState.SEVERED].sum())
    fibre = get("cone.fibre")
    own = get("fibre.tract")[fibre] == Tract.CORTICOSPINAL
    arc = get("cone.arc_um")[own]
    found = {
        "host_swollen_share": (swollen / total, "1"),
        "host_severed_share": (severed / total, "1"),
        "corticospinal_advance_mean": (float(arc.mean()) if arc.size else math.nan, "um"),
        "relay_input": (sum(float(get(f"scalar.relay_input_{name}")[()]) for name in TRACTS), "synapses"),
        "relay_output_caudal": (float(get("scalar.relay_output_caudal")[()]), "synapses"),
    }
    return found


def changes_of(name: str, days: float) -> list[Change]:
    """Return the reference and the changes of a scenario."""
    from cordgraft.scenario.load import load

    config = load(name)
    edge = config.geometry.voxel_um[1]
    numbers = {
        tract: int(config.parameters["axon_injury"].specs()[f"{tract}_simulated"].default) for tract in TRACTS
    }
    common = (f"duration={days:g} d", f"record.maps=[{days:g} d]", "safety={}")

    def fibres(factor: float) -> tuple[str, ...]:
        return tuple(
            f"parameters.axon_injury.{tract}_simulated={round(factor * number)}"
            for tract, number in numbers.items()
        )

    base = (*common, *fibres(MORE_FIBRES))
    found = [
        Change(REFERENCE, base),
        Change(f"voxel {2 * edge:g} um", (*base, f"geometry.voxel={2 * edge:g} um")),
        Change(f"voxel {edge / 2:g} um", (*base, f"geometry.voxel={edge / 2:g} um")),
        *(Change(f"tick {hours:g} h", (*base, f"tick={hours:g} h")) for hours in (0.5, 2.0, 3.0, 6.0)),
        *(
            Change(f"growth every {hours:g} h", (*base, f"parameters.axon_growth.period={hours:g} h"))
            for hours in (2.0, 8.0)
        ),
        Change("half the fibres", (*common, *fibres(MORE_FIBRES / 2.0))),
        Change("a fifth (default)", (*common, *fibres(MORE_FIBRES / 5.0))),
    ]
    if config.treatments:
        agents = config.geometry.cells_per_agent
        found += [
            Change(f"{n * agents} cells per simulated", (*base, f"numerics.cells_per_agent={n * agents}"))
            for n in (2, 5)
        ]
    return found


def code_digest() -> str:
    """Return eight hexadecimal digits of what a run is made of: runs of other code are not taken for these."""
    digest = hashlib.sha256()
    parts = ("core", "engine", "kernels", "processes", "record", "scenario", "state")
    for path in sorted(path for part in parts for path in (ROOT / "sim" / "cordgraft" / part).rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    for path in sorted((ROOT / "scenarios").glob("*.yaml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def folder_of(keep: Path, name: str, change: Change, seed: int) -> Path:
    """Return the folder of a run: another setting is another folder."""
    what = hashlib.sha256("\n".join(change.sets).encode()).hexdigest()[:8]
    return keep / name / f"{change.name.replace(' ', '_')}-{what}-{seed}"


def make_runs(plan: list[tuple[str, Change, int]], keep: Path, after: str = _AFTER) -> None:
    """Make the runs that are not there yet, each with the code `after` at its end, and say how far it is."""
    left = [task for task in plan if not (folder_of(keep, *task) / SECONDS).exists()]
    if len(left) < len(plan):
        print(f"{len(plan) - len(left)} of {len(plan)} runs are there already", flush=True)
    began = time.monotonic()
    for number, (name, change, seed) in enumerate(left, 1):
        seconds = run_once(name, folder_of(keep, name, change, seed), seed, list(change.sets), after)
        spent = time.monotonic() - began
        ahead = spent / number * (len(left) - number)
        print(
            f"{number}/{len(left)} {name}, {change.name}, seed {seed}: {seconds:.1f} s; "
            f"about {ahead / 60.0:.0f} min left",
            flush=True,
        )


def read_run(folder: Path) -> dict[str, tuple[float, str]]:
    """Return outcome -> (value at the end, unit)."""
    _, values, units = series_of(folder)
    found = {key: (float(values[key][-1]), units[key]) for key in OUTCOMES if key in values}
    extra = json.loads((folder / EXTRA).read_text(encoding="utf-8"))
    return found | {key: (float(value), unit) for key, (value, unit) in extra.items()}


def table(name: str, changes: list[Change], seeds: list[int], keep: Path) -> str:
    """Return the table of one scenario in Markdown, with what it cost."""
    runs = {(c.name, seed): read_run(folder_of(keep, name, c, seed)) for c in changes for seed in seeds}
    others = [c for c in changes if c.name != REFERENCE]
    lines = [
        f"### {name}",
        "",
        f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}). Value of the reference, then differences in per cent.",
        "",
        "| outcome | unit | reference | " + " | ".join(c.name for c in others) + " |",
        "|---|---|---|" + "---|" * len(others),
    ]
    found: dict[str, list[str]] = {c.name: [] for c in others}
    for key, (_, unit) in runs[REFERENCE, seeds[0]].items():
        ours = [runs[REFERENCE, seed][key][0] for seed in seeds]
        cells = []
        for c in others:
            apart = difference(ours, [runs[c.name, seed][key][0] for seed in seeds])
            cells.append(apart.in_words())
            if apart.verdict() == "bias":
                share = 100.0 * apart.mean / abs(apart.reference) if apart.reference else math.nan
                found[c.name].append(f"{key} {share:+.0f} %")
        if all(cell == "-" for cell in cells):
            continue
        known = [value for value in ours if math.isfinite(value)]
        lines.append(
            f"| {key} | {unit} | {np.mean(known) if known else math.nan:.3g} | " + " | ".join(cells) + " |"
        )
    # seconds are those of the machine at hand: they say what costs more than what
    cost = "; ".join(f"{c.name} {_seconds(name, c, seeds, keep):.1f}" for c in changes)
    lines += [
        "",
        f"CPU seconds of one run (median; building and recording included): {cost}.",
        "",
        "Biases:",
        "",
    ]
    lines += [
        f"* {what}: {', '.join(biases) if biases else 'none is sure'}." for what, biases in found.items()
    ]
    return "\n".join(lines)


def _seconds(name: str, change: Change, seeds: list[int], keep: Path) -> float:
    return statistics.median(seconds_of(folder_of(keep, name, change, seed)) for seed in seeds)


def plans(asked: argparse.Namespace) -> Iterator[tuple[str, list[Change]]]:
    """Yield each scenario with its reference and the changes that were asked for."""
    for name in asked.scenarios:
        changes = changes_of(name, asked.days)
        known = [c.name for c in changes]
        if asked.only is not None:
            wanted = {REFERENCE, *asked.only}
            changes = [c for c in changes if c.name in wanted]
            if len(changes) == 1:
                raise SystemExit(f"--only: {name} has the changes {', '.join(known[1:])}")
        yield name, changes


def main() -> int:
    """Make the runs and print the tables; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--seeds", type=int, default=8, help="pairs per change")
    parser.add_argument("--days", type=float, default=56.0, help="simulated days")
    parser.add_argument(
        "--only", nargs="+", metavar="CHANGE", help="some of the changes, by the names in the table"
    )
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "build" / "convergence", help="folder that keeps the runs"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/convergence.md")
    asked = parser.parse_args()
    keep = (asked.keep / code_digest()).resolve()
    seeds = list(range(1, asked.seeds + 1))
    todo = list(plans(asked))
    try:
        make_runs([(name, c, seed) for seed in seeds for name, changes in todo for c in changes], keep)
    except KeyboardInterrupt:
        print(f"stopped; the finished runs are in {keep}, and the same command goes on", flush=True)
        return 130
    from cordgraft import __version__

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    head = f"Measured on {today} with cordgraft {__version__}, code {keep.name}: state after {asked.days:g} days."
    text = "\n\n".join([head, *(table(name, changes, seeds, keep) for name, changes in todo)])
    print(text)
    if asked.write:
        put_between(PAGE, MARKS, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
