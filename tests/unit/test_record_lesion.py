"""Outcomes of lesion and milieu on a cord that is small enough to be worked out by hand.

The section has four rows of voxels, 100 um, at y = -150, -50, 50, 150 um: a cord of 560 x 400 um, all white
matter, extrusion ratio 1.4. The area weights pi e |y| dy of the rows are to each other as 3, 1, 1, 3, and sum to
the area of the ellipse.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from cordgraft.core.contract import ArraySpec
from cordgraft.record.observers import Observer, observe
from cordgraft.state.tissue import Tissue
from support import make_tissue

ELLIPSE_UM2 = math.pi * 280.0 * 200.0
EXTRA = (
    ArraySpec("field.tnf", "1", "test"),
    ArraySpec("density.neutrophils", "1", "test"),
    ArraySpec("scalar.lesion_rostral_um", "um", "test"),
    ArraySpec("scalar.lesion_caudal_um", "um", "test"),
)


def cord(shape: tuple[int, int, int] = (1, 4, 16), species: str = "mouse") -> Tissue:
    return make_tissue((), shape, (100.0, 100.0, 100.0), extra=EXTRA, species=species)


def injured() -> Tissue:
    """Return a cord whose layers 6-9 (z from -200 to 200 um) lost the inner rows and half of the outer ones."""
    tissue = cord()
    white = np.array([0.5, 0.0, 0.0, 0.5])[None, :, None]
    tissue["fraction.white"][:, :, 6:10] = white
    tissue["fraction.necrosis"][:, :, 6:10] = 1.0 - white
    return tissue


def test_spared_white_matter_weighs_rows_by_their_ring() -> None:
    values = observe(injured())
    # (3 x 0.5 + 0 + 0 + 3 x 0.5) / (3 + 1 + 1 + 3)
    assert values["lesion_spared_white_matter"] == pytest.approx(0.375, rel=1e-12)
    assert values["lesion_epicentre_um"] == 0.0


def test_ventral_and_dorsal_halves_are_told_apart() -> None:
    tissue = injured()
    tissue["fraction.white"][:, 3, 6:10] = 0.25  # y = 150 um is ventral
    values = observe(tissue)
    assert values["lesion_spared_white_matter_ventral"] == pytest.approx(3 * 0.25 / 4, rel=1e-12)
    assert values["lesion_spared_white_matter_dorsal"] == pytest.approx(3 * 0.5 / 4, rel=1e-12)


def test_length_area_and_volume_of_the_lesion() -> None:
    values = observe(injured())
    assert values["lesion_length"] == pytest.approx(400.0)
    assert (values["lesion_caudal_um"], values["lesion_rostral_um"]) == (-200.0, 200.0)
    assert values["lesion_area"] == pytest.approx(4 * 4 * 0.01)
    assert values["lesion_volume"] == pytest.approx(ELLIPSE_UM2 * 400.0 / 1e9, rel=1e-12)
    necrosis = (3 * 0.5 + 1 + 1 + 3 * 0.5) / 8
    assert values["lesion_necrosis_volume"] == pytest.approx(necrosis * ELLIPSE_UM2 * 400.0 / 1e9, rel=1e-12)
    assert values["lesion_cavity_volume"] == 0.0


def test_less_than_half_is_no_lesion() -> None:
    tissue = cord()
    tissue["fraction.necrosis"][:, :, 6:10] = 0.49
    values = observe(tissue)
    assert values["lesion_volume"] == 0.0
    assert values["lesion_length"] == 0.0
    assert math.isnan(values["lesion_rostral_um"])


def test_a_patch_far_away_does_not_make_the_lesion_longer_but_a_small_gap_does() -> None:
    tissue = injured()
    tissue["fraction.graft"][:, 1, 14] = 1.0  # four layers beyond
    assert observe(tissue)["lesion_length"] == pytest.approx(400.0)
    tissue["fraction.graft"][:, 1, 11] = 1.0  # one layer between
    assert observe(tissue)["lesion_length"] == pytest.approx(600.0)


def test_the_epicentre_is_where_least_is_spared() -> None:
    tissue = injured()
    tissue["fraction.white"][:, :, 8:10] = 0.0
    assert observe(tissue)["lesion_epicentre_um"] == pytest.approx(100.0)
    assert observe(tissue)["lesion_spared_white_matter"] == 0.0


def test_an_injury_without_lesion_voxels_is_searched_between_its_edges() -> None:
    tissue = cord()
    tissue["fraction.white"][:, :, 7:9] = 0.8
    assert math.isnan(observe(tissue)["lesion_spared_white_matter"])
    tissue["scalar.lesion_rostral_um"][...] = 200.0
    tissue["scalar.lesion_caudal_um"][...] = -200.0
    assert observe(tissue)["lesion_spared_white_matter"] == pytest.approx(0.8)


def test_the_row_on_the_axis_counts_with_its_mean_distance() -> None:
    tissue = make_tissue((), (1, 5, 16), (100.0, 100.0, 100.0))
    tissue["fraction.necrosis"][:, :, 8] = 1.0
    tissue["fraction.white"][:, :, 8] = tissue["fraction.grey"][:, :, 8] = 0.0
    # rows at -200 .. 200: mean |y| is 200, 100, 25, 100, 200, and their sum times pi e dy is the whole ellipse
    assert observe(tissue)["lesion_volume"] == pytest.approx(math.pi * 350.0 * 250.0 * 100.0 / 1e9, rel=1e-12)


def test_a_volume_counts_faces_and_not_rings() -> None:
    tissue = make_tissue((), (6, 4, 16), (100.0, 100.0, 100.0))
    tissue["fraction.necrosis"][:, :, 6:10] = tissue["map.cord"][:, :, 6:10]
    voxels = float(np.sum(tissue["map.cord"][:, :, 6:10]))
    values = observe(tissue)
    assert values["lesion_volume"] == pytest.approx(voxels * 1e6 / 1e9)
    plane = tissue["map.cord"][2:4, :, 6:10]
    assert values["lesion_area"] == pytest.approx(float(np.sum(plane)) / 2.0 * 0.01)


def test_rim_and_core_means_and_the_immune_integral() -> None:
    tissue = injured()
    tissue["field.tnf"][:, :, 10:13] = 1.0  # the rostral rim: 300 um
    tissue["field.tnf"][:, :, 13:] = 100.0  # beyond it
    tissue["field.tnf"][:, 1:3, 6:10] = 8.0
    tissue["density.neutrophils"][...] = 2.0
    values = observe(tissue)
    assert values["rim_tnf"] == pytest.approx(0.5)
    assert values["core_tnf"] == pytest.approx(8.0 * 2 / 8)
    assert values["immune_neutrophils"] == pytest.approx(2.0 * ELLIPSE_UM2 * 1000.0 / 1e9, rel=1e-12)
    assert math.isnan(values["rim_oxygen"]), "no active process provides oxygen here"


def test_the_rim_is_wider_in_humans() -> None:
    tissue = cord((1, 4, 64), species="human")
    tissue["fraction.necrosis"][:, :, 30:34] = 1.0
    tissue["field.tnf"][:, :, 34:44] = 1.0
    tissue["field.tnf"][:, :, 44:] = 50.0
    assert observe(tissue)["rim_tnf"] == pytest.approx(0.5)


def test_the_core_never_shrinks() -> None:
    tissue = injured()
    tissue["field.tnf"][:, :, 6:10] = 1.0
    observer = Observer(tissue)
    observer.measure(tissue, 0)
    tissue["fraction.necrosis"][...] = 0.0
    later = observer.measure(tissue, 24)
    assert later["lesion_volume"] == 0.0
    assert later["core_tnf"] == pytest.approx(1.0)
    forgotten = observe(tissue)
    assert math.isnan(forgotten["core_tnf"])


def test_function_is_read_from_its_scalars() -> None:
    names = ("motor_index", "sensory_index", "drive_gracile", "bms", "bbb", "motor_drive")
    specs = [ArraySpec(f"scalar.{name}", "1", "test", initial=0.1 * (i + 1)) for i, name in enumerate(names)]
    for species, series, value in (
        ("mouse", "function_bms", 0.4),
        ("rat", "function_bbb", 0.5),
        ("human", "function_leg_drive", 0.6),
    ):
        values = observe(make_tissue((), extra=specs, species=species))
        assert values[series] == pytest.approx(value)
        assert values["function_motor_index"] == pytest.approx(0.1)
        assert values["function_drive_gracile"] == pytest.approx(0.3)
    assert math.isnan(observe(make_tissue())["function_motor_index"])
