"""What an examiner finds: thresholds, signs, recovery at the edge and the error of the score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cordgraft.processes.examination import Examination
from cordgraft.state.findings import (
    Cord,
    Draws,
    Findings,
    classified,
    correlated,
    edge_limit,
    edge_points,
    examine,
    grade_of,
    is_present,
    motor_scores,
    regained_segments,
    written_down,
)
from cordgraft.state.isncsci import AIS, INTACT, KEY_LEVELS, NUMBER

PARAMS = Examination.Params.for_preset("human_cervical")
#: Numbers of these tests, whatever the calibrated thresholds are.
LINK = PARAMS.link()._replace(
    grades=(0.036, 0.048, 0.06, 0.15, 0.40), sensory_threshold=0.08, motor_threshold=0.036
)
C5 = NUMBER["C5"]


def draws(
    sensory: float = 0.0, motor: float = 0.0, missed: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Draws:
    """A day without surprise: no noise on muscles, and nothing is missed."""
    return Draws(sensory, motor, *missed, np.zeros((2, 10)))


def cord(drive: float, felt: float, first: str = "C5", regained: tuple[float, float] = (0.0, 0.0)) -> Cord:
    """A lesion that takes one segment: all above is normal, all below hangs on the tracts, all may come back."""
    levels, level = np.asarray(KEY_LEVELS), NUMBER[first]
    above, below = (np.array([1.0 * of, 1.0 * of]) for of in (levels < level, levels > level))
    sides = np.full(2, drive), np.full(2, felt)
    return Cord(drive, felt, *sides, above, below, np.ones((2, 10)), np.array(regained), level)


def test_the_shipped_link_is_the_one_that_the_docs_state() -> None:
    shipped = PARAMS.link()
    assert shipped.grades == (0.062, 0.083, 0.103, 0.15, 0.40)
    assert (shipped.sensory_threshold, shipped.motor_threshold) == (0.065, 0.062)
    assert shipped.grades[0] == shipped.motor_threshold, "a muscle moves where contraction begins"
    assert (shipped.sign_spread, shipped.missed, shipped.score_error) == (0.25, 0.03, 2.0)
    assert list(shipped.grades) == sorted(shipped.grades)


def test_a_grade_is_the_number_of_thresholds_passed() -> None:
    strength = np.array([0.0, 0.036, 0.037, 0.05, 0.061, 0.15, 0.16, 0.4, 0.41, 1.3])
    assert grade_of(strength, LINK.grades).tolist() == [0, 0, 1, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize(
    ("drive", "felt", "grade", "legs"),
    [
        (0.0, 0.0, AIS.A, 0),
        (0.03, 0.07, AIS.A, 0),
        (0.03, 0.09, AIS.B, 0),
        (0.04, 0.0, AIS.C, 10),
        (0.05, 0.09, AIS.C, 20),
        (0.07, 0.09, AIS.D, 30),
        (0.5, 0.9, AIS.D, 50),  # C5 itself stays dead
    ],
)
def test_from_drive_and_conduction_to_a_grade(drive: float, felt: float, grade: AIS, legs: int) -> None:
    found = examine(cord(drive, felt), draws(), LINK)
    assert classified(found).grade == grade
    assert motor_scores(found.muscles)[1] == legs
    assert found.muscles[:, 0].tolist() == [0, 0]


def test_the_form_of_the_day_moves_signs_and_muscles_together() -> None:
    weak = cord(0.033, 0.07)
    assert classified(examine(weak, draws(), LINK)).grade == AIS.A
    found = examine(weak, draws(motor=0.5), LINK)  # 0.033 e^(0.125) = 0.0374
    assert found.anal_contraction and not found.sacral_sensation
    assert set(found.muscles[:, 1:].ravel().tolist()) == {1}
    found = examine(weak, draws(sensory=0.6), LINK)  # 0.07 e^(0.15) = 0.0813
    assert found.sacral_sensation and not found.anal_contraction and not found.muscles.any()


def test_what_is_missed() -> None:
    clear = cord(0.04, 0.2)
    felt, squeezed, traces = (
        examine(clear, draws(missed=tuple(0.01 if i == one else 1.0 for i in range(3))), LINK)
        for one in range(3)
    )
    assert (felt.sacral_sensation, felt.anal_contraction) == (False, True)
    assert (squeezed.sacral_sensation, squeezed.anal_contraction) == (True, False)
    assert classified(squeezed).grade == AIS.C, "the legs give it away"
    assert not traces.muscles.any() and traces.anal_contraction
    # what moves a joint cannot be missed, nor what is at the edge and not on the tracts
    strong = examine(cord(0.05, 0.2), draws(missed=(1.0, 1.0, 0.0)), LINK)
    assert set(strong.muscles[:, 1:].ravel().tolist()) == {2}
    edge = examine(cord(0.04, 0.2, regained=(1.2, 0.0)), draws(missed=(1.0, 1.0, 0.0)), LINK)
    assert edge.muscles[0].tolist() == [5, 1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_sign_is_missed_with_its_probability() -> None:
    chance = np.random.default_rng(3)
    found = is_present(1.0, 0.08, chance.random(100_000), 0.03)
    assert np.mean(~found) == pytest.approx(0.03, abs=4 * np.sqrt(0.03 * 0.97 / 1e5))
    assert not is_present(0.08, 0.08, chance.random(1000), 0.0).any(), "a sign has to pass its threshold"


# ------------------------------------------------------------------------------------------------- the edge
def test_points_at_the_edge_go_from_muscle_to_muscle() -> None:
    points = edge_points(np.array([0.0, 2.5]), C5)
    assert points[0].tolist() == [0] * 10
    assert points[1].tolist() == [5, 5, 3, 0, 0, 0, 0, 0, 0, 0]
    thoracic = edge_points(np.array([3.0, 9.4]), NUMBER["T6"])
    assert thoracic[0].tolist() == [0] * 10, "no key muscle stands for T6-T8"
    assert thoracic[1].tolist() == [0] * 5 + [5, 2, 0, 0, 0]


@pytest.mark.parametrize(
    ("pool", "points"),
    [
        ((1.0, 1.0, 1.0), [5, 5, 3]),
        ((0.41, 0.41, 0.41), [5, 5, 3]),
        ((0.0, 1.0, 1.0), [0, 0, 0]),  # nothing leaps over a dead segment
        ((0.1, 1.0, 1.0), [3, 0, 0]),
        ((1.0, 0.05, 1.0), [5, 2, 0]),
        ((1.0, 1.0, 0.04), [5, 5, 1]),
    ],
)
def test_no_more_comes_back_than_the_neurons_that_live_can_move(
    pool: tuple[float, float, float], points: list[int]
) -> None:
    full = cord(0.0, 0.0, regained=(2.5, 2.5))
    right = np.ones((2, 10))
    right[0, :3] = pool
    found = examine(full._replace(pool=right), draws(), LINK)
    assert found.muscles[0].tolist() == [*points, 0, 0, 0, 0, 0, 0, 0]
    assert found.muscles[1].tolist() == [5, 5, 3, 0, 0, 0, 0, 0, 0, 0], "the other side has its own neurons"


def test_dead_neurons_above_the_lesion_do_not_hold_up_its_edge() -> None:
    pool = np.ones((2, 10))
    pool[:, 0] = 0.0  # C5, above a lesion that takes C7
    limit = edge_limit(pool, NUMBER["C7"], LINK.grades)
    assert limit[:, 1:].tolist() == [[5] * 9] * 2


def test_each_side_has_its_own_tracts() -> None:
    half = cord(0.5, 0.5)._replace(drives=np.array([1.0, 0.0]), felts=np.array([0.3, 0.5]))
    found = examine(half, draws(), LINK)
    assert found.muscles.tolist() == [[0] + [5] * 9, [0] * 10]
    assert found.sensory_levels.tolist() == [NUMBER["C4"], INTACT]
    assert found.anal_contraction and found.sacral_sensation, "of both sides together"


def test_recovery_at_the_edge_follows_its_time_constant() -> None:
    days = np.array([0.0, 16.1, 90.0, 365.0, 1e6])
    regained = regained_segments(0.75, 0.75, 1.0, days, 90.0)
    assert regained == pytest.approx(0.75 * np.exp(0.75) * (1.0 - np.exp(-days / 90.0)))
    assert regained[2] / regained[-1] == pytest.approx(1.0 - 1.0 / np.e)
    assert regained[-1] == pytest.approx(1.5878, abs=1e-3)


def test_both_sides_are_alike_by_half() -> None:
    first, second = np.random.default_rng(4).standard_normal((2, 200_000))
    other = correlated(first, second, 0.5)
    assert np.corrcoef(first, other)[0, 1] == pytest.approx(0.5, abs=0.01)
    assert other.std() == pytest.approx(1.0, abs=0.01)


def test_recovery_at_the_edge_moves_the_levels_and_not_the_grade() -> None:
    before = classified(examine(cord(0.0, 0.0), draws(), LINK))
    after = classified(examine(cord(0.0, 0.0, regained=(2.0, 1.4)), draws(), LINK))
    names = [NUMBER[level] for level in ("C4", "C6", "C5")]
    assert [before.level, after.motor_right, after.motor_left] == names
    assert after.level == NUMBER["C5"]
    assert before.grade == after.grade == AIS.A
    # however many segments come back: what hangs on them is never far below the motor level
    for many in np.linspace(0.0, 30.0, 61):
        felt = classified(examine(cord(0.0, 0.2, regained=(many, 0.5 * many)), draws(), LINK))
        assert felt.grade == AIS.B, many


def test_normal_conduction_feels_everything() -> None:
    found = examine(cord(0.9, 0.41), draws(), LINK)
    assert found.sensory_levels.tolist() == [INTACT, INTACT]
    assert examine(cord(0.9, 0.39), draws(), LINK).sensory_levels.tolist() == [NUMBER["C4"]] * 2
    both, all_, none = np.ones(2), np.ones((2, 10)), np.zeros((2, 10))
    whole = Cord(1.0, 1.0, both, both, all_, none, all_, np.zeros(2), C5)
    assert classified(examine(whole, draws(), LINK)).grade == AIS.E


# ------------------------------------------------------------------------------------------------ the score
def test_the_error_of_the_total_score() -> None:
    chance = np.random.default_rng(5)
    doubtful = np.full((40_000, 2, 10), 3)
    off = written_down(doubtful, chance.standard_normal(doubtful.shape), 2.0).sum(axis=(1, 2)) - 60
    # rounding to whole grades adds 1/12 of a point squared a muscle
    assert off.std() == pytest.approx(np.sqrt(4.0 + 20.0 / 12.0), abs=0.08)
    assert abs(off.mean()) < 0.05
    few = np.zeros((40_000, 2, 10), dtype=np.int64)
    few[:, :, 5:7] = 3
    off = written_down(few, chance.standard_normal(few.shape), 2.0).sum(axis=(1, 2)) - 12
    assert off.std() == pytest.approx(2.0, abs=0.15), "four muscles in doubt, one point each"


def test_nothing_and_normal_are_beyond_doubt() -> None:
    chance = np.random.default_rng(6)
    sure = np.where(np.arange(20).reshape(2, 10) % 2 == 0, 0, 5)
    xi = 5.0 * chance.standard_normal((2, 10))
    assert (written_down(sure, xi, 2.0) == sure).all()
    traces = np.ones((2, 10), dtype=np.int64)
    assert written_down(traces, np.full((2, 10), -9.0), 2.0).min() == 1, "found is found"
    assert (written_down(3 * traces, xi, 0.0) == 3 * traces).all()


def test_many_patients_at_once_are_the_same_as_one_by_one() -> None:
    chance = np.random.default_rng(7)
    drive, felt = np.array([0.0, 0.04, 0.07, 0.3]), np.array([0.0, 0.1, 0.05, 0.6])
    regained = chance.random((4, 2)) * 3
    shape = cord(0.0, 0.0)
    drives, felts = drive[:, None] * [1.0, 0.5], felt[:, None] * [0.5, 1.0]
    pool = chance.random((4, 2, 10)) ** 2
    several = shape._replace(drive=drive, felt=felt, drives=drives, felts=felts, pool=pool, regained=regained)
    noise = Draws(
        *chance.standard_normal((2, 4)), *chance.random((3, 4)) * 0.06, chance.standard_normal((4, 2, 10))
    )
    together = examine(several, noise, LINK)
    for row in range(4):
        alone = examine(
            shape._replace(
                drive=float(drive[row]),
                felt=float(felt[row]),
                drives=drives[row],
                felts=felts[row],
                pool=pool[row],
                regained=regained[row],
            ),
            Draws(*(one[row] for one in noise)),
            LINK,
        )
        assert classified(alone) == classified(Findings(*(one[row] for one in together)))
        assert (alone.muscles == together.muscles[row]).all()


def test_thresholds_are_parameters() -> None:
    strict = replace(PARAMS, grade_1=0.2, motor_threshold=0.2, sensory_threshold=0.3).link()
    found = examine(cord(0.1, 0.2), draws(), strict)
    assert not found.sacral_sensation and not found.anal_contraction
