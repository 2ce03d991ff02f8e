"""Remodelling: dead tissue is cleared and leaves a cavity or a fibrotic scar; blood is absorbed.

    w_necrosis' = -w_necrosis/tau,  of which the share chi becomes cavity and 1 - chi scar
    w_blood'    = -w_blood/14 d,    shared alike

``tau`` 21 d in rodents and 60 d in people; chi 0.05 in mice, whose lesions fill with fibrous tissue, 0.6 in rats
and people, who form cavities. Fractions are dry shares of the voxel; a step of `dt` moves ``w (1 - exp(-dt/
tau))``, exact for any step. The outflow depends on the dead tissue that is there, so a late death is cleared
late.

Sources: shares and the clearance of blood recalled; time constants assumed (to compare with: in rats the lesion
on diffusion MRI grows to week 15, Ellingson 2010, 10.3171/2010.3.SPINE09523, read).

Left out: dependence of clearance on macrophages, merging and growth of cysts under pressure, syrinx, collapse
of the cord (the lattice keeps its shape).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1

from cordgraft.core.contract import Key, Phase, Process, Provision, TransferSpec
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue


class Remodelling(Process):
    """Turn dead tissue and blood into cavity and scar."""

    name = "remodelling"
    phase = Phase.MILIEU
    period_h = 6.0
    provides = Provision(
        transfers=(
            TransferSpec("necrosis", "cavity"),
            TransferSpec("necrosis", "scar"),
            TransferSpec("blood", "cavity"),
            TransferSpec("blood", "scar"),
        )
    )
    reads = ("fraction.necrosis", "fraction.blood")
    deposits = (
        "transfer.necrosis>cavity",
        "transfer.necrosis>scar",
        "transfer.blood>cavity",
        "transfer.blood>scar",
    )

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Time constants and the share that becomes cavity."""

        cavity_share: float = quantity(
            0.05,
            "1",
            "share of dead tissue that becomes cavity; the rest becomes scar",
            bounds=(0.0, 1.0),
            cited=(0.0, 0.15),
            evidence="recalled",
            row="cavity_share_mouse",
            presets={"rat": 0.6, "human": 0.6},
            variants={
                "rat": {"cited": (0.4, 0.8), "row": "cavity_share_rat_human"},
                "human": {"cited": (0.4, 0.8), "row": "cavity_share_rat_human"},
            },
        )
        clearance_time: float = quantity(
            21.0,
            "d",
            "time constant with which dead tissue is cleared",
            bounds=(0.5, 2000.0),
            evidence="assumed",
            presets={"human": 60.0},
        )
        blood_time: float = quantity(
            14.0, "d", "time constant with which blood is absorbed", bounds=(0.5, 2000.0), evidence="recalled"
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Deposit the transfers of one step."""
        chi = self.params.cavity_share
        for kind, time in (("necrosis", self.params.clearance_time), ("blood", self.params.blood_time)):
            cleared = tissue[f"fraction.{kind}"] * -expm1(-key.dt_h / 24.0 / time)
            tissue[f"transfer.{kind}>cavity"][...] += chi * cleared
            tissue[f"transfer.{kind}>scar"][...] += (1.0 - chi) * cleared
