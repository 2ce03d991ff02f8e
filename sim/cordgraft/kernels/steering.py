"""Turning of a growth cone along its way: exact in the plane, exact in the mean cosine in space, for any arc."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.kernels.compile import body


@body
def turn_plane(angle: Any, toward: Any, rate: Any, length: Any, persistence: Any, deviate: Any) -> Any:
    """Return the heading angle after an arc `length`; exact for any length.

    `angle`, `toward` (preferred direction), radians; `rate` = 1/l_r, 1/um; `deviate` standard normal.
    """
    if rate * length < 1e-9:
        return angle + np.sqrt(2.0 * length / persistence) * deviate
    away = angle - toward
    away -= 2.0 * np.pi * np.floor(away / (2.0 * np.pi) + 0.5)
    kept = np.exp(-rate * length)
    variance = (1.0 - kept * kept) / (rate * persistence)
    return toward + away * kept + np.sqrt(variance) * deviate


@body
def tilt(hx: Any, hy: Any, hz: Any, cosine: Any, azimuth: Any) -> Any:
    """Return the unit vector at an angle of given cosine to (hx, hy, hz), round it by `azimuth`."""
    # Any vector that is not parallel to the heading will do to span the plane across it.
    if abs(hz) < 0.9:
        ax, ay, az = -hy, hx, 0.0
    else:
        ax, ay, az = 0.0, -hz, hy
    size = np.sqrt(ax * ax + ay * ay + az * az)
    ax, ay, az = ax / size, ay / size, az / size
    bx, by, bz = hy * az - hz * ay, hz * ax - hx * az, hx * ay - hy * ax
    sine = np.sqrt(max(0.0, 1.0 - cosine * cosine))
    p, q = sine * np.cos(azimuth), sine * np.sin(azimuth)
    x, y, z = cosine * hx + p * ax + q * bx, cosine * hy + p * ay + q * by, cosine * hz + p * az + q * bz
    size = np.sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size


@body
def random_cosine(variance: Any, u: Any) -> Any:
    """Return the cosine of a random rotation on the sphere whose mean cosine is exactly ``exp(-variance/2)``.

    `variance` is that of the planar case, half of it for each of the two angular components. With
    ``p = tanh(variance/4)`` the law ``cos = 2 u**p - 1`` has that mean, goes over into two normal components
    for small variance and into a uniform direction for large.
    """
    return 2.0 * u ** np.tanh(0.25 * variance) - 1.0


@body
def turn_space(
    hx: Any, hy: Any, hz: Any, px: Any, py: Any, pz: Any, length: Any, persistence: Any, u: Any, v: Any
) -> Any:
    """Return the heading after an arc `length` in space.

    The angle to the preferred direction decays as in the plane, then the heading is rotated at random;
    (px, py, pz) is the preferred direction times the restoring rate, 1/um; `u`, `v` uniforms.
    """
    rate = np.sqrt(px * px + py * py + pz * pz)
    variance = 2.0 * length / persistence
    if rate * length >= 1e-9:
        kept = np.exp(-rate * length)
        variance = (1.0 - kept * kept) / (rate * persistence)
        px, py, pz = px / rate, py / rate, pz / rate
        cosine = min(1.0, max(-1.0, hx * px + hy * py + hz * pz))
        tx, ty, tz = hx - cosine * px, hy - cosine * py, hz - cosine * pz
        size = np.sqrt(tx * tx + ty * ty + tz * tz)
        if size > 1e-12:
            angle = np.arctan2(size, cosine) * kept
            s, c = np.sin(angle) / size, np.cos(angle)
            hx, hy, hz = c * px + s * tx, c * py + s * ty, c * pz + s * tz
    return tilt(hx, hy, hz, random_cosine(variance, u), 2.0 * np.pi * v)
