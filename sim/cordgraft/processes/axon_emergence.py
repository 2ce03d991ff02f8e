"""New growth cones: axons of grafted neurons, and sprouts of severed host fibres.

What is modelled
----------------
*Graft.* A grafted neuron that has been one for `neuron_delay` sends out its only axon at `neuron_rate`, if it
belongs to the share of neurons that project beyond the graft; who does is a fixed property of the cell. The
axon starts at a random point of the neuron's voxel in a random direction (in the plane of a section, over the
sphere in a volume) and stands for as many axons as the neuron stands for cells. When the neuron dies its axon
is lost with all its tips and synapses.

*Host.* A stump that rests (state dormant) regains a growth cone at a rate that macrophages hold down::

    rate = r (1 - M1^2/(M1^2 + m^2))

``M1`` = density of pro-inflammatory macrophages at the stump, ``r`` `sprout_rate`, ``m`` `sprout_half`; the cone
heads away from the soma. Whether it gets anywhere is decided by growth (`axon_growth`).

Chances over a step of length dt are ``1 - e^(-rate dt)``: exact for any step.

Symbols: rates 1/d; M1, m 1 (1 = a saturated voxel).

Sources
-------
The share that projects is calibrated: a graft of some 1e5 neurons then has tens of thousands of axons, the order
that was seen in rats (Lu 2014, 10.1016/j.neuron.2014.07.014, read), so that this count is no test of the model.
All other numbers assumed.

What is left out
----------------
Dendrites and local axons, more than one long axon per neuron, transmitter types, sprouting from the side of
intact fibres, and regrowth from the far piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.axons import AxonState, ConeState, Tract
from cordgraft.state.cells import CellKind

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue


class AxonEmergence(Process):
    """Sends out axons of grafted neurons and sprouts of severed fibres; removes axons of dead neurons."""

    name = "axon_emergence"
    # Decided before cells move and die in this tick, and apart from the phase in which cones grow.
    phase = Phase.DECIDE
    period_h = 24.0
    reads = (
        "cell.id",
        "cell.kind",
        "cell.site",
        "cell.weight",
        "cell.committed_tick",
        "density.macrophages_pro",
        "fibre.*",
        "cone.*",
        "segment.*",
        "synapse.*",
    )
    writes = ("fibre.*", "cone.*", "segment.*", "synapse.lost_tick")
    streams = (Stream.AXON_EMERGENCE,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Who sends out an axon, and when."""

        neuron_share: float = quantity(
            0.3,
            "1",
            "share of grafted neurons that send an axon out of the graft",
            bounds=(0.0, 1.0),
            evidence="calibrated",
            source="Lu 2014 Neuron: tens of thousands of axons",
            doi="10.1016/j.neuron.2014.07.014",
        )
        neuron_delay: float = quantity(
            1.0, "d", "time from becoming a neuron to the first chance of an axon", bounds=(0.0, 365.0),
            evidence="assumed",
        )
        neuron_rate: float = quantity(
            0.2, "1/d", "rate at which such neurons send it out", bounds=(0.0, 24.0), evidence="assumed"
        )
        sprout_rate: float = quantity(
            0.14, "1/d", "rate at which a resting stump regains a growth cone", bounds=(0.0, 24.0),
            evidence="assumed",
        )
        sprout_half: float = quantity(
            0.2,
            "1",
            "density of pro-inflammatory macrophages that halves that rate",
            bounds=(1e-6, 10.0),
            evidence="assumed",
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Remove axons whose neuron died, then let new ones start."""
        self._degenerate(tissue, key)
        self._project(tissue, key)
        self._sprout(tissue, key)

    # -------------------------------------------------------------------------------- dead neurons
    def _degenerate(self, tissue: Tissue, key: Key) -> None:
        graft = (tissue["fibre.origin"] == 1) & (tissue["fibre.state"] != AxonState.LOST)
        rows = np.flatnonzero(graft)
        rows = rows[~np.isin(tissue["fibre.owner"][rows], tissue["cell.id"])]
        if rows.size:
            lose_axons(tissue, rows, key.tick)

    # ------------------------------------------------------------------------------------ neurons
    def _project(self, tissue: Tissue, key: Key) -> None:
        from cordgraft.kernels.random import uniforms

        grown_h = (key.tick - tissue["cell.committed_tick"]) * tissue.clock.tick_h
        ripe = (tissue["cell.kind"] == CellKind.NEURON) & (grown_h >= 24.0 * self.params.neuron_delay)
        rows = np.flatnonzero(ripe)
        if not rows.size:
            return
        ids = tissue["cell.id"][rows]
        stream, seed = Stream.AXON_EMERGENCE, tissue.setting.seed
        # Drawn at tick 0 whatever the tick: a fixed property of the cell.
        projects = uniforms(seed, ids, 0, stream, 0) < self.params.neuron_share
        chance = -np.expm1(-self.params.neuron_rate * key.dt_h / 24.0)
        starts = projects & (uniforms(seed, ids, key.tick, stream, 1) < chance)
        starts &= ~np.isin(ids, tissue["fibre.owner"][tissue["fibre.origin"] == 1])
        rows = rows[starts]
        if not rows.size:
            return
        # The order of cells in their table changes when they are sorted; that of new axons must not.
        rows = rows[np.argsort(tissue["cell.id"][rows], kind="stable")]
        ids = tissue["cell.id"][rows]
        position = self._within(tissue, tissue["cell.site"][rows], ids, key)
        fibres = tissue.fibres.add(
            rows.size,
            id=_children(ids, 0, 7),
            tract=int(Tract.GRAFT),
            origin=1,
            state=int(AxonState.GROWING),
            weight=tissue["cell.weight"][rows],
            owner=ids,
            x_um=position[0],
            y_um=position[1],
            stump_um=position[2],
            born_tick=key.tick,
        )
        heading = _headings(tissue, ids, key)
        self._start(tissue, np.arange(fibres.start, fibres.stop), position, heading, key)

    def _within(self, tissue: Tissue, site: Any, ids: Any, key: Key) -> list[Any]:
        """Return a random point of each voxel : three (n,) arrays, um; the middle along a flat axis."""
        from cordgraft.kernels.random import uniforms

        lattice = tissue.lattice
        point = []
        for axis, index in enumerate(np.unravel_index(site, lattice.shape)):
            offset = uniforms(tissue.setting.seed, ids, key.tick, Stream.AXON_EMERGENCE, 2 + axis) - 0.5
            if lattice.shape[axis] == 1:
                offset[:] = 0.0
            point.append(lattice.origin_um[axis] + (index + offset) * lattice.spacing_um[axis])
        return point

    # -------------------------------------------------------------------------------------- stumps
    def _sprout(self, tissue: Tissue, key: Key) -> None:
        from cordgraft.kernels.random import uniforms

        rows = np.flatnonzero((tissue["fibre.origin"] == 0) & (tissue["fibre.state"] == AxonState.DORMANT))
        if not rows.size or self.params.sprout_rate <= 0.0:
            return
        stump = tissue["fibre.stump"][rows]
        point = [tissue[f"segment.{axis}"][stump] for axis in "xyz"]
        macrophages = tissue["density.macrophages_pro"][voxels_of(tissue, *point)]
        calm = 1.0 / (1.0 + (macrophages / self.params.sprout_half) ** 2)
        chance = -np.expm1(-self.params.sprout_rate * calm * key.dt_h / 24.0)
        ids = tissue["fibre.id"][rows]
        starts = uniforms(tissue.setting.seed, ids, key.tick, Stream.AXON_EMERGENCE, 8) < chance
        # A stump at the very end of the lattice has nowhere to be followed from.
        half = 0.5 * tissue.lattice.extent_um[2] - 1e-6
        starts &= np.abs(point[2] - _middle(tissue)) < half
        rows, point = rows[starts], [part[starts] for part in point]
        if not rows.size:
            return
        tissue["fibre.state"][rows] = AxonState.GROWING
        tissue["fibre.born_tick"][rows] = key.tick
        heading = [np.zeros(rows.size), np.zeros(rows.size), tissue["fibre.direction"][rows].astype(np.float64)]
        self._start(tissue, rows, point, heading, key)

    # --------------------------------------------------------------------------------------- cones
    def _start(self, tissue: Tissue, rows: Any, point: list[Any], heading: list[Any], key: Key) -> None:
        """Put a growth cone on each fibre; its path starts with a point of its own."""
        host = tissue["fibre.origin"][rows] == 0
        parent = np.where(host, tissue["fibre.stump"][rows], -1)
        x, y, z = point
        added = tissue.segments.add(
            rows.size, parent=parent, fibre=rows, grown=1, x=x, y=y, z=z, laid_tick=key.tick
        )
        first = np.arange(added.start, added.stop)
        tissue["fibre.root"][rows] = np.where(host, tissue["fibre.root"][rows], first)
        tissue.cones.add(
            rows.size,
            id=_children(tissue["fibre.id"][rows], key.tick, 0),
            fibre=rows,
            state=int(ConeState.ACTIVE),
            x=x,
            y=y,
            z=z,
            hx=heading[0],
            hy=heading[1],
            hz=heading[2],
            last=first,
            base=first,
        )


def lose_axons(tissue: Tissue, rows: Any, tick: int) -> None:
    """Mark grafted axons of some rows as lost, with their paths, tips and synapses."""
    gone = np.zeros(len(tissue.fibres), dtype=np.bool_)
    gone[rows] = True
    tissue["fibre.state"][rows] = AxonState.LOST
    for table in ("segment", "synapse"):
        lost = tissue[f"{table}.lost_tick"]
        lost[gone[tissue[f"{table}.fibre"]] & (lost < 0)] = tick
    tissue.cones.keep(~gone[tissue["cone.fibre"]])


def voxels_of(tissue: Tissue, x: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
    """Return the voxel indices that hold points, clipped to the lattice : three (n,) int64."""
    found = []
    for axis, values in enumerate((x, y, z)):
        scaled = (values - tissue.lattice.origin_um[axis]) / tissue.lattice.spacing_um[axis]
        index = np.floor(scaled + 0.5).astype(np.int64)
        found.append(np.clip(index, 0, tissue.lattice.shape[axis] - 1))
    return found[0], found[1], found[2]


def _middle(tissue: Tissue) -> float:
    lattice = tissue.lattice
    return lattice.origin_um[2] + 0.5 * (lattice.shape[2] - 1) * lattice.spacing_um[2]


def _children(parents: Any, ticks: Any, sibling: int) -> Any:
    from cordgraft.kernels.fibre import children

    return children(parents, ticks, sibling)


def _headings(tissue: Tissue, ids: Any, key: Key) -> list[Any]:
    """Return random unit vectors, even over the circle of a section or over the sphere."""
    from cordgraft.kernels.random import uniforms

    draws = [uniforms(tissue.setting.seed, ids, key.tick, Stream.AXON_EMERGENCE, block) for block in (5, 6)]
    angle = 2.0 * np.pi * draws[0]
    nothing = np.zeros(ids.size)
    if tissue.lattice.shape[0] == 1:
        return [nothing, np.sin(angle), np.cos(angle)]
    if tissue.lattice.shape[1] == 1:
        return [np.sin(angle), nothing, np.cos(angle)]
    cosine = 2.0 * draws[1] - 1.0
    sine = np.sqrt(1.0 - cosine * cosine)
    return [sine * np.cos(angle), sine * np.sin(angle), cosine]
