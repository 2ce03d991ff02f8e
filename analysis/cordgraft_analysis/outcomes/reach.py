"""How far living tips came: beyond the edges of the lesion, and along their own path."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cordgraft.core import axon_layout
from cordgraft_analysis.outcomes.axons import AxonDay, Floats, Mask

ALL_HOST = "all host tracts"
#: Measure -> what it is.
MEASURES: dict[str, str] = {
    "past_near_edge": "axial distance beyond the edge of the primary lesion that the tract meets first",
    "past_far_edge": "axial distance beyond the edge of the primary lesion on the other side: through the lesion",
    "beyond_caudal": "axial distance beyond the caudal edge of the lesion on the day of grafting",
    "beyond_rostral": "axial distance beyond the rostral edge of the lesion on the day of grafting",
    "beyond_nearest": "axial distance beyond the nearest edge of the lesion on the day of grafting",
    "advance": "arc laid since growth began, retractions taken off",
}


@dataclass(frozen=True)
class Reach:
    """One measure of one tract.

    Parameters
    ----------
    origin, tract : str
        Tract of the host, `ALL_HOST`, or graft.
    measure : str
        Key of `MEASURES`.
    median_um, p95_um, longest_um : float
        Over the axons that count, weighted by what they stand for; NaN where none does.
    represented, simulated : float, int
        Axons that count.
    censored : int
        Simulated ones among them of which a tip has left the lattice: the reach is a lower bound.
    """

    origin: str
    tract: str
    measure: str
    median_um: float
    p95_um: float
    longest_um: float
    represented: float
    simulated: int
    censored: int


def reach(day: AxonDay) -> tuple[Reach, ...]:
    """Return how far the axons of every tract came.

    Definition
    ----------
    Of every axon with living tips the furthest tip counts. Distances beyond an edge are axial and taken over the axons
    with a living tip beyond that edge, so the number of these axons belongs to the percentile; ``advance`` is taken
    over all axons with a living tip. The p-th percentile is the smallest value at or below which at least p % of the
    weight lies. Edges: of the primary lesion for the host, of the lesion on the day of grafting for the graft; a tract
    without a tip beyond the edge has a count of 0 and no percentile. Measures of the graft are left out before it.

    Returns
    -------
    tuple of Reach
        Host tracts, then all of them, then the graft.
    """
    return tuple(_rows(day))


def _rows(day: AxonDay) -> Iterator[Reach]:
    tip_tract = day.tract[day.tip_axon]
    up = np.isin(tip_tract, axon_layout.ASCENDING_TRACTS)
    z, lesion = day.tip_z_um, day.lesion
    host = tip_tract != axon_layout.GRAFT_TRACT
    near = np.where(up, z - lesion.caudal_um, lesion.rostral_um - z)
    far = np.where(up, z - lesion.rostral_um, lesion.caudal_um - z)
    for tract in (*day.host_tracts, ALL_HOST):
        mine = host if tract == ALL_HOST else tip_tract == tract
        yield _measure(day, "host", tract, "past_near_edge", near, mine & (near > 0.0))
        yield _measure(day, "host", tract, "past_far_edge", far, mine & (far > 0.0))
        yield _measure(day, "host", tract, "advance", day.tip_arc_um, mine)
    if day.graft is None:
        return
    down, over = day.graft.caudal_um - z, z - day.graft.rostral_um
    graft = axon_layout.GRAFT_TRACT
    for name, values in (
        ("beyond_caudal", down),
        ("beyond_rostral", over),
        ("beyond_nearest", np.maximum(down, over)),
    ):
        yield _measure(day, graft, graft, name, values, ~host & (values > 0.0))
    yield _measure(day, graft, graft, "advance", day.tip_arc_um, ~host)


def _measure(day: AxonDay, origin: str, tract: str, name: str, values: Floats, tips: Mask) -> Reach:
    """Return a measure over the axons of some tips : values and tips (tips,)."""
    best = np.full(day.weight.size, -np.inf)
    np.maximum.at(best, day.tip_axon[tips], values[tips])
    have = np.isfinite(best)
    represented, simulated = day.counted(have)
    found, weight = best[have], day.weight[have]
    return Reach(
        origin,
        tract,
        name,
        weighted_percentile(found, weight, 0.5),
        weighted_percentile(found, weight, 0.95),
        float(found.max()) if found.size else math.nan,
        represented,
        simulated,
        int(np.count_nonzero(have & day.censored)),
    )


def weighted_percentile(values: Floats, weights: Floats, share: float) -> float:
    """Return the smallest value at or below which at least `share` of the weight lies; NaN without weight.

    Parameters
    ----------
    values, weights : (n,) float64
    share : float
        0 to 1.
    """
    total = float(np.sum(np.sort(weights)))
    if not values.size or not total > 0.0:
        return math.nan
    order = np.lexsort((weights, values))
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, share * total * (1.0 - 1e-12)))
    return float(values[order][min(index, values.size - 1)])
