"""From volume fractions to an image: partial volume, masks, contrast and noise, and where the cord lies in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from cordgraft.core.centreline import CordSlices, apply_affine
from cordgraft.core.problems import BadInput
from cordgraft.core.straightening import StraighteningMap
from cordgraft_analysis.imaging import render_size, sharing
from cordgraft_analysis.imaging.cord_placing import Bend, Shift
from cordgraft_analysis.imaging.extrusion import parse_extrusion
from cordgraft_analysis.imaging.fractions import CLASSES, fractions_of
from cordgraft_analysis.imaging.oblique import Oblique
from cordgraft_analysis.imaging.overlap import blur_matrix, overlap_matrix
from cordgraft_analysis.imaging.render import Options, Scene, masks, render, scene_of
from cordgraft_analysis.imaging.render_size import MOST_FINE, size_of
from cordgraft_analysis.imaging.resample import Aligned, Grid, resampler
from cordgraft_analysis.imaging.signal import T2W, TISSUES, contrast_of
from cordgraft_analysis.imaging.volume import Volume
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


def grid_of(
    spacing: tuple[float, float, float], size_mm: tuple[float, float, float], turn_deg: float = 0.0
) -> Grid:
    """Return a grid about the origin, turned in the sagittal plane."""
    shape = tuple(int(np.ceil(size / edge)) for size, edge in zip(size_mm, spacing, strict=True))
    angle = np.deg2rad(turn_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = -affine[:3, :3] @ (0.5 * (np.array(shape) - 1.0))
    return Grid((shape[0], shape[1], shape[2]), affine)


def arc_of(centre_mm: Any) -> Bend:
    """Return the bend of a cord whose centreline passes through points : (n, 3) mm, from below upwards."""
    high = centre_mm[:, 2]
    slices = CordSlices(
        2, 0, len(high) - 1, centre_mm, high, np.array([0.0, 0.0, 1.0]), high[1] - high[0], 10.0, 0.0
    )
    return Bend(StraighteningMap.from_slices(slices, np.eye(4), (1, 1, 1)))


def like(grid: Grid) -> Volume:
    return Volume(np.zeros(grid.shape), grid.affine)


def axes_of(data: xarray.Dataset) -> tuple[Any, Any]:
    axes = tuple(np.asarray(data[name].values, dtype=float) for name in "xyz")
    steps = tuple(float(value) for value in np.diag(np.reshape(data.attrs["affine"], (4, 4)))[:3])
    return axes, steps


# ----------------------------------------------------------------------------------------- partial volume


def test_overlap_of_one_axis_is_exact() -> None:
    matrix = overlap_matrix(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.5, 2.25]))
    np.testing.assert_allclose(matrix, [[0.5 / 1.75, 1.0 / 1.75, 0.25 / 1.75]])


def test_blur_has_its_width_and_conserves() -> None:
    faces = np.arange(41.0)
    matrix = blur_matrix(faces, faces, 1.0)
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-12)
    at = np.arange(40) - 20.0
    # variance of a point: the box of the source and of the target voxel, and the Gaussian (discrete on an eighth)
    spread = float((matrix[:, 20] * at**2).sum())
    assert spread == pytest.approx(2.0 / 12.0 + (1.0 / 2.3548) ** 2, rel=0.03)


GRIDS = {
    "fine isotropic": grid_of((0.5, 0.5, 0.5), (24.0, 20.0, 126.0)),
    "thick sagittal": grid_of((3.3, 0.6, 0.6), (36.0, 20.0, 126.0)),
    "thick axial oblique": grid_of((0.7, 0.7, 4.0), (26.0, 60.0, 140.0), 12.0),
}


@pytest.mark.parametrize("name", GRIDS)
def test_every_fraction_keeps_its_volume(volume: Any, name: str) -> None:
    grid = GRIDS[name]
    data = fractions_of(volume, 42.0)
    axes, steps = axes_of(data)
    way = resampler(axes, steps, Shift(), grid, 1.0)
    assert isinstance(way, Oblique if "oblique" in name else Aligned)
    compared = 0
    for key in (*(f"frac_{word}" for word in CLASSES), "cord_share"):
        values = data[key].values[0]
        before = float(values.sum(dtype=float)) * np.prod(steps)
        if before == 0.0:
            continue
        for blurred in (False, True):
            after = float(way.image(values, blurred).sum()) * grid.voxel_mm3
            assert after == pytest.approx(before, rel=1e-9), (key, blurred)
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("name", [name for name in GRIDS if "oblique" not in name])
def test_the_sum_of_signal_is_kept(volume: Any, name: str) -> None:
    grid = GRIDS[name]
    scene = scene_of(volume, 42.0, like=like(grid), options=Options(centre_mm=(0.0, 0.0, 0.0)))
    image, _ = scene.image("t2w")
    data = fractions_of(volume, 42.0)
    _, steps = axes_of(data)
    fine = sum(
        T2W.signal(tissue) * float(data[f"frac_{word}"].values.sum(dtype=float))
        for word, tissue in TISSUES.items()
    )
    assert float(image.sum()) * grid.voxel_mm3 == pytest.approx(fine * np.prod(steps), rel=1e-6)


def test_oblique_voxels_in_the_canal_are_full(volume: Any) -> None:
    grid = GRIDS["thick axial oblique"]
    scene = scene_of(volume, 42.0, like=like(grid), options=Options(psf=0.0, centre_mm=(0.0, 0.0, 0.0)))
    total = np.asarray(
        sum(scene.channels[f"frac_{word}"] for word in CLASSES if f"frac_{word}" in scene.channels)
    )
    assert float(total.max()) == pytest.approx(1.0, abs=2e-4)
    inside = scene.cord_soft > 0.999
    assert inside.sum() > 100
    np.testing.assert_allclose(total[inside], 1.0, atol=2e-4)


@pytest.mark.parametrize("places", [1_000_000, 200_000_000])
def test_tissue_thinner_than_a_voxel_keeps_its_volume(
    section: Any, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sheet and a speck of the finest voxels in oblique thick slices, also where a voxel has few places."""
    monkeypatch.setattr(sharing, "ENOUGH_PLACES", places)
    data = fractions_of(section, 42.0, extrusion=ELLIPTIC, fine_mm=0.05)
    axes, steps = axes_of(data)
    grid = grid_of((0.2, 0.2, 0.8), (4.0, 8.0, 24.0), 10.0)
    way = Oblique.of(axes, steps, Shift(), grid, 1.0)
    sheet, speck = (np.zeros([len(axis) for axis in axes]) for _ in range(2))
    sheet[:, :, sheet.shape[2] // 2] = 1.0
    speck[speck.shape[0] // 2, speck.shape[1] // 2, speck.shape[2] // 3] = 1.0
    for values in (sheet, speck):
        for blurred in (False, True):
            after = float(way.image(values, blurred).sum()) * grid.voxel_mm3
            assert after == pytest.approx(float(values.sum()) * np.prod(steps), rel=1e-9)


def test_a_bent_cord_keeps_its_volume_and_fills_the_canal() -> None:
    """An arc of 60 mm radius: what lies on the outside of the bend takes more room than on the inside."""
    angle = np.linspace(-0.5, 0.5, 61)
    centre = np.stack((0.0 * angle, 60.0 * (np.cos(angle) - 1.0), 60.0 * np.sin(angle)), axis=-1)
    bend = arc_of(centre)
    axes = tuple(step * (np.arange(n) - 0.5 * (n - 1)) for n, step in ((24, 0.5), (24, 0.5), (50, 1.0)))
    steps = (0.5, 0.5, 1.0)
    for grid in (
        grid_of((0.8, 0.8, 0.8), (24.0, 40.0, 90.0)),
        grid_of((3.3, 0.7, 0.7), (33.0, 40.0, 90.0)),
        grid_of((0.7, 0.7, 4.0), (24.0, 60.0, 100.0), 15.0),
    ):
        way = Oblique.of(axes, steps, bend, grid, 1.0)
        volume = np.prod(steps) * bend.volume_ratio(*axes)
        assert volume.max() / volume.min() > 1.15
        for part in (np.s_[:12], np.s_[:, :3], np.s_[11, 11, 25], np.s_[:]):
            values = np.zeros(volume.shape)
            values[part] = 1.0
            for blurred in (False, True):
                after = float(way.image(values, blurred).sum()) * grid.voxel_mm3
                assert after == pytest.approx(float((values * volume).sum()), rel=1e-9)
        filled = way.image(np.ones(volume.shape), False)
        assert filled.max() == pytest.approx(1.0, abs=1e-3)
        # Every voxel well inside the box is full.
        index = np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3).astype(float)
        straight = bend.to_straight(apply_affine(grid.affine, index)).reshape(*grid.shape, 3)
        reach = 0.5 * float(np.sqrt((np.array(grid.spacing_mm) ** 2).sum())) + 0.5
        deep = (np.abs(straight) < np.array([6.0, 6.0, 25.0]) - reach).all(axis=-1)
        assert deep.sum() > 100
        np.testing.assert_allclose(filled[deep], 1.0, atol=1e-3)


def test_shares_on_a_bent_cord_agree_with_a_count_of_many_places() -> None:
    """A ball in an arc of 60 mm radius, counted by the way back from the image, which the shares do not use."""
    angle = np.linspace(-0.5, 0.5, 61)
    bend = arc_of(np.stack((0.0 * angle, 60.0 * (np.cos(angle) - 1.0), 60.0 * np.sin(angle)), axis=-1))
    axes = tuple(0.5 * (np.arange(n) - 0.5 * (n - 1)) for n in (24, 24, 60))
    x, y, z = np.meshgrid(*axes, indexing="ij")
    ball = (np.hypot(x, np.hypot(y - 1.0, z - 8.0)) < 3.0).astype(float)
    grid = grid_of((0.8, 0.7, 1.1), (24.0, 40.0, 60.0), 8.0)
    shares = Oblique.of(axes, (0.5, 0.5, 0.5), bend, grid, 1.0).image(ball, False)
    partly = np.argwhere((shares > 0.02) & (shares < 0.98))
    chosen = partly[np.random.default_rng(1).permutation(len(partly))[:60]]
    inner = (np.arange(32) + 0.5) / 32 - 0.5
    places = np.stack(np.meshgrid(inner, inner, inner, indexing="ij"), axis=-1).reshape(-1, 3)
    apart = []
    for voxel in chosen:
        straight = bend.to_straight(apply_affine(grid.affine, voxel + places))
        cell = np.floor(straight / 0.5 + np.array([12.0, 12.0, 30.0])).astype(int)
        counted = ball[tuple(np.clip(cell, 0, np.array(ball.shape) - 1).T)].mean()
        apart.append(shares[tuple(voxel)] - counted)
    assert len(apart) == 60
    assert float(np.sqrt(np.mean(np.square(apart)))) < 0.005
    assert float(np.abs(apart).max()) < 0.025
    assert abs(float(np.mean(apart))) < 0.001


def test_aligned_and_oblique_agree(volume: Any) -> None:
    data = fractions_of(volume, 42.0)
    axes, steps = axes_of(data)
    grid = grid_of((1.1, 1.3, 2.0), (24.0, 20.0, 100.0))
    exact = Aligned.of(axes, steps, Shift(), grid, 1.0)
    shared = Oblique.of(axes, steps, Shift(), grid, 1.0)
    for blurred in (False, True):
        values = data["frac_white"].values[0]
        apart = exact.image(values, blurred) - shared.image(values, blurred)
        assert float(np.abs(apart).max()) < 0.05  # at the edge of two axes at once
        assert float(np.sqrt((apart**2).mean())) < 0.004


def test_an_image_that_needs_too_many_shares_is_refused(volume: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_SHARES", 10_000)
    data = fractions_of(volume, 42.0)
    axes, steps = axes_of(data)
    with pytest.raises(BadInput, match="too many voxels round the cord"):
        Oblique.of(axes, steps, Shift(), GRIDS["thick axial oblique"], 1.0)


def test_a_mask_is_the_soft_one_cut_at_half(volume: Any) -> None:
    grid = GRIDS["thick sagittal"]
    found = masks(volume, 42.0, like=like(grid), options=Options(centre_mm=(0.0, 0.0, 0.0)))
    for part in ("cord", "lesion"):
        soft, hard = found[f"{part}_soft"], found[part]
        assert hard.kind == "mask" and soft.kind == "soft"
        np.testing.assert_array_equal(hard.data, soft.data >= 0.5)
        assert hard.data.any()
    assert (found["lesion_soft"].data <= found["cord_soft"].data + 1e-6).all()
    # half-filled voxels do not bias a soft mask: the cord is an ellipse of 12 x 8.4 mm in voxels of the run
    area = float(found["cord_soft"].data.sum()) * grid.voxel_mm3 / 120.0
    share = volume["geometry"]["map_cord"].values.mean()
    assert area == pytest.approx(float(share) * 12.0 * 8.4, rel=1e-6)


# ------------------------------------------------------------------------------------------------ images


def test_shares_that_round_to_more_than_one_stay_shares(volume: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.27 + 0.66 + 0.07 is one float32 above one: a mask of such a lesion was refused by every measure."""
    shares = {"cavity": 0.27, "scar": 0.66, "oedema": 0.07}

    def damaged(*arguments: Any, **options: Any) -> xarray.Dataset:
        data = fractions_of(*arguments, **options)
        inside = data["cord_share"].values == 1.0
        for name in CLASSES:
            data[f"frac_{name}"].values[inside] = np.float32(shares.get(name, 0.0))
        return data

    monkeypatch.setattr("cordgraft_analysis.imaging.render.fractions_of", damaged)
    scene = scene_of(volume, 42.0, spacing_mm=(1.2, 0.6, 1.2))
    assert np.sum(np.array([*shares.values()], dtype=np.float32), dtype=np.float32) > 1.0
    assert scene.lesion_soft.max() == 1.0 and scene.cord_soft.max() == 1.0


def healthy_and_fluid(scene: Scene, image: Any) -> tuple[float, float]:
    cord = (scene.cord_soft > 0.999) & (scene.lesion_soft < 1e-3)
    fluid = scene.channels["frac_csf"] > 0.999
    return float(image[cord].mean()), float(image[fluid].mean())


def test_a_t2w_image_has_bright_fluid_dark_cord_and_a_bright_lesion(untreated: Any) -> None:
    scene = scene_of(untreated, 42.0, spacing_mm=(0.1, 0.1, 0.1), options=Options(extrusion=ELLIPTIC))
    image, facts = scene.image("t2w", snr=20.0, seed=3)
    cord, fluid = healthy_and_fluid(scene, image)
    lesion = float(image[scene.lesion_soft > 0.9].mean())
    assert cord < lesion < fluid
    assert fluid / cord == pytest.approx(3.0, abs=0.2)
    noise = image[
        (scene.cord_soft > 0.999) & (scene.lesion_soft < 1e-3) & (scene.channels["frac_white"] > 0.999)
    ]
    assert float(noise.mean() / noise.std()) == pytest.approx(20.0, rel=0.1)
    outside = np.asarray(sum(scene.channels[f"frac_{word}"] for word in ("white", "csf"))) < 1e-9
    assert float(image[outside].mean()) == pytest.approx(1.2533 * facts["sigma"], rel=0.03)
    again = render(
        untreated, 42.0, spacing_mm=(0.1, 0.1, 0.1), options=Options(extrusion=ELLIPTIC), snr=20.0, seed=3
    )
    assert again.data.tobytes() == image.tobytes()
    other, _ = scene.image("t2w", snr=20.0, seed=4)
    assert (other != image).any()


def test_the_same_snr_is_the_same_noise_on_every_grid(volume: Any) -> None:
    """A grid with few or no voxels of healthy cord throughout has no other noise."""
    made = [scene_of(volume, 42.0, spacing_mm=edges).image("t2w", snr=20.0)[1]
            for edges in ((0.8, 0.8, 0.8), (3.0, 0.6, 0.6), (2.0, 2.0, 2.0))]  # fmt: skip
    assert [facts["sigma"] for facts in made] == pytest.approx([made[0]["sigma"]] * 3, rel=1e-3)
    pure = [float(contrast_of("t2w", {name: np.ones(1)})[0]) for name in ("frac_white", "frac_grey")]
    assert pure[0] < made[0]["cord_signal"] < pure[1]
    assert made[0]["sigma"] == pytest.approx(made[0]["cord_signal"] / 20.0)


def test_the_midsagittal_slice_of_an_image_made_to_measure_is_the_middle(section: Any) -> None:
    scene = scene_of(section, 42.0, spacing_mm=(0.2, 0.2, 0.2), options=Options(extrusion=ELLIPTIC))
    assert all(count % 2 == 1 for count in scene.cord_soft.shape[:2])
    middle = scene.cord_soft.shape[0] // 2
    assert scene.frame.affine[0, 3] + middle * 0.2 == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(scene.cord_soft, scene.cord_soft[::-1], atol=1e-6)


def test_noise_of_a_map_is_refused(volume: Any) -> None:
    scene = scene_of(volume, 42.0, spacing_mm=(2.0, 2.0, 2.0))
    with pytest.raises(BadInput, match=r"noise of a map.*no --snr"):
        scene.image("fa", snr=20.0)
    with pytest.raises(BadInput, match="no such SNR"):
        scene.image("t2w", snr=0.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "--like FILE for the grid of a file, or --spacing"),
        ({"spacing_mm": (1.0, -1.0, 1.0)}, "three edges of 0.005 to 50 mm"),
        ({"spacing_mm": (0.0001, 1.0, 1.0)}, "three edges of 0.005 to 50 mm"),
        ({"spacing_mm": (1.0, 1.0, 1.0), "like": like(GRIDS["thick sagittal"])}, "not both"),
        ({"spacing_mm": (1.0, 1.0, 1.0), "options": Options(centre_mm=(0, 0, 0))}, "nothing to place"),
        ({"spacing_mm": (1.0, 1.0, 1.0), "options": Options(psf=-1.0)}, "no such blur"),
        ({"spacing_mm": (1.0, 1.0, 1.0), "options": Options(canal_mm=-1.0)}, "0 mm or more"),
        ({"spacing_mm": (1.0, 1.0, 1.0), "options": Options(necrosis="bone")}, "no such tissue class"),
        (
            {"like": like(GRIDS["thick sagittal"]), "options": Options(centre_mm=(500.0, 0.0, 0.0))},
            "does not lie in the image",
        ),
        (
            {"like": like(GRIDS["thick axial oblique"]), "options": Options(centre_mm=(500.0, 0.0, 0.0))},
            "does not lie in the image",
        ),
    ],
)
def test_bad_input_is_one_sentence(volume: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        scene_of(volume, 42.0, **arguments)


def test_the_cord_goes_where_it_is_put(volume: Any) -> None:
    grid = grid_of((1.0, 1.0, 1.0), (60.0, 60.0, 60.0))
    scene = scene_of(volume, 42.0, like=like(grid), options=Options(centre_mm=(10.0, -8.0, 5.0)))
    weight = scene.lesion_soft
    index = np.moveaxis(np.indices(weight.shape), 0, -1)
    centre = (index * weight[..., None]).sum(axis=(0, 1, 2)) / weight.sum()
    np.testing.assert_allclose(
        grid.affine[:3, :3] @ centre + grid.affine[:3, 3], [10.0, -8.0, 5.0], atol=0.05
    )


def test_image_does_not_name_a_path(volume: Any, tmp_path: Path) -> None:
    scene = scene_of(volume, 42.0, spacing_mm=(2.0, 2.0, 2.0))
    assert str(tmp_path.parents[1]) not in str(scene.facts)


# ------------------------------------------------------------------------------------------------- its size


def test_a_fine_image_takes_a_fine_section_only_where_there_is_room() -> None:
    axes = (np.zeros(1), 600.0 * (np.arange(14) - 6.5), 600.0 * (np.arange(250) - 124.5))
    coarse, few, image = size_of(axes, ELLIPTIC, (0.8, 0.8, 0.8), 2.5, None)
    assert coarse == pytest.approx(0.2) and few < MOST_FINE
    assert image == pytest.approx(np.prod([(1.4 * 8.4 + 5.0) / 0.8, (8.4 + 5.0) / 0.8, 150.0 / 0.8]), rel=0.6)
    fine, many, _ = size_of(axes, ELLIPTIC, (0.08, 0.08, 0.08), 2.5, None)
    assert 0.02 < fine <= 0.08 and many <= 1.01 * MOST_FINE
    _, same, _ = size_of((600.0 * np.arange(20), *axes[1:]), None, (0.8, 0.8, 0.8), 0.6, (10, 10, 10))
    assert same == pytest.approx(250 * 22 * 16)


def test_an_image_that_does_not_fit_is_refused_before_it_is_made(
    section: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_size, "free_memory", lambda: 50_000_000)
    with pytest.raises(BadInput, match="would not fit into memory") as found:
        scene_of(section, 42.0, spacing_mm=(0.02, 0.02, 0.02), options=Options(extrusion=ELLIPTIC))
    assert "--spacing" in str(found.value) and "GB" in str(found.value)
