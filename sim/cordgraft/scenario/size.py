"""How much memory and time a run will take, before anything large is made, and whether it fits at all.

Memory: the arrays of the lattice are counted exactly, from the specs of the active processes, and twice: a checkpoint
copies the state. Solvers and temporaries, tables of cells and fibres, and the program itself come on top, with
factors that were measured (docs/scale.md). The largest number of simulated cells is taken to be what a delivery
brings; a line that forms tumours may outgrow it.

Time: fixed costs and costs per voxel, cell and fibre of the groups of processes that run together, measured on one
thread, times the speed of this machine against the one of the measurement, which a probe of some
milliseconds compares. Nobody knows beforehand how many cells survive: `SURVIVING` of those that arrive are taken,
as in the shipped scenarios. Expect a factor of two, more on a busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec, Process, TransferSpec, provisions
from cordgraft.core.lattice import Lattice
from cordgraft.core.memory import free_memory
from cordgraft.core.problems import BadInput, Problem
from cordgraft.processes.graft_delivery import GraftDelivery, ellipsoid_for, section_share
from cordgraft.scenario.config import Config
from cordgraft.scenario.treatments import first_graft_h
from cordgraft.state.axons import AXON_COLUMNS, HOST_TRACTS
from cordgraft.state.cells import CELL_COLUMNS
from cordgraft.state.maps import FRACTION_SPECS, MAP_SPECS
from cordgraft.state.tissue import GRIDS

#: Part of the machine's free memory that a run may plan to use.
MEMORY_SHARE = 0.8
#: Memory of the program with its libraries and compiled kernels, bytes.
PROGRAM = 260e6
#: Bytes per voxel of temporaries, and of the solver of each field that something is deposited into.
TEMPORARY, SOLVER = 180, 330
#: Bytes per simulated cell (a row, room to grow, sorting, a copy) and per fibre (with its path and tips).
PER_CELL, PER_FIBRE = 310, 2200
#: Bytes per voxel of a scan while its masks are read and carried over: values, shares, labels and four channels.
PER_SCAN_VOXEL = 90
#: Share of the grafted cells that lives on, for the time alone.
SURVIVING = 0.15
#: Coarsest voxels that are looked for in place of those that do not fit, as a multiple.
COARSEST = 64.0


@dataclass(frozen=True)
class Cost:
    """Seconds of one step of some processes: fixed, and per voxel of a section or volume, cell and fibre."""

    fixed: float
    section: float = 0.0
    volume: float = 0.0
    cell: float = 0.0
    fibre: float = 0.0


#: Groups by a process whose period they share; a median of runs in a section and in volumes of 0.1 to 1.7e6 voxels.
COSTS: dict[str, Cost] = {
    "transport": Cost(2.3e-3, section=6e-8, volume=1.85e-7, cell=1e-8),
    "cell_turnover": Cost(1.2e-3, cell=3e-7),
    "axon_injury": Cost(0.6e-3, fibre=1.5e-6),
    "contact": Cost(4e-3),
}
#: Seconds that `_probe` takes at best on the machine of the measurement.
PROBE_S = 5.7e-4


@dataclass(frozen=True)
class Estimate:
    """Size of a run before it starts.

    Parameters
    ----------
    voxels, arrays, cells, fibres : int
        Voxels, arrays with one value each per voxel, simulated cells at most, simulated host fibres.
    state_bytes, work_bytes, table_bytes, peak_bytes : int
        Arrays of the lattice; their copy, solvers and temporaries; cells and fibres; everything.
    available_bytes : int or None
        Free for a new program; None where the system does not say.
    days : float
    reference_s : float
        Seconds on the machine of the measurement.
    """

    voxels: int
    arrays: int
    cells: int
    fibres: int
    state_bytes: int
    work_bytes: int
    table_bytes: int
    peak_bytes: int
    available_bytes: int | None
    days: float
    reference_s: float

    @property
    def fits(self) -> bool:
        """Whether the run fits into the free memory of this machine (true where that is unknown)."""
        return self.available_bytes is None or self.peak_bytes <= MEMORY_SHARE * self.available_bytes

    @property
    def seconds(self) -> float:
        """Time on this machine, s, one thread, without compiling and drawing."""
        return self.reference_s * slowness()

    def sentence(self) -> str:
        """Return the memory in words."""
        text = (
            f"{self.voxels:,} voxels x {self.arrays} arrays, up to {self.cells:,} simulated cells and {self.fibres:,} "
            f"fibres: about {_gigabytes(self.peak_bytes)} at peak"
        )
        if self.available_bytes is not None:
            text += f", {_gigabytes(self.available_bytes)} free"
        return text

    def time_sentence(self) -> str:
        """Return the time in words."""
        whole = self.seconds
        per_day = f"{whole / self.days:.2g} s per simulated day" if self.days > 0.0 else "no day"
        return f"about {in_time(whole)} on one thread of this machine, within a factor of two ({per_day})"

    def as_record(self) -> dict[str, Any]:
        """Return the numbers for programs."""
        return {
            "voxels": self.voxels,
            "cells": self.cells,
            "fibres": self.fibres,
            "peak_bytes": self.peak_bytes,
            "available_bytes": self.available_bytes,
            "fits": self.fits,
            "seconds": round(self.seconds, 1),
            "seconds_per_day": round(self.seconds / self.days, 3) if self.days > 0.0 else None,
        }


def declarations(processes: Iterable[Process]) -> tuple[list[ArraySpec], list[TransferSpec]]:
    """Return every array and transfer of a run: those of the state and those the processes provide."""
    return provisions(tuple(processes), (*MAP_SPECS, *FRACTION_SPECS, *CELL_COLUMNS, *AXON_COLUMNS))


def estimate_of(
    config: Config, lattice: Lattice, active: Iterable[Process], resting: Iterable[Process] = ()
) -> Estimate:
    """Return what a run of these processes on this lattice will need, and what is free."""
    active = tuple(active)
    arrays, transfers = declarations((*active, *resting))
    grids = [spec for spec in arrays if spec.group in GRIDS]
    diffusing = [spec for spec in grids if spec.group == "field"]
    count = len(grids) + len(diffusing) + len(transfers)
    per_voxel = sum(np.dtype(spec.dtype).itemsize for spec in grids) + 8 * (len(diffusing) + len(transfers))
    fed = {name for process in active for name in process.deposits if name.startswith("source.")}
    cells = sum(_founders(config, process) for process in active if isinstance(process, GraftDelivery))
    fibres = sum(
        int(getattr(process.params, f"{tract.name.lower()}_simulated"))
        for process in active
        if process.name == "axon_injury"
        for tract in HOST_TRACTS
    )
    state = per_voxel * lattice.size
    work = state + (TEMPORARY + SOLVER * len(fed)) * lattice.size
    tables = PER_CELL * cells + PER_FIBRE * fibres
    return Estimate(
        voxels=lattice.size,
        arrays=count,
        cells=cells,
        fibres=fibres,
        state_bytes=state,
        work_bytes=work,
        table_bytes=tables,
        peak_bytes=int(PROGRAM + state + work + tables),
        available_bytes=free_memory(),
        days=config.duration_h / 24.0,
        reference_s=_reference_s(config, lattice, cells, fibres),
    )


def _founders(config: Config, graft: GraftDelivery) -> int:
    """Return how many simulated cells a delivery brings if nothing is lost for want of room."""
    p = graft.params
    staying = p.dose * p.viability * (1.0 - p.backflow)
    share = 1.0
    if config.geometry.section == "midsagittal" and staying > 0.0:
        deposit = ellipsoid_for(
            staying / p.sites, p.packing_limit, p.elongation, config.geometry.cord_diameter_um
        )
        share = section_share(deposit, config.geometry.slab_um)
    founders: int = ceil(staying * share / config.geometry.cells_per_agent)
    return founders


def _reference_s(config: Config, lattice: Lattice, cells: int, fibres: int) -> float:
    total = 0.0
    alive = SURVIVING * cells
    graft = first_graft_h(config)
    with_cells = 0.0 if graft is None or not cells else max(0.0, config.duration_h - graft)
    for name, cost in COSTS.items():
        period = config.periods_h.get(name, config.tick_h)
        per_step = cost.fixed + (cost.section if lattice.is_section else cost.volume) * lattice.size
        per_step += cost.fibre * fibres
        if name == "cell_turnover":
            total += (cost.fixed + cost.cell * alive) * with_cells / period
            continue
        total += per_step * config.duration_h / period + cost.cell * alive * with_cells / period
    return total


@lru_cache(maxsize=1)
def slowness() -> float:
    """Return how much longer this machine takes than that of the measurement, from a probe of some milliseconds."""
    values = np.linspace(0.0, 1.0, 200_000)
    best = min(_probe(values) for _ in range(9))
    return min(max(best / PROBE_S, 0.1), 20.0)


def _probe(values: NDArray[np.float64]) -> float:
    """Time a mixture of what a tick does, s: passes over an array in place, and small steps of the interpreter."""
    began = time.perf_counter()
    for _ in range(4):
        np.multiply(values, 0.999, out=values)
        np.add(values, 1e-3, out=values)
    total = 0
    for number in range(15_000):
        total += number % 7
    return time.perf_counter() - began


def scan_too_large(voxels: int) -> str:
    """Return why a scan of so many voxels cannot be read here, or an empty string; see `PER_SCAN_VOXEL`."""
    free = free_memory()
    needed = PER_SCAN_VOXEL * voxels
    if free is None or needed <= MEMORY_SHARE * free:
        return ""
    return f"{voxels:,} voxels, about {_gigabytes(needed)} to read; {_gigabytes(free)} free"


def refuse_if_too_large(
    config: Config, lattice: Lattice, active: Iterable[Process], resting: Iterable[Process] = ()
) -> None:
    """Raise `BadInput` with the numbers, and with what would fit, if a run does not fit into the free memory."""
    active, resting = tuple(active), tuple(resting)
    size = estimate_of(config, lattice, active, resting)
    if size.fits:
        return
    edges = " x ".join(f"{edge:g}" for edge in lattice.spacing_um)
    raise BadInput(
        Problem(
            "the lattice does not fit into the memory of this machine: " + size.sentence(),
            key="geometry.voxel",
            value=f"{edges} um",
            allowed=f"at most {MEMORY_SHARE:.0%} of the free memory; {what_fits(config, lattice, active, resting)}",
        )
    )


def what_fits(
    config: Config, lattice: Lattice, active: Iterable[Process], resting: Iterable[Process] = ()
) -> str:
    """Return which larger voxel would fit, in words, or how many cells per agent where voxels are not to blame."""
    active, resting = tuple(active), tuple(resting)
    scale = 1.0
    while scale < COARSEST:
        scale *= 1.02
        if estimate_of(config, _coarser(lattice, scale), active, resting).fits:
            # in a section the slab is no choice of resolution
            edge = max(edge for n, edge in zip(lattice.shape, lattice.spacing_um, strict=True) if n > 1)
            return f"voxels of {_rounded_up(scale * edge)} um would fit, or a shorter length"
    agents = config.geometry.cells_per_agent
    while agents < 10_000:
        agents *= 2
        fewer = replace(config, geometry=replace(config.geometry, cells_per_agent=agents))
        if estimate_of(fewer, lattice, active, resting).fits:
            return f"numerics.cells_per_agent of {min(agents, 10_000)} would fit"
    return "no voxel size and no number of cells per agent would fit"


def _coarser(lattice: Lattice, scale: float) -> Lattice:
    """Return a lattice of the same extent with larger voxels; flat axes stay."""
    shape = tuple(n if n == 1 else max(1, ceil(n / scale)) for n in lattice.shape)
    spacing = tuple(
        h if n == 1 else h * scale for n, h in zip(lattice.shape, lattice.spacing_um, strict=True)
    )
    return Lattice((shape[0], shape[1], shape[2]), (spacing[0], spacing[1], spacing[2]), lattice.origin_um)


def _rounded_up(edge_um: float) -> str:
    """Return a length rounded up to two digits."""
    step = 10.0 ** (len(str(int(edge_um))) - 2)
    return f"{ceil(edge_um / step) * step:g}"


def _gigabytes(number: float) -> str:
    return f"{number / 1e9:.2f} GB" if number < 1e10 else f"{number / 1e9:,.0f} GB"


def in_time(seconds: float) -> str:
    """Return a time in words, to one or two digits: ``40 s``, ``12 min``, ``3.5 h``, ``2 days``."""
    for limit, unit, length in ((90.0, "s", 1.0), (5400.0, "min", 60.0), (172_800.0, "h", 3600.0)):
        if seconds < limit:
            return (
                f"{seconds / length:.2g} {unit}"
                if seconds / length < 10.0
                else f"{seconds / length:.0f} {unit}"
            )
    return f"{seconds / 86_400.0:.2g} days"
