"""Immunosuppression: a drug that holds the host back from rejecting the graft, from one day to another.

While it is given the drug takes the share `strength` from the reactivity that builds up against a graft (see
`rejection`). Two drugs leave the product of what each leaves: ``1 - i = product of (1 - strength)``. It does nothing
else: reactivity that is there already fades on its own, and comes back after the last dose.

Sources: strength and duration are assumed; trials give such drugs from shortly before the graft on.

Left out: pharmacokinetics, blood levels, infections, effects of the drug on axons and glia.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses


class Immunosuppression(Process):
    """Gives one drug over one span of time."""

    name = "immunosuppression"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "immunosuppression"
    writes = ("scalar.immunosuppression",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When and how strongly."""

        at: float = quantity(
            0.0, "h", "time of the first dose after the injury", bounds=(0.0, 87660.0), evidence="assumed"
        )
        duration: float = quantity(
            24.0 * 365.0,
            "h",
            "how long the drug is given",
            bounds=(0.25, 876600.0),
            evidence="assumed",
        )
        strength: float = quantity(
            0.95,
            "1",
            "share of the reactivity that the drug takes away",
            bounds=(0.0, 0.999),
            evidence="assumed",
        )

    def prepare(self, tissue: Any) -> None:
        """Take a place among the drugs of this kind."""
        courses.enrol(tissue, "immunosuppression", self.label, self.params)

    def step(self, tissue: Any, key: Key) -> None:
        """Begin or end."""
        courses.put_in_force(tissue, "immunosuppression", key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the drug begins or ends at this tick."""
        first, last = courses.span(tissue, self.params.at, self.params.duration)
        if tick == first:
            how_long = time_in_words(self.params.duration)
            return f"immunosuppression begins: {100.0 * self.params.strength:g} % for {how_long}"
        return "immunosuppression ends" if tick == last else ""
