"""Block of mTOR: a drug (rapamycin) that takes a share of the growth capacity of axons while it is given.

The capacity ``G`` of `axon_growth`, of host axons, of graft axons or of both, is multiplied by what the drug leaves::

    G -> (1 - b) G,    1 - b = product of (1 - strength)

over the courses that are given at the time. Stimulated axons of the host lose the same share: what a stimulus adds to
their capacity needs the same signal.

Sources: growth of graft axons needs mTOR in part (Lu 2012, read); that it is halved is assumed, and so are the share in
host axons, day and duration.

Left out: pharmacokinetics; what the drug does to immune cells, to the survival and division of grafted cells and to
their fate, though as an immunosuppressant it does (give `immunosuppression` beside it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses
from cordgraft.state.axon_treatments import MTOR_GRAFT, MTOR_HOST, MTOR_NAMES, MTOR_SPECS

#: What the choice of axons means.
AXONS: dict[str, tuple[str, ...]] = {
    "both": (MTOR_HOST, MTOR_GRAFT),
    "host": (MTOR_HOST,),
    "graft": (MTOR_GRAFT,),
}


class MtorBlock(Process):
    """Gives one drug over one span of time."""

    name = "mtor_block"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "mtor_block"
    provides = Provision(arrays=MTOR_SPECS)
    writes = MTOR_NAMES

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When, how strongly, and on which axons."""

        at: float = quantity(
            24.0 * 9,
            "h",
            "time of the first dose after the injury; by default the day of the graft",
            bounds=(0.0, 87660.0),
            evidence="assumed",
            presets={"human": 24.0 * 21},
        )
        duration: float = quantity(
            24.0 * 42, "h", "how long the drug is given", bounds=(0.25, 876600.0), evidence="assumed"
        )
        strength: float = quantity(
            0.5,
            "1",
            "share of the growth capacity that the drug takes away; 0 changes nothing",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        axons: str = choice("both", tuple(AXONS), "whose axons it acts on")

    def prepare(self, tissue: Any) -> None:
        """Take a place among the drugs of this kind."""
        for scalar in AXONS[self.params.axons]:
            courses.enrol(tissue, scalar, self.label, self.params)

    def step(self, tissue: Any, key: Key) -> None:
        """Begin or end."""
        for scalar in AXONS[self.params.axons]:
            courses.put_in_force(tissue, scalar, key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the drug begins or ends at this tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        whose = "host and graft axons" if p.axons == "both" else f"{p.axons} axons"
        if tick == first:
            share = f"{100.0 * p.strength:g} % of the growth capacity of {whose}"
            return f"block of mTOR begins: takes {share} for {time_in_words(p.duration)}"
        return f"block of mTOR in {whose} ends" if tick == last else ""
