"""Rendered images as files: the verb, names and sidecars, nothing half-written, and the way back into a real scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

nibabel = pytest.importorskip("nibabel", reason="needs the extra [mri]")

from cordgraft import CordModel  # noqa: E402
from cordgraft.core import schema  # noqa: E402
from cordgraft.core.problems import BadInput  # noqa: E402
from cordgraft.engine.runner import run_model  # noqa: E402
from cordgraft.run.cli import app  # noqa: E402
from cordgraft_analysis.imaging import derivative  # noqa: E402
from cordgraft_analysis.imaging.extrusion import parse_extrusion  # noqa: E402
from cordgraft_analysis.imaging.load import load_image  # noqa: E402
from cordgraft_analysis.imaging.render import Options, scene_of  # noqa: E402
from cordgraft_analysis.reading import open_run  # noqa: E402
from tests.run_support import make_fake_run  # noqa: E402
from tests.unit.test_scan_run import COARSE, write_tilted_masks  # noqa: E402

pytestmark = pytest.mark.mri

ANAT = "derivatives/cordgraft/sub-sim01/ses-d42/anat/sub-sim01_ses-d42"
ENDS = (
    "T2w",
    "label-SC_seg",
    "label-lesion_seg",
    "desc-soft_label-SC_probseg",
    "desc-soft_label-lesion_probseg",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mouse section with invented values."""
    return make_fake_run(tmp_path_factory.mktemp("run") / "mouse-001", voxel_um=100.0, graft=False)


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["imaging", "render", *arguments])


def dice(a: Any, b: Any) -> float:
    return float(2.0 * (a & b).sum() / (a.sum() + b.sum()))


def rendered(run: Path, out: Path, *more: str) -> Any:
    return call(
        str(run), "--time", "42d", "--extrusion", "elliptic:ratio=1.4", "--spacing", "0.2,0.2,0.2",
        "--snr", "20", "--seed", "1", "-o", str(out), *more,
    )  # fmt: skip


def test_a_session_has_image_masks_and_sidecars(run: Path, tmp_path: Path) -> None:
    done = rendered(run, tmp_path, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["ok"] and len(answer["files"]) == len(ENDS)
    assert answer["sessions"][0]["lesion_mm3"] > 0.0
    for end in ENDS:
        file = tmp_path / f"{ANAT}_{end}.nii.gz"
        sidecar = json.loads(file.with_name(file.name.replace(".nii.gz", ".json")).read_text())
        assert sidecar["Simulated"] is True and schema.RESEARCH_SENTENCE in sidecar["Description"]
        assert sidecar["Extrusion"] == "elliptic:ratio=1.4"
        assert sidecar["Sources"][-1] == "mouse-001/run.zarr"
        assert sidecar["GeneratedBy"][0]["Name"] == "cordgraft"
        assert str(tmp_path) not in json.dumps(sidecar) and str(run.parent) not in json.dumps(sidecar)
        assert sidecar["SpatialReference"].startswith("straight cord")
    image = json.loads((tmp_path / f"{ANAT}_T2w.json").read_text())
    assert (image["RepetitionTime"], image["EchoTime"], image["SNR"], image["Seed"]) == (3.5, 0.1, 20.0, 1)
    assert "FWHM 1 voxel" in image["PointSpread"]
    described = json.loads((tmp_path / "derivatives/cordgraft/dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    mask = nibabel.load(tmp_path / f"{ANAT}_label-SC_seg.nii.gz")
    assert mask.get_data_dtype() == np.uint8
    cord = load_image(tmp_path / f"{ANAT}_label-SC_seg.nii.gz", "mask")
    soft = load_image(tmp_path / f"{ANAT}_desc-soft_label-SC_probseg.nii.gz", "soft")
    np.testing.assert_array_equal(cord.data, soft.data >= 0.5)
    table = (tmp_path / "derivatives/cordgraft/sub-sim01/sub-sim01_sessions.tsv").read_text().splitlines()
    assert table == ["session_id\tmonths_post_injury", "ses-d42\t1.3799"]
    assert not list(tmp_path.glob(".cordgraft*"))


def test_existing_files_are_replaced_only_on_request(run: Path, tmp_path: Path) -> None:
    assert rendered(run, tmp_path).exit_code == 0
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    refused = rendered(run, tmp_path)
    assert refused.exit_code == 2
    assert "E23" in refused.stderr and "--overwrite" in refused.stderr
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    # the same seed gives the same bytes
    assert rendered(run, tmp_path, "--overwrite", "--quiet").exit_code == 0
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_an_error_on_the_way_leaves_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_of(
        open_run(run),
        42.0,
        spacing_mm=(0.3, 0.3, 0.3),
        options=Options(extrusion=parse_extrusion("axisymmetric")),
    )
    session = derivative.Session("sim01", run.name, scene, {"t2w": scene.image("t2w")})
    wrong = derivative.Session(
        "sim02", run.name, scene, {"t2w": (np.full(scene.cord.shape, 1e39), scene.image("t2w")[1])}
    )
    with pytest.raises(BadInput, match="E18"):
        derivative.write_sessions([session, wrong], tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInput, match="two sessions"):
        derivative.write_sessions([session, session], tmp_path)
    assert not list(tmp_path.iterdir())


def test_several_runs_and_days_are_subjects_and_sessions(tmp_path: Path) -> None:
    for seed in (1, 2):
        make_fake_run(
            tmp_path / "runs" / f"seed-{seed}", voxel_um=200.0, graft=False, seed=seed, shift=1.0 + 0.1 * seed
        )
    done = call(
        str(tmp_path / "runs"), "-t", "14d", "-t", "42d", "--contrast", "t2w", "--contrast", "fa", "--extrusion",
        "axisymmetric", "--spacing", "0.4,0.4,0.4", "--snr", "30", "-o", str(tmp_path / "out"), "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    sessions = json.loads(done.stdout)["sessions"]
    assert [(one["subject"], one["session"]) for one in sessions] == [
        ("sim01", "d14"), ("sim01", "d42"), ("sim02", "d14"), ("sim02", "d42"),
    ]  # fmt: skip
    # the noise of no two images is the same
    assert len({one["images"]["t2w"]["seed"] for one in sessions}) == 4
    table = (tmp_path / "out/derivatives/cordgraft/sub-sim02/sub-sim02_sessions.tsv").read_text()
    assert [line.split("\t")[0] for line in table.splitlines()] == ["session_id", "ses-d14", "ses-d42"]
    assert (tmp_path / "out/derivatives/cordgraft/sub-sim02/ses-d14/dwi").is_dir()
    one_label = call(
        str(tmp_path / "runs"), "-t", "14d", "--subject", "x1", "--extrusion", "axisymmetric", "--spacing",
        "0.4,0.4,0.4", "-o", str(tmp_path / "other"),
    )  # fmt: skip
    assert one_label.exit_code == 2 and "one label for several runs" in one_label.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--time", "365d", "--extrusion", "axisymmetric", "--spacing", "1,1,1"], "3 d, 14 d, 42 d, 112 d"),
        (["--time", "42", "--extrusion", "axisymmetric", "--spacing", "1,1,1"], "unit is missing"),
        (["--time", "42d", "--spacing", "1,1,1"], "say how it becomes a volume"),
        (["--time", "42d", "--extrusion", "axisymmetric", "--spacing", "1,1"], "three numbers"),
        (["--time", "42d", "--extrusion", "axisymmetric"], "grid of the image is not stated"),
        (["--time", "42d", "--extrusion", "axisymmetric", "--like", "missing.nii.gz"], "E01"),
        (
            ["--time", "42d", "--extrusion", "axisymmetric", "--spacing", "1,1,1", "--subject", "a/b"],
            "--subject",
        ),
        (
            ["--time", "42d", "--extrusion", "axisymmetric", "--spacing", "1,1,1", "--contrast", "t1w"],
            "t2w, fa",
        ),
        (
            [
                "--time",
                "42d",
                "--extrusion",
                "axisymmetric",
                "--spacing",
                "1,1,1",
                "--contrast",
                "fa",
                "--snr",
                "9",
            ],
            "only t2w has noise",
        ),
        (
            ["--time", "42d", "--extrusion", "axisymmetric", "--spacing", "1,1,1", "--contrast", "mtr"],
            "calibrated on your controls",
        ),
        (
            [
                "--time",
                "42d",
                "--extrusion",
                "axisymmetric",
                "--spacing",
                "1,1,1",
                "--contrast",
                "mtr",
                "--mtr",
                "1",
            ],
            "two numbers",
        ),
    ],
)
def test_bad_input_ends_with_two_and_writes_nothing(
    run: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = call(str(run), *arguments, "-o", str(tmp_path / "out"))
    assert done.exit_code == 2, done.output
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------ back into the scan


def test_a_run_from_masks_goes_back_into_their_scan(tmp_path: Path) -> None:
    settings = {**COARSE, **write_tilted_masks(tmp_path), "geometry.section": "volume"}
    tree = run_model(CordModel("human_from_masks", settings=settings), tmp_path / "run").open()
    stored = tree[schema.STRAIGHTENING_GROUP].dataset
    assert stored[schema.CORD_SHARE].dims == ("x", "y", "z")
    outside = tree["geometry"]["map_cord"].values == 0
    assert float(stored[schema.CORD_SHARE].values[outside].sum()) > 0.0  # what the static maps leave out
    scene = scene_of(open_run(tmp_path / "run"), 2.0)  # the grid of the masks
    cord = load_image(settings["geometry.cord_mask"], "mask")
    lesion = load_image(settings["geometry.lesion_mask"], "mask")
    assert scene.cord.shape == cord.data.shape
    np.testing.assert_allclose(scene.frame.affine, cord.affine)
    assert scene.facts["space"] == "scanner"
    # beyond the whole cross-sections of the mask the cord is repeated, and 60 mm reach beyond the scan
    within = np.zeros(cord.data.shape, dtype=bool)
    within[:, :, 6:-6] = True
    assert dice(scene.cord & within, cord.data & within) > 0.97
    volume = float(scene.cord_soft[within].sum()) * scene.frame.voxel_mm3
    assert volume == pytest.approx(float(cord.data[within].sum()), rel=0.01)
    assert dice(scene.lesion, lesion.data) > 0.9
    with pytest.raises(BadInput, match="goes back into its own scan"):
        scene_of(open_run(tmp_path / "run"), 2.0, like=cord, options=Options(centre_mm=(0.0, 0.0, 0.0)))


def test_a_real_cord_goes_there_and_back(tmp_path: Path, shared_data: Path) -> None:
    place = shared_data / "mri" / "sct_testing" / "t2_fake_lesion"
    settings = {
        **COARSE,
        "geometry.cord_mask": str(place / "t2_fake_lesion_sc_seg.nii.gz"),
        "geometry.lesion_mask": str(place / "t2_fake_lesion_lesion_seg.nii.gz"),
        "geometry.section": "volume",
        "geometry.length": "140 mm",
    }
    run_model(CordModel("human_from_masks", settings=settings), tmp_path / "run")
    done = call(
        str(tmp_path / "run"), "-t", "2d", "--like", str(place / "t2_fake_lesion.nii.gz"), "--snr", "20", "--seed", "1",
        "-o", str(tmp_path),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    stem = tmp_path / "derivatives/cordgraft/sub-sim01/ses-d2/anat/sub-sim01_ses-d2"
    cord = load_image(f"{stem}_label-SC_seg.nii.gz", "mask")
    real = load_image(place / "t2_fake_lesion_sc_seg.nii.gz", "mask")
    assert cord.original_axes == real.original_axes == "PSR"  # on the file's own grid
    np.testing.assert_allclose(cord.affine, real.affine, atol=1e-5)
    assert dice(cord.data, real.data) >= 0.95
    lesion = load_image(f"{stem}_label-lesion_seg.nii.gz", "mask")
    painted = load_image(place / "t2_fake_lesion_lesion_seg.nii.gz", "mask")
    assert dice(lesion.data, painted.data) >= 0.85
    image = load_image(f"{stem}_T2w.nii.gz").data
    soft = load_image(f"{stem}_desc-soft_label-SC_probseg.nii.gz", "soft").data
    assert float(image[painted.data].mean()) > 1.2 * float(image[(soft > 0.999) & ~lesion.data].mean())
    assert json.loads(Path(f"{stem}_T2w.json").read_text())["SpatialReference"] == "t2_fake_lesion.nii.gz"


def test_a_straight_cord_on_the_oblique_grid_of_a_scan(run: Path, tmp_path: Path, shared_data: Path) -> None:
    scans = shared_data / "mri" / "trial_example" / "sub-01" / "ses-m12" / "anat"
    file = next(scans.glob("*_T2w.nii.gz"))
    human = make_fake_run(tmp_path / "human", species="human", voxel_um=100.0, graft=False)
    done = call(
        str(human), "-t", "42d", "--extrusion", "elliptic:ratio=1.7", "--like", str(file), "-o", str(tmp_path / "out"),
        "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)["sessions"][0]["scene"]
    assert facts["partial_volume"] == "balanced shares" and "middle of the injury at" in facts["placing"]
    written = load_image(tmp_path / "out" / f"{ANAT}_T2w.nii.gz")
    given = load_image(file)
    assert written.data.shape == given.data.shape
    np.testing.assert_allclose(written.affine, given.affine, atol=1e-4)
    assert written.original_axes == given.original_axes
