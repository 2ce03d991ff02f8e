"""Diffusing fields: voxel updates per second, and seconds per simulated hour at a relative L2 error of 1e-3.

Every method gets the longest step with which it stays within 1e-3 of the exact field, found by trying ever more
steps; what is printed is that number of steps, the error that they had, and the time that they took. Setting up
(factors, hierarchies, compiling) is left out for all of them: in a run it happens once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Plan, Row, Spent, interleaved, say
from benchmarks.explicit import Explicit
from benchmarks.field_cases import FAST, SECONDS, SPACING_UM, TROPHIC, Case, CrankNicolson, box, cord
from cordgraft.kernels.solvers import make_solver

Array = NDArray[Any]
LIMIT = 1e-3
GROUP = "fields"
#: Relative residual of implicit stages here: a tenth of the error asked for.
TOLERANCE = 1e-4


def ours(case: Case, name: str, steps: int) -> Callable[[], Array]:
    """Return a run of a product solver from the empty field."""
    solver = make_solver(name, case.medium, TOLERANCE)
    field = np.zeros(case.medium.shape)

    def run() -> Array:
        field[...] = 0.0
        for _ in range(steps):
            solver.advance(field, case.source, case.hours / steps)
        return field

    return run


def explicit(case: Case, wave: int) -> tuple[Callable[[], Array], int]:
    """Return a run of the explicit baseline at its stable step, and how many steps that are."""
    solver = Explicit(case.medium, wave)
    field = np.zeros(case.medium.shape)

    def run() -> Array:
        field[...] = 0.0
        solver.advance(field, case.source, case.hours)
        return field

    return run, solver.steps(case.hours)


def numpy_steps(case: Case, steps: int) -> Callable[[], Array]:
    """Return explicit steps on whole arrays in plain NumPy, for a box."""
    assert case.medium.uniform is not None
    (_, y, z), decay = case.medium.uniform
    dt = case.hours / Explicit(case.medium).steps(case.hours)
    c, s = np.zeros(case.medium.shape[1:]), case.source[0]

    def run() -> Array:
        c[...] = 0.0
        for _ in range(steps):
            p = np.pad(c, 1, mode="edge")
            flow = y * (p[:-2, 1:-1] + p[2:, 1:-1] - 2.0 * c) + z * (p[1:-1, :-2] + p[1:-1, 2:] - 2.0 * c)
            c[...] += dt * (flow - decay * c + s)
        return c[None]

    return run


class PyPde:
    """py-pde with explicit Euler steps, compiled by Numba, on one thread.

    On this problem its threads cost time (measured: 25 against 5 ms a step on two shared cores), its implicit and
    Crank-Nicolson solvers are fixed-point iterations that need the same short steps, and its adaptive solvers end
    at the stable step too.
    """

    def __init__(self, case: Case) -> None:
        import pde
        from pde.solvers import EulerSolver

        pde.config["backend.numba.multithreading"] = "never"
        assert case.medium.uniform is not None
        (_, y, _), decay = case.medium.uniform
        _, ny, nz = case.medium.shape
        grid = pde.CartesianGrid([[0.0, ny * SPACING_UM], [0.0, nz * SPACING_UM]], (ny, nz))
        source = pde.ScalarField(grid, case.source[0])
        rule = f"{y * SPACING_UM**2} * laplace(c) - {decay} * c + s"
        equation = pde.PDE({"c": rule}, consts={"s": source}, bc={"derivative": 0})
        self.steps = Explicit(case.medium).steps(case.hours)
        self.hours = case.hours
        self.field = pde.ScalarField(grid, 0.0)
        self.stepper = EulerSolver(equation, backend="numba").make_stepper(
            self.field, case.hours / self.steps
        )
        self.stepper(self.field, 0.0, 2.0 * case.hours / self.steps)  # compiles

    def run(self) -> Array:
        """Return the field at the end : (1, ny, nz)."""
        self.field.data[...] = 0.0
        self.stepper(self.field, 0.0, self.hours)
        return np.asarray(self.field.data)[None]


def cheapest(
    case: Case, exact: Array, make: Callable[[int], Callable[[], Array]], tries: tuple[int, ...]
) -> Any:
    """Return (run, steps, error) of the fewest steps that stay within the limit."""
    for steps in tries:
        run = make(steps)
        error = case.error(run(), exact)
        if error <= LIMIT:
            return run, steps, error
    raise ArithmeticError(f"{case.name}: not within {LIMIT:g} in {tries[-1]} steps (still {error:.2g})")


TRIES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)


def compare(
    case: Case,
    exact: Array,
    names: tuple[str, ...],
    others: dict[str, tuple[Callable[[], Array], str]],
    plan: Plan,
    targets: dict[tuple[str, str], float],
    answer: str,
) -> list[Row]:
    """Return rows of product solvers against others on one problem.

    Parameters
    ----------
    others : dict
        Name -> (run, how it steps).
    targets : dict
        (our solver, name of the other) -> least ratio.
    answer : str
        What `exact` is.
    """
    say(f"{case.name}: errors")
    runs: dict[str, Callable[[], Array]] = {}
    how: dict[str, str] = {}
    errors: dict[str, float] = {}
    for name in names:
        run, steps, errors[name] = cheapest(case, exact, lambda n, name=name: ours(case, name, n), TRIES)
        runs[name], how[name] = run, f"steps of {case.hours / steps:.3g} h"
    for name, (run, note) in others.items():
        errors[name], how[name] = case.error(run(), exact), note
        runs[name] = run
    say(f"{case.name}: times")
    spent: dict[str, Spent] = interleaved({name: runs[name] for name in names}, plan.repeats)
    spent |= interleaved({name: run for name, (run, _) in others.items()}, max(1, plan.repeats // 3), warm=0)
    rows = []
    for name in (*others, *names):
        per_hour = spent[name].cpu_s / case.hours
        agrees = f"{errors[name]:.0e} of {answer}" if errors[name] > 0.0 else "is the answer"
        if name in others:
            rows.append(Row(GROUP, f"{case.name}: {name}", per_hour, "s CPU per h", agrees, note=how[name]))
            continue
        for other in others:
            ratio = spent[other].cpu_s / spent[name].cpu_s
            goal = targets.get((name, other))
            rows.append(
                Row(
                    GROUP,
                    f"{case.name}: {name}",
                    per_hour,
                    "s CPU per h",
                    agrees,
                    other,
                    ratio,
                    goal,
                    of_ratio=goal is not None,
                    note=how[name],
                )
            )
    return rows


def update_rates(plan: Plan, plain: Case, tissue: Case) -> list[Row]:
    """Return voxel updates per second of every explicit kernel; a stage of RKL2 counts as one update."""
    say("voxel updates")
    rows = []
    few = 10
    numpy_run, own = numpy_steps(plain, few), Explicit(plain.medium)
    stable = plain.hours / own.steps(plain.hours)
    field = np.zeros(plain.medium.shape)

    def own_run() -> Array:
        field[...] = 0.0
        own.advance(field, plain.source, few * stable, few)
        return field

    apart = plain.error(numpy_run(), plain.on_cord(own_run()))
    spent = interleaved({"numpy": numpy_run, "own": own_run}, plan.repeats)
    rate = {name: few * plain.voxels / one.cpu_s / 1e6 for name, one in spent.items()}
    rows.append(
        Row(GROUP, "box: explicit steps, NumPy", rate["numpy"], "M updates/s", f"{apart:.0e} of own explicit")
    )
    rows.append(
        Row(
            GROUP,
            "box: explicit steps, compiled",
            rate["own"],
            "M updates/s",
            f"{apart:.0e} of NumPy",
            "NumPy",
            rate["own"] / rate["numpy"],
        )
    )
    for case in (plain, tissue):
        one, _ = explicit(case, 8)
        stages_of: Any = make_solver("rkl2", case.medium)
        dt = case.hours / 12.0
        stages = stages_of.stages(dt)
        start = one().copy()
        work = start.copy()

        def rkl2(case: Case = case, solver: Any = stages_of, work: Array = work, dt: float = dt) -> Array:
            solver.advance(work, case.source, dt)
            return work

        baseline = Explicit(case.medium)
        steps = 2 * ((stages + 1) // 2)
        baseline_field = start.copy()

        def waves(
            case: Case = case, s: Explicit = baseline, f: Array = baseline_field, n: int = steps
        ) -> Array:
            s.advance(f, case.source, n * case.hours / s.steps(case.hours), n)
            return f

        spent = interleaved({"rkl2": rkl2, "own": waves}, plan.repeats)
        ours_rate = stages * case.voxels / spent["rkl2"].cpu_s / 1e6
        own_rate = steps * case.voxels / spent["own"].cpu_s / 1e6
        kind = case.name.split(",")[0]
        rows.append(
            Row(
                GROUP,
                f"{kind}: stages of rkl2",
                ours_rate,
                "M updates/s",
                "see below",
                "explicit, in waves",
                ours_rate / own_rate,
                note=f"{stages} stages in 5 min",
            )
        )
        if case is tissue:
            rows.append(Row(GROUP, "cord: explicit steps, compiled", own_rate, "M updates/s", "see below"))
    return rows


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    shape = (1, 100, 400) if plan.quick else (1, 400, 1600)
    plain, tissue = box(shape, FAST), cord(shape, FAST)
    rows = update_rates(plan, plain, tissue)

    say(f"{plain.name}: matrix exponential")
    exact = plain.exact()
    once = interleaved({"exponential": plain.exact}, 1, warm=0)["exponential"] if plan.quick else None
    waves, steps = explicit(plain, 8)
    run, halves, _ = cheapest(plain, exact, lambda n: CrankNicolson(plain, n).run, (16, 32, 64, 128, 256))
    others = {
        "explicit, in waves": (waves, f"{steps} steps"),
        "SciPy Crank-Nicolson, LU": (run, f"{halves} steps"),
    }
    targets = {("spectral", "py-pde, Euler"): 50.0}
    try:
        peer = PyPde(plain)
        others["py-pde, Euler"] = (peer.run, f"{peer.steps} steps")
    except ImportError:
        say("py-pde is not installed: `make bench` installs it")
    rows += compare(plain, exact, ("spectral",), others, plan, targets, "the exponential")
    if once is not None:
        rows.append(
            Row(GROUP, f"{plain.name}: SciPy expm_multiply", once.cpu_s, "s CPU per h", "the exponential")
        )

    say(f"{tissue.name}: matrix exponential")
    exact = tissue.exact()
    waves, steps = explicit(tissue, 8)
    passes, _ = explicit(tissue, 1)
    run, halves, _ = cheapest(tissue, exact, lambda n: CrankNicolson(tissue, n).run, (16, 32, 64, 128, 256))
    others = {
        "explicit, in waves": (waves, f"{steps} steps"),
        "explicit, a pass a step": (passes, f"{steps} steps"),
        "SciPy Crank-Nicolson, LU": (run, f"{halves} steps"),
    }
    goals = {(name, "explicit, in waves"): 5.0 for name in ("sdirk2", "rkl2")}
    rows += compare(tissue, exact, ("sdirk2", "rkl2"), others, plan, goals, "the exponential")

    slow = cord(shape, TROPHIC)
    day = Case(f"{slow.name}, a day", slow.medium, slow.source, 24.0)
    waves, steps = explicit(day, 8)
    say(f"{day.name}: explicit steps")
    answer = day.on_cord(waves()).copy()
    others = {"explicit, in waves": (waves, f"{steps} steps")}
    rows += compare(day, answer, ("sdirk2", "rkl2"), others, plan, goals, "the explicit steps")
    return rows


__all__ = ["LIMIT", "SECONDS", "measure"]
