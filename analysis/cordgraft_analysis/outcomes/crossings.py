"""Axons by distance from the lesion: how many pass a plane across the cord."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cordgraft.core import axon_layout
from cordgraft_analysis.outcomes.axons import AxonDay, Floats, Ints, Mask

if TYPE_CHECKING:
    import xarray

CAUDAL, ROSTRAL = "caudal", "rostral"
#: Distance between planes, um.
STEP_UM = {"rodent": 100.0, "human": 500.0}
#: Planes before the nearer edge of the lesion, so that the stumps' side is seen too.
PLANES_BEFORE = 10
#: Axons times planes that are worked on at once, to bound memory: 4 bytes each.
_AT_ONCE = 20_000_000


def groups_of(day: AxonDay) -> Iterator[tuple[str, str, str]]:
    """Yield (origin, tract, side of the lesion it is counted on) of every group of axons that is counted apart."""
    for tract in day.host_tracts:
        yield "host", tract, ROSTRAL if tract in axon_layout.ASCENDING_TRACTS else CAUDAL
    for side in (CAUDAL, ROSTRAL):
        yield "graft", axon_layout.GRAFT_TRACT, side


def crossings(day: AxonDay, distances_um: Sequence[float] | Floats) -> xarray.Dataset:
    """Count the axons that pass planes across the cord at distances from the edge of the lesion.

    Definition
    ----------
    An axon is counted at a plane when a living path of it, unbroken from its soma or stump, passes the plane with a
    piece that was laid since the injury. Axons are counted, not branches and not passages: a stem and its branches,
    or a path that turns and passes again, count once. Fibres that the injury spared are not counted. The plane of
    distance d lies at ``caudal edge - d`` for descending tracts and at ``rostral edge + d`` for ascending ones, and
    on both sides for axons of the graft; negative distances lie in the lesion and then before it. Edges are those of
    the primary lesion. A piece from z to z' passes the plane p when ``min <= p < max``.

    Parameters
    ----------
    day : AxonDay
    distances_um : (d,), ascending

    Returns
    -------
    xarray.Dataset
        Over ``group`` and ``distance`` (um): ``represented`` axons of the whole cord (simulated times weight) and
        ``simulated`` axons; over ``group``: ``censored`` and ``censored_simulated``, axons of which a tip has left
        the lattice, so that the counts at its end are lower bounds, and the coordinates ``origin``, ``tract``,
        ``side``. NaN where a tract has no simulated fibre and where a plane lies outside the lattice.
    """
    import xarray as xr

    distances = np.asarray(distances_um, dtype=np.float64)
    groups = list(groups_of(day))
    shape = (len(groups), distances.size)
    represented, simulated = np.full(shape, np.nan), np.full(shape, np.nan)
    left, left_simulated = np.zeros(len(groups)), np.zeros(len(groups))
    for row, (origin, tract, side) in enumerate(groups):
        axons = day.tract == tract
        left[row], left_simulated[row] = day.counted(axons & day.censored)
        if origin == "host" and not axons.any():
            left[row] = left_simulated[row] = np.nan
            continue
        planes = day.lesion.caudal_um - distances if side == CAUDAL else day.lesion.rostral_um + distances
        represented[row], simulated[row] = _count(day, axons, planes)
        outside = (planes < day.ends_um[0]) | (planes > day.ends_um[1])
        represented[row, outside] = simulated[row, outside] = np.nan
    axes = ("group", "distance")
    return xr.Dataset(
        {
            "represented": (
                axes,
                represented,
                {"units": "1", "counts": "axons", "long_name": "axons, whole cord"},
            ),
            "simulated": (axes, simulated, {"units": "1", "counts": "axons", "long_name": "simulated axons"}),
            "censored": (
                "group",
                left,
                {"units": "1", "long_name": "axons of which a tip has left the lattice"},
            ),
            "censored_simulated": (
                "group",
                left_simulated,
                {"units": "1", "long_name": "the same, simulated"},
            ),
        },
        coords={
            "distance": (
                "distance",
                distances,
                {"units": "um", "long_name": "distance beyond the lesion edge"},
            ),
            "origin": ("group", [group[0] for group in groups]),
            "tract": ("group", [group[1] for group in groups]),
            "side": ("group", [group[2] for group in groups]),
        },
        attrs={"day": day.day, "lesion_length_um": day.lesion.length_um},
    )


def _count(day: AxonDay, axons: Mask, planes: Floats) -> tuple[Floats, Ints]:
    """Return represented and simulated number of the wanted axons that pass each plane : (planes,) each."""
    order = np.argsort(planes, kind="stable")
    ascending = planes[order]
    wanted = axons[day.piece_axon]
    first = np.searchsorted(ascending, day.piece_low_um, side="left")
    stop = np.searchsorted(ascending, day.piece_high_um, side="left")
    rows = np.flatnonzero(wanted & (stop > first))
    rows = rows[np.argsort(day.piece_axon[rows], kind="stable")]
    represented, simulated = np.zeros(planes.size), np.zeros(planes.size, dtype=np.int64)
    members, entry = np.unique(day.piece_axon[rows], return_inverse=True)
    chunk = max(1, _AT_ONCE // (planes.size + 1))
    for start in range(0, members.size, chunk):
        part = members[start : start + chunk]
        mine = (entry >= start) & (entry < start + part.size)
        steps = np.zeros((part.size, planes.size + 1), dtype=np.int32)
        np.add.at(steps, (entry[mine] - start, first[rows[mine]]), 1)
        np.add.at(steps, (entry[mine] - start, stop[rows[mine]]), -1)
        passes = np.cumsum(steps[:, :-1], axis=1, dtype=np.int32) > 0
        represented += np.sum(np.where(passes, day.weight[part][:, None], 0.0), axis=0)
        simulated += np.count_nonzero(passes, axis=0)
    back = np.argsort(order, kind="stable")
    return represented[back], simulated[back]


def distance_grid(days: Sequence[AxonDay], species: str, step_um: float | None = None) -> Floats:
    """Return distances, um, that suit several runs: multiples of a step, from before the lesion to the nearest end.

    The end itself is left out: whatever reaches it has left the lattice, and a path that ends on a plane has not
    passed it, so that counts would drop to 0 there.

    Parameters
    ----------
    days : sequence of AxonDay
        At least one.
    species : str
        Gives the step, `STEP_UM`, unless it is named.
    step_um : float, optional
    """
    step = step_um or STEP_UM["human" if species == "human" else "rodent"]
    longest = max(day.lesion.length_um for day in days)
    room = min(
        end
        for day in days
        for end in (day.lesion.caudal_um - day.ends_um[0], day.ends_um[1] - day.lesion.rostral_um)
    )
    before = math.ceil(longest / step - 1e-9) + PLANES_BEFORE
    planes = max(math.ceil(max(room, 0.0) / step - 1e-9), 1)
    return step * np.arange(-before, planes, dtype=np.float64)
