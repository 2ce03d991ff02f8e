"""Growth cones: closed forms, walls, branches, retraction, crowding."""

from __future__ import annotations

import numpy as np
import pytest

from axon_support import PLAIN, add_cones, cord_of, grow
from cordgraft.core.contract import Key
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.state.axons import AxonState, ConeState, Tract

PLANE = (1, 16, 16)
SPACE = (16, 16, 16)


def plain(**changes: float) -> AxonGrowth:
    return AxonGrowth(AxonGrowth.Params(**{**PLAIN, **changes}))


def squared_distance(
    shape: tuple[int, int, int], persistence: float, length: float, piece: float, n: int
) -> float:
    process = plain(persistence=persistence, piece=piece, log_every=5000.0)
    tissue = cord_of("grey", shape=shape, spacing_um=(100.0,) * 3, whole=True)
    add_cones(tissue, n)
    hours = length / 75.0
    grow(process, tissue, hours, hours)
    cones = tissue.cones
    np.testing.assert_allclose(cones["arc_um"], length, rtol=1e-9)
    return float((cones["x"] ** 2 + cones["y"] ** 2 + cones["z"] ** 2).mean())


@pytest.mark.parametrize("shape", [PLANE, SPACE, (16, 1, 16)], ids=["plane", "space", "coronal"])
@pytest.mark.parametrize(("sigma", "expected"), [(0.1, 29430.4), (0.3, 7901.4)])
def test_persistence_of_a_free_path(shape: tuple[int, int, int], sigma: float, expected: float) -> None:
    """<R2> = 2 l_p L [1 - (l_p/L)(1 - e^(-L/l_p))] over 200 unit steps, l_p = 2/sigma2."""
    found = squared_distance(shape, 2.0 / sigma**2, 200.0, 1.0, 20000)
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("shape", [PLANE, SPACE], ids=["plane", "space"])
def test_persistence_does_not_depend_on_the_piece(shape: tuple[int, int, int]) -> None:
    """Pieces of a third of the persistence length still give the closed form: turning is exact for any arc."""
    persistence, length = 150.0, 600.0
    expected = (
        2.0 * persistence * length * (1.0 - persistence / length * (1.0 - np.exp(-length / persistence)))
    )
    for piece in (5.0, 50.0):
        found = squared_distance(shape, persistence, length, piece, 20000)
        assert found == pytest.approx(expected, rel=0.03), piece


@pytest.mark.parametrize("shape", [PLANE, SPACE], ids=["plane", "space"])
def test_a_free_path_has_no_preferred_axis(shape: tuple[int, int, int]) -> None:
    process = plain(persistence=20.0, log_every=5000.0)
    tissue = cord_of("grey", shape=shape, spacing_um=(100.0,) * 3, whole=True)
    n = 20000
    add_cones(tissue, n)
    grow(process, tissue, 5.0, 5.0)  # 375 um: 19 persistence lengths, so the first heading is forgotten
    headings = np.stack([tissue.cones[f"h{axis}"] for axis in "xyz"][3 - len([s for s in shape if s > 1]) :])
    dimensions = headings.shape[0]
    np.testing.assert_allclose((headings**2).sum(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(headings.mean(axis=1), 0.0, atol=4.0 / np.sqrt(n))
    second = (headings[:, None] * headings[None]).mean(axis=2)
    np.testing.assert_allclose(second, np.eye(dimensions) / dimensions, atol=4.0 / np.sqrt(n))
    if dimensions == 2:  # fourth harmonic: what a lattice would imprint
        angle = np.arctan2(headings[0], headings[1])
        assert abs(np.cos(4.0 * angle).mean()) < 4.0 / np.sqrt(2.0 * n)


def test_a_gradient_guides_alike_in_every_direction() -> None:
    n = 4000
    along = []
    for degrees in (0.0, 30.0, 45.0, 75.0, 90.0):
        process = plain(persistence=200.0, log_every=5000.0)
        tissue = cord_of("grey", shape=(1, 32, 32), spacing_um=(50.0, 50.0, 50.0), whole=True)
        _, y, z = tissue.lattice.centres_um()
        angle = np.deg2rad(degrees)
        tissue["field.trophic"][...] = 8.0 + 6e-3 * (np.sin(angle) * y + np.cos(angle) * z)
        # Host cones at the cap of their capacity, set off in all directions alike.
        add_cones(tissue, n, origin=0, capacity=1e9)
        start = angle + 2.0 * np.pi * (np.arange(n) + 0.5) / n
        tissue["cone.hy"][...], tissue["cone.hz"][...] = np.sin(start), np.cos(start)
        grow(process, tissue, 5.0, 5.0)
        away = np.arctan2(tissue.cones["hy"], tissue.cones["hz"]) - angle
        along.append(np.cos(away).mean())
        assert abs(np.sin(away).mean()) < 4.0 / np.sqrt(n)
    assert min(along) > 0.2
    assert max(along) - min(along) < 5.0 / np.sqrt(n)


@pytest.mark.parametrize("piece", [5.0, 40.0])
@pytest.mark.parametrize("shape", [(1, 24, 256), (24, 24, 256)], ids=["plane", "space"])
def test_contact_guidance_is_stationary(shape: tuple[int, int, int], piece: float) -> None:
    """In white matter the heading spreads round the axis with variance l_c/l_p, whatever the piece."""
    process = plain(piece=piece, log_every=5000.0)
    tissue = cord_of("white", shape=shape, spacing_um=(200.0, 200.0, 50.0), whole=True)
    n = 10000
    add_cones(tissue, n, point=(0.0, 0.0, -6000.0))
    grow(process, tissue, 4.0, 4.0)
    away = np.arccos(np.clip(tissue.cones["hz"], -1.0, 1.0))
    # Two angular components of half the planar variance each add up to the same mean square.
    expected = 15.0 / 150.0
    if shape[0] == 1:
        assert (away**2).mean() == pytest.approx(expected, rel=0.05)
    else:
        # On the sphere the exact law is that of the mean cosine of one turn.
        assert (1.0 - np.cos(away)).mean() == pytest.approx(0.5 * expected, rel=0.07)


def test_speed_of_a_cone_in_culture() -> None:
    """At u = 0.07 moment speeds are 3 +- 8.4 um/h (Keenan 2006), retractions and pauses included."""
    process = plain(
        fluctuation=11.0,
        pause_rate=1 / 24,
        pause_rate_slow=1 / 12,
        substrate_grey=0.07,
        persistence=1e6,
        log_every=5000.0,
    )
    # Too slow to leave its surroundings, with a stem long enough to retract into.
    tissue = cord_of("grey", shape=PLANE, spacing_um=(100.0,) * 3, whole=True)
    n = 20000
    add_cones(tissue, n, stem_um=600.0)
    grow(process, tissue, 60.0, 4.0)  # the shares of time settle
    before = tissue["cone.arc_um"].copy()
    dt_h = 0.02
    process.step(tissue, Key(1, 100, dt_h))
    speed = (tissue["cone.arc_um"] - before) / dt_h
    assert speed.mean() == pytest.approx(3.0, abs=0.3)
    assert speed.std() == pytest.approx(8.4, abs=0.4)
    assert (speed < 0.0).any()


@pytest.mark.parametrize("dt_h", [1.0, 4.0, 12.0])
@pytest.mark.parametrize("u", [0.015, 0.03, 0.2])
def test_share_of_time_active(u: float, dt_h: float) -> None:
    process = plain(pause_rate=1 / 24, pause_rate_slow=1 / 12, substrate_grey=u, speed=0.0)
    tissue = cord_of("grey", shape=PLANE, spacing_um=(100.0,) * 3, whole=True)
    n = 10000
    add_cones(tissue, n)
    grow(process, tissue, 120.0, dt_h)
    np.testing.assert_allclose(tissue["cone.growth"], u, rtol=1e-9)
    slow = (u / 0.03) ** 3
    leave, resume = 1 / 24 + (1 / 12) / (1 + slow), (1 / 16) * slow / (1 + slow)
    share = (tissue["cone.state"] == ConeState.ACTIVE).mean()
    assert share == pytest.approx(resume / (leave + resume), abs=4.0 * 0.5 / np.sqrt(n))


@pytest.mark.parametrize("dt_h", [1.0, 4.0])
def test_the_fluctuation_has_the_spread_of_its_mean_over_the_step(dt_h: float) -> None:
    process = plain(fluctuation=11.0, speed=60.0, persistence=1e6, log_every=5000.0)
    tissue = cord_of("grey", shape=(1, 16, 64), spacing_um=(100.0,) * 3, whole=True)
    n = 20000
    add_cones(tissue, n)
    process.step(tissue, Key(1, 3, dt_h))
    speed = tissue["cone.arc_um"] / dt_h
    tau = 0.5
    expected = 11.0 * np.sqrt(2 * tau / dt_h * (1 - tau / dt_h * (1 - np.exp(-dt_h / tau))))
    assert speed.mean() == pytest.approx(60.0, abs=4.0 * expected / np.sqrt(n))
    assert speed.std() == pytest.approx(expected, rel=0.02)


def test_untreated_corticospinal_sprouts_stay_short_and_graft_axons_run() -> None:
    """Host < 1 mm in 28 d even on a spared path; graft axons 0.5-1 mm a day down white matter, half without mTOR."""
    process = AxonGrowth()
    tissue = cord_of("white", shape=(1, 8, 512), spacing_um=(200.0, 200.0, 200.0), days=28.0)
    tissue["field.cspg"][...] = 4.8 * tissue["map.cord"]
    rng = np.random.default_rng(5)
    add_cones(tissue, 600, origin=0, heading=(0.0, 0.0, -1.0), capacity=np.exp(0.7 * rng.normal(size=600)))
    add_cones(tissue, 300, origin=1, heading=(0.0, 0.0, -1.0))
    for tick in range(0, 28 * 24, 4):
        process.step(tissue, Key(1, tick, 4.0))
    fibre = tissue["cone.fibre"]
    graft = tissue["fibre.origin"][fibre] == 1
    host = np.percentile(-tissue["cone.z"][~graft], 95)
    assert host < 1000.0
    assert 500.0 * 28 < np.median(-tissue["cone.z"][graft]) < 1000.0 * 28
    assert np.percentile(-tissue["cone.z"][graft], 95) > 10.0 * host


def test_blocking_mtor_halves_and_myelin_spares_graft_axons() -> None:
    reach = {}
    for name, changes in (
        ("plain", {}),
        ("mtor", {"block_mtor": True}),
        ("no myelin", {"myelin_strength": 0.0}),
    ):
        process = AxonGrowth(AxonGrowth.Params(**changes))
        tissue = cord_of("white", shape=(1, 8, 256), spacing_um=(200.0,) * 3)
        add_cones(tissue, 200)
        for tick in range(0, 10 * 24, 4):
            process.step(tissue, Key(1, tick, 4.0))
        reach[name] = float(np.median(tissue["cone.z"]))
    assert reach["mtor"] == pytest.approx(0.5 * reach["plain"], rel=0.15)
    assert reach["no myelin"] == pytest.approx(reach["plain"], rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 12, 32), (12, 12, 32)], ids=["section", "volume"])
def test_cones_stay_in_the_cord_and_are_censored_at_its_ends(shape: tuple[int, int, int]) -> None:
    process = plain(persistence=200.0)
    tissue = cord_of("grey", shape=shape, spacing_um=(50.0,) * 3)
    add_cones(tissue, 800)
    lattice = tissue.lattice
    cord = tissue["map.cord"]
    half = 0.5 * lattice.extent_um[2]
    for tick in range(40):
        process.step(tissue, Key(1, tick, 4.0))
        index = [
            np.clip(np.floor((tissue[f"cone.{axis}"] - o) / d + 0.5).astype(int), 0, n - 1)
            for axis, o, d, n in zip("xyz", lattice.origin_um, lattice.spacing_um, shape, strict=True)
        ]
        assert cord[tuple(index)].all()
        assert (np.abs(tissue["cone.z"]) <= half + 1e-9).all()
    gone = tissue["cone.state"] == ConeState.CENSORED
    assert gone.mean() > 0.7
    np.testing.assert_allclose(np.abs(tissue["cone.z"][gone]), half, rtol=1e-12)
    assert (tissue["fibre.state"][tissue["cone.fibre"][gone]] == AxonState.CENSORED).all()
    last = tissue["cone.last"][gone]
    np.testing.assert_array_equal(tissue["segment.z"][last], tissue["cone.z"][gone])


def test_branches_share_their_stem_and_come_at_their_rate() -> None:
    process = plain(branching=1e-3, persistence=1e6, log_every=50.0)
    tissue = cord_of("grey", shape=(1, 16, 512), spacing_um=(200.0,) * 3, whole=True)
    n = 4000
    add_cones(tissue, n)
    for tick in range(3):
        process.step(tissue, Key(1, tick, 1.0))  # 225 um in all
    born = len(tissue.cones) - n
    length = float(tissue["cone.arc_um"][:n].sum())
    assert born == pytest.approx(1e-3 * length, abs=6.0 * np.sqrt(1e-3 * length))
    child = tissue.cones["base"][n:]
    assert (tissue["segment.grown"][child] == 1).all()
    # A branch point is the base of its branch; its fibre is the stem's; the branch leaves at the branch angle.
    np.testing.assert_array_equal(tissue["segment.fibre"][child], tissue["cone.fibre"][n:])
    assert len(np.unique(tissue["cone.id"])) == len(tissue.cones)
    _assert_forest(tissue)


def _assert_forest(tissue: object) -> None:
    """Parents come first and belong to the same fibre; every cone hangs on a living point."""
    parent, fibre = tissue["segment.parent"], tissue["segment.fibre"]  # type: ignore[index]
    rows = np.flatnonzero(parent >= 0)
    assert (parent[rows] < rows).all()
    np.testing.assert_array_equal(fibre[rows], fibre[parent[rows]])
    lost = tissue["segment.lost_tick"]  # type: ignore[index]
    assert (lost[tissue["cone.last"]] < 0).all()  # type: ignore[index]
    alive = rows[lost[rows] < 0]
    assert (lost[parent[alive]] < 0).all(), "a living point hangs on a lost one"


def test_retraction_follows_the_path_back_and_stops_at_the_base() -> None:
    process = plain(persistence=100.0, log_every=20.0, piece=5.0)
    tissue = cord_of("grey", shape=(1, 32, 32), spacing_um=(100.0,) * 3, whole=True)
    add_cones(tissue, 50)
    process.step(tissue, Key(1, 0, 4.0))
    laid = len(tissue.segments)
    arc = tissue["cone.arc_um"].copy()
    back = plain(speed=0.0, fluctuation=11.0, fluctuation_time=40.0, log_every=20.0)
    for tick in range(1, 60):
        back.step(tissue, Key(1, tick, 4.0))
        _assert_forest(tissue)
    assert len(tissue.segments) >= laid
    lost = tissue["segment.lost_tick"] >= 0
    assert lost.any()
    assert not lost[:50].any(), "the base never retracts"
    assert (tissue["cone.arc_um"] >= 0.0).all()
    assert (tissue["cone.arc_um"] < arc).any()
    at_base = tissue["cone.last"] == tissue["cone.base"]
    assert at_base.any()


def test_a_stretch_of_cspg_makes_long_pausing_cones_dystrophic() -> None:
    process = plain(pause_rate=10.0, resume_rate=1e-6, dystrophic_after=14.0)
    tissue = cord_of("grey", shape=PLANE, spacing_um=(100.0,) * 3, days=30.0)
    tissue["field.cspg"][...] = np.where(tissue.lattice.axis_um(2) > 0.0, 40.0, 1.0) * tissue["map.cord"]
    add_cones(tissue, 50, origin=0, point=(0.0, 0.0, 400.0))
    add_cones(tissue, 50, origin=0, point=(0.0, 0.0, -400.0))
    for tick in range(0, 15 * 24, 4):
        process.step(tissue, Key(1, tick, 4.0))
        if tick < 13 * 24:
            assert (tissue["cone.state"] != ConeState.DYSTROPHIC).all()
    state = tissue["cone.state"]
    assert (state[:50] == ConeState.DYSTROPHIC).mean() > 0.9
    assert (state[50:] != ConeState.DYSTROPHIC).all()
    stalled = state == ConeState.DYSTROPHIC
    assert (tissue["fibre.state"][tissue["cone.fibre"][stalled]] == AxonState.STALLED).all()


def test_newcomers_pause_where_there_is_no_room() -> None:
    room = 7
    process = plain(crowding=(room + 0.5) / 100.0**2, cone_length=100.0, persistence=1e6)
    tissue = cord_of("grey", shape=PLANE, spacing_um=(100.0,) * 3, whole=True)
    add_cones(tissue, 20, point=(0.0, 50.0, 50.0))  # crowded from the start: residents are left alone
    process.step(tissue, Key(1, 0, 0.2))
    assert (tissue["cone.state"] == ConeState.ACTIVE).all()
    process.step(tissue, Key(1, 1, 1.0))  # all enter the next voxel together
    paused = tissue["cone.state"] == ConeState.PAUSED
    assert paused.sum() == 20 - room
    # The lowest identities found room.
    assert tissue["cone.id"][~paused].max() < tissue["cone.id"][paused].min()


def test_capacity_of_host_and_graft() -> None:
    process = AxonGrowth()
    tissue = cord_of("white", days=200.0)
    add_cones(tissue, 1, origin=0)
    add_cones(tissue, 1, origin=0, capacity=100.0)
    add_cones(tissue, 1, origin=0, tract=int(Tract.RETICULOSPINAL))
    add_cones(tissue, 1, origin=1)
    capacity, floor = process.capacity(tissue, Key(1, 240, 4.0))  # 10 d
    np.testing.assert_allclose(capacity[0], 0.03 + 0.15 / np.e)
    assert capacity[1] == 1.0
    np.testing.assert_allclose(capacity[2], 0.08 + 0.15 / np.e)
    youth = 1.0 / (1.0 + (10.0 / 120.0) ** 4)
    np.testing.assert_allclose(capacity[3], 0.08 + 0.92 * youth)
    np.testing.assert_allclose(floor, [0.0, 0.0, 0.0, 0.9 * youth])
    tissue.set_scalar("subject_capacity", 0.5)
    halved, _ = process.capacity(tissue, Key(1, 240, 4.0))
    np.testing.assert_allclose(halved[0], 0.5 * capacity[0])
    assert halved[3] == capacity[3]


@pytest.mark.parametrize("where", ["cavity", "csf"])
def test_fluid_carries_no_cone_without_a_bridge(where: str) -> None:
    process = AxonGrowth()
    tissue = cord_of(where)
    add_cones(tissue, 100)
    assert tissue["cone.state"].max() == ConeState.ACTIVE
    grow(process, tissue, 48.0, 4.0)
    np.testing.assert_array_equal(tissue["cone.arc_um"], 0.0)
    tissue["density.matrix"][...] = 1.0 * tissue["map.cord"]
    grow(process, tissue, 96.0, 4.0)
    assert (tissue["cone.arc_um"] > 0.0).mean() > 0.5, "a bridge of matrix lets them through"
