"""From a run to volume fractions on a regular grid in millimetres: the contract between simulation and imaging.

The dataset that `fractions_of` returns has dims ``(time, x, y, z)``; a section has one voxel along x. Axes grow to the
right, to anterior and to superior; coordinates are voxel centres in mm. ``frac_*`` are wet volume fractions: a run
stores dry fractions ``w`` that sum to one and the oedema ``E`` apart, so that here ``(1 - E) w`` and ``E`` stand. They
sum to one in the canal, which is filled with cerebrospinal fluid outside the cord, and are zero beyond it.

Choices that are not in the run, each stated in the attributes:

* Dead tissue that is not cleared yet (``necrosis``) is swollen and full of immune cells: it counts as oedema.
* Extravasated blood has no signal of its own unless asked for, because it depends on the age of the blood: oedema.
* A scaffold has no class: its pores are fluid or tissue, which have theirs.
* ``myelin`` is the white matter of the voxel times the sheaths of the recorded fibres in it (`axon_shares`).
* The canal is a layer of fluid of even thickness round the cord.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.axon_shares import axon_shares
from cordgraft_analysis.imaging.contract import check_fractions
from cordgraft_analysis.imaging.extrusion import Extrusion, Fine, extruded
from cordgraft_analysis.imaging.findings import refuse_errors
from cordgraft_analysis.imaging.run_contract import check_run
from cordgraft_analysis.imaging.volume import Array, Floats

if TYPE_CHECKING:
    import xarray

#: Tissue classes that have a signal of their own; blood only where it is asked for.
CLASSES: tuple[str, ...] = ("white", "grey", "csf", "cavity", "oedema", "scar", "graft", "blood")
#: Classes that make a lesion, as a reader of T2-weighted images draws it.
LESION_CLASSES: tuple[str, ...] = ("cavity", "scar", "oedema")
#: Class that stands for dead tissue and for blood unless the caller names another.
NECROSIS_AS, BLOOD_AS = "oedema", "oedema"
#: Thickness of the fluid between cord and wall of the canal, mm: assumed, the order of the gaps in anatomy.
CANAL_MM: dict[str, float] = {"human": 2.5, "rat": 0.4, "mouse": 0.25}
#: A recorded day is the one that was asked for if it is no farther away than this, days.
DAY_TOLERANCE = 1e-3
#: What else is carried to the image: myelin, and white matter times the order of its axons.
CARRIED: tuple[str, ...] = ("myelin", "white_order")

Channels = dict[str, Array]


def recorded_days(run: xarray.DataTree) -> Floats:
    """Return the days whose maps a run holds : (n,) float64, days since the injury."""
    if schema.MAPS_GROUP not in run.children or schema.TIME not in run[schema.MAPS_GROUP].dataset:
        return np.zeros(0)
    return np.asarray(run[schema.MAPS_GROUP].dataset[schema.TIME].values, dtype=np.float64)


def frame_at(run: xarray.DataTree, day: float) -> int:
    """Return the index of the recorded frame of a day.

    Raises
    ------
    BadInput
        If the maps of that day were not recorded.
    """
    days = recorded_days(run)
    if days.size:
        nearest = int(np.argmin(np.abs(days - day)))
        if abs(days[nearest] - day) <= DAY_TOLERANCE:
            return nearest
    raise BadInput(
        Problem(
            "the run has no maps of that day",
            key="--time",
            value=f"{day:g} d",
            allowed=", ".join(f"{there:g} d" for there in days) or "nothing: no maps were recorded",
        )
    )


def is_section(run: xarray.DataTree) -> bool:
    """Whether the run is one voxel wide."""
    return int(run[schema.MAPS_GROUP].dataset.sizes["x"]) == 1


def canal_layer(species: str, asked_mm: float | None) -> float:
    """Return the thickness of the fluid round the cord, mm: what was asked for, else that of the species.

    Raises
    ------
    BadInput
        If it is negative or no number.
    """
    layer = CANAL_MM.get(species, CANAL_MM["human"]) if asked_mm is None else asked_mm
    if not layer >= 0.0:
        raise BadInput(
            Problem("the fluid round the cord has no such thickness", key="--canal", value=f"{layer:g} mm",
                    allowed="0 mm or more")
        )  # fmt: skip
    return layer


def fractions_of(
    run: xarray.DataTree,
    day: float,
    *,
    extrusion: Extrusion | None = None,
    fine_mm: float | None = None,
    canal_mm: float | None = None,
    necrosis: str = NECROSIS_AS,
    blood: str = BLOOD_AS,
) -> xarray.Dataset:
    """Return the tissue of one recorded day as volume fractions.

    Parameters
    ----------
    run : xarray.DataTree
        From `cordgraft_analysis.reading.open_run`.
    day : float
        Days since the injury; its maps must have been recorded.
    extrusion : Extrusion, optional
        Turns a section into a volume; without it a section stays one voxel wide.
    fine_mm : float, optional
        Edge of the voxels of an extruded volume, mm; the section's own unless given. Along the cord never finer.
    canal_mm : float, optional
        Thickness of the fluid round the cord, mm; `CANAL_MM` of the species unless given.
    necrosis, blood : str
        Class of `CLASSES` that stands for dead tissue and for blood.

    Returns
    -------
    xarray.Dataset
        Dims ``(time, x, y, z)``; passes `check_contract`.

    Raises
    ------
    BadInput
        If the day was not recorded, a class is unknown, or what the run holds breaks the contract.
    """
    for key, word in (("necrosis", necrosis), ("blood", blood)):
        if word not in CLASSES:
            raise BadInput(Problem("no such tissue class", key=key, value=word, allowed=", ".join(CLASSES)))
    setting = dict(run.attrs["setting"])
    species = str(setting["species"])
    layer = canal_layer(species, canal_mm)
    frame = frame_at(run, day)
    refuse_errors(check_run(run, frame).findings)
    found, axes = _wet(run, frame, necrosis, blood)
    attributes: dict[str, Any] = {}
    if extrusion is not None:
        if not is_section(run):
            raise BadInput(
                Problem(
                    "the run is a volume already: it needs no extrusion",
                    key="--extrusion",
                    value=extrusion.name,
                )
            )
        fine = Fine.of(axes, extrusion, fine_mm)
        found = {name: extruded(values, fine) for name, values in found.items()}
        axes = fine.axes_mm
        attributes["extrusion"] = extrusion.name
    elif is_section(run):
        attributes["section_thickness_mm"] = _step(run, "x")
    steps = tuple(_spacing(axis, _step(run, name)) for axis, name in zip(axes, schema.SPACE, strict=True))
    found, canal, axes = _surrounded(found, axes, (steps[0], steps[1], steps[2]), layer)
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = [axis[0] for axis in axes]
    attributes |= {
        "space": "cord-straight",
        "affine": [float(value) for value in affine.ravel()],
        "species": species,
        "vertebral_level": str(setting.get("level", "")),
        "epicentre_mm": [0.0, 0.0, 0.0],
        "canal_layer_mm": float(layer),
        "necrosis_as": necrosis,
        "blood_as": blood,
        "name": str(run.attrs.get("name", "")),
        "seed": int(run.attrs["seed"]),
        "scenario_digest": str(run.attrs.get("scenario_digest", "")),
        "cordgraft_version": str(dict(run.attrs.get("versions", {})).get("cordgraft", "")),
        "comment": schema.RESEARCH_SENTENCE,
    }
    data = _dataset(found, canal, axes, float(recorded_days(run)[frame]), attributes)
    check_contract(data)
    return data


def check_contract(data: xarray.Dataset) -> None:
    """Raise `BadInput` with every way in which a dataset breaks the contract (E20): the variable and its worst cell."""
    refuse_errors(check_fractions(data).findings)


def _step(run: xarray.DataTree, axis: str) -> float:
    """Return the voxel edge of the run along an axis, mm."""
    return 1e-3 * float(run[schema.MAPS_GROUP].dataset[axis].attrs["spacing"])


def _spacing(axis: Floats, otherwise: float) -> float:
    return (float(axis[-1]) - float(axis[0])) / (len(axis) - 1) if len(axis) > 1 else otherwise


def _wet(
    run: xarray.DataTree, frame: int, necrosis: str, blood: str
) -> tuple[Channels, tuple[Floats, Floats, Floats]]:
    """Return ``frac_*``, `CARRIED` and ``cord_share``, each (x, y, z) float32, and the axes in mm."""
    maps = run[schema.MAPS_GROUP].dataset.isel({schema.TIME: frame})
    share, source = _outline(run)
    dry = {
        str(name).removeprefix("fraction_"): np.asarray(values.values, dtype=np.float64)
        for name, values in maps.data_vars.items()
        if str(name).startswith("fraction_")
    }
    total = np.sum(list(dry.values()), axis=0)
    inside = np.asarray(run[schema.GEOMETRY_GROUP].dataset["map_cord"].values) > 0
    safe = np.where(inside, total, 1.0)
    swelling = (
        np.asarray(maps["density_oedema"].values, dtype=np.float64)
        if "density_oedema" in maps
        else np.zeros_like(total)
    )
    wet = {name: np.zeros_like(total) for name in CLASSES}
    stands_for = {"necrosis": necrosis, "blood": blood}
    for name, values in dry.items():
        wet[stands_for.get(name, name)] += (1.0 - swelling) * values / safe
    wet["oedema"] += swelling
    order, sheath = axon_shares(run, frame)
    found = {f"frac_{name}": values for name, values in wet.items()}
    found |= {"myelin": wet["white"] * sheath, "white_order": wet["white"] * order}
    filled = {name: (values[source] * share).astype(np.float32) for name, values in found.items()}
    filled["cord_share"] = share.astype(np.float32)
    axes = tuple(1e-3 * np.asarray(maps[axis].values, dtype=np.float64) for axis in schema.SPACE)
    return filled, (axes[0], axes[1], axes[2])


def _outline(run: xarray.DataTree) -> tuple[Floats, tuple[Array, ...]]:
    """Return the share of each voxel in the cord (x, y, z), and the index of the voxel whose state it has.

    A voxel that lies less than half in the cord has no state of its own in a run: it takes that of the nearest voxel
    of its layer that has one. Only runs from masks hold such voxels (`schema.CORD_SHARE`).
    """
    geometry = run[schema.GEOMETRY_GROUP].dataset
    cord = np.asarray(geometry["map_cord"].values) > 0
    share = np.asarray(
        geometry["map_volume" if "map_volume" in geometry else "map_cord"].values, dtype=np.float64
    )
    own: tuple[Array, ...] = tuple(np.asarray(index) for index in np.indices(cord.shape))
    if schema.STRAIGHTENING_GROUP not in run.children:
        return np.where(cord, share, 0.0), own
    straightening = run[schema.STRAIGHTENING_GROUP].dataset
    if schema.CORD_SHARE not in straightening:  # written before this was recorded
        return np.where(cord, share, 0.0), own
    from scipy.ndimage import distance_transform_edt

    share = np.asarray(straightening[schema.CORD_SHARE].values, dtype=np.float64)
    # Layers far apart: the nearest voxel is sought in the own layer first.
    nearest = distance_transform_edt(
        ~cord, sampling=(1.0, 1.0, 1e3), return_distances=False, return_indices=True
    )
    return share, tuple(np.asarray(index) for index in nearest)


def _surrounded(
    found: Channels, axes: tuple[Floats, Floats, Floats], steps: tuple[float, float, float], layer_mm: float
) -> tuple[Channels, Array, tuple[Floats, Floats, Floats]]:
    """Return the channels with fluid round the cord, the canal (x, y, z) bool, and the axes, padded across."""
    from scipy.ndimage import distance_transform_edt

    flat = found["cord_share"].shape[0] == 1
    pad = [0 if flat and axis == 0 else int(np.ceil(layer_mm / steps[axis])) + 1 for axis in (0, 1)] + [0]
    padded = {name: np.pad(values, [(n, n) for n in pad]) for name, values in found.items()}
    cord = padded["cord_share"] >= 0.5
    # From the centre of a voxel outside to that of the nearest one inside; the border is half a voxel nearer.
    apart = distance_transform_edt(~cord, sampling=(steps[0], steps[1], 1e6))
    canal = (apart - 0.5 * min(steps[:2] if not flat else steps[1:2]) <= layer_mm) | (
        padded["cord_share"] > 0.0
    )
    padded["frac_csf"] += np.where(canal, 1.0 - padded["cord_share"], 0.0).astype(np.float32)
    wider = tuple(
        axis[0] + step * (np.arange(len(axis) + 2 * n) - n)
        for axis, step, n in zip(axes, steps, pad, strict=True)
    )
    return padded, canal, (wider[0], wider[1], wider[2])


def _dataset(
    found: Channels, canal: Array, axes: tuple[Floats, Floats, Floats], day: float, attributes: dict[str, Any]
) -> xarray.Dataset:
    import xarray as xr

    dims = (schema.TIME, *schema.SPACE)
    words = {
        "myelin": "myelin of the voxel, 1 is healthy white matter",
        "white_order": "white matter times the order parameter of its axons along the cord",
        "cord_share": "share of the voxel in the cord",
    }
    variables: dict[str, Any] = {
        name: (
            dims,
            values[None],
            {"units": "1", "long_name": words.get(name, f"volume fraction of {name.removeprefix('frac_')}")},
        )
        for name, values in found.items()
    }
    lesion = sum(found[f"frac_{name}"] for name in LESION_CLASSES)
    definition = " + ".join(f"frac_{name}" for name in LESION_CLASSES) + " >= 0.5"
    masks = {
        "cord": (found["cord_share"] >= 0.5, "cord_share >= 0.5"),
        "lesion": (np.asarray(lesion) >= 0.5, definition),
        "canal": (canal, f"within {attributes['canal_layer_mm']:g} mm of the cord (assumed), cord included"),
        "domain": (canal, "where the fractions sum to one"),
    }
    for name, (mask, words_of) in masks.items():
        variables[name] = (dims, mask[None], {"units": "1", "definition": words_of})
    coordinates: dict[str, Any] = {
        name: ((name,), axis, {"units": "mm", "axis_direction": direction})
        for name, axis, direction in zip(schema.SPACE, axes, "RAS", strict=True)
    }
    coordinates[schema.TIME] = (
        (schema.TIME,),
        np.array([day]),
        {"units": "days", "long_name": "since the injury"},
    )
    return xr.Dataset(variables, coordinates, attributes)
