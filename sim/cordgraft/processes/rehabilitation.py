"""Rehabilitation: training that drives the circuits which are left, and makes them adapt faster while it lasts.

It multiplies the rate of plasticity (see `function_index`)::

    rate -> rate x (1 + R a),    1 - a = product of (1 - strength)

over the courses that are given at the time, with ``a`` the training in force, 1 the most that can be done, and ``R``
`plasticity_rehabilitation`. It moves no limit: a window that is shut, or plasticity that has come to its limit, leaves
it nothing to do, and what was gained stays when training ends. Where plasticity lies above a limit that has come down
(a block of inhibitors that has ended, a graft that was lost), training hastens its fall to it.

Sources: strength, day and duration are assumed; which of them a given training has is for the user to say.

Left out: which task is trained and that tasks compete; that too much of it too early does harm; what activity does to
axon growth, to myelin, to nets and to the motor neurons, muscles and bones below the lesion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses
from cordgraft.state.axon_treatments import REHABILITATION, REHABILITATION_NAME, REHABILITATION_SPECS


class Rehabilitation(Process):
    """Gives one training over one span of time."""

    name = "rehabilitation"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "rehabilitation"
    provides = Provision(arrays=REHABILITATION_SPECS)
    writes = (REHABILITATION_NAME,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When and how hard."""

        at: float = quantity(
            24.0 * 7,
            "h",
            "time of the first training after the injury",
            bounds=(0.0, 87660.0),
            evidence="assumed",
        )
        duration: float = quantity(
            24.0 * 56, "h", "how long training goes on", bounds=(0.25, 876600.0), evidence="assumed"
        )
        strength: float = quantity(
            0.5,
            "1",
            "how hard the training is, 1 the most that can be done; 0 changes nothing",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

    def prepare(self, tissue: Any) -> None:
        """Take a place among the trainings."""
        courses.enrol(tissue, REHABILITATION, self.label, self.params)

    def step(self, tissue: Any, key: Key) -> None:
        """Begin or end."""
        courses.put_in_force(tissue, REHABILITATION, key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that training begins or ends at this tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        if tick == first:
            return (
                f"rehabilitation begins: {100.0 * p.strength:g} % of the most for {time_in_words(p.duration)}"
            )
        return "rehabilitation ends" if tick == last else ""
