"""The table of random streams: one decision each, so that no two decisions ever share a number.

A draw is a pure function of (seed, agent id, tick, stream, block), by the counter-based generator Philox
4x32-10 (Salmon et al. 2011, 10.1145/2063384.2063405). Adding a process with a stream of its own changes no
draw of any other; removing an agent changes no draw of its neighbours. Never renumber a stream.
"""

from __future__ import annotations

from enum import IntEnum


class Stream(IntEnum):
    """Numbers of the streams; `DESCRIPTIONS` says what each decides."""

    SUBJECT = 1
    INJURY = 2
    FIBRE_PLACE = 3
    FIBRE_INJURY = 4
    DELIVERY_PLACE = 5
    DELIVERY_KIND = 6
    SURVIVAL = 7
    DIVISION = 8
    FATE = 9
    MIGRATION = 10
    CROWDING = 11
    AXON_EMERGENCE = 12
    CONE_SPEED = 13
    CONE_TURN = 14
    CONE_STATE = 15
    CONTACT = 16
    SYNAPSE = 17
    FIBRE_FATE = 18
    EXAMINATION = 19
    CAPACITY = 20
    REJECTION = 21
    MYELIN = 22


DESCRIPTIONS: dict[Stream, str] = {
    Stream.SUBJECT: "the animal or patient: impact energy, cord size, axon capacity, plasticity",
    Stream.INJURY: "spared rim of this injury and its dorsal or ventral offset",
    Stream.FIBRE_PLACE: "where a simulated host fibre runs in the cross-section",
    Stream.FIBRE_INJURY: "which fibres the impact severs, which swell, how fast a stump dies back",
    Stream.DELIVERY_PLACE: "where an injected cell comes to rest",
    Stream.DELIVERY_KIND: "what an injected cell is: residual, precursor or committed",
    Stream.SURVIVAL: "whether a cell dies in this step",
    Stream.DIVISION: "whether a cell divides in this step, and into which voxel",
    Stream.FATE: "whether a precursor commits, and to what",
    Stream.MIGRATION: "whether and where a cell moves",
    Stream.CROWDING: "who wins a place in a voxel that is full",
    Stream.AXON_EMERGENCE: "whether a neuron or a severed fibre sends out a growth cone, and in which direction",
    Stream.CONE_SPEED: "fluctuation of growth-cone speed",
    Stream.CONE_TURN: "turning of growth cones",
    Stream.CONE_STATE: "pausing, resuming, branching and retracting of growth cones",
    Stream.CONTACT: "whether a cone makes a synapse",
    Stream.SYNAPSE: "pruning of synapses and of unconnected axons",
    Stream.FIBRE_FATE: "resolution or fragmentation of swollen fibres",
    Stream.EXAMINATION: "the day of the first examination, noise and missed signs at each, recovery at the edge",
    Stream.CAPACITY: "growth capacity of a fibre or axon",
    Stream.REJECTION: "how strongly this host reacts against a graft",
    Stream.MYELIN: "calibre of a fibre, when it conducts again without a sheath, when it gets a new one",
}
