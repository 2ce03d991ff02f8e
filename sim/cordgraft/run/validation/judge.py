"""From the values of the seeds to a quantity (their mean, unless a claim pools them), its interval, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    values : (seeds,) or (seeds, ...) float64
        NaN where a run does not define the quantity; with `Claim.pool` the points of each seed.
    mean, low, high : float
        Mean over the seeds, or what the claim makes of their points, and its 95 % interval; the interval is NaN with
        fewer than two seeds.
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


def interval(values: Array, pool: Callable[[Array], float] | None = None) -> tuple[float, float]:
    """Return the bootstrap 95 % interval of a quantity (percentiles); NaN with fewer than two seeds.

    Seeds are drawn with all that belongs to them: the same seed is the same animal in every arm, so that its points
    are no independent ones.

    Parameters
    ----------
    values : (seeds,) or, with `pool`, (seeds, ...) float64, finite
    pool : callable, optional
        From values to the quantity; without it their mean.
    """
    from scipy.stats import bootstrap

    if len(values) < 2:
        return math.nan, math.nan
    options = {"n_resamples": RESAMPLES, "method": "percentile", "rng": BOOTSTRAP_SEED}
    if pool is None:
        if np.ptp(values) == 0.0:
            return float(values[0]), float(values[0])
        found = bootstrap((values,), np.mean, confidence_level=LEVEL, **options)
    else:
        seeds = np.arange(len(values))
        found = bootstrap(
            (seeds,),
            lambda drawn: pool(values[drawn]),
            vectorized=False,
            confidence_level=LEVEL,
            **options,
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def judge(claim: Claim, values: Sequence[float | Array]) -> Judgement:
    """Return the judgement of a claim on the values, or the points, of the seeds; a seed counts if it has them all."""
    array = np.asarray(values, dtype=np.float64)
    known = array[np.isfinite(array).reshape(len(array), -1).all(axis=1)] if len(array) else array
    estimate = math.nan
    if len(known):
        estimate = float(np.mean(known)) if claim.pool is None else float(claim.pool(known))
    low, high = interval(known, claim.pool)
    return Judgement(claim, array, estimate, low, high, _verdict(claim, low, high))


def _verdict(claim: Claim, low: float, high: float) -> str:
    if math.isnan(low):
        return NO_DATA
    if claim.meets(low) and claim.meets(high):
        return PASSES
    outside = high < claim.low or low > claim.high
    at_edge = claim.strict and (high == claim.low or low == claim.high)
    return FAILS if outside or at_edge else STRADDLES
