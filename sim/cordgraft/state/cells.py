"""Columns of the grafted cells, the words for what a cell is, and how many cells a voxel can hold.

Survival, fate, division, migration, turnover and delivery share the last, so that all of them mean the same by a
place and by crowding.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec
from cordgraft.core.lattice import Lattice


class CellKind(IntEnum):
    """Lineage stage of a grafted cell."""

    UNDIFFERENTIATED = 0
    PRECURSOR = 1
    NEURON = 2
    ASTROCYTE = 3
    OLIGODENDROCYTE = 4


#: Plural names for outputs, by kind.
KIND_NAMES: dict[CellKind, str] = {
    CellKind.UNDIFFERENTIATED: "undifferentiated",
    CellKind.PRECURSOR: "precursor",
    CellKind.NEURON: "neuron",
    CellKind.ASTROCYTE: "astrocyte",
    CellKind.OLIGODENDROCYTE: "oligodendrocyte",
}

#: Volume of a grafted cell and share of a packed voxel that cells can fill (recalled, without a source).
CELL_VOLUME_UM3 = 2500.0
PACKING = 0.6
#: Cells per microlitre of a packed place (240,000), which is what the two numbers above say.
PACKED_PER_UL = 1e9 * PACKING / CELL_VOLUME_UM3
#: Tissue classes whose place grafted cells can take: what the injury killed, emptied or filled with fluid, and
#: what the graft has taken already. Host white matter, grey matter and scar keep theirs.
LESION_ROOM: tuple[str, str, str, str] = ("necrosis", "cavity", "blood", "csf")

CELL_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("cell.id", "1", "persistent identity", dtype="uint64"),
    ArraySpec("cell.parent", "1", "identity of the mother cell, 0 for a founder", dtype="uint64"),
    ArraySpec("cell.graft", "1", "which delivery the founder came from, counted from 0", dtype="uint8"),
    ArraySpec("cell.line", "1", "cell line, the number in the catalogue of lines", dtype="uint8"),
    ArraySpec("cell.weight", "cells", "living cells of the whole cord that this simulated cell stands for"),
    ArraySpec("cell.site", "1", "flat index of the voxel, C order of (x, y, z)", dtype="int64"),
    ArraySpec("cell.kind", "1", "lineage stage, see CellKind", dtype="uint8"),
    ArraySpec("cell.grafted_tick", "tick", "tick of transplantation of the founder", dtype="int32"),
    ArraySpec("cell.committed_tick", "tick", "tick at which the present kind was taken on", dtype="int32"),
    ArraySpec("cell.heading", "1", "polarity of migration along the cord: -1, 0 or 1", dtype="int8"),
    ArraySpec(
        "cell.new_heading", "1", "heading the cell proposes to take, 0 to keep the present one", dtype="int8"
    ),
    ArraySpec("cell.hazard", "1", "death hazard since the last turnover, integrated over time"),
    ArraySpec("cell.daughters", "1", "daughters proposed since the last turnover", dtype="uint8"),
    ArraySpec(
        "cell.division_target",
        "1",
        "voxel its daughters are proposed for, -1 for none",
        dtype="int64",
        initial=-1,
    ),
    ArraySpec(
        "cell.move_target", "1", "voxel the cell proposes to move to, -1 to stay", dtype="int64", initial=-1
    ),
)


def open_capacity(
    lattice: Lattice, volume_share: NDArray[np.float64], cells_per_agent: float
) -> NDArray[np.float64]:
    """Return how many simulated cells each voxel holds when nothing else is in it.

    The one place where the packing of cells is decided: voxel volume inside the cord, times packing, over the
    volume of the living cells that one simulated cell stands for. In a section the voxel is as wide as the
    slab, so the number is that of the slab and not of the whole cord.

    Parameters
    ----------
    lattice : Lattice
    volume_share : (x, y, z) float64
        Share of each voxel that lies in the cord.
    cells_per_agent : float
        Living cells per simulated cell.

    Returns
    -------
    (x, y, z) float64, simulated cells (not whole numbers; see `places`)
    """
    per_voxel = lattice.voxel_um3 * PACKING / (CELL_VOLUME_UM3 * cells_per_agent)
    return np.asarray(per_voxel * volume_share, dtype=np.float64)


def lesion_room(tissue: Any) -> NDArray[np.float64]:
    """Return the share of each voxel that is lesion room, filled by the graft or not : (x, y, z) float64."""
    room = np.array(tissue["fraction.graft"], dtype=np.float64)
    for name in LESION_ROOM:
        room += tissue[f"fraction.{name}"]
    return np.clip(room, 0.0, 1.0)


def local_capacity(tissue: Any) -> NDArray[np.float64]:
    """Return how many simulated cells each voxel can hold now : (x, y, z) float64.

    Lesion room takes the full packing (`open_capacity`, which ``map.cell_capacity`` holds), host tissue only the
    share in ``scalar.cell_tissue_share``: between living fibres there is little place.
    """
    share = tissue.scalar("cell_tissue_share")
    capacity: NDArray[np.float64] = tissue["map.cell_capacity"] * (
        share + (1.0 - share) * lesion_room(tissue)
    )
    return capacity


def places(capacity: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return a whole number of places per voxel whose mean over the lattice is the capacity.

    A voxel of 7.5 places gets 7 or 8. Which one follows from its index (a golden-ratio sequence along the flat
    index), not from a random draw, so it never changes in a run, and neighbours differ.
    """
    whole = capacity + _thresholds(capacity.shape)
    return np.floor(whole, out=whole).astype(np.int32)


@lru_cache(maxsize=1)
def _thresholds(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the golden-ratio sequence of a lattice; kept, for making it costs more than all that uses it."""
    golden = (np.arange(prod(shape), dtype=np.float64).reshape(shape) + 0.5) * 0.6180339887498949
    golden -= np.floor(golden)
    golden.setflags(write=False)
    return golden


def count_by_voxel(sites: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return simulated cells per voxel : (x, y, z) int64, from flat sites : (n,)."""
    size = prod(shape)
    return np.bincount(sites, minlength=size).astype(np.int64, copy=False).reshape(shape)


#: How many cells there are and how many there could be; the turnover keeps them, a delivery begins them.
ROOM_SPECS: tuple[ArraySpec, ...] = (
    ArraySpec("density.cells", "cells", "simulated graft cells in the voxel", bounds=(0.0, np.inf)),
    ArraySpec(
        "density.cell_capacity",
        "cells",
        "simulated graft cells that the voxel could hold, given its tissue",
        bounds=(0.0, np.inf),
        record=False,
    ),
    ArraySpec(
        "density.cell_places",
        "cells",
        "the same as a whole number",
        dtype="int32",
        bounds=(0.0, np.inf),
        record=False,
    ),
)
#: What `refresh_room` reads and writes.
ROOM_READS: tuple[str, ...] = (
    "map.cell_capacity",
    "scalar.cell_tissue_share",
    "fraction.graft",
    *(f"fraction.{name}" for name in LESION_ROOM),
)
ROOM_WRITES: tuple[str, ...] = ("density.cell_capacity", "density.cell_places")
#: What a cell sees of the lattice (`cordgraft.kernels.cell.Space`).
SPACE_READS: tuple[str, ...] = (
    "map.cord",
    *(spec.name for spec in ROOM_SPECS),
    "density.barrier",
    "fraction.white",
)


def refresh_room(tissue: Any) -> None:
    """Bring the room of every voxel up to date with its tissue.

    Once per turnover and at a delivery, not in every process: a pass over the whole lattice costs more than
    everything that a few thousand cells do.
    """
    capacity = local_capacity(tissue)
    tissue["density.cell_capacity"][...] = capacity
    tissue["density.cell_places"][...] = places(capacity)
