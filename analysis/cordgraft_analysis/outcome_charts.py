"""Which outcomes are drawn together over time, with their units and colours.

One list serves the overview of a run, the bands over seeds and the comparison of runs, so that a reader finds
the same quantity in the same words everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from cordgraft.core import schema
from cordgraft.core.examined import AIS_GRADES
from cordgraft_analysis import palette


@dataclass(frozen=True)
class Curve:
    """One series in a chart."""

    name: str
    label: str
    colour: str
    style: str = "-"
    #: Drawn only where it rises above this somewhere; for what is zero in most runs.
    beyond: float | None = None


@dataclass(frozen=True)
class Chart:
    """A panel over time.

    Parameters
    ----------
    key : str
        Short name.
    title : str
    unit : str
        Unit drawn, for people.
    curves : tuple of Curve
    scale : {"linear", "counts"}
        ``counts`` is linear near zero and logarithmic above, so that zero axons can be seen next to thousands.
    to_unit : str
        Unit that the values are converted to (as `cordgraft.core.units` writes it); empty leaves them.
    own_peak : bool
        Divide each curve by its own peak.
    floor, ceiling : float or None
        Limits of the axis where the quantity has natural ones.
    compared : tuple of str
        Series that a comparison of runs shows, where it is not the first curve alone.
    """

    key: str
    title: str
    unit: str
    curves: tuple[Curve, ...]
    scale: str = "linear"
    to_unit: str = ""
    own_peak: bool = False
    floor: float | None = 0.0
    ceiling: float | None = None
    compared: tuple[str, ...] = ()

    def headline(self) -> tuple[Curve, ...]:
        """Return the curves that a comparison of runs shows."""
        return tuple(curve for curve in self.curves if curve.name in self.compared) or self.curves[:1]


def standard_charts(species: str) -> tuple[Chart, ...]:
    """Return the charts in order of importance; a figure takes the first ones that have data."""
    scale = _scale_chart(species)
    examined = EXAMINATION_CHARTS if species == "human" else ()
    return (*MAIN_CHARTS, *([scale] if scale else []), *MORE_CHARTS, *examined)


def _scale_chart(species: str) -> Chart | None:
    """Return the chart of the function scale of a species, None where it has none."""
    if species not in schema.SCALES:
        return None
    name, _, long_name = schema.SCALES[species]
    title, _, span = long_name.partition(",")
    top = {"mouse": 9.0, "rat": 21.0}.get(species, 1.0)
    unit = span.strip().replace("-", "–") or "1"
    return Chart(
        "scale", title[:1].upper() + title[1:], unit, (Curve(name, "score", palette.BLACK),), ceiling=top
    )


_SURVIVORS = Chart(
    "survivors",
    "Grafted cells alive",
    "cells",
    (
        Curve("graft_survivors", "all", palette.BLACK),
        *(Curve(f"graft_{kind}", kind, palette.CELL[kind]) for kind in schema.KINDS),
    ),
)
_GRAFT_VOLUME = Chart(
    "graft_volume",
    "Graft volume",
    "mm³",
    (
        Curve("graft_volume", "whole", palette.GREEN),
        Curve("graft_volume_core", "in the core", palette.BLACK, "--"),
        Curve("graft_volume_outside", "outside", palette.ORANGE, "-."),
    ),
)
_LESION = Chart(
    "lesion", "Lesion length", "mm", (Curve("lesion_length", "lesion", palette.BLACK),), to_unit="mm"
)
_SPARED = Chart(
    "spared",
    "Spared white matter at the epicentre",
    "%",
    (
        Curve("lesion_spared_white_matter", "whole", palette.BLACK),
        Curve("lesion_spared_white_matter_ventral", "ventral", palette.ORANGE, "--"),
        Curve("lesion_spared_white_matter_dorsal", "dorsal", palette.BLUE, "-."),
    ),
    to_unit="%",
    ceiling=100.0,
)
_LIVE = Chart(
    "live",
    "Host fibres unbroken past the injury",
    "%",
    tuple(
        Curve(f"axons_{tract}_live_fraction", tract, palette.tract_colour(tract))
        for tract in schema.HOST_TRACTS
    ),
    to_unit="%",
    ceiling=100.0,
    compared=("axons_corticospinal_live_fraction", "axons_reticulospinal_live_fraction"),
)
_CROSSINGS = Chart(
    "crossings",
    "Regrown axons through planes",
    "axons",
    (
        Curve("axons_host_crossings_caudal", "host, caudal edge", palette.HOST),
        Curve("axons_host_crossings_centre", "host, centre", palette.HOST, "--"),
        Curve("axons_graft_crossings_caudal", "graft, caudal edge", palette.GRAFT_AXON),
        Curve("axons_graft_crossings_segment", "graft, +1 segment", palette.GRAFT_AXON, "--"),
    ),
    scale="counts",
    compared=("axons_host_crossings_caudal", "axons_graft_crossings_caudal"),
)
_REACH = Chart(
    "reach",
    "Axon reach past the lesion, 95th pct",
    "mm",
    (
        Curve("axons_host_reach_p95", "host", palette.HOST),
        Curve("axons_graft_reach_p95", "graft", palette.GRAFT_AXON),
    ),
    to_unit="mm",
    floor=None,
    compared=("axons_host_reach_p95", "axons_graft_reach_p95"),
)
_SYNAPSES = Chart(
    "synapses",
    "Living synapses",
    "synapses",
    (
        Curve("synapses_host_to_graft", "host on graft", palette.HOST),
        Curve("synapses_graft_to_host", "graft on host", palette.GRAFT_AXON),
    ),
    scale="counts",
    compared=("synapses_host_to_graft", "synapses_graft_to_host"),
)
_IMMUNE = Chart(
    "immune",
    "Immune cells and debris, core and rim",
    "share of own peak",
    (
        Curve("immune_neutrophils", "neutrophils", palette.VERMILLION),
        Curve("immune_macrophages_pro", "macrophages, pro-infl.", palette.ORANGE),
        Curve("immune_macrophages_repair", "macrophages, repair", palette.BLUE, "--"),
        Curve("immune_debris", "myelin debris", palette.BLACK, ":"),
    ),
    own_peak=True,
    ceiling=1.05,
    compared=("immune_macrophages_pro", "immune_debris"),
)
_CSPG = Chart(
    "cspg",
    "Inhibitory matrix (CSPG)",
    "µg/mL",
    (Curve("rim_cspg", "rim", palette.PURPLE), Curve("core_cspg", "core", palette.BLACK, "--")),
)
_FUNCTION = Chart(
    "function",
    "Function index (1 is healthy)",
    "1",
    (
        Curve("function_motor_index", "motor", palette.BLACK),
        Curve("function_sensory_index", "sensory", palette.SKY, "--"),
        Curve("graft_pressure", "graft pressure", palette.VERMILLION, "--", beyond=0.01),
    ),
    ceiling=1.05,
)
_DIVIDING = Chart(
    "dividing",
    "Grafted cells in cycle (Ki67-like)",
    "%",
    (Curve("graft_dividing_fraction", "dividing", palette.VERMILLION),),
    to_unit="%",
)
_SAFETY = Chart(
    "safety",
    "Safety bounds broken",
    "0 no, 1 yes",
    (
        Curve("safety_any_flag", "any", palette.BLACK),
        *(
            Curve(f"safety_{name}", palette.words(name), colour, "--")
            for name, colour in zip(schema.SAFETY_BOUNDS, palette.CYCLE[1:], strict=False)
        ),
    ),
    ceiling=1.1,
)
_VOLUMES = Chart(
    "volumes",
    "Lesion and what fills it",
    "mm³",
    (
        Curve("lesion_volume", "lesion", palette.BLACK),
        Curve("lesion_necrosis_volume", "dead tissue", palette.TISSUE["necrosis"], "-."),
        Curve("lesion_cavity_volume", "cavity", palette.SKY),
        Curve("lesion_scar_volume", "scar", palette.PURPLE),
        Curve("scaffold_volume", "scaffold", palette.ORANGE, "--"),
        Curve("oedema_volume", "oedema", palette.BLUE, ":"),
    ),
)
_OXYGEN = Chart(
    "oxygen",
    "Oxygen",
    "mmHg",
    (Curve("rim_oxygen", "rim", palette.BLUE), Curve("core_oxygen", "core", palette.BLACK, "--")),
)
_SIGNALS = Chart(
    "signals",
    "Signals, mean over rim and core",
    "1",
    (
        Curve("rim_tnf", "TNF-like, rim", palette.VERMILLION),
        Curve("core_tnf", "TNF-like, core", palette.VERMILLION, "--"),
        Curve("rim_trophic", "trophic, rim", palette.GREEN),
        Curve("core_trophic", "trophic, core", palette.GREEN, "--"),
    ),
)
_MOTOR_SCORES = Chart(
    "motor_scores",
    "Motor scores, latest examination",
    "points",
    (
        Curve("exam_upper_motor_score", "arms", palette.BLUE),
        Curve("exam_lower_motor_score", "legs", palette.VERMILLION, "--"),
    ),
    ceiling=50.0,
    compared=("exam_upper_motor_score", "exam_lower_motor_score"),
)
_AIS = Chart(
    "ais",
    "AIS grade, latest examination",
    ", ".join(f"{number} {grade}" for number, grade in enumerate(AIS_GRADES)),
    (Curve("exam_ais", "AIS", palette.BLACK),),
    ceiling=float(len(AIS_GRADES) - 1),
)
_SHEATHS = Chart(
    "sheaths",
    "Sheaths of spared descending fibres",
    "%",
    (
        Curve("axons_descending_myelinated", "own sheath", palette.BLACK),
        Curve("axons_descending_blocked", "bare, blocked", palette.VERMILLION),
        Curve("axons_descending_bare", "bare, conducting", palette.ORANGE, "--"),
        Curve("axons_descending_remyelinated", "new sheath", palette.BLUE),
    ),
    to_unit="%",
    compared=("axons_descending_remyelinated",),
)

MAIN_CHARTS: tuple[Chart, ...] = (
    _SURVIVORS,
    _GRAFT_VOLUME,
    _LESION,
    _SPARED,
    _LIVE,
    _CROSSINGS,
    _REACH,
    _SYNAPSES,
    _IMMUNE,
    _CSPG,
    _FUNCTION,
)
MORE_CHARTS: tuple[Chart, ...] = (_DIVIDING, _SAFETY, _VOLUMES, _SHEATHS, _OXYGEN, _SIGNALS)
#: Of people alone.
EXAMINATION_CHARTS: tuple[Chart, ...] = (_MOTOR_SCORES, _AIS)
