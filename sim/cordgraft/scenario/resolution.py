"""``resolution: preview``: one word for a coarse setting with a known price.

A preview runs the same mechanisms on larger voxels, with a longer tick and with simulated cells that stand for
more living ones. Whatever a scenario states more finely than `PREVIEW` is replaced, whatever it states more
coarsely stays, so a preview is never finer than what was written, and a preview of a preview is itself. What each
outcome loses by it was measured with paired seeds: ``docs/preview.md``, printed by ``tools/preview_bias.py``.

Two limits hold a preview back. At least `FEWEST_ACROSS` voxels stay across the cord. The tick is the longest of
`TICKS_H` of which the duration, the days of the record and all dates, durations and intervals of treatments are
whole multiples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cordgraft.core.clock import whole_ticks
from cordgraft.core.problems import Caution
from cordgraft.scenario.config import Config
from cordgraft.scenario.schema import treatment_types
from cordgraft.scenario.sections import Geometry, Numerics, Record, Top, preset_of
from cordgraft.scenario.treatments import scheduled

#: Fewest voxels that may lie across the cord from back to front: below it horns and columns fall together.
FEWEST_ACROSS = 8
#: Ticks that a preview may take, h, the longest first. The scar is coarse beyond 6 h (see `processes.scar`).
TICKS_H = (6.0, 4.0, 3.0, 2.0, 1.0)
#: Least tolerance of the solver of diffusing fields; it takes a third of a preview's time.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Coarse:
    """Least voxel edge (um), least number of cells per agent and least interval of the series (h) of a preview."""

    voxel_um: float
    cells_per_agent: int
    series_h: float


#: By species. A voxel holds fifteen simulated cells or more at full packing: with five, mouse grafts ended a quarter
#: too small (measured), because a single neighbour is a crowd.
PREVIEW: dict[str, Coarse] = {
    "mouse": Coarse(50.0, 2, 24.0),
    "rat": Coarse(100.0, 6, 24.0),
    "human": Coarse(600.0, 25, 24.0),
}
#: Outcomes of which a preview says nothing, as measured: docs/preview.md calls them meaningless.
UNUSABLE: dict[str, tuple[str, ...]] = {}


def coarsened(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a preview: what is stated, made as coarse as `PREVIEW` where it was finer.

    Parameters
    ----------
    given : mapping
        What the document states, in the units of the specs, as `cordgraft.scenario.assemble` takes it.
    """
    species = given["subject"]["species"]
    coarse = PREVIEW[species]
    stated = dict(given.get("geometry", {}))
    level = _level_of(given)
    geometry = Geometry.for_preset(
        preset_of(species, level), **{key: value for key, value in stated.items() if key != "voxel"}
    )
    edge = coarse.voxel_um
    if not geometry.cord_mask:
        edge = min(edge, geometry.cord_depth / FEWEST_ACROSS)
    edge = min(edge, geometry.length / FEWEST_ACROSS)
    written = stated.get("voxel") or (geometry.voxel,) * 3
    stated["voxel"] = tuple(max(float(value), edge) for value in written)
    numerics = dict(given.get("numerics", {}))
    agents = Numerics.for_preset(preset_of(species, level), **numerics).cells_per_agent
    numerics["cells_per_agent"] = max(agents, coarse.cells_per_agent)
    tick = _longest_tick(given)
    record = dict(given.get("record", {}))
    series = Record.for_preset(species, **{key: record[key] for key in ("series",) if key in record}).series
    record["series"] = min(max(series, coarse.series_h), max(series, float(given["duration"])))
    parameters = {}
    for name, keys in given.get("parameters", {}).items():
        period = keys.get("period")
        rounded = {} if period is None else {"period": math.ceil(period / tick - 1e-9) * tick}
        parameters[name] = {**keys, **rounded}
    transport = parameters.get("transport", {})
    parameters["transport"] = {**transport, "tolerance": max(transport.get("tolerance", 0.0), TOLERANCE)}
    return {
        **given,
        "tick": tick,
        "geometry": stated,
        "numerics": numerics,
        "record": record,
        "parameters": parameters,
    }


def _level_of(given: Mapping[str, Any]) -> str:
    """Return the injured segment that a document states, or the usual one of its species."""
    usual = Geometry.specs()["level"].default_for(given["subject"]["species"])
    return str(given.get("geometry", {}).get("level") or usual)


def _longest_tick(given: Mapping[str, Any]) -> float:
    """Return the longest tick of `TICKS_H` into which all stated times fit, never shorter than the stated one."""
    written = float(given.get("tick", Top.specs()["tick"].default))
    for tick in TICKS_H:
        if tick > written and all(_fits(time, tick) for time in _times(given)):
            return tick
    return written


def _times(given: Mapping[str, Any]) -> Iterator[float]:
    """Yield every time that has to fall on a tick, h."""
    yield float(given["duration"])
    record = given.get("record", {})
    yield from record.get("maps") or ()
    if "series" in record:
        yield float(record["series"])
    preset = preset_of(given["subject"]["species"], _level_of(given))
    for keys in given.get("treatments", {}).values():
        kind = treatment_types()[keys["type"]]
        params = kind.Params.for_preset(preset, **{key: keys[key] for key in keys if key != "type"})
        yield from (hours for _, hours in scheduled(params))


def _fits(hours: float, tick_h: float) -> bool:
    try:
        whole_ticks(hours, tick_h)
    except ValueError:
        return False
    return True


def preview_caution(config: Config) -> Caution:
    """Return what the reader of a preview must know."""
    geometry = config.geometry
    inner = geometry.voxel_um if geometry.section == "volume" else geometry.voxel_um[1:]
    edges = sorted({f"{edge:g}" for edge in inner})
    sentence = (
        f"a preview: voxels of {' and '.join(edges)} um, ticks of {config.tick_h:g} h, a simulated cell for "
        f"{geometry.cells_per_agent} living ones; its bias on every outcome stands in docs/preview.md"
    )
    lost = UNUSABLE.get(config.subject.species, ())
    if lost:
        sentence += f". Do not read from it: {', '.join(lost)}"
    return Caution("resolution", sentence)
