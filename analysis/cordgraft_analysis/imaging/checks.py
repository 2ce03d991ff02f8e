"""Checks of masks: whether they lie on the grid of their image, the cord is whole, and the lesion lies in it.

Each check returns findings; `refuse_errors` turns the errors among them into BadInput.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cordgraft.core.scanner import corner_distance
from cordgraft_analysis.imaging.findings import Finding, Ledger
from cordgraft_analysis.imaging.placing import judge_tilt
from cordgraft_analysis.imaging.volume import Array, Floats, Volume

#: Grids whose corners agree within this are one grid, mm.
SAME_GRID_MM = 0.05
#: With a larger share of the lesion outside the cord, the two masks do not belong together.
LARGEST_SHARE_OUTSIDE = 0.5
#: Share from which a voxel of a soft mask counts as inside.
HALF = 0.5
#: Length over which the direction of the cord is taken, mm: longer than the steps of voxels, shorter than a bend.
DIRECTION_MM = 20.0


def inside(volume: Volume) -> Array:
    """Return the voxels of a mask, or of a soft mask from one half on : (x, y, z) bool."""
    return volume.data if volume.data.dtype == np.bool_ else np.asarray(volume.data >= HALF)


def name_of(volume: Volume, otherwise: str = "") -> str:
    """Return the name under which messages speak of a volume."""
    return str(volume.path) if volume.path is not None else otherwise


def same_grid(volume: Volume, reference: Volume, tolerance_mm: float = SAME_GRID_MM) -> list[Finding]:
    """Say whether a volume lies on the grid of another one (E13).

    Both are compared after their axes were turned, so that files of other orientations but the same voxels agree.

    Parameters
    ----------
    volume, reference : Volume
    tolerance_mm : float
        Distance between corners up to which nothing is said.

    Returns
    -------
    list of Finding
        A warning up to half of the reference's smallest voxel edge, an error above it and for other shapes.
    """
    other = reference.path.name if reference.path is not None else "the other volume"
    ledger = Ledger(name_of(volume, "the volume"))
    if volume.data.shape != reference.data.shape:
        ledger.error(
            "E13", f"has another grid than '{other}'",
            f"{_by(volume.data.shape)} and {_by(reference.data.shape)} voxels, right-left x anterior x superior",
            f"Resample it to the grid of '{other}'",
        )  # fmt: skip
        return ledger.findings
    apart = corner_distance(volume.affine, reference.affine, reference.data.shape)
    if apart > 0.5 * min(reference.spacing_mm):
        ledger.error(
            "E13", f"does not lie where '{other}' lies", f"{apart:.2f} mm apart at a corner",
            f"Resample it to the grid of '{other}', or copy the right header; up to half a voxel, "
            f"{0.5 * min(reference.spacing_mm):.2g} mm, is taken with a warning",
        )  # fmt: skip
    elif apart > tolerance_mm:
        ledger.warning(
            "E13", f"does not lie quite where '{other}' lies; the grid of the latter is used",
            f"{apart:.2f} mm apart at a corner",
        )  # fmt: skip
    if volume.original_axes != reference.original_axes:
        ledger.note(
            "E13", f"is stored in another orientation than '{other}'; both are turned to right, anterior, superior",
            f"{volume.original_axes} and {reference.original_axes} in nibabel's words",
        )  # fmt: skip
    return ledger.findings


def check_cord(cord: Volume) -> list[Finding]:
    """Say whether a cord mask is there (E15), whole (E19), and runs across its slices (E11).

    Parameters
    ----------
    cord : Volume
        Mask or soft mask.
    """
    ledger = Ledger(name_of(cord, "the cord mask"))
    whole = inside(cord)
    if not whole.any():
        ledger.error(
            "E15", "is an empty cord mask", "not one voxel", "Nothing can be measured without a cord"
        )
        return ledger.findings
    pieces, gaps = pieces_and_gaps(whole)
    if pieces:
        ledger.warning(
            "E19", "holds a cord in several pieces on a slice; nothing is measured there",
            f"{_slices(pieces)}, counted from the inferior end from 0",
        )  # fmt: skip
    if gaps:
        ledger.warning(
            "E19", "holds a cord with gaps along its length; nothing is measured there",
            f"{_slices(gaps)}, counted from the inferior end from 0",
        )  # fmt: skip
    if whole.any(axis=(0, 1)).sum() > 1:
        judge_tilt(cord_tilt_deg(whole, cord.spacing_mm), "the cord is tilted against the slices", ledger)
    return ledger.findings


def check_lesion(lesion: Volume, cord: Volume | None = None) -> list[Finding]:
    """Say whether a lesion is there (E14) and lies in the cord (E15).

    Parameters
    ----------
    lesion : Volume
        Mask or soft mask.
    cord : Volume, optional
        On the same grid: if the shapes differ, only the lesion is looked at.
    """
    ledger = Ledger(name_of(lesion, "the lesion mask"))
    damage = inside(lesion)
    count = int(np.count_nonzero(damage))
    if count == 0:
        ledger.note(
            "E14", "is an empty lesion mask: no lesion, which is a result (lesion_present = false, lengths and "
            "volumes 0, bridges as wide as the cord)",
        )  # fmt: skip
        return ledger.findings
    if cord is None or cord.data.shape != lesion.data.shape:
        return ledger.findings
    outside = count - int(np.count_nonzero(damage & inside(cord)))
    share = outside / count
    where = f"'{cord.path.name}'" if cord.path is not None else "the mask of it"
    found = f"{outside} of {count} voxels, {100.0 * share:.1f} %"
    if share > LARGEST_SHARE_OUTSIDE:
        ledger.error(
            "E15", f"is a lesion mostly outside the cord of {where}", found,
            "The two masks do not belong together, or one is misplaced; look at both on the image",
        )  # fmt: skip
    elif outside:
        ledger.warning("E15", f"is a lesion partly outside the cord of {where}; that part is cut off", found)
    return ledger.findings


def lesion_without_cord(lesion: Volume) -> Finding:
    """Return the note on a lesion whose cord nobody gave (E15)."""
    return Finding(
        "E15", "note", "is a lesion without a cord mask beside it: only its volume can be measured",
        name_of(lesion, "the lesion mask"), "", "Give the cord mask with -s",
    )  # fmt: skip


def pieces_and_gaps(cord: Array) -> tuple[list[int], list[int]]:
    """Return the slices on which a cord is in several pieces, and the empty ones between its ends (E19).

    Parameters
    ----------
    cord : (x, y, z) bool

    Returns
    -------
    pieces, gaps : list of int
        Slices along z. Voxels that touch at a corner belong together.
    """
    from scipy import ndimage

    held = np.flatnonzero(cord.any(axis=(0, 1)))
    if len(held) == 0:
        return [], []
    touching = np.ones((3, 3), dtype=bool)
    pieces = [int(z) for z in held if ndimage.label(cord[:, :, z], structure=touching)[1] > 1]
    gaps = sorted(set(range(int(held[0]), int(held[-1]) + 1)) - {int(z) for z in held})
    return pieces, gaps


def cord_tilt_deg(cord: Array, spacing_mm: tuple[float, float, float]) -> float:
    """Return the largest angle between the cord and the direction across its slices, degrees (E11).

    Parameters
    ----------
    cord : (x, y, z) bool
    spacing_mm : (3,) float

    Notes
    -----
    The larger one of two: the direction of the whole mask, which is its principal axis where it is twice as long as
    wide, else the chord between the centres of its end slices; and the steepest chord over `DIRECTION_MM` between
    centres of slices. The first finds a cord that lies along the slices, the second one that bends.
    """
    spacing = np.asarray(spacing_mm)
    voxels = np.argwhere(cord)
    points = voxels * spacing
    spread = np.cov(points.T) if len(points) > 1 else np.zeros((3, 3))
    sizes, axes = np.linalg.eigh(spread)
    slices = np.flatnonzero(cord.any(axis=(0, 1)))
    counts = np.bincount(voxels[:, 2], minlength=cord.shape[2])[slices]
    centres = np.stack(
        [np.bincount(voxels[:, 2], points[:, a], minlength=cord.shape[2])[slices] / counts for a in range(3)],
        axis=-1,
    )
    elongated = sizes[2] > 4.0 * sizes[1]  # variances: twice as long as wide
    steepest = _from_z(axes[:, 2]) if elongated else _from_z(centres[-1] - centres[0])
    reach = max(1, int(np.ceil(DIRECTION_MM / spacing[2])))
    for low in range(len(slices) - 1):
        high = int(np.searchsorted(slices, slices[low] + reach))
        if high >= len(slices):
            break
        steepest = max(steepest, _from_z(centres[high] - centres[low]))
    return steepest


def _from_z(direction: Floats) -> float:
    length = float(np.sqrt((direction * direction).sum()))
    return float(np.rad2deg(np.arccos(min(1.0, abs(float(direction[2])) / length)))) if length > 0.0 else 0.0


def _slices(numbers: Iterable[int]) -> str:
    """Return slice numbers as runs: ``"slices 3-5, 9"``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
    alone = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"slice{'' if alone else 's'} {words}"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)
