"""Mass effect: a graft that outgrows its room presses on the cord round it.

Cells of a line with weak contact inhibition go on dividing in voxels that are full (see `cell_turnover`), and room
shrinks where tissue closes in. What is beyond the room of a voxel presses, and pressure spreads along the cord over
about half its depth::

    E(z) = sum over the level of max(0, n - K),   R(z) = sum over the level of K
    P(z) = (G * E)(z) / (G * R)(z)

``n`` cells, and ``K`` cells that fit into the voxel as its tissue is now (lesion room and the gaps of host tissue);
`G` a Gaussian along the cord with the standard deviation `reach`; `P` excess over room, 1: 0 for a graft that fits, 1
for one that would need twice its room. Two things follow:

    conduction of every tract crossing  x e^(-s P_max)          at once, and it comes back when the pressure goes
    w_white' = -k P w_white,   w_grey' = -k P w_grey            dead for good; fibres in dead tissue break

``P_max`` the largest pressure of any level, since a fibre is blocked at its worst place; `s` `block`; `k` `loss` per
day. A cord without a graft, and a graft that fits, are not touched by a bit.

Sources: that a tumour-forming graft first helps and then harms is read (Nori 2015, PMID 25684226); the form and all
numbers are assumed.

Left out: flow of blood and of fluid under pressure, displacement of tissue (the lattice keeps its shape), vertebral
canal and decompression, pain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision, TransferSpec
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity

HOURS = 24.0


class MassEffect(Process):
    """Turns what a graft has beyond its room into pressure, and pressure into loss."""

    name = "mass_effect"
    phase = Phase.REMODEL
    period_h = 6.0
    provides = Provision(
        arrays=(
            ArraySpec(
                "scalar.graft_pressure",
                "1",
                "largest pressure of the graft on a level of the cord: excess over room",
                bounds=(0.0, np.inf),
            ),
            ArraySpec(
                "scalar.graft_conduction",
                "1",
                "share of conduction that the pressure of the graft leaves",
                initial=1.0,
                bounds=(0.0, 1.0),
            ),
        ),
        transfers=(TransferSpec("white", "necrosis"), TransferSpec("grey", "necrosis")),
    )
    reads = (
        "cell.id",
        "density.cells",
        "density.cell_capacity",
        "density.cell_places",
        "fraction.white",
        "fraction.grey",
    )
    writes = ("scalar.graft_pressure", "scalar.graft_conduction")
    deposits = ("transfer.white>necrosis", "transfer.grey>necrosis")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """How far pressure reaches and what it does."""

        reach: float = quantity(
            750.0,
            "um",
            "distance along the cord over which the pressure of a graft spreads (half the depth of the cord)",
            bounds=(0.0, 1e5),
            evidence="assumed",
            presets={"rat": 1200.0, "human": 3700.0, "human_thoracic": 3150.0},
        )
        block: float = quantity(
            1.0,
            "1",
            "how strongly pressure takes conduction away; 0 not at all",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        loss: float = quantity(
            0.02,
            "1/d",
            "rate at which host tissue dies where the graft would need twice its room",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Find the pressure of every level and ask for the tissue that it kills."""
        pressure = self.pressure(tissue) if len(tissue.cells) else None
        largest = float(pressure.max()) if pressure is not None else 0.0
        tissue.set_scalar("graft_pressure", largest)
        tissue.set_scalar("graft_conduction", exp(-self.params.block * largest))
        if pressure is None or largest == 0.0 or self.params.loss == 0.0:
            return
        dying = -np.expm1(-self.params.loss * pressure * key.dt_h / HOURS)
        for kind in ("white", "grey"):
            tissue[f"transfer.{kind}>necrosis"][...] += dying * tissue[f"fraction.{kind}"]

    def pressure(self, tissue: Any) -> NDArray[np.float64]:
        """Return the pressure of every level along the cord, excess over room : (nz,) float64."""
        from scipy.ndimage import gaussian_filter1d

        cells, places = tissue["density.cells"], tissue["density.cell_places"]
        crowded = np.flatnonzero(cells.reshape(-1) > places.reshape(-1))
        levels = tissue.lattice.shape[2]
        if crowded.size == 0:
            return np.zeros(levels)
        room = tissue["density.cell_capacity"]
        # places round the capacity of a voxel up or down: only what is beyond both is pressed
        beyond = cells.reshape(-1)[crowded] - np.maximum(
            room.reshape(-1)[crowded], places.reshape(-1)[crowded]
        )
        excess = np.bincount(crowded % levels, weights=np.maximum(beyond, 0.0), minlength=levels)
        width = self.params.reach / tissue.lattice.spacing_um[2]
        spread = [
            gaussian_filter1d(amount, width, mode="nearest") if width > 0.0 else amount
            for amount in (excess, room.sum(axis=(0, 1)))
        ]
        return np.divide(spread[0], spread[1], out=np.zeros(levels), where=spread[1] > 0.0)
