"""Where shares of a mask pass one half: edges of a mask with a precision finer than its voxels.

Between the middle of a full and the middle of an empty voxel the interpolated share falls from 1 to 0 and is one half
at their common face, so a binary mask keeps the extent that counting its voxels gives, and a mask of shares gains the
part of the last voxel that is filled.
"""

from __future__ import annotations

import numpy as np

from cordgraft_analysis.imaging.volume import Array, Floats

HALF = 0.5
#: Midway between two binary slices every voxel that differs is exactly one half; rounding must not decide.
TIE = 1e-9


def edges(shares: Floats, places: Floats, generous: bool = False) -> tuple[Floats, Floats]:
    """Return the first and the last place where shares pass one half, along the last axis; NaN without any.

    Parameters
    ----------
    shares : (..., n) float64
    places : (n,) float64
        Increasing.
    generous : bool
        Whether shares of exactly one half count as inside.
    """
    inside = shares >= HALF - TIE if generous else shares > HALF + TIE
    any_inside = inside.any(axis=-1)
    first = _edge(shares, places, inside.argmax(axis=-1), -1)
    last = _edge(shares, places, inside.shape[-1] - 1 - inside[..., ::-1].argmax(axis=-1), 1)
    return np.where(any_inside, first, np.nan), np.where(any_inside, last, np.nan)


def _edge(shares: Floats, places: Floats, at: Array, step: int) -> Floats:
    """Return the place of one half between sample `at`, inside, and the next one in direction `step`."""
    beyond = np.clip(at + step, 0, len(places) - 1)
    here = np.take_along_axis(shares, at[..., None], axis=-1)[..., 0]
    there = np.take_along_axis(shares, beyond[..., None], axis=-1)[..., 0]
    fall = np.where(here > there, here - there, 1.0)
    share = np.clip((here - HALF) / fall, 0.0, 1.0)
    result: Floats = places[at] + share * (places[beyond] - places[at])
    return result


def held_length(shares: Floats, places: Floats) -> float:
    """Return the length over which shares are above one half, mm; gaps are not counted.

    Parameters
    ----------
    shares : (n,) float64
        Linear between the places.
    places : (n,) float64, mm
        Increasing.
    """
    low, high = shares[:-1], shares[1:]
    rise = np.where(low == high, 1.0, high - low)
    crossing = np.clip((HALF - low) / rise, 0.0, 1.0)
    inside_low, inside_high = low > HALF, high > HALF
    part = np.where(inside_low & inside_high, 1.0, 0.0)
    part = np.where(inside_low & ~inside_high, crossing, part)
    part = np.where(~inside_low & inside_high, 1.0 - crossing, part)
    return float((part * np.diff(places)).sum())
