"""Rules that tie several keys together, checked on the assembled configuration.

Each rule yields `Finding`s; the loader adds where the keys stand, and leaves out a finding that rests on a key
which is wrong by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

from cordgraft.core.clock import whole_ticks
from cordgraft.core.contract import period_clashes
from cordgraft.core.problems import nearest
from cordgraft.core.units import convert
from cordgraft.processes import registry
from cordgraft.processes.transport import SPECTRAL_ELSE, SPECTRAL_NEEDS
from cordgraft.scenario.config import Config
from cordgraft.scenario.document import Path
from cordgraft.scenario.fields import quantity_in_words
from cordgraft.scenario.resolution import FEWEST_ACROSS
from cordgraft.scenario.sections import LEVELS
from cordgraft.scenario.treatments import at_a_point, hours_of, scheduled

_LENGTH: Path = ("geometry", "length")
_DURATION: Path = ("duration",)


@dataclass(frozen=True)
class Finding:
    """Something that does not fit.

    Parameters
    ----------
    path : tuple
        Where it is reported.
    sentence, allowed, near
        See `cordgraft.core.problems.Problem`.
    rests_on : tuple of paths
        Other keys that take part.
    value : str
        What was found, where the text of the file does not say it.
    """

    path: Path
    sentence: str
    allowed: str = ""
    near: tuple[str, ...] = ()
    rests_on: tuple[Path, ...] = ()
    value: str = ""


def check(config: Config) -> Iterator[Finding]:
    """Yield everything about a configuration that cannot be run as it stands."""
    yield from _level(config)
    yield from _times(config)
    yield from _periods(config)
    yield from _space(config)
    yield from _injury(config)
    yield from _treatments(config)
    yield from _inhibitors(config)
    yield from _examination(config)
    yield from _solver(config)
    yield from _masks(config)
    yield from _safety(config)


def in_um(params: Any, name: str) -> float | None:
    """Return a length among the parameters of a process in um, or None where there is none."""
    spec, value = type(params).specs().get(name), getattr(params, name, None)
    return None if spec is None or value is None else convert(float(value), spec.unit, "um")


def _level(config: Config) -> Iterator[Finding]:
    levels = LEVELS[config.subject.species]
    if config.geometry.level not in levels:
        yield Finding(
            ("geometry", "level"),
            f"no cord size is cited for this level of the {config.subject.species}",
            ", ".join(levels),
            nearest(config.geometry.level, levels),
            (("subject", "species"),),
            config.geometry.level,
        )


def _times(config: Config) -> Iterator[Finding]:
    tick, end = config.tick_h, config.duration_h
    whole: list[tuple[Path, float]] = [(_DURATION, end), (("record", "series"), config.record.series_h)]
    whole += [(("record", "maps"), hours) for hours in config.record.maps_h]
    whole += [
        (("parameters", name, "period"), hours)
        for name, hours in config.periods_h.items()
        if name in config.parameters
    ]
    whole += [
        (("treatments", label, key), hours)
        for label, (_, params) in config.treatments.items()
        for key, hours in scheduled(params)
    ]
    for path, hours in whole:
        try:
            ticks = whole_ticks(hours, tick)
        except ValueError:
            ticks = -1
        if ticks < 0 or (ticks == 0 and path[-1] not in ("maps", "at")):
            yield Finding(
                path,
                f"the time is not a whole number of ticks of {quantity_in_words(tick, 'h')}",
                _whole_beside(hours, tick),
                rests_on=(("tick",),),
                value=str(quantity_in_words(hours, "h")),
            )
    for hours in config.record.maps_h:
        if hours > end:
            yield Finding(
                ("record", "maps"),
                "a day of the maps lies after the end of the run",
                f"0 d to {quantity_in_words(end, 'h')}",
                rests_on=(_DURATION,),
                value=str(quantity_in_words(hours, "h")),
            )
    if config.record.series_h > end:
        yield Finding(
            ("record", "series"),
            "the interval is longer than the run",
            f"at most {quantity_in_words(end, 'h')}",
            rests_on=(_DURATION,),
            value=str(quantity_in_words(config.record.series_h, "h")),
        )


def _whole_beside(hours: float, tick_h: float) -> str:
    """Return the whole numbers of ticks below and above a time, in words."""
    below = math.floor(hours / tick_h) * tick_h
    beside = [time for time in (below, below + tick_h) if time > 0.0]
    return "for example " + " or ".join(str(quantity_in_words(time, "h")) for time in beside)


def _periods(config: Config) -> Iterator[Finding]:
    kinds = {
        name: kind
        for name, kind in registry().items()
        if kind.section != "treatments" and config.enabled.get(name, True)
    }
    ticks = {name: max(1, round(config.periods_h[name] / config.tick_h)) for name in kinds}
    for clash in period_clashes(kinds, ticks):
        here, there = (("parameters", name, "period") for name in clash[:2])
        yield Finding(
            here,
            clash.sentence,
            f"{quantity_in_words(config.periods_h[clash.consumer], 'h')} (parameters.{clash.consumer}.period)",
            rests_on=(there, ("tick",)),
            value=str(quantity_in_words(config.periods_h[clash.depositor], "h")),
        )


def _space(config: Config) -> Iterator[Finding]:
    geometry = config.geometry
    width, depth = geometry.cord_diameter_um
    x, y, z = geometry.voxel_um
    if not geometry.cord_mask and y * FEWEST_ACROSS > depth:
        yield Finding(
            ("geometry", "voxel"),
            f"fewer than {FEWEST_ACROSS} voxels lie across the cord of {quantity_in_words(depth, 'um')}",
            f"an edge of at most {quantity_in_words(round(depth / FEWEST_ACROSS, 3), 'um')} from back to front",
            rests_on=(("geometry", "cord_depth"), ("geometry", "level")),
            value=str(quantity_in_words(y, "um")),
        )
    if geometry.section == "volume" and not geometry.cord_mask and x * FEWEST_ACROSS > width:
        yield Finding(
            ("geometry", "voxel"),
            f"fewer than {FEWEST_ACROSS} voxels lie across the cord of {quantity_in_words(width, 'um')}",
            f"an edge of at most {quantity_in_words(round(width / FEWEST_ACROSS, 3), 'um')} from right to left",
            rests_on=(("geometry", "cord_width"), ("geometry", "level")),
            value=str(quantity_in_words(x, "um")),
        )
    if z * FEWEST_ACROSS > geometry.length_um:
        yield Finding(
            ("geometry", "voxel"),
            f"fewer than {FEWEST_ACROSS} voxels lie along the cord",
            f"an edge of at most {quantity_in_words(round(geometry.length_um / FEWEST_ACROSS, 3), 'um')} along it",
            rests_on=(_LENGTH,),
            value=str(quantity_in_words(z, "um")),
        )
    if geometry.section == "midsagittal" and geometry.slab_um > width:
        yield Finding(
            ("geometry", "slab"),
            "the section is thicker than the cord is wide",
            f"at most {quantity_in_words(width, 'um')}",
            rests_on=(("geometry", "cord_width"), ("geometry", "level")),
            value=str(quantity_in_words(geometry.slab_um, "um")),
        )


def _injury(config: Config) -> Iterator[Finding]:
    kind = getattr(config.injury, "type", "")
    if kind == "lateral_hemisection" and config.geometry.section == "midsagittal":
        yield Finding(
            ("injury", "type"),
            "a lateral hemisection has no mid-sagittal section: one side is whole, the other is cut",
            "section: volume, or another type of injury",
            rests_on=(("geometry", "section"),),
        )
    length = in_um(config.injury, "primary_length") or 0.0
    position = in_um(config.injury, "position") or 0.0
    room = config.geometry.length_um
    if config.geometry.lesion_mask:
        return
    if length >= room:
        yield Finding(
            ("injury", "primary_length"),
            "the lesion is longer than the cord that is simulated",
            f"less than {quantity_in_words(room, 'um')} (geometry.length)",
            rests_on=(_LENGTH,),
            value=str(quantity_in_words(length, "um")),
        )
    elif abs(position) + 0.5 * length >= 0.5 * room:
        most = quantity_in_words(0.5 * (room - length), "um")
        yield Finding(
            ("injury", "position"),
            "the lesion reaches beyond the cord that is simulated",
            f"between -{most} and {most}",
            rests_on=(_LENGTH, ("injury", "primary_length")),
            value=str(quantity_in_words(position, "um")),
        )
    if kind == "transection" and getattr(config.injury, "primary_spared_white_matter", None):
        key: Path = ("injury", "primary_spared_white_matter")
        allowed = "0, or another type of injury"
        yield Finding(key, "a transection spares no white matter", allowed, rests_on=(("injury", "type"),))
    layer = config.geometry.voxel_um[2]
    if 0.0 < length < layer:
        yield Finding(
            ("injury", "primary_length"),
            "the lesion is shorter than a voxel and would be lost between two layers",
            f"at least {quantity_in_words(layer, 'um')} (geometry.voxel)",
            rests_on=(("geometry", "voxel"),),
            value=str(quantity_in_words(length, "um")),
        )


def _treatments(config: Config) -> Iterator[Finding]:
    half = 0.5 * config.geometry.length_um
    epicentre = 0.0 if config.geometry.lesion_mask else in_um(config.injury, "position") or 0.0
    depth_um = config.geometry.cord_diameter_um[1]
    for label, (_, params) in config.treatments.items():
        here: Path = ("treatments", label)
        if label in registry():
            yield Finding(
                here, "a mechanism has this name already; call the treatment something else", value=label
            )
        at = hours_of(params, "at")
        if at is not None and at >= config.duration_h:
            yield Finding(
                (*here, "at"),
                "the treatment comes after the end of the run",
                f"before {quantity_in_words(config.duration_h, 'h')}",
                rests_on=(_DURATION,),
            )
        if not at_a_point(params):
            continue
        position = in_um(params, "position")
        row = 0.5 * (getattr(params, "sites", 1) - 1) * (in_um(params, "site_spacing") or 0.0)
        if position is not None and abs(epicentre + position) + row >= half:
            low, high = (quantity_in_words(end - epicentre, "um") for end in (-half, half))
            outside = abs(epicentre + position) >= half
            what = "place" if outside else f"row of {params.sites} sites"
            yield Finding(
                (*here, "position" if outside else "sites"),
                f"the {what} lies beyond the cord that is simulated",
                f"between {low} and {high} from the epicentre",
                rests_on=(
                    _LENGTH,
                    ("injury", "position"),
                    *((*here, key) for key in ("position", "sites", "site_spacing")),
                ),
                value=str(quantity_in_words(position, "um")),
            )
        depth = in_um(params, "depth")
        if depth is not None and depth >= depth_um and not config.geometry.cord_mask:
            yield Finding(
                (*here, "depth"),
                "the place lies outside the cord",
                f"less than the cord is deep: {quantity_in_words(depth_um, 'um')}",
                rests_on=(("geometry", "cord_depth"), ("geometry", "level"), ("subject", "species")),
                value=str(quantity_in_words(depth, "um")),
            )


def _inhibitors(config: Config) -> Iterator[Finding]:
    """Yield shares of the myelin inhibitors that are no shares of one whole."""
    keys = ("nogo_share", "mag_share", "omgp_share")
    total = sum(getattr(config.parameters["axon_growth"], key) for key in keys)
    if abs(total - 1.0) > 1e-9:
        here: Path = ("parameters", "axon_growth")
        yield Finding(
            (*here, keys[0]),
            "the shares of the myelin inhibitors do not add up to 1",
            f"{' + '.join(keys)} = 1",
            rests_on=tuple((*here, key) for key in keys[1:]),
            value=f"{total:g} together",
        )


def _examination(config: Config) -> Iterator[Finding]:
    """Yield a first day that would be moved to another one, and thresholds of grades that do not rise."""
    params, here = config.parameters["examination"], ("parameters", "examination")
    first, ends = (*here, "first_day"), tuple((*here, f"first_day_{end}") for end in ("earliest", "latest"))
    if params.first_day_earliest > params.first_day_latest:
        sentence = "the latest day of a first examination is before the earliest"
        allowed = f"at least {params.first_day_earliest:g} d (first_day_earliest)"
        yield Finding(ends[1], sentence, allowed, (), (ends[0],), f"{params.first_day_latest:g} d")
    elif not params.first_day_earliest <= params.first_day <= params.first_day_latest:
        sentence = "the first examination would be moved to another day: its day lies beyond the ends"
        allowed = f"{params.first_day_earliest:g} to {params.first_day_latest:g} d (first_day_earliest and _latest)"
        yield Finding(first, sentence, allowed, (), ends, f"{params.first_day:g} d")
    for grade, (lower, upper) in enumerate(pairwise(params.link().grades), start=2):
        if upper < lower:
            key, before = ((*here, f"grade_{number}") for number in (grade, grade - 1))
            sentence = f"grade {grade} would be easier to reach than grade {grade - 1}"
            yield Finding(key, sentence, f"{lower:g} to 1 (grade_{grade - 1})", (), (before,), f"{upper:g}")


def _solver(config: Config) -> Iterator[Finding]:
    """Yield a forced solver that no lattice of this structure can have; see `Transport` for the rest."""
    transport, geometry = config.parameters["transport"], config.geometry
    whole = geometry.section == "midsagittal" and not geometry.cord_mask
    plain = whole and not transport.contrast and transport.edge == "closed"
    if transport.solver == "spectral" and not plain:
        yield Finding(
            ("parameters", "transport", "solver"),
            SPECTRAL_NEEDS,
            SPECTRAL_ELSE,
            rests_on=(
                ("geometry", "section"),
                ("geometry", "cord_mask"),
                *(("parameters", "transport", key) for key in ("contrast", "edge")),
            ),
            value="spectral",
        )


def _masks(config: Config) -> Iterator[Finding]:
    geometry = config.geometry
    for key in ("cord_mask", "lesion_mask"):
        name = getattr(geometry, key)
        path = FilePath(name)
        if name and not path.is_file():
            yield Finding(("geometry", key), "there is no such file", "a NIfTI file", _masks_like(path))
    together: Mapping[str, Any] = {
        "cord_mask": geometry.cord_mask,
        "lesion_mask": geometry.lesion_mask,
        "scan_at": geometry.scan_at_h,
    }
    wants = {"lesion_mask": ("cord_mask", "scan_at"), "scan_at": ("lesion_mask",)}
    for key, others_wanted in wants.items():
        for other in others_wanted:
            if together[key] not in ("", None) and together[other] in ("", None):
                yield Finding(
                    ("geometry", other),
                    f"the key is missing: geometry.{key} needs it",
                    rests_on=(("geometry", key),),
                    value="nothing",
                )
    if geometry.scan_at_h is not None and geometry.scan_at_h >= config.duration_h:
        yield Finding(
            ("geometry", "scan_at"),
            "the scan comes after the end of the run",
            f"before {quantity_in_words(config.duration_h, 'h')}",
            rests_on=(_DURATION,),
        )


def _masks_like(path: FilePath) -> tuple[str, ...]:
    """Return the NIfTI files of a folder whose names look like one that is not there."""
    folder = path.parent
    if not folder.is_dir():
        return ()
    endings = (".nii", ".nii.gz")
    masks = {
        other.name.split(".nii")[0]: other.name
        for other in sorted(folder.iterdir())
        if other.name.lower().endswith(endings) and other.is_file()
    }
    return tuple(masks[stem] for stem in nearest(path.name.split(".nii")[0], masks))


def _safety(config: Config) -> Iterator[Finding]:
    for name, bound in config.safety.items():
        if "from" in bound and "to" in bound and bound["from"] >= bound["to"]:
            yield Finding(
                ("safety", name, "to"),
                "the window ends before it begins",
                f"later than {quantity_in_words(bound['from'], 'h')}",
                rests_on=(("safety", name, "from"),),
            )
