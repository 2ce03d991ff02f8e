"""Kernels of axons against readable twins in plain Python, against threads, and against the order of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from axon_support import add_cones, cord_of, rough_cord
from cordgraft.core.contract import Key
from cordgraft.core.streams import Stream
from cordgraft.kernels import axon, landscape, steering
from cordgraft.kernels.compile import run_blocks, set_threads
from cordgraft.kernels.random import normal_pair, uniform, uniform_pair
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES, Tract
from cordgraft.state.growth_land import BLOCKED, CONTACT_SUPPORT, LANDSCAPE, SCAFFOLD
from cordgraft.state.tissue import Tissue

pytestmark = pytest.mark.reference

SHAPES = [(1, 12, 20), (8, 9, 16), (7, 1, 16)]


#: Tracts that feel inhibitors each in its own way, but for two that are of one kind.
SENSITIVITIES = {
    f"{word}_sensitivity_{name}": value
    for word, values in (("cspg", (0.4, 2.0, 0.4, 1.0, 0.0)), ("myelin", (1.0, 0.2, 1.0, 0.0, 3.0)))
    for name, value in zip((TRACT_NAMES[tract] for tract in HOST_TRACTS), values, strict=True)
}


@pytest.fixture(autouse=True)
def _one_thread_again() -> Iterator[None]:
    yield
    set_threads(1)


def land_of(tissue: Tissue, process: AxonGrowth) -> landscape.Space:
    space: landscape.Space = process._space(tissue)
    return space


# ------------------------------------------------------------------------------------------- landscape
def twin_land(tissue: Tissue, p: Any, tract: Tract = Tract.CORTICOSPINAL) -> dict[str, np.ndarray]:
    """What a voxel offers to growth cones, by the formulas of the process, on whole arrays; `tract` is the host's."""
    t = {name.split(".")[1]: tissue[name] for name in (*LANDSCAPE, "fraction.cavity", "fraction.csf")}
    core = t["scar"] + t["necrosis"] + t["blood"]
    bare = t["white"] * 1.0 + t["grey"] * 0.5 + t["graft"] * 0.8 + core * 0.05
    matrix, aligned = t["matrix"], t["white"]
    if SCAFFOLD[0] in tissue:
        share, channels, coat = (tissue[name] for name in SCAFFOLD)
        bare = bare + p.substrate_scaffold * np.minimum(share, t["cavity"] + t["csf"])
        aligned = aligned + p.guidance_scaffold * channels
        matrix = np.minimum(1, matrix + coat)
    bare = (1 - t["barrier"]) * bare + t["barrier"] * np.minimum(bare, 0.5)
    s = bare + (1 - bare) * matrix / (matrix + 0.2)
    c, m = t["cspg"] / p.cspg_half_inhibition, t["white"] + t["debris"]
    if BLOCKED[0] in tissue:
        nogo, others = (tissue[name] for name in BLOCKED)
        m = m * (1 - p.nogo_share * nogo - p.mag_share * others - p.omgp_share * others)
    to_cspg, to_myelin = (
        getattr(p, f"{word}_sensitivity_{TRACT_NAMES[tract]}") for word in ("cspg", "myelin")
    )
    return {
        "host": s / (1 + to_cspg * c) / (1 + 2.5 * to_myelin * m),
        "graft": s / (1 + 0.3 * c),
        "aligned": aligned,
        "cue": t["trophic"],
        "intact": t["white"] + t["grey"],
        "inhibitor": c,
        "branching": p.branching * (t["grey"] + t["graft"]) + p.branching_white * t["white"],
    }


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("scaffold", [False, True])
def test_landscape(shape: tuple[int, int, int], scaffold: bool, blocked: bool) -> None:
    tissue = rough_cord(shape, scaffold=scaffold, blocked=blocked)
    shares = {"nogo_share": 0.6, "mag_share": 0.3, "omgp_share": 0.1}
    process = AxonGrowth(AxonGrowth.Params(substrate_scaffold=0.3, guidance_scaffold=0.7, **shares))
    land = land_of(tissue, process).land
    expected = twin_land(tissue, process.params)
    assert scaffold == bool((expected["aligned"] != tissue["fraction.white"]).any())
    assert land.shape[-1] == landscape.CHANNELS == len(expected)
    for channel, values in enumerate(expected.values()):
        np.testing.assert_allclose(land[..., channel], values * tissue["map.cord"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", SHAPES)
def test_tracts_of_other_sensitivity_have_channels_of_their_own(shape: tuple[int, int, int]) -> None:
    tissue = rough_cord(shape, blocked=True)
    process = AxonGrowth(AxonGrowth.Params(**SENSITIVITIES))
    space = land_of(tissue, process)
    channels, kinds = process._kinds()
    assert channels == [landscape.HOST, 7, landscape.HOST, 8, 9, landscape.GRAFT] and len(kinds) == 4
    assert space.land.shape[-1] == landscape.CHANNELS + 3
    rng = np.random.default_rng(1)
    half = 0.5 * np.array(tissue.lattice.extent_um)
    points = rng.uniform(-half, half, size=(100, 3))
    for tract in HOST_TRACTS:
        host = {"host": twin_land(tissue, process.params, tract)["host"] * tissue["map.cord"]}
        host["cue"] = tissue["field.trophic"]
        np.testing.assert_allclose(space.land[..., channels[tract]], host["host"], rtol=1e-12, atol=1e-15)
        for x, y, z in points:
            found = landscape.carried(x, y, z, channels[tract], space)
            expected, _ = twin_sample(tissue, host, np.array([x, y, z]))
            assert found == pytest.approx(expected["host"], rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("own", [{}, SENSITIVITIES], ids=["one kind", "four kinds"])
@pytest.mark.parametrize("shape", SHAPES)
def test_support_by_contact_is_the_last_channel(shape: tuple[int, int, int], own: dict[str, float]) -> None:
    tissue, plain = (rough_cord(shape, supported=there) for there in (True, False))
    process = AxonGrowth(AxonGrowth.Params(**own))
    land, without = land_of(tissue, process).land, land_of(plain, process).land
    key = Key(1, 0, 4.0)
    last = process._growth(tissue, key).support
    assert (process._growth(plain, key).support, last) == (-1, land.shape[-1] - 1)
    assert land.shape[-1] == without.shape[-1] + 1 == landscape.CHANNELS + (4 if own else 1)
    np.testing.assert_array_equal(land[..., last], tissue[CONTACT_SUPPORT] * tissue["map.cord"])
    np.testing.assert_array_equal(land[..., :last], without)


def test_where_all_tracts_are_alike_there_is_no_channel_more() -> None:
    process = AxonGrowth()
    assert process._kinds() == ([landscape.HOST] * 5 + [landscape.GRAFT], [(1.0, 1.0)])


def test_survey_all_writes_only_its_rows() -> None:
    tissue = rough_cord((1, 12, 20))
    process = AxonGrowth()
    whole = land_of(tissue, process).land.reshape(-1, landscape.CHANNELS)
    part = np.full_like(whole, -1.0)
    tissues = landscape.Tissues(*(tissue[name].reshape(-1) for name in LANDSCAPE))
    p = process.params
    substrate = landscape.Substrate(
        1.0, 0.5, 0.8, 0.05, 0.5, 0.2, 5.0, 1.0, 0.3, 1.0, 0.0, 2.5, p.branching, p.branching_white
    )
    landscape.survey_all(50, 90, tissues, substrate, part)
    np.testing.assert_array_equal(part[50:90], whole[50:90])
    assert (part[:50] == -1.0).all() and (part[90:] == -1.0).all()


@pytest.mark.parametrize("shape", [(1, 40, 70), (20, 18, 50), (40, 1, 33)])
def test_the_landscape_within_reach_is_the_same(shape: tuple[int, int, int]) -> None:
    tissue, process = rough_cord(shape, 4), AxonGrowth()
    add_cones(tissue, 3)
    half = [0.5 * (n - 1) * h for n, h in zip(shape, tissue.lattice.spacing_um, strict=True)]
    for name, far in zip("xyz", half, strict=True):
        tissue[f"cone.{name}"][...] = far * np.array([-0.9, 0.1, 0.8])
    tissue["cone.state"][2] = axon.CENSORED
    whole = land_of(tissue, process).land
    reach = 120.0
    near = process._space(tissue, reach).land
    centres = tissue.lattice.centres_um()
    within = np.zeros(shape, dtype=bool)
    for cone in range(2):
        box = np.ones(shape, dtype=bool)
        for axis, name in enumerate("xyz"):
            here = tissue[f"cone.{name}"][cone]
            box &= np.abs(centres[axis] - here) <= reach + 1.01 * tissue.lattice.spacing_um[axis]
        within |= box
    assert 0 < within.sum() < within.size
    np.testing.assert_array_equal(near[within], whole[within])
    # every block by itself
    tissues = landscape.Tissues(*(tissue[name].reshape(-1) for name in LANDSCAPE))
    p = process.params
    substrate = landscape.Substrate(
        1.0, 0.5, 0.8, 0.05, 0.5, 0.2, 5.0, 1.0, 0.3, 1.0, 0.0, 2.5, p.branching, p.branching_white
    )
    blocks = tuple(-(-n // landscape.WIDTH) for n in shape)
    which = np.arange(math.prod(blocks))
    part = np.full((math.prod(shape), landscape.CHANNELS), -1.0)
    landscape.survey_blocks(0, which.size - 1, which, blocks, shape, tissues, substrate, part)
    part = part.reshape(*shape, landscape.CHANNELS)
    last = tuple(slice((b - 1) * landscape.WIDTH, None) for b in blocks)
    assert (part[last] == -1.0).all()
    part[last] = whole[last]
    np.testing.assert_array_equal(part, whole)


# -------------------------------------------------------------------------------------------- sampling
def twin_sample(
    tissue: Tissue, fields: dict[str, np.ndarray], point: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """Masked interpolation corner by corner; slopes from pairs of corners that both lie in the cord."""
    lattice, cord = tissue.lattice, tissue["map.cord"]
    shape, spacing = np.array(lattice.shape), np.array(lattice.spacing_um)
    scaled = (point - np.array(lattice.origin_um)) / spacing
    low = np.where(shape == 1, 0, np.clip(np.floor(scaled).astype(int), 0, np.maximum(shape - 2, 0)))
    weight = np.where(shape == 1, 0.0, np.clip(scaled - low, 0.0, 1.0))
    offsets = [np.array(offset) for offset in np.ndindex(*np.minimum(shape, 2))]

    def share(offset: np.ndarray, without: int = -1) -> float:
        pairs = zip(weight, offset, range(3), strict=True)
        return math.prod(w if o else 1 - w for w, o, axis in pairs if axis != without)

    inside = [offset for offset in offsets if cord[tuple(low + offset)]]
    total = sum(share(offset) for offset in inside)
    values = {
        name: sum(share(o) * float(field[tuple(low + o)]) for o in inside) / total if total > 0 else 0.0
        for name, field in fields.items()
    }
    gradient = np.zeros(3)
    for axis in range(3):
        if shape[axis] == 1:
            continue
        step = np.eye(3, dtype=int)[axis]
        pairs = [o for o in inside if o[axis] == 0 and cord[tuple(low + o + step)]]
        weights = sum(share(o, axis) for o in pairs)
        if weights > 0:
            rises = sum(
                share(o, axis) * float(fields["cue"][tuple(low + o + step)] - fields["cue"][tuple(low + o)])
                for o in pairs
            )
            gradient[axis] = rises / weights / spacing[axis]
    return values, gradient


@pytest.mark.parametrize("shape", SHAPES)
def test_sampling(shape: tuple[int, int, int]) -> None:
    tissue, process = rough_cord(shape), AxonGrowth()
    space = land_of(tissue, process)
    fields = {name: f * tissue["map.cord"] for name, f in twin_land(tissue, process.params).items()}
    rng = np.random.default_rng(1)
    half = 0.5 * np.array(tissue.lattice.extent_um)
    for point in rng.uniform(-half, half, size=(200, 3)):
        found = landscape.sample(point[0], point[1], point[2], space)
        expected, gradient = twin_sample(tissue, fields, point)
        np.testing.assert_allclose(found[:7], list(expected.values()), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found[7:], gradient, rtol=1e-9, atol=1e-12)


def test_sampling_is_exact_for_a_linear_field_and_ignores_what_lies_outside() -> None:
    tissue = cord_of("grey", shape=(8, 8, 16), spacing_um=(50.0, 40.0, 30.0), whole=True)
    x, y, z = tissue.lattice.centres_um()
    tissue["field.trophic"][...] = 9.0 + 1e-3 * x - 2e-3 * y + 3e-3 * z
    space = land_of(tissue, AxonGrowth())
    found = landscape.sample(33.0, -21.0, 7.0, space)
    np.testing.assert_allclose(found[3], 9.0 + 0.033 + 0.042 + 0.021, rtol=1e-12)
    np.testing.assert_allclose(found[7:], [1e-3, -2e-3, 3e-3], rtol=1e-9)
    # A wall of a huge value outside the cord is not felt next to it, however close.
    tissue["map.cord"][:, :3, :] = 0
    tissue["field.trophic"][:, :3, :] = 1e9
    near = landscape.sample(0.0, -40.0 * 0.999, 0.0, land_of(tissue, AxonGrowth()))
    assert near[3] < 10.0
    assert near[8] == 0.0, "no gradient across the wall"


# ------------------------------------------------------------------------------------------- one cone
class TwinCone:
    """A growth cone in words: the rules of the process, one cone, plain floats."""

    def __init__(self, tissue: Tissue, process: AxonGrowth, row: int, key: Key) -> None:
        self.tissue, self.p, self.key = tissue, process.params, key
        cone = {name: tissue.cones[name][row] for name in tissue.cones.columns}
        self.who, self.state = cone["id"], int(cone["state"])
        self.at = np.array([cone["x"], cone["y"], cone["z"]])
        self.h = np.array([cone["hx"], cone["hy"], cone["hz"]])
        self.arc, self.stalled_h = float(cone["arc_um"]), float(cone["stalled_h"])
        self.since = float(cone["since_um"])
        fibre_row = cone["fibre"]
        self.graft = tissue["fibre.origin"][fibre_row] == 1
        tract = Tract(int(tissue["fibre.tract"][fibre_row]))
        self.sensitivity = getattr(self.p, f"cspg_sensitivity_{TRACT_NAMES[tract]}")
        land = twin_land(tissue, self.p, Tract.CORTICOSPINAL if self.graft else tract)
        land["support"] = tissue[CONTACT_SUPPORT] if CONTACT_SUPPORT in tissue else np.zeros(tissue.lattice.shape)
        self.fields = {name: field * tissue["map.cord"] for name, field in land.items()}
        capacity, floor = process.capacity(tissue, key)
        self.g, self.floor = float(capacity[fibre_row]), float(floor[fibre_row])
        self.path = self._stem(int(cone["last"]), int(cone["base"]))
        self.new: list[np.ndarray] = []
        self.branch: tuple[int, np.ndarray] | None = None

    def _stem(self, last: int, base: int) -> list[np.ndarray]:
        s = self.tissue.segments
        rows = [last]
        while rows[-1] != base:
            rows.append(int(s["parent"][rows[-1]]))
        return [np.array([s["x"][r], s["y"][r], s["z"][r]]) for r in reversed(rows)]

    def _where(self, point: np.ndarray) -> str:
        lattice = self.tissue.lattice
        index = np.floor((point - np.array(lattice.origin_um)) / np.array(lattice.spacing_um) + 0.5).astype(
            int
        )
        if not 0 <= index[2] < lattice.shape[2]:
            return "beyond"
        if not all(0 <= i < n for i, n in zip(index[:2], lattice.shape[:2], strict=True)):
            return "outside"
        return "cord" if self.tissue["map.cord"][tuple(index)] else "outside"

    def look(self) -> tuple[float, dict[str, float], np.ndarray, float]:
        seen, gradient = twin_sample(self.tissue, self.fields, self.at)
        c, steep = seen["cue"], float(np.sqrt((gradient**2).sum()))
        detected = 0.0
        if c > self.p.sensing_floor:
            snr = self.p.cone_width * steep / c * math.sqrt(self.p.sensing_samples * c) / (1 + c)
            detected = snr**2 / (1 + snr**2)
        fed = c / (1 + c) + (0.0 if self.graft else seen["support"])
        q = max(0.2 + 0.8 * max(detected, min(1.0, fed)), 0.5 * seen["intact"], self.floor)
        return self.g * seen["graft" if self.graft else "host"] * q, seen, gradient, detected

    def step(self) -> None:
        p, key, dt = self.p, self.key, self.key.dt_h
        if self.state not in (axon.ACTIVE, axon.PAUSED):
            return
        change, branch = uniform_pair(key.seed, self.who, key.tick, int(Stream.CONE_STATE), 0)
        hazard_left = -math.log(branch)
        xi, _ = normal_pair(key.seed, self.who, key.tick, int(Stream.CONE_SPEED), 0)
        tau = p.fluctuation_time
        factor = math.sqrt(2 * tau / dt * (1 - tau / dt * (1 - math.exp(-dt / tau))))
        u, seen, gradient, detected = self.look()
        h3 = u**3 / (u**3 + p.pause_at**3)
        off, on = p.pause_rate + p.pause_rate_slow / (1 + (u / p.pause_at) ** 3), p.resume_rate * h3
        now = float(self.state == axon.ACTIVE)
        chance = on / (on + off) + (now - on / (on + off)) * math.exp(-(on + off) * dt)
        if change >= chance:
            self.state = axon.PAUSED
            self.stalled_h = self.stalled_h + dt if self.sensitivity * seen["inhibitor"] > 1 else 0.0
            if self.stalled_h > 24 * p.dystrophic_after:
                self.state = axon.DYSTROPHIC
            return
        self.state, self.stalled_h = axon.ACTIVE, 0.0
        left, piece = dt, 0
        while left > 1e-9:
            if piece:
                u, seen, gradient, detected = self.look()
            v = p.speed * u + p.fluctuation * min(1.0, math.sqrt(u / p.fluctuation_at)) * factor * xi
            if v <= 0:
                if piece == 0:
                    self.draw_back(-v * left)
                return
            length = min(v * left, p.piece)
            self.turn(length, seen["aligned"], gradient, detected, piece)
            outcome = self.go(length)
            left -= length / v
            piece += 1
            if outcome == "outside":
                continue
            self.since, self.arc = self.since + length, self.arc + length
            if outcome == "beyond":
                self.new.append(self.at.copy())
                self.state = axon.CENSORED
                return
            hazard_left -= seen["branching"] * length
            if hazard_left <= 0 and self.branch is None:
                self.new.append(self.at.copy())
                self.since = 0.0
                self.branch = (len(self.new) - 1, self.fork())
            elif self.since >= p.log_every:
                self.new.append(self.at.copy())
                self.since = 0.0

    def flat(self) -> int | None:
        shape = self.tissue.lattice.shape
        return 0 if shape[0] == 1 else (1 if shape[1] == 1 else None)

    def turn(self, length: float, aligned: float, gradient: np.ndarray, detected: float, piece: int) -> None:
        p, key = self.p, self.key
        pull = np.array([0.0, 0.0, (aligned / p.contact_length) * (1 if self.h[2] >= 0 else -1)])
        steep = float(np.sqrt((gradient**2).sum()))
        if steep > 0:
            pull += detected / p.gradient_length * gradient / steep * (p.turning_graft if self.graft else 1.0)
        rate = float(np.sqrt((pull**2).sum()))
        kept = math.exp(-rate * length)
        variance = (
            (1 - kept**2) / (rate * p.persistence) if rate * length > 1e-9 else 2 * length / p.persistence
        )
        flat = self.flat()
        if flat is not None:
            across = 1 - flat
            angle, toward = math.atan2(self.h[across], self.h[2]), math.atan2(pull[across], pull[2])
            if rate * length > 1e-9:
                psi = (angle - toward + math.pi) % (2 * math.pi) - math.pi
                angle = toward + psi * kept
            angle += (
                math.sqrt(variance)
                * normal_pair(key.seed, self.who, key.tick, int(Stream.CONE_TURN), piece)[0]
            )
            self.h = np.zeros(3)
            self.h[across], self.h[2] = math.sin(angle), math.cos(angle)
            return
        u, v = uniform_pair(key.seed, self.who, key.tick, int(Stream.CONE_TURN), piece)
        if rate * length > 1e-9:
            best = pull / rate
            psi = math.acos(max(-1.0, min(1.0, float((self.h * best).sum()))))
            side = self.h - math.cos(psi) * best
            size = float(np.sqrt((side**2).sum()))
            if size > 1e-12:
                self.h = math.cos(psi * kept) * best + math.sin(psi * kept) * side / size
        mean = math.exp(-variance / 2)
        power = (1 - mean) / (1 + mean)  # 2 u**power - 1 has just this mean
        self.h = self.tilted(2 * u**power - 1, 2 * math.pi * v)

    def tilted(self, cosine: float, azimuth: float) -> np.ndarray:
        h = self.h
        first = np.array([-h[1], h[0], 0.0]) if abs(h[2]) < 0.9 else np.array([0.0, -h[2], h[1]])
        first /= np.sqrt((first**2).sum())
        second = np.cross(h, first)
        sine = math.sqrt(max(0.0, 1 - cosine**2))
        new = cosine * h + sine * (math.cos(azimuth) * first + math.sin(azimuth) * second)
        return np.asarray(new / np.sqrt((new**2).sum()))

    def fork(self) -> np.ndarray:
        key, angle = self.key, self.p.branch_angle
        azimuth = 2 * math.pi * uniform(key.seed, self.who, key.tick, int(Stream.CONE_STATE), 1)
        flat = self.flat()
        if flat is None:
            return self.tilted(math.cos(angle), azimuth)
        across = 1 - flat
        turned = math.atan2(self.h[across], self.h[2]) + (angle if azimuth < math.pi else -angle)
        child = np.zeros(3)
        child[across], child[2] = math.sin(turned), math.cos(turned)
        return child

    def go(self, length: float) -> str:
        lattice = self.tissue.lattice
        for mirror in ((1, 1, 1), (1, -1, 1), (-1, 1, 1), (-1, -1, 1), (-1, -1, -1)):
            h = self.h * np.array(mirror)
            target = self.at + length * h
            where = self._where(target)
            if where == "beyond":
                bottom, top = (
                    lattice.origin_um[2],
                    lattice.origin_um[2] + (lattice.shape[2] - 1) * lattice.spacing_um[2],
                )
                end = min(max(target[2], bottom - lattice.spacing_um[2] / 2), top + lattice.spacing_um[2] / 2)
                target = self.at + (end - self.at[2]) / h[2] * h
                if self._where(np.array([target[0], target[1], min(max(end, bottom), top)])) != "cord":
                    continue
            elif where == "outside":
                continue
            self.h, self.at = h, target
            return where
        return "outside"

    def draw_back(self, length: float) -> None:
        while length > 0:
            gap = float(np.sqrt(((self.path[-1] - self.at) ** 2).sum()))
            if length < gap:
                self.at = self.at + length / gap * (self.path[-1] - self.at)
                self.since, self.arc = gap - length, max(0.0, self.arc - length)
                return
            self.at, self.since, self.arc = self.path[-1].copy(), 0.0, max(0.0, self.arc - gap)
            length -= gap
            if len(self.path) == 1:
                return
            self.path.pop()


def lively(
    shape: tuple[int, int, int], n: int, seed: int = 3, blocked: bool = False, **params: Any
) -> tuple[Tissue, AxonGrowth]:
    """A rough cord with cones of host and graft at random points inside it."""
    tissue = rough_cord(shape, seed, blocked=blocked, supported=blocked)
    rng = np.random.default_rng(seed)
    voxels = np.argwhere(tissue["map.cord"] > 0)
    chosen = voxels[rng.integers(0, len(voxels), n)]
    flat = [axis for axis in range(2) if shape[axis] == 1]
    for row, voxel in enumerate(chosen):
        offset = rng.uniform(-0.49, 0.49, 3)
        heading = rng.normal(size=3)
        for axis in flat:
            offset[axis] = heading[axis] = 0.0
        point = np.array(tissue.lattice.origin_um) + (voxel + offset) * np.array(tissue.lattice.spacing_um)
        heading /= np.sqrt((heading**2).sum())
        add_cones(tissue, 1, row % 2, tuple(point), tuple(heading), capacity=30.0)
    return tissue, AxonGrowth(AxonGrowth.Params(**{"branching": 4e-3, "crowding": 10.0, **params}))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tracts", [(Tract.CORTICOSPINAL,), HOST_TRACTS], ids=["one tract", "all tracts"])
def test_cones_follow_their_twin(shape: tuple[int, int, int], tracts: tuple[Tract, ...]) -> None:
    """Every rule at once, on rough tissue: positions, headings, states, points and branches agree.

    With all tracts, each is sensitive in its own way, and here and there myelin inhibitors are blocked and grafted
    cells support by contact.
    """
    n, several = 60, len(tracts) > 1
    own = SENSITIVITIES if several else {}
    tissue, process = lively(
        shape, n, blocked=several, resume_rate=0.5, fluctuation=30.0, log_every=20.0, persistence=80.0, **own
    )
    host = tissue["fibre.origin"] == 0
    tissue["fibre.tract"][host] = np.resize([int(tract) for tract in tracts], host.sum())
    seen_states: set[int] = set()
    branched = logged = 0
    for tick in range(0, 48, 4):
        key = Key(11, tick, 4.0)
        count = len(tissue.cones)
        twins = [TwinCone(tissue, process, row, key) for row in range(count)]
        work = process._work(tissue, key, count)
        for twin in twins:
            twin.step()
        run_blocks(
            axon.advance_all, count, tissue.cones.view(axon.Cones), work, tissue.segments.view(axon.Paths),
            process._space(tissue), process._growth(tissue, key), key,
        )  # fmt: skip
        for row, twin in enumerate(twins):
            c = {name: tissue.cones[name][row] for name in tissue.cones.columns}
            np.testing.assert_allclose([c["x"], c["y"], c["z"]], twin.at, rtol=1e-9, atol=1e-6)
            np.testing.assert_allclose([c["hx"], c["hy"], c["hz"]], twin.h, atol=1e-8)
            assert c["state"] == twin.state
            np.testing.assert_allclose([c["arc_um"], c["stalled_h"]], [twin.arc, twin.stalled_h], atol=1e-6)
            assert work.count[row] == len(twin.new)
            np.testing.assert_allclose(
                work.points[row, : len(twin.new)], np.reshape(twin.new, (-1, 3)), atol=1e-6
            )
            assert work.branch_at[row] == (-1 if twin.branch is None else twin.branch[0])
            if twin.branch is not None:
                np.testing.assert_allclose(work.child[row], twin.branch[1], atol=1e-8)
            branched += twin.branch is not None
            logged += len(twin.new)
        seen_states |= {int(state) for state in tissue["cone.state"]}
        first = process._log(tissue, work, tick)
        process._branch(tissue, work, first, tick)
    assert {axon.ACTIVE, axon.PAUSED} <= seen_states
    assert branched > 5
    assert logged > 100
    assert (tissue["segment.lost_tick"] >= 0).any(), "no cone ever retracted past a point"


@pytest.mark.parametrize("variance", [1e-6, 0.05, 0.7, 4.0])
def test_random_rotation_has_the_exact_mean_cosine(variance: float) -> None:
    u = (np.arange(20000) + 0.5) / 20000
    found = np.mean([steering.random_cosine(variance, value) for value in u])
    assert found == pytest.approx(math.exp(-0.5 * variance), rel=2e-4, abs=2e-4)


# ------------------------------------------------------------------------------- threads, order of rows
def test_growth_has_the_same_bits_with_two_threads() -> None:
    def run(threads: int) -> tuple[Tissue, dict[str, np.ndarray]]:
        set_threads(threads)
        tissue, process = lively((1, 64, 80), 4500, resume_rate=0.5, log_every=20.0)
        start = tissue.snapshot()
        for tick in range(0, 12, 4):
            process.step(tissue, Key(5, tick, 4.0))
        return tissue, start

    one, start = run(1)
    two, _ = run(2)
    assert one.changed(two.snapshot()) == []
    assert len(one.cones) > 4500
    assert one.changed(start)


def test_the_landscape_has_the_same_bits_with_two_threads() -> None:
    tissue, process = rough_cord((12, 24, 32)), AxonGrowth()
    assert tissue.lattice.size > 4096
    set_threads(2)
    two = land_of(tissue, process).land
    set_threads(1)
    one = land_of(tissue, process).land
    assert one.tobytes() == two.tobytes()
    assert one.any()


def test_growth_does_not_depend_on_the_order_of_cones() -> None:
    def run(shuffled: bool) -> dict[int, tuple[float, ...]]:
        tissue, process = lively((1, 12, 20), 300, resume_rate=0.5, crowding=0.004)
        if shuffled:
            tissue.cones.reorder(np.random.default_rng(8).permutation(len(tissue.cones)))
        for tick in range(0, 20, 4):
            process.step(tissue, Key(5, tick, 4.0))
        cones = tissue.cones
        return {
            int(cones["id"][row]): tuple(
                float(cones[name][row]) for name in ("x", "y", "z", "hy", "hz", "state", "arc_um")
            )
            for row in range(len(cones))
        }

    plain, shuffled = run(False), run(True)
    assert len(plain) > 300
    assert plain == shuffled
