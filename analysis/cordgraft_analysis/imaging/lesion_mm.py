"""Lesion measures by true distances in planes normal to the centreline, for binary masks and for masks of shares.

Edges lie where the share passes one half (`crossings`), areas and volumes are sums of shares. The midsagittal plane
is the one through the centreline that holds the dorso-ventral axis of the volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.crossings import edges, held_length
from cordgraft_analysis.imaging.extrusion import Extrusion
from cordgraft_analysis.imaging.lesion_sct import bridge_cells
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.normal_planes import NormalPlanes, normal_planes
from cordgraft_analysis.imaging.volume import Array, Floats

#: Planes sampled at one time: bounds the memory of a long volume.
CHUNK = 64


@dataclass(frozen=True)
class Sections:
    """What one mask looks like in planes normal to the cord.

    Parameters
    ----------
    s_mm : (n,) float64, mm
    area_mm2 : (n,) float64
        Sum of shares; under the model of extrusion for a section, NaN without one.
    peak : (n,) float64
        Largest share.
    forward_mm : (2, n) float64
        Most dorsal and most ventral edge anywhere in the plane, mm from the centreline; NaN where there is none.
    across_mm : (2, n) float64
        The edges across the cord.
    midline : (n, nv) float64
        Shares in the midsagittal plane.
    midline_mm : (2, n) float64
        Most dorsal and most ventral edge there.
    """

    s_mm: Floats
    area_mm2: Floats
    peak: Floats
    forward_mm: Floats
    across_mm: Floats
    midline: Floats
    midline_mm: Floats


def cut(
    planes: NormalPlanes, mask: Array, s_mm: Floats, extrusion: Extrusion | None, generous: bool = False
) -> Sections:
    """Cut a mask : (nx, ny, nz), shares, by the planes at `s_mm` : (n,)."""
    parts = [
        _cut(planes, mask, s_mm[at : at + CHUNK], extrusion, generous) for at in range(0, len(s_mm), CHUNK)
    ]
    joined = [np.concatenate([part[item] for part in parts], axis=-1) for item in (0, 1, 2, 3, 5)]
    return Sections(
        s_mm,
        joined[0],
        joined[1],
        joined[2],
        joined[3],
        np.concatenate([part[4] for part in parts]),
        joined[4],
    )


def _cut(
    planes: NormalPlanes, mask: Array, s_mm: Floats, extrusion: Extrusion | None, generous: bool
) -> tuple[Floats, ...]:
    shares = planes.sample(mask, s_mm)
    across, forward = planes.fine_mm
    middle = shares[:, len(planes.across_mm) // 2]
    if not planes.section:
        area = shares.sum(axis=(1, 2)) * across * forward
    elif extrusion is None:
        area = np.full(len(s_mm), np.nan)
    else:
        area = (middle * _area_per_mm(extrusion, planes.forward_mm)).sum(axis=-1) * forward
    first, last = edges(shares, planes.forward_mm, generous)
    forward_mm = np.stack((_smallest(first), -_smallest(-last)))
    if planes.section:
        across_mm = np.full((2, len(s_mm)), np.nan)
    else:
        left, right = edges(shares.swapaxes(1, 2), planes.across_mm, generous)
        across_mm = np.stack((_smallest(left), -_smallest(-right)))
    return (
        area,
        shares.max(axis=(1, 2)),
        forward_mm,
        across_mm,
        middle,
        np.stack(edges(middle, planes.forward_mm, generous)),
    )


def _area_per_mm(extrusion: Extrusion, forward_mm: Floats) -> Floats:
    """Return the area that each mm of a section stands for, at its distance from the centreline, mm2/mm.

    Half an elliptic ring, so that either side of the section stands for its own half, or the width of a slab.
    """
    if extrusion.kind == "extrude":
        return np.full_like(forward_mm, extrusion.value)
    result: Floats = extrusion.value * np.pi * np.abs(forward_mm)
    return result


def _smallest(values: Floats) -> Floats:
    """Return the smallest number of each row : (n, m) -> (n,); NaN where there is none."""
    lowest = np.where(np.isnan(values), np.inf, values).min(axis=-1)
    return np.where(np.isinf(lowest), np.nan, lowest)


class MmMeasures:
    """Measures of lesions in one cord.

    Parameters
    ----------
    cord : (nx, ny, nz) float64
        0 to 1, along the axes of `cord_axes`, not empty.
    spacing_mm : (3,) of float
    voxel_mm3 : float
    extrusion : Extrusion, optional
        For a section only.
    """

    def __init__(
        self,
        cord: Floats,
        spacing_mm: tuple[float, float, float],
        voxel_mm3: float,
        extrusion: Extrusion | None = None,
    ) -> None:
        self.cord = cord
        self.spacing_mm = spacing_mm
        self.voxel_mm3 = voxel_mm3
        self.extrusion = extrusion
        self.planes = normal_planes(cord, spacing_mm)

    def sections(self, lesion: Floats) -> tuple[Sections, Sections]:
        """Return the lesion : (nx, ny, nz), shares, not empty, and the cord round it in the same planes."""
        held = np.flatnonzero(lesion.any(axis=(0, 1)))
        s_mm = self.planes.along(float(held[0]) - self._lean(lesion), float(held[-1]) + self._lean(lesion))
        found = cut(self.planes, lesion, s_mm, self.extrusion)
        return found, cut(self.planes, self.cord, s_mm, self.extrusion, generous=True)

    def damage(self, found: Sections, cord: Sections) -> tuple[Floats, int]:
        """Return the damage ratio in each plane : (n,), NaN where there is none, and the plane of the epicentre."""
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(cord.area_mm2 > 0.0, found.area_mm2 / cord.area_mm2, np.nan)
        # A ratio of two slivers at the end of the cord is no damage; if there is nothing else, it is taken.
        ratio = np.where(cord.peak > 0.5, ratio, np.nan)
        whole = self.planes.whole(found.s_mm)
        if np.isfinite(ratio[whole]).any():
            ratio = np.where(whole, ratio, np.nan)
        return ratio, int(np.nanargmax(ratio)) if np.isfinite(ratio).any() else int(found.peak.argmax())

    def bridges(self, found: Sections, cord: Sections) -> tuple[Floats, Floats]:
        """Return the dorsal and the ventral bridge in each plane : 2 x (n,), mm; NaN where none is measured."""
        present = np.isfinite(found.midline_mm[0]) & np.isfinite(cord.midline_mm[0])
        whole = self.planes.whole(found.s_mm)
        if (present & whole).any():
            present &= whole
        dorsal = np.maximum(found.midline_mm[0] - cord.midline_mm[0], 0.0)
        ventral = np.maximum(cord.midline_mm[1] - found.midline_mm[1], 0.0)
        return np.where(present, dorsal, np.nan), np.where(present, ventral, np.nan)

    def lesion(self, lesion: Floats) -> Row:
        """Return the measures of one lesion, or of several taken together : (nx, ny, nz), shares, not empty."""
        found, cord = self.sections(lesion)
        s_mm = found.s_mm
        step = float(s_mm[1] - s_mm[0])
        volume = float(lesion.sum() * self.voxel_mm3)
        if self.planes.section:
            volume = float(found.area_mm2.sum() * step)
        first, last = edges(found.peak, s_mm)
        ratio, epicentre = self.damage(found, cord)
        row: Row = {
            names.VOLUME: volume,
            names.LENGTH: held_length(found.peak, s_mm),
            names.WIDTH: _largest(found.forward_mm[1] - found.forward_mm[0]),
            names.DIAMETER: float(2.0 * np.sqrt(found.area_mm2.max() / np.pi)),
            names.DAMAGE: float(ratio[epicentre]),
            names.IMLL: float(last - first) if np.isfinite(first) else 0.0,
            names.CORD_AREA: float(cord.area_mm2[epicentre]),
            names.PRESERVED: float(cord.area_mm2[epicentre] - found.area_mm2[epicentre]),
        }
        row |= self._midline(found, cord, step)
        row |= self._errors(s_mm, epicentre)
        return row

    def _lean(self, lesion: Floats) -> float:
        """Return how many slices a plane normal to the cord reaches up or down within a lesion."""
        across, forward = np.abs(self.planes.offsets_mm(lesion)).max(axis=1)
        slope = np.abs(np.diff(self.planes.centre, axis=0)) * self.spacing_mm[:2] / self.spacing_mm[2]
        steepest = slope.max(axis=0)
        return float((across * steepest[0] + forward * steepest[1]) / self.spacing_mm[2])

    def _midline(self, found: Sections, cord: Sections, step: float) -> Row:
        planes, s_mm = self.planes, found.s_mm
        weight = planes.stretch(s_mm) * planes.fine_mm[1] * step
        in_line = found.midline.max(axis=-1)
        beside = self.bridges(found, cord)
        present = np.isfinite(beside[0])
        diameter = cord.midline_mm[1] - cord.midline_mm[0]
        row: Row = {
            names.MIDLINE_SLICE: self._midline_slice(found),
            names.MIDLINE_LENGTH: held_length(in_line, s_mm),
            names.MIDLINE_WIDTH: _largest(found.midline_mm[1] - found.midline_mm[0]),
            names.MIDLINE_AREA: float((found.midline * weight).sum()),
        }
        if not present.any():
            spanned = np.isfinite(diameter) & (found.peak > 0.5)
            smallest = float(diameter[spanned].min()) if spanned.any() else _smallest_of(diameter)
            row |= bridge_cells(0.5 * smallest, 0.5 * smallest, names.OFF_MIDLINE)
            return row | {names.NARROWEST: smallest, names.CORD_AP: smallest, names.BRIDGE_OF_CORD: 100.0}
        dorsal, ventral = beside[0][present], beside[1][present]
        kind = names.SECTION if planes.section else names.MEASURED
        row |= bridge_cells(float(dorsal.min()), float(ventral.min()), kind)
        narrowest = int((dorsal + ventral).argmin())
        total, depth = float((dorsal + ventral)[narrowest]), float(diameter[present][narrowest])
        return row | {
            names.NARROWEST: total,
            names.CORD_AP: depth,
            names.BRIDGE_OF_CORD: 100.0 * total / depth,
        }

    def _midline_slice(self, found: Sections) -> float:
        """Return the sagittal slice in which the centreline passes the lesion's middle, slices."""
        weight = np.maximum(found.peak, 0.0)
        middle = float((weight * found.s_mm).sum() / weight.sum())
        place = self.planes.frame(np.array([middle]))[0][0]
        return float(place[0] / self.spacing_mm[0])

    def _errors(self, s_mm: Floats, at: int) -> Row:
        _, _, forward, tangent = self.planes.frame(s_mm[at : at + 1])
        return {
            names.LENGTH_ERROR: float(self.spacing_mm[2] / tangent[0, 2]),
            names.BRIDGE_ERROR: float(self.spacing_mm[1] * abs(forward[0, 1])),
        }

    def without_lesion(self, z: float) -> Row:
        """Return the row of a cord without lesion: zeros, and the cord's A-P diameter at slice `z` as bridge."""
        s_mm = np.array([self.planes.slice_place_mm(z)])
        cord = cut(self.planes, self.cord, s_mm, self.extrusion, generous=True)
        diameter = float(cord.midline_mm[1, 0] - cord.midline_mm[0, 0])
        zero = (
            names.VOLUME, names.LENGTH, names.WIDTH, names.DIAMETER, names.DAMAGE, names.IMLL,
            names.MIDLINE_LENGTH, names.MIDLINE_WIDTH, names.MIDLINE_AREA,
        )  # fmt: skip
        row: Row = dict.fromkeys(zero, 0.0)
        row |= bridge_cells(0.5 * diameter, 0.5 * diameter, names.NO_LESION)
        row |= {names.NARROWEST: diameter, names.CORD_AP: diameter, names.BRIDGE_OF_CORD: 100.0}
        row |= {names.CORD_AREA: float(cord.area_mm2[0]), names.PRESERVED: float(cord.area_mm2[0])}
        row[names.MIDLINE_SLICE] = float(self.planes.frame(s_mm)[0][0, 0] / self.spacing_mm[0])
        return row | self._errors(s_mm, 0)


def _largest(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0


def _smallest_of(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.min()) if len(known) else 0.0
