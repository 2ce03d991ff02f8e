"""The grafted cells and their surroundings in the form in which the cell kernels take them.

Not a mechanism: survival, fate, division, migration, turnover and delivery share it, so that all of them mean
the same by a place, by crowding and by the border.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cordgraft.core.contract import ArraySpec, Key
from cordgraft.state.cells import LESION_ROOM, local_capacity, places

if TYPE_CHECKING:
    from cordgraft.kernels.cell import Cells, Draw, Space

#: How many cells there are and how many there could be; the turnover keeps them, a delivery begins them.
ROOM_SPECS: tuple[ArraySpec, ...] = (
    ArraySpec("density.cells", "cells", "simulated graft cells in the voxel", bounds=(0.0, float("inf"))),
    ArraySpec(
        "density.cell_capacity",
        "cells",
        "simulated graft cells that the voxel could hold, given its tissue",
        bounds=(0.0, float("inf")),
        record=False,
    ),
    ArraySpec(
        "density.cell_places",
        "cells",
        "the same as a whole number",
        dtype="int32",
        bounds=(0.0, float("inf")),
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
#: What `space_of` reads.
SPACE_READS: tuple[str, ...] = (
    "map.cord",
    *(spec.name for spec in ROOM_SPECS),
    "density.barrier",
    "fraction.white",
)


def flat(tissue: Any, name: str) -> Any:
    """Return an array of the lattice as a view of one dimension : (voxel,), C order."""
    return tissue[name].reshape(-1)


def cells_of(tissue: Any) -> Cells:
    """Return the columns of the cell table as the kernels' named tuple."""
    from cordgraft.kernels.cell import Cells

    view: Cells = tissue.cells.view(Cells)
    return view


def draw_of(tissue: Any, key: Key) -> Draw:
    """Return the key of a step with the length of a tick."""
    from cordgraft.kernels.cell import draw_key

    return draw_key(key, tissue.clock.tick_h)


def refresh_room(tissue: Any) -> None:
    """Bring the room of every voxel up to date with its tissue.

    Once per turnover and at a delivery, not in every process: a pass over the whole lattice costs more than
    everything that a few thousand cells do.
    """
    capacity = local_capacity(tissue)
    tissue["density.cell_capacity"][...] = capacity
    tissue["density.cell_places"][...] = places(capacity)


def space_of(tissue: Any) -> Space:
    """Return the lattice as the cells see it; views, nothing is copied."""
    from cordgraft.kernels.cell import Space

    return Space(
        cord=flat(tissue, "map.cord"),
        count=flat(tissue, "density.cells"),
        places=flat(tissue, "density.cell_places"),
        capacity=flat(tissue, "density.cell_capacity"),
        barrier=flat(tissue, "density.barrier"),
        white=flat(tissue, "fraction.white"),
        shape=tissue.lattice.shape,
        spacing=tissue.lattice.spacing_um,
        own=1.0 / tissue.setting.cells_per_agent,
    )
