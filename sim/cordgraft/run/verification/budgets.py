"""Cases of amounts over a long time: nothing is lost or made, through any solver, mask or open edge."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.exchange import round_cord

SHAPE = (1, 48, 96)
#: um2/h, as a small protein spreads (25 um2/s).
D = 9e4
#: What rounds, in words (`allowances.of_amount`).
ROUNDING = {
    "spectral": "rounding of the transforms, 4 log2(voxels) units,",
    "sdirk2": "rounding of two implicit stages, 16 (1 + g dt x fastest exchange) units,",
    "rkl2": "rounding, 8 units a stage,",
}


def _contrast() -> Any:
    """Return diffusivities that vary by a factor of three from voxel to voxel : SHAPE."""
    y, z = np.arange(SHAPE[1]), np.arange(SHAPE[2])
    return D * (0.5 + 0.5 * ((y[:, None] // 6 + z[None, :] // 8) % 2 == 0) + 0.5 * (z[None, :] > 50))[None]


@case(
    "fields",
    "A field of spikes in a section whose edge cuts across the axes, tissue with three-fold contrast, closed edge: "
    "what is in the cord stays, over 100 steps.",
    variants=("sdirk2", "rkl2"),
)
def mask_conservation(solver: str) -> Outcome:
    """Compare the amount after every step with the one at the start."""
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    cord = round_cord(SHAPE)
    diffusivity = _contrast()
    made = make_solver(solver, make_medium(cord, (50.0,) * 3, (diffusivity, diffusivity, 1.5 * diffusivity)))
    field = cord * (np.arange(cord.size).reshape(SHAPE) * 7 % 97 == 0) * 100.0
    start = float(np.sum(field))
    hours, amount, spread = [0.0], [start], [float(field.max())]
    for step in range(1, 101):
        made.advance(field, None, 0.5)
        hours.append(0.5 * step)
        amount.append(float(np.sum(field)))
        spread.append(float(field.max()))
    allowed = float(allow.of_amount(solver, made, 0.5, 100, start))
    why = f"{ROUNDING[solver]} in each of 100 steps (at the solvers' everyday tolerance, 1e-6)"
    outside = float(np.max(np.abs(field[cord == 0.0])))
    checks = (
        Check.worst("amount in the cord", "voxels", start, amount, allowed, why),
        Check("largest value outside the cord", "1", 0.0, outside, 0.0, "nothing leaves a closed cord"),
    )
    plot = Plot(
        "time (h)",
        "amount in the cord (voxels)",
        [Series.of("at the start", [0.0, 50.0], [start, start])],
        [
            Series.of(
                f"{solver}; highest voxel from {spread[0]:.3g} to {spread[-1]:.3g}", hours[::5], amount[::5]
            )
        ],
    )
    return Outcome(checks, plot)


@case(
    "fields",
    "Amount over 180 d without decay: sources of 1/h in every fifth voxel, closed edge; in = stored, in 720 "
    "steps of 6 h.",
    variants=("spectral", "sdirk2", "rkl2"),
)
def budget_180_days(solver: str) -> Outcome:
    """Compare what is stored with what has come in."""
    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    cord = np.ones(SHAPE) if solver == "spectral" else round_cord(SHAPE)
    diffusivity: Any = D if solver == "spectral" else _contrast()
    made = make_solver(solver, make_medium(cord, (50.0,) * 3, (diffusivity,) * 3))
    source = cord * (np.arange(cord.size).reshape(SHAPE) % 5 == 0)
    per_hour = float(source.sum())
    field = np.zeros(SHAPE)
    days, stored = [], []
    for step in range(1, 721):
        made.advance(field, source, 6.0)
        if step % 40 == 0:
            days.append(step / 4.0)
            stored.append(float(np.sum(field * cord)))
    came = per_hour * 24.0 * np.array(days)
    allowed = allow.of_amount(solver, made, 6.0, 720, came)
    why = f"{ROUNDING[solver]} in each of 720 steps: {allowed[-1] / came[-1]:.1g} of the amount"
    check = Check.worst("amount stored", "voxels", came, stored, allowed, why)
    plot = Plot(
        "time (d)",
        "amount (voxels)",
        [Series.of("came in", np.append(0.0, days), np.append(0.0, came))],
        [Series.of(f"stored, {solver}", days, stored)],
    )
    return Outcome((check,), plot)


@case(
    "fields",
    "Amount over 180 d with decay and an edge that exchanges: once the field is steady, what comes in from sources "
    "equals what decays and what leaves through the edge, k c + E c summed over all voxels.",
    variants=("steady", "sdirk2", "rkl2"),
)
def open_budget(solver: str) -> Outcome:
    """Compare supply with losses in the steady state."""
    from cordgraft.kernels.medium import Edge, make_medium
    from cordgraft.kernels.solvers import make_solver, solve_steady

    cord = round_cord(SHAPE)
    diffusivity = _contrast()
    decay = 0.02
    medium = make_medium(cord, (50.0,) * 3, (diffusivity,) * 3, decay, Edge.exchange(400.0, 0.5), "y")
    source = cord * (np.arange(cord.size).reshape(SHAPE) % 5 == 0)
    field = np.zeros(SHAPE)
    assert medium.inflow is not None
    came = float(source.sum() + medium.inflow.sum())
    if solver == "steady":
        tolerance = 1e-11
        solve_steady(field, medium, source, tolerance=tolerance)
        stiff = medium.outflow() + medium.loss
        allowed = tolerance * float(field.max()) * float(stiff.sum()) + allow.of_rounding(
            64.0 * field.size, came / field.size
        )
        why = "tolerance of the solver times stiffness, summed over the voxels; rounding"
    else:
        made = make_solver(solver, medium, allow.TOLERANCE)
        steps = 720
        for _ in range(steps):
            made.advance(field, source, 6.0)
        # the amount that is still missing fades at the decay at least: came/k exp(-k t) k, slower by the step
        left = came * float(np.exp(-0.99 * decay * 6.0 * steps))
        of_solve = 2.0 * allow.TOLERANCE * came * float(np.sqrt(field.size))
        allowed = left + of_solve + float(allow.of_amount(solver, made, 6.0, steps, came))
        why = "what the start still lacks, exp(-0.99 k t); the last solve; rounding as for a closed cord"
    lost = float(np.sum(medium.loss * field))
    check = Check("losses through decay and edge", "voxels/h", came, lost, allowed, why)
    middle = SHAPE[1] // 2
    z = 50.0 * (np.arange(SHAPE[2]) + 0.5)
    supply = np.cumsum(source.sum(axis=(0, 1)) + medium.inflow.sum(axis=(0, 1)))
    losses = np.cumsum((medium.loss * field).sum(axis=(0, 1)))
    # what flows along the cord through a plane makes up for the difference up to there
    flow = np.append((medium.gz * (field - np.roll(field, -1, axis=2)))[:, :, :-1].sum(axis=(0, 1)), 0.0)
    local = Check.worst(
        "supply up to a plane = losses up to it and flow through it",
        "voxels/h",
        supply,
        losses + flow,
        allowed,
        why,
    )
    plot = Plot(
        "place along the cord (um)",
        "rate up to this plane (voxels/h)",
        [Series.of("supply", z, supply)],
        [
            Series.of(
                f"losses and flow, {solver}; {field[0, middle].max():.3g} at most",
                z[::4],
                (losses + flow)[::4],
            )
        ],
    )
    return Outcome((check, local), plot)
