"""From a run directory to the course that a row judges, by the definitions of the outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft.core import schema
from cordgraft.record.scene import percentile
from cordgraft.run.validation.row import Array, Course
from cordgraft.run.validation.zones import zones_of

#: Days after which a grafted neuron carries the marker NeuN (assumed).
NEUN_DAYS = 14.0
#: How deep two-photon microscopy sees into dorsal columns, um. Derived: it reaches some three scattering lengths
#: (10.1038/s41467-018-08179-6, read), and white matter across its fibres has a reduced scattering coefficient of 3.5/mm
#: (10.1117/1.NPh.7.1.015011, read), 35/mm unreduced where nine tenths scatter forwards (assumed).
IMAGED_UM = 100.0


def open_run(directory: Path) -> tuple[Any, dict[str, Any]]:
    """Return a run as a tree, and its setting."""
    from cordgraft_analysis import reading

    tree = reading.open_run(directory)
    setting = tree.attrs["setting"]
    return tree, dict(json.loads(setting) if isinstance(setting, str) else setting)


def series_of(tree: Any, *names: str) -> tuple[Array, dict[str, Array]]:
    """Return the days of the series, and some of them by name."""
    group = tree[schema.SERIES_GROUP]
    days = np.asarray(group[schema.TIME].values, dtype=np.float64)
    return days, {name: np.asarray(group[name].values, dtype=np.float64) for name in names}


def graft_day(directory: Path) -> float:
    """Return the day of the first delivery of cells, from the events of a run; NaN without one."""
    from cordgraft_analysis.reading import read_events

    return next((event.day for event in read_events(directory) if event.name == "graft"), float("nan"))


def untreated_milieu(directory: Path) -> Course:
    """Return matrix and immune cells of the core and the rim.

    ``matrix``: inhibitory matrix, mean over rim and core together less its value before anything was laid down,
    ug/mL. ``neutrophils``, ``macrophages``: integrals over both, each divided by its own peak. ``pro_share``: share of
    pro-inflammatory ones among the macrophages.
    """
    tree, setting = open_run(directory)
    names = ("rim_cspg", "core_cspg", "immune_neutrophils", "immune_macrophages_pro")
    days, series = series_of(tree, *names, "immune_macrophages_repair")
    core = zones_of(tree, setting).core_share(days)
    matrix = core * series["core_cspg"] + (1.0 - core) * series["rim_cspg"]
    pro, repair = series["immune_macrophages_pro"], series["immune_macrophages_repair"]
    macrophages = pro + repair
    neutrophils = series["immune_neutrophils"]
    known = macrophages > 1e-3 * np.nanmax(macrophages)
    return Course(
        days,
        {
            "matrix": matrix - matrix[0],
            "neutrophils": neutrophils / np.nanmax(neutrophils),
            "macrophages": macrophages / np.nanmax(macrophages),
            "pro_share": np.where(known, pro / np.where(known, macrophages, 1.0), np.nan),
        },
    )


def marked_fates(directory: Path) -> Course:
    """Return the shares of surviving grafted cells by marker, on the days of the cell tables, after transplantation.

    ``neun``: neurons older than 14 days; ``gfap``: astrocytes of any age; ``olig``: the oligodendrocyte lineage;
    ``nestin``: undifferentiated and precursors; ``unmarked``: what carries none of them (young neurons).
    """
    tree, _ = open_run(directory)
    start = graft_day(directory)
    days: list[float] = []
    rows: list[list[float]] = []
    for node in tree[schema.CELLS_GROUP].children.values():
        kind, weight = node["kind"].values, np.asarray(node["weight"].values, dtype=np.float64)
        total = float(np.sum(weight))
        if not total > 0.0:
            continue
        old = node["kind_days"].values > NEUN_DAYS
        is_kind = {name: kind == number for number, name in enumerate(schema.KINDS)}
        marked = {
            "neun": is_kind["neuron"] & old,
            "gfap": is_kind["astrocyte"],
            "olig": is_kind["oligodendrocyte"],
            "nestin": is_kind["undifferentiated"] | is_kind["precursor"],
            "unmarked": is_kind["neuron"] & ~old,
        }
        days.append(float(node.attrs["day"]) - start)
        rows.append([float(np.sum(weight[rows_of])) / total for rows_of in marked.values()])
    table = np.array(rows).reshape(len(rows), 5)
    curves = {name: table[:, at] for at, name in enumerate(("neun", "gfap", "olig", "nestin", "unmarked"))}
    return Course(np.array(days), curves)


def spread(directory: Path) -> Course:
    """Return how far the grafted cells have come, mm beyond the lesion edge of the day of grafting.

    ``astrocytes`` and ``neurons``: 95th percentiles; ``room``: from that edge to 5 mm before the end of the cord that
    is simulated, on the shorter side; ``survivors``: cells. Days count from transplantation.
    """
    tree, setting = open_run(directory)
    names = ("graft_astrocyte_front_p95", "graft_neuron_distance_p95", "graft_survivors")
    days, series = series_of(tree, *names, "lesion_rostral_um", "lesion_caudal_um")
    start = graft_day(directory)
    half_um = 0.5 * setting["shape"][2] * setting["spacing_um"][2]
    at = int(np.flatnonzero(days >= start - 1e-9)[0])
    edge_um = max(series["lesion_rostral_um"][at], -series["lesion_caudal_um"][at])
    room = (half_um - edge_um) / 1000.0 - 5.0
    later = days >= start - 1e-9
    return Course(
        (days - start)[later],
        {
            "astrocytes": series[names[0]][later] / 1000.0,
            "neurons": series[names[1]][later] / 1000.0,
            "survivors": series[names[2]][later],
            "room": np.full(int(np.sum(later)), room),
        },
    )


def safety(directory: Path, start: float | None = None) -> Course:
    """Return graft volume (mm3), undifferentiated share and motor index, by day after transplantation.

    Parameters
    ----------
    directory : Path
    start : float, optional
        Day of transplantation of the treated arms, for a run without a graft.
    """
    tree, _ = open_run(directory)
    days, series = series_of(
        tree,
        "graft_volume",
        "graft_fraction_undifferentiated",
        "graft_dividing_fraction",
        "function_motor_index",
    )
    first = graft_day(directory)
    since = days - (first if np.isfinite(first) else start if start is not None else 0.0)
    curves = {
        "volume": series["graft_volume"],
        "undifferentiated": series["graft_fraction_undifferentiated"],
        "dividing": series["graft_dividing_fraction"],
        "motor": series["function_motor_index"],
    }
    later = since >= -1e-9
    return Course(since[later], {name: values[later] for name, values in curves.items()})


def gracile_fibres(directory: Path) -> Course:
    """Return the live share and the loss of gracile fibres, 1, by day after the injury.

    ``live``: unbroken and not swollen; ``loss``: the rest. Every simulated fibre of the tract runs along the whole
    cord, so that all of them pass within 0.5 mm of the centre of the impact. ``imaged_live`` and ``imaged_loss``: the
    same of those within `IMAGED_UM` of the dorsal surface, on the days of the maps alone (NaN between them).
    """
    tree, setting = open_run(directory)
    days, series = series_of(tree, "axons_gracile_live_fraction")
    live = series["axons_gracile_live_fraction"]
    surface = -0.5 * setting["cord_diameter_um"][1]
    seen = np.full(days.size, np.nan)
    for node in tree[schema.AXONS_GROUP].children.values():
        at = np.flatnonzero(np.abs(days - float(node.attrs["day"])) < 1e-6)
        seen[at] = imaged_live_share(node[schema.PATHS], surface)
    return Course(days, {"live": live, "loss": 1.0 - live, "imaged_live": seen, "imaged_loss": 1.0 - seen})


def imaged_live_share(paths: Any, surface_um: float) -> float:
    """Return the live share of the gracile fibres that a two-photon microscope sees from the dorsal surface.

    Parameters
    ----------
    paths : xarray.DataTree or Dataset
        Paths of one recorded day; fibres run straight, so that their first point tells how deep they lie.
    surface_um : float
        Place of the dorsal surface, um, anterior positive.

    Returns
    -------
    float
        Share of them that are unbroken and not swollen, 1; NaN where none lies within `IMAGED_UM` of the surface.
    """
    from cordgraft.state.axons import AxonState, Tract

    sizes = paths["row_size"].values
    depth = paths["y"].values[np.cumsum(sizes) - sizes] - surface_um
    seen = (paths["tract"].values == int(Tract.GRACILE)) & (paths["branch"].values == 0) & (depth <= IMAGED_UM)
    weight = paths["weight"].values[seen]
    total = float(weight.sum())
    if total == 0.0:
        return float("nan")
    return float(weight[paths["state"].values[seen] == int(AxonState.INTACT)].sum()) / total


def sparing_and_function(directory: Path) -> Course:
    """Return spared white matter at the epicentre (%), motor index (1) and examined score, by day after the injury.

    ``spared``: of the whole cross-section; ``motor``: the index without an examiner; ``examined``: the whole-numbered
    score of the latest examination, NaN before the first one.
    """
    tree, _ = open_run(directory)
    days, series = series_of(tree, "lesion_spared_white_matter", "function_motor_index", "exam_bms")
    return Course(
        days,
        {
            "spared": 100.0 * series["lesion_spared_white_matter"],
            "motor": series["function_motor_index"],
            "examined": series["exam_bms"],
        },
    )


def axon_growth(directory: Path) -> Course:
    """Return how far and how many axons of graft and host have grown, by day after transplantation.

    ``reach``: 95th percentile of the distance of graft axons beyond the lesion edge of the day of grafting, mm, 0 while
    none is outside; ``outside``: graft axons with a living tip outside; ``graft_caudal`` and ``host_caudal``: regrown
    axons through the caudal edge of the primary lesion; ``host_advance``: 95th percentile of the arc that host axons of
    any tract have laid, mm; ``corticospinal``: the same of the corticospinal ones, on the days of the maps alone (NaN
    between them); ``voxel``: edge of a voxel along the cord, mm.
    """
    tree, setting = open_run(directory)
    names = ("axons_graft_reach_p95", "axons_graft_outside", "axons_graft_crossings_caudal")
    days, series = series_of(tree, *names, "axons_host_crossings_caudal", "axons_host_advance_p95")
    since = days - graft_day(directory)
    later = since >= -1e-9
    outside = series["axons_graft_outside"]
    reach = np.where(outside > 0.0, series["axons_graft_reach_p95"], 0.0)
    corticospinal = np.full(days.size, np.nan)
    for node in tree[schema.AXONS_GROUP].children.values():
        at = np.flatnonzero(np.abs(days - float(node.attrs["day"])) < 1e-6)
        corticospinal[at] = corticospinal_advance(node[schema.CONES])
    curves = {
        "reach": reach / 1000.0,
        "outside": outside,
        "graft_caudal": series["axons_graft_crossings_caudal"],
        "host_caudal": series["axons_host_crossings_caudal"],
        "host_advance": series["axons_host_advance_p95"] / 1000.0,
        "corticospinal": corticospinal / 1000.0,
        "voxel": np.full(days.size, setting["spacing_um"][2] / 1000.0),
    }
    return Course(since[later], {name: values[later] for name, values in curves.items()})


def corticospinal_advance(cones: Any) -> float:
    """Return the 95th percentile, over corticospinal axons with a living tip, of the arc laid since growth began, um.

    Parameters
    ----------
    cones : xarray.DataTree or Dataset
        Growth cones of one recorded day; the furthest one of each axon counts, with the weight of the axon. NaN
        without any.
    """
    from cordgraft.state.axons import Tract

    rows = cones["tract"].values == int(Tract.CORTICOSPINAL)
    axon, inverse = np.unique(cones["axon"].values[rows], return_inverse=True)
    furthest, weight = np.zeros(axon.size), np.zeros(axon.size)
    np.maximum.at(furthest, inverse, cones["arc"].values[rows].astype(np.float64))
    weight[inverse] = cones["weight"].values[rows]
    return percentile(furthest, weight)
