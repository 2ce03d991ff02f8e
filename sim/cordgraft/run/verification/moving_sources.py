"""The coupled case: cells that move in every tick and secrete, against the superposition of their exact fields.

Secretion, transport, migration and turnover run as a pipeline, each as in a run. After the last tick every voxel is
compared with the exact answer for the very paths that the cells took (see `superposition`).
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.migration import Migration
from cordgraft.processes.secretion import Secretion
from cordgraft.processes.transport import Transport
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.stage import Stage, make_stage, put_cells
from cordgraft.run.verification.superposition import Superposition, factor_of
from cordgraft.state.cells import CellKind

CELLS = 200
#: um2/s: with a half-life of 8 h a length of 288 um, so that the cells stand out from each other.
DIFFUSIVITY = 2.0
#: Shape without flat axes, spacing (um), cosines per voxel and axis, ticks.
BOXES: dict[str, tuple[tuple[int, ...], float, int, int]] = {
    "plane": ((96, 96), 25.0, 8, 24),
    "space": ((32, 32, 32), 25.0, 4, 12),
}


def strewn(shape: tuple[int, ...], n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return flat voxels spread over a box by a sequence of golden ratios : (n,)."""
    ratio = {2: (0.7548776662, 0.5698402910), 3: (0.8191725134, 0.6710436067, 0.5497004779)}[len(shape)]
    places = [
        ((0.5 + share * np.arange(n)) % 1.0 * count).astype(np.int64)
        for share, count in zip(ratio, shape, strict=True)
    ]
    return np.asarray(np.ravel_multi_index(tuple(places), shape), dtype=np.int64)


def secreting(where: str, transport: Transport) -> tuple[Stage, Superposition, float, float]:
    """Return a stage with wandering, secreting cells, the exact field to come, source per cell and decay (1/h)."""
    inner, spacing, finer, _ = BOXES[where]
    shape = (1, *inner) if len(inner) == 2 else inner
    assert len(shape) == 3
    secretion = Secretion(Secretion.Params(diffusivity=DIFFUSIVITY))
    migration = Migration(Migration.Params(precursor_speed=6.0, pressure_speed=0.0))
    turnover = CellTurnover(CellTurnover.Params(tissue_share=1.0))
    every = {"migration": 1.0, "cell_turnover": 1.0}
    stage = make_stage([secretion, transport, migration, turnover], shape, (spacing,) * 3, periods_h=every)
    put_cells(stage, strewn(inner, CELLS), CellKind.PRECURSOR)
    p = secretion.params
    diffusivity, decay = 3600.0 * p.diffusivity, log(2.0) / p.half_life
    # mol/h of a precursor over the volume of a voxel in L and the affinity in mol/L
    rate = p.output * p.precursor_output / (spacing**3 * 1e-15) / (p.affinity * 1e-9)
    return stage, Superposition(inner, spacing, diffusivity, decay, 1.0, finer), rate, decay


def sites(stage: Stage) -> Any:
    """Return the voxel of each cell in the order of the ids : (n,)."""
    return stage.tissue["cell.site"][np.argsort(stage.tissue["cell.id"])]


@case(
    "coupled",
    "200 cells that wander in every tick of 1 h and secrete a factor which spreads (2 um2/s) and decays (8 h) in a "
    "closed box: every voxel against the superposition of the exact cosine solutions of all paths.",
    variants=("plane, spectral", "plane, sdirk2", "plane, rkl2", "space, spectral", "space, sdirk2"),
    dear=("space, spectral", "space, sdirk2"),
)
def moving_sources(variant: str) -> Outcome:
    """Run the pipeline and compare the field after the last tick."""
    where, solver = variant.split(", ")
    inner, spacing, _, ticks = BOXES[where]
    transport = Transport(
        Transport.Params(
            solver=solver, contrast=False, coarsening=1, step=1.0, tolerance=allow.TOLERANCE, edge="closed"
        )
    )
    stage, exact, rate, decay = secreting(where, transport)
    moves, mass = 0, 0.0
    size = int(np.prod(inner))
    for _ in range(ticks):
        before = sites(stage)
        exact.add_tick(rate * np.bincount(before, minlength=size).reshape(inner))
        mass = mass * float(np.exp(-decay)) + CELLS * rate * -float(np.expm1(-decay)) / decay
        stage.step()
        moves += int(np.sum(before != sites(stage)))
    field = stage.tissue["field.trophic"].reshape(inner)
    wanted = exact.voxel_means()
    stages = 0
    if solver == "rkl2":
        from cordgraft.kernels.transport import stage_count

        stages = stage_count(2.0 * (2.0 * len(inner) * exact.diffusivity / spacing**2) + decay)
    factor = factor_of(solver, stages)
    size_of = float(np.std(wanted))
    distance = float(np.sqrt(np.mean((field - wanted) ** 2)))
    bound = exact.bound(factor) + allow.of_solves(solver, size, ticks, float(wanted.max()))
    # the mode without waves decays by R(-k dt) a tick: the error of the mass is known to rounding
    kept = float(factor(np.array([-decay]))[0])
    of_mass = sum(
        rate * CELLS / decay * abs((1.0 - kept) * kept**n + np.expm1(-decay) * np.exp(-n * decay))
        for n in range(ticks)
    )
    of_mass += allow.of_rounding(64.0 * size * ticks, mass / size) + ticks * allow.TOLERANCE * mass
    checks = (
        Check(
            "distance from the exact field over its variation (root mean squares)", "1",
            0.0, distance / size_of, bound / size_of,
            f"h = {spacing:g} um: per cosine and tick |lattice and step - exact, with aliases|, added up (Parseval)",
        ),
        Check.worst(
            "every voxel against the closed form on this lattice", "K_d", exact.lattice_means(factor), field,
            allow.of_solves(solver, size, ticks, float(wanted.max())),
            "tolerance of the solves and rounding: lattice cosines times R(z) of the method are its exact answer",
        ),
        Check(
            "amount in the box", "voxels", mass, float(field.sum()), float(of_mass),
            "error of the step for the decay alone, |R(-k dt) - exp(-k dt)| added up, and rounding",
        ),
    )  # fmt: skip
    return Outcome(
        checks, _row(wanted, field, spacing, f"{solver}; the cells made {moves} moves in {ticks} ticks")
    )


def _row(wanted: Any, field: Any, spacing: float, label: str) -> Plot:
    row = np.unravel_index(int(np.argmax(wanted)), wanted.shape)[:-1]
    along = (np.arange(wanted.shape[-1]) + 0.5) * spacing
    return Plot(
        "place along the row of the highest voxel (um)",
        "trophic factor (K_d)",
        [Series.of("superposition", along, wanted[row])],
        [Series.of(label, along, field[row])],
    )


@case(
    "coupled",
    "The same cells with the lattice and the step that transport chooses for its field (accuracy 0.05): the promise of "
    "the plan, against the same superposition.",
    variants=("plane, box", "plane, tissue"),
)
def promised_accuracy(variant: str) -> Outcome:
    """Run two days and compare every voxel of the field as agents see it."""
    transport = Transport(Transport.Params(contrast=variant.endswith("tissue")))
    stage, exact, rate, _ = secreting("plane", transport)
    inner, spacing, _, _ = BOXES["plane"]
    for _ in range(48):
        exact.add_tick(rate * np.bincount(sites(stage), minlength=int(np.prod(inner))).reshape(inner))
        stage.step()
    field, wanted = stage.tissue["field.trophic"].reshape(inner), exact.voxel_means()
    plan = transport.plans["trophic"]
    distance = float(np.sqrt(np.mean((field - wanted) ** 2) / np.mean(wanted**2)))
    why = (
        f"promised: {transport.params.accuracy:g} (chosen: {plan.solver}, blocks of {plan.lattice.factors[2]}, "
        f"steps of {plan.step_h:g} h; the plan expects {plan.lattice_error:.2g} and {plan.step_error:.2g})"
    )
    label = "distance from the exact field (root mean square, relative)"
    check = Check(label, "1", 0.0, distance, float(transport.params.accuracy), why)
    return Outcome((check,), _row(wanted, field, spacing, f"{plan.solver}, lattice and step as chosen"))
