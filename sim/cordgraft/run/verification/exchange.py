"""Coupled cases of amounts: what cells secrete, and what tissue takes up, with the processes of a run."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.division import Division
from cordgraft.processes.hindrance import Hindrance
from cordgraft.processes.migration import Migration
from cordgraft.processes.oxygen import Oxygen
from cordgraft.processes.secretion import Secretion
from cordgraft.processes.survival import Survival
from cordgraft.processes.transport import Transport
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.stage import make_stage, put_cells
from cordgraft.run.verification.superposition import factor_of
from cordgraft.state.cells import CellKind

#: Settings of transport by variant: solver, tissue contrast, coarsening (0: chosen), step (None: chosen).
WAYS: dict[str, tuple[str, bool, int, float | None]] = {
    "box, spectral": ("spectral", False, 1, 1.0),
    "cord, sdirk2": ("sdirk2", True, 1, 1.0),
    "cord, rkl2": ("rkl2", True, 1, 1.0),
    "cord, as chosen": ("auto", True, 0, None),
}


def round_cord(shape: tuple[int, int, int]) -> Any:
    """Return a mask that narrows towards one end of a section, so that the edge cuts across the axes : shape."""
    _, ny, nz = shape
    y = (np.arange(ny) + 0.5) / ny - 0.5
    wide = 0.25 + 0.2 * np.cos(np.pi * np.arange(nz) / nz)
    return (np.abs(y)[None, :, None] <= wide[None, None, :]).astype(np.float64)


@case(
    "coupled",
    "Cells that move, divide and die secrete a decaying factor: its amount is the sum over ticks of N(t) s "
    "(1 - exp(-k dt))/k exp(-k (T - t)), in a box and in a cord of white and grey matter with closed edges.",
    variants=tuple(WAYS),
)
def secreted_amount(variant: str) -> Outcome:
    """Count the cells before each tick and compare the amount of the factor after it."""
    solver, contrast, coarsening, step = WAYS[variant]
    shape, spacing, ticks = (1, 48, 96), 50.0, 96
    cord = None if variant.startswith("box") else round_cord(shape)
    secretion = Secretion()
    transport = Transport(
        Transport.Params(
            solver=solver,
            contrast=contrast,
            coarsening=coarsening,
            step=step,
            tolerance=allow.TOLERANCE,
            edge="closed",
        )
    )
    cells = [
        Survival(),
        Division(Division.Params(rate=4.0)),
        Migration(),
        CellTurnover(CellTurnover.Params(tissue_share=1.0)),
    ]
    stage = make_stage(
        [Hindrance(), secretion, transport, *cells], shape, (spacing,) * 3,
        tissue_class="white", cord=cord, periods_h={p.name: 6.0 for p in cells},
    )  # fmt: skip
    tissue = stage.tissue
    half = tissue["map.cord"] * (np.arange(96) < 40)
    tissue["fraction.grey"][...] = half
    tissue["fraction.white"][...] -= half
    inside = np.flatnonzero(tissue["map.cord"])
    put_cells(stage, inside[np.arange(600) * 7 % inside.size], CellKind.PRECURSOR)
    p = secretion.params
    decay = log(2.0) / p.half_life
    rate = p.output * p.precursor_output / (spacing**3 * 1e-15) / (p.affinity * 1e-9)
    plan = transport.plans["trophic"]
    kept = float(np.exp(-decay))
    periods = max(1, round(plan.step_h))
    made = factor_of("sdirk2" if plan.solver == "sdirk2" else "spectral")
    if plan.solver == "rkl2":
        made = factor_of("rkl2", 2)  # the fewest stages have the largest error for a slow decay
    per_step = float(made(np.array([-decay * periods]))[0])
    exact, found, hours, allowed, number = [], [], [], [], []
    amount = before = off = 0.0
    in_step: list[float] = []
    for tick in range(1, ticks + 1):
        n = len(tissue.cells)
        number.append(n)
        in_step.append(n * rate)
        amount = amount * kept + n * rate * (1.0 - kept) / decay
        stage.step()
        if tick % periods:
            continue
        # balance of the amount over one step: R(-k dt) in place of exp(-k dt), and the mean of the step for its ticks
        mean, span = float(np.mean(in_step)), decay * periods
        off = off * per_step + abs(per_step - kept**periods) * abs(before - mean / decay)
        off += float(np.ptp(in_step)) * periods * span / 4.0
        before = amount
        in_step = []
        values = tissue["lattice.trophic"]
        whole = float(np.prod(plan.lattice.factors))
        hours.append(float(tick))
        exact.append(amount)
        found.append(float(np.sum(values * plan.lattice.volume)) * whole)
        allowed.append(
            off + amount * (64.0 * allow.UNIT * tissue.lattice.size + 2.0 * allow.TOLERANCE) * tick
        )
    lattice = "x".join(str(f) for f in plan.lattice.factors)
    why = (
        f"decay alone: |R(-k dt) - exp(-k dt)| a step of {periods} h ({plan.solver}, blocks {lattice}), "
        "cells that change within a step, rounding"
    )
    check = Check.worst("amount of the factor", "K_d voxels", exact, found, allowed, why)
    plot = Plot(
        "time (h)",
        "amount of the factor (K_d voxels)",
        [Series.of("integral of the balance", hours, exact)],
        [Series.of(f"{variant}; {number[0]} to {number[-1]} cells", hours[::4], found[::4])],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Oxygen along a cord of grey matter whose vessels are halved on one side: balance of spread, supply and "
    "saturating uptake against a collocation solution (SciPy solve_bvp, tolerance 1e-9).",
    variants=("relaxation", "multigrid"),
)
def oxygen_supply(solver: str) -> Outcome:
    """Solve with the oxygen process and compare the profile."""
    from scipy.integrate import solve_bvp

    n, h, tolerance, half_vessels = 256, 2.5, 1e-10, 0.5
    oxygen = Oxygen(Oxygen.Params(tolerance=tolerance, solver=solver))
    stage = make_stage([oxygen], (1, 1, n), (h,) * 3)
    vessels = np.where(np.arange(n) < n // 2, 1.0, half_vessels)
    stage.tissue["density.vessels"][...] = vessels
    stage.step()
    found = stage.tissue["field.oxygen"][0, 0]
    p = oxygen.params
    d, q, km, blood = p.diffusivity, p.grey_uptake, p.michaelis, p.rest + p.capillary_difference
    supply = q * p.rest / ((p.rest + km) * p.capillary_difference)
    end = n * h / 2.0

    def bend(c: Any, v: float) -> Any:
        return (q * c / (c + km) - supply * v * (blood - c)) / d

    # both sides as functions of the distance from the interface
    def slope(x: Any, y: Any) -> Any:
        return np.vstack((y[1], bend(y[0], 1.0), y[3], bend(y[2], half_vessels)))

    def ends(low: Any, high: Any) -> Any:
        return np.array([low[0] - low[2], low[1] + low[3], high[1], high[3]])

    grid = np.linspace(0.0, end, 801)
    start = np.vstack((np.full(801, 20.0), np.zeros(801), np.full(801, 12.0), np.zeros(801)))
    reference = solve_bvp(slope, ends, grid, start, tol=1e-9, max_nodes=200_000)
    assert reference.success
    x = h * (np.arange(n) + 0.5) - end
    exact = np.where(x < 0.0, reference.sol(np.abs(x))[0], reference.sol(np.abs(x))[2])
    values = reference.sol(np.linspace(0.0, end, 4001))
    bends = [bend(values[0], 1.0), bend(values[2], half_vessels)]
    fourth = 0.0
    for level, tangent, second, v in (
        (values[0], values[1], bends[0], 1.0),
        (values[2], values[3], bends[1], half_vessels),
    ):
        rise = (q * km / (level + km) ** 2 + supply * v) / d
        fourth = max(
            fourth, float(np.max(np.abs(rise * second - 2.0 * q * km / (level + km) ** 3 / d * tangent**2)))
        )
    inner = d * h**2 / 12.0 * fourth / (supply * half_vessels)
    jump = h**2 / 8.0 * abs(float(bends[0][0] - bends[1][0]))
    stiff = 2.0 * d / h**2 + supply + q / km
    allowed = inner + jump + tolerance * stiff / (supply * half_vessels) + 1e-6
    why = f"max. principle: D h^2/12 p''''/(P V) + h^2/8 of the jump of p'', h = {h:g} um; solver; 1e-6 of solve_bvp"
    check = Check.worst("pressure in every voxel", "mmHg", exact, found, allowed, why)
    near = np.abs(x) <= 150.0
    plot = Plot(
        "distance from the border of the vessels (um)",
        "oxygen (mmHg)",
        [Series.of("solve_bvp", x[near], exact[near])],
        [Series.of(f"oxygen process, {solver}", x[near][::5], found[near][::5])],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Both ways: packed cells take up oxygen, oxygen falls, cells die, oxygen rises. Against N' = -0.3/d "
    "(1 - p(N)/7.5 mmHg) N, p(N) the root of supply = uptake (SciPy solve_ivp, tolerance 1e-10).",
)
def cells_and_oxygen() -> Outcome:
    """Run oxygen, survival and turnover for 20 d from full voxels."""
    from scipy.integrate import solve_ivp

    shape, spacing, vessels, step_d = (1, 48, 48), 50.0, 0.03, 1.0 / 24.0
    oxygen = Oxygen(Oxygen.Params(tolerance=1e-6))
    hazard = Survival(Survival.Params(handling=0.0, background=0.0))
    every = {"survival": 1.0, "cell_turnover": 1.0}
    stage = make_stage(
        [oxygen, hazard, CellTurnover()],
        shape,
        (spacing,) * 3,
        tissue_class="necrosis",
        before="grey",
        periods_h=every,
    )
    tissue = stage.tissue
    tissue["density.vessels"][...] = vessels
    per_voxel = int(tissue["density.cell_places"].min())
    n = per_voxel * tissue.lattice.size
    put_cells(stage, np.repeat(np.arange(tissue.lattice.size), per_voxel), CellKind.NEURON)
    days, share, pressure = [], [], []
    for _ in range(40):
        stage.step(12)
        days.append(stage.tick * step_d)
        share.append(len(tissue.cells) / n)
        pressure.append(float(tissue["field.oxygen"].mean()))
    p, h = oxygen.params, hazard.params
    blood, km = p.rest + p.capillary_difference, p.michaelis
    supply = vessels * p.grey_uptake * p.rest / ((p.rest + km) * p.capillary_difference)
    # mol/s of a cell over its share of the voxel (m3) and the solubility
    packed = per_voxel * p.cell_uptake / (spacing**3 * 1e-18) / p.solubility

    def level(s: Any) -> Any:
        half = 0.5 * (packed * s + supply * (km - blood))
        return (-half + np.sqrt(half**2 + supply**2 * blood * km)) / supply

    def rate(s: Any) -> Any:
        return h.hypoxia * np.maximum(0.0, 1.0 - level(s) / h.critical_oxygen)

    t = np.array(days)
    solved = solve_ivp(
        lambda _, s: -rate(s) * s,
        (0.0, float(t[-1])),
        [1.0],
        t_eval=t,
        rtol=1e-10,
        atol=1e-12,
        method="LSODA",
    )
    exact = solved.y[0]
    # hazards are those of the beginning of a step: sum of dt^2/2 h' = (dt/2) times the change of h
    frozen = 0.5 * step_d * np.abs(rate(exact) - rate(1.0)) * exact
    # cells die at random; oxygen averages over 4 pi l^2 (of its kernel in the plane). Where h(N) is bent the mean
    # moves by h'' var/2, and at its kink at 7.5 mmHg, where only the side short of oxygen dies, by sd/sqrt(2 pi)
    area = (
        4.0 * np.pi * p.diffusivity / (supply + packed * exact * km / (level(exact) + km) ** 2) / spacing**2
    )
    variance = exact * (1.0 - exact) / (per_voxel * area)
    u = np.linspace(float(exact.min()), 1.0, 400)
    bent = float(np.max(np.abs(np.gradient(np.gradient(rate(u) * u, u), u)[2:-2])))
    uneven = 0.5 * bent * t * variance + np.sqrt(variance / (2.0 * np.pi))
    allowed = allow.of_share(exact, n) + frozen + uneven + 1e-9
    why = (
        f"4 sqrt(S (1 - S)/n), n = {n}; hazards frozen for 1 h: (dt/2) change of h; deaths uneven over the "
        f"{per_voxel * area.min():.0f} cells of 4 pi l^2 and more: h'' var t/2 + sd/sqrt(2 pi)"
    )
    checks = (Check.worst("share of survivors", "1", exact, share, allowed, why),)
    plot = Plot(
        "time (d)",
        "share of survivors; oxygen/10 mmHg (1)",
        [
            Series.of("survivors, closed balance", t, exact),
            Series.of("oxygen/10 mmHg", t, level(exact) / 10.0),
        ],
        [
            Series.of(f"{n} cells", t[::2], share[::2]),
            Series.of("mean field/10 mmHg", t[::2], np.array(pressure[::2]) / 10.0),
        ],
    )
    return Outcome(checks, plot)
