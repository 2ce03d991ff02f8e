"""Columns of the grafted cells, and the words for what a cell is."""

from __future__ import annotations

from enum import IntEnum

from cordgraft.core.contract import ArraySpec


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

#: Volume of a grafted cell and share of a packed voxel that cells can fill (recalled; equations, section 13).
CELL_VOLUME_UM3 = 2500.0
PACKING = 0.6

CELL_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("cell.id", "1", "persistent identity", dtype="uint64"),
    ArraySpec("cell.parent", "1", "identity of the mother cell, 0 for a founder", dtype="uint64"),
    ArraySpec("cell.graft", "1", "which graft treatment the founder came from, counted from 0", dtype="uint8"),
    ArraySpec("cell.weight", "cells", "living cells of the whole cord that this simulated cell stands for"),
    ArraySpec("cell.site", "1", "flat index of the voxel, C order of (x, y, z)", dtype="int64"),
    ArraySpec("cell.kind", "1", "lineage stage, see CellKind", dtype="uint8"),
    ArraySpec("cell.grafted_tick", "tick", "tick of transplantation of the founder", dtype="int32"),
    ArraySpec("cell.committed_tick", "tick", "tick at which the present kind was taken on", dtype="int32"),
    ArraySpec("cell.heading", "1", "polarity of migration along the cord: -1, 0 or 1", dtype="int8"),
    ArraySpec("cell.hazard", "1/h", "death hazard deposited in this tick"),
    ArraySpec(
        "cell.division_target", "1", "voxel a daughter is proposed for, -1 for none", dtype="int64", initial=-1
    ),
    ArraySpec("cell.move_target", "1", "voxel the cell proposes to move to, -1 to stay", dtype="int64", initial=-1),
)
