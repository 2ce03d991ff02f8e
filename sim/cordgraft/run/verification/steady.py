"""Cases of steady fields: slab and sphere that take in from their surface, exchange through a membrane, point sources.

Maximum principle: a solution whose balance is off by ``r`` everywhere and whose edge by ``w`` is off by no more than
``r/k + w`` where the decay is ``k``. For a slab the second difference misses ``D h^2/12`` times the fourth derivative
and the straight line over the last half voxel ``h^2/8`` times the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Array, Check, Outcome, Plot, Series, case

#: Tissue of 1000 um, D in um2/min, decay per min, 38 mmHg outside.
HALF, D, K, OUTSIDE = 500.0, 1e5, 0.1, 38.0
KAPPA = float(np.sqrt(K / D))
TOLERANCE = 1e-12


def _solve(solver: str, field: Array, medium: Any, slowest: float) -> float:
    """Bring a field to its steady state and return what may be left: of the start, the solves and rounding."""
    from cordgraft.kernels.solvers import make_solver, solve_steady

    if solver == "steady":
        solve_steady(field, medium, tolerance=TOLERANCE)
        stiff = float(np.max(medium.outflow() + medium.loss))
        return TOLERANCE * OUTSIDE * stiff / K
    dt, steps = 0.5, 80
    made = make_solver(solver, medium, allow.TOLERANCE)
    for _ in range(steps):
        made.advance(field, None, dt)
    # from zero the field lacks at most the outside value times the slowest exponential; 5 % for lattice and step
    return OUTSIDE * float(np.exp(-0.95 * slowest * dt * steps)) + allow.of_solves(
        solver, field.size, steps, OUTSIDE
    )


def _slab(solver: str, permeability: float) -> Outcome:
    from cordgraft.kernels.medium import Edge, make_medium

    n = 101
    h = 2.0 * HALF / n
    edge = Edge.fixed(OUTSIDE) if np.isinf(permeability) else Edge.exchange(permeability, OUTSIDE)
    medium = make_medium(np.ones((1, 1, n)), (h, h, h), D, K, edge, "z")
    field = np.zeros((1, 1, n))
    x = -HALF + h * (np.arange(n) + 0.5)
    through = 0.0 if np.isinf(permeability) else D * KAPPA / permeability
    scale = OUTSIDE / (np.cosh(KAPPA * HALF) + through * np.sinh(KAPPA * HALF))
    exact = scale * np.cosh(KAPPA * x)
    # the slowest cosine a tan(a) = P L/D has a < pi/2
    fold = np.pi / 2.0
    if not np.isinf(permeability):
        from scipy.optimize import brentq

        biot = permeability * HALF / D
        fold = float(brentq(lambda a: a * np.tan(a) - biot, 1e-9, np.pi / 2.0 - 1e-9))
    left = _solve(solver, field, medium, K + D * (fold / HALF) ** 2)
    surface = scale * np.cosh(KAPPA * HALF)
    inner = h**2 / 12.0 * KAPPA**2 * surface
    wall = h**2 / 8.0 * KAPPA**2 * surface
    if through:
        wall += h**2 / 24.0 * KAPPA**3 * scale * np.sinh(KAPPA * HALF) * D / permeability
    allowed = inner + wall + left
    why = f"maximum principle: h^2/12 c''''/kappa^2 + h^2/8 c'' at the wall, h = {h:g} um; rest of start and solves"
    middle = n // 2
    fine = np.linspace(-HALF, HALF, 200)
    checks = (
        Check(
            "value in the middle voxel",
            "mmHg",
            float(exact[middle]),
            float(field[0, 0, middle]),
            allowed,
            why,
        ),
        Check.worst("all voxels", "mmHg", exact, field[0, 0], allowed, why),
    )
    plot = Plot(
        "x (um)",
        "oxygen (mmHg)",
        [Series.of("closed form", fine, scale * np.cosh(KAPPA * fine))],
        [Series.of(solver, x[::4], field[0, 0, ::4])],
    )
    return Outcome(checks, plot)


@case(
    "fields",
    "Slab of 1000 um that takes up oxygen (decay 0.1/min, D = 1e5 um2/min) with 38 mmHg held at both faces: "
    "38 cosh(x/l)/cosh(500 um/l), l = 1 mm; 33.6991 in the middle.",
    variants=("steady", "sdirk2", "rkl2"),
)
def slab(solver: str) -> Outcome:
    """Compare the profile."""
    return _slab(solver, np.inf)


@case(
    "fields",
    "The same slab behind membranes of permeability 200 um/min (Robin): "
    "38 cosh(x/l)/(cosh(a/l) + (D/(l P)) sinh(a/l)), a = 500 um.",
    variants=("steady", "sdirk2", "rkl2"),
)
def slab_membrane(solver: str) -> Outcome:
    """Compare the profile."""
    return _slab(solver, 200.0)


@case(
    "fields",
    "Sphere of 500 um radius, 38 mmHg at its surface, decay 0.1/min, D = 1e5 um2/min: 38 R sinh(r/l)/(r sinh(R/l)); "
    "36.4617 in the centre. A mask of voxels, so the surface is a staircase.",
    dear=True,
)
def sphere() -> Outcome:
    """Compare with the exact spheres inside and outside the staircase."""
    from cordgraft.kernels.medium import Edge, make_medium
    from cordgraft.kernels.solvers import solve_steady

    h, n = 10.0, 103
    axis = h * (np.arange(n) - n // 2)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    r = np.sqrt(x**2 + y**2 + z**2)
    cord = r <= HALF
    far = np.sqrt((np.abs(x) + h / 2) ** 2 + (np.abs(y) + h / 2) ** 2 + (np.abs(z) + h / 2) ** 2)
    near = np.sqrt(sum(np.maximum(np.abs(a) - h / 2, 0.0) ** 2 for a in (x, y, z)))
    outer, inner = float(far[cord].max()), float(near[~cord].min())
    medium = make_medium(cord, (h, h, h), D, K, Edge.fixed(OUTSIDE), "xyz")
    field = np.where(cord, OUTSIDE, 0.0)
    solve_steady(field, medium, tolerance=TOLERANCE)

    def law(at: Any, radius: float) -> Any:
        u = np.maximum(KAPPA * np.asarray(at, dtype=np.float64), 1e-9)
        return OUTSIDE * np.sinh(u) / u * (KAPPA * radius) / np.sinh(KAPPA * radius)

    inside = r < 0.9 * inner
    stiff = float(np.max(medium.outflow() + medium.loss))
    lattice = (h**2 / 12.0 + h**2 / 8.0) * KAPPA**2 * OUTSIDE + TOLERANCE * OUTSIDE * stiff / K
    exact = law(r[inside], HALF)
    allowed = np.maximum(law(r[inside], inner) - exact, exact - law(r[inside], outer)) + lattice
    why = (
        f"maximum principle: between the spheres of {inner:.1f} and {outer:.1f} um in and round the staircase; "
        f"(h^2/12 + h^2/8) c'', h = {h:g} um"
    )
    centre = n // 2
    most = max(law(0.0, inner) - law(0.0, HALF), law(0.0, HALF) - law(0.0, outer)) + lattice
    checks = (
        Check(
            "value in the centre",
            "mmHg",
            float(law(0.0, HALF)),
            float(field[centre, centre, centre]),
            float(most),
            why,
        ),
        Check.worst("all voxels within 0.9 of the radius", "mmHg", exact, field[inside], allowed, why),
    )
    fine = np.linspace(0.0, HALF, 100)
    row = field[centre, centre, centre:][::3]
    at = axis[centre:][::3]
    plot = Plot(
        "distance from the centre (um)",
        "oxygen (mmHg)",
        [Series.of("closed form", fine, law(fine, HALF))],
        [Series.of("steady, along z", at[at < HALF], row[at < HALF])],
    )
    return Outcome(checks, plot)


@case(
    "fields",
    "Steady point source with decay in the plane, l = sqrt(D/k) = 100 um: S/(2 pi D) K0(r/l), with its images in the "
    "closed walls, from 5 voxels on.",
)
def point_decay_2d() -> Outcome:
    """Compare along the axis and the diagonal."""
    from scipy.special import kn

    h, length, n = 5.0, 100.0, 401
    r, field, exact = _point(2, h, length, n, lambda d: np.asarray(kn(0, d / length)) / (2.0 * np.pi))
    u = r / length
    # D h^2/12 (d^4/dy^4 + d^4/dz^4) of K0 as a perturbation: its round part and its part cos(4 angle)
    turned = u * kn(3, u) / 8.0
    even = 0.75 * np.abs(0.5 * u * kn(1, u) - 2.0 * kn(0, u))
    higher = 43.0 / 240.0 * (h / r) ** 4 + (h / length) ** 2 * (h / r) ** 2
    allowed = (h**2 / 12.0 * (turned + even) / length**2 + higher) / (2.0 * np.pi)
    return _point_outcome("K0(r/l)/(2 pi)", r, field, exact, allowed, "(43/240)(h/r)^4", h)


@case(
    "fields",
    "Steady point source with decay in space, l = sqrt(D/k) = 80 um: S/(4 pi D r) exp(-r/l) (Yukawa), with its images "
    "in the closed walls, from 6 voxels on.",
    dear=True,
)
def point_decay_3d() -> Outcome:
    """Compare along the axis and the diagonal."""
    h, length, n = 10.0, 80.0, 101
    r, field, exact = _point(3, h, length, n, lambda d: np.exp(-d / length) / (4.0 * np.pi * d))
    u = r / length
    base = np.exp(-u) / (4.0 * np.pi * r)
    # as in the plane: modified spherical Bessel function k3 for the part that follows the axes, at most 2/5 of it
    turned = h**2 / 24.0 / length**2 * (1.0 + 6.0 / u + 15.0 / u**2 + 15.0 / u**3) * u * 0.4
    even = 0.6 * h**2 / 12.0 / length**2 * np.abs(0.5 * u - 2.0)
    higher = (h / r) ** 4 + (h / length) ** 2 * (h / r) ** 2
    return _point_outcome(
        "exp(-r/l)/(4 pi r)", r, field, exact, base * (turned + even + higher), "(h/r)^4", h
    )


def _point(dimensions: int, h: float, length: float, n: int, law: Any) -> tuple[Array, Array, Array]:
    """Solve for a source of one in the middle voxel; return distances, D c and its exact value with images."""
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import solve_steady

    shape = (1, n, n) if dimensions == 2 else (n, n, n)
    medium = make_medium(np.ones(shape), (h, h, h), 1.0, 1.0 / length**2)
    source = np.zeros(shape)
    middle = n // 2
    source[(0, middle, middle) if dimensions == 2 else (middle,) * 3] = 1.0 / h**dimensions
    field = np.zeros(shape)
    solve_steady(field, medium, source, tolerance=1e-11)
    values = field[0] if dimensions == 2 else field
    first = 5 if dimensions == 2 else 6
    steps = np.arange(first, int(4.0 * length / h))
    found, exact, r = [], [], []
    box = n * h
    shifts = np.stack(np.meshgrid(*[(-box, 0.0, box)] * dimensions, indexing="ij"), axis=-1).reshape(
        -1, dimensions
    )
    for direction in ((0,) * (dimensions - 1) + (1,), (1,) * dimensions):
        way = np.array(direction)
        away = steps if way.sum() == 1 else steps[: int(steps.size / np.sqrt(way.sum()))]
        for m in away:
            place = tuple(int(i) for i in middle + m * way)
            at = h * m * way
            found.append(float(values[place]))
            exact.append(float(sum(law(np.sqrt(np.sum((at - shift) ** 2))) for shift in shifts)))
            r.append(float(np.sqrt(np.sum(at.astype(np.float64) ** 2))))
    return np.array(r), np.array(found), np.array(exact)


def _point_outcome(
    law: str, r: Array, found: Array, exact: Array, allowed: Array, order: str, h: float
) -> Outcome:
    why = f"h^2/12 of the fourth derivatives as a perturbation (Bessel), next order {order}, h = {h:g} um"
    check = Check.worst("D c/S along axis and diagonal", "1", exact, found, allowed, why)
    order_of = np.argsort(r)
    plot = Plot(
        "distance from the source (um)",
        "D c/S (1)",
        [Series.of(law, r[order_of], exact[order_of])],
        [Series.of("steady", r[order_of][::3], found[order_of][::3])],
        scale="log y",
    )
    return Outcome((check,), plot)
