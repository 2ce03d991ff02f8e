"""A lesion is measured alike, whichever of the 48 ways its file stores it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.cord import shape
from cordgraft_analysis.imaging.lesion import measure
from cordgraft_analysis.imaging.profile import profile

TURNS = list(product(permutations(range(3)), product((1, -1), repeat=3)))


def stored(data: np.ndarray, affine: np.ndarray, turn) -> tuple[np.ndarray, np.ndarray]:
    """The same volume as a file of another orientation would hold it."""
    order, flips = turn
    turned = data.transpose(order)[tuple(slice(None, None, flip) for flip in flips)]
    index = np.zeros((4, 4))
    index[3, 3] = 1.0
    for new, (old, flip) in enumerate(zip(order, flips, strict=True)):
        index[old, new] = flip
        index[old, 3] = 0 if flip > 0 else data.shape[old] - 1
    return turned, affine @ index


def assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, float):
            assert other[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name
        else:
            assert other[name] == value, name


def oblique(edges, degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag(edges)
    affine[:3, 3] = (-3.0, 11.0, 70.0)
    return affine


def drawn_masks(seed: int, edges=(0.8, 1.1, 2.5)) -> tuple[np.ndarray, np.ndarray]:
    """A cord that wanders, and a lesion of random boxes in it, off its middle."""
    rng = np.random.default_rng(seed)
    lesion, cord = np.zeros((2, 13, 12, 11), bool)
    x, y = np.meshgrid(np.arange(13), np.arange(12), indexing="ij")
    lean = rng.uniform(-0.4, 0.4, 2) * edges[2] / np.array(edges[:2])  # up to 22 degrees to each side
    lean = np.clip(lean, -0.3, 0.3)
    for z in range(11):
        at = (6 + lean[0] * (z - 5), 5.5 + lean[1] * (z - 5))
        cord[:, :, z] = ((x - at[0]) / 4.2) ** 2 + ((y - at[1]) / 3.4) ** 2 <= 1
    for _ in range(rng.integers(1, 4)):
        low = rng.integers((3, 3, 1), (8, 7, 7))
        lesion[tuple(slice(a, a + n) for a, n in zip(low, rng.integers(1, 4, 3), strict=True))] = True
    lesion &= cord
    lesion[6, 5, 5] = True
    return lesion, cord


@pytest.mark.parametrize("turn", TURNS)
def test_all_orientations_give_the_same_numbers(turn):
    lesion, cord = drawn_masks(7)
    affine = oblique((0.8, 1.1, 2.5), 11.0)
    turned, turned_affine = stored(lesion, affine, turn)
    for method in ("sct", "mm"):
        first = measure(lesion, cord, affine, method=method)
        second = measure(turned, stored(cord, affine, turn)[0], turned_affine, method=method)
        assert len(first.rows) == len(second.rows)
        for one, other in zip(first.rows, second.rows, strict=True):
            assert_same(one, other)
    one, other = profile(lesion, cord, affine), profile(turned, stored(cord, affine, turn)[0], turned_affine)
    np.testing.assert_allclose(other.csa, one.csa, atol=1e-9)
    np.testing.assert_allclose(other.lesion_area, one.lesion_area, atol=1e-9)
    plain, other_way = shape(cord, affine), shape(stored(cord, affine, turn)[0], turned_affine)
    for name, values in plain.values.items():
        np.testing.assert_allclose(other_way.values[name], values, atol=1e-9, err_msg=name)


@hypothesis_settings(max_examples=20)
@given(
    seed=st.integers(0, 10**6),
    turn=st.sampled_from(TURNS),
    edges=st.tuples(st.floats(0.4, 1.2), st.floats(0.4, 1.2), st.floats(0.4, 3.0)),
    degrees=st.floats(-25, 25),
    soft=st.booleans(),
)
def test_any_mask_is_measured_alike_however_it_is_stored(seed, turn, edges, degrees, soft):
    lesion, cord = drawn_masks(seed, edges)
    affine = oblique(edges, degrees)
    methods = ("mm",) if soft else ("sct", "mm")
    shares = (
        np.where(lesion, np.random.default_rng(seed).uniform(0.2, 1.0, lesion.shape), 0.0) if soft else lesion
    )
    for method in methods:
        first = measure(shares, cord, affine, method=method)
        turned, turned_affine = stored(shares, affine, turn)
        second = measure(turned, stored(cord, affine, turn)[0], turned_affine, method=method)
        for one, other in zip(first.rows, second.rows, strict=True):
            assert_same(one, other)
        for row in first.rows:
            if names.DORSAL in row:
                assert row[names.TOTAL] == pytest.approx(row[names.DORSAL] + row[names.VENTRAL])
                if method == "mm":
                    assert row[names.NARROWEST] >= row[names.TOTAL] - 1e-9
                    assert row[names.IMLL] >= row[names.LENGTH] - 1e-6
