"""Oxygen: the balance of spread, supply by vessels and uptake, in mmHg.

    0 = D lap(p) + P V (p_b - p) - q p/(p + K),   no flux through the edge of the cord
    P = P_w W + P_g G,   q = w_white q_w + w_grey q_g + w_scar q_s + q_i (n + M1 + M2) + r N

`D` 1800 um2/s; blood ``p_b`` 30 mmHg; `V` vessels relative to intact tissue; `W`, `G` white and grey share of the
place before the injury (they set how many vessels a density of one means); `w` dry fractions now; uptake of grey
matter 16 mmHg/s, of white a third; `n`, `M` neutrophils and macrophages, for which a saturated voxel takes up as
much as grey matter (assumed: without them a dead core would be the best supplied place of the cord); `N` grafted
cells per m3, each taking up ``r`` = 1e-17 mol/s over the solubility 1.16e-3 mol/m3/mmHg; `K` 1 mmHg. The exchange
P follows from balance at rest, ``P = q p/((p + K)(p_b - p))`` at p = 20 mmHg and ``p_b - p`` = 10 mmHg: 1.5 /s in
grey and 0.5 /s in white matter. Oxygen settles within minutes, so the steady balance is solved at each step, from
the last solution on, until no voxel is further than `tolerance` from its own balance: by relaxation, or by
multigrid where the length of oxygen is many voxels. With 1e-3 mmHg the field was within 0.01 mmHg of the exact
solution at every time of a mouse contusion that was looked at.

Consequences, held by tests: p falls below the critical 7.5 mmHg where V is about 0.4, in grey and white alike;
an avascular sphere of 2e5 cells/uL is anoxic inside beyond a radius of about 350 um.

Sources: solubility PMC34443 (read); cortex takes up 31.5 mmHg/s (derived from 8.2e-4 over 2.6e-5 mL/mL), half of
it taken for the cord (assumed); grey to white 3:1 (Hayashi 1983, read); ``p_b - p`` at rest
10.1177/0271678X19870068 (read); diffusivity and K recalled.

Left out: exchange with the fluid round the cord, the dissociation curve along a capillary, breathing of oxygen,
another diffusivity in fluid, cells that consume less when starved (the balance has one uptake per cell).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from cordgraft.core.contract import FieldSpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, count, quantity
from cordgraft.state.tissue import Tissue

#: Rate (1/s) of supply and uptake in a dead core: what the over-relaxation is tuned for.
SLOWEST_RATE = 0.05
#: Voxels per length of oxygen in a dead core from which on multigrid is the quicker solver.
LONG_VOXELS = 30.0


class Oxygen(Process):
    """Solve the steady balance of oxygen."""

    name = "oxygen"
    phase = Phase.TRANSPORT
    period_h = 1.0
    provides = Provision(
        arrays=(
            FieldSpec(
                "field.oxygen",
                "mmHg",
                "oxygen pressure of the tissue",
                bounds=(0.0, 1000.0),
                diffusivity_um2_s=1800.0,
                solver="steady",
            ),
        )
    )
    reads = (
        "map.cord",
        "map.white",
        "map.grey",
        "density.vessels",
        "density.neutrophils",
        "density.macrophages_pro",
        "density.macrophages_repair",
        "fraction.white",
        "fraction.grey",
        "fraction.scar",
    )
    optional_reads = ("density.cells",)
    writes = ("field.oxygen",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Numbers of the balance and of its solver."""

        diffusivity: float = quantity(
            1800.0,
            "um2/s",
            "diffusivity of oxygen in tissue",
            bounds=(1.0, 1e4),
            cited=(1500.0, 2000.0),
            evidence="recalled",
            row="oxygen_diffusion_tissue",
        )
        solubility: float = quantity(
            1.16e-3,
            "mol/m3/mmHg",
            "solubility of oxygen in tissue",
            bounds=(1e-5, 1e-1),
            cited=(1.0e-3, 1.3e-3),
            evidence="read",
            source="PMC34443",
            row="oxygen_solubility_tissue",
        )
        grey_uptake: float = quantity(
            16.0,
            "mmHg/s",
            "uptake of grey matter",
            bounds=(0.0, 200.0),
            cited=(10.0, 31.5),
            evidence="assumed",
            row="oxygen_uptake_gray",
        )
        grey_to_white: float = quantity(
            3.0,
            "1",
            "uptake of grey over that of white matter",
            bounds=(0.1, 20.0),
            cited=(2.5, 3.5),
            evidence="read",
            source="Hayashi 1983 (rat cord)",
            row="oxygen_consumption_gray_white_ratio",
        )
        scar_uptake: float = quantity(
            2.7,
            "mmHg/s",
            "uptake of fibrotic scar (half of white matter)",
            bounds=(0.0, 200.0),
            evidence="assumed",
        )
        infiltrate_uptake: float = quantity(
            16.0,
            "mmHg/s",
            "uptake of a voxel saturated with neutrophils or macrophages (as grey matter)",
            bounds=(0.0, 200.0),
            evidence="assumed",
        )
        cell_uptake: float = quantity(
            1e-17,
            "mol/cell/s",
            "uptake of a grafted cell",
            bounds=(0.0, 1e-14),
            cited=(1e-17, 4.8e-17),
            evidence="assumed",
            source="lower end of the range; the upper end is that of hepatocytes in construct models",
            row="oxygen_uptake_per_cell_upper",
        )
        michaelis: float = quantity(
            1.0,
            "mmHg",
            "pressure of half uptake",
            bounds=(0.01, 50.0),
            cited=(0.5, 3.0),
            evidence="recalled",
            row="oxygen_michaelis_constant",
        )
        rest: float = quantity(
            20.0,
            "mmHg",
            "tissue pressure at rest",
            bounds=(1.0, 100.0),
            cited=(15.0, 30.0),
            evidence="recalled",
        )
        capillary_difference: float = quantity(
            10.0,
            "mmHg",
            "pressure of blood over tissue at rest",
            bounds=(0.5, 100.0),
            cited=(5.0, 20.0),
            evidence="read",
            source="mouse cortex",
            doi="10.1177/0271678X19870068",
            row="capillary_tissue_po2_difference",
        )
        tolerance: float = quantity(
            1e-3,
            "mmHg",
            "largest distance of a voxel from its own balance at which the solver stops",
            bounds=(1e-12, 1.0),
            evidence="assumed",
        )
        most_sweeps: int = count(
            20000, "sweeps of the relaxation after which it gives up", bounds=(1, 1_000_000)
        )
        solver: str = choice(
            "auto",
            ("auto", "relaxation", "multigrid"),
            "solver of the steady balance; auto takes multigrid where a dead core is many voxels of its length wide",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        #: The solver by relaxation, made for one cord.
        self._relaxation: Any = None
        #: The medium of the multigrid solver, or None where relaxation is chosen.
        self._medium: Any = None
        #: Exchange with blood where vessels are whole (1/s) : (nx, ny, nz).
        self._exchange: Any = None

    # ------------------------------------------------------------------------------------ the balance
    def blood(self) -> float:
        """Return the pressure of blood, mmHg."""
        return float(self.params.rest) + float(self.params.capillary_difference)

    def exchange(self, uptake: float) -> float:
        """Return the exchange with blood (1/s) at which tissue of this uptake (mmHg/s) is at rest."""
        p = self.params
        return float(uptake * p.rest / ((p.rest + p.michaelis) * p.capillary_difference))

    def uptake_of_cells(self, per_um3: float) -> float:
        """Return the uptake (mmHg/s) of a density of grafted cells (cells/um3)."""
        return float(per_um3 * 1e18 * self.params.cell_uptake / self.params.solubility)

    def supply_and_uptake(self, tissue: Tissue) -> tuple[Any, Any]:
        """Return the supply rate (1/s) and the largest uptake (mmHg/s) per voxel, each (nx, ny, nz)."""
        from cordgraft.kernels.balance import Demand, Uptakes, demand_all
        from cordgraft.kernels.compile import run_blocks

        p = self.params

        def flat(name: str) -> Any:
            return tissue[name].reshape(-1)

        grafted = "density.cells" in tissue
        demand = Demand(
            exchange=self._exchange.reshape(-1),
            vessels=flat("density.vessels"),
            neutrophils=flat("density.neutrophils"),
            pro=flat("density.macrophages_pro"),
            repair=flat("density.macrophages_repair"),
            white=flat("fraction.white"),
            grey=flat("fraction.grey"),
            scar=flat("fraction.scar"),
            cells=flat("density.cells" if grafted else "fraction.grey"),
        )
        living = tissue.setting.cells_per_agent / tissue.lattice.voxel_um3
        uptakes = Uptakes(
            white=p.grey_uptake / p.grey_to_white,
            grey=p.grey_uptake,
            scar=p.scar_uptake,
            immune=p.infiltrate_uptake,
            cell=self.uptake_of_cells(living) if grafted else 0.0,
        )
        supply, uptake = np.empty(tissue.lattice.shape), np.empty(tissue.lattice.shape)
        out = (supply.reshape(-1), uptake.reshape(-1))
        run_blocks(demand_all, tissue.lattice.size, out, demand, uptakes)
        return supply, uptake

    # -------------------------------------------------------------------------------------- the steps
    def prepare(self, tissue: Tissue) -> None:
        """Cut the cord into segments, lay out the exchange; intact tissue starts at rest (a loaded state stays)."""
        from cordgraft.kernels.balance import SEGMENT_VOXELS, Relaxation
        from cordgraft.kernels.transport import make_segments

        self._relaxation = Relaxation(make_segments(tissue["map.cord"], SEGMENT_VOXELS), tissue.lattice.shape)
        grey = float(self.params.grey_uptake)
        self._exchange = self.exchange(grey / self.params.grey_to_white) * tissue["map.white"]
        self._exchange += self.exchange(grey) * tissue["map.grey"]
        tissue.coefficients["oxygen"] = (self.params.diffusivity, 0.0)
        solver = self._solver(tissue)
        tissue.field_notes["oxygen"] = {
            "solver": solver,
            "edge": "closed",
            "lattice": " x ".join(
                f"{h:g}"
                for h, n in zip(tissue.lattice.spacing_um, tissue.lattice.shape, strict=True)
                if n > 1
            )
            + " um",
            "step": "steady",
            "expected error": f"defect up to {self.params.tolerance:g} mmHg",
        }
        self._medium = None
        if solver == "multigrid":
            from cordgraft.kernels.medium import make_medium

            self._medium = make_medium(
                tissue["map.cord"], tissue.lattice.spacing_um, float(self.params.diffusivity)
            )
        oxygen = tissue["field.oxygen"]
        if not oxygen.any():
            oxygen[tissue["map.cord"] != 0] = self.params.rest

    def _solver(self, tissue: Tissue) -> str:
        """Return the solver that the lattice asks for, or the one that is forced."""
        if self.params.solver != "auto":
            return str(self.params.solver)
        inner = [h for h, n in zip(tissue.lattice.spacing_um, tissue.lattice.shape, strict=True) if n > 1]
        length = sqrt(self.params.diffusivity / SLOWEST_RATE)
        return "multigrid" if inner and length > LONG_VOXELS * min(inner) else "relaxation"

    def step(self, tissue: Tissue, key: Key) -> None:
        """Solve the balance, from the last solution on.

        Raises
        ------
        ArithmeticError
            If the tolerance is not met within the sweeps allowed.
        """
        from cordgraft.kernels.balance import Balance
        from cordgraft.kernels.transport import exchange_rates

        p = self.params
        supply, uptake = self.supply_and_uptake(tissue)
        if not supply.any() and not uptake.any():
            return  # nothing comes in and nothing goes out
        if self._medium is not None:
            from cordgraft.kernels.medium import with_loss
            from cordgraft.kernels.solvers import solve_steady

            solve_steady(
                tissue["field.oxygen"],
                with_loss(self._medium, self._medium.volume * supply),
                supply * self.blood(),
                uptake=uptake,
                michaelis=p.michaelis,
                tolerance=p.tolerance / self.blood(),
                scale=self.blood(),
            )
            return
        rates = exchange_rates(p.diffusivity, tissue.lattice.shape, tissue.lattice.spacing_um)
        damping = 2.0 * sum(rates)
        jacobi = damping / (damping + SLOWEST_RATE)
        balance = Balance(*rates, self.blood(), p.michaelis, 2.0 / (1.0 + sqrt(1.0 - jacobi**2)), 0)
        self._relaxation.solve(
            tissue["field.oxygen"], supply, uptake, balance, float(p.tolerance), int(p.most_sweeps)
        )
