"""Small tissues on which processes can be verified: one kind of tissue, and only the processes that are named.

What other processes would provide is declared at values that harm nobody, so that a pipeline of two or three
processes passes the same checks as a whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cordgraft.core.clock import Clock
from cordgraft.core.contract import ArraySpec, Process, provisions
from cordgraft.core.lattice import Lattice
from cordgraft.engine.pipeline import Pipeline
from cordgraft.processes import registry
from cordgraft.state.axons import AXON_COLUMNS, AxonState, Tract
from cordgraft.state.cells import CELL_COLUMNS, CellKind, count_by_voxel
from cordgraft.state.maps import FRACTION_SPECS, MAP_SPECS
from cordgraft.state.tissue import Setting, Tissue

#: Arrays of other processes and their values at rest.
AT_REST: dict[str, float] = {
    "density.vessels": 1.0,
    "density.neutrophils": 0.0,
    "density.macrophages_pro": 0.0,
    "density.macrophages_repair": 0.0,
    "density.debris": 0.0,
    "density.matrix": 0.0,
    "density.barrier": 0.0,
    "density.spread_along": 1.0,
    "density.spread_across": 1.0,
    "field.cspg": 0.0,
    "field.tnf": 0.0,
    "field.trophic": 0.0,
    "field.oxygen": 20.0,
    "scalar.subject_capacity": 1.0,
    "scalar.spread_version": 1.0,
}


@dataclass
class Stage:
    """A tissue and the pipeline that acts on it."""

    tissue: Tissue
    pipeline: Pipeline
    tick: int = 0

    def step(self, ticks: int = 1) -> None:
        """Run `ticks` ticks."""
        for _ in range(ticks):
            self.pipeline.step(self.tissue, self.tick)
            self.tick += 1


def make_stage(
    processes: Sequence[Process],
    shape: tuple[int, int, int],
    spacing_um: tuple[float, float, float],
    *,
    tissue_class: str = "grey",
    before: str = "",
    cord: Any = None,
    tick_h: float = 1.0,
    periods_h: dict[str, float] | None = None,
    seed: int = 1,
) -> Stage:
    """Return a stage of one tissue class that fills the box, or the mask `cord` : (nx, ny, nz).

    `before` is the class of the tissue before the injury, the same if it is not named.
    """
    base = [*MAP_SPECS, *FRACTION_SPECS, *CELL_COLUMNS, *AXON_COLUMNS]
    arrays, transfers = provisions(processes, base)
    tissue_specs = [*arrays, *_from_others(processes, {spec.name for spec in arrays})]
    origin = [-0.5 * (n - 1) * h for n, h in zip(shape, spacing_um, strict=True)]
    lattice = Lattice(shape, spacing_um, (origin[0], origin[1], origin[2]))
    across = (shape[0] * spacing_um[0], shape[1] * spacing_um[1])
    clock = Clock(tick_h, 1_000_000)
    tissue = Tissue(lattice, clock, Setting("mouse", "mouse", across, seed=seed), tissue_specs, transfers)
    inside = np.ones(shape) if cord is None else np.asarray(cord, dtype=np.float64)
    tissue["map.cord"][...] = inside
    tissue["map.volume"][...] = inside
    tissue[f"fraction.{tissue_class}"][...] = inside
    intact = before or tissue_class
    if intact in ("white", "grey"):
        tissue[f"map.{intact}"][...] = inside
    pipeline = Pipeline(processes, clock, periods_h)
    pipeline.check(tissue)
    pipeline.prepare(tissue)
    if "density.cell_places" in tissue:
        from cordgraft.state.cells import refresh_room

        refresh_room(tissue)
    return Stage(tissue, pipeline)


def _from_others(processes: Sequence[Process], known: set[str]) -> list[ArraySpec]:
    """Return the arrays of other processes that these read or write, as declared, at their values at rest."""
    declared = {spec.name: spec for kind in registry().values() for spec in kind.provides.arrays}
    wanted = set(AT_REST)
    for process in processes:
        for name in (*process.reads, *process.writes, *process.deposits):
            wanted.add(name.replace("source.", "field.", 1) if name.startswith("source.") else name)
    others = []
    for name in sorted(wanted - known):
        if name in declared:
            others.append(replace(declared[name], initial=AT_REST.get(name, declared[name].initial)))
        elif name in AT_REST:
            others.append(ArraySpec(name, "1", "from another process", initial=AT_REST[name]))
    return others


def put_cells(stage: Stage, sites: Any, kind: CellKind, **values: Any) -> None:
    """Put one cell into each voxel of `sites` : (n,) flat indices."""
    tissue = stage.tissue
    sites = np.asarray(sites, dtype=np.int64)
    ids = np.arange(1, sites.size + 1, dtype=np.uint64)
    tissue.cells.add(sites.size, **{"id": ids, "site": sites, "kind": int(kind), "weight": 1.0, **values})
    tissue["density.cells"][...] = count_by_voxel(tissue.cells["site"], tissue.lattice.shape)


def put_cones(
    stage: Stage, n: int, point: Any = (0.0, 0.0, 0.0), headings: Any = (0.0, 0.0, 1.0), **more: Any
) -> None:
    """Start `n` growth cones of the graft (or of the host, with ``origin=0``) at a point.

    Parameters
    ----------
    point : three numbers, um
    headings : three numbers or (n, 3)
        Unit vectors.
    """
    tissue = stage.tissue
    ids = np.arange(1, n + 1, dtype=np.uint64)
    rows = np.arange(n)
    x, y, z = point
    tract = Tract.GRAFT if more.get("origin", 1) else Tract.CORTICOSPINAL
    fibre = {
        "origin": 1,
        "tract": int(tract),
        "state": int(AxonState.GROWING),
        "weight": 1.0,
        "cut_tick": 0,
        **more,
    }
    tissue.fibres.add(n, id=ids, root=rows, born_tick=0, **fibre)
    tissue.segments.add(n, fibre=rows, grown=1, x=x, y=y, z=z)
    hx, hy, hz = np.broadcast_to(np.asarray(headings, dtype=np.float64), (n, 3)).T
    tissue.cones.add(n, id=ids, fibre=rows, x=x, y=y, z=z, hx=hx, hy=hy, hz=hz, last=rows, base=rows)


def indices(stage: Stage) -> Any:
    """Return the voxel of each cell in the order of the ids : (n, 3) int64."""
    table = stage.tissue.cells
    order = np.argsort(table["id"])
    return np.stack(np.unravel_index(table["site"][order], stage.tissue.lattice.shape), axis=1)
