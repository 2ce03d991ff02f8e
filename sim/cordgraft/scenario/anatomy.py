"""The healthy cord as maps: an ellipse with a grey-matter butterfly, or the shape that a patient's mask gives.

The cross-section is described in relative coordinates ``u = x/a`` and ``v = y/b`` (right and anterior positive;
``a`` and ``b`` are the half-diameters), so one shape serves every species and level. The butterfly is the set
of points within a width ``w`` of a skeleton: two dorsal horns, two ventral horns and the commissure. ``w`` is
found by bisection so that grey matter takes the stated share of the area. The skeleton is drawn after the
textbook picture of the cord (assumed); the share is cited.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.lattice import Lattice

Array = NDArray[np.float64]

#: Skeleton of the butterfly on the right side, as (u, v) points from the tip of the dorsal horn, through the
#: junction with the commissure, to the ventral horn; mirrored on the left. Dorsal is v < 0.
HORN: tuple[tuple[float, float], ...] = ((0.30, -0.62), (0.20, 0.0), (0.30, 0.42))
#: Voxels are divided this often along x and y when fractions are taken.
SUBSAMPLES = 6


@dataclass(frozen=True)
class CordMaps:
    """Static maps of the healthy cord, each (x, y, z) float64; see `cordgraft.state.maps`."""

    volume: Array
    white: Array
    grey: Array
    rho: Array
    ventral: Array


def _distance_to_segment(u: Array, v: Array, start: tuple[float, float], end: tuple[float, float]) -> Array:
    du, dv = end[0] - start[0], end[1] - start[1]
    along = np.clip(((u - start[0]) * du + (v - start[1]) * dv) / (du * du + dv * dv), 0.0, 1.0)
    return np.asarray(np.hypot(u - start[0] - along * du, v - start[1] - along * dv))


def butterfly_distance(u: Array, v: Array) -> Array:
    """Return the distance of relative points to the skeleton of the grey matter (same shape as `u`, `v`)."""
    right = np.abs(u)
    junction = HORN[1]
    distance = _distance_to_segment(right, v, (0.0, junction[1]), junction)  # commissure
    for start, end in pairwise(HORN):
        distance = np.minimum(distance, _distance_to_segment(right, v, start, end))
    return distance


@lru_cache(maxsize=16)
def butterfly_width(grey_share: float) -> float:
    """Return the half-width of the butterfly at which it covers `grey_share` of the unit disc.

    Raises
    ------
    ValueError
        If the share is not between 0 and 0.6, where the shape stops being a butterfly.
    """
    if not 0.0 < grey_share < 0.6:
        raise ValueError(f"a grey share of {grey_share} cannot be drawn")
    points = (np.arange(400) + 0.5) / 200.0 - 1.0
    u, v = np.meshgrid(points, points, indexing="ij")
    distance = butterfly_distance(u, v)[u * u + v * v <= 1.0]
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if np.count_nonzero(distance <= middle) < grey_share * distance.size:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def elliptic_cord(lattice: Lattice, diameters_um: tuple[float, float], grey_share: float) -> CordMaps:
    """Return the maps of a straight elliptic cord.

    Parameters
    ----------
    lattice : Lattice
    diameters_um : (left-right, antero-posterior)
        Full diameters, um.
    grey_share : float
        Grey matter over the whole cross-section.
    """
    half = (
        np.full(lattice.shape[2], 0.5 * diameters_um[0]),
        np.full(lattice.shape[2], 0.5 * diameters_um[1]),
    )
    return _maps(lattice, half, grey_share, None)


def masked_cord(
    lattice: Lattice, cord_fraction: Array, diameters_um: tuple[Array, Array], grey_share: float
) -> CordMaps:
    """Return the maps of a cord whose outline is given by a mask.

    Parameters
    ----------
    lattice : Lattice
    cord_fraction : (x, y, z) float64
        Share of each voxel inside the cord.
    diameters_um : two (z,) arrays
        Left-right and antero-posterior diameter of each layer, um; they place the butterfly and scale ``rho``.
    grey_share : float
    """
    half = (0.5 * np.asarray(diameters_um[0], float), 0.5 * np.asarray(diameters_um[1], float))
    return _maps(lattice, half, grey_share, np.asarray(cord_fraction, dtype=np.float64))


def _maps(lattice: Lattice, half_um: tuple[Array, Array], grey_share: float, cord: Array | None) -> CordMaps:
    width = butterfly_width(round(grey_share, 6))
    dx, dy, _ = lattice.spacing_um
    offsets = (np.arange(SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5
    x_axis, y_axis = lattice.axis_um(0), lattice.axis_um(1)
    # In a section the slab is thin against the cord: its middle plane stands for it.
    x_offsets = np.zeros(1) if lattice.is_section else offsets * dx
    inside, grey = np.zeros(lattice.shape), np.zeros(lattice.shape)
    a, b = half_um[0][None, None, :], half_um[1][None, None, :]
    for x_offset in x_offsets:
        for y_offset in offsets * dy:
            u = (x_axis + x_offset)[:, None, None] / a
            v = (y_axis + y_offset)[None, :, None] / b
            hit = (u * u + v * v <= 1.0 + 1e-9).astype(np.float64)
            inside += hit
            # A mask reaches beyond its fitted ellipse here and there; grey matter never does.
            grey += hit * (butterfly_distance(u, v) <= width)
    samples = x_offsets.size * offsets.size
    inside, grey = inside / samples, grey / samples
    volume = inside if cord is None else cord
    white = np.maximum(volume - grey, 0.0)
    grey = np.minimum(grey, volume)
    u = np.broadcast_to(x_axis[:, None, None] / a, lattice.shape)
    v = np.broadcast_to(y_axis[None, :, None] / b, lattice.shape)
    rho = np.hypot(u, v)
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = np.where(rho > 1e-12, v / np.where(rho > 1e-12, rho, 1.0), 0.0)
    return CordMaps(volume=volume, white=white, grey=grey, rho=rho, ventral=0.5 * (1.0 + sine))
