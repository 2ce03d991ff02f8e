"""Every kernel of the grafted cells against a twin in plain Python, and with one and two threads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cordgraft.core.streams import Stream
from cordgraft.kernels import cell, cell_motion, cell_places, cell_room
from cordgraft.kernels.compile import run_blocks, set_threads
from cordgraft.state import cells as state
from tests.graft_support import bare, put

pytestmark = pytest.mark.reference

MASK = 0xFFFFFFFF


def words(seed: int, identity: int, tick: int, stream: int, block: int) -> list[int]:
    c = [identity & MASK, identity >> 32, tick, (stream << 16) | block]
    k = [seed & MASK, seed >> 32]
    return rounds(c, k)


def rounds(c: list[int], k: list[int]) -> list[int]:
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & MASK, (p >> 32) ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def pair(draw: cell.Draw, identity: int, stream: Stream, block: int) -> tuple[float, float]:
    a, b, c, d = words(int(draw.seed), int(identity), draw.tick, int(stream), block)
    return ((((a << 20) ^ (b >> 12)) + 0.5) / 2**52, (((c << 20) ^ (d >> 12)) + 0.5) / 2**52)


class World:
    """A small random lattice with random cells, as kernels take it."""

    def __init__(self, rows: int, shape: tuple[int, int, int], seed: int) -> None:
        chance = np.random.default_rng(seed)
        size = math.prod(shape)
        cord = (chance.random(size) < 0.9).astype(np.uint8)
        sites = np.flatnonzero(cord)[chance.integers(0, int(cord.sum()), rows)]
        capacity = chance.uniform(0.0, 2.0 * rows / size + 3.0, size) * cord
        self.space = cell.Space(
            cord=cord,
            count=np.bincount(sites, minlength=size).astype(np.float64),
            places=state.places(capacity),
            capacity=capacity,
            barrier=chance.random(size),
            white=chance.random(size),
            shape=shape,
            spacing=(40.0, 25.0, 30.0),
        )
        kind = chance.integers(0, 5, rows).astype(np.uint8)
        self.cells = cell.Cells(
            id=chance.integers(1, 2**63, rows).astype(np.uint64) * np.uint64(2) + np.uint64(1),
            line=chance.integers(0, 3, rows).astype(np.uint8),
            site=sites.astype(np.int64),
            kind=kind,
            grafted_tick=chance.integers(0, 400, rows).astype(np.int32),
            committed_tick=np.zeros(rows, dtype=np.int32),
            heading=np.where(kind == cell.ASTROCYTE, chance.integers(-1, 2, rows), 0).astype(np.int8),
            new_heading=np.zeros(rows, dtype=np.int8),
            hazard=chance.random(rows),
            daughters=chance.integers(0, 2, rows).astype(np.uint8),
            division_target=np.where(chance.random(rows) < 0.1, sites, -1).astype(np.int64),
            move_target=np.full(rows, -1, dtype=np.int64),
        )
        self.draw = cell.Draw(np.uint64(2**63 + 99), 500, 6.0, 0.5)
        self.oxygen, self.tnf = chance.uniform(0.0, 20.0, size), chance.uniform(-0.01, 1.0, size)
        self.cue = chance.random(size)
        self.dangers = cell.Dangers(0.04, 0.012, 1e-5, 0.0125, 7.5, 0.002, 0.2, self.oxygen, self.tnf)
        self.choices = cell.Choices(
            commit=0.15,
            leave=0.03,
            leaning=chance.random((3, 3)),
            crowded=1.0,
            inflamed=0.7,
            touching=1.2,
            migratory=0.4,
            inflammation=self.cue,
        )
        rate = np.zeros((3, 5))
        rate[:, [cell.UNDIFFERENTIATED, cell.PRECURSOR, cell.ASTROCYTE]] = chance.uniform(0.01, 0.2, (3, 3))
        self.cycle = cell.Cycle(
            rate=rate,
            slowing=np.array([0.0, 0.002, 0.0, 0.001, 0.0]),
            reach=np.where(np.arange(5) == 0, 4.0, 1.0) * np.ones((3, 1)),
            rise=np.array([0.0, 0.001, 0.0]),
            push_um=100.0,
            barrier_stop=0.9,
        )
        self.motion = cell_motion.Motion(
            spread=np.array([0.0, 40.0, 1.0, 1.0, 1.0, 10.0]),
            pressure=np.array([40.0, 40.0, 0.0, 30.0, 30.0, 30.0]),
            drift=3.4,
            elsewhere=0.2,
            turn=0.05,
            barrier_stop=0.9,
            pieces=np.array([3, 6, 1, 3, 3, 5], dtype=np.int64),
        )
        self.no_attraction = None
        # two kinds are drawn; a third of the voxels has too little to be sensed, another third has plenty
        cxcl12 = np.where(chance.random(size) < 0.33, 1e-7, chance.uniform(0.0, 3.0, size)) * cord
        self.attraction = cell_motion.Attraction(
            cue=cxcl12,
            speed=np.array([0.0, 9.0, 0.0, 0.0, 6.0, 0.0]),
            width=10.0,
            samples=400.0,
            least_cue=1e-6,
            pieces=np.array([3, 10, 1, 3, 7, 5], dtype=np.int64),
        )

    def copy_cells(self) -> cell.Cells:
        return cell.Cells(*(np.array(column) for column in self.cells))


def crowding(world: World, site: int) -> float:
    if world.space.capacity[site] <= 0.0:
        return math.inf
    return max(0.0, (world.space.count[site] - 1.0) / world.space.capacity[site])


def decaying(age: float, dt: float, decay: float) -> float:
    return dt if decay <= 0.0 else -math.exp(-decay * age) * math.expm1(-decay * dt) / decay


def neighbour(world: World, site: int, direction: int) -> int:
    place = list(np.unravel_index(site, world.space.shape))
    place[direction // 2] += 1 if direction % 2 else -1
    if not 0 <= place[direction // 2] < world.space.shape[direction // 2]:
        return -1
    other = int(np.ravel_multi_index(place, world.space.shape))
    return other if world.space.cord[other] else -1


def passage(world: World, site: int, other: int, stop: float) -> float:
    return float(1.0 - stop * max(world.space.barrier[site], world.space.barrier[other]))


def commit_twin(world: World, cells: cell.Cells, i: int) -> None:
    kind, site, line, c = cells.kind[i], cells.site[i], cells.line[i], world.choices
    if kind not in (cell.UNDIFFERENTIATED, cell.PRECURSOR):
        return
    chance, choice = pair(world.draw, cells.id[i], Stream.FATE, 0)
    rate = c.leave if kind == cell.UNDIFFERENTIATED else c.commit
    if chance >= -math.expm1(-rate * world.draw.dt_h):
        return
    cells.committed_tick[i] = world.draw.tick
    if kind == cell.UNDIFFERENTIATED:
        cells.kind[i] = cell.PRECURSOR
        return
    odds = [
        c.leaning[line, 0] * math.exp(c.crowded * min(1.0, crowding(world, site))),
        c.leaning[line, 1] * math.exp(c.inflamed * world.cue[site]),
        c.leaning[line, 2] * math.exp(c.touching * world.space.white[site]),
    ]
    edges = np.cumsum(odds) / sum(odds)
    cells.kind[i] = (cell.NEURON, cell.ASTROCYTE, cell.OLIGODENDROCYTE)[
        int(np.searchsorted(edges[:2], choice))
    ]
    if cells.kind[i] == cell.ASTROCYTE:
        travels, side = pair(world.draw, cells.id[i], Stream.FATE, 1)
        if travels < c.migratory:
            cells.heading[i] = 1 if side < 0.5 else -1


def divide_twin(world: World, cells: cell.Cells, i: int) -> None:
    kind, site, line, c = int(cells.kind[i]), int(cells.site[i]), cells.line[i], world.cycle
    room = 1.0 - crowding(world, site) / c.reach[line, kind]
    if c.rate[line, kind] <= 0.0 or room <= 0.0:
        return
    age = (world.draw.tick - cells.grafted_tick[i]) * world.draw.tick_h
    amount = c.rate[line, kind] * room * decaying(age, world.draw.dt_h, c.slowing[kind])
    if kind == cell.UNDIFFERENTIATED:
        amount *= 1.0 + c.rise[line] * (age + 0.5 * world.draw.dt_h)
    chance, choice = pair(world.draw, cells.id[i], Stream.DIVISION, 0)
    q = -math.expm1(-amount)
    daughters = 0
    while chance < q ** (daughters + 1) and daughters < 200:
        daughters += 1
    if daughters == 0:
        return
    if cells.division_target[i] < 0:
        held = pair(world.draw, cells.id[i], Stream.DIVISION, 1)[0]
        weak = c.reach[line, kind] > 1.0
        cells.division_target[i] = place_twin(world, site, choice, held, weak)
        if weak and cells.division_target[i] < 0:
            cells.division_target[i] = site
    if cells.division_target[i] >= 0:
        cells.daughters[i] += daughters


def place_twin(world: World, site: int, choice: float, held: float, everywhere: bool) -> int:
    space = world.space
    if space.count[site] < space.places[site]:
        return site
    open_axes = [axis for axis in range(3) if space.shape[axis] > 1]
    directions = [2 * axis + up for axis in open_axes for up in (0, 1)]
    first = min(int(choice * len(directions)), len(directions) - 1)
    ahead = directions[first:] + directions[:first]
    found = [pushed_twin(world, site, direction, held) for direction in (ahead if everywhere else ahead[:1])]
    return next((place for place in found if place >= 0), -1)


def pushed_twin(world: World, site: int, direction: int, held: float) -> int:
    space, c = world.space, world.cycle
    width = space.spacing[direction // 2]
    here, through = site, 1.0
    for _ in range(max(1, int(c.push_um / width + 1e-9))):
        other = neighbour(world, here, direction)
        if other < 0:
            return -1
        through = min(through, passage(world, here, other, c.barrier_stop))
        if held >= through:
            return -1
        if space.count[other] < space.places[other]:
            return other
        here = other
    return -1


def pull_twin(world: World, site: int, row: int) -> list[float]:
    """Velocity up the gradient along x, y and z."""
    a, space = world.attraction, world.space
    gradient = np.zeros(3)
    for axis in range(3):
        ends = [neighbour(world, site, 2 * axis), neighbour(world, site, 2 * axis + 1)]
        steps = sum(end >= 0 for end in ends)
        low, high = (a.cue[end if end >= 0 else site] for end in ends)
        gradient[axis] = (high - low) / (steps * space.spacing[axis]) if steps else 0.0
    steepness = math.sqrt(float((gradient**2).sum()))
    cue = float(a.cue[site])
    if steepness == 0.0 or cue <= a.least_cue:
        return [0.0, 0.0, 0.0]
    noise = a.width * steepness / cue * math.sqrt(a.samples * cue) / (1.0 + cue)
    return [float(a.speed[row] * noise**2 / (1.0 + noise**2) * g / steepness) for g in gradient]


def attracted_twin(world: World, cells: cell.Cells, i: int) -> None:
    move_twin(world, cells, i, attracted=True)


def move_twin(world: World, cells: cell.Cells, i: int, attracted: bool = False) -> None:
    m, space = world.motion, world.space
    row = 5 if cells.heading[i] != 0 else int(cells.kind[i])
    if cells.heading[i] != 0:
        chance, side = pair(world.draw, cells.id[i], Stream.MIGRATION, 0)
        if chance < -math.expm1(-m.turn * world.draw.dt_h):
            cells.new_heading[i] = 1 if side < 0.5 else -1
    start = site = int(cells.site[i])
    drawn = attracted and world.attraction.speed[row] > 0.0
    drawn = drawn and world.attraction.cue[site] > world.attraction.least_cue
    pieces = int(world.attraction.pieces[row] if drawn else m.pieces[row])
    dt = world.draw.dt_h / pieces
    for piece in range(pieces):
        u = pair(world.draw, cells.id[i], Stream.MIGRATION, 1 + piece // 2)[piece % 2]
        white = space.white[site]
        along = float(cells.heading[i] * m.drift * (white + m.elsewhere * (1.0 - white)))
        velocity = pull_twin(world, site, row) if drawn else [0.0, 0.0, along]
        site = hop_twin(world, site, start, row, velocity, u, dt)
    cells.move_target[i] = site if site != start else -1
    assert space.cord[site]


def hop_twin(
    world: World, site: int, start: int, row: int, velocity: list[float], u: float, dt: float
) -> int:
    m, space = world.motion, world.space
    low = 0.0
    for axis in range(3):
        if space.shape[axis] == 1:
            continue
        width = space.spacing[axis]
        mean = velocity[axis] * dt / width
        variance = 2.0 * m.spread[row] * dt / width**2
        both = max(abs(mean), variance + mean**2)
        pushed = m.pressure[row] * dt / width**2
        for up, free in ((0, 0.5 * (both - mean)), (1, 0.5 * (both + mean))):
            if u < low + free + pushed:
                other = neighbour(world, site, 2 * axis + up)
                if other < 0 or (other != start and space.count[other] >= space.places[other]):
                    return site
                here = (space.count[site] - (site == start)) / max(space.capacity[site], 1e-12)
                there = (space.count[other] - (other == start)) / max(space.capacity[other], 1e-12)
                fall = min(1.0, max(0.0, here - there)) if pushed > 0.0 else 0.0
                let_through = passage(world, site, other, m.barrier_stop)
                return other if u - low < (free + pushed * fall) * let_through else site
            low += free + pushed
    return site


WORLDS = [(1, 5, 40), (4, 5, 12), (6, 1, 20)]


@pytest.mark.parametrize("shape", WORLDS)
def test_hazards(shape: tuple[int, int, int]) -> None:
    world = World(150, shape, 1)
    d = world.dangers
    world.cells.grafted_tick[:40] = world.draw.tick - np.arange(40) % 14
    cells = world.copy_cells()
    run_blocks(cell.hazard_loop, 150, cells, world.dangers, world.draw)
    for i in range(150):
        site = world.cells.site[i]
        age = (world.draw.tick - world.cells.grafted_tick[i]) * world.draw.tick_h
        tnf = max(0.0, world.tnf[site])
        rate = d.background + d.hypoxia * max(0.0, 1.0 - world.oxygen[site] / d.critical_oxygen)
        rate += d.inflammation * tnf**2 / (tnf**2 + d.tnf_half**2)
        since, length = (0.0, age + 6.0) if age < 6.0 else (age, 6.0)  # a new cell catches up
        added = rate * length + d.handling * decaying(since, length, d.handling_decay)
        assert cells.hazard[i] == pytest.approx(world.cells.hazard[i] + added, rel=1e-13)


@pytest.mark.parametrize("shape", WORLDS)
@pytest.mark.parametrize(
    ("loop", "twin", "constants", "changed"),
    [
        (cell.commit_loop, commit_twin, ("choices",), ("kind", "committed_tick", "heading")),
        (cell.divide_loop, divide_twin, ("cycle",), ("division_target", "daughters")),
        (cell_motion.move_loop, move_twin, ("motion", "no_attraction"), ("move_target", "new_heading")),
        (cell_motion.move_loop, attracted_twin, ("motion", "attraction"), ("move_target", "new_heading")),
    ],
    ids=["commit", "divide", "move", "move, attracted"],
)
def test_bodies(
    shape: tuple[int, int, int], loop: Any, twin: Any, constants: tuple[str, ...], changed: tuple[str, ...]
) -> None:
    world = World(400, shape, 2)
    cells, expected = world.copy_cells(), world.copy_cells()
    run_blocks(loop, 400, cells, world.space, *(getattr(world, name) for name in constants), world.draw)
    for i in range(400):
        twin(world, expected, i)
    for name in cell.Cells._fields:
        np.testing.assert_array_equal(getattr(cells, name), getattr(expected, name), err_msg=name)
        same = np.array_equal(getattr(cells, name), getattr(world.cells, name))
        assert same == (name not in changed), f"{name}: nothing was written, or something that should not be"


def test_cells_out_of_reach_of_a_chemoattractant_walk_as_without_one() -> None:
    world = World(400, (1, 5, 40), 2)
    without, empty, patchy = (world.copy_cells() for _ in range(3))
    run_blocks(cell_motion.move_loop, 400, without, world.space, world.motion, None, world.draw)
    nothing = world.attraction._replace(cue=np.zeros_like(world.attraction.cue))
    run_blocks(cell_motion.move_loop, 400, empty, world.space, world.motion, nothing, world.draw)
    assert empty.move_target.tobytes() == without.move_target.tobytes()
    run_blocks(cell_motion.move_loop, 400, patchy, world.space, world.motion, world.attraction, world.draw)
    deaf = (world.attraction.speed[world.cells.kind] == 0.0) | (world.cells.heading != 0)
    deaf |= world.attraction.cue[world.cells.site] <= world.attraction.least_cue
    assert 50 < deaf.sum() < 380
    assert (patchy.move_target[deaf] == without.move_target[deaf]).all()
    assert (patchy.move_target[~deaf] != without.move_target[~deaf]).any()


def test_amounts_are_those_of_division() -> None:
    world = World(200, (1, 5, 40), 3)
    out = np.zeros(200)
    run_blocks(cell.amount_loop, 200, world.cells, world.space, world.cycle, world.draw, out)
    assert (out[world.cells.kind == cell.NEURON] == 0.0).all()
    i = int(np.argmax(out))
    kind, line = world.cells.kind[i], world.cells.line[i]
    age = (500 - world.cells.grafted_tick[i]) * 0.5
    factor = 1.0 + world.cycle.rise[line] * (age + 3.0) if kind == cell.UNDIFFERENTIATED else 1.0
    room = 1.0 - crowding(world, int(world.cells.site[i])) / world.cycle.reach[line, kind]
    rate = world.cycle.rate[line, kind] * factor * room
    assert out[i] == pytest.approx(rate * decaying(age, 6.0, world.cycle.slowing[kind]), rel=1e-13)


def test_deaths() -> None:
    world = World(300, (1, 5, 40), 4)
    dead = cell_places.deaths(world.cells.id, world.cells.hazard, world.draw)
    chances = [pair(world.draw, identity, Stream.SURVIVAL, 0)[0] for identity in world.cells.id.tolist()]
    assert dead.tolist() == [
        chance < -math.expm1(-hazard) for chance, hazard in zip(chances, world.cells.hazard, strict=True)
    ]
    assert 0 < dead.sum() < 300


def test_places_go_to_the_first_by_hash() -> None:
    chance = np.random.default_rng(5)
    draw = cell.Draw(np.uint64(7), 12, 6.0, 1.0)
    target = chance.integers(0, 30, 400).astype(np.int64)
    identity = chance.integers(1, 200, 400).astype(np.uint64)
    birth = np.zeros(400, dtype=np.int64)
    for one in np.unique(identity):  # a cell claims one place for itself and the others for its daughters
        rows = np.flatnonzero(identity == one)
        birth[rows] = np.arange(rows.size)
    vacant = chance.integers(-2, 20, 30).astype(np.int64)
    granted = cell_places.settle(target, identity, birth, vacant, draw)
    for voxel in range(30):
        claims = []
        for i in np.flatnonzero(target == voxel).tolist():
            high, low, *_ = words(7, int(identity[i]), 12, int(Stream.CROWDING), int(birth[i]))
            claims.append(((high << 32) | low, int(identity[i]), int(birth[i]), i))
        winners = {claim[3] for claim in sorted(claims)[: max(0, int(vacant[voxel]))]}
        assert {i for *_, i in claims if granted[i]} == winners
    order = chance.permutation(400)
    again = cell_places.settle(target[order], identity[order], birth[order], vacant, draw)
    assert (again == granted[order]).all()
    assert cell_places.settle(target[:0], identity[:0], birth[:0], vacant, draw).shape == (0,)


@pytest.mark.parametrize("shape", [(1, 30, 41), (5, 6, 7)])
def test_room_in_one_pass_equals_its_definition(shape: tuple[int, int, int]) -> None:
    tissue = bare((), shape)
    chance = np.random.default_rng(9)
    parts = chance.dirichlet(np.full(8, 0.5), size=shape)
    for index, name in enumerate(("white", "grey", "csf", "necrosis", "cavity", "scar", "graft", "blood")):
        tissue[f"fraction.{name}"][...] = parts[..., index] * 1.05 - 0.02
    put(tissue, chance.integers(0, math.prod(shape), 900))
    state.refresh_room(tissue)
    expected = [tissue[name].copy() for name in ("density.cell_capacity", "density.cell_places")]
    assert len(np.unique(expected[1])) > 3
    for name in ("density.cell_capacity", "density.cell_places"):
        tissue[name][...] = -1
    cell_room.refresh(tissue, state.LESION_ROOM)
    assert tissue["density.cell_capacity"].tobytes() == expected[0].tobytes()
    assert tissue["density.cell_places"].tobytes() == expected[1].tobytes()
    # the loops keep to their rows
    room = cell_room.Room(*(np.full(9, 0.1) for _ in range(6)))
    capacity, places = np.full(9, -1.0), np.full(9, -1, dtype=np.int32)
    cell_room.room_loop(3, 7, room, 0.2, capacity, places)
    assert (capacity[3:7] > 0.0).all() and (capacity[[0, 2, 7, 8]] == -1.0).all() and places[8] == -1
    vacant = np.full(9, 50)
    cell_room.vacancy_loop(2, 4, np.arange(9, dtype=np.int32), np.full(9, 5), vacant)
    assert vacant.tolist() == [50, 50, -3, -2, 50, 50, 50, 50, 50]
    counts = np.bincount(tissue["cell.site"], minlength=expected[1].size)
    assert cell_room.vacancies(tissue).tolist() == (expected[1].reshape(-1) - counts).tolist()


def test_ids_of_daughters_and_what_happens_when_they_collide() -> None:
    parent = np.array([12, 5, 5], dtype=np.uint64)
    sibling = np.array([1, 1, 2], dtype=np.int64)
    ids = cell_places.children(parent, sibling, 40, parent)

    def twin(mother: int, nth: int) -> int:
        a, b, *_ = rounds([mother & MASK, mother >> 32, 40, nth], [0x63686C64, 0x69643634])
        return (a << 32) | b | (1 << 63)

    assert ids.tolist() == [twin(12, 1), twin(5, 1), twin(5, 2)]
    # somebody who lives already has the id that the first daughter of 12 would get
    taken = np.array([twin(12, 1), 3], dtype=np.uint64)
    ids = cell_places.children(parent, sibling, 40, taken)
    assert ids.tolist() == [twin(12, 1 + cell_places.FURTHER), twin(5, 1), twin(5, 2)]
    # the same mother and sibling twice stands for two mothers whose hashes meet: the first keeps the id
    twice = cell_places.children(np.array([5, 5], dtype=np.uint64), np.array([1, 1]), 40, parent)
    assert twice.tolist() == [twin(5, 1), twin(5, 1 + cell_places.FURTHER)]


def test_the_kernels_and_the_state_mean_the_same_kinds() -> None:
    for kind in state.CellKind:
        assert getattr(cell, kind.name) == kind


@pytest.fixture
def two_threads() -> Iterator[None]:
    set_threads(1)
    yield
    set_threads(1)


@pytest.mark.usefixtures("two_threads")
def test_one_and_two_threads_give_the_same_bits() -> None:
    rows = 3 * 4096 + 17
    world = World(rows, (3, 20, 60), 6)
    results = []
    for threads in (1, 2):
        set_threads(threads)
        cells = world.copy_cells()
        run_blocks(cell.hazard_loop, rows, cells, world.dangers, world.draw)
        run_blocks(cell.divide_loop, rows, cells, world.space, world.cycle, world.draw)
        run_blocks(
            cell_motion.move_loop, rows, cells, world.space, world.motion, world.attraction, world.draw
        )
        run_blocks(cell.commit_loop, rows, cells, world.space, world.choices, world.draw)
        out = np.zeros(rows)
        run_blocks(cell.amount_loop, rows, cells, world.space, world.cycle, world.draw, out)
        dead = cell_places.deaths(cells.id, cells.hazard, world.draw)
        vacant = world.space.places - world.space.count.astype(np.int64)
        granted = cell_places.settle(
            np.maximum(cells.move_target, 0), cells.id, np.zeros(rows, dtype=np.int64), vacant, world.draw
        )
        ids = cell_places.children(cells.id, np.ones(rows, dtype=np.int64), 9, cells.id)
        results.append([column.tobytes() for column in (*cells, out, dead, granted, ids)])
        assert any(
            column.tobytes() != before.tobytes() for column, before in zip(cells, world.cells, strict=True)
        )
        assert 0 < dead.sum() < rows and 0 < granted.sum() < rows and out.any()
    assert results[0] == results[1]
