"""Sessions of a BIDS data set over time, alone and with runs beside them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.bids import find
from cordgraft_analysis.imaging.extrusion import Extrusion
from cordgraft_analysis.imaging.lesion import measure
from cordgraft_analysis.imaging.render import Options, scene_of
from cordgraft_analysis.imaging.sides import How
from cordgraft_analysis.imaging.simulated import masks_of, open_runs
from tests.imaging_support import affine_of, cord_data, files_below, imaging, lesion_data, problem_of, write
from tests.run_support import make_fake_run

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def lesion_of(slices: int) -> np.ndarray:
    """Return a lesion of so many slices in the middle of the made cord."""
    data = np.zeros_like(lesion_data())
    data[5:9, 6:10, 12 - slices // 2 : 12 - slices // 2 + slices] = 1
    return data


def add_session(root: Path, subject: str, session: str, slices: int, months: str, edge: float = 1.0) -> None:
    """Write masks of one session beside a data set and a row into the table of its subject."""
    folder = root / "derivatives" / "labels" / f"sub-{subject}" / f"ses-{session}" / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"sub-{subject}_ses-{session}_T2w_label"
    affine = affine_of()
    affine[:3, 2] *= edge
    write(folder / f"{stem}-lesion_seg.nii.gz", lesion_of(slices), affine)
    write(folder / f"{stem}-SC_seg.nii.gz", cord_data(), affine)
    table = root / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"
    table.parent.mkdir(parents=True, exist_ok=True)
    text = table.read_text() if table.exists() else "session_id\tmonths_post_injury\n"
    table.write_text(f"{text}ses-{session}\t{months}\n")


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """Six subjects, two sessions each, whose lesions shrink by 1 to 6 slices in 10 months."""
    root = tmp_path / "trial"
    rows = ["participant_id\tgroup"]
    for number in range(1, 7):
        add_session(root, f"{number:02d}", "m01", 12, "1")
        add_session(root, f"{number:02d}", "m11", 12 - number, "11")
        rows.append(f"sub-{number:02d}\t{'graft' if number > 1 else 'control'}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seeds of a person's section with invented values."""
    folder = tmp_path_factory.mktemp("runs") / "seeds"
    for seed in range(1, 7):
        make_fake_run(
            folder / f"seed-{seed}", species="human", graft=False, axons=False, voxel_um=200.0,
            map_days=(30.0, 330.0), last_day=330.0, seed=seed, shift=1.0 + 0.05 * seed,
        )  # fmt: skip
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def longitudinal(*arguments: Any) -> Any:
    result = imaging("longitudinal", *arguments)
    assert result.exit_code == 0, result.output
    return result


# ------------------------------------------------------------------------------------------------- finding
def test_scans_masks_and_dates_of_the_example(shared_data):
    dataset = find(shared_data / "mri" / "trial_example")
    assert [(s.subject, s.session, s.acquisition, s.months) for s in dataset.scans] == [
        ("01", "baseline", "sag", 1.0), ("01", "m06", "sag", 6.0), ("01", "m12", "sag", 12.0),
        ("02", "baseline", "ax", 1.0), ("02", "m12", "sag", 12.0),
    ]  # fmt: skip
    for scan in dataset.scans:
        for file, end in (
            (scan.image, "T2w"),
            (scan.cord, "label-SC_seg"),
            (scan.lesion, "label-lesion_seg"),
        ):
            assert file is not None and file.is_file() and file.name.endswith(f"{end}.nii.gz")
    assert dataset.scans[2].days == pytest.approx(365.25)
    assert dataset.participants["02"]["group"] == "synthetic_control"
    assert not [finding for finding in dataset.findings if finding.level == "warning"]


def test_labels_and_time_columns_are_chosen(trial):
    assert [s.session for s in find(trial, subjects=["sub-03"], sessions=["m11"]).scans] == ["m11"]
    table = trial / "sub-03" / "sub-03_sessions.tsv"
    table.write_text("session_id\tdays_since_injury\nses-m01\t30\nses-m11\t335\n")
    found = find(trial, subjects=["03"], time_column="days_since_injury")
    assert [s.days for s in found.scans] == pytest.approx([30.0, 335.0])
    assert "--time-column days_since_injury" in problem_of(lambda: find(trial), "E21")
    with pytest.raises(BadInput, match="says no unit"):
        find(trial, subjects=["03"], time_column="when")
    assert "sub-03" not in str(find(trial, subjects=["02"]).findings)


def spoil_missing_months(root: Path) -> None:
    table = root / "sub-02" / "sub-02_sessions.tsv"
    table.write_text(table.read_text().replace("\t11", "\tn/a"))


def spoil_twice(root: Path) -> None:
    table = root / "sub-02" / "sub-02_sessions.tsv"
    table.write_text(table.read_text() + "ses-m11\t12\n")


def spoil_row(root: Path) -> None:
    table = root / "sub-02" / "sub-02_sessions.tsv"
    table.write_text("\n".join(table.read_text().splitlines()[:2]) + "\n")


def spoil_table(root: Path) -> None:
    (root / "sub-02" / "sub-02_sessions.tsv").unlink()


def spoil_two_scans(root: Path) -> None:
    folder = root / "derivatives" / "labels" / "sub-02" / "ses-m11" / "anat"
    write(folder / "sub-02_ses-m11_acq-ax_T2w_label-lesion_seg.nii.gz", lesion_of(3))


def spoil_participants(root: Path) -> None:
    (root / "participants.tsv").write_text("participant_id\tgroup\nsub-02\ta\nsub-02\tb\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_missing_months, "m11 has no months"),
        (spoil_twice, "m11 stands there twice"),
        (spoil_row, "missing from the table"),
        (spoil_table, "without dates"),
        (spoil_two_scans, "--acquisition"),
        (spoil_participants, "holds a subject twice"),
    ],
)
def test_sessions_that_cannot_be_ordered_are_refused(
    trial: Path, tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(trial)
    assert words in problem_of(lambda: find(trial), "E21")
    before = files_below(tmp_path)
    result = imaging("longitudinal", trial, "-o", tmp_path / "out")
    assert result.exit_code == 2 and words in result.stderr and "sub-02" in result.stderr
    assert files_below(tmp_path) == before


def test_what_is_missing_is_said(trial, tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        find(tmp_path / "none")
    with pytest.raises(BadInput, match="holds no subject"):
        find(tmp_path)
    assert "label" in problem_of(lambda: find(trial, subjects=["99"]), "--participant-label")
    assert "labels" in problem_of(lambda: find(trial, derivatives="lables"), "--derivatives")
    copy = trial / "derivatives" / "second"
    shutil.copytree(trial / "derivatives" / "labels" / "sub-02", copy / "sub-02")
    with pytest.raises(BadInput, match="several lesion files"):
        find(trial)
    assert len(find(trial, derivatives="second").of("02")) == 2
    shutil.rmtree(trial / "derivatives")
    assert "holds no lesion mask" in problem_of(lambda: find(trial), "E15")


# ------------------------------------------------------------------------------------------------ the verb
def test_visits_and_subjects_that_are_only_listed_are_said(trial, tmp_path):
    assert not [said for said in map(str, find(trial).findings) if "lists" in said]
    table = trial / "sub-02" / "sub-02_sessions.tsv"
    table.write_text(table.read_text() + "ses-m24\t24\n")
    with (trial / "participants.tsv").open("a") as stream:
        stream.write("sub-98\ta\nsub-99\ta\n")
    found = find(trial)
    said = [str(one) for one in found.findings if one.level == "warning" and "lists" in one.message]
    assert any("sub-02_sessions.tsv" in one and "lists session m24" in one for one in said)
    assert any("lists subjects without a folder (found sub-98, sub-99)" in one for one in said) and len(said) == 2
    # a session that has files and was not asked for is not missing
    chosen = find(trial, sessions=["m01"]).findings
    assert [one for one in map(str, chosen) if "lists session" in one] == [one for one in said if "m24" in one]


def test_changes_are_those_of_the_masks(trial, tmp_path):
    out = tmp_path / "out"
    result = longitudinal(trial, "-o", out)
    assert sorted(files_below(out)) == ["changes.csv", "group.csv", "sessions.csv", "trajectories.png"]
    lengths = [row for row in rows_of(out / "changes.csv") if row["measure"] == "length [mm]"]
    assert [float(row["change"]) for row in lengths] == pytest.approx([-1, -2, -3, -4, -5, -6])
    assert float(lengths[0]["change [%]"]) == pytest.approx(-100 / 12)
    assert float(lengths[0]["change_per_month"]) == pytest.approx(-0.1)
    assert [row["within_voxel_size"] for row in lengths] == [
        "true",
        "true",
        "false",
        "false",
        "false",
        "false",
    ]
    groups = {row["group"]: row for row in rows_of(out / "group.csv") if row["measure"] == "length [mm]"}
    assert float(groups["all"]["measured_change_mean"]) == pytest.approx(-3.5)
    low, high = (float(groups["all"][f"measured_change_ci95_{end}"]) for end in ("low", "high"))
    assert -6 < low < -3.5 < high < -1
    assert groups["control"]["measured_change_ci95_low"] == "" and groups["graft"]["measured_change_n"] == "5"
    sessions = rows_of(out / "sessions.csv")
    assert "simulated_image" not in sessions[0], "no sidecar says that one of these is simulated"
    assert len(sessions) == 12 and sessions[0]["label"] == "total" and sessions[0]["subject"] == "01"
    assert "sessions" in result.stdout and "mean paired change" in result.stdout
    before = files_below(out)
    refused = imaging("longitudinal", trial, "-o", out)
    assert refused.exit_code == 2 and "E23" in refused.stderr and files_below(out) == before
    longitudinal(trial, "-o", out, "--overwrite", "-q")
    assert files_below(out) == before


def test_the_formulas_of_sct_follow_bridges_too(trial, tmp_path):
    longitudinal(trial, "--method", "sct", "-o", tmp_path / "out", "--participant-label", "06")
    rows = {row["measure"]: float(row["change"]) for row in rows_of(tmp_path / "out" / "changes.csv")}
    assert rows["length [mm]"] == pytest.approx(-6.0) and rows["volume [mm3]"] == pytest.approx(-96.0)
    assert rows["interpolated_total_bridge_width [mm]"] == pytest.approx(0.0)
    assert {row["method"] for row in rows_of(tmp_path / "out" / "sessions.csv")} == {"sct"}


def test_two_tables_of_sessions_can_be_compared(trial, tmp_path):
    for method in ("one", "two"):
        longitudinal(trial, "-o", tmp_path / method, "-q")
    result = imaging(
        "compare", tmp_path / "one" / "sessions.csv", tmp_path / "two" / "sessions.csv", "--json"
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["agreement"]
    assert {row["pairs"] for row in found} == {12} and {row["mean_difference"] for row in found} == {0.0}


def test_one_session_has_no_change(tmp_path):
    root = tmp_path / "one"
    add_session(root, "01", "m01", 6, "1")
    result = longitudinal(root, "-o", tmp_path / "out")
    assert "no change is computed" in result.stdout
    assert sorted(files_below(tmp_path / "out")) == ["sessions.csv", "trajectories.png"]


def test_another_resolution_is_warned_of_with_its_uncertainty(tmp_path):
    root = tmp_path / "thick"
    add_session(root, "01", "m01", 6, "1")
    add_session(root, "01", "m06", 2, "6", edge=3.0)
    result = longitudinal(root, "-o", tmp_path / "out")
    warnings = [line for line in result.stderr.splitlines() if " warning E22: " in line]
    assert len(warnings) == 2
    assert "thick slices along the superior-inferior axis (found 1 x 1 x 3 mm)" in warnings[0]
    assert "a ratio of 3.0" in warnings[1] and "lengths below 3 mm" in warnings[1]
    (row,) = (row for row in rows_of(tmp_path / "out" / "changes.csv") if row["measure"] == "length [mm]")
    assert float(row["uncertainty"]) == pytest.approx(4.0) and row["within_voxel_size"] == "true"


def test_a_mask_beside_its_grid_is_refused(trial, tmp_path):
    image = trial / "sub-02" / "ses-m11" / "anat" / "sub-02_ses-m11_T2w.nii.gz"
    image.parent.mkdir(parents=True)
    shifted = affine_of()
    shifted[1, 3] += 4.0
    write(image, cord_data().astype(np.int16) * 100 + 5, shifted)
    result = imaging("longitudinal", trial, "-o", tmp_path / "out")
    assert result.exit_code == 2 and "E13" in result.stderr and "4.00 mm" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_example_goes_through_and_warns_of_thick_slices(shared_data, tmp_path):
    result = longitudinal(shared_data / "mri" / "trial_example", "-o", tmp_path / "out")
    thick = [line for line in result.stderr.splitlines() if "thick slices" in line]
    assert ["sub-01_ses-m12" in thick[0], "sub-02_ses-baseline" in thick[1]] == [True, True] and len(
        thick
    ) == 2
    assert sum("another resolution" in line for line in result.stderr.splitlines()) == 2
    rows = {
        (row["subject"], row["to_session"]): float(row["change"])
        for row in rows_of(tmp_path / "out" / "changes.csv")
        if row["measure"] == "length [mm]"
    }
    # the ellipsoid of the treated one shrinks from 26 mm, that of the other one stays
    assert rows["01", "m06"] < -5.0 and rows["01", "m12"] < -9.0 and abs(rows["02", "m12"]) < 1.0


# --------------------------------------------------------------------------------------------- runs beside
def test_runs_stand_beside_sessions_at_the_nearest_days(trial, runs, tmp_path):
    out = tmp_path / "out"
    result = longitudinal(
        trial, "--run", runs, "-o", out, "--participant-label", "01", "--participant-label", "02"
    )
    assert "same 6 runs stand beside every subject" in result.stdout
    rows = rows_of(out / "compared.csv")
    lengths = [row for row in rows if row["measure"] == "length [mm]"]
    assert [(row["subject"], row["session"], row["simulated_days [d]"]) for row in lengths] == [
        ("01", "m01", "30"), ("01", "m11", "330"), ("02", "m01", "30"), ("02", "m11", "330"),
    ]  # fmt: skip
    first = lengths[0]
    simulated = [
        float(row["length [mm]"])
        for row in rows_of(out / "sessions.csv")
        if row["source"] != "measured" and (row["subject"], row["session"]) == ("01", "m01")
    ]
    assert len(simulated) == 6
    assert float(first["simulated_mean"]) == pytest.approx(np.mean(simulated))
    assert (
        float(first["simulated_least"]) == min(simulated) < max(simulated) == float(first["simulated_most"])
    )
    assert float(first["simulated_ci95_low"]) > min(simulated)
    assert float(first["simulated_minus_measured"]) == pytest.approx(np.mean(simulated) - 12.0)
    # a section has no volume, and says so
    assert not [row for row in rows if row["measure"] == "volume [mm3]"]
    assert "a section has no volume" in result.stdout
    pairs = {row["measure"]: row["pairs"] for row in rows_of(out / "agreement.csv")}
    assert pairs["length [mm]"] == "4"
    group = next(
        row for row in rows_of(out / "group.csv") if (row["group"], row["measure"]) == ("all", "length [mm]")
    )
    assert float(group["simulated_minus_measured_mean"]) == pytest.approx(
        float(group["simulated_change_mean"]) - float(group["measured_change_mean"])
    )
    for name in ("trajectories.png", "bland_altman.png"):
        assert (out / name).stat().st_size > 10_000


def test_the_words_below_the_curves_are_of_what_is_drawn(trial, runs, tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(
        "cordgraft_analysis.imaging.compare_figures.course_picture",
        lambda rows, title, lines: said.append(" ".join(lines)) or b"",
    )
    longitudinal(trial, "--participant-label", "02", "-o", tmp_path / "alone")
    longitudinal(trial, "--participant-label", "02", "--run", runs, "-o", tmp_path / "beside")
    assert ["Squares" in words for words in said] == [False, True]
    assert all("Error bars" in words for words in said)


def test_few_seeds_have_a_spread_and_no_interval(trial, runs, tmp_path):
    table = tmp_path / "pairs.tsv"
    places = "".join(f"sub-01\t{runs / f'seed-{n}'}\n" for n in (1, 2)) + "02\tseed-3\n"
    table.write_text(f"participant_id\trun\n{places}")
    out = tmp_path / "out"
    result = longitudinal(
        trial, "--pairs", table, "--run", runs, "--extrusion", "elliptic:ratio=1.8", "-o", out,
        "--participant-label", "01", "--participant-label", "02",
    )  # fmt: skip
    rows = [row for row in rows_of(out / "compared.csv") if row["measure"] == "volume [mm3]"]
    assert [row["simulated_n"] for row in rows] == ["2", "2", "1", "1"]
    assert {row["simulated_ci95_low"] for row in rows} == {""} and float(rows[0]["simulated_sd"]) > 0.0
    assert "below 5 seeds the spread is shown and no interval" in result.stdout
    assert "3 of the given runs stand in no row" in result.stdout
    assert {row["run"] for row in rows_of(out / "profiles.csv")} == {"seed-1", "seed-2", "seed-3"}


def test_a_day_that_was_not_recorded_is_left_out(trial, runs, tmp_path):
    table = trial / "sub-01" / "sub-01_sessions.tsv"
    table.write_text(table.read_text().replace("\t11", "\t36"))
    out = tmp_path / "out"
    result = longitudinal(trial, "--run", runs / "seed-1", "-o", out, "--participant-label", "01")
    (line,) = (line for line in result.stderr.splitlines() if "no recorded day" in line)
    assert "warning E21" in line and "day 1096 is wanted, the nearest one is 330" in line
    lengths = [row for row in rows_of(out / "compared.csv") if row["measure"] == "length [mm]"]
    assert [row["simulated_n"] for row in lengths] == ["1", "0"] and lengths[1][
        "simulated_minus_measured"
    ] == ""
    assert {row["source"] for row in rows_of(out / "changes.csv")} == {"measured"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("subject\twhat\n01\tx\n", "no column run"),
        ("subject\trun\n1\tseed-1\n", "line 2 that is not in the data set"),
        ("subject\trun\n01\tseed-99\n", "line 2 that is no run"),
        ("subject\trun\n01\tseed-1\n01\tseed-1\n", "line 3 twice"),
        ("subject\trun\n", "it has no row"),
    ],
)
def test_a_wrong_table_of_pairs_is_refused(trial, runs, tmp_path, text, words):
    table = tmp_path / "pairs.tsv"
    table.write_text(text)
    before = files_below(tmp_path)
    result = imaging("longitudinal", trial, "--run", runs, "--pairs", table, "-o", tmp_path / "out")
    assert result.exit_code == 2 and words in result.stderr, result.output
    assert files_below(tmp_path) == before


def test_runs_of_another_species_and_no_runs_are_refused(trial, tmp_path):
    mouse = make_fake_run(tmp_path / "mouse", voxel_um=200.0, graft=False, axons=False)
    result = imaging("longitudinal", trial, "--run", mouse, "-o", tmp_path / "out")
    assert result.exit_code == 2 and "another species" in result.stderr and "mouse" in result.stderr
    result = imaging("longitudinal", trial, "--run", tmp_path / "none", "-o", tmp_path / "out")
    assert result.exit_code == 2 and "holds no run" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_section_is_measured_in_its_own_plane(runs):
    (run,) = open_runs([runs / "seed-1"])
    lesion, cord, affine = masks_of(run, 30.0, (3.0, 0.9, 0.9), How())
    assert lesion.shape[0] == cord.shape[0] == 1 and affine[0, 3] == pytest.approx(0.0, abs=1e-9)
    # the middle plane of a wide slab on the same voxels is the same section
    slab = scene_of(
        run.tree, 30.0, spacing_mm=(2.0, 0.9, 0.9), options=Options(extrusion=Extrusion("extrude", 20.0))
    )
    np.testing.assert_allclose(slab.lesion_soft[slab.lesion_soft.shape[0] // 2], lesion[0], atol=1e-6)
    np.testing.assert_allclose(slab.cord_soft[slab.cord_soft.shape[0] // 2], cord[0], atol=1e-6)
    fine = masks_of(run, 30.0, (3.0, 0.3, 0.3), How())
    both = [
        measure(a, b, c).total["midsagittal_lesion_area [mm2]"] for a, b, c in ((lesion, cord, affine), fine)
    ]
    assert both[0] == pytest.approx(both[1], rel=0.02)  # sums of shares do not depend on the voxel


def test_a_result_of_an_earlier_call_does_not_stay_beside_a_new_one(trial, tmp_path):
    out = tmp_path / "table"
    assert imaging("longitudinal", trial, "-o", out, "-q").exit_code == 0
    (out / "notes.txt").write_text("mine")
    assert (out / "group.csv").exists()
    result = imaging(
        "longitudinal", trial, "-o", out, "-q", "--overwrite", "--participant-label", "01", "--session-label", "m01"
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", "sessions.csv", "trajectories.png"]


def test_a_section_that_became_a_volume_names_its_model(trial, runs, tmp_path):
    out = tmp_path / "table"
    result = imaging(
        "longitudinal", trial, "--run", runs / "seed-1", "--extrusion", "elliptic:ratio=1.4", "-o", out,
        "--participant-label", "01",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "sections became volumes by a model, elliptic:ratio=1.4" in result.stdout
    with (out / "sessions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["extrusion"] for row in rows if row["source"] == "measured"} == {""}
    assert {row["extrusion"] for row in rows if row["source"] != "measured"} == {"elliptic:ratio=1.4"}
    page = tmp_path / "page.html"
    told = imaging(
        "report", trial, "--run", runs / "seed-1", "--extrusion", "elliptic:ratio=1.4", "-o", page
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    text = page.read_text()
    assert "Sections became volumes by a model, elliptic:ratio=1.4." in text
    assert "beside 1 simulated run." in text  # beside six subjects it is still one
