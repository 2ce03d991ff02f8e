"""Where growth cones are on the lattice: their voxels, the blocks that they could reach, and who finds no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.state.axons import AxonState, ConeState

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue


def blocks_within(tissue: Tissue, reach_um: float, width: int) -> Any:
    """Return which blocks of `width` voxels lie within reach of a cone that can move : (x, y, z) bool."""
    lattice = tissue.lattice
    near = np.zeros([-(-n // width) for n in lattice.shape], dtype=bool)
    moving = tissue["cone.state"] <= ConeState.PAUSED
    voxels = np.unravel_index(flat_voxels(tissue)[moving], lattice.shape)
    near[tuple(index // width for index in voxels)] = True
    for axis, (n, spacing) in enumerate(zip(lattice.shape, lattice.spacing_um, strict=True)):
        if n == 1:
            continue
        # one voxel more: a cone looks at the corners of the cell that holds it
        widened = near.copy()
        for shift in range(1, int(np.ceil((reach_um / spacing + 1.0) / width)) + 1):
            here, there = [slice(None)] * 3, [slice(None)] * 3
            here[axis], there[axis] = slice(shift, None), slice(None, -shift)
            widened[tuple(here)] |= near[tuple(there)]
            widened[tuple(there)] |= near[tuple(here)]
        near = widened
    return near


def voxels_at(tissue: Tissue, x: Any, y: Any, z: Any) -> Any:
    """Return the flat index of the voxels that hold points, clipped to the lattice : (n,) int64."""
    lattice = tissue.lattice
    flat = np.zeros(x.size, dtype=np.int64)
    for axis, values in enumerate((x, y, z)):
        scaled = (values - lattice.origin_um[axis]) / lattice.spacing_um[axis]
        index = np.clip(np.floor(scaled + 0.5).astype(np.int64), 0, lattice.shape[axis] - 1)
        flat = flat * lattice.shape[axis] + index
    return flat


def flat_voxels(tissue: Tissue) -> Any:
    """Return the flat voxel index of every cone : (cones,) int64."""
    return voxels_at(tissue, tissue["cone.x"], tissue["cone.y"], tissue["cone.z"])


def pause_where_crowded(tissue: Tissue, before: Any, crowding: float, length_um: float) -> None:
    """Pause cones that entered a voxel with no room; the lowest identities go first.

    Parameters
    ----------
    before : (cones,) int64
        Flat voxel of each cone before it moved.
    crowding : float
        Cones per um2 that fit side by side into a cross-section.
    length_um : float
        Length of a cone: a longer voxel holds several cross-sections of them, one behind the other.
    """
    setting, lattice = tissue.setting, tissue.lattice
    room = max(1, int(crowding * lattice.voxel_um3 / length_um / setting.cells_per_agent))
    after = flat_voxels(tissue)
    # Only tips that are still there to be met take up room.
    there = np.flatnonzero(tissue["cone.state"] != ConeState.CENSORED)
    entered = after[there] != before[there]
    order = np.lexsort((tissue["cone.id"][there], entered, after[there]))
    voxel = after[there][order]
    start = (
        np.flatnonzero(np.r_[True, voxel[1:] != voxel[:-1]]) if voxel.size else np.zeros(0, dtype=np.int64)
    )
    rank = np.arange(voxel.size) - np.repeat(start, np.diff(np.r_[start, voxel.size]))
    late = there[order[(rank >= room) & entered[order]]]
    late = late[tissue["cone.state"][late] == ConeState.ACTIVE]
    tissue["cone.state"][late] = ConeState.PAUSED


def read_states_off_cones(tissue: Tissue) -> None:
    """Read the state of each growing fibre off its cones."""
    state, fibre = tissue["cone.state"], tissue["cone.fibre"]
    n = len(tissue.fibres)
    censored = np.bincount(fibre[state == ConeState.CENSORED], minlength=n) > 0
    going = np.bincount(fibre[(state == ConeState.ACTIVE) | (state == ConeState.PAUSED)], minlength=n) > 0
    tipped = np.bincount(fibre, minlength=n) > 0
    fresh = np.where(going, AxonState.GROWING, AxonState.STALLED)
    fresh = np.where(censored, AxonState.CENSORED, fresh)
    fresh = np.where(tissue["fibre.connected_tick"] >= 0, AxonState.CONNECTED, fresh)
    tissue["fibre.state"][tipped] = fresh[tipped]
