"""What a published target is made of: arms to run, quantities to measure, bounds, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Day of transplantation of every grafted arm, from the injury; that of the shipped scenario.
GRAFT_DAY = 9.0


@dataclass(frozen=True)
class Source:
    """A publication, and its DOI, PMC or PMID number where one is known."""

    text: str
    number: str = ""

    def __str__(self) -> str:
        """Return the source as it is printed."""
        return f"{self.text}, {self.number}" if self.number else self.text


@dataclass(frozen=True)
class Arm:
    """A scenario with settings that is run once per seed.

    Parameters
    ----------
    name : str
        Also the name of its folder.
    scenario : str
        Name of a shipped scenario.
    settings : tuple of str
        ``ADDRESS=VALUE`` each; none of them changes a parameter of a mechanism.
    seconds : float
        Measured processor time of one run, s: the estimate where no run has been timed yet.
    megabytes : float
        Measured size of one run, MB.
    note : str
        Why it is run more coarsely, or longer, than the shipped scenario.
    patients : int
        Runs that make up one seed of the command: a group of virtual patients where an outcome is a share of people.
    """

    name: str
    scenario: str
    settings: tuple[str, ...]
    seconds: float
    megabytes: float
    note: str = ""
    patients: int = 1

    def seeds_of(self, group: int) -> range:
        """Return the seeds of the runs that make up one seed of the command; no two groups share any."""
        return range((group - 1) * self.patients + 1, group * self.patients + 1)


@dataclass(frozen=True)
class Course:
    """What one run did over time, in the terms of a row.

    Parameters
    ----------
    days : (n,) float64
        Days after the injury, or after transplantation where the row says so.
    curves : mapping
        Name -> (n,) float64.
    """

    days: Array
    curves: Mapping[str, Array]

    def at(self, name: str, day: float) -> float:
        """Return a curve on a recorded day; NaN where that day was not recorded."""
        found = np.flatnonzero(np.abs(self.days - day) < 1e-6)
        return float(self.curves[name][found[0]]) if found.size else math.nan

    def peak_day(self, name: str) -> float:
        """Return the day of the largest value of a curve; NaN without any."""
        values = self.curves[name]
        return float(self.days[np.nanargmax(values)]) if np.isfinite(values).any() else math.nan

    def peak(self, name: str) -> float:
        """Return the largest value of a curve; NaN without any."""
        values = self.curves[name]
        return float(np.nanmax(values)) if np.isfinite(values).any() else math.nan


#: Arm by its part in the row -> its course, all of one seed.
Courses = Mapping[str, Course]


@dataclass(frozen=True)
class Claim:
    """One inequality of a row.

    Parameters
    ----------
    quantity : str
        What is measured, in words.
    unit : str
    measure : callable
        From the courses of one seed to the value; a contrast takes two arms of the same seed. With `pool`: to the
        points that the seed contributes, an array of the same shape for every seed.
    low, high : float
        Bounds; infinite where there is none.
    strict : bool
        Whether the bounds themselves are outside.
    judged : bool
        Whether the bound is a tolerance that was judged, not a measured value.
    pool : callable, optional
        From the points of all seeds, (seeds, ...) float64, to the quantity, for what no single seed has, such as a
        correlation over animals. Without it the quantity is the mean over the seeds.
    """

    quantity: str
    unit: str
    measure: Callable[[Courses], float | Array]
    low: float = -math.inf
    high: float = math.inf
    strict: bool = False
    judged: bool = False
    pool: Callable[[Array], float] | None = None

    @property
    def target(self) -> str:
        """Return the inequality in words."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            words = f"{self.low:g} to {self.high:g}"
        elif math.isfinite(self.low):
            words = f"{'above' if self.strict else 'at least'} {self.low:g}"
        else:
            words = f"{'below' if self.strict else 'at most'} {self.high:g}"
        unit = f" {self.unit}" if self.unit != "1" else ""
        return f"{words}{unit}{' (judged)' if self.judged else ''}"

    def meets(self, value: float) -> bool:
        """Tell whether a value lies inside the bounds."""
        if self.strict:
            return self.low < value < self.high
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Band:
    """Part of a panel in which the target lies: days and values, None without a limit; `of` numbers its curve."""

    days: tuple[float, float] | None = None
    values: tuple[float, float] | None = None
    label: str = "target"
    of: int | None = None


@dataclass(frozen=True)
class Panel:
    """One plot of a row: a curve of some arms over days, with target bands.

    Parameters
    ----------
    title, unit : str
    curves : tuple of (part, curve, label)
    bands : tuple of Band
    """

    title: str
    unit: str
    curves: tuple[tuple[str, str, str], ...]
    bands: tuple[Band, ...] = ()

    @property
    def parts(self) -> set[str]:
        """Return the parts of the arms that are drawn."""
        return {part for part, _, _ in self.curves}


@dataclass(frozen=True)
class Scatter:
    """One plot of a row: a point per seed and arm on one day, one curve against another.

    Parameters
    ----------
    title : str
    day : float
        Day of the courses.
    across, up : (curve, name, unit)
        What is drawn along the two axes.
    arms : tuple of (part, label)
    fitted : int
        So many arms, the first ones, share a straight line.
    """

    title: str
    day: float
    across: tuple[str, str, str]
    up: tuple[str, str, str]
    arms: tuple[tuple[str, str], ...]
    fitted: int = 0

    @property
    def parts(self) -> set[str]:
        """Return the parts of the arms that are drawn."""
        return {part for part, _ in self.arms}


@dataclass(frozen=True)
class Row:
    """A published target.

    Parameters
    ----------
    name, title, statement : str
    arms : mapping
        Part that it plays -> arm.
    claims : tuple of Claim
        The row passes if all of them do.
    sources : tuple of Source
    calibration : str
        Whether, and how, parameters of the model were chosen with this outcome in view.
    read : callable
        From a run directory to its course.
    gather : callable, optional
        From the courses of a group of patients to one course, for rows whose arms have several patients a seed.
    panels : tuple of Panel or Scatter
    clock : str
        What the days of the figure count from.
    """

    name: str
    title: str
    statement: str
    arms: Mapping[str, Arm]
    claims: tuple[Claim, ...]
    sources: tuple[Source, ...]
    calibrated: bool
    calibration: str
    read: Callable[[Path], Course]
    panels: tuple[Panel | Scatter, ...]
    clock: str = "days after the injury"
    remarks: tuple[str, ...] = field(default=())
    gather: Callable[[Sequence[Course]], Course] | None = None
