"""Migration: where each grafted cell proposes to go.

Precursors wander. "200 um in 7 d" (rat corpus callosum; 1.2 um/h) is a distance reached, so a speed ``v`` means
the spread along an axis after ``T`` = 7 d: ``D = v^2 T / 2`` (um2/h), and the mean square displacement per axis
is ``2 D t``. Neurons and settled cells wander the same way, hardly. Travelling astrocytes drift along the cord
at ``u (w + e (1 - w))``, ``w`` the local share of white matter and ``e`` their speed elsewhere, and draw a new
heading at the rate ``1/tau``: mean square displacement ``2 u^2 tau (t - tau (1 - exp(-t/tau)))``.
Pressure adds hops down the crowding at ``D_p ((n/K) here - (n/K) there)``, others than the cell itself counted.
The astrocyte border ``b`` lets ``1 - 0.9 b`` of the hops through, in both directions.

On the lattice a step is cut into pieces with at most one hop of one voxel each; the chances of the hops give the
exact drift and spread whatever the period and the voxel, except that a drift of ``m`` voxels a piece cannot
spread by less than ``m (1 - m)``. A full voxel is no way through.

Sources: speed of precursors Chen 2015 (read); the persistence is calibrated on the front of Lien 2019; drift, pressure
and the hold of the border are assumed, see each parameter.

Left out: attraction by CXCL12 (no such field in this version), blood vessels as tracks, cells that leave the
cord; a cell at the end of the lattice stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.cells import SPACE_READS, CellKind

HOURS = 24.0
#: Time over which the speeds of wandering cells are meant (the 7 d of the source of `precursor_speed`), h.
REFERENCE_H = 168.0


def spread_of(speed_um_h: float) -> float:
    """Return the spread D (um2/h) of a walk that reaches ``speed x 7 d`` along an axis after 7 d."""
    return 0.5 * speed_um_h * speed_um_h * REFERENCE_H


class Migration(Process):
    """Proposes moves."""

    name = "migration"
    phase = Phase.DECIDE
    period_h = 6.0
    reads = ("cell.*", *SPACE_READS)
    writes = ("cell.move_target", "cell.new_heading")
    streams = (Stream.MIGRATION,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Speeds by kind."""

        precursor_speed: float = quantity(
            1.2,
            "um/h",
            "how fast precursors spread, as distance over 7 d",
            bounds=(0.0, 20.0),
            cited=(0.5, 3.0),
            evidence="read",
            source="Chen 2015 Brain Struct Funct",
            row="npc_migration_speed_spontaneous",
        )
        settled_speed: float = quantity(
            0.1,
            "um/h",
            "how fast neurons, settled astrocytes and oligodendrocytes spread, as distance over 7 d",
            bounds=(0.0, 5.0),
            evidence="assumed",
        )
        traveller_speed: float = quantity(
            0.5,
            "um/h",
            "how fast travelling astrocytes spread beside their drift, as distance over 7 d",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        traveller_drift: float = quantity(
            88.0,
            "um/d",
            "speed of travelling astrocytes along the cord in white matter",
            bounds=(0.0, 2000.0),
            # Nobody has measured a single cell. The front of migrating astrocytes is an outcome, so it cannot set
            # its own cause. Assumed: the geometric mean of the speeds of precursors without and with CXCL12, which
            # the range spans. It lies close to the published front; that this front comes out is therefore weak
            # evidence for the model.
            cited=(28.8, 268.8),
            evidence="assumed",
            source="range: precursors, Chen 2015 Brain Struct Funct, 1.2 and 11.2 um/h",
        )
        elsewhere: float = quantity(
            0.2,
            "1",
            "speed of travelling astrocytes outside white matter over that inside",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        persistence: float = quantity(
            180.0,
            "d",
            "time for which a traveller keeps its heading",
            bounds=(0.1, 3650.0),
            # Nobody has followed a single cell. With a month the front spreads like the root of time, with 1.0 mm a
            # month over a year; with half a year it moves on nearly evenly, as it is seen to do.
            evidence="calibrated",
            source="on the even advance of the front over 18 months in rats, Lien 2019 Exp Neurol 314:46 (row S7)",
        )
        pressure_speed: float = quantity(
            1.2,
            "um/h",
            "how fast cells other than neurons give way from a full voxel to an empty one",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        barrier_stop: float = quantity(
            0.9,
            "1",
            "share of moves that a complete astrocyte border holds back",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Propose the moves of one period."""
        if len(tissue.cells) == 0:
            return
        from cordgraft.kernels.cell import cells_of, draw_of, space_of
        from cordgraft.kernels.cell_motion import move_loop
        from cordgraft.kernels.compile import run_blocks

        motion = self.motion(key.dt_h, tissue.lattice.shape, tissue.lattice.spacing_um)
        run_blocks(
            move_loop, len(tissue.cells), cells_of(tissue), space_of(tissue), motion, draw_of(tissue, key)
        )

    def motion(self, dt_h: float, shape: tuple[int, int, int], spacing_um: tuple[float, float, float]) -> Any:
        """Return the constants of migration for the kernels."""
        from cordgraft.kernels.cell_motion import TRAVELLER, Motion

        p = self.params
        spread = np.full(TRAVELLER + 1, spread_of(p.settled_speed))
        spread[CellKind.PRECURSOR] = spread_of(p.precursor_speed)
        spread[CellKind.UNDIFFERENTIATED] = 0.0  # nothing says that they wander; they are pushed
        spread[TRAVELLER] = spread_of(p.traveller_speed)
        pressure = np.full(TRAVELLER + 1, spread_of(p.pressure_speed))
        pressure[CellKind.NEURON] = 0.0  # held by their neurites
        drift = p.traveller_drift / HOURS
        pieces = np.ones(TRAVELLER + 1, dtype=np.int64)
        for row in range(TRAVELLER + 1):
            hops = 0.0
            for axis, width in enumerate(spacing_um):
                if shape[axis] == 1:
                    continue
                mean = drift * dt_h / width if row == TRAVELLER and axis == 2 else 0.0
                hops += max(mean, 2.0 * spread[row] * dt_h / width**2 + mean**2)
                hops += 2.0 * pressure[row] * dt_h / width**2
            pieces[row] = max(1, int(np.ceil(hops)))
        return Motion(
            spread=spread,
            pressure=pressure,
            drift=drift,
            elsewhere=p.elsewhere,
            turn=1.0 / (HOURS * p.persistence),
            barrier_stop=p.barrier_stop,
            pieces=pieces,
        )
