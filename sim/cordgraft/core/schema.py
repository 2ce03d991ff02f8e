"""Layout of a run's dataset: the only thing that the simulator and the analysis share.

A run is ``run.zarr`` with these groups. Names, units and meanings of the series stand here once; the recorder
computes exactly these, and readers may rely on them.

======================  ==============================================================================
``/series``             one variable per outcome over ``time`` (days since the injury)
``/maps``               tissue, fields and densities over ``(time, x, y, z)`` at the recording days
``/geometry``           static maps over ``(x, y, z)``
``/cells/day_0014``     table of the grafted cells at one recording day (dimension ``row``)
``/axons/day_0014``     ``paths`` (CF contiguous ragged), ``cones``, living ``synapses`` and those that were lost
                        (``lost_synapses``) at one recording day
``/straightening``      the way back to scanner space, only for runs built from masks
======================  ==============================================================================

A frame counts only when its ``time`` is there, which is NaN until everything else of it is written; a snapshot only
with its attribute `COMPLETE`.
"""

from __future__ import annotations

from collections.abc import Iterable

from cordgraft.core.examined import examined_rows
from cordgraft.core.optional_series import OPTIONAL_SERIES as OPTIONAL_SERIES
from cordgraft.core.series import COUNTED as COUNTED
from cordgraft.core.series import COUNTS as COUNTS
from cordgraft.core.series import HOST_TRACTS as HOST_TRACTS
from cordgraft.core.series import SOURCE as SOURCE
from cordgraft.core.series import SeriesSpec as SeriesSpec
from cordgraft.core.series import cf_unit as cf_unit

#: Grows when a reader of the previous layout would fail or misread.
SCHEMA_VERSION = 1
CONVENTIONS = "CF-1.11"
RESEARCH_SENTENCE = "This is a research model; it does not predict the outcome of a patient."

# ---------------------------------------------------------------------------------------- files of a run
STORE_NAME = "run.zarr"
SUMMARY_NAME = "summary.json"
STATUS_NAME = "status.json"
TIMESERIES_NAME = "timeseries.csv"
EVENTS_NAME = "events.csv"
DICTIONARY_NAME = "data_dictionary.csv"
SCENARIO_NAME = "scenario.resolved.yaml"
LOG_NAME = "log.txt"
CHECKPOINTS_NAME = "checkpoints"

# ------------------------------------------------------------------------------------ groups, dims, attrs
SERIES_GROUP = "series"
MAPS_GROUP = "maps"
GEOMETRY_GROUP = "geometry"
CELLS_GROUP = "cells"
AXONS_GROUP = "axons"
STRAIGHTENING_GROUP = "straightening"
#: In the group `STRAIGHTENING_GROUP`: share of each voxel in the cord mask, (x, y, z). Unlike the static maps it holds
#: voxels that lie less than half in the cord, without which its outline in the scanner would be too small.
CORD_SHARE = "cord_share"
#: There too: 1 where the cord mask ends and its last whole cross-section is repeated, (x, y, z).
EXTRAPOLATED = "extrapolated"
PATHS = "paths"
CONES = "cones"
SYNAPSES = "synapses"

TIME = "time"
TICK = "tick"
SPACE = ("x", "y", "z")
ROW = "row"
AXON = "axon"
POINT = "point"
CONE = "cone"
SYNAPSE = "synapse"
ROW_SIZE = "row_size"

#: Attribute of a snapshot group that is written after its last array.
COMPLETE = "complete"
#: Mantissa bits that were kept of a rounded map; absent where values are exact.
KEEPBITS = "keepbits"
FIELD_KEEPBITS = 12
ROOT_ATTRS: tuple[str, ...] = (
    "Conventions",
    "title",
    "institution",
    "source",
    "history",
    "references",
    "comment",
    "schema_version",
    "name",
    "status",
    "scenario",
    "scenario_digest",
    "seed",
    "setting",
    "cautions",
    "plan",
    "versions",
    "commit",
    "threads",
    "platform",
    "command",
    "started",
    "ended",
)

# ----------------------------------------------------------------------------------------- words of names
KINDS: tuple[str, ...] = ("undifferentiated", "precursor", "neuron", "astrocyte", "oligodendrocyte")
PLANES: dict[str, str] = {
    "rostral": "rostral edge of the primary lesion",
    "centre": "centre of the primary lesion",
    "caudal": "caudal edge of the primary lesion",
    "segment": "one segment beyond the centre, in the direction of the tract (caudal for the graft)",
}
ZONES: dict[str, str] = {
    "rim": "within 0.3 mm (rodent) or 1 mm (human) outside the largest lesion so far",
    "core": "inside the largest lesion so far",
}
ZONE_ARRAYS: dict[str, tuple[str, str, str]] = {
    "tnf": ("field.tnf", "1", "inflammatory signal (TNF-like)"),
    "trophic": ("field.trophic", "1", "trophic factor"),
    "cspg": ("field.cspg", "ug/mL", "inhibitory matrix (CSPG)"),
    "oxygen": ("field.oxygen", "mmHg", "oxygen"),
    "matrix": ("density.matrix", "1", "permissive matrix"),
    "barrier": ("density.barrier", "1", "astrocyte border"),
}
IMMUNE_ARRAYS: dict[str, tuple[str, str]] = {
    "neutrophils": ("density.neutrophils", "neutrophils"),
    "macrophages_pro": ("density.macrophages_pro", "pro-inflammatory macrophages"),
    "macrophages_repair": ("density.macrophages_repair", "pro-repair macrophages"),
    "debris": ("density.debris", "myelin debris"),
}
#: Function scale of a species: series, scalar it is read from, long name.
SCALES: dict[str, tuple[str, str, str]] = {
    "mouse": ("function_bms", "scalar.bms", "Basso mouse scale, 0-9"),
    "rat": ("function_bbb", "scalar.bbb", "Basso-Beattie-Bresnahan scale, 0-21"),
    "human": ("function_leg_drive", "scalar.motor_drive", "descending drive to the leg, share of normal"),
}
#: Safety bound of a scenario: the series it judges, its unit, and what it says.
SAFETY_BOUNDS: dict[str, tuple[str, str, str]] = {
    "graft_volume_ratio": (
        "graft_volume_ratio",
        "1",
        "graft volume relative to the reference day after grafting",
    ),
    "dividing_fraction": ("graft_dividing_fraction", "1", "share of grafted cells in the cell cycle"),
    "undifferentiated_fraction": (
        "graft_fraction_undifferentiated",
        "1",
        "share of grafted cells that are undifferentiated",
    ),
    "neuron_distance": (
        "graft_neuron_distance_p95",
        "um",
        "distance of graft neurons beyond the lesion edge",
    ),
    "graft_pressure": ("graft_pressure", "1", "pressure of a graft that outgrows its room"),
}


def day_group(hours: float) -> str:
    """Return the name of the snapshot group of a time, ``day_0014``; ``day_0000_m0360`` within a day."""
    minutes = round(hours * 60.0)
    day, rest = divmod(minutes, 24 * 60)
    return f"day_{day:04d}" + (f"_m{rest:04d}" if rest else "")


def variable_name(full_name: str) -> str:
    """Return the name of a map in the dataset: ``field.oxygen`` is ``field_oxygen``."""
    return full_name.replace(".", "_")


_NO_GRAFT = "before the graft is delivered, or when none of its cells is left"
_NO_LESION = "while no voxel of the cord is lesion"
_NO_EDGES = "before the injury"


def _count(
    name: str, unit: str, long_name: str, source: str, missing: str = "", definition: str = ""
) -> list[SeriesSpec]:
    """Return a represented count and its simulated twin."""
    return [
        SeriesSpec(name, unit, f"{long_name}, whole cord", source, missing, definition),
        SeriesSpec(f"{name}_simulated", unit, f"{long_name}, simulated", source, missing, definition),
    ]


def _graft() -> Iterable[SeriesSpec]:
    turnover, delivery = "cell_turnover", "graft_delivery"
    yield from _count("graft_survivors", "cells", "living grafted cells", turnover)
    for kind in KINDS:
        yield from _count(f"graft_{kind}", "cells", f"grafted cells that are {kind}", turnover)
    for kind in KINDS:
        yield SeriesSpec(
            f"graft_fraction_{kind}", "1", f"share of grafted cells that are {kind}", "fate", _NO_GRAFT
        )
    yield SeriesSpec(
        "graft_survival",
        "1",
        "living grafted cells over living cells delivered",
        turnover,
        "before the graft is delivered",
    )
    packed = "represented living cells times 2500 um3 over a packing of 0.6"
    yield SeriesSpec("graft_volume", "mm3", "volume of the graft", turnover, "", packed)
    yield SeriesSpec(
        "graft_volume_core", "mm3", "volume of the graft inside the lesion core", turnover, _NO_LESION, packed
    )
    yield SeriesSpec(
        "graft_volume_outside", "mm3", "volume of the graft outside the core", turnover, _NO_LESION, packed
    )
    yield SeriesSpec("graft_area", "mm2", "graft tissue on the mid-sagittal section", "graft_tissue")
    yield SeriesSpec(
        "graft_volume_ratio",
        "1",
        "graft volume relative to the reference day after grafting",
        turnover,
        "before the reference day of the safety bound, or without the bound",
        "the reference day and the last day come from safety.graft_volume_ratio; after the last day the value stays",
    )
    yield SeriesSpec(
        "graft_dividing_fraction",
        "1",
        "share of grafted cells in the cell cycle (Ki67-like)",
        "division",
        _NO_GRAFT + ", or without division",
        "mean division rate times a cycle of 3 d over ln 2",
    )
    yield SeriesSpec(
        "graft_pressure",
        "1",
        "pressure of the graft on the cord round it",
        "mass_effect",
        _NO_GRAFT + ", or without the mass effect",
        "largest over the levels of the cord: cells beyond the room of their voxel over the room there, "
        "spread along the cord; 0 for a graft that fits",
    )
    edge = "signed axial distance beyond the nearest lesion edge of the day of grafting, negative inside"
    for kind, name in (("neuron", "graft_neuron_distance_p95"), ("astrocyte", "graft_astrocyte_front_p95")):
        yield SeriesSpec(
            name,
            "um",
            f"95th percentile of the distance of graft {kind}s beyond the lesion edge",
            "migration",
            f"without a graft {kind}",
            edge,
        )
    yield from _count(
        "graft_censored",
        "cells",
        "grafted cells in the last layers of the lattice",
        "migration",
        definition="cells in the first or last layer along the cord, which might have gone further",
    )
    yield SeriesSpec(
        "graft_delivered",
        "cells",
        "living cells delivered, whole cord",
        delivery,
        "before the graft is delivered",
    )


def _axons() -> Iterable[SeriesSpec]:
    growth, injury = "axon_growth", "axon_injury"
    for tract in HOST_TRACTS:
        yield SeriesSpec(
            f"axons_{tract}_live_fraction",
            "1",
            f"{tract} fibres that pass the injury unbroken and not swollen",
            injury,
            "without simulated fibres of the tract",
        )
    unbroken = "axons (not branches, not spared fibres) with an unbroken living path from the soma or stump"
    for origin, owner in (("host", "host axons"), ("graft", "graft axons")):
        for plane, where in PLANES.items():
            yield from _count(
                f"axons_{origin}_crossings_{plane}",
                "axons",
                f"regrown {owner} through the {where}",
                growth,
                _NO_EDGES,
                unbroken,
            )
    yield SeriesSpec(
        "axons_host_reach_p95",
        "um",
        "95th percentile of the distance of host tips beyond the edge they grow towards",
        growth,
        "without a living host tip, or before the injury",
        "signed, along the direction of the tract, from the nearer edge of the primary lesion: negative is short of it",
    )
    yield SeriesSpec(
        "axons_host_advance_p95",
        "um",
        "95th percentile of the arc laid by host axons since growth began",
        growth,
        "without a living host tip",
    )
    yield SeriesSpec(
        "axons_graft_reach_p95",
        "um",
        "95th percentile of the distance of graft axons beyond the lesion edge",
        growth,
        "without a graft axon with a living tip outside the lesion",
        "axial, beyond the nearest lesion edge of the day of grafting, over axons with a living tip outside",
    )
    yield from _count(
        "axons_graft_outside", "axons", "graft axons with a living tip outside the lesion", growth
    )
    yield from _count("axons_graft_count", "axons", "living graft axons", growth)
    yield from _count("axons_host_growing", "axons", "host axons with a growing tip", growth)
    yield from _count("axons_censored", "axons", "axons of which a tip has left the lattice", growth)
    yield from _count(
        "synapses_host_to_graft", "synapses", "living synapses of host axons on graft neurons", "contact"
    )
    yield from _count(
        "synapses_graft_to_host", "synapses", "living synapses of graft axons on host neurons", "contact"
    )


def _lesion() -> Iterable[SeriesSpec]:
    remodelling = "remodelling"
    lesion = "voxels in which necrosis, cavity, scar, graft and blood make up at least half of the dry tissue"
    run = lesion + "; longest run of layers along the cord"
    yield SeriesSpec("lesion_length", "um", "length of the lesion", remodelling, "", run)
    yield SeriesSpec("lesion_rostral_um", "um", "rostral edge of the lesion", remodelling, _NO_LESION, run)
    yield SeriesSpec("lesion_caudal_um", "um", "caudal edge of the lesion", remodelling, _NO_LESION, run)
    yield SeriesSpec(
        "lesion_area", "mm2", "area of the lesion on the mid-sagittal section", remodelling, "", lesion
    )
    yield SeriesSpec(
        "lesion_volume",
        "mm3",
        "volume of the lesion",
        remodelling,
        "",
        lesion + "; in a section by elliptic extrusion with weights pi e |y - y0|",
    )
    for half, words in (("", ""), ("_ventral", " in the ventral half"), ("_dorsal", " in the dorsal half")):
        yield SeriesSpec(
            f"lesion_spared_white_matter{half}",
            "1",
            f"white matter at the epicentre{words}, relative to before injury",
            remodelling,
            _NO_EDGES,
            "area-weighted over the cross-section, mean over 0.2 mm (rodent) or 1 mm (human) round the epicentre",
        )
    yield SeriesSpec(
        "lesion_epicentre_um",
        "um",
        "place of least spared white matter",
        remodelling,
        _NO_EDGES,
        "rostral positive",
    )
    for part in ("necrosis", "cavity", "scar"):
        yield SeriesSpec(f"lesion_{part}_volume", "mm3", f"volume of {part}", remodelling)
    bright = "lesion voxels, and those with a share of oedema above 0.1"
    yield SeriesSpec("oedema_volume", "mm3", "fluid of the oedema", "oedema", "without the process")
    yield SeriesSpec("lesion_t2_length", "um", "length of lesion and oedema", "oedema", "", bright)
    yield SeriesSpec("lesion_t2_volume", "mm3", "volume of lesion and oedema", "oedema", "", bright)


def _milieu() -> Iterable[SeriesSpec]:
    owners = {
        "tnf": "transport",
        "trophic": "transport",
        "cspg": "scar",
        "oxygen": "oxygen",
        "matrix": "scar",
        "barrier": "scar",
    }
    for zone, where in ZONES.items():
        for word, (_, unit, meaning) in ZONE_ARRAYS.items():
            yield SeriesSpec(
                f"{zone}_{word}",
                unit,
                f"{meaning}, mean over the {zone}",
                owners[word],
                _NO_LESION + ", or without the process",
                f"volume-weighted; the {zone} is {where}",
            )
    for word, (_, meaning) in IMMUNE_ARRAYS.items():
        yield SeriesSpec(
            f"immune_{word}",
            "mm3",
            f"{meaning} in core and rim",
            "inflammation",
            _NO_LESION + ", or without the process",
            "integral of the density (1 is a saturated voxel) over the volume; divide by its own peak to compare",
        )


def _function(species: str) -> Iterable[SeriesSpec]:
    off = "without the function index"
    yield SeriesSpec("function_motor_index", "1", "motor index, 1 is normal", "function_index", off)
    yield SeriesSpec("function_sensory_index", "1", "sensory index, 1 is normal", "function_index", off)
    for tract in HOST_TRACTS:
        yield SeriesSpec(
            f"function_drive_{tract}", "1", f"conduction of the {tract} tract", "function_index", off
        )
    if species in SCALES:
        name, _, long_name = SCALES[species]
        yield SeriesSpec(name, "1", long_name, "function_index", off)


def _safety(bounds: Iterable[str]) -> Iterable[SeriesSpec]:
    declared = [name for name in SAFETY_BOUNDS if name in set(bounds)]
    for name in declared:
        yield SeriesSpec(
            f"safety_{name}",
            "1",
            f"1 if the declared bound is broken: {SAFETY_BOUNDS[name][2]}",
            "record",
            "before the bound applies",
            "bounds are declared before the run and judged at each recorded day",
        )
    yield SeriesSpec(
        "safety_any_flag",
        "1",
        "1 if any declared safety bound is broken",
        "record",
        "without a declared bound that applies",
    )


def series_specs(
    species: str, safety: Iterable[str] = (), arrays: Iterable[str] = tuple(OPTIONAL_SERIES)
) -> tuple[SeriesSpec, ...]:
    """Return the variables of ``/series`` for a species and the names of the declared safety bounds.

    `arrays` : which of the arrays of `OPTIONAL_SERIES` the run has, by default all: what a run may hold.
    """
    there = set(arrays)
    return (
        *_graft(),
        *_axons(),
        *_lesion(),
        *(spec for name, specs in OPTIONAL_SERIES.items() if name in there for spec in specs),
        *_milieu(),
        *_function(species),
        *(SeriesSpec(*row) for row in examined_rows(species)),
        *_safety(safety),
    )
