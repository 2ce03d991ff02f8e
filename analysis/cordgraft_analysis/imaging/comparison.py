"""Two sides compared: which grids are one, which rows are pairs, and everything that a reader has to know with it."""

from __future__ import annotations

from dataclasses import dataclass

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.agreement import Agreement, bland_altman
from cordgraft_analysis.imaging.checks import inside, same_grid
from cordgraft_analysis.imaging.compare import (
    MEASURES,
    Overlap,
    ProfileDifference,
    ScalarDifference,
    overlap,
    profiles,
    scalars,
)
from cordgraft_analysis.imaging.findings import Finding, has_errors
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.onto_grid import onto_grid
from cordgraft_analysis.imaging.profile import Profile
from cordgraft_analysis.imaging.sides import Side, key_of
from cordgraft_analysis.imaging.transform import Transform
from cordgraft_analysis.imaging.volume import Array, Volume

#: With less of a mask inside the other scan's grid the two do not show one place, and no overlap is given.
LEAST_INSIDE = 0.5
#: From this share on nothing is said of what lies outside.
WHOLE = 0.999


@dataclass(frozen=True)
class Pair:
    """Two rows of measures that belong together, and their differences."""

    name: str
    differences: tuple[ScalarDifference, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that two sides allow.

    Parameters
    ----------
    names : (2,) of str
    overlaps : dict
        ``lesion`` and ``cord`` -> `Overlap`; empty with the reason in `no_overlap`.
    no_overlap : str
    pairs : tuple of Pair
    along : tuple of ProfileDifference
    curves : (2,) of Profile or None
    agreements : dict
        Measure -> Bland-Altman, where there are several pairs.
    findings : tuple of Finding
    notes : tuple of str
    """

    names: tuple[str, str]
    overlaps: dict[str, Overlap]
    no_overlap: str
    pairs: tuple[Pair, ...]
    along: tuple[ProfileDifference, ...]
    curves: tuple[Profile, Profile] | None
    agreements: dict[str, Agreement]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def compare_sides(
    a: Side, b: Side, transform: Transform | None = None, tau_mm: float | None = None
) -> Comparison:
    """Compare two sides.

    Parameters
    ----------
    a, b : Side
    transform : Transform, optional
        World mm of A to world mm of B; masks only.
    tau_mm : float, optional
        Tolerance of the surface Dice.

    Raises
    ------
    BadInput
        If they share nothing that can be compared, a table's rows find no partners, or a transform has no masks.
    """
    findings = [*a.findings, *b.findings]
    notes = [*a.notes, *b.notes]
    overlaps: dict[str, Overlap] = {}
    reason = "one side is a table: masks are needed"
    if a.lesion is not None and b.lesion is not None:
        reason, overlaps, more, said = _overlaps(a, b, transform, tau_mm)
        findings += more
        notes += said
    elif transform is not None:
        raise BadInput(
            Problem("a transform is for two masks", key="--transform", allowed="leave it out for tables")
        )
    if transform is not None:
        findings += transform.findings
    pairs = tuple(Pair(name, tuple(scalars(one, two))) for name, one, two in _partners(a, b))
    curves = None if a.profile is None or b.profile is None else (a.profile, b.profile)
    along: tuple[ProfileDifference, ...] = ()
    if curves is not None:
        along = profiles(*curves)
        if not all(curve.lesion_present for curve in curves):
            notes.append(
                "one side has no lesion: its profile begins at the middle of the cord, places are arbitrary"
            )
    if not (overlaps or pairs or along):
        raise BadInput(
            Problem("the two share nothing that can be compared", key="A, B", value=f"{a.name}, {b.name}",
                    allowed="two masks, two tables of measures, two profiles, or a mask with any of them")
        )  # fmt: skip
    return Comparison(
        (a.name, b.name),
        overlaps,
        reason,
        pairs,
        along,
        curves,
        _agreements(pairs),
        tuple(findings),
        tuple(notes),
    )


def _agreements(pairs: tuple[Pair, ...]) -> dict[str, Agreement]:
    found = {}
    for name in MEASURES if len(pairs) > 1 else ():
        both = [one for pair in pairs for one in pair.differences if one.measure == name]
        if len(both) > 1:
            found[name] = bland_altman([one.a for one in both], [one.b for one in both])
    return found


def _partners(a: Side, b: Side) -> list[tuple[str, Row, Row]]:
    """Return the rows that belong together: the only ones, or those of one subject and session (or file name)."""
    if not a.totals or not b.totals:
        return []
    if len(a.totals) == len(b.totals) == 1:
        return [("", a.totals[0], b.totals[0])]
    keyed = []
    for side in (a, b):
        rows = {key_of(row): row for row in side.totals}
        if len(rows) < len(side.totals) or "" in rows:
            raise BadInput(
                Problem("its rows cannot be told apart", file=side.name, value=f"{len(side.totals)} rows",
                        allowed="columns subject and session, or a different lesion_file in each row")
            )  # fmt: skip
        keyed.append(rows)
    shared = [key for key in keyed[0] if key in keyed[1]]
    if not shared:
        raise BadInput(
            Problem("no row of one table belongs to a row of the other", key="A, B",
                    value=f"{next(iter(keyed[0]))} and {next(iter(keyed[1]))}, for example",
                    allowed="the same subject and session, or the same lesion_file, in both")
        )  # fmt: skip
    return [(key, keyed[0][key], keyed[1][key]) for key in shared]


def _overlaps(
    a: Side, b: Side, transform: Transform | None, tau_mm: float | None
) -> tuple[str, dict[str, Overlap], list[Finding], list[str]]:
    """Return why there is no overlap (or nothing), the overlaps, what was found and what is to be said."""
    assert a.lesion is not None and b.lesion is not None
    findings: list[Finding] = []
    notes = [
        f"{side.name} holds shares: for the overlap a voxel counts from one half on"
        for side in (a, b)
        if side.lesion is not None and side.lesion.kind == "soft"
    ]
    grid = same_grid(b.lesion, a.lesion)
    direct = transform is None and not has_errors(grid)
    if direct:
        findings += grid
    found: dict[str, Overlap] = {}
    for part, one, two in (("lesion", a.lesion, b.lesion), ("cord", a.cord, b.cord)):
        if one is None or two is None:
            continue
        second: Array = inside(two)
        if not direct:
            second, kept = _brought(two, one, transform)
            if part == "lesion":
                findings.append(_moved(b, a, transform, grid))
                if kept < LEAST_INSIDE:
                    where = f"{100.0 * kept:.0f} % of the lesion of {b.name} lies in the image of {a.name}"
                    return f"{where}: the two do not show one place; give --transform", {}, findings, notes
                if kept < WHOLE:
                    findings.append(
                        Finding("E13", "warning", f"reaches out of the grid of '{a.name}'; that part is not compared",
                                b.name, f"{100.0 * (1.0 - kept):.1f} % of the lesion")
                    )  # fmt: skip
        found[part] = overlap(inside(one), second, one.affine, tau_mm)
    return "", found, findings, notes


def _brought(volume: Volume, onto: Volume, transform: Transform | None) -> tuple[Array, float]:
    shape = onto.data.shape
    matrix = None if transform is None else transform.matrix
    # Shares of what counts as inside, not of the shares themselves: half of a soft voxel may be all of a mask.
    brought = onto_grid(inside(volume), volume.affine, shape, onto.affine, matrix)
    return brought.mask, brought.kept


def _moved(b: Side, a: Side, transform: Transform | None, grid: list[Finding]) -> Finding:
    why = next((finding.value for finding in grid if finding.level == "error"), "")
    onto = f"is brought onto the grid of '{a.name}'"
    if transform is not None:
        return Finding("E13", "note", f"{onto} through the transform", b.name, why)
    return Finding(
        "E13", "warning", f"{onto} through the affines of both files", b.name, why,
        "That is right for masks of one visit; for two visits register them and give --transform",
    )  # fmt: skip
