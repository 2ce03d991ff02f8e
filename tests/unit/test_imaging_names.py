"""Names of files: every habit of the field is understood, and masks find their image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cordgraft_analysis.imaging.names import family, parse_name, role_of


@pytest.mark.parametrize(
    ("name", "role", "kind", "base"),
    [
        # current habit of NeuroPoly
        ("sub-01_ses-m06_acq-sag_T2w.nii.gz", "image", "image", "sub-01_ses-m06_acq-sag_T2w"),
        ("sub-01_ses-m06_acq-sag_T2w_label-SC_seg.nii.gz", "cord", "mask", "sub-01_ses-m06_acq-sag_T2w"),
        ("sub-01_ses-m06_acq-sag_T2w_label-lesion_seg.nii.gz", "lesion", "mask", "sub-01_ses-m06_acq-sag_T2w"),
        ("sub-x_T2star_label-GM_seg.nii.gz", "grey", "mask", "sub-x_T2star"),
        ("sub-x_T2star_label-WM_seg.nii.gz", "white", "mask", "sub-x_T2star"),
        ("sub-x_T2w_label-CSF_seg.nii.gz", "csf", "mask", "sub-x_T2w"),
        ("sub-x_T2w_label-discs_dlabel.nii.gz", "discs", "label", "sub-x_T2w"),
        ("sub-x_T2w_label-spine_dseg.nii.gz", "levels", "label", "sub-x_T2w"),
        ("sub-x_T2w_label-rootlets_dseg.nii.gz", "other", "label", "sub-x_T2w"),
        ("sub-x_T2w_desc-softseg_label-SC_seg.nii.gz", "cord", "soft", "sub-x_T2w"),
        ("sub-x_space-other_T2w_label-SC_seg.nii", "cord", "mask", "sub-x_T2w"),
        ("sub-sim01_ses-d365_desc-soft_label-lesion_probseg.nii.gz", "lesion", "soft", "sub-sim01_ses-d365"),
        # older habit
        ("sub-x_T2w_seg-manual.nii.gz", "cord", "mask", "sub-x_T2w"),
        ("sub-x_T2w_lesion-manual.nii.gz", "lesion", "mask", "sub-x_T2w"),
        ("sub-x_T2w_lesion_seg-manual.nii.gz", "lesion", "mask", "sub-x_T2w"),
        ("sub-x_T2w_labels-disc-manual.nii.gz", "discs", "label", "sub-x_T2w"),
        ("sub-x_T2star_gmseg-manual.nii.gz", "grey", "mask", "sub-x_T2star"),
        ("sub-x_T2w_softseg.nii.gz", "cord", "soft", "sub-x_T2w"),
        # the Spinal Cord Toolbox
        ("t2_seg.nii.gz", "cord", "mask", "t2"),
        ("t2_sc_seg.nii.gz", "cord", "mask", "t2"),
        ("t2_lesion_seg.nii.gz", "lesion", "mask", "t2"),
        ("t2_lesion_seg_label.nii.gz", "lesion", "label", "t2"),
        ("t2_seg_labeled.nii.gz", "levels", "label", "t2"),
        ("t2_seg-manual_labeled.nii.gz", "levels", "label", "t2"),
        ("t2_seg_labeled_discs.nii.gz", "discs", "label", "t2"),
        ("t2s_gmseg_manual.nii.gz", "grey", "mask", "t2s"),
        ("t2_fake_lesion_sc_seg.nii.gz", "cord", "mask", "t2_fake_lesion"),
        # BIDS leaves open of what
        ("sub-x_T2w_mask.nii.gz", None, "mask", "sub-x_T2w"),
        ("sub-x_dseg.nii.gz", None, "label", "sub-x"),
        ("RatHistoAtlas_dseg_crop.nii.gz", None, "label", "RatHistoAtlas"),
        # says nothing
        ("t2.nii.gz", None, None, "t2"),
        ("mt0_reg_slicereg_goldstandard.nii.gz", None, None, "mt0_reg_slicereg_goldstandard"),
    ],
)  # fmt: skip
def test_every_habit(name: str, role: str | None, kind: str | None, base: str) -> None:
    named = parse_name(Path("folder") / name)
    assert (named.role, named.kind, named.base, named.hint) == (role, kind, base, None)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("PAM50_cord.nii.gz", "cord"), ("AMU7T_sc_crop.nii.gz", "cord"), ("PAM50_levels.nii.gz", "levels"),
     ("PAM50_gm.nii.gz", "grey"), ("t2_fake_lesion.nii.gz", "lesion"), ("sub-01_T2w_lesion.nii.gz", "lesion")],
)  # fmt: skip
def test_a_bare_word_is_a_hint_only(name: str, hint: str) -> None:
    named = parse_name(name)
    assert named.hint == hint and named.role is None and named.kind is None


def test_entities() -> None:
    named = parse_name("sub-01_ses-m06_acq-sag_run-2_space-other_T2w_label-SC_seg.nii.gz")
    assert dict(named.entities) == {
        "sub": "01", "ses": "m06", "acq": "sag", "run": "2", "space": "other", "label": "SC",
    }  # fmt: skip
    assert (named.subject, named.session, named.suffix) == ("01", "m06", "seg")


def test_a_sidecar_says_of_what_a_mask_is(tmp_path: Path) -> None:
    mask = tmp_path / "sub-01_T2w_mask.nii.gz"
    assert role_of(mask)[0] is None
    for content, role in (({"Type": "Lesion"}, "lesion"), ({"Type": "Face"}, None), (["Lesion"], None)):
        (tmp_path / "sub-01_T2w_mask.json").write_text(json.dumps(content))
        assert role_of(mask)[0] == role
    (tmp_path / "sub-01_T2w_mask.json").write_text("no json")
    assert role_of(mask)[0] is None


def test_families() -> None:
    def of(path: str) -> str:
        return family(path, parse_name(path))

    assert of("raw/sub-01_T2w.nii.gz") == of("derivatives/labels/sub-01_T2w_label-SC_seg.nii.gz")
    assert of("raw/sub-01_T2w.nii.gz") != of("raw/sub-02_T2w_seg.nii.gz")
    assert of("a/t2.nii.gz") == of("a/t2_seg.nii.gz") != of("b/t2_seg.nii.gz")


def test_every_real_name_is_understood(shared_data: Path) -> None:
    trial = shared_data / "mri" / "trial_example"
    masks = sorted((trial / "derivatives").rglob("*_label-*.nii.gz"))
    assert len(masks) == 10
    for path in masks:
        named = parse_name(path)
        assert named.role in ("cord", "lesion")
        scan = trial / f"sub-{named.subject}" / f"ses-{named.session}" / "anat" / f"{named.base}.nii.gz"
        assert scan.exists(), scan
