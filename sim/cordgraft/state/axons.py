"""Columns of the axons: fibres, growth cones, path points and synapses, and the words for their states.

Four tables make one forest. A row of ``fibre`` is one axon (of the host or of a grafted neuron) and is never
dropped or moved, so that other tables point to it by row. ``segment`` is the log of paths: each row is a point,
joined by a straight piece to the point of its `parent`; rows are only ever added, and a piece that retracted or
degenerated carries the tick at which it was lost. ``cone`` holds the living tips and is compacted when they
die. ``synapse`` is a log like ``segment``.
"""

from __future__ import annotations

from enum import IntEnum

from cordgraft.core.contract import ArraySpec


class Tract(IntEnum):
    """What a fibre belongs to; `GRAFT` are the axons of grafted neurons."""

    CORTICOSPINAL = 0
    RETICULOSPINAL = 1  # with the vestibulospinal and raphespinal fibres that run beside it
    PROPRIOSPINAL = 2
    GRACILE = 3  # ascending dorsal column
    SPINOTHALAMIC = 4
    GRAFT = 5


#: Names for outputs, by tract.
TRACT_NAMES: dict[Tract, str] = {tract: tract.name.lower() for tract in Tract}
#: Tracts of the host; the first three descend, the last two ascend.
HOST_TRACTS: tuple[Tract, ...] = (
    Tract.CORTICOSPINAL,
    Tract.RETICULOSPINAL,
    Tract.PROPRIOSPINAL,
    Tract.GRACILE,
    Tract.SPINOTHALAMIC,
)
DESCENDING: tuple[Tract, ...] = HOST_TRACTS[:3]
ASCENDING: tuple[Tract, ...] = HOST_TRACTS[3:]


class AxonState(IntEnum):
    """State of a fibre."""

    INTACT = 0
    SWOLLEN = 1  # neither live nor conducting, but may still resolve
    SEVERED = 2  # the stump is dying back
    DORMANT = 3  # the stump rests
    GROWING = 4  # at least one tip grows or pauses
    STALLED = 5  # every tip is dystrophic
    CONNECTED = 6  # at least one living synapse
    CENSORED = 7  # a tip has left the lattice; alive, but no longer followed
    LOST = 8  # gone with its cell, or withdrawn


class ConeState(IntEnum):
    """State of a growth cone."""

    ACTIVE = 0
    PAUSED = 1
    DYSTROPHIC = 2  # stalled for good in an inhibitory place
    CONNECTED = 3  # stopped at a synapse
    CENSORED = 4  # reached the end of the lattice


class SynapseKind(IntEnum):
    """Who talks to whom."""

    HOST_TO_GRAFT = 0
    GRAFT_TO_HOST = 1
    HOST_TO_HOST = 2  # a regrown host axon on a host neuron beyond the injury


#: States in which the fibre still runs unbroken past the injury and conducts.
LIVE_STATES: tuple[AxonState, ...] = (AxonState.INTACT,)

FIBRE_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("fibre.id", "1", "persistent identity", dtype="uint64"),
    ArraySpec("fibre.tract", "1", "tract, see Tract", dtype="uint8"),
    ArraySpec("fibre.origin", "1", "0 host, 1 graft", dtype="uint8"),
    ArraySpec("fibre.state", "1", "state, see AxonState", dtype="uint8"),
    ArraySpec("fibre.weight", "axons", "real axons of the whole cord that this simulated one stands for"),
    ArraySpec("fibre.owner", "1", "identity of the grafted neuron it belongs to, 0 for a host fibre", dtype="uint64"),
    ArraySpec("fibre.direction", "1", "away from the soma: 1 rostral, -1 caudal, 0 either way", dtype="int8"),
    ArraySpec("fibre.rho", "1", "relative radius at which it is placed, 0 axis, 1 pia"),
    ArraySpec("fibre.phi", "rad", "angle at which it is placed, pi/2 ventral, -pi/2 dorsal"),
    ArraySpec("fibre.x_um", "um", "where it starts or is placed, left-right"),
    ArraySpec("fibre.y_um", "um", "where it starts or is placed, antero-posterior (anterior positive)"),
    ArraySpec("fibre.lateral_um", "um", "true distance out of a section on which it is projected; 0 if it lies in it"),
    ArraySpec("fibre.threshold", "1", "share of dead tissue along its path beyond which it is severed"),
    ArraySpec("fibre.severity", "1", "greatest local severity of the impact along its path"),
    ArraySpec("fibre.struck_tick", "tick", "when an impact reached it, -1 never", dtype="int32", initial=-1),
    ArraySpec("fibre.cut_um", "um", "z of the place where it was severed on the side of its soma"),
    ArraySpec("fibre.cut_tick", "tick", "when it was severed, -1 never", dtype="int32", initial=-1),
    ArraySpec("fibre.stump_um", "um", "z of the living end of its old path"),
    ArraySpec("fibre.receded_um", "um", "distance from the cut to the stump"),
    ArraySpec("fibre.frailty", "1", "its own factor on the speed of die-back", initial=1.0),
    ArraySpec("fibre.capacity", "1", "its own factor on growth capacity", initial=1.0),
    ArraySpec("fibre.conducting", "1", "share of signals that pass its old path: 1 intact, 0 swollen or severed"),
    ArraySpec("fibre.born_tick", "tick", "when it sent out its first growth cone, -1 never", dtype="int32", initial=-1),
    ArraySpec("fibre.connected_tick", "tick", "when its first synapse formed, -1 none", dtype="int32", initial=-1),
    ArraySpec("fibre.root", "1", "row of its first point in segment, -1 none", dtype="int64", initial=-1),
    ArraySpec("fibre.stump", "1", "row of the point at its stump, -1 none", dtype="int64", initial=-1),
)

CONE_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("cone.id", "1", "persistent identity", dtype="uint64"),
    ArraySpec("cone.fibre", "1", "row of its fibre", dtype="int64"),
    ArraySpec("cone.state", "1", "state, see ConeState", dtype="uint8"),
    ArraySpec("cone.x", "um", "position, left-right"),
    ArraySpec("cone.y", "um", "position, antero-posterior"),
    ArraySpec("cone.z", "um", "position, along the cord"),
    ArraySpec("cone.hx", "1", "heading, left-right component of a unit vector"),
    ArraySpec("cone.hy", "1", "heading, antero-posterior component"),
    ArraySpec("cone.hz", "1", "heading, component along the cord"),
    ArraySpec("cone.last", "1", "row of the last point of its path in segment", dtype="int64", initial=-1),
    ArraySpec("cone.base", "1", "row of the point beyond which it cannot retract", dtype="int64", initial=-1),
    ArraySpec("cone.since_um", "um", "arc laid since that last point"),
    ArraySpec("cone.arc_um", "um", "arc from where its fibre began to grow, retractions taken off"),
    ArraySpec("cone.stalled_h", "h", "time spent paused in an inhibitory place without a break"),
    ArraySpec("cone.growth", "1", "product of capacity, substrate, inhibition and cue in its last step"),
)

SEGMENT_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("segment.parent", "1", "row of the point before it, -1 for none", dtype="int64", initial=-1),
    ArraySpec("segment.fibre", "1", "row of its fibre", dtype="int64"),
    ArraySpec("segment.grown", "1", "0 on the path from before the injury, 1 laid by a growth cone", dtype="uint8"),
    ArraySpec("segment.x", "um", "position, left-right"),
    ArraySpec("segment.y", "um", "position, antero-posterior"),
    ArraySpec("segment.z", "um", "position, along the cord"),
    ArraySpec("segment.laid_tick", "tick", "when it was laid", dtype="int32"),
    ArraySpec("segment.lost_tick", "tick", "when it was lost, -1 if it lives", dtype="int32", initial=-1),
)

SYNAPSE_COLUMNS: tuple[ArraySpec, ...] = (
    ArraySpec("synapse.kind", "1", "see SynapseKind", dtype="uint8"),
    ArraySpec("synapse.tract", "1", "tract of the axon, see Tract", dtype="uint8"),
    ArraySpec("synapse.fibre", "1", "row of the fibre whose axon ends here", dtype="int64"),
    ArraySpec("synapse.cone", "1", "identity of the growth cone that made it", dtype="uint64"),
    ArraySpec("synapse.partner", "1", "identity of the grafted neuron it ends on, 0 for a host neuron", dtype="uint64"),
    ArraySpec("synapse.weight", "synapses", "real synapses of the whole cord that it stands for"),
    ArraySpec("synapse.x", "um", "position, left-right"),
    ArraySpec("synapse.y", "um", "position, antero-posterior"),
    ArraySpec("synapse.z", "um", "position, along the cord"),
    ArraySpec("synapse.made_tick", "tick", "when it formed", dtype="int32"),
    ArraySpec("synapse.lost_tick", "tick", "when it was lost, -1 if it lives", dtype="int32", initial=-1),
)

AXON_COLUMNS: tuple[ArraySpec, ...] = (*FIBRE_COLUMNS, *CONE_COLUMNS, *SEGMENT_COLUMNS, *SYNAPSE_COLUMNS)
