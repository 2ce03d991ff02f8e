"""Digestion: an enzyme (chondroitinase ABC) spreads through the tissue and cuts CSPG until it is no longer active.

    e' = div(D m grad e) - (ln2/t) e + release          activity, U/mL; by `transport`
    C' = - k e C/(C + K)                                 CSPG, ug/mL

Two kinds of enzyme differ in how long they stay active at body temperature: the bare enzyme of *P. vulgaris* (half-life
``t`` 24 h) and a stabilised one (28 d). `chondroitinase` gives them. The Michaelis-Menten law is solved exactly over
the step with the activity of its end, ``C = K W(C0/K e^((C0 - k e dt)/K))`` with Lambert's ``W``. New CSPG keeps being
made (see `scar`), so what was digested comes back once the enzyme is gone.

The same enzyme opens the nets round neurons (see `function_index`), so it has two places of action: the scar and the
circuits that are spared.

Sources: activity of the bare enzyme usually lasts less than 72 h at body temperature (Raspa, upper bound, so the
half-life is assumed), the stabilised one to four weeks (Lee 2010, PMC2840440, read). Diffusivity, ``k`` and ``K``
assumed: no measurement in tissue is known.

Left out: what the fragments do, digestion of hyaluronan, immune reaction against the enzyme, other substrates.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from cordgraft.core.contract import FieldSpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue

#: Activity (U/mL) below which an enzyme does nothing worth counting.
INACTIVE = 1e-9


def _field(name: str, meaning: str, half_life_h: float) -> FieldSpec:
    return FieldSpec(
        f"field.{name}",
        "U/mL",
        meaning,
        bounds=(0.0, np.inf),
        diffusivity_um2_s=5.0,
        decay_per_h=log(2.0) / half_life_h,
        origin="tissue",
    )


class Digestion(Process):
    """Cut CSPG where an enzyme is active."""

    name = "digestion"
    phase = Phase.REMODEL
    period_h = 1.0
    provides = Provision(
        arrays=(
            _field("enzyme", "activity of bare chondroitinase", 24.0),
            _field("enzyme_stable", "activity of stabilised chondroitinase", 672.0),
        )
    )
    reads = ("field.enzyme", "field.enzyme_stable", "field.cspg")
    writes = ("field.cspg",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """How the enzyme spreads, lasts and cuts."""

        diffusivity: float = quantity(
            5.0,
            "um2/s",
            "diffusivity of the enzyme in tissue",
            bounds=(0.01, 200.0),
            evidence="assumed",
        )
        half_life: float = quantity(
            24.0,
            "h",
            "half-life of the activity of bare enzyme (P. vulgaris) at 37 C",
            bounds=(0.1, 8766.0),
            cited=(12.0, 72.0),
            evidence="assumed",
            source="Raspa et al.: activity usually lasts less than 72 h",
            row="chabc_half_life_pv_37c",
        )
        stable_half_life: float = quantity(
            672.0,
            "h",
            "half-life of the activity of stabilised enzyme",
            bounds=(1.0, 87660.0),
            cited=(336.0, 1008.0),
            evidence="read",
            source="Lee 2010 PNAS, PMC2840440",
            row="chabc_thermostabilised_activity",
        )
        turnover: float = quantity(
            1.0,
            "ug/U/h",
            "CSPG that a unit of enzyme cuts when there is plenty of it",
            bounds=(0.0, 1e5),
            evidence="assumed",
        )
        affinity: float = quantity(
            20.0,
            "ug/mL",
            "CSPG at which the enzyme works half as fast as it can",
            bounds=(0.01, 1e4),
            evidence="assumed",
        )

    def prepare(self, tissue: Tissue) -> None:
        """Put diffusivity and inactivation in force."""
        p = self.params
        tissue.coefficients["enzyme"] = (p.diffusivity, log(2.0) / p.half_life)
        tissue.coefficients["enzyme_stable"] = (p.diffusivity, log(2.0) / p.stable_half_life)

    def step(self, tissue: Tissue, key: Key) -> None:
        """Digest over one period, where there is enzyme."""
        activity = tissue["field.enzyme"] + tissue["field.enzyme_stable"]
        p = self.params
        # an enzyme that cuts nothing leaves every bit in place, which the formula would not
        if p.turnover <= 0.0 or not float(activity.max()) > INACTIVE:
            return
        from scipy.special import wrightomega

        cspg = tissue["field.cspg"].reshape(-1)
        there = np.flatnonzero((activity.reshape(-1) > INACTIVE) & (cspg > 0.0))
        before = cspg[there] / p.affinity
        cut = p.turnover * activity.reshape(-1)[there] * key.dt_h / p.affinity
        # W(x e^y) = omega(ln x + y), which cannot overflow
        cspg[there] = p.affinity * np.real(wrightomega(np.log(before) + before - cut))
