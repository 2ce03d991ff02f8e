"""Exact overlap of voxels along one axis, and the blur of a scanner along it."""

from __future__ import annotations

import numpy as np

from cordgraft_analysis.imaging.volume import Floats

#: Standard deviations of a Gaussian in its full width at half maximum: 2 sqrt(2 ln 2).
FWHM_IN_SD = 2.3548200450309493
#: Parts into which a voxel is divided where a Gaussian is applied.
PARTS = 8


def overlap_matrix(source: Floats, target: Floats) -> Floats:
    """Return which share of each target voxel every source voxel fills : (targets, sources).

    Rows sum to one where the source covers the target; ``widths_t @ matrix`` are the widths of the source voxels where
    the target covers them, so that sums are conserved.

    Parameters
    ----------
    source : (sources + 1,) float64
        Faces, increasing.
    target : (targets + 1,) float64
        Faces, increasing, same unit.
    """
    low = np.maximum(target[:-1, None], source[None, :-1])
    high = np.minimum(target[1:, None], source[None, 1:])
    share: Floats = np.maximum(high - low, 0.0) / np.diff(target)[:, None]
    return share


def blur_matrix(source: Floats, target: Floats, fwhm_voxels: float) -> Floats:
    """Return `overlap_matrix` with a Gaussian of `fwhm_voxels` target voxels in between : (targets, sources).

    The Gaussian is applied on an eighth of a voxel and reflected at the ends of the target, so that sums stay.
    """
    if fwhm_voxels <= 0.0:
        return overlap_matrix(source, target)
    from scipy.ndimage import gaussian_filter1d

    count = len(target) - 1
    parts = np.linspace(target[0], target[-1], PARTS * count + 1)
    fine = gaussian_filter1d(
        overlap_matrix(source, parts), PARTS * fwhm_voxels / FWHM_IN_SD, axis=0, mode="reflect", truncate=5.0
    )
    return np.asarray(fine.reshape(count, PARTS, -1).mean(axis=1))
