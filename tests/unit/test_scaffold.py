"""The scaffold: what it fills and says, how it is lost, and each of the four things that it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from axon_support import add_cones, cord_of
from cordgraft import CordModel
from cordgraft.core.contract import ArraySpec, Key
from cordgraft.kernels.landscape import ALIGNED, BRANCHING, CUE, GRAFT, HOST, INHIBITOR, INTACT
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.processes.matrix_factor import MatrixFactor
from cordgraft.processes.scaffold import Scaffold
from cordgraft.processes.scar import Scar
from cordgraft.record.observers import observe
from cordgraft.state.extrusion import represented_mm3
from cordgraft.state.tissue import Tissue
from support import SMALL, make_tissue

DAY = 24
EXTRA = (
    ArraySpec("scalar.epicentre_um", "um", "place of the injury"),
    ArraySpec("scalar.lesion_rostral_um", "um", "test"),
    ArraySpec("scalar.lesion_caudal_um", "um", "test"),
)
#: Layers -10 to 10 of 64, z from -500 to 500 um.
GAP = slice(22, 42)


def scaffold(**params: Any) -> Scaffold:
    return Scaffold(Scaffold.Params(**{"at": 24.0, **params}))


def hollow(process: Scaffold, shape: tuple[int, int, int] = (1, 24, 64), *others: Any) -> Tissue:
    """A cord with a cavity of 70 % in the layers of `GAP`, the rest of them scar; 50 um voxels."""
    tissue = make_tissue([process, *others], shape, extra=EXTRA, days=200.0)
    cord = tissue["map.cord"][:, :, GAP]
    for name in ("white", "grey"):
        tissue[f"fraction.{name}"][:, :, GAP] = 0.0
    tissue["fraction.cavity"][:, :, GAP] = 0.7 * cord
    tissue["fraction.scar"][:, :, GAP] = 0.3 * cord
    return tissue


def implant(process: Scaffold, tissue: Tissue, tick: int = DAY) -> str:
    process.step(tissue, Key(1, tick, 1.0))
    return process.event(tissue, tick)


# ------------------------------------------------------------------------------------------ filling
@pytest.mark.parametrize("shape", [(1, 24, 64), (34, 24, 64)], ids=["section", "volume"])
def test_it_fills_the_fluid_of_the_lesion_and_says_how_much(shape: tuple[int, int, int]) -> None:
    process = scaffold()
    tissue = hollow(process, shape)
    before = tissue.snapshot()
    for tick in range(DAY):
        process.step(tissue, Key(1, tick, 1.0))
    assert tissue.changed(before) == [], "nothing before its day"
    text = implant(process, tissue)
    np.testing.assert_array_equal(tissue["density.scaffold"], tissue["fraction.cavity"])
    values = observe(tissue)
    # an ellipse of 1680 (1700 in the volume) x 1200 um over 1 mm, 70 % of it fluid
    across = tissue.setting.cord_diameter_um[0]
    assert values["lesion_cavity_volume"] == pytest.approx(
        0.7 * np.pi / 4 * across * 1200.0 * 1000.0 / 1e9, rel=0.02
    )
    assert values["scaffold_volume"] == values["lesion_cavity_volume"]
    assert f"{values['scaffold_volume']:.4g} mm3 of fluid filled" in text
    assert "channels" in text
    changed = tissue.changed(before)
    assert all(name.startswith(("density.scaffold", "scalar.scaffold")) for name in changed), changed


def test_planes_cut_it_also_within_a_layer() -> None:
    process = scaffold(length=420.0, position=100.0, filling=0.5)
    tissue = hollow(process)
    tissue.set_scalar("epicentre_um", -50.0)
    text = implant(process, tissue)
    # from -160 to 260 um: layers of 50 um with faces at multiples of 50
    along = tissue["density.scaffold"][0, 12]
    faces = -1600.0 + 50.0 * np.arange(65)
    expected = np.clip((np.minimum(faces[1:], 260.0) - np.maximum(faces[:-1], -160.0)) / 50.0, 0.0, 1.0)
    assert 0.0 < expected[28] < 1.0
    np.testing.assert_allclose(along, 0.5 * 0.7 * expected, rtol=1e-12)
    assert "over 0.42 mm at 0.1 mm" in text


@pytest.mark.parametrize("place", [{}, {"length": 300.0, "position": 1200.0}], ids=["no cavity", "beside it"])
def test_without_fluid_it_says_that_nothing_was_filled(place: dict[str, float]) -> None:
    process = scaffold(**place)
    tissue = hollow(process) if place else make_tissue([process], extra=EXTRA)
    before = tissue.snapshot()
    assert implant(process, tissue).endswith("found no fluid to fill: 0 mm3 filled")
    assert tissue.changed(before) == []
    assert observe(tissue)["scaffold_volume"] == 0.0


def test_no_filling_changes_no_byte() -> None:
    process = scaffold(filling=0.0)
    tissue = hollow(process)
    before = tissue.snapshot()
    for tick in range(3 * DAY):
        process.step(tissue, Key(1, tick, 1.0))
    assert tissue.changed(before) == []
    assert process.event(tissue, DAY).endswith("of no filling: 0 mm3 filled")


def test_a_second_scaffold_finds_what_the_first_left_and_each_reports_its_own() -> None:
    first, second = scaffold(filling=0.6), scaffold(alignment="none")
    tissue = hollow(first)
    texts = []
    for process in (first, second):
        process.step(tissue, Key(1, DAY, 1.0))
    for process in (first, second):
        texts.append(process.event(tissue, DAY))
    np.testing.assert_allclose(tissue["density.scaffold"], tissue["fraction.cavity"], rtol=1e-12)
    np.testing.assert_allclose(
        tissue["density.scaffold_channels"], 0.6 * tissue["fraction.cavity"], rtol=1e-12
    )
    whole = represented_mm3(tissue, tissue["fraction.cavity"])
    assert f"{0.6 * whole:.4g} mm3" in texts[0] and f"{0.4 * whole:.4g} mm3" in texts[1]


def test_it_goes_in_one_tick_after_the_injury_at_the_earliest() -> None:
    process = scaffold(at=0.0)
    tissue = hollow(process)
    assert process.event(tissue, 0) == "" and implant(process, tissue, 1) != ""


# ------------------------------------------------------------------------------------------ loss
@pytest.mark.parametrize("every", [1, 6, 37])
def test_it_is_lost_exactly_with_its_time_constant(every: int) -> None:
    process = scaffold(degradation_time=30.0 * DAY, permissive=0.3)
    tissue = hollow(process)
    implant(process, tissue)
    start = {
        name: tissue[f"density.{name}"].copy() for name in ("scaffold", "scaffold_channels", "scaffold_coat")
    }
    last = DAY
    for tick in range(DAY, 61 * DAY, every):
        process.step(tissue, Key(1, tick, float(every)))
        last = tick
    for name, values in start.items():
        left = values * np.exp(-(last - DAY) / (30.0 * DAY))
        np.testing.assert_allclose(tissue[f"density.{name}"], left, rtol=1e-11)


def test_two_scaffolds_are_lost_once_a_tick_and_each_at_its_own_rate() -> None:
    one = scaffold(length=400.0, position=-250.0, degradation_time=20.0 * DAY)
    two = scaffold(at=5.0 * DAY, length=400.0, position=250.0, degradation_time=80.0 * DAY)
    tissue = hollow(one)
    for tick in range(45 * DAY + 1):
        for process in (one, two):
            process.step(tissue, Key(1, tick, 1.0))
    along = tissue["density.scaffold"][0, 12]
    assert along[27] == pytest.approx(0.7 * np.exp(-44.0 / 20.0), rel=1e-10)
    assert along[36] == pytest.approx(0.7 * np.exp(-40.0 / 80.0), rel=1e-10)


# ------------------------------------------------------------------------------------------ matrix
def test_what_it_carries_and_what_others_may_lay_on_it_never_exceed_what_it_spans() -> None:
    process = scaffold(permissive=0.4, support=0.5)
    tissue = hollow(process)
    implant(process, tissue)
    share = tissue["density.scaffold"]
    np.testing.assert_allclose(tissue["density.scaffold_coat"], 0.4 * share, rtol=1e-12)
    np.testing.assert_allclose(tissue["density.scaffold_ground"], 0.5 * 0.6 * share, rtol=1e-12)


@pytest.mark.parametrize(("support", "share"), [(1.0, 1.0), (0.5, 0.65), (0.0, 0.3)])
def test_a_matrix_factor_lays_matrix_on_it(support: float, share: float) -> None:
    process = scaffold(support=support, degradation_time=1e6)
    factor = MatrixFactor(MatrixFactor.Params(at=48.0, duration=2400.0, rate=24.0, volume=3e8, depth=600.0))
    matrix = ArraySpec("density.matrix", "1", "matrix")
    tissue = make_tissue([process, factor], extra=(*EXTRA, matrix), days=60.0)
    tissue["fraction.cavity"][:, :, GAP] = 0.7 * tissue["map.cord"][:, :, GAP]
    implant(process, tissue)
    for tick in range(48, 72):
        factor.step(tissue, Key(1, tick, 1.0))
    assert tissue["density.matrix"][0, 12, 32] == pytest.approx(share, rel=1e-3)


@pytest.mark.parametrize(("support", "limit"), [(1.0, 1.0), (0.0, 0.3), (None, 0.3)])
def test_the_scar_lets_matrix_live_on_it(support: float | None, limit: float) -> None:
    """Matrix that a graft lays down settles at ``g k/(g k + 1/30)`` of the ground that there is."""
    process = scaffold(support=support or 0.0, degradation_time=1e6)
    scar = Scar()
    present = (process,) if support is not None else ()
    names = ("alarm", "macrophages_pro", "macrophages_repair", "vessels", "graft_matrix_rate")
    others = [ArraySpec(f"density.{name}", "1", "test") for name in names]
    extra = (*EXTRA, *others, ArraySpec("field.tnf", "1", "test"))
    tissue = make_tissue([*present, scar], extra=extra, days=400.0)
    tissue["fraction.cavity"][:, :, GAP] = 0.7 * tissue["map.cord"][:, :, GAP]
    if present:
        implant(process, tissue)
    rate = 0.002
    tissue["density.graft_matrix_rate"][...] = rate * tissue["map.cord"]
    cspg = []
    for tick in range(DAY, 200 * DAY, DAY):
        scar.step(tissue, Key(1, tick, 24.0))
        cspg.append(float(tissue["field.cspg"][0, 12, 32]))
    laid = limit * rate * 24.0
    expected = min(limit, laid / (laid + 1.0 / 30.0))
    assert tissue["density.matrix"][0, 12, 32] == pytest.approx(expected, rel=1e-3)
    assert cspg[-1] == pytest.approx(0.3 * 4.8, rel=1e-3), "CSPG does not live on it"


# ------------------------------------------------------------------------------------------ axons
def gap_of(process: Scaffold, **growth: Any) -> tuple[Tissue, AxonGrowth]:
    """White matter with a cavity of 1 mm across the whole cord; 200 young graft axons set out 0.6 mm before it."""
    tissue = cord_of("white", (process,), shape=(1, 24, 128), days=60.0)
    z = tissue.lattice.axis_um(2)
    hole = (np.abs(z) < 500.0) & (tissue["map.cord"] > 0)
    tissue["fraction.white"][hole] = 0.0
    tissue["fraction.cavity"][hole] = 1.0
    add_cones(tissue, 200, point=(0.0, 0.0, -1100.0))
    return tissue, AxonGrowth(AxonGrowth.Params(**growth))


def reach(process: Scaffold, days: int = 12, **growth: Any) -> np.ndarray:
    """Return how far the axons have come along the cord, um, with the middle of the cavity at 0 : (axons,)."""
    tissue, axons = gap_of(process, **growth)
    for tick in range(1, days * DAY + 1):
        process.step(tissue, Key(1, tick, 1.0))
        if tick % 4 == 0:
            axons.step(tissue, Key(1, tick, 4.0))
    return np.array(tissue["cone.z"][:200])


@pytest.fixture(scope="module")
def without() -> np.ndarray:
    return reach(scaffold(at=1.0, filling=0.0))


def test_axons_stop_at_a_cavity_and_cross_it_on_a_scaffold(without: np.ndarray) -> None:
    assert (without < -300.0).all(), "a cavity bears no growth cone"
    across = reach(scaffold(at=1.0))
    assert (across > 500.0).mean() > 0.5
    assert np.median(across) > np.median(without) + 1000.0


def test_channels_guide_and_without_them_axons_wander() -> None:
    aligned = reach(scaffold(at=1.0), 5)
    wandering = reach(scaffold(at=1.0, alignment="none"), 5)
    assert np.percentile(aligned, 75) > np.percentile(wandering, 75) + 100.0
    np.testing.assert_array_equal(reach(scaffold(at=1.0), 5, guidance_scaffold=0.0), wandering)


def test_without_a_substrate_value_it_bears_no_axon_but_its_coat_does(without: np.ndarray) -> None:
    guided = reach(scaffold(at=1.0, alignment="none"), substrate_scaffold=0.0)
    np.testing.assert_array_equal(guided, without)
    coated = reach(scaffold(at=1.0, alignment="none", permissive=0.3), substrate_scaffold=0.0)
    assert (coated > 0.0).mean() > 0.1


def test_cells_in_its_pores_bear_axons_as_graft_and_it_still_guides() -> None:
    process = scaffold(at=1.0, permissive=0.5)
    tissue, axons = gap_of(process)
    process.step(tissue, Key(1, 1, 1.0))
    hole = tissue["fraction.cavity"] > 0.0
    tissue["fraction.graft"][hole], tissue["fraction.cavity"][hole] = 0.75, 0.25
    land = axons._space(tissue).land
    s0 = 0.8 * 0.75 + 0.25 * 0.25
    carried = s0 + (1.0 - s0) * 0.5 / 0.7
    np.testing.assert_allclose(land[hole][:, GRAFT], carried, rtol=1e-12)
    np.testing.assert_allclose(land[hole][:, HOST], carried, rtol=1e-12)
    np.testing.assert_allclose(land[hole][:, ALIGNED], 1.0, rtol=1e-12)
    assert not land[hole][:, [CUE, INTACT, INHIBITOR]].any()
    assert (land[hole][:, BRANCHING] > 0.0).all(), "branches belong to the graft tissue"


# ------------------------------------------------------------------------------------------ a whole run
#: Clears within days, so that there is a cavity to fill.
CAVITY = {
    **SMALL,
    "duration": "10 d",
    "record.maps": "[8 d, 10 d]",
    "parameters.remodelling.cavity_share": "0.8",
    "parameters.remodelling.clearance_time": "3 d",
}
GIVEN = {"treatments.bridge.use": "scaffold_aligned", "treatments.bridge.at": "8 d"}


def test_a_run_with_a_scaffold_keeps_its_volume_and_one_without_knows_nothing_of_it() -> None:
    plain = CordModel("mouse_subacute_graft", settings=CAVITY)
    assert not any("scaffold" in name for name in plain.tissue.names())
    assert "scaffold_volume" not in {spec.name for spec in plain.observer.specs}
    model = CordModel("mouse_subacute_graft", settings={**CAVITY, **GIVEN})
    inside = model.tissue["map.cord"] > 0
    said = []
    while model.running:
        before = model.tissue["fraction.cavity"].copy() if model.tick == 8 * DAY - 1 else None
        model.step()
        if model.tick % 12:
            continue
        fractions = [model.tissue[name] for name in model.tissue.names() if name.startswith("fraction.")]
        np.testing.assert_allclose(np.sum(fractions, axis=0)[inside], 1.0, atol=1e-12)
        share, host = (
            model.tissue["density.scaffold"],
            model.tissue["fraction.white"] + model.tissue["fraction.grey"],
        )
        assert (share + host <= 1.0 + 1e-12).all(), "it takes no place of living tissue"
        said += [text for name, text in model.events(model.tick) if name == "bridge"]
        if before is not None:
            filled = represented_mm3(model.tissue, before)
            assert filled > 0.05
            assert observe(model.tissue)["scaffold_volume"] == pytest.approx(filled, rel=1e-12)
    assert len(said) == 1 and f"{filled:.4g} mm3 of fluid filled" in said[0]
    assert model.latest["scaffold_volume"] == pytest.approx(filled * np.exp(-2.0 / 60.0), rel=1e-9)
