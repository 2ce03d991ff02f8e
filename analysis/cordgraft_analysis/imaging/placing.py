"""Where a file says that it lies: the choice of its affine, its units, and what contradicts them (E06 to E12).

The sform is used if its code is positive, else the qform. With neither, a reader would have to invent which side is
left, so the file is refused unless the user says how it lies. Sizes come from the affine, never from ``pixdim``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.core.scanner import (
    LARGEST_VOXEL_MM,
    MM_PER_UNIT,
    SMALLEST_VOXEL_MM,
    corner_distance,
    voxel_edges,
    voxel_volume,
)
from cordgraft_analysis.imaging.findings import Ledger
from cordgraft_analysis.imaging.orientation import (
    both_words,
    directions_of,
    obliquity_deg,
    orientation_words,
    sct_word,
)
from cordgraft_analysis.imaging.volume import Floats, Kind

#: ``pixdim`` and affine may differ by this share (E09).
PIXDIM_SHARE = 1e-3
#: Entries of qform and sform may differ by this (E10); the tolerance of the Spinal Cord Toolbox.
FORMS_ENTRY = 1e-3
#: Largest cosine between two voxel axes that still counts as a right angle (E12).
SHEAR = 0.01
#: Angles from which slices are an error, a warning, and worth a note (E11), degrees.
OBLIQUE_ERROR_DEG, OBLIQUE_WARNING_DEG, OBLIQUE_NOTE_DEG = 45.0, 20.0, 1.0
OBLIQUE_REMEDY = "Measures allow for the angle; what thick slices blur across the cord they cannot undo"
#: Edges that are credible in mm where the file states no unit.
UNKNOWN_UNIT_MM = (0.05, 10.0)
#: Voxel volumes below this are none, in the unit of the file cubed.
NO_VOLUME = 1e-15


def place(
    header: Any,
    shape: tuple[int, int, int],
    kind: Kind,
    ledger: Ledger,
    assume_affine: str | None = None,
    orientation: str | None = None,
) -> Floats | None:
    """Return the affine of a file, voxel index to scanner mm; None, with an error written down, where it has none.

    Parameters
    ----------
    header : nibabel.Nifti1Header
        As stored, without repairs.
    shape : (3,) of int
        As stored.
    kind : str
        A sheared grid is an error for masks, in which areas are measured, and a warning for images.
    ledger : Ledger
    assume_affine : {"pixdim"}, optional
        For files without sform and qform: take the sizes of ``pixdim`` and put the middle of the grid at 0.
    orientation : str, optional
        How the axes of such a file run, in nibabel's words.
    """
    sizes = np.abs(np.asarray(header["pixdim"], dtype=np.float64)[1:4])
    affine = _chosen(header, shape, sizes, ledger, assume_affine, orientation)
    if affine is None:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        singular = not np.isfinite(affine).all() or voxel_volume(affine) < NO_VOLUME
    if singular:
        cause = "voxels without volume" if np.isfinite(affine).all() else "entries that are no numbers"
        ledger.error(
            "E07", "has an affine that places nothing", cause,
            "Copy the header of the scan that it was drawn on, or export it again",
        )  # fmt: skip
        return None
    edges = voxel_edges(affine)
    apart = np.abs(sizes / edges - 1.0)
    if apart.max() > PIXDIM_SHARE:
        ledger.warning(
            "E09", "states two voxel sizes; the affine is used",
            f"pixdim {_by(sizes)}, affine {_by(edges)}, up to {100.0 * apart.max():.2g} % apart",
        )  # fmt: skip
    affine = _in_mm(header, affine, ledger)
    if affine is not None:
        _judge_angles(affine, kind, ledger)
    return affine


def _chosen(
    header: Any,
    shape: tuple[int, int, int],
    sizes: Floats,
    ledger: Ledger,
    assume_affine: str | None,
    orientation: str | None,
) -> Floats | None:
    sform, sform_code = header.get_sform(coded=True)
    try:
        qform, qform_code = header.get_qform(coded=True)
    except ValueError:  # a quaternion longer than 1; worth nothing, but an sform beside it is
        qform, qform_code = None, 0
        if sform_code > 0:
            ledger.warning("E10", "has a qform that is no rotation; the sform is used")
    if sform_code <= 0 and qform_code <= 0:
        return _assumed(shape, sizes, ledger, assume_affine, orientation)
    if assume_affine is not None:
        ledger.note("E06", "has an affine of its own; the assumed one is not needed")
    affine = np.array(sform if sform_code > 0 else qform, dtype=np.float64)
    if sform_code > 0 and qform_code > 0 and np.isfinite(affine).all():
        other = np.asarray(qform, dtype=np.float64)
        if not np.isfinite(other).all():
            ledger.warning("E10", "has a qform with entries that are no numbers; the sform is used")
            return affine
        mm = _mm_per_unit(header)
        corner = corner_distance(affine, other, shape) * mm
        if corner > 0.5 * float(voxel_edges(affine).min()) * mm:
            ledger.error(
                "E10", "has a qform and an sform that disagree by more than half a voxel",
                f"{corner:.2f} mm at a corner",
                "Decide which one is right and copy it to the other",
            )  # fmt: skip
        elif np.abs(affine - other).max() * mm > FORMS_ENTRY:
            ledger.warning(
                "E10",
                "has a qform and an sform that differ; the sform is used",
                f"{corner:.3f} mm at a corner",
            )
    return affine


def _assumed(
    shape: tuple[int, int, int],
    sizes: Floats,
    ledger: Ledger,
    assume_affine: str | None,
    orientation: str | None,
) -> Floats | None:
    """Return the affine that the user vouches for, centred: the file knows no position."""
    if assume_affine is None or orientation is None:
        ledger.error(
            "E06", "does not say where it lies, so nobody knows left from right", "sform and qform codes 0",
            "Copy the header of the scan that it was drawn on; or, if you know how its axes run, give "
            "--assume-affine pixdim --orientation LAS (nibabel's words)",
        )  # fmt: skip
        return None
    word = orientation.upper()
    if not (np.isfinite(sizes).all() and sizes.min() > 0.0):
        ledger.error("E07", "states no voxel sizes in pixdim", _by(sizes), "Export it again")
        return None
    affine = np.eye(4)
    affine[:3, :3] = directions_of(word) * sizes
    affine[:3, 3] = -(affine[:3, :3] * (0.5 * (np.array(shape) - 1.0))).sum(axis=1)
    ledger.warning(
        "E06", "does not say where it lies; sizes from pixdim and the stated orientation are assumed",
        f"{_by(sizes)}, {both_words(word)}",
    )  # fmt: skip
    return affine


def check_assumption(assume_affine: str | None, orientation: str | None) -> str:
    """Say what is wrong with what the user assumes, or nothing."""
    if assume_affine not in (None, "pixdim"):
        return f"--assume-affine is 'pixdim', not '{assume_affine}'"
    if (assume_affine is None) != (orientation is None):
        return "--assume-affine pixdim and --orientation belong together"
    if orientation is not None and orientation.upper() not in orientation_words():
        return (
            f"--orientation '{orientation}' is no orientation: three letters, one each of L/R, A/P and I/S, that "
            f"say where the indices grow to (nibabel's words: LAS is SCT's {sct_word('LAS')})"
        )
    return ""


def _mm_per_unit(header: Any) -> float:
    return MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)


def _in_mm(header: Any, affine: Floats, ledger: Ledger) -> Floats | None:
    """Return the affine in mm (E08)."""
    code = int(header["xyzt_units"]) & 7
    factor = _mm_per_unit(header)
    if factor != 1.0:
        affine = affine.copy()
        affine[:3] *= factor
        unit = "metres" if factor > 1.0 else "micrometres"
        ledger.warning(
            "E08", f"states its lengths in {unit}; they are converted to mm", _by(voxel_edges(affine))
        )
    edges = voxel_edges(affine)
    if edges.min() < SMALLEST_VOXEL_MM or edges.max() > LARGEST_VOXEL_MM:
        meant = "micrometres" if edges.max() > LARGEST_VOXEL_MM else "metres"
        ledger.error(
            "E08", f"has voxels of an impossible size; the numbers look like {meant}", _by(edges),
            f"Set the unit in the header (xyzt_units), or export it in mm; {SMALLEST_VOXEL_MM:g} to "
            f"{LARGEST_VOXEL_MM:g} mm are credible",
        )  # fmt: skip
        return None
    if code not in (1, 2, 3):
        low, high = UNKNOWN_UNIT_MM
        if low <= edges.min() and edges.max() <= high:
            ledger.note("E08", "states no unit of length; its sizes are credible in mm", _by(edges))
        else:
            ledger.warning("E08", "states no unit of length; mm are assumed", _by(edges))
    return affine


def _judge_angles(affine: Floats, kind: Kind, ledger: Ledger) -> None:
    columns = affine[:3, :3] / voxel_edges(affine)
    cosines = [abs(float((columns[:, a] * columns[:, b]).sum())) for a, b in ((0, 1), (0, 2), (1, 2))]
    if max(cosines) > SHEAR:
        angle = float(np.rad2deg(np.arccos(min(1.0, max(cosines)))))
        words = "has voxel axes that are not at right angles (a sheared affine)"
        remedy = "Resample it to an orthogonal grid first"
        if kind == "image":
            ledger.warning("E12", words, f"{angle:.1f} degrees", f"{remedy} if areas are to be measured")
        else:
            ledger.error("E12", words, f"{angle:.1f} degrees", remedy)
    judge_tilt(obliquity_deg(affine), "its voxel axes lie between the axes of the scanner", ledger)


def judge_tilt(degrees: float, words: str, ledger: Ledger) -> None:
    """Write down an angle between what should be parallel (E11): error, warning, note or nothing.

    Parameters
    ----------
    degrees : float
    words : str
        What is tilted.
    ledger : Ledger
    """
    found = f"{degrees:.1f} degrees"
    if degrees > OBLIQUE_ERROR_DEG:
        ledger.error(
            "E11", f"is too oblique: {words}", found,
            f"At most {OBLIQUE_ERROR_DEG:.0f} degrees are understood; reslice it along the cord",
        )  # fmt: skip
    elif degrees > OBLIQUE_WARNING_DEG:
        ledger.warning("E11", f"is oblique: {words}", found, OBLIQUE_REMEDY)
    elif degrees >= OBLIQUE_NOTE_DEG:
        ledger.note("E11", f"is slightly oblique: {words}", found, OBLIQUE_REMEDY)


def _by(sizes: Floats) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)
