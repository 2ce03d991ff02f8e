"""Helpers for tests of the grafted cells: a bare cord with the fields that cells read, and any cells on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Process
from cordgraft.engine.pipeline import Pipeline
from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.state.cells import CellKind, count_by_voxel, places, refresh_room
from cordgraft.state.tissue import Tissue
from tests.support import make_tissue

#: Fields of other processes, at values that harm nobody.
FIELDS = (
    ArraySpec("field.oxygen", "mmHg", "oxygen", initial=20.0),
    ArraySpec("field.tnf", "1", "TNF-like"),
    ArraySpec("density.barrier", "1", "astrocyte border"),
    ArraySpec("scalar.epicentre_um", "um", "middle of the injury along the cord"),
)


def bare(
    processes: Sequence[Process],
    shape: tuple[int, int, int] = (1, 24, 64),
    spacing_um: tuple[float, float, float] = (50.0, 50.0, 50.0),
    *,
    dead: bool = True,
    **settings: Any,
) -> Tissue:
    """Return a cord with every process named (and the turnover), all of it lesion room if `dead`."""
    own = () if any(isinstance(process, CellTurnover) for process in processes) else (CellTurnover(),)
    tissue = make_tissue([*processes, *own], shape, spacing_um, extra=FIELDS, **settings)
    if dead:
        tissue["fraction.necrosis"][...] = tissue["fraction.white"] + tissue["fraction.grey"]
        tissue["fraction.white"][...] = 0.0
        tissue["fraction.grey"][...] = 0.0
    refresh_room(tissue)
    return tissue


def put(tissue: Tissue, sites: Any, kind: CellKind = CellKind.PRECURSOR, **values: Any) -> None:
    """Add one cell per site, with ids that continue those of the table."""
    sites = np.asarray(sites, dtype=np.int64)
    first = len(tissue.cells) + 1
    ids = np.arange(first, first + sites.size, dtype=np.uint64)
    tissue.cells.add(sites.size, **{"id": ids, "site": sites, "kind": kind, "weight": 1.0, **values})
    tissue["density.cells"][...] = count_by_voxel(tissue.cells["site"], tissue.lattice.shape)


def pack(tissue: Tissue, kind: CellKind = CellKind.PRECURSOR, **values: Any) -> None:
    """Fill every place of the cord with a cell."""
    refresh_room(tissue)
    room = tissue["density.cell_places"].reshape(-1)
    assert (room == places(tissue["density.cell_capacity"]).reshape(-1)).all()
    put(tissue, np.repeat(np.arange(room.size), room), kind, **values)


def run(
    tissue: Tissue, processes: Sequence[Process], ticks: int, periods: dict[str, float] | None = None
) -> None:
    """Run processes from tick 0 for a number of ticks."""
    pipeline = Pipeline(processes, tissue.clock, periods)
    for tick in range(ticks):
        pipeline.step(tissue, tick)


def by_id(tissue: Tissue) -> dict[str, Any]:
    """Return copies of all columns in the order of ids."""
    order = np.argsort(tissue["cell.id"])
    return {name: tissue.cells[name][order] for name in tissue.cells.columns}
