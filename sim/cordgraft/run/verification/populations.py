"""Cases of births, deaths and fates: waiting times, growth, a full voxel, and the shares of fates."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from cordgraft.core.contract import Key
from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.division import Division
from cordgraft.processes.fate import Fate, leanings
from cordgraft.processes.survival import Survival
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.stage import make_stage, put_cells
from cordgraft.state.cells import CellKind
from cordgraft.state.lines import LINES

#: Place in the catalogue of the line that is used: no residual cells, no instability.
LINE = 0


@case(
    "agents",
    "Time to the first division of undifferentiated cells, one a voxel (doubling time T = 8 d): exponential, "
    "P(t) = 1 - 2^(-t/T), in steps of 6 h.",
)
def division_time() -> Outcome:
    """Compare the distribution of waiting times."""
    n, doubling = 160_000, LINES[LINE].undifferentiated_doubling.value
    stage = make_stage(
        [Division(), CellTurnover()], (1, 400, 400), (50.0,) * 3, tissue_class="necrosis", tick_h=6.0
    )
    put_cells(stage, np.arange(n), CellKind.UNDIFFERENTIATED, line=LINE)
    division = stage.pipeline.rows[0].process
    first = np.full(n, np.inf)
    table = stage.tissue.cells
    days = []
    for tick in range(160):
        division.step(stage.tissue, Key(5, tick, 6.0))
        due = (table["daughters"] > 0) & ~np.isfinite(first)
        first[due] = (tick + 1) * 0.25
        days.append((tick + 1) * 0.25)
        table["daughters"][...] = 0
        table["division_target"][...] = -1
    t = np.array(days)
    share = np.searchsorted(np.sort(first), t, side="right") / n
    exact = 1.0 - 2.0 ** (-t / doubling)
    why = f"Dvoretzky-Kiefer-Wolfowitz, n = {n}; at the ends of steps the law is exact"
    check = Check.worst("distribution of waiting times", "1", exact, share, allow.of_distribution(n), why)
    plot = Plot(
        "time (d)",
        "share of cells that have divided (1)",
        [Series.of("1 - 2^(-t/T)", t, exact)],
        [Series.of(f"{n} cells", t[3::8], share[3::8])],
    )
    return Outcome((check,), plot)


@case(
    "agents",
    "Unlimited growth of undifferentiated cells (doubling time T = 8 d) through division and turnover: a birth "
    "process, mean n 2^(t/T), variance n 2^(t/T) (2^(t/T) - 1).",
)
def division_growth() -> Outcome:
    """Grow 16,384 founders in vast voxels for three weeks."""
    founders, doubling, spacing = 16_384, LINES[LINE].undifferentiated_doubling.value, 400.0
    division = Division()
    stage = make_stage(
        [division, CellTurnover()], (1, 32, 32), (spacing,) * 3, tissue_class="necrosis", tick_h=6.0
    )
    put_cells(stage, np.arange(founders) % 1024, CellKind.UNDIFFERENTIATED, line=LINE)
    days, count = [], []
    for day in range(1, 22):
        stage.step(4)
        days.append(float(day))
        count.append(float(len(stage.tissue.cells)))
    t = np.array(days)
    grown = 2.0 ** (t / doubling)
    exact = founders * grown
    # others in the voxel hold division back: (n - 1)/(c K) of the rate, at its highest over the whole time
    capacity = float(stage.tissue["density.cell_capacity"].min())
    held = log(2.0) * t / doubling * (founders / 1024.0 * grown) / (4.0 * capacity)
    allowed = 4.0 * np.sqrt(founders * grown * (grown - 1.0)) + held * exact
    why = f"4 sqrt(n 2^(t/T) (2^(t/T) - 1)); crowding in a voxel of {capacity:.0f} places: ln2 (t/T) n/(4 K)"
    check = Check.worst("number of cells", "cells", exact, count, allowed, why)
    plot = Plot(
        "time (d)",
        "number of cells (cells)",
        [Series.of("n 2^(t/T)", np.append(0.0, t), np.append(founders, exact))],
        [Series.of("division and turnover", t, count)],
        scale="log y",
    )
    return Outcome((check,), plot)


def birth_chain(rate: float, capacity: float, places: int, start: int, times: Any) -> Any:
    """Return the mean number per voxel of the birth process ``n r (1 - (n - 1)/K)`` up to `places` : (times,)."""
    from scipy.linalg import expm

    n = np.arange(start, places + 1)
    birth = np.where(n < places, rate * n * np.maximum(0.0, 1.0 - (n - 1.0) / capacity), 0.0)
    flow = np.diag(-birth) + np.diag(birth[:-1], -1)
    first = np.zeros(n.size)
    first[0] = 1.0
    return np.array([float(np.sum(n * expm(flow * time)[:, 0])) for time in times])


@case(
    "agents",
    "Crowded division in 1024 separate voxels: births at n r (1 - (n - 1)/K) with K = 30 places, at most K: the "
    "logistic birth chain (matrix exponential), which ends at the capacity.",
)
def carrying_capacity() -> Outcome:
    """Fill the voxels from 6 cells each."""
    factor, step_h, start = 10.0, 0.25, 6
    shape = (1, 64, 64)
    cord = np.zeros(shape)
    cord[:, ::2, ::2] = 1.0
    division = Division(Division.Params(rate=factor, precursor_slowing=3650.0))
    periods = {"division": step_h, "cell_turnover": step_h}
    stage = make_stage(
        [division, CellTurnover()], shape, (50.0,) * 3,
        tissue_class="necrosis", cord=cord, tick_h=step_h, periods_h=periods,
    )  # fmt: skip
    sites = np.repeat(np.flatnonzero(cord), start)
    put_cells(stage, sites, CellKind.PRECURSOR, line=LINE)
    voxels = int(cord.sum())
    capacity = float(stage.tissue["density.cell_capacity"].max())
    places = int(stage.tissue["density.cell_places"].max())
    rate = factor * log(2.0) / (24.0 * LINES[LINE].precursor_doubling.value)
    hours, mean, sampling = [0.0], [float(start)], [0.0]
    for _ in range(20):
        stage.step(24)
        held = stage.tissue["density.cells"][cord > 0]
        hours.append(stage.tick * step_h)
        mean.append(float(held.mean()))
        sampling.append(allow.of_mean(held))
    t = np.array(hours)
    exact = birth_chain(rate, capacity, places, start, t)
    full = 1.0 - start / (capacity + 1.0)
    # the rate is frozen for a step: (r dt/2) x (1 - x) ln(1 + x0 (e^(r t) - 1)) of the logistic curve, times K + 1
    x = 1.0 / (1.0 + full / (1.0 - full) * np.exp(-rate * t))
    frozen = (
        0.5 * rate * step_h * x * (1.0 - x) * np.log1p((1.0 - full) * np.expm1(rate * t)) * (capacity + 1.0)
    )
    # where a voxel is full to the last place the chain is left behind by at most one cell of the last births
    slowed = rate * t * t / (2.0 * 24.0 * 3650.0) * x * (1.0 - x) * (capacity + 1.0)
    why = f"4 s/sqrt(n), n = {voxels} voxels; rates frozen for {step_h:g} h: (r dt/2) x (1 - x) ln(1 + x0 (e^rt - 1)) K"
    bare = 0.5 / voxels
    checks = (
        Check.worst("cells per voxel", "cells", exact, mean, np.array(sampling) + frozen + slowed + bare, why),
        Check(
            "most cells in a voxel", "cells", float(places),
            float(stage.tissue["density.cells"].max()), 0.0, "a hard bound: no error is allowed",
        ),
    )  # fmt: skip
    fine = np.linspace(0.0, t[-1], 60)
    plot = Plot(
        "time (h)",
        "cells per voxel (cells)",
        [
            Series.of("logistic birth chain", fine, birth_chain(rate, capacity, places, start, fine)),
            Series.of("capacity", fine[[0, -1]], [capacity, capacity]),
        ],
        [Series.of(f"{voxels} voxels", t, mean)],
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Survival after grafting through hazard and turnover: S(t) = exp(-(h T (1 - exp(-t/T)) + b t)), handling "
    "h = 1/d fading with T = 3.5 d, background b = 0.02/d.",
)
def survival() -> Outcome:
    """Compare the share of survivors over two weeks."""
    n, background = 200_000, 0.02
    hazard = Survival(Survival.Params(background=background))
    stage = make_stage(
        [hazard, CellTurnover()], (1, 128, 128), (50.0,) * 3, tissue_class="necrosis", tick_h=6.0
    )
    put_cells(stage, np.arange(n) % 16_384, CellKind.NEURON, line=LINE)
    p = hazard.params
    days, share = [], []
    for _ in range(56):
        stage.step()
        days.append(stage.tick * 0.25)
        share.append(len(stage.tissue.cells) / n)
    t = np.array(days)
    law = _survivors(p, t)
    why = f"4 sqrt(S (1 - S)/n) + 1/n, n = {n}; the hazard is integrated in closed form, so the step adds nothing"
    check = Check.worst("share of survivors", "1", law, share, allow.of_share(law, n), why)
    plot = Plot(
        "time after grafting (d)",
        "share of survivors (1)",
        [Series.of("closed form", np.append(0.0, t), np.append(1.0, law))],
        [Series.of(f"{n} cells", t[3::4], share[3::4])],
    )
    return Outcome((check,), plot)


def _survivors(p: Any, t: Any, lack: Any = 0.0) -> Any:
    handling = p.handling * p.handling_time * -np.expm1(-t / p.handling_time)
    return np.exp(-handling - (p.background + p.hypoxia * lack) * t)


@case(
    "coupled",
    "Death where oxygen lacks: cells over an even rise of oxygen from 0 to 12 mmHg die at 0.3 (1 - p/7.5) per day "
    "below 7.5 mmHg beside the other hazards; survivors after 5 days by place.",
)
def hypoxia() -> Outcome:
    """Compare survivors in columns of equal oxygen."""
    per_column, columns = 7680, 48
    hazard = Survival()
    stage = make_stage(
        [hazard, CellTurnover()], (1, 256, columns), (50.0,) * 3, tissue_class="necrosis", tick_h=6.0
    )
    pressure = np.linspace(0.0, 12.0, columns)
    stage.tissue["field.oxygen"][...] = pressure
    sites = np.tile(np.arange(256 * columns), per_column // 256)
    put_cells(stage, sites, CellKind.NEURON, line=LINE)
    days = 5.0
    stage.step(20)
    share = stage.tissue["density.cells"].sum(axis=(0, 1)) / per_column
    exact = _survivors(hazard.params, days, np.maximum(0.0, 1.0 - pressure / hazard.params.critical_oxygen))
    why = f"4 sqrt(S (1 - S)/n) + 1/n, n = {per_column} cells at each pressure"
    check = Check.worst("share of survivors", "1", exact, share, allow.of_share(exact, per_column), why)
    plot = Plot(
        "oxygen (mmHg)",
        "share of survivors after 5 d (1)",
        [Series.of("closed form", pressure, exact)],
        [Series.of(f"{per_column} cells each", pressure, share)],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Fates: precursors commit with a half-life of 14 d to neuron, astrocyte or oligodendrocyte in the odds of their "
    "line, the astrocyte's times exp(J), J = c^2/(c^2 + 0.2^2) of the TNF-like field; binomial shares.",
)
def fates() -> Outcome:
    """Let single cells commit for 28 d at five levels of the field."""
    per_level = 8192
    levels = np.array([0.0, 0.1, 0.2, 0.4, 1.0])
    fate = Fate()
    stage = make_stage([fate, CellTurnover()], (5, 128, 64), (50.0,) * 3, tissue_class="necrosis", tick_h=6.0)
    stage.tissue["field.tnf"][...] = levels[:, None, None]
    put_cells(stage, np.arange(5 * per_level), CellKind.PRECURSOR, line=LINE)
    stage.step(4 * 28)
    table = stage.tissue.cells
    level = table["site"] // per_level
    odds = np.tile(leanings()[LINE], (levels.size, 1))
    odds[:, 1] *= np.exp(levels**2 / (levels**2 + 0.04))
    exact = odds / odds.sum(axis=1, keepdims=True)
    committed = 1.0 - 0.5 ** (28.0 / fate.params.commitment_half_life)
    kinds = (CellKind.NEURON, CellKind.ASTROCYTE, CellKind.OLIGODENDROCYTE)
    count = np.array(
        [[np.sum((level == row) & (table["kind"] == kind)) for kind in kinds] for row in range(levels.size)]
    )
    total = count.sum(axis=1)
    share = count / total[:, None]
    checks = (
        Check.worst(
            "share of fates", "1", exact, share, allow.of_share(exact, total[:, None]),
            "4 sqrt(p (1 - p)/n) + 1/n, n committed cells at each level",
        ),
        Check.worst(
            "share of committed cells", "1", committed, total / per_level, allow.of_share(committed, per_level),
            f"4 sqrt(p (1 - p)/n) + 1/n, n = {per_level}",
        ),
    )  # fmt: skip
    fine = np.linspace(0.0, 1.0, 100)
    curve = np.tile(leanings()[LINE], (fine.size, 1))
    curve[:, 1] *= np.exp(fine**2 / (fine**2 + 0.04))
    curve /= curve.sum(axis=1, keepdims=True)
    names = ("neurons", "astrocytes", "oligodendrocytes")
    plot = Plot(
        "TNF-like field (1)",
        "share of committed cells (1)",
        [Series.of(name, fine, curve[:, i]) for i, name in enumerate(names)],
        [Series.of(f"{name}, computed", levels, share[:, i]) for i, name in enumerate(names)],
    )
    return Outcome(checks, plot)
