"""Graft tissue: what grafted cells take of the lesion, and what they leave when they go.

A voxel with ``n`` cells of ``K`` that fit into it empty is, as far as lesion room allows, to the share ``n/K``
graft tissue (2.5 pL a cell at a packing of 0.6). The share ``w`` approaches that value:

    w' = (n/K - w)/tau         taken from lesion room as far as there is some, given back as cavity
    w -> w - deaths/K          becomes dead tissue at once

``tau`` is `settling_time`, and a step is exact for any length; cells take fluid first (cavity, cerebrospinal
fluid), then blood, then dead tissue. Cells that die become dead tissue at once, of the tissue they had become; room
that cells leave alive fills with fluid (cavity), which is the first that others take again, so that cells which
come and go leave no trace.

Host white and grey matter and scar are never turned into graft, however many astrocytes travel through them.

Sources: volume of a cell and packing recalled, ``tau`` assumed.

Left out: the pressure of a graft that outgrows its room (`mass_effect`), and how dead cells are cleared, which is the
business of the process that clears dead tissue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process, Provision, TransferSpec
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity

HOURS = 24.0
#: Order in which cells take room.
TAKEN: tuple[str, ...] = ("cavity", "csf", "blood", "necrosis")


class GraftTissue(Process):
    """Turns lesion room into graft tissue and back."""

    name = "graft_tissue"
    phase = Phase.REMODEL
    period_h = 6.0
    provides = Provision(
        transfers=(
            *(TransferSpec(source, "graft") for source in TAKEN),
            TransferSpec("graft", "necrosis"),
            TransferSpec("graft", "cavity"),
        )
    )
    reads = (
        "map.cell_capacity",
        "cell.id",
        "density.cells",
        "density.graft_deaths",
        "fraction.graft",
        "fraction.cavity",
        "fraction.csf",
        "fraction.blood",
        "fraction.necrosis",
    )
    writes = ("density.graft_deaths",)
    deposits = (
        *(f"transfer.{source}>graft" for source in TAKEN),
        "transfer.graft>necrosis",
        "transfer.graft>cavity",
    )

    @dataclass(frozen=True)
    class Params(BaseParams):
        """How fast cells become tissue."""

        settling_time: float = quantity(
            2.0,
            "d",
            "time in which cells that settle become graft tissue",
            bounds=(0.01, 365.0),
            evidence="assumed",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Ask for the transfers of one period."""
        graft = tissue["fraction.graft"]
        if len(tissue.cells) == 0 and not np.any(graft) and not np.any(tissue["density.graft_deaths"]):
            return
        capacity = tissue["map.cell_capacity"]
        inside = capacity > 0.0
        per_cell = np.where(inside, 1.0 / np.where(inside, capacity, 1.0), 0.0)
        died = np.minimum(graft, tissue["density.graft_deaths"] * per_cell)
        tissue["transfer.graft>necrosis"][...] += died
        tissue["density.graft_deaths"][...] = 0.0
        settled = -np.expm1(-key.dt_h / (HOURS * self.params.settling_time))
        change = settled * (tissue["density.cells"] * per_cell - (graft - died))
        tissue["transfer.graft>cavity"][...] += np.maximum(-change, 0.0)
        wanted = np.maximum(change, 0.0)
        for source in TAKEN:
            taken = np.minimum(wanted, tissue[f"fraction.{source}"])
            tissue[f"transfer.{source}>graft"][...] += taken
            wanted = wanted - taken
