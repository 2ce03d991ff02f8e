"""Thresholds from untreated patients: expected shares of those who were complete at first, and their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from tools.calibrate_signs import TARGETS, Found, grades, link_of, repeated, shares, within

from cordgraft.processes.examination import Examination
from cordgraft.state import findings
from cordgraft.state.isncsci import AIS, NUMBER


def cord(drive: float, felt: float) -> findings.Cord:
    """Return what there is in a patient of whom this share of drive and of sacral sensation passes the injury."""
    sides = np.ones(findings.SIDES)
    levels = np.ones((findings.SIDES, findings.MUSCLES))
    return findings.Cord(
        drive, felt, drive * sides, felt * sides, 0.0 * levels, levels, levels, 0.0 * sides, NUMBER["C5"]
    )


def test_thresholds_move_with_their_grades() -> None:
    usual = Examination.Params.for_preset("human_cervical").link()
    link = link_of(0.05, 0.5 * usual.motor_threshold)
    assert link.sensory_threshold == 0.05
    assert link.grades[:3] == pytest.approx([0.5 * grade for grade in usual.grades[:3]])
    assert link.grades[3:] == usual.grades[3:]
    same = link_of(usual.sensory_threshold, usual.motor_threshold)
    assert same.grades == pytest.approx(usual.grades) and same.missed == usual.missed


def test_nothing_is_a_and_sensation_alone_is_b() -> None:
    link, chance = link_of(0.05, 0.05), np.random.default_rng(1)
    assert (grades(repeated(cord(0.0, 0.0), 50), link, chance) == AIS.A).all()
    felt = grades(repeated(cord(0.0, 0.5), 400), link, chance)
    assert float(np.mean(felt == AIS.B)) == pytest.approx(1.0 - link.missed, abs=0.03)


def test_shares_are_of_those_who_were_complete_at_first() -> None:
    nothing, felt, moved = cord(0.0, 0.0), cord(0.0, 0.5), cord(0.5, 0.5)
    link = link_of(0.05, 0.05)
    # of the four, the last was never complete but for signs that were missed
    patients = [Found(nothing, nothing), Found(nothing, felt), Found(nothing, moved), Found(moved, moved)]
    values, errors = shares(dict.fromkeys(("cervical", "T1-T9", "T10-L2"), patients), link)
    named = dict(zip((one.name for one in TARGETS), values, strict=True))
    assert named["cervical: any"] == pytest.approx(66.0, abs=4.0)
    assert named["cervical: C or D"] == pytest.approx(33.0, abs=4.0)
    assert named["T1-T9: still A"] == pytest.approx(100.0 - named["cervical: any"], abs=1e-9)
    assert named["mixed: B"] + named["mixed: C or D"] == pytest.approx(named["mixed: any"])
    # three patients, each wholly one or the other: about sqrt(p (1 - p) / 3)
    assert errors[3] == pytest.approx(100.0 * np.sqrt(2.0 / 9.0 / 3.0), rel=0.1)


def test_the_worst_share_decides() -> None:
    middle = np.array([0.5 * (one.low + one.high) for one in TARGETS])
    assert within(middle) == pytest.approx(1.0)
    off = middle.copy()
    off[4] = TARGETS[4].low
    assert within(off) == pytest.approx(0.0)
    off[4] -= 1.0
    assert within(off) < 0.0
