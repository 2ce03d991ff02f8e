"""From the values of the seeds to a mean, its bootstrap interval, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cordgraft.run.validation.row import Array, Claim

#: Draws of the bootstrap and its fixed seed: the same runs give the same interval.
RESAMPLES, BOOTSTRAP_SEED = 9999, 20_260_101
LEVEL = 0.95
PASSES, FAILS, STRADDLES, NO_DATA = "passes", "fails", "straddles", "no data"


@dataclass(frozen=True)
class Judgement:
    """A claim with what was simulated.

    Parameters
    ----------
    values : (seeds,) float64
        NaN where a run does not define the quantity.
    mean, low, high : float
        Mean over the seeds and its 95 % interval; NaN with fewer than two values.
    verdict : str
        `PASSES` if the whole interval meets the inequality, `FAILS` if none of it does, `STRADDLES` if a bound lies
        inside it, `NO_DATA` without an interval.
    """

    claim: Claim
    values: Array
    mean: float
    low: float
    high: float
    verdict: str


def interval(values: Array) -> tuple[float, float]:
    """Return the bootstrap 95 % interval of the mean (percentiles); NaN with fewer than two values.

    Parameters
    ----------
    values : (n,) float64, finite
    """
    if values.size < 2:
        return math.nan, math.nan
    if np.ptp(values) == 0.0:
        return float(values[0]), float(values[0])
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        confidence_level=LEVEL,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=BOOTSTRAP_SEED,
    ).confidence_interval
    return float(found.low), float(found.high)


def judge(claim: Claim, values: Sequence[float]) -> Judgement:
    """Return the judgement of a claim on the values of the seeds."""
    array = np.asarray(values, dtype=np.float64)
    known = array[np.isfinite(array)]
    mean = float(np.mean(known)) if known.size else math.nan
    low, high = interval(known)
    return Judgement(claim, array, mean, low, high, _verdict(claim, low, high))


def _verdict(claim: Claim, low: float, high: float) -> str:
    if math.isnan(low):
        return NO_DATA
    if claim.meets(low) and claim.meets(high):
        return PASSES
    outside = high < claim.low or low > claim.high
    at_edge = claim.strict and (high == claim.low or low == claim.high)
    return FAILS if outside or at_edge else STRADDLES
