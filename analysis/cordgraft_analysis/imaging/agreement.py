"""How far two sets of numbers agree: concordance, limits of agreement, and means with bootstrap intervals.

Small and seeded: the same numbers and seed give the same interval, and too few numbers give none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cordgraft_analysis.imaging.volume import Floats

#: Below so many subjects or seeds an interval would only repeat the extremes; they are given in its place.
FEWEST_FOR_INTERVAL = 5
#: Below so many pairs there are no limits of agreement.
FEWEST_FOR_LIMITS = 3
RESAMPLES = 10_000
#: Resamples that are drawn at one time: bounds the memory of a large group.
AT_ONCE = 1000
#: Standard deviations on either side of the mean difference that hold 95 % of a normal distribution.
LIMIT_SD = 1.96


@dataclass(frozen=True)
class Agreement:
    """Differences of paired values, after Bland and Altman (Lancet 1986;327:307).

    Parameters
    ----------
    means, differences : (n,) float64
        ``(a + b) / 2`` and ``b - a`` of every pair that has both values; in the unit of the values.
    mean : float
        Mean difference; NaN without a pair.
    sd : float
        Standard deviation of the differences (n - 1); NaN below two pairs.
    low, high : float
        Limits of agreement, mean -+ 1.96 SD; NaN below `FEWEST_FOR_LIMITS` pairs.
    """

    means: Floats
    differences: Floats
    mean: float
    sd: float
    low: float
    high: float

    @property
    def n(self) -> int:
        """Return the number of pairs."""
        return len(self.differences)


@dataclass(frozen=True)
class Mean:
    """A mean with its interval, or with its extremes where there are too few values for one.

    Parameters
    ----------
    n : int
        Values that are known.
    mean, sd, least, most : float
        NaN where there is no value; ``sd`` (n - 1) also for a single one.
    low, high : float
        95 % bootstrap interval of the mean (percentiles); NaN below `FEWEST_FOR_INTERVAL` values.
    """

    n: int
    mean: float
    sd: float
    least: float
    most: float
    low: float
    high: float


def bland_altman(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> Agreement:
    """Return mean difference and limits of agreement of pairs; pairs with an unknown (NaN) value are left out.

    Parameters
    ----------
    a, b : (n,) float64
        Same unit. The limits take the pairs for independent; several sessions of one person are not quite that.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    one, two = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if one.shape != two.shape or one.ndim != 1:
        raise ValueError("pairs are needed: two lists of one length")
    known = np.isfinite(one) & np.isfinite(two)
    one, two = one[known], two[known]
    differences = two - one
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    sd = float(differences.std(ddof=1)) if n > 1 else np.nan
    half = LIMIT_SD * sd if n >= FEWEST_FOR_LIMITS else np.nan
    return Agreement(0.5 * (one + two), differences, mean, sd, mean - half, mean + half)


def concordance(a: Floats, b: Floats) -> float:
    """Return Lin's concordance correlation of pairs (Biometrics 1989;45:255), moments over n; NaN if undefined.

    It is undefined for fewer than two pairs and for two constant, equal lists.

    Parameters
    ----------
    a, b : (n,) float64
        Without unknown values.
    """
    if len(a) < 2:
        return np.nan
    shift = float(a.mean() - b.mean())
    spread = float(a.var() + b.var()) + shift * shift
    if spread <= 0.0:
        return np.nan
    return float(2.0 * ((a - a.mean()) * (b - b.mean())).mean() / spread)


def bootstrap_mean(values: Sequence[float] | Floats, seed: int = 0) -> Mean:
    """Return the mean of values and its 95 % interval: percentiles of the means of resamples.

    Parameters
    ----------
    values : (n,) float64
        One for each subject (or seed); unknown ones (NaN) are left out.
    seed : int
        Of the resampling; the same seed gives the same interval.
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[np.isfinite(given)]
    n = len(known)
    if n == 0:
        return Mean(0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)
    low = high = np.nan
    if n >= FEWEST_FOR_INTERVAL:
        generator = np.random.default_rng(seed)
        means = np.concatenate(
            [
                known[generator.integers(0, n, size=(AT_ONCE, n))].mean(axis=1)
                for _ in range(RESAMPLES // AT_ONCE)
            ]
        )
        low, high = (float(value) for value in np.percentile(means, (2.5, 97.5)))
    sd = float(known.std(ddof=1)) if n > 1 else np.nan
    return Mean(n, float(known.mean()), sd, float(known.min()), float(known.max()), low, high)
