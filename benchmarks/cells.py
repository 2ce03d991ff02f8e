"""Grafted cells: steps per second of the product's own processes against plain Mesa agents with the same rule."""

from __future__ import annotations

import statistics
from math import prod, sqrt
from typing import Any

import numpy as np

from benchmarks.common import Plan, Row, interleaved, say
from benchmarks.mesa_cells import PERIOD_H, MesaGraft
from benchmarks.stage import arrays_digest, cell_processes, cord_of_lesion, put_graft
from cordgraft.core.contract import Key
from cordgraft.kernels.compile import set_threads
from cordgraft.state.tissue import Tissue

GROUP = "cells: die, divide, move, settle; a step is 6 h"
SECTION = (1, 400, 1600)
SPACING_UM = 25.0


class Graft:
    """Cells in a cleared lesion, with the product's processes."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        cells: int,
        seed: int = 1,
        filling: float = 0.6,
        settled: bool = False,
    ) -> None:
        self.processes = cell_processes()
        self.tissue: Tissue = cord_of_lesion(self.processes, shape, SPACING_UM, seed=seed)
        put_graft(self.tissue, cells, filling, seed)
        if settled:  # long past the deaths and divisions of the first days, so that the number stays
            self.tissue.cells["grafted_tick"][...] = -2000
        self.seed = seed
        self.tick = 0

    def step(self) -> None:
        """Carry all cells through one period."""
        for process in self.processes:
            process.step(self.tissue, Key(self.seed, self.tick, PERIOD_H))
        self.tick += int(PERIOD_H / self.tissue.clock.tick_h)

    @property
    def sites(self) -> Any:
        """Voxel of every cell : (n,)."""
        return self.tissue.cells["site"]


def spread_um(sites: Any, shape: tuple[int, int, int]) -> float:
    """Return the root mean square distance of the cells from the middle of the lattice."""
    where = np.unravel_index(np.asarray(sites), shape)
    total = sum(
        ((np.asarray(i) - 0.5 * (n - 1)) ** 2).mean() for i, n in zip(where, shape, strict=True) if n > 1
    )
    return float(sqrt(total)) * SPACING_UM


def agreement(plan: Plan) -> str:
    """Compare counts and spread after five days over several seeds; returns both differences in percent.

    Raises
    ------
    AssertionError
        If they are further apart than four standard errors and two percent: then no speed is worth telling.
    """
    shape, cells, steps = (1, 160, 240), 4_000, 20
    seeds = range(1, (5 if plan.quick else 15))
    found: dict[str, tuple[list[float], list[float]]] = {"ours": ([], []), "mesa": ([], [])}
    for seed in seeds:
        graft = Graft(shape, cells, seed, 0.5)
        other = MesaGraft(graft.tissue, seed)
        for _ in range(steps):
            graft.step()
            other.step()
        for name, sites in (("ours", graft.sites), ("mesa", [agent.site for agent in other.agents])):
            found[name][0].append(float(len(sites)))
            found[name][1].append(spread_um(sites, shape))
    texts = []
    for i, what in enumerate(("count", "spread")):
        one, two = found["ours"][i], found["mesa"][i]
        apart = statistics.mean(one) / statistics.mean(two) - 1.0
        noise = sqrt(sum(statistics.variance(x) / len(x) for x in (one, two))) / statistics.mean(two)
        assert abs(apart) < max(4.0 * noise, 0.02), f"{what}: {one} against {two}"
        texts.append(f"{what} {100.0 * apart:+.1f} +- {100.0 * noise:.1f} %")
    return ", ".join(texts)


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    say("cells: the same counts and spread as Mesa agents")
    agrees = agreement(plan)
    rows: list[Row] = []
    few = 2_000 if plan.quick else 20_000
    many = 100_000 if plan.quick else 2_000_000
    deep = (48, 48, 256) if plan.quick else (96, 96, 512)

    say(f"cells: {few} Mesa agents")
    small = Graft(SECTION, few, settled=True)
    other = MesaGraft(small.tissue, 1)
    before = len(other.agents)
    spent = interleaved({"mesa": other.step}, max(2, plan.repeats // 2))["mesa"]
    mesa_rate = 0.5 * (before + len(other.agents)) / spent.cpu_s
    rows.append(Row(GROUP, f"plain Mesa agents, {few:.0e} cells", mesa_rate, "cells/s", agrees))
    del other

    for shape, cells in ((SECTION, few), (deep, many)):
        say(f"cells: {cells:.0e} cells on {prod(shape):.0e} voxels")
        graft = small if cells == few else Graft(shape, cells, settled=True)
        sizes: list[int] = []

        def step(graft: Graft = graft, sizes: list[int] = sizes) -> None:
            sizes.append(len(graft.tissue.cells))
            graft.step()

        spent = interleaved({"ours": step}, 2 * plan.repeats, warm=2)["ours"]
        rate = statistics.median(sizes[2:]) / spent.cpu_s
        rows.append(
            Row(
                GROUP,
                f"the product, {cells:.0e} cells, {prod(shape):,} voxels",
                rate,
                "cells/s",
                agrees,
                f"Mesa, {few:.0e} cells",
                rate / mesa_rate,
                100.0,
                of_ratio=True,
                note=f"{statistics.median(sizes[2:]):,.0f} alive; {1e3 * spent.cpu_s:.3g} ms a step",
            )
        )
        del graft
    rows.append(same_bytes())
    return rows


def same_bytes() -> Row:
    """Return the row that says what one and two threads agree in."""
    digests = []
    for threads in (1, 2):
        set_threads(threads)
        try:
            graft = Graft((24, 24, 96), 20_000)
            for _ in range(4):
                graft.step()
            names = [f"cell.{column}" for column in graft.tissue.cells.columns]
            digests.append(arrays_digest(graft.tissue, names))
        finally:
            set_threads(1)
    assert digests[0] == digests[1], "two threads gave other cells than one"
    return Row(GROUP, "cells after 4 steps, 1 and 2 threads", 1.0, "", f"same bytes ({digests[0]})")
