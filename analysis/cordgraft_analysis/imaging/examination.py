"""One examination made ready for a report: what its masks measure, and where in the scan that is.

The places come from the measurement itself, so that a bridge is drawn where it was found. Places are in mm along the
volume's own axes as `cord_axes` turns them: across, forward (from dorsal to ventral), along (from inferior to
superior).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.cord_axes import CordAxes, cord_axes
from cordgraft_analysis.imaging.extrusion import parse_extrusion
from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.lesion import checked_cord, measure
from cordgraft_analysis.imaging.lesion_mm import MmMeasures
from cordgraft_analysis.imaging.lesion_table import LesionTable
from cordgraft_analysis.imaging.lesions import checked_shares, split
from cordgraft_analysis.imaging.normal_planes import NormalPlanes
from cordgraft_analysis.imaging.profile import Profile, profile
from cordgraft_analysis.imaging.scan_file import ScanFile
from cordgraft_analysis.imaging.volume import Array, Floats

#: What is shown in front of the cord and behind it, and round it in the plane across it, over its A-P diameter.
BESIDE, ROUND = 1.4, 0.9
#: Longest piece of cord that a picture shows, mm, and what it shows beyond the lesion at each end if that is longer.
SHOWN_MM, BEYOND_MM = 90.0, 15.0
#: Samples per voxel edge of an image in a picture.
FINE = 2
#: Finest step of a picture, mm per mm of its height: more is not seen.
FINEST = 1.0 / 400.0

Side = Literal["dorsal", "ventral"]


@dataclass(frozen=True)
class Bridge:
    """A tissue bridge as it is drawn.

    Parameters
    ----------
    side : {"dorsal", "ventral"}
    width_mm : float
    error_mm : float
        Uncertainty: one voxel.
    ends_mm : (2, 3) float64
        Edge of the cord and edge of the lesion.
    """

    side: Side
    width_mm: float
    error_mm: float
    ends_mm: Floats


@dataclass(frozen=True)
class Picture:
    """An image in a plane, with the masks on a grid of their own.

    Parameters
    ----------
    image : (rows, columns) float64 or None
        NaN outside the volume; None without an image.
    columns_mm, rows_mm : (columns,), (rows,) float64
        Places of the samples from the middle of the picture, mm.
    mask_columns_mm, mask_rows_mm : (m, n) float64
        Places of the samples of the masks.
    cord, lesion : (m, n) float64
        Shares.
    """

    image: Floats | None
    columns_mm: Floats
    rows_mm: Floats
    mask_columns_mm: Floats
    mask_rows_mm: Floats
    cord: Floats
    lesion: Floats


@dataclass(frozen=True)
class Examination:
    """Measures of one scan and the geometry of its pictures.

    Parameters
    ----------
    title : str
        Who and when: ``"sub-01, ses-m06"``, or the name of the lesion's file.
    table : LesionTable
        By method ``mm``.
    sct : LesionTable or None
        By the formulas of SCT; None for masks of shares.
    along : Profile
    sagittal : Picture
        Columns forward, rows along, both from the epicentre.
    axial : Picture
        In the plane of the epicentre normal to the cord: columns across, rows forward.
    bridges : tuple of Bridge
        Where they are narrowest; empty where none is measured. `ends_mm` are from the epicentre.
    sides : tuple of str
        What lies at the small and at the large end of the axis across: letters of the scanner's world.
    files : tuple of ScanFile
    findings : tuple of Finding
    months : float or None
        Since the injury.
    section : bool
        Whether the masks are one voxel across.
    """

    title: str
    table: LesionTable
    sct: LesionTable | None
    along: Profile
    sagittal: Picture
    axial: Picture
    bridges: tuple[Bridge, ...]
    sides: tuple[str, str]
    files: tuple[ScanFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    months: float | None = None
    section: bool = False

    @property
    def lesion_present(self) -> bool:
        """Whether the mask holds a lesion."""
        return bool(self.table.total["lesion_present"])


def examine(
    title: str,
    lesion: Array,
    cord: Array,
    affine: Floats,
    image: Array | None = None,
    *,
    dorsal: str = "P",
    extrusion: str | None = None,
    step_mm: float = 1.0,
    files: Sequence[ScanFile] = (),
    findings: Sequence[Finding] = (),
    months: float | None = None,
) -> Examination:
    """Measure a scan and prepare its pictures.

    Parameters
    ----------
    title : str
    lesion, cord : (nx, ny, nz) array
        0 and 1, or shares; the lesion may be empty.
    affine : (4, 4) float64
        Voxel index to scanner mm, RAS.
    image : (nx, ny, nz) array, optional
        On the same grid; values that are not finite are not shown.
    dorsal : {"P", "A", "L", "R"}
    extrusion : str, optional
        For a section, see `lesion.measure`.
    step_mm : float
        Of the profile.
    files, findings, months
        As in `Examination`.

    Raises
    ------
    BadInput
        As `lesion.measure`.
    """
    table = measure(lesion, cord, affine, dorsal=dorsal, extrusion=extrusion)
    whole = all(np.isin(np.asarray(mask), (0, 1)).all() for mask in (lesion, cord))
    sct = measure(lesion, cord, affine, dorsal=dorsal, method="sct") if whole and extrusion is None else None
    along = profile(lesion, cord, affine, step_mm, dorsal=dorsal, extrusion=extrusion)
    axes = cord_axes(affine, dorsal)
    shares = checked_shares(lesion, "lesion", axes, binary=False)
    cord_shares = checked_cord(cord, shares, axes, binary=False)
    parts = split(shares, cord_shares, axes).all_parts
    model = None if extrusion is None else parse_extrusion(extrusion)
    measures = MmMeasures(cord_shares, axes.spacing_mm, axes.voxel_mm3, model)
    signal = None if image is None else axes.turn(np.asarray(image, dtype=np.float64))
    epicentre_mm, bridges = _epicentre(measures, parts)
    middle = measures.planes.frame(np.array([epicentre_mm]))[0][0]
    depth = _depth_mm(measures.planes, cord_shares)
    return Examination(
        title,
        table,
        sct,
        along,
        _sagittal(measures.planes, cord_shares, parts, signal, middle, depth),
        _axial(measures.planes, cord_shares, parts, signal, epicentre_mm, depth),
        tuple(replace(one, ends_mm=one.ends_mm - middle) for one in bridges),
        _sides(affine, axes),
        tuple(files),
        tuple(findings),
        months,
        measures.planes.section,
    )


def _epicentre(measures: MmMeasures, parts: Floats) -> tuple[float, tuple[Bridge, ...]]:
    """Return the place of the epicentre along the cord, mm (the cord's middle without lesion), and the bridges."""
    planes = measures.planes
    if not parts.any():
        held = np.flatnonzero(measures.cord.any(axis=(0, 1)))
        return planes.slice_place_mm(float(held[len(held) // 2])), ()
    found, cord = measures.sections(parts)
    _, at = measures.damage(found, cord)
    if not np.isfinite(found.area_mm2).any():  # a section: where it is widest
        at = int(np.nanargmax(np.nan_to_num(found.forward_mm[1] - found.forward_mm[0], nan=-1.0)))
    epicentre_mm = float(found.s_mm[at])
    row = measures.lesion(parts)
    if row["bridge_kind"] not in (names.MEASURED, names.SECTION):
        return epicentre_mm, ()
    place, _, forward, _ = planes.frame(found.s_mm)
    error = row[names.BRIDGE_ERROR]
    assert isinstance(error, float)
    bridges = []
    sides: tuple[Side, Side] = ("dorsal", "ventral")
    for index, (side, widths) in enumerate(zip(sides, measures.bridges(found, cord), strict=True)):
        narrow = int(np.nanargmin(widths))
        outer, inner = cord.midline_mm[index, narrow], found.midline_mm[index, narrow]
        ends = place[narrow] + np.array([[outer], [inner]]) * forward[narrow]
        bridges.append(Bridge(side, float(widths[narrow]), error, ends))
    return epicentre_mm, tuple(bridges)


def _sides(affine: Floats, axes: CordAxes) -> tuple[str, str]:
    """Return the letters of the scanner's world at the small and at the large end of the axis across."""
    direction = np.asarray(affine, dtype=np.float64)[:3, axes.order[0]] * axes.flips[0]
    world = int(np.abs(direction).argmax())
    ends = ("LR", "PA", "IS")[world]
    return (ends[0], ends[1]) if direction[world] > 0 else (ends[1], ends[0])


def _depth_mm(planes: NormalPlanes, cord: Floats) -> float:
    """Return the median over the slices of the cord's extent from dorsal to ventral, mm."""
    extent = (cord > 0.0).any(axis=0).sum(axis=0)
    return float(np.median(extent[extent > 0])) * planes.spacing_mm[1]


def _sagittal(
    planes: NormalPlanes, cord: Floats, lesion: Floats, image: Floats | None, middle: Floats, depth_mm: float
) -> Picture:
    """Return the curved sagittal plane that holds the centreline; the picture is not straightened."""
    _, forward_edge, along_edge = planes.spacing_mm
    low, high = _shown(planes, lesion, middle[2])
    held = np.flatnonzero(cord.any(axis=(0, 1)))
    s_mm = planes.along(float(held[0]), float(held[-1]))
    place, _, e2, _ = planes.frame(s_mm)
    seen = (place[:, 2] >= low - depth_mm) & (place[:, 2] <= high + depth_mm)
    s_mm, place, e2 = s_mm[seen], place[seen], e2[seen]
    in_line = planes if planes.section else replace(planes, across_mm=np.zeros(1))
    masks = [_in_line(in_line, mask, s_mm) for mask in (cord, lesion)]
    forward = place[:, None, 1] + planes.forward_mm * e2[:, None, 1]
    upward = place[:, None, 2] + planes.forward_mm * e2[:, None, 2]
    inside = masks[0] > 0.0
    front = (forward[inside].min() - BESIDE * depth_mm, forward[inside].max() + BESIDE * depth_mm)
    fine = FINEST * (high - low)
    columns = _even(*front, max(forward_edge / FINE, fine))
    rows = _even(low, high, max(along_edge / FINE, fine))
    shown = None
    if image is not None:
        slices = np.arange(len(planes.centre)) - (len(planes.centre) - image.shape[2]) // 2
        across = np.interp(rows / along_edge, slices, planes.centre[:, 0])
        across = np.zeros_like(across) if planes.section else across
        index = np.broadcast_arrays(across[:, None], columns[None] / forward_edge, rows[:, None] / along_edge)
        shown = _signal(image, np.stack(index))
    return Picture(
        shown,
        columns - middle[1],
        rows - middle[2],
        forward - middle[1],
        upward - middle[2],
        masks[0],
        masks[1],
    )


def _in_line(planes: NormalPlanes, mask: Floats, s_mm: Floats) -> Floats:
    """Return shares in the midsagittal plane : (n, nv), a piece at a time."""
    pieces = [planes.sample(mask, s_mm[at : at + 256])[:, 0] for at in range(0, len(s_mm), 256)]
    return np.concatenate(pieces)


def _shown(planes: NormalPlanes, lesion: Floats, middle_mm: float) -> tuple[float, float]:
    """Return the lowest and the highest place along the volume that a picture shows, mm."""
    edge = planes.spacing_mm[2]
    held = np.flatnonzero(lesion.any(axis=(0, 1)))
    lowest, highest = min((planes.ends[0], *held)), max((planes.ends[1], *held))
    low, high = (lowest - 0.5) * edge, (highest + 0.5) * edge
    if high - low <= SHOWN_MM:
        return low, high
    ends = (held[0] * edge, held[-1] * edge) if len(held) else (middle_mm, middle_mm)
    reach = max(0.5 * SHOWN_MM, middle_mm - ends[0] + BEYOND_MM, ends[1] - middle_mm + BEYOND_MM)
    return max(low, middle_mm - reach), min(high, middle_mm + reach)


def _axial(
    planes: NormalPlanes, cord: Floats, lesion: Floats, image: Floats | None, s_mm: float, depth_mm: float
) -> Picture:
    """Return the plane normal to the cord at a place along it."""
    at = np.array([s_mm])
    masks = [planes.sample(mask, at)[0] for mask in (cord, lesion)]
    across, forward = np.meshgrid(planes.across_mm, planes.forward_mm, indexing="ij")
    shown = None
    edges = planes.spacing_mm
    beside = ROUND * depth_mm
    columns = _even(across.min() - beside, across.max() + beside, edges[0] / FINE)
    rows = _even(forward.min() - beside, forward.max() + beside, edges[1] / FINE)
    if image is not None and not planes.section:
        place, e1, e2, _ = planes.frame(at)
        points = place[0] + columns[None, :, None] * e1[0] + rows[:, None, None] * e2[0]
        shown = _signal(image, np.moveaxis(points / np.asarray(edges), -1, 0))
    return Picture(shown, columns, rows, across, forward, masks[0], masks[1])


def _even(low: float, high: float, step: float) -> Floats:
    count = max(2, int(np.ceil((high - low) / step)) + 1)
    return np.linspace(low, high, count)


def _signal(image: Floats, index: Floats) -> Floats:
    """Return an image at places : (3, rows, columns), voxels; NaN outside and where it is not finite."""
    from scipy.ndimage import map_coordinates

    shape = np.asarray(image.shape, dtype=np.float64).reshape(3, 1, 1)
    within = ((index >= -0.5) & (index <= shape - 0.5)).all(axis=0)
    found = np.asarray(map_coordinates(image, index, order=1, mode="nearest"), dtype=np.float64)
    return np.where(within, found, np.nan)
