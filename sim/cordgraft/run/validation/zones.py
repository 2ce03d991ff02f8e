"""Room of the lesion's core and rim, from recorded maps.

The series hold the mean of the inhibitory matrix over the core and over the rim; the mean over both together needs
the room of each, which recorded maps give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.record.scene import LESION_FRACTIONS, LESION_THRESHOLD, RIM_UM
from cordgraft.run.validation.row import Array

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Zones:
    """Core and rim on the days of the maps.

    Parameters
    ----------
    days : (n,) float64
    core_mm3, rim_mm3 : (n,) float64
    core, rim : (n, x, y, z) bool
    volume_mm3 : (x, y, z) float64
        Room of the whole cord that each voxel stands for.
    """

    days: Array
    core_mm3: Array
    rim_mm3: Array
    core: Mask
    rim: Mask
    volume_mm3: Array

    def core_share(self, days: Array) -> Array:
        """Return the core's share of the room of both, straight lines between the days of the maps : (m,)."""
        room = self.core_mm3 + self.rim_mm3
        share = self.core_mm3 / np.where(room > 0.0, room, 1.0)
        return np.asarray(np.interp(days, self.days, share), dtype=np.float64)


def voxel_volumes(tree: Any, setting: dict[str, Any]) -> Array:
    """Return the room of the whole cord that each voxel stands for : (x, y, z), mm3.

    In a section a voxel stands for half an elliptic ring, as in the outcomes of the recorder.
    """
    geometry = tree[schema.GEOMETRY_GROUP]
    dx, dy, dz = setting["spacing_um"]
    cord = np.where(geometry["map_cord"].values > 0, geometry["map_volume"].values, 0.0).astype(np.float64)
    if not setting["section"]:
        return np.asarray(cord * (dx * dy * dz / 1e9), dtype=np.float64)
    y = np.asarray(geometry["y"].values, dtype=np.float64)
    low, high = y - 0.5 * dy, y + 0.5 * dy
    straddles = (low < 0.0) & (high > 0.0)
    distance = np.where(straddles, (low * low + high * high) / (2.0 * dy), np.abs(y))
    ring = math.pi * setting["elliptic_extrusion_ratio"] * dy * distance
    return np.asarray(cord * ring[None, :, None] * (dz / 1e9), dtype=np.float64)


def zones_of(tree: Any, setting: dict[str, Any]) -> Zones:
    """Return core and rim on the days of the maps of a run.

    The core is the union of the lesion over the maps so far, the rim the cord within 0.3 mm (rodent) or 1 mm (human)
    outside it.
    """
    from scipy.ndimage import distance_transform_edt

    maps = tree[schema.MAPS_GROUP]
    volume = voxel_volumes(tree, setting)
    in_cord = tree[schema.GEOMETRY_GROUP]["map_cord"].values > 0
    width = RIM_UM["human" if setting["species"] == "human" else "rodent"]
    share = np.sum([maps[f"fraction_{name}"].values for name in LESION_FRACTIONS], axis=0)
    lesion = (share >= LESION_THRESHOLD) & in_cord
    core = np.logical_or.accumulate(lesion, axis=0)
    rim = np.zeros_like(core)
    for index in range(core.shape[0]):
        if core[index].any():
            distance = distance_transform_edt(~core[index], sampling=setting["spacing_um"])
            rim[index] = ~core[index] & (distance <= width * (1.0 + 1e-9)) & in_cord
    room = np.array([[np.sum(volume[zone[index]]) for index in range(len(core))] for zone in (core, rim)])
    days = np.asarray(maps[schema.TIME].values, dtype=np.float64)
    return Zones(days, room[0], room[1], core, rim, volume)
