"""Delivery of a graft: the dose adds up, nothing is squeezed in, and nobody's number depends on anybody else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import Key
from cordgraft.core.parameters import EVIDENCE
from cordgraft.core.units import parse_unit
from cordgraft.processes.graft_delivery import (
    FOUNDERS_PER_DELIVERY,
    Ellipsoid,
    GraftDelivery,
    ellipsoid_for,
    section_share,
)
from cordgraft.state.cells import (
    PACKED_PER_UL,
    CellKind,
    count_by_voxel,
    lesion_room,
    local_capacity,
    open_capacity,
    places,
)
from cordgraft.state.lines import LINES, line_number, line_values
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare

NOON = 12
SCALARS = ("dose", "dead_on_arrival", "backflow", "surplus", "delivered", "founders")


def graft(label: str = "graft", **values: Any) -> GraftDelivery:
    return GraftDelivery(GraftDelivery.Params(**{"at": float(NOON), "dose": 2e5, **values}), label)


def deliver(tissue: Tissue, *grafts: GraftDelivery, tick: int = NOON) -> Tissue:
    for one in grafts:
        one.step(tissue, Key(tissue.setting.seed, tick, 1.0))
    return tissue


def scalars(tissue: Tissue) -> dict[str, float]:
    return {name: tissue.scalar(f"graft_{name}") for name in SCALARS}


def test_the_dose_adds_up() -> None:
    one = graft()
    tissue = deliver(bare([one], (1, 28, 96)), one)
    n = scalars(tissue)
    weight = tissue["cell.weight"]
    assert n["dose"] == 2e5
    assert n["dead_on_arrival"] == pytest.approx(0.2 * 2e5)
    assert 0.1 * 1.6e5 <= n["backflow"] <= 0.5 * 1.6e5
    assert n["delivered"] == pytest.approx(weight.sum())
    assert n["founders"] == len(tissue.cells) > 1000
    # what is simulated is rounded to whole cells, so the account closes to one of them
    accounted = n["dead_on_arrival"] + n["backflow"] + n["surplus"] + n["delivered"]
    assert abs(accounted - 2e5) <= weight[0]
    assert (weight == weight[0]).all()
    np.testing.assert_array_equal(tissue["density.cells"], count_by_voxel(tissue["cell.site"], (1, 28, 96)))


def test_rounding_to_whole_cells_has_no_bias() -> None:
    """On average over seeds, the cells simulated stand for exactly the cells delivered."""
    one = graft(dose=60.0, depth=300.0, backflow_rise=0.0)
    expected, delivered = 60.0 * 0.8 * 0.9, []
    for seed in range(1, 201):
        tissue = deliver(bare([one], (1, 12, 32), seed=seed), one)
        delivered.append(scalars(tissue)["delivered"])
    error = np.std(delivered) / np.sqrt(len(delivered))
    assert error > 0.0
    assert abs(np.mean(delivered) - expected) < 4.0 * error


def test_a_section_carries_the_share_of_its_slab() -> None:
    """h/W is the volume of a thin central slab of the ellipsoid over that of the whole; weights are its inverse."""
    ellipsoid = ellipsoid_for(3e5, PACKED_PER_UL, 2.0, (2000.0, 1400.0))
    a, b, c = ellipsoid
    assert 4.0 / 3.0 * np.pi * a * b * c == pytest.approx(3e5 / PACKED_PER_UL * 1e9)
    assert (a / b, c / b) == (pytest.approx(2000.0 / 1400.0), pytest.approx(2.0))
    x = (np.arange(20000) + 0.5) / 20000.0 * 2.0 * a - a
    slices = 1.0 - (x / a) ** 2
    slab = slices[np.abs(x) < 25.0].sum() / slices.sum()
    assert section_share(ellipsoid, 50.0) == pytest.approx(slab, rel=2e-3)
    assert section_share(Ellipsoid(10.0, 10.0, 10.0), 50.0) == 1.0
    # a deposit deeper than the cord grows along it
    wide = ellipsoid_for(5e6, PACKED_PER_UL, 2.0, (2000.0, 1400.0))
    assert wide.b == 700.0 and wide.c > 1400.0
    assert 4.0 / 3.0 * np.pi * wide.a * wide.b * wide.c == pytest.approx(5e6 / PACKED_PER_UL * 1e9)


def test_a_section_and_a_volume_hold_the_same_concentration() -> None:
    """Where the graft lies, a voxel is full in both; the represented numbers agree."""
    one = graft(dose=1e5, elongation=1.0)
    flat = deliver(bare([one], (1, 28, 32)), one)
    full = deliver(bare([one], (40, 28, 32)), one)
    assert full["cell.weight"][0] == 1.0 < flat["cell.weight"][0]
    assert scalars(flat)["delivered"] == pytest.approx(scalars(full)["delivered"], rel=0.02)
    assert scalars(flat)["backflow"] == pytest.approx(scalars(full)["backflow"], rel=0.1)
    assert flat["density.cells"].max() in (full["density.cells"].max(), full["density.cells"].max() - 1.0)
    middle = full["density.cells"][19:21].sum() / 2.0
    assert flat["density.cells"].sum() == pytest.approx(middle, rel=0.05)


def test_a_simulated_cell_may_stand_for_many() -> None:
    one = graft()
    fine = deliver(bare([one], (1, 28, 96)), one)
    tissue = bare([one], (1, 28, 96))
    object.__setattr__(tissue.setting, "cells_per_agent", 10)
    tissue["map.cell_capacity"][...] /= 10.0
    deliver(tissue, one)
    assert tissue["cell.weight"][0] == pytest.approx(10.0 * fine["cell.weight"][0], rel=0.02)
    assert scalars(tissue)["delivered"] == pytest.approx(scalars(fine)["delivered"], rel=0.02)


def test_no_voxel_takes_more_than_it_holds_and_the_surplus_is_lost() -> None:
    one = graft(dose=5e6)
    tissue = bare([one], (1, 28, 64))
    room = places(local_capacity(tissue))
    deliver(tissue, one)
    assert (tissue["density.cells"] <= room).all()
    assert (tissue["density.cells"] == room)[tissue["map.cord"] > 0].mean() > 0.9
    assert scalars(tissue)["surplus"] > 1e5
    again = graft("second", dose=5e6)
    deliver(tissue, again)
    assert (tissue["density.cells"] <= room).all()


def test_cells_prefer_the_lesion() -> None:
    one = graft(dose=1.2e5)
    tissue = bare([one], (1, 28, 96), dead=False)
    _, y, z = tissue.lattice.centres_um()
    lesion = np.broadcast_to((np.hypot(y, z) < 400.0), tissue.lattice.shape) & (tissue["map.cord"] > 0)
    for name in ("white", "grey"):
        tissue["fraction.necrosis"][lesion] += tissue[f"fraction.{name}"][lesion]
        tissue[f"fraction.{name}"][lesion] = 0.0
    assert np.array_equal(lesion_room(tissue) == 1.0, lesion)
    deliver(tissue, one)
    cells = tissue["density.cells"]
    open_room = tissue["map.cell_capacity"]
    assert cells[lesion].sum() > 0.8 * cells.sum()
    # host tissue takes only what fits between its fibres
    assert (cells[~lesion] <= np.ceil(0.2 * open_room[~lesion])).all()
    assert cells[~lesion].sum() > 0


def test_cells_fill_outward_from_the_point_of_injection() -> None:
    one = graft(dose=3e4, position=600.0, depth=500.0, elongation=1.0)
    tissue = deliver(bare([one], (1, 28, 96)), one)
    _, y, z = tissue.lattice.centres_um()
    distance = np.broadcast_to(np.hypot(y + 200.0, z - 600.0), tissue.lattice.shape)
    filled = tissue["density.cells"] > 0
    assert distance[filled].max() < distance[~filled].min() + 80.0
    first, last = tissue["cell.site"][:50], tissue["cell.site"][-50:]
    assert distance.reshape(-1)[first].max() < distance.reshape(-1)[last].min()


def test_sites_lie_in_a_row_and_share_the_dose() -> None:
    one = graft(dose=3e4, sites=3, site_spacing=1500.0)
    tissue = deliver(bare([one], (1, 28, 128)), one)
    assert [point[2] for point in one.sites_um(1400.0)] == [-1500.0, 0.0, 1500.0]
    z = tissue.lattice.axis_um(2)[tissue["cell.site"] % 128]
    counts = [int((np.abs(z - middle) < 750.0).sum()) for middle in (-1500.0, 0.0, 1500.0)]
    assert sum(counts) == len(tissue.cells)
    assert max(counts) - min(counts) <= 2
    assert len(np.unique(tissue["cell.id"])) == len(tissue.cells)
    assert scalars(tissue)["dose"] == pytest.approx(3e4)


def test_ids_count_from_the_delivery_and_a_later_graft_moves_nobody() -> None:
    one, two = graft("first"), graft("second", position=1500.0, dose=1e5)
    alone = deliver(bare([one], (1, 28, 128)), one)
    both = deliver(bare([one, two], (1, 28, 128)), one, two)
    n = len(alone.cells)
    assert alone["cell.id"].tolist() == list(range(1, n + 1))
    for name in alone.cells.columns:
        assert both.cells[name][:n].tobytes() == alone.cells[name].tobytes()
    assert both["cell.id"][n] == FOUNDERS_PER_DELIVERY + 1
    assert set(both["cell.graft"][n:].tolist()) == {1}


def test_a_dose_of_nothing_changes_nothing() -> None:
    vehicle = graft(dose=0.0)
    tissue = bare([vehicle])
    before = tissue.snapshot()
    deliver(tissue, vehicle)
    assert tissue.changed(before) == []


def test_nothing_happens_at_other_times() -> None:
    one = graft()
    tissue = bare([one])
    before = tissue.snapshot()
    for tick in (0, NOON - 1, NOON + 1):
        deliver(tissue, one, tick=tick)
    assert tissue.changed(before) == []
    deliver(tissue, one)
    assert tissue.changed(before, one.writes) == [] != tissue.changed(before)


@pytest.mark.parametrize("shape", [(1, 28, 64), (28, 28, 64)], ids=["section", "volume"])
def test_a_dose_arrives_alike_in_one_injection_and_in_several(shape: tuple[int, int, int]) -> None:
    """Cells that lie there already are pushed outward, be they of another site or of another graft."""
    delivered = []
    for grafts in (
        [graft(dose=1e5)],
        [graft(dose=1e5, sites=4, site_spacing=0.0)],
        [graft(f"{n}", dose=2.5e4) for n in range(4)],
    ):
        tissue = deliver(bare(grafts, shape), *grafts)
        found = scalars(tissue)
        assert found["dose"] == pytest.approx(1e5) and found["surplus"] < 0.02 * found["delivered"]
        delivered.append(found["delivered"])
    assert delivered[1] == pytest.approx(delivered[2], rel=0.01)
    # without pushing a fifth to a half is lost; some more flows back from a place that fills up
    assert 0.9 * delivered[0] < delivered[1] < 1.1 * delivered[0]


@pytest.mark.parametrize("losses", [{"viability": 0.0}, {"backflow": 1.0}])
def test_a_dose_that_is_lost_before_it_arrives_is_counted(losses: dict[str, float]) -> None:
    one = graft(**losses)
    tissue = deliver(bare([one]), one)
    found = scalars(tissue)
    assert len(tissue.cells) == 0 and found["delivered"] == 0.0
    assert found["dead_on_arrival"] + found["backflow"] == pytest.approx(found["dose"])
    assert "came to rest" in one.event(tissue, NOON)


def test_positions_count_from_the_epicentre() -> None:
    one = graft(dose=2e4, position=-200.0)
    tissue = bare([one], (1, 28, 64))
    tissue.set_scalar("epicentre_um", 700.0)
    deliver(tissue, one)
    z = tissue.lattice.axis_um(2)[tissue["cell.site"] % 64]
    assert z.mean() == pytest.approx(500.0, abs=25.0)


def test_a_graft_at_the_minute_of_the_injury_waits_for_the_dead_tissue() -> None:
    one = graft(at=0.0)
    tissue = bare([one])
    before = tissue.snapshot()
    deliver(tissue, one, tick=0)
    assert tissue.changed(before) == [] and one.event(tissue, 0) == ""
    deliver(tissue, one, tick=1)
    assert len(tissue.cells) > 0 and "came to rest" in one.event(tissue, 1)


def test_backflow_rises_with_the_crowding_of_the_site() -> None:
    shares = []
    for dose in (1e3, 2e5, 1e6, 1e7):
        one = graft(dose=dose)
        tissue = deliver(bare([one], (1, 28, 64)), one)
        shares.append(scalars(tissue)["backflow"] / (0.8 * dose))
    assert shares == sorted(shares)
    assert 0.1 < shares[0] < 0.2 and 0.4 < shares[-1] < 0.5


def test_what_founders_are() -> None:
    """Binomial shares of kinds: residual cells of the line, and what the inhibitor makes commit."""
    plain = graft(dose=1e6, line="253G1-like")
    tissue = deliver(bare([plain], (1, 28, 160)), plain)
    kinds = np.bincount(tissue["cell.kind"], minlength=5)
    n = kinds.sum()
    share = line_values("residual")[line_number("253G1-like")]
    assert kinds[2:].sum() == 0
    assert abs(kinds[CellKind.UNDIFFERENTIATED] - n * share) < 4.0 * np.sqrt(n * share * (1 - share))

    treated = graft(dose=1e6, line="253G1-like", pretreatment="gamma_secretase_inhibitor")
    tissue = deliver(bare([treated], (1, 28, 160)), treated)
    kinds = np.bincount(tissue["cell.kind"], minlength=5)
    committed = 0.9 * share + 0.3 * (1.0 - share)
    odds = np.array([1.5 * 0.71, 0.25, 0.04])
    odds /= odds.sum()
    expected = np.array([share * 0.1, (1.0 - share) * 0.7, *(committed * odds)])
    assert kinds.sum() == n
    assert (np.abs(kinds - n * expected) < 4.0 * np.sqrt(n * expected)).all()
    astrocytes = tissue["cell.kind"] == CellKind.ASTROCYTE
    heading = tissue["cell.heading"]
    assert not heading[~astrocytes].any()
    travel = np.count_nonzero(heading) / astrocytes.sum()
    assert abs(travel - 0.3) < 4.0 * np.sqrt(0.3 * 0.7 / astrocytes.sum())


def test_capacity_follows_from_voxel_volume_and_packing() -> None:
    tissue = bare([graft()], (1, 8, 16), (50.0, 25.0, 25.0))
    capacity = open_capacity(tissue.lattice, np.ones((1, 8, 16)), 1.0)
    np.testing.assert_allclose(capacity, 50.0 * 25.0 * 25.0 * 0.6 / 2500.0)
    assert pytest.approx(2.4e5) == PACKED_PER_UL
    # whole places differ from voxel to voxel, but not on average
    many = np.full((1, 100, 160), 7.5)
    assert set(np.unique(places(many)).tolist()) == {7, 8}
    assert places(many).mean() == pytest.approx(7.5, abs=1e-3)
    assert places(np.full((1, 100, 160), 0.04)).mean() == pytest.approx(0.04, abs=1e-3)
    assert (places(np.full((2, 3, 4), 6.0)) == 6).all()
    assert (places(np.zeros((2, 3, 4))) == 0).all()


def test_every_number_of_every_line_is_accounted_for() -> None:
    assert len({line.name for line in LINES}) == len(LINES)
    assert LINES[0].name == "201B7-like"
    for line in LINES:
        assert line.meaning
        for name, attribute in line.attributes().items():
            assert attribute.low <= attribute.value <= attribute.high, (line.name, name)
            assert attribute.evidence in EVIDENCE
            parse_unit(attribute.unit)
            if attribute.evidence == "read":
                assert attribute.source
    assert [line_number(line.name) for line in LINES] == list(range(len(LINES)))
    with pytest.raises(ValueError, match="not in"):
        line_number("HeLa")


def test_lines_that_the_literature_speaks_of_are_there_with_what_tells_them_apart() -> None:
    """Spinal and forebrain identity, leaning to neurons and to astrocytes, tumours and none; in an order that stays."""
    assert [line.name for line in LINES[:6]] == [
        "201B7-like", "253G1-like", "astrocyte-leaning", "forebrain-like", "414C2-like", "H9-like",
    ]  # fmt: skip
    known = {line.name: line.attributes() for line in LINES}
    plain = known["201B7-like"]
    for name, line in known.items():
        for key, attribute in line.items():
            if attribute.value != plain[key].value and not key.startswith("fate_"):
                assert "direction:" in attribute.source, f"{name}: {key} differs, and nothing says which way"
    assert {name for name in known if known[name]["residual"].value > 0.0} == {"253G1-like"}
    assert {name for name in known if known[name]["identity_match"].value < 1.0} == {"forebrain-like"}
    for name in ("414C2-like", "H9-like"):
        assert {key: one.value for key, one in known[name].items()} == {
            key: one.value for key, one in plain.items()
        }
        # no transgene, so the range of their return is empty, and the others leave room for it
        assert known[name]["reactivation"].high == 0.0 < plain["reactivation"].high
