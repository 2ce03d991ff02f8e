"""Mass effect: a graft that outgrows its room presses on the cord round it.

Cells of a line with weak contact inhibition go on dividing where all is full (see `cell_turnover`), and room shrinks
where tissue closes in. What is beyond the room of a place and of what lies round it presses, and pressure spreads along
the cord over about half its depth::

    e = max(0, g * (n - K))                                excess of a place, cells
    P(z) = (G * sum of a e) / (G * sum of a K)             over each level of the cord

``n`` cells of a voxel, and ``K`` cells that fit into it as its tissue is now (lesion room and the gaps of host tissue);
`g` a Gaussian over the cord with the standard deviation `give`: neighbours shove each other that far until nobody is
pressed; ``a`` the area of the whole cord that a voxel stands for (half a ring in a section); `G` a Gaussian along the
cord with the standard deviation `reach`; `P` excess over room, 1: 0 for a graft that fits, 1 for one that would need
twice its room. Two things follow::

    drive of every tract  x kappa,   kappa = e^(-s P_max)          at once, and it comes back when the pressure goes
    w_white' = -k P w_white,   w_grey' = -k P w_grey               dead for good; fibres in dead tissue break

``P_max`` the largest pressure of any level, since a fibre is blocked at its worst place, whether it was spared, has
regrown or ends at a relay in the graft; `s` `block`; `k` `loss` per day. A cord without a graft, and one whose voxels
all have places for their cells, are not touched by a bit.

Sources: that a tumour-forming graft first helps and then harms is read (Nori 2015, PMID 25684226); the form and all
numbers are assumed, none is fitted to it.

Left out: flow of blood and of fluid under pressure, displacement of tissue (the lattice keeps its shape), vertebral
canal and decompression, pain; relays that a growing mass destroys.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision, TransferSpec
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.extrusion import cord_area_um2

HOURS = 24.0


class MassEffect(Process):
    """Turns what a graft has beyond its room into pressure, and pressure into loss."""

    name = "mass_effect"
    phase = Phase.REMODEL
    period_h = 6.0
    provides = Provision(
        arrays=(
            ArraySpec(
                "scalar.graft_pressure",
                "1",
                "largest pressure of the graft on a level of the cord: excess over room",
                initial=np.nan,  # without a graft, and where this mechanism is switched off
                bounds=(0.0, np.inf),
            ),
            ArraySpec(
                "scalar.graft_conduction",
                "1",
                "share of every tract's drive that the pressure of the graft leaves",
                initial=1.0,
                bounds=(0.0, 1.0),
            ),
        ),
        transfers=(TransferSpec("white", "necrosis"), TransferSpec("grey", "necrosis")),
    )
    reads = (
        "cell.id",
        "map.cord",
        "map.volume",
        "density.cells",
        "density.cell_capacity",
        "density.cell_places",
        "fraction.white",
        "fraction.grey",
    )
    writes = ("scalar.graft_pressure", "scalar.graft_conduction")
    deposits = ("transfer.white>necrosis", "transfer.grey>necrosis")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """How far pressure reaches and what it does."""

        give: float = quantity(
            100.0,
            "um",
            "distance within which crowded cells shove each other into what room there is (as far as division pushes)",
            bounds=(0.0, 1e4),
            evidence="assumed",
        )
        reach: float = quantity(
            700.0,
            "um",
            "distance along the cord over which the pressure of a graft spreads (half the depth of the cord)",
            bounds=(0.0, 1e5),
            evidence="assumed",
            presets={"rat": 1200.0, "human": 3700.0, "human_thoracic": 3150.0, "human_thoracolumbar": 3500.0},
        )
        block: float = quantity(
            1.0,
            "1",
            "how strongly pressure takes drive away; 0 not at all",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        loss: float = quantity(
            0.02,
            "1/d",
            "rate at which host tissue dies where the graft would need twice its room",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )

    def step(self, tissue: Any, key: Key) -> None:
        """Find the pressure of every level and ask for the tissue that it kills."""
        if len(tissue.cells) == 0:
            tissue.set_scalar("graft_pressure", np.nan)
            tissue.set_scalar("graft_conduction", 1.0)
            return
        pressure = self.pressure(tissue)
        largest = float(pressure.max())
        tissue.set_scalar("graft_pressure", largest)
        tissue.set_scalar("graft_conduction", exp(-self.params.block * largest))
        if largest == 0.0 or self.params.loss == 0.0:
            return
        dying = -np.expm1(-self.params.loss * pressure * key.dt_h / HOURS)
        for kind in ("white", "grey"):
            tissue[f"transfer.{kind}>necrosis"][...] += dying * tissue[f"fraction.{kind}"]

    def pressure(self, tissue: Any) -> NDArray[np.float64]:
        """Return the pressure of every level along the cord, excess over room : (nz,) float64."""
        from scipy.ndimage import gaussian_filter1d

        spacing = tissue.lattice.spacing_um
        excess = self._excess(tissue)
        if excess is None:
            return np.zeros(tissue.lattice.shape[2])
        area = cord_area_um2(tissue)
        levels = [(area * cells).sum(axis=(0, 1)) for cells in (excess, tissue["density.cell_capacity"])]
        width = self.params.reach / spacing[2]
        spread = [gaussian_filter1d(one, width, mode="nearest") if width > 0.0 else one for one in levels]
        pressure: NDArray[np.float64] = np.zeros(levels[0].size)
        np.divide(spread[0], spread[1], out=pressure, where=spread[1] > 0.0)
        return pressure

    def _excess(self, tissue: Any) -> NDArray[np.float64] | None:
        """Return the cells of each voxel that are beyond all room round it : (x, y, z), or None if all have places."""
        from scipy.ndimage import find_objects, gaussian_filter

        cells, places = tissue["density.cells"], tissue["density.cell_places"]
        full = cells > places
        if not full.any():
            return None
        widths = [
            self.params.give / h if n > 1 else 0.0
            for h, n in zip(tissue.lattice.spacing_um, tissue.lattice.shape, strict=True)
        ]
        # only round what is crowded: the Gaussian ends after four standard deviations
        box = tuple(
            slice(max(0, part.start - ceil(8.0 * w)), min(n, part.stop + ceil(8.0 * w)))
            for part, w, n in zip(find_objects(full.astype(np.int8))[0], widths, cells.shape, strict=True)
        )
        # places round the room of a voxel up or down: only what is beyond both is pressed
        beyond = cells[box] - np.maximum(tissue["density.cell_capacity"][box], places[box])
        excess = np.zeros(cells.shape)
        cord = (tissue["map.cord"][box] > 0).astype(np.float64)
        pressed, inside = (
            gaussian_filter(one, widths, mode="constant", truncate=4.0) for one in (beyond, cord)
        )
        # the pia holds: the Gaussian counts only as far as there is cord
        excess[box] = np.maximum(0.0, np.divide(pressed, inside, out=np.zeros_like(cord), where=cord > 0.0))
        return excess
