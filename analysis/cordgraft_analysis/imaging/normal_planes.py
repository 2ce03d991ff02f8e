"""Planes normal to the cord's centreline, and masks sampled in them.

Between two axial slices a mask is interpolated along the cord and not straight up: each slice is first shifted so
that the cord's centre stands at one place. A tilted cord of thick slices then keeps its cross-section, where plain
interpolation would smear it by slice thickness times the tangent of the tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.centreline import (
    LARGEST_TILT_DEG,
    SMOOTHING_DIAMETERS,
    CentrelineError,
    CordSlices,
    cord_slices,
)
from cordgraft.core.problems import BadInput, Problem
from cordgraft.core.straightening import StraighteningMap
from cordgraft_analysis.imaging.volume import Array, Floats

#: Samples per voxel edge in the plane, and per slice along the cord.
FINE_IN_PLANE, FINE_ALONG = 4, 4
#: Empty voxels round the volume, so that a mask ends at its border.
PAD = 2
#: Voxels from the centre to the edge of a cord from which two samples per voxel are enough.
MANY_VOXELS = 20
#: A mask this much longer than wide across the slices is a cord that lies down.
LYING = 3.0


@dataclass(frozen=True)
class NormalPlanes:
    """The centreline of a cord, and the places where planes normal to it are sampled.

    Parameters
    ----------
    line : StraighteningMap
        In mm along the volume's own axes (voxel index times edge).
    spacing_mm : (3,) of float
    shape : (3,) of int
    section : bool
        One voxel across: the section is taken to hold the centreline.
    across_mm, forward_mm : (nu,), (nv,) float64, mm
        Sample places in a plane: across the cord, and from dorsal to ventral.
    centre : (nz + 2 PAD, 2) float64
        Centreline on every slice, voxels.
    ends : (2,) of float
        Lowest and highest slice of the cord's mask that hold a whole cross-section.
    """

    line: StraighteningMap
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    section: bool
    across_mm: Floats
    forward_mm: Floats
    centre: Floats
    ends: tuple[float, float]

    @property
    def fine_mm(self) -> tuple[float, float]:
        """Return the steps between samples across and forward, mm; the thickness itself for a section."""
        forward = float(self.forward_mm[1] - self.forward_mm[0])
        across = self.spacing_mm[0] if self.section else float(self.across_mm[1] - self.across_mm[0])
        return across, forward

    def along(self, first: float, last: float) -> Floats:
        """Return places along the cord from the middle of slice `first` to that of slice `last`, mm.

        The places are even, a quarter of a slice apart, and one slice longer at each end.
        """
        low_mm, high_mm = self.slice_place_mm(first), self.slice_place_mm(last)
        thick = self.spacing_mm[2]
        count = max(2, int(np.ceil((high_mm - low_mm + 2.5 * thick) / (thick / FINE_ALONG))) + 1)
        return np.linspace(low_mm - 1.25 * thick, high_mm + 1.25 * thick, count)

    def slice_place_mm(self, z: float) -> float:
        """Return the place along the cord where the centreline passes slice `z` (it may lie between two), mm."""
        low = int(np.clip(np.floor(z), -PAD, self.shape[2] + PAD - 2))
        share = z - low
        centre = (1.0 - share) * self.centre[low + PAD] + share * self.centre[low + 1 + PAD]
        point = np.array([[*(centre * self.spacing_mm[:2]), z * self.spacing_mm[2]]])
        return float(self.place_mm(point)[0])

    def place_mm(self, points_mm: Floats) -> Floats:
        """Return places along the cord : (n,), mm, of points : (n, 3), mm (voxel index times edge)."""
        return 1e-3 * self.line.to_straight_um(points_mm)[:, 2]

    def frame(self, s_mm: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return centre (mm), across, forward and along at places of the cord : 4 x (n, 3)."""
        place, e1, e2, tangent = self.line.frame(1e3 * np.asarray(s_mm, dtype=np.float64))
        return place, e1, e2, tangent

    def whole(self, s_mm: Floats) -> Array:
        """Tell which planes lie wholly between the ends of the cord's mask : (n,) bool.

        A tilted plane near an end, where mask or field of view stop, is cut short: its area is no cross-section. Nor is
        that of a slice that a mask fills in part, as the last one of a mask that was resampled.
        """
        place, e1, e2, _ = self.frame(s_mm)
        reach = (
            np.abs(e1[:, 2]) * np.abs(self.across_mm).max() + np.abs(e2[:, 2]) * np.abs(self.forward_mm).max()
        )
        low, high = (place[:, 2] - reach) / self.spacing_mm[2], (place[:, 2] + reach) / self.spacing_mm[2]
        result: Array = (low >= self.ends[0] - 1e-6) & (high <= self.ends[1] + 1e-6)
        return result

    def stretch(self, s_mm: Floats) -> Floats:
        """Return the true length at each dorso-ventral place per length of the centreline : (n, nv).

        In a bend the inner side is shorter than the centreline, the outer side longer.
        """
        result: Floats = self.line.grid_jacobian(np.zeros(1), 1e3 * self.forward_mm, 1e3 * s_mm)[0].T
        return result

    def sample(self, mask: Array, s_mm: Floats) -> Floats:
        """Return a mask in planes normal to the cord : (n, nu, nv), as shares.

        Parameters
        ----------
        mask : (nx, ny, nz) array
            0 to 1; taken as empty outside the volume.
        s_mm : (n,) float64
        """
        from scipy.ndimage import map_coordinates

        x_mm, y_mm, z_mm = self.spacing_mm
        place, e1, e2, _ = self.frame(s_mm)
        u, v = self.across_mm[None, :, None, None], self.forward_mm[None, None, :, None]
        points = place[:, None, None, :] + u * e1[:, None, None, :] + v * e2[:, None, None, :]
        z = np.clip(points[..., 2] / z_mm, -PAD, self.shape[2] + PAD - 1.000001)
        low = np.floor(z).astype(np.int64)
        share = z - low
        row = low + PAD
        result = np.zeros(z.shape)
        # Only the slices that these planes meet are touched: a long fine volume is many times larger.
        bottom, top = max(0, int(low.min())), max(0, int(low.max()) + 2)
        met = np.asarray(mask[:, :, bottom:top], dtype=np.float64)
        if not met.any():
            return result
        padded = np.pad(met, PAD)
        here = (1.0 - share)[..., None] * self.centre[row] + share[..., None] * self.centre[row + 1]
        aside = points[..., 0] / x_mm - here[..., 0]
        ahead = points[..., 1] / y_mm - here[..., 1]
        for next_one, weight in ((0, 1.0 - share), (1, share)):
            x = self.centre[row + next_one, 0] + aside + PAD
            if self.section:  # the one plane of voxels stands for itself, whatever its nominal thickness
                x = np.full_like(x, float(PAD))
            y = self.centre[row + next_one, 1] + ahead + PAD
            result += weight * map_coordinates(
                padded, (x, y, row + next_one - bottom), order=1, mode="constant"
            )
        return result

    def offsets_mm(self, mask: Array) -> Floats:
        """Return how far the voxels of a mask lie from the centre of their slice : (2, 2), mm.

        Rows are across and forward, columns the most negative and the most positive offset.
        """
        index = np.argwhere(np.asarray(mask) > 0)
        offset = (index[:, :2] - self.centre[index[:, 2] + PAD]) * self.spacing_mm[:2]
        return np.stack((offset.min(axis=0), offset.max(axis=0)), axis=-1)


def normal_planes(cord: Array, spacing_mm: tuple[float, float, float]) -> NormalPlanes:
    """Fit the centreline of a cord and lay planes across it.

    Parameters
    ----------
    cord : (nx, ny, nz) array
        0 to 1, along the axes of `cord_axes`, not empty.
    spacing_mm : (3,) of float

    Raises
    ------
    BadInput
        If the cord has no usable centreline (it lies more than 45 degrees from the third axis, or folds back).
    """
    shares = np.asarray(cord, dtype=np.float64)
    shape = (shares.shape[0], shares.shape[1], shares.shape[2])
    affine = np.diag((*spacing_mm, 1.0))
    try:
        slices, wavelength = _slices(shares, affine)
        line = StraighteningMap.from_slices(slices, affine, shape, wavelength)
    except CentrelineError as error:
        raise BadInput(Problem(f"the cord mask has no usable centreline: {error}", key="cord")) from None
    section = shape[0] == 1
    centre = _slice_centres(line, spacing_mm, shape)
    # Slices that hold a part of the cross-section only, at the ends of a mask, are no cord to be measured.
    ends = float(slices.first), float(slices.last)
    planes = NormalPlanes(line, spacing_mm, shape, section, np.zeros(1), np.zeros(2), centre, ends)
    reach = np.abs(planes.offsets_mm(shares)).max(axis=1) + 1.5 * np.asarray(spacing_mm[:2])
    many = min(reach / np.asarray(spacing_mm[:2])) > MANY_VOXELS
    fine = np.asarray(spacing_mm[:2]) / (2 if many and not section else FINE_IN_PLANE)
    steps = np.ceil(reach / fine).astype(np.int64)
    across = np.zeros(1) if section else np.arange(-steps[0], steps[0] + 1) * fine[0]
    forward = np.arange(-steps[1], steps[1] + 1) * fine[1]
    return NormalPlanes(line, spacing_mm, shape, section, across, forward, centre, ends)


def _slices(shares: Floats, affine: Floats) -> tuple[CordSlices, float | None]:
    """Return the slices of shares : (nx, ny, nz) from which the centreline follows, and the wavelength it smooths."""
    held = np.flatnonzero(shares.any(axis=(0, 1)))
    if _is_short(shares, affine):
        return _short_slices(shares, affine, held), None
    slices = cord_slices(shares, affine)
    if slices.axis != 2:
        raise CentrelineError("its slices run along another axis than inferior to superior")
    wavelength = None
    if shares.shape[0] == 1:
        # The area of a section's slice rests on its nominal thickness; its A-P diameter does not.
        depth = shares.sum(axis=(0, 1))[held] * affine[1, 1]
        wavelength = SMOOTHING_DIAMETERS * float(np.median(depth))
    return slices, wavelength


def _is_short(shares: Floats, affine: Floats) -> bool:
    """Tell whether a piece of cord is shorter than wide: its longest direction is then not that of the cord.

    A mask three times as long across as the other way is no short piece but a cord that lies down.
    """
    index = np.argwhere(shares > 0.0)
    x, y, z = (index.max(axis=0) - index.min(axis=0) + 1) * np.diag(affine)[:3]
    if shares.shape[0] == 1:
        return bool(z < y <= LYING * z)
    return bool(z < max(x, y) <= LYING * min(x, y))


def _short_slices(shares: Floats, affine: Floats, held: Array) -> CordSlices:
    """Return the slices of a short piece of cord, all of them whole; one slice stands upright."""
    x_mm, y_mm, z_mm = (float(edge) for edge in np.diag(affine)[:3])
    areas = shares.sum(axis=(0, 1))[held]
    across = (shares.sum(axis=1) * np.arange(shares.shape[0])[:, None]).sum(axis=0)[held] / areas
    forward = (shares.sum(axis=0) * np.arange(shares.shape[1])[:, None]).sum(axis=0)[held] / areas
    centres = np.stack((across * x_mm, forward * y_mm, held * z_mm), axis=-1)
    if len(held) == 1:
        centres = np.concatenate((centres, centres))
        centres[:, 2] += (-0.5 * z_mm, 0.5 * z_mm)
    chord = centres[-1] - centres[0]
    tilt = float(np.rad2deg(np.arctan2(np.hypot(chord[0], chord[1]), chord[2])))
    if tilt > LARGEST_TILT_DEG:
        raise CentrelineError(
            f"it lies {tilt:.0f} degrees from the superior axis of the volume, "
            f"of which at most {LARGEST_TILT_DEG:.0f} are understood"
        )
    width = areas * y_mm if shares.shape[0] == 1 else 2.0 * np.sqrt(areas * x_mm * y_mm / np.pi)
    return CordSlices(
        axis=2,
        first=int(held[0]),
        last=int(held[-1]),
        centres_mm=centres,
        position_mm=centres[:, 2] - centres[0, 2],
        normal=np.array([0.0, 0.0, 1.0]),
        thickness_mm=z_mm,
        diameter_mm=float(np.median(width)),
        tilt_deg=tilt,
    )


def _slice_centres(
    line: StraighteningMap, spacing_mm: tuple[float, float, float], shape: tuple[int, int, int]
) -> Floats:
    """Return where the centreline crosses every slice, and `PAD` slices beyond : (nz + 2 PAD, 2), voxels."""
    z_mm = spacing_mm[2]
    low_um, high_um = line.ends_um
    # It is straight beyond its ends, so one far point on each side will do.
    reach = 2e3 * (shape[2] + 2 * PAD) * z_mm
    fine = np.linspace(low_um, high_um, 16 * (shape[2] + 2 * PAD))
    places = np.concatenate(([low_um - reach], fine, [high_um + reach]))
    points = line.to_scanner_mm(np.stack((np.zeros_like(places), np.zeros_like(places), places), axis=-1))
    if (np.diff(points[:, 2]) <= 0.0).any():
        raise BadInput(Problem("the cord's centreline folds back on itself", key="cord"))
    wanted = (np.arange(shape[2] + 2 * PAD) - PAD) * z_mm
    return np.stack(
        [np.interp(wanted, points[:, 2], points[:, axis]) / spacing_mm[axis] for axis in range(2)], axis=-1
    )
