"""Writes a run directory of the agreed layout with invented values, to test readers and figures.

NOTHING here is simulated: the curves and maps are drawn by hand so that every branch of a figure has something to
show. `python tests/run_support.py DEST` writes one for looking at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray

from cordgraft.core import axon_layout, schema

GRAFT_DAY = 9.0


def make_fake_run(
    directory: Path,
    *,
    graft: bool = True,
    axons: bool = True,
    volume: bool = False,
    species: str = "mouse",
    map_days: Sequence[float] = (3.0, 14.0, 42.0, 112.0),
    last_day: float = 112.0,
    status: str = "finished",
    seed: int = 1,
    shift: float = 1.0,
    voxel_um: float = 50.0,
    painted: bool = False,
) -> Path:
    """Write a run directory with invented values and return it; `shift` scales what differs between runs."""
    directory.mkdir(parents=True)
    scale = 6.0 if species == "human" else 1.0
    depth, length = 1400.0 * scale, 20000.0 * scale
    spacing = (
        (200.0 * scale, 100.0 * scale, 200.0 * scale)
        if volume
        else (50.0, voxel_um * scale, voxel_um * scale)
    )
    width = 2000.0 * scale if volume else spacing[0]
    x, y, z = (
        (np.arange(n) - 0.5 * (n - 1)) * step
        for n, step in ((max(1, round(width / spacing[0])), spacing[0]), (round(depth / spacing[1]), spacing[1]),
                        (round(length / spacing[2]), spacing[2]))
    )  # fmt: skip
    grid = {
        name: (name, values, {"units": "um", "spacing": step})
        for name, values, step in zip(schema.SPACE, (x, y, z), spacing, strict=True)
    }
    radius = np.hypot(2 * x[:, None, None] / (1000.0 * scale * 2), 2 * y[None, :, None] / depth)
    cord = np.broadcast_to(radius <= 1.0, (x.size, y.size, z.size))
    tree: dict[str, xarray.Dataset] = {}
    tree["/"] = xarray.Dataset(attrs=_attrs(species, status, seed, graft))
    static = {"map_cord": cord.astype(np.uint8), "map_rho": np.broadcast_to(radius, cord.shape)}
    static["map_lesion_mask"] = (cord & (np.abs(z) < 900.0 * scale) & (radius < 0.7) & painted).astype(
        np.float32
    )
    tree[f"/{schema.GEOMETRY_GROUP}"] = xarray.Dataset(
        {name: (schema.SPACE, values) for name, values in static.items()}, coords=grid
    )
    frames = [
        _maps(day, cord, radius, (x, y, z), graft and day >= GRAFT_DAY, scale, shift)
        for day in map_days
        if day <= last_day
    ]
    names = list(frames[0]) if frames else []
    tree[f"/{schema.MAPS_GROUP}"] = xarray.Dataset(
        {name: ((schema.TIME, *schema.SPACE), np.stack([frame[name] for frame in frames])) for name in names},
        coords={
            **grid,
            schema.TIME: (schema.TIME, np.array([d for d in map_days if d <= last_day], dtype=float)),
        },
    )
    tree[f"/{schema.SERIES_GROUP}"] = _series(species, last_day, graft, axons, scale, seed, shift)
    for day in map_days:
        if day > last_day:
            continue
        word = schema.day_group(day * 24.0)
        tree[f"/{schema.CELLS_GROUP}/{word}"] = _cells(day, graft, volume, scale, seed)
        if axons:
            tree[f"/{schema.AXONS_GROUP}/{word}/{schema.PATHS}"] = _paths(
                day, graft, length, depth, scale, seed
            )
            paths = tree[f"/{schema.AXONS_GROUP}/{word}/{schema.PATHS}"]
            tree[f"/{schema.AXONS_GROUP}/{word}/{schema.CONES}"] = _cones(paths)
            for name, share in ((schema.SYNAPSES, 0.2), (axon_layout.LOST_SYNAPSES, 0.03)):
                tree[f"/{schema.AXONS_GROUP}/{word}/{name}"] = _synapses(paths, share, seed)
            tree[f"/{schema.AXONS_GROUP}/{word}"] = xarray.Dataset(attrs={schema.COMPLETE: 1})
    xarray.DataTree.from_dict(tree).to_zarr(directory / schema.STORE_NAME, mode="w", consolidated=False)
    (directory / schema.SUMMARY_NAME).write_text(json.dumps(_summary(graft)), encoding="utf-8")
    (directory / schema.EVENTS_NAME).write_text(_events(graft), encoding="utf-8")
    (directory / schema.SCENARIO_NAME).write_text(
        f"# test data, not a scenario\nseed: {seed}\n", encoding="utf-8"
    )
    return directory


def _attrs(species: str, status: str, seed: int, graft: bool) -> dict[str, object]:
    return {
        "Conventions": schema.CONVENTIONS,
        "schema_version": schema.SCHEMA_VERSION,
        "name": "invented_graft" if graft else "invented_untreated",
        "title": "Invented values for testing figures" + (", with a graft" if graft else ", untreated"),
        "status": status,
        "seed": seed,
        "commit": "0000000",
        "started": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T00:01:00Z",
        "tick_h": 1.0,
        "versions": {"cordgraft": "0.0", "numpy": np.__version__},
        "setting": {
            "species": species, "preset": species, "level": "T9", "cells_per_agent": 1,
            "cord_diameter_um": [2000.0, 1400.0], "segment_um": 1300.0, "duration_days": 112.0,
        },
        "cautions": [
            "parameters.scar.cspg_half_inhibition: 12 ug/mL lies outside the cited range 1 to 10 ug/mL",
            "a section stands for the whole cord; counts are scaled up from the slab",
        ],
        "plan": [{"phase": "treat", "process": "injury", "every": "1 h", "reads": "", "writes": "map.impact"}],
    }  # fmt: skip


def _maps(
    day: float,
    cord: np.ndarray,
    radius: np.ndarray,
    axes: tuple[np.ndarray, ...],
    graft: bool,
    scale: float,
    shift: float,
) -> dict[str, np.ndarray]:
    z = axes[2][None, None, :]
    length = scale * (900.0 + 350.0 * (1 - np.exp(-day / 15))) * shift
    inside = 1 / (1 + np.exp(np.minimum(((np.abs(z) / length) ** 2 + (radius / 0.8) ** 2 - 1) * 8, 50.0)))
    late = 1 - np.exp(-day / 20)
    grey = np.where(radius < 0.33, 1.0, 0.0)
    share = {
        "white": (1 - grey) * (1 - inside), "grey": grey * (1 - inside), "csf": np.zeros_like(inside),
        "necrosis": inside * (1 - late) * 0.8, "blood": inside * np.exp(-day / 5) * 0.2,
    }  # fmt: skip
    rest = inside - share["necrosis"] - share["blood"]
    middle = np.exp(-((z / (0.6 * length)) ** 2) - (radius / 0.5) ** 2)
    share["graft"] = rest * middle if graft else 0 * rest
    share["scar"] = (rest - share["graft"]) * 0.35
    share["cavity"] = rest - share["graft"] - share["scar"]
    found = {
        f"fraction_{name}": np.where(cord, np.broadcast_to(values, cord.shape), 0.0)
        for name, values in share.items()
    }
    near = np.exp(-np.abs(np.abs(z) - length) / (400 * scale)) * np.exp(-radius)
    found["field_tnf"] = np.where(cord, near * np.exp(-day / 12), 0.0)
    found["field_cspg"] = np.where(cord, 3 + 25 * near * (day / 14) * np.exp(1 - day / 14), 0.0)
    found["field_oxygen"] = np.where(cord, 35 - 28 * inside * np.exp(-day / 60), 0.0)
    found["field_trophic"] = np.where(cord, 2.5 * middle * graft * np.ones_like(inside), 0.0)
    return found


def _series(
    species: str, last: float, graft: bool, axons: bool, scale: float, seed: int, shift: float
) -> xarray.Dataset:
    day = np.arange(0.0, last + 0.5)
    rng = np.random.default_rng(seed)  # test data only
    noise = 1 + 0.08 * rng.standard_normal()
    since = np.maximum(day - GRAFT_DAY, 0.0)
    here = (day >= GRAFT_DAY) if graft else np.zeros(day.size, dtype=bool)
    cells = here * 4e5 * (0.2 + 0.8 * np.exp(-since / 4)) * noise * shift
    shares = {
        "undifferentiated": 0.01,
        "neuron": 0.6 * (1 - np.exp(-since / 30)),
        "astrocyte": 0.2 * (1 - np.exp(-since / 40)),
    }
    shares["oligodendrocyte"] = 0.04 * (1 - np.exp(-since / 60))
    shares["precursor"] = 1 - sum(np.asarray(value) for value in shares.values())
    values: dict[str, np.ndarray] = {
        "graft_survivors": cells,
        "graft_survivors_simulated": np.round(cells / 14),
    }
    for kind, share in shares.items():
        values[f"graft_{kind}"] = cells * share
        values[f"graft_fraction_{kind}"] = np.where(here, share, np.nan)
    values["graft_survival"] = np.where(here, cells / 4e5, np.nan)
    values["graft_delivered"] = np.where(here, 4e5, np.nan)
    values["graft_volume"] = cells * 2500 / 0.6 / 1e9
    values["graft_volume_core"] = values["graft_volume"] * 0.8
    values["graft_volume_outside"] = values["graft_volume"] * 0.2
    values["graft_dividing_fraction"] = np.where(here, 0.4 * np.exp(-since / 20), np.nan)
    values["graft_pressure"] = 0.02 * here
    length = scale * (2000 + 700 * (1 - np.exp(-day / 15))) * noise * shift
    values["lesion_length"] = length
    values["lesion_volume"] = (length / 1000) ** 2 * 0.4
    for part, share in (
        ("necrosis", np.exp(-day / 20)),
        ("cavity", 0.6 * (1 - np.exp(-day / 20))),
        ("scar", 0.3 + 0 * day),
    ):
        values[f"lesion_{part}_volume"] = values["lesion_volume"] * share
    for half, level in (("", 0.28), ("_ventral", 0.38), ("_dorsal", 0.15)):
        values[f"lesion_spared_white_matter{half}"] = level + 0.5 * np.exp(-day / 3) * level
    values["lesion_epicentre_um"] = np.full(day.size, 100.0 * scale)
    for zone in schema.ZONES:
        values[f"{zone}_cspg"] = 3 + 25 * (day / 14) * np.exp(1 - day / 14) * (1 if zone == "rim" else 0.6)
        values[f"{zone}_tnf"] = np.exp(-day / 6)
        values[f"{zone}_oxygen"] = 35 - 20 * np.exp(-day / 20)
        values[f"{zone}_trophic"] = here * 1.0
    for word, peak in (
        ("neutrophils", 1.0),
        ("macrophages_pro", 7.0),
        ("macrophages_repair", 9.0),
        ("debris", 5.0),
    ):
        values[f"immune_{word}"] = (day / peak) * np.exp(1 - day / peak)
    if axons:
        for position, tract in enumerate(schema.HOST_TRACTS):
            values[f"axons_{tract}_live_fraction"] = 0.1 + 0.1 * position + 0.5 * np.exp(-day / 4)
        for origin, amount in (("host", 60.0), ("graft", 9000.0)):
            for order, plane in enumerate(schema.PLANES):
                counts = amount * (1 - np.exp(-since / 40)) / (1 + order)
                counts = counts if graft or origin == "host" else 0 * counts
                values[f"axons_{origin}_crossings_{plane}"] = np.where(day > 0, counts, np.nan)
                values[f"axons_{origin}_crossings_{plane}_simulated"] = np.where(
                    day > 0, np.round(counts / 40), np.nan
                )
        values["axons_host_reach_p95"] = np.where(day > 1, -300 + 900 * (1 - np.exp(-day / 40)), np.nan)
        values["axons_graft_reach_p95"] = np.where(here, scale * 7000 * (1 - np.exp(-since / 30)), np.nan)
        values["synapses_host_to_graft"] = here * 500.0 * (1 - np.exp(-since / 50))
        values["synapses_graft_to_host"] = here * 2500.0 * (1 - np.exp(-since / 50))
    values["function_motor_index"] = 0.1 + 0.3 * (1 - np.exp(-day / 15)) * noise * shift
    values["function_sensory_index"] = 0.15 + 0.2 * (1 - np.exp(-day / 25))
    if species in schema.SCALES:
        values[schema.SCALES[species][0]] = 9 * values["function_motor_index"]
    values["safety_any_flag"] = np.where(here, (day > 100) * 1.0, np.nan)
    specs = {spec.name: spec for spec in schema.series_specs(species, schema.SAFETY_BOUNDS)}
    unknown = set(values) - set(specs)
    if unknown:
        raise ValueError(f"the schema has no series {sorted(unknown)}")
    return xarray.Dataset(
        {
            name: (schema.TIME, np.asarray(array, dtype=float), specs[name].attributes())
            for name, array in values.items()
        },
        coords={schema.TIME: (schema.TIME, day, {"units": "day"})},
    ).assign({schema.TICK: (schema.TIME, np.round(day * 24.0).astype(np.int64))})


def _cells(day: float, graft: bool, volume: bool, scale: float, seed: int) -> xarray.Dataset:
    rng = np.random.default_rng(seed)
    count = 9000 if graft and day >= GRAFT_DAY else 0
    xyz = rng.standard_normal((count, 3)) * np.array([250.0 if volume else 0.0, 180.0, 550.0]) * scale
    kinds = rng.choice(len(schema.KINDS), count, p=[0.01, 0.3, 0.45, 0.19, 0.05])
    xyz[kinds == 3] *= 1.8
    xyz = np.round(xyz / 25.0) * 25.0
    xyz[:, 1] = np.clip(xyz[:, 1], -650 * scale, 650 * scale)
    return xarray.Dataset(
        {"kind": (schema.ROW, kinds.astype(np.uint8)), "weight": (schema.ROW, np.full(count, 14.0)),
         **{axis: (schema.ROW, xyz[:, i]) for i, axis in enumerate(schema.SPACE)}},
        attrs={schema.COMPLETE: 1},
    )  # fmt: skip


def _paths(day: float, graft: bool, length: float, depth: float, scale: float, seed: int) -> xarray.Dataset:
    rng = np.random.default_rng(seed + 7)
    tracts, sizes, points, grown, weight = [], [], [], [], []
    names = [*schema.HOST_TRACTS, "graft"]
    for tract, name in enumerate(schema.HOST_TRACTS):
        for _ in range(40):
            y = (rng.uniform(0.2, 0.9) if name != "gracile" else -rng.uniform(0.3, 0.9)) * depth / 2 * 0.98
            cut = rng.random() < 0.6
            z = np.arange(length / 2, (900.0 if cut else -length / 2), -500.0)
            path = np.stack([np.zeros(z.size), np.full(z.size, y), z], axis=1)
            flags = np.zeros(z.size, dtype=bool)
            if cut and day > 10:
                steps = np.cumsum(rng.standard_normal((25, 3)) * [0, 20, 20] + [0, 0, -6 * day / 30], axis=0)
                steps[:, 0] = 0
                path, flags = (
                    np.concatenate([path, path[-1] + steps]),
                    np.concatenate([flags, np.ones(25, dtype=bool)]),
                )
            (
                tracts.append(tract),
                sizes.append(len(path)),
                points.append(path),
                grown.append(flags),
                weight.append(40.0),
            )
    for _ in range(500 if graft and day > GRAFT_DAY else 0):
        start = rng.standard_normal(3) * [0, 150 * scale, 400 * scale]
        way = rng.choice([-1, 1])
        n = int(min(40, 4 + day / 3))
        steps = np.cumsum(
            rng.standard_normal((n, 3)) * [0, 25, 30] * scale + [0, 0, way * 150.0 * scale], axis=0
        )
        path = start + steps
        path[:, 1] = np.clip(path[:, 1], -depth * 0.45, depth * 0.45)
        (
            tracts.append(5),
            sizes.append(n),
            points.append(path),
            grown.append(np.ones(n, dtype=bool)),
            weight.append(14.0),
        )
    xyz = np.concatenate(points)
    edges = [-900.0 * scale, 900.0 * scale]
    attributes = {axon_layout.LESION_EDGES: edges}
    if graft and day > GRAFT_DAY:
        attributes[axon_layout.GRAFT_EDGES] = edges
    return xarray.Dataset(
        {
            schema.ROW_SIZE: (schema.AXON, np.array(sizes)),
            "tract": (
                schema.AXON, np.array(tracts, dtype=np.uint8),
                {"flag_values": np.arange(6, dtype=np.uint8), "flag_meanings": " ".join(names)},
            ),
            "id": (schema.AXON, np.arange(1, len(sizes) + 1, dtype=np.uint64)),
            "state": (schema.AXON, np.full(len(sizes), 4, dtype=np.uint8), _STATES),
            "weight": (schema.AXON, np.array(weight)),
            "grown": (schema.POINT, np.concatenate(grown).astype(np.uint8)),
            **{axis: (schema.POINT, xyz[:, i]) for i, axis in enumerate(schema.SPACE)},
        },
        attrs=attributes,
    )  # fmt: skip


_STATES = {"flag_values": [4, 7], "flag_meanings": "growing censored"}
_SYNAPSE_KINDS = {"flag_values": [0, 1, 2], "flag_meanings": "host_to_graft graft_to_host host_to_host"}


def _ends(paths: xarray.Dataset) -> np.ndarray:
    """Return the polylines of which the last point was laid by a growth cone."""
    last = np.cumsum(paths[schema.ROW_SIZE].values) - 1
    return np.flatnonzero(paths["grown"].values[last] > 0)


def _cones(paths: xarray.Dataset) -> xarray.Dataset:
    rows = _ends(paths)
    last = np.cumsum(paths[schema.ROW_SIZE].values)[rows] - 1
    return xarray.Dataset(
        {
            "axon": (schema.CONE, paths["id"].values[rows]),
            "tract": (schema.CONE, paths["tract"].values[rows], paths["tract"].attrs),
            "state": (schema.CONE, np.zeros(rows.size, dtype=np.uint8), {"flag_values": [0, 4],
                      "flag_meanings": "active censored"}),
            "weight": (schema.CONE, paths["weight"].values[rows]),
            "arc": (schema.CONE, 25.0 * paths[schema.ROW_SIZE].values[rows]),
            **{axis: (schema.CONE, paths[axis].values[last]) for axis in schema.SPACE},
        }
    )  # fmt: skip


def _synapses(paths: xarray.Dataset, share: float, seed: int) -> xarray.Dataset:
    rows = _ends(paths)
    rows = rows[np.random.default_rng(seed + 3).random(rows.size) < share]
    last = np.cumsum(paths[schema.ROW_SIZE].values)[rows] - 1
    graft = paths["tract"].values[rows] == len(schema.HOST_TRACTS)
    return xarray.Dataset(
        {
            "kind": (schema.SYNAPSE, graft.astype(np.uint8), _SYNAPSE_KINDS),
            "tract": (schema.SYNAPSE, paths["tract"].values[rows], paths["tract"].attrs),
            "weight": (schema.SYNAPSE, paths["weight"].values[rows]),
            "z": (schema.SYNAPSE, paths["z"].values[last]),
        }
    )


def _summary(graft: bool) -> dict[str, object]:
    if not graft:
        return {"graft_day": None, "safety": {}}
    bound = {
        "meaning": "share of grafted cells in the cell cycle",
        "unit": "1",
        "at_most": 0.05,
        "verdict": "broken",
    }
    return {"graft_day": GRAFT_DAY, "safety": {"dividing_fraction": {**bound, "value": 0.061}}}


def _events(graft: bool) -> str:
    lines = ["tick,day,name,text", "0,0.0,injury,contusion"]
    if graft:
        lines.append(f"{GRAFT_DAY * 24:.0f},{GRAFT_DAY},graft,5e5 cells")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(make_fake_run(Path(sys.argv[1])))
