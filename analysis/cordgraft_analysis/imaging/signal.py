"""From volume fractions to contrasts: signals and tensors are mixed, never relaxation times or FA values.

A voxel with fractions ``f`` gives the spin-echo signal ``S = sum f PD (1 - exp(-TR/T1)) exp(-TE/T2)``; its diffusion
tensor is the mean of the tensors of its tissues, weighted by their water (fraction times proton density), and only then
has an FA. So a contrast is computed on the voxels of the image, after partial volume, from fractions.

Signal is arbitrary in scale. What is compared must be normalised to cord and fluid, ``(S - cord)/(fluid - cord)``.
Half free water takes the FA of white matter from 0.69 to 0.20: FA in a lesion is mostly partial volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cordgraft.core.parameters import Evidence
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.volume import Array, Floats

#: Contrasts and what their values are in.
CONTRASTS: dict[str, str] = {"t2w": "arbitrary", "fa": "1", "md": "mm2/s", "mwf": "1", "mtr": "%"}


@dataclass(frozen=True)
class Number:
    """A number with its unit, the range it may have, how it is known, and where from.

    Parameters
    ----------
    value, low, high : float
    unit : str
    evidence : str
        ``read`` (in a source), ``recalled`` (general knowledge), ``derived`` (arithmetic on those) or ``assumed``.
    source : str
        Empty unless read or derived.
    """

    value: float
    low: float
    high: float
    unit: str
    evidence: Evidence
    source: str = ""

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value:g} {self.unit} lies outside {self.low:g} to {self.high:g}")


@dataclass(frozen=True)
class Tissue:
    """What a scanner at 3 T sees of one class of tissue.

    Parameters
    ----------
    pd : Number
        Proton density relative to fluid, which also weighs the water in tensors.
    t1, t2 : Number
        ms.
    axial, radial : Number
        Diffusivity along and across the cord, um2/ms.
    bound : Number
        Macromolecular (bound) share of the protons, %.
    """

    pd: Number
    t1: Number
    t2: Number
    axial: Number
    radial: Number
    bound: Number


_SMITH = "Smith 2008, Magn Reson Med 60:213, human cervical cord at 3 T, abstract; range +- 2 SD"
_SMITH_MT = "Smith 2009, human cord at 1.5 T, abstract; range +- 2 SD"
_FLUID = "subarachnoid space at 3 T, abstract; range +- 2 SD"
_BOSMA = "from FA 0.69 and MD 0.93e-3 mm2/s of Bosma & Stroman 2012, abstract"
_RAT_GREY = "rat T8 grey matter, PMC2824236, abstract"


def _pd(value: float) -> Number:
    return Number(value, 0.5, 1.0, "1", "recalled")


def _ms(value: float, low: float, high: float) -> Number:
    return Number(value, low, high, "ms", "recalled")


def _read(value: float, sd: float, source: str, unit: str = "ms") -> Number:
    return Number(value, value - 2.0 * sd, value + 2.0 * sd, unit, "read", source)


def _diffusivity(value: float, low: float, high: float) -> Number:
    return Number(value, low, high, "um2/ms", "assumed")


def _bound(value: float) -> Number:
    return Number(value, 0.0, 14.0, "%", "assumed")


_FREE = Number(3.0, 2.9, 3.2, "um2/ms", "recalled")

#: The one table of tissues: every number of the signal that is not of the sequence.
TISSUES: dict[str, Tissue] = {
    "white": Tissue(
        _pd(0.70), _read(876.0, 27.0, _SMITH), _read(73.0, 6.0, _SMITH),
        Number(1.83, 1.6, 2.1, "um2/ms", "derived", _BOSMA), Number(0.48, 0.28, 0.6, "um2/ms", "derived", _BOSMA),
        _read(13.9, 2.3, _SMITH_MT, "%"),
    ),
    "grey": Tissue(
        _pd(0.82), _read(973.0, 33.0, _SMITH), _read(76.0, 3.0, _SMITH),
        Number(1.07, 0.9, 1.3, "um2/ms", "read", _RAT_GREY), Number(0.55, 0.45, 0.8, "um2/ms", "read", _RAT_GREY),
        _read(7.9, 1.5, _SMITH_MT, "%"),
    ),
    "csf": Tissue(
        _pd(1.00), _read(4309.0, 147.0, _FLUID), _read(1886.0, 68.0, _FLUID), _FREE, _FREE, _bound(0.0)
    ),
    "cavity": Tissue(_pd(0.98), _ms(3500.0, 2500.0, 4500.0), _ms(1000.0, 500.0, 2000.0), _FREE, _FREE, _bound(0.0)),
    "oedema": Tissue(
        _pd(0.85), _ms(1300.0, 1000.0, 2000.0), _ms(110.0, 85.0, 200.0),
        _diffusivity(1.6, 1.0, 2.5), _diffusivity(1.6, 1.0, 2.5), _bound(4.0),
    ),
    "scar": Tissue(
        _pd(0.78), _ms(1100.0, 900.0, 1500.0), _ms(85.0, 65.0, 120.0),
        _diffusivity(1.0, 0.6, 1.5), _diffusivity(1.0, 0.6, 1.5), _bound(7.9),
    ),
    "graft": Tissue(
        _pd(0.82), _ms(1200.0, 900.0, 1600.0), _ms(95.0, 70.0, 130.0),
        _diffusivity(0.9, 0.6, 1.5), _diffusivity(0.9, 0.6, 1.5), _bound(7.9),
    ),
    # What it gives depends on the age of the blood; off unless a rendering asks for it.
    "blood": Tissue(
        _pd(0.80), _ms(1000.0, 500.0, 1500.0), _ms(35.0, 15.0, 120.0),
        _diffusivity(0.8, 0.4, 1.5), _diffusivity(0.8, 0.4, 1.5), _bound(7.9),
    ),
}  # fmt: skip
#: Myelin water of healthy white matter; standard error 0.01, human cord at 3 T.
MYELIN_WATER = Number(0.29, 0.27, 0.31, "1", "read", "thesis, UBC, C4-C6 at 3 T, abstract; range +- 2 SE")


@dataclass(frozen=True)
class Sequence:
    """A spin echo: repetition and echo time, ms."""

    name: str
    tr_ms: float
    te_ms: float

    def signal(self, tissue: Tissue) -> float:
        """Return the signal of a voxel full of one tissue."""
        recovered = 1.0 - np.exp(-self.tr_ms / tissue.t1.value)
        return float(tissue.pd.value * recovered * np.exp(-self.te_ms / tissue.t2.value))


#: Presets of the sequence: a T2-weighted turbo spin echo at 3 T, its echo train taken as one echo.
SEQUENCES: dict[str, Sequence] = {"t2w_tse_3t": Sequence("t2w_tse_3t", 3500.0, 100.0)}
T2W = SEQUENCES["t2w_tse_3t"]


@dataclass(frozen=True)
class Calibration:
    """The line ``MTR = a + b x bound share`` (both %), which depends on the protocol: from the user's own controls."""

    a: float
    b: float


def contrast_of(
    contrast: str,
    fractions: Mapping[str, Array],
    sequence: Sequence = T2W,
    mtr: Calibration | None = None,
) -> Floats:
    """Return an image from the fractions of its voxels.

    Parameters
    ----------
    contrast : {"t2w", "fa", "md", "mwf", "mtr"}
    fractions : mapping
        ``frac_*`` of `TISSUES`, and ``white_order`` (white matter times order parameter P) and ``myelin`` where they
        are needed, arrays of one shape; what is missing is absent, order is 1, myelin is white matter.
    sequence : Sequence
        For t2w.
    mtr : Calibration
        For mtr; there is no default.

    Returns
    -------
    float64 of the same shape
        Unit as in `CONTRASTS`; 0 where a voxel holds no water.

    Raises
    ------
    BadInput
        If the contrast is unknown, or mtr has no calibration.
    """
    if contrast not in CONTRASTS:
        raise BadInput(
            Problem("no such contrast", key="--contrast", value=contrast, allowed=", ".join(CONTRASTS))
        )
    if contrast == "t2w":
        return _sum(fractions, {name: sequence.signal(tissue) for name, tissue in TISSUES.items()})
    if contrast in ("fa", "md"):
        axial, radial = tensor(fractions)
        if contrast == "md":
            return 1e-3 * (axial + 2.0 * radial) / 3.0
        return anisotropy(axial, radial)
    if contrast == "mwf":
        return _per_water(MYELIN_WATER.value * TISSUES["white"].pd.value * _myelin(fractions), fractions)
    if mtr is None:
        raise BadInput(
            Problem(
                "MTR depends on the protocol: give the line from the bound share to your MTR",
                key="--mtr",
                value="none",
                allowed="a,b of MTR = a + b x bound share, both in %, calibrated on your controls",
            )
        )
    bound = _sum(fractions, {name: tissue.bound.value for name, tissue in TISSUES.items()})
    # White matter without its myelin binds as grey matter does.
    lost = np.asarray(fractions["frac_white"], dtype=np.float64) - _myelin(fractions)
    bound = bound - lost * (TISSUES["white"].bound.value - TISSUES["grey"].bound.value)
    filled = _sum(fractions, dict.fromkeys(TISSUES, 1.0))
    return np.asarray(mtr.a * filled + mtr.b * bound)


def tensor(fractions: Mapping[str, Array]) -> tuple[Floats, Floats]:
    """Return the diffusivity along and across the cord of the mixed tensor, um2/ms; cylindrical about the cord.

    Axons that stray turn white matter's tensor into ``l1' = MD + 2/3 P (l1 - l2)``, ``l2' = MD - 1/3 P (l1 - l2)``.
    """
    axial = _sum(fractions, {name: tissue.pd.value * tissue.axial.value for name, tissue in TISSUES.items()})
    radial = _sum(
        fractions, {name: tissue.pd.value * tissue.radial.value for name, tissue in TISSUES.items()}
    )
    white = TISSUES["white"]
    share = np.asarray(fractions.get("frac_white", 0.0), dtype=np.float64)
    disorder = share - np.asarray(fractions.get("white_order", share), dtype=np.float64)
    lost = white.pd.value * (white.axial.value - white.radial.value) * disorder
    return _per_water(axial - 2.0 / 3.0 * lost, fractions), _per_water(radial + lost / 3.0, fractions)


def anisotropy(axial: Floats, radial: Floats) -> Floats:
    """Return the fractional anisotropy of a cylindrical tensor."""
    size = np.sqrt(axial**2 + 2.0 * radial**2)
    return np.abs(np.divide(axial - radial, size, out=np.zeros_like(size), where=size > 0.0))


def _sum(fractions: Mapping[str, Array], weight: Mapping[str, float]) -> Floats:
    """Return the sum of fractions times weights; fractions that are missing are absent."""
    parts = [
        weight[name] * np.asarray(fractions[f"frac_{name}"], dtype=np.float64)
        for name in TISSUES
        if f"frac_{name}" in fractions
    ]
    return np.asarray(np.sum(parts, axis=0))


def _per_water(amount: Floats, fractions: Mapping[str, Array]) -> Floats:
    water = _sum(fractions, {name: tissue.pd.value for name, tissue in TISSUES.items()})
    return np.divide(amount, water, out=np.zeros_like(water), where=water > 1e-9)


def _myelin(fractions: Mapping[str, Array]) -> Floats:
    return np.asarray(fractions["myelin" if "myelin" in fractions else "frac_white"], dtype=np.float64)
