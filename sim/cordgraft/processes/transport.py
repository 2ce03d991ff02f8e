"""Transport: spread and decay of every diffusing field.

``c' = D lap(c) - k c + S`` with one diffusivity `D` (um2/s) and one decay `k` (1/h) per field, no flux through
the edge of the cord, and a source `S` (unit of the field per hour) that is constant over the step. `D` is the
effective diffusivity of tissue: the tortuosity of the extracellular space is in it. The numbers belong to the
process that declares the field; this one moves all of them by the same solver and clears the sources.

Solver: RKL2 super-time-stepping (Meyer, Balsara and Aslam 2014, 10.1016/j.jcp.2013.08.021), second order in
time and space, explicit, mass kept to rounding. Decay is part of the operator: a field at rest meets the
balance of source, spread and decay exactly, whatever the step, which a splitting would miss by the product of
decay and step. The number of stages follows from the stability bound. A step is cut into equal parts where it
is longer than ``longest_step`` or than ``2/k``.

The default period is one hour. Beside point sources (one voxel of 25 um) that jump to the next voxel every six
hours, the field then differs from that of far shorter steps by 0.3 % of its highest value for a slow factor
(half-life 8 h) and by 1 % for a fast one (25 min); with three hours by 3 and 10 %. A source that appears out of
nothing is met with 1-2 % after six hours. Values may undershoot zero by some 1e-5 of the highest one.

A deposit is a rate: processes that deposit must have the period of this one, and others are refused.

Left out: convection with the cerebrospinal fluid, binding other than through an effective `D`, different
diffusivities along and across white-matter tracts and in the cavity, exchange with the fluid round the cord.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue

SECONDS_PER_HOUR = 3600.0
#: Largest product of decay and step: beyond it the slow half of the stiff patterns would show.
MOST_DECAY = 2.0


class Transport(Process):
    """Advance all diffusing fields and clear their sources."""

    name = "transport"
    phase = Phase.TRANSPORT
    period_h = 1.0
    reads = ("map.cord",)
    #: By name, so that the plan shows them and a steady field cannot be meant; `prepare` refuses others.
    writes = ("field.tnf", "field.trophic", "source.tnf", "source.trophic")
    essential = True

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Numbers of the solver; those of the fields stand with the processes that declare them."""

        longest_step: float = quantity(
            1.0,
            "h",
            "longest step of the solver; longer periods are cut into equal parts",
            bounds=(0.01, 24.0),
            evidence="assumed",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        self._segments: Any = None
        self._work: dict[str, Any] = {}

    def prepare(self, tissue: Tissue) -> None:
        """Cut the cord into segments.

        Raises
        ------
        LookupError
            If a process declares a diffusing field that is not in `writes`.
        """
        from cordgraft.kernels.transport import Work, make_segments

        for name in tissue.diffusing:
            if f"field.{name}" not in self.writes or f"source.{name}" not in self.writes:
                raise LookupError(f"add field.{name} and source.{name} to Transport.writes")

        self._segments = make_segments(tissue["map.cord"])
        self._work = {name: Work.of_size(tissue.lattice.size) for name in tissue.diffusing}

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance each field; one that is zero everywhere and has no source is left alone."""
        from cordgraft.kernels.compile import run_tasks

        active = [
            name
            for name in tissue.diffusing
            if tissue[f"field.{name}"].any() or tissue[f"source.{name}"].any()
        ]
        run_tasks(self._advance, [(tissue, name, key.dt_h) for name in active])

    def _advance(self, tissue: Tissue, name: str, dt_h: float) -> None:
        from cordgraft.kernels.transport import advance, exchange_rates

        field, source = tissue[f"field.{name}"], tissue[f"source.{name}"]
        diffusivity, decay = tissue.coefficients[name]
        rates = exchange_rates(
            diffusivity * SECONDS_PER_HOUR, tissue.lattice.shape, tissue.lattice.spacing_um
        )
        parts = max(1, ceil(dt_h / self.params.longest_step), ceil(dt_h * decay / MOST_DECAY))
        for _ in range(parts):
            advance(field, source, self._segments, rates, decay, dt_h / parts, self._work[name])
        source[...] = 0.0
