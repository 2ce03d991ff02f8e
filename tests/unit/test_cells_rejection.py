"""Rejection, the drugs that hold it back, and the switch that ends a graft."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import exp, log
from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import Key
from cordgraft.engine.pipeline import Pipeline
from cordgraft.processes.anti_inflammatory import AntiInflammatory
from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.division import Division
from cordgraft.processes.immunosuppression import Immunosuppression
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.rejection import Rejection
from cordgraft.processes.suicide_switch import SuicideSwitch
from cordgraft.state.cells import CellKind
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare, put
from tests.support import make_tissue

DAYS = 120


def grafted(*processes: Any, immune_system: str = "intact", cells: int = 100) -> Tissue:
    tissue = make_tissue([Rejection(), *processes], (1, 8, 16), days=DAYS)
    tissue.setting = replace(tissue.setting, immune_system=immune_system)
    if cells:
        tissue.cells.add(cells, id=np.arange(1, cells + 1), site=60)
    return tissue


def live_with(tissue: Tissue, *processes: Any, days: int = DAYS) -> tuple[np.ndarray, np.ndarray]:
    """Return day by day the reactivity and the share of cells that would be left : (days,) each."""
    reactivity, left = [], []
    for tick in range(24 * days):
        for process in processes:
            if tick % process.period_h == 0:
                process.step(tissue, Key(1, tick, process.period_h))
        if tick % 24 == 23:
            reactivity.append(tissue.scalar("alloreactivity"))
            left.append(exp(-tissue.cells["hazard"][0]) if len(tissue.cells) else 1.0)
    return np.array(reactivity), np.array(left)


def test_an_intact_host_rejects_within_weeks_and_others_never_do() -> None:
    process = Rejection(Rejection.Params(spread=0.0))
    reactivity, left = live_with(grafted(), process)
    rest = (1 / 14) / (1 / 14 + 1 / 60)
    days = np.arange(1, DAYS + 1)
    np.testing.assert_allclose(reactivity, rest * (1.0 - np.exp(-days * (1 / 14 + 1 / 60))), rtol=1e-9)
    assert left[2] > 0.99, "it takes days to learn"
    assert left[59] < 0.2
    for immune_system in ("deficient", "suppressed"):
        tissue = grafted(immune_system=immune_system)
        before = tissue.snapshot()
        live_with(tissue, process, days=40)
        assert tissue.changed(before) == []


def test_without_a_graft_nobody_reacts_and_memory_fades_after_its_end() -> None:
    process = Rejection(Rejection.Params(spread=0.0))
    assert live_with(grafted(cells=0), process, days=20)[0].max() == 0.0
    tissue = grafted()
    before = live_with(tissue, process, days=30)[0][-1]
    tissue.cells.keep(np.zeros(len(tissue.cells), dtype=bool))
    after = live_with(tissue, process, days=30)[0][-1]
    assert after == pytest.approx(before * exp(-30 / 60), rel=1e-9)


def test_a_drug_protects_as_long_as_it_is_given() -> None:
    process = Rejection(Rejection.Params(spread=0.0))
    drug = Immunosuppression(Immunosuppression.Params(at=0.0, duration=24.0 * 60))
    tissue = grafted(drug)
    _, left = live_with(tissue, drug, process)
    assert left[59] > 0.9
    assert left[119] < 0.5
    assert "begins: 95 % for 60 d" in drug.event(tissue, 0)
    assert drug.event(tissue, 60 * 24) == "immunosuppression ends"


def test_two_drugs_leave_the_product_and_end_at_nothing() -> None:
    one = Immunosuppression(Immunosuppression.Params(at=24.0, duration=48.0, strength=0.8), "one")
    two = Immunosuppression(Immunosuppression.Params(at=48.0, duration=48.0, strength=0.5), "two")
    tissue = grafted(one, two)
    seen = []
    for tick in range(24 * 5):
        one.step(tissue, Key(1, tick, 1.0))
        two.step(tissue, Key(1, tick, 1.0))
        seen.append(tissue.scalar("immunosuppression"))
    assert seen[23] == 0.0
    np.testing.assert_allclose([seen[30], seen[60], seen[80]], [0.8, 0.9, 0.5], rtol=1e-9)
    assert seen[-1] == 0.0


@pytest.mark.parametrize("kind", [Immunosuppression, AntiInflammatory])
def test_however_drugs_overlap_nothing_is_left_of_them(kind: Any) -> None:
    """Almost complete drugs of awkward strengths in any order: the product is left, and exactly 0 at the end."""
    rng = np.random.default_rng(11)
    owner = Rejection if kind is Immunosuppression else Inflammation
    scalar = kind.name
    for _ in range(20):
        at = rng.integers(1, 60, 5).astype(float)
        lasting = rng.integers(1, 40, 5).astype(float)
        strength = 1.0 - 10.0 ** rng.uniform(-3.0, -0.1, 5)
        drugs = [
            kind(kind.Params(at=a, duration=d, strength=s), f"drug{n}")
            for n, (a, d, s) in enumerate(zip(at, lasting, strength, strict=True))
        ]
        tissue = make_tissue([owner(), *drugs], (1, 4, 16), days=10)
        for tick in range(100):
            for one in drugs:
                one.step(tissue, Key(1, tick, 1.0))
            given = (at <= tick) & (tick < at + lasting)
            if given.any():
                # to the last bit, in the order of the scenario
                left = 1.0
                for s in strength[given]:
                    left *= 1.0 - float(s)
                assert tissue.scalar(scalar) == 1.0 - left
            else:
                assert tissue.scalar(scalar) == 0.0, "byte for byte as before"


def test_a_drug_that_was_begun_ends_in_a_run_that_goes_on_from_a_copy() -> None:
    """The list of courses is no state: another model with the same treatments has the same one."""

    def both() -> tuple[Any, Any, Tissue]:
        one = Immunosuppression(Immunosuppression.Params(at=4.0, duration=20.0, strength=0.999), "one")
        two = Immunosuppression(Immunosuppression.Params(at=10.0, duration=30.0, strength=1.0 / 3.0), "two")
        return one, two, grafted(one, two)

    one, two, tissue = both()
    other = both()
    for tick in range(60):
        if tick == 15:
            other[2].restore(tissue.snapshot())
            one, two, tissue = other
        one.step(tissue, Key(1, tick, 1.0))
        two.step(tissue, Key(1, tick, 1.0))
        if tick == 30:
            assert tissue.scalar("immunosuppression") == 1.0 - (1.0 - 1.0 / 3.0)
    assert tissue.scalar("immunosuppression") == 0.0


def test_subjects_differ_in_reactivity() -> None:
    process = Rejection()
    drawn = np.array([process.subject_reactivity(seed) for seed in range(2000)])
    assert np.median(drawn) == pytest.approx(1.0, abs=0.05)
    assert np.log(drawn).std() == pytest.approx(0.5, abs=0.03)


def test_the_switch_kills_its_share_and_stops() -> None:
    switch = SuicideSwitch(SuicideSwitch.Params(at=24.0, duration=48.0, killed=0.95))
    tissue = grafted(switch, immune_system="deficient")
    for tick in range(24 * 6):
        switch.step(tissue, Key(1, tick, 1.0))
    np.testing.assert_allclose(tissue.cells["hazard"], -log(0.05), rtol=1e-9)
    assert "100 simulated cells" in switch.event(tissue, 24)
    assert switch.event(tissue, 25) == ""


@pytest.mark.parametrize("period_h", [1.0, 6.0])
def test_a_line_of_cells_that_divides_under_the_drug_is_hit_as_hard(period_h: float) -> None:
    """What lives when it ends is `1 - killed` times what would live without it; survivors are no harder to kill."""
    founders, days, killed = 4000, 8, 0.8
    division, turnover = Division(), CellTurnover()
    once = SuicideSwitch(SuicideSwitch.Params(at=0.0, duration=24.0 * days, killed=killed), "once")
    again = SuicideSwitch(SuicideSwitch.Params(at=24.0 * days, duration=24.0 * days, killed=killed), "again")
    tissue = bare(
        [division, turnover, once, again],
        shape=(1, 1, 16),
        spacing_um=(2000.0, 2000.0, 2000.0),
        days=3 * days,
    )
    put(tissue, np.full(founders, 7), CellKind.UNDIFFERENTIATED)
    pipeline = Pipeline(
        [once, again, division, turnover], tissue.clock, {"division": period_h, "cell_turnover": period_h}
    )
    seen = [founders]
    for tick in range(48 * days + 1):
        pipeline.step(tissue, tick)
        if tick in (24 * days, 48 * days):  # when the turnover applies what the last hours deposited
            seen.append(len(tissue.cells))
    birth, death = log(2.0), -log(1.0 - killed)
    left = exp(birth - death)
    spread = (birth + death) / (birth - death) * left * (left - 1.0)
    for before, after in pairwise(seen):
        assert abs(after - before * left) < 4.0 * np.sqrt(before * spread)
