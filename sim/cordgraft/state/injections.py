"""Where an injection goes: the ball of tissue that it fills round its point."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.parameters import quantity

#: Voxels per radius from which on the volume of a ball is added up from them.
RESOLVED = 2.0


# Parameters of every treatment that is put somewhere, so that all of them mean the same by a place. All assumed.
def volume(meaning: str) -> Any:
    """Declare the volume that an injection fills, um3; `meaning` says whose."""
    return quantity(
        6e9,
        "um3",
        meaning,
        bounds=(1e6, 1e13),
        evidence="assumed",
        presets={"mouse": 1e9, "human": 1e11},
    )


def position(
    meaning: str = "place along the cord, from the epicentre, rostral positive",
    default: float = 0.0,
    presets: dict[str, Any] | None = None,
) -> Any:
    """Declare a place along the cord, um from the epicentre, rostral positive."""
    return quantity(default, "um", meaning, bounds=(-2e5, 2e5), evidence="assumed", presets=presets)


def depth(meaning: str = "depth of the injection below the dorsal surface") -> Any:
    """Declare a depth below the dorsal surface, um; by default the middle of the cord."""
    return quantity(
        700.0,
        "um",
        meaning,
        bounds=(0.0, 2e4),
        evidence="assumed",
        presets={"rat": 1200.0, "human": 3700.0, "human_thoracic": 3150.0, "human_thoracolumbar": 3500.0},
    )


def ball(tissue: Any, position_um: float, depth_um: float, volume_um3: float) -> NDArray[np.bool_]:
    """Return the voxels of the cord that an injection fills : (x, y, z) bool; at least the nearest one.

    Parameters
    ----------
    tissue : Tissue
    position_um : float
        Along the cord from the epicentre, rostral positive.
    depth_um : float
        Below the dorsal surface, in the midline.
    volume_um3 : float
    """
    radius = (3.0 * volume_um3 / (4.0 * pi)) ** (1.0 / 3.0)
    epicentre = tissue.scalar("epicentre_um")
    point = (0.0, depth_um - 0.5 * tissue.setting.cord_diameter_um[1], epicentre + position_um)
    square = np.zeros((1, 1, 1))
    for axis, centres in enumerate(tissue.lattice.centres_um()):
        if axis > 0 or not tissue.lattice.is_section:
            square = square + (centres - point[axis]) ** 2
    distance = np.where(tissue["map.cord"] > 0, np.broadcast_to(square, tissue.lattice.shape), np.inf)
    inside = (distance <= radius**2) | ((distance == distance.min()) & np.isfinite(distance))
    return np.asarray(inside, dtype=bool)


def filled_um3(tissue: Any, filled: NDArray[np.bool_], depth_um: float, volume_um3: float) -> float:
    """Return how much of the cord an injection fills, um3: the ball as far as it lies inside the cord.

    In a volume that of the voxels; in a section each voxel counts with the width of the ball there, up to that of the
    elliptic cord. A ball that is small against the voxels fills its own volume.

    Parameters
    ----------
    tissue : Tissue
    filled : (x, y, z) bool
        As `ball` returned it.
    depth_um, volume_um3 : float
    """
    lattice = tissue.lattice
    if not lattice.is_section:
        return float(np.count_nonzero(filled) * lattice.voxel_um3)
    radius = (3.0 * volume_um3 / (4.0 * pi)) ** (1.0 / 3.0)
    if radius < RESOLVED * max(lattice.spacing_um[1:]):
        return volume_um3
    across, deep = tissue.setting.cord_diameter_um
    _, y, z = lattice.centres_um()
    middle = float(np.mean(np.broadcast_to(z, lattice.shape)[filled]))
    off = (y - (depth_um - 0.5 * deep)) ** 2 + (z - middle) ** 2
    chord = 2.0 * np.sqrt(np.maximum(0.0, radius**2 - np.broadcast_to(off, lattice.shape)[filled]))
    cord = across * np.sqrt(np.maximum(0.0, 1.0 - (2.0 * y / deep) ** 2))
    width = np.minimum(chord, np.broadcast_to(cord, lattice.shape)[filled])
    return float(width.sum() * lattice.spacing_um[1] * lattice.spacing_um[2])
