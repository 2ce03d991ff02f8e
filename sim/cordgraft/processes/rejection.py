"""Rejection: the host's immune system learns to know the graft and attacks it, unless drugs hold it back.

    X' = mu (1 - i) (1 - X)/14 - X/60      alloreactivity of the host, 0-1, while living graft cells are there
    X' = -X/60                              without them
    h  = h_rej X^4/(X^4 + 0.5^4)            death rate of every grafted cell, 1/d

Time in days. ``mu`` is the reactivity of the subject against the graft: lognormal with median 1 and spread 0.5, drawn
once; ``i`` the immunosuppression in force, 0-1 (see `immunosuppression`; several drugs leave the product of what each
leaves). A host that reacts a little does no harm: at a reactivity of a quarter the death rate is a seventeenth of
its largest. So a drug that stops too early loses the graft in the weeks after, not on the day.

``subject.immune_system`` says whether any of this happens: an ``intact`` host rejects human cells; a ``deficient`` one
(NOD/SCID, athymic) cannot; ``suppressed`` is suppression by drugs that is taken as complete.

Sources: times, rate and spread assumed, and so is the power. To compare with: without suppression about a fifth of
an allograft is retained (read; an outcome, not an input).

Left out: antibodies, T cells as cells in the tissue and their traffic, matching of tissue types, tolerance, the harm
that rejection does to its surroundings, infections under suppression.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.tissue import Tissue

HOURS = 24.0


class Rejection(Process):
    """Advance the alloreactivity of the host and deposit its hazard."""

    name = "rejection"
    phase = Phase.SENSE
    period_h = 6.0
    provides = Provision(
        arrays=(
            ArraySpec(
                "scalar.alloreactivity", "1", "reactivity of the host against the graft", bounds=(0.0, 1.0)
            ),
            ArraySpec(
                "scalar.immunosuppression", "1", "immunosuppression by drugs in force", bounds=(0.0, 1.0)
            ),
        )
    )
    reads = ("cell.*", "scalar.immunosuppression")
    writes = ("scalar.alloreactivity",)
    deposits = ("cell.hazard",)
    streams = (Stream.REJECTION,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Reactivity of the host and what it does to grafted cells."""

        reactivity: float = quantity(
            1.0,
            "1",
            "median reactivity against the graft; 0 is a host of the same tissue type",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        spread: float = quantity(
            0.5,
            "1",
            "spread of the reactivity among subjects (standard deviation of its logarithm)",
            bounds=(0.0, 2.0),
            evidence="assumed",
        )
        rise_time: float = quantity(
            14.0, "d", "time in which reactivity builds up", bounds=(0.5, 365.0), evidence="assumed"
        )
        fall_time: float = quantity(
            60.0, "d", "time in which reactivity fades", bounds=(0.5, 3650.0), evidence="assumed"
        )
        rate: float = quantity(
            0.1, "1/d", "death rate under full reactivity", bounds=(0.0, 20.0), evidence="assumed"
        )
        half: float = quantity(
            0.5, "1", "reactivity of half that rate", bounds=(0.01, 1.0), evidence="assumed"
        )
        power: float = quantity(
            4.0, "1", "steepness of the rate with reactivity", bounds=(1.0, 16.0), evidence="assumed"
        )

    def subject_reactivity(self, seed: int) -> float:
        """Return the reactivity of the subject that a seed stands for."""
        from cordgraft.kernels.random import normals

        drawn = float(normals(seed, np.zeros(1, dtype=np.uint64), 0, Stream.REJECTION, 0)[0])
        return float(self.params.reactivity) * exp(float(self.params.spread) * drawn)

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance by one period; nothing happens in a host that cannot reject."""
        if tissue.setting.immune_system != "intact":
            return
        p = self.params
        before = tissue.scalar("alloreactivity")
        present = len(tissue.cells) > 0
        if not present and before == 0.0:
            return
        free = 1.0 - tissue.scalar("immunosuppression")
        gain = self.subject_reactivity(key.seed) * free / p.rise_time if present else 0.0
        rate = gain + 1.0 / p.fall_time
        # linear with constant coefficients over the step: exact
        after = gain / rate + (before - gain / rate) * exp(-rate * key.dt_h / HOURS)
        tissue.set_scalar("alloreactivity", after)
        if present:
            middle = (0.5 * (before + after)) ** p.power
            hazard = tissue.cells["hazard"]
            hazard += p.rate * middle / (middle + p.half**p.power) * key.dt_h / HOURS
