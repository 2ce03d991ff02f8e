"""The pipeline: which process runs when, checked before the first step and printable as a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cordgraft.core.clock import Clock, whole_ticks
from cordgraft.core.contract import Key, Phase, Process, matches, period_clashes
from cordgraft.core.problems import BadInput, Problem
from cordgraft.core.streams import Stream
from cordgraft.processes import registry
from cordgraft.state.tissue import Tissue


class PlanError(BadInput):
    """The processes do not fit together; one problem per fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__([Problem(fault) for fault in faults])


@dataclass(frozen=True)
class Row:
    """One line of the plan: a process with its phase, period in ticks and declared effects."""

    process: Process
    phase: Phase
    period_ticks: int
    period_h: float

    def as_text(self) -> dict[str, str]:
        """Return the row as column -> text, for tables; what is read only where it is there stands in brackets."""
        kind = type(self.process)
        return {
            "phase": self.phase.name.lower(),
            "process": self.process.label,
            "every": f"{self.period_h:g} h",
            "reads": ", ".join((*kind.reads, *(f"({name})" for name in kind.optional_reads))),
            "writes": ", ".join(kind.writes),
            "deposits": ", ".join(kind.deposits),
            "streams": ", ".join(stream.name.lower() for stream in kind.streams),
        }


class Pipeline:
    """The processes of a run in the order of their phases.

    Parameters
    ----------
    processes : sequence of Process
        In the order of the registry.
    clock : Clock
    periods_h : dict
        Process label -> period in hours where the scenario changes it.
    resting : sequence of Process
        Switched off: their arrays are prepared and then left alone.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        clock: Clock,
        periods_h: dict[str, float] | None = None,
        resting: Sequence[Process] = (),
    ) -> None:
        self.clock = clock
        self.resting: tuple[Process, ...] = tuple(resting)
        faults: list[str] = []
        rows: list[Row] = []
        for process in processes:
            period_h = (periods_h or {}).get(process.label, process.period_h)
            try:
                ticks = whole_ticks(period_h, clock.tick_h)
                if ticks < 1:
                    raise ValueError(f"{period_h:g} h is shorter than a tick of {clock.tick_h:g} h")
            except ValueError as error:
                faults.append(f"{process.label}: period {error}")
                continue
            # an instance knows the period that it really has
            process.period_h = period_h  # type: ignore[misc]
            rows.append(Row(process, process.phase, ticks, period_h))
        #: Stable sort: within a phase the order of the registry stays.
        self.rows: list[Row] = sorted(rows, key=lambda row: row.phase)
        if faults:
            raise PlanError(faults)

    def check(self, tissue: Tissue) -> None:
        """Refuse a set of processes that cannot work together.

        Raises
        ------
        PlanError
            For a read or deposit that nobody provides, an optional read that no mechanism could provide or that is
            no option, two writers of one array in a phase, a parameter without unit or tag, a stream that two
            processes draw from, or a deposit whose period does not fit that of the process that consumes it.
        """
        faults: list[str] = []
        writers: dict[tuple[Phase, str], str] = {}
        owners: dict[Stream, str] = {}
        seen: set[type[Process]] = set()
        for row in self.rows:
            kind = type(row.process)
            if kind in seen:
                continue  # several instances of one treatment share their declarations
            seen.add(kind)
            for verb in ("reads", "writes", "deposits"):
                for name in getattr(kind, verb):
                    if not _provided(tissue, name):
                        faults.append(f"{kind.name} {verb} {name}, which no active process provides")
            for name in kind.optional_reads:
                if matches(kind.reads, name):
                    faults.append(f"{kind.name} reads {name}, and also only where it is there")
                elif not _provided(tissue, name) and name not in _providable():
                    faults.append(f"{kind.name} reads {name} where it is there, but no mechanism provides it")
            for name in _expand(tissue, kind.writes):
                other = writers.setdefault((row.phase, name), kind.name)
                if other != kind.name:
                    faults.append(
                        f"{kind.name} and {other} both write {name} in phase {row.phase.name.lower()}"
                    )
            for stream in kind.streams:
                other = owners.setdefault(stream, kind.name)
                if other != kind.name:
                    faults.append(f"{kind.name} and {other} both draw from stream {stream.name}")
            for name, spec in kind.Params.specs().items():
                faults.extend(spec.faults(f"{kind.name}.{name}"))
        periods = {row.process.label: row.period_ticks for row in self.rows}
        for clash in period_clashes({row.process.label: type(row.process) for row in self.rows}, periods):
            here, there = (self.clock.hours(periods[label]) for label in clash[:2])
            faults.append(f"{clash.sentence} (found {here:g} h and {there:g} h)")
        if faults:
            raise PlanError(faults)

    def prepare(self, tissue: Tissue) -> None:
        """Let every process set up its static maps and field coefficients; those that plan with them come last."""
        everyone = (*self.resting, *(row.process for row in self.rows))
        for process in sorted(everyone, key=lambda process: process.prepared_last):
            process.prepare(tissue)

    def step(self, tissue: Tissue, tick: int) -> None:
        """Run every row that is due at `tick`."""
        for row in self.rows:
            if tick % row.period_ticks == 0:
                row.process.step(tissue, Key(tissue.setting.seed, tick, row.period_h))

    def table(self) -> list[dict[str, str]]:
        """Return the plan as rows of text; what is switched off, but leaves arrays at rest, comes last."""
        rows = [row.as_text() for row in self.rows]
        for process in self.resting:
            off = {"phase": process.phase.name.lower(), "process": process.label, "every": "off"}
            rows.append({**dict.fromkeys(rows[0], ""), **off})
        return rows


def _provided(tissue: Tissue, name: str) -> bool:
    if name.endswith(".*"):
        return any(known.startswith(name[:-1]) for known in tissue.names())
    return name in tissue


@cache
def _providable() -> frozenset[str]:
    """Return the arrays that a mechanism brings into the state, be it in this run or not."""
    return frozenset(spec.name for kind in registry().values() for spec in kind.provides.arrays)


def _expand(tissue: Tissue, declared: tuple[str, ...]) -> list[str]:
    return [name for name in tissue.names() if matches(declared, name)]
