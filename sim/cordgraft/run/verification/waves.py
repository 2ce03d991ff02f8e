"""Cases of single cosines in a closed box, and of decay alone: each solver against the exponential it must follow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Array, Check, Outcome, Plot, Series, case
from cordgraft.run.verification.superposition import factor_of

MOVING = ("spectral", "sdirk2", "rkl2")


class Wave(NamedTuple):
    """A fading cosine at a few times.

    `times`; amplitudes `found`, `exact` and `on_lattice` (``R(-a_h dt)^n`` of the method); what is `allowed` against
    the exact ones and, for `solves` and rounding, against those on the lattice, each (times,); the `fields`.
    """

    times: Array
    found: Array
    exact: Array
    on_lattice: Array
    allowed: Array
    solves: Array
    fields: list[Array]


def decaying_wave(
    solver: str,
    shape: tuple[int, int, int],
    extent_um: tuple[float, float, float],
    diffusivity: tuple[float, float, float],
    waves: tuple[int, int, int],
    dt: float,
    steps: tuple[int, ...],
    sign: float = 1.0,
) -> Wave:
    """Advance ``1 + sign x prod cos(m pi x/L)``, x from a corner of the box, and measure it after some `steps`.

    The amplitude is the one of the farthest voxel: the value with the largest error over the wave.
    """
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    spacing = [e / n for e, n in zip(extent_um, shape, strict=True)]
    medium = make_medium(np.ones(shape), (spacing[0], spacing[1], spacing[2]), diffusivity)
    made: Any = make_solver(solver, medium, allow.TOLERANCE)
    wave = np.full(shape, sign)
    q = [np.pi * m / e for m, e in zip(waves, extent_um, strict=True)]
    for axis, n in enumerate(shape):
        along = [1, 1, 1]
        along[axis] = -1
        wave = wave * np.cos(q[axis] * (np.arange(n) + 0.5) * spacing[axis]).reshape(along)
    rate = [d * w**2 for d, w in zip(diffusivity, q, strict=True)]
    whole = sum(rate)
    turns = zip(diffusivity, q, spacing, strict=True)
    slower = sum(2.0 * d / h**2 * (1.0 - np.cos(w * h)) for d, w, h in turns)
    factor = factor_of(solver, made.stages(dt) if solver == "rkl2" else 0)
    kept = float(factor(np.array(-slower * dt)))
    field = 1.0 + wave
    now, times, found, allowed, fields = 0, [], [], [], []
    on_lattice, solves = [], []
    for stop in steps:
        while now < stop:
            made.advance(field, None, dt)
            now += 1
        t = now * dt
        error = np.abs(field - 1.0 - np.exp(-whole * t) * wave)
        place = np.unravel_index(int(np.argmax(error)), shape)
        times.append(t)
        found.append((field[place] - 1.0) / wave[place] if wave[place] != 0.0 else np.inf)
        on_lattice.append(kept**now)
        solves.append(allow.of_solves(solver, field.size, now, 2.0) / abs(wave[place]))
        allowed.append(
            allow.of_lattice(rate, q, spacing, t) + allow.of_steps(solver, whole, dt, t) + solves[-1]
        )
        fields.append(field.copy())
    t_all = np.array(times)
    exact = np.exp(-whole * t_all)
    limits = np.array(allowed), np.array(solves)
    return Wave(t_all, np.array(found), exact, np.array(on_lattice), *limits, fields)


def _lattice_check(wave: Wave) -> Check:
    why = "tolerance of the solves and rounding: R(-a_h dt)^n of the method is its exact answer"
    return Check.worst(
        "the same against the closed form on this lattice", "1", wave.on_lattice, wave.found, wave.solves, why
    )


def _outcome(solver: str, unit: str, rate: float, wave: Wave, dt: str, spacing: str) -> Outcome:
    times, found, exact, _, allowed, _, _ = wave
    why = (
        f"a t (q h)^2/12 of the lattice, h {spacing}; {allow.words_of_steps(solver, dt)}; solves and rounding"
    )
    check = Check.worst("amplitude of the wave", "1", exact, found, allowed, why)
    fine = np.linspace(0.0, times[-1], 100)
    plot = Plot(
        f"time ({unit})",
        "amplitude of the wave (1)",
        [Series.of("exp(-D q^2 t)", fine, np.exp(-rate * fine))],
        [Series.of(solver, times, found)],
        scale="log y",
    )
    return Outcome((check, _lattice_check(wave)), plot)


@case(
    "fields",
    "Decaying cosine (convergence test 1 of BioFVM): closed line of 1000 um, D = 1e5 um2/min, start "
    "1 + cos(pi x/500 um); amplitude exp(-3.947842 t/min): 0.673825 at 0.1 min, 0.138911 at 0.5 min.",
    variants=MOVING,
)
def cosine_1d(solver: str) -> Outcome:
    """Compare the amplitude up to 0.5 min, and the whole field at the end."""
    dt = 0.1 if solver == "spectral" else 0.01
    steps = tuple(range(1, 6)) if solver == "spectral" else tuple(range(10, 51, 10))
    result = decaying_wave(
        solver, (1, 1, 100), (10.0, 10.0, 1000.0), (1e5, 1e5, 1e5), (0, 0, 2), dt, steps, -1.0
    )
    times, found, exact, _, allowed, _, fields = result
    x = -495.0 + 10.0 * np.arange(100)
    why = f"a t (q h)^2/12 of the lattice, h 10 um; {allow.words_of_steps(solver, f'{dt:g} min')}; solves and rounding"
    checks = tuple(
        Check(f"amplitude at {times[i]:g} min", "1", exact[i], float(found[i]), float(allowed[i]), why)
        for i in (0, 4)
    )
    curves = [
        Series.of(f"exact, {times[i]:g} min", x, 1.0 + exact[i] * np.cos(np.pi * x / 500.0))
        for i in (0, 2, 4)
    ]
    points = [Series.of(f"{solver}, {times[i]:g} min", x[::4], fields[i].reshape(-1)[::4]) for i in (0, 2, 4)]
    field = np.abs(
        np.stack([f.reshape(-1) for f in fields]) - (1.0 + exact[:, None] * np.cos(np.pi * x / 500.0))
    )
    worst = Check.worst("largest error of a voxel", "1", 0.0, field.max(axis=1), allowed, why)
    return Outcome((*checks, _lattice_check(result), worst), Plot("x (um)", "field (1)", curves, points))


@case(
    "fields",
    "Decaying cosine in the plane with D = (0, 1.0, 0.4)e5 um2/min: product of cosines with 1 and 2 half waves over "
    "800 um; amplitude exp(-sum D q^2 t).",
    variants=MOVING,
)
def cosine_2d(solver: str) -> Outcome:
    """Compare the amplitude at five times."""
    diffusivity, extent, waves = (1e5, 1e5, 0.4e5), (10.0, 800.0, 800.0), (0, 1, 2)
    rate = sum(d * (np.pi * m / e) ** 2 for d, m, e in zip(diffusivity, waves, extent, strict=True))
    dt = 0.2 if solver == "spectral" else 0.02
    steps = tuple(range(1, 6)) if solver == "spectral" else tuple(range(10, 51, 10))
    result = decaying_wave(solver, (1, 80, 80), extent, diffusivity, waves, dt, steps)
    return _outcome(solver, "min", rate, result, f"{dt:g} min", "10 um")


@case(
    "fields",
    "Decaying cosine in space, D = 1e5 um2/min: product of cosines with 1, 2 and 1 half waves over a cube of 640 um; "
    "amplitude exp(-6 D (pi/640 um)^2 t).",
    variants=MOVING,
    dear=("sdirk2",),
)
def cosine_3d(solver: str) -> Outcome:
    """Compare the amplitude at five times."""
    extent = (640.0, 640.0, 640.0)
    rate = 1e5 * 6.0 * (np.pi / 640.0) ** 2
    dt = 0.04 if solver == "spectral" else 0.01
    steps = tuple(range(1, 6)) if solver == "spectral" else tuple(range(4, 21, 4))
    result = decaying_wave(solver, (32, 32, 32), extent, (1e5, 1e5, 1e5), (1, 2, 1), dt, steps)
    return _outcome(solver, "min", rate, result, f"{dt:g} min", "20 um")


@case(
    "fields",
    "Decay alone (as in a test of BioDynaMo): D = 0, 0.01 per h, 1e5 in one voxel, 100 steps of 0.1 h: 90483.742 "
    "there and zero elsewhere.",
    variants=("pointwise", *MOVING),
)
def decay_only(solver: str) -> Outcome:
    """Compare the voxel with the source, and all others with zero."""
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    medium = make_medium(np.ones((1, 16, 16)), (10.0, 10.0, 10.0), 0.0, 0.01)
    made = make_solver(solver, medium, allow.TOLERANCE)
    field = np.zeros((1, 16, 16))
    field[0, 8, 8] = 1e5
    hours, found = [], []
    for step in range(1, 101):
        made.advance(field, None, 0.1)
        if step % 10 == 0:
            hours.append(0.1 * step)
            found.append(float(field[0, 8, 8]))
    t = np.array(hours)
    exact = 1e5 * np.exp(-0.01 * t)
    rounding = allow.of_solves(solver, 1, 100, 1e5)
    allowed = 1e5 * allow.of_steps(solver, 0.01, 0.1, 10.0) + rounding
    why = f"{allow.words_of_steps(solver, '0.1 h')}; solves and rounding"
    others = field.copy()
    others[0, 8, 8] = 0.0
    checks = (
        Check("value after 10 h", "1", float(exact[-1]), found[-1], float(allowed), why),
        Check.worst("value elsewhere", "1", 0.0, others, rounding, "solves and rounding"),
    )
    fine = np.linspace(0.0, 10.0, 50)
    plot = Plot(
        "time (h)",
        "value (1)",
        [Series.of("1e5 exp(-0.01 t)", fine, 1e5 * np.exp(-0.01 * fine))],
        [Series.of(solver, t, found)],
    )
    return Outcome(checks, plot)
