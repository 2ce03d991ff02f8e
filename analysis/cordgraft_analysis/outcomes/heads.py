"""What the figures of axons share: their width, and a head that says which runs are shown."""

from __future__ import annotations

from collections.abc import Sequence

from cordgraft_analysis import palette, words
from cordgraft_analysis.outcomes.gathering import Gathered
from cordgraft_analysis.sheet import Sheet

WIDTH_IN = 9.6
#: Characters of a footnote at this width.
NOTE_WIDTH = 160
#: A line of the head, and the colour of the arm that it begins; empty where it goes on or colours mean no arms.
Line = tuple[str, str]


def head(sheet: Sheet, title: str, lines: Sequence[Line]) -> None:
    """Write the title, and lines that say which runs are shown, with the colours of the arms."""
    sheet.text(0.12, 0.14, title, fontsize=12, fontweight="bold", va="top", ha="left")
    sheet.down(0.5)
    left = 0.36 if any(colour for _, colour in lines) else 0.12
    for line, colour in lines:
        if colour:
            sheet.mark(0.21, sheet.line, "_", colour)
        sheet.text(left, sheet.line, line, fontsize=8.2, va="center", ha="left", color="#333333")
        sheet.down(0.17)


def arm_lines(gathered: Gathered, coloured: bool = False) -> list[Line]:
    """Return what each arm is: title, seeds and treatments, with its colour if colours mean arms."""
    found: list[Line] = []
    for position, arm in enumerate(gathered.arms):
        seeds = [str(seed) for seed in arm.ensemble.seeds if seed is not None]
        plural = (
            f"{len(arm.subjects)} seeds" if len(arm.subjects) > 1 else f"seed {seeds[0] if seeds else '–'}"
        )
        given = "; ".join(words.marks_in_words(arm.first.marks)) or "no treatment"
        lines = words.wrapped([f"{arm.label}: {arm.first.title} ({plural}; {given})"], 128)
        colour = arm_colour(position) if coloured and len(gathered.arms) > 1 else ""
        found += [(lines[0], colour), *((line, "") for line in lines[1:])]
    return found


def arm_colour(position: int) -> str:
    """Return the colour of an arm."""
    return palette.CYCLE[position % len(palette.CYCLE)]
