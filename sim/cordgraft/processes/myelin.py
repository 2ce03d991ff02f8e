"""Myelin: fibres near the core lose their sheath, regain conduction, and get a new, thinner sheath.

What is modelled
----------------
*Sheaths of host fibres* that run unbroken past the injury (intact or swollen). Each is in one of four states::

    myelinated -> bare, blocked -> bare, conducting
                       |                 |
                       +-> remyelinated <+

*Loss*, large fibres first. Of the fibres that share a severity, the lost share ``F`` grows with the time ``t`` since
they were struck, and a fibre loses its sheath when ``F`` exceeds the share of fibres that are thicker than it::

    F = f_d z (1 - e^(-t/7 d)),   z = sigma^2/(sigma^2 + 0.3^2)
    bare where 1 - q < F

``sigma`` the greatest severity along the fibre: high near the core, low at a distant pia. ``q`` its calibre as a rank,
a uniform number in (0, 1), 1 the thickest.

*Conduction* comes back without myelin, as channels spread along the bare membrane, at 1/14 per day.

*Host precursors* live in all host tissue before the injury, at a density that is 1 here. Macrophages call them out of
the tissue that is left, they mature in three equal steps of 7 d, and myelin debris holds them back before the second::

    C1' = (w M/(M + M_h) - C1)/7 d
    C2' = (C1/(1 + D/D_h) - C2)/7 d
    C3' = (C2 - C3)/7 d

per volume of cord; ``w`` living host tissue, ``M`` all macrophages, ``D`` debris of the voxel; solved exactly for a
step with all three constant in it, and where tissue dies its share of all three dies with it. A cell that is called on
day 0 is ready on day 21 on average: no calendar says so, and debris that stays, or macrophages that leave, delay or
end it. Cells that differentiate are replaced by the division of others, and no tissue holds more than at rest: in rats
division rises sevenfold and goes on for weeks, yet the number of NG2 cells does not rise over controls; what peaks on
day 7 is the stain of NG2, which macrophages carry too.

*New sheaths* at the rate ``(C3/w + g)/45 d``, of blocked and of conducting bare fibres alike, at the place where the
fibre was struck hardest (the middle of that stretch). ``C3/w`` is per living tissue, not per cord: the fibres to be
wrapped are in that tissue too, and what has died beside them took its fibres and its precursors along. ::

    g = sum of m / (V n_0),   m = a^4/(a^4 + 365^4)

over the grafted oligodendrocytes within `reach` of that place, in each direction of the lattice: ``V`` volume of cord
in that box, all of it, for these cells may lie in the graft and are shared with what else is there; ``n_0`` precursors
per volume of an intact cord; ``a`` days since grafting. Grafted precursors of oligodendrocytes and oligodendrocytes
are one kind of cell here, and ``m``, the clock of human donor cells, which goes on in any host, tells them apart: it
is the share of them that has come from the one to the other. `remyelination: false` blocks all new sheaths, of host
and graft, and nothing else: an experiment that no animal allows.

*Regrown host fibres* with a synapse beyond the lesion conduct without a sheath, and get one by the same law, with
``C3/w + g`` the mean over the points of all that they have laid.

*What follows.* A fibre passes on the share ``kappa`` of its signals, which the function index multiplies into
conduction and into what regrown fibres add, and takes ``lambda`` times as long through the injured stretch; its
g-ratio is that of its sheath::

                       kappa   lambda   g-ratio
    myelinated           1       1       0.72
    bare, blocked        0       -        -
    bare, conducting    0.8     10        -
    remyelinated        0.95    1.3      0.85

Symbols: F, q, sigma, z, w, M, D, C, g, m, kappa, lambda 1; times d; V um3; n_0 1/um3.

Sources
-------
Loss within two weeks, axons above 5 um first, subpial rim spared: dog and cat, PMC8095982 (read). Bare central axons
conduct over 2.5 mm: Felts 1997, 10.1523/JNEUROSCI.17-19-07267.1997 (read). Debris arrests the differentiation of
precursors and not their recruitment: Kotter 2006, 10.1523/JNEUROSCI.2615-05.2006 (abstract read). Number and division
of NG2 cells after contusion: McTigue 2001, 10.1523/JNEUROSCI.21-10-03392.2001 (abstract read). NG2 peaks on day 7,
stays high for seven weeks and more, and is of macrophages and precursors: Jones 2002,
10.1523/JNEUROSCI.22-07-02792.2002 (read). New oligodendrocytes for three months: PMC4300327 (abstract read).
Precursors are 5-8 % of the cells: PMC4600489 (abstract read). Clock of human oligodendrocytes: Lu 2017,
10.1172/JCI92955 (read). g-ratios recalled. Shares, times, kappa, lambda and the law of the call assumed.

To compare with, and an input nowhere: 20-40 % of the myelinated fibres at the epicentre of mice carry a new sheath at
three months (Assinck 2017, 10.1523/JNEUROSCI.2409-16.2017, read), and few are bare after ten weeks (PMC4300327,
abstract read). Four untreated mice of this model have 21-32 % on day 90 (0-5 % on day 21), but 10-32 % of their spared
descending fibres are bare then: the model strips more fibres, or wraps them later, than was seen.

What is left out
----------------
Diameters in um and the speed that follows from them (calibre is a rank); inflammation and its drugs as a cause of
loss, which follows the blow alone; loss of new sheaths; Schwann cells as cells of their own (those that come of
precursors are in the rate); sheaths of graft axons and of host axons that end on grafted neurons, which count as
conducting fully; precursors that move from voxel to voxel; support of an axon by its sheath; the latency of anything
but the injured stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity, switch
from cordgraft.core.streams import Stream
from cordgraft.processes.axon_injury import outline_of, places_of
from cordgraft.state.axons import AxonState
from cordgraft.state.cells import CellKind
from cordgraft.state.neighbours import cells_round
from cordgraft.state.precursors import PRECURSOR_READS, PRECURSORS, advance, ready_share
from cordgraft.state.sheaths import (
    REGROWN,
    SHEATH_COLUMNS,
    Sheath,
    flat_sites,
    middle_of_hardest,
    note_regrown,
    regrown_path,
    regrown_rows,
)

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

MM3 = 1e9  # um3


def _assumed(value: float, unit: str, meaning: str, bounds: tuple[float, float]) -> Any:
    return quantity(value, unit, meaning, bounds=bounds, evidence="assumed")


class Myelin(Process):
    """Strips fibres of their sheath, lets bare ones conduct again, and makes new sheaths."""

    name = "myelin"
    phase = Phase.REMODEL
    period_h = 24.0
    provides = Provision(arrays=(*SHEATH_COLUMNS, *PRECURSORS, *REGROWN))
    reads = (
        "map.cord",
        "map.severity",
        *PRECURSOR_READS,
        "cell.kind",
        "cell.site",
        "cell.grafted_tick",
        "fibre.*",
        "segment.*",
        "synapse.*",
    )
    writes = tuple(spec.name for spec in provides.arrays)
    streams = (Stream.MYELIN,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Loss of sheaths, return of conduction, precursors, new sheaths and what each is worth."""

        demyelination_share: float = _assumed(
            0.45, "1", "share of spared fibres that lose their sheath where the injury is strong", (0.0, 1.0)
        )
        demyelination_time: float = quantity(
            7.0,
            "d",
            "time constant with which they lose it",
            bounds=(0.01, 365.0),
            evidence="assumed",
            source="bare axons are seen within two weeks, dog and cat, PMC8095982",
        )
        half_severity: float = _assumed(
            0.3, "1", "local severity at which half of that share is lost", (1e-6, 10.0)
        )
        block_time: float = quantity(
            14.0, "d", "mean time after which a bare fibre conducts again", bounds=(0.01, 3650.0), evidence="assumed",
            source="Felts 1997: bare central axons can conduct over 2.5 mm",
            doi="10.1523/JNEUROSCI.17-19-07267.1997",
        )
        remyelination: bool = switch(
            True, "whether new sheaths are made, by host and graft; false blocks them and nothing else"
        )
        remyelination_time: float = _assumed(
            45.0, "d", "mean time to a new sheath among as many ready precursors as an intact cord has", (0.1, 36500.0)
        )
        call_half: float = quantity(
            0.01,
            "1",
            "density of macrophages that calls half of the precursors of a tissue",
            bounds=(1e-6, 10.0),
            evidence="assumed",
            source="low, since NG2 stays high for 7 weeks and more after its peak, rat (Jones 2002, read), when few "
            "macrophages are left",
            doi="10.1523/JNEUROSCI.22-07-02792.2002",
        )
        stage_time: float = _assumed(
            7.0,
            "d",
            "mean time of each of the three steps from the call to a cell that makes myelin",
            (0.1, 365.0),
        )
        debris_half: float = quantity(
            0.3,
            "1",
            "myelin debris that lets half of the precursors differentiate",
            bounds=(1e-3, 1e3),
            evidence="assumed",
            source="direction: Kotter 2006 (abstract read)",
            doi="10.1523/JNEUROSCI.2615-05.2006",
        )
        graft_maturation: float = quantity(
            365.0,
            "d",
            "age since grafting at which a human oligodendrocyte is half mature",
            bounds=(1.0, 3650.0),
            cited=(300.0, 450.0),
            evidence="read",
            source="Lu 2017 J Clin Invest",
            doi="10.1172/JCI92955",
            row="oligodendrocyte_maturation_time_human",
        )
        graft_reach: float = _assumed(
            100.0, "um", "distance along each direction within which a grafted oligodendrocyte can wrap a fibre",
            (0.0, 2000.0),
        )
        precursors_per_volume: float = quantity(
            6500.0 / MM3,
            "cells/um3",
            "precursors of an intact cord, the measure of what grafted oligodendrocytes do",
            bounds=(1.0 / MM3, 1e6 / MM3),
            evidence="assumed",
            source="5-8 % of the cells are precursors (PMC4600489, abstract read), of 1e5 cells/mm3 (assumed)",
        )
        transmission_bare: float = _assumed(
            0.8, "1", "share of signals that a bare, conducting fibre passes on", (0.0, 1.0)
        )
        transmission_new: float = _assumed(
            0.95, "1", "share of signals that a fibre with a new sheath passes on", (0.0, 1.0)
        )
        latency_bare: float = _assumed(
            10.0, "1", "time through the injured stretch without a sheath, myelinated 1", (1.0, 1000.0)
        )
        latency_new: float = _assumed(
            1.3, "1", "time through the injured stretch with a new sheath, myelinated 1", (1.0, 1000.0)
        )
        g_ratio: float = quantity(
            0.72,
            "1",
            "axon over fibre diameter of an intact sheath",
            bounds=(0.1, 1.0),
            cited=(0.6, 0.77),
            evidence="recalled",
            row="g_ratio_normal",
        )
        g_ratio_new: float = quantity(
            0.85,
            "1",
            "axon over fibre diameter of a new sheath",
            bounds=(0.1, 1.0),
            cited=(0.8, 0.9),
            evidence="recalled",
            row="g_ratio_remyelinated",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        self._outline: Any = None

    def prepare(self, tissue: Tissue) -> None:
        """Measure the outline of the cord layer by layer (static)."""
        self._outline = outline_of(tissue)

    def step(self, tissue: Tissue, key: Key) -> None:
        """Repair what was bare, strip what the injury strips, and call precursors for the next step."""
        self._begin(tissue)
        self._find_places(tissue)
        self._repair(tissue, key)
        self._strip(tissue, key.tick)
        self._repair_regrown(tissue, key)
        self._conduct(tissue)
        p = self.params
        advance(tissue, key.dt_h / 24.0, p.call_half, p.stage_time, p.debris_half)

    def _begin(self, tissue: Tissue) -> None:
        """Give every host fibre its calibre and its sheath, once."""
        from cordgraft.kernels.random import uniforms

        rows = np.flatnonzero((tissue["fibre.origin"] == 0) & (tissue["fibre.sheath"] == Sheath.NONE))
        if rows.size:
            # at tick 0 of the stream, whenever the process begins: a calibre is a property of the fibre
            drawn = uniforms(tissue.setting.seed, tissue["fibre.id"][rows], 0, Stream.MYELIN, 0)
            tissue["fibre.calibre"][rows] = drawn
            tissue["fibre.sheath"][rows] = int(Sheath.MYELINATED)

    def _find_places(self, tissue: Tissue) -> None:
        """Note the voxel in the middle of the stretch in which a fibre was struck hardest."""
        rows = np.flatnonzero(
            (tissue["fibre.origin"] == 0)
            & (tissue["fibre.state"] <= AxonState.SWOLLEN)
            & (tissue["fibre.struck_tick"] >= 0)
            & (tissue["fibre.bare_site"] < 0)
        )
        if not rows.size:
            return
        middle = middle_of_hardest(
            tissue["map.severity"], rows.size, lambda k: self._site(tissue, rows, np.full(rows.size, k))
        )
        rows, middle = rows[middle >= 0], middle[middle >= 0]
        tissue["fibre.bare_site"][rows] = self._site(tissue, rows, middle)

    def _site(self, tissue: Tissue, rows: Any, layer: Any) -> NDArray[np.int64]:
        """Return the flat voxel in which each fibre runs in a layer : (n,) int64."""
        x, y = places_of(tissue, rows, tissue.lattice.axis_um(2)[layer], self._outline)
        return flat_sites(tissue.lattice, x, y, layer)

    def _repair(self, tissue: Tissue, key: Key) -> None:
        """Make new sheaths, and let fibres that stay bare conduct again."""
        from cordgraft.kernels.random import uniforms

        sheath = tissue["fibre.sheath"]
        rows = np.flatnonzero(
            ((sheath == Sheath.BLOCKED) | (sheath == Sheath.BARE))
            & (tissue["fibre.state"] <= AxonState.SWOLLEN)
        )
        if not rows.size:
            return
        p = self.params
        seed, ids, days = tissue.setting.seed, tissue["fibre.id"][rows], key.dt_h / 24.0
        # a new sheath forms on blocked and conducting fibres alike, so the two decisions do not wait for each other
        freed = uniforms(seed, ids, key.tick, Stream.MYELIN, 1) < -np.expm1(-days / p.block_time)
        sheath[rows[freed]] = int(Sheath.BARE)
        if not p.remyelination:
            return
        makers = self._makers(tissue, tissue["fibre.bare_site"][rows], key.tick)
        sheath[rows[self._wrapped(tissue, rows, makers, key, 2)]] = int(Sheath.NEW)

    def _wrapped(self, tissue: Tissue, rows: Any, makers: Any, key: Key, draw: int) -> NDArray[np.bool_]:
        """Return which of some fibres get a new sheath in this step : (n,) bool."""
        from cordgraft.kernels.random import uniforms

        chance = -np.expm1(-makers * (key.dt_h / 24.0) / self.params.remyelination_time)
        drawn = uniforms(tissue.setting.seed, tissue["fibre.id"][rows], key.tick, Stream.MYELIN, draw)
        return np.asarray(drawn < chance)

    def _repair_regrown(self, tissue: Tissue, key: Key) -> None:
        """Follow the sheaths of host fibres that regrew to host neurons."""
        rows = regrown_rows(tissue)
        sheath = tissue["fibre.regrown_sheath"]
        before = sheath[rows]
        sheath[...] = int(Sheath.NONE)  # a connection that is lost takes the sheath of its path along
        sheath[rows] = np.where(before == Sheath.NONE, int(Sheath.BARE), before)
        bare = rows[before == Sheath.BARE]
        which, sites = regrown_path(tissue, bare)
        if which.size and self.params.remyelination:
            makers = np.bincount(which, self._makers(tissue, sites, key.tick), minlength=bare.size)
            makers = makers / np.maximum(np.bincount(which, minlength=bare.size), 1)
            sheath[bare[self._wrapped(tissue, bare, makers, key, 3)]] = int(Sheath.NEW)

    def _makers(self, tissue: Tissue, sites: Any, tick: int) -> NDArray[np.float64]:
        """Return what can make myelin in some voxels, of host and graft, in densities of precursors : (n,)."""
        host = ready_share(tissue, sites)
        rows = np.flatnonzero(tissue["cell.kind"] == CellKind.OLIGODENDROCYTE)
        if not rows.size:
            return host
        p = self.params
        age = np.maximum(tick - tissue["cell.grafted_tick"][rows], 0) * tissue.clock.tick_h / 24.0
        mature = age**4 / (age**4 + p.graft_maturation**4)
        density = cells_round(tissue, sites, rows, mature, p.graft_reach)
        return host + density / float(p.precursors_per_volume)

    def _strip(self, tissue: Tissue, tick: int) -> None:
        """Take the sheath of the thickest fibres among those that still have it."""
        p = self.params
        rows = np.flatnonzero(
            (tissue["fibre.sheath"] == Sheath.MYELINATED)
            & (tissue["fibre.state"] <= AxonState.SWOLLEN)
            & (tissue["fibre.bare_site"] >= 0)
        )
        days = (tick - tissue["fibre.struck_tick"][rows]) * tissue.clock.tick_h / 24.0
        square = tissue["fibre.severity"][rows] ** 2
        zone = square / (square + p.half_severity**2)
        lost = p.demyelination_share * zone * -np.expm1(-days / p.demyelination_time)
        bare = rows[1.0 - tissue["fibre.calibre"][rows] < lost]
        tissue["fibre.sheath"][bare] = int(Sheath.BLOCKED)

    def _conduct(self, tissue: Tissue) -> None:
        """Write what the sheath of each host fibre is worth, of the path that signals now take."""
        p = self.params
        worth: dict[str, dict[Sheath, float]] = {
            "transmission": {
                Sheath.BLOCKED: 0.0,
                Sheath.BARE: p.transmission_bare,
                Sheath.NEW: p.transmission_new,
            },
            "latency": {
                Sheath.BLOCKED: p.latency_bare,
                Sheath.BARE: p.latency_bare,
                Sheath.NEW: p.latency_new,
            },
            "g_ratio": {Sheath.MYELINATED: p.g_ratio, Sheath.NEW: p.g_ratio_new},
        }
        host = np.flatnonzero(tissue["fibre.origin"] == 0)
        regrown = tissue["fibre.regrown_sheath"][host]
        sheath = np.where(regrown != Sheath.NONE, regrown, tissue["fibre.sheath"][host])
        for column, values in worth.items():
            table = np.array([values.get(kind, 1.0) for kind in Sheath])
            tissue[f"fibre.{column}"][host] = table[sheath]
        note_regrown(tissue)
