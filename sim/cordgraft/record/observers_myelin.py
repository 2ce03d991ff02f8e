"""Outcomes of the sheaths of spared host fibres; only of a run in which myelin acts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.optional_series import SHEATHS
from cordgraft.core.schema import HOST_TRACTS
from cordgraft.record.outcome import Numbers, Outcome, number, numbers
from cordgraft.record.scene import Scene, total_of
from cordgraft.state.axons import DESCENDING, LIVE_STATES, TRACT_NAMES
from cordgraft.state.sheaths import Sheath

Mask = NDArray[np.bool_]
#: States of a sheath in the words of the schema.
_STATE_OF: dict[str, Sheath] = {
    "myelinated": Sheath.MYELINATED,
    "blocked": Sheath.BLOCKED,
    "bare": Sheath.BARE,
    "remyelinated": Sheath.NEW,
}
_TRACT_OF = {name: tract for tract, name in TRACT_NAMES.items()}


def _spared(scene: Scene) -> Mask:
    """Return which rows are host fibres that pass the injury unbroken and not swollen."""
    fibres = scene.tissue.fibres
    return np.asarray((fibres["origin"] == 0) & np.isin(fibres["state"], LIVE_STATES))


def _share(scene: Scene, part: Mask, whole: Mask) -> float:
    weight = scene.tissue.fibres["weight"]
    total = total_of(weight[whole])
    return total_of(weight[part & whole]) / total if total > 0.0 else math.nan


@numbers(*(f"axons_descending_{word}" for word in SHEATHS))
def sheaths(scene: Scene) -> Numbers:
    """Shares of spared descending fibres by the state of their sheath, 1; they sum to one."""
    fibres = scene.tissue.fibres
    followed = _spared(scene) & np.isin(fibres["tract"], DESCENDING) & (fibres["sheath"] != Sheath.NONE)
    return [_share(scene, fibres["sheath"] == _STATE_OF[word], followed) for word in SHEATHS]


@numbers(*(f"axons_{tract}_latency" for tract in HOST_TRACTS))
def latencies(scene: Scene) -> Numbers:
    """Mean time through the injured stretch of what each host tract conducts, 1 with intact sheaths.

    Over fibres that conduct, spared or regrown, by represented axons times the share of signals that the fibre passes
    on. Slowed fibres are in it as they are, not the first that arrive.
    """
    fibres = scene.tissue.fibres
    open_share = np.where(fibres["regrown_sheath"] != Sheath.NONE, 1.0, fibres["conducting"])
    passed = fibres["weight"] * open_share * fibres["transmission"]
    found = []
    for name in HOST_TRACTS:
        rows = (fibres["tract"] == _TRACT_OF[name]) & (fibres["origin"] == 0)
        total = total_of(passed[rows])
        late = total_of((passed * fibres["latency"])[rows])
        found.append(late / total if total > 0.0 else math.nan)
    return found


def _sheathed(scene: Scene) -> Mask:
    kinds = scene.tissue.fibres["sheath"]
    return _spared(scene) & np.isin(kinds, (Sheath.MYELINATED, Sheath.NEW))


@number("axons_new_sheath_fraction")
def new_sheaths(scene: Scene) -> float:
    """Share of the myelinated spared fibres that carry a sheath made since the injury, 1; all tracts."""
    return _share(scene, scene.tissue.fibres["sheath"] == Sheath.NEW, _sheathed(scene))


@number("axons_g_ratio")
def g_ratio(scene: Scene) -> float:
    """Mean g-ratio of the spared fibres that have a sheath, 1; all tracts, weighted by represented axons."""
    fibres, rows = scene.tissue.fibres, _sheathed(scene)
    total = total_of(fibres["weight"][rows])
    return total_of((fibres["weight"] * fibres["g_ratio"])[rows]) / total if total > 0.0 else math.nan


#: What is measured only where the state holds an array: its name -> the outcomes.
OPTIONAL_OUTCOMES: dict[str, tuple[Outcome, ...]] = {
    "fibre.sheath": (sheaths, latencies, new_sheaths, g_ratio)
}
