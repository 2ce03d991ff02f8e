"""Measures of a lesion in the spinal cord: one row for each lesion, in the columns that the field uses.

Two methods. ``sct`` follows the formulas of the Spinal Cord Toolbox, so that rows can be stacked with its tables;
``mm`` (the default) measures true distances in planes normal to the cord, takes masks of shares (partial volume) as
they are, and adds what clinicians use. Both come from `measure`; `profile` follows the lesion along the cord.

Masks are arrays with an affine; nothing is read or written here.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.cord_axes import CordAxes, cord_axes
from cordgraft_analysis.imaging.extrusion import Extrusion, parse_extrusion
from cordgraft_analysis.imaging.lesion_mm import MmMeasures
from cordgraft_analysis.imaging.lesion_sct import SctMeasures, find_midline
from cordgraft_analysis.imaging.lesion_table import LesionTable, Method, Row
from cordgraft_analysis.imaging.lesions import Lesions, checked_shares, split
from cordgraft_analysis.imaging.volume import Array, Floats

NO_CORD = "without a cord mask only the volume is measured"
SECTION_REASON = "a section has no volume, cross-section or diameter; name a model of extrusion to get one"
AXIAL_REASON = "a single axial slice has no length and no volume"


def measure(
    lesion: Array,
    cord: Array | None,
    affine: Floats,
    *,
    dorsal: str = "P",
    method: Method = "mm",
    extrusion: str | None = None,
    empty_slice: int | None = None,
) -> LesionTable:
    """Measure the lesions of a mask.

    Parameters
    ----------
    lesion : (nx, ny, nz) array
        0 and 1; for method ``mm`` also shares from 0 to 1. An empty mask is a result, not an error.
    cord : (nx, ny, nz) array, optional
        On the same grid. Without it only the volume is measured.
    affine : (4, 4) float64
        Voxel index to scanner mm, RAS. Any order and direction of the axes.
    dorsal : {"P", "A", "L", "R"}
        Side of the scanner towards which the back lies; P for people, to be stated for animals.
    method : {"mm", "sct"}
    extrusion : str, optional
        For a section (one voxel across): the body that it is taken to be cut from, see `extrusion.WAYS`.
    empty_slice : int, optional
        Where no lesion is present: slice, counted from inferior, at which the cord's A-P diameter stands for the
        bridges; the middle slice of the cord unless given.

    Returns
    -------
    LesionTable
        Lesions in the order of their labels (18-connected), then the row ``"total"``. With ``sct`` it has what that
        toolbox prints: sums of volume and length, largest width. With ``mm`` it measures all lesions as one, its
        length counts every place once, and `intramedullary_lesion_length` runs from the lowest to the highest edge.

    Raises
    ------
    BadInput
        Masks of different shape, values that are no mask, an empty cord, a lesion mostly outside the cord, a cord that
        does not run along the volume, an affine that is singular or sheared.
    """
    if method not in ("mm", "sct"):
        raise BadInput(Problem("the method is unknown", key="method", value=repr(method), allowed="mm, sct"))
    axes = cord_axes(affine, dorsal)
    lesion_shares = checked_shares(lesion, "lesion", axes, binary=method == "sct")
    cord_shares = None if cord is None else checked_cord(cord, lesion_shares, axes, method == "sct")
    model = checked_model(extrusion, lesion_shares.shape, method)
    parts = split(lesion_shares, cord_shares, axes)
    notes = list(parts.notes)
    if cord_shares is None:
        rows = _volumes_only(parts, axes)
        notes.append(NO_CORD)
    elif method == "sct":
        rows = _sct_rows(parts, cord_shares > 0.0, axes, empty_slice)
    else:
        rows = _mm_rows(parts, cord_shares, axes, model, empty_slice)
    if parts.count == 0:
        notes.append("no lesion is present; this is a valid result")
    rows, reasons = _without_dimension(rows, lesion_shares.shape, model)
    notes += reasons
    if model is not None:
        notes.append(f"volume and cross-sections are those of a model: {model.name}")
    absent = "; ".join([*([NO_CORD] if cord is None else []), *reasons])
    context: Row = {
        "method": method,
        "voxel_across [mm]": axes.spacing_mm[0],
        "voxel_dorsoventral [mm]": axes.spacing_mm[1],
        "voxel_along [mm]": axes.spacing_mm[2],
        "extrusion": None if model is None else model.name,
        "absent": absent or None,
    }
    present: Row = {"lesion_present": parts.count > 0}
    return LesionTable(
        tuple({**row, **present, **context} for row in rows), method, axes.spacing_mm, tuple(notes)
    )


def checked_cord(cord: Array, lesion: Floats, axes: CordAxes, binary: bool) -> Floats:
    """Return a cord mask along the axes of the cord, on the grid of a lesion that is turned already.

    Raises
    ------
    BadInput
        If it is no mask, empty, on another grid, or a single coronal slice.
    """
    shares = checked_shares(cord, "cord", axes, binary)
    if shares.shape != lesion.shape:
        raise BadInput(
            Problem(
                "lesion and cord are on different grids",
                key="cord",
                value=f"{shares.shape} for the cord, {lesion.shape} for the lesion (across, forward, along)",
            )
        )
    if not (shares > 0.0).any():
        raise BadInput(Problem("the cord mask is empty", key="cord", allowed="a mask of the whole cord"))
    if shares.shape[1] == 1:
        raise BadInput(
            Problem(
                "a single coronal slice shows neither bridges nor areas",
                key="lesion",
                allowed="a volume, a sagittal section or an axial slice",
            )
        )
    return shares


def checked_model(text: str | None, shape: tuple[int, ...], method: Method) -> Extrusion | None:
    """Return the model of extrusion that a text names, for masks of a shape.

    Raises
    ------
    BadInput
        If the text is not understood, the masks are a volume, or the method is ``sct``.
    """
    if text is None:
        return None
    model = parse_extrusion(text)
    if shape[0] > 1:
        raise BadInput(
            Problem(
                "a model of extrusion is for a sagittal section, and this is a volume",
                key="extrusion",
                value=f"{shape[0]} voxels across the cord",
                allowed="one voxel across; leave the model out",
            )
        )
    if method == "sct":
        raise BadInput(
            Problem("SCT's formulas know no model of extrusion", key="extrusion", allowed="method mm")
        )
    return model


def _volumes_only(parts: Lesions, axes: CordAxes) -> list[Row]:
    rows: list[Row] = [
        {"label": label, names.VOLUME: float(parts.part(label).sum() * axes.voxel_mm3)}
        for label in range(1, parts.count + 1)
    ]
    rows.append({"label": "total", names.VOLUME: float(parts.all_parts.sum() * axes.voxel_mm3)})
    return [{**row, "bridge_kind": names.NOT_MEASURED} for row in rows]


def _sct_rows(parts: Lesions, cord: Array, axes: CordAxes, empty_slice: int | None) -> list[Row]:
    measures = SctMeasures(cord, axes.spacing_mm, axes.voxel_mm3)
    if parts.count == 0:
        return [{"label": "total", **measures.without_lesion(_slice_for_bridges(cord, empty_slice))}]
    midline = find_midline(parts.labels == parts.largest, cord)
    rows: list[Row] = [
        {"label": label, **measures.lesion(parts.labels == label, midline)}
        for label in range(1, parts.count + 1)
    ]
    total: Row = {
        "label": "total",
        names.VOLUME: sum(cast(float, row[names.VOLUME]) for row in rows),
        names.LENGTH: sum(cast(float, row[names.LENGTH]) for row in rows),
        names.WIDTH: max(cast(float, row[names.WIDTH]) for row in rows),
    }
    return [*rows, total]


def _mm_rows(
    parts: Lesions, cord: Floats, axes: CordAxes, model: Extrusion | None, empty_slice: int | None
) -> list[Row]:
    measures = MmMeasures(cord, axes.spacing_mm, axes.voxel_mm3, model)
    if parts.count == 0:
        return [{"label": "total", **measures.without_lesion(_slice_for_bridges(cord > 0.0, empty_slice))}]
    rows: list[Row] = [
        {"label": label, **measures.lesion(parts.part(label))} for label in range(1, parts.count + 1)
    ]
    total = rows[0] if parts.count == 1 else measures.lesion(parts.all_parts)
    return [*rows, {**total, "label": "total"}]


def _slice_for_bridges(cord: Array, wanted: int | None) -> int:
    held = np.flatnonzero(cord.any(axis=(0, 1)))
    if wanted is None:
        return int(held[len(held) // 2])
    if wanted not in held:
        raise BadInput(
            Problem(
                "the slice for the bridges of a cord without lesion holds no cord",
                key="empty_slice",
                value=str(wanted),
                allowed=f"{held[0]} to {held[-1]}",
            )
        )
    return wanted


def _without_dimension(
    rows: list[Row], shape: tuple[int, ...], model: Extrusion | None
) -> tuple[list[Row], list[str]]:
    """Take out the measures that a single slice cannot have, and say why."""
    gone: list[str] = []
    reasons: list[str] = []
    if shape[0] == 1 and model is None:
        gone += names.NEED_VOLUME
        reasons.append(SECTION_REASON)
    if shape[2] == 1:
        gone += [
            names.VOLUME,
            names.LENGTH,
            names.IMLL,
            names.MIDLINE_LENGTH,
            names.MIDLINE_AREA,
            names.LENGTH_ERROR,
        ]
        reasons.append(AXIAL_REASON)
    return [{name: None if name in gone else cell for name, cell in row.items()} for row in rows], reasons
