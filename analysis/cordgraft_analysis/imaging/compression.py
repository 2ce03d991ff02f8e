"""Compression of the cord: its diameter at one place against the mean of what lies above and below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.cord import LEVEL_NAMES, MEASURES, CordShape
from cordgraft_analysis.imaging.cord_axes import cord_axes
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.normative import NORMS
from cordgraft_analysis.imaging.volume import Array, Floats

#: Where the reference begins, and how long it is, on each side, mm.
DISTANCE_MM, EXTENT_MM = 10.0, 20.0
#: Measures for which healthy values by level are known, and the name of those.
NORMALISED: dict[str, str] = {"area": "area", "diameter_AP": "ap", "diameter_RL": "rl"}


@dataclass(frozen=True)
class Compression:
    """Compression at one place, ``100 (1 - mi / ((ma + mb) / 2))`` %.

    Parameters
    ----------
    metric : str
        One of `cord.MEASURES`.
    slices : tuple of int
        The compressed slices, counted from inferior.
    level : int
        Vertebral level of the first of them, 0 if unknown.
    at, above, below : float
        Means of the metric at the place, and over the reference above and below; NaN where there is no cord.
    percent : float
        NaN where a reference is missing.
    normalised_percent : float
        The same after each slice is divided by the healthy mean of its level; NaN without levels.
    notes : tuple of str
    """

    metric: str
    slices: tuple[int, ...]
    level: int
    at: float
    above: float
    below: float
    percent: float
    normalised_percent: float
    notes: tuple[str, ...] = ()

    def row(self) -> Row:
        """Return the cells of a table, in the toolbox's words."""
        return {
            "compression_slices (I->S)": _runs(self.slices),
            "compression_level": self.level or None,
            f"{self.metric}": _known(self.at),
            f"{self.metric}_above": _known(self.above),
            f"{self.metric}_below": _known(self.below),
            f"{self.metric}_ratio": _known(self.percent),
            f"{self.metric}_ratio_level_normalized": _known(self.normalised_percent),
        }


def _runs(numbers: tuple[int, ...]) -> str:
    """Return sorted slices as ``"18:35"``, several runs with a comma between."""
    starts = [number for number in numbers if number - 1 not in numbers]
    stops = [number for number in numbers if number + 1 not in numbers]
    return ", ".join(str(a) if a == b else f"{a}:{b}" for a, b in zip(starts, stops, strict=True))


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def compression(
    shape: CordShape,
    slices: Array | list[int],
    *,
    metric: str = "diameter_AP",
    distance_mm: float = DISTANCE_MM,
    extent_mm: float = EXTENT_MM,
    sex: str | None = None,
) -> Compression:
    """Return the compression at some slices.

    Parameters
    ----------
    shape : CordShape
    slices : sequence of int
        Compressed slices, counted from inferior; the metric is averaged over them.
    metric : str
        One of `cord.MEASURES` other than angles.
    distance_mm : float
        From the outermost compressed slice to the start of the reference, along the cord.
    extent_mm : float
        Length of the reference on each side.
    sex : {"F", "M"}, optional
        Whose healthy values the normalised variant takes.

    Raises
    ------
    BadInput
        A slice without cord, an unknown metric, lengths that are not positive.
    """
    if metric not in MEASURES or metric.startswith(("angle", "orientation", "length")):
        allowed = ", ".join(
            name for name in MEASURES if not name.startswith(("angle", "orientation", "length"))
        )
        raise BadInput(
            Problem("the metric cannot be compressed", key="metric", value=repr(metric), allowed=allowed)
        )
    if not (distance_mm >= 0.0 and extent_mm > 0.0):
        raise BadInput(
            Problem(
                "distance or extent of the reference is not positive",
                key="extent_mm",
                value=f"{extent_mm:g} mm",
            )
        )
    if sex is not None and sex not in NORMS:
        raise BadInput(
            Problem("no healthy values for this sex", key="sex", value=repr(sex), allowed="F, M, or none")
        )
    wanted = np.unique(np.asarray(slices, dtype=np.int64))
    missing = np.setdiff1d(wanted, shape.slices)
    if len(wanted) == 0 or len(missing):
        raise BadInput(
            Problem(
                "no cord on a slice whose compression is asked",
                key="slices",
                value=", ".join(str(number) for number in missing) or "no slice",
                allowed=f"{shape.slices[0]} to {shape.slices[-1]}",
            )
        )
    at = np.flatnonzero(np.isin(shape.slices, wanted))
    low, high = shape.place_mm[at[0]], shape.place_mm[at[-1]]
    above = _reference(shape.place_mm - high, distance_mm, extent_mm)
    below = _reference(low - shape.place_mm, distance_mm, extent_mm)
    notes = []
    for side, chosen in (("above", above), ("below", below)):
        covered = float(shape.values["length"][chosen].sum())
        if covered == 0.0:
            notes.append(f"no cord {distance_mm:g} mm {side} the place: no compression can be given")
        elif covered < 0.9 * extent_mm:
            notes.append(f"only {covered:.1f} of {extent_mm:g} mm of cord {side} the place")
    places = (at, above, below)
    at_place, over, under = (shape.mean(metric, place) for place in places)
    share = _shares_of_norm(shape, metric, sex)
    normal = [_mean(share[place]) for place in places]
    return Compression(
        metric,
        tuple(int(number) for number in wanted),
        int(shape.levels[at[0]]),
        at_place,
        over,
        under,
        _percent(at_place, over, under),
        _percent(*normal),
        tuple(notes),
    )


def _reference(distance: Floats, start_mm: float, extent_mm: float) -> Array:
    """Return the positions of slices whose middle lies in the reference."""
    return np.flatnonzero((distance >= start_mm) & (distance < start_mm + extent_mm))


def _percent(at: float, above: float, below: float) -> float:
    around = 0.5 * (above + below)
    return 100.0 * (1.0 - at / around) if np.isfinite(around) and around > 0.0 else float("nan")


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _shares_of_norm(shape: CordShape, metric: str, sex: str | None) -> Floats:
    """Return each slice's value over the healthy mean of its level : (n,); NaN where there is none."""
    result = np.full(len(shape.slices), np.nan)
    if metric in NORMALISED:
        for level, norm in NORMS[sex].items():
            at = shape.levels == level
            result[at] = shape.values[metric][at] / getattr(norm, NORMALISED[metric])
    return result


def slices_of_level(shape: CordShape, level: str) -> list[int]:
    """Return the slices of a vertebral level named in words (``"C5"``) or by number (``"5"``).

    Raises
    ------
    BadInput
        If the name is none, or no slice has the level.
    """
    numbers = {name: number for number, name in LEVEL_NAMES.items()} | {str(n): n for n in LEVEL_NAMES}
    number = numbers.get(level.strip().upper())
    if number is None:
        raise BadInput(
            Problem(
                "no such vertebral level",
                key="compression",
                value=repr(level),
                allowed="C1 to C7, T1 to T12, L1 to L5",
            )
        )
    found = shape.slices[shape.levels == number]
    if len(found) == 0:
        known = ", ".join(LEVEL_NAMES.get(n, str(n)) for n in sorted(set(shape.levels.tolist()) - {0}))
        raise BadInput(
            Problem(
                "the cord mask has no slice at this vertebral level",
                key="compression",
                value=level,
                allowed=known or "give the levels (--levels)",
            )
        )
    return [int(number) for number in found]


def slice_of_lesion(
    shape: CordShape, lesion: Array, affine: Floats, *, metric: str = "diameter_AP", dorsal: str = "P"
) -> int:
    """Return the slice of the lesion on which the cord is narrowest.

    Parameters
    ----------
    shape : CordShape
    lesion : (nx, ny, nz) array
        On the grid of the cord; voxels of one half and more count.
    affine : (4, 4) float64
    metric : str
    dorsal : {"P", "A", "L", "R"}

    Raises
    ------
    BadInput
        If no slice of the lesion has cord of known shape.
    """
    held = np.flatnonzero((cord_axes(affine, dorsal).turn(np.asarray(lesion)) >= 0.5).any(axis=(0, 1)))
    at = np.flatnonzero(np.isin(shape.slices, held) & np.isfinite(shape.values[metric]))
    if len(at) == 0:
        raise BadInput(
            Problem(
                "no slice holds lesion together with cord of one piece", key="compression", value="lesion"
            )
        )
    return int(shape.slices[at[shape.values[metric][at].argmin()]])
