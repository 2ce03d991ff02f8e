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

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.state.maps import FRACTIONS
from cordgraft.state.tissue import Tissue


class TissueTransfer(Process):
    """Apply and clear all transfers."""

    name = "tissue_transfer"
    phase = Phase.REMODEL
    period_h = 1.0
    writes = ("fraction.*", "transfer.*")
    essential = True

    def step(self, tissue: Tissue, key: Key) -> None:
        """Apply the deposits of this tick."""
        from cordgraft.kernels.transfer import apply_transfers

        if not tissue.transfers:
            return
        names = list(FRACTIONS)
        sources = [names.index(spec.source) for spec in tissue.transfers]
        targets = [names.index(spec.target) for spec in tissue.transfers]
        apply_transfers(
            tuple(tissue[f"fraction.{name}"].reshape(-1) for name in names),
            tissue.transfer_buffer.reshape(len(tissue.transfers), -1),
            np.array([sources, targets]),
        )
