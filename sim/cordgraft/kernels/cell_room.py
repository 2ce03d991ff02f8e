"""How many grafted cells each voxel can hold, in one pass over the lattice.

The same numbers, to the last bit, as `cordgraft.state.cells.refresh_room`, which is their definition in NumPy; there
they take a dozen passes, which cost more than all that some ten thousand cells do in a step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.kernels.compile import kernel, run_blocks

#: Voxels per block handed to a thread.
BLOCK_VOXELS = 65536
GOLDEN = 0.6180339887498949


class Room(NamedTuple):
    """What room is made of, each (voxels,) float64: capacity of an empty voxel, and the shares of tissue."""

    empty: Any
    graft: Any
    first: Any
    second: Any
    third: Any
    fourth: Any


@kernel
def room_loop(start: Any, stop: Any, room: Any, share: Any, capacity: Any, places: Any) -> None:
    """Write capacity (float64) and places (int32) of voxels ``start .. stop``; `share` is that of host tissue."""
    for v in range(start, stop):
        lesion = room.graft[v] + room.first[v] + room.second[v] + room.third[v] + room.fourth[v]
        lesion = min(max(lesion, 0.0), 1.0)
        here = room.empty[v] * (share + (1.0 - share) * lesion)
        capacity[v] = here
        place = (v + 0.5) * GOLDEN
        places[v] = int(np.floor(here + (place - np.floor(place))))


@kernel
def vacancy_loop(start: Any, stop: Any, places: Any, count: Any, vacant: Any) -> None:
    """Write ``places - count`` of voxels ``start .. stop``; all whole numbers."""
    for v in range(start, stop):
        vacant[v] = np.int64(places[v]) - count[v]


def refresh(tissue: Any, lesion_room: tuple[str, str, str, str]) -> None:
    """Bring the room of every voxel up to date with its tissue; `lesion_room` names the fractions that cells fill."""
    names = ("map.cell_capacity", "fraction.graft", *(f"fraction.{name}" for name in lesion_room))
    room = Room(*(tissue[name].reshape(-1) for name in names))
    run_blocks(
        room_loop,
        tissue.lattice.size,
        room,
        tissue.scalar("cell_tissue_share"),
        tissue["density.cell_capacity"].reshape(-1),
        tissue["density.cell_places"].reshape(-1),
        block=BLOCK_VOXELS,
    )


def vacancies(tissue: Any) -> Any:
    """Return the free places of every voxel : (voxels,) int64; negative where it holds more than it should."""
    vacant = np.bincount(tissue["cell.site"], minlength=tissue.lattice.size)
    places = tissue["density.cell_places"].reshape(-1)
    run_blocks(vacancy_loop, vacant.shape[0], places, vacant, vacant, block=BLOCK_VOXELS)
    return vacant
