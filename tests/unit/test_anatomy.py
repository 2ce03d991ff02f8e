"""The healthy cord: areas, symmetry, and the section as a cut through the volume."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.lattice import Lattice
from cordgraft.scenario.anatomy import butterfly_distance, butterfly_width, elliptic_cord, masked_cord

DIAMETERS = (2000.0, 1400.0)


def _volume() -> Lattice:
    return Lattice.centred((2000.0, 1400.0, 400.0), (50.0, 50.0, 25.0))


def test_area_of_cord_and_grey_matter() -> None:
    lattice = _volume()
    maps = elliptic_cord(lattice, DIAMETERS, 0.18)
    layer_um2 = lattice.spacing_um[0] * lattice.spacing_um[1]
    area = maps.volume[:, :, 0].sum() * layer_um2
    assert area == pytest.approx(np.pi * 1000.0 * 700.0, rel=0.005)
    assert maps.grey[:, :, 0].sum() * layer_um2 == pytest.approx(0.18 * area, rel=0.01)
    np.testing.assert_allclose(maps.white + maps.grey, maps.volume, atol=1e-12)


def test_left_and_right_are_alike_and_dorsal_and_ventral_are_not() -> None:
    maps = elliptic_cord(_volume(), DIAMETERS, 0.18)
    np.testing.assert_allclose(maps.grey, maps.grey[::-1], atol=1e-12)
    assert np.abs(maps.grey - maps.grey[:, ::-1]).max() > 0.5


def test_ventral_weight_is_one_in_front_and_zero_behind() -> None:
    lattice = Lattice.centred((50.0, 1400.0, 400.0), (50.0, 25.0, 25.0))
    maps = elliptic_cord(lattice, DIAMETERS, 0.18)
    assert (maps.ventral[0, lattice.axis_um(1) > 0] == 1.0).all()
    assert (maps.ventral[0, lattice.axis_um(1) < 0] == 0.0).all()


def test_section_shows_white_matter_with_the_commissure_in_the_middle() -> None:
    lattice = Lattice.centred((50.0, 1400.0, 400.0), (50.0, 25.0, 25.0))
    grey = elliptic_cord(lattice, DIAMETERS, 0.18).grey[0, :, 0]
    assert grey[0] == grey[-1] == 0.0
    assert grey[27] == grey[28] == 1.0
    assert grey.mean() == pytest.approx(butterfly_width(0.18), rel=0.1)


def test_mask_of_an_ellipse_gives_the_maps_of_the_ellipse() -> None:
    lattice = _volume()
    drawn = elliptic_cord(lattice, DIAMETERS, 0.2)
    layers = lattice.shape[2]
    masked = masked_cord(
        lattice, drawn.volume, (np.full(layers, DIAMETERS[0]), np.full(layers, DIAMETERS[1])), 0.2
    )
    np.testing.assert_allclose(masked.grey, drawn.grey)
    np.testing.assert_allclose(masked.volume, drawn.volume)


def test_impossible_grey_share_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        butterfly_width(0.9)
    assert butterfly_distance(np.array(0.2), np.array(0.0)) == 0.0
