"""Straight cord coordinates of a patient's bent and tilted cord, and the way back to the scanner.

A point of the straight cord is ``(x, y, z)`` in um: right and anterior of the centreline, and along it with
superior positive. Its place in scanner space (NIfTI world: right, anterior, superior, mm) is

    P(x, y, z) = r(s) + x e1(s) + y e2(s),        s = z + s0,

with ``r`` the centreline as a function of its arc length ``s``, and ``(e1, e2, T)`` a rotation-minimising
frame: ``T`` is the unit tangent, and ``e1``, ``e2`` turn about it no more than the bend itself demands (a
Frenet frame would spin where the cord is nearly straight). The one free angle is chosen so that, over the
whole cord, ``e1`` is as near as possible to patient right and ``e2`` to patient anterior. The volume of a
small piece changes by

    J = |r'| - (x e1 + y e2) . r'' / |r'|,

one on the centreline, below one on the inner side of a bend. Where ``J`` falls to zero the planes normal to
the centreline meet and the map ends; `StraighteningMap.to_straight_um` answers NaN there.

Beyond its ends the centreline goes on straight. Everything is kept as plain arrays
(`StraighteningMap.to_dict`) and evaluated with elementwise NumPy only, so that a map read back from a store
gives the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from cordgraft.core.centreline import (
    SMOOTHING_DIAMETERS,
    CordSlices,
    Floats,
    arc_length_spline,
    cross,
    dot,
    unit,
)

#: Below this volume ratio a point is too near to the centre of the bend to be mapped.
SMALLEST_JACOBIAN = 0.05


@dataclass(frozen=True)
class StraighteningMap:
    """The map between straight cord coordinates (um) and scanner coordinates (mm).

    Parameters
    ----------
    arc_mm : (n,) float64, mm
        Arc length at the nodes of the centreline, evenly spaced, from inferior to superior.
    centre_mm : (n, 3) float64, mm
        The nodes in scanner space.
    bend_per_mm : (n, 3) float64, 1/mm
        Second derivative of the centreline at the nodes.
    right : (n, 3) float64
        First frame axis at the nodes, unit vectors.
    zero_arc_mm : float
        Arc length at which z is 0.
    source_affine : (4, 4) float64
        Voxel index to scanner mm of the masks' grid.
    source_shape : (3,) int
    """

    arc_mm: Floats
    centre_mm: Floats
    bend_per_mm: Floats
    right: Floats
    zero_arc_mm: float
    source_affine: Floats
    source_shape: tuple[int, int, int]

    @classmethod
    def from_slices(
        cls,
        slices: CordSlices,
        affine: Floats,
        shape: tuple[int, int, int],
        wavelength_mm: float | None = None,
    ) -> StraighteningMap:
        """Fit the centreline and its frame; z is 0 at the middle of the slices.

        Parameters
        ----------
        slices : CordSlices
        affine : (4, 4) float64
        shape : (3,) int
            Grid of the masks.
        wavelength_mm : float, optional
            Undulations of this wavelength are halved; two cord diameters unless given.
        """
        wavelength = SMOOTHING_DIAMETERS * slices.diameter_mm if wavelength_mm is None else wavelength_mm
        arc, centre, bend = arc_length_spline(slices.position_mm, slices.centres_mm, wavelength)
        tangent = _node_tangents(arc, centre, bend)
        right = _rotation_minimising(centre, tangent)
        return cls(arc, centre, bend, right, 0.5 * float(arc[-1]), np.array(affine, dtype=np.float64), shape)

    def with_zero_at(self, z_um: float) -> StraighteningMap:
        """Return the same map with z counted from what is `z_um` now."""
        return replace(self, zero_arc_mm=self.zero_arc_mm + 1e-3 * z_um)

    @property
    def ends_um(self) -> tuple[float, float]:
        """Both ends of the fitted centreline along z, um; it is straight beyond them."""
        low, high = float(self.arc_mm[0]), float(self.arc_mm[-1])
        return 1e3 * (low - self.zero_arc_mm), 1e3 * (high - self.zero_arc_mm)

    def _curve(self, arc: Floats) -> tuple[Floats, Floats, Floats]:
        """Return place (mm), first and second derivative of the centreline at arc lengths : 3 x (n, 3)."""
        first, last = self.arc_mm[0], self.arc_mm[-1]
        step = (last - first) / (len(self.arc_mm) - 1)
        inside = np.clip(arc, first, last)
        row = np.clip(np.floor((inside - first) / step).astype(np.int64), 0, len(self.arc_mm) - 2)
        b = ((inside - first) / step - row)[:, None]
        a = 1.0 - b
        p0, p1 = self.centre_mm[row], self.centre_mm[row + 1]
        m0, m1 = self.bend_per_mm[row], self.bend_per_mm[row + 1]
        place = a * p0 + b * p1 + ((a**3 - a) * m0 + (b**3 - b) * m1) * (step * step / 6.0)
        slope = (p1 - p0) / step + ((3.0 * b**2 - 1.0) * m1 - (3.0 * a**2 - 1.0) * m0) * (step / 6.0)
        outside = (arc - inside)[:, None]
        return place + slope * outside, slope, np.where(outside == 0.0, a * m0 + b * m1, 0.0)

    def _frame(self, arc: Floats, slope: Floats) -> tuple[Floats, Floats]:
        """Return e1 and e2 at arc lengths with the centreline's slope there : 2 x (n, 3)."""
        first, last = self.arc_mm[0], self.arc_mm[-1]
        step = (last - first) / (len(self.arc_mm) - 1)
        place = np.clip((arc - first) / step, 0.0, float(len(self.arc_mm) - 1))
        row = np.clip(np.floor(place).astype(np.int64), 0, len(self.arc_mm) - 2)
        t = (place - row)[:, None]
        # A rotation-minimising axis turns only towards the tangent: e1' = -(r'' . e1) T.
        tangents = _node_tangents(self.arc_mm, self.centre_mm, self.bend_per_mm)
        turn = -dot(self.bend_per_mm, self.right)[:, None] * tangents * step
        u0, u1, d0, d1 = self.right[row], self.right[row + 1], turn[row], turn[row + 1]
        raw = (
            (1.0 + 2.0 * t) * (1.0 - t) ** 2 * u0
            + t * (1.0 - t) ** 2 * d0
            + t**2 * (3.0 - 2.0 * t) * u1
            + t**2 * (t - 1.0) * d1
        )
        tangent = unit(slope)
        e1 = unit(raw - dot(raw, tangent)[:, None] * tangent)
        return e1, cross(tangent, e1)

    def frame(self, z_um: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return place (mm), right, anterior and superior axis at z : 4 x (n, 3)."""
        arc = 1e-3 * np.asarray(z_um, dtype=np.float64) + self.zero_arc_mm
        place, slope, _ = self._curve(arc)
        e1, e2 = self._frame(arc, slope)
        return place, e1, e2, unit(slope)

    def to_scanner_mm(self, points_um: Floats) -> Floats:
        """Return the scanner place of straight cord points : (n, 3) um -> (n, 3) mm."""
        points = np.asarray(points_um, dtype=np.float64)
        place, e1, e2, _ = self.frame(points[:, 2])
        result: Floats = place + (1e-3 * points[:, 0:1]) * e1 + (1e-3 * points[:, 1:2]) * e2
        return result

    def grid_to_scanner_mm(self, x_um: Floats, y_um: Floats, z_um: Floats) -> Floats:
        """Return the scanner places of a straight grid : (nx, ny, nz, 3) mm.

        As `to_scanner_mm`, with the frame found once per plane.
        """
        place, e1, e2, _ = self.frame(z_um)
        result: Floats = (
            place[None, None]
            + (1e-3 * np.asarray(x_um, dtype=np.float64))[:, None, None, None] * e1
            + (1e-3 * np.asarray(y_um, dtype=np.float64))[None, :, None, None] * e2
        )
        return result

    def grid_jacobian(self, x_um: Floats, y_um: Floats, z_um: Floats) -> Floats:
        """Return the volume ratio at the points of a straight grid : (nx, ny, nz); see `jacobian`."""
        _, slope, bend = self._curve(1e-3 * np.asarray(z_um, dtype=np.float64) + self.zero_arc_mm)
        e1, e2 = self._frame(1e-3 * np.asarray(z_um, dtype=np.float64) + self.zero_arc_mm, slope)
        speed = np.sqrt(dot(slope, slope))
        x_mm = 1e-3 * np.asarray(x_um, dtype=np.float64)[:, None, None]
        y_mm = 1e-3 * np.asarray(y_um, dtype=np.float64)[None, :, None]
        result: Floats = speed - (x_mm * dot(bend, e1) + y_mm * dot(bend, e2)) / speed
        return result

    def jacobian(self, points_um: Floats) -> Floats:
        """Return scanner volume over straight volume at straight cord points : (n, 3) um -> (n,).

        Zero or negative beyond the centre of the bend, where the map is not defined.
        """
        points = np.asarray(points_um, dtype=np.float64)
        arc = 1e-3 * points[:, 2] + self.zero_arc_mm
        _, slope, bend = self._curve(arc)
        e1, e2 = self._frame(arc, slope)
        speed = np.sqrt(dot(slope, slope))
        off_axis = points[:, 0] * dot(bend, e1) + points[:, 1] * dot(bend, e2)
        result: Floats = speed - 1e-3 * off_axis / speed
        return result

    def to_straight_um(self, points_mm: Floats) -> Floats:
        """Return the straight cord coordinates of scanner points : (n, 3) mm -> (n, 3) um.

        The nearest point of the centreline is found among its nodes and refined by Newton's method until the
        step is below 1e-11 mm. A point without one (at or beyond the centre of a bend) gives NaN.
        """
        from scipy.spatial import cKDTree

        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        result = np.full(points.shape, np.nan)
        finite = np.flatnonzero(np.isfinite(points).all(axis=1))
        if len(finite) == 0:
            return result
        step = float(self.arc_mm[1] - self.arc_mm[0])
        _, nearest = cKDTree(self.centre_mm).query(points[finite])
        arc = self.arc_mm[nearest].copy()
        at_end = (nearest == 0) | (nearest == len(self.arc_mm) - 1)
        active = finite
        rows = np.arange(len(finite))
        for _ in range(40):
            place, slope, bend = self._curve(arc[rows])
            offset = points[active] - place
            error = dot(offset, slope)
            steepness = dot(slope, slope) - dot(offset, bend)
            move = error / np.maximum(steepness, SMALLEST_JACOBIAN)
            # Beyond an end the line is straight: one whole step is exact there. Inside, a step stays local.
            limit = np.where(at_end[rows], np.inf, 2.0 * step)
            move = np.clip(move, -limit, limit)
            arc[rows] += move
            moving = np.abs(move) > 1e-11
            rows, active = rows[moving], active[moving]
            if len(rows) == 0:
                break
        place, slope, bend = self._curve(arc)
        offset = points[finite] - place
        speed = np.sqrt(dot(slope, slope))
        good = speed - dot(offset, bend) / speed > SMALLEST_JACOBIAN
        good[rows] = False
        e1, e2 = self._frame(arc, slope)
        found = np.stack((dot(offset, e1), dot(offset, e2), arc - self.zero_arc_mm), axis=-1)
        result[finite[good]] = 1e3 * found[good]
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return the map as plain arrays and numbers, to be stored with a run."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> StraighteningMap:
        """Return the map that `to_dict` described; it gives the same bits."""
        arrays = {
            name: np.ascontiguousarray(stored[name], dtype=np.float64)
            for name in ("arc_mm", "centre_mm", "bend_per_mm", "right", "source_affine")
        }
        shape = [int(n) for n in stored["source_shape"]]
        return cls(
            **arrays,
            zero_arc_mm=float(stored["zero_arc_mm"]),
            source_shape=(shape[0], shape[1], shape[2]),
        )


def _node_tangents(arc: Floats, centre: Floats, bend: Floats) -> Floats:
    """Return the unit tangents at the nodes of a spline given by values and second derivatives : (n, 3)."""
    step = (arc[-1] - arc[0]) / (len(arc) - 1)
    slope = np.empty_like(centre)
    chord = (centre[1:] - centre[:-1]) / step
    slope[:-1] = chord - (2.0 * bend[:-1] + bend[1:]) * (step / 6.0)
    slope[-1] = chord[-1] + (bend[-2] + 2.0 * bend[-1]) * (step / 6.0)
    return unit(slope)


def _rotation_minimising(centre: Floats, tangent: Floats) -> Floats:
    """Return the first axis of the rotation-minimising frame that looks most nearly right : (n, 3).

    The axis is carried from node to node by two reflections, one in the plane midway between the nodes and
    one that lays the tangent right; then the whole frame is turned about the tangent by the one angle that
    maximises ``sum(e1 . right + e2 . anterior)``.
    """
    rightward = np.array([1.0, 0.0, 0.0])
    axis = np.empty_like(centre)
    axis[0] = unit(rightward - dot(rightward, tangent[0]) * tangent[0])
    for k in range(len(centre) - 1):
        chord = centre[k + 1] - centre[k]
        square = dot(chord, chord)
        carried = axis[k] - (2.0 / square) * dot(chord, axis[k]) * chord
        turned = tangent[k] - (2.0 / square) * dot(chord, tangent[k]) * chord
        second = tangent[k + 1] - turned
        length = dot(second, second)
        if length > 0.0:
            carried = carried - (2.0 / length) * dot(second, carried) * second
        axis[k + 1] = unit(carried - dot(carried, tangent[k + 1]) * tangent[k + 1])
    other = cross(tangent, axis)
    # With e1 = cos a + sin b and e2 = -sin a + cos b the sum is cos (a.R + b.A) + sin (b.R - a.A).
    along = (axis[:, 0] + other[:, 1]).sum()
    across = (other[:, 0] - axis[:, 1]).sum()
    size = np.sqrt(along * along + across * across)
    return np.ascontiguousarray((along / size) * axis + (across / size) * other)
