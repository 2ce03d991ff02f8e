"""Cases of what spreads from one voxel: the point source of BioDynaMo, and a Gaussian along each axis.

On an endless lattice what started in one voxel is ``prod e^(-2 s) I_m(2 s)``, ``s = D t/h^2``, `m` voxels away (I:
modified Bessel function): the answer that a right solver gives to rounding if it is exact in time. From the
Gaussian of continuous space it differs by the terms of order h^2 and h^4 of ``exp(D t (2/h^2)(cosh(h d) - 1))``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Array, Check, Outcome, Plot, Series, case
from cordgraft.run.verification.superposition import factor_of

#: Values of the Hermite polynomials He_4, He_6 and He_8.
HERMITE = {
    4: np.polynomial.hermite_e.HermiteE.basis(4),
    6: np.polynomial.hermite_e.HermiteE.basis(6),
    8: np.polynomial.hermite_e.HermiteE.basis(8),
}


def on_lattice(away: Any, s: float) -> Array:
    """Return ``e^(-2 s) I_m(2 s)`` for `away` voxels, as whole numbers."""
    from scipy.special import ive

    return np.asarray(ive(np.abs(away), 2.0 * s))


def lattice_terms(x: Any, spread: float, spacing: float) -> Array:
    """Return the h^2 and h^4 terms over the Gaussian along one axis, absolute values; `spread` = sqrt(2 D t)."""
    y = np.asarray(x) / spread
    # D t = spread^2/2; derivative n of the Gaussian over itself: He_n(x/spread)/spread^n
    a = 0.5 * spread**2 * spacing**2 / 12.0
    second = a * HERMITE[4](y) / spread**4
    fourth = 0.5 * spread**2 * spacing**4 / 360.0 * HERMITE[6](y) / spread**6
    square = 0.5 * a**2 * HERMITE[8](y) / spread**8
    return np.asarray(np.abs(second) + np.abs(fourth) + np.abs(square))


def of_modes(
    solver: str, made: Any, shape: tuple[int, ...], rates: tuple[float, ...], dt: float, steps: int
) -> float:
    """Return the most that steps may be off anywhere: mean over all cosines of ``|R(z)^n - e^(n z)|``."""
    if solver == "spectral":
        return 0.0
    fall = np.zeros(shape)
    for axis, (n, rate) in enumerate(zip(shape, rates, strict=True)):
        along = [1] * len(shape)
        along[axis] = -1
        fall = fall + (2.0 * rate * (1.0 - np.cos(np.pi * np.arange(n) / n))).reshape(along)
    factor = factor_of(solver, made.stages(dt) if solver == "rkl2" else 0)
    return float(np.mean(np.abs(factor(-fall * dt) ** steps - np.exp(-fall * (dt * steps)))))


@case(
    "fields",
    "Point source (as in a test of BioDynaMo): closed cube of 200 um, D = 0.5, 1e5 in the voxel at the origin, "
    "after t = 100 read at (10, 10, 10) um: m/(4 pi D t)^1.5 exp(-r^2/4 D t) = 1.416735.",
    variants=("spectral", "sdirk2", "rkl2"),
    dear=True,
)
def point_source_3d(solver: str) -> Outcome:
    """Compare with the lattice kernel (Bessel) on three grids and with the Gaussian on the finest."""
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    mass, d, t, extent = 1e5, 0.5, 100.0, 200.0
    grids = (20, 40, 80)
    steps = {"spectral": 1, "sdirk2": 20, "rkl2": 50}[solver]
    checks: list[Check] = []
    for n in grids:
        h = extent / n
        made = make_solver(solver, make_medium(np.ones((n, n, n)), (h, h, h), d), allow.TOLERANCE)
        field = np.zeros((n, n, n))
        middle = n // 2
        field[middle, middle, middle] = mass / h**3
        for _ in range(steps):
            made.advance(field, None, t / steps)
        away = round(10.0 / h)
        found = float(field[middle + away, middle + away, middle + away])
        exact = mass / h**3 * float(on_lattice(away, d * t / h**2)) ** 3
        in_time = mass / h**3 * of_modes(solver, made, (n, n, n), (d / h**2,) * 3, t / steps, steps)
        solves = allow.of_solves(solver, 1, steps, mass / h**3)
        why = (
            "rounding"
            if solver == "spectral"
            else "mean over cosines of |R(z)^n - e^(n z)|; solves and rounding"
        )
        checks.append(
            Check(
                f"value at (10, 10, 10) um on the lattice of {n}^3", "1", exact, found, in_time + solves, why
            )
        )
        total = float(field.sum() * h**3)
        least = allow.of_rounding(64.0 * field.size, mass / field.size) + steps * 64.0 * allow.UNIT * mass
        checks.append(
            Check(
                f"amount in the box, {n}^3", "1", mass, total, least, "rounding: 64 units per voxel and step"
            )
        )
    gauss = mass / (4.0 * np.pi * d * t) ** 1.5 * np.exp(-300.0 / (4.0 * d * t))
    term = float(lattice_terms(10.0, 10.0, h))
    allowed = gauss * ((1.0 + term) ** 3 - 1.0) + in_time + solves
    why = f"terms of h^2 and h^4 of the lattice, h = {h:g} um, in absolute value; steps as above"
    checks.insert(
        0, Check("value at (10, 10, 10) um in space", "1", float(gauss), found, float(allowed), why)
    )
    z = (np.arange(n) - middle) * h
    near = np.abs(z) <= 60.0
    fine = np.linspace(-60.0, 60.0, 200)
    peak = mass / (4.0 * np.pi * d * t) ** 1.5
    plot = Plot(
        "distance along z (um)",
        "value (1)",
        [Series.of("Gaussian", fine, peak * np.exp(-(fine**2) / (4.0 * d * t)))],
        [Series.of(f"{solver}, {n}^3 voxels", z[near], field[middle, middle, near])],
        scale="log y",
    )
    return Outcome(tuple(checks), plot)


@case(
    "fields",
    "Anisotropic spread from one voxel with D = 4 along one axis and 1 along the other, both ways round: "
    "variances 2 D t along each axis, no covariance, amount kept.",
    variants=("spectral", "sdirk2", "rkl2"),
)
def anisotropic_pulse(solver: str) -> Outcome:
    """Compare variances, and the profiles with the lattice kernel, at 0 and 90 degrees."""
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    n, t, steps = 128, 8.0, 32
    place = np.arange(n) - n // 2
    wanted, found, allowed = [], [], []
    profiles: list[Check] = []
    curves, points = [], []
    for degrees, (dy, dz) in ((0, (4.0, 1.0)), (90, (1.0, 4.0))):
        made = make_solver(
            solver, make_medium(np.ones((1, n, n)), (1.0, 1.0, 1.0), (1.0, dy, dz)), allow.TOLERANCE
        )
        field = np.zeros((1, n, n))
        field[0, n // 2, n // 2] = 1.0
        for _ in range(steps):
            made.advance(field, None, t / steps)
        plane = field[0]
        # two solves a step leave a residual of the tolerance: by Schwarz up to that times |x^2| over all voxels
        solves = 2.0 * steps * allow.TOLERANCE if solver == "sdirk2" else 64.0 * allow.UNIT * steps
        reach = float(np.sqrt(n * np.sum(place.astype(np.float64) ** 4)))
        tail = 8.0 * n**2 * np.exp(-((n / 2 - 1) ** 2) / (4.0 * 4.0 * t))
        wanted += [2.0 * dy * t, 2.0 * dz * t, 0.0, 1.0]
        found += [
            float(np.sum(plane.sum(axis=1) * place**2)),
            float(np.sum(plane.sum(axis=0) * place**2)),
            float(np.sum(plane * place[:, None] * place[None, :])),
            float(plane.sum()),
        ]
        allowed += [solves * reach + tail] * 3 + [
            allow.of_rounding(64.0 * n * n, 1.0 / (n * n)) + steps * 64.0 * allow.UNIT
        ]
        exact = np.outer(on_lattice(place, dy * t), on_lattice(place, dz * t))
        off = of_modes(solver, made, (n, n), (dy, dz), t / steps, steps) + allow.of_solves(
            solver, 1, steps, 1.0
        )
        why = (
            "rounding"
            if solver == "spectral"
            else "mean over cosines of |R(z)^n - e^(n z)|; solves and rounding"
        )
        profiles.append(Check.worst(f"values at {degrees} degrees", "1", exact, plane, off, why))
        for name, axis, d in (("y", 0, dy), ("z", 1, dz)):
            fine = np.linspace(-30.0, 30.0, 200)
            line = plane[:, n // 2] if axis == 0 else plane[n // 2]
            near = np.abs(place) <= 30
            other = dz if axis == 0 else dy
            peak = 1.0 / (4.0 * np.pi * t * np.sqrt(d * other))
            if degrees == 0:
                curves.append(
                    Series.of(f"Gaussian along {name}", fine, peak * np.exp(-(fine**2) / (4.0 * d * t)))
                )
                points.append(Series.of(f"{solver} along {name}", place[near], line[near]))
    labels = ("variance along y", "variance along z", "covariance", "amount")
    whys = [
        "2 D t is exact on the lattice; residual of the solves times |x^2| (Schwarz), and what meets the wall"
    ] * 3
    whys.append("rounding")
    checks = [
        Check.worst(f"{label}, 0 and 90 degrees", unit, wanted[i::4], found[i::4], allowed[i::4], whys[i])
        for i, (label, unit) in enumerate(zip(labels, ("voxels2", "voxels2", "voxels2", "1"), strict=True))
    ]
    return Outcome((*checks, *profiles), Plot("distance (voxels)", "share in a voxel (1)", curves, points))
