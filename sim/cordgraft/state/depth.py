"""How far below the surface of the cord a voxel lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Halvings of the interval that holds the nearest point of the surface: more than a float64 has bits.
HALVINGS = 64


def depth_um(tissue: Any) -> Array:
    """Return the distance of each voxel's centre from the nearest point of the surface : (x, y, z) float64, um.

    The surface of a layer is the ellipse on which ``map.rho`` is 1; what a mask adds beyond it lies at depth 0. In a
    section the cord is as much wider than deep as it is at the middle of the injury, and the depth is that in the
    mid-sagittal plane. The ends of the lattice are no surface.
    """
    x, y, _ = tissue.lattice.centres_um()
    wide, deep = semi_axes_um(tissue)
    layers, which = np.unique(np.stack([wide, deep]), axis=1, return_inverse=True)
    depth = np.empty((x.size, y.size, layers.shape[1]))
    for n in range(layers.shape[1]):
        depth[:, :, n] = ellipse_depth(np.abs(x[:, :, 0]), np.abs(y[:, :, 0]), layers[0, n], layers[1, n])
    return depth[:, :, which.reshape(-1)]


def semi_axes_um(tissue: Any) -> tuple[Array, Array]:
    """Return the semi-axes of every layer, left-right and antero-posterior : two (z,) float64, um."""
    lattice, rho = tissue.lattice, tissue["map.rho"]
    x, y = lattice.axis_um(0), lattice.axis_um(1)
    # rho2 = x2/a2 + y2/b2 holds in every voxel: two of them give both
    side = int(np.argmax(np.abs(x))), int(np.argmin(np.abs(y)))
    back = int(np.argmin(np.abs(x))), int(np.argmax(np.abs(y)))
    one, two = rho[side] ** 2, rho[back] ** 2
    across, ahead = x[side[0]] ** 2, y[side[1]] ** 2
    across_two, ahead_two = x[back[0]] ** 2, y[back[1]] ** 2
    if lattice.is_section:
        deep = np.sqrt(ahead_two / two)
        width, height = tissue.setting.cord_diameter_um
        return np.asarray(deep * (width / height)), np.asarray(deep)
    area = across * ahead_two - ahead * across_two
    wide = np.sqrt(area / (one * ahead_two - two * ahead))
    deep = np.sqrt(area / (two * across - one * across_two))
    return np.asarray(wide), np.asarray(deep)


def ellipse_depth(x: Any, y: Any, wide: float, deep: float) -> Array:
    """Return the distance of points from an ellipse round the origin; 0 for points that do not lie inside it.

    With the longer semi-axis ``e`` and the shorter ``f``, ``r = (e/f)^2``, the nearest point of the ellipse to ``(p,
    q)`` is ``(r p/(s + r), q/(s + 1))`` with the root ``s`` of ``(r (p/e)/(s + r))^2 + ((q/f)/(s + 1))^2 = 1`` between
    ``q/f - 1`` and 0, which is found by bisection.

    Parameters
    ----------
    x, y : arrays that broadcast
        Distances from the two axes, at least 0.
    wide, deep : float
        Semi-axes along x and y, in the same unit.
    """
    p, q = np.broadcast_arrays(x, y) if wide >= deep else np.broadcast_arrays(y, x)
    longer, shorter = max(wide, deep), min(wide, deep)
    ratio = (longer / shorter) ** 2
    u, v = p / longer, q / shorter
    inside = u * u + v * v < 1.0
    low, high = np.where(inside, v - 1.0, 0.0), np.zeros(u.shape)
    tiny = np.finfo(np.float64).tiny
    for _ in range(HALVINGS):
        root = 0.5 * (low + high)
        along, across = ratio * u / np.maximum(root + ratio, tiny), v / np.maximum(root + 1.0, tiny)
        beyond = along**2 + across**2 > 1.0
        low, high = np.where(beyond, root, low), np.where(beyond, high, root)
    root = 0.5 * (low + high)
    along = np.minimum(ratio * p / np.maximum(root + ratio, tiny), longer)
    # on the longer axis, where q is 0, the root may be -1: there the ellipse itself says how far it is
    edge = shorter * np.sqrt(np.maximum(0.0, 1.0 - (along / longer) ** 2))
    across = np.where(v > 0.0, q / np.maximum(root + 1.0, tiny), edge)
    return np.where(inside, np.hypot(p - along, q - across), 0.0)
