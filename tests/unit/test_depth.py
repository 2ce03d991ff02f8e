"""Depth below the surface of the cord, against a search along the surface."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.state.depth import depth_um, ellipse_depth, semi_axes_um
from support import make_tissue


def searched(x: float, y: float, wide: float, deep: float) -> float:
    turn = np.linspace(0.0, 0.5 * np.pi, 100_001)
    return float(np.hypot(wide * np.cos(turn) - x, deep * np.sin(turn) - y).min())


@pytest.mark.parametrize(("wide", "deep"), [(850.0, 600.0), (600.0, 850.0), (500.0, 500.0), (3000.0, 20.0)])
def test_the_nearest_point_of_the_surface_is_found(wide: float, deep: float) -> None:
    rng = np.random.default_rng(2)
    radius, angle = np.sqrt(rng.random(60)), 0.5 * np.pi * rng.random(60)
    # and points on both axes, in the middle, and as good as on the surface
    u = np.concatenate([radius * np.cos(angle), [0.0, 0.0, 0.3, 0.9, 0.999999, 0.0, 1e-9]])
    v = np.concatenate([radius * np.sin(angle), [0.0, 0.7, 0.0, 0.0, 0.0, 0.999999, 1e-9]])
    found = ellipse_depth(u * wide, v * deep, wide, deep)
    expected = [searched(a * wide, b * deep, wide, deep) for a, b in zip(u, v, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_beyond_the_surface_depth_is_nothing() -> None:
    assert not ellipse_depth(np.array([700.0, 0.0, 500.0]), np.array([0.0, 601.0, 500.0]), 700.0, 600.0).any()


def test_in_a_section_it_is_the_distance_to_back_or_front() -> None:
    tissue = make_tissue((), (1, 24, 16))
    y = tissue.lattice.axis_um(1)
    np.testing.assert_allclose(depth_um(tissue)[0, :, 5], 600.0 - np.abs(y), rtol=1e-12)


def test_each_layer_has_its_own_surface() -> None:
    """As in a cord from a scan, whose diameters change from layer to layer."""
    tissue = make_tissue((), (30, 24, 16))
    x, y, z = tissue.lattice.centres_um()
    wide, deep = 800.0 + 0.1 * z, 500.0 - 0.05 * z
    tissue["map.rho"][...] = np.sqrt((x / wide) ** 2 + (y / deep) ** 2)
    for found, expected in zip(semi_axes_um(tissue), (wide, deep), strict=True):
        np.testing.assert_allclose(found, expected.reshape(-1), rtol=1e-9)
    depth = depth_um(tissue)
    for layer in (0, 7, 15):
        for i, j in ((15, 12), (20, 3), (3, 12)):
            if tissue["map.rho"][i, j, layer] < 1.0:
                a, b = wide[0, 0, layer], deep[0, 0, layer]
                expected = searched(abs(x[i, 0, 0]), abs(y[0, j, 0]), a, b)
                assert depth[i, j, layer] == pytest.approx(expected, abs=1e-3)
