"""Anti-inflammatory drug: a drug that quiets the first alarm and the signals of immune cells while it is given.

The alarm that damage raises and the source of the TNF-like field are multiplied by ``1 - i``, ``i`` the strength in
force (see `inflammation`). Two drugs leave the product of what each leaves. Alarm that has been raised already fades on
its own, so a drug that comes days late changes little but the signals of the cells that are still there.

What follows is left to the mechanisms: fewer neutrophils and macrophages, less tissue at risk that dies, fewer reactive
astrocytes, less CSPG; and also less of the clearing that macrophages do.

Sources: strength and duration are assumed; which of them a given drug has is for the user to say.

Left out: pharmacokinetics, side effects (infection, bleeding), effects on axons and grafted cells other than through
inflammation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses


class AntiInflammatory(Process):
    """Gives one drug over one span of time."""

    name = "anti_inflammatory"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "anti_inflammatory"
    writes = ("scalar.anti_inflammatory",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When and how strongly."""

        at: float = quantity(
            2.0, "h", "time of the first dose after the injury", bounds=(0.0, 87660.0), evidence="assumed"
        )
        duration: float = quantity(
            24.0, "h", "how long the drug is given", bounds=(0.25, 876600.0), evidence="assumed"
        )
        strength: float = quantity(
            0.5,
            "1",
            "share of alarm and TNF-like source that the drug takes away",
            bounds=(0.0, 0.999),
            evidence="assumed",
        )

    def prepare(self, tissue: Any) -> None:
        """Take a place among the drugs of this kind."""
        courses.enrol(tissue, "anti_inflammatory", self.label, self.params)

    def step(self, tissue: Any, key: Key) -> None:
        """Begin or end."""
        courses.put_in_force(tissue, "anti_inflammatory", key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the drug begins or ends at this tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        if tick == first:
            return f"anti-inflammatory drug begins: {100.0 * p.strength:g} % for {time_in_words(p.duration)}"
        return "anti-inflammatory drug ends" if tick == last else ""
