"""Masks onto a straight lattice and lattice values back onto the scan, both by exact overlap.

The scan's voxels and the lattice's voxels, bent into the scan by the straightening map, are intersected as
polyhedra, so sums are conserved: the overlap-weighted fractions of the lattice add up to the volume of the
mask inside it, and values spread back add up to what the lattice held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.centreline import CordSlices, Floats, apply_affine, invert_affine
from cordgraft.core.lattice import Lattice
from cordgraft.core.straightening import SMALLEST_JACOBIAN, StraighteningMap
from cordgraft.scenario.mask_pair import MaskPair

#: A voxel with a smaller known share than this is completed from the last whole cross-section.
KNOWN = 1.0 - 1e-6
#: Corner points mapped at once: bounds the memory of a fine lattice.
CORNERS_AT_ONCE = 2_000_000
#: The end cross-section is an average over at most this length, um: one thick slice, not the whole end.
LONGEST_END_UM = 2000.0

# Rows of the source stack.
_CORD, _WHOLE_CORD, _WHOLE, _LESION = range(4)


@dataclass(frozen=True)
class Resampled:
    """Masks on a lattice.

    Parameters
    ----------
    cord, lesion : (x, y, z) float64
        Shares of the voxel.
    extrapolated : (x, y, z) bool
        Cord voxels completed from the last whole cross-section.
    cord_voxels, lesion_voxels : float
        Mask inside the lattice by overlap alone, in scan voxels.
    """

    cord: Floats
    lesion: Floats
    extrapolated: NDArray[np.bool_]
    cord_voxels: float
    lesion_voxels: float


def mask_channels(pair: MaskPair, slices: CordSlices) -> Floats:
    """Return what is carried over : (4, i, j, k): cord, cord in whole slices, whole slices, lesion."""
    whole = np.zeros_like(pair.cord)
    place = [slice(None)] * 3
    place[slices.axis] = slice(slices.first, slices.last + 1)
    whole[tuple(place)] = 1.0
    lesion = np.zeros_like(pair.cord) if pair.lesion is None else pair.lesion
    return np.stack((pair.cord, pair.cord * whole, whole, lesion))


def _layers(lattice: Lattice) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of blocks of x layers that bound the memory of their corners."""
    per_layer = (lattice.shape[1] + 1) * (lattice.shape[2] + 1)
    block = max(1, CORNERS_AT_ONCE // per_layer - 1)
    for first in range(0, lattice.shape[0], block):
        yield first, min(first + block, lattice.shape[0])


def _corners(lattice: Lattice, straight: StraighteningMap, first: int, last: int) -> Floats:
    """Return the voxel corners of x layers `first` to `last` - 1 in scan index space; NaN outside the map."""
    axes = [
        origin + spacing * (np.arange(count + 1, dtype=np.float64) - 0.5)
        for origin, spacing, count in zip(lattice.origin_um, lattice.spacing_um, lattice.shape, strict=True)
    ]
    axes[0] = axes[0][first : last + 1]
    corners = apply_affine(invert_affine(straight.source_affine), straight.grid_to_scanner_mm(*axes))
    corners[straight.grid_jacobian(*axes) < SMALLEST_JACOBIAN] = np.nan
    return np.ascontiguousarray(corners)


def overlap(lattice: Lattice, straight: StraighteningMap, source: Floats) -> tuple[Floats, Floats]:
    """Return overlap sums (m, x, y, z) and image volumes (x, y, z) of the lattice voxels, in scan voxels."""
    from cordgraft.kernels.overlap import gather

    amount = np.zeros((len(source), *lattice.shape))
    volume = np.zeros(lattice.shape)
    for first, last in _layers(lattice):
        part = np.empty((len(source), last - first, *lattice.shape[1:]))
        if not gather(_corners(lattice, straight, first, last), source, part, volume[first:last]):
            raise OverflowError("a lattice voxel covers too many scan voxels to be cut up")
        amount[:, first:last] = part
    return amount, volume


def whole_range(profile: Lattice, overlaps: tuple[Floats, Floats]) -> tuple[float, float]:
    """Return the z range in which the whole cross-section of the cord lies in whole slices of the mask, um.

    Parameters
    ----------
    profile : Lattice
        A 3-D lattice over the length of interest.
    overlaps : result of `overlap` on it
    """
    amount, volume = overlaps
    known = amount[_WHOLE] / np.where(volume > 0.0, volume, 1.0)
    footprint = (amount[_CORD] > 0.0).any(axis=2)
    least = np.where(footprint[:, :, None], known, 1.0).min(axis=(0, 1))
    whole = np.flatnonzero(least >= KNOWN)
    if not footprint.any() or len(whole) == 0:
        # A short oblique piece of cord: the layer that is known best has to do.
        whole = np.array([int(np.argmax(np.where(footprint[:, :, None], known, 0.0).sum(axis=(0, 1))))])
    faces = profile.origin_um[2] + profile.spacing_um[2] * (np.array([whole[0], whole[-1] + 1]) - 0.5)
    return float(faces[0]), float(faces[1])


def resample(
    lattice: Lattice,
    straight: StraighteningMap,
    source: Floats,
    ends: tuple[float, float],
    slice_um: float,
    overlaps: tuple[Floats, Floats] | None = None,
) -> Resampled:
    """Return the masks on the lattice, the cord continued beyond its whole range.

    Parameters
    ----------
    ends : (low, high)
        z range of whole cross-sections, um.
    slice_um : float
        Extent of one mask slice along the cord; the end cross-section is the mean over one slice.
    overlaps : result of `overlap` on the lattice, if it is known already
    """
    amount, volume = overlap(lattice, straight, source) if overlaps is None else overlaps
    safe = np.where(volume > 0.0, volume, 1.0)
    cord = amount[_CORD] / safe
    known = amount[_WHOLE] / safe
    extrapolated = np.zeros(lattice.shape, dtype=bool)
    z = lattice.axis_um(2)
    thick = min(max(slice_um, lattice.spacing_um[2]), ends[1] - ends[0], LONGEST_END_UM)
    for beyond, middle in ((z < ends[0], ends[0] + 0.5 * thick), (z > ends[1], ends[1] - 0.5 * thick)):
        if not beyond.any():
            continue
        plane = Lattice(
            (lattice.shape[0], lattice.shape[1], 1),
            (lattice.spacing_um[0], lattice.spacing_um[1], thick),
            (lattice.origin_um[0], lattice.origin_um[1], middle),
        )
        end_amount, end_volume = overlap(plane, straight, source)
        section = end_amount[_CORD] / np.where(end_volume > 0.0, end_volume, 1.0)
        filled = amount[_WHOLE_CORD] / safe + (1.0 - np.minimum(known, 1.0)) * section
        lacking = beyond[None, None, :] & (known < KNOWN)
        continued = np.where(lacking, np.maximum(cord, filled), cord)
        extrapolated |= lacking & (continued > 0.0)
        cord = continued
    cord = np.clip(cord, 0.0, 1.0)
    lesion = np.minimum(amount[_LESION] / safe, cord)
    return Resampled(cord, lesion, extrapolated, float(amount[_CORD].sum()), float(amount[_LESION].sum()))


def cross_sections(
    cross: Resampled, profile: Lattice, lattice: Lattice
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return cord area, right-left and antero-posterior diameter and lesion area on the lattice's layers.

    The diameters are those of the ellipse with the same second moments as the cross-section: four times the
    standard deviation of place along x and y (each voxel's own extent included).

    Returns
    -------
    4 x (z,) float64, um2, um, um, um2
    """
    x, y, _ = profile.centres_um()
    dx, dy, _ = profile.spacing_um
    count = cross.cord.sum(axis=(0, 1))
    safe = np.where(count > 0.0, count, 1.0)
    diameters = []
    for place, edge in ((x, dx), (y, dy)):
        mean = (cross.cord * place).sum(axis=(0, 1)) / safe
        square = (cross.cord * place**2).sum(axis=(0, 1)) / safe
        diameters.append(4.0 * np.sqrt(np.maximum(square - mean**2, 0.0) + edge**2 / 12.0))
    measured = (count * dx * dy, *diameters, cross.lesion.sum(axis=(0, 1)) * dx * dy)
    to, at = lattice.axis_um(2), profile.axis_um(2)
    area, rl, ap, lesion = (np.interp(to, at, values) for values in measured)
    return area, rl, ap, lesion


def straight_to_scanner(
    values: Floats, lattice: Lattice, straightening: StraighteningMap, *, mean: bool = False
) -> Floats:
    """Return lattice values on the voxels of the masks' grid, by exact overlap : (i, j, k) float64.

    Parameters
    ----------
    values : (x, y, z) float64
        Per lattice voxel: a fraction, or anything else that may be averaged over volume.
    lattice : Lattice
    straightening : StraighteningMap
    mean : bool
        False: the sum of value times overlap, over the whole scan voxel. A fraction comes back as the
        fraction of the scan voxel, 0 where the lattice does not reach, and its volume integral is conserved.
        True: the mean over the covered part of the scan voxel, NaN where nothing is covered; for signals and
        concentrations.
    """
    from cordgraft.kernels.overlap import scatter

    amount = np.zeros(straightening.source_shape)
    covered = np.zeros(straightening.source_shape)
    dense = np.ascontiguousarray(values, dtype=np.float64)
    if dense.shape != lattice.shape:
        raise ValueError(f"values of shape {dense.shape} do not fit a lattice of {lattice.shape}")
    for first, last in _layers(lattice):
        corners = _corners(lattice, straightening, first, last)
        if not scatter(corners, dense[first:last], amount, covered):
            raise OverflowError("a lattice voxel covers too many scan voxels to be cut up")
    if not mean:
        return amount
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(covered > 1e-9, amount / covered, np.nan)
