"""Columns that a run with myelin adds to the fibres, the words for the states of a sheath, and regrown paths."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec
from cordgraft.core.lattice import Lattice
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES, SynapseKind

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue


class Sheath(IntEnum):
    """State of the sheath of a fibre on the stretch that the injury reached, or on the path that it regrew."""

    NONE = 0  # not followed: axons of grafted neurons; nothing regrown
    MYELINATED = 1
    BLOCKED = 2  # bare, and no signal passes
    BARE = 3  # bare, but conducting
    NEW = 4  # a thin sheath made since the injury


#: What the regrown fibres of a tract pass on, in the mean; 1 without any.
REGROWN_NAMES: dict[int, str] = {
    int(tract): f"regrown_transmission_{TRACT_NAMES[tract]}" for tract in HOST_TRACTS
}
REGROWN: tuple[ArraySpec, ...] = tuple(
    ArraySpec(
        f"scalar.{REGROWN_NAMES[int(tract)]}",
        "1",
        f"share of signals that regrown {TRACT_NAMES[tract]} fibres pass on",
        initial=1.0,
        bounds=(0.0, 1.0),
    )
    for tract in HOST_TRACTS
)
SHEATH_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("fibre.sheath", "1", "state of its sheath, see Sheath", dtype="uint8"),
    ArraySpec("fibre.regrown_sheath", "1", "state of the sheath of the path that it regrew", dtype="uint8"),
    ArraySpec("fibre.calibre", "1", "share of fibres that are thinner, as a rank", bounds=(0.0, 1.0)),
    ArraySpec(
        "fibre.bare_site", "1", "flat voxel where it was struck hardest, -1 none", dtype="int64", initial=-1
    ),
    ArraySpec(
        "fibre.transmission",
        "1",
        "share of signals that its sheath lets pass",
        initial=1.0,
        bounds=(0.0, 1.0),
    ),
    ArraySpec("fibre.latency", "1", "time through the injured stretch, 1 with an intact sheath", initial=1.0),
    ArraySpec(
        "fibre.g_ratio", "1", "axon over fibre diameter, 1 without a sheath", initial=1.0, bounds=(0.0, 1.0)
    ),
)


def flat_sites(lattice: Lattice, x: Any, y: Any, layer: Any) -> NDArray[np.int64]:
    """Return the flat voxels of some places : (n,) int64.

    Parameters
    ----------
    lattice : Lattice
    x, y : (n,) float64
        um; what lies outside belongs to the outermost voxels.
    layer : (n,) int64
        Index along the cord.
    """
    i, j = (index_of(lattice, axis, values) for axis, values in enumerate((x, y)))
    flat: NDArray[np.int64] = (i * lattice.shape[1] + j) * lattice.shape[2] + layer
    return flat


def index_of(lattice: Lattice, axis: int, values_um: Any) -> NDArray[np.int64]:
    """Return the voxels along one axis in which some coordinates lie, the outermost for what is outside : (n,)."""
    scaled = (values_um - lattice.origin_um[axis]) / lattice.spacing_um[axis]
    index: NDArray[np.int64] = np.clip(np.floor(scaled + 0.5).astype(np.int64), 0, lattice.shape[axis] - 1)
    return index


def middle_of_hardest(
    severity: NDArray[np.float64], fibres: int, sites: Callable[[int], NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return the layer in the middle of the stretch in which each fibre was struck hardest, -1 for nowhere : (fibres,).

    Parameters
    ----------
    severity : (x, y, z) float64
        Local severity of the injury.
    fibres : int
    sites : callable
        Returns the flat voxel of each fibre in a layer.
    """
    greatest = np.zeros(fibres)
    first, last = np.full(fibres, -1), np.full(fibres, -1)
    for k in np.flatnonzero(severity.max(axis=(0, 1)) > 0.0):
        here = severity.reshape(-1)[sites(int(k))]
        more, same = here > greatest, (here == greatest) & (here > 0.0)
        first[more] = k
        last[more | same] = k
        greatest = np.maximum(greatest, here)
    return np.where(first >= 0, (first + last) // 2, -1)


def regrown_rows(tissue: Tissue) -> NDArray[np.int64]:
    """Return the rows of host fibres with a living synapse on a host neuron beyond the lesion : (n,) int64."""
    living = (tissue["synapse.lost_tick"] < 0) & (tissue["synapse.kind"] == SynapseKind.HOST_TO_HOST)
    return np.unique(tissue["synapse.fibre"][living])


def regrown_path(tissue: Tissue, rows: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the living points that some fibres have laid since the injury.

    Returns
    -------
    which : (points,) int64
        The place of the fibre of each point in `rows`.
    sites : (points,) int64
        Its flat voxel.
    """
    place = np.full(len(tissue.fibres), -1, dtype=np.int64)
    place[rows] = np.arange(rows.size)
    which = place[tissue["segment.fibre"]]
    there = np.flatnonzero((which >= 0) & (tissue["segment.grown"] == 1) & (tissue["segment.lost_tick"] < 0))
    x, y, z = (tissue[f"segment.{axis}"][there] for axis in "xyz")
    return which[there], flat_sites(tissue.lattice, x, y, index_of(tissue.lattice, 2, z))


def note_regrown(tissue: Tissue) -> None:
    """Write which share of their signals the regrown fibres of each tract pass on, by represented axons."""
    rows = np.flatnonzero(tissue["fibre.regrown_sheath"] != Sheath.NONE)
    weight, passed = tissue["fibre.weight"][rows], tissue["fibre.transmission"][rows]
    for tract, name in REGROWN_NAMES.items():
        own = tissue["fibre.tract"][rows] == tract
        total = float(weight[own].sum())
        tissue.set_scalar(name, float((weight * passed)[own].sum()) / total if total > 0.0 else 1.0)
