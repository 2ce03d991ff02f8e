"""Migration: where each grafted cell proposes to go.

Precursors wander. "200 um in 7 d" (rat corpus callosum; 1.2 um/h) is a distance reached, so a speed ``v`` means
the spread along an axis after ``T`` = 7 d: ``D = v^2 T / 2`` (um2/h), and the mean square displacement per axis
is ``2 D t``. Neurons and settled cells wander the same way, hardly. Travelling astrocytes drift along the cord
at ``u (w + e (1 - w))``, ``w`` the local share of white matter and ``e`` their speed elsewhere, and draw a new
heading at the rate ``1/tau``: mean square displacement ``2 u^2 tau (t - tau (1 - exp(-t/tau)))``.
Pressure adds hops down the crowding at ``D_p ((n/K) here - (n/K) there)``, others than the cell itself counted.
The astrocyte border ``b`` lets ``1 - 0.9 b`` of the hops through, in both directions.

Where a depot (see `chemoattractant`) released CXCL12, precursors drift up its gradient::

    c' = div(D m grad c) - (ln2/t) c + release              in units of K_d; by `transport`
    velocity = B v grad c/|grad c|,   B = SNR^2/(1 + SNR^2),   SNR = (w |grad c|/c) sqrt(N c)/(1 + c)

``v`` is the speed at which every reading of the gradient is right: "1881 um in 7 d" (11.2 um/h), again a distance
reached. ``w`` (um) is the width over which a cell compares and ``N`` its receptor readings: growth cones sense by the
same law. Far from the depot there is little to read, close to it the receptors are full: there a cell only wanders.
The gradient is the central difference at the cell's voxel, one-sided at the edge of the cord.

On the lattice a step is cut into pieces with at most one hop of one voxel each; the chances of the hops give the
exact drift and spread whatever the period and the voxel, except that a drift of ``m`` voxels a piece cannot
spread by less than ``m (1 - m)``. A full voxel is no way through.

Sources: speeds of precursors without and with CXCL12 Chen 2015 (read); K_d recalled, diffusivity of CXCL12 derived
from that of NGF; the persistence is calibrated on the front of Lien 2019; half-life, drift, pressure and the hold of
the border are assumed, see each parameter.

Left out: CXCL12 that astrocytes and vessels make after an injury, uptake by the cells that follow it, loss of receptors
over time, kinds other than precursors that might respond; blood vessels as tracks, cells that leave the cord; a cell at
the end of the lattice stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, FieldSpec, Key, Phase, Process, Provision
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
    provides = Provision(
        arrays=(
            FieldSpec(
                "field.cxcl12",
                "1",
                "chemoattractant CXCL12, in units of its dissociation constant",
                bounds=(0.0, np.inf),
                diffusivity_um2_s=41.0,
                decay_per_h=log(2.0) / 4.0,
                origin="tissue",
            ),
            ArraySpec("scalar.cxcl12_affinity", "nM", "dissociation constant of CXCL12 and its receptor"),
            ArraySpec(
                "scalar.cxcl12_released", "ng", "CXCL12 that depots released so far", bounds=(0.0, np.inf)
            ),
        )
    )
    reads = ("cell.*", *SPACE_READS, "field.cxcl12", "scalar.cxcl12_released")
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
        attracted_speed: float = quantity(
            11.2,
            "um/h",
            "how fast precursors go up a gradient of CXCL12 that they sense without doubt, as distance over 7 d",
            bounds=(0.0, 100.0),
            cited=(5.0, 15.0),
            evidence="read",
            source="Chen 2015 Brain Struct Funct",
            row="npc_migration_speed_cxcl12",
        )
        sensing_width: float = quantity(
            10.0,
            "um",
            "width over which a precursor compares concentrations",
            bounds=(0.5, 100.0),
            evidence="assumed",
        )
        sensing_samples: float = quantity(
            4e4,
            "1",
            "effective number of receptor readings of a precursor, as for a growth cone: noise equals signal at 1 % "
            "and c = K_d",
            bounds=(1.0, 1e10),
            evidence="assumed",
        )
        sensing_floor: float = quantity(
            1e-6,
            "1",
            "CXCL12 below which nothing is sensed, in units of K_d",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        cxcl12_affinity: float = quantity(
            4.0,
            "nM",
            "dissociation constant of CXCL12 and its receptor CXCR4",
            bounds=(1e-3, 1000.0),
            evidence="recalled",
        )
        cxcl12_diffusivity: float = quantity(
            41.0,
            "um2/s",
            "diffusivity of CXCL12 in tissue",
            bounds=(0.01, 500.0),
            # (26.5 kDa/8 kDa)^(1/3) times that of NGF; binding to heparan sulphate would slow it down
            evidence="derived",
            source="from NGF in tissue (27.5 um2/s, Stroh 2003 Biophys J) by the cube root of the masses",
            doi="10.1016/S0006-3495(03)74502-0",
        )
        cxcl12_half_life: float = quantity(
            4.0,
            "h",
            "half-life of CXCL12 in tissue (enzymes that cut it, receptors that take it up)",
            bounds=(0.05, 240.0),
            evidence="assumed",
        )

    def prepare(self, tissue: Any) -> None:
        """Put spread, decay and dissociation constant of CXCL12 in force."""
        p = self.params
        tissue.coefficients["cxcl12"] = (p.cxcl12_diffusivity, log(2.0) / p.cxcl12_half_life)
        tissue.set_scalar("cxcl12_affinity", p.cxcl12_affinity)

    def step(self, tissue: Any, key: Key) -> None:
        """Propose the moves of one period."""
        if len(tissue.cells) == 0:
            return
        from cordgraft.kernels.cell import cells_of, draw_of, space_of
        from cordgraft.kernels.cell_motion import move_loop
        from cordgraft.kernels.compile import run_blocks

        motion = self.motion(key.dt_h, tissue.lattice.shape, tissue.lattice.spacing_um)
        attraction = self.attraction(tissue, key.dt_h, motion.pieces)
        cells, space = cells_of(tissue), space_of(tissue)
        run_blocks(move_loop, len(tissue.cells), cells, space, motion, attraction, draw_of(tissue, key))

    def attraction(self, tissue: Any, dt_h: float, pieces: Any) -> Any:
        """Return what draws cells, for the kernels; None where nothing was released, to leave the walk as it is.

        `pieces` (6,): into how many the step falls without a drift. A drift ``v`` in any direction adds the chance of
        a hop ``v dt sqrt(sum of 1/h^2)`` at most over the step.
        """
        from cordgraft.kernels.cell_motion import TRAVELLER, Attraction

        p = self.params
        if tissue.scalar("cxcl12_released") <= 0.0 or p.attracted_speed <= 0.0:
            return None
        speed = np.zeros(TRAVELLER + 1)
        speed[CellKind.PRECURSOR] = p.attracted_speed
        lattice = tissue.lattice
        widths = [h for n, h in zip(lattice.shape, lattice.spacing_um, strict=True) if n > 1]
        added = ceil(p.attracted_speed * dt_h * sqrt(sum(1.0 / h**2 for h in widths)))
        return Attraction(
            cue=tissue["field.cxcl12"].reshape(-1),
            speed=speed,
            width=p.sensing_width,
            samples=p.sensing_samples,
            least_cue=p.sensing_floor,
            pieces=np.where(speed > 0.0, pieces + added, pieces),
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
