"""Who is connected to whom: synapses of regrown host axons and of graft axons, by tract."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from cordgraft.core import axon_layout
from cordgraft_analysis.outcomes.axons import AxonDay, Mask

if TYPE_CHECKING:
    import networkx

ABOVE, GRAFT, BELOW, BESIDE = "host above", "graft", "host below", "host at the lesion"
#: Nodes from rostral to caudal.
NODES: tuple[str, ...] = (ABOVE, GRAFT, BESIDE, BELOW)
DIRECT, TO_GRAFT, FROM_GRAFT = "direct", "host to graft", "graft to host"


@dataclass(frozen=True)
class Connection:
    """Synapses that the axons of one tract made between two nodes.

    Parameters
    ----------
    source, target : str
        Of `NODES`: where the somata are and where the synapses are.
    tract : str
        Tract of the axons.
    route : str
        ``direct`` (regrown host axon on a host neuron), ``host to graft`` or ``graft to host`` (the halves of a relay).
    living, lost : float
        Represented synapses of the whole cord; `lost` is NaN where it was not recorded.
    living_simulated, lost_simulated : float
    """

    source: str
    target: str
    tract: str
    route: str
    living: float
    living_simulated: float
    lost: float
    lost_simulated: float


def connections(day: AxonDay) -> tuple[Connection, ...]:
    """Return the synapses between host above, graft and host below, by tract; a route without one counts 0.

    Definition
    ----------
    *Direct regrowth*: synapses of regrown host axons on host neurons beyond the far edge of the primary lesion.
    *Relay*: synapses of host axons on grafted neurons, and of graft axons on host neurons; the latter lie below (caudal
    of), above (rostral of) or beside the primary lesion by their own place. Descending tracts come from above,
    ascending ones from below. Lost are synapses that were made and had gone by that day. What spared fibres always
    had is not modelled as synapses and not counted.

    Returns
    -------
    tuple of Connection
        The same routes in the same order for every run: direct, into the graft, out of it.
    """
    return tuple(_routes(day))


def _routes(day: AxonDay) -> Iterator[Connection]:
    table = day.synapses
    for route, kind in ((DIRECT, "host_to_host"), (TO_GRAFT, "host_to_graft")):
        for tract in day.host_tracts:
            up = tract in axon_layout.ASCENDING_TRACTS
            source, far = (BELOW, ABOVE) if up else (ABOVE, BELOW)
            rows = (table.kind == kind) & (table.tract == tract)
            yield _connection(day, source, far if route == DIRECT else GRAFT, tract, route, rows)
    out = table.kind == "graft_to_host"
    below, above = table.z_um < day.lesion.caudal_um, table.z_um > day.lesion.rostral_um
    for target, place in ((ABOVE, above), (BESIDE, ~above & ~below), (BELOW, below)):
        yield _connection(day, GRAFT, target, axon_layout.GRAFT_TRACT, FROM_GRAFT, out & place)


def _connection(day: AxonDay, source: str, target: str, tract: str, route: str, rows: Mask) -> Connection:
    weight, living = day.synapses.weight, day.synapses.living
    found = []
    for part in (rows & living, rows & ~living):
        found += [float(np.sum(np.sort(weight[part]))), float(np.count_nonzero(part))]
    if not day.synapses.lost_recorded:
        found[2] = found[3] = math.nan
    return Connection(source, target, tract, route, *found)


def connection_graph(found: Iterable[Connection]) -> networkx.MultiDiGraph:
    """Return connections as a graph: nodes from rostral to caudal, one edge per route and tract.

    Edges carry the fields of `Connection`; the key of an edge is its tract. Routes without a synapse are edges too, so
    that "none" and "not asked" differ; ``graph.edge_subgraph`` of those with ``living > 0`` leaves them out.
    """
    import networkx as nx

    graph = nx.MultiDiGraph()
    graph.add_nodes_from(NODES)
    for one in found:
        graph.add_edge(one.source, one.target, key=f"{one.tract}", **asdict(one))
    return graph
