"""Cases of wandering cells: migration proposes, the turnover settles, drift and spread come out as asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.migration import Migration, spread_of
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Array, Check, Outcome, Plot, Series, case
from cordgraft.run.verification.stage import Stage, indices, make_stage, put_cells
from cordgraft.state.cells import CellKind

PERIOD_H = 6.0
#: Width of a voxel in the plane, um; twice that in space.
WIDTH = 50.0
#: Receptor readings of precursors and the width over which they compare.
READINGS, SENSOR_UM = 4e4, 10.0
#: Of 27 degrees.
SINE, COSINE = float(np.sin(np.deg2rad(27.0))), float(np.cos(np.deg2rad(27.0)))


def walkers(
    shape: tuple[int, int, int], kind: CellKind, n: int, along: int, headings: Any = 0, **changes: Any
) -> Stage:
    """Return a stage with `n` cells strewn over a quarter of its width, so thinly that nobody is in the way.

    A voxel offers 240 places and holds some 20 cells at the start. `along` is the first layer in which they start.
    """
    migration = Migration(Migration.Params(pressure_speed=0.0, **changes))
    turnover = CellTurnover(CellTurnover.Params(tissue_share=1.0))
    flat = shape[0] == 1
    spacing = (
        8.0 * WIDTH if flat else 2.0 * WIDTH,
        WIDTH if flat else 2.0 * WIDTH,
        WIDTH if flat else 2.0 * WIDTH,
    )
    stage = make_stage([migration, turnover], shape, spacing, tissue_class="white", tick_h=PERIOD_H, seed=3)
    wide = [max(1, count // 4) for count in shape]
    first = [0 if flat else shape[0] * 3 // 8, shape[1] * 3 // 8, along]
    place = np.arange(n) % (wide[0] * wide[1] * wide[1])
    x, y, z = np.unravel_index(place, (wide[0], wide[1], wide[1]))
    sites = np.ravel_multi_index((x + first[0], y + first[1], z + first[2]), shape)
    put_cells(stage, sites, kind, heading=headings)
    return stage


def moved(stage: Stage, start: Array) -> Any:
    """Return the displacement of every cell : (n, 3) um."""
    return (indices(stage) - start) * np.array(stage.tissue.lattice.spacing_um)


@case(
    "agents",
    "Wandering precursors (1.2 um/h, so D = 120.96 um2/h) on a lattice: mean square displacement 2 D t along every "
    "axis, mean displacement 0.",
    variants=("plane", "space"),
)
def cell_walk(where: str) -> Outcome:
    """Walk two weeks through migration and turnover."""
    shape = (1, 320, 320) if where == "plane" else (64, 64, 64)
    n = 100_000
    stage = walkers(shape, CellKind.PRECURSOR, n, shape[2] * 3 // 8)
    start = indices(stage)
    diffusivity = spread_of(1.2)
    hours, square, sampling, mean = [], [], [], []
    axes = [axis for axis in range(3) if shape[axis] > 1]
    for day in range(1, 15):
        stage.step(4)
        way = moved(stage, start)[:, axes]
        hours.append(24.0 * day)
        square.append((way**2).mean(axis=0))
        sampling.append([allow.of_mean(way[:, a] ** 2) for a in range(len(axes))])
        mean.append(way.mean(axis=0))
    exact = 2.0 * diffusivity * np.array(hours)
    why = f"4 s/sqrt(n), n = {n}; the hops have the exact spread whatever voxel and step"
    why_mean = f"4 sqrt(2 D t/n), n = {n}"
    off = 4.0 * np.sqrt(exact / n)[:, None]
    checks = (
        Check.worst("mean square displacement per axis", "um2", exact[:, None], square, sampling, why),
        Check.worst("mean displacement per axis", "um", 0.0, mean, off, why_mean),
    )
    names = ["xyz"[axis] for axis in axes]
    plot = Plot(
        "time (h)",
        "mean square displacement (um2)",
        [Series.of("2 D t", [0.0, hours[-1]], [0.0, exact[-1]])],
        [
            Series.of(f"{n} cells, along {name}", hours, np.array(square)[:, i])
            for i, name in enumerate(names)
        ],
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Travelling astrocytes that keep their heading: drift v t (88 um/d in white matter) and, round it, the spread "
    "2 D t of a walk of 1.5 um/h; no drift across the cord.",
)
def cell_drift() -> Outcome:
    """Walk ten days and compare mean and variance along and across the cord."""
    n, speed, drift = 100_000, 1.5, 88.0
    stage = walkers(
        (1, 320, 448),
        CellKind.ASTROCYTE,
        n,
        120,
        1,
        traveller_speed=speed,
        traveller_drift=drift,
        persistence=3650.0,
    )
    start = indices(stage)
    diffusivity, tau = spread_of(speed), 3650.0
    days, along, across, var, off_along, off_var = [], [], [], [], [], []
    for day in range(1, 11):
        stage.step(4)
        way = moved(stage, start)
        days.append(float(day))
        along.append(float(way[:, 2].mean()))
        across.append(float(way[:, 1].mean()))
        var.append(float(way[:, 2].var(ddof=1)))
        off_along.append(allow.of_mean(way[:, 2]))
        off_var.append(allow.of_mean((way[:, 2] - way[:, 2].mean()) ** 2))
    t = np.array(days)
    # a traveller draws a new heading at the rate 1/3650 d and then turns round half of the time
    exact = drift * tau * -np.expm1(-t / tau)
    square = 2.0 * drift**2 * tau * (t - tau * -np.expm1(-t / tau))
    spread = 2.0 * diffusivity * 24.0 * t + square - exact**2
    why = f"4 s/sqrt(n), n = {n}; drift and spread of the hops are exact while D dt > v dt (h - v dt)/2, as here"
    why_across = f"4 sqrt(2 D t/n), n = {n}"
    checks = (
        Check.worst("mean displacement along the cord", "um", exact, along, off_along, why),
        Check.worst("variance round it", "um2", spread, var, off_var, why),
        Check.worst(
            "mean displacement across",
            "um",
            0.0,
            across,
            4.0 * np.sqrt(2.0 * diffusivity * 24.0 * t / n),
            why_across,
        ),
    )
    plot = Plot(
        "time (d)",
        "mean displacement along the cord (um)",
        [Series.of("v t", [0.0, t[-1]], [0.0, exact[-1]])],
        [Series.of(f"{n} travelling astrocytes", t, along)],
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Travelling astrocytes that draw a new heading every 10 d on average: mean square displacement along the cord "
    "2 u^2 T (t - T (1 - exp(-t/T))) + 2 D t, u = 88 um/d.",
)
def cell_persistence() -> Outcome:
    """Walk 20 days from headings of both signs."""
    n, speed, drift, tau, step_d = 50_000, 1.5, 88.0, 10.0, PERIOD_H / 24.0
    headings = np.tile([1, -1], n // 2)
    stage = walkers(
        (1, 320, 448),
        CellKind.ASTROCYTE,
        n,
        184,
        headings,
        traveller_speed=speed,
        traveller_drift=drift,
        persistence=tau,
    )
    start = indices(stage)
    days, square, sampling = [], [], []
    for turn in range(1, 11):
        stage.step(8)
        way = moved(stage, start)[:, 2]
        days.append(2.0 * turn)
        square.append(float((way**2).mean()))
        sampling.append(allow.of_mean(way**2))
    t = np.array(days)
    spread = 2.0 * spread_of(speed) * 24.0 * t

    def law(at: Any) -> Any:
        return 2.0 * drift**2 * tau * (at - tau * -np.expm1(-at / tau))

    # a heading is kept for a whole step: the sum over steps in place of the integral, both in closed form
    kept, steps = np.exp(-step_d / tau), t / step_d
    summed = steps * (1.0 + kept) / (1.0 - kept) - 2.0 * kept * (1.0 - kept**steps) / (1.0 - kept) ** 2
    stepwise = np.abs((drift * step_d) ** 2 * summed - law(t))
    why = f"4 s/sqrt(n), n = {n}; headings are kept for steps of {PERIOD_H:g} h: closed sum, {stepwise[-1]:.2g} um2"
    check = Check.worst(
        "mean square displacement along the cord",
        "um2",
        law(t) + spread,
        square,
        np.array(sampling) + stepwise,
        why,
    )
    fine = np.linspace(0.0, t[-1], 100)
    plot = Plot(
        "time (d)",
        "mean square displacement (um2)",
        [Series.of("closed form", fine, law(fine) + 48.0 * spread_of(speed) * fine)],
        [Series.of(f"{n} travelling astrocytes", t, square)],
    )
    return Outcome((check,), plot)


def read_share(cue: Any, steepness: Any) -> Any:
    """Return ``B = s^2/(1 + s^2)``, ``s = w (|grad c|/c) sqrt(N c)/(1 + c)``."""
    ratio = SENSOR_UM * steepness / cue * np.sqrt(READINGS * cue) / (1.0 + cue)
    return ratio**2 / (1.0 + ratio**2)


@case(
    "coupled",
    "Precursors drawn up a field c = tan^2(p) with p rising by 1/(4000 um), in which SNR = w (|grad c|/c) "
    "sqrt(N c)/(1 + c) is 1 at any place: drift B v t, B = 1/2, v = 11.2 um/h, up the gradient and none across, and "
    "round it the spread 2 D t of their walk (2 um/h).",
    variants=("plane, along the cord", "plane, at 27 degrees", "space, oblique"),
)
def cell_attraction(variant: str) -> Outcome:
    """Walk four days in the field, held as it is, and compare mean and variance up the gradient and across it."""
    direction, across = {
        "plane, along the cord": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
        "plane, at 27 degrees": ((0.0, SINE, COSINE), (0.0, COSINE, -SINE)),
        "space, oblique": ((2.0 / 7.0, 3.0 / 7.0, 6.0 / 7.0), (3.0 / 7.0, -6.0 / 7.0, 2.0 / 7.0)),
    }[variant]
    shape = (1, 120, 120) if variant.startswith("plane") else (60, 60, 60)
    n, speed, pace = 100_000, 11.2, 2.0
    stage = walkers(
        shape,
        CellKind.PRECURSOR,
        n,
        shape[2] * 3 // 8,
        precursor_speed=pace,
        attracted_speed=speed,
        sensing_width=SENSOR_UM,
        sensing_samples=READINGS,
    )
    tissue = stage.tissue
    along = sum(part * centres for part, centres in zip(direction, tissue.lattice.centres_um(), strict=True))
    phase = 0.25 * np.pi + along / (2.0 * SENSOR_UM * np.sqrt(READINGS))
    cue = np.tan(np.clip(phase, 0.01, 1.56)) ** 2  # no cell comes to where it is clipped
    tissue["field.cxcl12"][...] = cue
    tissue.set_scalar("cxcl12_released", 1.0)
    start, ways, seen = indices(stage), [], np.zeros(shape, dtype=bool)
    for _ in range(4):
        stage.step(4)
        seen[tuple(indices(stage).T)] = True
        way = moved(stage, start)
        ways.append([(way * np.array(unit)).sum(axis=1) for unit in (direction, across)])
    t = 24.0 * np.arange(1.0, 5.0)
    # what central differences make of the field, wherever a cell was at the end of a day
    slopes = np.zeros((3, *shape))
    for axis in range(3):
        if shape[axis] > 1:
            slopes[axis] = np.gradient(cue, tissue.lattice.spacing_um[axis], axis=axis)
    slopes = slopes[:, seen]
    steepness = np.sqrt((slopes**2).sum(axis=0))
    velocity = speed * read_share(cue[seen], steepness) * slopes / steepness
    wrong = [
        float(np.abs(sum(part * v for part, v in zip(unit, velocity, strict=True)) - wanted).max())
        for unit, wanted in ((direction, 0.5 * speed), (across, 0.0))
    ]
    spread = 2.0 * spread_of(pace) * t
    exact = 0.5 * speed * t
    checks = []
    for axis, (name, mean) in enumerate((("up the gradient", exact), ("across it", 0.0 * t))):
        found = [float(way[axis].mean()) for way in ways]
        sampling = np.array([allow.of_mean(way[axis]) for way in ways])
        why = f"4 s/sqrt(n), n = {n}; central differences, at most {wrong[axis]:.2g} um/h where cells were"
        checks.append(Check.worst(f"mean way {name}", "um", mean, found, sampling + wrong[axis] * t, why))
    square = [float(way[0].var(ddof=1)) for way in ways]
    noise = np.array([allow.of_mean((way[0] - way[0].mean()) ** 2) for way in ways])
    # cells at places of different error drift apart by twice that at most
    apart = 2.0 * wrong[0] * t * (2.0 * np.sqrt(spread) + 2.0 * wrong[0] * t)
    why = f"4 s/sqrt(n), n = {n}; the hops have the exact spread; drifts that differ by {2.0 * wrong[0]:.2g} um/h"
    checks.append(Check.worst("variance up the gradient", "um2", spread, square, noise + apart, why))
    plot = Plot(
        "time (h)",
        "mean way up the gradient (um)",
        [Series.of("B v t", [0.0, t[-1]], [0.0, exact[-1]])],
        [Series.of(f"{n} precursors, {variant}", t, [float(way[0].mean()) for way in ways])],
    )
    return Outcome(tuple(checks), plot)


@case(
    "agents",
    "Places in a full voxel: of 6 claims on 2 places exactly 2 win, each with the probability 1/3, whatever the "
    "identity of the claimant.",
)
def fair_places() -> Outcome:
    """Let six cells claim two places in each of 20,000 voxels."""
    from cordgraft.kernels.cell import Draw
    from cordgraft.kernels.cell_places import settle

    voxels, claims, vacant = 20_000, 6, 2
    target = np.repeat(np.arange(voxels), claims)
    identity = np.arange(1, target.size + 1, dtype=np.uint64)
    draw = Draw(np.uint64(5), 12, 6.0, 1.0)
    births = np.zeros(target.size, dtype=np.int64)
    granted = settle(target, identity, births, np.full(voxels, vacant, dtype=np.int64), draw).reshape(
        voxels, claims
    )
    share = granted.mean(axis=0)
    chance = vacant / claims
    checks = (
        Check.worst(
            "places given in a voxel",
            "cells",
            vacant,
            granted.sum(axis=1),
            0.0,
            "a hard bound: no error is allowed",
        ),
        Check.worst(
            "share of claims that win, by order of identity",
            "1",
            chance,
            share,
            allow.of_share(chance, voxels),
            f"4 sqrt(p (1 - p)/n) + 1/n, n = {voxels}",
        ),
    )
    place = np.arange(1, claims + 1)
    plot = Plot(
        "claimant, by order of identity (number)",
        "share of claims that win (1)",
        [Series.of("2/6", [1, claims], [chance, chance])],
        [Series.of(f"{voxels} voxels", place, share)],
    )
    return Outcome(checks, plot)
