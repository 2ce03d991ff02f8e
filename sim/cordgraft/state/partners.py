"""Whom a growth cone can connect to: neurons in the box round it, and their places that are still free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.state.axons import SynapseKind
from cordgraft.state.boxes import Boxes
from cordgraft.state.cone_places import voxels_at
from cordgraft.state.extrusion import cord_area_um2

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue


def chance_of_a_neuron(tissue: Tissue, boxes: Boxes, in_voxel: Any, sphere_um3: float) -> Any:
    """Return the chance that at least one grafted neuron lies within reach : (boxes,).

    ``1 - product (1 - c s V/B)`` over the simulated neurons, ``c`` living ones each, ``s`` the share of the voxel in
    the box, ``B`` the cord in it. Where neurons are strewn at random with the density n its mean is ``1 - e^(-n V)``,
    since the number of simulated ones in a voxel of volume v is Poisson with the mean ``n v/c``: for any v and any c.

    Parameters
    ----------
    in_voxel : (voxels,) int64
        Simulated grafted neurons.
    sphere_um3 : float
        V, the volume within reach.
    """
    cord = (tissue["map.cord"] * tissue["map.volume"]).ravel() * tissue.lattice.voxel_um3
    # In a section the cells of a voxel really lie in that volume, `cells_per_agent` each.
    each = tissue.setting.cells_per_agent * sphere_um3 / np.maximum(boxes.total(cord), 1e-9)
    missed = np.ones(boxes.count)
    for voxel, share in boxes.parts():
        missed *= (1.0 - np.minimum(each * share, 1.0)) ** in_voxel[voxel]
    return 1.0 - missed


def picked(boxes: Boxes, in_voxel: Any, pick: Any, sites: Any) -> Any:
    """Return which of the neurons in each box `pick` hits : (boxes,) places in `sites`.

    Parameters
    ----------
    in_voxel : (voxels,) int64
        Simulated neurons; each counts with the share of its voxel in the box. No box is without any.
    pick : (boxes,) float64
        Numbers from 0 to the sum of those shares.
    sites : (neurons,) int64, in order
        Voxels of the neurons.
    """
    found = np.zeros(boxes.count, dtype=np.int64)
    before = np.zeros(boxes.count)
    for voxel, share in boxes.parts():
        held = share * in_voxel[voxel]
        # The last voxel that holds any also takes what rounding leaves over.
        hit = (held > 0.0) & (pick >= before)
        rank = np.minimum((pick[hit] - before[hit]) / share[hit], in_voxel[voxel[hit]] - 1).astype(np.int64)
        found[hit] = np.searchsorted(sites, voxel[hit], "left") + rank
        before += held
    return found


def free_on_graft(tissue: Tissue, boxes: Boxes, neurons: Any, places_each: float) -> Any:
    """Return the share of the places on grafted neurons that no synapse has taken : (boxes,).

    Neurons and the host axons on them both count as what they represent in the whole cord.

    Parameters
    ----------
    neurons : (n,) int64
        Rows of the grafted neurons.
    places_each : float
        Places on a neuron.
    """
    size, sites = tissue.lattice.size, tissue["cell.site"][neurons]
    living = (tissue["synapse.lost_tick"] < 0) & (tissue["synapse.kind"] == SynapseKind.HOST_TO_GRAFT)
    order = np.argsort(tissue["cell.id"][neurons], kind="stable")
    ids = tissue["cell.id"][neurons][order]
    partner, weight = tissue["synapse.partner"][living], tissue["synapse.weight"][living]
    place = np.minimum(np.searchsorted(ids, partner), ids.size - 1)
    there = ids[place] == partner
    taken = np.bincount(sites[order[place[there]]], weight[there], minlength=size)
    places = places_each * np.bincount(sites, tissue["cell.weight"][neurons], minlength=size)
    return _free(boxes.total(taken), boxes.total(places))


def free_on_host(tissue: Tissue, boxes: Boxes, places_um3: float) -> Any:
    """Return the share of the places on host neurons that no synapse has taken : (boxes,).

    Places are those within the lattice. A simulated graft axon is `cells_per_agent` axons there; a host axon is that
    share of those it stands for which falls to the voxel where it ends.

    Parameters
    ----------
    places_um3 : float
        Places per um3 of grey matter.
    """
    lattice = tissue.lattice
    living = (tissue["synapse.lost_tick"] < 0) & (tissue["synapse.kind"] != SynapseKind.HOST_TO_GRAFT)
    where = voxels_at(tissue, *(tissue[f"synapse.{axis}"][living] for axis in "xyz"))
    volume = tissue["map.volume"].ravel()
    represented = cord_area_um2(tissue).ravel()[where]
    own = lattice.spacing_um[0] * lattice.spacing_um[1] * volume[where]
    # Next to the axis a ring is smaller than the slab: there a voxel is all there is.
    share = np.minimum(own, represented) / np.maximum(represented, 1e-9)
    host = tissue["synapse.kind"][living] == SynapseKind.HOST_TO_HOST
    axons = np.where(host, tissue["synapse.weight"][living] * share, tissue.setting.cells_per_agent)
    taken = np.bincount(where, axons, minlength=lattice.size)
    grey = np.maximum(tissue["fraction.grey"].ravel(), 0.0) * volume
    return _free(boxes.total(taken), boxes.total(places_um3 * lattice.voxel_um3 * grey))


def _free(taken: Any, places: Any) -> Any:
    """Return which share of the places is free; 0 where there are none."""
    there = places > 0.0
    return np.where(there, np.maximum(0.0, 1.0 - taken / np.where(there, places, 1.0)), 0.0)
