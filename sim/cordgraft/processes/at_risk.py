"""AtRisk: tissue that the impact has hurt but not killed, and what becomes of it.

    A' = -A/tau,   dying share of the outflow = clip(0.3 + 0.3 T + 0.4 max(0, 1 - p/p_crit) - 0.3 F, 0, 1)

`A` : dry share of the voxel at risk, white and grey apart (it stays recorded in its class); `tau` 0.5 d in grey
and 3 d in white matter; `T` TNF-like field (its own unit); `p` oxygen and ``p_crit`` 7.5 mmHg; ``F = c/(1 + c) + s``,
at most 1: occupancy of trophic receptors, `c` in units of the dissociation constant (``field.trophic``), and support by
contact with grafted cells, `s` (`contact_support`), both read where a process provides them. What does not die is
healthy again. This is the path by which early trophic or anti-inflammatory help, or oxygen, saves tissue.

Sources: grey loss is complete by 24 h, white loss within a week (rat, Ek 2010, 10.1371/journal.pone.0012021;
the time constants are derived from it); critical pressure: rat brain, 6.8-8.8 mmHg
(Rolett 2000, Am J Physiol 279:R9, read); the coefficients are assumed.

Left out: glutamate and calcium, oedema, apoptosis that begins weeks later; damage by the pressure of a graft is that of
`mass_effect`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision, TransferSpec
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.growth_land import CONTACT_SUPPORT
from cordgraft.state.tissue import Tissue

_EK = "Ek 2010 (rat contusion)"
_EK_DOI = "10.1371/journal.pone.0012021"


class AtRisk(Process):
    """Let a share of the tissue at risk die and the rest recover."""

    name = "at_risk"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=(
            ArraySpec("density.at_risk_white", "1", "dry share of white matter at risk", bounds=(0.0, 1.0)),
            ArraySpec("density.at_risk_grey", "1", "dry share of grey matter at risk", bounds=(0.0, 1.0)),
        ),
        transfers=(TransferSpec("white", "necrosis"), TransferSpec("grey", "necrosis")),
    )
    reads = ("field.tnf", "field.oxygen", "fraction.white", "fraction.grey")
    optional_reads = ("field.trophic", CONTACT_SUPPORT)
    writes = ("density.at_risk_white", "density.at_risk_grey")
    deposits = ("transfer.white>necrosis", "transfer.grey>necrosis")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Time constants and weights of the share that dies."""

        white_time: float = quantity(
            3.0,
            "d",
            "time constant of white matter at risk",
            bounds=(0.05, 100.0),
            cited=(1.5, 4.0),
            evidence="derived",
            source=_EK,
            doi=_EK_DOI,
            row="white_loss_time",
        )
        grey_time: float = quantity(
            0.5,
            "d",
            "time constant of grey matter at risk",
            bounds=(0.05, 100.0),
            cited=(0.25, 1.0),
            evidence="derived",
            source=_EK,
            doi=_EK_DOI,
            row="gray_loss_time",
        )
        base: float = quantity(
            0.3, "1", "share that dies without any further insult", bounds=(0.0, 1.0), evidence="assumed"
        )
        tnf_weight: float = quantity(
            0.3, "1", "added by a saturating TNF-like factor", bounds=(0.0, 5.0), evidence="assumed"
        )
        oxygen_weight: float = quantity(0.4, "1", "added by anoxia", bounds=(0.0, 5.0), evidence="assumed")
        trophic_weight: float = quantity(
            0.3, "1", "saved by full trophic occupancy", bounds=(0.0, 5.0), evidence="assumed"
        )
        critical_oxygen: float = quantity(
            7.5,
            "mmHg",
            "oxygen below which oxidative metabolism fails",
            bounds=(0.1, 50.0),
            cited=(6.8, 8.8),
            evidence="read",
            source="Rolett 2000, Am J Physiol Regul Integr Comp Physiol 279:R9 (EPR and 31P-NMR, rat brain)",
            row="critical_tissue_po2",
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Decide a share of both pools."""
        from cordgraft.kernels.compile import run_blocks
        from cordgraft.kernels.milieu import Risk, RiskGround, RiskRates, risk_all

        def flat(name: str) -> Any:
            return tissue[name].reshape(-1)

        p = self.params
        helpers = (
            flat(name) if name in tissue else np.zeros(tissue.lattice.size)
            for name in ("field.trophic", CONTACT_SUPPORT)
        )
        ground = RiskGround(flat("field.tnf"), flat("field.oxygen"), *helpers)
        for kind, time in (("white", p.white_time), ("grey", p.grey_time)):
            pool = flat(f"density.at_risk_{kind}")
            risk = Risk(pool, flat(f"fraction.{kind}"), flat(f"transfer.{kind}>necrosis"))
            rates = RiskRates(
                leave=-expm1(-key.dt_h / 24.0 / time),
                base=p.base,
                tnf=p.tnf_weight,
                oxygen=p.oxygen_weight,
                critical=p.critical_oxygen,
                trophic=p.trophic_weight,
            )
            run_blocks(risk_all, tissue.lattice.size, risk, ground, rates)
