"""Grafted cells: hazard, commitment and division.

Bodies carry the biology of one cell, loops visit rows ``start .. stop``. A body reads the state of the tissue
as it was before the step and writes only its own row, so that neither the order of the rows nor the number of
threads matters; conflicts over places are settled afterwards, in `cordgraft.kernels.cell_places`.

Rates are per hour and become probabilities by ``1 - exp(-rate dt)``. Factors that decay with age are integrated
over the step in closed form. Both together make waiting times independent of the period of a process.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.core.streams import Stream
from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.random import uniform, uniform_pair

_DIVISION = int(Stream.DIVISION)
_FATE = int(Stream.FATE)

#: The numbers of `cordgraft.state.cells.CellKind`; a test holds the two together.
UNDIFFERENTIATED, PRECURSOR, NEURON, ASTROCYTE, OLIGODENDROCYTE = range(5)
#: Daughters of one cell between two turnovers, at most; a cell of default speed has two in one step of 1000.
MOST_DAUGHTERS = 200


class Draw(NamedTuple):
    """Key of the random numbers and length of the step; `tick_h` turns ticks into ages."""

    seed: Any
    tick: int
    dt_h: float
    tick_h: float


class Cells(NamedTuple):
    """Columns of the table ``cell`` that kernels use, (n,) each."""

    id: Any
    line: Any
    site: Any
    kind: Any
    grafted_tick: Any
    committed_tick: Any
    heading: Any
    new_heading: Any
    hazard: Any
    daughters: Any
    division_target: Any
    move_target: Any


class Space(NamedTuple):
    """The lattice as cells see it; arrays are flat (voxel,), C order.

    `count` simulated cells (float64), `places` they may take (int32), `capacity` the same not rounded (float64);
    `barrier` and `white` float64, 0-1; `shape` voxels and `spacing` um per axis.
    """

    cord: Any
    count: Any
    places: Any
    capacity: Any
    barrier: Any
    white: Any
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]


def cells_of(tissue: Any) -> Cells:
    """Return the columns of the cell table; views, valid until rows are added or dropped."""
    view: Cells = tissue.cells.view(Cells)
    return view


def space_of(tissue: Any) -> Space:
    """Return the lattice as the cells see it; views, nothing is copied."""
    return Space(
        cord=tissue["map.cord"].reshape(-1),
        count=tissue["density.cells"].reshape(-1),
        places=tissue["density.cell_places"].reshape(-1),
        capacity=tissue["density.cell_capacity"].reshape(-1),
        barrier=tissue["density.barrier"].reshape(-1),
        white=tissue["fraction.white"].reshape(-1),
        shape=tissue.lattice.shape,
        spacing=tissue.lattice.spacing_um,
    )


def draw_of(tissue: Any, key: Any) -> Draw:
    """Return the key of a process step in the types that the compiled kernels expect."""
    return Draw(np.uint64(key.seed), int(key.tick), float(key.dt_h), float(tissue.clock.tick_h))


@body
def probability(amount: Any) -> Any:
    """Return the chance that something with this integrated rate has happened."""
    return -np.expm1(-amount)


@body
def decaying(age_h: Any, dt_h: Any, decay: Any) -> Any:
    """Return the integral of ``exp(-decay s)`` for s from `age_h` to ``age_h + dt_h``, hours."""
    if decay <= 0.0:
        return dt_h
    return -np.exp(-decay * age_h) * np.expm1(-decay * dt_h) / decay


@body
def crowding(site: Any, space: Any) -> Any:
    """Return n/K as the cell itself meets it: the *others* in its voxel over what the voxel can hold.

    Without taking itself off, a lone cell would inhibit itself by 1/K, and a fine lattice (few places a voxel)
    would grow grafts more slowly than a coarse one. The whole simulated cell is taken off, however many living
    ones it stands for: it is a sample of them, and the others of the sample say how many more there are. Counted
    as its own neighbours they stopped all division where a voxel holds few simulated cells.
    """
    capacity = space.capacity[site]
    if capacity <= 0.0:
        return np.inf
    return max(0.0, (space.count[site] - 1.0) / capacity)


# ---------------------------------------------------------------------------------------------- hazard
class Dangers(NamedTuple):
    """Death rates per hour and their cues; `oxygen` (mmHg) and `tnf` flat (voxel,) float64."""

    handling: float
    handling_decay: float
    background: float
    hypoxia: float
    critical_oxygen: float
    inflammation: float
    tnf_half: float
    oxygen: Any
    tnf: Any


@body
def hazard_one(i: Any, cells: Any, dangers: Any, draw: Any) -> None:
    """Add the death hazard of one cell over this step (dimensionless).

    A cell that was grafted since the last step catches up with the time since then: its first hours are the worst.
    """
    site = cells.site[i]
    age = (draw.tick - cells.grafted_tick[i]) * draw.tick_h
    missed = age if age < draw.dt_h else 0.0
    lack = max(0.0, 1.0 - dangers.oxygen[site] / dangers.critical_oxygen)
    tnf = max(0.0, dangers.tnf[site])
    inflamed = tnf * tnf / (tnf * tnf + dangers.tnf_half * dangers.tnf_half)
    rate = dangers.background + dangers.hypoxia * lack + dangers.inflammation * inflamed
    early = dangers.handling * decaying(age - missed, draw.dt_h + missed, dangers.handling_decay)
    cells.hazard[i] += early + rate * (draw.dt_h + missed)


@kernel
def hazard_loop(start: Any, stop: Any, cells: Any, dangers: Any, draw: Any) -> None:
    """Deposit hazards for rows ``start .. stop``."""
    for i in range(start, stop):
        hazard_one(i, cells, dangers, draw)


# ---------------------------------------------------------------------------------------------- fate
class Choices(NamedTuple):
    """Commitment: rates per hour, odds and cues.

    `leaning` (line, 3): odds of neuron, astrocyte, oligodendrocyte; `crowded`, `inflamed`, `touching` the
    exponents of the local cues; `inflammation` flat (voxel,) cue J, 0-1.
    """

    commit: float
    leave: float
    leaning: Any
    crowded: float
    inflamed: float
    touching: float
    migratory: float
    inflammation: Any


@body
def commit_one(i: Any, cells: Any, space: Any, choices: Any, draw: Any) -> None:
    """Let one undifferentiated cell become a precursor, or one precursor commit."""
    kind = cells.kind[i]
    if kind != UNDIFFERENTIATED and kind != PRECURSOR:
        return
    chance, choice = uniform_pair(draw.seed, cells.id[i], draw.tick, _FATE, 0)
    rate = choices.leave if kind == UNDIFFERENTIATED else choices.commit
    if chance >= probability(rate * draw.dt_h):
        return
    cells.committed_tick[i] = draw.tick
    if kind == UNDIFFERENTIATED:
        cells.kind[i] = PRECURSOR
        return
    site, line = cells.site[i], cells.line[i]
    neuron = choices.leaning[line, 0] * np.exp(choices.crowded * min(1.0, crowding(site, space)))
    astrocyte = choices.leaning[line, 1] * np.exp(choices.inflamed * choices.inflammation[site])
    oligodendrocyte = choices.leaning[line, 2] * np.exp(choices.touching * space.white[site])
    choice *= neuron + astrocyte + oligodendrocyte
    if choice < neuron:
        cells.kind[i] = NEURON
        return
    if choice >= neuron + astrocyte:
        cells.kind[i] = OLIGODENDROCYTE
        return
    cells.kind[i] = ASTROCYTE
    travels, side = uniform_pair(draw.seed, cells.id[i], draw.tick, _FATE, 1)
    if travels < choices.migratory:
        cells.heading[i] = 1 if side < 0.5 else -1


@kernel
def commit_loop(start: Any, stop: Any, cells: Any, space: Any, choices: Any, draw: Any) -> None:
    """Commit rows ``start .. stop``."""
    for i in range(start, stop):
        commit_one(i, cells, space, choices, draw)


# ---------------------------------------------------------------------------------------------- places
@body
def neighbour(site: Any, direction: Any, space: Any) -> Any:
    """Return the voxel next to `site`, or -1 at the edge of the cord; directions are -x, +x, -y, +y, -z, +z."""
    _, ny, nz = space.shape
    stride = 1
    place = site % nz
    length = nz
    if direction < 2:
        stride = ny * nz
        place = site // stride
        length = space.shape[0]
    elif direction < 4:
        stride = nz
        place = (site // nz) % ny
        length = ny
    step = 1 if direction % 2 == 1 else -1
    if place + step < 0 or place + step >= length:
        return -1
    other = site + step * stride
    if space.cord[other] == 0:
        return -1
    return other


@body
def passage(site: Any, other: Any, space: Any, stop: Any) -> Any:
    """Return the share of steps between two voxels that the astrocyte border lets through."""
    return 1.0 - stop * max(space.barrier[site], space.barrier[other])


# ---------------------------------------------------------------------------------------------- division
class Cycle(NamedTuple):
    """Constants of division.

    `rate` (line, kind) 1/h in an empty place at grafting; `slowing` (kind,) 1/h; `reach` (line, kind) multiple of
    the capacity at which division stops; `rise` (line,) 1/h for undifferentiated cells; `push_um` how far a
    daughter may shove; `barrier_stop` as in `passage`.
    """

    rate: Any
    slowing: Any
    reach: Any
    rise: Any
    push_um: float
    barrier_stop: float


@body
def division_amount(i: Any, cells: Any, space: Any, cycle: Any, draw: Any) -> Any:
    """Return the division rate of one cell integrated over the step."""
    kind, line = cells.kind[i], cells.line[i]
    rate = cycle.rate[line, kind]
    if rate <= 0.0:
        return 0.0
    room = 1.0 - crowding(cells.site[i], space) / cycle.reach[line, kind]
    if room <= 0.0:
        return 0.0
    age = (draw.tick - cells.grafted_tick[i]) * draw.tick_h
    amount = rate * room * decaying(age, draw.dt_h, cycle.slowing[kind])
    if kind == UNDIFFERENTIATED:
        amount *= 1.0 + cycle.rise[line] * (age + 0.5 * draw.dt_h)
    return amount


@body
def open_direction(number: Any, space: Any) -> Any:
    """Return the `number`-th of the directions along which the lattice has more than one voxel, or -1."""
    for axis in range(3):
        if space.shape[axis] > 1:
            if number < 2:
                return 2 * axis + number
            number -= 2
    return -1


@body
def pushed_place(site: Any, direction: Any, chance: Any, space: Any, cycle: Any) -> Any:
    """Return the first voxel with a place along a direction, within `push_um` and past the border, or -1."""
    reach = space.spacing[direction // 2]
    pushed = reach
    through = 1.0
    here = site
    while pushed <= max(cycle.push_um, reach):
        other = neighbour(here, direction, space)
        if other < 0:
            return -1
        through = min(through, passage(here, other, space, cycle.barrier_stop))
        if chance >= through:
            return -1
        if space.count[other] < space.places[other]:
            return other
        here = other
        pushed += reach
    return -1


@body
def daughter_place(site: Any, choice: Any, chance: Any, everywhere: Any, space: Any, cycle: Any) -> Any:
    """Return the voxel for a daughter: the mother's, else the first with a place along one direction, else -1.

    Shoving along a line stands for the push of a growing clone on its neighbours. It starts with the
    neighbouring voxel, goes at most `push_um` far, and the border holds it back as it holds back moves. Where
    `everywhere` is true, the other directions are tried after the one that was drawn.
    """
    if space.count[site] < space.places[site]:
        return site
    directions = 0
    for axis in range(3):
        if space.shape[axis] > 1:
            directions += 2
    if directions == 0:
        return -1
    first = min(int(choice * directions), directions - 1)
    for turn in range(directions if everywhere else 1):
        direction = open_direction((first + turn) % directions, space)
        place = pushed_place(site, direction, chance, space, cycle)
        if place >= 0:
            return place
    return -1


@body
def divide_one(i: Any, cells: Any, space: Any, cycle: Any, draw: Any) -> None:
    """Propose the daughters of one cell.

    Their number is that of a birth process over the step, ``P(at least k) = (1 - exp(-amount))^k``: daughters
    that divide again within the step are the mother's further daughters. A proposal that waits for the turnover
    keeps its voxel and grows.
    """
    amount = division_amount(i, cells, space, cycle, draw)
    if amount <= 0.0:
        return
    chance, choice = uniform_pair(draw.seed, cells.id[i], draw.tick, _DIVISION, 0)
    at_least = probability(amount)
    daughters = 0
    left = at_least
    while chance < left and daughters < MOST_DAUGHTERS:
        daughters += 1
        left *= at_least
    if daughters == 0:
        return
    if cells.division_target[i] < 0:
        held = uniform(draw.seed, cells.id[i], draw.tick, _DIVISION, 1)
        weak = cycle.reach[cells.line[i], cells.kind[i]] > 1.0
        cells.division_target[i] = daughter_place(cells.site[i], choice, held, weak, space, cycle)
        if weak and cells.division_target[i] < 0:
            cells.division_target[i] = cells.site[i]  # nothing stops them: they pile up
    if cells.division_target[i] >= 0:
        cells.daughters[i] = min(MOST_DAUGHTERS, cells.daughters[i] + daughters)


@kernel
def divide_loop(start: Any, stop: Any, cells: Any, space: Any, cycle: Any, draw: Any) -> None:
    """Propose daughters for rows ``start .. stop``."""
    for i in range(start, stop):
        divide_one(i, cells, space, cycle, draw)


@kernel
def amount_loop(start: Any, stop: Any, cells: Any, space: Any, cycle: Any, draw: Any, out: Any) -> None:
    """Write the integrated division rate of rows ``start .. stop`` (for the proliferation index)."""
    for i in range(start, stop):
        out[i] = division_amount(i, cells, space, cycle, draw)
