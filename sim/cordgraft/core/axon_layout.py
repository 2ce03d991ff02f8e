"""Words of the axon snapshots of a dataset beyond those of `cordgraft.core.schema`: lost synapses, edges, tracts."""

from __future__ import annotations

#: Table of the synapses that were made and lost again, beside the living ones.
LOST_SYNAPSES = "lost_synapses"
#: Attributes of the axon paths of a day: caudal and rostral edge, um, of the primary lesion and of the lesion that
#: the graft was put into; absent before the injury and before the graft. Distances of axons are counted from them.
LESION_EDGES = "lesion_edges_um"
GRAFT_EDGES = "graft_edges_um"
#: Host tracts that grow rostrally; the others descend.
ASCENDING_TRACTS: tuple[str, ...] = ("gracile", "spinothalamic")
#: Tract of the axons of grafted neurons.
GRAFT_TRACT = "graft"


def day_of_group(name: str) -> float:
    """Return the days since the injury that the name of a snapshot group says; the inverse of `schema.day_group`."""
    day, _, rest = name.removeprefix("day_").partition("_m")
    return float(day) + (float(rest) / (24.0 * 60.0) if rest else 0.0)
