"""Secretion: the trophic factor and the permissive matrix that grafted cells make.

The trophic factor is BDNF-like and measured in units of its dissociation constant ``K_d``. A voxel of volume
``V`` (L) with ``n`` simulated cells, each standing for ``m`` living ones, deposits per hour::

    source = sum over cells of (m q r / (V K_d))          q mol/cell/h of an astrocyte, r relative output

with ``r`` 1 for astrocytes, 0.3 for precursors, 0.2 for neurons, times the output of the line. ``m`` is
``cells_per_agent`` and *not* the represented weight of a cell: in a section the voxel is the slab's own, and the
cells in it are those that really lie in that volume; the weight, which spreads them over the whole cord, would
raise the concentration by the ratio of the graft's width to the slab's thickness. So the source per volume is the
same in a section and in a volume, whatever the slab's thickness and `m`. The field is not: nothing leaves a section
sideways, so that a graft which is narrow against the length of the field keeps too much. Over a mouse lesion the
section was 2.8 times too high ten days after the graft and 1.4 times after fifty, in a human cord 5 times (measured).

The field spreads with ``D`` and decays with its half-life (defaults: length sqrt(D/k) = 1.0 mm). ``q`` over
``K_d`` is assumed such that packed astrocytes would settle at 10 K_d.

Astrocytes lay down laminin-like matrix: ``density.graft_matrix_rate`` is `matrix_rate` times the share of the
voxel's capacity that they fill, 1/h, for the process that owns the matrix.

Outputs are summed as whole millionths, so that the sum is exact and the order of the rows does not matter.

Sources: diffusivity recalled; the half-life is assumed so that NGF falls to a tenth of its peak over 2-3 mm (Krewson
1996, 10.1016/0006-8993(96)00378-2); outputs, affinity and the rate of matrix assumed.

Left out: dilution into the extracellular space, uptake by receptors, dependence of secretion on age or injury.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, FieldSpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.cells import CellKind
from cordgraft.state.lines import LINES, line_values

HOURS = 24.0
#: Spacing of the whole numbers in which outputs are summed.
MILLIONTHS = 1e6
#: One mol per um3 in nM.
NM_PER_MOL_UM3 = 1e24


class Secretion(Process):
    """Deposits the trophic factor and reports the matrix that astrocytes lay down."""

    name = "secretion"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=(
            FieldSpec(
                "field.trophic",
                "1",
                "trophic factor of the graft, in units of its dissociation constant",
                bounds=(0.0, np.inf),
                diffusivity_um2_s=25.0,
                decay_per_h=log(2.0) / 8.0,
                source="BDNF-like; diffusivity recalled, half-life assumed",
            ),
            ArraySpec(
                "density.graft_matrix_rate",
                "1/h",
                "rate at which graft astrocytes lay down permissive matrix",
                bounds=(0.0, np.inf),
                record=False,
            ),
        )
    )
    reads = ("cell.site", "cell.kind", "cell.line", "map.cell_capacity")
    writes = ("density.graft_matrix_rate",)
    deposits = ("source.trophic",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """The factor and who makes how much of it."""

        diffusivity: float = quantity(
            25.0,
            "um2/s",
            "diffusivity of the trophic factor in tissue",
            bounds=(0.01, 500.0),
            cited=(3.0, 35.0),
            evidence="recalled",
            row="bdnf_nt3_gdnf_diffusion_tissue",
        )
        half_life: float = quantity(
            8.0,
            "h",
            "half-life of the trophic factor in tissue (that of NGF)",
            bounds=(0.05, 240.0),
            cited=(5.0, 12.0),
            evidence="assumed",
            source="with the diffusivity of NGF it gives the 2-3 mm to a tenth of the peak of Krewson 1996",
            doi="10.1016/0006-8993(96)00378-2",
            row="ngf_half_life_tissue",
        )
        affinity: float = quantity(
            0.1,
            "nM",
            "dissociation constant of the factor and its receptor",
            bounds=(1e-3, 100.0),
            evidence="assumed",
        )
        output: float = quantity(
            3.6e-22,
            "mol/cell/h",
            "trophic factor that one astrocyte releases",
            bounds=(0.0, 1e-18),
            evidence="assumed",
        )
        precursor_output: float = quantity(
            0.3,
            "1",
            "trophic output of a precursor over that of an astrocyte",
            bounds=(0.0, 100.0),
            evidence="assumed",
        )
        neuron_output: float = quantity(
            0.2,
            "1",
            "trophic output of a neuron over that of an astrocyte",
            bounds=(0.0, 100.0),
            evidence="assumed",
        )
        matrix_rate: float = quantity(
            0.1,
            "1/d",
            "rate at which packed astrocytes lay down matrix",
            bounds=(0.0, 24.0),
            evidence="assumed",
        )

    def prepare(self, tissue: Any) -> None:
        """Put the diffusivity and the decay of the factor in force."""
        tissue.coefficients["trophic"] = (self.params.diffusivity, log(2.0) / self.params.half_life)

    def step(self, tissue: Any, key: Key) -> None:
        """Deposit the release of one period."""
        table = tissue.cells
        if len(table) == 0:
            tissue["density.graft_matrix_rate"][...] = 0.0
            return
        p = self.params
        relative = np.zeros((len(LINES), len(CellKind)))
        relative[:, CellKind.ASTROCYTE] = 1.0
        relative[:, CellKind.PRECURSOR] = p.precursor_output
        relative[:, CellKind.NEURON] = p.neuron_output
        relative *= np.array(line_values("trophic"))[:, None]
        whole = np.round(relative * MILLIONTHS)[table["line"], table["kind"]]
        # whole numbers in float64: exact below 2^53, so the order of the sum is of no consequence
        outputs = np.bincount(table["site"], weights=whole, minlength=tissue.lattice.size)
        voxels = np.flatnonzero(outputs)
        per_unit = tissue.setting.cells_per_agent * p.output * NM_PER_MOL_UM3
        per_unit /= MILLIONTHS * p.affinity * tissue.lattice.voxel_um3
        tissue["source.trophic"].reshape(-1)[voxels] += outputs[voxels] * per_unit
        self._matrix(tissue, table["site"][table["kind"] == CellKind.ASTROCYTE])

    def _matrix(self, tissue: Any, sites: Any) -> None:
        """Write the rate at which the astrocytes at `sites` lay down matrix."""
        rate = tissue["density.graft_matrix_rate"].reshape(-1)
        rate[...] = 0.0
        counts = np.bincount(sites, minlength=tissue.lattice.size)
        voxels = np.flatnonzero(counts)
        filled = counts[voxels] / tissue["map.cell_capacity"].reshape(-1)[voxels]
        rate[voxels] = (self.params.matrix_rate / HOURS) * filled
