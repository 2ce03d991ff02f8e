"""Courses of drugs: from which tick to which one is given, and what several of them leave together."""

from __future__ import annotations

from typing import Any


def span(tissue: Any, at_h: float, duration_h: float) -> tuple[int, int]:
    """Return the first tick under a drug and the first one without it again; hours after the injury."""
    first = int(tissue.clock.tick_at(at_h))
    return first, max(first + 1, int(tissue.clock.tick_at(at_h + duration_h)))


def begin(tissue: Any, scalar: str, strength: float) -> None:
    """Let one more drug take the share `strength` of what the others leave: ``1 - i = product of (1 - strength)``."""
    left = 1.0 - tissue.scalar(scalar)
    tissue.set_scalar(scalar, 1.0 - left * (1.0 - strength))


def end(tissue: Any, scalar: str, strength: float) -> None:
    """Give back what `begin` took; rounded, so that several drugs end at nothing again."""
    left = 1.0 - tissue.scalar(scalar)
    tissue.set_scalar(scalar, max(0.0, round(1.0 - left / (1.0 - strength), 12)))
