"""Contrasts against closed forms, the table of tissues, and the noise of a magnitude image."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.noise import rician
from cordgraft_analysis.imaging.signal import (
    CONTRASTS,
    T2W,
    TISSUES,
    Calibration,
    Number,
    Sequence,
    contrast_of,
)

ONE = np.ones(1)


def mixed(contrast: str, **fractions: float) -> float:
    names = {"white_order": "white_order", "myelin": "myelin"}
    found = {names.get(name, f"frac_{name}"): np.array([value]) for name, value in fractions.items()}
    return float(contrast_of(contrast, found, mtr=Calibration(2.0, 2.5))[0])


def test_signals_are_mixed_and_not_relaxation_times() -> None:
    assert mixed("t2w", white=0.5, csf=0.5) == pytest.approx(0.351, abs=5e-4)
    white, csf = TISSUES["white"], TISSUES["csf"]
    # what a mean of T1, T2 and proton density would give instead
    t1, t2 = 0.5 * (white.t1.value + csf.t1.value), 0.5 * (white.t2.value + csf.t2.value)
    wrong = 0.85 * (1.0 - np.exp(-3500.0 / t1)) * np.exp(-100.0 / t2)
    assert wrong > 1.5 * 0.351
    assert mixed("t2w", white=0.25, csf=0.75) == pytest.approx(
        0.25 * mixed("t2w", white=1.0) + 0.75 * mixed("t2w", csf=1.0)
    )


@pytest.mark.parametrize(
    ("tr", "te", "ratio"), [(3500.0, 100.0, 3.02), (4000.0, 90.0, 2.86), (1500.0, 120.0, 2.49)]
)
def test_fluid_over_white_matter(tr: float, te: float, ratio: float) -> None:
    sequence = Sequence("test", tr, te)
    assert sequence.signal(TISSUES["csf"]) / sequence.signal(TISSUES["white"]) == pytest.approx(
        ratio, abs=0.01
    )


def test_classes_of_a_lesion_are_brighter_than_cord() -> None:
    cord = max(T2W.signal(TISSUES[name]) for name in ("white", "grey"))
    for name in ("oedema", "scar", "graft"):
        assert cord < T2W.signal(TISSUES[name]) < T2W.signal(TISSUES["csf"]), name
    # a cavity recovers faster than fluid, so that it is as bright although its T2 is shorter
    assert T2W.signal(TISSUES["cavity"]) == pytest.approx(T2W.signal(TISSUES["csf"]), rel=0.1)
    assert T2W.signal(TISSUES["blood"]) < cord


def test_anisotropy_of_white_matter_and_of_its_mixtures() -> None:
    assert mixed("fa", white=1.0) == pytest.approx(0.69, abs=0.005)
    assert mixed("md", white=1.0) == pytest.approx(0.93e-3, abs=1e-6)
    # half of the *water* is free: proton densities are 0.7 and 1
    share = 1.0 / 1.7
    assert mixed("fa", white=share, csf=1.0 - share) == pytest.approx(0.20, abs=0.005)
    assert mixed("fa", white=1.0, white_order=0.5) == pytest.approx(0.40, abs=0.005)
    assert mixed("md", white=1.0, white_order=0.5) == pytest.approx(0.93e-3, abs=1e-6)
    assert mixed("fa", white=1.0, white_order=0.0) == pytest.approx(0.0, abs=1e-12)
    assert mixed("fa", csf=1.0) == 0.0
    assert mixed("fa", white=0.0) == 0.0  # nothing there


def test_grey_matter_has_the_anisotropy_of_its_source() -> None:
    assert mixed("fa", grey=1.0) == pytest.approx(0.39, abs=0.01)  # from AD 1.07 and RD 0.55


def test_myelin_water_scales_with_myelin() -> None:
    assert mixed("mwf", white=1.0) == pytest.approx(0.29)
    assert mixed("mwf", white=1.0, myelin=0.4) == pytest.approx(0.4 * 0.29)
    assert mixed("mwf", white=0.5, grey=0.5) == pytest.approx(0.29 * 0.7 / (0.7 + 0.82))
    assert mixed("mwf", csf=1.0, white=0.0) == 0.0


def test_mtr_needs_the_users_line() -> None:
    with pytest.raises(BadInput, match=r"--mtr.*a,b of MTR"):
        contrast_of("mtr", {"frac_white": ONE})
    assert mixed("mtr", white=1.0) == pytest.approx(2.0 + 2.5 * 13.9)
    assert mixed("mtr", white=1.0, myelin=0.0) == pytest.approx(2.0 + 2.5 * 7.9)
    assert mixed("mtr", csf=1.0, white=0.0) == pytest.approx(2.0)
    assert mixed("mtr", white=0.0) == 0.0


def test_an_unknown_contrast_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="t2w, fa, md, mwf, mtr"):
        contrast_of("t1w", {"frac_white": ONE})
    assert set(CONTRASTS) == {"t2w", "fa", "md", "mwf", "mtr"}


def test_every_number_says_how_it_is_known() -> None:
    numbers = [
        getattr(tissue, name)
        for tissue in TISSUES.values()
        for name in ("pd", "t1", "t2", "axial", "radial", "bound")
    ]
    for number in numbers:
        assert number.unit and number.evidence in ("read", "recalled", "derived", "assumed")
        assert bool(number.source) == (number.evidence in ("read", "derived"))
    with pytest.raises(ValueError, match="outside"):
        Number(2.0, 0.0, 1.0, "1", "assumed")


def test_background_is_rayleigh_and_signal_unbiased() -> None:
    sigma = 0.02
    background = rician(np.zeros(400_000), sigma, seed=5)
    assert float(background.mean()) == pytest.approx(1.2533 * sigma, rel=0.005)
    assert float(background.std()) == pytest.approx(0.6551 * sigma, rel=0.005)
    bright = rician(np.full(400_000, 20.0 * sigma), sigma, seed=5)
    # mean of a Rice distribution far from zero: S + sigma^2 / (2 S)
    assert float(bright.mean()) == pytest.approx(20.0 * sigma + sigma / 40.0, rel=2e-4)
    assert float(bright.std()) == pytest.approx(sigma, rel=0.01)
    np.testing.assert_array_equal(rician(background, sigma, 7), rician(background, sigma, 7))
    np.testing.assert_array_equal(rician(background, 0.0, 7), background)
