"""From a run to volume fractions: the contract, the axons of white matter, and sections turned into volumes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.extrusion import parse_extrusion
from cordgraft_analysis.imaging.fractions import CLASSES, check_contract, fractions_of
from cordgraft_analysis.imaging.render import Options, scene_of
from cordgraft_analysis.reading import open_run
from tests.run_support import make_fake_run

ELLIPTIC = parse_extrusion("elliptic:ratio=1.4")


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A section of a mouse, invented values: 14 voxels of 0.1 mm deep, 20 mm long."""
    return open_run(make_fake_run(tmp_path_factory.mktemp("section") / "run", voxel_um=100.0))


@pytest.fixture(scope="module")
def untreated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The section without a graft, which is no part of a lesion."""
    return open_run(make_fake_run(tmp_path_factory.mktemp("untreated") / "run", voxel_um=100.0, graft=False))


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A human volume, invented values: 10 x 14 x 100 voxels of 1.2 x 0.6 x 1.2 mm."""
    return open_run(make_fake_run(tmp_path_factory.mktemp("volume") / "run", volume=True, species="human"))


# ---------------------------------------------------------------------------------------------- fractions


def test_fractions_are_wet_and_sum_to_one_in_the_canal(section: Any) -> None:
    data = fractions_of(section, 14.0)
    assert data.attrs["space"] == "cord-straight"
    assert data.attrs["section_thickness_mm"] == pytest.approx(0.05)
    total = sum(data[f"frac_{name}"].values for name in CLASSES)
    inside = data["domain"].values
    np.testing.assert_allclose(total[inside], 1.0, atol=1e-6)
    assert (total[~inside] == 0.0).all()
    assert inside.any() and (~inside).any()
    # the layer of fluid: 0.25 mm on either side of 1.4 mm, in voxels of 0.1 mm (a voxel counts by its centre)
    middle = data.isel(time=0, x=0, z=0)
    assert int(middle["cord"].sum()) == 14
    assert int(middle["canal"].sum()) in (18, 20)
    assert (middle["frac_csf"].values[middle["canal"].values & ~middle["cord"].values] == 1.0).all()


def test_oedema_enters_the_mix_and_dead_tissue_counts_as_it(section: Any) -> None:
    maps = section["maps"].dataset
    swollen = section.copy()
    swelling = xarray.full_like(maps["fraction_white"], 0.2)
    swollen["maps"] = xarray.DataTree(maps.assign(density_oedema=swelling))
    dry, wet = fractions_of(section, 3.0), fractions_of(swollen, 3.0)
    cord = dry["cord"].values
    np.testing.assert_allclose(wet["frac_white"].values, 0.8 * dry["frac_white"].values, atol=1e-6)
    np.testing.assert_allclose(
        wet["frac_oedema"].values[cord], 0.2 + 0.8 * dry["frac_oedema"].values[cord], atol=1e-6
    )
    dead = (maps["fraction_necrosis"] + maps["fraction_blood"]).sel(time=3.0).values
    assert dead.max() > 0.2
    found = dry["frac_oedema"].values[0][dry["cord"].values[0]]
    np.testing.assert_allclose(
        np.sort(found), np.sort(dead[section["geometry"]["map_cord"].values > 0]), atol=1e-6
    )
    other = fractions_of(section, 3.0, necrosis="cavity", blood="blood")
    assert float(other["frac_oedema"].max()) == 0.0
    blood = maps["fraction_blood"].sel(time=3.0).values.max()
    assert float(other["frac_blood"].max()) == pytest.approx(float(blood), rel=1e-6)


def test_a_day_that_was_not_recorded_names_those_that_were(section: Any) -> None:
    with pytest.raises(BadInput, match=r"no maps of that day.*365 d.*3 d, 14 d, 42 d, 112 d"):
        fractions_of(section, 365.0)


def test_a_broken_sum_names_its_voxel(section: Any) -> None:
    broken = section.copy()
    maps = section["maps"].dataset.copy(deep=True)
    maps["fraction_white"][0, 0, 3, 7] += 0.25
    broken["maps"] = xarray.DataTree(maps)
    words = r"E20.*do not sum to 1 .found 1\.25 at time 3 d, x 0, .* mm, the worst of 1 cells"
    with pytest.raises(BadInput, match=words):
        fractions_of(broken, 3.0)


def _negative(data: xarray.Dataset) -> None:
    data["frac_scar"][0, 0, 10, 3] = -0.1


def _sum(data: xarray.Dataset) -> None:
    data["frac_csf"][0, 0, 10, 3] = 0.5


def _unit(data: xarray.Dataset) -> None:
    data["y"].attrs["units"] = "um"


def _affine(data: xarray.Dataset) -> None:
    data.attrs["affine"][7] += 0.01


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (_negative, r"frac_scar is negative.*-0\.1"),
        (_sum, r"do not sum to 1"),
        (_unit, r"coordinate y is not in mm"),
        (_affine, r"affine disagrees.*0\.01 mm"),
    ],
)
def test_the_contract_names_what_breaks_it(section: Any, breaks: Any, words: str) -> None:
    data = fractions_of(section, 14.0).copy(deep=True)
    data.attrs["affine"] = list(data.attrs["affine"])
    for name in "xyz":
        data[name].attrs = dict(data[name].attrs)
    check_contract(data)
    breaks(data)
    with pytest.raises(BadInput, match=f"E20.*{words}"):
        check_contract(data)


def test_straying_axons_lower_the_order_of_their_voxel(section: Any) -> None:
    data = fractions_of(section, 112.0)
    white = data["frac_white"].values
    order = np.divide(data["white_order"].values, white, out=np.ones_like(white), where=white > 0.01)
    assert float(order.max()) == pytest.approx(1.0, abs=1e-5)
    # graft axons that wander and regrown ones: some voxels are out of order, no one is beyond perpendicular
    assert -0.5 <= float(order.min()) < 0.9


def test_fibres_without_a_sheath_lack_myelin_where_they_were_struck(untreated: Any) -> None:
    run = untreated.copy()
    place = f"axons/{schema.day_group(42.0 * 24.0)}/paths"
    paths = run[place].dataset
    states = {"flag_values": [0, 1, 2, 3, 4], "flag_meanings": "none myelinated blocked bare new"}
    geometry = run["geometry"].dataset
    z = geometry["z"].values
    severity = np.where((np.abs(z) < 1500.0) & (geometry["map_cord"].values > 0), 0.8, 0.0)
    severity[..., np.abs(z) > 1000.0] *= 0.4
    run["geometry"] = xarray.DataTree(geometry.assign(map_severity=(("x", "y", "z"), severity)))
    healthy = fractions_of(run, 42.0)
    np.testing.assert_array_equal(healthy["myelin"].values, healthy["frac_white"].values)
    whole = paths["z"].values[np.cumsum(paths["row_size"].values) - 1] < -9000.0  # these pass the middle
    assert whole.any() and not whole.all()
    for state, left in ((1, 1.0), (3, 0.0), (4, (1 - 0.85**2) / (1 - 0.72**2))):
        sheath = (("axon",), np.where(whole, state, 1).astype(np.uint8), states)
        run[place] = xarray.DataTree(paths.assign(sheath=sheath))
        data = fractions_of(run, 42.0)
        white = data["frac_white"].values[0, 0]
        share = np.divide(data["myelin"].values[0, 0], white, out=np.ones_like(white), where=white > 1e-3)
        hard = np.abs(data["z"].values) < 0.9
        assert float(share[:, hard].min()) == pytest.approx(left, abs=1e-3)
        assert float(share[:, np.abs(data["z"].values) > 1.2].min()) == pytest.approx(1.0, abs=1e-3)


# ---------------------------------------------------------------------------------------------- extrusion


def test_rotation_conserves_what_each_ring_stands_for(section: Any) -> None:
    maps = section["maps"].dataset.sel(time=42.0)
    data = fractions_of(section, 42.0, extrusion=ELLIPTIC, fine_mm=0.05)
    edges = np.diag(np.reshape(data.attrs["affine"], (4, 4)))[:3]
    y = maps["y"].values * 1e-3
    for name in ("scar", "cavity"):
        found = float(data[f"frac_{name}"].values.sum(dtype=float)) * edges.prod()
        # a voxel of the section stands for half an elliptic ring: area pi e |y| dy
        ring = np.pi * 1.4 * np.abs(y)[:, None] * 0.1 * 0.1
        expected = float((maps[f"fraction_{name}"].values[0] * ring).sum())
        assert found == pytest.approx(expected, rel=2e-3)
    cord = float(data["cord_share"].values.sum(dtype=float)) * edges.prod()
    assert cord == pytest.approx(np.pi * 0.7 * 0.98 * 20.0, rel=2e-3)  # pi a b length: b 0.7, a 1.4 x 0.7


def test_rotation_keeps_ventral_and_dorsal(section: Any) -> None:
    tilted = section.copy()
    maps = section["maps"].dataset.copy(deep=True)
    ventral = maps["y"].values > 0
    for name in list(maps.data_vars):
        if str(name).startswith("fraction_"):
            maps[name][...] = 0.0
    maps["fraction_white"][:, :, ventral, :] = 1.0
    maps["fraction_scar"][:, :, ~ventral, :] = 1.0
    tilted["maps"] = xarray.DataTree(maps)
    data = fractions_of(tilted, 42.0, extrusion=ELLIPTIC, fine_mm=0.05).isel(time=0, z=100)
    scar = data["frac_scar"].values
    x, y = data["x"].values, data["y"].values
    column, row = int(np.argmin(np.abs(x - 0.5 * 1.4))), int(np.argmin(np.abs(y)))
    assert scar[len(x) // 2, int(np.argmin(np.abs(y + 0.5)))] > 0.99
    assert scar[len(x) // 2, int(np.argmin(np.abs(y - 0.5)))] < 0.01
    assert scar[column, row] == pytest.approx(0.5, abs=0.05)


def test_straight_extrusion_has_the_width_that_was_asked_for(section: Any) -> None:
    data = fractions_of(section, 42.0, extrusion=parse_extrusion("extrude:mm=0.33"), fine_mm=0.05)
    edges = np.diag(np.reshape(data.attrs["affine"], (4, 4)))[:3]
    cord = float(data["cord_share"].values.sum(dtype=float)) * edges.prod()
    assert cord == pytest.approx(0.33 * 1.4 * 20.0, rel=1e-6)


@pytest.mark.parametrize("text", ["sphere", "elliptic", "elliptic:ratio=0", "extrude:mm=x", "extrude:mm=nan"])
def test_an_unknown_extrusion_names_the_known_ones(text: str) -> None:
    with pytest.raises(BadInput, match=r"axisymmetric, elliptic:ratio=R .*extrude:mm=W"):
        parse_extrusion(text)


def test_a_section_needs_an_extrusion_and_a_volume_none(section: Any, volume: Any) -> None:
    with pytest.raises(BadInput, match=r"section.*extrude:mm=W.*elliptic:ratio=1\.429"):
        scene_of(section, 14.0, spacing_mm=(0.2, 0.2, 0.2))
    with pytest.raises(BadInput, match="a volume already"):
        scene_of(volume, 14.0, spacing_mm=(1.0, 1.0, 1.0), options=Options(extrusion=ELLIPTIC))
