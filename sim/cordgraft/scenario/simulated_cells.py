"""Cautions on how few simulated cells stand for many: in a voxel, on their way through host tissue, in a tumour.

And on tracts for which no simulated fibre stands.

All of it is arithmetic on the scenario, before anything is built; the lesion of the subject decides how many cells of a
dose find room, so the numbers are round ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cordgraft.core.problems import Caution
from cordgraft.processes.chemoattractant import Chemoattractant
from cordgraft.processes.graft_delivery import GraftDelivery, ellipsoid_for, section_share
from cordgraft.scenario.config import Config
from cordgraft.scenario.treatments import first_graft_h
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES
from cordgraft.state.cells import CELL_VOLUME_UM3, PACKING
from cordgraft.state.lines import line_number, line_values

#: Simulated cells at full packing below which a voxel is too small to say who is crowded.
FEWEST_CELLS = 5.0
#: Places for simulated cells in a voxel of host tissue below which cells that are drawn through it come too late.
#: Measured: 648 um towards a depot in a week with 6 places, 404 with 1.2, 170 with 0.75, none with 0.3.
FEWEST_PLACES_DRAWN = 2.0
#: Below this one even the undirected walk is stopped: there is not a place in every voxel.
FEWEST_PLACES = 1.0
#: Simulated undifferentiated founders below which a tumour is a matter of chance; four of five die within days.
FEWEST_FOUNDERS = 100.0


def few_cells(config: Config) -> Iterator[Caution]:
    """Yield what too few simulated cells do to the results of a graft."""
    if first_graft_h(config) is None:
        return
    yield from _crowding(config)
    yield from _passage(config)
    yield from _tumour(config)


def tracts_without_fibres(config: Config) -> Iterator[Caution]:
    """Yield the tracts of which no fibre is simulated: function counts them as whole, whatever the injury."""
    if not config.enabled.get("function_index", True):
        return
    for tract in HOST_TRACTS:
        key = f"{TRACT_NAMES[tract]}_simulated"
        if getattr(config.parameters["axon_injury"], key) == 0:
            yield Caution(
                f"parameters.axon_injury.{key}",
                "no fibre of the tract is simulated, so nothing harms it: its drive stays 1, and function comes out "
                "too good; it is injured with 1 fibre or more",
            )


def _per_voxel(config: Config) -> float:
    """Return how many simulated cells a voxel holds at full packing."""
    geometry = config.geometry
    x, y, z = geometry.voxel_um
    volume = (geometry.slab_um if geometry.section == "midsagittal" else x) * y * z
    return volume * PACKING / (CELL_VOLUME_UM3 * geometry.cells_per_agent)


def _remedy(config: Config) -> str:
    fewer = "let one stand for fewer cells, or " if config.geometry.cells_per_agent > 1 else ""
    return f"{fewer}take larger voxels"


def _crowding(config: Config) -> Iterator[Caution]:
    """Crowding is counted in simulated cells per voxel; measured on the default scenario with fewer and fewer."""
    held = _per_voxel(config)
    if held < FEWEST_CELLS:
        yield Caution(
            "numerics.cells_per_agent",
            f"a voxel holds only {held:.1f} simulated cells at full packing: below {FEWEST_CELLS:g} a graft ends about "
            f"a fifth too small; {_remedy(config)}",
        )


def _passage(config: Config) -> Iterator[Caution]:
    """Migrating cells step from voxel to voxel, and only into a free place."""
    if not config.enabled.get("migration", True) or first_graft_h(config, with_cells=True) is None:
        return
    drawn = any(
        kind == Chemoattractant.treatment_type and params.dose > 0.0
        for kind, params in config.treatments.values()
    )
    places = _per_voxel(config) * config.parameters["cell_turnover"].tissue_share
    least = FEWEST_PLACES_DRAWN if drawn else FEWEST_PLACES
    if places < least:
        what = "cells migrate and are drawn" if drawn else "cells migrate"
        yield Caution(
            "numerics.cells_per_agent",
            f"a voxel of host tissue has {places:.2g} places for simulated cells: a voxel without one is no "
            f"way through, and with less than {least:g} on average {what} too slowly, or not at all; {_remedy(config)}",
        )


def _tumour(config: Config) -> Iterator[Caution]:
    """Few undifferentiated founders live or die by chance, and the share of them at the end with them."""
    for label, (kind, params) in config.treatments.items():
        if kind != GraftDelivery.treatment_type:
            continue
        residual = line_values("residual")[line_number(params.line)]
        if params.pretreatment == "gamma_secretase_inhibitor":
            residual *= 1.0 - params.inhibited_undifferentiated
        expected = founders(config, params) * residual
        if not 0.0 < expected < FEWEST_FOUNDERS:
            continue
        number = f"at most about {expected:.0f}" if expected >= 1.5 else "one or none"
        finer = [
            "resolution: full" if config.resolution == "preview" else "",
            "fewer cells per simulated one (numerics.cells_per_agent)"
            if config.geometry.cells_per_agent > 1
            else "",
        ]
        rest = "".join(f", or take {one}" for one in finer if one)
        yield Caution(
            f"treatments.{label}.line",
            f"{number} of the simulated cells injected are undifferentiated, and most of these die within days: "
            f"whether a clone lives, and so whether a tumour grows, is chance; compare several seeds{rest}",
        )


def founders(config: Config, params: Any) -> float:
    """Return how many simulated cells of a graft come to rest at most, with room for all of them.

    Parameters
    ----------
    config : Config
    params : GraftDelivery.Params
    """
    geometry = config.geometry
    living = params.dose / params.sites * params.viability * (1.0 - params.backflow)
    if living <= 0.0:
        return 0.0
    share = 1.0
    if geometry.section == "midsagittal":
        deposit = ellipsoid_for(living, params.packing_limit, params.elongation, geometry.cord_diameter_um)
        share = section_share(deposit, geometry.slab_um)
    return float(params.sites * living * share / geometry.cells_per_agent)
