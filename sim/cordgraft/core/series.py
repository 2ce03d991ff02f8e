"""One series of a run: its unit, what it means and when it is missing, as attributes of the dataset; words of names."""

from __future__ import annotations

from dataclasses import dataclass

#: What a number counts, where CF wants the unit ``1``.
COUNTS = "counts"
#: The process that a value comes from.
SOURCE = "source"
#: Units that CF does not know: counts of things.
COUNTED: tuple[str, ...] = ("cells", "axons", "synapses", "tick")
#: Tracts of the host in words of names; the first three descend.
HOST_TRACTS: tuple[str, ...] = (
    "corticospinal",
    "reticulospinal",
    "propriospinal",
    "gracile",
    "spinothalamic",
)


@dataclass(frozen=True)
class SeriesSpec:
    """One variable of ``/series``.

    Parameters
    ----------
    name, unit, long_name : str
        The unit is the one of the column; counts say what they count (``cells``), see `cf_unit`.
    source : str
        Process or processes that the value comes from.
    missing : str
        When the value is NaN, in words; empty where it always has a meaning.
    definition : str
        What exactly is computed, where the long name does not say it all.
    """

    name: str
    unit: str
    long_name: str
    source: str
    missing: str = ""
    definition: str = ""

    def attributes(self) -> dict[str, str]:
        """Return the CF attributes."""
        found = {**cf_unit(self.unit), "long_name": self.long_name, SOURCE: self.source}
        comment = ". ".join(
            part for part in (self.definition, self.missing and f"NaN: {self.missing}") if part
        )
        return {**found, "comment": comment} if comment else found


def cf_unit(unit: str) -> dict[str, str]:
    """Return the attributes that state a unit: ``units`` in CF's terms and, for counts, what is counted."""
    return {"units": "1", COUNTS: unit} if unit in COUNTED else {"units": unit}
