"""What can be said of a scanner's grid, and of files that are no volume at all, without any reader of volumes.

The simulator reads masks and the analysis reads volumes; neither may import the other, and both judge alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.centreline import Floats, apply_affine

#: Millimetres per unit of length, by the code in the low three bits of ``xyzt_units``; absent: millimetres.
MM_PER_UNIT: dict[int, float] = {1: 1000.0, 3: 0.001}
#: Smallest and largest credible voxel edge, mm; outside, another unit was meant.
SMALLEST_VOXEL_MM, LARGEST_VOXEL_MM = 0.005, 50.0
#: A placeholder of git-annex or Git LFS is a few lines long.
PLACEHOLDER_BYTES = 1024


def voxel_volume(affine: Floats) -> float:
    """Return the volume of a voxel, mm3 (the determinant written out)."""
    a = affine[:3, :3]
    return abs(
        float(
            a[0, 0] * (a[1, 1] * a[2, 2] - a[1, 2] * a[2, 1])
            - a[0, 1] * (a[1, 0] * a[2, 2] - a[1, 2] * a[2, 0])
            + a[0, 2] * (a[1, 0] * a[2, 1] - a[1, 1] * a[2, 0])
        )
    )


def voxel_edges(affine: Floats) -> Floats:
    """Return the edges of a voxel along the three axes : (3,), mm."""
    edges: Floats = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    return edges


def corner_distance(a: Floats, b: Floats, shape: tuple[int, ...]) -> float:
    """Return the largest distance between the grid's corners under two affines, mm."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=np.float64)
    corners = corners * np.array(shape, dtype=np.float64) - 0.5
    apart = apply_affine(a, corners) - apply_affine(b, corners)
    return float(np.sqrt((apart * apart).sum(axis=1)).max())


@dataclass(frozen=True)
class Foreign:
    """A file that is something else than a volume.

    Parameters
    ----------
    what : str
        Goes on from the file's name: "is a DICOM file".
    remedy : str
        A sentence without full stop.
    found : str
        What was seen, empty where `what` says it.
    """

    what: str
    remedy: str
    found: str = ""


def foreign_content(content: bytes) -> Foreign | None:
    """Say what a file is by its first bytes, if it is a well-known thing that is mistaken for a volume.

    Parameters
    ----------
    content : bytes
        The file as it lies on the disk, whole.
    """
    head = content[:512]
    text = head.lstrip().lower()
    if head[128:132] == b"DICM":
        return Foreign("is a DICOM file", "Convert the series with dcm2niix first")
    if len(content) < PLACEHOLDER_BYTES:
        seen = f"{len(content)} bytes of text"
        if b"git-lfs" in head:
            return Foreign(
                "is a Git LFS placeholder, not the volume", "Fetch the content: git lfs pull", seen
            )
        if b"annex/objects" in head:
            return Foreign(
                "is a git-annex placeholder, not the volume", "Fetch the content: git annex get", seen
            )
    if text.startswith((b"<!doctype", b"<html")):
        return Foreign("is a web page, not a volume", "The download went wrong; fetch the file again")
    return None
