"""Shape and place of the lattices that hold a patient's straightened cord."""

from __future__ import annotations

import numpy as np

from cordgraft.core.centreline import CordSlices, Floats, dot
from cordgraft.core.lattice import Z_MULTIPLE, Lattice
from cordgraft.core.straightening import StraighteningMap

#: Voxels across the cord in the lattice that measures cross-sections.
PROFILE_VOXELS = 24


def patient_spacing(
    voxel_um: float | tuple[float, float, float], section: str, slab_um: float | None
) -> tuple[float, float, float]:
    """Return the voxel edges of the lattice, um; a slab replaces the first one in a section."""
    if section not in ("midsagittal", "volume"):
        raise ValueError(f"section is 'midsagittal' or 'volume', not '{section}'")
    dx, dy, dz = (voxel_um, voxel_um, voxel_um) if isinstance(voxel_um, (int, float)) else voxel_um
    if section == "midsagittal" and slab_um is not None:
        dx = slab_um
    if min(dx, dy, dz) <= 0.0:
        raise ValueError(f"voxel edges are positive, not {dx} x {dy} x {dz} um")
    return float(dx), float(dy), float(dz)


def slice_extent_um(slices: CordSlices, straight: StraighteningMap) -> float:
    """Return how far along the cord one slice of the mask reaches at z = 0, um."""
    tangent = straight.frame(np.zeros(1))[3][0]
    return 1e3 * slices.thickness_mm / float(dot(tangent, slices.normal))


def half_widths(cord_points: Floats, straight: StraighteningMap) -> tuple[float, float]:
    """Return the cord's largest distance from the centreline along x and y, to the outer voxel faces, um."""
    reach = voxel_reach_um(straight)
    widest = np.abs(cord_points[:, :2]).max(axis=0)
    return float(widest[0]) + reach[0], float(widest[1]) + reach[1]


def voxel_reach_um(straight: StraighteningMap) -> tuple[float, float]:
    """Return how far a mask voxel reaches from its centre along x and y, corners included, at z = 0, um."""
    _, right, anterior, _ = straight.frame(np.zeros(1))
    columns = np.ascontiguousarray(straight.source_affine[:3, :3].T)
    x, y = (500.0 * float(np.abs(dot(columns, axis[0])).sum()) for axis in (right, anterior))
    return x, y


def patient_lattice(
    cord_points: Floats,
    straight: StraighteningMap,
    slice_um: float,
    spacing: tuple[float, float, float],
    section: str,
    length_um: float | None,
    centre: str,
) -> tuple[Lattice, float]:
    """Return the lattice and how much longer it is than asked for, um."""
    dx, dy, dz = spacing
    low = float(cord_points[:, 2].min()) - 0.5 * slice_um
    high = float(cord_points[:, 2].max()) + 0.5 * slice_um
    wanted = high - low if length_um is None else length_um
    # What the mask holds is not centred on whole voxels: one more, so that neither end is lost.
    needed = wanted + dz if length_um is None else wanted
    nz = Z_MULTIPLE * max(1, int(np.ceil(needed / (dz * Z_MULTIPLE) - 1e-9)))
    # Whole voxels from z = 0, so that z = 0 is a face between voxels whatever the length.
    middle = 0.0 if length_um is not None and centre == "lesion" else 0.5 * (low + high)
    first_face = dz * (float(np.floor(middle / dz + 0.5)) - nz // 2)
    half = half_widths(cord_points, straight)
    nx, ny = (2 * int(np.ceil(h / d - 1e-9)) + 2 for h, d in zip(half, (dx, dy), strict=True))
    nx = 1 if section == "midsagittal" else nx
    origin = (-0.5 * (nx - 1) * dx, -0.5 * (ny - 1) * dy, first_face + 0.5 * dz)
    return Lattice((nx, ny, nz), spacing, origin), nz * dz - wanted


def profile_lattice(lattice: Lattice, cord_points: Floats, straight: StraighteningMap) -> Lattice:
    """Return a coarse 3-D lattice over the same length, from which whole cross-sections are measured.

    About 24 voxels across the cord; layers of at most an eighth of its width, or the lattice's own if
    thicker.
    """
    half = half_widths(cord_points, straight)
    edge = (half[0] + half[1]) / PROFILE_VOXELS
    dz, nz = lattice.spacing_um[2], lattice.shape[2]
    merge = max(m for m in (1, 2, 4, 8, 16) if m == 1 or m * dz <= 3.0 * edge)
    nx, ny = (2 * int(np.ceil(h / edge - 1e-9)) + 2 for h in half)
    origin = (-0.5 * (nx - 1) * edge, -0.5 * (ny - 1) * edge, lattice.origin_um[2] + 0.5 * (merge - 1) * dz)
    return Lattice((nx, ny, nz // merge), (edge, edge, merge * dz), origin)
