"""Two lesions against each other: overlap of masks, profiles along the cord, and scalar measures.

Programs disagree on these names (HD95 of one pair of masks differs by more than a millimetre between libraries), so
each number here has its definition in `DEFINITIONS`, and the verb prints it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.agreement import concordance
from cordgraft_analysis.imaging.cord_axes import cord_axes
from cordgraft_analysis.imaging.lesion_table import Cell, Row
from cordgraft_analysis.imaging.profile import Profile
from cordgraft_analysis.imaging.volume import Array, Floats

BOTH_EMPTY, ONE_EMPTY = "both_empty", "one_empty"
#: What each number of an overlap is, in the words that are printed with it.
DEFINITIONS: dict[str, str] = {
    "dice": "2 |A and B| / (|A| + |B|), voxels",
    "volume_similarity": "1 - |VA - VB| / (VA + VB); not the signed one of SimpleITK",
    "hausdorff_mm": "larger of the two directed maxima of surface distances",
    "hausdorff95_mm": "larger of the two directed 95th percentiles of surface distances, interpolated linearly",
    "surface_dice": "share of both surfaces within tau of the other one (NSD)",
    "volume_a_mm3": "voxels that are compared, times their volume",
    "volume_b_mm3": "the same, on the grid of A",
    "tau_mm": "largest edge of a voxel of A, unless --tau-mm is given",
    "surface": "mask minus its 6-connected erosion (4-connected in a single slice), beyond the border of the image "
    "counts as outside; distances between voxel centres",
}
#: Relative slack in "within": a distance of one voxel edge, off by rounding, is within one voxel edge.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Overlap:
    """How far two masks on one grid are the same; see `DEFINITIONS`.

    Parameters
    ----------
    dice, volume_similarity, surface_dice : float
        0 to 1. Of two empty masks 1, of an empty and another one 0.
    hausdorff_mm, hausdorff95_mm : float
        mm. Of two empty masks 0; NaN if one is empty.
    tau_mm : float
        Tolerance of `surface_dice`.
    volume_a_mm3, volume_b_mm3 : float
    flag : str
        ``"both_empty"``, ``"one_empty"``, or nothing.
    """

    dice: float
    volume_similarity: float
    hausdorff_mm: float
    hausdorff95_mm: float
    surface_dice: float
    tau_mm: float
    volume_a_mm3: float
    volume_b_mm3: float
    flag: str = ""

    def row(self) -> Row:
        """Return the numbers as a row; what is not defined is None."""
        return {
            name: _known(value) if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def overlap(a: Array, b: Array, affine: Floats, tau_mm: float | None = None) -> Overlap:
    """Compare two masks on one grid.

    Parameters
    ----------
    a, b : (nx, ny, nz) array
        bool, or 0 and 1.
    affine : (4, 4) float64
        Voxel index to mm; its axes at right angles.
    tau_mm : float, optional
        The largest edge of a voxel unless given; of a single slice the larger one in its plane.

    Raises
    ------
    BadInput
        E13 for masks of different shape, E12 for a sheared affine, E16 for values other than 0 and 1; for a tolerance
        that is negative or no number.
    """
    one, two = _binary(a, "A"), _binary(b, "B")
    if one.shape != two.shape:
        raise BadInput(
            Problem("the masks are on different grids", key="E13", value=f"{one.shape} and {two.shape} voxels",
                    allowed="one grid: bring one of them onto that of the other first")
        )  # fmt: skip
    voxel_mm3 = cord_axes(affine).voxel_mm3  # refuses what is singular or sheared
    spacing = np.sqrt((np.asarray(affine, dtype=np.float64)[:3, :3] ** 2).sum(axis=0))
    # In a single slice every voxel touches the border across it: surfaces are those within its plane.
    within = [axis for axis, size in enumerate(one.shape) if size > 1]
    if 0 < len(within) < 3:
        one, two, spacing = one.squeeze(), two.squeeze(), spacing[within]
    tau = float(spacing.max()) if tau_mm is None else float(tau_mm)
    if not (np.isfinite(tau) and tau >= 0.0):
        raise BadInput(Problem("no such tolerance", key="--tau-mm", value=f"{tau:g}", allowed="0 mm or more"))
    counts = int(one.sum()), int(two.sum())
    volumes = counts[0] * voxel_mm3, counts[1] * voxel_mm3
    if not any(counts):
        return Overlap(1.0, 1.0, 0.0, 0.0, 1.0, tau, *volumes, BOTH_EMPTY)
    if not all(counts):
        return Overlap(0.0, 0.0, np.nan, np.nan, 0.0, tau, *volumes, ONE_EMPTY)
    whole = sum(counts)
    there, back = surface_distances(one, two, spacing)
    near = tau * (1.0 + ROUNDING)
    return Overlap(
        2.0 * int((one & two).sum()) / whole,
        1.0 - abs(counts[0] - counts[1]) / whole,
        float(max(there.max(), back.max())),
        float(max(np.percentile(there, 95.0), np.percentile(back, 95.0))),
        float(((there <= near).sum() + (back <= near).sum()) / (len(there) + len(back))),
        tau,
        *volumes,
    )


def surface_distances(a: Array, b: Array, spacing_mm: Floats) -> tuple[Floats, Floats]:
    """Return the distance of every surface voxel of each mask to the surface of the other : (na,) and (nb,), mm.

    Parameters
    ----------
    a, b : (nx, ny, nz) or (nx, ny) bool
        Neither empty.
    spacing_mm : (3,) or (2,) float64
    """
    from scipy.ndimage import binary_erosion, distance_transform_edt

    held = np.argwhere(a | b)
    box = tuple(slice(low, high + 1) for low, high in zip(held.min(axis=0), held.max(axis=0), strict=True))
    one, two = a[box], b[box]
    # six neighbours is scipy's own structure; beyond the box lies nothing of either mask
    surfaces = [mask & ~binary_erosion(mask, border_value=0) for mask in (one, two)]
    to_one, to_two = (distance_transform_edt(~surface, sampling=spacing_mm) for surface in surfaces)
    return to_two[surfaces[0]], to_one[surfaces[1]]


def _binary(mask: Array, word: str) -> Array:
    data = np.asarray(mask)
    if data.ndim != 3:
        raise BadInput(Problem(f"mask {word} is not 3-D", key="E04", value=f"shape {data.shape}"))
    if data.dtype == np.bool_:
        return data
    if not np.isin(data, (0, 1)).all():
        raise BadInput(
            Problem(f"mask {word} holds other values than 0 and 1", key="E16", allowed="a threshold or a label first")
        )  # fmt: skip
    return data.astype(bool)


@dataclass(frozen=True)
class ProfileDifference:
    """One quantity of two profiles, piece by piece.

    Parameters
    ----------
    quantity : str
        Column of the profiles, with unit.
    pieces : int
        Pieces of the cord that both know.
    from_mm, to_mm : float
        First and last of them, mm from the lesion's centroid, superior positive.
    rmse, mean_difference, largest_difference : float
        In the unit of the quantity, B - A; the largest by size, with its sign. NaN without a piece.
    at_mm : float
        Where the largest one is.
    concordance : float
        Lin's; NaN where it is not defined.
    """

    quantity: str
    pieces: int
    from_mm: float
    to_mm: float
    rmse: float
    mean_difference: float
    largest_difference: float
    at_mm: float
    concordance: float

    def row(self) -> Row:
        """Return the numbers as a row; what is not defined is None."""
        return {
            name: _known(value) if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def profiles(p: Profile, q: Profile) -> tuple[ProfileDifference, ProfileDifference]:
    """Compare two profiles along s: damage ratio where either has lesion, area of the cord wherever both have one.

    Both begin at the centroid of their own lesion, so nothing is registered. Beyond the lesions two ratios of zero
    would agree for as long as the scan is, so they are not counted.

    Parameters
    ----------
    p, q : Profile
        With different steps the finer one is averaged over the pieces of the coarser one.

    Returns
    -------
    tuple of ProfileDifference
        Of ``damage_ratio []`` and ``csa [mm2]``.
    """
    step = max(p.step_mm, q.step_mm)
    one, two = _pieces(p, step), _pieces(q, step)
    shared = np.intersect1d(one[0], two[0])
    rows_one, rows_two = np.searchsorted(one[0], shared), np.searchsorted(two[0], shared)
    s_mm = shared * step
    damage = one[1][rows_one], two[1][rows_two]
    areas = one[2][rows_one], two[2][rows_two]
    injured = (np.nan_to_num(damage[0]) > 0.0) | (np.nan_to_num(damage[1]) > 0.0)
    return (
        _difference("damage_ratio []", s_mm, *damage, injured),
        _difference("csa [mm2]", s_mm, *areas, np.ones(len(s_mm), dtype=bool)),
    )


def _pieces(profile: Profile, step: float) -> tuple[Array, Floats, Floats]:
    """Return number, damage ratio and cord area of the pieces of a profile at another step."""
    own = np.rint(profile.s_mm / profile.step_mm).astype(np.int64)
    if step == profile.step_mm or len(own) == 0:
        return own, profile.damage_ratio, profile.csa
    faces = np.append(profile.s_mm - 0.5 * profile.step_mm, profile.s_mm[-1] + 0.5 * profile.step_mm)
    number = np.arange(
        np.ceil(faces[0] / step + 0.5 - ROUNDING), np.floor(faces[-1] / step - 0.5 + ROUNDING) + 1
    )
    found = []
    for values in (profile.damage_ratio, profile.csa):
        # an unknown piece makes every longer piece unknown that it reaches into
        total = np.append(0.0, np.cumsum(np.nan_to_num(values) * profile.step_mm))
        unknown = np.append(0.0, np.cumsum(np.isnan(values) * profile.step_mm))
        ends = (number - 0.5) * step, (number + 0.5) * step
        mean = (np.interp(ends[1], faces, total) - np.interp(ends[0], faces, total)) / step
        gap = np.interp(ends[1], faces, unknown) - np.interp(ends[0], faces, unknown)
        found.append(np.where(gap > ROUNDING * step, np.nan, mean))
    return number.astype(np.int64), found[0], found[1]


def _difference(quantity: str, s_mm: Floats, a: Floats, b: Floats, wanted: Array) -> ProfileDifference:
    known = wanted & np.isfinite(a) & np.isfinite(b)
    s_mm, a, b = s_mm[known], a[known], b[known]
    if len(s_mm) == 0:
        return ProfileDifference(quantity, 0, *(np.nan,) * 7)
    difference = b - a
    at = int(np.abs(difference).argmax())
    return ProfileDifference(
        quantity,
        len(s_mm),
        float(s_mm[0]),
        float(s_mm[-1]),
        float(np.sqrt((difference**2).mean())),
        float(difference.mean()),
        float(difference[at]),
        float(s_mm[at]),
        concordance(a, b),
    )


#: Measures that one voxel along the cord makes uncertain, and those that one from dorsal to ventral does, how often.
ALONG: tuple[str, ...] = (names.LENGTH, names.IMLL, names.MIDLINE_LENGTH)
ACROSS: dict[str, int] = {
    names.WIDTH: 1, names.MIDLINE_WIDTH: 1, names.DORSAL: 1, names.VENTRAL: 1, names.TOTAL: 2, names.NARROWEST: 2,
    names.CORD_AP: 1,
}  # fmt: skip
#: What is compared, in the order of reading.
MEASURES: tuple[str, ...] = (
    names.LENGTH, names.IMLL, names.MIDLINE_LENGTH, names.MIDLINE_AREA, names.WIDTH, names.MIDLINE_WIDTH,
    names.DORSAL, names.VENTRAL, names.TOTAL, names.NARROWEST, names.BRIDGE_OF_CORD, names.DAMAGE, names.VOLUME,
    names.DIAMETER, names.CORD_AP, names.CORD_AREA, names.PRESERVED,
)  # fmt: skip


@dataclass(frozen=True)
class ScalarDifference:
    """One measure of two lesions.

    Parameters
    ----------
    measure : str
        Column of the table, with its unit.
    a, b, difference : float
        ``difference`` is B - A.
    percent : float
        Of A; NaN where A is 0.
    uncertainty : float
        Largest error of the difference from voxel size: that of A plus that of B. NaN where none is stated for the
        measure.
    """

    measure: str
    a: float
    b: float
    difference: float
    percent: float
    uncertainty: float

    @property
    def within_voxels(self) -> bool | None:
        """Whether the difference is no larger than the voxels make it uncertain; None where nothing is stated."""
        if not np.isfinite(self.uncertainty):
            return None
        return abs(self.difference) <= self.uncertainty * (1.0 + ROUNDING)

    def row(self) -> Row:
        """Return the numbers as a row; what is not defined is None."""
        row: Row = {
            name: _known(value) if isinstance(value, float) else value for name, value in asdict(self).items()
        }
        row["within_voxel_size"] = self.within_voxels
        return row


def scalars(a: Mapping[str, Cell], b: Mapping[str, Cell]) -> list[ScalarDifference]:
    """Compare two rows of lesion measures; a measure that either lacks is left out.

    Parameters
    ----------
    a, b : mapping
        Rows of `lesion.measure`, usually the totals.

    Raises
    ------
    BadInput
        If they were measured by different methods.
    """
    if a.get("method") != b.get("method"):
        raise BadInput(
            Problem("the two were measured by different methods", key="method",
                    value=f"{a.get('method')} and {b.get('method')}", allowed="measure both with one --method")
        )  # fmt: skip
    found = []
    for name in MEASURES:
        one, two = number_in(a, name), number_in(b, name)
        if np.isfinite(one) and np.isfinite(two):
            found.append(difference_of(name, one, two, voxel_error(a, name) + voxel_error(b, name)))
    return found


def difference_of(name: str, a: float, b: float, uncertainty: float) -> ScalarDifference:
    """Return the difference of two values of a measure."""
    return ScalarDifference(name, a, b, b - a, 100.0 * (b - a) / a if a else np.nan, uncertainty)


def number_in(row: Mapping[str, Cell], name: str) -> float:
    """Return a number of a row; NaN where there is none."""
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else np.nan


def voxel_error(row: Mapping[str, Cell], name: str) -> float:
    """Return the largest error of a measure from the size of a voxel; NaN for measures that state none.

    Lengths are known to one slice, widths, diameters and each bridge to one voxel from dorsal to ventral.
    """
    if name in ALONG:
        return _first_number(row, names.LENGTH_ERROR, "voxel_along [mm]")
    if name in ACROSS:
        return ACROSS[name] * _first_number(row, names.BRIDGE_ERROR, "voxel_dorsoventral [mm]")
    return np.nan


def _first_number(row: Mapping[str, Cell], *columns: str) -> float:
    return next((value for column in columns if np.isfinite(value := number_in(row, column))), np.nan)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
