"""Integer time: a tick is the only thing that advances; hours and days are derived from it."""

from __future__ import annotations

from dataclasses import dataclass

HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class Clock:
    """A run of `ticks` steps of `tick_h` hours; tick 0 is the minute of injury.

    Parameters
    ----------
    tick_h : float
        Length of a tick, hours.
    ticks : int
        Number of ticks in the run.
    """

    tick_h: float
    ticks: int

    def __post_init__(self) -> None:
        if not self.tick_h > 0.0:
            raise ValueError(f"a tick must last longer than nothing, not {self.tick_h} h")
        if self.ticks < 0:
            raise ValueError(f"a run cannot have {self.ticks} ticks")

    @classmethod
    def for_duration(cls, duration_h: float, tick_h: float) -> Clock:
        """Return the clock that covers `duration_h` hours; the duration must be whole ticks."""
        return cls(tick_h, whole_ticks(duration_h, tick_h))

    @property
    def duration_h(self) -> float:
        """Length of the run, hours."""
        return self.ticks * self.tick_h

    def hours(self, tick: int) -> float:
        """Return the time of `tick` in hours after injury."""
        return tick * self.tick_h

    def days(self, tick: int) -> float:
        """Return the time of `tick` in days after injury."""
        return tick * self.tick_h / HOURS_PER_DAY

    def tick_at(self, hours: float) -> int:
        """Return the tick nearest to `hours` after injury."""
        return int(hours / self.tick_h + 0.5)

    def last_of(self, period_ticks: int, tick: int) -> bool:
        """Whether something with this period falls due at `tick`."""
        return tick % period_ticks == 0


def whole_ticks(hours: float, tick_h: float) -> int:
    """Return `hours` as a whole number of ticks.

    Raises
    ------
    ValueError
        If it is none, to one part in a million: a period that drifts against the tick would make results
        depend on rounding.
    """
    ticks = round(hours / tick_h)
    if abs(ticks * tick_h - hours) > 1e-6 * max(abs(hours), tick_h):
        raise ValueError(f"{hours:g} h is not a whole number of ticks of {tick_h:g} h")
    return int(ticks)
