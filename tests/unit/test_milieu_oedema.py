"""Oedema grows for two days, fades in three weeks, spills along the cord and takes no tissue with it."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.contract import ArraySpec, Key
from cordgraft.processes.oedema import Oedema
from cordgraft.state.tissue import Tissue
from tests.support import make_tissue

RUPTURED = ArraySpec("density.ruptured", "1", "share of the rupture that is over")
IMPACT = ArraySpec("map.severity", "1", "local severity")


def hurt(severity: float = 1.0, reach: int = 4, **params: float) -> tuple[Tissue, Oedema]:
    process = Oedema(Oedema.Params(**params))
    extra = [RUPTURED] + ([] if "map.severity" in make_tissue() else [IMPACT])
    tissue = make_tissue([process], (1, 8, 200), extra=extra)
    tissue["map.severity"][..., 100 - reach : 100 + reach] = severity
    tissue["density.ruptured"][...] = tissue["map.severity"] > 0.0
    return tissue, process


def course(tissue: Tissue, process: Oedema, days: int) -> np.ndarray:
    """Return the fluid after every hour : (hours,)."""
    found = []
    for tick in range(24 * days):
        process.step(tissue, Key(1, tick, 1.0))
        found.append(tissue["density.oedema"].sum())
    return np.array(found)


def test_it_peaks_at_two_days_and_is_gone_in_three_weeks() -> None:
    """f L0 (e^-t/tau_l - e^-t/tau_E)/(1/tau_E - 1/tau_l), as long as there is room."""
    tissue, process = hurt(flow=0.1)
    fluid = course(tissue, process, 21)
    t = np.arange(1, fluid.size + 1) / 24.0
    share = 1.0 / (1.0 + 0.6**4)
    exact = 8 * 8 * 0.1 * share * (np.exp(-t / 0.83) - np.exp(-t / 7.0)) / (1.0 / 7.0 - 1.0 / 0.83)
    np.testing.assert_allclose(fluid, exact, rtol=1e-12)
    assert t[np.argmax(fluid)] == pytest.approx(2.0, abs=0.1)
    assert fluid[-1] / fluid.max() == pytest.approx(0.07, abs=0.02)


def test_what_exceeds_the_sheath_spills_along_the_cord_and_nothing_is_lost_on_the_way() -> None:
    roomy, free = hurt(most=0.9, reach=2, flow=1.0)
    tight, bound = hurt(most=0.1, reach=2, flow=1.0)
    one, two = course(roomy, free, 2), course(tight, bound, 2)
    np.testing.assert_allclose(one, two, rtol=1e-9)
    swollen = tight["density.oedema"] > 0.05
    assert tight["density.oedema"].max() <= 0.1 + 1e-12
    assert swollen.any(axis=(0, 1)).sum() > 3 * (roomy["density.oedema"] > 0.05).any(axis=(0, 1)).sum()
    layers = np.flatnonzero(swollen.any(axis=(0, 1)))
    assert layers[0] + layers[-1] == pytest.approx(2 * 100 - 1, abs=1)
    assert (tight["density.oedema"].sum(axis=2)[0] > 0).all(), "it spreads along the cord, not across it"


def test_worse_injuries_swell_further() -> None:
    lengths = []
    for severity in (0.3, 0.6, 1.0):
        tissue, process = hurt(severity)
        course(tissue, process, 2)
        lengths.append(int((tissue["density.oedema"] > 0.1).any(axis=(0, 1)).sum()))
    assert lengths[0] < lengths[1] < lengths[2]


def test_it_is_no_tissue_and_ends_at_the_cord() -> None:
    tissue, process = hurt(reach=60, most=0.05)
    tissue["map.cord"][:, 0] = 0
    before = tissue.snapshot()
    course(tissue, process, 3)
    assert tissue.changed(before, process.writes) == []
    assert not tissue["density.oedema"][:, 0].any()
