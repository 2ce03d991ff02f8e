"""Delivery of a graft: how many cells arrive alive, where they come to rest, what they are.

Of a dose ``D`` over ``sites`` injections the living cells that stay are

    kept = D viability (1 - b),   b = b_0 + b_1 x/(1 + x)

backflow ``b`` rises with the crowding of the site, ``x`` = injected cells over what the cord round it could hold.

The cells form an ellipsoid round the point of injection with the volume of that many cells at
the packing limit, as wide to deep as the cord, and `elongation` times as long as deep. Cells fill the voxels
outward from the point, in the order of (distance, hash of the voxel): first lesion room (dead tissue, cavity,
blood, fluid), searched as far as `spread` times the half-axes, then host tissue. Grafted cells that lie there
already are pushed outward: the ellipsoid is that of both together, so that one dose at one place arrives alike in
one injection or in four. No voxel takes more than it holds. What finds no place is lost and counted, never
squeezed in.

A section carries its share of the deposit: ``s = h/W``, ``h`` the slab's thickness and ``W = 4 a/3``, the volume of
an ellipsoid of lateral half-axis ``a`` over its mid-plane area. The number of simulated founders is the number
of living cells times ``s`` over `cells_per_agent`; each stands for ``cells_per_agent / s`` cells of the whole
cord. In a volume ``s`` is 1. ``s`` is fixed at delivery, by the ellipsoid and not by what the cells do later.

A founder is a residual undifferentiated cell with the line's share, else a precursor. A gamma-secretase
inhibitor before grafting makes a share of either leave the cycle and commit at once, by the leaning of the line
raised towards neurons.

Positions along the cord count from the epicentre of the injury. The graft is given in the tick nearest to its
time, but not in that of the injury itself: the dead tissue that makes room is there one tick later.

A founder's id is ``(delivery << 40) + order of injection + 1``; deliveries count from 0 in the order in which
they happen, so a later one changes no cell of an earlier one. A dose of nothing (the vehicle) changes nothing:
the injection itself does no harm here.

Sources: dose and day Nori 2011 (recalled), in people Sugai 2021 (read); viability, backflow, shape and the effects of
the inhibitor are assumed.

Left out: the damage of the needle, pressure, dead cells as debris, clumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, count, quantity
from cordgraft.core.streams import Stream
from cordgraft.processes.fate import leanings
from cordgraft.state import injections
from cordgraft.state.cells import (
    PACKED_PER_UL,
    ROOM_READS,
    ROOM_WRITES,
    CellKind,
    count_by_voxel,
    lesion_room,
    local_capacity,
    places,
    refresh_room,
)
from cordgraft.state.lines import LINE_NAMES, line_number, line_values

#: um3 in a microlitre.
UM3_PER_UL = 1e9
#: Founder ids of one delivery lie in a block of this many.
FOUNDERS_PER_DELIVERY = 1 << 40
#: A voxel counts as lesion room when at least this share of it is.
MOSTLY_ROOM = 0.5
#: Half-width of the ellipsoid over that of the cord, at most: a deposit does not reach through the pia.
WIDEST = 1.0


class Ellipsoid(NamedTuple):
    """Half-axes of a deposit, um: left-right, antero-posterior, along the cord."""

    a: float
    b: float
    c: float


def ellipsoid_for(
    cells: float, per_ul: float, elongation: float, diameters_um: tuple[float, float]
) -> Ellipsoid:
    """Return the deposit of `cells` living cells at `per_ul` cells/uL in a cord of the given diameters.

    A deposit that would be deeper than the cord is cut off there and grows longer instead.
    """
    volume = cells / per_ul * UM3_PER_UL
    ratio = diameters_um[0] / diameters_um[1]
    b = min((3.0 * volume / (4.0 * pi * ratio * elongation)) ** (1.0 / 3.0), 0.5 * WIDEST * diameters_um[1])
    return Ellipsoid(ratio * b, b, 3.0 * volume / (4.0 * pi * ratio * b * b))


def section_share(ellipsoid: Ellipsoid, thickness_um: float) -> float:
    """Return the share of an ellipsoid that a mid-sagittal slab carries: h/W with W = 4 a/3, at most 1."""
    return min(1.0, thickness_um / (4.0 * ellipsoid.a / 3.0))


class GraftDelivery(Process):
    """Injects one graft at one moment."""

    name = "graft_delivery"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "cell_graft"
    provides = Provision(
        arrays=(
            ArraySpec("scalar.graft_deliveries", "1", "grafts delivered so far"),
            ArraySpec("scalar.graft_dose", "cells", "cells injected so far, dead ones included"),
            ArraySpec("scalar.graft_dead_on_arrival", "cells", "injected cells that were not viable"),
            ArraySpec("scalar.graft_backflow", "cells", "living cells that flowed back along the needle"),
            ArraySpec("scalar.graft_surplus", "cells", "living cells that found no place"),
            ArraySpec("scalar.graft_delivered", "cells", "living cells that came to rest in the cord"),
            ArraySpec("scalar.graft_founders", "cells", "simulated cells that stand for them"),
        )
    )
    reads = ("map.cord", "scalar.epicentre_um", *ROOM_READS)
    writes = ("cell.*", "density.cells", *ROOM_WRITES, *(spec.name for spec in provides.arrays))
    streams = (Stream.DELIVERY_PLACE, Stream.DELIVERY_KIND)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Dose, place, line and losses."""

        at: float = quantity(
            216.0,
            "h",
            "time of transplantation after the injury",
            bounds=(0.0, 87660.0),
            cited=(168.0, 240.0),
            evidence="recalled",
            source="Nori 2011",
            presets={"human": 504.0},
            row="graft_day_mouse",
            variants={
                "rat": {"cited": None, "evidence": "assumed", "source": "", "row": ""},
                "human": {
                    "cited": (336.0, 672.0),
                    "evidence": "read",
                    "source": "Sugai 2021 Regen Ther, day 14 to 28",
                    "doi": "10.1016/j.reth.2021.08.005",
                    "row": "",
                }
            },
        )
        dose: float = quantity(
            5e5,
            "cells",
            "cells injected, over all sites; 0 is the vehicle",
            bounds=(0.0, 1e9),
            cited=(1e5, 5e5),
            evidence="recalled",
            source="Nori 2011",
            presets={"rat": 1e6, "human": 2e6},
            row="graft_dose_mouse",
            variants={
                "rat": {"cited": None, "evidence": "assumed", "source": "", "row": ""},
                "human": {
                    "cited": (2e6, 2e6),
                    "evidence": "read",
                    "source": "Sugai 2021 Regen Ther",
                    "doi": "10.1016/j.reth.2021.08.005",
                    "row": "graft_dose_human_trial",
                },
            },
        )
        line: str = choice(
            "201B7-like",
            LINE_NAMES,
            "cell line; the catalogue holds its fate leaning, residual cells and growth",
            evidence="assumed",
        )
        pretreatment: str = choice(
            "none",
            ("none", "gamma_secretase_inhibitor"),
            "treatment of the cells before grafting",
            evidence="recalled",
            source="Okubo 2016",
        )
        position: float = injections.position(
            "middle of the injection sites along the cord, from the epicentre, rostral positive"
        )
        depth: float = injections.depth()
        sites: int = count(1, "injection sites, in a row along the cord", bounds=(1, 50))
        site_spacing: float = quantity(
            1000.0,
            "um",
            "distance between neighbouring injection sites",
            bounds=(0.0, 1e5),
            evidence="assumed",
        )
        viability: float = quantity(
            0.8, "1", "share of the injected cells that is alive", bounds=(0.0, 1.0), evidence="assumed"
        )
        backflow: float = quantity(
            0.1,
            "1",
            "share of the living cells that flows back from an uncrowded site",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        backflow_rise: float = quantity(
            0.4,
            "1",
            "further share that flows back from a site without any room",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        packing_limit: float = quantity(
            PACKED_PER_UL,
            "cells/uL",
            "most cells that a microlitre of deposit holds; cells of 2.5 pL at a packing of 0.6 allow no more",
            bounds=(1e3, PACKED_PER_UL),
            evidence="derived",
        )
        elongation: float = quantity(
            2.0,
            "1",
            "length of the deposit along the cord over its depth",
            bounds=(0.2, 20.0),
            evidence="assumed",
        )
        spread: float = quantity(
            1.5,
            "1",
            "how far cells find their way through lesion room, in half-axes of the deposit",
            bounds=(1.0, 10.0),
            evidence="assumed",
        )
        inhibited_undifferentiated: float = quantity(
            0.9,
            "1",
            "share of undifferentiated cells that the inhibitor makes commit",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        inhibited_precursors: float = quantity(
            0.3,
            "1",
            "share of precursors that the inhibitor makes commit",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        inhibited_to_neuron: float = quantity(
            1.5,
            "1",
            "factor of the inhibitor on the odds of a neuron",
            bounds=(0.0, 100.0),
            evidence="assumed",
        )
        migratory_share: float = quantity(
            0.3,
            "1",
            "share of astrocytes made by the inhibitor that travel",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

    def sites_um(self, diameter_ap_um: float, epicentre_um: float = 0.0) -> list[tuple[float, float, float]]:
        """Return the injection points in cord coordinates (x right, y anterior, z rostral), um."""
        p = self.params
        first = epicentre_um + p.position - 0.5 * (p.sites - 1) * p.site_spacing
        return [
            (0.0, p.depth - 0.5 * diameter_ap_um, first + site * p.site_spacing) for site in range(p.sites)
        ]

    def due(self, tissue: Any) -> int:
        """Return the tick of the injection: the nearest one, but at least one after the injury."""
        return max(1, int(tissue.clock.tick_at(self.params.at)))

    def step(self, tissue: Any, key: Key) -> None:
        """Inject the graft if this is the tick."""
        p = self.params
        if key.tick != self.due(tissue) or p.dose <= 0.0:
            return
        delivery = int(tissue.scalar("graft_deliveries"))
        points = self.sites_um(tissue.setting.cord_diameter_um[1], tissue.scalar("epicentre_um"))
        for site, point in enumerate(points):
            self._inject(tissue, key, delivery, site, point)
        _add(tissue, "graft_deliveries", 1.0)
        tissue["density.cells"][...] = count_by_voxel(tissue.cells["site"], tissue.lattice.shape)
        refresh_room(tissue)

    def event(self, tissue: Any, tick: int) -> str:
        """Return what was injected and what became of it, at the tick of this graft."""
        p = self.params
        if tick != self.due(tissue):
            return ""
        if p.dose <= 0.0:
            return "vehicle without cells"
        lost = {
            "not viable": tissue.scalar("graft_dead_on_arrival"),
            "flowed back": tissue.scalar("graft_backflow"),
            "without room": tissue.scalar("graft_surplus"),
        }
        losses = ", ".join(f"{number:,.0f} {reason}" for reason, number in lost.items())
        return (
            f"{p.dose:,.0f} cells of line {p.line} at {p.position / 1e3:g} mm from the middle of the injury; "
            f"of all grafts so far {tissue.scalar('graft_delivered'):,.0f} cells came to rest "
            f"({tissue.scalar('graft_founders'):,.0f} simulated), {losses}"
        )

    def _inject(
        self, tissue: Any, key: Key, delivery: int, site: int, point: tuple[float, float, float]
    ) -> None:
        """Place the cells of one site and count what became of the dose."""
        from cordgraft.kernels.random import uniforms

        p = self.params
        dose = p.dose / p.sites
        agent = tissue.setting.cells_per_agent
        flat_section = tissue.lattice.is_section
        free = self._free_places(tissue)

        injected = self._extent(tissue, point, dose)
        room = float(np.sum(free * _copies(tissue, point, injected, p.spread))) * agent
        crowded = dose / (dose + room)
        backflow = min(1.0, p.backflow + p.backflow_rise * crowded)
        alive = dose * p.viability
        staying = alive * (1.0 - backflow)

        _add(tissue, "graft_dose", dose)
        _add(tissue, "graft_dead_on_arrival", dose - alive)
        _add(tissue, "graft_backflow", alive - staying)
        if staying <= 0.0:
            return
        deposit = self._extent(tissue, point, staying)
        share = section_share(deposit, tissue.lattice.spacing_um[0]) if flat_section else 1.0
        weight = agent / share
        identity = np.array([delivery * FOUNDERS_PER_DELIVERY + site + 1], dtype=np.uint64)
        # rounded up or down by chance, so that the represented number has no bias
        wanted = int(staying / weight + uniforms(key.seed, identity, key.tick, Stream.DELIVERY_PLACE, 1)[0])
        voxels = self._fill(tissue, key, point, deposit, free, wanted)
        self._add_cells(tissue, key, delivery, voxels, weight)

        placed = voxels.size * weight
        _add(tissue, "graft_surplus", (wanted - voxels.size) * weight)
        _add(tissue, "graft_delivered", placed)
        _add(tissue, "graft_founders", float(voxels.size))

    def _extent(self, tissue: Any, point: tuple[float, float, float], cells: float) -> Ellipsoid:
        """Return the ellipsoid of so many more cells at a point, with those that lie within its reach already."""
        p = self.params
        diameters = tissue.setting.cord_diameter_um
        lying = count_by_voxel(tissue.cells["site"], tissue.lattice.shape) * tissue.setting.cells_per_agent
        present = 0.0
        while True:
            extent = ellipsoid_for(cells + present, p.packing_limit, p.elongation, diameters)
            reached = float(np.sum(lying * _copies(tissue, point, extent, p.spread)))
            # grows with the ellipsoid, up to all cells of the cord
            if reached <= present * (1.0 + 1e-6):
                return extent
            present = reached

    def _free_places(self, tissue: Any) -> NDArray[np.int64]:
        """Return how many more simulated cells every voxel takes at the packing limit : (x, y, z)."""
        limit = self.params.packing_limit / PACKED_PER_UL
        free = places(local_capacity(tissue) * limit).astype(np.int64)
        free -= count_by_voxel(tissue.cells["site"], tissue.lattice.shape)
        return np.maximum(free, 0)

    def _fill(
        self,
        tissue: Any,
        key: Key,
        point: tuple[float, float, float],
        deposit: Ellipsoid,
        free: NDArray[np.int64],
        wanted: int,
    ) -> NDArray[np.int64]:
        """Return the voxel of every founder that finds a place, in the order of injection : (n,)."""
        from cordgraft.kernels.random import uniforms

        roomy = lesion_room(tissue) >= MOSTLY_ROOM
        distance = _distance(tissue, point, deposit)
        nearest = _distance(tissue, point, deposit, to_edge=True)
        reached = (nearest <= np.where(roomy, self.params.spread, 1.0)) & (free > 0)
        voxels = np.flatnonzero(reached)
        hashes = uniforms(key.seed, voxels.astype(np.uint64), key.tick, Stream.DELIVERY_PLACE, 0)
        # rounded, so that voxels that lie equally far are not told apart by the last bit
        far = np.round(distance.reshape(-1)[voxels], 9)
        order = np.lexsort((hashes, far, ~roomy.reshape(-1)[voxels]))
        slots = np.repeat(voxels[order], free.reshape(-1)[voxels[order]])
        return slots[:wanted]

    def _add_cells(
        self, tissue: Any, key: Key, delivery: int, voxels: NDArray[np.int64], weight: float
    ) -> None:
        """Add one founder per voxel named."""
        from cordgraft.kernels.random import uniforms

        p = self.params
        # earlier sites of the same delivery have used the first numbers
        first = delivery * FOUNDERS_PER_DELIVERY + 1
        mine = (tissue.cells["graft"] == delivery) & (tissue.cells["parent"] == 0)
        first += int(np.count_nonzero(mine))
        ids = np.arange(voxels.size, dtype=np.uint64) + np.uint64(first)

        def draw(block: int) -> NDArray[np.float64]:
            drawn: NDArray[np.float64] = uniforms(key.seed, ids, key.tick, Stream.DELIVERY_KIND, block)
            return drawn

        line = line_number(p.line)
        residual = draw(0) < line_values("residual")[line]
        kind = np.where(residual, CellKind.UNDIFFERENTIATED, CellKind.PRECURSOR).astype(np.uint8)
        heading = np.zeros(voxels.size, dtype=np.int8)
        if p.pretreatment == "gamma_secretase_inhibitor":
            stopped = draw(1) < np.where(residual, p.inhibited_undifferentiated, p.inhibited_precursors)
            odds = leanings()[line] * np.array([p.inhibited_to_neuron, 1.0, 1.0])
            steps = np.cumsum(odds) / np.sum(odds)
            fate = np.searchsorted(steps[:2], draw(2), side="right")
            committed = np.array(
                [CellKind.NEURON, CellKind.ASTROCYTE, CellKind.OLIGODENDROCYTE], dtype=np.uint8
            )
            kind = np.where(stopped, committed[fate], kind)
            travels = (kind == CellKind.ASTROCYTE) & (draw(3) < p.migratory_share)
            heading = np.where(travels, np.where(draw(4) < 0.5, 1, -1), 0).astype(np.int8)
        tissue.cells.add(
            voxels.size,
            id=ids,
            parent=0,
            graft=delivery,
            line=line,
            weight=weight,
            site=voxels,
            kind=kind,
            grafted_tick=key.tick,
            committed_tick=key.tick,
            heading=heading,
        )


def _distance(
    tissue: Any, point: tuple[float, float, float], ellipsoid: Ellipsoid, *, to_edge: bool = False
) -> NDArray[np.float64]:
    """Return the distance from `point` in half-axes of the ellipsoid : (x, y, z); infinite outside the cord.

    It is taken to the centre of each voxel, or `to_edge`, to the nearest point of it: a deposit reaches every
    voxel that it touches, however small it is against a voxel. In a section the slab's own extent does not count.
    """
    square = np.zeros((1, 1, 1))
    for axis, centres in enumerate(tissue.lattice.centres_um()):
        if axis == 0 and tissue.lattice.is_section:
            continue
        away = np.abs(centres - point[axis])
        if to_edge:
            away = np.maximum(away - 0.5 * tissue.lattice.spacing_um[axis], 0.0)
        square = square + (away / ellipsoid[axis]) ** 2
    distance = np.sqrt(np.broadcast_to(square, tissue.lattice.shape))
    return np.where(tissue["map.cord"] > 0, distance, np.inf)


def _copies(
    tissue: Any, point: tuple[float, float, float], ellipsoid: Ellipsoid, spread: float
) -> NDArray[np.float64]:
    """Return how often every voxel occurs in the part of the cord within `spread` half-axes : (x, y, z).

    1 or 0 in a volume. In a section the width of that part at the voxel, cut off at the pia, over the slab's.
    """
    near = _distance(tissue, point, ellipsoid, to_edge=True) <= spread
    if not tissue.lattice.is_section:
        return near.astype(np.float64)
    distance = np.minimum(_distance(tissue, point, ellipsoid), spread)
    across, deep = tissue.setting.cord_diameter_um
    _, y, _ = tissue.lattice.centres_um()
    cord = across * np.sqrt(np.maximum(0.0, 1.0 - (2.0 * y / deep) ** 2))
    part = 2.0 * ellipsoid.a * np.sqrt(spread**2 - distance**2)
    thickness = tissue.lattice.spacing_um[0]
    return np.where(near, np.maximum(1.0, np.minimum(part, cord) / thickness), 0.0)


def _add(tissue: Any, name: str, amount: float) -> None:
    tissue.set_scalar(name, tissue.scalar(name) + amount)
