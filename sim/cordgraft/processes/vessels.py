"""Vessels: density of perfused vessels relative to intact tissue (1 = normal).

    cut         V = 1 - 0.95 i  where the impact kills the share i of the tissue, at once
    rupture     V' = -(1 - i) H(sigma; 0.6, 4) e^(-t/tau_r)/tau_r   t since the injury, sigma its severity there
    regrowth    V' = a_V h(p) S (V_max - V),   S = V + l^2 lap(V),   h(p) = max(0, 1 - p/p_on)
    pruning     V' = -V max(0, V - V_c)/tau_V

``H(x; k, n) = x^n/(x^n + k^n)``. With ``tau_r`` 0.15 d the loss is over within the first day; each voxel keeps
the share of its rupture that is over, so no calendar is read and no immune cell is needed for a vessel to tear.
Hypoxic tissue (`p` below `p_on`, mmHg) sprouts from the vessels in the voxel and next to it, `l` um far; no flux
through the edge of the cord. Regrowth that overshoots what the tissue carries is pruned: ``V_c = w_white + w_grey
+ w_graft + c (w_necrosis + w_scar + w_blood)``, c = 0.5; fluid carries none. Into anoxic tissue the front of half
density moves at 59, 60, 63, 71 and 95 um/d on voxels of 10, 25, 50, 100 and 250 um (measured): on coarse lattices
vessels come sooner.
In intact, oxygenated tissue V stays 1 to the last bit.

Sources: all constants assumed. To compare with: collapse within a day, regrowth days 4-7, thinning by day 14 in the
rat (Casella 2002, 10.1006/exnr.2001.7827, read).

Left out: flow and pressure, spasm, autoregulation, the time that a graft's own vessels need to connect.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1
from typing import Any

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue

_CASELLA = "Casella 2002 (time course, rat)"
_CASELLA_DOI = "10.1006/exnr.2001.7827"


class Vessels(Process):
    """Lose, regrow and prune vessels."""

    name = "vessels"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=(
            ArraySpec(
                "density.vessels", "1", "perfused vessels relative to intact tissue", bounds=(0.0, 5.0)
            ),
            ArraySpec(
                "density.ruptured",
                "1",
                "share of the rupture by the injury that is over",
                bounds=(0.0, 1.0),
                record=False,
            ),
        )
    )
    reads = (
        "map.cord",
        "map.impact",
        "map.severity",
        "field.oxygen",
        "fraction.white",
        "fraction.grey",
        "fraction.graft",
        "fraction.necrosis",
        "fraction.scar",
        "fraction.blood",
    )
    writes = ("density.vessels", "density.ruptured")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Loss, regrowth and pruning."""

        core_density: float = quantity(
            0.05,
            "1",
            "vessel density that the injury leaves in tissue it kills",
            bounds=(0.0, 1.0),
            evidence="assumed",
            source=_CASELLA,
            doi=_CASELLA_DOI,
        )
        rupture_time: float = quantity(
            0.15,
            "d",
            "time constant with which vessels round the core rupture",
            bounds=(0.001, 30.0),
            evidence="assumed",
        )
        rupture_half: float = quantity(
            0.6,
            "1",
            "local severity at which half of the vessels rupture",
            bounds=(0.01, 10.0),
            evidence="assumed",
        )
        rupture_power: float = quantity(
            4.0, "1", "steepness of rupture with severity", bounds=(0.1, 20.0), evidence="assumed"
        )
        growth: float = quantity(
            0.7,
            "1/d",
            "rate of regrowth in anoxic tissue",
            bounds=(0.0, 20.0),
            evidence="assumed",
            source=_CASELLA,
            doi=_CASELLA_DOI,
        )
        hypoxia_onset: float = quantity(
            15.0, "mmHg", "oxygen below which vessels sprout", bounds=(0.1, 100.0), evidence="assumed"
        )
        most: float = quantity(
            1.3, "1", "density that regrowth cannot exceed", bounds=(0.0, 5.0), evidence="assumed"
        )
        sprout_length: float = quantity(
            35.0, "um", "length over which sprouts reach a neighbour", bounds=(0.0, 500.0), evidence="assumed"
        )
        pruning_time: float = quantity(
            4.0,
            "d",
            "time constant of the loss of vessels that the tissue cannot carry",
            bounds=(0.1, 1000.0),
            evidence="assumed",
            source=_CASELLA,
            doi=_CASELLA_DOI,
        )
        carried_by_dead: float = quantity(
            0.5,
            "1",
            "density that dead tissue, scar and blood carry",
            bounds=(0.0, 2.0),
            evidence="assumed",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        self._segments: Any = None

    def prepare(self, tissue: Tissue) -> None:
        """Fill intact tissue with vessels (a state that was loaded stays as it is) and cut the segments."""
        from cordgraft.kernels.transport import make_segments

        self._segments = make_segments(tissue["map.cord"])
        vessels = tissue["density.vessels"]
        if not vessels.any():
            vessels[...] = tissue["map.cord"] != 0

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance every voxel by one step."""
        from cordgraft.kernels.compile import run_blocks
        from cordgraft.kernels.milieu import VesselGround, VesselRates, vessel_all
        from cordgraft.kernels.transport import exchange_rates, neighbour_mean

        def flat(name: str) -> Any:
            return tissue[name].reshape(-1)

        p = self.params
        reach = exchange_rates(p.sprout_length**2, tissue.lattice.shape, tissue.lattice.spacing_um)
        ground = VesselGround(
            impact=flat("map.impact"),
            severity=flat("map.severity"),
            oxygen=flat("field.oxygen"),
            sprouts=neighbour_mean(tissue["density.vessels"], self._segments, reach).reshape(-1),
            white=flat("fraction.white"),
            grey=flat("fraction.grey"),
            graft=flat("fraction.graft"),
            necrosis=flat("fraction.necrosis"),
            scar=flat("fraction.scar"),
            blood=flat("fraction.blood"),
        )
        rates = VesselRates(
            h=key.dt_h / 24.0,
            left=p.core_density,
            rupture_step=-expm1(-key.dt_h / 24.0 / p.rupture_time),
            rupture_half=p.rupture_half,
            rupture_power=p.rupture_power,
            grow=p.growth,
            onset=p.hypoxia_onset,
            most=p.most,
            prune=1.0 / p.pruning_time,
            dead=p.carried_by_dead,
        )
        vessels, done = flat("density.vessels"), flat("density.ruptured")
        run_blocks(vessel_all, tissue.lattice.size, vessels, done, ground, rates)
