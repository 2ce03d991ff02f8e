"""Treatments of axons and circuits against their equations: capacity, blocks, training, alone and together."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from axon_support import OTHERS as PROVIDED
from axon_support import add_cones, cord_of
from cordgraft.core.contract import ArraySpec, Key, Process, Provision
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.processes.contact import Contact
from cordgraft.processes.function_index import FunctionIndex
from cordgraft.processes.growth_stimulation import GrowthStimulation
from cordgraft.processes.inhibitor_block import InhibitorBlock
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.processes.matrix_factor import MatrixFactor
from cordgraft.processes.mtor_block import MtorBlock
from cordgraft.processes.rehabilitation import Rehabilitation
from cordgraft.state.axon_treatments import NOGO, OTHERS, STIMULATION
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES, ConeState, Tract
from cordgraft.state.tissue import Tissue
from support import make_tissue

EPICENTRE = ArraySpec("scalar.epicentre_um", "um", "middle of the injury")


class _Epicentre(Process):
    """Provides the place of the injury."""

    name = "epicentre"
    provides = Provision(arrays=(EPICENTRE,))

    def step(self, tissue: Any, key: Key) -> None:
        """Do nothing."""


def stimulus(label: str = "one", **keys: Any) -> GrowthStimulation:
    return GrowthStimulation(GrowthStimulation.Params(**{"at": 24.0, "duration": 48.0, **keys}), label)


def block(label: str = "one", **keys: Any) -> InhibitorBlock:
    return InhibitorBlock(InhibitorBlock.Params(**{"at": 24.0, "duration": 48.0, **keys}), label)


def mtor(label: str = "one", **keys: Any) -> MtorBlock:
    return MtorBlock(MtorBlock.Params(**{"at": 24.0, "duration": 48.0, **keys}), label)


def training(label: str = "one", **keys: Any) -> Rehabilitation:
    return Rehabilitation(Rehabilitation.Params(**{"at": 24.0, "duration": 48.0, **keys}), label)


def give(tissue: Tissue, treatments: list[Any], first: int, last: int) -> None:
    """Run treatments through the ticks ``first .. last - 1``."""
    for tick in range(first, last):
        for one in treatments:
            one.step(tissue, Key(1, tick, 1.0))


# -------------------------------------------------------------------------------------- stimulation
def five_tracts(*processes: Process) -> Tissue:
    """One axon of each host tract, cut at the start, and one of the graft."""
    tissue = cord_of("white", processes, days=60.0)
    for tract in HOST_TRACTS:
        add_cones(tissue, 1, origin=0, tract=int(tract))
    add_cones(tissue, 1, origin=1)
    return tissue


def test_a_stimulus_adds_to_the_capacity_of_its_tracts_and_ends() -> None:
    growth, one = AxonGrowth(), stimulus(strength=0.3, tract="propriospinal")
    everywhere = stimulus("two", at=48.0, strength=0.4)
    tissue = five_tracts(one, everywhere)
    plain = five_tracts()
    for tick in range(24 * 6):
        give(tissue, [one, everywhere], tick, tick + 1)
        if tick % 12:
            continue
        key = Key(1, tick, 4.0)
        found, untreated = growth.capacity(tissue, key)[0], growth.capacity(plain, key)[0]
        added = np.zeros(6)
        # 24 h to 72 h, and 48 h to 96 h: the product of what they leave
        left = (0.7 if 24 <= tick < 72 else 1.0, 0.6 if 48 <= tick < 96 else 1.0)
        added[:5] = 1.0 - left[1]
        added[Tract.PROPRIOSPINAL] = 1.0 - left[0] * left[1]
        np.testing.assert_allclose(found, untreated + added, rtol=1e-12)
        assert found[5] == untreated[5], "graft axons are not reached"
        if tick < 24 or tick >= 96:
            assert found.tobytes() == untreated.tobytes()


def test_stimulated_capacity_is_that_of_the_equation() -> None:
    """``(G0 + G_ax e^(-t/10 d) + G_treat) x own factor x subject``, and no more than 1."""
    one = stimulus(at=0.0, strength=0.5)
    tissue = five_tracts(one)
    tissue.set_scalar("subject_capacity", 0.8)
    tissue["fibre.capacity"][: len(HOST_TRACTS)] = [1.5, 0.1, 1.0, 3.0, 1.0]
    give(tissue, [one], 0, 1)
    found, _ = AxonGrowth().capacity(tissue, Key(1, 48, 4.0))
    rest = np.array([0.03, 0.08, 0.05, 0.03, 0.03]) + 0.15 * np.exp(-0.2) + 0.5
    expected = np.minimum(rest * np.array([1.5, 0.1, 1.0, 3.0, 1.0]) * 0.8, 1.0)
    assert expected[3] == 1.0
    np.testing.assert_allclose(found[:5], expected, rtol=1e-12)


def test_a_stimulus_of_one_tract_leaves_the_numbers_of_the_others_alone() -> None:
    one = stimulus(tract="gracile", strength=0.25)
    tissue = five_tracts(one)
    give(tissue, [one], 0, 30)
    values = {tract: tissue.scalar(name) for tract, name in STIMULATION.items()}
    assert values.pop(Tract.GRACILE) == 0.25
    assert set(values.values()) == {0.0}
    assert (
        one.event(tissue, 24) == "growth stimulation of the gracile tract begins: +0.25 of capacity for 2 d"
    )
    assert one.event(tissue, 72) == "growth stimulation of the gracile tract ends"
    assert [tick for tick in range(100) if one.event(tissue, tick)] == [24, 72]


# --------------------------------------------------------------------------------------------- mTOR
@pytest.mark.parametrize("axons", ["both", "host", "graft"])
def test_a_block_of_mtor_multiplies_the_capacity_of_its_axons(axons: str) -> None:
    one, two = mtor(strength=0.5, axons=axons), mtor("two", at=48.0, strength=0.2)
    push = stimulus(at=24.0, duration=480.0, strength=0.4)
    tissue, plain = five_tracts(one, two, push), five_tracts(push)
    for tick in range(24 * 6):
        give(tissue, [one, two, push], tick, tick + 1)
        give(plain, [push], tick, tick + 1)
        if tick % 12:
            continue
        key = Key(1, tick, 4.0)
        found, without = AxonGrowth().capacity(tissue, key)[0], AxonGrowth().capacity(plain, key)[0]
        of_two = 0.8 if 48 <= tick < 96 else 1.0
        of_one = 0.5 if 24 <= tick < 72 else 1.0
        host, graft = (of_two * (of_one if axons in ("both", whose) else 1.0) for whose in ("host", "graft"))
        np.testing.assert_allclose(found[:5], host * without[:5], rtol=1e-12)
        np.testing.assert_allclose(found[5], graft * without[5], rtol=1e-12)
        if tick >= 96:
            assert found.tobytes() == without.tobytes()
    whose = "host and graft axons" if axons == "both" else f"{axons} axons"
    assert (
        one.event(tissue, 24) == f"block of mTOR begins: takes 50 % of the growth capacity of {whose} for 2 d"
    )
    assert one.event(tissue, 72) == f"block of mTOR in {whose} ends"


# ---------------------------------------------------------------------------------- myelin inhibitors
def cord(*treatments: Process, shape: tuple[int, int, int] = (1, 24, 32), **more: Any) -> Tissue:
    return make_tissue(treatments, shape, extra=[EPICENTRE], days=30.0, **more)


def test_an_intrathecal_product_falls_off_with_depth() -> None:
    one = block(product="decoy", strength=0.9, penetration=700.0)
    tissue = cord(one)
    give(tissue, [one], 0, 24)
    assert not tissue[NOGO].any() and not tissue[OTHERS].any(), "nothing before its day"
    give(tissue, [one], 24, 25)
    y = tissue.lattice.axis_um(1)
    expected = 0.9 * np.exp(-(600.0 - np.abs(y)) / 700.0)[None, :, None] * tissue["map.cord"]
    assert 0.3 < expected.min() < 0.4 < 0.86 < expected.max() < 0.9
    for name in (NOGO, OTHERS):
        np.testing.assert_allclose(tissue[name], expected, rtol=1e-12)


def test_an_intrathecal_product_comes_from_all_round_in_a_volume() -> None:
    one = block(strength=0.9, penetration=400.0)
    volume, section = cord(one, shape=(34, 24, 16)), cord(one)
    give(volume, [one], 24, 25)
    give(section, [one], 24, 25)
    inside = volume["map.cord"] > 0
    assert not volume[NOGO][~inside].any()
    a, b = 850.0, 600.0
    turn = np.linspace(0.0, 2.0 * np.pi, 200_000)
    x, y, _ = volume.lattice.centres_um()
    for i, j in itertools.product(range(0, 34, 3), range(0, 24, 2)):
        if inside[i, j, 3]:
            nearest = np.hypot(a * np.cos(turn) - x[i, 0, 0], b * np.sin(turn) - y[0, j, 0]).min()
            assert volume[NOGO][i, j, 3] == pytest.approx(0.9 * np.exp(-nearest / 400.0), rel=1e-6)
    # the middle of the volume, 25 um beside the section, has what the section has
    np.testing.assert_allclose(volume[NOGO][17, :, 3], section[NOGO][0, :, 3], rtol=2e-2)


def test_an_antibody_takes_nogo_alone_and_a_local_product_its_ball_alone() -> None:
    one = block(strength=0.75, route="local", volume=3e8, depth=600.0, position=200.0)
    tissue = cord(one)
    give(tissue, [one], 24, 25)
    _, y, z = tissue.lattice.centres_um()
    radius = (3.0 * 3e8 / (4.0 * np.pi)) ** (1.0 / 3.0)
    ball = (y**2 + (z - 200.0) ** 2 <= radius**2) & (tissue["map.cord"] > 0)
    assert 100 < ball.sum() < 400
    np.testing.assert_array_equal(tissue[NOGO], 0.75 * ball)
    assert not tissue[OTHERS].any()
    begins = "antibody against Nogo-A, at 0.2 mm from the middle of the injury, begins: 75 % for 2 d"
    assert one.event(tissue, 24) == begins
    assert one.event(tissue, 72) == "antibody against Nogo-A, at 0.2 mm from the middle of the injury, ends"


def test_products_leave_the_product_of_what_each_leaves_and_nothing_is_left_of_them() -> None:
    all_of_them = [
        block("one", at=24.0, strength=0.8),
        block("two", at=36.0, strength=0.5, product="decoy", penetration=333.0),
        block("three", at=48.0, strength=1.0, product="decoy", route="local", volume=2e8, depth=600.0),
    ]
    tissue = cord(*all_of_them)
    alone = []
    for one in all_of_them:
        single = cord(one)
        at = int(one.params.at)
        give(single, [one], at, at + 1)
        alone.append(single[NOGO].copy())
    for tick in range(150):
        give(tissue, all_of_them, tick, tick + 1)
        given = [one.params.at <= tick < one.params.at + 48.0 for one in all_of_them]
        nogo, others = np.ones(tissue.lattice.shape), np.ones(tissue.lattice.shape)
        for one, share, now in zip(all_of_them, alone, given, strict=True):
            nogo *= 1.0 - share * now
            others *= 1.0 - share * (now and one.params.product == "decoy")
        np.testing.assert_allclose(tissue[NOGO], 1.0 - nogo, atol=1e-15)
        np.testing.assert_allclose(tissue[OTHERS], 1.0 - others, atol=1e-15)
        if not any(given):
            assert not tissue[NOGO].any() and not tissue[OTHERS].any(), "byte for byte as before"
    assert max(share.max() for share in alone) == 1.0


def myelin_cord(*treatments: Process) -> Tissue:
    """White matter with some debris and two cones, of the host and of the graft."""
    tissue = cord_of("white", [*treatments, _Epicentre()], days=30.0)
    tissue["density.debris"][...] = 0.4 * tissue["map.cord"]
    add_cones(tissue, 1, origin=0)
    add_cones(tissue, 1, origin=1)
    return tissue


@pytest.mark.parametrize("product", ["antibody", "decoy"])
def test_blocked_inhibitors_free_host_cones_by_their_share(product: str) -> None:
    """``1/(1 + 2.5 m)`` with ``m = 1.4 (1 - a_N n - (a_G + a_O) o)``; graft cones feel none of it."""
    shares = {"nogo_share": 0.6, "mag_share": 0.3, "omgp_share": 0.1}
    growth = AxonGrowth(AxonGrowth.Params(**shares, cue_intact=1.0))
    one = block(product=product, strength=0.8, route="local", volume=1e11, depth=600.0)
    treated, plain = myelin_cord(one), myelin_cord()
    give(treated, [one], 0, 25)
    for tissue in (treated, plain):
        growth.step(tissue, Key(1, 24, 4.0))
    blocked = 0.8 * (0.6 if product == "antibody" else 1.0)
    divisors = [1.0 + 2.5 * 1.4 * (1.0 - share) for share in (blocked, 0.0)]
    gain = treated["cone.growth"] / plain["cone.growth"]
    np.testing.assert_allclose(gain[0], divisors[1] / divisors[0], rtol=1e-12)
    assert gain[1] == 1.0
    give(treated, [one], 25, 73)
    for tissue in (treated, plain):
        tissue["cone.z"][...] = 0.0
        tissue["cone.state"][...] = ConeState.ACTIVE
        growth.step(tissue, Key(1, 72, 4.0))
    assert treated["cone.growth"].tobytes() == plain["cone.growth"].tobytes(), "it has ended"


# ------------------------------------------------------------------------------- sensitivity by tract
def test_tracts_feel_inhibitors_as_their_parameters_say() -> None:
    to_cspg = dict(zip(HOST_TRACTS, (1.0, 0.2, 1.0, 0.0, 3.0), strict=True))
    to_myelin = dict(zip(HOST_TRACTS, (1.0, 1.0, 0.5, 0.0, 2.0), strict=True))
    named = {f"cspg_sensitivity_{TRACT_NAMES[tract]}": value for tract, value in to_cspg.items()}
    named |= {f"myelin_sensitivity_{TRACT_NAMES[tract]}": value for tract, value in to_myelin.items()}
    tissue = five_tracts()
    tissue["field.cspg"][...] = 10.0 * tissue["map.cord"]
    growth = AxonGrowth(AxonGrowth.Params(**named))
    capacity, _ = growth.capacity(tissue, Key(1, 0, 4.0))
    growth.step(tissue, Key(1, 0, 4.0))
    inhibited = tissue["cone.growth"] / capacity
    for tract in HOST_TRACTS:
        free = 1.0 / (1.0 + to_cspg[tract] * 2.0) / (1.0 + 2.5 * to_myelin[tract])
        assert inhibited[int(tract)] == pytest.approx(0.5 * free, rel=1e-12)
    assert inhibited[5] == pytest.approx(0.9 / (1.0 + 0.3 * 2.0), rel=1e-12), "graft axons as ever"


def test_a_tract_that_does_not_feel_cspg_never_becomes_dystrophic_in_it() -> None:
    growth = AxonGrowth(
        AxonGrowth.Params(pause_rate=10.0, resume_rate=1e-6, cspg_sensitivity_reticulospinal=0.1)
    )
    tissue = cord_of("grey", shape=(1, 16, 16), spacing_um=(100.0,) * 3, days=30.0)
    tissue["field.cspg"][...] = 20.0 * tissue["map.cord"]
    for tract in (Tract.CORTICOSPINAL, Tract.RETICULOSPINAL):
        add_cones(tissue, 40, origin=0, tract=int(tract))
    for tick in range(0, 15 * 24, 4):
        growth.step(tissue, Key(1, tick, 4.0))
    stalled = tissue["cone.state"] == ConeState.DYSTROPHIC
    assert stalled[:40].mean() > 0.9 and not stalled[40:].any()


# ------------------------------------------------------------------------------------ factors multiply
#: One treatment or state for each factor of the speed.
FACTORS = ("capacity", "substrate", "inhibition", "cue")


def speed(*given: str) -> tuple[float, float]:
    """Return growth product and speed (um/h) of a host cone in scar full of debris, with some factors helped."""
    helps = {
        "capacity": stimulus(at=0.0, duration=480.0, strength=0.5),
        "substrate": MatrixFactor(
            MatrixFactor.Params(at=0.0, duration=480.0, rate=24.0, volume=1e12, depth=600.0), "lay"
        ),
        "inhibition": block(at=0.0, duration=480.0, strength=1.0, product="decoy", route="local", volume=1e12,
                            depth=600.0),
    }  # fmt: skip
    treatments = [helps[name] for name in given if name in helps]
    tissue = cord_of("scar", [*treatments, _Epicentre()], shape=(1, 24, 64), days=30.0)
    tissue["density.debris"][...] = 0.8 * tissue["map.cord"]
    if "cue" in given:
        tissue["field.trophic"][...] = 9.0 * tissue["map.cord"]
    add_cones(tissue, 1, origin=0, cut_tick=-(10**7))
    give(tissue, treatments, 0, 48)
    growth = AxonGrowth(
        AxonGrowth.Params(fluctuation=0.0, pause_rate=0.0, pause_rate_slow=0.0, branching=0.0)
    )
    growth.step(tissue, Key(1, 48, 1.0))
    return float(tissue["cone.growth"][0]), float(tissue["cone.arc_um"][0])


def test_factors_multiply_and_each_alone_does_little() -> None:
    """All sixteen sets of helped factors: the speed is ``v_ref G S I Q`` and nothing else."""
    matrix = 1.0 - np.exp(-24.0 * 2.0)
    without = {"capacity": 0.03, "substrate": 0.05, "inhibition": 1.0 / 3.0, "cue": 0.2}
    with_it = {
        "capacity": 0.53,
        "substrate": 0.05 + 0.95 * matrix / (matrix + 0.2),
        "inhibition": 1.0,
        "cue": 0.2 + 0.8 * 0.9,
    }
    found = {}
    for chosen in itertools.product([False, True], repeat=4):
        given = tuple(name for name, now in zip(FACTORS, chosen, strict=True) if now)
        product = np.prod([with_it[name] if name in given else without[name] for name in FACTORS])
        growth, um = speed(*given)
        assert growth == pytest.approx(product, rel=1e-9), given
        assert um == pytest.approx(75.0 * product, rel=1e-9), given
        found[given] = um
    everything = found[FACTORS]
    assert everything > 25.0
    for name in FACTORS:
        assert found[(name,)] < 0.02 * everything, f"{name} alone"
        assert found[tuple(other for other in FACTORS if other != name)] < 0.35 * everything, (
            f"all but {name}"
        )
    assert found["capacity", "inhibition", "cue"] < 0.07 * everything, "capacity without substrate"
    assert found["capacity", "substrate", "inhibition"] < 0.22 * everything, "substrate without cue"
    assert found["substrate", "inhibition", "cue"] < 0.06 * everything, "substrate and cue without capacity"


def test_no_capacity_carries_a_cone_through_a_cavity() -> None:
    one = stimulus(at=0.0, duration=480.0, strength=1.0)
    tissue = cord_of("cavity", [one], days=30.0)
    add_cones(tissue, 20, origin=0)
    give(tissue, [one], 0, 1)
    for tick in range(0, 48, 4):
        AxonGrowth().step(tissue, Key(1, tick, 4.0))
    assert not tissue["cone.arc_um"].any()
    assert AxonGrowth().capacity(tissue, Key(1, 48, 4.0))[0].min() == 1.0


# ---------------------------------------------------------------------------------------- plasticity
def circuits(*treatments: Process, **params: float) -> tuple[Tissue, FunctionIndex]:
    """Half white, half grey matter whose nets are gone for good."""
    process = FunctionIndex(FunctionIndex.Params(**{"nets_return": 0.0, **params}))
    tissue = cord_of(
        "grey", (Contact(), MassEffect(), process, _Epicentre(), *treatments), shape=(1, 12, 64), days=60.0
    )
    half = 0.5 * tissue["map.cord"]
    tissue["fraction.grey"][...], tissue["fraction.white"][...] = half, half
    tissue.set_scalar("nets", 0.3)
    return tissue, process


WINDOW = 0.7**2 / (0.7**2 + 0.45**2)


def plasticity(tissue: Tissue, process: FunctionIndex, treatments: list[Any], days: int) -> list[float]:
    """Return the gain of plasticity after each day."""
    found = []
    for day in range(days):
        give(tissue, treatments, 24 * day, 24 * day + 1)
        process.step(tissue, Key(1, 24 * day, 24.0))
        found.append(tissue.scalar("plasticity"))
        give(tissue, treatments, 24 * day + 1, 24 * day + 24)
    return found


def test_training_multiplies_the_rate_of_plasticity_and_moves_no_limit() -> None:
    one, two = training(duration=120.0, strength=0.5), training("two", at=72.0, duration=24.0, strength=0.4)
    tissue, process = circuits(one, two, plasticity_rehabilitation=3.0)
    found = plasticity(tissue, process, [one, two], 40)
    gain, expected = 0.0, []
    for day in range(40):
        active = 1.0 - (0.5 if 1 <= day < 6 else 1.0) * (0.6 if day == 3 else 1.0)
        gain = 0.5 + (gain - 0.5) * np.exp(-0.1 * WINDOW * (1.0 + 3.0 * active))
        expected.append(gain)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert tissue.scalar("rehabilitation") == 0.0 and max(found) < 0.5
    assert one.event(tissue, 24) == "rehabilitation begins: 50 % of the most for 5 d"
    assert one.event(tissue, 144) == "rehabilitation ends"


def test_training_does_nothing_while_the_window_is_shut() -> None:
    one = training(at=0.0, duration=480.0, strength=1.0)
    tissue, process = circuits(one)
    tissue.set_scalar("nets", 1.0)
    assert set(plasticity(tissue, process, [one], 20)) == {0.0}


@pytest.mark.parametrize("product", ["antibody", "decoy"])
def test_blocked_inhibitors_raise_rate_and_limit_of_plasticity(product: str) -> None:
    """``I = (1 + i)/(1 + i (1 - N))`` on the rate, ``a_m N (1 - e^(-x_s/l_seg))`` on the limit, N a mean over white."""
    one = block(duration=240.0, product=product, strength=0.8, penetration=500.0)
    tissue, process = circuits(
        one, plasticity_nogo=0.6, plasticity_myelin=2.0, plasticity_inhibitors=0.4, collateral_reach=600.0
    )
    # all white matter lies in the ventral half, where less would be blocked if it were the mean over all
    tissue["fraction.white"][:, :6] = 0.0
    y = tissue.lattice.axis_um(1)[6:9]
    tissue["fraction.white"][:, 9:] = 0.0
    mean = float(np.mean(0.8 * np.exp(-(300.0 - np.abs(y)) / 500.0)))
    blocked = mean * (0.6 if product == "antibody" else 1.0)
    found = plasticity(tissue, process, [one], 25)
    span = 1.0 - np.exp(-600.0 / tissue.setting.segment_um)
    gain, expected = 0.0, []
    for day in range(25):
        now = blocked if 1 <= day < 11 else 0.0
        limit, pace = 0.5 + 0.4 * now * span, 3.0 / (1.0 + 2.0 * (1.0 - now))
        gain = limit + (gain - limit) * np.exp(-0.1 * WINDOW * pace)
        expected.append(gain)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_treatments_without_strength_leave_every_bit_of_plasticity() -> None:
    idle = [block(at=0.0, strength=0.0, product="decoy"), training(at=0.0, strength=0.0)]
    tissue, process = circuits(*idle)
    plain, other = circuits()
    assert plasticity(tissue, process, idle, 20) == plasticity(plain, other, [], 20)


# --------------------------------------------------------------------------------------- all of them
KINDS = {
    "stimulation_corticospinal": stimulus,
    "mtor_block_host": mtor,
    "rehabilitation": training,
}


@pytest.mark.parametrize("scalar", KINDS)
def test_however_courses_overlap_nothing_is_left_of_them(scalar: str) -> None:
    """Awkward strengths in any order: the product of what each leaves to the last bit, and exactly 0 at the end."""
    rng = np.random.default_rng(12)
    for _ in range(20):
        at = rng.integers(0, 60, 5).astype(float)
        lasting = rng.integers(1, 40, 5).astype(float)
        strength = 1.0 - 10.0 ** rng.uniform(-3.0, -0.1, 5)
        given = [
            KINDS[scalar](f"drug{n}", at=a, duration=d, strength=s)
            for n, (a, d, s) in enumerate(zip(at, lasting, strength, strict=True))
        ]
        tissue = make_tissue(given, (1, 4, 16), days=10)
        for tick in range(100):
            give(tissue, given, tick, tick + 1)
            left = 1.0
            for a, d, s in zip(at, lasting, strength, strict=True):
                left *= 1.0 - float(s) if a <= tick < a + d else 1.0
            assert tissue.scalar(scalar) == 1.0 - left
        assert tissue.scalar(scalar) == 0.0


def test_a_course_that_was_begun_ends_in_a_run_that_goes_on_from_a_copy() -> None:
    """The list of courses is no state: other processes with the same parameters make the same one."""

    def everything() -> tuple[list[Any], Tissue]:
        treatments = [
            stimulus(at=4.0, strength=1.0 / 3.0),
            mtor(at=6.0, strength=0.999),
            training(at=8.0, strength=0.7),
            block(at=4.0, strength=0.9),
            block("two", at=10.0, duration=60.0, strength=1.0 / 3.0, product="decoy", penetration=77.0),
        ]
        return treatments, make_tissue(treatments, (1, 12, 16), extra=[*PROVIDED, EPICENTRE], days=10)

    treatments, tissue = everything()
    others, other = everything()
    for tick in range(80):
        if tick == 30:
            other.restore(tissue.snapshot())
        give(tissue, treatments, tick, tick + 1)
        if tick >= 30:
            give(other, others, tick, tick + 1)
            assert other.changed(tissue.snapshot()) == []
        if tick == 40:
            assert tissue[NOGO].any() and tissue.scalar("mtor_block_graft") == pytest.approx(0.999)
    treated = [*(f"scalar.{name}" for name in KINDS), NOGO, OTHERS]
    assert not any(tissue[name].any() for name in treated)
