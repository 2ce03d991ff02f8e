"""Where an injection goes: the ball of tissue that it fills round its point."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    return (distance <= radius**2) | ((distance == distance.min()) & np.isfinite(distance))
