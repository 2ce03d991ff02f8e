"""Matrix factor: growth factors that make the tissue round an injection lay down permissive matrix.

While the factor acts, the matrix ``l`` (0-1, see `scar`) rises in the ball that the injection fills:

    l' = k (1 - w_cavity - l)

with the rate ``k``, up to the share of the voxel that is not fluid: a cavity has nothing to lay matrix on, but for
the part of it that a `scaffold` spans, which is left out of ``w_cavity`` here. What was laid down decays afterwards
with the time constant of `scar`. Axons grow faster where there is matrix; capacity, substrate and cue multiply, so
matrix alone does little.

Sources: rate, volume and duration are assumed. That a permissive substrate, capacity and a cue are needed together to
carry propriospinal axons through a lesion was shown by adding and leaving out each (Anderson 2018, recalled).

Left out: how far the factor itself spreads, several factors apart from each other, vessels and cells that it attracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses, injections
from cordgraft.state.injections import ball
from cordgraft.state.scaffolds import GROUND, without_ground


class MatrixFactor(Process):
    """Raises permissive matrix in one place over one span of time."""

    name = "matrix_factor"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "matrix_factor"
    reads = ("map.cord", "scalar.epicentre_um", "fraction.cavity", "density.matrix")
    optional_reads = (GROUND,)
    writes = ("density.matrix",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When, where and how fast."""

        at: float = quantity(
            24.0 * 2, "h", "time of the injection after the injury", bounds=(0.0, 87660.0), evidence="assumed"
        )
        duration: float = quantity(
            24.0 * 14, "h", "how long the factor acts", bounds=(1.0, 87660.0), evidence="assumed"
        )
        rate: float = quantity(
            0.2,
            "1/d",
            "rate at which matrix comes up to its limit; 0 changes nothing",
            bounds=(0.0, 24.0),
            evidence="assumed",
        )
        volume: float = injections.volume("volume of tissue that the injection fills")
        position: float = injections.position()
        depth: float = injections.depth()

    def step(self, tissue: Any, key: Key) -> None:
        """Lay down the matrix of one tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        if not first <= key.tick < last or p.rate == 0.0:
            return
        filled = ball(tissue, p.position, p.depth, p.volume)
        matrix = tissue["density.matrix"]
        missing = np.maximum(0.0, 1.0 - without_ground(tissue)[filled] - matrix[filled])
        matrix[filled] += missing * (1.0 - exp(-p.rate * tissue.clock.tick_h / 24.0))

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the factor begins or ends to act at this tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        if tick == first:
            how_long = time_in_words(p.duration)
            return f"matrix factor at {p.position / 1e3:g} mm from the middle of the injury for {how_long}"
        return "matrix factor is used up" if tick == last else ""
