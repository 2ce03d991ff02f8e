"""Measure what `resolution: preview` costs: its bias on every outcome against the full resolution, with paired seeds.

    .venv/bin/python tools/preview_bias.py --seeds 8 --jobs 2 --write
    .venv/bin/python tools/preview_bias.py mouse_subacute_graft --seeds 3

Each seed is run twice, full and as a preview: it is the same injured subject both times, so the difference within a
pair is what the resolution does, and the spread of the differences says how well its mean is known (95 %
interval of Student's t). An outcome is compared in three ways: its value at the end, its highest value, and its
mean over the recorded days from the injury on. Runs that are there already (``--keep FOLDER``) are not made again.
``--write`` puts the tables into docs/preview.md, with the day, the version and the processor.
"""

from __future__ import annotations

import argparse
import datetime
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.paired_runs import ROOT, SECONDS, processor, put_between, run_once, seconds_of, series_of, version

PAGE = ROOT / "docs" / "preview.md"
SCENARIOS = ("mouse_subacute_graft", "human_cervical_subacute_graft")
RESOLUTIONS = ("full", "preview")
MARKS = ("<!-- tables by tools/preview_bias.py -->", "<!-- end of the tables -->")
#: Shares of the full value beyond which a bias is called off, and meaningless.
OFF = 0.25
FAR_OFF = 0.5


@dataclass(frozen=True)
class Bias:
    """One outcome in one way of looking: mean of the full runs, mean difference, half its 95 % interval, pairs."""

    full: float
    mean: float
    half: float
    pairs: int

    @property
    def relative(self) -> float:
        """Mean difference over the mean of the full runs; infinite where that is zero."""
        if self.full == 0.0:
            return 0.0 if self.mean == 0.0 else math.inf
        return self.mean / abs(self.full)


def bias_of(full: Iterable[float], preview: Iterable[float]) -> Bias:
    """Return the bias of paired values; pairs of which one has no value are left out."""
    pairs = np.array(list(zip(full, preview, strict=True)), dtype=float).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    count = len(pairs)
    if count == 0:
        return Bias(math.nan, math.nan, math.nan, 0)
    difference = pairs[:, 1] - pairs[:, 0]
    mean = float(difference.mean())
    half = math.nan
    if count > 1:
        half = float(stats.t.ppf(0.975, count - 1) * difference.std(ddof=1) / math.sqrt(count))
    return Bias(float(pairs[:, 0].mean()), mean, half, count)


def looks(time_d: np.ndarray, values: np.ndarray) -> tuple[float, float, float]:
    """Return the value at the end, the highest value and the mean over time of one series; NaN without values."""
    known = np.isfinite(values)
    end = float(values[-1]) if known[-1] else math.nan
    if not known.any():
        return end, math.nan, math.nan
    at, held = time_d[known], values[known]
    if at.size < 2:
        return end, float(held.max()), float(held[0])
    return end, float(held.max()), float(np.trapezoid(held, at) / (at[-1] - at[0]))


def run_pairs(name: str, seeds: list[int], sets: list[str], keep: Path, jobs: int) -> None:
    """Run every seed at both resolutions, `jobs` side by side, where the run is not there yet."""

    def run_one(task: tuple[int, str]) -> None:
        seed, resolution = task
        folder = keep / name / f"{resolution}-{seed}"
        asked = [f"resolution={resolution}", *(sets if resolution == "preview" else [])]
        fresh = not (folder / SECONDS).exists()
        seconds = run_once(name, folder, seed, asked)
        if fresh:
            print(f"{name} {resolution} seed {seed}: {seconds:.3f} CPU s", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run_one, [(seed, resolution) for seed in seeds for resolution in RESOLUTIONS]))


def read_run(folder: Path) -> tuple[dict[str, tuple[float, float, float]], dict[str, str], float]:
    """Return outcome -> its three looks, outcome -> unit, and the CPU seconds of a run."""
    time_d, values, units = series_of(folder)
    return {key: looks(time_d, column) for key, column in values.items()}, units, seconds_of(folder)


def table(name: str, seeds: list[int], keep: Path) -> str:
    """Return the table of one scenario in Markdown, the outcomes that are off first in a sentence."""
    runs = {(r, s): read_run(keep / name / f"{r}-{s}") for r in RESOLUTIONS for s in seeds}
    units = runs[("full", seeds[0])][1]
    lines = [
        f"### {name}",
        "",
        _cost(name, seeds, keep),
        "",
        "| outcome | unit | full, at the end | bias at the end | bias of the highest | bias of the mean over time | |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, unit in units.items():
        three = [
            bias_of(
                (runs[("full", s)][0][key][look] for s in seeds),
                (runs[("preview", s)][0][key][look] for s in seeds),
            )
            for look in range(3)
        ]
        end = three[0]
        cells = " | ".join(_in_words(bias) for bias in three)
        full = "-" if end.pairs == 0 else f"{end.full:.3g}"
        lines.append(f"| {key} | {unit} | {full} | {cells} | {verdict(three)} |")
    return "\n".join(lines)


def verdict(three: list[Bias]) -> str:
    """Return a word on one outcome, from its value at the end and its mean over time.

    *meaningless*: surely off by more than half of the full value. *off*: surely by more than a quarter.
    *not known*: the interval reaches beyond half of the full value; it takes more seeds to say.
    """
    judged = [bias for bias in (three[0], three[2]) if bias.pairs > 1]
    if not judged:
        return "no value to compare"
    least, most = 0.0, 0.0
    for bias in judged:
        scale = abs(bias.full)
        if scale == 0.0:
            if bias.mean == 0.0 and bias.half == 0.0:
                continue
            return "not known"
        least = max(least, (abs(bias.mean) - bias.half) / scale)
        most = max(most, (abs(bias.mean) + bias.half) / scale)
    if least > FAR_OFF:
        return "**meaningless**"
    if least > OFF:
        return "off"
    return "not known" if most > FAR_OFF else ""


def _in_words(bias: Bias) -> str:
    """Return a bias with its interval; a dash where no pair has a value, or where nothing was there in any run."""
    nothing = bias.full == bias.mean == 0.0 and (bias.half == 0.0 or bias.pairs == 1)
    if bias.pairs == 0 or nothing:
        return "-"
    half = "" if math.isnan(bias.half) else f" ± {bias.half:.2g}"
    relative = "" if not math.isfinite(bias.relative) else f" ({100.0 * bias.relative:+.0f} %)"
    return f"{bias.mean:+.2g}{half}{relative}"


def _cost(name: str, seeds: list[int], keep: Path) -> str:
    medians = {}
    for resolution in RESOLUTIONS:
        seconds = [read_run(keep / name / f"{resolution}-{seed}")[2] for seed in seeds]
        medians[resolution] = statistics.median(seconds)
    days = float(series_of(keep / name / f"full-{seeds[0]}")[0][-1])
    year = {key: value * 365.0 / days for key, value in medians.items()}
    return (
        f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {days:g} days each. One run took {medians['full']:.1f} CPU "
        f"seconds in full and {medians['preview']:.1f} as a preview (medians; building and recording included, "
        f"start of the program and compiling not): {year['full']:.1f} and {year['preview']:.1f} per year."
    )


def main() -> None:
    """Run the pairs and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--seeds", type=int, default=8, help="pairs per scenario")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--keep", type=Path, help="folder that keeps the runs; a temporary one otherwise")
    parser.add_argument("--set", action="append", default=[], dest="sets", help="for the previews alone")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/preview.md")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        keep = asked.keep or Path(temporary)
        seeds = list(range(1, asked.seeds + 1))
        tables = []
        for name in asked.scenarios:
            run_pairs(name, seeds, asked.sets, keep, asked.jobs)
            tables.append(table(name, seeds, keep))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    text = f"Measured on {today} with cordgraft {version()}, {processor()}.\n\n" + "\n\n".join(tables)
    print(text)
    print(f"\n{time.monotonic() - began:.0f} s")
    if asked.write:
        put_between(PAGE, MARKS, text)


if __name__ == "__main__":
    main()
