"""Fate: when a precursor commits, and to what.

Precursors commit at ``ln2/t_c``, undifferentiated cells become precursors at ``ln2/t_u`` (``t`` half-lives, d). The
odds of a precursor that commits are those of its line, tilted by what it touches::

    neuron : astrocyte : oligodendrocyte = pi_N exp(b_N n/K) : pi_A exp(b_A J) : pi_O exp(b_O w)

``pi`` the leaning of the line, ``b`` how strongly a cue tilts, ``n/K`` how full its voxel is with other graft
cells, ``J`` (0-1) inflammation or blood around it (``1 - (1 - T^2/(T^2 + T_half^2)) (1 - blood)``), ``w`` the share
of living host white matter around it. A new astrocyte becomes a traveller with a heading along the cord, or stays.

Sources: that crowded grafts lean to neurons, inflamed places to astrocytes and white matter to oligodendrocytes is
assumed in direction and size; so are all rates.

Left out: reversal, death of the wrong fate, trophic factors as instructors, stages between precursor and
neuron; maturation is a function of age, not of state.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.cells import SPACE_READS
from cordgraft.state.lines import line_values

HOURS = 24.0


class Fate(Process):
    """Commits precursors."""

    name = "fate"
    phase = Phase.DECIDE
    period_h = 6.0
    reads = ("cell.*", "field.tnf", "fraction.blood", *SPACE_READS)
    writes = ("cell.kind", "cell.committed_tick", "cell.heading")
    streams = (Stream.FATE,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Rates of commitment and the pull of local cues."""

        commitment_half_life: float = quantity(
            14.0, "d", "time in which half of the precursors commit", bounds=(0.5, 365.0), evidence="assumed"
        )
        departure_half_life: float = quantity(
            60.0,
            "d",
            "time in which half of the undifferentiated cells become precursors",
            bounds=(0.5, 3650.0),
            evidence="assumed",
        )
        crowded_to_neuron: float = quantity(
            1.0,
            "1",
            "exponent by which other graft cells raise the odds of a neuron",
            bounds=(-5.0, 5.0),
            evidence="assumed",
        )
        inflamed_to_astrocyte: float = quantity(
            1.0,
            "1",
            "exponent by which inflammation and blood raise the odds of an astrocyte",
            bounds=(-5.0, 5.0),
            evidence="assumed",
        )
        white_to_oligodendrocyte: float = quantity(
            1.0,
            "1",
            "exponent by which host white matter raises the odds of an oligodendrocyte",
            bounds=(-5.0, 5.0),
            evidence="assumed",
        )
        tnf_half: float = quantity(
            0.2, "1", "TNF-like signal of half effect", bounds=(0.01, 10.0), evidence="assumed"
        )
        migratory_share: float = quantity(
            0.3,
            "1",
            "share of new astrocytes that travel along the cord",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Let cells commit for one period."""
        if len(tissue.cells) == 0:
            return
        from cordgraft.kernels.cell import Choices, cells_of, commit_loop, draw_of, space_of
        from cordgraft.kernels.compile import run_blocks

        p = self.params
        tnf = np.maximum(tissue["field.tnf"], 0.0) ** 2
        calm = (1.0 - tnf / (tnf + p.tnf_half**2)) * (1.0 - tissue["fraction.blood"])
        choices = Choices(
            commit=log(2.0) / (HOURS * p.commitment_half_life),
            leave=log(2.0) / (HOURS * p.departure_half_life),
            leaning=leanings(),
            crowded=p.crowded_to_neuron,
            inflamed=p.inflamed_to_astrocyte,
            touching=p.white_to_oligodendrocyte,
            migratory=p.migratory_share,
            inflammation=(1.0 - calm).reshape(-1),
        )
        run_blocks(
            commit_loop, len(tissue.cells), cells_of(tissue), space_of(tissue), choices, draw_of(tissue, key)
        )


def leanings() -> Any:
    """Return the odds of neuron, astrocyte and oligodendrocyte of every line : (line, 3) float64."""
    names = ("fate_neuron", "fate_astrocyte", "fate_oligodendrocyte")
    return np.ascontiguousarray(np.array([line_values(name) for name in names]).T)
