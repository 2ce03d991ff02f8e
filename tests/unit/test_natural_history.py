"""The link from conduction to a grade, by the reduced model of untreated patients, against shares printed elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from tools import natural_history
from tools.natural_history import PRINTED_BY_DAY, STRATA, Course, Tract, allowed, spared, year

PATIENTS = 20_000


def gap(course: Course, what: str, printed: float) -> float:
    """Return by how much a share is further off than chance allows, percent."""
    return abs(course.shares[what] - printed) - allowed(printed, course.complete)


@pytest.mark.parametrize("stratum", STRATA, ids=[stratum.name for stratum in STRATA])
def test_conversion_in_a_year_is_that_of_the_independent_program(stratum: natural_history.Stratum) -> None:
    course = year(stratum, PATIENTS, np.random.default_rng(7))
    assert course.complete > 0.3 * PATIENTS
    gaps = {what: gap(course, what, printed) for what, printed in stratum.printed.items()}
    assert len(gaps) >= 2 and max(gaps.values()) <= 0.0, (gaps, course.shares)


@pytest.mark.parametrize("day", [7.0, 60.0])
def test_the_later_the_first_examination_the_fewer_convert(day: float) -> None:
    course = year(STRATA[0], PATIENTS, np.random.default_rng(8), day)
    assert gap(course, "any", PRINTED_BY_DAY[day]) <= 0.0, course.shares


def test_arms_gain_by_recovery_at_the_edge_alone() -> None:
    """Printed +8 +- 6 points; read in people 7.8 +- 6.5."""
    course = year(STRATA[0], PATIENTS, np.random.default_rng(9))
    assert course.arms_mean == pytest.approx(8.0, abs=0.5)
    assert course.arms_sd == pytest.approx(6.0, abs=0.5)


def test_a_link_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold a quarter too low, or a sense for the wrong tract, leaves the allowed range."""
    cervical = STRATA[0]
    sound = year(cervical, PATIENTS, np.random.default_rng(7))
    assert gap(sound, "B", cervical.printed["B"]) <= 0.0
    monkeypatch.setattr(natural_history, "ASCENDING", natural_history.DESCENDING)
    assert gap(year(cervical, PATIENTS, np.random.default_rng(7)), "B", cervical.printed["B"]) > 0.0


def test_what_a_rim_spares_of_a_tract() -> None:
    tract = Tract(0.6, 1.0, 1.0, 1.0)
    rims = np.array([0.0, 0.1, 0.4, 0.7])
    assert spared(tract, rims, rims) == pytest.approx([0.0, (1 - 0.81) / 0.64, 1.0, 1.0])
    assert spared(tract._replace(ventral=0.25), rims, np.zeros(4))[2] == pytest.approx(0.25)
