"""A lesion followed along the cord: areas and diameters in planes normal to the centreline, by distance.

A profile needs no registration and is the same for a straight simulated cord and a patient's curved one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.cord_axes import cord_axes
from cordgraft_analysis.imaging.extrusion import Extrusion
from cordgraft_analysis.imaging.lesion import checked_cord, checked_model
from cordgraft_analysis.imaging.lesion_mm import cut
from cordgraft_analysis.imaging.lesion_table import Row, csv_text
from cordgraft_analysis.imaging.lesions import checked_shares, split
from cordgraft_analysis.imaging.normal_planes import NormalPlanes, normal_planes
from cordgraft_analysis.imaging.volume import Array, Floats

COLUMNS: tuple[str, ...] = (
    "s [mm]", "csa [mm2]", "lesion_area [mm2]", "damage_ratio []", "ap [mm]", "rl [mm]",
)  # fmt: skip
#: Planes per slice whose mean a piece takes.
SAMPLES_PER_SLICE = 2
#: Share of a slice below which pieces show nothing new and would not fit into memory.
FINEST_SHARE = 0.01
#: Pieces longer than this are longer than any cord.
LONGEST_MM = 1000.0


@dataclass(frozen=True)
class Profile:
    """Means over even pieces of the cord, from inferior to superior.

    Parameters
    ----------
    s_mm : (n,) float64, mm
        Middle of each piece along the centreline; 0 at the lesion's centroid (without lesion at the cord's middle),
        superior positive.
    csa, lesion_area : (n,) float64, mm2
        NaN for a section without a model of extrusion; the cord's also where the end of its mask cuts the plane.
    damage_ratio : (n,) float64
        ``lesion_area / csa``.
    ap, rl : (n,) float64, mm
        The cord's diameter in the midsagittal plane, and its largest extent across; NaN where unknown.
    step_mm : float
    lesion_present : bool
    notes : tuple of str
    """

    s_mm: Floats
    csa: Floats
    lesion_area: Floats
    damage_ratio: Floats
    ap: Floats
    rl: Floats
    step_mm: float
    lesion_present: bool
    notes: tuple[str, ...] = ()

    def rows(self) -> list[Row]:
        """Return one row for each piece; an unknown cell is None."""
        columns = (self.s_mm, self.csa, self.lesion_area, self.damage_ratio, self.ap, self.rl)
        return [
            {
                name: float(value) if np.isfinite(value) else None
                for name, value in zip(COLUMNS, cells, strict=True)
            }
            for cells in zip(*columns, strict=True)
        ]

    def csv(self) -> str:
        """Return the profile as comma-separated text."""
        return csv_text(self.rows(), COLUMNS)


def profile(
    lesion: Array,
    cord: Array,
    affine: Floats,
    step_mm: float = 1.0,
    *,
    dorsal: str = "P",
    extrusion: str | None = None,
) -> Profile:
    """Follow a lesion along the cord.

    Parameters
    ----------
    lesion, cord : (nx, ny, nz) array
        0 and 1, or shares; the lesion may be empty.
    affine : (4, 4) float64
        Voxel index to scanner mm, RAS.
    step_mm : float
        Length of a piece. Areas are means over a piece, so their sum times the step is the lesion's volume.
    dorsal : {"P", "A", "L", "R"}
    extrusion : str, optional
        For a section, as in `lesion.measure`.

    Raises
    ------
    BadInput
        As `lesion.measure`; also for a step that is not positive, finer than `FINEST_SHARE` of a slice, or longer
        than any cord.
    """
    axes = cord_axes(affine, dorsal)
    finest = FINEST_SHARE * axes.spacing_mm[2]
    if not finest <= step_mm <= LONGEST_MM:
        raise BadInput(
            Problem("no such step of a profile", key="--step-mm", value=f"{step_mm:g} mm",
                    allowed=f"{finest:.3g} mm, a hundredth of a slice, to {LONGEST_MM:g} mm")
        )  # fmt: skip
    lesion_shares = checked_shares(lesion, "lesion", axes, binary=False)
    cord_shares = checked_cord(cord, lesion_shares, axes, binary=False)
    model = checked_model(extrusion, lesion_shares.shape, "mm")
    parts = split(lesion_shares, cord_shares, axes)
    planes = normal_planes(cord_shares, axes.spacing_mm)
    whole = parts.all_parts

    held = np.flatnonzero(cord_shares.any(axis=(0, 1)))
    bottom = planes.slice_place_mm(float(held[0]) - 0.5)
    top = planes.slice_place_mm(float(held[-1]) + 0.5)
    zero = _centroid_mm(planes, whole) if parts.count else 0.5 * (bottom + top)
    pieces = np.arange(np.ceil((bottom - zero) / step_mm), np.floor((top - zero) / step_mm) + 1.0)
    cells = _means(planes, cord_shares, whole, zero + pieces * step_mm, step_mm, model)
    notes = (
        parts.notes if parts.count else (*parts.notes, "no lesion is present; 0 mm is the middle of the cord")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(cells[0] > 0.0, cells[1] / cells[0], np.nan)
    return Profile(
        pieces * step_mm, cells[0], cells[1], ratio, cells[2], cells[3], step_mm, parts.count > 0, notes
    )


def _centroid_mm(planes: NormalPlanes, shares: Floats) -> float:
    """Return the place along the cord of a lesion's centroid, mm: the mean over its voxels."""
    index = np.argwhere(shares > 0.0)
    places = planes.place_mm(index * np.asarray(planes.spacing_mm))
    known = np.isfinite(places)
    weights = shares[tuple(index.T)][known]
    return float((weights * places[known]).sum() / weights.sum())


def _means(
    planes: NormalPlanes,
    cord: Floats,
    lesion: Floats,
    middles: Floats,
    step_mm: float,
    model: Extrusion | None,
) -> list[Floats]:
    """Return means of cord area, lesion area, A-P and R-L diameter over pieces round `middles` : 4 x (n,)."""
    fine = max(1, int(np.ceil(step_mm / (planes.spacing_mm[2] / SAMPLES_PER_SLICE))))
    offsets = ((np.arange(fine) + 0.5) / fine - 0.5) * step_mm
    s_mm = (middles[:, None] + offsets).ravel()
    whole = cut(planes, cord, s_mm, model, generous=True)
    part = cut(planes, lesion, s_mm, model)
    # A plane that the end of the mask cuts has no cross-section; what lesion it holds still counts.
    uncut = planes.whole(s_mm)
    values = (
        np.where(uncut, whole.area_mm2, np.nan),
        part.area_mm2,
        np.where(uncut, whole.midline_mm[1] - whole.midline_mm[0], np.nan),
        np.where(uncut, whole.across_mm[1] - whole.across_mm[0], np.nan),
    )
    return [_known_mean(value.reshape(len(middles), fine)) for value in values]


def _known_mean(values: Floats) -> Floats:
    """Return the mean of what is known in each row : (n, m) -> (n,); NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
