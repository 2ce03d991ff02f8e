"""Measure how a run scales: seconds per simulated day and peak memory, beside what was estimated before the start.

    .venv/bin/python tools/measure_scale.py
    .venv/bin/python tools/measure_scale.py human_cervical_volume --days 5 --set geometry.voxel="200 um"

Each case is a process of its own, so that its peak memory is its own. A row holds the voxels, the most simulated cells
that lived at once and those at the end, the simulated fibres, CPU seconds per simulated day before the graft, with all
of its cells and at the end, the peak memory with a checkpoint written, and both estimates. The graft is given on
day 1, so that its cells meet the injury at its worst; in one case survival is switched off, so that all of them stay.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

CASES: dict[str, list[str]] = {
    "section": ["human_cervical_subacute_graft"],
    "section, preview": ["human_cervical_subacute_graft", "resolution=preview"],
    "whole cord, 250 um": ["human_cervical_volume"],
    "whole cord, 250 um, 3.2e6 injected": ["human_cervical_volume", "treatments.graft.dose=3.2e6 cells"],
    "the same, none of them dies": [
        "human_cervical_volume",
        "treatments.graft.dose=3.2e6 cells",
        "parameters.survival.enabled=false",
    ],
    "whole cord, 200 um": ["human_cervical_volume", "geometry.voxel=200 um"],
}

_RUN = """
import json, resource, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
from cordgraft.engine.checkpoint import save
from cordgraft.engine.model import CordModel
from cordgraft.scenario.build import estimate
from cordgraft.scenario.load import load

name, days, *sets = sys.argv[1:]
config = load(name, sets)
size = estimate(config)
model = CordModel(config)
tissue = model.tissue
per_day = round(24.0 / tissue.clock.tick_h)
model.step()
seconds, most = [], 0
for day in range(int(days)):
    began = time.process_time()
    for _ in range(per_day):
        model.step()
        most = max(most, len(tissue.cells))
    seconds.append(time.process_time() - began)
with TemporaryDirectory() as folder:
    save(Path(folder), tissue, model.tick, {}, digest="")
scale = 1 if sys.platform == "darwin" else 1024
print(json.dumps({
    "voxels": tissue.lattice.size, "most": most, "cells": len(tissue.cells), "fibres": len(tissue.fibres),
    "first": seconds[0], "with_graft": seconds[1], "last": seconds[-1],
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale,
    "estimated_peak": size.peak_bytes, "estimated_s": size.seconds / size.days,
}))
"""


def measure(case: list[str], days: int, sets: list[str]) -> dict[str, Any]:
    """Run one case in a process of its own and return its numbers."""
    name, *own = case
    asked = ["treatments.graft.at=1 d", "safety={}", *own, *sets]
    command = [sys.executable, "-c", _RUN, name, str(days), *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenario", nargs="?", help="one scenario in place of the cases")
    parser.add_argument("--days", type=int, default=4, help="simulated days, at least 2")
    parser.add_argument("--set", action="append", default=[], dest="sets")
    asked = parser.parse_args()
    cases = {asked.scenario: [asked.scenario]} if asked.scenario else CASES
    print(f"{processor()}, one thread, {asked.days} days\n")
    print("| case | voxels | most cells | cells left | fibres | s per day: first | with the graft | last "
          "| estimate | peak memory | estimate |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for label, case in cases.items():
        row = measure(case, max(2, asked.days), asked.sets)
        print(
            f"| {label} | {row['voxels']:,} | {row['most']:,} | {row['cells']:,} | {row['fibres']:,} "
            f"| {row['first']:.2g} | {row['with_graft']:.2g} | {row['last']:.2g} | {row['estimated_s']:.2g} "
            f"| {row['peak'] / 1e9:.2f} GB | {row['estimated_peak'] / 1e9:.2f} GB |",
            flush=True,
        )


def processor() -> str:
    """Return the name of the processor, as far as the system says it."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


if __name__ == "__main__":
    main()
