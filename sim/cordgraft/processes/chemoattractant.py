"""Chemoattractant: a depot of CXCL12 that draws grafted precursors.

From its day on the depot sets its dose ``M`` free as ``M/tau e^(-t/tau)`` and protects what it still holds. What comes
free is spread evenly over the ball that the depot fills round its point, as far as that lies inside the cord::

    source of c = (M/tau) e^(-t/tau) / (m V K_d)            in units of K_d per hour

with the molar mass ``m`` (8 kDa), the volume ``V`` (L) and the dissociation constant ``K_d`` of `migration`, which
also says how CXCL12 spreads and decays and how precursors follow it. In a section the slab has the concentration of
the whole deposit; nothing leaves it sideways, so that a depot which is narrow against the length of the field keeps
too much, as `secretion` says of the trophic factor. Each depot is a treatment of its own, and there may be several.
Where nothing else is written, it is put in place on the day of the graft and so far rostral of the injury that the
ball clears the primary lesion of the mean subject: 1.5 mm in mice, 3.5 in rats, 10 in people.

Sources: precursors went 1881 um towards CXCL12 in 7 d, 200 um without (Chen 2015 Brain Struct Funct, read). Molar mass
recalled; dose, volume and time of release are assumed.

Left out: damage by the needle, tissue that the depot displaces, burst release, CXCL12 that stays bound to the matrix,
what it does to vessels, immune cells and axons.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1
from typing import Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import injections
from cordgraft.state.injections import ball, filled_um3

#: Mass of CXCL12 (68 residues), ng/pmol.
NG_PER_PMOL = 8.0
#: One pmol per um3 in nM.
NM_PER_PMOL_UM3 = 1e12
#: Time constants after which a depot gives the rest in one tick.
EMPTY = 12.0


class Chemoattractant(Process):
    """Releases CXCL12 in one place."""

    name = "chemoattractant"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "chemoattractant"
    reads = ("map.cord", "scalar.epicentre_um", "scalar.cxcl12_affinity")
    writes = ("scalar.cxcl12_released",)
    deposits = ("source.cxcl12",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Dose, release and place."""

        at: float = quantity(
            24.0 * 9,
            "h",
            "time at which the depot is put in place, after the injury; by default the day of the graft",
            bounds=(0.0, 87660.0),
            evidence="assumed",
            presets={"human": 24.0 * 21},
        )
        dose: float = quantity(
            60.0,
            "ng",
            "CXCL12 in the depot; 0 changes nothing",
            bounds=(0.0, 1e9),
            evidence="assumed",
            presets={"mouse": 10.0, "human": 1000.0},
        )
        release_time: float = quantity(
            24.0 * 7, "h", "time constant of release", bounds=(1.0, 87660.0), evidence="assumed"
        )
        volume: float = injections.volume("volume of tissue that the depot fills")
        position: float = injections.position(
            "place along the cord, from the epicentre, rostral positive; by default the depot lies beside the lesion",
            1500.0,
            {"rat": 3500.0, "human": 10000.0},
        )
        depth: float = injections.depth("depth of the depot below the dorsal surface")

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        self._place: tuple[Any, float] | None = None

    def prepare(self, tissue: Any) -> None:
        """Forget where the depot lies: the cord may be another."""
        self._place = None

    def _free(self, tissue: Any, tick: int) -> float:
        """Return the share of the dose that has come free before this tick."""
        since = (tick - int(tissue.clock.tick_at(self.params.at))) * tissue.clock.tick_h
        if since <= 0.0:
            return 0.0
        passed = since / self.params.release_time
        return 1.0 if passed >= EMPTY else -expm1(-passed)

    def step(self, tissue: Any, key: Key) -> None:
        """Deposit what comes free in this tick."""
        p = self.params
        free = p.dose * (self._free(tissue, key.tick + 1) - self._free(tissue, key.tick))
        if free <= 0.0:
            return
        if self._place is None:
            filled = ball(tissue, p.position, p.depth, p.volume)
            # the cord may be smaller than the ball, and voxels do not fill it exactly: the dose is what counts
            self._place = (np.flatnonzero(filled), filled_um3(tissue, filled, p.depth, p.volume))
        voxels, volume = self._place
        level = free / NG_PER_PMOL / volume * NM_PER_PMOL_UM3 / tissue.scalar("cxcl12_affinity")
        tissue["source.cxcl12"].reshape(-1)[voxels] += level / tissue.transport_period_h
        tissue.set_scalar("cxcl12_released", tissue.scalar("cxcl12_released") + free)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the depot is put in place at this tick."""
        p = self.params
        if tick != int(tissue.clock.tick_at(p.at)):
            return ""
        return (
            f"CXCL12 depot: {p.dose:g} ng at {p.position / 1e3:g} mm from the middle of the injury, "
            f"released over {time_in_words(p.release_time)}"
        )
