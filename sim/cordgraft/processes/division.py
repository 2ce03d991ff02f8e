"""Division: which cells divide, and where the daughter is meant to go.

Rates of a cell whose founder was grafted ``a`` days ago, in a voxel with ``n`` *other* cells and capacity ``K``::

    precursor          g ln2/T_P exp(-a/20 d) (1 - n/K)
    undifferentiated   ln2/T_U (1 + r a) (1 - n/(c K))
    astrocyte          ln2/25 d exp(-a/40 d) (1 - n/K)

(20 d, 25 d and 40 d are `precursor_slowing`, `astrocyte_doubling` and `astrocyte_slowing`), each not below zero;
neurons and oligodendrocytes do not divide. ``T_P``, ``T_U`` doubling times, ``c`` weak
contact inhibition, ``r`` reactivation and ``g`` genomic instability belong to the line. ``n/K`` is local.

A daughter is proposed for the mother's voxel; if that is full, for the first voxel with a place along a random
direction within `push`: the clone shoves its neighbours. The turnover settles who gets a place.

Within a step daughters may divide again: the number of daughters is that of a birth process, geometric with
``P(at least k) = (1 - exp(-rate dt))^k``. So neither the waiting time of a cell nor the growth of the
population (``exp(rate t)``) depends on the period.

Sources: all numbers assumed; doubling times are those of the line, slower than in culture (recalled).

Left out: the cell cycle (a division is an event and not a state) and growth factors. The proliferation index of
a picture (Ki67) is therefore computed from the rates, see `dividing_fraction`.
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
from cordgraft.state.cells import SPACE_READS, CellKind
from cordgraft.state.lines import LINES, line_values

HOURS = 24.0
#: Length of a cell cycle for the proliferation index, h (assumed).
CYCLE_H = 72.0


class Division(Process):
    """Proposes daughters."""

    name = "division"
    phase = Phase.DECIDE
    period_h = 6.0
    reads = ("cell.*", *SPACE_READS)
    writes = ("cell.division_target", "cell.daughters")
    streams = (Stream.DIVISION,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """What slows division, beside the doubling times of the line."""

        rate: float = quantity(
            1.0,
            "1",
            "factor on every division rate; 0 stops all division",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )
        precursor_slowing: float = quantity(
            20.0,
            "d",
            "time after grafting in which the division rate of precursors falls to 37 %",
            bounds=(1.0, 3650.0),
            evidence="assumed",
        )
        astrocyte_doubling: float = quantity(
            25.0,
            "d",
            "doubling time of astrocytes at the day of grafting",
            bounds=(1.0, 3650.0),
            evidence="assumed",
        )
        astrocyte_slowing: float = quantity(
            40.0,
            "d",
            "time after grafting in which the division rate of astrocytes falls to 37 %",
            bounds=(1.0, 3650.0),
            evidence="assumed",
        )
        push: float = quantity(
            100.0, "um", "how far a daughter shoves to find a place", bounds=(0.0, 1000.0), evidence="assumed"
        )
        barrier_stop: float = quantity(
            0.9,
            "1",
            "share of daughters that a complete astrocyte border holds back",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Propose the daughters of one period."""
        if len(tissue.cells) == 0:
            return
        from cordgraft.kernels.cell import cells_of, divide_loop, draw_of, space_of
        from cordgraft.kernels.compile import run_blocks

        run_blocks(
            divide_loop,
            len(tissue.cells),
            cells_of(tissue),
            space_of(tissue),
            self.cycle(),
            draw_of(tissue, key),
        )

    def cycle(self) -> Any:
        """Return the constants of division for the kernels."""
        from cordgraft.kernels.cell import Cycle

        p = self.params
        rate = np.zeros((len(LINES), len(CellKind)))
        instability = np.array(line_values("instability"))
        rate[:, CellKind.UNDIFFERENTIATED] = log(2.0) / np.array(line_values("undifferentiated_doubling"))
        rate[:, CellKind.PRECURSOR] = instability * log(2.0) / np.array(line_values("precursor_doubling"))
        rate[:, CellKind.ASTROCYTE] = log(2.0) / p.astrocyte_doubling
        reach = np.ones_like(rate)
        reach[:, CellKind.UNDIFFERENTIATED] = line_values("undifferentiated_crowding")
        slowing = np.zeros(len(CellKind))
        slowing[CellKind.PRECURSOR] = 1.0 / (HOURS * p.precursor_slowing)
        slowing[CellKind.ASTROCYTE] = 1.0 / (HOURS * p.astrocyte_slowing)
        return Cycle(
            rate=p.rate * rate / HOURS,
            slowing=slowing,
            reach=reach,
            rise=np.array(line_values("reactivation")) / HOURS,
            push_um=p.push,
            barrier_stop=p.barrier_stop,
        )

    def dividing_fraction(self, tissue: Any, tick: int) -> float:
        """Return the share of living cells that a Ki67-like stain would show: sum of (rate x 3 d/ln2) over cells."""
        if len(tissue.cells) == 0:
            return 0.0
        from cordgraft.kernels.cell import amount_loop, cells_of, draw_of, space_of
        from cordgraft.kernels.compile import run_blocks

        out = np.zeros(len(tissue.cells))
        hour = Key(0, tick, 1.0)
        run_blocks(
            amount_loop,
            out.size,
            cells_of(tissue),
            space_of(tissue),
            self.cycle(),
            draw_of(tissue, hour),
            out,
        )
        weight = tissue["cell.weight"]
        dividing = np.minimum(1.0, out * CYCLE_H / log(2.0))
        # sorted, so that the sums do not depend on the order of the rows
        return float(np.sum(np.sort(weight * dividing)) / np.sum(np.sort(weight)))
