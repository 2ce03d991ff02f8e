"""Survival: how great the danger is for each grafted cell.

Hazard of a cell of age ``a`` (time since its founder was grafted)::

    h = h_hand exp(-a/tau) + h_b + h_ox max(0, 1 - p/p_crit) + h_T T^2/(T^2 + T_half^2)

``h_hand`` (1/d) damage by handling and injection, which fades with ``tau`` (d); ``h_b`` background; ``h_ox``
lack of oxygen below the critical pressure ``p_crit`` (mmHg); ``h_T`` inflammation, ``T`` the TNF-like field.
The hazard is integrated over the step (the fading part in closed form) and added to ``cell.hazard``; any other
process may add to it. The turnover draws who dies and clears it. The first step of a cell goes back to the tick
in which it was grafted, so that the time of grafting need not fall on a step.

Most death falls in the first week because of ``h_hand`` alone.

Sources: critical pressure: rat brain, 6.8-8.8 mmHg (Rolett 2000, read); all rates assumed. That the first week is when
most cells are lost is known (recalled), why is not.

Left out: loss of contact; what `rejection` and `suicide_switch` do, which add to the hazard by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity

HOURS = 24.0


class Survival(Process):
    """Deposits the death hazard of every grafted cell."""

    name = "survival"
    phase = Phase.SENSE
    period_h = 6.0
    reads = ("cell.*", "field.oxygen", "field.tnf")
    deposits = ("cell.hazard",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Death rates of grafted cells."""

        handling: float = quantity(
            1.0,
            "1/d",
            "death rate right after injection, from handling and the injection itself",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        handling_time: float = quantity(
            3.5,
            "d",
            "time in which the damage of handling fades to 37 %",
            bounds=(0.1, 60.0),
            evidence="assumed",
        )
        background: float = quantity(
            2e-4, "1/d", "death rate of a settled cell", bounds=(0.0, 1.0), evidence="assumed"
        )
        hypoxia: float = quantity(
            0.3, "1/d", "death rate without any oxygen", bounds=(0.0, 20.0), evidence="assumed"
        )
        critical_oxygen: float = quantity(
            7.5,
            "mmHg",
            "tissue pressure of oxygen below which cells begin to die",
            bounds=(0.1, 40.0),
            cited=(6.8, 8.8),
            evidence="read",
            source="Rolett 2000, Am J Physiol Regul Integr Comp Physiol 279:R9 (EPR and 31P-NMR, rat brain)",
            row="critical_tissue_po2",
        )
        inflammation: float = quantity(
            0.05, "1/d", "death rate under saturating inflammation", bounds=(0.0, 20.0), evidence="assumed"
        )
        tnf_half: float = quantity(
            0.2, "1", "TNF-like signal of half effect", bounds=(0.01, 10.0), evidence="assumed"
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Add the hazard of one period to every cell."""
        if len(tissue.cells) == 0:
            return
        from cordgraft.kernels.cell import Dangers, cells_of, draw_of, hazard_loop
        from cordgraft.kernels.compile import run_blocks

        p = self.params
        dangers = Dangers(
            handling=p.handling / HOURS,
            handling_decay=1.0 / (HOURS * p.handling_time),
            background=p.background / HOURS,
            hypoxia=p.hypoxia / HOURS,
            critical_oxygen=p.critical_oxygen,
            inflammation=p.inflammation / HOURS,
            tnf_half=p.tnf_half,
            oxygen=tissue["field.oxygen"].reshape(-1),
            tnf=tissue["field.tnf"].reshape(-1),
        )
        run_blocks(hazard_loop, len(tissue.cells), cells_of(tissue), dangers, draw_of(tissue, key))
