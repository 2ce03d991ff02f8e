"""A cord mask and a lesion mask that belong together.

A cord mask may be soft (0 to 1, a partial volume) and is then used as it is; a lesion mask with values
between 0 and 1 is cut at one half, with a caution. 0/255 counts as 0/1, with a caution. The lesion mask may
be stored in another orientation than the cord mask, if the voxels are the same. Lesion beside the cord is
cut off, with a caution, up to one half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.centreline import Floats
from cordgraft.core.problems import Caution
from cordgraft.core.scanner import corner_distance, voxel_volume
from cordgraft.scenario.nifti import (
    CORD_KEY,
    LESION_KEY,
    MaskError,
    Volume,
    orientation_tools,
    read_volume,
)

#: Grids whose corners agree within this are one grid, mm.
SAME_GRID_MM = 0.05
#: Shares of cord below this are background noise of a soft mask.
FAINT = 0.01
#: A detached piece of cord mask with a smaller share of the volume than this is a speck and is dropped.
SPECK_SHARE = 0.1
#: With a larger share of the lesion outside the cord, the two masks do not belong together.
LARGEST_SHARE_OUTSIDE = 0.5


@dataclass(frozen=True)
class MaskPair:
    """A cord mask and, optionally, a lesion mask on the same grid, checked.

    Parameters
    ----------
    cord : (i, j, k) float64
        Share of each voxel that is cord, 0 to 1.
    lesion : (i, j, k) float64 or None
        0 or 1, already cut to the cord (the smaller of the two shares).
    affine : (4, 4) float64
        Voxel index to scanner mm.
    lesion_mask_mm3 : float
        Volume of the lesion mask before it was cut to the cord.
    cord_name, lesion_name, cord_sha256, lesion_sha256 : str
        For the provenance of a run.
    cautions : tuple of Caution
    """

    cord: Floats
    lesion: Floats | None
    affine: Floats
    lesion_mask_mm3: float = 0.0
    cord_name: str = ""
    lesion_name: str = ""
    cord_sha256: str = ""
    lesion_sha256: str = ""
    cautions: tuple[Caution, ...] = ()

    @property
    def voxel_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel, mm."""
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(sizes[0]), float(sizes[1]), float(sizes[2])

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel, mm3."""
        return voxel_volume(self.affine)


def read_masks(cord_path: str | Path, lesion_path: str | Path | None = None) -> MaskPair:
    """Read and check a cord mask and, if given, a lesion mask.

    Raises
    ------
    MaskError
        One message that names the key, the file, what was found and what is needed.
    ImportError
        If nibabel is not installed.
    """
    cautions: list[Caution] = []
    cord = read_volume(cord_path, CORD_KEY, cautions)
    lesion = None if lesion_path is None else read_volume(lesion_path, LESION_KEY, cautions)
    return check_pair(cord, lesion, cautions)


def check_pair(cord: Volume, lesion: Volume | None, cautions: list[Caution] | None = None) -> MaskPair:
    """Check the values of both masks and that they belong together.

    Parameters
    ----------
    cord, lesion : Volume
    cautions : list of Caution, optional
        Those of reading; travel with the pair.
    """
    cautions = [] if cautions is None else cautions
    cord_share = _cord_values(cord, cautions)
    cord_share = _largest_piece(cord_share, cord, cautions)
    if min(cord_share.shape) == 1:
        cautions.append(
            Caution(CORD_KEY, f"'{cord.name}' is one voxel thick; the shape of the cross-section is unknown")
        )
    if lesion is None:
        return MaskPair(cord_share, None, cord.affine, 0.0, cord.name, "", cord.sha256, "", tuple(cautions))
    lesion = _on_grid_of(cord, lesion, cautions)
    inside, whole = _inside_cord(_lesion_values(lesion, cautions), cord_share, cord, lesion, cautions)
    return MaskPair(
        cord_share, inside, cord.affine, whole * voxel_volume(cord.affine),
        cord.name, lesion.name, cord.sha256, lesion.sha256, tuple(cautions),
    )  # fmt: skip


def _cord_values(volume: Volume, cautions: list[Caution]) -> Floats:
    data, soft = _between_0_and_1(volume, CORD_KEY, cautions)
    if soft:
        data = np.where(data < FAINT, 0.0, data)
        cautions.append(
            Caution(CORD_KEY, f"'{volume.name}' is a soft mask; its values are used as shares of the voxel")
        )
    if not data.any():
        raise MaskError(f"'{volume.name}' is empty", CORD_KEY, "no voxel above 0", "A cord mask is needed")
    return data


def _lesion_values(volume: Volume, cautions: list[Caution]) -> Floats:
    data, soft = _between_0_and_1(volume, LESION_KEY, cautions)
    if soft:
        data = (data >= 0.5).astype(np.float64)
        cautions.append(Caution(LESION_KEY, f"'{volume.name}' holds probabilities; cut at 0.5"))
    if not data.any():
        found = "no voxel of 0.5 or more" if soft else "no voxel above 0"
        raise MaskError(
            f"'{volume.name}' is empty", LESION_KEY, found, "Leave the key out for a cord without lesion"
        )
    return data


def _between_0_and_1(volume: Volume, key: str, cautions: list[Caution]) -> tuple[Floats, bool]:
    """Return the values as 0 to 1, and whether any lies between."""
    data = volume.data
    if not data.any():
        return data, False
    nonzero = data[data != 0.0]
    low, high = float(nonzero.min()), float(nonzero.max())
    if low == high == 255.0:
        cautions.append(Caution(key, f"'{volume.name}' holds 0 and 255; read as 0 and 1"))
        return data / 255.0, False
    # A value read through a slope may miss 1 by a rounding error.
    if low < 0.0 or high > 1.0 + 1e-5:
        kinds = np.unique(nonzero)
        whole = bool((kinds == np.floor(kinds)).all())
        some = ", ".join(f"{value:g}" for value in kinds[:4]) + (", ..." if len(kinds) > 4 else "")
        if whole and low > 0.0 and len(kinds) <= 60:
            hint = "These look like labels; save the wanted one as 0 and 1"
        else:
            hint = "This looks like an image; a mask holds 0 and 1"
        raise MaskError(f"'{volume.name}' is not a mask", key, f"values {some}", hint)
    data = np.minimum(data, 1.0)
    data = np.where(np.abs(data - 1.0) <= 1e-5, 1.0, data)
    return data, bool(((data > 0.0) & (data < 1.0)).any())


def _largest_piece(cord: Floats, volume: Volume, cautions: list[Caution]) -> Floats:
    """Return the cord without specks; a cord in two real pieces is refused: what lies between is unknown."""
    from scipy.ndimage import label

    pieces, count = label(cord > 0.0, structure=np.ones((3, 3, 3)))
    if count == 1:
        return cord
    sizes = np.bincount(pieces.ravel(), cord.ravel(), minlength=count + 1)
    sizes[0] = 0.0
    largest = int(np.argmax(sizes))
    voxel_mm3 = voxel_volume(volume.affine)
    order = sorted((float(s) * voxel_mm3 for s in sizes[1:]), reverse=True)
    if order[1] > SPECK_SHARE * order[0]:
        listed = ", ".join(f"{size:.0f}" for size in order if size > SPECK_SHARE * order[0])
        raise MaskError(
            f"the cord in '{volume.name}' is in several pieces", CORD_KEY, f"{listed} mm3",
            "One connected cord is needed; fill the gap by hand (segmentations often break at the lesion)",
        )  # fmt: skip
    cautions.append(
        Caution(
            CORD_KEY,
            f"'{volume.name}' holds {count - 1} detached specks of cord ({sum(order[1:]):.1f} mm3); left out",
        )
    )
    return np.where(pieces == largest, cord, 0.0)


def _on_grid_of(cord: Volume, lesion: Volume, cautions: list[Caution]) -> Volume:
    """Return the lesion mask in the cord mask's orientation, if both stand on the same voxels."""
    data, affine = lesion.data, lesion.affine
    orientations = orientation_tools()
    turn = orientations.ornt_transform(
        orientations.io_orientation(affine), orientations.io_orientation(cord.affine)
    )
    if not np.array_equal(turn, [[0, 1], [1, 1], [2, 1]]):
        # Axes are permuted and flipped; no value is interpolated.
        affine = _product(affine, orientations.inv_ornt_aff(turn, data.shape))
        data = np.ascontiguousarray(orientations.apply_orientation(data, turn))
    if data.shape != cord.data.shape:
        raise MaskError(
            f"'{lesion.name}' and '{cord.name}' are on different grids", LESION_KEY,
            f"{' x '.join(map(str, data.shape))} against {' x '.join(map(str, cord.data.shape))} voxels",
            "Resample the lesion mask to the grid of the cord mask, nearest neighbour",
        )  # fmt: skip
    apart = corner_distance(affine, cord.affine, data.shape)
    smallest = float(np.sqrt((cord.affine[:3, :3] ** 2).sum(axis=0)).min())
    if apart > max(0.5 * smallest, SAME_GRID_MM):
        raise MaskError(
            f"'{lesion.name}' and '{cord.name}' are on different grids", LESION_KEY,
            f"affines {apart:.2f} mm apart at a corner, voxels of {smallest:.2f} mm",
            "Resample the lesion mask to the grid of the cord mask, nearest neighbour",
        )  # fmt: skip
    if apart > SAME_GRID_MM:
        cautions.append(
            Caution(
                LESION_KEY,
                f"the affine of '{lesion.name}' differs from that of '{cord.name}' by {apart:.2f} mm "
                "at a corner, less than half a voxel; the cord mask's is used",
            )
        )
    return Volume(data, cord.affine, lesion.name, lesion.sha256)


def _product(a: Floats, b: Floats) -> Floats:
    result: Floats = (a[:, :, None] * np.asarray(b, dtype=np.float64)[None, :, :]).sum(axis=1)
    return result


def _inside_cord(
    lesion: Floats, cord: Floats, cord_file: Volume, lesion_file: Volume, cautions: list[Caution]
) -> tuple[Floats, float]:
    """Return the lesion cut to the cord, and its sum before, in voxels."""
    inside: NDArray[np.float64] = np.minimum(lesion, cord)
    whole = float(lesion.sum())
    # A soft cord edge through a lesion voxel is no mistake: outside means voxels without any cord.
    outside = float(lesion[cord <= 0.0].sum()) / whole
    if outside > LARGEST_SHARE_OUTSIDE:
        words = "lies outside" if outside > 0.999 else f"lies to {100.0 * outside:.0f} % outside"
        swapped = whole > float(cord.sum())
        raise MaskError(
            f"the lesion in '{lesion_file.name}' {words} the cord in '{cord_file.name}'", LESION_KEY,
            f"{whole:.0f} lesion voxels, {float((lesion * (cord > 0.0)).sum()):.0f} of them in the cord",
            "Are the two masks exchanged?" if swapped else "Both masks must come from the same scan",
        )  # fmt: skip
    if outside > 0.0:
        cautions.append(
            Caution(
                LESION_KEY,
                f"{100.0 * outside:.1f} % of the lesion ({outside * whole:.0f} voxels) "
                "lies outside the cord mask; cut off",
            )
        )
    return inside, whole
