"""Synapses: host axons on grafted neurons, graft axons on host neurons, regrown axons on host neurons; pruning.

What is modelled
----------------
A living growth cone that has a partner within reach connects at a rate; its chance over a step of length dt is
``1 - e^(-rate dt)``. It stops there and its fibre counts as connected::

    rate  = 0.02/d x identity x reach x free
    reach = 1 - e^(-n 4/3 pi (20 um)^3),   free = 1 - synapses/places

*Reach.* The chance that at least one partner lies within 20 um when partners of density ``n`` are strewn at random.
For axons that meet the host ``n`` is the density of neurons in grey matter times the share of grey matter that is left
in the voxel. For host axons it is that of living grafted neurons; where they are within a voxel is not followed, so
they count as strewn over a box of three reaches' edge round the cone (60 um; the voxel where that is larger)::

    reach = 1 - product over simulated neurons of (1 - c s V/B)

``c`` living cells that a simulated one stands for, ``s`` the share of its voxel in the box, ``V`` the sphere of 20 um,
``B`` the volume of cord in the box. The mean over neurons strewn at random is the law above for any voxel and any ``c``
up to B/V (5 in the section of a mouse; above it neurons at the edge of a graft are met too rarely).

*Free.* A grafted neuron has `graft_sites` places, those of a box are shared; one of its simulated neurons is drawn as
the partner. Host neurons in the box share their places likewise. Both sides are counted as what they represent:
grafted neurons and the host axons on them in the whole cord; in host tissue the axons that end in the slab or volume of
the lattice. Cones that connect in one step do not see each other: the surplus over the places is at most one step's
worth.

*Identity.* Corticospinal axons connect to a grafted neuron, and grafted neurons to host neurons, in proportion
to how well the line suits a spinal circuit (catalogue of lines); other host tracts do not mind.

*Host on host.* A regrown host axon connects to host neurons only beyond the far edge of the primary lesion.

*Pruning.* Graft axons without a synapse retract at ``ln 2/180 per day`` from the age of 90 d on; connected ones
at 1 % a month. A synapse is lost with its neuron, and its cone is free to grow again.

*Bookkeeping.* For the relay of each tract the process keeps the represented number of its synapses on grafted
neurons (``scalar.relay_input_*``); the represented numbers of graft synapses on host neurons caudal and rostral
of the primary lesion; the mean maturity of the grafted neurons, ``H(age since grafting; 240 d, 4)``, and their
mean identity; and per tract the share of fibres that reached host neurons beyond the lesion
(``scalar.regrown_*``).

Symbols: n 1/um3; V, B um3; c, s 1; rates 1/d; counts of the whole cord.

Sources
-------
Corticospinal axons enter spinal and not rostral grafts: PMC4860037 (read). All rates, the reach and the numbers
of places assumed; density of neurons in grey matter assumed.

What is left out
----------------
Synapses along the shaft, growth and weakening of single synapses, activity, transmitter type, aberrant contacts
that do harm, and the choice between several partners by anything but chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.axons import (
    HOST_TRACTS,
    TRACT_NAMES,
    AxonState,
    ConeState,
    SynapseKind,
    Tract,
)
from cordgraft.state.boxes import Boxes
from cordgraft.state.cells import CellKind
from cordgraft.state.cone_places import flat_voxels
from cordgraft.state.lines import line_values
from cordgraft.state.partners import chance_of_a_neuron, free_on_graft, free_on_host, picked

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

MM3 = 1e9  # um3

#: Edge of the box in which partners count as strewn at random, in reaches: it holds the sphere within reach (two
#: reaches wide), so that no neuron outside the box is missed, and little more.
BOX_EDGES = 3.0


def _provided() -> tuple[ArraySpec, ...]:
    found = []
    for tract in HOST_TRACTS:
        name = TRACT_NAMES[tract]
        found.append(
            ArraySpec(f"scalar.relay_input_{name}", "synapses", f"living {name} synapses on grafted neurons")
        )
        found.append(
            ArraySpec(f"scalar.regrown_{name}", "1", f"share of {name} fibres with a synapse beyond the lesion")
        )
    for side in ("caudal", "rostral"):
        found.append(
            ArraySpec(f"scalar.relay_output_{side}", "synapses", f"living graft synapses {side} of the lesion")
        )
    found.append(ArraySpec("scalar.relay_maturity", "1", "mean maturity of the grafted neurons as relays"))
    found.append(ArraySpec("scalar.relay_identity", "1", "mean identity match of the grafted neurons"))
    return tuple(found)


class Contact(Process):
    """Makes and prunes synapses and keeps the counts of relays."""

    name = "contact"
    phase = Phase.REMODEL
    period_h = 24.0
    provides = Provision(arrays=_provided())
    reads = (
        "map.cord",
        "map.volume",
        "fraction.grey",
        "cell.id",
        "cell.kind",
        "cell.line",
        "cell.site",
        "cell.weight",
        "cell.grafted_tick",
        "scalar.lesion_rostral_um",
        "scalar.lesion_caudal_um",
        "fibre.*",
        "cone.*",
        "segment.*",
        "synapse.*",
    )
    writes = (
        "fibre.state",
        "fibre.connected_tick",
        "cone.*",
        "segment.lost_tick",
        "synapse.*",
        *(spec.name for spec in provides.arrays),
    )
    streams = (Stream.CONTACT, Stream.SYNAPSE)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Rates of connecting and pruning."""

        connect_rate: float = quantity(
            0.02, "1/d", "rate at which a cone with a fitting, free partner in reach connects", bounds=(0.0, 24.0),
            evidence="assumed",
        )
        reach: float = quantity(
            20.0, "um", "distance at which cone and partner find each other", bounds=(0.1, 200.0),
            evidence="assumed",
        )
        graft_sites: float = quantity(
            10.0, "1", "long-range synapses that one grafted neuron takes up", bounds=(1.0, 1e5),
            evidence="assumed",
        )
        host_sites: float = quantity(
            10.0, "1", "new synapses that one host neuron takes up", bounds=(1.0, 1e5), evidence="assumed"
        )
        host_neurons: float = quantity(
            5e4 / MM3, "cells/um3", "neurons per volume of grey matter", bounds=(0.0, 1e6 / MM3),
            evidence="assumed",
        )
        prune_after: float = quantity(
            90.0, "d", "age from which unconnected graft axons retract", bounds=(0.0, 3650.0), evidence="assumed"
        )
        prune_half_life: float = quantity(
            180.0, "d", "half-life of unconnected graft axons from then on", bounds=(1.0, 36500.0),
            evidence="assumed",
        )
        connected_loss: float = quantity(
            0.01, "1", "share of connected graft axons that retract in a month", bounds=(0.0, 0.99),
            evidence="assumed",
        )
        maturation: float = quantity(
            240.0, "d", "age since grafting at which a human relay neuron is half mature", bounds=(1.0, 3650.0),
            evidence="assumed",
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Drop synapses of dead neurons, prune, connect, count."""
        self._release(tissue, key.tick)
        self._prune(tissue, key)
        self._connect_to_graft(tissue, key)
        self._connect_to_host(tissue, key)
        self._count(tissue, key.tick)

    # ------------------------------------------------------------------------------------- losing
    def _release(self, tissue: Tissue, tick: int) -> None:
        """A synapse on a neuron that died is lost; its cone may grow again."""
        lost = tissue["synapse.lost_tick"]
        orphan = (lost < 0) & (tissue["synapse.kind"] == SynapseKind.HOST_TO_GRAFT)
        orphan &= ~np.isin(tissue["synapse.partner"], tissue["cell.id"])
        if not orphan.any():
            return
        lost[orphan] = tick
        free = np.isin(tissue["cone.id"], tissue["synapse.cone"][orphan])
        free &= tissue["cone.state"] == ConeState.CONNECTED
        tissue["cone.state"][free] = ConeState.PAUSED
        alive = np.bincount(tissue["synapse.fibre"][lost < 0], minlength=len(tissue.fibres)) > 0
        rows = np.unique(tissue["synapse.fibre"][orphan])
        rows = rows[~alive[rows] & (tissue["fibre.state"][rows] == AxonState.CONNECTED)]
        tissue["fibre.connected_tick"][rows] = -1
        tissue["fibre.state"][rows] = AxonState.GROWING

    def _prune(self, tissue: Tissue, key: Key) -> None:
        from cordgraft.kernels.random import uniforms

        rows = np.flatnonzero((tissue["fibre.origin"] == 1) & (tissue["fibre.state"] != AxonState.LOST))
        if not rows.size:
            return
        p = self.params
        day = tissue.clock.tick_h / 24.0
        age = (key.tick - tissue["fibre.born_tick"][rows]) * day
        connected = tissue["fibre.connected_tick"][rows] >= 0
        idle = np.where(age >= p.prune_after, np.log(2.0) / p.prune_half_life, 0.0)
        rate = np.where(connected, -np.log1p(-p.connected_loss) / 30.0, idle)
        chance = -np.expm1(-rate * key.dt_h / 24.0)
        drawn = uniforms(tissue.setting.seed, tissue["fibre.id"][rows], key.tick, Stream.SYNAPSE)
        gone = rows[drawn < chance]
        if not gone.size:
            return
        flag = np.zeros(len(tissue.fibres), dtype=np.bool_)
        flag[gone] = True
        tissue["fibre.state"][gone] = AxonState.LOST
        for table in ("segment", "synapse"):
            lost = tissue[f"{table}.lost_tick"]
            lost[flag[tissue[f"{table}.fibre"]] & (lost < 0)] = key.tick
        tissue.cones.keep(~flag[tissue["cone.fibre"]])

    # ------------------------------------------------------------------------------------- making
    def _searching(self, tissue: Tissue, origin: int) -> Any:
        """Return the rows of cones of one origin that can still connect."""
        state = tissue["cone.state"]
        able = (state == ConeState.ACTIVE) | (state == ConeState.PAUSED)
        return np.flatnonzero(able & (tissue["fibre.origin"][tissue["cone.fibre"]] == origin))

    @property
    def _sphere_um3(self) -> float:
        """Volume within reach of a cone, um3."""
        return float(4.0 / 3.0 * np.pi * self.params.reach**3)

    def _boxes(self, tissue: Tissue, rows: Any) -> Boxes:
        """Return the boxes round some cones in which partners count as strewn at random."""
        points = (tissue["cone.x"][rows], tissue["cone.y"][rows], tissue["cone.z"][rows])
        return Boxes(tissue.lattice, points, BOX_EDGES * self.params.reach)

    def _draw(self, tissue: Tissue, rows: Any, rate: Any, key: Key) -> Any:
        """Return which of some cones connect, at `rate` (n,) per day."""
        from cordgraft.kernels.random import uniforms

        drawn = uniforms(tissue.setting.seed, tissue["cone.id"][rows], key.tick, Stream.CONTACT, 0)
        return drawn < -np.expm1(-self.params.connect_rate * rate * key.dt_h / 24.0)

    def _connect_to_graft(self, tissue: Tissue, key: Key) -> None:
        from cordgraft.kernels.random import uniforms

        rows = self._searching(tissue, 0)
        neurons = np.flatnonzero(tissue["cell.kind"] == CellKind.NEURON)
        if not rows.size or not neurons.size:
            return
        neurons = neurons[np.lexsort((tissue["cell.id"][neurons], tissue["cell.site"][neurons]))]
        sites = tissue["cell.site"][neurons]
        in_voxel = np.bincount(sites, minlength=tissue.lattice.size)
        boxes = self._boxes(tissue, rows)
        near = boxes.total(in_voxel)
        rows, near = rows[near > 0.0], near[near > 0.0]
        if not rows.size:
            return
        boxes = self._boxes(tissue, rows)
        reach = chance_of_a_neuron(tissue, boxes, in_voxel, self._sphere_um3)
        free = free_on_graft(tissue, boxes, neurons, self.params.graft_sites)
        pick = near * uniforms(tissue.setting.seed, tissue["cone.id"][rows], key.tick, Stream.CONTACT, 1)
        partner = neurons[picked(boxes, in_voxel, pick, sites)]
        ids = tissue["cell.id"][partner]
        identity = np.asarray(line_values("identity_match"))[tissue["cell.line"][partner]]
        choosy = tissue["fibre.tract"][tissue["cone.fibre"][rows]] == Tract.CORTICOSPINAL
        rate = np.where(choosy, identity, 1.0) * reach * free
        made = self._draw(tissue, rows, rate, key)
        self._make(tissue, rows[made], SynapseKind.HOST_TO_GRAFT, ids[made], key.tick)

    def _connect_to_host(self, tissue: Tissue, key: Key) -> None:
        for origin, kind in ((1, SynapseKind.GRAFT_TO_HOST), (0, SynapseKind.HOST_TO_HOST)):
            rows = self._searching(tissue, origin)
            if origin == 0:
                rows = rows[self._beyond(tissue, rows)]
            if not rows.size:
                continue
            grey = np.maximum(tissue["fraction.grey"].ravel()[flat_voxels(tissue)[rows]], 0.0)
            reach = -np.expm1(-self.params.host_neurons * grey * self._sphere_um3)
            sites = self.params.host_neurons * self.params.host_sites
            rate = reach * free_on_host(tissue, self._boxes(tissue, rows), sites)
            if origin == 1:
                rate = rate * self._identity(tissue, tissue["cone.fibre"][rows])
            made = self._draw(tissue, rows, rate, key)
            self._make(tissue, rows[made], kind, 0, key.tick)

    def _beyond(self, tissue: Tissue, rows: Any) -> Any:
        """Return which host cones are past the far edge of the primary lesion."""
        fibre = tissue["cone.fibre"][rows]
        z = tissue["cone.z"][rows]
        up = tissue["fibre.direction"][fibre] > 0
        return np.where(up, z > tissue.scalar("lesion_rostral_um"), z < tissue.scalar("lesion_caudal_um"))

    def _identity(self, tissue: Tissue, fibre: Any) -> Any:
        """Return how well the line of each graft axon suits a spinal circuit; 0 for an axon without its neuron."""
        found, row = _owner_rows(tissue, fibre)
        match = np.zeros(fibre.size)
        match[found] = np.asarray(line_values("identity_match"))[tissue["cell.line"][row]]
        return match

    def _make(self, tissue: Tissue, rows: Any, kind: SynapseKind, partner: Any, tick: int) -> None:
        if not rows.size:
            return
        fibre = tissue["cone.fibre"][rows]
        tissue.synapses.add(
            rows.size,
            kind=int(kind),
            tract=tissue["fibre.tract"][fibre],
            fibre=fibre,
            cone=tissue["cone.id"][rows],
            partner=partner,
            weight=tissue["fibre.weight"][fibre],
            x=tissue["cone.x"][rows],
            y=tissue["cone.y"][rows],
            z=tissue["cone.z"][rows],
            made_tick=tick,
        )
        tissue["cone.state"][rows] = ConeState.CONNECTED
        tissue["fibre.state"][fibre] = AxonState.CONNECTED
        fresh = fibre[tissue["fibre.connected_tick"][fibre] < 0]
        tissue["fibre.connected_tick"][fresh] = tick

    # ----------------------------------------------------------------------------------- counting
    def _count(self, tissue: Tissue, tick: int) -> None:
        living = tissue["synapse.lost_tick"] < 0
        kind, weight = tissue["synapse.kind"], tissue["synapse.weight"]
        for tract in HOST_TRACTS:
            name = TRACT_NAMES[tract]
            own = living & (tissue["synapse.tract"] == tract)
            tissue.set_scalar(
                f"relay_input_{name}", _total(weight[own & (kind == SynapseKind.HOST_TO_GRAFT)])
            )
            reached = np.unique(tissue["synapse.fibre"][own & (kind == SynapseKind.HOST_TO_HOST)])
            total = float(tissue["fibre.weight"][tissue["fibre.tract"] == tract].sum())
            share = float(tissue["fibre.weight"][reached].sum()) / total if total > 0.0 else 0.0
            tissue.set_scalar(f"regrown_{name}", share)
        out = np.flatnonzero(living & (kind == SynapseKind.GRAFT_TO_HOST))
        z = tissue["synapse.z"][out]
        caudal, rostral = tissue.scalar("lesion_caudal_um"), tissue.scalar("lesion_rostral_um")
        tissue.set_scalar("relay_output_caudal", _total(weight[out[z < caudal]]))
        tissue.set_scalar("relay_output_rostral", _total(weight[out[z > rostral]]))
        neuron = tissue["cell.kind"] == CellKind.NEURON
        if not neuron.any():
            tissue.set_scalar("relay_maturity", 0.0)
            tissue.set_scalar("relay_identity", 0.0)
            return
        age = (tick - tissue["cell.grafted_tick"][neuron]) * tissue.clock.tick_h / 24.0
        maturity = age**4 / (age**4 + self.params.maturation**4)
        identity = np.asarray(line_values("identity_match"))[tissue["cell.line"][neuron]]
        tissue.set_scalar("relay_maturity", _total(maturity) / maturity.size)
        tissue.set_scalar("relay_identity", _total(identity) / identity.size)


def _total(values: Any) -> float:
    """Return a sum that does not depend on the order of the rows, which depends on when tables were compacted."""
    return float(np.sort(values).sum())


def _owner_rows(tissue: Tissue, fibre: Any) -> tuple[Any, Any]:
    """Return which graft axons still have their neuron, and the rows of those neurons."""
    ids = tissue["cell.id"]
    if ids.size == 0:
        return np.zeros(fibre.size, dtype=np.bool_), np.zeros(0, dtype=np.int64)
    order = np.argsort(ids, kind="stable")
    owner = tissue["fibre.owner"][fibre]
    place = np.minimum(np.searchsorted(ids[order], owner), ids.size - 1)
    row = order[place]
    found = ids[row] == owner
    return found, row[found]
