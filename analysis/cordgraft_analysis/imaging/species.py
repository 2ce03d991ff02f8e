"""Which side of a cord is dorsal, and whether its size fits the species (part of E08).

A person lies in the scanner as the world axes say: dorsal is posterior. A rodent does not, and headers of rodent
scans are filled in either way (one published rat atlas calls the dorsal side anterior), so it is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.checks import inside, name_of
from cordgraft_analysis.imaging.findings import Finding, Ledger, refuse_errors
from cordgraft_analysis.imaging.volume import Array, Volume

#: Antero-posterior diameter of a cord that is credible, mm.
CREDIBLE_AP_MM: dict[str, tuple[float, float]] = {
    "human": (2.0, 20.0),
    "rat": (1.0, 6.0),
    "mouse": (1.0, 6.0),
}
SPECIES = tuple(CREDIBLE_AP_MM)
RODENTS = ("rat", "mouse")
#: Below this diameter a cord of unstated species is not taken for a person's, mm. Cords of rats reach some 3 mm;
#: the mean A-P diameter of healthy people is above 5 mm at every level from C2 to T5.
SURELY_NOT_HUMAN_MM = 4.0
#: Below this diameter either is possible (a person's thoracic or atrophic cord, a large rodent's), mm.
POSSIBLY_RODENT_MM = 6.0
#: Voxels thinner than this on two axes are seldom those of a scan of a person, mm.
FINE_VOXEL_MM = 0.15
#: World axis and sign by the user's word.
DIRECTIONS: dict[str, tuple[int, int]] = {
    "+x": (0, 1), "-x": (0, -1), "+y": (1, 1), "-y": (1, -1),
    "x": (0, 1), "y": (1, 1), "r": (0, 1), "l": (0, -1), "a": (1, 1), "p": (1, -1),
}  # fmt: skip
_WORD = {(0, 1): "R", (0, -1): "L", (1, 1): "A", (1, -1): "P"}


@dataclass(frozen=True)
class Dorsal:
    """The direction of dorsal in the canonical axes of a volume.

    Parameters
    ----------
    axis : int
        0 for right-left, 1 for anterior-posterior.
    sign : int
        1 if the index grows towards dorsal, -1 if it grows away from it.
    """

    axis: int
    sign: int

    @property
    def word(self) -> str:
        """Return the side of the scanner's world on which dorsal lies: ``"P"`` in people."""
        return _WORD[self.axis, self.sign]


def dorsal_axis(
    cord: Volume | None = None, species: str | None = None, dorsal: str | None = None
) -> tuple[Dorsal, list[Finding]]:
    """Return where dorsal is: as stated, or posterior for people; refuse to guess for rodents.

    Parameters
    ----------
    cord : Volume, optional
        Mask of the cord; its size tells rodents apart if the species is not stated.
    species : {"human", "rat", "mouse"}, optional
    dorsal : str, optional
        Direction in the scanner's world: ``-y`` (or ``P``) posterior, ``+y`` (``A``) anterior, ``+x``, ``-x``.

    Returns
    -------
    dorsal : Dorsal
    findings : list of Finding
        Warnings.

    Raises
    ------
    BadInput
        If the species or the direction is unknown, or a rodent's dorsal side is not stated.
    """
    check_words(species, dorsal)
    findings = check_size(cord, species, dorsal) if cord is not None else []
    refuse_errors(findings)
    if dorsal is not None:
        axis, sign = DIRECTIONS[dorsal.lower()]
        return Dorsal(axis, sign), findings
    if species in RODENTS:
        raise BadInput(unstated_dorsal(species or "", "").problem())
    return Dorsal(1, -1), findings


def check_words(species: str | None, dorsal: str | None) -> None:
    """Refuse a species or a direction that nobody knows."""
    problems = []
    if species is not None and species not in SPECIES:
        allowed = ", ".join(SPECIES)
        problems.append(Problem("unknown species", key="--species", value=species, allowed=allowed))
    if dorsal is not None and dorsal.lower() not in DIRECTIONS:
        problems.append(
            Problem(
                "no direction across a cord", key="--dorsal-axis", value=dorsal,
                allowed="-y (posterior, as in people), +y (anterior), -x (left), +x (right)",
            )
        )  # fmt: skip
    if problems:
        raise BadInput(problems)


def check_size(cord: Volume, species: str | None = None, dorsal: str | None = None) -> list[Finding]:
    """Say whether the cord's A-P diameter is credible, and whether its dorsal side has to be stated (E08).

    Parameters
    ----------
    cord : Volume
        Mask or soft mask; an empty one is not judged here.
    species, dorsal
        See `dorsal_axis`.
    """
    ledger = Ledger(name_of(cord, "the cord mask"))
    whole = inside(cord)
    if not whole.any():
        return ledger.findings
    axis = DIRECTIONS[dorsal.lower()][0] if dorsal is not None else 1
    diameter = diameter_mm(whole, cord.spacing_mm, axis)
    found = f"median {diameter:.2g} mm from front to back"
    low, high = CREDIBLE_AP_MM[species or "human"]
    if species is None:
        low = CREDIBLE_AP_MM["rat"][0]
    if not low <= diameter <= high:
        ledger.error(
            "E08", f"holds a cord of an incredible size{f' for a {species}' if species else ''}", found,
            f"{low:g} to {high:g} mm are credible; check the unit of the file, the species and that this is the cord",
        )  # fmt: skip
    elif dorsal is None and species in RODENTS:
        ledger.findings.append(unstated_dorsal(species or "", ledger.file))
    elif species is None and diameter < SURELY_NOT_HUMAN_MM and dorsal is None:
        ledger.error(
            "E08", "holds a cord of the size of a rodent's, whose dorsal side is not guessed", found,
            "Give --species rat (or mouse, human) and, for a rodent, --dorsal-axis -y or +y",
        )  # fmt: skip
    elif species is None and diameter < POSSIBLY_RODENT_MM and dorsal is None:
        ledger.warning(
            "E08", "holds a cord so small that it may be a rodent's; it is taken for a person's", found,
            "State it with --species",
        )  # fmt: skip
    return ledger.findings


def fine_voxels(volume: Volume) -> Finding | None:
    """Return a note on voxels finer than a scanner of people makes them; None for others."""
    if sorted(volume.spacing_mm)[1] > FINE_VOXEL_MM:
        return None
    sizes = " x ".join(f"{size:.3g}" for size in volume.spacing_mm)
    return Finding(
        "E08", "note",
        "has voxels as fine as those of rodents or histology; the dorsal side of a rodent is never guessed",
        name_of(volume), f"{sizes} mm", "Verbs that need it ask for --dorsal-axis",
    )  # fmt: skip


def diameter_mm(cord: Array, spacing_mm: tuple[float, float, float], axis: int = 1) -> float:
    """Return the median over the slices of the extent of a cord along one of its short axes, mm.

    Parameters
    ----------
    cord : (x, y, z) bool
    spacing_mm : (3,) float
    axis : int
        1 from anterior to posterior, 0 from right to left.
    """
    shadow = cord.any(axis=1 - axis)
    held = shadow.any(axis=0)
    first = shadow.argmax(axis=0)
    last = shadow.shape[0] - 1 - shadow[::-1].argmax(axis=0)
    return float(np.median((last - first + 1)[held])) * spacing_mm[axis]


def unstated_dorsal(species: str, file: str) -> Finding:
    """Return the error that nobody stated the dorsal side of a rodent (E08)."""
    return Finding(
        "E08", "error", f"the dorsal side of a {species} is not guessed: headers of rodent scans differ", file, "",
        "Give --dorsal-axis -y if dorsal is posterior in the header, +y if it is anterior",
    )  # fmt: skip
