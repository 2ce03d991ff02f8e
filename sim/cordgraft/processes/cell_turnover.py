"""Turnover: the one writer of cell rows, places and counts.

It draws who dies of the hazards deposited since the last turnover (``1 - exp(-integral of h)``), lets the dead
go, gives travellers their new headings, settles who gets a place, moves the winners and adds the daughters.
For each voxel the first (places minus occupants) claims in the order of a hash drawn afresh in each tick win; a
claim for a daughter and a claim for a move are the same. Places that movers leave become free in the next
turnover, so that nobody moves into a voxel beyond its places. A claim that loses is gone: the cell stays, or
does not divide. Only daughters of undifferentiated cells of a line with weak contact inhibition are not held back:
one that finds no place stays in its mother's voxel, up to ``c`` times its places (``c`` the multiple of the capacity
at which such cells stop to divide). What is beyond the room of a voxel presses, see `mass_effect`.

A daughter takes over line, kind, heading, day of grafting and weight of its mother; its id is a hash of
(mother, tick, sibling), so that one birth more renumbers nobody.

Rows are sorted by (voxel, id) every `sort_period`; that is for speed only and changes no value of any cell.

How many cells a voxel holds: `cordgraft.state.cells.open_capacity` in lesion room, the share `tissue_share` of
it in host tissue, where cells find room only between what lives there.

Sources: room in host tissue is the extracellular share (recalled); the rest is bookkeeping.

Left out: places that movers leave within the step, cells squeezed in or out when the tissue round them changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.cells import (
    LESION_ROOM,
    ROOM_READS,
    ROOM_SPECS,
    ROOM_WRITES,
    CellKind,
    count_by_voxel,
    open_capacity,
)
from cordgraft.state.lines import line_values


class CellTurnover(Process):
    """Applies deaths, moves and births."""

    name = "cell_turnover"
    phase = Phase.ACT
    period_h = 6.0
    essential = True
    provides = Provision(
        arrays=(
            ArraySpec(
                "map.cell_capacity",
                "cells",
                "simulated graft cells that the voxel holds when nothing else is in it",
                record=False,
            ),
            ArraySpec(
                "scalar.cell_tissue_share",
                "1",
                "share of that capacity which host tissue offers",
                bounds=(0.0, 1.0),
            ),
            *ROOM_SPECS,
            ArraySpec(
                "density.graft_deaths",
                "cells",
                "simulated graft cells that died in the voxel and are not yet accounted for in the tissue",
                bounds=(0.0, np.inf),
                record=False,
            ),
        )
    )
    reads = ROOM_READS
    writes = ("cell.*", "density.cells", *ROOM_WRITES, "density.graft_deaths")
    streams = (Stream.SURVIVAL, Stream.CROWDING)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Room in host tissue, and housekeeping."""

        tissue_share: float = quantity(
            0.2,
            "1",
            "room for graft cells in host tissue over that in a cleared lesion; taken to be the extracellular share",
            bounds=(0.0, 1.0),
            cited=(0.18, 0.24),
            evidence="recalled",
            row="ecs_volume_fraction",
        )
        sort_period: float = quantity(
            24.0,
            "h",
            "how often rows are put in the order of their voxels",
            bounds=(0.01, 8760.0),
            evidence="assumed",
        )

    def prepare(self, tissue: Any) -> None:
        """Set up the static capacity of every voxel."""
        tissue["map.cell_capacity"][...] = open_capacity(
            tissue.lattice,
            np.where(tissue["map.cord"] > 0, tissue["map.volume"], 0.0),
            tissue.setting.cells_per_agent,
        )
        tissue.set_scalar("cell_tissue_share", self.params.tissue_share)

    def step(self, tissue: Any, key: Key) -> None:
        """Apply what was deposited and proposed since the last turnover."""
        table = tissue.cells
        if len(table) == 0:
            return
        from cordgraft.kernels.cell import draw_of
        from cordgraft.kernels.cell_places import deaths
        from cordgraft.kernels.cell_room import refresh

        draw = draw_of(tissue, key)
        dead = deaths(table["id"], table["hazard"], draw)
        if dead.any():
            tissue["density.graft_deaths"][...] += count_by_voxel(table["site"][dead], tissue.lattice.shape)
            table.keep(~dead)
        table["hazard"][...] = 0.0
        turned = table["new_heading"] != 0
        table["heading"][turned] = table["new_heading"][turned]
        table["new_heading"][...] = 0
        refresh(tissue, LESION_ROOM)
        self._settle(tissue, draw)
        # in whole ticks, rounded: sorting is for speed, so it may come a little early or late
        if key.tick % max(1, round(self.params.sort_period / tissue.clock.tick_h)) == 0:
            table.reorder(np.lexsort((table["id"], table["site"])))
        tissue["density.cells"][...] = count_by_voxel(table["site"], tissue.lattice.shape)

    def _settle(self, tissue: Any, draw: Any) -> None:
        from cordgraft.kernels.cell_places import children, settle
        from cordgraft.kernels.cell_room import vacancies

        table = tissue.cells
        movers = np.flatnonzero(table["move_target"] >= 0)
        mothers = np.flatnonzero(table["division_target"] >= 0)
        if movers.size + mothers.size == 0:
            return
        daughters = table["daughters"][mothers].astype(np.int64)
        first = np.cumsum(daughters) - daughters
        nth = np.arange(int(daughters.sum())) - np.repeat(first, daughters) + 1
        claimants = np.concatenate((movers, np.repeat(mothers, daughters)))
        birth = np.concatenate((np.zeros(movers.size, dtype=np.int64), nth))
        target = np.where(birth > 0, table["division_target"][claimants], table["move_target"][claimants])
        granted = settle(target, table["id"][claimants], birth, vacancies(tissue), draw)
        self._pile_up(tissue, claimants, birth, target, granted, draw)
        table["move_target"][...] = -1
        table["division_target"][...] = -1
        table["daughters"][...] = 0
        moves = granted & (birth == 0)
        table["site"][claimants[moves]] = target[moves]
        births = granted & (birth > 0)
        rows = claimants[births]
        if rows.size:
            mother = {name: table[name][rows] for name in table.columns}
            ids = children(mother["id"], birth[births], int(draw.tick), table["id"])
            mother.update(id=ids, parent=mother["id"], site=target[births])
            table.add(rows.size, **mother)

    def _pile_up(
        self, tissue: Any, claimants: Any, birth: Any, target: Any, granted: Any, draw: Any
    ) -> None:
        """Let daughters with weak contact inhibition that found no place stay with their mother, beyond its places.

        Changes `target` and `granted`, (claims,) each, in place; `birth` is 0 for a move. Lines go one after the
        other, in the order of their limits.
        """
        from cordgraft.kernels.cell_places import settle

        table = tissue.cells
        limits = np.array(line_values("undifferentiated_crowding"))[table["line"][claimants]]
        weak = (table["kind"][claimants] == CellKind.UNDIFFERENTIATED) & (limits > 1.0)
        lost = np.flatnonzero(~granted & (birth > 0) & weak)
        if lost.size == 0:
            return
        places = tissue["density.cell_places"].reshape(-1)
        taken = np.bincount(table["site"], minlength=places.size)
        taken += np.bincount(target[granted], minlength=places.size)
        for limit in np.unique(limits[lost]):
            claims = lost[limits[lost] == limit]
            home = table["site"][claimants[claims]]
            vacant = np.floor(limit * places).astype(np.int64) - taken
            stays = settle(home, table["id"][claimants[claims]], birth[claims], vacant, draw)
            target[claims[stays]] = home[stays]
            granted[claims[stays]] = True
            taken += np.bincount(home[stays], minlength=places.size)
