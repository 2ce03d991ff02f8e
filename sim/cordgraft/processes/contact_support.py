"""Contact support: what host tissue gains from grafted cells that touch it, beside what they release.

What is modelled
----------------
Part of the support by a graft needs contact and the regional identity of the host. It is an occupancy, 0 to 1, and adds
to that of trophic receptors::

    F = min(1, c/(1 + c) + s),   s = limit chi (1 - e^(-n 4/3 pi (20 um)^3))

``c`` trophic factor in units of its dissociation constant (`secretion`); ``n`` density of grafted neurons and
astrocytes in the voxel, each times the output of its line; ``chi`` mean of the identity of their lines, weighted alike:
1 spinal, 0.1 forebrain (catalogue of lines). The bracket is the chance that at least one such cell lies within reach of
a point, as in `contact`; places within a voxel are not followed. A section holds the cells that really lie in its slab,
so ``n`` is the same in a section and in a volume.

``s`` is ``density.contact_support``, written for every voxel. Those who read it decide what it helps:

=================  =========================================================================
`at_risk`          tissue at risk in the voxel is saved by ``F`` in place of ``c/(1 + c)``
`axon_growth`      growth cones *of the host* feel ``F`` in their cue ``Q``, but do not steer by it; graft axons, which
                   touch their own graft everywhere, do not feel it
`function_index`   ``F`` over the white matter near the lesion raises the limit of plasticity
=================  =========================================================================

Symbols: n 1/um3; F, s, chi, limit 1.

Sources
-------
That spinal and not rostral identity counts: corticospinal axons enter spinal and not rostral grafts, PMC4860037 (read).
The law, its strength and its reach are assumed: vary them first.

What is left out
----------------
Contact across the border of a voxel, maturity of the cells, and support of grafted cells by the host. Precursors and
undifferentiated cells give none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.cells import CellKind
from cordgraft.state.growth_land import CONTACT_SUPPORT
from cordgraft.state.lines import LINES, line_values

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

#: Spacing of the whole numbers in which cells are summed, so that the order of the rows does not matter.
MILLIONTHS = 1e6
#: Cells that support what they touch.
SUPPORTING: tuple[CellKind, ...] = (CellKind.NEURON, CellKind.ASTROCYTE)


class ContactSupport(Process):
    """Writes the support that grafted cells give by contact."""

    name = "contact_support"
    phase = Phase.MILIEU
    period_h = 6.0
    provides = Provision(
        arrays=(
            ArraySpec(
                CONTACT_SUPPORT,
                "1",
                "support by contact with grafted cells, added to trophic occupancy",
                bounds=(0.0, 1.0),
                record=False,
            ),
        )
    )
    reads = ("cell.site", "cell.kind", "cell.line")
    writes = (CONTACT_SUPPORT,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """How much contact can do, and how near is near."""

        limit: float = quantity(
            1.0,
            "1",
            "support, as an occupancy, in full contact with cells of spinal identity",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        reach: float = quantity(
            20.0,
            "um",
            "distance within which a grafted cell is in contact",
            bounds=(0.1, 200.0),
            evidence="assumed",
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Write the support of the cells that are there now."""
        support = tissue[CONTACT_SUPPORT].reshape(-1)
        support[...] = 0.0
        if len(tissue.cells) == 0:
            return
        output = np.zeros((len(LINES), len(CellKind)))
        output[:, list(SUPPORTING)] = np.array(line_values("trophic"))[:, None]
        whole = np.round(output * MILLIONTHS)
        alike = np.round(whole * np.array(line_values("identity_match"))[:, None])
        site, line, kind = tissue["cell.site"], tissue["cell.line"], tissue["cell.kind"]
        # whole numbers in float64: exact below 2^53, so the order of the sum is of no consequence
        cells, fitting = (
            np.bincount(site, minlength=support.size, weights=of[line, kind]) for of in (whole, alike)
        )
        voxels = np.flatnonzero(cells)
        p = self.params
        density = cells[voxels] / MILLIONTHS * tissue.setting.cells_per_agent / tissue.lattice.voxel_um3
        near = -np.expm1(-density * 4.0 / 3.0 * np.pi * p.reach**3)
        support[voxels] = p.limit * fitting[voxels] / cells[voxels] * near
