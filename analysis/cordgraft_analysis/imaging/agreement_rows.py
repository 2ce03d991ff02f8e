"""Rows of tables that say how far two sets agree."""

from __future__ import annotations

import numpy as np

from cordgraft_analysis.imaging.agreement import Agreement, Mean
from cordgraft_analysis.imaging.lesion_table import Row


def agreement_row(measure: str, one: Agreement) -> Row:
    """Return a Bland-Altman analysis as a row; values in the unit of the measure, None where not defined."""
    return {
        "measure": measure,
        "pairs": one.n,
        "mean_difference": known(one.mean),
        "sd_of_differences": known(one.sd),
        "limit_low": known(one.low),
        "limit_high": known(one.high),
    }


def mean_row(one: Mean, prefix: str = "") -> Row:
    """Return a mean as cells whose names begin with `prefix`; None where not defined."""
    return {
        f"{prefix}n": one.n,
        f"{prefix}mean": known(one.mean),
        f"{prefix}sd": known(one.sd),
        f"{prefix}least": known(one.least),
        f"{prefix}most": known(one.most),
        f"{prefix}ci95_low": known(one.low),
        f"{prefix}ci95_high": known(one.high),
    }


def known(value: float) -> float | None:
    """Return a number, or None where it is not defined."""
    return float(value) if np.isfinite(value) else None
