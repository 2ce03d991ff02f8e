"""A run from masks, from the files to the dataset: the lesion lies where the mask has it, and the way back is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

nibabel = pytest.importorskip("nibabel", reason="needs the extra [mri]")

from cordgraft import CordModel  # noqa: E402
from cordgraft.core.problems import BadInput  # noqa: E402
from cordgraft.core.straightening import StraighteningMap  # noqa: E402
from cordgraft.engine.resume import open_for_resume  # noqa: E402
from cordgraft.engine.runner import run_model  # noqa: E402
from tests.support import differing  # noqa: E402

pytestmark = pytest.mark.mri

COARSE = {
    "geometry.scan_at": "1 d",
    "geometry.voxel": "0.8 mm",
    "duration": "2 d",
    "record.maps": "[2 d]",
    "treatments": "none",
    "safety": "{}",
}


def write_tilted_masks(folder: Path, degrees: float = 20.0) -> dict[str, str]:
    """Write a cylindrical cord (radius 4 mm), tilted in the sagittal plane, with a ball of lesion (radius 2.5 mm)."""
    i, j, k = np.meshgrid(np.arange(40), np.arange(60), np.arange(60), indexing="ij")
    x, y, z = i - 19.5, j - 29.5, k - 29.5
    slope = np.tan(np.radians(degrees))
    across = np.hypot(x, (y - slope * z) * np.cos(np.radians(degrees)))
    cord = across <= 4.0
    lesion = (x**2 + y**2 + z**2 <= 2.5**2) & cord
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-19.5, -29.5, -29.5]
    paths = {}
    for key, mask in (("cord_mask", cord), ("lesion_mask", lesion)):
        path = folder / f"{key}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), affine), path)
        paths[f"geometry.{key}"] = str(path)
    return paths


def read_map(tree: Any) -> StraighteningMap:
    """Return the stored map back to scanner space."""
    stored = {name: values.values for name, values in tree["straightening"].dataset.data_vars.items()}
    return StraighteningMap.from_dict(
        {name: value.item() if value.ndim == 0 else value for name, value in stored.items()}
    )


@pytest.mark.parametrize("section", ["midsagittal", "volume"])
def test_lesion_lies_where_the_mask_has_it(tmp_path: Path, section: str) -> None:
    settings = {**COARSE, **write_tilted_masks(tmp_path), "geometry.section": section}
    model = CordModel("human_from_masks", settings=settings)
    tree = run_model(model, tmp_path / "run").open()
    stored = read_map(tree)
    assert model.built.patient is not None
    points = np.array([[0.0, 0.0, 0.0], [500.0, -800.0, 6000.0]])
    assert (
        stored.to_scanner_mm(points).tobytes()
        == model.built.patient.straightening.to_scanner_mm(points).tobytes()
    )
    # the middle of the straight lesion is the middle of the ball in the scanner
    np.testing.assert_allclose(stored.to_scanner_mm(points)[0], [0.0, 0.0, 0.0], atol=0.3)
    lesion = sum(
        tree["maps"][f"fraction_{name}"].values[0] for name in ("necrosis", "cavity", "scar", "blood")
    )
    mask = tree["geometry"]["map_lesion_mask"].values
    np.testing.assert_allclose(lesion, mask, atol=1e-3)
    if section == "volume":
        share = tree["geometry"]["map_volume"].values
        found = float((lesion * share).sum()) * model.tissue.lattice.voxel_um3 * 1e-9
        in_mask = np.asarray(nibabel.load(settings["geometry.lesion_mask"]).dataobj).sum()  # voxels of 1 mm3
        assert found == pytest.approx(float(in_mask), rel=0.001)


def test_real_lesion_keeps_its_volume(shared_data: Path, tmp_path: Path) -> None:
    """The painted lesion of the tilted T2w volume: 83.456 mm3 in the mask."""
    folder = shared_data / "mri" / "sct_testing" / "t2_fake_lesion"
    settings = {
        **COARSE,
        "geometry.section": "volume",
        "geometry.cord_mask": str(folder / "t2_fake_lesion_sc_seg.nii.gz"),
        "geometry.lesion_mask": str(folder / "t2_fake_lesion_lesion_seg.nii.gz"),
    }
    model = CordModel("human_from_masks", settings=settings)
    tree = run_model(model, tmp_path / "run").open()
    lesion = sum(
        tree["maps"][f"fraction_{name}"].values[0] for name in ("necrosis", "cavity", "scar", "blood")
    )
    share = tree["geometry"]["map_volume"].values
    found = float((lesion * share).sum()) * model.tissue.lattice.voxel_um3 * 1e-9
    assert found == pytest.approx(83.456, rel=0.05)
    # the outcome counts voxels that are at least half dead, so at 0.8 mm it is coarser than the fractions
    assert tree["series"]["lesion_volume"].values[-1] == pytest.approx(83.456, rel=0.1)


def test_a_run_from_masks_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    settings = {**COARSE, **write_tilted_masks(tmp_path)}
    run_model(CordModel("human_from_masks", settings=settings), tmp_path / "whole")
    model = CordModel("human_from_masks", settings=settings)
    run_model(model, tmp_path / "cut", should_stop=lambda: model.tick >= 20)
    prepared = open_for_resume(tmp_path / "cut")
    run_model(prepared.model, tmp_path / "cut", resume=prepared)
    assert differing(tmp_path / "whole" / "run.zarr", tmp_path / "cut" / "run.zarr") == []


def test_early_scans_and_earlier_treatments_are_said(tmp_path: Path) -> None:
    settings = {**COARSE, **write_tilted_masks(tmp_path), "geometry.scan_at": "10 d"}
    del settings["treatments"]
    settings |= {"duration": "40 d", "treatments.graft.at": "9 d"}
    cautions = [str(caution) for caution in CordModel("human_from_masks", settings=settings).cautions]
    assert any("oedema" in caution for caution in cautions)
    assert any("before the scan" in caution for caution in cautions)


def test_open_masks_are_asked_for() -> None:
    with pytest.raises(BadInput, match=r"geometry\.cord_mask"):
        CordModel("human_from_masks")


@pytest.mark.parametrize("section", ["midsagittal", "volume"])
@pytest.mark.parametrize("kind", ["graft", "chemoattractant", "chondroitinase", "matrix_factor"])
def test_what_is_put_in_outside_the_scanned_cord_is_refused(tmp_path: Path, kind: str, section: str) -> None:
    """The cord of the masks is 8 mm deep: the ball would lie beside it, and its dose in the nearest voxel."""
    settings = {**COARSE, **write_tilted_masks(tmp_path), "duration": "40 d", "geometry.section": section}
    del settings["treatments"]
    if kind != "graft":
        settings |= {"treatments.drug.type": kind, "treatments.drug.at": "2 d", "treatments.drug.position": "4 mm"}
    label = "graft" if kind == "graft" else "drug"
    CordModel("human_from_masks", settings={**settings, f"treatments.{label}.depth": "4 mm"})
    with pytest.raises(BadInput, match=rf"treatments\.{label}\.depth.*outside the scanned cord") as refusal:
        CordModel("human_from_masks", settings={**settings, f"treatments.{label}.depth": "12 mm"})
    assert kind.replace("_", " ") in str(refusal.value)
