"""Cases of tissue that varies: two layers with different diffusivities, and uptake that saturates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case


@case(
    "fields",
    "Two layers, D = 4 and 1, ends held at 1 and 0: equal flux q = 1/(a/D1 + b/D2) everywhere and a straight line in "
    "each layer, to rounding (harmonic mean at the interface).",
)
def layers_steady() -> Outcome:
    """Compare profile and flux."""
    from cordgraft.kernels.medium import Edge, make_medium
    from cordgraft.kernels.solvers import solve_steady

    n, split, tolerance = 64, 24, 1e-13
    h = 1.0 / n
    diffusivity = np.full((1, 1, n), 1.0)
    diffusivity[0, 0, :split] = 4.0
    medium = make_medium(np.ones((1, 1, n)), (h, h, h), diffusivity, 0.0, Edge.fixed(1.0), "z")
    assert medium.inflow is not None
    inflow = medium.inflow.copy()
    inflow[0, 0, -1] = 0.0
    medium = replace(medium, inflow=inflow)
    field = np.full((1, 1, n), 0.5)
    solve_steady(field, medium, tolerance=tolerance)
    x = h * (np.arange(n) + 0.5)
    a, b = split * h, 1.0 - split * h
    flux = 1.0 / (a / 4.0 + b)
    exact = np.where(x < a, 1.0 - flux * x / 4.0, flux * (1.0 - x))
    allowed = tolerance * n**2 + allow.of_rounding(64.0 * n, 1.0)
    found = (field[0, 0, :-1] - field[0, 0, 1:]) * medium.gz[0, 0, :-1] * h
    why = "tolerance of the solver times n^2, and rounding"
    checks = (
        Check.worst("values", "1", exact, field[0, 0], allowed, why),
        Check.worst(
            "flux through every face", "1", flux, found, 2.0 * allowed * 4.0 / h, f"{why}, over half a voxel"
        ),
    )
    plot = Plot(
        "x (1)",
        "field (1)",
        [Series.of("exact", [0.0, a, 1.0], [1.0, flux * b, 0.0])],
        [Series.of("steady", x[::2], field[0, 0, ::2])],
    )
    return Outcome(checks, plot)


@case(
    "fields",
    "Two endless layers, D = 4 and 1, that start at 1 and 0: the interface stays at s = 1/(1 + sqrt(D2/D1)) and each "
    "side follows an error function (Carslaw and Jaeger).",
    variants=("sdirk2", "rkl2"),
)
def layers_transient(solver: str) -> Outcome:
    """Compare the profile at two times."""
    from scipy.special import erfc

    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    n, h, dt = 400, 1.0, 0.5
    fast, slow = 4.0, 1.0
    diffusivity = np.full((1, 1, n), slow)
    diffusivity[0, 0, : n // 2] = fast
    made = make_solver(solver, make_medium(np.ones((1, 1, n)), (h, h, h), diffusivity), allow.TOLERANCE)
    field = np.zeros((1, 1, n))
    field[0, 0, : n // 2] = 1.0
    x = h * (np.arange(n) + 0.5 - n / 2)
    level = 1.0 / (1.0 + np.sqrt(slow / fast))

    def law(at: Any, t: float) -> Any:
        left = 1.0 - (1.0 - level) * erfc(np.abs(at) / (2.0 * np.sqrt(fast * t)))
        return np.where(at < 0.0, left, level * erfc(np.abs(at) / (2.0 * np.sqrt(slow * t))))

    checks, curves, points, now = [], [], [], 0
    for stop in (100, 400):
        while now < stop:
            made.advance(field, None, dt)
            now += 1
        t = now * dt
        off = 0.0
        for d, jump in ((fast, 1.0 - level), (slow, level)):
            # erfc(e), e = x/(2 sqrt(D t)): h^2/12 D t c'''' + h^2/24 c'', and C dt^2 t D^3 c'''''' for the steps
            e = np.linspace(0.0, 6.0, 1201)
            bell = 2.0 / np.sqrt(np.pi) * np.exp(-(e**2)) * jump
            s = 1.0 / (2.0 * np.sqrt(d * t))
            fourth = np.max(np.abs((8.0 * e**3 - 12.0 * e) * bell)) * s**4
            second = np.max(np.abs(2.0 * e * bell)) * s**2
            sixth = np.max(np.abs((32.0 * e**5 - 160.0 * e**3 + 120.0 * e) * bell)) * s**6
            steps = allow.STEP_CONSTANT[solver] * dt**2 * t * d**3 * sixth
            off = max(off, h**2 / 12.0 * d * t * fourth + h**2 / 24.0 * second + steps)
        ends = float(erfc(n * h / 2.0 / (2.0 * np.sqrt(fast * t))))
        allowed = 2.0 * off + 2.0 * ends + allow.of_solves(solver, n, now, 1.0)
        why = (
            "h^2/12 D t c'''' + h^2/24 c'' + C dt^2 t D^3 c'''''' at their greatest, twice for the way through the "
            "interface; solves and rounding"
        )
        checks.append(Check.worst(f"values at t = {t:g}", "1", law(x, t), field[0, 0], allowed, why))
        near = np.abs(x) <= 60.0
        fine = np.linspace(-60.0, 60.0, 400)
        curves.append(Series.of(f"exact, t = {t:g}", fine, law(fine, t)))
        points.append(Series.of(f"{solver}, t = {t:g}", x[near][::4], field[0, 0, near][::4]))
    return Outcome(tuple(checks), Plot("distance from the interface (voxels)", "field (1)", curves, points))


@case(
    "fields",
    "Slab of 400 um with uptake q c/(c + K), q = 180 mmHg/min, K = 1 mmHg, D = 1e5 um2/min and 38 mmHg at its faces: "
    "against a collocation solution (SciPy solve_bvp, tolerance 1e-10).",
)
def saturating_uptake() -> Outcome:
    """Compare the profile."""
    from scipy.integrate import solve_bvp

    from cordgraft.kernels.medium import Edge, make_medium
    from cordgraft.kernels.solvers import solve_steady

    half, d, q, km, outside, n = 200.0, 1e5, 180.0, 1.0, 38.0, 160
    h = 2.0 * half / n
    tolerance = 1e-12
    medium = make_medium(np.ones((1, 1, n)), (h, h, h), d, 0.0, Edge.fixed(outside), "z")
    field = np.full((1, 1, n), outside)
    uptake = np.full((1, 1, n), q)
    solve_steady(field, medium, None, uptake=uptake, michaelis=km, tolerance=tolerance)

    def slope(x: Any, y: Any) -> Any:
        return np.vstack((y[1], q / d * y[0] / (y[0] + km)))

    def ends(low: Any, high: Any) -> Any:
        return np.array([low[1], high[0] - outside])

    grid = np.linspace(0.0, half, 401)
    start = np.vstack((np.full(grid.size, outside), np.zeros(grid.size)))
    reference = solve_bvp(slope, ends, grid, start, tol=1e-10, max_nodes=200_000)
    assert reference.success
    x = -half + h * (np.arange(n) + 0.5)
    exact = reference.sol(np.abs(x))[0]
    c, first = reference.sol(np.linspace(0.0, half, 2001))
    second = q / d * c / (c + km)
    fourth = np.max(np.abs(q / d * (km / (c + km) ** 2 * second - 2.0 * km / (c + km) ** 3 * first**2)))
    inner = h**2 / 12.0 * float(fourth) * half**2 / 2.0
    wall = h**2 / 8.0 * float(second[-1])
    allowed = inner + wall + tolerance * outside * n**2 + 1e-8
    why = f"maximum principle: h^2/12 c'''' a^2/2 + h^2/8 c'' at the wall, h = {h:g} um; solver; 1e-8 of the reference"
    middle = n // 2
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
    fine = np.linspace(-half, half, 300)
    plot = Plot(
        "x (um)",
        "oxygen (mmHg)",
        [Series.of("solve_bvp", fine, reference.sol(np.abs(fine))[0])],
        [Series.of("steady", x[::5], field[0, 0, ::5])],
    )
    return Outcome(checks, plot)
