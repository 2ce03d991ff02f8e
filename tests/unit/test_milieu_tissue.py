"""Tissue at risk, remodelling and the applier of transfers."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.contract import Key, TransferSpec
from cordgraft.processes.at_risk import AtRisk
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.oxygen import Oxygen
from cordgraft.processes.remodelling import Remodelling
from cordgraft.processes.tissue_transfer import TissueTransfer
from cordgraft.state.maps import FRACTIONS
from cordgraft.state.tissue import Tissue
from tests.milieu_support import TROPHIC, fraction_sum, make_milieu
from tests.support import make_tissue

HOUR = Key(1, 5, 1.0)


def test_transfers_are_granted_in_full_where_there_is_enough() -> None:
    remodelling = Remodelling()
    tissue = make_tissue([remodelling, TissueTransfer()], (1, 6, 16))
    site = (0, 2, 7)
    tissue["fraction.necrosis"][site], tissue["fraction.white"][site] = 0.5, 0.5
    tissue["fraction.grey"][site] = 0.0
    tissue["transfer.necrosis>cavity"][site] = 0.1
    tissue["transfer.necrosis>scar"][site] = 0.25
    TissueTransfer().step(tissue, HOUR)
    found = {name: float(tissue[f"fraction.{name}"][site]) for name in FRACTIONS}
    assert found["necrosis"] == pytest.approx(0.15)
    assert found["cavity"] == pytest.approx(0.1)
    assert found["scar"] == pytest.approx(0.25)
    assert not tissue["transfer.necrosis>scar"].any()


def test_too_much_is_shared_out_in_proportion() -> None:
    remodelling = Remodelling()
    tissue = make_tissue([remodelling, TissueTransfer()], (1, 6, 16))
    site = (0, 2, 7)
    tissue["fraction.white"][site] = 0.7
    tissue["fraction.grey"][site] = 0.0
    tissue["fraction.necrosis"][site] = 0.3
    tissue["transfer.necrosis>cavity"][site] = 0.2
    tissue["transfer.necrosis>scar"][site] = 0.6
    TissueTransfer().step(tissue, HOUR)
    assert 0.0 <= tissue["fraction.necrosis"][site] < 1e-15
    assert tissue["fraction.cavity"][site] == pytest.approx(0.075)
    assert tissue["fraction.scar"][site] == pytest.approx(0.225)


def test_random_requests_keep_the_sum_and_leave_the_others_alone() -> None:
    rng = np.random.default_rng(4)
    pairs = [("white", "necrosis"), ("grey", "necrosis"), ("necrosis", "cavity"), ("necrosis", "scar")]
    pairs += [("cavity", "graft"), ("graft", "cavity"), ("blood", "scar"), ("scar", "graft")]

    class Asks(Remodelling):
        name = "asks"
        provides = type(Remodelling.provides)(transfers=tuple(TransferSpec(*pair) for pair in pairs))

    tissue = make_tissue([Asks(), TissueTransfer()], (4, 12, 16))
    inside = tissue["map.cord"] > 0
    asked = inside & (rng.random(inside.shape) < 0.5)
    before = tissue.snapshot()
    for _ in range(200):
        for pair in pairs:
            tissue[TransferSpec(*pair).name][asked] = rng.random(int(asked.sum())) ** 3
        TissueTransfer().step(tissue, HOUR)
    np.testing.assert_allclose(fraction_sum(tissue)[inside], 1.0, rtol=1e-14)
    for name in FRACTIONS:
        fraction = tissue[f"fraction.{name}"]
        assert fraction.min() >= 0.0
        assert fraction[~asked].tobytes() == before[f"fraction.{name}"][~asked].tobytes()
    assert not fraction_sum(tissue)[~inside].any()


def test_remodelling_moves_the_exact_share() -> None:
    """A quarter of a year in steps of 6 h equals the exponential; chi of it is cavity."""
    for preset, chi, days in (("mouse", 0.05, 21.0), ("rat", 0.6, 21.0), ("human_thoracic", 0.6, 60.0)):
        remodelling = Remodelling(Remodelling.Params.for_preset(preset))
        tissue = make_tissue([remodelling, TissueTransfer()], (1, 4, 16))
        tissue["fraction.necrosis"][...] = tissue["map.cord"]
        for name in ("white", "grey"):
            tissue[f"fraction.{name}"][...] = 0.0
        for tick in range(0, 24 * 90, 6):
            remodelling.step(tissue, Key(1, tick, 6.0))
            TissueTransfer().step(tissue, Key(1, tick, 1.0))
        inside = tissue["map.cord"] > 0
        left = np.exp(-90.0 / days)
        np.testing.assert_allclose(tissue["fraction.necrosis"][inside], left, rtol=1e-9)
        np.testing.assert_allclose(tissue["fraction.cavity"][inside], chi * (1.0 - left), rtol=1e-9)


def saved(tnf: float = 0.0, oxygen: float = 20.0, trophic: float = 0.0) -> tuple[float, float]:
    """The share of white and grey matter at risk that is alive after three weeks."""
    process = AtRisk()
    tissue: Tissue = make_tissue(
        [Inflammation(), Oxygen(), process, TissueTransfer()], (1, 4, 16), extra=[TROPHIC], prepare=False
    )
    tissue["map.cord"][...] = 1
    for kind in ("white", "grey"):
        tissue[f"fraction.{kind}"][...] = 0.5
        tissue[f"density.at_risk_{kind}"][...] = 0.4
    tissue["field.tnf"][...] = tnf
    tissue["field.oxygen"][...] = oxygen
    tissue["field.trophic"][...] = trophic
    for tick in range(21 * 24):
        process.step(tissue, Key(1, tick, 1.0))
        TissueTransfer().step(tissue, Key(1, tick, 1.0))
    np.testing.assert_allclose(fraction_sum(tissue), 1.0, rtol=1e-13)
    white, grey = (float(tissue[f"fraction.{kind}"].mean()) for kind in ("white", "grey"))
    return 1.0 - (0.5 - white) / 0.4, 1.0 - (0.5 - grey) / 0.4


def test_what_happens_to_tissue_at_risk() -> None:
    assert saved() == pytest.approx((0.7, 0.7), abs=1e-3)
    assert saved(tnf=1.0) == pytest.approx((0.4, 0.4), abs=1e-3)
    assert saved(oxygen=0.0) == pytest.approx((0.3, 0.3), abs=1e-3)
    assert saved(tnf=1.0, oxygen=0.0) == pytest.approx((0.0, 0.0), abs=2e-3)
    assert saved(trophic=1e6) == pytest.approx((1.0, 1.0), abs=1e-3)
    assert saved(tnf=1.0, trophic=1.0) == pytest.approx((0.55, 0.55), abs=1e-3)


def test_grey_matter_is_lost_within_a_day_white_within_a_week() -> None:
    tissue, pipeline = make_milieu(days=9.0, injury={"severity": "severe"})
    pools = []
    for tick in range(8 * 24 + 1):
        pipeline.step(tissue, tick)
        pools.append([float(tissue[f"density.at_risk_{kind}"].sum()) for kind in ("white", "grey")])
    white, grey = (np.array(pools) / pools[0]).T
    assert grey[24] < 0.15
    assert 0.6 < white[24] < 0.8
    assert white[7 * 24] < 0.11
