"""TissueTransfer: the one writer of the dry tissue fractions.

Every other mechanism asks: it deposits into ``transfer.A>B`` the share of the dry voxel that it wants to turn
from A into B in this tick. Here all requests are granted at once. Where more is asked of A than is there, all
outflows of A shrink by the same factor, so that no fraction becomes negative and nobody is served first.

``w_k <- w_k - sum_j t_kj + sum_j t_jk``,  ``t_kj = asked_kj min(1, w_k / sum_j asked_kj)``

`w` : dry volume fractions (1), sum 1 in every voxel of the cord; ``t`` : fraction per tick. Rounding is kept
from adding up by dividing the fractions of a changed voxel by their sum. Voxels of which nothing was asked
keep their bits. The transfers of the injury are applied in the tick of the injury.

Sources: none; it is bookkeeping.

Left out: swelling (`oedema` adds water, not dry tissue), and tissue that moves between voxels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import Key, Phase, Process, TransferSpec
from cordgraft.state.maps import FRACTIONS
from cordgraft.state.tissue import Tissue

Array = NDArray[Any]


def _used(amount: Array) -> bool:
    """Return whether anything was deposited : (x, y, z) float64. Bits are compared: a third of the time of `any`."""
    return int(amount.view(np.uint64).max()) != 0


class TissueTransfer(Process):
    """Apply and clear all transfers."""

    name = "tissue_transfer"
    phase = Phase.REMODEL
    period_h = 1.0
    writes = ("fraction.*", "transfer.*")
    essential = True

    def step(self, tissue: Tissue, key: Key) -> None:
        """Apply the deposits of this tick."""
        asked = [
            (spec, tissue[spec.name].reshape(-1)) for spec in tissue.transfers if _used(tissue[spec.name])
        ]
        if not asked:
            return
        touched = asked[0][1] > 0.0
        for _, amount in asked[1:]:
            touched |= amount > 0.0
        sites = np.flatnonzero(touched)
        if sites.size:
            self._apply(tissue, sites, [(spec, np.maximum(amount[sites], 0.0)) for spec, amount in asked])
        for _, amount in asked:
            amount[:] = 0.0

    def _apply(self, tissue: Tissue, sites: Array, wanted: list[tuple[TransferSpec, Array]]) -> None:
        """Grant what is `wanted` : (sites,) float64 per transfer, in the voxels `sites` (flat indices)."""
        fractions = {name: tissue[f"fraction.{name}"].reshape(-1) for name in FRACTIONS}
        after = {name: fraction[sites] for name, fraction in fractions.items()}
        outflow: dict[str, Array] = {}
        for spec, amount in wanted:
            outflow[spec.source] = outflow.get(spec.source, 0.0) + amount
        granted = {
            name: np.minimum(1.0, after[name] / np.where(total > 0.0, total, 1.0))
            for name, total in outflow.items()
        }
        for spec, amount in wanted:
            moved = amount * granted[spec.source]
            after[spec.source] -= moved
            after[spec.target] += moved
        total = np.zeros(sites.size)
        for name in FRACTIONS:
            np.maximum(after[name], 0.0, out=after[name])
            total += after[name]
        for name, fraction in fractions.items():
            fraction[sites] = after[name] / total
