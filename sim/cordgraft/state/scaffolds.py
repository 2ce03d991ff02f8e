"""What a scaffold leaves in the state for others to read; a run without one has none of these arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec

SHARE, CHANNELS, COAT, GROUND, LOSS = (
    "density.scaffold",
    "density.scaffold_channels",
    "density.scaffold_coat",
    "density.scaffold_ground",
    "density.scaffold_loss",
)
#: Everything of a scaffold that is lost with it.
PARTS = (SHARE, CHANNELS, COAT, GROUND)

SCAFFOLD_SPECS: tuple[ArraySpec, ...] = (
    ArraySpec(SHARE, "1", "share of the voxel that is scaffold with its pores", bounds=(0.0, 1.0)),
    ArraySpec(
        CHANNELS,
        "1",
        "share of the voxel that is scaffold with channels along the cord",
        bounds=(0.0, 1.0),
        record=False,
    ),
    ArraySpec(COAT, "1", "permissive matrix that the scaffold carries", bounds=(0.0, 1.0), record=False),
    ArraySpec(
        GROUND,
        "1",
        "share of the voxel in which scaffold holds matrix that others lay down",
        bounds=(0.0, 1.0),
        record=False,
    ),
    ArraySpec(LOSS, "1/d", "rate at which the scaffold is lost", bounds=(0.0, 1.0), record=False),
    ArraySpec(
        "scalar.scaffold_tick", "tick", "tick up to which scaffolds are lost; -1 without one", initial=-1.0
    ),
)


def without_ground(tissue: Any) -> NDArray[np.float64]:
    """Return the share of each voxel that is fluid with nothing in it that could hold matrix : (x, y, z).

    The cavity, less the part of it that scaffold spans. A view of the cavity where no scaffold is in the run: not
    to be written.
    """
    cavity: NDArray[np.float64] = tissue["fraction.cavity"]
    if GROUND not in tissue:
        return cavity
    return np.asarray(np.maximum(cavity - tissue[GROUND], 0.0))
