"""A lesion mask made ready: turned, checked, cut off at the border of the cord and split into single lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.cord_axes import CordAxes
from cordgraft_analysis.imaging.volume import Array, Floats

#: Where a share makes a voxel part of a lesion's core.
CORE = 0.5
#: Share of the lesion outside the cord from which the two masks cannot belong together.
LARGEST_OUTSIDE = 0.5


@dataclass(frozen=True)
class Lesions:
    """Single lesions of a mask, along the axes of the cord.

    Parameters
    ----------
    shares : (nx, ny, nz) float64
        Inside the cord.
    labels : (nx, ny, nz) int
        0 outside, 1 to `count` in the lesions.
    count : int
    notes : tuple of str
    """

    shares: Floats
    labels: Array
    count: int
    notes: tuple[str, ...]

    def part(self, label: int) -> Floats:
        """Return the shares of one lesion, 0 elsewhere."""
        result: Floats = np.where(self.labels == label, self.shares, 0.0)
        return result

    @property
    def all_parts(self) -> Floats:
        """Return the shares of all lesions, without what belongs to none."""
        result: Floats = np.where(self.labels > 0, self.shares, 0.0)
        return result

    @property
    def largest(self) -> int:
        """Return the label of the lesion with the largest volume, the first of equals."""
        sums = np.bincount(self.labels.ravel(), self.shares.ravel(), minlength=self.count + 1)
        return int(sums[1:].argmax()) + 1


def checked_shares(mask: Array, name: str, axes: CordAxes, binary: bool) -> Floats:
    """Return a mask along the axes of the cord as float64.

    Raises
    ------
    BadInput
        If it is not 3-D, has NaN or infinite values, or values that are no shares (with `binary`: other than 0 and 1).
    """
    data = np.asarray(mask)
    if data.ndim != 3:
        raise BadInput(Problem(f"the {name} mask is not 3-D", key=name, value=f"shape {data.shape}"))
    shares = axes.turn(data).astype(np.float64)
    if not np.isfinite(shares).all():
        count = int((~np.isfinite(shares)).sum())
        raise BadInput(
            Problem(f"the {name} mask has values that are not finite", key=name, value=f"{count} voxels")
        )
    if shares.size and (shares.min() < 0.0 or shares.max() > 1.0):
        raise BadInput(
            Problem(
                f"the {name} mask has values outside 0 to 1; choose a label or a threshold first",
                key=name,
                value=f"{shares.min():g} to {shares.max():g}",
                allowed="0 to 1",
            )
        )
    if binary and not np.isin(shares, (0.0, 1.0)).all():
        raise BadInput(
            Problem(
                f"the {name} mask holds shares, and the formulas of SCT count whole voxels",
                key=name,
                value=f"{np.setdiff1d(shares, (0.0, 1.0))[0]:g}",
                allowed='0 and 1; set a threshold, or use method "mm"',
            )
        )
    return shares


def split(lesion: Floats, cord: Floats | None, axes: CordAxes) -> Lesions:
    """Cut a lesion off at the cord's border and label its parts.

    Parts are 18-connected. For shares, parts are labelled by their cores (shares of one half and more), and the fringe
    round them goes to the nearest core; where no voxel reaches one half, everything above 0 counts as core.

    Parameters
    ----------
    lesion, cord : (nx, ny, nz) float64
        Along the axes of the cord.
    axes : CordAxes

    Raises
    ------
    BadInput
        If most of the lesion lies outside the cord.
    """
    from scipy.ndimage import distance_transform_edt, generate_binary_structure, label

    notes: list[str] = []
    shares = lesion
    if cord is not None:
        shares = np.minimum(lesion, cord)
        notes += _outside(lesion, shares, axes.voxel_mm3)
    held = shares > 0.0
    core = shares >= CORE
    if held.any() and not core.any():
        notes.append(
            "no voxel of the lesion reaches one half: lengths and widths are 0, only sums are measured"
        )
        core = held
    structure = generate_binary_structure(3, 2)
    labels, count = label(core, structure)
    fringe = held & ~core
    if fringe.any() and count:
        reached, _ = label(held, structure)
        owned = np.zeros(int(reached.max()) + 1, dtype=bool)
        owned[reached[core]] = True
        nearest = distance_transform_edt(~core, axes.spacing_mm, return_distances=False, return_indices=True)
        joined = fringe & owned[reached]
        labels = np.where(joined, labels[tuple(nearest)], labels)
        lost = float(shares[fringe & ~joined].sum() * axes.voxel_mm3)
        if lost > 0.0:
            notes.append(f"{lost:.4g} mm3 in voxels below one half that touch no lesion are left out")
    return Lesions(shares, labels, int(count), tuple(notes))


def _outside(lesion: Floats, inside: Floats, voxel_mm3: float) -> list[str]:
    """Return a note on what lies outside the cord; refuse a lesion that mostly does."""
    lost = lesion - inside
    volume, whole = float(lost.sum() * voxel_mm3), float(lesion.sum() * voxel_mm3)
    if volume <= 0.0:
        return []
    share = volume / whole
    count = int((lost > 0.0).sum())
    text = f"{100.0 * share:.1f} % of the lesion ({volume:.4g} mm3, {count} voxels) lies outside the cord"
    if share > LARGEST_OUTSIDE:
        raise BadInput(
            Problem(
                f"{text}: the two masks do not belong together",
                key="lesion",
                allowed=f"at most {100 * LARGEST_OUTSIDE:.0f} %",
            )
        )
    return [f"{text} and was cut off"]
