"""Healthy cord areas and diameters by vertebral level, for z-scores and normalised compression.

Numbers: means and standard deviations over 203 healthy adults (98 women, 105 men), 3 T T2-weighted scans, one mean for
each person and level. Computed from PAM50-normalized-metrics (MIT licence, (c) 2023 PAM50-normalized-metrics);
cite Valosek, Bedard et al., Imaging Neuroscience 2024, doi 10.1162/imag_a_00075.

The PAM50 *template* is 5 to 10 % smaller than people and is never the norm here. Below T3 few people were covered, at
the edge of the image, and their areas are biased low; these levels are flagged.
"""

from __future__ import annotations

from dataclasses import dataclass

from cordgraft.core.problems import BadInput, Problem

SOURCE = "Valosek, Bedard et al., Imaging Neuroscience 2024, doi 10.1162/imag_a_00075 (data: MIT, 2023)"


@dataclass(frozen=True)
class Norm:
    """Healthy values of one level.

    Parameters
    ----------
    level : int
        1 is C1, 8 is T1.
    people : int
    area, area_sd : float, mm2
    ap, ap_sd : float, mm
        A-P diameter.
    rl, rl_sd : float, mm
        R-L diameter.
    """

    level: int
    people: int
    area: float
    area_sd: float
    ap: float
    ap_sd: float
    rl: float
    rl_sd: float

    @property
    def biased_low(self) -> bool:
        """Tell whether the level lay at the edge of the images, T4 and below."""
        return self.level >= FIRST_BIASED_LEVEL


FIRST_BIASED_LEVEL = 11

#: By sex (None: both together) and level.
NORMS: dict[str | None, dict[int, Norm]] = {
    None: {
        1: Norm(1, 203, 73.96, 7.33, 8.27, 0.55, 11.36, 0.71),
        2: Norm(2, 203, 71.65, 6.88, 7.76, 0.53, 11.73, 0.71),
        3: Norm(3, 203, 72.47, 7.12, 7.59, 0.51, 12.14, 0.75),
        4: Norm(4, 203, 77.35, 7.54, 7.62, 0.49, 12.93, 0.81),
        5: Norm(5, 203, 76.38, 7.74, 7.47, 0.51, 13.03, 0.82),
        6: Norm(6, 203, 69.13, 7.79, 7.07, 0.50, 12.44, 0.83),
        7: Norm(7, 203, 56.76, 7.23, 6.56, 0.45, 10.94, 0.90),
        8: Norm(8, 203, 46.84, 5.47, 6.29, 0.43, 9.41, 0.67),
        9: Norm(9, 201, 41.83, 5.19, 6.07, 0.45, 8.69, 0.63),
        10: Norm(10, 198, 37.85, 5.20, 5.80, 0.47, 8.20, 0.67),
        11: Norm(11, 123, 34.25, 5.54, 5.55, 0.58, 7.73, 0.75),
        12: Norm(12, 27, 29.56, 6.42, 5.12, 0.66, 7.16, 0.91),
    },
    "F": {
        1: Norm(1, 98, 71.10, 6.24, 8.12, 0.52, 11.11, 0.59),
        2: Norm(2, 98, 69.05, 6.03, 7.60, 0.49, 11.54, 0.64),
        3: Norm(3, 98, 70.21, 6.31, 7.45, 0.48, 11.99, 0.69),
        4: Norm(4, 98, 75.52, 6.78, 7.51, 0.48, 12.80, 0.70),
        5: Norm(5, 98, 74.51, 6.91, 7.37, 0.49, 12.88, 0.74),
        6: Norm(6, 98, 67.23, 6.90, 6.99, 0.49, 12.23, 0.75),
        7: Norm(7, 98, 54.82, 6.47, 6.49, 0.45, 10.70, 0.80),
        8: Norm(8, 98, 45.23, 4.45, 6.19, 0.40, 9.23, 0.57),
        9: Norm(9, 97, 40.29, 4.16, 5.95, 0.40, 8.54, 0.55),
        10: Norm(10, 96, 36.99, 4.28, 5.75, 0.43, 8.11, 0.56),
        11: Norm(11, 89, 33.81, 5.70, 5.52, 0.61, 7.67, 0.77),
        12: Norm(12, 23, 29.12, 6.80, 5.09, 0.71, 7.08, 0.94),
    },
    "M": {
        1: Norm(1, 105, 76.63, 7.28, 8.40, 0.55, 11.58, 0.73),
        2: Norm(2, 105, 74.08, 6.76, 7.90, 0.51, 11.91, 0.72),
        3: Norm(3, 105, 74.59, 7.22, 7.73, 0.50, 12.28, 0.78),
        4: Norm(4, 105, 79.05, 7.83, 7.72, 0.48, 13.05, 0.90),
        5: Norm(5, 105, 78.13, 8.10, 7.56, 0.51, 13.16, 0.87),
        6: Norm(6, 105, 70.90, 8.18, 7.14, 0.50, 12.63, 0.86),
        7: Norm(7, 105, 58.56, 7.46, 6.63, 0.43, 11.17, 0.93),
        8: Norm(8, 105, 48.34, 5.91, 6.38, 0.44, 9.57, 0.72),
        9: Norm(9, 104, 43.25, 5.65, 6.17, 0.48, 8.83, 0.67),
        10: Norm(10, 102, 38.67, 5.83, 5.86, 0.50, 8.29, 0.75),
        11: Norm(11, 34, 35.38, 5.01, 5.64, 0.50, 7.89, 0.67),
    },
}


def norm_of(level: int, sex: str | None = None) -> Norm:
    """Return the healthy values of a vertebral level.

    Parameters
    ----------
    level : int
        1 is C1, 8 is T1, 12 is T5, the last that is known.
    sex : {"F", "M"}, optional
        Both together unless given.

    Raises
    ------
    BadInput
        If there are no values for the level or the sex.
    """
    if sex is not None and sex not in NORMS:
        raise BadInput(
            Problem("no healthy values for this sex", key="sex", value=repr(sex), allowed="F, M, or none")
        )
    known = NORMS[sex]
    if level not in known:
        raise BadInput(
            Problem(
                "no healthy values for this vertebral level",
                key="level",
                value=str(level),
                allowed="1 (C1) to 12 (T5)",
            )
        )
    return known[level]


def zscore(csa: float, level: int, sex: str | None = None) -> float:
    """Return how many standard deviations a cord area lies above (below: negative) that of healthy adults.

    Parameters
    ----------
    csa : float, mm2
        Mean area of the level, corrected for the angle of the cord.
    level : int
        1 is C1, 8 is T1. At T4 and T5 the norm is biased low (`Norm.biased_low`), so z is biased high.
    sex : {"F", "M"}, optional

    Raises
    ------
    BadInput
        If there are no values for the level or the sex.
    """
    norm = norm_of(level, sex)
    return (csa - norm.area) / norm.area_sd


def atrophy_percent(csa: float, reference: float) -> float:
    """Return the share of a reference area (baseline, or the norm) that is lost, %; negative for a gain.

    Parameters
    ----------
    csa, reference : float, mm2

    Raises
    ------
    BadInput
        If the reference is not positive.
    """
    if not reference > 0.0:
        raise BadInput(
            Problem("the reference area is not positive", key="reference", value=f"{reference:g} mm2")
        )
    return 100.0 * (reference - csa) / reference
