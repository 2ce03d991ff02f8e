"""Oligodendrocyte precursors of the host that the injury calls, from the call to a cell that makes myelin."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

#: The three steps, per volume of cord; 1 is the density of precursors in an intact cord.
STEPS: tuple[ArraySpec, ...] = (
    ArraySpec("density.opc", "1", "oligodendrocyte precursors called by the injury", bounds=(0.0, np.inf)),
    ArraySpec(
        "density.opc_committed", "1", "those of them that differentiate", bounds=(0.0, np.inf), record=False
    ),
    ArraySpec("density.opc_ready", "1", "those of them that can make myelin", bounds=(0.0, np.inf)),
)
PRECURSORS: tuple[ArraySpec, ...] = (
    *STEPS,
    ArraySpec(
        "density.opc_tissue",
        "1",
        "living host tissue when they were last counted",
        bounds=(0.0, np.inf),
        record=False,
    ),
)
#: What `advance` and `ready_share` read beside them.
PRECURSOR_READS: tuple[str, ...] = (
    "fraction.white",
    "fraction.grey",
    "density.macrophages_pro",
    "density.macrophages_repair",
    "density.debris",
)


def _living(tissue: Tissue) -> NDArray[np.float64]:
    """Return the share of each voxel that is living host tissue : (x, y, z) float64."""
    living: NDArray[np.float64] = np.maximum(tissue["fraction.white"] + tissue["fraction.grey"], 0.0)
    return living


def advance(tissue: Tissue, days: float, call_half: float, stage_d: float, debris_half: float) -> None:
    """Advance the three steps by some days, exactly for what is constant in them.

    Parameters
    ----------
    tissue : Tissue
    days : float
    call_half : float
        Density of macrophages that calls half of the precursors of a tissue, 1.
    stage_d : float
        Mean time of each step, d.
    debris_half : float
        Myelin debris that lets half of them differentiate, 1.
    """
    living, before = _living(tissue), tissue["density.opc_tissue"]
    # precursors die with the tissue they are in: what lives on keeps its own, no more and no fewer
    kept = np.divide(living, before, out=np.zeros_like(living), where=before > 0.0)
    first, second, third = (tissue[spec.name] for spec in STEPS)
    for step in (first, second, third):
        step *= kept
    before[...] = living
    macrophages = tissue["density.macrophages_pro"] + tissue["density.macrophages_repair"]
    called = living * macrophages / (macrophages + call_half)
    passing = 1.0 / (1.0 + tissue["density.debris"] / debris_half)
    t = days / stage_d
    fade = exp(-t)
    rest = passing * called
    surplus = first - called
    first[...] = called + surplus * fade
    surplus *= passing
    middle = second - rest
    second[...] = rest + (middle + surplus * t) * fade
    third[...] = rest + (third - rest + middle * t + surplus * (0.5 * t * t)) * fade


def ready_share(tissue: Tissue, sites: Any) -> NDArray[np.float64]:
    """Return the precursors that can make myelin per volume of living host tissue, 1 as in an intact cord : (n,).

    Parameters
    ----------
    tissue : Tissue
    sites : (n,) int64
        Flat voxels; 0 where none of the host lives.
    """
    living = _living(tissue).reshape(-1)[sites]
    ready = tissue["density.opc_ready"].reshape(-1)[sites]
    found: NDArray[np.float64] = np.divide(ready, living, out=np.zeros(living.shape), where=living > 0.0)
    return found
