"""Helpers for tests of the milieu: the set of processes between the injury and the tissue, without a scenario."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.core.contract import FieldSpec, Process
from cordgraft.engine.pipeline import Pipeline
from cordgraft.processes.at_risk import AtRisk
from cordgraft.processes.digestion import Digestion
from cordgraft.processes.hindrance import Hindrance
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.injury import Injury
from cordgraft.processes.migration import Migration
from cordgraft.processes.oxygen import Oxygen
from cordgraft.processes.remodelling import Remodelling
from cordgraft.processes.scar import Scar
from cordgraft.processes.subject import Subject
from cordgraft.processes.tissue_transfer import TissueTransfer
from cordgraft.processes.transport import Transport
from cordgraft.processes.vessels import Vessels
from cordgraft.state.maps import FRACTIONS
from cordgraft.state.tissue import Tissue
from tests.support import make_tissue

#: What `Transport` moves besides TNF and enzymes; their own processes belong to the graft and to a treatment.
TROPHIC = FieldSpec(
    "field.trophic", "1", "trophic factor", diffusivity_um2_s=27.5, decay_per_h=np.log(2.0) / 8.0
)
CXCL12 = next(spec for spec in Migration.provides.arrays if spec.name == "field.cxcl12")

KINDS: tuple[type[Process], ...] = (
    Subject,
    Injury,
    Inflammation,
    Vessels,
    Scar,
    AtRisk,
    Remodelling,
    Hindrance,
    Transport,
    Oxygen,
    TissueTransfer,
    Digestion,
)


def make_milieu(
    preset: str = "mouse",
    shape: tuple[int, int, int] = (1, 28, 128),
    spacing_um: tuple[float, float, float] = (50.0, 50.0, 50.0),
    *,
    days: float = 30.0,
    tick_h: float = 1.0,
    seed: int = 1,
    prepare: bool = True,
    **changes: dict[str, Any],
) -> tuple[Tissue, Pipeline]:
    """Return a healthy cord and the checked pipeline; `changes` = process name -> parameters that differ.

    The subject is the mean one unless `changes` says otherwise.
    """
    changes = {"subject": {"variation": 0.0}, **changes}
    processes = [kind(kind.Params.for_preset(preset, **changes.get(kind.name, {}))) for kind in KINDS]
    tissue = make_tissue(
        processes,
        shape,
        spacing_um,
        days=days,
        tick_h=tick_h,
        species=preset.split("_", maxsplit=1)[0],
        seed=seed,
        extra=[TROPHIC, CXCL12],
        prepare=False,
    )
    periods = {process.label: max(tick_h, process.period_h) for process in processes}
    pipeline = Pipeline(processes, tissue.clock, periods)
    pipeline.check(tissue)
    if prepare:
        pipeline.prepare(tissue)
    return tissue, pipeline


def fraction_sum(tissue: Tissue) -> Any:
    """Return the sum of the dry fractions : (nx, ny, nz)."""
    return sum(tissue[f"fraction.{name}"] for name in FRACTIONS)


def spared_at_epicentre(tissue: Tissue) -> float:
    """Return the least share of white matter over all planes, by the area weights of the whole cord."""
    weight = tissue["map.white"] * (tissue["map.rho"] if tissue.lattice.is_section else 1.0)
    alive = np.divide(
        tissue["fraction.white"],
        tissue["map.white"],
        out=np.zeros(tissue.lattice.shape),
        where=tissue["map.white"] > 0.0,
    )
    return float(((weight * alive).sum(axis=(0, 1)) / weight.sum(axis=(0, 1))).min())
