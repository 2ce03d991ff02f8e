"""A patient's masks, straightened: the lattice, the cord and the lesion that a run starts from.

The cord's centreline gives the straight coordinates (`cordgraft.core.straightening`); the masks are carried
over by exact overlap (`cordgraft.kernels.overlap`): the fraction of a lattice voxel is the overlap-weighted
mean of the mask over the voxel's image in the scan, so partial volumes are kept and no volume is lost or
made. The straight voxel and its image differ in volume by the bend's Jacobian; both volumes are reported.

Along the cord, z is 0 at the centre of mass of the lesion (or in the middle of a mask without one); x and y are
0 at the centreline. The mid-sagittal section is the slab round x = 0, the middle of the cord, whether or not
the lesion is there: if the lesion lies beside it, a caution says by how much.

Where the lattice reaches beyond the last whole cross-section of the mask (the field of view ends, or cuts the
tilted cord obliquely), that cross-section is repeated and the voxels are flagged `extrapolated`. No lesion is
ever continued. Only shape is built here; what state the tissue is in follows elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.centreline import (
    CentrelineError,
    CordSlices,
    Floats,
    apply_affine,
    cord_slices,
)
from cordgraft.core.lattice import Lattice
from cordgraft.core.problems import Caution
from cordgraft.core.straightening import StraighteningMap
from cordgraft.scenario.mask_pair import MaskPair, check_pair, read_masks
from cordgraft.scenario.nifti import CORD_KEY, LESION_KEY, MaskError, Volume
from cordgraft.scenario.resampling import (
    cross_sections,
    mask_channels,
    overlap,
    resample,
    straight_to_scanner,
    whole_range,
)
from cordgraft.scenario.straight_lattice import (
    patient_lattice,
    patient_spacing,
    profile_lattice,
    slice_extent_um,
    voxel_reach_um,
)

__all__ = [
    "MaskError",
    "MaskPair",
    "PatientGeometry",
    "Volume",
    "build_patient_geometry",
    "check_pair",
    "read_masks",
    "straight_to_scanner",
]

LENGTH_KEY = "geometry.length"
SECTION_KEY = "geometry.section"
Bools = NDArray[np.bool_]

#: A voxel belongs to the cord from half its volume on; the margin keeps rounding errors out of exact halves.
HALF = 0.5 - 1e-9
#: Cord farther from its centreline than this many diameters is no cord (a wide one reaches 0.7).
WIDEST_DIAMETERS = 1.5


@dataclass(frozen=True)
class PatientGeometry:
    """The straight lattice of a patient's cord with what the masks say about it.

    Parameters
    ----------
    lattice : Lattice
        In straight cord coordinates, um.
    straightening : StraighteningMap
        The way back to the scanner.
    cord_fraction : (x, y, z) float64
        Share of the voxel inside the cord.
    cord_mask : (x, y, z) bool
        Voxels that are at least half cord.
    lesion_fraction : (x, y, z) float64
        Share of the voxel inside the lesion, never more than `cord_fraction`.
    extrapolated : (x, y, z) bool
        Cord voxels that are repeated from the last whole cross-section, at least in part.
    cord_area_um2, lesion_area_um2 : (z,) float64
        Areas of the whole cross-section normal to the cord, also for a section.
    diameter_rl_um, diameter_ap_um : (z,) float64
        Right-left and antero-posterior diameters of the ellipse with the second moments of the cross-section.
    epicentre_um : (3,) float64 or None
        Centre of mass of the lesion in straight coordinates (z is 0); None without lesion.
    lesion_length_um : float
        Extent of the lesion along the cord, from its first to its last slice.
    padding_um : float
        How much longer the lattice is than what was asked for or the mask holds (whole blocks of voxels).
    tilt_deg : float
        Angle between the cord and the scanner's superior axis.
    volumes_mm3 : dict of str to float
        ``cord_mask``, ``lesion_mask``, ``lesion_in_cord``: as scanned. ``cord_mapped``, ``lesion_mapped``:
        what of them is inside the lattice, by overlap. ``cord_lattice``, ``lesion_lattice``: in straight
        voxels. ``cord_extrapolated``: what of ``cord_lattice`` is in flagged voxels. ``lesion_straight``:
        the whole lesion in straight coordinates, also for a section.
    cautions : tuple of Caution
    """

    lattice: Lattice
    straightening: StraighteningMap
    cord_fraction: Floats
    cord_mask: Bools
    lesion_fraction: Floats
    extrapolated: Bools
    cord_area_um2: Floats
    lesion_area_um2: Floats
    diameter_rl_um: Floats
    diameter_ap_um: Floats
    epicentre_um: Floats | None
    lesion_length_um: float
    padding_um: float
    tilt_deg: float
    volumes_mm3: dict[str, float]
    cautions: tuple[Caution, ...] = field(default=())

    @property
    def affine(self) -> Floats:
        """Lattice index to straight cord coordinates in mm : (4, 4)."""
        result = np.diag([*(1e-3 * d for d in self.lattice.spacing_um), 1.0])
        result[:3, 3] = [1e-3 * o for o in self.lattice.origin_um]
        return result

    def lesion_share(self) -> Floats:
        """Return the lesion's share of the cord tissue in each voxel, 0 outside the cord : (x, y, z)."""
        share: Floats = self.lesion_fraction / np.where(self.cord_fraction > 0.0, self.cord_fraction, 1.0)
        return np.clip(share, 0.0, 1.0)

    def damage_ratio(self) -> Floats:
        """Return lesion area over cord area of each cross-section : (z,)."""
        ratio: Floats = self.lesion_area_um2 / np.where(self.cord_area_um2 > 0.0, self.cord_area_um2, 1.0)
        return ratio

    def to_scanner(self, values: Floats, *, mean: bool = False) -> Floats:
        """Return lattice values on the voxels of the masks; see `straight_to_scanner`."""
        return straight_to_scanner(values, self.lattice, self.straightening, mean=mean)


def build_patient_geometry(
    pair: MaskPair,
    *,
    voxel_um: float | tuple[float, float, float],
    section: Literal["midsagittal", "volume"] = "midsagittal",
    slab_um: float | None = None,
    length_um: float | None = None,
    centre: Literal["lesion", "cord"] = "lesion",
    admit: Callable[[Lattice], None] | None = None,
) -> PatientGeometry:
    """Straighten a patient's masks onto a lattice.

    Parameters
    ----------
    pair : MaskPair
    voxel_um : float or (dx, dy, dz)
        Voxel edges, um.
    section : {"midsagittal", "volume"}
        One voxel wide along x, or the whole cord.
    slab_um : float, optional
        Thickness of the section; the voxel's own dx unless given.
    length_um : float, optional
        Length along the cord; what the mask holds unless given. Rounded up to a multiple of 16 voxels.
    centre : {"lesion", "cord"}
        What a given length is centred on. Without a lesion, the cord.
    admit : callable, optional
        Is shown the lattice before anything of its size is made, and may refuse it by an exception.

    Raises
    ------
    MaskError
        If the cord has no usable centreline, bends too sharply, or the lesion does not fit into the length.
    """
    spacing = patient_spacing(voxel_um, section, slab_um)
    if centre not in ("lesion", "cord"):
        raise ValueError(f"centre is 'lesion' or 'cord', not '{centre}'")
    try:
        slices = cord_slices(pair.cord, pair.affine)
    except CentrelineError as error:
        raise MaskError(
            f"'{pair.cord_name}' cannot be straightened: {error}", CORD_KEY,
            hint="The mask must follow the cord along its length",
        ) from None  # fmt: skip
    shape = (pair.cord.shape[0], pair.cord.shape[1], pair.cord.shape[2])
    straight = StraighteningMap.from_slices(slices, pair.affine, shape)
    cautions = list(pair.cautions)

    cord_points, _ = _straight_points(pair.cord, pair, straight)
    _check_width(cord_points, slices, pair)
    lesion_points, lesion_weights = np.empty((0, 3)), np.empty(0)
    epicentre: Floats | None = None
    if pair.lesion is not None:
        lesion_points, lesion_weights = _straight_points(pair.lesion, pair, straight)
        epicentre = (lesion_points * lesion_weights[:, None]).sum(axis=0) / lesion_weights.sum()
        origin = float(epicentre[2])
    else:
        origin = 0.5 * float(cord_points[:, 2].min() + cord_points[:, 2].max())
    straight = straight.with_zero_at(origin)
    for points in (cord_points, lesion_points):
        points[:, 2] -= origin
    if epicentre is not None:
        epicentre[2] = 0.0

    slice_um = slice_extent_um(slices, straight)
    lattice, padding = patient_lattice(cord_points, straight, slice_um, spacing, section, length_um, centre)
    span = _lesion_span(lesion_points, slice_um)
    _check_lesion(span, lattice, pair, slices, cautions)
    if admit is not None:
        admit(lattice)

    source = mask_channels(pair, slices)
    profile = profile_lattice(lattice, cord_points, straight)
    overlaps = overlap(profile, straight, source)
    ends = whole_range(profile, overlaps)
    cross = resample(profile, straight, source, ends, slice_um, overlaps)
    here = resample(lattice, straight, source, ends, slice_um)
    area, rl, ap, lesion_area = cross_sections(cross, profile, lattice)

    voxel_mm3 = 1e-9 * lattice.voxel_um3
    lesion_in_cord = 0.0 if pair.lesion is None else float(pair.lesion.sum()) * pair.voxel_mm3
    if epicentre is not None and section == "midsagittal":
        seen = here.lesion_voxels * pair.voxel_mm3 / lesion_in_cord
        reach_um = voxel_reach_um(straight)[0]
        _section_cautions(lesion_points, lesion_weights, epicentre, lattice, reach_um, seen, cautions)
    volumes = {
        "cord_mask": float(pair.cord.sum()) * pair.voxel_mm3,
        "lesion_mask": pair.lesion_mask_mm3,
        "lesion_in_cord": lesion_in_cord,
        "cord_mapped": here.cord_voxels * pair.voxel_mm3,
        "lesion_mapped": here.lesion_voxels * pair.voxel_mm3,
        "cord_lattice": float(here.cord.sum()) * voxel_mm3,
        "cord_extrapolated": float(here.cord[here.extrapolated].sum()) * voxel_mm3,
        "lesion_lattice": float(here.lesion.sum()) * voxel_mm3,
        "lesion_straight": float(cross.lesion.sum()) * 1e-9 * profile.voxel_um3,
    }
    if here.extrapolated.any():
        low, high = ends
        cautions.append(
            Caution(
                LENGTH_KEY,
                f"within the lattice, whole cross-sections are known from {1e-3 * low:.1f} to {1e-3 * high:.1f} mm; "
                "beyond, the last one is repeated",
            )
        )
    return PatientGeometry(
        lattice=lattice,
        straightening=straight,
        cord_fraction=here.cord,
        cord_mask=here.cord >= HALF,
        lesion_fraction=here.lesion,
        extrapolated=here.extrapolated,
        cord_area_um2=area,
        lesion_area_um2=lesion_area,
        diameter_rl_um=rl,
        diameter_ap_um=ap,
        epicentre_um=epicentre,
        lesion_length_um=span[1] - span[0],
        padding_um=padding,
        tilt_deg=slices.tilt_deg,
        volumes_mm3=volumes,
        cautions=tuple(cautions),
    )


def _straight_points(share: Floats, pair: MaskPair, straight: StraighteningMap) -> tuple[Floats, Floats]:
    """Return the straight coordinates (um) of all voxels with a positive share, and the shares."""
    index = np.argwhere(share > 0.0)
    points = straight.to_straight_um(apply_affine(pair.affine, index.astype(np.float64)))
    lost = int(np.isnan(points[:, 0]).sum())
    if lost:
        raise MaskError(
            f"the cord in '{pair.cord_name}' bends more sharply than its own width", CORD_KEY,
            f"{lost} voxels beyond the centre of the bend", "Check the mask for stray parts",
        )  # fmt: skip
    return points, share[tuple(index.T)]


def _check_width(cord_points: Floats, slices: CordSlices, pair: MaskPair) -> None:
    """Refuse a mask with an arm far from its own centreline: it would widen the lattice for nothing."""
    farthest = 1e-3 * float(np.abs(cord_points[:, :2]).max())
    if farthest > WIDEST_DIAMETERS * slices.diameter_mm:
        raise MaskError(
            f"the cord in '{pair.cord_name}' reaches far from its centreline", CORD_KEY,
            f"{farthest:.1f} mm, in a cord {slices.diameter_mm:.1f} mm wide", "Check the mask for stray parts",
        )  # fmt: skip


def _lesion_span(lesion_points: Floats, slice_um: float) -> tuple[float, float]:
    """Return where the lesion begins and ends along z, um."""
    if len(lesion_points) == 0:
        return 0.0, 0.0
    z = lesion_points[:, 2]
    return float(z.min()) - 0.5 * slice_um, float(z.max()) + 0.5 * slice_um


def _check_lesion(
    span: tuple[float, float], lattice: Lattice, pair: MaskPair, slices: CordSlices, cautions: list[Caution]
) -> None:
    """Refuse a lesion that the lattice does not hold; caution about one that the scan may not hold."""
    if pair.lesion is None:
        return
    low = lattice.origin_um[2] - 0.5 * lattice.spacing_um[2]
    high = low + lattice.extent_um[2]
    slack = 1e-6 * lattice.extent_um[2]
    if span[0] < low - slack or span[1] > high + slack:
        needed = 2e-3 * max(-span[0], span[1])
        raise MaskError(
            f"the lesion in '{pair.lesion_name}' is longer than the lattice", LENGTH_KEY,
            f"{1e-3 * lattice.extent_um[2]:.1f} mm, lesion from {1e-3 * span[0]:.1f} "
            f"to {1e-3 * span[1]:.1f} mm along the cord",
            f"At least {np.ceil(needed):.0f} mm centred on the lesion are needed, better twice as much",
        )  # fmt: skip
    held = np.flatnonzero(pair.lesion.any(axis=tuple(a for a in range(3) if a != slices.axis)))
    cord = np.flatnonzero(pair.cord.any(axis=tuple(a for a in range(3) if a != slices.axis)))
    if held[0] == cord[0] or held[-1] == cord[-1]:
        cautions.append(
            Caution(
                LESION_KEY,
                f"the lesion in '{pair.lesion_name}' touches the end of the cord mask; "
                "it may be longer than seen",
            )
        )


def _section_cautions(
    points: Floats,
    weights: Floats,
    epicentre: Floats,
    lattice: Lattice,
    reach_um: float,
    seen: float,
    cautions: list[Caution],
) -> None:
    """Say how the lesion lies to the mid-sagittal slab.

    Parameters
    ----------
    reach_um : float
        From the centre of a mask voxel to its outermost corner along x.
    seen : float
        Share of the lesion's volume inside the slab.
    """
    half = 0.5 * lattice.spacing_um[0]
    aside = float(epicentre[0])
    side = "right" if aside > 0.0 else "left"
    lesion_half = float(np.sqrt((weights * (points[:, 0] - aside) ** 2).sum() / weights.sum())) * 2.0
    where = f"centred {1e-3 * abs(aside):.1f} mm {side} of the mid-sagittal plane"
    if seen <= 0.0:
        gap = float(np.abs(points[:, 0]).min()) - reach_um - half
        cautions.append(
            Caution(
                SECTION_KEY,
                f"the lesion is {where} and the section misses it by {1e-3 * max(gap, 0.0):.1f} mm; "
                "use section: volume",
            )
        )
    elif abs(aside) > max(half, 0.5 * lesion_half):
        cautions.append(
            Caution(
                SECTION_KEY,
                f"the lesion is {where}; the section of {2e-3 * half:.2g} mm passes beside its middle "
                f"and holds {100.0 * seen:.1f} % of its volume",
            )
        )
