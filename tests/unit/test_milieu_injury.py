"""Injury and subject: what is stated is what is done, in a section and in a volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft.processes.subject import Subject, draw_subject
from cordgraft.state.tissue import Tissue
from tests.milieu_support import fraction_sum, make_milieu, spared_at_epicentre

VOLUME = (36, 28, 48)


def injured(shape: tuple[int, int, int] = (1, 56, 128), voxel: float = 25.0, **changes: Any) -> Tissue:
    """The cord after the first tick."""
    preset = changes.pop("preset", "mouse")
    tissue, pipeline = make_milieu(preset, shape, (voxel, voxel, voxel), days=1.0, **changes)
    pipeline.step(tissue, 0)
    return tissue


def test_the_injury_acts_once() -> None:
    tissue, pipeline = make_milieu(days=1.0)
    injury = next(row.process for row in pipeline.rows if row.process.name == "injury")
    pipeline.step(tissue, 0)
    impact = tissue["map.impact"].copy()
    pipeline.step(tissue, 1)
    assert injury.provides.transfers
    assert np.array_equal(tissue["map.impact"], impact)
    assert impact.max() == 1.0


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("kind", ["contusion", "compression", "crush", "dorsal_hemisection"])
def test_the_stated_share_of_white_matter_survives_at_the_epicentre(share: float, kind: str) -> None:
    tissue = injured(injury={"type": kind, "primary_spared_white_matter": share})
    assert spared_at_epicentre(tissue) == pytest.approx(share, abs=0.02)


def test_section_and_volume_spare_the_same() -> None:
    stated = {"primary_spared_white_matter": 0.3}
    assert spared_at_epicentre(injured(VOLUME, 50.0, injury=stated)) == pytest.approx(0.3, abs=0.02)
    by_severity = [
        spared_at_epicentre(injured(shape, voxel, injury={"severity": "moderate"}))
        for shape, voxel in (((1, 56, 128), 25.0), (VOLUME, 50.0))
    ]
    assert by_severity[0] == pytest.approx(by_severity[1], abs=0.04)


def test_severity_orders_what_is_spared_and_complete_spares_nothing() -> None:
    spared = [
        spared_at_epicentre(injured(injury={"severity": word}))
        for word in ("mild", "moderate", "severe", "complete")
    ]
    assert (np.diff(spared) < -0.05).all()
    assert spared[-1] < 0.01


def test_a_hard_hit_subject_loses_more() -> None:
    stated = {"primary_spared_white_matter": 0.3}
    energy, spared, length = [], [], []
    for seed in range(1, 9):
        tissue = injured(seed=seed, injury=stated, subject={"variation": 1.0})
        energy.append(tissue.scalar("subject_energy"))
        spared.append(spared_at_epicentre(tissue))
        length.append(tissue.scalar("lesion_rostral_um") - tissue.scalar("lesion_caudal_um"))
    assert np.ptp(energy) > 0.1
    np.testing.assert_allclose(spared, 1.0 - np.minimum(1.0, 0.7 * np.array(energy)), atol=0.025)
    order = np.argsort(energy)
    assert np.diff(np.array(length)[order]).min() >= 0.0
    assert np.ptp(length) > 0.0


def test_the_core_has_its_length_and_place() -> None:
    tissue = injured(injury={"primary_length": 800.0, "position": 300.0, "primary_spared_white_matter": 0.2})
    middle = 0.5 * (tissue.scalar("lesion_rostral_um") + tissue.scalar("lesion_caudal_um"))
    assert middle == pytest.approx(300.0, abs=25.0)
    assert tissue.scalar("lesion_rostral_um") - tissue.scalar("lesion_caudal_um") == pytest.approx(
        800.0, abs=120.0
    )


def test_the_impactor_hits_the_dorsal_side_harder() -> None:
    tissue = injured(injury={"type": "contusion", "primary_spared_white_matter": 0.4, "offset_spread": 0.0})
    dorsal = tissue["map.ventral"] < 0.5
    lost = tissue["map.white"] - tissue["fraction.white"]
    assert lost[dorsal].sum() > 1.1 * lost[~dorsal].sum()
    squeezed = injured(injury={"type": "compression", "primary_spared_white_matter": 0.4})
    lost = squeezed["map.white"] - squeezed["fraction.white"]
    assert lost[dorsal].sum() == pytest.approx(lost[~dorsal].sum(), rel=1e-6)


def test_cuts() -> None:
    cut = injured(injury={"type": "transection", "primary_length": 400.0})
    assert spared_at_epicentre(cut) < 1e-12
    half = injured(injury={"type": "dorsal_hemisection", "primary_length": 400.0})
    dorsal = half["map.ventral"] < 0.5
    middle = abs(half.lattice.axis_um(2)) < 100.0
    assert half["map.impact"][:, :, middle][dorsal[:, :, middle]].mean() > 0.95
    assert half["map.impact"][:, :, middle][~dorsal[:, :, middle]].mean() < 0.05
    side = injured(VOLUME, 50.0, injury={"type": "lateral_hemisection", "primary_length": 400.0})
    left = np.broadcast_to(side.lattice.centres_um()[0] < 0.0, VOLUME)
    middle = abs(side.lattice.axis_um(2)) < 100.0
    cord = (side["map.cord"] > 0)[:, :, middle]
    assert side["map.impact"][:, :, middle][cord & left[:, :, middle]].mean() > 0.9
    assert side["map.impact"][:, :, middle][cord & ~left[:, :, middle]].mean() < 0.1


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match="mid-sagittal"):
        injured(injury={"type": "lateral_hemisection"})
    with pytest.raises(BadInput, match="transection spares no"):
        injured(injury={"type": "transection", "primary_spared_white_matter": 0.2})


def test_dead_tissue_becomes_necrosis_and_blood_in_the_tick_of_the_injury() -> None:
    tissue = injured(injury={"severity": "severe"})
    inside = tissue["map.cord"] > 0
    core = tissue["map.impact"] == 1.0
    assert core.any()
    assert not tissue["fraction.white"][core].any()
    assert (tissue["fraction.necrosis"] + tissue["fraction.blood"])[core].min() == pytest.approx(1.0)
    grey, white = core & (tissue["map.grey"] == 1.0), core & (tissue["map.white"] == 1.0)
    assert tissue["fraction.blood"][grey].mean() == pytest.approx(
        2.0 * tissue["fraction.blood"][white].mean()
    )
    np.testing.assert_allclose(fraction_sum(tissue)[inside], 1.0, rtol=1e-14)
    assert not any(tissue[spec.name].any() for spec in tissue.transfers)


def test_grey_matter_is_more_fragile_and_the_rest_is_at_risk() -> None:
    tissue = injured(injury={"severity": "moderate"})
    edge = (tissue["map.impact"] > 0.0) & (tissue["map.impact"] < 1.0)
    white, grey = edge & (tissue["map.white"] == 1.0), edge & (tissue["map.grey"] == 1.0)
    assert white.any()
    assert grey.any()
    at_risk = tissue["density.at_risk_white"] + tissue["density.at_risk_grey"]
    living = tissue["fraction.white"] + tissue["fraction.grey"]
    assert (at_risk <= living + 1e-12).all()
    assert at_risk[white].min() > 0.3 * living[white].min()
    assert not at_risk[tissue["map.severity"] == 0.0].any()


def test_a_lesion_mask_is_the_dead_core() -> None:
    tissue, pipeline = make_milieu("human_cervical", (1, 40, 64), (500.0, 250.0, 500.0), days=1.0)
    mask = tissue["map.lesion_mask"]
    mask[0, 10:25, 20:40] = 1.0
    mask[0, 9, 20:40] = 0.25
    mask[...] *= tissue["map.cord"]
    pipeline.step(tissue, 0)
    dead = tissue["fraction.necrosis"] + tissue["fraction.blood"]
    white = tissue["map.white"] == 1.0
    np.testing.assert_allclose(dead[white], mask[white], atol=1e-12)
    assert not tissue["density.at_risk_white"].any()
    assert not tissue["density.at_risk_grey"].any()
    assert tissue["map.severity"][mask == 1.0].min() == tissue["map.severity"].max() > 0.9 * 0.75
    assert tissue["map.severity"][0, :, :10].max() < tissue["map.severity"].max()
    z, half = tissue.lattice.axis_um(2), 250.0
    assert tissue.scalar("lesion_caudal_um") == z[20] - half
    assert tissue.scalar("lesion_rostral_um") == z[39] + half


def test_people_have_rims_by_level() -> None:
    spared = {
        level: injured((1, 40, 96), 200.0, preset=level, injury={"severity": "complete"})
        for level in ("human_cervical", "human_thoracic")
    }
    assert spared_at_epicentre(spared["human_cervical"]) > 0.05
    assert spared_at_epicentre(spared["human_thoracic"]) < 0.01


# ------------------------------------------------------------------------------------------ subject


def test_subjects_spread_as_stated() -> None:
    drawn = [draw_subject(Subject.Params(), seed) for seed in range(2000)]
    energy = np.array([subject["energy"] for subject in drawn])
    assert energy.mean() == pytest.approx(1.0, abs=0.015)
    assert energy.std() / energy.mean() == pytest.approx(0.15, abs=0.01)
    assert np.std([subject["size"] for subject in drawn]) == pytest.approx(0.05, abs=0.004)
    assert np.std(np.log([subject["plasticity"] for subject in drawn])) == pytest.approx(0.3, abs=0.02)
    correlation = np.corrcoef(energy, [subject["capacity"] for subject in drawn])[0, 1]
    assert abs(correlation) < 0.08
    assert Subject.Params.for_preset("human_cervical").plasticity_spread == 0.5


def test_without_variation_the_subject_is_the_mean_one() -> None:
    drawn = {seed: draw_subject(Subject.Params(variation=0.0), seed) for seed in (1, 2)}
    assert drawn[1] == drawn[2]
    assert drawn[1] == {
        "variation": 0.0,
        "energy": 1.0,
        "size": 1.0,
        "capacity": 1.0,
        "plasticity": 1.0,
    }
