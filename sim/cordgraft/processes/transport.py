"""Transport: spread and decay of every diffusing field.

``c' = div(D m grad c) - k c + S``: diffusivity `D` (um2/s) and decay `k` (1/h) belong to the process that declares the
field; ``m`` is how fast the tissue of a place spreads molecules, along and across the cord, relative to grey matter
(see `hindrance`); `S` is what was deposited (unit of the field per hour). At the edge of the cord nothing passes,
unless exchange with the cerebrospinal fluid is asked for: flux out = permeability x field (Robin), or zero there.

**Solver**, by structure, or as `solver` says: with tissue contrast, a cord mask or an open edge the implicit
L-stable SDIRK2 with multigrid; in a box of one medium the step in cosine space, exact in time; for what does not
move a pointwise exponential. RKL2 is there to compare. Each was checked against closed forms.

**Lattice and step of each field** follow from its length sqrt(D/k) and its half-life: the coarsest lattice and the
longest step whose expected errors stay within `accuracy` (see `kernels.resolution` for their derivation; `cordgraft
plan` prints them). What is deposited is added up over the voxels of a block and over the step, decaying meanwhile, so
that no amount is lost and none lasts longer for having waited. Who reads a field sees it interpolated, as it was after
its last step, and zero where it is below the highest value times `tolerance`, which the solver does not know.

A deposit is a rate: processes that deposit must have the period of this one, and others are refused.

Sources: equations as usual; SDIRK2 Alexander 1977 (10.1137/0714068), RKL2 Meyer 2014 (10.1016/j.jcp.2013.08.021).
The permeability of the cord's surface is assumed.

Left out: convection with the cerebrospinal fluid, binding other than through an effective `D`, slow exchange with
the inside of cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, expm1, inf
from typing import Any, NamedTuple

from cordgraft.core.contract import ArraySpec, FieldSpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, count, quantity, switch
from cordgraft.core.problems import BadInput, Problem
from cordgraft.state.tissue import Tissue

SECONDS_PER_HOUR = 3600.0
#: Fewest blocks along an axis that a coarser lattice leaves.
FEWEST_BLOCKS = 4
#: Largest product of decay and step that is made in one go.
MOST_DECAY = 2.0
#: What the solver in cosine space needs, and what else there is.
SPECTRAL_NEEDS = "the spectral solver needs a cord that fills the lattice, one medium and a closed edge"
SPECTRAL_ELSE = (
    "auto, sdirk2 or rkl2; or a section with contrast: false and coarsening: 1 of parameters.transport"
)


class FieldPlan(NamedTuple):
    """How one field is advanced.

    `lattice` : FieldLattice; `step_h` longest step; `solver` by name; expected relative errors of lattice and step.
    """

    lattice: Any
    step_h: float
    solver: str
    lattice_error: float
    step_error: float


def state_of(fields: tuple[str, ...]) -> tuple[ArraySpec, ...]:
    """Return the arrays that hold fields on their own lattices; `Transport.prepare` gives them their shapes."""
    specs = []
    for name in fields:
        specs.append(ArraySpec(f"lattice.{name}", "1", f"{name} on its own lattice", record=False))
        meaning = f"what was deposited into {name} since its last step"
        specs.append(ArraySpec(f"lattice.{name}_deposit", "1", meaning, record=False))
    return tuple(specs)


def written(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arrays that advancing these fields writes."""
    groups = ("field.{}", "source.{}", "lattice.{}", "lattice.{}_deposit")
    return tuple(group.format(name) for name in fields for group in groups)


#: By name, so that the plan shows them and a steady field cannot be meant; `prepare` refuses others.
FIELDS = ("tnf", "trophic", "enzyme", "enzyme_stable", "cxcl12")


class Transport(Process):
    """Advance all diffusing fields and clear their sources."""

    name = "transport"
    phase = Phase.TRANSPORT
    period_h = 1.0
    provides = Provision(arrays=state_of(FIELDS))
    reads = ("map.cord", "density.spread_along", "density.spread_across", "scalar.spread_version")
    writes = written(FIELDS)
    essential = True
    prepared_last = True

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Numbers of the solver; those of the fields stand with the processes that declare them."""

        solver: str = choice(
            "auto",
            ("auto", "spectral", "sdirk2", "rkl2"),
            "solver of all diffusing fields; auto follows their structure",
        )
        contrast: bool = switch(True, "whether tissues spread molecules at their own speed")
        accuracy: float = quantity(
            0.05,
            "1",
            "expected relative error of a field, of a single source, up to which its lattice may be coarser and its "
            "step longer",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        coarsening: int = count(
            0,
            "voxels per voxel of the fields' lattices along each axis; 0 follows the accuracy",
            bounds=(0, 64),
        )
        step: float | None = quantity(
            None,
            "h",
            "longest step of a field, a multiple of the period; none follows the accuracy",
            bounds=(0.01, 24.0),
            evidence="assumed",
        )
        tolerance: float = quantity(
            1e-5,
            "1",
            "relative residual of an implicit stage (mass is kept exactly)",
            bounds=(1e-13, 1e-2),
            evidence="assumed",
        )
        edge: str = choice(
            "closed",
            ("closed", "exchange", "fixed"),
            "edge of the cord: closed, exchange with fluid that washes everything away, or a field of zero there",
        )
        edge_permeability: float = quantity(
            0.1,
            "um/s",
            "permeability of the cord's surface where the edge is one of exchange",
            bounds=(0.0, 1e4),
            evidence="assumed",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        #: Plan of each field by short name.
        self.plans: dict[str, FieldPlan] = {}
        self._solvers: dict[str, Any] = {}
        self._media: dict[Any, Any] = {}
        self._version = -1.0

    # -------------------------------------------------------------------------------------- the choices
    def prepare(self, tissue: Tissue) -> None:
        """Choose lattice, step and solver of every field and make room for it.

        Raises
        ------
        LookupError
            If a process declares a diffusing field that is not in `writes`.
        BadInput
            If a solver is forced that cannot serve this cord.
        """
        for name in tissue.diffusing:
            if f"field.{name}" not in self.writes or f"source.{name}" not in self.writes:
                raise LookupError(f"add {name} to the fields of Transport")
        tissue.transport_period_h = self.period_h
        self._version = -1.0
        self._solvers.clear()
        self._media.clear()
        lattices: dict[int, Any] = {}
        for name in tissue.diffusing:
            plan = self._plan(tissue, name, lattices)
            self.plans[name] = plan
            for array in (f"lattice.{name}", f"lattice.{name}_deposit"):
                tissue.give_shape(array, plan.lattice.shape)
            tissue.field_notes[name] = self._note(tissue, plan)

    def _plan(self, tissue: Tissue, name: str, lattices: dict[int, Any]) -> FieldPlan:
        from cordgraft.kernels import resolution
        from cordgraft.kernels.field_lattice import FieldLattice

        p = self.params
        per_s, decay = tissue.coefficients[name]
        diffusivity = per_s * SECONDS_PER_HOUR
        shape = tissue.lattice.shape
        extents = [(n, h) for n, h in zip(shape, tissue.lattice.spacing_um, strict=True) if n > 1]
        dimensions = max(1, len(extents))
        spacing = max((h for _, h in extents), default=tissue.lattice.spacing_um[2])
        most = max(1, min((n for n, _ in extents), default=1) // FEWEST_BLOCKS)
        spec = tissue.specs[f"field.{name}"]
        origin = spec.origin if isinstance(spec, FieldSpec) else "cells"
        if p.coarsening:
            coarsening = min(p.coarsening, most)
        elif diffusivity == 0.0 or p.edge != "closed":
            coarsening = 1  # a block is too far from an open surface that runs along its side
        else:
            coarsening = resolution.choose_coarsening(
                diffusivity, decay, spacing, dimensions, origin, p.accuracy, most
            )
        if coarsening not in lattices:
            x, y, z = (coarsening if n > 1 else 1 for n in shape)
            lattices[coarsening] = FieldLattice(tissue["map.cord"], (x, y, z))
        lattice = lattices[coarsening]
        solver = self._solver_of(lattice, diffusivity)
        period, wide = self.period_h, coarsening * spacing
        if p.step is not None:
            step_h = max(period, p.step)
        else:
            step_h = period * resolution.choose_steps(
                diffusivity, decay, wide, dimensions, origin, p.accuracy, period, 24.0
            )
        exact = solver in ("spectral", "pointwise")
        return FieldPlan(
            lattice,
            step_h,
            solver,
            resolution.lattice_error(diffusivity, decay, spacing, coarsening, dimensions, origin),
            0.0 if exact else resolution.step_error(diffusivity, decay, wide, step_h, dimensions, origin),
        )

    def _solver_of(self, lattice: Any, diffusivity: float) -> str:
        """Return the solver that the structure asks for, or the one that is forced."""
        if diffusivity == 0.0:
            return "pointwise"
        whole = bool((lattice.volume == 1.0).all())
        plain = whole and not self.params.contrast and self.params.edge == "closed"
        if self.params.solver == "spectral" and not plain:
            raise BadInput(
                Problem(
                    SPECTRAL_NEEDS,
                    key="parameters.transport.solver",
                    value="spectral",
                    allowed=SPECTRAL_ELSE,
                )
            )
        if self.params.solver != "auto":
            return str(self.params.solver)
        return "spectral" if plain else "sdirk2"

    def _note(self, tissue: Tissue, plan: FieldPlan) -> dict[str, str]:
        """Return what `cordgraft plan` says of a field."""
        spacing = [h * f for h, f in zip(tissue.lattice.spacing_um, plan.lattice.factors, strict=True)]
        inner = [h for h, n in zip(spacing, tissue.lattice.shape, strict=True) if n > 1]
        return {
            "solver": plan.solver,
            "edge": str(self.params.edge),
            "lattice": " x ".join(f"{h:g}" for h in inner) + " um",
            "step": f"{_periods(plan.step_h, self.period_h) * self.period_h:g} h",
            "expected error": f"lattice {100.0 * plan.lattice_error:.1f} %, step {100.0 * plan.step_error:.1f} %",
        }

    # ----------------------------------------------------------------------------------------- the step
    def step(self, tissue: Tissue, key: Key) -> None:
        """Collect what was deposited and advance the fields that are due; an empty one is left alone."""
        from cordgraft.kernels.compile import run_tasks

        if tissue.scalar("spread_version") != self._version:
            self._version = tissue.scalar("spread_version")
            self._solvers.clear()
            self._media.clear()
        turn = round(key.tick * tissue.clock.tick_h / key.dt_h) + 1
        some = run_tasks(self._collect, [(tissue, name, key.dt_h) for name in self.plans])
        due = []
        for (name, plan), anything in zip(self.plans.items(), some, strict=True):
            if anything and turn % _periods(plan.step_h, key.dt_h) == 0:
                if name not in self._solvers:
                    self._solvers[name] = self._make_solver(tissue, name, plan)
                due.append((tissue, name, key.dt_h))
        run_tasks(self._advance, due)

    def _collect(self, tissue: Tissue, name: str, dt_h: float) -> bool:
        """Take over the deposits of one period; returns whether there is anything to advance."""
        decay = tissue.coefficients[name][1]
        # what waits for the end of the step decays meanwhile, as it would in the field
        found, held = self.plans[name].lattice.collect(
            tissue[f"lattice.{name}_deposit"],
            tissue[f"source.{name}"],
            exp(-decay * dt_h),
            _lasting(decay, dt_h),
        )
        return found or held or bool(tissue[f"lattice.{name}"].any())

    def _make_solver(self, tissue: Tissue, name: str, plan: FieldPlan) -> Any:
        from cordgraft.kernels.medium import Edge, coarsen, make_medium, scaled
        from cordgraft.kernels.solvers import make_solver

        p = self.params
        per_s, decay = tissue.coefficients[name]
        diffusivity = per_s * SECONDS_PER_HOUR
        factors = plan.lattice.factors
        spread: Any = (1.0, 1.0, 1.0)
        if p.contrast:
            across = tissue["density.spread_across"]
            spread = (across, across, tissue["density.spread_along"])
        cord, spacing = tissue["map.cord"], tissue.lattice.spacing_um
        if p.edge == "closed":
            if factors not in self._media:
                if (1, 1, 1) not in self._media:
                    self._media[(1, 1, 1)] = make_medium(cord, spacing, spread)
                self._media[factors] = coarsen(self._media[(1, 1, 1)], factors)
            medium = scaled(self._media[factors], diffusivity, decay)
        else:
            permeability = inf if p.edge == "fixed" else p.edge_permeability * SECONDS_PER_HOUR
            through = tuple(diffusivity * m for m in spread)
            # the lattice ends at the surface of the cord across it, and in the middle of the cord along it
            walls = "y" if tissue.lattice.is_section else "xy"
            fine = make_medium(cord, spacing, through, decay, Edge.exchange(permeability), walls)
            medium = coarsen(fine, factors)
        return make_solver(plan.solver, medium, p.tolerance)

    def _advance(self, tissue: Tissue, name: str, dt_h: float) -> None:
        """Make the step of a field that ends here."""
        plan = self.plans[name]
        decay = tissue.coefficients[name][1]
        deposit = tissue[f"lattice.{name}_deposit"]
        step_h = _periods(plan.step_h, dt_h) * dt_h
        values = tissue[f"lattice.{name}"]
        # the constant source of which as much is left at the end of the step as of what was deposited
        deposit /= _lasting(decay, step_h)
        # beyond decay x step of 2 the scheme would turn what fades into its opposite
        parts = max(1, ceil(decay * step_h / MOST_DECAY - 1e-9))
        for _ in range(parts):
            self._solvers[name].advance(values, deposit, step_h / parts)
        deposit[...] = 0.0
        plan.lattice.interpolate(tissue[f"field.{name}"], values, self.params.tolerance)


def _periods(step_h: float, period_h: float) -> int:
    """Return how many periods fit into a step, at least one."""
    return max(1, int(step_h / period_h + 1e-9))


def _lasting(decay: float, hours: float) -> float:
    """Return how much of a source of one per hour is left after `hours`, ``(1 - e^(-k t))/k``."""
    return hours if decay == 0.0 else -expm1(-decay * hours) / decay
