"""Kernels of host fibres against readable twins in plain Python, and against threads."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from axon_support import cord_of, rough_cord
from cordgraft.core.contract import Key
from cordgraft.core.streams import Stream
from cordgraft.kernels import fibre
from cordgraft.kernels.compile import set_threads
from cordgraft.kernels.random import child_id, uniform_pair
from cordgraft.processes.axon_injury import AxonInjury
from cordgraft.state.tissue import Tissue

pytestmark = pytest.mark.reference


@pytest.fixture(autouse=True)
def _one_thread_again() -> Iterator[None]:
    yield
    set_threads(1)


def twin_injury(
    tissue: Tissue, process: AxonInjury, key: Key, voxels: list[tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Expected columns of host fibres after a step: one fibre at a time, layers as lists."""
    p, day = process.params, tissue.clock.tick_h / 24.0
    after = {name: tissue.fibres[name].copy() for name in fibre.Fibres._fields}
    lattice, cord = tissue.lattice, tissue["map.cord"]
    before = tissue["map.white"] + tissue["map.grey"]
    living = tissue["fraction.white"] + tissue["fraction.grey"]
    loss = np.where(before > 0, 1 - living / np.where(before > 0, before, 1), 0.0)
    loss[loss < 1e-9] = 0.0
    dead = np.maximum(tissue["map.impact"], loss)
    damage = np.where(cord > 0, 1 - (1 - dead) * (1 - p.shear * tissue["map.severity"]), 0.0)
    z = lattice.axis_um(2)
    dz = lattice.spacing_um[2]
    faces = (z[0] - dz / 2, z[-1] + dz / 2)
    for f in range(len(tissue.fibres)):
        direction, state = int(after["direction"][f]), int(after["state"][f])
        i, j = voxels[f]
        layers = list(range(z.size))[::direction]
        stump = int(np.clip(np.floor((after["stump_um"][f] - z[0]) / dz + 0.5), 0, z.size - 1))
        if state >= fibre.SEVERED:
            layers = layers[: layers.index(stump)]
        severe = [float(tissue["map.severity"][i[k], j[k], k]) for k in layers]
        cut = next((k for k in layers if damage[i[k], j[k], k] > after["threshold"][f]), None)
        soma = faces[0] if direction > 0 else faces[1]

        def cut_here(k: int, f: int = f, direction: int = direction, soma: float = soma) -> None:
            after["state"][f], after["conducting"][f], after["cut_tick"][f] = fibre.SEVERED, 0.0, key.tick
            after["cut_um"][f] = z[k] - direction * dz / 2
            after["receded_um"][f] = min(p.acute_degeneration, abs(soma - after["cut_um"][f]))
            after["stump_um"][f] = after["cut_um"][f] - direction * after["receded_um"][f]

        if state < fibre.SEVERED and severe and max(severe) > 0:
            after["severity"][f] = max(after["severity"][f], max(severe))
            if after["struck_tick"][f] < 0:
                after["struck_tick"][f] = key.tick
        if cut is not None:
            cut_here(cut)
            continue
        u, v = uniform_pair(key.seed, after["id"][f], key.tick, int(Stream.FIBRE_FATE), 0)
        days = key.dt_h / 24
        if state == fibre.INTACT and after["struck_tick"][f] >= 0:
            age = (
                (key.tick - tissue["fibre.struck_tick"][f]) * day
                if tissue["fibre.struck_tick"][f] >= 0
                else 0.0
            )
            s2 = after["severity"][f] ** 2
            grid = np.linspace(age, age + days, 2001)
            hazard = np.trapezoid(1.6 * np.exp(-grid / 0.7), grid) * s2 / (s2 + 0.01)
            if u < 1 - math.exp(-hazard):
                after["state"][f], after["conducting"][f] = fibre.SWOLLEN, 0.0
        elif state == fibre.SWOLLEN and u < 1 - math.exp(-days / 4):
            if v < 0.43:
                after["state"][f], after["conducting"][f] = fibre.INTACT, 1.0
            else:
                cut_here(layers[int(np.argmax(severe))])
        elif state in (fibre.SEVERED, fibre.DORMANT):
            attack = float(tissue["density.macrophages_pro"][i[stump], j[stump], stump])
            step = p.dieback_rate * after["frailty"][f] * attack * days
            reached = min(abs(soma - after["cut_um"][f]), after["receded_um"][f] + step)
            if attack <= p.dieback_floor or reached <= after["receded_um"][f]:
                after["state"][f] = fibre.DORMANT
            else:
                after["state"][f], after["receded_um"][f] = fibre.SEVERED, reached
                after["stump_um"][f] = after["cut_um"][f] - direction * reached
    return after


def twin_path(tissue: Tissue, process: AxonInjury, f: int) -> tuple[np.ndarray, np.ndarray]:
    """The voxels (i, j) of one fibre per layer: straight in relative coordinates, drawn inwards into the cord."""
    out, cord, lattice = process._outline, tissue["map.cord"], tissue.lattice
    across = tissue["fibre.rho"][f] * math.cos(tissue["fibre.phi"][f]) if lattice.shape[0] > 1 else 0.0
    deep = tissue["fibre.rho"][f] * math.sin(tissue["fibre.phi"][f])
    found = np.zeros((2, lattice.shape[2]), dtype=int)
    for layer in range(lattice.shape[2]):
        for attempt in range(40):
            shrink = 1 - 0.025 * attempt
            x = out.middle_x[layer] + shrink * across * out.half_x[layer]
            y = out.middle_y[layer] + shrink * deep * out.half_y[layer]
            for axis, value in enumerate((x, y)):
                index = math.floor((value - lattice.origin_um[axis]) / lattice.spacing_um[axis] + 0.5)
                found[axis, layer] = min(max(index, 0), lattice.shape[axis] - 1)
            if cord[found[0, layer], found[1, layer], layer]:
                break
    return found[0], found[1]


def test_lose_all_counts_the_dead_and_the_sheared() -> None:
    rng = np.random.default_rng(2)
    n = 500
    cord, zero = (rng.random(n) < 0.8).astype(np.uint8), np.zeros(n)
    impact, severity = rng.random(n), rng.random(n)
    white_before = rng.random(n) * cord
    grey_before = np.where(cord, 1.0 - white_before, zero)
    white, grey = white_before * rng.random(n), grey_before * rng.random(n)
    found = np.empty(n)
    fibre.lose_all(
        0, n, fibre.Losses(cord, impact, severity, white, grey, white_before, grey_before), 0.3, found
    )
    expected = [
        1
        - (1 - max(impact[v], 1 - (white[v] + grey[v]) / (white_before[v] + grey_before[v])))
        * (1 - 0.3 * severity[v])
        if cord[v]
        else 0.0
        for v in range(n)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_fill_children_gives_each_parent_its_own() -> None:
    parents = np.array([1, 2, 2**63 + 5], dtype=np.uint64)
    out = np.empty(3, dtype=np.uint64)
    fibre.fill_children(parents, np.array([7, 7, 8]), 1, out)
    assert out.tolist() == [int(child_id(p, t, 1)) for p, t in zip(parents, (7, 7, 8), strict=True)]
    np.testing.assert_array_equal(fibre.children(parents, 7, 1)[:2], out[:2])
    assert len(set(out.tolist()) | set(fibre.children(parents, 7, 0).tolist())) == 6


def test_fill_places_follows_the_twin_on_a_ragged_cord() -> None:
    """Where the outline and the mask differ, a fibre is drawn inwards until it lies in the cord."""
    process = AxonInjury(AxonInjury.Params(corticospinal_simulated=40))
    tissue = rough_cord((7, 12, 16))
    process.prepare(tissue)
    process._lay_out(tissue, Key(4, 0, 6.0))
    n, lattice = len(tissue.fibres), tissue.lattice
    fibres = tissue.fibres.view(fibre.Fibres)
    paths = [twin_path(tissue, process, f) for f in range(n)]
    for layer in (0, 7, 15):
        x, y = np.empty(n), np.empty(n)
        fibre.fill_places(0, n, fibres, process._outline, np.full(n, lattice.axis_um(2)[layer]), x, y)
        i = np.floor((x - lattice.origin_um[0]) / lattice.spacing_um[0] + 0.5).astype(int)
        j = np.floor((y - lattice.origin_um[1]) / lattice.spacing_um[1] + 0.5).astype(int)
        assert i.tolist() == [path[0][layer] for path in paths]
        assert j.tolist() == [path[1][layer] for path in paths]


@pytest.mark.parametrize("shape", [(1, 20, 64), (16, 20, 64)], ids=["section", "volume"])
def test_fibres_follow_their_twin(shape: tuple[int, int, int]) -> None:
    few = {
        f"{t}_simulated": 12
        for t in ("corticospinal", "reticulospinal", "propriospinal", "gracile", "spinothalamic")
    }
    process = AxonInjury(AxonInjury.Params(**few))
    tissue = cord_of("white", (process,), shape=shape, spacing_um=(60.0, 60.0, 60.0), days=40.0)
    z = tissue.lattice.axis_um(2)
    cord = tissue["map.cord"] > 0
    tissue["map.severity"][...] = np.where(cord, 0.6 * np.exp(-((z / 500.0) ** 2)), 0.0)
    tissue["map.impact"][...] = np.where(cord & (np.abs(z) < 150.0), 0.4, 0.0)
    process._lay_out(tissue, Key(4, 0, 6.0))
    seen: set[int] = set()
    voxels = [twin_path(tissue, process, f) for f in range(len(tissue.fibres))]
    for tick in range(0, 16 * 24, 6):
        tissue["density.macrophages_pro"][...] = np.where(
            cord & (np.abs(z) < 900.0), min(1.0, tick / 200.0), 0.0
        )
        dying = 0.8 * min(1.0, tick / 200.0) * np.exp(-((z / 300.0) ** 2))
        tissue["fraction.white"][...] = np.where(cord, 1.0 - dying, 0.0)
        key = Key(4, tick, 6.0)
        expected = twin_injury(tissue, process, key, voxels)
        process._injure(tissue, key)  # runs fibre.injure_all
        for name, values in expected.items():
            np.testing.assert_allclose(
                tissue.fibres[name], values, rtol=1e-9, atol=1e-9, err_msg=f"{name} at {tick}"
            )
        seen |= {int(s) for s in tissue["fibre.state"]}
    assert seen == {fibre.INTACT, fibre.SWOLLEN, fibre.SEVERED, fibre.DORMANT}


def test_injury_has_the_same_bits_with_two_threads() -> None:
    def run(threads: int) -> Tissue:
        set_threads(threads)
        process = AxonInjury(AxonInjury.Params(corticospinal_simulated=5000))
        tissue = cord_of("white", (process,), shape=(1, 20, 64), days=40.0)
        tissue["map.severity"][...] = (
            np.where(np.abs(tissue.lattice.axis_um(2)) < 300.0, 0.5, 0.0) * tissue["map.cord"]
        )
        tissue["density.macrophages_pro"][...] = 0.5 * tissue["map.cord"]
        for tick in range(0, 48, 6):
            process.step(tissue, Key(5, tick, 6.0))
        return tissue

    one, two = run(1), run(2)
    assert one.changed(two.snapshot()) == []
    assert len(np.unique(one["fibre.state"])) >= 3
