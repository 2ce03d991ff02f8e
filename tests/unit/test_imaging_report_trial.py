"""`cordgraft imaging report` of a data set: every session, changes, runs beside them, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.bids import find
from cordgraft_analysis.imaging.report_read import How, read_courses, read_trial
from cordgraft_analysis.imaging.report_trial import FOLLOWED
from tests.html_support import Page, check_alone
from tests.imaging_support import affine_of, cord_data, files_below, image_data, imaging, lesion_data, write
from tests.run_support import make_fake_run

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri

DASH = "\N{EN DASH}"


def add_session(root: Path, subject: str, session: str, slices: int, months: str, edge: float = 1.0) -> None:
    """Add an image with masks, a lesion of so many slices, and a row in the subject's table."""
    lesion = np.zeros_like(lesion_data())
    lesion[5:9, 6:10, 6 : 6 + slices] = 1
    affine = affine_of()
    affine[:3, 2] *= edge
    stem = f"sub-{subject}_ses-{session}_T2w"
    raw = root / f"sub-{subject}" / f"ses-{session}" / "anat"
    masks = root / "derivatives" / "labels" / f"sub-{subject}" / f"ses-{session}" / "anat"
    for folder in (raw, masks):
        folder.mkdir(parents=True)
    write(raw / f"{stem}.nii.gz", image_data(), affine)
    write(masks / f"{stem}_label-SC_seg.nii.gz", cord_data(), affine)
    write(masks / f"{stem}_label-lesion_seg.nii.gz", lesion, affine)
    table = root / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"
    text = table.read_text() if table.exists() else "session_id\tmonths_post_injury\n"
    table.write_text(f"{text}ses-{session}\t{months}\n")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject whose lesion shrinks from 12 slices over 8 to none, and one whose slices get thick."""
    root = tmp_path_factory.mktemp("data") / "small_trial"
    for session, slices, months in (("m01", 12, "1"), ("m06", 8, "6"), ("m11", 0, "11")):
        add_session(root, "01", session, slices, months)
    add_session(root, "02", "m01", 9, "1")
    add_session(root, "02", "m11", 3, "11", edge=3.0)
    (root / "participants.tsv").write_text(
        "participant_id\tsex\tgroup\nsub-01\tF\tgraft\nsub-02\tM\tcontrol\n"
    )
    return root


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds of a person's section with invented values, recorded after 1 and 11 months."""
    folder = tmp_path_factory.mktemp("runs") / "seeds"
    for seed in (1, 2, 3):
        make_fake_run(
            folder / f"seed-{seed}", species="human", graft=False, axons=False, voxel_um=400.0,
            map_days=(30.0, 335.0), last_day=335.0, seed=seed, shift=1.0 + 0.05 * seed,
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def written(trial: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, dict[str, Any]]:
    """The page on it, and what the command says to programs."""
    out = tmp_path_factory.mktemp("page") / "trial.html"
    result = imaging("report", trial, "-o", out, "--json")
    assert result.exit_code == 0, result.output
    page = check_alone(out.read_text(encoding="utf-8"), str(trial.parent), str(out.parent))
    return page, json.loads(result.stdout)


def test_every_session_stands_there_with_pictures_measures_and_changes(
    written: tuple[Page, dict[str, Any]],
) -> None:
    found, said = written
    titles = ["sub-01 ses-m01", "sub-01 ses-m06", "sub-01 ses-m11", "sub-02 ses-m01", "sub-02 ses-m11"]
    assert [title for group in said["subjects"].values() for title in group] == titles
    assert found.title == "Trial report: small_trial"
    # six courses, profiles of each subject, two planes of each session
    assert len(found.images) == len(FOLLOWED) + 2 + 2 * len(titles)
    for measure in FOLLOWED:
        assert any(image["alt"].startswith(measure.words) for image in found.images)
    for title in titles:
        assert sum(image["alt"].startswith(f"{title}: ") for image in found.images) == 2
    sessions = {row[0]: row for row in found.rows if len(row) == 4 + len(FOLLOWED) and row[0] in titles}
    assert list(sessions) == titles
    assert sessions["sub-01 ses-m01"][1:4] == ["graft", "1", "12.0 ± 1.0"]
    assert sessions["sub-02 ses-m11"][1:4] == ["control", "11", "9.0 ± 3.0"]
    assert sessions["sub-02 ses-m11"][-1] == "1 x 1 x 3"
    volumes = [row[3 + [m.column for m in FOLLOWED].index(names.VOLUME)] for row in sessions.values()]
    assert volumes == ["192", "128", "0", "144", "144"]
    changes = [row for row in found.rows if row[:1] and row[0] in titles and row[1:2] and row[1] in titles]
    assert [row[:4] for row in changes] == [
        ["sub-01 ses-m01", "sub-01 ses-m06", "5", "-4.0"],
        ["sub-01 ses-m01", "sub-01 ses-m11", "10", "-12.0"],
        ["sub-02 ses-m01", "sub-02 ses-m11", "10", "(+0.0)"],  # below a slice of each of the two
    ]
    assert "sex F; group graft" in found.text and "6 months after the injury" in found.text


def test_resolutions_and_sessions_without_lesion_are_said(written: tuple[Page, dict[str, Any]]) -> None:
    found, said = written
    assert "E22" in {finding["code"] for finding in said["findings"] if finding["level"] == "warning"}
    warned = [row for row in found.rows if row and row[0] == "warning E22"]
    assert {row[1] for row in warned} == {"sub-02 ses-m11", "data set"}
    assert any(
        "has another resolution than 'sub-02_ses-m01_T2w_label-SC_seg.nii.gz'" in row[2] for row in warned
    )
    assert found.text.count("No lesion is present in the mask.") == 1
    assert any(row[0] == "note E14" and row[1] == "sub-01 ses-m11" for row in found.rows if row)
    # each file once, by its name and checksum
    files = [row[0] for row in found.rows if len(row) == 7 and row[0].endswith(".nii.gz")]
    assert len(files) == len(set(files)) == 15


def test_runs_stand_beside_their_subject_with_the_spread_of_seeds(
    trial: Path, runs: Path, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"subject\trun\nsub-01\t{runs}\n")
    out = tmp_path / "trial.html"
    arguments = ("report", trial, "--run", runs, "--pairs", pairs, "-o", out)
    result = imaging(*arguments)
    assert result.exit_code == 0, result.output
    found = check_alone(out.read_text(encoding="utf-8"), str(runs.parent), str(trial.parent))
    assert "3 runs beside sub-01 (seed-1, seed-2, seed-3)" in found.text
    rows = [row for row in found.rows if len(row) > 2 and row[1] == "simulated, n = 3"]
    # month 6 was not recorded: it is left out and said
    assert [row[2] for row in rows] == ["1.0", "11.0"]
    assert any("has no recorded day near sub-01 ses-m06" in row[-1] for row in found.rows if row)
    subjects, _ = read_trial(find(trial), How())
    courses, _ = read_courses(subjects, {"01": sorted(runs.iterdir())}, How())
    (course,) = courses
    lengths = course.values(names.LENGTH)
    assert lengths.shape == (2, 3) and np.isfinite(lengths).all()
    for row, values in zip(rows, lengths, strict=True):
        assert row[3] == f"{np.median(values):.1f} ({values.min():.1f} to {values.max():.1f})"
    # a section has no volume, unless a model makes one of it; the volumes of the sessions need none
    volume = 3 + [m.column for m in FOLLOWED].index(names.VOLUME)
    assert {row[volume] for row in rows} == {DASH}
    assert imaging(*arguments, "--extrusion", "elliptic:ratio=1.5", "--overwrite").exit_code == 0
    modelled = check_alone(out.read_text(encoding="utf-8"))
    assert all(row[volume] != DASH for row in modelled.rows if len(row) > 2 and row[1] == "simulated, n = 3")
    assert modelled.row("command")[1] == (
        "cordgraft imaging report small_trial --run seeds --pairs pairs.tsv -o trial.html "
        "--extrusion elliptic:ratio=1.5"
    )


def test_runs_of_another_species_and_no_runs_are_refused(trial: Path, runs: Path, tmp_path: Path) -> None:
    mouse = make_fake_run(tmp_path / "mouse", axons=False, graft=False)
    for run, words in ((mouse, "another species"), (trial, "holds no run")):
        result = imaging("report", trial, "--run", run, "-o", tmp_path / "trial.html")
        assert result.exit_code == 2 and words in result.stderr, result.output
    assert not (tmp_path / "trial.html").exists()


def test_a_session_without_cord_is_left_out_and_a_set_without_any_refused(tmp_path: Path) -> None:
    root = tmp_path / "trial"
    add_session(root, "01", "m01", 6, "1")
    add_session(root, "01", "m06", 6, "6")
    out = tmp_path / "trial.html"
    for session, left in (("m06", True), ("m01", False)):
        folder = root / "derivatives" / "labels" / "sub-01" / f"ses-{session}" / "anat"
        (folder / f"sub-01_ses-{session}_T2w_label-SC_seg.nii.gz").unlink()
        before = files_below(tmp_path)
        result = imaging("report", root, "-o", out, "--overwrite")
        if left:
            assert result.exit_code == 0, result.output
            found = check_alone(out.read_text(encoding="utf-8"), str(tmp_path))
            assert "has no mask of the cord and is left out" in found.text
            assert "No subject has two sessions with dates: no change is computed." in found.text
        else:
            assert result.exit_code == 2 and "E15" in result.stderr
            assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    ("table", "code"), [("session_id\tmonths_post_injury\nses-m01\t1\n", "E21"), (None, "E21")]
)
def test_sessions_without_dates_are_refused(tmp_path: Path, table: str | None, code: str) -> None:
    root = tmp_path / "trial"
    add_session(root, "01", "m01", 6, "1")
    add_session(root, "01", "m06", 6, "6")
    place = root / "sub-01" / "sub-01_sessions.tsv"
    if table is None:
        place.unlink()
    else:
        place.write_text(table)
    result = imaging("report", root, "-o", tmp_path / "trial.html")
    assert result.exit_code == 2 and code in result.stderr, result.output
    assert not (tmp_path / "trial.html").exists()


def test_real_anatomy_with_synthetic_lesions(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "trial.html"
    result = imaging("report", shared_data / "mri" / "trial_example", "-o", out)
    assert result.exit_code == 0, result.output
    found = check_alone(out.read_text(encoding="utf-8"), str(shared_data))
    assert "scans with a synthetic lesion, as their sidecars say" in found.text
    assert "has thick slices along the right-left axis (found 3.3 x 0.6 x 0.6 mm)" in found.text
    row = next(row for row in found.rows if row[:2] == ["sub-01 ses-baseline", "synthetic_transplant"])
    assert row[2:5] == ["1", "26.0 ± 1.0", "106.0"]
