"""Cases on a line with open ends: fixed values (CompuCell3D, py-pde) and a flux.

Where both ends are held, the cosines of the lattice are sines ``sin(m pi (i + 1/2)/n)`` with the rates
``(2 D/h^2)(1 - cos(m pi/n))``: the half voxel between the last centre and the end makes them exact. So the error is
known sine by sine, and the sum of its absolute values is allowed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Array, Check, Outcome, Plot, Series, case
from cordgraft.run.verification.superposition import factor_of

#: Sines of the exact series.
TERMS = 2000


def held_line(n: int, length: float, diffusivity: float, low: float, high: float) -> Any:
    """Return the medium of a line along z whose ends are held at two values.

    An edge has one value everywhere, so the inflow through the other end is set by itself.
    """
    from cordgraft.kernels.medium import Edge, make_medium

    h = length / n
    medium = make_medium(np.ones((1, 1, n)), (h, h, h), diffusivity, 0.0, Edge.fixed(1.0), "z")
    assert medium.inflow is not None
    inflow = medium.inflow * high
    inflow[0, 0, 0] = medium.inflow[0, 0, 0] * low
    return replace(medium, inflow=inflow)


def sines(length: float, low: float, high: float, start: float) -> Array:
    """Return the coefficients of ``start`` minus the steady line for ``sin(m pi x/L)``, m = 1 .. : (TERMS,)."""
    m = np.arange(1, TERMS + 1)
    ends = (start - low) - (start - high) * (-1.0) ** m
    return np.asarray(2.0 / (m * np.pi) * ends)


def exact_means(
    n: int, length: float, diffusivity: float, ends: tuple[float, float], start: float, t: float
) -> Array:
    """Return the exact mean of every voxel after the time `t` : (n,)."""
    m = np.arange(1, TERMS + 1)
    place = (np.arange(n) + 0.5) / n
    fading = (
        sines(length, *ends, start)
        * np.sinc(m / (2.0 * n))
        * np.exp(-diffusivity * (m * np.pi / length) ** 2 * t)
    )
    line = ends[0] + (ends[1] - ends[0]) * place
    return np.asarray(line + np.sum(fading[:, None] * np.sin(np.outer(m, np.pi * place)), axis=0))


def known_error(
    n: int,
    length: float,
    diffusivity: float,
    ends: tuple[float, float],
    start: float,
    dt: float,
    steps: int,
    factor: Any,
) -> float:
    """Return the sum over sines of |lattice and step - exact| after `steps` steps of `dt`."""
    m = np.arange(1, n)
    place = (np.arange(n) + 0.5) / n
    line = ends[0] + (ends[1] - ends[0]) * place
    of_lattice = 2.0 / n * np.sum((start - line) * np.sin(np.outer(m, np.pi * place)), axis=1)
    h = length / n
    fall_h = 2.0 * diffusivity / h**2 * (1.0 - np.cos(np.pi * m / n))
    every = np.arange(1, TERMS + 1)
    fall = diffusivity * (every * np.pi / length) ** 2
    exact = sines(length, *ends, start) * np.sinc(every / (2.0 * n)) * np.exp(-fall * dt * steps)
    kept = of_lattice * factor(-fall_h * dt) ** steps
    return float(np.sum(np.abs(kept - exact[: n - 1])) + np.sum(np.abs(exact[n - 1 :])))


def _transient(
    solver: str, n: int, length: float, diffusivity: float, ends: tuple[float, float], start: float,
    dt: float, stops: tuple[int, ...], labels: tuple[str, str, str],
) -> Outcome:  # fmt: skip
    from cordgraft.kernels.solvers import make_solver

    medium = held_line(n, length, diffusivity, *ends)
    made: Any = make_solver(solver, medium, allow.TOLERANCE)
    factor = factor_of(solver, made.stages(dt) if solver == "rkl2" else 0)
    field = np.full((1, 1, n), start)
    x = (np.arange(n) + 0.5) * length / n
    checks, curves, points, now = [], [], [], 0
    for stop in stops:
        while now < stop:
            made.advance(field, None, dt)
            now += 1
        t = now * dt
        exact = exact_means(n, length, diffusivity, ends, start, t)
        allowed = known_error(n, length, diffusivity, ends, start, dt, now, factor)
        allowed += allow.of_solves(solver, n, now, max(1.0, *map(abs, ends)))
        why = f"sum over sines of |lattice and step - exact|, h = {length / n:.4g}, dt = {dt:g}; solves and rounding"
        checks.append(
            Check.worst(f"values at {t:g} {labels[1]}".strip(), labels[2], exact, field[0, 0], allowed, why)
        )
        some = slice(None, None, max(1, n // 25))
        curves.append(Series.of(f"exact, t = {t:g} {labels[1]}".strip(), x, exact))
        points.append(Series.of(f"{solver}, t = {t:g} {labels[1]}".strip(), x[some], field[0, 0, some]))
    return Outcome(tuple(checks), Plot(f"x ({labels[0]})", f"field ({labels[2]})", curves, points))


@case(
    "fields",
    "Line with held ends (as in the PDE suite of CompuCell3D): 100 voxels of 1, D = 0.1, start 0.25, ends at 0.1 and "
    "1.0; sine series after t = 500, 2000 and 20000.",
    variants=("sdirk2", "rkl2"),
)
def held_ends(solver: str) -> Outcome:
    """Compare the voxel means with the series."""
    return _transient(
        solver, 100, 100.0, 0.1, (0.1, 1.0), 0.25, 10.0, (50, 200, 2000), ("voxels", "(unit of time)", "1")
    )


@case(
    "fields",
    "Line with ends at 0 and 1 (as in a test of py-pde): 16 cells on [0, 1], D = 1, start 0; c = x and a fading sine "
    "series at t = 0.05 and 1.",
    variants=("sdirk2", "rkl2"),
)
def zero_to_one(solver: str) -> Outcome:
    """Compare the voxel means with the series and the line."""
    return _transient(solver, 16, 1.0, 1.0, (0.0, 1.0), 0.0, 0.001, (50, 1000), ("1", "(unit of time)", "1"))


@case(
    "fields",
    "Steady line with ends at 0 and 1: c = x, to rounding, since the half voxel at the ends is exact for a line.",
)
def steady_line() -> Outcome:
    """Compare with the straight line."""
    from cordgraft.kernels.solvers import solve_steady

    n, tolerance = 100, 1e-13
    field = np.full((1, 1, n), 0.5)
    solve_steady(field, held_line(n, 1.0, 1.0, 0.0, 1.0), tolerance=tolerance)
    x = (np.arange(n) + 0.5) / n
    # a voxel off its balance by r (relative to its stiffness) moves the middle by at most r n^2/4
    allowed = tolerance * n**2 / 4.0 + allow.of_rounding(16.0 * n, 1.0)
    check = Check.worst(
        "values", "1", x, field[0, 0], allowed, "tolerance of the solver times n^2/4, and rounding"
    )
    plot = Plot(
        "x (1)",
        "field (1)",
        [Series.of("c = x", [0, 1], [0, 1])],
        [Series.of("steady", x[::5], field[0, 0, ::5])],
    )
    return Outcome((check,), plot)


@case(
    "fields",
    "Line with 0 at one end and a slope of 3 at the other (as in a test of py-pde): 16 cells on [0, 1], D = 1, flux 3 "
    "as a source in the last voxel; c = 3 x at t = 5.",
    variants=("steady", "sdirk2", "rkl2"),
)
def flux_at_the_end(solver: str) -> Outcome:
    """Compare with the straight line."""
    from cordgraft.kernels.medium import Edge, make_medium
    from cordgraft.kernels.solvers import make_solver, solve_steady

    n, slope, tolerance = 16, 3.0, 1e-13
    h = 1.0 / n
    medium = make_medium(np.ones((1, 1, n)), (h, h, h), 1.0, 0.0, Edge.fixed(0.0), "z")
    loss = medium.loss.copy()
    loss[0, 0, -1] = 0.0
    medium = replace(medium, loss=loss)
    source = np.zeros((1, 1, n))
    source[0, 0, -1] = slope / h
    field = np.zeros((1, 1, n))
    x = (np.arange(n) + 0.5) * h
    rounding = allow.of_rounding(16.0 * n, slope)
    if solver == "steady":
        solve_steady(field, medium, source, tolerance=tolerance)
        allowed, why = tolerance * slope * n**2 + rounding, "tolerance of the solver times n^2, and rounding"
    else:
        dt, steps = 0.01, 500
        made: Any = make_solver(solver, medium, allow.TOLERANCE)
        for _ in range(steps):
            made.advance(field, source, dt)
        # of the start, -3 x, the slowest sine is left: (8 slope/pi^2) exp(-pi^2 t/4); a slower one by the lattice
        rate = np.pi**2 / 4.0
        left = (
            8.0
            * slope
            / np.pi**2
            * np.exp(-rate * 5.0 * (1.0 - (0.5 * np.pi * h) ** 2 / 12.0 - (rate * dt) ** 2))
        )
        allowed = float(left) * 1.001 + allow.of_solves(solver, n, steps, slope) + rounding
        why = "what is left of the start, (8 slope/pi^2) exp(-pi^2 t/4) with lattice and step; solves and rounding"
    check = Check.worst("values", "1", slope * x, field[0, 0], allowed, why)
    plot = Plot(
        "x (1)", "field (1)", [Series.of("c = 3 x", [0, 1], [0, 3])], [Series.of(solver, x, field[0, 0])]
    )
    return Outcome((check,), plot)
