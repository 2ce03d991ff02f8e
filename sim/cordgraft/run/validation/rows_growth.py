"""Target about axons that grow out of a graft into the adult cord, beside those of the host."""

from __future__ import annotations

from cordgraft.run.validation.reading import axon_growth
from cordgraft.run.validation.row import GRAFT_DAY, Arm, Band, Claim, Courses, Panel, Row, Source

#: Days after transplantation: seven weeks, when graft and host are compared.
REACH_DAY = 49.0

# ---------------------------------------------------------------------------------------------- arms
_COMPARED = GRAFT_DAY + REACH_DAY
_RAT = (
    "subject.species=rat",
    "injury={type: transection, severity: complete, primary_length: 2 mm}",
    "safety={}",
    "geometry.voxel=100 um",
    "geometry.length=120 mm",
    f"record.maps=[{_COMPARED:g} d]",
)
_NOTE = (
    "Rat preset, 201B7-like as shipped; a transection 2 mm long (assumed: the preset's 4 mm are those of a contusion); "
    "120 mm of cord, so that no tip leaves it within seven weeks; a voxel of 100 um, twice the preset's, because axons "
    "grow off the lattice and reach many millimetres"
)
_COURSE = f"at: {GRAFT_DAY:g} d, duration: {REACH_DAY:g} d"
PLAIN = Arm(
    "rat-transected",
    "mouse_subacute_graft",
    (*_RAT, f"duration={_COMPARED:g} d"),
    17.0,
    4.0,
    f"{_NOTE}; seven weeks of graft.",
)
INHIBITOR_BLOCK = Arm(
    "rat-transected-inhibitor-block",
    "mouse_subacute_graft",
    (*_RAT, f"duration={_COMPARED:g} d", f"treatments.decoy={{use: inhibitor_block_decoy, {_COURSE}}}"),
    17.0,
    4.0,
    f"{_NOTE}; seven weeks of graft, and as long the decoy of all three myelin inhibitors.",
)
MTOR_BLOCK = Arm(
    "rat-transected-mtor-block",
    "mouse_subacute_graft",
    (*_RAT, f"duration={_COMPARED:g} d", f"treatments.mtor={{use: mtor_block, {_COURSE}}}"),
    17.0,
    4.0,
    f"{_NOTE}; seven weeks of graft, and as long the block of mTOR.",
)


# ------------------------------------------------------------------------------------------ measures
def reach_over_host(courses: Courses) -> float:
    """Return the reach of graft axons over the advance of corticospinal ones, 1, which counts as a voxel at least.

    A host without any growing corticospinal axon counts as one that has advanced by a voxel.
    """
    course = courses["graft"]
    host, floor = course.at("corticospinal", REACH_DAY), course.at("voxel", REACH_DAY)
    return course.at("reach", REACH_DAY) / (host if host > floor else floor)


def _count_over_host(courses: Courses) -> float:
    course = courses["graft"]
    return (course.at("graft_caudal", REACH_DAY) + 1.0) / (course.at("host_caudal", REACH_DAY) + 1.0)


def reach_change(part: str, courses: Courses) -> float:
    """Return by how much a treatment changes the reach of graft axons after seven weeks, as a share of it, 1."""
    plain = courses["graft"].at("reach", REACH_DAY)
    return courses[part].at("reach", REACH_DAY) / plain - 1.0 if plain > 0.0 else float("nan")


# ---------------------------------------------------------------------------------------------- rows
GROWTH = Row(
    "S9",
    "Axons of a graft in the adult cord of rats",
    "Axons of grafted neurons leave a lesion that cuts the cord in large numbers and come ten times as far as "
    "corticospinal axons of the host in the same time; blocking the inhibitors of myelin hardly changes that, blocking "
    "mTOR shortens it.",
    {"graft": PLAIN, "inhibitor block": INHIBITOR_BLOCK, "mTOR block": MTOR_BLOCK},
    (
        Claim("graft reach over corticospinal advance, day 49", "1", reach_over_host, low=10.0),
        Claim(
            "graft over host axons through the caudal edge, one added to each, day 49",
            "1",
            _count_over_host,
            low=10.0,
            judged=True,
        ),
        Claim(
            "change of reach with myelin inhibitors blocked, day 49",
            "1",
            lambda courses: reach_change("inhibitor block", courses),
            -0.2,
            0.2,
            strict=True,
            judged=True,
        ),
        Claim(
            "change of reach with mTOR blocked, day 49",
            "1",
            lambda courses: reach_change("mTOR block", courses),
            high=0.0,
            strict=True,
        ),
    ),
    (
        Source("Lu 2012 Cell", "S0092-8674(12)01018-5"),
        Source("Lu 2014 Neuron", "10.1016/j.neuron.2014.07.014"),
        Source("UCSD release, 2012-09-13"),
    ),
    True,
    "yes, much of it: the speed of graft axons, that they do not feel myelin and that a block of mTOR slows them were "
    "taken from the same literature, so that the change with myelin inhibitors blocked is none by construction; the "
    "share of neurons that send out an axon is calibrated on tens of thousands of axons; how well host fibres grow is "
    "assumed",
    axon_growth,
    (
        Panel(
            "95th percentile beyond the lesion edge of the day of grafting",
            "mm",
            (
                ("graft", "reach", "graft axons"),
                ("inhibitor block", "reach", "myelin inhibitors blocked"),
                ("mTOR block", "reach", "mTOR blocked"),
                ("graft", "host_advance", "host axons, arc laid"),
            ),
            (Band(days=(48.5, 49.5), label="day compared"),),
        ),
        Panel(
            "graft axons with a tip outside the lesion",
            "axons",
            (
                ("graft", "outside", "graft axons"),
                ("inhibitor block", "outside", "myelin inhibitors blocked"),
                ("mTOR block", "outside", "mTOR blocked"),
            ),
            (Band(days=(48.5, 49.5), label="day compared"),),
        ),
    ),
    "days after transplantation",
    (
        "The published cord was cut at T3, the rat preset is T9; the published grafts were embryonic rat cells and two "
        "human lines in fibrin with growth factors, here it is a human iPSC line without them.",
        "The tenfold length that was read compares with earlier grafts; host axons stand for those.",
        "The row asks for a ratio to the host's axons. In numbers the model falls short: four seeds had 7,700 graft "
        "axons outside the lesion after three months, where tens of thousands are read (Lu 2014).",
    ),
)
