"""Where growth cones are on the lattice: their voxels, and the blocks of voxels that they could reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.state.axons import ConeState

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


def flat_voxels(tissue: Tissue) -> Any:
    """Return the flat voxel index of every cone : (cones,) int64."""
    lattice = tissue.lattice
    flat = np.zeros(len(tissue.cones), dtype=np.int64)
    for axis, name in enumerate("xyz"):
        scaled = (tissue[f"cone.{name}"] - lattice.origin_um[axis]) / lattice.spacing_um[axis]
        index = np.clip(np.floor(scaled + 0.5).astype(np.int64), 0, lattice.shape[axis] - 1)
        flat = flat * lattice.shape[axis] + index
    return flat
