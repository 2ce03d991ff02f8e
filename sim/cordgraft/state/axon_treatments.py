"""What treatments of axons and circuits leave in the state for others to read; a run without one has none of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES, Tract

#: Capacity that stimulation adds, by host tract, as the name of a scalar.
STIMULATION: dict[Tract, str] = {tract: f"stimulation_{TRACT_NAMES[tract]}" for tract in HOST_TRACTS}
#: Share of growth capacity that a block of mTOR takes from axons of the host and of the graft.
MTOR_HOST, MTOR_GRAFT = "mtor_block_host", "mtor_block_graft"
#: How hard the circuits are trained, as a share of the most that can be done.
REHABILITATION = "rehabilitation"
#: Blocked shares of the myelin inhibitors.
NOGO, OTHERS = "density.nogo_blocked", "density.mag_omgp_blocked"


def _scalar(name: str, meaning: str) -> ArraySpec:
    return ArraySpec(f"scalar.{name}", "1", meaning, bounds=(0.0, 1.0))


STIMULATION_SPECS: tuple[ArraySpec, ...] = tuple(
    _scalar(name, f"growth capacity that stimulation adds to the {TRACT_NAMES[tract]} tract")
    for tract, name in STIMULATION.items()
)
MTOR_SPECS: tuple[ArraySpec, ...] = (
    _scalar(MTOR_HOST, "share of the growth capacity of host axons that a block of mTOR takes"),
    _scalar(MTOR_GRAFT, "share of the growth capacity of graft axons that a block of mTOR takes"),
)
REHABILITATION_SPECS: tuple[ArraySpec, ...] = (
    _scalar(REHABILITATION, "training in force, 1 is the most that can be done"),
)
BLOCK_SPECS: tuple[ArraySpec, ...] = (
    ArraySpec(NOGO, "1", "share of Nogo-A that antibodies and decoys block", bounds=(0.0, 1.0)),
    ArraySpec(OTHERS, "1", "share of MAG and OMgp that decoys block", bounds=(0.0, 1.0)),
)

#: Full names, for who reads them where they are there.
STIMULATION_NAMES = tuple(spec.name for spec in STIMULATION_SPECS)
MTOR_NAMES = tuple(spec.name for spec in MTOR_SPECS)
REHABILITATION_NAME = f"scalar.{REHABILITATION}"


def stimulation(tissue: Any) -> NDArray[np.float64] | None:
    """Return the capacity that is added to each tract : (tracts,) float64, or None where nobody stimulates."""
    if STIMULATION_NAMES[0] not in tissue:
        return None
    added = np.zeros(len(Tract))
    for tract, name in STIMULATION.items():
        added[tract] = tissue.scalar(name)
    return added
