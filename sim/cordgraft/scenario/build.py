"""From a validated configuration to the tissue at the minute of injury and the processes that act on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cordgraft.core.clock import Clock
from cordgraft.core.contract import Process
from cordgraft.core.lattice import Lattice
from cordgraft.core.problems import BadInput, Caution, Problem
from cordgraft.processes import registry
from cordgraft.processes.graft_delivery import GraftDelivery
from cordgraft.processes.subject import Subject, draw_subject
from cordgraft.scenario.anatomy import CordMaps, elliptic_cord, masked_cord
from cordgraft.scenario.config import Config
from cordgraft.scenario.size import MEMORY_SHARE as MEMORY_SHARE
from cordgraft.scenario.size import Estimate, declarations, estimate_of, refuse_if_too_large
from cordgraft.scenario.treatments import at_a_point
from cordgraft.state.tissue import Setting, Tissue

if TYPE_CHECKING:
    from cordgraft.scenario.masks import PatientGeometry


@dataclass(frozen=True)
class Built:
    """What the engine needs to run a scenario.

    Parameters
    ----------
    config : Config
    tissue : Tissue
        At tick 0, before the injury.
    processes : tuple of Process
        In running order, switched-off ones left out.
    resting : tuple of Process
        Switched off, but others need their arrays: what they alone write rests, see `resting_processes`.
    cautions : tuple of Caution
        Those of the configuration and those of the geometry.
    patient : PatientGeometry or None
        Masks on the straightened lattice, for runs built from a scan.
    """

    config: Config
    tissue: Tissue
    processes: tuple[Process, ...]
    cautions: tuple[Caution, ...]
    patient: PatientGeometry | None = None
    resting: tuple[Process, ...] = ()


def make_processes(config: Config) -> tuple[Process, ...]:
    """Return the active processes of a configuration in running order."""
    processes: list[Process] = []
    for name, kind in registry().items():
        if kind.section == "treatments":
            for label, (treatment, params) in config.treatments.items():
                if treatment == kind.treatment_type:
                    processes.append(kind(params, label))
        elif config.enabled.get(name, True):
            params = config.injury if kind.section == "injury" else config.parameters[name]
            processes.append(kind(params))
    return tuple(processes)


def resting_processes(config: Config, active: tuple[Process, ...]) -> tuple[Process, ...]:
    """Return the switched-off processes whose arrays an active one reads, writes or deposits into.

    Their arrays are part of the state and are prepared, but never advanced: without inflammation there are no
    immune cells, without vessels as a process all vessels stay, without oxygen as a process tissue is at rest.
    A field that treatments feed is carried on by transport: without digestion, enzyme still spreads.
    What nobody else needs is left out, so that a run without the function index has no index of 1 to show.
    """
    needed = {name for process in active for name in (*process.reads, *process.writes, *process.deposits)}
    present = {spec.name for process in active for spec in process.provides.arrays}
    resting: list[Process] = []
    for name, acts in config.enabled.items():
        if acts:
            continue
        kind = registry()[name]
        own = {spec.name for spec in kind.provides.arrays} - present
        if own & needed:
            resting.append(kind(config.parameters[name]))
    return tuple(resting)


def estimate(config: Config, lattice: Lattice | None = None) -> Estimate:
    """Return how much memory and time a run will need and how much memory is free."""
    active = make_processes(config)
    lattice = lattice if lattice is not None else config.geometry.lattice()
    return estimate_of(config, lattice, active, resting_processes(config, active))


def build(config: Config) -> Built:
    """Return the tissue at tick 0 and the processes of a configuration.

    Raises
    ------
    BadInput
        If masks cannot be used, if something does not fit into the lattice, or if the memory does not suffice
        (checked before anything large is made).
    """
    if config.requires:
        raise BadInput(
            [
                Problem("the scenario needs this value", key=key, allowed=f"--set {key}=...")
                for key in config.requires
            ]
        )
    processes = make_processes(config)
    resting = resting_processes(config, processes)
    if config.geometry.cord_mask:
        return _build_from_scan(config, processes, resting)
    config = of_subject_size(config, processes)
    lattice = config.geometry.lattice()
    refuse_if_too_large(config, lattice, processes, resting)
    maps = elliptic_cord(lattice, config.geometry.cord_diameter_um, config.geometry.grey_share)
    tissue = _assemble(config, lattice, (*processes, *resting), maps)
    return Built(config, tissue, processes, config.cautions, resting=resting)


def of_subject_size(config: Config, processes: tuple[Process, ...]) -> Config:
    """Return the configuration with the cord as wide and deep as this subject's; without the process, the mean."""
    subject = next((process for process in processes if isinstance(process, Subject)), None)
    if subject is None:
        return config
    size = draw_subject(subject.params, config.seed)["size"]
    width, depth = config.geometry.cord_diameter_um
    return replace(config, geometry=replace(config.geometry, cord_diameter_um=(size * width, size * depth)))


def _assemble(config: Config, lattice: Lattice, processes: tuple[Process, ...], maps: CordMaps) -> Tissue:
    geometry = config.geometry
    setting = Setting(
        species=config.subject.species,
        preset=geometry.preset,
        cord_diameter_um=geometry.cord_diameter_um,
        cells_per_agent=geometry.cells_per_agent,
        seed=config.seed,
        segment_um=geometry.segment_um,
        level=geometry.level,
        immune_system=config.subject.immune_system,
    )
    arrays, transfers = declarations(processes)
    clock = Clock.for_duration(config.duration_h, config.tick_h)
    tissue = Tissue(lattice, clock, setting, arrays, transfers)
    cord = maps.volume >= 0.5
    tissue["map.cord"][...] = cord
    tissue["map.volume"][...] = np.where(cord, maps.volume, 0.0)
    total = np.where(cord, maps.white + maps.grey, 1.0)
    tissue["map.white"][...] = np.where(cord, maps.white / total, 0.0)
    tissue["map.grey"][...] = np.where(cord, 1.0 - tissue["map.white"], 0.0)
    tissue["map.rho"][...] = maps.rho
    tissue["map.ventral"][...] = maps.ventral
    tissue["fraction.white"][...] = tissue["map.white"]
    tissue["fraction.grey"][...] = tissue["map.grey"]
    return tissue


def _build_from_scan(config: Config, processes: tuple[Process, ...], resting: tuple[Process, ...]) -> Built:
    from cordgraft.scenario.masks import build_patient_geometry, read_masks

    geometry = config.geometry
    pair = read_masks(geometry.cord_mask, geometry.lesion_mask or None)
    patient = build_patient_geometry(
        pair,
        voxel_um=geometry.voxel_um,
        section="volume" if geometry.section == "volume" else "midsagittal",
        slab_um=geometry.slab_um,
        length_um=geometry.length_um,
        admit=lambda lattice: refuse_if_too_large(config, lattice, processes, resting),
    )
    lattice = patient.lattice
    diameters_um = (patient.diameter_rl_um, patient.diameter_ap_um)
    maps = masked_cord(lattice, patient.cord_fraction, diameters_um, geometry.grey_share)
    # The run's own diameters are those of the scan at the epicentre, not the table's for this level.
    epicentre = lattice.plane_index(0.0)
    scanned = (float(patient.diameter_rl_um[epicentre]), float(patient.diameter_ap_um[epicentre]))
    config = replace(config, geometry=replace(geometry, cord_diameter_um=scanned))
    tissue = _assemble(config, lattice, (*processes, *resting), maps)
    tissue["map.lesion_mask"][...] = np.where(tissue["map.cord"] > 0, patient.lesion_share(), 0.0)
    cautions = (*config.cautions, *patient.cautions, *_scan_cautions(config))
    _refuse_sites_outside(tissue, processes)
    return Built(config, tissue, processes, cautions, patient, resting)


def _refuse_sites_outside(tissue: Tissue, processes: tuple[Process, ...]) -> None:
    """Raise `BadInput` for what is put in outside the scanned cord; only the built lattice knows its outline."""
    problems = []
    deep = tissue.setting.cord_diameter_um[1]
    for process in processes:
        for point in sites_um(process, deep):
            if _in_cord(tissue, point):
                continue
            what = "graft" if isinstance(process, GraftDelivery) else process.name.replace("_", " ")
            problems.append(
                Problem(
                    f"the {what} lies outside the scanned cord",
                    key=f"treatments.{process.label}.depth",
                    value=f"{process.params.depth:g} um at {point[2] / 1e3:g} mm along the cord",
                    allowed=f"about 0 um to {deep:.0f} um, inside the mask",
                )
            )
            break
    if problems:
        raise BadInput(problems)


def sites_um(process: Process, diameter_ap_um: float) -> list[tuple[float, float, float]]:
    """Return the points at which a treatment is put in, in cord coordinates, um; none where it has no depth."""
    if isinstance(process, GraftDelivery):
        return process.sites_um(diameter_ap_um)
    specs = type(process.params).specs()
    if process.section != "treatments" or "position" not in specs or "depth" not in specs:
        return []
    if not at_a_point(process.params):
        return []
    return [(0.0, process.params.depth - 0.5 * diameter_ap_um, process.params.position)]


def _in_cord(tissue: Tissue, point: tuple[float, float, float]) -> bool:
    lattice = tissue.lattice
    voxel = [
        min(max(round((at - origin) / edge), 0), count - 1)
        for at, origin, edge, count in zip(
            point, lattice.origin_um, lattice.spacing_um, lattice.shape, strict=True
        )
    ]
    return bool(lattice.contains_um(*point) and tissue["map.cord"][tuple(voxel)])


#: Before this day after the injury the bright area on a T2-weighted scan is mostly oedema (human cervical:
#: length grows to 48 h and falls over three weeks, Rutges 2017, 10.1007/s00586-017-5097-4, read).
OEDEMA_DAYS = 21.0


def _scan_cautions(config: Config) -> list[Caution]:
    scan_h = config.geometry.scan_at_h
    if scan_h is None or not config.geometry.lesion_mask:
        return []
    cautions = []
    if scan_h < OEDEMA_DAYS * 24.0:
        cautions.append(
            Caution(
                "geometry.scan_at",
                f"a lesion mask of day {scan_h / 24.0:g} holds oedema that would resolve by day {OEDEMA_DAYS:g}; "
                "all of it is taken as dead tissue",
            )
        )
    for label, (_, params) in config.treatments.items():
        at_h = getattr(params, "at", None)
        if at_h is not None and at_h < scan_h:
            cautions.append(
                Caution(
                    f"treatments.{label}.at",
                    f"day {at_h / 24.0:g} is before the scan of day {scan_h / 24.0:g}: the mask already shows "
                    "what the treatment did",
                )
            )
    return cautions
