"""A tissue into which a test plants axons point by point, and the view of a run that has recorded it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray

from cordgraft.core import axon_layout, schema
from cordgraft.core.contract import ArraySpec
from cordgraft.record import snapshots
from cordgraft.record.observers import Observer
from cordgraft.state.axons import AxonState, ConeState, SynapseKind, Tract
from cordgraft.state.tissue import Tissue
from cordgraft_analysis.outcomes import AxonDay, axon_day
from cordgraft_analysis.view import RunView
from support import make_tissue

EDGES = (
    ArraySpec("scalar.lesion_rostral_um", "um", "test", initial=300.0),
    ArraySpec("scalar.lesion_caudal_um", "um", "test", initial=-300.0),
)


class Garden:
    """A tissue into which axons are planted point by point."""

    def __init__(self) -> None:
        self.tissue: Tissue = make_tissue((), (1, 4, 64), (100.0, 100.0, 100.0), extra=EDGES)

    def fibre(self, tract: Tract, state: AxonState, weight: float = 10.0) -> int:
        row = len(self.tissue.fibres)
        graft = int(tract == Tract.GRAFT)
        self.tissue.fibres.add(
            1, id=np.uint64(row + 1), tract=int(tract), origin=graft, state=int(state), weight=weight
        )
        return row

    def path(
        self, fibre: int, heights: list[float], parent: int = -1, grown: int = 1, lost: int = -1
    ) -> list[int]:
        rows = []
        for z in heights:
            added = self.tissue.segments.add(
                1, parent=parent, fibre=fibre, grown=grown, z=z, laid_tick=5, lost_tick=lost
            )
            parent = added.start
            rows.append(parent)
        return rows

    def cone(
        self, fibre: int, last: int, z: float, state: ConeState = ConeState.ACTIVE, arc: float = 0.0
    ) -> None:
        row = len(self.tissue.cones)
        self.tissue.cones.add(
            1, id=np.uint64(1000 + row), fibre=fibre, last=last, z=z, state=int(state), arc_um=arc
        )

    def measure(self) -> dict[str, float]:
        observer = Observer(self.tissue)
        observer.memory.graft_edges_um = (-300.0, 300.0)
        return observer.measure(self.tissue, 24)


def stump(garden: Garden, tract: Tract, z: float) -> tuple[int, int]:
    """Plant a severed host fibre whose old path comes from afar and ends at z; returns fibre and last point."""
    fibre = garden.fibre(tract, AxonState.GROWING)
    far = 3000.0 if z > 0 else -3000.0
    return fibre, garden.path(fibre, [far, z], grown=0)[-1]


def planted_synapse(
    garden: Garden, fibre: int, kind: SynapseKind, z: float = 0.0, weight: float = 1.0, lost: int = -1
) -> None:
    garden.tissue.synapses.add(
        1,
        fibre=fibre,
        kind=int(kind),
        tract=garden.tissue["fibre.tract"][fibre],
        z=z,
        weight=weight,
        made_tick=24,
        lost_tick=lost,
    )


def recorded(
    garden: Garden, tick: int = 24, graft_edges_um: tuple[float, float] = (-300.0, 300.0)
) -> RunView:
    """Return the view of a run that has recorded the garden at one tick, as the recorder stores it."""
    tissue = garden.tissue
    tables: dict[str, Any] = {
        schema.PATHS: snapshots.path_tables(tissue, tick),
        schema.CONES: snapshots.cone_table(tissue),
        schema.SYNAPSES: snapshots.synapse_table(tissue),
        axon_layout.LOST_SYNAPSES: snapshots.lost_synapse_table(tissue),
    }
    dims = snapshots.axon_dims()
    z = tissue.lattice.axis_um(2)
    place = f"/{schema.AXONS_GROUP}/{schema.day_group(tick * tissue.clock.tick_h)}"
    tree = {
        "/": xarray.Dataset(attrs={"status": "finished"}),
        f"/{schema.GEOMETRY_GROUP}": xarray.Dataset(
            coords={"z": ("z", z, {"spacing": tissue.lattice.spacing_um[2]})}
        ),
        place: xarray.Dataset(attrs={schema.COMPLETE: 1}),
    }
    for name, columns in tables.items():
        tree[f"{place}/{name}"] = xarray.Dataset(
            {
                column: (dims.get(f"{name}/{column}", dims[name]), np.asarray(values), dict(attributes))
                for column, (values, attributes) in columns.items()
            }
        )
    tree[f"{place}/{schema.PATHS}"].attrs = snapshots.path_attributes((-300.0, 300.0), graft_edges_um)
    return RunView(Path("garden"), xarray.DataTree.from_dict(tree))


def day_of(garden: Garden, **more: Any) -> AxonDay:
    """Return the axons of the garden as the analysis reads them."""
    return axon_day(recorded(garden, **more), 1.0)
