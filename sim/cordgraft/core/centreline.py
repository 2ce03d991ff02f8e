"""The centreline of a cord mask: centres of mass of its slices, smoothed, at even steps of arc length.

The cord is sliced across the voxel axis that runs nearest to it, whatever the orientation of the file. A
slice through a tilted cylinder is an ellipse whose centre of mass lies exactly on the axis, so a tilt costs
nothing; only at the ends, where the mask or the field of view stops, is a slice cut short and off the axis,
and such slices are left out.

The curve is a polynomial trend (up to cubic: the lordosis of a neck, the S of neck and chest) plus a cubic
smoothing spline of what is left, with the penalty set by a wavelength, two cord diameters: undulations of
that wavelength are halved, and the staircase of single voxels vanishes. Without the trend the spline, which
wants to be straight at its ends, would cut the bend there by a quarter of a millimetre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Wavelength that the smoothing halves, in cord diameters.
SMOOTHING_DIAMETERS = 2.0
#: An end slice with less than this share of its inner neighbours' area is cut obliquely and not trusted.
COMPLETE_SHARE = 0.9
#: Largest angle between the cord and the scanner's superior axis, degrees.
LARGEST_TILT_DEG = 45.0


class CentrelineError(ValueError):
    """The mask has no usable centreline; the message says why in a sentence."""


def dot(a: Floats, b: Floats) -> Floats:
    """Return the dot product over the last axis, summed left to right (no BLAS: its order is not fixed)."""
    result: Floats = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]
    return result


def cross(a: Floats, b: Floats) -> Floats:
    """Return the cross product over the last axis."""
    return np.stack(
        (
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ),
        axis=-1,
    )


def unit(a: Floats) -> Floats:
    """Return vectors of length 1 over the last axis."""
    result: Floats = a / np.sqrt(dot(a, a))[..., None]
    return result


def apply_affine(affine: Floats, points: Floats) -> Floats:
    """Return ``affine`` applied to points : (..., 3), by elementwise sums in a fixed order."""
    result: Floats = (
        points[..., 0:1] * affine[:3, 0]
        + points[..., 1:2] * affine[:3, 1]
        + points[..., 2:3] * affine[:3, 2]
        + affine[:3, 3]
    )
    return result


def invert_affine(affine: Floats) -> Floats:
    """Return the inverse of an affine : (4, 4), written out with cross products."""
    a, b, c = (np.ascontiguousarray(affine[:3, column]) for column in range(3))
    determinant = dot(a, cross(b, c))
    rows = np.stack((cross(b, c), cross(c, a), cross(a, b))) / determinant
    inverse = np.eye(4)
    inverse[:3, :3] = rows
    inverse[:3, 3] = -(rows * affine[:3, 3]).sum(axis=1)
    return inverse


@dataclass(frozen=True)
class CordSlices:
    """Cross-sections of the cord mask along the voxel axis that runs nearest to the cord.

    Parameters
    ----------
    axis : int
        Voxel axis across which the mask is sliced.
    first, last : int
        First and last slice with a whole cross-section, in index order (``first <= last``).
    centres_mm : (n, 3) float64, mm
        Centres of mass of slices `first` to `last`, ordered from inferior to superior, scanner space.
    position_mm : (n,) float64, mm
        Place of those slices along the slice normal, strictly increasing.
    normal : (3,) float64
        Unit normal of the slices, scanner space, pointing superior.
    thickness_mm : float
        Distance between neighbouring slices along their normal.
    diameter_mm : float
        Diameter of the circle with the area of the median cross-section normal to the cord.
    tilt_deg : float
        Angle between the cord's chord and the scanner's superior axis.
    """

    axis: int
    first: int
    last: int
    centres_mm: Floats
    position_mm: Floats
    normal: Floats
    thickness_mm: float
    diameter_mm: float
    tilt_deg: float


def _long_axis(points: Floats, weights: Floats) -> Floats:
    """Return the cord's long axis, a unit vector pointing superior : (3,).

    The principal axis of the mask where it is clearly elongated; the scanner's superior axis for a short
    piece of cord, whose widest direction may be across it.
    """
    total = weights.sum()
    mean = (points * weights[:, None]).sum(axis=0) / total
    offset = points - mean
    spread = np.empty((3, 3))
    for row in range(3):
        for column in range(3):
            spread[row, column] = (weights * offset[:, row] * offset[:, column]).sum() / total
    sizes, axes = np.linalg.eigh(spread)
    superior = np.array([0.0, 0.0, 1.0])
    axis = np.ascontiguousarray(axes[:, 2]) if sizes[2] > 2.0 * sizes[1] else superior
    axis = axis if axis[2] >= 0.0 else -axis
    tilt = float(np.rad2deg(np.arccos(min(1.0, float(axis[2])))))  # rounding may pass 1
    if tilt > LARGEST_TILT_DEG:
        raise CentrelineError(
            f"the cord lies {tilt:.0f} degrees from the scanner's superior axis, "
            f"of which at most {LARGEST_TILT_DEG:.0f} are understood"
        )
    return axis


def cord_slices(cord: Floats, affine: Floats) -> CordSlices:
    """Cut the cord into slices and drop the incomplete ones at its ends.

    Parameters
    ----------
    cord : (i, j, k) float64
        Share of each voxel that is cord, 0 to 1.
    affine : (4, 4) float64
        Voxel index to scanner mm.

    Notes
    -----
    A tilted cord leaves the field of view obliquely, so its last slices hold only part of the cross-section
    and their centres of mass are off the axis. From each end, slices are dropped while they have less than
    `COMPLETE_SHARE` of the median area of the next five, but never further than one cord diameter.
    """
    index = np.argwhere(cord > 0.0)
    if len(index) == 0:
        raise CentrelineError("the cord mask is empty")
    weights = cord[tuple(index.T)]
    points = apply_affine(affine, index.astype(np.float64))
    towards = _long_axis(points, weights)

    columns = np.ascontiguousarray(affine[:3, :3].T)
    alignment = np.array([abs(float(dot(unit(column), towards))) for column in columns])
    axis = int(np.argmax(alignment))
    others = [a for a in range(3) if a != axis]
    face = cross(columns[others[0]], columns[others[1]])
    face_area = float(np.sqrt(dot(face, face)))
    normal = face / face_area
    step = float(dot(columns[axis], normal))  # signed: the normal may point either way

    layers = cord.sum(axis=tuple(others))
    held = np.flatnonzero(layers > 0.0)
    if len(held) < 2:
        raise CentrelineError(
            f"the cord mask fills {len(held)} slice along its length; at least 2 are needed for a direction"
        )
    sums = np.zeros((cord.shape[axis], 3))
    for column in range(3):
        sums[:, column] = np.bincount(index[:, axis], weights * points[:, column], minlength=cord.shape[axis])
    centres = sums[held] / layers[held, None]

    chord = unit(centres[-1] - centres[0])
    oblique = abs(float(dot(chord, normal)))
    areas = layers[held] * face_area * oblique
    diameter = float(2.0 * np.sqrt(np.median(areas) / np.pi))
    reach = int(diameter / abs(step))  # a slice thicker than the cord is wide cannot be an oblique end
    low = _incomplete(areas, reach)
    high = len(areas) - _incomplete(areas[::-1], reach)
    if high - low < 2:
        low, high = 0, len(areas)
    kept = slice(low, high)
    centres, position = centres[kept], held[kept].astype(np.float64) * abs(step)
    if centres[-1, 2] < centres[0, 2]:
        centres, position = np.ascontiguousarray(centres[::-1]), -position[::-1]
    tilt = float(np.rad2deg(np.arccos(min(1.0, abs(float(chord[2]))))))
    return CordSlices(
        axis=axis,
        first=int(held[kept][0]),
        last=int(held[kept][-1]),
        centres_mm=centres,
        position_mm=position,
        normal=normal if normal[2] >= 0.0 else -normal,
        thickness_mm=abs(step),
        diameter_mm=diameter,
        tilt_deg=tilt,
    )


def _incomplete(areas: Floats, reach: int) -> int:
    """Return how many slices at the start of `areas` are cut short, at most `reach`."""
    count = 0
    while count < min(reach, len(areas) - 3):
        if areas[count] >= COMPLETE_SHARE * np.median(areas[count + 1 : count + 6]):
            break
        count += 1
    return count


def arc_length_spline(position: Floats, centres: Floats, wavelength: float) -> tuple[Floats, Floats, Floats]:
    """Return arc lengths, places and second derivatives at even steps along the smoothed centres.

    Parameters
    ----------
    position : (n,) float64, mm
    centres : (n, 3) float64, mm
    wavelength : float, mm
    """
    from scipy.interpolate import CubicSpline, make_smoothing_spline

    place = position - position[0]
    # A trend may follow no undulation shorter than what the smoothing lets through.
    degree = min(3, 1 + int(place[-1] / wavelength)) if len(place) >= 5 else 1
    smooth = _polynomial_trend(place, centres, degree)
    if len(place) >= 5:
        # A smoothing spline passes a wave of wavelength W by 1 / (1 + penalty * spacing * (2 pi / W)^4).
        penalty = (wavelength / (2.0 * np.pi)) ** 4 * (len(place) - 1) / place[-1]
        left = centres - smooth
        smooth += np.stack(
            [make_smoothing_spline(place, left[:, a], lam=penalty)(place) for a in range(3)], axis=-1
        )
    curve = CubicSpline(place, smooth, bc_type="not-a-knot" if len(place) > 3 else "natural")

    fine = max(0.1, 0.025 * wavelength)
    parts = np.linspace(0.0, place[-1], max(64, int(np.ceil(place[-1] / fine))) + 1)
    gauss = np.array([-0.8611363115940526, -0.33998104358485626, 0.33998104358485626, 0.8611363115940526])
    weight = np.array([0.34785484513745385, 0.6521451548625461, 0.6521451548625461, 0.34785484513745385])

    def length(low: Floats, high: Floats) -> Floats:
        half = 0.5 * (high - low)
        total = np.zeros_like(low)
        for g, w in zip(gauss, weight, strict=True):
            slope = curve(low + half * (1.0 + g), 1)
            total += w * np.sqrt(dot(slope, slope))
        result: Floats = total * half
        return result

    lengths = np.concatenate(([0.0], np.cumsum(length(parts[:-1], parts[1:]))))
    nodes = max(16, int(np.ceil(lengths[-1] / min(0.5, 0.025 * wavelength))))
    arc = np.linspace(0.0, lengths[-1], nodes + 1)
    row = np.clip(np.searchsorted(lengths, arc, side="right") - 1, 0, len(parts) - 2)
    t = np.interp(arc, lengths, parts)
    for _ in range(4):
        slope = curve(t, 1)
        t = t - (lengths[row] + length(parts[row], t) - arc) / np.sqrt(dot(slope, slope))
    t[0], t[-1] = 0.0, place[-1]
    by_arc = CubicSpline(arc, curve(t))
    return arc, np.ascontiguousarray(by_arc(arc)), np.ascontiguousarray(by_arc(arc, 2))


def _polynomial_trend(place: Floats, values: Floats, degree: int) -> Floats:
    """Return the least-squares polynomial of `values` : (n, 3) over `place` : (n,), at the same places."""
    scaled = 2.0 * place / place[-1] - 1.0
    trend = np.zeros_like(values)
    basis: list[Floats] = []
    for power in range(degree + 1):
        column = scaled**power
        for _ in range(2):  # orthogonalised twice: once leaves rounding errors of the size of the last column
            for other in basis:
                column = column - (column * other).sum() / (other * other).sum() * other
        basis.append(column)
        trend += column[:, None] * ((column[:, None] * values).sum(axis=0) / (column * column).sum())
    return trend
