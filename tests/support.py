"""Helpers for tests: a small cord with any set of processes on it, without a scenario file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cordgraft.core.clock import Clock
from cordgraft.core.contract import ArraySpec, Process, provisions
from cordgraft.core.lattice import Lattice
from cordgraft.state.axons import AXON_COLUMNS
from cordgraft.state.cells import CELL_COLUMNS
from cordgraft.state.maps import FRACTION_SPECS, MAP_SPECS
from cordgraft.state.tissue import Setting, Tissue


def make_tissue(
    processes: Sequence[Process] = (),
    shape: tuple[int, int, int] = (1, 24, 64),
    spacing_um: tuple[float, float, float] = (50.0, 50.0, 50.0),
    *,
    tick_h: float = 1.0,
    days: float = 10.0,
    species: str = "mouse",
    seed: int = 1,
    extra: Iterable[ArraySpec] = (),
    prepare: bool = True,
    cells_per_agent: int = 1,
) -> Tissue:
    """Return a tissue with a healthy elliptic cord (in a section: a full slab) and all arrays of `processes`."""
    base = [*MAP_SPECS, *FRACTION_SPECS, *CELL_COLUMNS, *AXON_COLUMNS]
    arrays, transfers = provisions(processes, base)
    origin = tuple(-0.5 * (n - 1) * d for n, d in zip(shape, spacing_um, strict=True))
    lattice = Lattice(shape, spacing_um, (origin[0], origin[1], origin[2]))
    diameters = (max(shape[0] * spacing_um[0], 1.4 * shape[1] * spacing_um[1]), shape[1] * spacing_um[1])
    setting = Setting(species, species, diameters, seed=seed, cells_per_agent=cells_per_agent)
    tissue = Tissue(lattice, Clock.for_duration(days * 24.0, tick_h), setting, [*arrays, *extra], transfers)
    x, y, _ = lattice.centres_um()
    rho = np.sqrt((2.0 * x / diameters[0]) ** 2 + (2.0 * y / diameters[1]) ** 2)
    inside = np.broadcast_to(rho <= 1.0, shape)
    tissue["map.rho"][...] = rho
    tissue["map.cord"][...] = inside
    tissue["map.volume"][...] = inside
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = np.where(rho > 0.0, (2.0 * y / diameters[1]) / np.where(rho > 0.0, rho, 1.0), 0.0)
    tissue["map.ventral"][...] = 0.5 * (1.0 + sine)
    grey = np.where(rho < 0.25, 1.0, 0.0)
    tissue["map.grey"][...] = grey * inside
    tissue["map.white"][...] = (1.0 - grey) * inside
    tissue["fraction.grey"][...] = tissue["map.grey"]
    tissue["fraction.white"][...] = tissue["map.white"]
    if prepare:
        for process in processes:
            process.prepare(tissue)
    return tissue


def run_alone(process: Process, tissue: Tissue, tick: int = 0) -> Any:
    """Run one step of `process` and return the snapshot from before."""
    from cordgraft.core.contract import Key

    before = tissue.snapshot()
    process.step(tissue, Key(tissue.setting.seed, tick, process.period_h))
    return before


#: Settings that make the default scenario small enough for a test: 12 days, graft on day 6, 100 um voxels.
SMALL: dict[str, str] = {
    "duration": "12 d",
    "geometry.length": "3.2 mm",
    "geometry.voxel": "100 um",
    "record.maps": "[3 d, 12 d]",
    "treatments.graft.at": "6 d",
    "treatments.graft.dose": "2e4 cells",
}


def arrays_of(store: Any) -> dict[str, Any]:
    """Return every array of a run store by path, as bytes with shape and type."""
    import zarr

    found: dict[str, Any] = {}
    for path, member in zarr.open_group(str(store), mode="r").members(max_depth=None):
        if isinstance(member, zarr.Array):
            values = np.asarray(member[...])
            found[path] = (values.dtype.str, values.shape, values.tobytes())
    return found


def differing(first: Any, second: Any) -> list[str]:
    """Return the arrays that differ between two run stores, or exist in one only."""
    one, two = arrays_of(first), arrays_of(second)
    assert one, "an empty store proves nothing"
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))
