"""What tools that compare runs of one subject share: one run in a process of its own, its numbers, and the page.

Two runs of one seed that differ in nothing biological are the same subject twice, so the difference within such a pair
is the work of what was changed, and its spread over the seeds says how well its mean is known.
"""

from __future__ import annotations

import csv
import json
import math
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
#: Column of the days in timeseries.csv.
TIME = "day"
#: File of a finished run that holds its CPU seconds: what has none is made again.
SECONDS = "cpu_seconds"

#: Program of a run; arguments: scenario, folder, seed, settings. What follows it finds `model` and `folder`.
RUN = """
import sys, time
from pathlib import Path
from cordgraft.engine.model import CordModel
from cordgraft.engine.runner import run_model
from cordgraft.scenario.load import load

name, folder, seed, *sets = sys.argv[1:]
# The kernels are loaded, or compiled, by a model of its own: what is timed is the run.
warm = CordModel(load(name, [*sets], seed=int(seed)))
for _ in range(2):
    warm.step()
began = time.process_time()
model = CordModel(load(name, [*sets], seed=int(seed)))
run_model(model, Path(folder), overwrite=True)
seconds = time.process_time() - began
"""
#: End of every program: the run is there.
_DONE = f"""
Path(folder, {SECONDS!r}).write_text(f"{{seconds:.3f}}")
"""


def run_once(name: str, folder: Path, seed: int, sets: list[str], after: str = "") -> float:
    """Make a run where it is not there yet; return its CPU seconds.

    Parameters
    ----------
    after : str
        Code that the process runs at the end, beside `RUN`.
    """
    if not (folder / SECONDS).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", RUN + after + _DONE, name, str(folder), str(seed), *sets]
        subprocess.run(command, check=True, cwd=ROOT)
    return seconds_of(folder)


def seconds_of(folder: Path) -> float:
    """Return the CPU seconds of a finished run."""
    return float((folder / SECONDS).read_text(encoding="utf-8"))


def series_of(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, str]]:
    """Return the days of the series, outcome -> values (NaN where there is none), and outcome -> unit."""
    with (folder / "timeseries.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    time_d = np.array([float(row[TIME]) for row in rows])
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    units = {key: entry["unit"] for key, entry in summary["outcomes"].items()}
    values = {key: np.array([float(row[key]) if row[key] else math.nan for row in rows]) for key in units}
    return time_d, values, units


def version() -> str:
    """Return the version and, in a checkout, the commit."""
    import cordgraft

    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return f"{cordgraft.__version__}" + (f", commit {done.stdout.strip()}" if done.returncode == 0 else "")


def processor() -> str:
    """Return the name of the processor, as far as the system says it."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def put_between(page: Path, marks: tuple[str, str], text: str) -> None:
    """Replace what stands between two marks of a page."""
    written = page.read_text(encoding="utf-8")
    before, rest = written.split(marks[0])
    after = rest.split(marks[1])[1]
    page.write_text(f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{after}", encoding="utf-8")
