"""The keys of a scenario that belong to no mechanism: subject, geometry, record, safety and numerics.

They are declared with the same specs as the parameters of the processes, so that reading, hover text, cited
ranges and the tables of the documentation treat all keys alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from cordgraft.core.parameters import ParameterSpec, Params, choice, count, quantity, text
from cordgraft.core.schema import SAFETY_BOUNDS

#: Species -> level -> preset: the cords whose size is known. Other levels are refused: their size, their
#: white-matter share and the place of the tracts would be guesses.
LEVELS: dict[str, dict[str, str]] = {
    "mouse": {"T9": "mouse", "T10": "mouse"},
    "rat": {"T9": "rat"},
    "human": {
        "C5": "human_cervical",
        **dict.fromkeys(("T6", "T7", "T8"), "human_thoracic"),
        **dict.fromkeys(("T10", "T11", "T12", "L1", "L2"), "human_thoracolumbar"),
    },
}
#: Levels that stand for a neighbour: no diameters of their own are cited.
BORROWED: dict[tuple[str, str], str] = {
    ("mouse", "T10"): "T9",
    **dict.fromkeys((("human", "T6"), ("human", "T7")), "T8"),
    **dict.fromkeys((("human", "T10"), ("human", "T11"), ("human", "L1"), ("human", "L2")), "T12"),
}

_FROSTELL = {"source": "Frostell 2016 Front Neurol, mean and 1 SD", "doi": "10.3389/fneur.2016.00238"}
#: Between T8 and L3, 4 of 7 segments on: no value for T12 itself was read.
_T12 = {"evidence": "derived", "doi": "10.3389/fneur.2016.00238", "row": ""}


@dataclass(frozen=True)
class Top(Params):
    """Keys at the top of a scenario."""

    seed: int = count(
        1,
        "Number that draws the subject and every chance event; the same seed is the same injured animal in all arms",
        bounds=(0, 2**63 - 1),
    )
    duration: float = quantity(
        24.0 * 112,
        "h",
        "Length of the run, from the minute of injury",
        bounds=(1.0, 24.0 * 1095),
        evidence="assumed",
    )
    tick: float = quantity(
        1.0,
        "h",
        "Step of the clock; every period is a whole number of ticks, and so is the duration",
        bounds=(0.25, 24.0),
        evidence="assumed",
    )
    resolution: str = choice(
        "full",
        ("full", "preview"),
        "full: as written; preview: larger voxels, longer ticks, fewer simulated cells, whatever is written more "
        "finely; its bias on every outcome stands in docs/preview.md",
    )


@dataclass(frozen=True)
class Subject(Params):
    """Who is injured."""

    species: str = choice(
        "mouse", tuple(LEVELS), "Species of the host; sets the clocks, the sizes and the scale of function"
    )
    immune_system: str = choice(
        "deficient",
        ("deficient", "suppressed", "intact"),
        "Whether the host can reject the graft: deficient (NOD/SCID, athymic) cannot, suppressed is by drugs taken as "
        "complete; intact rejects it, unless a treatment of type immunosuppression holds it back",
        presets={"human": "suppressed"},
    )


@dataclass(frozen=True)
class Geometry(Params):
    """The piece of cord that is simulated."""

    level: str = choice(
        "T9",
        ("C5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2"),
        "Injured segment: T9 or T10 in mice, T9 in rats, C5, T6 to T8 or T10 to L2 in people",
        presets={"human": "C5"},
    )
    section: str = choice(
        "midsagittal",
        ("midsagittal", "volume"),
        "midsagittal: a slab one voxel wide through the middle of the cord; volume: the whole cord in 3-D",
    )
    length: float = quantity(
        12_000.0,
        "um",
        "Length of cord that is simulated; the middle of the injury lies in its centre",
        bounds=(1_000.0, 400_000.0),
        evidence="assumed",
        presets={"rat": 40_000.0, "human": 150_000.0},
    )
    voxel: float = quantity(
        25.0,
        "um",
        "Edge of a voxel, or three edges: right-left, back-front, along the cord (a section uses the last two)",
        bounds=(5.0, 2_000.0),
        evidence="assumed",
        presets={"rat": 50.0, "human": 250.0},
    )
    slab: float = quantity(
        50.0,
        "um",
        "Thickness of the mid-sagittal section; graft and fibres enter with the share that lies in it",
        bounds=(5.0, 5_000.0),
        evidence="assumed",
        presets={"human": 200.0},
    )
    cord_width: float = quantity(
        2_000.0,
        "um",
        "Diameter of the cord from left to right",
        bounds=(500.0, 25_000.0),
        cited=(1_700.0, 2_300.0),
        evidence="recalled",
        row="mouse_cord_lr_diameter_t9",
        presets={
            "rat": 3_000.0,
            "human_cervical": 13_300.0,
            "human_thoracic": 8_300.0,
            "human_thoracolumbar": 8_900.0,
        },
        variants={
            "rat": {"cited": (2_700.0, 3_400.0), "row": "rat_cord_lr_diameter_t9"},
            "human_cervical": {
                "cited": (11_100.0, 15_500.0),
                "evidence": "read",
                "row": "human_cord_lr_diameter_c5",
                **_FROSTELL,
            },
            "human_thoracic": {
                "cited": (6_200.0, 10_400.0),
                "evidence": "read",
                "row": "human_cord_lr_diameter_t8",
                **_FROSTELL,
            },
            "human_thoracolumbar": {
                "cited": (6_800.0, 11_000.0),
                "source": "Frostell 2016 Front Neurol: between T8 (8.3 +- 2.1 mm, read) and L3 (9.4 +- 1.5 mm, read)",
                **_T12,
            },
        },
    )
    cord_depth: float = quantity(
        1_400.0,
        "um",
        "Diameter of the cord from back to front",
        bounds=(400.0, 20_000.0),
        cited=(1_200.0, 1_700.0),
        evidence="recalled",
        row="mouse_cord_ap_diameter_t9",
        presets={
            "rat": 2_400.0,
            "human_cervical": 7_400.0,
            "human_thoracic": 6_300.0,
            "human_thoracolumbar": 7_000.0,
        },
        variants={
            "rat": {"cited": (2_100.0, 2_700.0), "row": "rat_cord_ap_diameter_t9"},
            "human_cervical": {
                "cited": (5_800.0, 9_000.0),
                "evidence": "read",
                "row": "human_cord_ap_diameter_c5",
                **_FROSTELL,
            },
            "human_thoracic": {
                "cited": (4_300.0, 8_300.0),
                "evidence": "read",
                "row": "human_cord_ap_diameter_t8",
                **_FROSTELL,
            },
            "human_thoracolumbar": {
                "cited": (5_200.0, 8_800.0),
                "source": "Frostell 2016 Front Neurol: between T8 (6.3 +- 2 mm, read) and L3 (7.5 +- 1.6 mm, recalled)",
                **_T12,
            },
        },
    )
    segment_length: float = quantity(
        1_300.0,
        "um",
        "Length of one spinal segment at this level",
        bounds=(300.0, 40_000.0),
        cited=(1_000.0, 1_600.0),
        evidence="derived",
        row="segment_length_mouse_t9",
        presets={
            "rat": 2_700.0,
            "human_cervical": 11_000.0,
            "human_thoracic": 20_000.0,
            "human_thoracolumbar": 15_000.0,
        },
        variants={
            "rat": {"cited": (2_200.0, 3_200.0), "row": "segment_length_rat_t9"},
            "human_cervical": {
                "cited": (10_000.0, 12_000.0),
                "source": "J Korean Neurosurg Soc 2012",
                "doi": "10.3340/jkns.2012.52.4.384",
                "evidence": "read",
                "row": "human_cord_segment_length_cervical",
            },
            "human_thoracic": {
                "cited": (15_000.0, 25_000.0),
                "source": "longest at T6-T7 (read); the value is recalled",
                "doi": "10.1002/ca.980060307",
                "evidence": "recalled",
                "row": "segment_length_human_thoracic",
            },
            "human_thoracolumbar": {
                "cited": (10_000.0, 20_000.0),
                "source": "segments shorten steadily from T7 on (abstract read); the value is assumed",
                "doi": "10.1002/ca.980060307",
                "evidence": "assumed",
                "row": "",
            },
        },
    )
    grey_share: float = quantity(
        0.18,
        "1",
        "Grey matter over the whole cross-section; the human value serves all species",
        bounds=(0.05, 0.5),
        cited=(0.155, 0.2),
        source="Henmar 2020 J Neurophysiol, human",
        doi="10.1152/jn.00413.2020",
        evidence="assumed",
        row="human_cord_gray_fraction",
        variants={"human": {"evidence": "read"}},
    )
    cord_mask: str = text(
        "", "NIfTI file with the cord of a patient; its shape replaces the ellipse (relative to this file)"
    )
    lesion_mask: str = text(
        "", "NIfTI file with the lesion on the grid of the cord mask; it replaces the shape of the injury"
    )
    scan_at: float | None = quantity(
        None,
        "h",
        "Day of the scan that shows the lesion mask, from the injury",
        bounds=(0.0, 24.0 * 1095),
        evidence="assumed",
    )


@dataclass(frozen=True)
class Record(Params):
    """What is written."""

    series: float = quantity(
        24.0,
        "h",
        "Interval of the time series: counts, tracts, lesion, function and safety",
        bounds=(1.0, 24.0 * 365),
        evidence="assumed",
    )


#: One of the days of ``record.maps``.
MAP_DAY = ParameterSpec(
    "quantity",
    "Days at which fields, tissue, the cell table and the axon paths are written",
    24.0 * 14,
    unit="h",
    bounds=(0.0, 24.0 * 1095),
    evidence="assumed",
)


@dataclass(frozen=True)
class Numerics(Params):
    """How finely chance is resolved; nothing biological."""

    cells_per_agent: int = count(
        1,
        "Living cells that one simulated cell stands for; more is faster and noisier",
        bounds=(1, 10_000),
        presets={"rat": 2, "human": 10},
    )


@dataclass(frozen=True)
class Measure:
    """Something that ``safety`` can bound; the names and units are those of `core.schema.SAFETY_BOUNDS`.

    Parameters
    ----------
    limit : ParameterSpec
        Of ``at_most``.
    needed : tuple of str
        Which of ``from`` and ``to`` must be written; both may be.
    """

    limit: ParameterSpec
    needed: tuple[str, ...] = ()


def _limit(name: str, meaning: str, default: float, high: float) -> ParameterSpec:
    unit = SAFETY_BOUNDS[name][1]
    return ParameterSpec("quantity", meaning, default, unit=unit, bounds=(0.0, high), evidence="assumed")


SAFETY: dict[str, Measure] = {
    "graft_volume_ratio": Measure(
        _limit(
            "graft_volume_ratio",
            "Volume of the graft at the day `to` over its volume at the day `from`",
            1.5,
            1e3,
        ),
        ("from", "to"),
    ),
    "dividing_fraction": Measure(
        _limit("dividing_fraction", "Share of grafted cells that are in the cell cycle", 0.05, 1.0)
    ),
    "undifferentiated_fraction": Measure(
        _limit("undifferentiated_fraction", "Share of grafted cells that are undifferentiated", 0.01, 1.0)
    ),
    "neuron_distance": Measure(
        _limit(
            "neuron_distance",
            "Distance of grafted neurons beyond the lesion edge (95th percentile)",
            500.0,
            4e5,
        )
    ),
    "graft_pressure": Measure(
        _limit("graft_pressure", "Pressure of a graft that outgrows its room: excess over room", 0.05, 1e3)
    ),
}

#: A day of ``from`` or ``to`` in ``safety``.
SAFETY_DAY = ParameterSpec(
    "quantity",
    "Day after the first graft (not after the injury) from which, or up to which, the bound is judged",
    24.0 * 47,
    unit="h",
    bounds=(0.0, 24.0 * 1095),
    evidence="assumed",
)

#: The sections of a scenario that are made of specs alone, in the order of the file.
SECTIONS: dict[str, type[Params]] = {
    "subject": Subject,
    "geometry": Geometry,
    "record": Record,
    "numerics": Numerics,
}


def preset_of(species: str, level: str) -> str:
    """Return the preset of a species and level, or the species' first one for an unknown level."""
    levels = LEVELS[species]
    return levels.get(level, next(iter(levels.values())))
