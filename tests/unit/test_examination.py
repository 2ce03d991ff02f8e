"""Examination: days, draws, motor neurons by segment, what is written and when, and what rodents get."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import ArraySpec, Key
from cordgraft.core.examined import AIS_GRADES, NEUROLOGICAL_LEVELS
from cordgraft.processes.examination import (
    Examination,
    draws_of,
    first_day,
    first_level_lost,
    neurons_left,
)
from cordgraft.record.observers import observe
from cordgraft.state.findings import grade_of
from cordgraft.state.isncsci import KEY_SEGMENTS, NUMBER
from cordgraft.state.tissue import Tissue
from support import make_tissue

#: What the function index and the injury provide.
OTHERS = (
    *(
        ArraySpec(f"scalar.{name}", "1", "from another process", initial=1.0)
        for name in (
            "motor_index",
            "motor_drive",
            "drive_gracile",
            "drive_spinothalamic",
            "motor_drive_right",
            "motor_drive_left",
            "sensory_drive_right",
            "sensory_drive_left",
            "subject_variation",
        )
    ),
    ArraySpec("scalar.lesion_rostral_um", "um", "from another process"),
)
SEGMENT = 400.0


def patient(
    process: Examination,
    species: str = "human",
    level: str = "C5",
    seed: int = 1,
    extra: Any = OTHERS,
    **shape: Any,
) -> Tissue:
    """A cord of eight segments of 400 um, the injured one in the middle."""
    tissue = make_tissue(
        (process,), species=species, days=800.0, seed=seed, extra=extra, prepare=False, **shape
    )
    tissue.setting = dataclasses.replace(tissue.setting, level=level, segment_um=SEGMENT)
    process.prepare(tissue)
    return tissue


def human(**values: Any) -> Examination:
    return Examination(Examination.Params.for_preset("human_cervical", **values))


def run(process: Examination, tissue: Tissue, days: float, first: float = 0.0) -> list[int]:
    """Step tick by tick; return the ticks at which somebody was examined."""
    found = []
    for tick in range(round(24 * first), round(24 * days) + 1):
        before = tissue.scalar("exam_number")
        process.step(tissue, Key(tissue.setting.seed, tick, 1.0))
        if tissue.scalar("exam_number") != before:
            found.append(tick)
    return found


def carry(tissue: Tissue, motor: float, sensory: float) -> None:
    """Let the tracts carry these shares of normal, on both sides."""
    for name in ("motor_index", "motor_drive", "motor_drive_right", "motor_drive_left"):
        tissue.set_scalar(name, motor)
    for name in ("drive_gracile", "drive_spinothalamic", "sensory_drive_right", "sensory_drive_left"):
        tissue.set_scalar(name, sensory)


def of(tissue: Tissue) -> dict[str, float]:
    return {name: float(tissue[name]) for name in Examination.writes}


# ------------------------------------------------------------------------------------------------ days
def test_the_first_examination_is_on_a_day_of_its_own() -> None:
    params = Examination.Params.for_preset("human_cervical")
    days = np.array([first_day(params, (i + 0.5) / 4000) for i in range(4000)])
    assert days.min() >= 1.0 and days.max() <= 30.0
    assert (np.diff(days) > 0.0).all()
    # a normal distribution of 16.1 +- 7.3, cut off at a = -2.068 and b = 1.904 standard deviations: with the mass Z
    # between them the mean is 16.1 + 7.3 (f(a) - f(b))/Z, the variance 7.3^2 (1 + (a f(a) - b f(b))/Z - shift^2)
    assert days.mean() == pytest.approx(15.96, abs=0.02)
    assert days.std() == pytest.approx(6.395, abs=0.02)


@pytest.mark.parametrize(("mean", "day"), [(-300.0, 1.0), (300.0, 30.0), (16.0, 16.0)])
def test_a_day_never_leaves_its_ends(mean: float, day: float) -> None:
    narrow = Examination.Params.for_preset("human_cervical", first_day=mean, first_day_spread=1e-3)
    assert first_day(narrow, 0.5) == pytest.approx(day, abs=0.01)
    fixed = dataclasses.replace(narrow, first_day_spread=0.0)
    assert first_day(fixed, 0.1) == first_day(fixed, 0.9) == day


def test_later_examinations_are_at_multiples_of_the_interval() -> None:
    process = human(first_day=16.0, first_day_spread=0.0, interval=30.0)
    assert run(process, patient(process), 100.0) == [24 * 16, 24 * 30, 24 * 60, 24 * 90]
    process = human(first_day=60.0, first_day_spread=0.0, first_day_latest=90.0, interval=30.0)
    assert run(process, patient(process), 125.0) == [24 * 60, 24 * 90, 24 * 120]
    process = human(first_day=16.0, first_day_spread=0.0)
    assert run(process, patient(process), 366.0)[1:] == [2190, 4380, 6570, 8760], "a quarter of a year each"


def test_nobody_is_examined_before_function_was_computed() -> None:
    """In tick 0 function is still that before the injury: a complete injury would be written down as grade E."""
    process = human(first_day=0.0, first_day_spread=0.0, first_day_earliest=0.0)
    tissue = patient(process)
    process.step(tissue, Key(tissue.setting.seed, 0, 1.0))
    assert of(tissue)["scalar.exam_number"] == 0.0 and process.event(tissue, 0) == ""
    carry(tissue, 0.0, 0.0)  # what function and injury write at the end of tick 0
    assert run(process, tissue, 1.0) == [1]
    assert AIS_GRADES[int(of(tissue)["scalar.exam_ais_first"])] == "A"
    assert "AIS A" in process.event(tissue, 1) and process.event(tissue, 0) == ""


def test_patients_differ_in_their_first_day() -> None:
    days = []
    for seed in range(1, 40):
        process = human()
        days.append(run(process, patient(process, seed=seed), 31.0)[0] / 24)
    assert len(set(days)) > 30
    assert 1.0 <= min(days) < 10.0 < 22.0 < max(days) <= 30.0


# ----------------------------------------------------------------------------------------------- draws
def test_draws_belong_to_the_subject_and_the_number_of_the_examination() -> None:
    forward = [draws_of(5, number) for number in range(1, 6)]
    backward = [draws_of(5, number) for number in reversed(range(1, 6))]
    for one, other in zip(forward, reversed(backward), strict=True):
        assert one[:5] == other[:5] and (one.muscles == other.muscles).all()
    values = [value for seed in (5, 6) for number in range(6) for value in draws_of(seed, number)[:5]]
    assert len(set(values)) == len(values), "no two decisions share a number"
    muscles = np.concatenate([draws_of(5, number).muscles.ravel() for number in range(1, 6)])
    assert np.unique(muscles).size == muscles.size


def test_a_patient_is_examined_the_same_whatever_was_examined_before() -> None:
    """The examination of day 365 is number 5 with all visits; with the same number it is the same."""
    process = human(first_day=16.0, first_day_spread=0.0)
    tissue = patient(process)
    carry(tissue, motor=0.05, sensory=0.1)
    run(process, tissue, 366.0)
    other = patient(process)
    carry(other, motor=0.05, sensory=0.1)
    other.set_scalar("exam_number", 4)
    other.set_scalar("exam_ais_first", tissue.scalar("exam_ais_first"))
    assert run(process, other, 366.0, first=364.0) == [8760]
    assert of(other) == of(tissue)


def test_signs_that_are_there_are_missed_in_three_of_a_hundred() -> None:
    process = human(sign_spread=0.0)
    number = 4000
    draws = [draws_of(11, one) for one in range(1, number + 1)]
    missed = np.array([[one.missed_sensation, one.missed_contraction, one.missed_traces] for one in draws])
    share = (missed < process.params.missed).mean(axis=0)
    assert share == pytest.approx([0.03] * 3, abs=4 * math.sqrt(0.03 * 0.97 / number))
    noise = np.array([[one.sensory, one.motor] for one in draws])
    assert noise.mean(axis=0) == pytest.approx([0.0, 0.0], abs=4 / math.sqrt(number))
    assert noise.std(axis=0) == pytest.approx([1.0, 1.0], abs=0.05)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.07


# --------------------------------------------------------------------------------------- motor neurons
def test_neurons_above_and_beyond_the_edge() -> None:
    process = human()
    tissue = patient(process)
    tissue.set_scalar("lesion_rostral_um", 0.5 * SEGMENT)
    above, below = neurons_left(tissue)
    assert above.tolist() == [[0.0] * 10] * 2
    assert below == pytest.approx(np.ones((2, 10)))
    tissue.set_scalar("lesion_rostral_um", -0.5 * SEGMENT)  # between C5 and C6
    above, below = neurons_left(tissue)
    for side in above:
        assert side == pytest.approx([1.0] + [0.0] * 9)
    tissue.set_scalar("lesion_rostral_um", -1.0 * SEGMENT)  # in the middle of C6
    above, below = neurons_left(tissue)
    for side in range(2):
        assert above[side] == pytest.approx([1.0, 0.5] + [0.0] * 8)
        assert below[side] == pytest.approx([0.0, 0.5] + [1.0] * 8)


def test_neurons_die_with_the_grey_matter_of_their_segment_and_the_ventral_horn_counts_most() -> None:
    process = human()
    tissue = patient(process)
    tissue.set_scalar("lesion_rostral_um", 2000.0)
    z = tissue.lattice.axis_um(2)
    dead = np.abs(z) <= 0.5 * SEGMENT  # C5
    grey = tissue["fraction.grey"]
    grey[..., dead] = 0.0
    for side in neurons_left(tissue)[1]:
        assert side == pytest.approx([0.0] + [1.0] * 9)
    for ventral, more in ((True, False), (False, True)):
        grey[...] = tissue["map.grey"]
        half = (tissue["map.ventral"] > 0.5) if ventral else (tissue["map.ventral"] <= 0.5)
        grey[...] = np.where(half & dead, 0.0, grey)
        assert bool(neurons_left(tissue)[1][0, 0] > 0.5) is more, "loss of the ventral half weighs more"


def test_a_volume_and_its_section_agree_on_an_even_loss() -> None:
    shares = []
    for shape in ({}, {"shape": (24, 24, 64)}):
        process = human()
        tissue = patient(process, **shape)
        tissue.set_scalar("lesion_rostral_um", 2000.0)
        tissue["fraction.grey"][...] *= 0.3
        shares.append(neurons_left(tissue)[1][:, 0])
    assert np.array(shares) == pytest.approx(np.full((2, 2), 0.3))


@pytest.mark.parametrize("width", [24, 25])
def test_in_a_volume_each_side_has_its_own_neurons(width: int) -> None:
    """A plane of voxels on the midline, as in an odd lattice, belongs to both sides by half."""
    process = human()
    tissue = patient(process, shape=(width, 24, 64))
    tissue.set_scalar("lesion_rostral_um", 2000.0)
    tissue["fraction.grey"][tissue.lattice.axis_um(0) < 0.0] *= 0.2
    right, left = neurons_left(tissue)[1][:, :5]  # C5 to T1 lie within the lattice
    assert right == pytest.approx(np.ones(5))
    if width == 24:
        assert left == pytest.approx(np.full(5, 0.2))
    else:
        assert (left > 0.2).all() and (left < 0.35).all()


@pytest.mark.parametrize(
    ("edge", "level", "first"),
    [
        (0.5, "C5", "C5"),
        (0.6, "C5", "C5"),
        (1.05, "C5", "C5"),
        (1.2, "C5", "C4"),
        (1.6, "C5", "C4"),
        (-0.4, "C5", "C6"),
        (0.3, "T6", "T6"),
    ],
)
def test_the_first_level_that_is_lost(edge: float, level: str, first: str) -> None:
    """A segment counts as normal if more of it lies above the edge than gives grade 5: 40 %."""
    process = human()
    tissue = patient(process, level=level)
    tissue.set_scalar("lesion_rostral_um", edge * SEGMENT)
    assert NEUROLOGICAL_LEVELS[first_level_lost(tissue, 0.4)] == first


# ------------------------------------------------------------------------------------- what is written
def complete(
    process: Examination, seed: int = 1, motor: float = 0.0, sensory: float = 0.0, alive: float = 0.0
) -> Tissue:
    """A patient of whose C5 a share lives, by default none, with what the tracts carry through the lesion."""
    tissue = patient(process, seed=seed)
    tissue.set_scalar("lesion_rostral_um", 0.5 * SEGMENT)
    tissue["fraction.grey"][..., np.abs(tissue.lattice.axis_um(2)) <= 0.5 * SEGMENT] *= alive
    carry(tissue, motor, sensory)
    return tissue


def arm_gains(alive: float, patients: int, *, living: bool = True) -> list[float]:
    """Return what the arms of complete patients gain from day 16 to day 365, each with a seed of its own."""
    gains = []
    for seed in range(1, patients + 1):
        process = human(
            first_day=16.0, first_day_spread=0.0, interval=365.0, score_error=0.0, edge_recovery_living=living
        )
        tissue = complete(process, seed, alive=alive)
        assert run(process, tissue, 17.0) == [24 * 16]
        before = of(tissue)
        for day in (364, 365):
            process.step(tissue, Key(seed, 24 * day, 1.0))
        after = of(tissue)
        assert before["scalar.exam_ais"] == after["scalar.exam_ais"] == 0.0
        assert after["scalar.exam_number"] == 2.0
        assert before["scalar.exam_lower_motor_score"] == after["scalar.exam_lower_motor_score"] == 0.0
        gains.append(after["scalar.exam_upper_motor_score"] - before["scalar.exam_upper_motor_score"])
    return gains


def test_a_complete_patient_gains_points_in_the_arms_alone() -> None:
    gains = arm_gains(0.5, 200)
    assert np.mean(gains) == pytest.approx(8.1, abs=1.3)
    assert np.std(gains) == pytest.approx(6.0, abs=1.2)
    assert min(gains) >= 0.0


def test_recovery_at_the_edge_hangs_on_living_neurons_where_it_is_told_to() -> None:
    assert arm_gains(0.0, 20, living=False) == arm_gains(0.5, 20), "by default whatever comes back has its neurons"
    assert set(arm_gains(0.0, 40)) == {0.0}, "a dead segment brings nothing back, and nothing leaps over it"
    few = arm_gains(0.1, 40)
    many = arm_gains(0.5, 40)
    assert 0.0 < np.mean(few) < np.mean(many)
    assert max(few) <= 2 * 3.0 < max(many), "a tenth of the neurons moves a joint against gravity, and no more"


def test_recovery_at_the_edge_belongs_to_the_patient() -> None:
    process = human()
    one, other = (process.cord(complete(process, seed), 24 * 90).regained for seed in (1, 2))
    assert (one != other).all()
    assert (process.cord(complete(process, 1), 24 * 90).regained == one).all()
    later = process.cord(complete(process, 1), 24 * 180).regained
    assert later / one == pytest.approx([1.0 + math.exp(-1.0)] * 2)
    mean = complete(process, 1)
    mean.set_scalar("subject_variation", 0.0)
    assert process.cord(mean, 24 * 90).regained == pytest.approx([0.75 * (1.0 - math.exp(-1.0))] * 2)


def test_a_patient_who_recovers_conduction_converts() -> None:
    process = human(first_day=16.0, first_day_spread=0.0, sign_spread=0.0, missed=0.0, score_error=0.0)
    tissue = complete(process, sensory=0.05)
    run(process, tissue, 17.0)
    assert of(tissue)["scalar.exam_ais"] == of(tissue)["scalar.exam_ais_first"] == 0.0
    carry(tissue, motor=0.12, sensory=0.1)
    run(process, tissue, 100.0, first=17.0)
    found = of(tissue)
    assert found["scalar.exam_ais"] == 3.0 and found["scalar.exam_ais_first"] == 0.0
    assert found["scalar.exam_ais_change"] == 3.0
    assert found["scalar.exam_sacral_sensation"] == found["scalar.exam_anal_contraction"] == 1.0
    assert found["scalar.exam_lower_motor_score"] == 10 * grade_of(0.12, process.params.link().grades)
    assert found["scalar.exam_motor_score"] == (
        found["scalar.exam_upper_motor_score"] + found["scalar.exam_lower_motor_score"]
    )
    assert found["scalar.exam_motor_score"] == (
        found["scalar.exam_motor_score_right"] + found["scalar.exam_motor_score_left"]
    )


def test_a_whole_cord_is_grade_e() -> None:
    process = human(first_day=1.0, first_day_spread=0.0, missed=0.0)
    tissue = patient(process)
    tissue.set_scalar("lesion_rostral_um", -1600.0)
    run(process, tissue, 2.0)
    found = of(tissue)
    assert (found["scalar.exam_ais"], found["scalar.exam_motor_score"]) == (4.0, 100.0)
    assert found["scalar.exam_neurological_level"] == NUMBER["S4-5"]


def test_between_examinations_nothing_is_written() -> None:
    process = human(first_day=16.0, first_day_spread=0.0)
    tissue = complete(process)
    run(process, tissue, 16.0)
    written = of(tissue)
    carry(tissue, motor=0.9, sensory=0.0)
    run(process, tissue, 91.0, first=16.0 + 1 / 24)
    assert of(tissue) == written
    run(process, tissue, 92.0, first=91.0 + 1 / 24)
    assert of(tissue)["scalar.exam_motor_score"] > written["scalar.exam_motor_score"]


def test_it_goes_on_after_a_restart() -> None:
    process = human()
    tissue = complete(process, motor=0.05, sensory=0.1)
    run(process, tissue, 60.0)
    saved = tissue.snapshot()
    run(process, tissue, 200.0, first=60.0 + 1 / 24)
    again = human()
    resumed = complete(again)
    resumed.restore(saved)
    run(again, resumed, 200.0, first=60.0 + 1 / 24)
    assert of(resumed) == of(tissue)
    assert of(tissue)["scalar.exam_number"] == 3.0


def test_nothing_is_touched_but_what_is_declared() -> None:
    process = human()
    tissue = complete(process, motor=0.05)
    before = tissue.snapshot()
    run(process, tissue, 31.0)
    assert tissue.changed(before, Examination.writes) == []


def test_the_event_log_names_the_grade() -> None:
    process = human(first_day=16.0, first_day_spread=0.0)
    tissue = complete(process)
    run(process, tissue, 16.0)
    text = process.event(tissue, 24 * 16)
    assert text.startswith("examination 1: AIS A, level C4, motor score ")
    assert process.event(tissue, 24 * 16 + 1) == ""
    rodent = Examination()
    mouse = patient(rodent, "mouse", "T9")
    run(rodent, mouse, 7.0)
    assert mouse.scalar("exam_number") == 2.0 and rodent.event(mouse, 24 * 7) == "", (
        "a line a week says little"
    )


def test_without_function_there_is_nothing_to_examine() -> None:
    process = human()
    tissue = patient(process, extra=[spec for spec in OTHERS if "motor" not in spec.name])
    assert run(process, tissue, 40.0) == []
    assert math.isnan(observe(tissue)["exam_ais"])


# ---------------------------------------------------------------------------------------------- rodents
@pytest.mark.parametrize(
    ("species", "level", "top", "error"), [("mouse", "T9", 9, 0.5), ("rat", "T9", 21, 1.0)]
)
def test_rodents_get_whole_numbers_with_the_error_of_an_examiner(
    species: str, level: str, top: int, error: float
) -> None:
    scores = []
    for seed in range(1, 800):
        process = Examination(Examination.Params.for_preset(species))
        tissue = patient(process, species, level, seed)
        tissue.set_scalar("motor_index", 0.5)
        process.step(tissue, Key(seed, 24, 1.0))
        assert tissue.scalar("exam_number") == 1.0
        scores.append(tissue.scalar("exam_score"))
    assert set(scores) <= {float(score) for score in range(top + 1)}
    assert np.mean(scores) == pytest.approx(0.5 * top, abs=0.15)
    assert np.std(scores) == pytest.approx(math.sqrt(error**2 + 1 / 12), abs=0.08)
    assert of(tissue)["scalar.exam_ais"] == -1.0, "a scale of people"


@pytest.mark.parametrize(("index", "score"), [(0.0, 0.0), (1.0, 21.0)])
def test_a_score_never_leaves_its_scale(index: float, score: float) -> None:
    found = set()
    for seed in range(1, 40):
        process = Examination(Examination.Params.for_preset("rat"))
        tissue = patient(process, "rat", "T9", seed)
        tissue.set_scalar("motor_index", index)
        process.step(tissue, Key(seed, 24, 1.0))
        found.add(tissue.scalar("exam_score"))
    assert score in found and len(found) > 1
    assert min(found) >= 0.0 and max(found) <= 21.0


# ------------------------------------------------------------------------------------------ the series
def test_series_are_those_of_the_species_and_missing_before_the_first_examination() -> None:
    process = human(first_day=16.0, first_day_spread=0.0)
    tissue = complete(process)
    run(process, tissue, 15.0)
    early = observe(tissue)
    assert early["exam_number"] == 0.0
    assert all(
        math.isnan(value)
        for name, value in early.items()
        if name.startswith("exam_") and name != "exam_number"
    )
    run(process, tissue, 16.0, first=15.5)
    late = observe(tissue)
    assert (late["exam_ais"], late["exam_ais_first"], late["exam_ais_change"]) == (0.0, 0.0, 0.0)
    assert late["exam_neurological_level"] == NUMBER["C4"]
    assert "exam_bms" not in late
    rodent = Examination()
    mouse = patient(rodent, "mouse", "T9")
    assert {name for name in observe(mouse) if name.startswith("exam_")} == {"exam_number", "exam_bms"}
    run(rodent, mouse, 1.0)
    assert observe(mouse)["exam_bms"] == mouse.scalar("exam_score")


def test_words_of_the_record() -> None:
    assert AIS_GRADES == ("A", "B", "C", "D", "E")
    assert set(KEY_SEGMENTS) < set(NEUROLOGICAL_LEVELS)
