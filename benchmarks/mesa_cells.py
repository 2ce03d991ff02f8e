"""The rule of grafted precursors as one would write it with plain Mesa agents: one object per cell.

The same law as in `cordgraft.processes` (survival, division, migration), with its numbers taken from there. What
differs is how conflicts are settled: agents act one after the other in random order and take a place at once, where
the product lets all of them propose and then draws. Python's own generator, lists instead of arrays and no grid
object: each of the alternatives was slower.
"""

from __future__ import annotations

from math import exp, expm1
from typing import Any

import mesa

from cordgraft.kernels.cell_motion import hop_chances
from cordgraft.processes.division import Division
from cordgraft.processes.migration import Migration
from cordgraft.processes.survival import Survival
from cordgraft.state.cells import CellKind
from cordgraft.state.tissue import Tissue

PRECURSOR = int(CellKind.PRECURSOR)
#: Length of a step: the period of the product's processes, h.
PERIOD_H = 6.0
DAY_H = 24.0


class MesaCell(mesa.Agent):
    """One grafted precursor."""

    def __init__(self, model: MesaGraft, site: int, grafted_h: float) -> None:
        super().__init__(model)
        self.site = site
        self.grafted_h = grafted_h

    def step(self) -> None:
        """Die, divide or move."""
        model: Any = self.model
        random, count, site = model.random.random, model.count, self.site
        age = model.now_h - self.grafted_h
        early = model.handling * exp(-model.handling_decay * age) * model.handling_share
        if random() < -expm1(-(early + model.background)):
            count[site] -= 1
            self.remove()
            return
        room = 1.0 - (count[site] - 1.0) / model.capacity[site]
        if room > 0.0:
            amount = model.rate * room * exp(-model.slowing * age) * model.slowing_share
            if random() < -expm1(-amount):
                home = site if count[site] < model.places[site] else model.beside(site)
                if home >= 0 and count[home] < model.places[home]:
                    count[home] += 1
                    MesaCell(model, home, self.grafted_h)
        for _ in range(model.pieces):
            site = self.hop(model, site, random())
        if site != self.site and count[site] < model.places[site]:
            count[self.site] -= 1
            count[site] += 1
            self.site = site

    def hop(self, model: Any, site: int, u: float) -> int:
        """Return where the cell stands after one piece of its step."""
        for stride, length, free, pushed in model.directions:
            for step in (-1, 1):
                if u >= free + pushed:
                    u -= free + pushed
                    continue
                if not 0 <= (site // stride) % length + step < length:
                    return site
                other = site + step * stride
                count, start = model.count, self.site
                if other != start and count[other] >= model.places[other]:
                    return site
                here = (count[site] - (site == start)) / model.capacity[site]
                there = (count[other] - (other == start)) / model.capacity[other]
                if u < free + pushed * min(1.0, max(0.0, here - there)):
                    return int(other)
                return site
        return site


class MesaGraft(mesa.Model):
    """Cells on the lattice of a tissue, at the sites where its own cells are.

    Parameters
    ----------
    tissue : Tissue
        All of it one tissue class, without a border of astrocytes.
    seed : int
    """

    def __init__(self, tissue: Tissue, seed: int) -> None:
        super().__init__(rng=seed)
        lattice = tissue.lattice
        dangers, cycle = Survival().params, Division().cycle()
        motion: Any = Migration().motion(PERIOD_H, lattice.shape, lattice.spacing_um)
        self.now_h = 0.0
        self.pieces = int(motion.pieces[PRECURSOR])
        dt = PERIOD_H / self.pieces
        space = _Spacing(lattice.spacing_um)
        _, ny, nz = lattice.shape
        self.directions = []
        for axis, stride in enumerate((ny * nz, nz, 1)):
            if lattice.shape[axis] > 1:
                free, _, pushed = hop_chances.py_func(PRECURSOR, axis, 0.0, space, motion, dt)
                self.directions.append((stride, lattice.shape[axis], float(free), float(pushed)))
        self.handling, self.handling_decay = dangers.handling / DAY_H, 1.0 / (DAY_H * dangers.handling_time)
        self.handling_share = -expm1(-self.handling_decay * PERIOD_H) / self.handling_decay
        self.background = dangers.background / DAY_H * PERIOD_H
        self.rate = float(cycle.rate[0, PRECURSOR])
        self.slowing = float(cycle.slowing[PRECURSOR])
        self.slowing_share = -expm1(-self.slowing * PERIOD_H) / self.slowing
        self.capacity = tissue["density.cell_capacity"].reshape(-1).tolist()
        self.places = tissue["density.cell_places"].reshape(-1).tolist()
        self.count = tissue["density.cells"].reshape(-1).astype(int).tolist()
        tick_h = tissue.clock.tick_h
        grafted = (tissue.cells["grafted_tick"] * tick_h).tolist()
        for site, born in zip(tissue.cells["site"].tolist(), grafted, strict=True):
            MesaCell(self, site, born)

    def beside(self, site: int) -> int:
        """Return a neighbouring voxel in a random direction, -1 beyond the wall."""
        stride, length, _, _ = self.random.choice(self.directions)
        step = self.random.choice((-1, 1))
        inside = 0 <= (site // stride) % length + step < length
        return int(site + step * stride) if inside else -1

    def step(self) -> None:
        """Let all cells act, in random order."""
        self.agents.shuffle_do("step")
        self.now_h += PERIOD_H


class _Spacing:
    """What `hop_chances` wants of a lattice."""

    def __init__(self, spacing_um: tuple[float, float, float]) -> None:
        self.spacing = spacing_um
