"""Centre and direction of the cord on every axial slice, as the tables of the Spinal Cord Toolbox define them.

The centre of mass of every slice is smoothed by a cubic B-spline over the slice number; the angle between its tangent
and the slice normal corrects areas and lengths. This is the line of the *field's* tables. Distances in true normal
planes (method ``mm``) use `cordgraft.core.centreline`, which leaves out slices that the field of view cuts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft_analysis.imaging.volume import Array, Floats

#: Smoothing of the toolbox's centreline, its default.
SMOOTHING = 20.0


@dataclass(frozen=True)
class SliceCentreline:
    """The smoothed centre of the cord on axial slices.

    Parameters
    ----------
    first, last : int
        First and last slice with cord.
    centre : (2, nz) float64, voxels
        Centre along axes 0 and 1; NaN outside `first` to `last`.
    slope : (2, nz) float64
        Its change from slice to slice, voxels per slice.
    spacing_mm : (3,) of float
    """

    first: int
    last: int
    centre: Floats
    slope: Floats
    spacing_mm: tuple[float, float, float]

    def _run_mm(self) -> tuple[Floats, Floats, float]:
        x, y, z = self.spacing_mm
        return self.slope[0] * x, self.slope[1] * y, z

    @property
    def tangent(self) -> Floats:
        """Return unit vectors along the cord : (nz, 3), axes as the volume's."""
        across, forward, up = self._run_mm()
        steps = np.stack((across, forward, np.full_like(across, up)), axis=-1)
        result: Floats = steps / np.sqrt((steps**2).sum(axis=-1, keepdims=True))
        return result

    @property
    def angle3d(self) -> Floats:
        """Return the angle between the cord and the slice normal : (nz,), rad."""
        across, forward, up = self._run_mm()
        result: Floats = np.arctan2(np.hypot(across, forward), up)
        return result

    @property
    def angle_sag(self) -> Floats:
        """Return the same angle seen in the sagittal plane : (nz,), rad, not negative."""
        _, forward, up = self._run_mm()
        result: Floats = np.arctan2(np.abs(forward), up)
        return result

    @property
    def angle_ap(self) -> Floats:
        """Return the turn about the A-P axis (the cord runs sideways) : (nz,), rad, signed."""
        across, _, up = self._run_mm()
        result: Floats = np.arctan2(across, up)
        return result

    @property
    def angle_rl(self) -> Floats:
        """Return the turn about the R-L axis (the cord runs forwards) : (nz,), rad, signed."""
        _, forward, up = self._run_mm()
        result: Floats = np.arctan2(forward, up)
        return result


def slice_centres(mask: Array) -> tuple[Array, Floats]:
    """Return the slices with cord : (n,), and their unweighted centres along axes 0 and 1 : (2, n), voxels.

    Parameters
    ----------
    mask : (nx, ny, nz) array
        Everything above 0 counts, and counts once.
    """
    held = np.asarray(mask) > 0
    counts = held.sum(axis=(0, 1))
    slices = np.flatnonzero(counts)
    across = (held.sum(axis=1) * np.arange(held.shape[0])[:, None]).sum(axis=0)
    forward = (held.sum(axis=0) * np.arange(held.shape[1])[:, None]).sum(axis=0)
    return slices, np.stack((across[slices], forward[slices])) / counts[slices]


def slice_centreline(
    mask: Array, spacing_mm: tuple[float, float, float], smoothing: float = SMOOTHING
) -> SliceCentreline:
    """Smooth the centres of the slices by a cubic B-spline.

    Parameters
    ----------
    mask : (nx, ny, nz) array
        The cord, along the axes of `cord_axes`; not empty.
    spacing_mm : (3,) of float
    smoothing : float
        The residual allowed to the spline, squared voxels, is ``smoothing * pz / 3 * (n / m)**2`` with the thickness pz
        (mm) of a slice, n slices with cord and m slices from the first to the last of them.

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    from scipy.interpolate import splev, splrep

    slices, centres = slice_centres(mask)
    if len(slices) == 0:
        raise ValueError("an empty cord has no centreline")
    first, last = int(slices[0]), int(slices[-1])
    wanted = np.arange(first, last + 1)
    centre = np.full((2, np.asarray(mask).shape[2]), np.nan)
    slope = np.full_like(centre, np.nan)
    residual = smoothing * spacing_mm[2] / 3.0 * (len(slices) / len(wanted)) ** 2
    for axis in range(2):
        if len(slices) == 1:
            centre[axis, wanted], slope[axis, wanted] = centres[axis, 0], 0.0
            continue
        spline = splrep(slices, centres[axis], k=min(3, len(slices) - 1), s=residual, quiet=1)
        centre[axis, wanted] = splev(wanted, spline)
        slope[axis, wanted] = splev(wanted, spline, der=1)
    return SliceCentreline(first, last, centre, slope, spacing_mm)
