"""Shape of the spinal cord slice by slice and level by level, in the columns of the Spinal Cord Toolbox.

Every axial slice is corrected for the angle of the cord, sampled at 0.1 mm, and described by the sum of its shares
(area) and by the moments and the outline of what is above one half. Written anew from the description of the
toolbox's formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.centreline import slice_centreline
from cordgraft_analysis.imaging.cord_axes import CordAxes, cord_axes
from cordgraft_analysis.imaging.crossings import edges
from cordgraft_analysis.imaging.lesion_table import Row, csv_text
from cordgraft_analysis.imaging.lesions import checked_shares
from cordgraft_analysis.imaging.volume import Array, Floats

#: Edge of a sample in the slice, mm, for people. A finer scan (a rodent's) is sampled at half its voxel.
SAMPLE_MM = 0.1
#: Empty samples round the cord, in voxels of the scan.
MARGIN = 3
#: Measures of a slice, in the toolbox's order and words; diameters and length in mm, area in mm2, angles in degrees.
MEASURES: tuple[str, ...] = (
    "area", "angle_AP", "angle_RL", "diameter_AP", "diameter_AP_ellipse", "diameter_RL",
    "eccentricity", "orientation", "solidity", "length",
)  # fmt: skip
#: Numbers of vertebral levels as label files have them.
LEVEL_NAMES: dict[int, str] = {
    **{number: f"C{number}" for number in range(1, 8)},
    **{7 + number: f"T{number}" for number in range(1, 13)},
    **{19 + number: f"L{number}" for number in range(1, 6)},
}


@dataclass(frozen=True)
class CordShape:
    """Shape of the cord on its axial slices, from inferior to superior.

    Parameters
    ----------
    slices : (n,) int
        Slices with cord, counted from inferior.
    values : dict of str to (n,) float64
        A key for each of `MEASURES`; NaN on slices where the cord is in several pieces (the angles and the length
        are known there too).
    levels : (n,) int
        Vertebral level of each slice, 0 where none is known.
    place_mm : (n,) float64
        Middle of each slice along the cord, mm from its lowest end.
    spacing_mm : (3,) of float
    notes : tuple of str
    """

    slices: Array
    values: dict[str, Floats]
    levels: Array
    place_mm: Floats
    spacing_mm: tuple[float, float, float]
    notes: tuple[str, ...] = ()

    def slice_rows(self) -> list[Row]:
        """Return one row for each slice, with the columns of the toolbox's table per slice."""
        return [
            {
                "Slice (I->S)": str(int(number)),
                "VertLevel": int(self.levels[at]) or None,
                **self._cells(np.array([at])),
            }
            for at, number in enumerate(self.slices)
        ]

    def level_rows(self) -> list[Row]:
        """Return one row for each vertebral level, from the head downwards: means and SDs over its slices."""
        rows: list[Row] = []
        for level in sorted(set(self.levels.tolist()) - {0}):
            at = np.flatnonzero(self.levels == level)
            numbers = self.slices[at]
            rows.append(
                {"Slice (I->S)": f"{numbers[0]}:{numbers[-1]}", "VertLevel": int(level), **self._cells(at)}
            )
        return rows

    def mean(self, measure: str, at: Array) -> float:
        """Return the plain mean of a measure over slices `at` (positions in `slices`); NaN if none is known."""
        values = self.values[measure][at]
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else float("nan")

    def _cells(self, at: Array) -> Row:
        row: Row = {}
        for name in MEASURES[:-1]:
            known = self.values[name][at]
            known = known[np.isfinite(known)]
            row[f"MEAN({name})"] = float(known.mean()) if len(known) else None
            row[f"STD({name})"] = float(known.std()) if len(known) else None
        row["SUM(length)"] = float(self.values["length"][at].sum())
        return row

    def csv(self, per_level: bool = False) -> str:
        """Return the table per slice or per level as comma-separated text."""
        rows = self.level_rows() if per_level else self.slice_rows()
        names = list(rows[0]) if rows else ["Slice (I->S)", "VertLevel"]
        return csv_text(rows, names)


def shape(cord: Array, affine: Floats, levels: Array | None = None, *, dorsal: str = "P") -> CordShape:
    """Measure the shape of the cord on every axial slice.

    Parameters
    ----------
    cord : (nx, ny, nz) array
        0 and 1, or shares. A slice of shares is scaled to a largest share of 1, as the toolbox does.
    affine : (4, 4) float64
        Voxel index to scanner mm, RAS.
    levels : (nx, ny, nz) int array, optional
        Vertebral levels on the same grid (1 is C1, 8 is T1, 20 is L1), 0 elsewhere. A slice has the level that most
        of its cord voxels carry.
    dorsal : {"P", "A", "L", "R"}

    Raises
    ------
    BadInput
        An empty mask, values that are no shares, levels of another shape or that are no whole numbers from 0, a mask
        that is one voxel across or one voxel deep.
    """
    axes = cord_axes(affine, dorsal)
    shares = checked_shares(cord, "cord", axes, binary=False)
    if not (shares > 0.0).any():
        raise BadInput(Problem("the cord mask is empty", key="cord", allowed="a mask of the whole cord"))
    if min(shares.shape[:2]) == 1:
        raise BadInput(
            Problem("a single section has no cross-section", key="cord", value=f"shape {shares.shape}")
        )
    x_mm, y_mm, z_mm = axes.spacing_mm
    line = slice_centreline(shares, axes.spacing_mm)
    held = np.flatnonzero(shares.any(axis=(0, 1)))
    values = {name: np.full(len(held), np.nan) for name in MEASURES}
    values["angle_AP"] = np.rad2deg(line.angle_ap[held])
    values["angle_RL"] = np.rad2deg(line.angle_rl[held])
    narrower = np.cos(line.angle_ap), np.cos(line.angle_rl)
    values["length"] = z_mm / (narrower[0][held] * narrower[1][held])
    broken = []
    sample_mm = min(SAMPLE_MM, 0.5 * min(x_mm, y_mm))
    for at, z in enumerate(held):
        pixel = x_mm * float(narrower[0][z]), y_mm * float(narrower[1][z])
        fine = _sampled(shares[:, :, z], pixel, sample_mm)
        found = _describe(fine, sample_mm)
        if found is None:
            broken.append(int(z))
            continue
        for name, value in found.items():
            values[name][at] = value
    steps = np.diff(held) * z_mm / (narrower[0][held[:-1]] * narrower[1][held[:-1]])
    place = np.concatenate(([0.0], np.cumsum(steps))) + 0.5 * float(values["length"][0])
    notes = _notes(broken, held)
    numbers = np.zeros(len(held), dtype=np.int64) if levels is None else _levels(levels, shares, held, axes)
    return CordShape(held, values, numbers, place, axes.spacing_mm, notes)


def _notes(broken: list[int], held: Array) -> tuple[str, ...]:
    notes = []
    if broken:
        notes.append(
            f"the cord is in several pieces, or has no core, on slices {_list(broken)}: no shape there"
        )
    gaps = np.setdiff1d(np.arange(held[0], held[-1] + 1), held)
    if len(gaps):
        notes.append(f"the cord has gaps at slices {_list(gaps.tolist())}")
    return tuple(notes)


def _list(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:8])
    return shown if len(numbers) <= 8 else f"{shown} and {len(numbers) - 8} more"


def _levels(levels: Array, shares: Floats, held: Array, axes: CordAxes) -> Array:
    given = np.asarray(levels)
    if given.ndim != 3:
        raise BadInput(Problem("the levels are not 3-D", key="levels", value=f"shape {given.shape}"))
    labels = axes.turn(given)
    if labels.shape != shares.shape:
        raise BadInput(
            Problem(
                "cord and levels are on different grids",
                key="levels",
                value=f"{labels.shape} for the levels, {shares.shape} for the cord",
            )
        )
    if not np.isfinite(labels).all() or (labels < 0).any() or (labels != np.round(labels)).any():
        raise BadInput(Problem("the levels are no whole numbers from 0", key="levels"))
    result = np.zeros(len(held), dtype=np.int64)
    for at, z in enumerate(held):
        inside = labels[:, :, z][shares[:, :, z] > 0.0].astype(np.int64)
        inside = inside[inside > 0]
        if len(inside):
            result[at] = int(np.bincount(inside).argmax())
    return result


def _sampled(flat: Floats, pixel_mm: tuple[float, float], sample_mm: float) -> Floats:
    """Return a slice at even samples round its cord, scaled to a largest share of 1 : (n, m)."""
    from scipy.ndimage import map_coordinates

    places = []
    for axis, edge in enumerate(pixel_mm):
        held = np.flatnonzero(flat.any(axis=1 - axis))
        low, high = (held[0] - MARGIN - 0.5) * edge, (held[-1] + MARGIN + 0.5) * edge
        count = int(np.ceil((high - low) / sample_mm - 1e-9))
        places.append((low + (np.arange(count) + 0.5) * sample_mm) / edge)
    grid = np.meshgrid(*places, indexing="ij")
    fine = map_coordinates(np.pad(flat, 1), [axis + 1.0 for axis in grid], order=1, mode="constant")
    result: Floats = fine / fine.max() if fine.max() > 0.0 else fine
    return result


def _describe(fine: Floats, sample_mm: float) -> dict[str, float] | None:
    """Return the shape of a sampled slice; None if it holds no object, or several."""
    from scipy.ndimage import label

    solid = fine > 0.5
    _, pieces = label(solid, np.ones((3, 3)))
    if pieces != 1:
        return None
    index = np.argwhere(solid).astype(np.float64)
    middle = index.mean(axis=0)
    offset = index - middle
    # A sample is a square, not a point: its own second moment is 1/12.
    moment = offset.T @ offset / len(index) + np.eye(2) / 12.0
    sizes, directions = np.linalg.eigh(moment)
    lengths = 4.0 * np.sqrt(sizes) * sample_mm
    # R-L is the main axis that lies nearest to the scanner's; in a healthy cord it is the long one.
    across = int(np.abs(directions[0]).argmax())
    towards = directions[:, across] if directions[0, across] >= 0.0 else -directions[:, across]
    forward = np.array([-towards[1], towards[0]])
    return {
        "area": float(fine.sum() * sample_mm**2),
        "diameter_AP": _extent(fine, middle, forward) * sample_mm,
        "diameter_AP_ellipse": float(lengths[1 - across]),
        "diameter_RL": float(lengths[across]),
        "eccentricity": float(np.sqrt(max(0.0, 1.0 - sizes[0] / sizes[1]))),
        "orientation": float(np.rad2deg(np.arctan2(towards[1], towards[0]))),
        "solidity": len(index) / _hull_count(solid),
    }


def _extent(fine: Floats, middle: Floats, direction: Floats) -> float:
    """Return how far the object reaches along a line through its middle, samples."""
    from scipy.ndimage import map_coordinates

    reach = float(np.hypot(*fine.shape))
    along = np.arange(-reach, reach, 0.5)
    line = map_coordinates(
        fine, [middle[a] + along * direction[a] for a in range(2)], order=1, mode="constant"
    )
    first, last = edges(line, along)
    return float(last - first)


def _hull_count(solid: Array) -> int:
    """Return the number of samples whose middle lies in the convex hull of the object's squares."""
    from scipy.spatial import ConvexHull

    index = np.argwhere(solid).astype(np.float64)
    # The hull runs through the middles of the outer edges, so that a straight border adds nothing.
    sides = np.concatenate([index + step for step in ((0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))])
    hull = ConvexHull(sides)
    every = np.argwhere(np.ones_like(solid)).astype(np.float64)
    inside = np.ones(len(every), dtype=bool)
    for normal_x, normal_y, shift in np.unique(hull.equations, axis=0):
        inside &= every[:, 0] * normal_x + every[:, 1] * normal_y + shift <= 1e-9
    return max(int(inside.sum()), len(index))
