"""Outcomes of the lesion and of the milieu round it; each function says how its outcome is defined."""

from __future__ import annotations

import math

import numpy as np

from cordgraft.core.schema import IMMUNE_ARRAYS, ZONE_ARRAYS, ZONES
from cordgraft.record.outcome import Numbers, Outcome, number, numbers
from cordgraft.record.scene import Scene


@numbers("lesion_length", "lesion_rostral_um", "lesion_caudal_um")
def extent(scene: Scene) -> Numbers:
    """Length of the lesion along the cord and its two edges, um.

    A layer belongs to it if a voxel of it is at least half necrosis, cavity, scar, graft or blood (of dry
    tissue); the longest run of such layers counts, over gaps of at most 0.2 mm (rodent) or 1 mm (human).
    """
    caudal, rostral = scene.lesion_edges_um
    return (0.0 if math.isnan(caudal) else rostral - caudal, rostral, caudal)


@number("lesion_area")
def area(scene: Scene) -> float:
    """Area of the lesion on the mid-sagittal section, mm2."""
    return float(np.sum(scene.section_mm2[scene.lesion]))


@number("lesion_volume")
def volume(scene: Scene) -> float:
    """Volume of the lesion, mm3; in a section by elliptic extrusion, each voxel weighing pi e_xy |y - y0| dy dz."""
    return float(np.sum(scene.volume_mm3[scene.lesion]))


@numbers(
    "lesion_spared_white_matter", "lesion_spared_white_matter_ventral", "lesion_spared_white_matter_dorsal"
)
def spared_white_matter(scene: Scene) -> Numbers:
    """Spared white matter at the epicentre, whole cross-section and its ventral and dorsal half, 1.

    ``sum w W(z*) / sum w W0(z*)`` over the cross-section with area weights w, summed over 0.2 mm (rodent) or
    1 mm (human) of layers. At-risk tissue is in its class until it dies, so it counts while it lives.
    """
    ventral = scene.ventral_share
    return [scene.spared_white(share) for share in (np.ones((1, 1, 1)), ventral, 1.0 - ventral)]


@number("lesion_epicentre_um")
def epicentre(scene: Scene) -> float:
    """Middle of the window of layers with the least spared white matter inside the lesion, um."""
    first = scene.epicentre_layer
    if first is None:
        return math.nan
    z = scene.lattice.axis_um(2)
    return float(0.5 * (z[first] + z[min(first + scene.window_layers, z.size) - 1]))


@numbers("lesion_necrosis_volume", "lesion_cavity_volume", "lesion_scar_volume")
def tissue_volumes(scene: Scene) -> Numbers:
    """Volume of uncleared dead tissue, of cavity and of fibrotic scar, mm3: sum of dry fraction times volume."""
    names = ("necrosis", "cavity", "scar")
    return [float(np.sum(scene.volume_mm3 * scene.tissue[f"fraction.{name}"])) for name in names]


@number("scaffold_volume")
def scaffold_volume(scene: Scene) -> float:
    """Volume that scaffold spans with its pores, mm3: sum of its share times volume; of a run that has one."""
    return float(np.sum(scene.volume_mm3 * scene.tissue["density.scaffold"]))


@numbers("oedema_volume", "lesion_t2_length", "lesion_t2_volume")
def swelling(scene: Scene) -> Numbers:
    """Fluid of the oedema, mm3; length (um) and volume (mm3) of what a T2-weighted image would show as bright.

    Bright: a voxel of the lesion, or one with a share of oedema above 0.1. The length is that of the longest run of
    layers, as for the lesion.
    """
    oedema = scene.get("density.oedema")
    fluid = math.nan if oedema is None else float(np.sum(scene.volume_mm3 * oedema))
    caudal, rostral = scene.bright_edges_um
    length = 0.0 if math.isnan(caudal) else rostral - caudal
    return (fluid, length, float(np.sum(scene.volume_mm3[scene.bright])))


@numbers(*(f"{zone}_{word}" for zone in ZONES for word in ZONE_ARRAYS))
def zone_means(scene: Scene) -> Numbers:
    """Volume-weighted means of fields and matrix over the rim and over the core, in the unit of each.

    Core: inside the largest lesion so far. Rim: within 0.3 mm (rodent) or 1 mm (human) outside it.
    """
    zones = {"rim": scene.rim, "core": scene.core}
    return [scene.zone_mean(zones[zone], array) for zone in ZONES for array, _, _ in ZONE_ARRAYS.values()]


@numbers(*(f"immune_{word}" for word in IMMUNE_ARRAYS))
def immune_integrals(scene: Scene) -> Numbers:
    """Integral of each immune density over core and rim, mm3 of saturated tissue.

    The published counts are relative to their own peak, which is known only afterwards: divide by it.
    """
    zone = scene.core | scene.rim
    if not np.any(scene.core):
        return [math.nan] * len(IMMUNE_ARRAYS)
    weights = scene.volume_mm3[zone]
    found = []
    for name, _ in IMMUNE_ARRAYS.values():
        array = scene.get(name)
        found.append(math.nan if array is None else float(np.sum(array[zone] * weights)))
    return found


OUTCOMES: tuple[Outcome, ...] = (
    extent,
    area,
    volume,
    spared_white_matter,
    epicentre,
    tissue_volumes,
    swelling,
    zone_means,
    immune_integrals,
)
#: What is measured only where the state holds an array: its name -> the outcomes.
OPTIONAL_OUTCOMES: dict[str, tuple[Outcome, ...]] = {"density.scaffold": (scaffold_volume,)}
