"""Coupled cases of steady profiles: cells that stay secrete, hindrance and transport shape the field as in a run.

The allowed errors are those of `steady`: the maximum principle with the second difference, ``h^2/12`` of the fourth
derivative times ``l^2``, the half voxel at an edge, ``h^2/8`` of the second, and an interface, ``h^2/8`` of its jump.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.hindrance import Hindrance
from cordgraft.processes.secretion import Secretion
from cordgraft.processes.transport import Transport
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.exchange import round_cord
from cordgraft.run.verification.stage import Stage, make_stage, put_cells
from cordgraft.state.cells import CellKind

SPACING = 25.0
#: Half-lives after which what is left of the start is 1e-12 of the field.
HALF_LIVES = 40


def run_to_rest(stage: Stage, secretion: Secretion) -> None:
    """Let cells secrete until the field is steady."""
    stage.step(round(HALF_LIVES * secretion.params.half_life))


def source_of(secretion: Secretion) -> tuple[float, float, float]:
    """Return source of one precursor a voxel (K_d/h), decay (1/h) and diffusivity (um2/h) from the parameters."""
    p = secretion.params
    rate = p.output * p.precursor_output / (SPACING**3 * 1e-15) / (p.affinity * 1e-9)
    return rate, log(2.0) / p.half_life, 3600.0 * p.diffusivity


def rest(level: float, decay: float, voxels: int) -> float:
    """Return what start, solves and rounding leave of a field; an error of a solve is forgotten after 1/k steps."""
    return float(
        level * 2.0 ** (1 - HALF_LIVES) + allow.of_solves("sdirk2", voxels, round(1.0 / decay) + 1, level)
    )


@case(
    "coupled",
    "Cells in every voxel of a cord 800 um wide secrete a decaying factor that leaves through its surface: held at "
    "zero there, s/k (1 - cosh(y/l)/cosh(a/l)); through a membrane P, cosh(a/l) + (D/(l P)) sinh(a/l) below.",
    variants=("fixed", "exchange"),
)
def open_surface(edge: str) -> Outcome:
    """Compare the profile across the cord."""
    permeability = 0.05
    secretion = Secretion(Secretion.Params(diffusivity=2.0))
    transport = Transport(
        Transport.Params(
            coarsening=1, step=1.0, edge=edge, edge_permeability=permeability, tolerance=allow.TOLERANCE
        )
    )
    shape = (1, 40, 16)
    cord = np.zeros(shape)
    cord[:, 4:36] = 1.0
    stage = make_stage([Hindrance(), secretion, transport, CellTurnover()], shape, (SPACING,) * 3, cord=cord)
    put_cells(stage, np.flatnonzero(cord), CellKind.PRECURSOR)
    run_to_rest(stage, secretion)
    rate, decay, d = source_of(secretion)
    length, half = float(np.sqrt(d / decay)), 400.0
    y = SPACING * (np.arange(40) - 19.5)[4:36]
    wall = d / (length * 3600.0 * permeability) if edge == "exchange" else 0.0
    low = float(np.cosh(half / length) + wall * np.sinh(half / length))

    def law(at: Any) -> Any:
        return rate / decay * (1.0 - np.cosh(np.asarray(at) / length) / low)

    field = stage.tissue["field.trophic"][0, 4:36]
    level = rate / decay
    second = level / length**2 * float(np.cosh(half / length)) / low
    third = level / length**3 * float(np.sinh(half / length)) / low
    off = SPACING**2 * (second / 12.0 + second / 8.0)
    if edge == "exchange":
        off += SPACING**2 / 24.0 * third * d / (3600.0 * permeability)
    allowed = off + rest(level, decay, cord.size)
    why = f"maximum principle: h^2/12 c'''' l^2 + h^2/8 c'' at the surface, h = {SPACING:g} um; start and solves"
    check = Check.worst("values across the cord", "K_d", law(y)[:, None], field, allowed, why)
    fine = np.linspace(-half, half, 200)
    plot = Plot(
        "place across the cord (um)",
        "trophic factor (K_d)",
        [Series.of("closed form", fine, law(fine))],
        [Series.of(f"cells and transport, {edge}", y, field[:, 8])],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Cells in the grey half of a cord secrete; white matter, where molecules spread (1.55/1.4)^2 times as fast along "
    "the cord, has none: hyperbolic cosines on both sides with equal values and fluxes at the border.",
)
def grey_and_white() -> Outcome:
    """Compare the profile along the cord."""
    secretion = Secretion(Secretion.Params(diffusivity=2.0))
    transport = Transport(Transport.Params(coarsening=1, step=1.0, tolerance=allow.TOLERANCE))
    hindrance = Hindrance()
    n = 128
    shape = (1, 8, n)
    stage = make_stage([hindrance, secretion, transport, CellTurnover()], shape, (SPACING,) * 3)
    grey = np.broadcast_to(np.arange(n) < n // 2, shape)
    stage.tissue["fraction.grey"][...] = grey
    stage.tissue["fraction.white"][...] = ~grey
    put_cells(stage, np.flatnonzero(grey), CellKind.PRECURSOR)
    run_to_rest(stage, secretion)
    rate, decay, d = source_of(secretion)
    p = hindrance.params
    faster = (p.grey / p.white_along) ** 2
    lengths = float(np.sqrt(d / decay)), float(np.sqrt(faster * d / decay))
    end = 0.5 * n * SPACING
    turn = [float(np.tanh(end / length)) for length in lengths]
    # value at the border from equal fluxes: D1 (s/k - c0)/l1 tanh(L/l1) = D2 c0/l2 tanh(L/l2)
    left, right = turn[0] / lengths[0], faster * turn[1] / lengths[1]
    level = rate / decay
    border = level * left / (left + right)

    def law(at: Any) -> Any:
        at = np.asarray(at, dtype=np.float64)
        inner = level - (level - border) * np.cosh((end + at) / lengths[0]) / np.cosh(end / lengths[0])
        return np.where(
            at < 0.0, inner, border * np.cosh((end - at) / lengths[1]) / np.cosh(end / lengths[1])
        )

    z = SPACING * (np.arange(n) + 0.5 - n / 2)
    field = stage.tissue["field.trophic"][0]
    bends = (border - level) / lengths[0] ** 2, border / lengths[1] ** 2
    off = SPACING**2 * (max(abs(b) for b in bends) / 12.0 + abs(bends[1] - bends[0]) / 8.0)
    allowed = off + rest(level, decay, n * 8)
    why = f"maximum principle: h^2/12 c'''' l^2 + h^2/8 of the jump of c'', h = {SPACING:g} um; start and solves"
    check = Check.worst("values along the cord", "K_d", law(z)[None], field, allowed, why)
    near = np.abs(z) < 1000.0
    plot = Plot(
        "distance from the border of grey and white matter (um)",
        "trophic factor (K_d)",
        [Series.of("closed form", z[near], law(z[near]))],
        [Series.of("cells, hindrance and transport", z[near][::3], field[4, near][::3])],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Cells in every voxel of a closed cord of any shape and tissue: the field is s/k everywhere, also on a coarser "
    "lattice whose blocks the edge cuts.",
    variants=("blocks of 1", "blocks of 4", "as chosen"),
)
def even_secretion(variant: str) -> Outcome:
    """Compare every voxel of a section whose edge cuts across the axes."""
    coarsening = {"blocks of 1": 1, "blocks of 4": 4, "as chosen": 0}[variant]
    secretion = Secretion(Secretion.Params(diffusivity=2.0))
    transport = Transport(Transport.Params(coarsening=coarsening, tolerance=allow.TOLERANCE))
    shape = (1, 48, 96)
    cord = round_cord(shape)
    stage = make_stage([Hindrance(), secretion, transport, CellTurnover()], shape, (SPACING,) * 3, cord=cord)
    white = np.broadcast_to((np.arange(48)[:, None] // 5 + np.arange(96)[None, :] // 7) % 2 == 0, shape)
    stage.tissue["fraction.white"][...] = cord * white
    stage.tissue["fraction.grey"][...] = cord * ~white
    put_cells(stage, np.flatnonzero(cord), CellKind.PRECURSOR)
    rate, decay, _ = source_of(secretion)
    level = rate / decay
    run_to_rest(stage, secretion)
    field = stage.tissue["field.trophic"]
    plan = transport.plans["trophic"]
    allowed = rest(level, decay, cord.size)
    why = "what is left of the start, 2^-40; solves and rounding: a constant field is exact on every lattice"
    inside = cord > 0.0
    checks = (
        Check.worst("values in the cord", "K_d", level, field[inside], allowed, why),
        Check.worst("values outside", "K_d", 0.0, field[~inside], 0.0, "no field outside the cord"),
    )
    z = SPACING * (np.arange(96) + 0.5)
    plot = Plot(
        "place along the cord (um)",
        "trophic factor (K_d)",
        [Series.of("s/k", z[[0, -1]], [level, level])],
        [
            Series.of(f"in the middle, {variant} ({plan.lattice.factors[2]})", z[::6], field[0, 24, ::6]),
            Series.of(
                "at the edge", z[::6], [float(field[0, :, i][inside[0, :, i]][0]) for i in range(0, 96, 6)]
            ),
        ],
    )
    return Outcome(checks, plot)
