"""Chondroitinase: an injection or a depot of the enzyme that cuts CSPG.

``bare`` and ``stabilised`` enzyme is injected at once. From a ``gel`` it is released as ``dose/tau e^(-t/tau)``,
protected until then, as stabilised enzyme. The dose is spread evenly over the ball that the injection fills round its
point, as far as that lies inside the cord; in a section the slab has the concentration of the whole deposit. A dose
may be repeated. How the enzyme spreads, ages and digests: `digestion`.

Sources: doses and volumes are assumed; the gel held activity to 42 days in one study (Lee 2010, PMC2840440, read).

Left out: damage by the needle, flow back along it, delivery into the fluid round the cord, gene therapy that makes the
enzyme in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, count, quantity
from cordgraft.state import injections
from cordgraft.state.injections import ball, filled_um3

#: um3 in a millilitre.
UM3_PER_ML = 1e12
#: Time constants of release after which a depot counts as empty.
EMPTY = 12.0


class Chondroitinase(Process):
    """Injects the enzyme once or several times, or releases it from a gel."""

    name = "chondroitinase"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "chondroitinase"
    reads = ("map.cord", "scalar.epicentre_um")
    deposits = ("source.enzyme", "source.enzyme_stable")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Product, dose, place and schedule."""

        at: float = quantity(
            24.0 * 7,
            "h",
            "time of the first injection after the injury",
            bounds=(0.0, 87660.0),
            evidence="assumed",
        )
        product: str = choice(
            "bare",
            ("bare", "stabilised", "gel"),
            "bare enzyme, stabilised enzyme, or stabilised enzyme that a gel releases",
        )
        dose: float = quantity(
            0.06,
            "U",
            "activity per injection",
            bounds=(0.0, 1e4),
            evidence="assumed",
            presets={"human": 10.0},
        )
        volume: float = injections.volume("volume of tissue that an injection fills")
        position: float = injections.position()
        depth: float = injections.depth()
        doses: int = count(1, "injections", bounds=(1, 1000))
        interval: float = quantity(
            48.0, "h", "time between injections", bounds=(1.0, 87660.0), evidence="assumed"
        )
        release_time: float = quantity(
            24.0 * 14, "h", "time constant of release from the gel", bounds=(1.0, 87660.0), evidence="assumed"
        )

    def _ticks(self, tissue: Any) -> list[int]:
        """Return the tick of every injection."""
        p = self.params
        return [int(tissue.clock.tick_at(p.at + number * p.interval)) for number in range(p.doses)]

    def _released(self, tissue: Any, tick: int) -> float:
        """Return the activity (U) that comes free in this tick."""
        p, free = self.params, 0.0
        for start in self._ticks(tissue):
            if p.product != "gel":
                free += p.dose if tick == start else 0.0
            elif tick >= start:
                since = (tick - start) * tissue.clock.tick_h / p.release_time
                if since < EMPTY:
                    free += p.dose * exp(-since) * (1.0 - exp(-tissue.clock.tick_h / p.release_time))
        return free

    def reach(self, tissue: Any) -> Any:
        """Return the voxels of the cord that the injection fills : (x, y, z) bool."""
        return ball(tissue, self.params.position, self.params.depth, self.params.volume)

    def step(self, tissue: Any, key: Key) -> None:
        """Deposit what comes free in this tick."""
        free = self._released(tissue, key.tick)
        if free == 0.0:
            return
        name = "enzyme" if self.params.product == "bare" else "enzyme_stable"
        filled = self.reach(tissue)
        # the cord may be smaller than the ball, and voxels do not fill it exactly: the dose is what counts
        volume = filled_um3(tissue, filled, self.params.depth, self.params.volume)
        level = free / (volume / UM3_PER_ML)
        tissue[f"source.{name}"][filled] += level / tissue.transport_period_h

    def event(self, tissue: Any, tick: int) -> str:
        """Return that an injection happens at this tick."""
        if tick not in self._ticks(tissue):
            return ""
        p = self.params
        return f"chondroitinase, {p.product}: {p.dose:g} U at {p.position / 1e3:g} mm from the middle of the injury"
