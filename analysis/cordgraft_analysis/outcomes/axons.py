"""The axons of one recording day as arrays: living pieces that grew, living tips, synapses, edges of the lesion.

The recorder stores living paths only, each unbroken back to its soma or stump (`cordgraft.record.paths`); what
retracted, degenerated or was cut off from its soma is not there. A piece counts as grown when the point at its far
end was laid by a growth cone, so the path of a fibre from before the injury never counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import axon_layout, schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.view import RunView, flag_words

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Words = NDArray[np.str_]

#: Days that differ by less are the same recording day: snapshots are named to the minute.
SAME_DAY = 0.5 / (24.0 * 60.0)
_LEFT = "censored"


@dataclass(frozen=True)
class Edges:
    """Caudal and rostral edge of a lesion, um, rostral positive."""

    caudal_um: float
    rostral_um: float

    @property
    def length_um(self) -> float:
        """Distance between them."""
        return self.rostral_um - self.caudal_um


@dataclass(frozen=True)
class Synapses:
    """Synapses of one day.

    Parameters
    ----------
    kind, tract : (n,) of str
        ``host_to_graft``, ``graft_to_host`` or ``host_to_host``; tract of the axon.
    weight : (n,) float64
        Synapses of the whole cord that a row stands for.
    z_um : (n,) float64
    living : (n,) bool
    lost_recorded : bool
        Whether lost synapses were recorded at all; runs of earlier versions have the living ones only.
    """

    kind: Words
    tract: Words
    weight: Floats
    z_um: Floats
    living: Mask
    lost_recorded: bool


@dataclass(frozen=True)
class AxonDay:
    """The axons of one run on one day.

    Parameters
    ----------
    day : float
        Days after the injury.
    tracts : tuple of str
        All that the run knows, host tracts first, whether they have an axon or not.
    tract, weight, censored : (axons,)
        One entry per simulated axon: its tract, the axons of the whole cord it stands for, and whether a tip of it
        has left the lattice, so that its reach is a lower bound.
    piece_axon, piece_low_um, piece_high_um : (pieces,)
        Living pieces laid since the injury: entry of the axon, lowest and highest point along the cord.
    tip_axon, tip_z_um, tip_arc_um : (tips,)
        Living growth cones: entry of the axon, place along the cord, arc from where the axon began to grow.
    synapses : Synapses
    lesion : Edges
        Of the primary lesion, as the injury left it; arms with the same seed share them.
    graft : Edges or None
        Of the lesion on the day of grafting; None before it, or where it was not recorded.
    ends_um : (lowest, highest)
        Ends of the lattice along the cord.
    """

    day: float
    tracts: tuple[str, ...]
    tract: Words
    weight: Floats
    censored: Mask
    piece_axon: Ints
    piece_low_um: Floats
    piece_high_um: Floats
    tip_axon: Ints
    tip_z_um: Floats
    tip_arc_um: Floats
    synapses: Synapses
    lesion: Edges
    graft: Edges | None
    ends_um: tuple[float, float]

    @property
    def host_tracts(self) -> tuple[str, ...]:
        """The tracts of the host."""
        return tuple(tract for tract in self.tracts if tract != axon_layout.GRAFT_TRACT)

    def counted(self, rows: Mask) -> tuple[float, int]:
        """Return represented and simulated number of some axons : (axons,) bool."""
        return float(np.sum(np.sort(self.weight[rows]))), int(np.count_nonzero(rows))


def axon_days(view: RunView) -> list[float]:
    """Return the days of which a run has whole axon paths, in order."""
    if schema.AXONS_GROUP not in view.tree.children:
        return []
    return sorted(
        axon_layout.day_of_group(name)
        for name, node in view.tree[schema.AXONS_GROUP].children.items()
        if schema.PATHS in node.children
    )


def axon_day(view: RunView, day: float) -> AxonDay:
    """Return the axons of a run on a recorded day.

    Raises
    ------
    BadInput
        If the run has no axon paths of that day (the message says which days there are), or the edges of its lesion
        are not known.
    """
    there = axon_days(view)
    near = [known for known in there if abs(known - day) < SAME_DAY]
    if not near:
        raise BadInput(no_such_day(view, day))
    node = view.tree[schema.AXONS_GROUP][schema.day_group(near[0] * 24.0)]
    paths, cones = node[schema.PATHS], node[schema.CONES]
    axon, first = np.unique(np.concatenate((_of(paths, "id"), _of(cones, "axon"))), return_index=True)
    tracts = np.concatenate((flag_words(paths["tract"]), flag_words(cones["tract"])))[first]
    weights = np.concatenate((_of(paths, "weight"), _of(cones, "weight"))).astype(np.float64)[first]
    censored = np.zeros(axon.size, dtype=bool)
    for table, column in ((paths, "id"), (cones, "axon")):
        left = flag_words(table["state"]) == _LEFT
        censored[np.searchsorted(axon, _of(table, column)[left])] = True
    piece_line, low, high = grown_pieces(
        _of(paths, schema.ROW_SIZE).astype(np.int64),
        _of(paths, "z").astype(np.float64),
        _of(paths, "grown") > 0,
    )
    lesion, graft = _edges(view, paths, near[0])
    z = view.tree[schema.GEOMETRY_GROUP]["z"]
    half = 0.5 * float(z.attrs["spacing"])
    return AxonDay(
        day=near[0],
        tracts=tuple(str(paths["tract"].attrs["flag_meanings"]).split()),
        tract=tracts,
        weight=weights,
        censored=censored,
        piece_axon=np.searchsorted(axon, _of(paths, "id"))[piece_line],
        piece_low_um=low,
        piece_high_um=high,
        tip_axon=np.searchsorted(axon, _of(cones, "axon")),
        tip_z_um=_of(cones, "z").astype(np.float64),
        tip_arc_um=_of(cones, "arc").astype(np.float64),
        synapses=_synapses(node),
        lesion=lesion,
        graft=graft,
        ends_um=(float(z.values.min()) - half, float(z.values.max()) + half),
    )


def no_such_day(view: RunView, day: float) -> Problem:
    """Return the problem that a run has no axon paths of a day."""
    there = axon_days(view)
    state = "" if view.status == "finished" else f", which is not finished ({view.status}),"
    days = ", ".join(f"{known:g}" for known in there)
    return Problem(
        f"the run '{view.directory}'{state} has no axon paths of this day",
        value=f"day {day:g}",
        allowed=f"days {days} after the injury; record.maps of a scenario says which are recorded"
        if there
        else "none: it has recorded no axon paths at all; record.maps of a scenario says on which days it does",
    )


def grown_pieces(row_size: Ints, z_um: Floats, grown: Mask) -> tuple[Ints, Floats, Floats]:
    """Return the pieces of ragged paths that were laid by growth cones.

    Parameters
    ----------
    row_size : (paths,) int64
        Points of each path, one after the other.
    z_um : (points,) float64
    grown : (points,) bool
        Whether a growth cone laid the point.

    Returns
    -------
    path, low_um, high_um : (pieces,)
        Path that the piece belongs to, and its extent along the cord. A piece joins a grown point to the point before
        it, which may be one from before the injury: the stump.
    """
    line = np.repeat(np.arange(row_size.size, dtype=np.int64), row_size)
    last = np.flatnonzero((line[1:] == line[:-1]) & grown[1:]) + 1
    one, other = z_um[last - 1], z_um[last]
    return line[last], np.minimum(one, other), np.maximum(one, other)


def _of(node: Any, name: str) -> NDArray[Any]:
    return np.asarray(node[name].values)


def _synapses(node: Any) -> Synapses:
    tables = [node[schema.SYNAPSES]]
    recorded = axon_layout.LOST_SYNAPSES in node.children
    if recorded:
        tables.append(node[axon_layout.LOST_SYNAPSES])

    def column(read: Any, kind: Any) -> Any:
        return np.concatenate([np.asarray(read(table), dtype=kind) for table in tables])

    living = [np.full(_of(table, "weight").size, position == 0) for position, table in enumerate(tables)]
    return Synapses(
        kind=column(lambda table: flag_words(table["kind"]), np.str_),
        tract=column(lambda table: flag_words(table["tract"]), np.str_),
        weight=column(lambda table: _of(table, "weight"), np.float64),
        z_um=column(lambda table: _of(table, "z"), np.float64),
        living=np.concatenate(living),
        lost_recorded=recorded,
    )


def _edges(view: RunView, paths: Any, day: float) -> tuple[Edges, Edges | None]:
    """Return the edges that distances are counted from; of earlier versions the summary has the primary ones."""
    found = paths.attrs.get(axon_layout.LESION_EDGES)
    if found is None:
        scalars = view.summary.get("scalars", {})
        pair = [scalars.get(f"lesion_{side}_um", {}).get("value") for side in ("caudal", "rostral")]
        found = pair if None not in pair and pair[1] > pair[0] else None
    if found is None:
        raise BadInput(
            Problem(
                f"the edges of the lesion of '{view.directory}' are not recorded, so that no distance can be given",
                value=f"day {day:g}",
                allowed="a day after the injury",
            )
        )
    graft = paths.attrs.get(axon_layout.GRAFT_EDGES)
    return Edges(*map(float, found)), None if graft is None else Edges(*map(float, graft))
