"""Bare cords for the benchmarks: the product's own state and processes without a scenario round them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cordgraft.core.clock import Clock
from cordgraft.core.contract import ArraySpec, Process, provisions
from cordgraft.core.lattice import Lattice
from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.division import Division
from cordgraft.processes.migration import Migration
from cordgraft.processes.survival import Survival
from cordgraft.state.axons import AXON_COLUMNS
from cordgraft.state.cells import CELL_COLUMNS, CellKind, count_by_voxel, refresh_room
from cordgraft.state.maps import FRACTION_SPECS, MAP_SPECS
from cordgraft.state.tissue import Setting, Tissue

#: What cells read of processes that are not on the stage, at values that harm nobody.
SURROUNDINGS = (
    ArraySpec("field.oxygen", "mmHg", "oxygen", initial=20.0),
    ArraySpec("field.tnf", "1", "TNF-like"),
    ArraySpec("density.barrier", "1", "astrocyte border"),
)


def cord_of_lesion(
    processes: Sequence[Process],
    shape: tuple[int, int, int],
    spacing_um: float,
    *,
    seed: int = 1,
    tissue_class: str = "necrosis",
    extra: Iterable[ArraySpec] = SURROUNDINGS,
) -> Tissue:
    """Return a box of one tissue class, all of it cord, with the arrays of `processes`."""
    base = [*MAP_SPECS, *FRACTION_SPECS, *CELL_COLUMNS, *AXON_COLUMNS]
    arrays, transfers = provisions(processes, base)
    origin = tuple(-0.5 * (n - 1) * spacing_um for n in shape)
    lattice = Lattice(shape, (spacing_um,) * 3, (origin[0], origin[1], origin[2]))
    setting = Setting("mouse", "mouse", (shape[0] * spacing_um, shape[1] * spacing_um), seed=seed)
    clock = Clock.for_duration(240.0, 1.0)
    tissue = Tissue(lattice, clock, setting, [*arrays, *extra], transfers)
    for name in ("map.cord", "map.volume", f"fraction.{tissue_class}"):
        tissue[name][...] = 1
    for process in processes:
        process.prepare(tissue)
    return tissue


def cell_processes() -> tuple[Process, ...]:
    """Return what happens to a cell in a period: it may die, divide and move, and the turnover settles it."""
    return Survival(), Division(), Migration(), CellTurnover()


def put_graft(tissue: Tissue, cells: int, filling: float = 0.6, seed: int = 1) -> None:
    """Put precursors into the voxels nearest to the middle, `filling` of their places, in random order of rows."""
    refresh_room(tissue)
    x, y, z = tissue.lattice.centres_um()
    distance = np.broadcast_to(x**2 + y**2 + z**2, tissue.lattice.shape).reshape(-1)
    places = tissue["density.cell_places"].reshape(-1)
    nearest = np.argsort(distance, kind="stable")
    needed = int(np.searchsorted(np.cumsum(places[nearest]), cells / filling)) + 1
    slots = np.repeat(nearest[:needed], places[nearest[:needed]])
    sites = np.random.default_rng(seed).permutation(slots)[:cells]
    ids = np.arange(1, cells + 1, dtype=np.uint64)
    tissue.cells.add(cells, id=ids, site=sites, kind=int(CellKind.PRECURSOR), weight=1.0)
    tissue["density.cells"][...] = count_by_voxel(tissue.cells["site"], tissue.lattice.shape)


def arrays_digest(tissue: Tissue, names: Iterable[str]) -> Any:
    """Return a digest of arrays, to say that two runs gave the same bytes."""
    import hashlib

    digest = hashlib.sha256()
    for name in names:
        digest.update(np.ascontiguousarray(tissue[name]).tobytes())
    return digest.hexdigest()[:12]
