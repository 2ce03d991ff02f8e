"""Treatments before the run: which of their times have to fall on ticks, and which of them could change nothing.

A treatment that cannot act is no mistake (it may be the control of another run), so it is run, with a caution that
says where and what would make it act. A value that equals its default counts as not written: a resolved scenario
writes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cordgraft.core.problems import Caution
from cordgraft.core.units import convert, time_in_words
from cordgraft.processes.anti_inflammatory import AntiInflammatory
from cordgraft.processes.chemoattractant import Chemoattractant
from cordgraft.processes.chondroitinase import Chondroitinase
from cordgraft.processes.graft_delivery import GraftDelivery
from cordgraft.processes.growth_stimulation import GrowthStimulation
from cordgraft.processes.immunosuppression import Immunosuppression
from cordgraft.processes.inhibitor_block import InhibitorBlock
from cordgraft.processes.matrix_factor import MatrixFactor
from cordgraft.processes.mtor_block import MtorBlock
from cordgraft.processes.rehabilitation import Rehabilitation
from cordgraft.processes.scaffold import Scaffold
from cordgraft.processes.suicide_switch import SuicideSwitch
from cordgraft.scenario.config import Config
from cordgraft.scenario.fields import quantity_in_words

#: Times of a treatment that fall on ticks, under the names that every treatment gives them: a date, how long it acts,
#: and the time between its doses. What is rounded in silence would be another treatment.
ON_TICKS: tuple[str, ...] = ("at", "duration", "interval")
#: Times of a treatment that stand in an exponential, where a tick means nothing.
TIME_CONSTANTS: tuple[str, ...] = ("release_time", "degradation_time")

#: Share of the dead tissue that becomes cavity, below which a scaffold finds little to fill: between the shares of
#: mice (0 to 0.15) and those of rats and people (0.4 to 0.8).
LITTLE_CAVITY = 0.2
#: Time constants of release after which a depot is practically empty (it holds 0.7 %).
SPENT = 5.0


def hours_of(params: Any, key: str) -> float | None:
    """Return a time among the parameters of a treatment in hours, or None where there is none."""
    spec, value = type(params).specs().get(key), getattr(params, key, None)
    return None if spec is None or value is None else convert(float(value), spec.unit, "h")


def scheduled(params: Any) -> Iterator[tuple[str, float]]:
    """Yield key and hours of every time of a treatment that has to be a whole number of ticks."""
    for key in ON_TICKS:
        time = hours_of(params, key)
        if time is not None and not (key == "interval" and getattr(params, "doses", 2) < 2):
            yield key, time


def at_a_point(params: Any) -> bool:
    """Whether a treatment is put in at one place, so that its position and depth count."""
    return getattr(params, "route", "local") == "local"


def first_graft_h(config: Config, *, with_cells: bool = False) -> float | None:
    """Return when the first graft is given, hours after the injury, or None; `with_cells` leaves vehicles out."""
    times = [
        params.at
        for kind, params in config.treatments.values()
        if kind == GraftDelivery.treatment_type and (params.dose > 0.0 or not with_cells)
    ]
    return min(times) if times else None


# ---------------------------------------------------------------------------------------------- cautions


def idle_cautions(config: Config) -> Iterator[Caution]:
    """Yield what is written in a scenario and could change nothing, or less than one would think."""
    for label, (kind, params) in config.treatments.items():
        here = f"treatments.{label}"
        if kind in (
            SuicideSwitch.treatment_type,
            Immunosuppression.treatment_type,
            Chemoattractant.treatment_type,
        ):
            yield from _needs_a_graft(config, here, params)
        if kind == Immunosuppression.treatment_type:
            yield from _needs_rejection(config, here)
        elif kind == AntiInflammatory.treatment_type:
            yield from _needs(config, here, "inflammation", "changes nothing")
        elif kind == Chondroitinase.treatment_type:
            yield from _needs_cspg(config, here)
            yield from _late_doses(config, here, params)
            if params.product != "gel":
                yield from _unused(
                    config,
                    here,
                    params,
                    "release_time",
                    f"the product is {params.product}; it counts with product: gel",
                )
            if params.doses < 2:
                yield from _unused(
                    config, here, params, "interval", "there is one dose; it counts with two doses or more"
                )
        elif kind == MatrixFactor.treatment_type:
            yield from _needs(
                config, here, "axon_growth", "changes no axon, and nothing else feels the matrix"
            )
            yield from _needs(config, here, "scar", "lays down matrix that never fades")
        elif kind == Scaffold.treatment_type:
            yield from _needs(config, here, "axon_growth", "changes no axon, and nothing else feels it")
            yield from _needs_a_cavity(config, here)
            if params.length is None:
                reason = "without a length all fluid of the lesion is filled; it counts with a length"
                yield from _unused(config, here, params, "position", reason)
        elif kind == Chemoattractant.treatment_type:
            yield from _needs(config, here, "migration", "draws no cell, and nothing else feels it")
            yield from _needs_cxcl12(config, here, params)
        elif kind == GrowthStimulation.treatment_type:
            yield from _needs(config, here, "axon_growth", "changes no axon, and nothing else feels it")
        elif kind == InhibitorBlock.treatment_type:
            yield from _needs_who_feels_myelin(config, here)
            yield from _unused_of_the_other_route(config, here, params)
        elif kind == MtorBlock.treatment_type:
            yield from _needs(config, here, "axon_growth", "changes no axon, and nothing else feels it")
            if params.axons == "graft":
                yield from _needs_a_graft(config, here, params)
        elif kind == Rehabilitation.treatment_type:
            yield from _needs(config, here, "function_index", "changes nothing")
    transport = config.parameters.get("transport")
    if transport is not None and transport.edge != "exchange":
        reason = (
            f"the edge of the cord is {transport.edge}; it counts with parameters.transport.edge: exchange"
        )
        yield from _unused(config, "parameters.transport", transport, "edge_permeability", reason)


def _needs(config: Config, here: str, mechanism: str, what: str) -> Iterator[Caution]:
    """Yield what a treatment comes to while the mechanism it acts on is switched off."""
    if not config.enabled.get(mechanism, True):
        yield Caution(
            here,
            f"{what}: {mechanism} is switched off; it acts with parameters.{mechanism}.enabled: true",
        )


def _needs_a_graft(config: Config, here: str, params: Any) -> Iterator[Caution]:
    graft = first_graft_h(config, with_cells=True)
    if graft is None:
        yield Caution(
            here,
            "changes nothing: there are no grafted cells; it acts with a treatment of type cell_graft whose dose is "
            "more than 0",
        )
        return
    if not hasattr(params, "duration"):
        return
    end = params.at + params.duration
    if end <= graft:
        yield Caution(
            f"{here}.duration",
            f"changes nothing: it ends {_day(end)}, and the first cells are grafted {_day(graft)}; it acts if it lasts "
            "beyond that",
        )


def _needs_rejection(config: Config, here: str) -> Iterator[Caution]:
    if config.subject.immune_system != "intact":
        yield Caution(
            here,
            f"changes nothing: the immune system is {config.subject.immune_system}, and no graft is rejected; it acts "
            "with subject.immune_system: intact",
        )
    else:
        yield from _needs(config, here, "rejection", "changes nothing")


def _needs_cspg(config: Config, here: str) -> Iterator[Caution]:
    nets = config.enabled.get("function_index", True)
    yield from _needs(
        config,
        here,
        "digestion",
        "cuts no CSPG, and only opens the nets round neurons" if nets else "changes nothing",
    )
    if config.enabled.get("digestion", True):
        yield from _needs(config, here, "scar", "finds no more CSPG than intact tissue has")


def _needs_a_cavity(config: Config, here: str) -> Iterator[Caution]:
    if not config.enabled.get("remodelling", True):
        yield Caution(
            here,
            "finds hardly any fluid to fill: remodelling is switched off, and dead tissue is not cleared; it acts with "
            "parameters.remodelling.enabled: true",
        )
        return
    share = config.parameters["remodelling"].cavity_share
    if share < LITTLE_CAVITY:
        yield Caution(
            here,
            f"finds little fluid to fill: {100.0 * share:g} % of the dead tissue becomes fluid, the rest scar; it "
            "fills more with a higher parameters.remodelling.cavity_share",
        )


def _needs_cxcl12(config: Config, here: str, params: Any) -> Iterator[Caution]:
    if params.dose == 0.0:
        yield Caution(f"{here}.dose", "draws no cell: the depot is empty; it acts with a dose of more than 0")
        return
    speed = config.parameters["migration"].attracted_speed
    if config.enabled.get("migration", True) and speed == 0.0:
        yield Caution(
            here,
            "draws no cell: parameters.migration.attracted_speed is 0; it acts with a speed of more than 0",
        )
    graft, spent = first_graft_h(config, with_cells=True), params.at + SPENT * params.release_time
    if graft is not None and spent <= graft:
        yield Caution(
            f"{here}.at",
            f"draws hardly a cell: 99 % of the dose has come free {_day(spent)}, and the first cells are grafted "
            f"{_day(graft)}; it acts if the depot is put in place later or has a longer release_time",
        )


def _needs_who_feels_myelin(config: Config, here: str) -> Iterator[Caution]:
    plastic = config.enabled.get("function_index", True)
    what = "changes no axon, only plasticity" if plastic else "changes nothing"
    yield from _needs(config, here, "axon_growth", what)


def _unused_of_the_other_route(config: Config, here: str, params: Any) -> Iterator[Caution]:
    """Yield what a product that is given by one route has of the other."""
    keys: tuple[str, ...] = ("penetration",)
    other = "intrathecal"
    if params.route == "intrathecal":
        keys, other = ("volume", "position", "depth"), "local"
    for key in keys:
        yield from _unused(
            config,
            here,
            params,
            key,
            f"the product is given by the {params.route} route; it counts with route: {other}",
        )


def _late_doses(config: Config, here: str, params: Any) -> Iterator[Caution]:
    """Yield the doses that come after the end of the run; the first one cannot, see `cordgraft.scenario.rules`."""
    late = sum(params.at + number * params.interval >= config.duration_h for number in range(params.doses))
    if 0 < late < params.doses:
        last = params.at + (params.doses - 1) * params.interval
        yield Caution(
            f"{here}.doses",
            f"{late} of {params.doses} doses are never given: the last one is due {_day(last)}, and the run ends "
            f"{_day(config.duration_h)}; they act with a longer duration of the run or a shorter interval",
        )


def _unused(config: Config, here: str, params: Any, key: str, reason: str) -> Iterator[Caution]:
    """Yield a caution for a value that differs from its default and that nobody looks at."""
    value, spec = getattr(params, key), type(params).specs()[key]
    if value != spec.default_for(config.geometry.preset):
        yield Caution(f"{here}.{key}", f"{quantity_in_words(value, spec.unit)} is not used: {reason}")


def _day(time_h: float) -> str:
    words = time_in_words(time_h)
    return f"on day {words[:-2]}" if words.endswith(" d") else f"after {words}"
