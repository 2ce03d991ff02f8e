"""The straightening map: centreline, frame, both directions, storage."""

from __future__ import annotations

import io

import numpy as np
import pytest

from cordgraft.core.centreline import (
    CentrelineError,
    apply_affine,
    cord_slices,
    cross,
    dot,
    invert_affine,
)
from cordgraft.core.straightening import StraighteningMap

AFFINE = np.array([[0.8, 0, 0, -12.0], [0, 0.8, 0, -20.0], [0, 0, 0.8, -40.0], [0, 0, 0, 1]])
SHAPE = (30, 50, 100)


def tube(distance, affine=AFFINE, shape=SHAPE):
    """Mask of the voxels whose centre (mm) lies where `distance` is negative."""
    points = apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1).astype(float))
    return (distance(points) < 0.0).astype(float)


def straight_distance(tilt_deg, radius=5.0):
    """Cylinder through the origin, tilted in the sagittal plane."""
    tangent = np.array([0.0, -np.sin(np.deg2rad(tilt_deg)), np.cos(np.deg2rad(tilt_deg))])

    def distance(points):
        off = points - dot(points, tangent)[..., None] * tangent
        return np.sqrt(dot(off, off)) - radius

    return distance, tangent


def arc_distance(bend=60.0, radius=5.0, reach=32.0):
    """Tube round a circle of radius `bend` about (0, bend, 0) in the sagittal plane."""

    def distance(points):
        x, y, z = points[..., 0], points[..., 1] - bend, points[..., 2]
        inside = np.hypot(np.hypot(y, z) - bend, x) - radius
        return np.where(np.abs(np.arctan2(z, -y)) * bend < reach, inside, 1.0)

    return distance


def fitted(mask, affine=AFFINE):
    slices = cord_slices(mask, affine)
    return StraighteningMap.from_slices(slices, affine, mask.shape)


@pytest.fixture(scope="module")
def arc() -> StraighteningMap:
    return fitted(tube(arc_distance()))


@pytest.fixture(scope="module")
def helix() -> StraighteningMap:
    """A cord that winds round its own direction: the hard case for a frame."""

    def distance(points):
        z = points[..., 2]
        x, y = 6.0 * np.cos(z / 15.0), 6.0 * np.sin(z / 15.0)
        return np.hypot(points[..., 0] - x, points[..., 1] - y) - 4.0

    return fitted(tube(distance))


def random_points(straight: StraighteningMap, count=2000, radius=4000.0):
    rng = np.random.default_rng(1)
    low, high = straight.ends_um
    angle, r = rng.uniform(0, 2 * np.pi, count), radius * np.sqrt(rng.uniform(size=count))
    # Also beyond both ends, where the map goes on straight.
    return np.stack(
        (r * np.cos(angle), r * np.sin(angle), rng.uniform(low - 9e3, high + 9e3, count)), axis=-1
    )


@pytest.mark.parametrize("tilt", [0.0, 7.0, 20.0, 40.0])
def test_tilted_cylinder_has_its_axis_as_centreline(tilt: float) -> None:
    distance, tangent = straight_distance(tilt)
    # A wide field of view, so that only the top and bottom cut the cylinder.
    shape = (18, 120, 100)
    affine = AFFINE.copy()
    affine[:2, 3] = [-7.2, -48.0]
    mask = tube(distance, affine, shape)
    straight = fitted(mask, affine)
    nodes = straight.centre_mm
    off = nodes - dot(nodes, tangent)[:, None] * tangent
    assert np.sqrt(dot(off, off)).max() < 0.06
    _, right, anterior, superior = straight.frame(np.linspace(-2e4, 2e4, 9))
    assert np.abs(superior - tangent).max() < 0.01
    assert np.abs(right - [1.0, 0.0, 0.0]).max() < 0.01
    assert np.abs(anterior - cross(tangent, np.array([1.0, 0.0, 0.0]))).max() < 0.01
    assert cord_slices(mask, affine).tilt_deg == pytest.approx(tilt, abs=0.5)


def test_oblique_ends_do_not_pull_the_centreline() -> None:
    distance, tangent = straight_distance(20.0)

    def cut(points):
        return np.where(np.abs(dot(points, tangent)) < 25.0, distance(points), 1.0)

    shape, affine = (18, 80, 100), AFFINE.copy()
    affine[:2, 3] = [-7.2, -32.0]
    mask = tube(cut, affine, shape)
    slices = cord_slices(mask, affine)
    held = np.flatnonzero(mask.any(axis=(0, 1)))
    assert held[0] < slices.first
    assert slices.last < held[-1]
    nodes = fitted(mask, affine).centre_mm
    off = nodes - dot(nodes, tangent)[:, None] * tangent
    assert np.sqrt(dot(off, off)).max() < 0.15
    assert slices.diameter_mm == pytest.approx(10.0, rel=0.03)


def test_arc_length_and_bend_of_a_circle(arc: StraighteningMap) -> None:
    nodes = arc.centre_mm
    assert np.abs(np.hypot(nodes[:, 1] - 60.0, nodes[:, 2]) - 60.0).max() < 0.1
    angles = np.arctan2(nodes[:, 2], 60.0 - nodes[:, 1])
    assert arc.arc_mm[-1] == pytest.approx(60.0 * (angles[-1] - angles[0]), rel=2e-3)
    bend = np.sqrt(dot(arc.bend_per_mm, arc.bend_per_mm))
    assert np.median(bend) == pytest.approx(1.0 / 60.0, rel=0.05)
    steps = np.diff(nodes, axis=0)
    np.testing.assert_allclose(np.sqrt(dot(steps, steps)), arc.arc_mm[1], rtol=1e-4)


@pytest.mark.parametrize("name", ["arc", "helix"])
def test_round_trip(name: str, request: pytest.FixtureRequest) -> None:
    straight = request.getfixturevalue(name)
    points = random_points(straight)
    back = straight.to_straight_um(straight.to_scanner_mm(points))
    assert np.abs(back - points).max() < 1e-5, "a hundredth of a nanometre"


@pytest.mark.parametrize("name", ["arc", "helix"])
def test_jacobian_is_the_derivative_of_the_map(name: str, request: pytest.FixtureRequest) -> None:
    straight = request.getfixturevalue(name)
    points = random_points(straight, 500)
    low, high = straight.ends_um
    # Where the straight continuation begins, the bend jumps; a difference across the jump says nothing.
    points = points[(np.abs(points[:, 2] - low) > 20.0) & (np.abs(points[:, 2] - high) > 20.0)]
    columns = []
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 5.0
        columns.append(
            (straight.to_scanner_mm(points + step) - straight.to_scanner_mm(points - step)) * 100.0
        )
    numeric = dot(columns[0], cross(columns[1], columns[2]))
    exact = straight.jacobian(points)
    np.testing.assert_allclose(exact, numeric, atol=2e-5)
    assert exact.min() < 0.97
    assert exact.max() > 1.03
    np.testing.assert_allclose(
        straight.grid_jacobian(points[:3, 0], points[:4, 1], points[:5, 2])[2, 3, 4],
        straight.jacobian(np.array([[points[2, 0], points[3, 1], points[4, 2]]]))[0],
        rtol=1e-14,
    )


def test_frame_is_orthonormal_right_handed_and_does_not_spin(helix: StraighteningMap) -> None:
    z = np.linspace(helix.ends_um[0], helix.ends_um[1], 4001)
    _, right, anterior, superior = helix.frame(z)
    for a, b, expected in (
        (right, right, 1.0), (anterior, anterior, 1.0), (right, anterior, 0.0), (right, superior, 0.0),
    ):  # fmt: skip
        np.testing.assert_allclose(dot(a, b), expected, atol=1e-13)
    np.testing.assert_allclose(cross(right, anterior), superior, atol=1e-13)
    spin = dot(np.diff(right, axis=0), 0.5 * (anterior[1:] + anterior[:-1])) / (1e-3 * np.diff(z))
    # The Frenet frame of this helix would turn by its torsion, 0.057 per mm.
    assert np.abs(spin).max() < 5e-4
    assert dot(right, np.array([1.0, 0.0, 0.0])).mean() > 0.9
    assert dot(anterior, np.array([0.0, 1.0, 0.0])).mean() > 0.9
    assert dot(right, np.array([0.0, 1.0, 0.0])).mean() == pytest.approx(
        dot(anterior, np.array([1.0, 0.0, 0.0])).mean(), abs=2e-3
    ), "the one free angle is where turning either way is no gain"


def test_axes_are_right_anterior_superior(arc: StraighteningMap) -> None:
    place = arc.to_scanner_mm(np.array([[0, 0, 0], [1e3, 0, 0], [0, 1e3, 0], [0, 0, 1e3]], dtype=float))
    for axis in range(3):
        assert place[1 + axis, axis] - place[0, axis] == pytest.approx(1.0, abs=0.02)


def test_beyond_its_ends_the_cord_goes_on_straight(arc: StraighteningMap) -> None:
    _, high = arc.ends_um
    ends = arc.to_scanner_mm(np.array([[500.0, -700.0, high + s] for s in (0.0, 4e3, 8e3)]))
    np.testing.assert_allclose(ends[1] - ends[0], ends[2] - ends[1], atol=1e-12)
    assert np.sqrt(dot(ends[1] - ends[0], ends[1] - ends[0])) == pytest.approx(4.0, rel=1e-4)
    np.testing.assert_allclose(arc.jacobian(np.array([[500.0, -700.0, high + 5e3]])), 1.0, atol=1e-4)


def test_no_answer_at_the_centre_of_the_bend() -> None:
    """On half a circle of 10 mm, the centre is equally far from everywhere: it has no straight coordinates."""
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 401)
    inward = np.stack((np.zeros_like(angle), np.cos(angle), -np.sin(angle)), axis=-1)
    right = np.tile([1.0, 0.0, 0.0], (401, 1))
    circle = StraighteningMap(
        arc_mm=10.0 * (angle - angle[0]),
        centre_mm=np.array([0.0, 10.0, 0.0]) - 10.0 * inward,
        bend_per_mm=0.1 * inward,
        right=right,
        zero_arc_mm=5.0 * np.pi,
        source_affine=np.eye(4),
        source_shape=(1, 1, 1),
    )
    found = circle.to_straight_um(
        np.array([[0.0, 10.0, 0.0], [3.0, 9.9, 0.0], [np.nan, 0.0, 0.0], [0.5, 6.0, 0.0]])
    )
    assert np.isnan(found[:3]).all()
    np.testing.assert_allclose(found[3], [500.0, 6000.0, 0.0], atol=0.1)
    assert circle.jacobian(np.array([[0.0, 6000.0, 0.0]]))[0] == pytest.approx(0.4, abs=1e-3)


def test_far_points_come_back_exactly_or_not_at_all(arc: StraighteningMap) -> None:
    points = np.random.default_rng(3).uniform(-100.0, 100.0, (3000, 3))
    found = arc.to_straight_um(points)
    answered = np.isfinite(found[:, 0])
    assert answered.any()
    np.testing.assert_allclose(arc.to_scanner_mm(found[answered]), points[answered], atol=1e-8)
    assert arc.jacobian(found[answered]).min() > 0.05


def test_stored_and_read_back_it_gives_the_same_bits(arc: StraighteningMap) -> None:
    stored = io.BytesIO()
    np.savez(stored, **arc.to_dict())
    stored.seek(0)
    with np.load(stored) as arrays:
        again = StraighteningMap.from_dict(dict(arrays))
    points = random_points(arc)
    scanner = arc.to_scanner_mm(points)
    assert scanner.tobytes() == again.to_scanner_mm(points).tobytes()
    assert arc.to_straight_um(scanner).tobytes() == again.to_straight_um(scanner).tobytes()
    assert again.source_shape == arc.source_shape
    assert again.source_affine.tobytes() == arc.source_affine.tobytes()


def test_grid_is_the_map_of_its_points(arc: StraighteningMap) -> None:
    x, y, z = np.array([-1e3, 2e3]), np.array([0.0, 500.0, 900.0]), np.array([-3e3, 4e4])
    grid = arc.grid_to_scanner_mm(x, y, z)
    points = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1).reshape(-1, 3)
    np.testing.assert_array_equal(grid.reshape(-1, 3), arc.to_scanner_mm(points))


def test_shifting_z_moves_nothing_in_the_scan(arc: StraighteningMap) -> None:
    moved = arc.with_zero_at(2500.0)
    np.testing.assert_allclose(
        moved.to_scanner_mm(np.array([[1.0, 2.0, 0.0]])), arc.to_scanner_mm(np.array([[1.0, 2.0, 2500.0]])),
        atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("slices", [2, 3, 4, 5, 6])
def test_few_thick_slices_are_enough(slices: int) -> None:
    affine = np.diag([0.8, 0.8, 12.0, 1.0])
    affine[:3, 3] = [-12.0, -20.0, 0.0]
    distance, _ = straight_distance(5.0)
    straight = fitted(tube(distance, affine, (30, 50, slices)), affine)
    points = random_points(straight, 200)
    assert np.abs(straight.to_straight_um(straight.to_scanner_mm(points)) - points).max() < 1e-5
    assert straight.arc_mm[-1] == pytest.approx(12.0 * (slices - 1) / np.cos(np.deg2rad(5.0)), rel=1e-3)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((5, 5, 5)), "empty"),
        (np.pad(np.ones((9, 9, 1)), ((9, 9), (9, 9), (2, 2))), "1 slice"),
        (np.pad(np.ones((5, 40, 5)), 2), "90 degrees"),
    ],
)
def test_a_mask_without_a_direction_is_refused(mask: np.ndarray, message: str) -> None:
    with pytest.raises(CentrelineError, match=message):
        cord_slices(mask, np.eye(4))


def test_an_axis_that_rounds_beyond_one_is_upright() -> None:
    """A unit vector may come out a rounding error longer: its tilt is 0, not undefined."""
    shares = np.zeros((6, 6, 40))
    for seed in range(30):
        noise = 1e-7 * np.random.default_rng(seed).random((4, 4, 40))
        shares[1:5, 1:5] = 1.0 - noise
        with np.errstate(invalid="raise"):
            assert cord_slices(shares, np.eye(4)).tilt_deg < 1e-3


def test_inverse_of_an_affine() -> None:
    affine = np.eye(4)
    affine[:3] = np.random.default_rng(2).normal(size=(3, 4))
    np.testing.assert_allclose(invert_affine(affine) @ affine, np.eye(4), atol=1e-12)
