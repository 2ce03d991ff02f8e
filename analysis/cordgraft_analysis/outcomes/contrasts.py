"""Paired treatment contrasts: what an arm differs by from the reference, subject by subject."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft_analysis.compare import shared_seeds
from cordgraft_analysis.outcomes.axons import AxonDay, Floats
from cordgraft_analysis.outcomes.connections import connections
from cordgraft_analysis.outcomes.crossings import crossings
from cordgraft_analysis.outcomes.gathering import Arm, Gathered
from cordgraft_analysis.tables import KEY_OUTCOMES

#: Below so many pairs an interval would say more than the data do.
ENOUGH = 5
RESAMPLES = 9999
#: Fixed, so that the same runs give the same interval.
BOOTSTRAP_SEED = 20_240_229
CONFIDENCE = 0.95
SPREAD_ONLY = "spread only, no interval"
COUNTED = ("axons", "synapses", "cells")
#: Relative difference below which two sums of weights are the same number.
_ROUNDING = 1e-9
#: Outcomes that are grades, flags or bookkeeping: a mean difference of them means nothing.
NOT_CONTRASTED = ("safety_any_flag", "exam_ais", "exam_ais_first", "graft_volume_ratio")


@dataclass(frozen=True)
class Contrast:
    """One outcome of an arm against the reference.

    Parameters
    ----------
    arm, reference, outcome, meaning, unit : str
    seeds : tuple of int
        Subjects in which both arms define the outcome.
    mean_reference, mean_arm, difference : float
        Means over them; the difference is the mean of the paired ones.
    low, high : float
        Bootstrap 95 % interval of the mean difference; NaN below `ENOUGH` pairs.
    differences : tuple of float
        One per seed.
    ratio, ratio_low, ratio_high : float
        Geometric mean of the paired ratios; NaN where it has no meaning.
    ratio_of : str
        What the ratio is taken of.
    effect : float
        Mean difference over the standard deviation between subjects, see `contrast`.
    scale : float
        That standard deviation, in the unit of the outcome.
    label : str
        `SPREAD_ONLY` below `ENOUGH` pairs, empty otherwise.
    """

    arm: str
    reference: str
    outcome: str
    meaning: str
    unit: str
    seeds: tuple[int, ...]
    mean_reference: float
    mean_arm: float
    difference: float
    low: float
    high: float
    differences: tuple[float, ...]
    ratio: float
    ratio_low: float
    ratio_high: float
    ratio_of: str
    effect: float
    scale: float
    label: str


@dataclass(frozen=True)
class Measured:
    """An outcome of all subjects of the arms: name, meaning, unit, and arm -> seed -> value."""

    name: str
    meaning: str
    unit: str
    values: Mapping[str, Mapping[int, float]]


def contrast(
    outcome: Measured, arm: str, reference: str, seeds: Sequence[int], voxel_um: float = 1.0
) -> Contrast | None:
    """Return the paired contrast of one outcome, or None where no pair defines it.

    Definition
    ----------
    A seed draws the same subject in every arm, so ``d_s = arm_s - reference_s``. *Difference*: the mean of d_s, with
    the bias-corrected and accelerated bootstrap interval (95 %, 9999 resamples of the pairs, fixed random numbers)
    from 5 pairs on; with fewer only the spread is given. *Ratio*: the geometric mean of the paired ratios; of
    (count + 1) for axons, synapses and cells, of lengths with a floor of one voxel (a reach may be nil or negative),
    otherwise of the values where all are positive. *Effect*: the mean difference over
    ``sqrt((s_arm^2 + s_reference^2)/2)``, s the standard deviation over the paired seeds: how the difference compares
    with that between subjects. It is NaN where subjects do not differ, and for one pair. Intervals are of each outcome
    by itself, not corrected for their number.

    Parameters
    ----------
    outcome : Measured
    arm, reference : str
    seeds : sequence of int
        That the arms share.
    voxel_um : float
        Edge of a voxel along the cord, the floor of ratios of lengths.
    """
    base, other = outcome.values[reference], outcome.values[arm]
    paired = [seed for seed in seeds if math.isfinite(base.get(seed, math.nan) + other.get(seed, math.nan))]
    if not paired:
        return None
    before = np.array([base[seed] for seed in paired], dtype=np.float64)
    after = np.array([other[seed] for seed in paired], dtype=np.float64)
    differences = after - before
    # what sums of weights differ by from rounding alone is no difference
    differences[np.abs(differences) <= _ROUNDING * np.maximum(np.abs(before), np.abs(after))] = 0.0
    mean = math.fsum(differences) / len(paired)
    mean = 0.0 if abs(mean) <= _ROUNDING * float(np.max(np.abs(differences), initial=0.0)) else mean
    low, high = mean_interval(differences)
    ratios, ratio_of = log_ratios(before, after, outcome.unit, voxel_um)
    ratio_low, ratio_high = mean_interval(ratios)
    scale = effect = math.nan
    if len(paired) > 1:
        scale = math.sqrt(0.5 * (float(np.var(before, ddof=1)) + float(np.var(after, ddof=1))))
        alike = scale <= _ROUNDING * max(abs(float(before.mean())), abs(float(after.mean())))
        effect = 0.0 if mean == 0.0 else math.nan if alike else mean / scale
    geometric, ratio_lowest, ratio_highest = (
        float(np.exp(value)) for value in (ratios.mean(), ratio_low, ratio_high)
    )
    return Contrast(
        arm=arm,
        reference=reference,
        outcome=outcome.name,
        meaning=outcome.meaning,
        unit=outcome.unit,
        seeds=tuple(paired),
        mean_reference=float(before.mean()),
        mean_arm=float(after.mean()),
        difference=mean,
        low=low,
        high=high,
        differences=tuple(differences.tolist()),
        ratio=geometric,
        ratio_low=ratio_lowest,
        ratio_high=ratio_highest,
        ratio_of=ratio_of,
        effect=effect,
        scale=scale,
        label=SPREAD_ONLY if len(paired) < ENOUGH else "",
    )


def mean_interval(values: Floats) -> tuple[float, float]:
    """Return the bootstrap 95 % interval of a mean; NaN below `ENOUGH` values, the value itself where all are alike."""
    if values.size < ENOUGH or not np.isfinite(values).all():
        return math.nan, math.nan
    if np.ptp(values) == 0.0:
        return float(values[0]), float(values[0])
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def log_ratios(before: Floats, after: Floats, unit: str, voxel_um: float) -> tuple[Floats, str]:
    """Return the logarithms of the paired ratios (NaN where a ratio has no meaning), and what they are ratios of."""
    if unit in COUNTED:
        return np.log(after + 1.0) - np.log(before + 1.0), "count + 1"
    if unit == "um":
        floor = np.float64(voxel_um)
        return np.log(np.maximum(after, floor)) - np.log(
            np.maximum(before, floor)
        ), "length, at least a voxel"
    if (before > 0.0).all() and (after > 0.0).all():
        return np.log(after) - np.log(before), "value"
    return np.full(before.size, np.nan), ""


# --------------------------------------------------------------------------------------------- of gathered runs
def contrasts(gathered: Gathered) -> tuple[Contrast, ...]:
    """Return the contrasts of every arm with the first one on the last of the chosen days, greatest effect first.

    Outcomes whose effect is not defined come last. An outcome that is the same in both arms in every subject stays in,
    with a difference of 0.

    Raises
    ------
    BadInput
        If there is one arm only.
    """
    if len(gathered.arms) < 2:
        raise BadInput("a contrast needs two arms or more")
    reference, *others = gathered.arms
    measured = measure(gathered)
    voxel_um = 1000.0 * reference.first.spacing_mm[2]
    found = []
    for arm in others:
        seeds = shared_seeds(reference.ensemble, arm.ensemble)
        rows = [contrast(one, arm.label, reference.label, seeds, voxel_um) for one in measured]
        found += sorted((row for row in rows if row is not None), key=_by_effect)
    return tuple(found)


def _by_effect(one: Contrast) -> tuple[bool, float]:
    return (math.isnan(one.effect), -abs(one.effect) if not math.isnan(one.effect) else 0.0)


def measure(gathered: Gathered) -> list[Measured]:
    """Return what is contrasted: the key series on the day, then crossings and direct synapses of single tracts."""
    day = gathered.days[-1]
    specs = {spec.name: spec for spec in schema.series_specs(gathered.species)}
    found = []
    for name in KEY_OUTCOMES:
        if name in specs and name not in NOT_CONTRASTED:
            values = {arm.label: _series(arm, name, day) for arm in gathered.arms}
            if any(math.isfinite(value) for arm in values.values() for value in arm.values()):
                found.append(Measured(name, specs[name].long_name, specs[name].unit, values))
    single = {arm.label: {int(one.seed): _single(one.days[-1]) for one in arm.subjects if isinstance(one.seed, int)}
              for arm in gathered.arms}  # fmt: skip
    names = {
        name: meaning
        for arm in single.values()
        for one in arm.values()
        for name, (meaning, _, _) in one.items()
    }
    units = {
        name: unit for arm in single.values() for one in arm.values() for name, (_, unit, _) in one.items()
    }
    for name, meaning in names.items():
        values = {
            label: {seed: one[name][2] for seed, one in arm.items() if name in one}
            for label, arm in single.items()
        }
        found.append(Measured(name, meaning, units[name], values))
    return found


def _series(arm: Arm, name: str, day: float) -> dict[int, float]:
    """Return a series of each seed on the last recorded time up to a day; NaN where it is not defined."""
    found = {}
    for view in arm.ensemble.views:
        values = view.values(name)
        index = int(np.searchsorted(view.days, day + 1e-6, side="right")) - 1
        if view.seed is not None:
            found[view.seed] = math.nan if values is None or index < 0 else float(values[index])
    return found


def _single(day: AxonDay) -> dict[str, tuple[str, str, float]]:
    """Return name -> (meaning, unit, value) of what the series do not split by tract."""
    found = {}
    counts = crossings(day, [0.0])
    for row in range(counts.sizes["group"]):
        origin, tract, side = (str(counts[name].values[row]) for name in ("origin", "tract", "side"))
        if origin == "host":
            meaning = f"regrown {tract} axons through the {side} edge, beyond the lesion"
            found[f"crossings_{tract}_far_edge"] = (
                meaning,
                "axons",
                float(counts["represented"].values[row, 0]),
            )
    direct = [one for one in connections(day) if one.route == "direct"]
    words = "living synapses of regrown host axons on host neurons beyond the lesion"
    found["synapses_host_to_host"] = (words, "synapses", math.fsum(one.living for one in direct))
    return found
