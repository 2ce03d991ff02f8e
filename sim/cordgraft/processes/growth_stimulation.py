"""Growth stimulation: raises the capacity of severed host axons to grow, of all tracts or of one, for a span of time.

What is given to the cell bodies (a gene, a conditioning lesion, a drug) adds to the growth capacity ``G`` of the tracts
that it reaches (see `axon_growth`)::

    G = (G0 + G_ax e^(-t/10 d) + G_treat) x own factor x subject
    1 - G_treat = product of (1 - strength)

over the courses that are given at the time. It acts on the capacity alone: where there is no substrate, or much
inhibition, or no cue, an axon of full capacity still hardly grows. Axons of the graft are not touched.

Sources: strength, day and duration are assumed. That capacity, a permissive substrate and a cue are needed together to
carry propriospinal axons through a lesion was shown by adding and leaving out each (Anderson 2018, recalled).

Left out: how the stimulus comes to the cell body and how many it reaches; that it comes and goes slowly; more growth
cones per stump, less die-back and fewer lost neurons; sprouting of axons that were not cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses
from cordgraft.state.axon_treatments import STIMULATION, STIMULATION_NAMES, STIMULATION_SPECS
from cordgraft.state.axons import TRACT_NAMES


class GrowthStimulation(Process):
    """Gives one stimulus over one span of time."""

    name = "growth_stimulation"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "growth_stimulation"
    provides = Provision(arrays=STIMULATION_SPECS)
    writes = STIMULATION_NAMES

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When, how strongly, and of which tract."""

        at: float = quantity(
            24.0 * 3,
            "h",
            "time from which on it acts, after the injury",
            bounds=(0.0, 87660.0),
            evidence="assumed",
        )
        duration: float = quantity(
            24.0 * 56, "h", "how long it acts", bounds=(0.25, 876600.0), evidence="assumed"
        )
        strength: float = quantity(
            0.4,
            "1",
            "growth capacity that it adds, full capacity 1; 0 changes nothing",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        tract: str = choice(
            "all",
            ("all", *(TRACT_NAMES[tract] for tract in STIMULATION)),
            "tract of the host that it reaches",
        )

    def _scalars(self) -> list[str]:
        """Return the numbers that it acts through."""
        tract = self.params.tract
        return [scalar for key, scalar in STIMULATION.items() if tract in ("all", TRACT_NAMES[key])]

    def prepare(self, tissue: Any) -> None:
        """Take a place among the stimuli of each tract that it reaches."""
        for scalar in self._scalars():
            courses.enrol(tissue, scalar, self.label, self.params)

    def step(self, tissue: Any, key: Key) -> None:
        """Begin or end."""
        for scalar in self._scalars():
            courses.put_in_force(tissue, scalar, key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that it begins or ends to act at this tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        whom = "all host tracts" if p.tract == "all" else f"the {p.tract} tract"
        if tick == first:
            return f"growth stimulation of {whom} begins: +{p.strength:g} of capacity for {time_in_words(p.duration)}"
        return f"growth stimulation of {whom} ends" if tick == last else ""
