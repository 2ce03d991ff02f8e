"""Whole runs, as processes of their own: the default scenario, and the student run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.common import ROOT, Plan, Row, say
from benchmarks.student import CELLS, CONES

GROUP = "whole runs, one thread, everything recorded, no figures"


def in_own_process(days: float, *more: str) -> dict[str, Any]:
    """Run the student run in a process of its own and return what it says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.student", f"{days:g}", f"{folder}/run", *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shares(found: dict[str, Any], count: int = 4) -> str:
    """Return which processes took most of the time."""
    parts = [f"{name} {100.0 * spent / found['cpu_s']:.0f} %" for name, spent in found["processes"].items()]
    return ", ".join(parts[:count])


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    rows: list[Row] = []
    days = 10.0 if plan.quick else 112.0
    say(f"default scenario, {days:g} days")
    in_own_process(10.0, "mouse_subacute_graft")  # compiles what is not compiled yet
    found = in_own_process(days, "mouse_subacute_graft")
    rows.append(
        Row(
            GROUP,
            f"default scenario, {days:g} days",
            found["cpu_s"],
            "s CPU",
            "pins of tests/regression",
            target=None if plan.quick else 60.0,
            lower=True,
            note=shares(found),
        )
    )
    days = 3.0 if plan.quick else 180.0
    say(f"student run, {days:g} days: this takes a while")
    found = in_own_process(days)
    error = max(sum(pair) for pair in found["errors"].values())
    size = " x ".join(str(n) for n in found["shape"] if n > 1)
    rows.append(
        Row(
            GROUP,
            f"student run, {days:g} days, {size} voxels, {len(found['fields'])} diffusing fields",
            found["cpu_s"],
            "s CPU",
            f"fields: {100.0 * error:.1f} % expected at worst",
            target=None if plan.quick else 60.0,
            lower=True,
            note=f"up to {found['most_cells']:,} cells and {found['most_cones']:,} cones "
            f"(meant: {CELLS:,.0f} and {CONES:,.0f}); {shares(found, 6)}",
        )
    )
    names = ("transport", "factors", "secretion")
    fields = sum(found["processes"].get(name, 0.0) for name in names)
    rows.append(Row(GROUP, f"student run, {days:g} days: transport and deposits alone", fields, "s CPU"))
    agents = (
        "survival",
        "fate",
        "division",
        "migration",
        "cell_turnover",
        "axon_emergence",
        "axon_growth",
        "contact",
    )
    moved = sum(found["processes"].get(name, 0.0) for name in agents)
    rows.append(Row(GROUP, f"student run, {days:g} days: cells and cones alone", moved, "s CPU"))
    return rows
