"""The milieu by itself, from the injury on: the published course, order of severities, rest far away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from cordgraft.state.tissue import Tissue
from tests.milieu_support import fraction_sum, make_milieu, spared_at_epicentre

DAYS = 57


def rim_mean(tissue: Tissue, name: str) -> float:
    """Mean within 0.3 mm outside the lesion (more than half of the tissue lost)."""
    lesion = tissue["fraction.white"] + tissue["fraction.grey"] < 0.5
    distance = distance_transform_edt(~lesion, sampling=tissue.lattice.spacing_um)
    rim = (distance > 0.0) & (distance <= 300.0) & (tissue["map.cord"] > 0)
    return float(tissue[name][rim].mean())


@pytest.fixture(scope="module")
def course() -> dict[str, Any]:
    tissue, pipeline = make_milieu(
        "mouse", (1, 28, 160), days=DAYS, injury={"severity": "moderate", "primary_spared_white_matter": 0.3}
    )
    series: dict[str, list[float]] = {"day": [], "neutrophils": [], "pro": [], "repair": [], "cspg": []}
    for tick in range(tissue.clock.ticks):
        pipeline.step(tissue, tick)
        if tick % 6 == 0:
            series["day"].append(tissue.clock.days(tick))
            series["neutrophils"].append(float(tissue["density.neutrophils"].sum()))
            series["pro"].append(float(tissue["density.macrophages_pro"].sum()))
            series["repair"].append(float(tissue["density.macrophages_repair"].sum()))
            series["cspg"].append(rim_mean(tissue, "field.cspg"))
    return {"tissue": tissue, **{name: np.array(values) for name, values in series.items()}}


def test_neutrophils_peak_on_day_one_and_are_gone_by_day_ten(course: dict[str, Any]) -> None:
    day, cells = course["day"], course["neutrophils"]
    assert 0.5 <= day[cells.argmax()] <= 2.0
    assert cells[day >= 10.0].max() < 0.2 * cells.max()


def test_macrophages_peak_in_the_second_week_and_turn_inflammatory(course: dict[str, Any]) -> None:
    day, pro, cells = course["day"], course["pro"], course["pro"] + course["repair"]
    assert 5.0 <= day[cells.argmax()] <= 10.0
    share = pro / np.maximum(cells, 1e-12)
    assert share[day >= 28.0][0] > share[day >= 7.0][0]
    assert cells[day >= 28.0][0] > 0.3 * cells.max()


def test_cspg_of_the_rim_peaks_near_day_fourteen_and_lasts(course: dict[str, Any]) -> None:
    day, cspg = course["day"], course["cspg"]
    base = 4.8
    assert 7.0 <= day[cspg.argmax()] <= 21.0
    assert 10.0 <= cspg.max() <= 40.0
    assert cspg[day >= 28.0][0] >= 0.5 * cspg.max()
    assert cspg[day >= 56.0][0] > 1.1 * base


def test_the_border_closes_round_the_core_and_not_in_it(course: dict[str, Any]) -> None:
    tissue = course["tissue"]
    assert rim_mean(tissue, "density.barrier") > 0.75
    assert tissue["density.barrier"][tissue["map.impact"] == 1.0].max() < 0.01


def test_nothing_is_lost_invented_or_outside(course: dict[str, Any]) -> None:
    tissue = course["tissue"]
    inside = tissue["map.cord"] > 0
    np.testing.assert_allclose(fraction_sum(tissue)[inside], 1.0, rtol=1e-13)
    for name in tissue.names():
        values = tissue[name]
        assert np.isfinite(values.astype(np.float64)).all(), name
        spec = tissue.specs.get(name)
        if values.ndim == 3 and spec is not None and spec.bounds is not None:
            assert values[inside].min() >= spec.bounds[0], name
            assert values[inside].max() <= spec.bounds[1], name
        if name.split(".")[0] in ("density", "field", "source", "fraction", "transfer"):
            assert not values[~inside].any(), name
    oxygen = tissue["field.oxygen"][inside]
    assert 10.0 < oxygen.min() <= oxygen.max() < 25.0


def test_far_from_the_injury_the_cord_is_as_before(course: dict[str, Any]) -> None:
    tissue, healthy = course["tissue"], make_milieu("mouse", (1, 28, 160), days=DAYS)[0]
    end = (slice(None), slice(None), slice(0, 8))
    for name in ("fraction.white", "fraction.grey", "density.vessels", "field.cspg", "density.matrix"):
        assert tissue[name][end].tobytes() == healthy[name][end].tobytes(), name
    assert tissue["field.tnf"][end].max() < 1e-6


def test_the_tnf_field_equals_its_source_where_that_is_broad() -> None:
    """In the middle of a lesion much longer than 104 um, hours after the alarm."""
    tissue, pipeline = make_milieu(
        "mouse", (1, 28, 160), days=4.0, injury={"type": "transection", "primary_length": 3000.0}
    )
    for tick in range(73):
        pipeline.step(tissue, tick)
    a, n = (tissue[f"density.{name}"][0, 14, 80] for name in ("alarm", "neutrophils"))
    pro, il10 = (tissue[f"density.{name}"][0, 14, 80] for name in ("macrophages_pro", "il10"))
    strength = (a + 0.5 * n + 0.1 * pro) / (1.0 + il10 / 0.15)
    transport = next(row.process for row in pipeline.rows if row.process.name == "transport")
    allowed = 0.05 + transport.plans["tnf"].lattice_error
    assert allowed < 0.1
    assert tissue["field.tnf"][0, 14, 80] == pytest.approx(strength, rel=allowed)


def test_worse_injuries_end_worse() -> None:
    ends, pressures = [], []
    for severity in ("mild", "moderate", "severe"):
        tissue, pipeline = make_milieu("mouse", days=22.0, injury={"severity": severity})
        for tick in range(21 * 24 + 1):
            pipeline.step(tissue, tick)
            if tick == 0:
                at_once = spared_at_epicentre(tissue)
            if tick == 24:
                pressures.append(float(tissue["field.oxygen"][tissue["map.cord"] > 0].min()))
        ends.append(spared_at_epicentre(tissue))
        assert 0.0 < ends[-1] < at_once
    assert ends[0] > 2.0 * ends[1] > 2.0 * ends[2]
    assert pressures[0] > pressures[1] > pressures[2]


@pytest.mark.parametrize("tick_h", [3.0, 6.0])
def test_longer_ticks_tell_the_same_story(tick_h: float) -> None:
    ends = {}
    for length in (1.0, tick_h):
        tissue, pipeline = make_milieu("mouse", days=15.0, tick_h=length)
        for tick in range(tissue.clock.ticks + 1):
            pipeline.step(tissue, tick)
        ends[length] = {
            "spared": spared_at_epicentre(tissue),
            "macrophages": float(
                (tissue["density.macrophages_pro"] + tissue["density.macrophages_repair"]).sum()
            ),
            "cspg": rim_mean(tissue, "field.cspg"),
            "vessels": float(tissue["density.vessels"].sum()),
        }
    for name, value in ends[1.0].items():
        assert ends[tick_h][name] == pytest.approx(value, rel=0.04), name


def test_people_keep_their_debris() -> None:
    left = {}
    for preset in ("mouse", "human_cervical"):
        tissue, pipeline = make_milieu(
            preset,
            (1, 24, 96),
            days=60.0,
            tick_h=3.0,
            injury={"type": "transection", "primary_length": 1000.0},
        )
        most = 0.0
        for tick in range(tissue.clock.ticks + 1):
            pipeline.step(tissue, tick)
            most = max(most, float(tissue["density.debris"].sum()))
        left[preset] = float(tissue["density.debris"].sum()) / most
        cavity, scar = (float(tissue[f"fraction.{name}"].sum()) for name in ("cavity", "scar"))
        assert cavity / (cavity + scar) == pytest.approx(
            {"mouse": 0.05, "human_cervical": 0.6}[preset], abs=0.01
        )
    assert left["human_cervical"] > 0.9 > left["mouse"]
