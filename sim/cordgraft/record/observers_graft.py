"""Outcomes of the grafted cells; each function says how its outcome is defined."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.schema import KINDS
from cordgraft.record.outcome import Count, Numbers, Outcome, counts, number, numbers
from cordgraft.record.scene import Scene, percentile, total_of
from cordgraft.state.cells import KIND_NAMES, CellKind


def _count(scene: Scene, rows: NDArray[np.bool_]) -> Count:
    """Return the cells of a mask as represented (sum of weights) and simulated number."""
    return Count(total_of(scene.tissue.cells["weight"][rows]), float(np.count_nonzero(rows)))


def _by_kind(scene: Scene) -> list[Count]:
    kinds = scene.tissue.cells["kind"]
    found = {KIND_NAMES[kind]: _count(scene, kinds == kind) for kind in CellKind}
    return [found[name] for name in KINDS]


@counts("graft_survivors")
def survivors(scene: Scene) -> Sequence[Count]:
    """Living grafted cells, cells: sum of the weights of all rows of the cell table (the dead leave it)."""
    return [_count(scene, np.ones(len(scene.tissue.cells), dtype=bool))]


@counts(*(f"graft_{kind}" for kind in KINDS))
def by_kind(scene: Scene) -> Sequence[Count]:
    """Living grafted cells by lineage stage, cells."""
    return _by_kind(scene)


@numbers(*(f"graft_fraction_{kind}" for kind in KINDS))
def fractions(scene: Scene) -> Numbers:
    """Share of all living grafted cells that has reached each lineage stage, 1; NaN without cells."""
    by = [count.represented for count in _by_kind(scene)]
    total = sum(by)
    return [value / total if total > 0.0 else math.nan for value in by]


@number("graft_delivered")
def delivered(scene: Scene) -> float:
    """Living cells that the deliveries brought into the cord, cells: weights of the founders when they arrived."""
    return scene.delivered


@number("graft_survival")
def survival(scene: Scene) -> float:
    """Living grafted cells over living cells delivered, 1; exceeds 1 when the graft outgrows its dose."""
    total = scene.delivered
    return total_of(scene.tissue.cells["weight"]) / total if total > 0.0 else math.nan


@number("graft_volume")
def volume(scene: Scene) -> float:
    """Represented living cells x 2.5 pL / 0.6 packing, mm3 (recalled); from counts, never from area^1.5."""
    return total_of(scene.tissue.cells["weight"]) * scene.cell_volume_mm3


@numbers("graft_volume_core", "graft_volume_outside")
def volume_by_zone(scene: Scene) -> Numbers:
    """The volume of the graft inside and outside the core (largest lesion so far), mm3; NaN without a lesion."""
    if not np.any(scene.core):
        return (math.nan, math.nan)
    cells = scene.tissue.cells
    inside = scene.core.reshape(-1)[cells["site"]]
    core = total_of(cells["weight"][inside])
    outside = total_of(cells["weight"][~inside])
    return (core * scene.cell_volume_mm3, outside * scene.cell_volume_mm3)


@number("graft_area")
def area(scene: Scene) -> float:
    """Graft tissue on the mid-sagittal section, mm2: sum of the graft fraction over the plane."""
    return float(np.sum(scene.section_mm2 * scene.tissue["fraction.graft"]))


@number("graft_dividing_fraction")
def dividing_fraction(scene: Scene) -> float:
    """Proliferation index (Ki67-like): mean over the cells of division rate x 3 d / ln 2, 1.

    The rates belong to the division process, which is asked for them; NaN when it is switched off.
    """
    if len(scene.tissue.cells) == 0 or scene.dividing is None:
        return math.nan
    return scene.dividing(scene.tissue, scene.tick)


@number("graft_pressure")
def pressure(scene: Scene) -> float:
    """Largest pressure of the graft on a level of the cord, excess over room, 1; as `mass_effect` found it last."""
    return scene.scalar("scalar.graft_pressure")


def _front(scene: Scene, kind: CellKind) -> float:
    caudal, rostral = scene.memory.graft_edges_um
    if math.isnan(caudal):
        return math.nan
    rows = scene.tissue.cells["kind"] == kind
    z = scene.cell_z_um[rows]
    beyond = np.maximum(z - rostral, caudal - z)
    return percentile(beyond, scene.tissue.cells["weight"][rows])


@number("graft_neuron_distance_p95")
def neuron_distance(scene: Scene) -> float:
    """95th percentile of the signed axial distance of neurons beyond the nearest lesion edge, um.

    The edges are those at the day of grafting; inside the lesion the distance is negative. Safety: spread of
    neurons far from the lesion.
    """
    return _front(scene, CellKind.NEURON)


@number("graft_astrocyte_front_p95")
def astrocyte_front(scene: Scene) -> float:
    """Front of the graft: the same percentile over astrocytes, um."""
    return _front(scene, CellKind.ASTROCYTE)


@counts("graft_censored")
def censored(scene: Scene) -> Sequence[Count]:
    """Cells in the first or last layer of the lattice along the cord, cells: they might have gone further."""
    layer = scene.tissue.cells["site"] % scene.lattice.shape[2]
    return [_count(scene, (layer == 0) | (layer == scene.lattice.shape[2] - 1))]


OUTCOMES: tuple[Outcome, ...] = (
    survivors,
    by_kind,
    fractions,
    survival,
    volume,
    volume_by_zone,
    area,
    dividing_fraction,
    pressure,
    neuron_distance,
    astrocyte_front,
    censored,
    delivered,
)
