"""Dates and resolutions of sessions (E21 and E22)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft_analysis.imaging.load import load_image
from cordgraft_analysis.imaging.sessions import Session, check_resolution, check_sessions, read_sessions
from tests.imaging_support import (
    affine_of,
    cord_data,
    problem_of,
    volume_of,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def test_e21_real_sessions(shared_data: Path) -> None:
    sessions = read_sessions(shared_data / "mri" / "trial_example" / "sub-01" / "sub-01_sessions.tsv")
    assert sessions == [Session("baseline", 1.0), Session("m06", 6.0), Session("m12", 12.0)]
    assert check_sessions(sessions) == []


@pytest.mark.parametrize(
    ("sessions", "level", "words"),
    [
        ([Session("a", 1.0), Session("b", None)], "error", "session b has no months"),
        ([Session("a", 1.0), Session("a", 3.0)], "error", "session a stands there twice"),
        ([Session("a", -1.0), Session("b", 3.0)], "error", "before the injury (found -1 months). Correct it, or"),
        ([Session("a", float("nan")), Session("b", 3.0)], "error", "a time that is no number"),
        ([Session("a", 3.0), Session("b", 3.0)], "warning", "a, b at 3 months"),
        ([Session("a", 3.0)], "note", "no change is computed"),
        ([], "error", "no session"),
    ],
)  # fmt: skip
def test_e21_sessions_that_give_no_change(sessions: list[Session], level: str, words: str) -> None:
    (found,) = check_sessions(sessions, "sessions.tsv")
    assert (found.code, found.level) == ("E21", level) and words in str(found)


def test_e21_tables_that_cannot_be_read(tmp_path: Path) -> None:
    table = tmp_path / "sub-01_sessions.tsv"
    assert "no such file" in problem_of(lambda: read_sessions(table), "E01")
    table.write_text("session_id\tmonths_post_injury\nses-a\t\nses-b\tn/a\nses-c\t2.5\n")
    assert read_sessions(table) == [Session("a", None), Session("b", None), Session("c", 2.5)]
    table.write_text("session_id\tmonths_post_injury\nses-a\tsoon\n")
    assert "line 2 (found soon)" in problem_of(lambda: read_sessions(table), "E21")
    for text in ("6,5", "nan", "inf"):
        table.write_text(f"session_id\tmonths_post_injury\nses-a\t{text}\n")
        said = problem_of(lambda: read_sessions(table), "E21")
        assert f"no number in line 2 (found {text})" in said and "decimal point" in said
    for mark in (",", ";", " "):
        table.write_text("session_id\tmonths_post_injury\nses-a\t1\n".replace("\t", mark))
        said = problem_of(lambda: read_sessions(table), "E03")
        assert "has its cells separated by" in said and "tabs, by its name" in said
    table.write_bytes(b"\xef\xbb\xbfsession_id\tmonths_post_injury\r\nses-a\t6.5\r\n")
    assert read_sessions(table) == [Session("a", 6.5)]
    table.write_text("session_id\tmonths\nses-a\t1\n")
    assert "no column months_post_injury" in problem_of(lambda: read_sessions(table), "E21")


def test_e22_resolution(shared_data: Path) -> None:
    coarse = volume_of(cord_data(), np.diag([1.0, 0.6, 4.0, 1.0]))
    (found,) = check_resolution(coarse, volume_of(cord_data()))
    assert (found.code, found.level) == ("E22", "warning")
    assert (
        "superior-inferior" in found.message
        and "ratio of 4.0" in found.value
        and "below 4 mm" in found.remedy
    )
    assert check_resolution(volume_of(cord_data()), volume_of(cord_data(), affine_of(0.51))) == []
    labels = shared_data / "mri" / "trial_example" / "derivatives" / "labels" / "sub-01"
    first, last = (
        load_image(next((labels / session / "anat").glob("*SC_seg.nii.gz")), "mask")
        for session in ("ses-baseline", "ses-m12")
    )
    assert ["right-left" in finding.message for finding in check_resolution(last, first)] == [True]
