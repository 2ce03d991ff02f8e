"""The scenario in which mechanisms are switched off, what a row of `tests.switch_rows` says, and what it measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.declaration_support import Course
from tests.support import SMALL

Claim = Callable[[Course, Course], bool]

#: A mouse section of 14 x 32 voxels for five days, with every treatment, and cells and axons in a hurry.
EVENTFUL: dict[str, str] = {
    **SMALL,
    "duration": "5 d",
    "record.maps": "[5 d]",
    "subject.immune_system": "intact",
    "treatments.graft.at": "1 d",
    "treatments.graft.dose": "5e4 cells",
    "treatments.drug.type": "immunosuppression",
    "treatments.drug.at": "1 d",
    "treatments.drug.strength": "50 %",
    "treatments.quiet.type": "anti_inflammatory",
    "treatments.quiet.at": "1 d",
    "treatments.quiet.duration": "3 d",
    "treatments.cut.type": "chondroitinase",
    "treatments.cut.at": "2 d",
    "treatments.cut.dose": "1e-3 U",  # some of the CSPG, not all
    "treatments.lay.type": "matrix_factor",
    "treatments.lay.at": "2 d",
    "treatments.frame.type": "scaffold",
    "treatments.frame.at": "3 d",
    "treatments.frame.permissive": "0.3",
    "treatments.frame.length": "2 mm",
    "treatments.depot.type": "chemoattractant",
    "treatments.depot.at": "2 d",
    "treatments.depot.position": "0.6 mm",
    "treatments.push.type": "growth_stimulation",
    "treatments.push.at": "1 d",
    "treatments.free.type": "inhibitor_block",
    "treatments.free.at": "2 d",
    "treatments.free.product": "decoy",
    "treatments.slow.type": "mtor_block",
    "treatments.slow.at": "2 d",
    "treatments.slow.strength": "20 %",
    "treatments.train.type": "rehabilitation",
    "treatments.train.at": "2 d",
    "treatments.switch.type": "suicide_switch",
    "treatments.switch.at": "4 d",
    "treatments.switch.duration": "12 h",
    "treatments.switch.killed": "20 %",
    # room for the scaffold
    "parameters.remodelling.clearance_time": "5 d",
    "parameters.remodelling.cavity_share": "0.5",
    "parameters.fate.commitment_half_life": "1 d",
    "parameters.axon_emergence.neuron_share": "1",
    "parameters.axon_emergence.neuron_delay": "0.1 d",
    "parameters.contact.connect_rate": "24 1/d",
    "parameters.contact.reach": "60 um",
    "parameters.contact.prune_after": "1 d",
    "parameters.contact.prune_half_life": "5 d",
}
#: The same blow to a person, who is examined every day.
PERSON: dict[str, str] = {
    **{name: value for name, value in EVENTFUL.items() if not name.startswith("treatments.")},
    "treatments": "none",
    "subject.species": "human",
    "geometry.level": "C5",
    "parameters.examination.first_day": "1 d",
    "parameters.examination.first_day_spread": "0 d",
    "parameters.examination.interval": "1 d",
}
#: And in a volume, where right and left differ.
WHOLE_PERSON: dict[str, str] = {
    **PERSON,
    "geometry.section": "volume",
    "geometry.length": "32 mm",
    "geometry.voxel": "0.9 mm",
}
#: Words of the treatments in the eventful scenario.
LABELS = {value: name.split(".")[1] for name, value in EVENTFUL.items() if name.endswith(".type")} | {
    "cell_graft": "graft"
}


def without_treatments(*labels: str) -> dict[str, str]:
    """Return the eventful scenario without some treatments, or without any where none is named."""
    kept = {name: value for name, value in EVENTFUL.items() if not name.startswith("treatments.")}
    if not labels:
        return {**kept, "treatments": "none"}
    gone = tuple(f"treatments.{label}." for label in labels)
    kept = {name: value for name, value in EVENTFUL.items() if not name.startswith(gone)}
    return {**kept, "treatments.graft": "none"} if "graft" in labels else kept


#: What follows from the blow and the subject alone: nothing that can be switched off changes any of it.
BLOW = ("map.*", "scalar.subject_*", "scalar.epicentre_um", "scalar.lesion_*")
FUNCTION = (
    "scalar.drive_*",
    "scalar.motor_*",
    "scalar.sensory_*",
    "scalar.bms",
    "scalar.bbb",
    "scalar.plasticity",
    "scalar.nets",
    "scalar.exam_*",
)
AXONS = ("fibre.*", "cone.*", "segment.*", "synapse.*", "scalar.relay_*", "scalar.regrown_*", *FUNCTION)
#: Written by a mechanism that reads fibres: within the reach of axons by declarations, though they never feel them.
PRECURSORS = ("density.opc*",)
SHEATHS = (
    "fibre.sheath",
    "fibre.regrown_sheath",
    "fibre.calibre",
    "fibre.bare_site",
    "fibre.transmission",
    "fibre.latency",
    "fibre.g_ratio",
    "scalar.regrown_transmission_*",
    *PRECURSORS,
)
ENZYME = ("field.enzyme*", "source.enzyme*", "lattice.enzyme*", "field.cspg")


@dataclass(frozen=True)
class Switch:
    """One mechanism.

    Parameters
    ----------
    changes : tuple of str
        Arrays that must differ at some tick when it is off, or be gone.
    empty : tuple of str
        Arrays that hold something at the end with it, and nothing but zeros (or no row, or are gone) without it.
    claims : mapping
        What must be true of the runs with and without it, in words.
    settings : mapping
        The scenario in which it has something to do.
    reach : tuple of str
        Patterns of the arrays that may differ at all, by biology.
    declared : bool
        Whether its reach follows from declarations alone.
    since_d : float
        Day before which nothing may differ.
    """

    changes: tuple[str, ...]
    empty: tuple[str, ...] = ()
    claims: Mapping[str, Claim] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=lambda: EVENTFUL)
    reach: tuple[str, ...] = ("*",)
    declared: bool = False
    since_d: float = 0.0


# --------------------------------------------------------------------------------------------- measures
def total(course: Course, *names: str) -> float:
    """Return the sum over some arrays at the end of a run."""
    return float(sum(np.sum(course.tissue[name]) for name in names))


def host(course: Course) -> float:
    """Return the living host tissue, voxels."""
    return total(course, "fraction.white", "fraction.grey")


def host_growth(course: Course) -> float:
    """Return the growth product of all growth cones of the host together."""
    tissue = course.tissue
    return float(tissue["cone.growth"][tissue["fibre.origin"][tissue["cone.fibre"]] == 0].sum())


def inside(course: Course, name: str) -> Any:
    """Return the values of an array inside the cord."""
    return course.tissue[name][course.tissue["map.cord"] != 0]


def founders_left(course: Course) -> int:
    """Return how many founders are alive at the end."""
    return len(course.founders.keys() & set(course.tissue["cell.id"].tolist()))


def founders_at_home(course: Course) -> bool:
    """Whether every founder that lives is in the voxel in which it came to rest."""
    now = zip(course.tissue["cell.id"].tolist(), course.tissue["cell.site"].tolist(), strict=True)
    at = [(course.founders[cell], site) for cell, site in now if cell in course.founders]
    assert at, "no founder is left"
    return all(then == site for then, site in at)


def mean_height(course: Course, kind: int) -> float:
    """Return the mean place along the cord of the cells of a kind, um."""
    chosen = course.tissue["cell.site"][course.tissue["cell.kind"] == kind]
    return float(course.tissue.lattice.axis_um(2)[chosen % course.tissue.lattice.shape[2]].mean())


def kinds(course: Course) -> set[int]:
    """Return the kinds of cells that there are."""
    return set(course.tissue["cell.kind"].tolist())


def still(course: Course, name: str) -> bool:
    """Whether an array keeps its bytes from the end of the first tick on."""
    return len({entry[name] for entry in course.digests[1:]}) == 1
