"""Lesion measures by the formulas of the Spinal Cord Toolbox, written anew from their description.

Distances are voxel counts times the voxel edge, corrected by the angle of the cord on the slice. Properties of these
formulas that a reader should know: slices without lesion inside a lesion's span do not count in its length; the two
bridges of "total" may come from different slices, so it is at most the true narrowest bridge; a hole in the lesion
counts as lesion between its two walls; the volume is not corrected for an angle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.centreline import SliceCentreline, slice_centreline
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.volume import Array, Floats

#: A midsagittal plane nearer than this to a sagittal slice (in slices) is that slice: rounding must not decide.
ON_A_SLICE = 1e-9
#: Axial slices on each side of the lesion's middle that give the midsagittal plane its place.
MIDLINE_REACH = 2


@dataclass(frozen=True)
class Midline:
    """The midsagittal plane between two sagittal slices.

    Parameters
    ----------
    low, high : int
        The neighbouring slices; the same where the plane lies in one.
    share : float
        Weight of `high`.
    """

    low: int
    high: int
    share: float

    @property
    def place(self) -> float:
        """Return the place of the plane, slices."""
        return self.low + self.share

    def between(self, low: Floats, high: Floats) -> Floats:
        """Return the value in the plane from those of the two slices."""
        return (1.0 - self.share) * low + self.share * high


def midline_at(place: float) -> Midline:
    """Return the plane at a place (slices)."""
    nearest = round(place)
    if abs(place - nearest) < ON_A_SLICE:
        return Midline(nearest, nearest, 0.0)
    low = int(np.floor(place))
    return Midline(low, low + 1, place - low)


def find_midline(lesion: Array, cord: Array) -> Midline:
    """Return the plane through the cord's centre round the middle of a lesion.

    The mean of the cord's centres over the five axial slices round the lesion's centre of mass; slices without cord
    are left out.
    """
    per_slice = lesion.sum(axis=(0, 1))
    middle = int(np.round((per_slice * np.arange(len(per_slice))).sum() / per_slice.sum()))
    return _midline_round(cord, middle)


def _midline_round(cord: Array, middle: int) -> Midline:
    near = cord[:, :, max(0, middle - MIDLINE_REACH) : middle + MIDLINE_REACH + 1]
    counts = near.sum(axis=(0, 1))
    moments = (near.sum(axis=1) * np.arange(near.shape[0])[:, None]).sum(axis=0)
    return midline_at(float((moments[counts > 0] / counts[counts > 0]).mean()))


class SctMeasures:
    """Measures of lesions in one cord.

    Parameters
    ----------
    cord : (nx, ny, nz) bool
        Along the axes of `cord_axes`, not empty.
    spacing_mm : (3,) of float
    voxel_mm3 : float
    """

    def __init__(self, cord: Array, spacing_mm: tuple[float, float, float], voxel_mm3: float) -> None:
        self.cord = cord
        self.spacing_mm = spacing_mm
        self.voxel_mm3 = voxel_mm3
        self.line: SliceCentreline = slice_centreline(cord, spacing_mm)
        self.forward_mm: Floats = spacing_mm[1] * np.cos(self.line.angle_sag)
        self.cord_area: Floats = cord.sum(axis=(0, 1)).astype(np.float64)

    def lesion(self, lesion: Array, midline: Midline) -> Row:
        """Return the measures of one lesion : (nx, ny, nz) bool, inside the cord, not empty."""
        x_mm, y_mm, z_mm = self.spacing_mm
        held = np.flatnonzero(lesion.any(axis=(0, 1)))
        count = lesion.sum(axis=(0, 1))[held].astype(np.float64)
        angle = self.line.angle3d[held]
        first, last = _ends(lesion.any(axis=0)[:, held])
        row: Row = {
            names.VOLUME: float(lesion.sum() * self.voxel_mm3),
            names.LENGTH: float((z_mm / np.cos(angle)).sum()),
            names.WIDTH: float(((last - first + 1) * self.forward_mm[held]).max()),
            names.DIAMETER: float(2.0 * np.sqrt((count * x_mm * y_mm * np.cos(angle)).max() / np.pi)),
            names.DAMAGE: float((count / self.cord_area[held]).max()),
            names.MIDLINE_SLICE: midline.place,
        }
        row |= self._midline_extent(lesion, midline)
        row |= self._bridges(lesion, midline, held)
        row |= self._single_slices(lesion)
        return row

    def _midline_extent(self, lesion: Array, midline: Midline) -> Row:
        soft = midline.between(
            lesion[midline.low].astype(np.float64), lesion[midline.high].astype(np.float64)
        )
        held = np.flatnonzero((soft > 0.0).any(axis=0))
        if len(held) == 0:
            return {names.MIDLINE_LENGTH: 0.0, names.MIDLINE_WIDTH: 0.0}
        part = soft[:, held]
        mean = part.sum(axis=0) / (part > 0.0).sum(axis=0)
        return {
            names.MIDLINE_LENGTH: float(
                (mean * self.spacing_mm[2] / np.cos(self.line.angle_sag[held])).sum()
            ),
            names.MIDLINE_WIDTH: float((part.sum(axis=0) * self.forward_mm[held]).max()),
        }

    def _gaps(self, lesion: Array, x: int) -> tuple[Floats, Floats]:
        """Return the voxels of cord dorsal and ventral of the lesion in a sagittal slice : 2 x (nz,), NaN without."""
        dorsal = np.full(lesion.shape[2], np.nan)
        ventral = dorsal.copy()
        held = np.flatnonzero(lesion[x].any(axis=0))
        if len(held):
            lesion_first, lesion_last = _ends(lesion[x][:, held])
            cord_first, cord_last = _ends(self.cord[x][:, held])
            dorsal[held] = np.maximum(lesion_first - cord_first, 0)
            ventral[held] = np.maximum(cord_last - lesion_last, 0)
        return dorsal, ventral

    def _single_slices(self, lesion: Array) -> Row:
        row: Row = {}
        for x in np.flatnonzero(lesion.any(axis=(1, 2))):
            dorsal, ventral = self._gaps(lesion, int(x))
            widths = float(np.nanmin(dorsal * self.forward_mm)), float(np.nanmin(ventral * self.forward_mm))
            for side, width in zip(("dorsal", "ventral"), widths, strict=True):
                row[f"slice_{x}_{side}_bridge_width [mm]"] = width
        return row

    def _bridges(self, lesion: Array, midline: Midline, held: Array) -> Row:
        low, high = self._gaps(lesion, midline.low), self._gaps(lesion, midline.high)
        sides = []
        for at_low, at_high in zip(low, high, strict=True):
            filled_low = np.where(np.isnan(at_low), at_high, at_low)
            filled_high = np.where(np.isnan(at_high), at_low, at_high)
            sides.append(midline.between(filled_low, filled_high) * self.forward_mm)
        if np.isnan(sides[0]).all():
            diameter = self.cord_diameter(midline, int(held[0]), int(held[-1]))
            return bridge_cells(0.5 * diameter, 0.5 * diameter, names.OFF_MIDLINE)
        kind = names.SECTION if lesion.shape[0] == 1 else names.MEASURED
        return bridge_cells(float(np.nanmin(sides[0])), float(np.nanmin(sides[1])), kind)

    def cord_diameter(self, midline: Midline, first: int, last: int) -> float:
        """Return the smallest A-P diameter of the cord in a plane over slices `first` to `last`, mm."""
        counts = self.cord.sum(axis=1).astype(np.float64)
        diameter = midline.between(counts[midline.low], counts[midline.high]) * self.forward_mm
        return float(np.nanmin(diameter[first : last + 1]))

    def without_lesion(self, z: int) -> Row:
        """Return the row of a cord without lesion: zeros, and the cord's A-P diameter on slice `z` as bridge."""
        midline = _midline_round(self.cord, z)
        half = 0.5 * self.cord_diameter(midline, z, z)
        row: Row = dict.fromkeys((names.VOLUME, names.LENGTH, names.WIDTH, names.DIAMETER, names.DAMAGE), 0.0)
        row |= {names.MIDLINE_SLICE: midline.place, names.MIDLINE_LENGTH: 0.0, names.MIDLINE_WIDTH: 0.0}
        return row | bridge_cells(half, half, names.NO_LESION)


def bridge_cells(dorsal: float, ventral: float, kind: str) -> Row:
    """Return the cells of two bridges (mm): widths, their sum, each one's share of it."""
    total = dorsal + ventral
    return {
        names.DORSAL: dorsal,
        names.VENTRAL: ventral,
        names.TOTAL: total,
        names.DORSAL_SHARE: 100.0 * dorsal / total if total > 0.0 else 0.0,
        names.VENTRAL_SHARE: 100.0 * ventral / total if total > 0.0 else 0.0,
        "bridge_kind": kind,
    }


def _ends(columns: Array) -> tuple[Array, Array]:
    """Return the first and last True of each column : (n, m) bool -> 2 x (m,); every column holds one."""
    return columns.argmax(axis=0), columns.shape[0] - 1 - columns[::-1].argmax(axis=0)
