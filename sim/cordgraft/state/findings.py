"""What an examiner finds of a cord: from drive and conduction to signs and grades of key muscles.

The link is one set of functions for one patient or for many at once: every number of a patient may be an array with
patients along the first axis. The equations stand in `processes.examination`, the rules that make levels and an AIS
grade of what is found in `state.isncsci`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.state.isncsci import ARM, INTACT, KEY_LEVELS, NORMAL, Classified, Side, classify

Floats = NDArray[np.float64]
#: Right and left, and the key muscles of a side.
SIDES, MUSCLES = 2, len(KEY_LEVELS)
#: Points that a muscle can be off at one examination, at most (standard deviation).
MOST_OFF = 1.0


class Link(NamedTuple):
    """Numbers of the link.

    Attributes
    ----------
    grades : tuple of 5 float
        Share of normal input to a muscle beyond which it has grade 1, 2, 3, 4, 5.
    sensory_threshold, motor_threshold : float
        Conduction and drive beyond which the sign is there.
    sign_spread : float
        Standard deviation of the logarithm of the form of the day.
    missed : float
        Probability with which an examiner misses a sign that is there.
    score_error : float
        Standard deviation of the total motor score, points.
    """

    grades: tuple[float, float, float, float, float]
    sensory_threshold: float
    motor_threshold: float
    sign_spread: float
    missed: float
    score_error: float


class Cord(NamedTuple):
    """What there is to be found; of one patient, or arrays over n patients.

    Attributes
    ----------
    drive, felt : () or (n,) float64
        Drive past the lesion and conduction of sacral sensation, shares of normal, of both sides together.
    drives, felts : (2,) or (n, 2) float64
        The same of each side of the body, right and left.
    above, below : (2, 10) or (n, 2, 10) float64
        Share of the motor neurons of each key segment that live rostral of the edge of the lesion, and beyond it.
    pool : (2, 10) or (n, 2, 10) float64
        Share of them that lives at all and that recovery at the edge may bring back.
    regained : (2,) or (n, 2) float64
        Segments that have come back at the edge, right and left.
    first : int
        Number of the first level that the lesion takes.
    """

    drive: Any
    felt: Any
    drives: Floats
    felts: Floats
    above: Floats
    below: Floats
    pool: Floats
    regained: Floats
    first: int


class Draws(NamedTuple):
    """Chance at one examination: standard normal numbers (`sensory`, `motor`, `muscles`) and uniform ones (`missed_*`).

    `muscles` : (2, 10) or (n, 2, 10), the others () or (n,).
    """

    sensory: Any
    motor: Any
    missed_sensation: Any
    missed_contraction: Any
    missed_traces: Any
    muscles: Floats


class Findings(NamedTuple):
    """What is written down; of one patient, or arrays over n patients.

    Attributes
    ----------
    muscles : (2, 10) or (n, 2, 10) int64
        Grades 0-5, right and left.
    sensory_levels : (2,) or (n, 2) int64
    sacral_sensation, anal_contraction : () or (n,) bool
    """

    muscles: NDArray[np.int64]
    sensory_levels: NDArray[np.int64]
    sacral_sensation: Any
    anal_contraction: Any


def regained_segments(size: float, spread: float, xi: Any, days: Any, time_days: float) -> Any:
    """Return ``n e^(s xi) (1 - e^(-t/tau))``: segments that have come back at the edge by a day, of one side."""
    return size * np.exp(spread * np.asarray(xi)) * -np.expm1(-np.asarray(days) / time_days)


def correlated(first: Any, second: Any, correlation: float) -> Any:
    """Return a standard normal number with a correlation to `first`, from an independent `second`."""
    return correlation * first + np.sqrt(1.0 - correlation**2) * second


def is_present(strength: Any, threshold: float, missed_draw: Any, missed: float) -> Any:
    """Whether a sign is found: it is there (``strength > threshold``) and is not missed."""
    return (np.asarray(strength) > threshold) & (np.asarray(missed_draw) >= missed)


def grade_of(strength: Any, grades: tuple[float, ...]) -> NDArray[np.int64]:
    """Return how many thresholds a share of normal input passes, 0-5."""
    passed = np.asarray(strength)[..., None] > np.asarray(grades)
    return np.asarray(passed.sum(axis=-1), dtype=np.int64)


def edge_points(regained: Floats, first: int) -> NDArray[np.int64]:
    """Return the points of each key muscle by recovery at the edge, five for a whole segment : (..., 2, 10)."""
    steps = np.asarray(KEY_LEVELS) - first
    share = np.clip(np.asarray(regained)[..., None] - steps, 0.0, 1.0)
    points = np.floor(NORMAL * share + 0.5).astype(np.int64)
    return np.asarray(np.where(steps >= 0, points, 0), dtype=np.int64)


def edge_limit(pool: Floats, first: int, grades: tuple[float, ...]) -> NDArray[np.int64]:
    """Return the most that recovery at the edge can give each key muscle : int64, shaped as `pool`, (..., 10).

    A muscle gets no more than the share of its motor neurons that lives, `pool`, can move. Recovery is local and goes
    from segment to segment: behind a key segment that cannot come back whole there is none.
    """
    most = grade_of(pool, grades)
    whole = np.where(np.asarray(KEY_LEVELS) < first, True, most == NORMAL)
    behind = np.logical_and.accumulate(whole, axis=-1)[..., :-1]
    reached = np.concatenate([np.ones_like(whole[..., :1]), behind], axis=-1)
    return np.asarray(np.where(reached, most, 0), dtype=np.int64)


def written_down(grades: NDArray[np.int64], xi: Floats, error: float) -> NDArray[np.int64]:
    """Return grades as an examiner writes them: those between nothing and normal (1-4) may be off, by `error` in sum.

    `n` muscles in doubt have a standard deviation of ``error/sqrt(n)`` each, one point at most.
    """
    doubt = (grades >= 1) & (grades < NORMAL)
    number = doubt.sum(axis=(-2, -1), keepdims=True)
    each = np.minimum(MOST_OFF, error / np.sqrt(np.maximum(number, 1)))
    off = np.clip(np.rint(grades + each * xi), 1, NORMAL).astype(np.int64)
    return np.asarray(np.where(doubt, off, grades), dtype=np.int64)


def examine(cord: Cord, draws: Draws, link: Link) -> Findings:
    """Return what an examiner finds."""
    form = np.asarray(np.exp(link.sign_spread * draws.motor))
    feeling = np.asarray(np.exp(link.sign_spread * draws.sensory))
    felt, drive = cord.felt * feeling, cord.drive * form
    drives = cord.drives * form[..., None]
    by_tracts = grade_of(cord.above + cord.below * drives[..., None], link.grades)
    at_edge = np.minimum(edge_points(cord.regained, cord.first), edge_limit(cord.pool, cord.first, link.grades))
    grades = np.maximum(by_tracts, at_edge)
    # a trace of contraction is a sign, and can be missed; what moves cannot
    missed = (np.asarray(draws.missed_traces) < link.missed)[..., None, None]
    grades = np.where(missed & (by_tracts == 1) & (at_edge == 0), 0, grades)
    normal = cord.felts * feeling[..., None] > link.grades[-1]
    edge = np.minimum(cord.first - 1 + np.floor(cord.regained).astype(np.int64), INTACT)
    return Findings(
        written_down(grades, draws.muscles, link.score_error),
        np.where(normal, INTACT, edge),
        is_present(felt, link.sensory_threshold, draws.missed_sensation, link.missed),
        is_present(drive, link.motor_threshold, draws.missed_contraction, link.missed),
    )


def classified(found: Findings) -> Classified:
    """Return levels and grade of one patient's findings."""
    right, left = (
        Side(muscles, int(level))
        for muscles, level in zip(found.muscles.tolist(), found.sensory_levels, strict=True)
    )
    return classify(
        right,
        left,
        sacral_sensation=bool(found.sacral_sensation),
        anal_contraction=bool(found.anal_contraction),
    )


def motor_scores(muscles: NDArray[np.int64]) -> tuple[Any, Any]:
    """Return the motor scores of arms and legs, 0-50 each, of grades : (..., 2, 10)."""
    return muscles[..., :ARM].sum(axis=(-2, -1)), muscles[..., ARM:].sum(axis=(-2, -1))
