"""What media and solvers refuse, each with a sentence that names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft.kernels.medium import make_medium, scaled
from cordgraft.kernels.solvers import make_solver

SHAPE = (2, 6, 8)
CORD = np.ones(SHAPE)
UNIT = (1.0, 1.0, 1.0)


def spoilt(value: float) -> Any:
    """Return coefficients of which one is wrong."""
    array = np.ones(SHAPE)
    array[1, 2, 3] = value
    return array


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"spacing_um": (1.0, 0.0, 1.0)}, "spacing along y is 0.0 um"),
        ({"spacing_um": (1.0, 1.0, -2.0)}, "spacing along z is -2.0 um"),
        ({"spacing_um": (np.nan, 1.0, 1.0)}, "spacing along x is nan um"),
        ({"spacing_um": (np.inf, 1.0, 1.0)}, "spacing along x is inf um"),
        ({"spacing_um": (1.0, 1.0)}, "three edges, not 2"),
        ({"walls": "xw"}, "not by 'w' (in 'xw')"),
        ({"walls": "Z"}, "not by 'Z'"),
        ({"diffusivity": -1.0}, "diffusivity is negative: -1.0"),
        ({"diffusivity": np.nan}, "diffusivity is not finite"),
        ({"diffusivity": spoilt(np.inf)}, "diffusivity is not finite"),
        ({"diffusivity": spoilt(-0.5)}, "diffusivity is negative: -0.5"),
        ({"diffusivity": (1.0, 1.0, -3.0)}, "diffusivity along z is negative: -3.0"),
        ({"diffusivity": (1.0, spoilt(np.nan), 1.0)}, "diffusivity along y is not finite"),
        ({"diffusivity": (1.0, 1.0)}, "one for all of them, not 2"),
        ({"diffusivity": np.ones((2, 6, 7))}, "diffusivity has the shape (2, 6, 7), the cord (2, 6, 8)"),
        ({"decay": -0.1}, "decay is negative: -0.1"),
        ({"decay": np.inf}, "decay is not finite"),
        ({"decay": spoilt(-0.1)}, "decay is negative"),
        ({"decay": np.ones(8)}, "decay has the shape (8,), the cord (2, 6, 8)"),
        ({"cord": np.ones((6, 8))}, "three axes, not the shape (6, 8)"),
        ({"cord": np.ones((2, 0, 8))}, "three axes, not the shape (2, 0, 8)"),
    ],
)
def test_a_medium_that_cannot_be_is_refused(arguments: dict[str, Any], says: str) -> None:
    whole = {"cord": CORD, "spacing_um": UNIT, "diffusivity": 1.0, "decay": 0.0, **arguments}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is what is tested
        make_medium(**whole)
    assert says in str(caught.value)


def test_what_is_allowed_at_the_limits_stays_allowed() -> None:
    still = make_medium(CORD, (1, 2, 3), 0, 0, walls="")
    assert not still.gx.any() and not still.loss.any()
    mixed = make_medium(CORD, UNIT, (0.0, np.zeros(SHAPE), 1.0), np.zeros(SHAPE), walls="zyx")
    assert not mixed.gy.any() and mixed.gz.any()


@pytest.mark.parametrize(("diffusivity", "decay"), [(-1.0, 0.0), (1.0, -1.0), (np.nan, 0.0), (1.0, np.inf)])
def test_a_medium_is_not_scaled_to_what_it_cannot_be(diffusivity: float, decay: float) -> None:
    with pytest.raises(ValueError, match=r"negative|not finite"):
        scaled(make_medium(CORD, UNIT, 1.0), diffusivity, decay)


@pytest.mark.parametrize("name", ["spectral", "sdirk2", "rkl2", "pointwise"])
def test_every_solver_refuses_steps_and_arrays_that_do_not_fit(name: str) -> None:
    solver = make_solver(name, make_medium(CORD, UNIT, 0.0 if name == "pointwise" else 1.0, 0.1))
    good = np.ones(SHAPE)
    for dt in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="positive and finite"):
            solver.advance(good, None, dt)
    with pytest.raises(ValueError, match=r"field has the shape \(2, 6, 7\), its medium \(2, 6, 8\)"):
        solver.advance(np.ones((2, 6, 7)), None, 1.0)
    with pytest.raises(ValueError, match=r"source has the shape \(8,\)"):
        solver.advance(good, np.ones(8), 1.0)
    for other in (np.ones(SHAPE, dtype=np.float32), np.ones((8, 6, 2)).T, np.ones((4, 6, 8))[::2]):
        with pytest.raises(ValueError, match="float64 in C order"):
            solver.advance(other, None, 1.0)
    assert (good == 1.0).all(), "nothing is changed by what is refused"
    solver.advance(good, None, 1.0)
    np.testing.assert_allclose(good, np.exp(-0.1), rtol=1e-3)
