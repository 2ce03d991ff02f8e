"""Suicide switch: a drug that kills the grafted cells that carry an inducible death gene.

From the day of the drug on, for as long as it acts, every grafted cell has the additional death rate
``h = -ln(1 - killed)/duration``, so that of the cells that are there when it begins the share `killed` is dead when it
ends. Cells without a working switch are part of the share that is left.

**Divisions under the drug.** No cell is marked as doomed or spared. A daughter has the death rate from her birth on, as
her mother had it until then, so that a line of cells is exposed for the whole duration, however often it divides: what
lives at the end is on average ``1 - killed`` times what would have lived without the drug, and a little more where the
room of the dead lets others divide. Survivors and their daughters are no harder to kill: a second course takes the
same share again. A graft that grows therefore comes back from what is left.

Sources: an inducible caspase 9 kills about 95 % of such cells in culture and ablates overgrowing grafts in mice
(Itakura 2017, 10.1016/j.stemcr.2017.02.003, read); the duration is assumed.

Left out: that cells which have lost or silenced the switch, and all their daughters, would be spared every time; how
far the drug reaches into the graft; inflammation by dying cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state import courses


class SuicideSwitch(Process):
    """Triggers the switch once."""

    name = "suicide_switch"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "suicide_switch"
    reads = ("cell.*",)
    deposits = ("cell.hazard",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When, for how long, and how many cells die."""

        at: float = quantity(
            24.0 * 60.0,
            "h",
            "time of the drug after the injury",
            bounds=(0.0, 87660.0),
            evidence="assumed",
        )
        duration: float = quantity(
            48.0, "h", "how long the drug acts", bounds=(1.0, 8766.0), evidence="assumed"
        )
        killed: float = quantity(
            0.95,
            "1",
            "share of the cells that is dead when the drug has acted",
            bounds=(0.0, 0.9999),
            evidence="read",
            source="Itakura 2017, in culture",
            doi="10.1016/j.stemcr.2017.02.003",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Deposit the hazard of this tick."""
        first, last = courses.span(tissue, self.params.at, self.params.duration)
        if not first <= key.tick < last or len(tissue.cells) == 0:
            return
        hazard = tissue.cells["hazard"]
        hazard += -log(1.0 - self.params.killed) / (last - first)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the drug begins to act at this tick."""
        if tick != courses.span(tissue, self.params.at, self.params.duration)[0]:
            return ""
        return f"suicide switch triggered in {len(tissue.cells):,d} simulated cells"
