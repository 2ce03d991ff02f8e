"""The rules of the examination, against examples worked out by hand from the published definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordgraft.core.examined import NEUROLOGICAL_LEVELS
from cordgraft.state.isncsci import (
    AIS,
    ARM,
    INTACT,
    KEY_LEVELS,
    KEY_SEGMENTS,
    NUMBER,
    Classified,
    Side,
    classify,
    motor_level,
    useful_share,
)


def side(arm: str = "55555", leg: str = "55555", felt: str = "S4-5") -> Side:
    """Grades of C5-T1 and of L2-S1, and the sensory level."""
    return Side(tuple(int(grade) for grade in arm + leg), NUMBER[felt])


def examined(right: Side, left: Side | None = None, signs: str = "") -> Classified:
    """Classify; `signs` holds s for sensation and v for voluntary contraction at S4-S5; both sides are alike."""
    return classify(right, left or right, sacral_sensation="s" in signs, anal_contraction="v" in signs)


def test_the_list_of_levels() -> None:
    assert len(NEUROLOGICAL_LEVELS) == 8 + 12 + 5 + 4 == INTACT + 1
    assert [NUMBER[name] for name in ("C1", "C5", "T1", "L1", "S1", "S4-5")] == [0, 4, 8, 20, 25, 28]
    assert [NEUROLOGICAL_LEVELS[at] for at in KEY_LEVELS] == list(KEY_SEGMENTS)
    assert KEY_SEGMENTS[ARM - 1 : ARM + 1] == ("T1", "L2")


@pytest.mark.parametrize(
    ("arm", "leg", "felt", "level"),
    [
        # the most caudal muscle with 3 or more, if all above are 5
        ("30000", "00000", "C5", "C5"),
        ("53000", "00000", "C5", "C6"),
        ("54000", "00000", "C6", "C6"),
        ("53530", "00000", "C8", "C6"),
        ("45555", "55555", "S4-5", "C5"),
        ("55553", "00000", "T1", "T1"),
        ("52500", "00000", "C6", "C5"),
        ("20000", "00000", "C4", "C4"),
        ("20000", "00000", "C6", "C4"),
        # where no muscle stands for a segment: that of sensation
        ("00000", "00000", "C2", "C2"),
        ("55555", "55555", "C3", "C3"),
        ("55555", "00000", "T6", "T6"),
        ("55555", "00000", "T12", "T12"),
        ("55555", "00000", "L1", "L1"),
        ("55555", "22222", "L3", "L1"),
        # sensation is lost higher up, but the muscles of the arm have their own level
        ("55555", "00000", "C6", "T1"),
        ("55555", "54300", "L4", "L3"),
        ("55555", "53000", "L2", "L3"),
        ("55555", "55554", "S1", "S1"),
        ("55555", "55555", "S1", "S1"),
        ("55555", "55555", "S2", "S2"),
        ("55555", "55555", "S4-5", "S4-5"),
    ],
)
def test_motor_levels(arm: str, leg: str, felt: str, level: str) -> None:
    assert NEUROLOGICAL_LEVELS[motor_level(side(arm, leg, felt))] == level


@pytest.mark.parametrize(
    ("right", "left", "level"),
    [
        (side("55000", "00000", "C7"), side("53000", "00000", "C5"), "C5"),
        (side("50000", "00000", "C8"), side("55500", "00000", "C8"), "C5"),
        (side("55555", "00000", "T4"), side("55555", "00000", "T9"), "T4"),
        (side(), side("55555", "55553", "S3"), "S1"),
        (side(), side(felt="C3"), "C3"),
    ],
)
def test_the_neurological_level_is_the_most_rostral_of_four(right: Side, left: Side, level: str) -> None:
    assert NEUROLOGICAL_LEVELS[examined(right, left).level] == level


C4 = side("00000", "00000", "C4")
C5 = side("30000", "00000", "C5")
T6 = side("55555", "00000", "T6")


@pytest.mark.parametrize(
    ("right", "left", "signs", "grade"),
    [
        # nothing at S4-S5: complete, whatever moves elsewhere
        (C5, C5, "", "A"),
        (T6, T6, "", "A"),
        (side("55555", "55555", "S2"), None, "", "A"),
        (side("30000", "44444", "C5"), None, "", "A"),
        # sensation alone
        (C5, C5, "s", "B"),
        (T6, T6, "s", "B"),
        # function three levels below the motor level is not far: C5 and C8
        (side("30010", "00000", "C5"), C5, "s", "B"),
        # four levels below it is: C5 and T1, on one side
        (side("30001", "00000", "C5"), C5, "s", "C"),
        (C5, side("30001", "00000", "C5"), "s", "C"),
        # below C4: C8 is four levels below
        (side("00010", "00000", "C4"), C4, "s", "C"),
        (side("00100", "00000", "C4"), C4, "s", "B"),
        # below L1: L4 is three, L5 four levels below
        (side("55555", "00100", "L1"), None, "s", "B"),
        (side("55555", "00010", "L1"), None, "s", "C"),
        # any toe that moves counts in a thoracic injury
        (side("55555", "00001", "T6"), T6, "s", "C"),
        # each side against its own motor level: L2 is one below L1 on the right, and 14 below C7 on the left
        (side("55555", "10000", "L1"), side("55300", "00000", "L1"), "s", "B"),
        (side("55555", "00000", "L1"), side("55300", "10000", "L1"), "s", "C"),
        # voluntary contraction by itself makes it motor incomplete
        (C5, C5, "v", "C"),
        (T6, T6, "sv", "C"),
        # at least half of the muscles below the level: C5, so nine a side
        (side("33333", "33333", "C5"), C5, "sv", "D"),
        (side("33333", "33332", "C5"), C5, "sv", "C"),
        (side("33333", "33330", "C5"), side("33000", "00000", "C5"), "sv", "D"),
        (side("55555", "33333", "T6"), T6, "s", "D"),
        (side("55555", "33332", "T6"), T6, "s", "C"),
        (side("55555", "33320", "T10"), side("55555", "33000", "T10"), "sv", "D"),
        (side("55555", "33320", "T10"), side("55555", "30000", "T10"), "sv", "C"),
        # walking, but weak or numb
        (side("55555", "44444", "T6"), None, "sv", "D"),
        (side("44444", "44444", "C4"), None, "sv", "D"),
        (side("55555", "55555", "C4"), None, "sv", "D"),
        # no key muscle lies below S2
        (side("55555", "55555", "S2"), None, "v", "D"),
        # everything
        (side(), side(), "sv", "E"),
        (side(), side(), "v", "D"),
        (side(), side(), "s", "B"),
        (side(), side("55555", "55554"), "sv", "D"),
    ],
)
def test_grades(right: Side, left: Side | None, signs: str, grade: str) -> None:
    assert examined(right, left, signs).grade.name == grade


def test_the_share_of_useful_muscles() -> None:
    right, left = side("33000", "00000", "C4"), side("55555", "22222", "C4")
    assert useful_share(right, left, NUMBER["C4"]) == 7 / 20
    assert useful_share(right, left, NUMBER["C6"]) == 3 / 16
    assert useful_share(right, left, NUMBER["S1"]) == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        Side((5,) * 9, 4),
        Side((6,) + (0,) * 9, 4),
        Side((-1,) + (0,) * 9, 4),
        Side((5,) * 10, 29),
        Side((5,) * 10, -1),
    ],
)
def test_what_cannot_have_been_written_down_is_refused(wrong: Side) -> None:
    with pytest.raises(ValueError, match=r"key muscles|level number"):
        examined(C5, wrong)


# -------------------------------------------------------------------------------------------- properties
MUSCLES = st.tuples(*(st.integers(0, 5) for _ in KEY_LEVELS))
#: Bodies with long normal runs as well, which random grades never have.
GRADES = st.one_of(MUSCLES, st.builds(lambda n, rest: (5,) * n + rest[n:], st.integers(0, 10), MUSCLES))
SIDES = st.builds(Side, GRADES, st.integers(0, INTACT))
SIGNS = st.booleans()


@given(SIDES, SIDES, SIGNS, SIGNS)
def test_what_holds_for_everybody(right: Side, left: Side, felt: bool, squeezed: bool) -> None:
    found = classify(right, left, sacral_sensation=felt, anal_contraction=squeezed)
    mirrored = classify(left, right, sacral_sensation=felt, anal_contraction=squeezed)
    assert (mirrored.grade, mirrored.level) == (found.grade, found.level)
    assert found.level == min(found.motor_right, found.motor_left, right.sensory_level, left.sensory_level)
    assert (found.grade == AIS.A) == (not felt and not squeezed)
    if found.grade == AIS.B:
        assert felt and not squeezed
    if found.grade == AIS.E:
        assert {*right.muscles, *left.muscles} == {5}
    for level, one in ((found.motor_right, right), (found.motor_left, left)):
        above = [g for g, at in zip(one.muscles, KEY_LEVELS, strict=True) if at < level]
        assert all(grade == 5 for grade in above), "a level stands on normal muscles"
        for grade, at in zip(one.muscles, KEY_LEVELS, strict=True):
            assert at != level or grade >= 3


@given(SIDES, SIDES, SIGNS, SIGNS)
def test_one_sign_more_is_never_worse(right: Side, left: Side, felt: bool, squeezed: bool) -> None:
    found = classify(right, left, sacral_sensation=felt, anal_contraction=squeezed).grade
    assert classify(right, left, sacral_sensation=True, anal_contraction=squeezed).grade >= found
    assert classify(right, left, sacral_sensation=felt, anal_contraction=True).grade >= found


@given(SIDES, SIDES, SIGNS, SIGNS, st.integers(0, 9))
def test_a_stronger_muscle_is_never_worse_while_the_levels_stay(
    right: Side, left: Side, felt: bool, squeezed: bool, muscle: int
) -> None:
    grades = list(right.muscles)
    grades[muscle] = min(5, grades[muscle] + 1)
    stronger = Side(grades, right.sensory_level)
    before = classify(right, left, sacral_sensation=felt, anal_contraction=squeezed)
    after = classify(stronger, left, sacral_sensation=felt, anal_contraction=squeezed)
    assert after.level >= before.level and after.motor_right >= before.motor_right
    if after[:3] == before[:3]:
        assert after.grade >= before.grade


def test_a_level_that_moves_down_can_lower_the_grade() -> None:
    """The published rules have it so: T1 is four levels below C5, and three below C6."""
    left = side("50000", "00000", "C5")
    before = examined(side("52001", "00000", "C5"), left, "s")
    after = examined(side("53001", "00000", "C5"), left, "s")
    assert (before.grade, after.grade) == (AIS.C, AIS.B)
    assert after.motor_right == before.motor_right + 1
