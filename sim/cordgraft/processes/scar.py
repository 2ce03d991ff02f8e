"""Scar: reactive astrocytes, the border they build, chondroitin sulphate proteoglycans, permissive matrix.

Time in days; densities dimensionless:

    U' = 0.6 (a + 0.3 T) (w - U - R) - U/3         activated astrocytes; w = living host tissue (dry share)
    R' = U/3 - R/7                                 scar-forming astrocytes, peak day 5-6
    b' = R (1 - b)/0.7 - b/400                     barrier (0-1), compact by day 14
    C' = k_C (c_b (1 + 30 R + 2 M) (1 - w_cavity) - C)     CSPG, ug/mL; half-life ln2/k_C = 7 d
    l' = (k_v V + g) (1 - l) (1 - w_cavity) - l/30         permissive, laminin-like matrix (0-1)

`a` alarm, `T` TNF-like field, `M` both kinds of macrophages, `V` vessels, `g` what graft cells lay down (array
``density.graft_matrix_rate``, 1/h, read where a process provides it). Astrocytes live in living tissue only, so
the border forms round the dead core and the core itself holds the CSPG of macrophages. Matrix can live on the part
of a cavity that a `scaffold` spans, which its ``w_cavity`` leaves out. CSPG is bound: it does
not spread. The baseline c_b is 4.8 ug/mL-equivalent, so that the rim peaks near 20 (10-40): four times the
in-vitro half-inhibition; no tissue concentration is known (assumed). ``k_v`` gives intact tissue l = 0.05.

The set is solved to second order, with the alarm of the end of the step: with steps of 1, 6, 12 and 24 h the
highest CSPG of a mouse contusion at day 20 came to 13.4, 13.1, 12.1 and 10.0 ug/mL, so steps beyond 6 h are coarse.

Sources: all numbers assumed. To compare with: CSPG peak near day 14 and CSPG-rich matrix for two months in rats
(Jones 2003, Exp Neurol 182:399, read); compact border by day 14 in mice (Wanner 2013, recalled).

Left out: nets round neurons (see `function_index`), proliferation and migration of astrocytes,
fibroblasts as cells (the fibrotic core is a tissue fraction), NG2 of precursor cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, FieldSpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.scaffolds import GROUND, without_ground
from cordgraft.state.tissue import Tissue

#: Signal and reaction below which a voxel counts as at rest and is skipped.
AT_REST = 1e-9

class Scar(Process):
    """Advance astrocytes, barrier, CSPG and matrix in every voxel."""

    name = "scar"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=(
            ArraySpec("density.astrocytes_activated", "1", "activated astrocytes", record=False),
            ArraySpec("density.astrocytes_scar", "1", "scar-forming astrocytes"),
            ArraySpec("density.barrier", "1", "astrocyte border, 1 is closed", bounds=(0.0, 1.0)),
            ArraySpec("density.matrix", "1", "permissive, laminin-like matrix", bounds=(0.0, 1.0)),
            FieldSpec(
                "field.cspg",
                "ug/mL",
                "chondroitin sulphate proteoglycans, equivalent of an in-vitro coat",
                bounds=(0.0, 1e4),
                solver="bound",
            ),
        )
    )
    reads = (
        "map.cord",
        "density.alarm",
        "density.macrophages_pro",
        "density.macrophages_repair",
        "density.vessels",
        "field.tnf",
        "fraction.white",
        "fraction.grey",
        "fraction.cavity",
    )
    optional_reads = ("density.graft_matrix_rate", GROUND)
    writes = (
        "density.astrocytes_activated",
        "density.astrocytes_scar",
        "density.barrier",
        "density.matrix",
        "field.cspg",
    )

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Astrocytes, barrier, CSPG and matrix."""

        activation: float = quantity(
            0.6,
            "1/d",
            "activation of astrocytes by the alarm",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )
        tnf_weight: float = quantity(
            0.3, "1", "weight of the TNF-like factor beside the alarm", bounds=(0.0, 10.0), evidence="assumed"
        )
        maturation_time: float = quantity(
            3.0, "d", "from activated to scar-forming", bounds=(0.1, 100.0), evidence="assumed"
        )
        calming_time: float = quantity(
            7.0, "d", "time constant of scar-forming astrocytes", bounds=(0.1, 1000.0), evidence="assumed"
        )
        closing_time: float = quantity(
            0.7,
            "d",
            "time in which a full density of scar-forming astrocytes closes the border",
            bounds=(0.01, 100.0),
            evidence="assumed",
        )
        opening_time: float = quantity(
            400.0, "d", "time constant with which the border opens", bounds=(1.0, 1e5), evidence="assumed"
        )
        cspg_half_life: float = quantity(
            7.0,
            "d",
            "half-life of CSPG",
            bounds=(0.1, 1000.0),
            evidence="assumed",
        )
        cspg_baseline: float = quantity(
            4.8,
            "ug/mL",
            "CSPG of intact tissue, equivalent of an in-vitro coat",
            bounds=(0.0, 1000.0),
            evidence="assumed",
        )
        cspg_astrocytes: float = quantity(
            30.0,
            "1",
            "CSPG of a full density of scar-forming astrocytes over the baseline",
            bounds=(0.0, 1000.0),
            evidence="assumed",
        )
        cspg_macrophages: float = quantity(
            2.0,
            "1",
            "CSPG of a full density of macrophages over the baseline",
            bounds=(0.0, 1000.0),
            evidence="assumed",
        )
        matrix_baseline: float = quantity(
            0.05, "1", "permissive matrix of intact tissue", bounds=(0.0, 0.99), evidence="assumed"
        )
        matrix_time: float = quantity(
            30.0, "d", "time constant of the loss of permissive matrix", bounds=(0.1, 1e4), evidence="assumed"
        )

    def _matrix_by_vessels(self) -> float:
        """Return the deposit by normal vessels (1/d) that holds the matrix at its baseline."""
        base = float(self.params.matrix_baseline)
        return base / (1.0 - base) / float(self.params.matrix_time)

    def prepare(self, tissue: Tissue) -> None:
        """Give intact tissue its CSPG and matrix; a state that was loaded stays as it is."""
        inside = tissue["map.cord"] != 0
        for name, value in (
            ("field.cspg", self.params.cspg_baseline),
            ("density.matrix", self.params.matrix_baseline),
        ):
            if not tissue[name].any():
                tissue[name][inside] = value

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance every voxel by one step."""
        from cordgraft.kernels.compile import run_blocks
        from cordgraft.kernels.milieu import Scar as State
        from cordgraft.kernels.milieu import ScarGround, ScarRates, scar_all

        def flat(name: str) -> Any:
            return tissue[name].reshape(-1)

        p = self.params
        by_graft = "density.graft_matrix_rate"
        state = State(
            flat("density.astrocytes_activated"),
            flat("density.astrocytes_scar"),
            flat("density.barrier"),
            flat("field.cspg"),
            flat("density.matrix"),
        )
        ground = ScarGround(
            alive=flat("fraction.white") + flat("fraction.grey"),
            drive=flat("density.alarm") + p.tnf_weight * flat("field.tnf"),
            macrophages=flat("density.macrophages_pro") + flat("density.macrophages_repair"),
            vessels=flat("density.vessels"),
            cavity=flat("fraction.cavity"),
            deposit=flat(by_graft) if by_graft in tissue else np.zeros(tissue.lattice.size),
            bare=without_ground(tissue).reshape(-1),
        )
        rates = ScarRates(
            h=key.dt_h / 24.0,
            activate=p.activation,
            mature=1.0 / p.maturation_time,
            calm=1.0 / p.calming_time,
            close=1.0 / p.closing_time,
            reopen=1.0 / p.opening_time,
            turnover=log(2.0) / p.cspg_half_life,
            cspg_base=p.cspg_baseline,
            cspg_astrocytes=p.cspg_astrocytes * p.cspg_baseline,
            cspg_macrophages=p.cspg_macrophages * p.cspg_baseline,
            matrix_vessels=self._matrix_by_vessels(),
            matrix_decay=1.0 / p.matrix_time,
            rest=AT_REST,
        )
        run_blocks(scar_all, tissue.lattice.size, state, ground, rates)
