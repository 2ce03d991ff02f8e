"""Hindrance: how much each tissue slows the spread of large molecules.

Molecules spread through the narrow, winding space between the cells. Against free fluid it slows them by the
square of the tortuosity ``lambda`` of the tissue, ``D = D_free/lambda^2``. Fields are declared with the diffusivity
that was measured in grey matter, so a voxel with the dry fractions ``w_k`` spreads them ``sum w_k (lambda_grey /
lambda_k)^2`` times as fast: along the cord with the tortuosity of white matter along its fibres, across it with
the one across them. Cavity, blood and cerebrospinal fluid are free fluid (lambda 1). Fibrotic scar is taken as
dense as white matter across its fibres, the graft as young grey matter, dead tissue as swollen fluid between
remains (assumed).

``spread_along`` and ``spread_across`` are brought up to date once a day; transport builds its matrices from them.

Sources: tortuosities of the cord, small ions, recalled; for proteins hindrance and binding add to it, which the
diffusivity of each field contains.

Left out: fibres that do not run along the cord (roots, commissures), swelling of the cells by oedema, the barrier of
membranes that line a cavity, flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue

_FLUID = ("fraction.cavity", "fraction.blood", "fraction.csf")
_READS = (
    "map.cord",
    "fraction.white",
    "fraction.grey",
    "fraction.scar",
    "fraction.graft",
    "fraction.necrosis",
    *_FLUID,
)


def _tortuosity(value: float, meaning: str, cited: tuple[float, float] | None, row: str = "") -> Any:
    return quantity(
        value,
        "1",
        meaning,
        bounds=(1.0, 10.0),
        cited=cited,
        evidence="recalled" if row else "assumed",
        row=row,
    )


class Hindrance(Process):
    """Set how fast molecules spread in every voxel, relative to grey matter."""

    name = "hindrance"
    phase = Phase.MILIEU
    period_h = 24.0
    provides = Provision(
        arrays=(
            ArraySpec(
                "density.spread_along",
                "1",
                "diffusivity along the cord over that of grey matter",
                bounds=(0.0, 100.0),
                record=False,
            ),
            ArraySpec(
                "density.spread_across",
                "1",
                "diffusivity across the cord over that of grey matter",
                bounds=(0.0, 100.0),
                record=False,
            ),
            ArraySpec("scalar.spread_version", "1", "how often the diffusivities were set"),
        )
    )
    reads = _READS
    writes = ("density.spread_along", "density.spread_across", "scalar.spread_version")

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Tortuosity per tissue."""

        grey: float = _tortuosity(1.55, "tortuosity of grey matter", (1.45, 1.65), "tortuosity_gray")
        white_along: float = _tortuosity(
            1.4, "tortuosity of white matter along its fibres", (1.35, 1.5), "tortuosity_white_parallel"
        )
        white_across: float = _tortuosity(
            1.8, "tortuosity of white matter across its fibres", (1.7, 1.9), "tortuosity_white_perpendicular"
        )
        scar: float = _tortuosity(1.8, "tortuosity of fibrotic scar", None)
        graft: float = _tortuosity(1.55, "tortuosity of the graft", None)
        necrosis: float = _tortuosity(1.25, "tortuosity of dead tissue", None)

    def prepare(self, tissue: Tissue) -> None:
        """Everything spreads as in grey matter until the first step (a loaded state stays as it is)."""
        for name in ("density.spread_along", "density.spread_across"):
            if not tissue[name].any():
                tissue[name][...] = tissue["map.cord"] != 0

    def step(self, tissue: Tissue, key: Key) -> None:
        """Set both maps from the tissue fractions."""
        p = self.params
        fluid = p.grey**2 * sum(tissue[name] for name in _FLUID)
        common = tissue["fraction.grey"] + fluid
        for name, tortuosity in (("scar", p.scar), ("graft", p.graft), ("necrosis", p.necrosis)):
            common += (p.grey / tortuosity) ** 2 * tissue[f"fraction.{name}"]
        cord = tissue["map.cord"] != 0
        white = tissue["fraction.white"]
        for name, tortuosity in (("along", p.white_along), ("across", p.white_across)):
            spread = common + (p.grey / tortuosity) ** 2 * white
            np.multiply(spread, cord, out=tissue[f"density.spread_{name}"])
        tissue.set_scalar("spread_version", tissue.scalar("spread_version") + 1.0)
