"""Numbers that may change only on purpose: see ``tools/update_pins.py``."""

from __future__ import annotations

import json

import pytest

from tests.regression.pinned import PINS, SCENARIOS, fingerprint, machine


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_numbers_are_as_pinned(name: str) -> None:
    pins = json.loads(PINS.read_text(encoding="utf-8"))
    assert set(pins["scenarios"]) == set(SCENARIOS)
    other = {
        key: (value, machine()[key]) for key, value in pins["machine"].items() if machine()[key] != value
    }
    if other:
        pytest.skip(f"the pins were made on another kind of machine: {other}")
    found = fingerprint(name)
    pinned = pins["scenarios"][name]
    assert found["values"] == pinned["values"], "on purpose? then: python tools/update_pins.py --reason '...'"
    assert found["sha256"] == pinned["sha256"], "on purpose? then: python tools/update_pins.py --reason '...'"


def test_every_change_of_the_pins_has_a_reason() -> None:
    history = json.loads(PINS.read_text(encoding="utf-8"))["history"]
    assert history
    for entry in history:
        assert len(entry["reason"]) >= 20
        assert entry["date"]
