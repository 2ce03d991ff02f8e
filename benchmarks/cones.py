"""Growth cones: steps per second of the product's axon growth against its readable twin in plain Python.

A step of the process (4 h) falls into pieces of at most 25 um of arc: in each a cone looks at the tissue, turns and
moves. Such a piece is what other tools call a step of a growth cone, so the table counts pieces; what the process
does beside them (survey of the tissue, log of paths, branches, crowding) is in the time.
"""

from __future__ import annotations

import statistics
import sys
from math import prod
from typing import Any

import numpy as np

from benchmarks.common import ROOT, Plan, Row, interleaved, say
from cordgraft.core.contract import Key
from cordgraft.kernels import axon
from cordgraft.kernels.compile import run_blocks
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.state.tissue import Tissue

for _folder in (ROOT, ROOT / "tests"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

GROUP = "cones: look, turn, move; log, branch, crowd"
PERIOD_H = 4.0


def stage(shape: tuple[int, int, int], cones: int, seed: int = 3) -> Tissue:
    """Return a cord of random tissue with cones of host and graft in the middle quarter of its length."""
    from tests.axon_support import add_cones, rough_cord

    tissue: Tissue = rough_cord(shape, seed)
    rng = np.random.default_rng(seed)
    inside = np.argwhere(tissue["map.cord"] > 0)
    inside = inside[np.abs(inside[:, 2] - 0.5 * shape[2]) <= shape[2] / 8.0]
    voxels = inside[rng.integers(0, len(inside), cones)]
    flat = np.array([n == 1 for n in shape])
    offset = np.where(flat, 0.0, rng.uniform(-0.49, 0.49, (cones, 3)))
    heading = np.where(flat, 0.0, rng.normal(size=(cones, 3)))
    heading /= np.sqrt((heading**2).sum(axis=1))[:, None]
    points = np.array(tissue.lattice.origin_um) + (voxels + offset) * np.array(tissue.lattice.spacing_um)
    for origin in (0, 1):
        add_cones(tissue, cones // 2, origin, capacity=30.0)
    for axis, name in enumerate("xyz"):
        tissue[f"cone.{name}"][...] = points[:, axis]
        tissue[f"cone.h{name}"][...] = heading[:, axis]
        tissue[f"segment.{name}"][...] = points[:, axis]
    tissue["cone.id"][...] = np.arange(1, cones + 1)
    return tissue


class Twins:
    """Cones in plain Python, and how often they looked at the tissue."""

    def __init__(self, tissue: Tissue, process: AxonGrowth, key: Key, rows: Any) -> None:
        from tests.reference.test_axon_twin import TwinCone

        self.looks = 0
        counter = self

        class Counted(TwinCone):
            def look(self) -> Any:
                counter.looks += 1
                return super().look()

        self.cones = [Counted(tissue, process, int(row), key) for row in rows]

    def step(self) -> None:
        """Carry each cone through the step."""
        for cone in self.cones:
            cone.step()


def agreement(tissue: Tissue, process: AxonGrowth, key: Key) -> tuple[str, float, float]:
    """Advance a few cones both ways; returns how far apart they end, looks per cone, and looks/s of the twin."""
    process.step(tissue, Key(key.seed, key.tick - int(PERIOD_H), PERIOD_H))  # some pause, some branch
    count = len(tissue.cones)
    twins = Twins(tissue, process, key, range(count))
    work = process._work(tissue, key, count)
    spent = interleaved({"twin": twins.step}, 1, warm=0)["twin"]
    run_blocks(
        axon.advance_all, count, tissue.cones.view(axon.Cones), work, tissue.segments.view(axon.Paths),
        process._space(tissue), process._growth(key), key,
    )  # fmt: skip
    apart = 0.0
    for row, twin in enumerate(twins.cones):
        here = np.array([tissue[f"cone.{name}"][row] for name in "xyz"])
        apart = max(apart, float(np.abs(here - twin.at).max()))
        assert int(tissue["cone.state"][row]) == twin.state, "a cone ended in another state than its twin"
    assert apart < 1e-6, f"cones and their twins end {apart} um apart"
    return f"{apart:.0e} um, same states", twins.looks / count, twins.looks / spent.cpu_s


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    rows: list[Row] = []
    few, many = (500, 10_000) if plan.quick else (2_000, 100_000)
    deep = (32, 32, 256) if plan.quick else (64, 64, 512)
    for shape, cones, small in (((1, 400, 1600), few, (1, 24, 80)), (deep, many, (12, 14, 60))):
        say(f"cones: {cones} on {prod(shape):,} voxels")
        process = AxonGrowth()
        agrees, looks, twin_rate = agreement(stage(small, 200), process, Key(11, 4, PERIOD_H))
        kind = "section" if shape[0] == 1 else "volume"
        rows.append(
            Row(
                GROUP,
                f"{kind}: plain Python twin",
                twin_rate,
                "pieces/s",
                agrees,
                note=f"{looks:.2g} pieces a step of 4 h",
            )
        )
        tissue = stage(shape, cones)
        tick = iter(range(0, 10**6, 4))
        alive: list[int] = []

        def step(
            tissue: Tissue = tissue, process: AxonGrowth = process, alive: list[int] = alive, tick: Any = tick
        ) -> None:
            alive.append(int((tissue["cone.state"] <= axon.PAUSED).sum()))
            process.step(tissue, Key(11, next(tick), PERIOD_H))

        spent = interleaved({"ours": step}, plan.repeats, warm=1)["ours"]
        per_s = statistics.median(alive[1:]) / spent.cpu_s
        rows.append(
            Row(
                GROUP,
                f"{kind}: the product, {cones:,} cones",
                per_s * looks,
                "pieces/s",
                agrees,
                "plain Python twin",
                per_s * looks / twin_rate,
                2e6,
                note=f"{per_s:,.0f} cones/s at {looks:.2g} pieces a step of 4 h",
            )
        )
        rows.append(kernel_row(kind, shape, cones, agrees, twin_rate, plan))
    return rows


def kernel_row(
    kind: str, shape: tuple[int, int, int], cones: int, agrees: str, twin_rate: float, plan: Plan
) -> Row:
    """Return the row of the compiled loop alone, in steps of 1 h with one piece each."""
    process = AxonGrowth(AxonGrowth.Params(piece=500.0))
    tissue = stage(shape, cones)
    space, tick = process._space(tissue), iter(range(10**6))

    growth, work = process._growth(Key(11, 0, 1.0)), process._work(tissue, Key(11, 0, 1.0), cones)
    columns, paths = tissue.cones.view(axon.Cones), tissue.segments.view(axon.Paths)

    def step() -> None:
        run_blocks(axon.advance_all, cones, columns, work, paths, space, growth, Key(11, next(tick), 1.0))

    spent = interleaved({"loop": step}, 2 * plan.repeats, warm=2)["loop"]
    alive = int((tissue["cone.state"] <= axon.PAUSED).sum())
    rate = alive / spent.cpu_s
    return Row(
        GROUP,
        f"{kind}: the compiled loop alone, 1 h",
        rate,
        "pieces/s",
        agrees,
        "plain Python twin",
        rate / twin_rate,
        2e6,
        note=f"{alive:,} cones, one piece each; {1e9 / rate:.0f} ns a cone",
    )
