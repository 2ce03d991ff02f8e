"""`cordgraft imaging report` of one examination: what stands on the page is what the masks measure."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging import report_figures
from cordgraft_analysis.imaging.compare import voxel_error
from cordgraft_analysis.imaging.examination import examine
from cordgraft_analysis.imaging.report import page
from cordgraft_analysis.imaging.report_words import MEASURES, error_mm, number
from tests.html_support import check_alone
from tests.imaging_support import (
    affine_of,
    cord_data,
    files_below,
    image_data,
    imaging,
    lesion_data,
    rotated,
    write,
)
from tests.phantoms import Phantom

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri

FACTS = {"cordgraft": "1.2.3", "command": "cordgraft imaging report -m a.nii.gz -s b.nii.gz"}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A scan with cord and lesion, as files; the lesion lies one voxel ventral of the cord's middle."""
    folder = tmp_path_factory.mktemp("scan")
    return {
        "image": write(folder / "t2.nii.gz", image_data()),
        "cord": write(folder / "t2_sc_seg.nii.gz", cord_data()),
        "lesion": write(folder / "t2_lesion_seg.nii.gz", np.roll(lesion_data(), 1, axis=1)),
    }


@pytest.fixture(scope="module")
def written(scan: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page on it, as the command writes it."""
    out = tmp_path_factory.mktemp("page") / "deep" / "report.html"
    result = imaging("report", "-m", scan["lesion"], "-s", scan["cord"], "-i", scan["image"], "-o", out)
    assert result.exit_code == 0, result.output
    assert str(out) in result.stdout
    return out.read_text(encoding="utf-8")


def test_page_stands_alone_with_all_its_pictures(written: str, scan: dict[str, Path]) -> None:
    found = check_alone(written, str(scan["cord"].parent))
    assert found.title == "Lesion report: t2_lesion_seg.nii.gz"
    assert len(found.images) == 3
    kinds = ("midsagittal plane", "plane normal to the cord at the epicentre", "damage ratio and areas")
    for image, words in zip(found.images, kinds, strict=True):
        assert words in image["alt"]
    assert {"pictures", "measures", "warnings", "files", "provenance"} <= set(found.anchors)


def test_every_measure_stands_there_by_both_methods_with_unit_and_definition(
    written: str, scan: dict[str, Path], tmp_path: Path
) -> None:
    found = check_alone(written)
    tables = {}
    for method in ("mm", "sct"):
        out = tmp_path / f"{method}.csv"
        result = imaging(
            "lesion", "-m", scan["lesion"], "-s", scan["cord"], "--method", method, "-o", out, "--json"
        )
        tables[method] = json.loads(result.stdout)["rows"]
    for measure in MEASURES:
        cells = found.row(measure.words + measure.definition)
        assert cells[1] == number(tables["mm"][-1][measure.column], measure.digits), measure.words
        assert cells[2] == number(tables["sct"][0].get(measure.column), measure.digits), measure.words
        assert cells[3] == measure.unit
    # one voxel of 1 mm from dorsal to ventral, slices of 1 mm
    assert found.row("lesion length")[4] == "± 1.0 (one slice)"
    assert found.row("dorsal tissue bridge")[4] == "± 1.0 (one voxel)"
    assert found.row("sum of both bridges")[4] == "± 2.0 (one voxel for each bridge)"
    # as tables and `compare` have it: an extent with two edges is known to one voxel, like a length to one slice
    for words in ("lesion width", "width in the midsagittal plane", "A-P diameter of the cord there"):
        assert found.row(words)[4] == "± 1.0 (one voxel)"
    for measure in MEASURES:
        error = voxel_error(tables["mm"][-1], measure.column)
        assert error_mm(measure, tables["mm"][-1]) == (None if np.isnan(error) else error), measure.words
    assert found.row("lesion volume")[4] == "none stated"
    assert "Voxels 1 x 1 x 1 mm" in found.text


def test_provenance_names_files_checksums_and_the_command(written: str, scan: dict[str, Path]) -> None:
    import hashlib

    found = check_alone(written)
    for role, path in (
        ("image", scan["image"]),
        ("cord mask", scan["cord"]),
        ("lesion mask", scan["lesion"]),
    ):
        row = found.row(path.name)
        assert row[1:4] == [role, "14 x 16 x 24", "1 x 1 x 1"]
        assert row[4] == "RAS / LPI"
        assert row[6] == hashlib.sha256(path.read_bytes()).hexdigest()
    command = (
        "cordgraft imaging report -m t2_lesion_seg.nii.gz -s t2_sc_seg.nii.gz -i t2.nii.gz -o report.html"
    )
    assert found.row("command")[1] == command
    assert found.row("nibabel")[1]


def test_same_files_give_the_same_bytes_and_nothing_is_replaced_unless_told(
    written: str, scan: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    out.write_text("mine")
    arguments = ("report", "-m", scan["lesion"], "-s", scan["cord"], "-i", scan["image"], "-o", out)
    refused = imaging(*arguments)
    assert refused.exit_code == 2 and "E23" in refused.stderr and "--overwrite" in refused.stderr
    assert out.read_text() == "mine"
    assert imaging(*arguments, "--overwrite", "-q").exit_code == 0
    assert out.read_text(encoding="utf-8") == written
    assert list(tmp_path.iterdir()) == [out]


def test_no_lesion_is_said_and_no_bridge_drawn(scan: dict[str, Path], tmp_path: Path) -> None:
    empty = write(tmp_path / "none_lesion_seg.nii.gz", 0 * lesion_data())
    out = tmp_path / "report.html"
    result = imaging("report", "-m", empty, "-s", scan["cord"], "-o", out, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["lesion_present"] is False and said["written"] == [str(out)]
    assert "E14" in {finding["code"] for finding in said["findings"]}
    found = check_alone(out.read_text(encoding="utf-8"), str(tmp_path))
    assert "No lesion is present in the mask." in found.text
    assert "there is no bridge to draw" in found.text
    assert found.row("lesion volume")[1] == "0"
    # without an image the outlines stand on a plain ground, and the page says so
    assert "no image was given" in found.text and len(found.images) == 3


def test_a_lesion_beside_the_midline_has_no_bridge_and_says_why(
    scan: dict[str, Path], tmp_path: Path
) -> None:
    aside = np.zeros_like(lesion_data())
    aside[3:5, 7:9, 9:15] = 1
    lesion = write(tmp_path / "aside_lesion_seg.nii.gz", aside)
    out = tmp_path / "report.html"
    assert imaging("report", "-m", lesion, "-s", scan["cord"], "-o", out).exit_code == 0
    found = check_alone(out.read_text(encoding="utf-8"))
    assert "No bridge is drawn: lesion off the midline" in found.text
    assert "Bridges are no measured bridges: lesion off the midline" in found.text


def test_thick_slices_several_lesions_and_tilt_are_said(tmp_path: Path) -> None:
    affine = rotated(0, 25.0)
    affine[:3, 2] *= 3.0
    two = np.zeros_like(lesion_data())
    two[5:9, 6:10, 4:7] = 1
    two[5:9, 6:10, 14:17] = 1
    lesion = write(tmp_path / "a_lesion_seg.nii.gz", two, affine)
    cord = write(tmp_path / "a_sc_seg.nii.gz", cord_data(), affine)
    out = tmp_path / "report.html"
    result = imaging("report", "-m", lesion, "-s", cord, "-o", out)
    assert result.exit_code == 0, result.output
    assert "warning" in result.stderr
    found = check_alone(out.read_text(encoding="utf-8"), str(tmp_path))
    codes = [row[0] for row in found.rows if row and row[0].startswith(("warning", "note"))]
    assert "warning E22" in codes and "warning E11" in codes
    assert codes == sorted(codes, key=lambda word: not word.startswith("warning"))
    assert "has thick slices along the superior-inferior axis" in found.text
    assert found.row("lesion length")[4] == "± 3.0 (one slice)"
    assert "The mask holds 2 lesions, measured here as one." in found.text
    singles = [row for row in found.rows if row and row[0] in ("1", "2", "total")]
    assert [row[0] for row in singles] == ["1", "2", "total"]


def test_soft_masks_have_no_column_of_sct(scan: dict[str, Path], tmp_path: Path) -> None:
    soft = write(tmp_path / "soft_lesion_seg.nii.gz", (0.75 * lesion_data()).astype(np.float32))
    out = tmp_path / "report.html"
    assert imaging("report", "-m", soft, "-s", scan["cord"], "-o", out).exit_code == 0
    found = check_alone(out.read_text(encoding="utf-8"))
    assert found.row("measure")[1:3] == ["mm", "unit"]
    assert found.row("lesion volume")[1] == "72"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to report on"),
        (("-m", "{lesion}"), "one mask is missing"),
        (("-s", "{cord}"), "one mask is missing"),
        (("-m", "{lesion}", "-s", "{cord}", "-i", "no/t2.nii.gz"), "E01"),
        (("-m", "{lesion}", "-s", "{image}"), "E16"),
        (("-m", "{lesion}", "-s", "{cord}", "--run", "runs"), "the root of a BIDS data set"),
        (("{folder}", "-m", "{lesion}"), "either a root, or -m LESION"),
        (("{folder}",), "E01"),
        (("no-such-folder",), "E01"),
    ],
)
def test_bad_input_writes_nothing(
    scan: dict[str, Path], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    places = {**{name: str(path) for name, path in scan.items()}, "folder": str(scan["cord"].parent)}
    before = files_below(scan["cord"].parent)
    result = imaging(
        "report", *(word.format(**places) for word in arguments), "-o", tmp_path / "x" / "report.html"
    )
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == [] and files_below(scan["cord"].parent) == before


def test_a_place_that_is_no_folder_is_refused(scan: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    result = imaging(
        "report", "-m", scan["lesion"], "-s", scan["cord"], "-o", tmp_path / "file" / "report.html"
    )
    assert result.exit_code == 2 and "E23" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


# ------------------------------------------------------------------------------------------------ geometry
@pytest.mark.parametrize("turned", [False, True])
def test_bridges_are_drawn_where_they_are_in_a_tilted_cord(turned: bool) -> None:
    phantom = Phantom(anterior=0.8, tilt_forward=18.0)
    lesion, cord, affine = phantom.shares((0.5, 0.5, 0.5), 4)
    if turned:  # other order and directions of the axes: the picture stays the same
        lesion, cord = (data.transpose(2, 0, 1)[::-1, :, ::-1] for data in (lesion, cord))
        turn = np.zeros((4, 4))
        turn[2, 0], turn[0, 1], turn[1, 2], turn[3, 3] = -1.0, 1.0, -1.0, 1.0
        turn[2, 3], turn[1, 3] = lesion.shape[0] - 1, lesion.shape[2] - 1
        affine = affine @ turn
    one = examine("phantom", lesion, cord, affine)
    assert one.sides == ("R", "L")
    widths = {bridge.side: bridge.width_mm for bridge in one.bridges}
    assert widths["dorsal"] == pytest.approx(phantom.dorsal_bridge, abs=0.06)
    assert widths["ventral"] == pytest.approx(phantom.ventral_bridge, abs=0.06)
    assert widths["dorsal"] == one.table.total[names.DORSAL]
    along = phantom.frame[2]
    for bridge in one.bridges:
        run = bridge.ends_mm[1] - bridge.ends_mm[0]
        assert np.linalg.norm(run) == pytest.approx(bridge.width_mm, abs=1e-9)
        # normal to the cord, from its edge inwards: to anterior from the dorsal side, to posterior from the ventral
        assert abs(float(run @ along)) < 0.03 * bridge.width_mm
        assert (run[1] > 0.0) == (bridge.side == "dorsal")
        edge = bridge.ends_mm[0, 1] - bridge.ends_mm[0, 2] * along[1] / along[2]
        assert abs(edge) == pytest.approx(phantom.cord_ap / along[2], abs=0.15)
    # the epicentre is the middle of the ellipsoid, and so the middle of the pictures
    lesion_at = one.sagittal.lesion > 0.5
    assert np.abs(one.sagittal.mask_rows_mm[lesion_at].mean()) < 0.3
    assert one.axial.lesion.sum() / one.axial.cord.sum() == pytest.approx(phantom.damage_ratio, abs=0.01)


def test_image_lies_under_the_outlines() -> None:
    """An image that is the mask itself has its edge where the outline is, in both planes."""
    phantom = Phantom(anterior=0.6, right=0.7, tilt_forward=12.0)
    lesion, cord, affine = phantom.shares((0.5, 0.5, 0.5), 4)
    one = examine("phantom", lesion, cord, affine, lesion)
    for picture in (one.sagittal, one.axial):
        assert picture.image is not None
        rows, columns = np.nonzero(np.nan_to_num(picture.image) > 0.5)
        bright = (picture.columns_mm[columns].mean(), picture.rows_mm[rows].mean())
        held = picture.lesion > 0.5
        outlined = (picture.mask_columns_mm[held].mean(), picture.mask_rows_mm[held].mean())
        assert bright == pytest.approx(outlined, abs=0.12)
    # the right of the subject is where the axis across begins
    held = one.axial.lesion > 0.5
    assert one.axial.mask_columns_mm[held].mean() == pytest.approx(-0.7, abs=0.1)


def test_a_section_has_no_plane_across_and_says_what_is_absent() -> None:
    lesion, cord, affine = Phantom().shares((0.5, 0.5, 0.5), 4)
    middle = lesion.shape[0] // 2
    section = (lesion[middle : middle + 1], cord[middle : middle + 1], affine)
    found = check_alone(page(examine("section", *section), FACTS))
    assert len(found.images) == 2
    assert found.row("lesion volume")[1] == "\N{EN DASH}" and found.row("lesion volume")[3] == ""
    assert "Some measures do not exist here" in found.text
    modelled = check_alone(page(examine("section", *section, extrusion="elliptic:ratio=1.5"), FACTS))
    assert float(modelled.row("lesion volume")[1]) == pytest.approx(Phantom().volume, rel=0.03)
    assert "those of a model: elliptic:ratio=1.5" in modelled.text


def test_a_rodent_of_fine_voxels_has_its_dorsal_side_and_more_digits() -> None:
    phantom = Phantom(anterior=0.8)
    lesion, cord, affine = phantom.shares((0.5, 0.5, 0.5), 4)
    small = affine.copy()
    small[:3] *= 0.25  # a cord of 2 mm on voxels of 0.125 mm
    one = examine("rat", lesion, cord, small, dorsal="A")
    widths = {bridge.side: bridge.width_mm for bridge in one.bridges}
    # dorsal is anterior in this header: what was the ventral bridge is the dorsal one
    assert widths["dorsal"] == pytest.approx(0.25 * phantom.ventral_bridge, abs=0.02)
    assert all((bridge.ends_mm[0, 1] < 0.0) == (bridge.side == "dorsal") for bridge in one.bridges)
    assert one.sides == ("R", "L")
    found = check_alone(page(one, FACTS))
    assert found.row("dorsal tissue bridge")[1] == f"{widths['dorsal']:.2f}"
    assert found.row("dorsal tissue bridge")[3] == "± 0.12 (one voxel)"
    assert float(found.row("lesion volume")[1]) == pytest.approx(phantom.volume / 64.0, rel=0.01)
    # the picture is as large as the cord asks for, not as a person's
    assert np.ptp(one.sagittal.columns_mm) < 10.0


def test_values_that_are_not_finite_are_not_shown() -> None:
    image = image_data().astype(np.float64)
    image[0, 0, 0], image[3, 3, 12] = np.inf, np.nan
    one = examine("scan", lesion_data(), cord_data(), affine_of(), image)
    assert report_figures.sagittal_png(one).startswith(b"\x89PNG")
    with pytest.raises(BadInput):
        examine("scan", lesion_data(), 0 * cord_data(), affine_of(), image)


def test_pictures_show_the_colours_of_their_legend(written: str) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    found = check_alone(written)
    wanted = {0: (report_figures.CORD, report_figures.LESION, report_figures.BRIDGE),
              1: (report_figures.CORD, report_figures.LESION)}  # fmt: skip
    for number_of, colours in wanted.items():
        data = base64.b64decode(found.images[number_of]["src"].partition(",")[2])
        pixels = imread(io.BytesIO(data))[..., :3]
        for colour in colours:
            near = np.abs(pixels - np.array(to_rgb(colour))).max(axis=-1) < 0.02
            assert near.sum() > 20, (number_of, colour)
