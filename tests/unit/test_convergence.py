"""The measurement of convergence: differences within pairs, verdicts, the plan of its runs, and its page."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tools import convergence
from tools.convergence import (
    MARKS,
    REFERENCE,
    Change,
    Difference,
    at_the_end,
    changes_of,
    difference,
    folder_of,
)

from cordgraft import CordModel
from cordgraft.scenario.load import load
from tests.support import SMALL


def test_a_difference_is_within_pairs_with_an_interval_over_seeds() -> None:
    rng = np.random.default_rng(0)
    reference = rng.uniform(1.0, 900.0, 40)
    found = difference(list(reference), list(reference + rng.normal(5.0, 2.0, 40)))
    assert found.pairs == 40 and found.reference == pytest.approx(reference.mean())
    assert found.mean == pytest.approx(5.0, abs=1.3)
    # subjects that differ widen no interval: 2 x 1.96 x 2/sqrt(40)
    assert found.high - found.low == pytest.approx(2.0 * 1.96 * 2.0 / math.sqrt(40.0), rel=0.35)
    assert 3.5 < found.low < found.mean < found.high < 6.5


def test_pairs_without_a_value_are_left_out() -> None:
    assert difference([1.0, math.nan], [2.0, 3.0]).pairs == 1
    assert difference([math.nan], [1.0]).verdict() == ""


@pytest.mark.parametrize(
    ("mean", "low", "high", "verdict"),
    [
        (1.0, -2.0, 4.0, "converged"),
        (5.0, 3.0, 9.0, "converged"),
        (20.0, 12.0, 30.0, "bias"),
        (-20.0, -30.0, -1.0, "bias"),
        (8.0, -5.0, 25.0, "not known"),
    ],
)
def test_a_verdict_needs_the_whole_interval(mean: float, low: float, high: float, verdict: str) -> None:
    assert Difference(100.0, mean, low, high, 8).verdict() == verdict
    # of an outcome that is negative, such as a reach short of the lesion, too
    assert Difference(-100.0, mean, low, high, 8).verdict() == verdict
    if verdict == "bias":
        assert Difference(100.0, mean, low, high, 5).verdict() == "not known", "too few pairs to be sure"


def test_where_nothing_was_there_a_dash_stands_and_one_pair_says_nothing() -> None:
    assert difference([0.0, 0.0], [0.0, 0.0]).in_words() == difference([0.0], [0.0]).in_words() == "-"
    assert difference([2.0], [2.1]).verdict() == "not known"


@pytest.mark.parametrize("name", convergence.SCENARIOS)
def test_every_change_is_a_scenario_that_differs_from_the_reference(name: str) -> None:
    changes = changes_of(name, 56.0)
    configs = {change.name: load(name, list(change.sets)) for change in changes}
    reference = configs.pop(REFERENCE)
    assert len({change.name for change in changes}) == len(changes) > 8
    assert all(config != reference for config in configs.values())
    own = load(name)
    for change, config in configs.items():
        fifth = config.parameters["axon_injury"].corticospinal_simulated
        assert (fifth == own.parameters["axon_injury"].corticospinal_simulated) == change.startswith(
            "a fifth"
        )
        assert (config.geometry.cells_per_agent != 1) == ("per simulated" in change)
    grafted = any("per simulated" in change.name for change in changes)
    assert grafted == bool(own.treatments)


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    one, other = Change("x", ("tick=1 h",)), Change("x", ("tick=2 h",))
    assert folder_of(tmp_path, "mouse", one, 1) != folder_of(tmp_path, "mouse", other, 1)
    assert folder_of(tmp_path, "mouse", one, 1) != folder_of(tmp_path, "mouse", one, 2)


def test_what_the_series_does_not_hold_is_read_off_the_tissue() -> None:
    model = CordModel("mouse_subacute_graft", settings={**SMALL, "duration": "7 d", "record.maps": "[7 d]"})
    while model.running:
        model.step()
    found = at_the_end(model.tissue)
    assert set(found) >= {"host_severed_share", "host_swollen_share", "relay_input", "relay_output_caudal"}
    assert 0.5 < found["host_severed_share"][0] <= 1.0
    assert found["relay_input"] == (pytest.approx(0.0), "synapses")


def test_runs_that_are_there_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def run(name: str, folder: Path, seed: int, sets: list[str], after: str = "") -> float:
        made.append(seed)
        if made == [1, 2]:
            raise KeyboardInterrupt
        folder.mkdir(parents=True)
        (folder / convergence.SECONDS).write_text("1.0", encoding="utf-8")
        return 1.0

    monkeypatch.setattr(convergence, "run_once", run)
    plan = [("mouse", Change("x", ()), seed) for seed in (1, 2, 3)]
    with pytest.raises(KeyboardInterrupt):
        convergence.make_runs(plan, tmp_path)
    convergence.make_runs(plan, tmp_path)
    assert made == [1, 2, 2, 3]


def test_the_page_has_a_place_for_the_tables(repository: Path) -> None:
    page = (repository / "docs" / "convergence.md").read_text(encoding="utf-8")
    assert all(page.count(mark) == 1 for mark in MARKS)
