"""Tables of agents at one moment, as they are stored: cells, axon paths, growth cones, synapses.

Axon paths are CF contiguous ragged arrays: polyline i of ``axon`` takes the next ``row_size[i]`` entries of
``point``. A polyline is a stem or a branch, so that each can be drawn on its own; ``id`` says which axon it
belongs to, and only living paths are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import axon_layout, schema
from cordgraft.core.schema import cf_unit
from cordgraft.record.paths import living_forest, polylines
from cordgraft.state.axons import AxonState, ConeState, SynapseKind, Tract
from cordgraft.state.cells import CellKind
from cordgraft.state.sheaths import Sheath
from cordgraft.state.table import Table
from cordgraft.state.tissue import Tissue

Column = tuple[NDArray[Any], Mapping[str, Any]]
Columns = dict[str, Column]


def words(kinds: type[IntEnum]) -> dict[str, Any]:
    """Return the CF attributes that say what the numbers of a code mean."""
    return {
        "units": "1",
        "flag_values": [int(kind) for kind in kinds],
        "flag_meanings": " ".join(kind.name.lower() for kind in kinds),
    }


def _plain(unit: str, long_name: str) -> dict[str, Any]:
    return {**cf_unit(unit), "long_name": long_name}


def _place(x: Any, y: Any, z: Any, what: str) -> Columns:
    names = {"x": "right positive", "y": "anterior positive", "z": "rostral positive"}
    values = {"x": x, "y": y, "z": z}
    return {
        axis: (
            np.asarray(values[axis], dtype=np.float32),
            {**_plain("um", f"{axis} of {what}, {sense}"), "axis": axis.upper()},
        )
        for axis, sense in names.items()
    }


def _days(tissue: Tissue, ticks: NDArray[Any], never: int | None = -1) -> NDArray[np.float32]:
    """Return ticks as days since the injury; NaN where the tick says never."""
    days = ticks * (tissue.clock.tick_h / 24.0)
    if never is not None:
        days = np.where(ticks == never, np.nan, days)
    return np.asarray(days, dtype=np.float32)


def cell_table(tissue: Tissue, tick: int) -> Columns:
    """Return the columns of the grafted cells : (row,) each; places are the centres of their voxels.

    Rows stand in the order of (voxel, id), whenever the table itself was sorted last.
    """
    lattice = tissue.lattice
    order = np.lexsort((tissue.cells["id"], tissue.cells["site"]))
    cells = {name: tissue.cells[name][order] for name in tissue.cells.columns}
    x, y, z = np.unravel_index(cells["site"], lattice.shape)
    return {
        "id": (np.array(cells["id"]), _plain("1", "persistent identity")),
        "parent": (np.array(cells["parent"]), _plain("1", "identity of the mother cell, 0 for a founder")),
        "graft": (
            np.array(cells["graft"]),
            _plain("1", "which delivery the founder came from, counted from 0"),
        ),
        "line": (np.array(cells["line"]), _plain("1", "cell line, the number in the catalogue of lines")),
        "kind": (np.array(cells["kind"]), {**words(CellKind), "long_name": "lineage stage"}),
        "weight": (
            np.array(cells["weight"]),
            _plain("cells", "cells of the whole cord that the row stands for"),
        ),
        **_place(lattice.axis_um(0)[x], lattice.axis_um(1)[y], lattice.axis_um(2)[z], "the cell's voxel"),
        "age_days": (
            _days(tissue, tick - cells["grafted_tick"], None),
            _plain("day", "time since transplantation of the founder"),
        ),
        "kind_days": (
            _days(tissue, tick - cells["committed_tick"], None),
            _plain("day", "time since the present lineage stage was taken on"),
        ),
    }


def path_tables(tissue: Tissue, tick: int) -> Columns:
    """Return the living axon paths : columns over `axon` (one row per polyline) and over `point`."""
    forest = living_forest(tissue)
    lines = polylines(forest)
    fibres = tissue.fibres
    row = lines.fibre
    laid = np.where(forest.laid_tick < 0, tick, forest.laid_tick)[lines.point]
    return {
        schema.ROW_SIZE: (
            lines.row_size,
            {**_plain("1", "number of points of the polyline"), "sample_dimension": schema.POINT},
        ),
        "id": (fibres["id"][row], _plain("1", "persistent identity of the axon")),
        "branch": (lines.branch, _plain("1", "0 for the stem of an axon, then its branches")),
        "tract": (fibres["tract"][row], {**words(Tract), "long_name": "tract"}),
        "origin": (
            fibres["origin"][row],
            {"units": "1", "long_name": "origin", "flag_values": [0, 1], "flag_meanings": "host graft"},
        ),
        "state": (fibres["state"][row], {**words(AxonState), "long_name": "state of the axon"}),
        **_sheaths(fibres, row),
        "weight": (fibres["weight"][row], _plain("axons", "axons of the whole cord that the row stands for")),
        "lateral_um": (
            np.asarray(fibres["lateral_um"][row], dtype=np.float32),
            _plain("um", "true distance out of a section on which the axon is projected"),
        ),
        **_place(forest.x[lines.point], forest.y[lines.point], forest.z[lines.point], "the point"),
        "grown": (
            forest.grown[lines.point].astype(np.uint8),
            {
                "units": "1",
                "long_name": "when the point was laid",
                "flag_values": [0, 1],
                "flag_meanings": "before_injury grown",
            },
        ),
        "day_laid": (
            _days(tissue, laid, None),
            _plain("day", "time after the injury at which the point was laid"),
        ),
    }


def _sheaths(fibres: Table, row: NDArray[np.int64]) -> Columns:
    """Return the state of the sheath of some fibres : (axon,), of a run in which myelin acts."""
    if "sheath" not in fibres:
        return {}
    return {
        "sheath": (fibres["sheath"][row], {**words(Sheath), "long_name": "state of the sheath at the injury"})
    }


#: Columns of `path_tables` with one value per point; the others have one per polyline.
POINT_COLUMNS: tuple[str, ...] = ("x", "y", "z", "grown", "day_laid")


def cone_table(tissue: Tissue) -> Columns:
    """Return the living growth cones : (cone,) each."""
    cones, fibres = tissue.cones, tissue.fibres
    fibre = cones["fibre"]
    return {
        "id": (np.array(cones["id"]), _plain("1", "persistent identity")),
        "axon": (fibres["id"][fibre], _plain("1", "identity of its axon")),
        "tract": (fibres["tract"][fibre], {**words(Tract), "long_name": "tract"}),
        "state": (np.array(cones["state"]), {**words(ConeState), "long_name": "state of the growth cone"}),
        "weight": (
            fibres["weight"][fibre],
            _plain("axons", "axons of the whole cord that its axon stands for"),
        ),
        **_place(cones["x"], cones["y"], cones["z"], "the growth cone"),
        "arc": (
            np.asarray(cones["arc_um"], dtype=np.float32),
            _plain("um", "arc from where its axon began to grow"),
        ),
    }


def synapse_table(tissue: Tissue) -> Columns:
    """Return the living synapses : (synapse,) each."""
    return _synapses(tissue, np.flatnonzero(tissue.synapses["lost_tick"] < 0))


def lost_synapse_table(tissue: Tissue) -> Columns:
    """Return the synapses that were made and lost again, with the day of that : (synapse,) each."""
    rows = np.flatnonzero(tissue.synapses["lost_tick"] >= 0)
    lost = _days(tissue, tissue.synapses["lost_tick"][rows])
    return {**_synapses(tissue, rows), "day_lost": (lost, _plain("day", "time after the injury when it was lost"))}


def _synapses(tissue: Tissue, rows: NDArray[np.int64]) -> Columns:
    table, fibres = tissue.synapses, tissue.fibres
    return {
        "kind": (table["kind"][rows], {**words(SynapseKind), "long_name": "who talks to whom"}),
        "tract": (table["tract"][rows], {**words(Tract), "long_name": "tract of the axon"}),
        "axon": (fibres["id"][table["fibre"][rows]], _plain("1", "identity of the axon that ends here")),
        "partner": (
            table["partner"][rows],
            _plain("1", "identity of the grafted neuron, 0 for a host neuron"),
        ),
        "weight": (
            table["weight"][rows],
            _plain("synapses", "synapses of the whole cord that the row stands for"),
        ),
        **_place(table["x"][rows], table["y"][rows], table["z"][rows], "the synapse"),
        "day_made": (
            _days(tissue, table["made_tick"][rows]),
            _plain("day", "time after the injury when it formed"),
        ),
    }


def axon_dims() -> dict[str, str]:
    """Return table or column -> dimension, for the axon snapshot."""
    dims = {schema.PATHS: schema.AXON, schema.CONES: schema.CONE, schema.SYNAPSES: schema.SYNAPSE}
    dims[axon_layout.LOST_SYNAPSES] = schema.SYNAPSE
    return {**dims, **{f"{schema.PATHS}/{column}": schema.POINT for column in POINT_COLUMNS}}


PATH_ATTRIBUTES: dict[str, Any] = {
    "featureType": "trajectory",
    "long_name": "living axon paths, contiguous ragged: polyline i takes the next row_size[i] points",
}


def path_attributes(lesion_edges_um: tuple[float, float], graft_edges_um: tuple[float, float]) -> dict[str, Any]:
    """Return the attributes of the paths of a day; edges that are not there yet (NaN) are left out.

    Parameters
    ----------
    lesion_edges_um, graft_edges_um : (caudal, rostral)
        Edges of the primary lesion, and of the lesion on the day of grafting.
    """
    edges = {axon_layout.LESION_EDGES: lesion_edges_um, axon_layout.GRAFT_EDGES: graft_edges_um}
    known = {name: list(pair) for name, pair in edges.items() if not any(np.isnan(pair))}
    return {**PATH_ATTRIBUTES, **known}
