"""How cost grows with size: 1, 4 and 16 times the voxels, and the cells."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.cells import Graft
from benchmarks.common import Plan, Row, interleaved, say
from benchmarks.field_cases import TROPHIC, cord
from benchmarks.student import run
from cordgraft.kernels.solvers import make_solver

GROUP = "growth of cost: `times better` is the cost per voxel or cell at 1x over that here"


def series(what: str, sizes: list[int], cost: list[float], unit: str) -> list[Row]:
    """Return rows of one quantity; the first is the baseline."""
    rows = []
    for size, spent in zip(sizes, cost, strict=True):
        ratio = None if size == sizes[0] else (cost[0] / sizes[0]) / (spent / size)
        rows.append(Row(GROUP, f"{what}: {size:,}", spent, unit, "", f"{sizes[0]:,}" if ratio else "", ratio))
    return rows


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    rows: list[Row] = []
    unit = 1 if plan.quick else 4

    say("growth: fields")
    sizes, cost = [], []
    for factor in (1, 2, 4):
        case = cord((1, 50 * factor * unit // 2 * 2, 200 * factor * unit // 2), TROPHIC)
        solver, field = make_solver("sdirk2", case.medium, 1e-5), case.source * 0.0

        def step(case: Any = case, solver: Any = solver, field: Any = field) -> None:
            solver.advance(field, case.source, 1.0)

        sizes.append(case.voxels)
        cost.append(1e3 * interleaved({"step": step}, 2 * plan.repeats, warm=2)["step"].cpu_s)
    rows += series("one implicit step of a field, voxels", sizes, cost, "ms CPU")

    say("growth: cells")
    sizes, cost = [], []
    for factor in (1, 4, 16):
        edge = {1: (24, 24, 128), 4: (48, 48, 128), 16: (96, 96, 128)}[factor]
        cells = 5_000 * unit * factor
        graft = Graft(edge, cells, settled=True)
        sizes.append(cells)
        cost.append(1e3 * interleaved({"step": graft.step}, 2 * plan.repeats, warm=2)["step"].cpu_s)
    rows += series("one step of cells, cells (and voxels alike)", sizes, cost, "ms CPU")

    say("growth: whole runs")
    sizes, cost = [], []
    for voxel in ("100 um", "50 um", "25 um"):
        settings = {"geometry.voxel": voxel, "treatments.graft.at": "1 d"}
        with tempfile.TemporaryDirectory() as folder:
            found = run(2.0 if plan.quick else 5.0, Path(folder) / "run", settings, "mouse_subacute_graft")
        sizes.append(found["shape"][1] * found["shape"][2])
        cost.append(found["cpu_s"] - found["build_s"])
    rows += series("default scenario, first days, voxels", sizes, cost, "s CPU")
    return rows
