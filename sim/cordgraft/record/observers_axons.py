"""Outcomes of the axons of host and graft; each function says how its outcome is defined."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.schema import HOST_TRACTS, PLANES
from cordgraft.record.outcome import Count, Numbers, Outcome, counts, number, numbers
from cordgraft.record.paths import crossing_fibres
from cordgraft.record.scene import Scene, percentile, total_of
from cordgraft.state.axons import (
    ASCENDING,
    LIVE_STATES,
    TRACT_NAMES,
    AxonState,
    ConeState,
    SynapseKind,
)

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
HOST, GRAFT = 0, 1
_TRACT_OF = {name: tract for tract, name in TRACT_NAMES.items()}


def _count(scene: Scene, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Count:
    """Return fibres as represented (sum of weights) and simulated number."""
    weights = scene.tissue.fibres["weight"][rows]
    return Count(total_of(weights), float(weights.size))


def _of(scene: Scene, origin: int) -> Mask:
    return np.asarray(scene.tissue.fibres["origin"] == origin)


@numbers(*(f"axons_{tract}_live_fraction" for tract in HOST_TRACTS))
def live_fractions(scene: Scene) -> Numbers:
    """Share of the fibres of a host tract that pass the injury unbroken and not swollen, 1 (1 - axon loss).

    Every simulated host fibre runs through the injury, so all of them count; weights are represented axons.
    """
    fibres = scene.tissue.fibres
    live = np.isin(fibres["state"], LIVE_STATES)
    found = []
    for name in HOST_TRACTS:
        rows = fibres["tract"] == _TRACT_OF[name]
        total = total_of(fibres["weight"][rows])
        found.append(total_of(fibres["weight"][rows & live]) / total if total > 0.0 else math.nan)
    return found


def _plane_heights(scene: Scene, plane: str, origin: int) -> Floats:
    """Return the height of a plane for each fibre : (fibres,), um."""
    caudal, rostral = scene.primary_edges_um
    centre = 0.5 * (caudal + rostral)
    fibres = scene.tissue.fibres
    if plane != "segment":
        return np.full(len(fibres), {"rostral": rostral, "centre": centre, "caudal": caudal}[plane])
    up = np.isin(fibres["tract"], ASCENDING) if origin == HOST else np.zeros(len(fibres), dtype=bool)
    return centre + np.where(up, 1.0, -1.0) * scene.tissue.setting.segment_um


def _crossings(scene: Scene, origin: int) -> list[Count]:
    if math.isnan(scene.primary_edges_um[0]):
        return [Count(math.nan, math.nan)] * len(PLANES)
    wanted = _of(scene, origin)
    return [
        _count(scene, crossing_fibres(scene.forest, _plane_heights(scene, plane, origin), wanted))
        for plane in PLANES
    ]


@counts(*(f"axons_host_crossings_{plane}" for plane in PLANES))
def host_crossings(scene: Scene) -> Sequence[Count]:
    """Host axons with an unbroken living path, laid since the injury, through a plane, axons.

    Axons, not branches; spared fibres do not count. The planes are fixed by the primary lesion, so that arms of
    a comparison share them: its rostral edge, centre, caudal edge, and one segment beyond the centre in the
    direction of the tract.
    """
    return _crossings(scene, HOST)


@counts(*(f"axons_graft_crossings_{plane}" for plane in PLANES))
def graft_crossings(scene: Scene) -> Sequence[Count]:
    """Axons of grafted neurons with an unbroken living path through a plane, axons; the segment is the caudal one."""
    return _crossings(scene, GRAFT)


def _furthest(scene: Scene, beyond: Floats, rows: Mask) -> tuple[Floats, Floats]:
    """Return the largest value over the cones of each fibre, and the weight of that fibre : (k,) each.

    Parameters
    ----------
    beyond : (cones,) float64
    rows : (cones,) bool
        Cones that count.
    """
    fibre = scene.tissue.cones["fibre"][rows]
    best = np.full(len(scene.tissue.fibres), -np.inf)
    np.maximum.at(best, fibre, beyond[rows])
    have = np.unique(fibre)
    return best[have], scene.tissue.fibres["weight"][have]


def _cone_origin(scene: Scene) -> NDArray[np.uint8]:
    origins: NDArray[np.uint8] = scene.tissue.fibres["origin"][scene.tissue.cones["fibre"]]
    return origins


@number("axons_host_reach_p95")
def host_reach(scene: Scene) -> float:
    """95th percentile, over host axons with a living tip, of how far the tip has come past the lesion edge, um.

    Axial, along the direction of the tract, from the edge of the primary lesion that the tract meets first:
    negative while the tip is short of the lesion.
    """
    caudal, rostral = scene.primary_edges_um
    if math.isnan(caudal):
        return math.nan
    cones = scene.tissue.cones
    up = np.isin(scene.tissue.fibres["tract"], ASCENDING)[cones["fibre"]]
    beyond = np.where(up, cones["z"] - caudal, rostral - cones["z"])
    return percentile(*_furthest(scene, beyond, _cone_origin(scene) == HOST))


@number("axons_host_advance_p95")
def host_advance(scene: Scene) -> float:
    """95th percentile, over host axons with a living tip, of the arc laid since growth began, um."""
    return percentile(*_furthest(scene, scene.tissue.cones["arc_um"], _cone_origin(scene) == HOST))


def _graft_outside(scene: Scene) -> tuple[Floats, Floats]:
    """Return distance beyond the nearest edge and weight of the graft axons with a living tip outside."""
    caudal, rostral = scene.memory.graft_edges_um
    if math.isnan(caudal):
        return np.zeros(0), np.zeros(0)
    z = scene.tissue.cones["z"]
    beyond = np.maximum(z - rostral, caudal - z)
    return _furthest(scene, beyond, (_cone_origin(scene) == GRAFT) & (beyond > 0.0))


@number("axons_graft_reach_p95")
def graft_reach(scene: Scene) -> float:
    """95th percentile of the axial distance of graft axons beyond the lesion edge, um.

    Over axons with a living tip outside the lesion, the furthest tip of each; edges of the day of grafting. The
    number of such axons is `axons_graft_outside`.
    """
    return percentile(*_graft_outside(scene))


@counts("axons_graft_outside")
def graft_outside(scene: Scene) -> Sequence[Count]:
    """Graft axons with a living tip outside the lesion edges of the day of grafting, axons."""
    _, weights = _graft_outside(scene)
    return [Count(total_of(weights), float(weights.size))]


@counts("axons_graft_count")
def graft_axons(scene: Scene) -> Sequence[Count]:
    """Living axons of grafted neurons, axons."""
    return [_count(scene, _of(scene, GRAFT) & (scene.tissue.fibres["state"] != AxonState.LOST))]


@counts("axons_host_growing")
def host_growing(scene: Scene) -> Sequence[Count]:
    """Host axons of which a tip grows or pauses, axons."""
    return [_count(scene, _of(scene, HOST) & (scene.tissue.fibres["state"] == AxonState.GROWING))]


@counts("axons_censored")
def censored(scene: Scene) -> Sequence[Count]:
    """Axons of host and graft of which a tip has left the lattice, axons: their reach is a lower bound."""
    fibres, cones = scene.tissue.fibres, scene.tissue.cones
    left = np.asarray(fibres["state"] == AxonState.CENSORED)
    left[cones["fibre"][cones["state"] == ConeState.CENSORED]] = True
    return [_count(scene, left)]


@counts("synapses_host_to_graft", "synapses_graft_to_host")
def synapses(scene: Scene) -> Sequence[Count]:
    """Living synapses of host axons on graft neurons and of graft axons on host neurons, synapses."""
    table = scene.tissue.synapses
    living = table["lost_tick"] < 0
    found = []
    for kind in (SynapseKind.HOST_TO_GRAFT, SynapseKind.GRAFT_TO_HOST):
        weights = table["weight"][living & (table["kind"] == kind)]
        found.append(Count(total_of(weights), float(weights.size)))
    return found


OUTCOMES: tuple[Outcome, ...] = (
    live_fractions,
    host_crossings,
    graft_crossings,
    host_reach,
    host_advance,
    graft_reach,
    graft_outside,
    graft_axons,
    host_growing,
    censored,
    synapses,
)
