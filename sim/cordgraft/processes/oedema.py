"""Oedema: fluid of broken vessels swells the tissue, spreads along the cord and is cleared again.

Per voxel, time in days:

    L' = v d(ruptured)/dt - L/tau_l        vessels that leak
    E' = f L - E/tau_E                     oedema, share of the swollen volume

``v = s^4/(s^4 + 0.6^4)`` is the share of vessels that a local severity ``s`` breaks, ``ruptured`` how far that has gone
(see `vessels`); so a later injury of vessels would swell the tissue later. ``f`` 2 per day; ``tau_l`` 0.83 d and
``tau_E`` 7 d give a peak near day 2 and 7 % of it at day 21. `E` is stored apart from the dry tissue fractions: as it
fades, the tissue that it swelled is there again, and spared white matter never counts it as lost.

A voxel swells by at most ``E_max`` 0.3, because the cord soon fills its sheath; what exceeds that moves to the next
voxels along the cord that have room, half of it either way. So the length of the oedema grows with how much leaks, and
the severity sets how far it spills. What reaches the end of the lattice, or of the
cord where it has a gap, is gone.

Sources: growth to about 48 h and resolution in about three weeks are what was read (to compare with); spilling along
the cord after the sheath is filled: PMC3689934 (read). All numbers assumed.

Left out: pressure of the swelling on vessels and axons, flow in the central canal and the perivascular spaces, the
sheath's own stiffness, drugs against oedema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue


class Oedema(Process):
    """Let fluid into the tissue and out of it."""

    name = "oedema"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=(
            ArraySpec("density.oedema", "1", "oedema, share of the swollen volume", bounds=(0.0, 1.0)),
            ArraySpec("density.leak", "1", "vessels that leak, relative", bounds=(0.0, 1.0), record=False),
            ArraySpec(
                "density.leak_counted",
                "1",
                "share of the rupture whose vessels have begun to leak",
                bounds=(0.0, 1.0),
                record=False,
            ),
        )
    )
    reads = ("map.cord", "map.severity", "density.ruptured")
    writes = ("density.oedema", "density.leak", "density.leak_counted")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Leak, clearance and room."""

        flow: float = quantity(
            2.0,
            "1/d",
            "fluid that leaks a day where all vessels are broken, in volumes of the tissue",
            bounds=(0.0, 100.0),
            evidence="assumed",
        )
        closing_time: float = quantity(
            0.83, "d", "time constant with which vessels close again", bounds=(0.01, 60.0), evidence="assumed"
        )
        clearance_time: float = quantity(
            7.0, "d", "time constant with which fluid is cleared", bounds=(0.1, 365.0), evidence="assumed"
        )
        rupture_half: float = quantity(
            0.6,
            "1",
            "local severity at which half of the vessels break",
            bounds=(0.01, 2.0),
            evidence="assumed",
        )
        rupture_power: float = quantity(4.0, "1", "steepness of that", bounds=(0.5, 20.0), evidence="assumed")
        most: float = quantity(
            0.3,
            "1",
            "largest share of oedema before the sheath is filled",
            bounds=(0.01, 0.9),
            evidence="assumed",
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance every voxel by one step."""
        from cordgraft.kernels.compile import run_blocks
        from cordgraft.kernels.oedema import Swelling, SwellingGround, SwellingRates, leak_all, spill_all

        def flat(name: str) -> Any:
            return tissue[name].reshape(-1)

        p = self.params
        state = Swelling(flat("density.leak"), flat("density.leak_counted"), flat("density.oedema"))
        ground = SwellingGround(flat("map.cord"), flat("density.ruptured"), flat("map.severity"))
        rates = SwellingRates(
            h=key.dt_h / 24.0,
            flow=p.flow,
            close=1.0 / p.closing_time,
            clear=1.0 / p.clearance_time,
            half=p.rupture_half,
            power=p.rupture_power,
            most=p.most,
        )
        run_blocks(leak_all, tissue.lattice.size, state, ground, rates)
        oedema = tissue["density.oedema"]
        if float(oedema.max()) <= p.most:
            return
        rows = oedema.reshape(-1, oedema.shape[2])
        cord = tissue["map.cord"].reshape(rows.shape)
        run_blocks(spill_all, rows.shape[0], rows, cord, p.most, np.empty((rows.shape[0], 2, rows.shape[1])), block=256)
