"""The contract between a mechanism and the rest: arrays with specs, phases, and the `Process` base class.

A process says what it provides, reads, writes and deposits. The pipeline checks the promises before the first
step, the generic tests hold every process to them, and the data dictionary is printed from them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Literal, NamedTuple

from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.streams import Stream


class Phase(IntEnum):
    """Order within a tick; fixed and named."""

    TREAT = 0  # scheduled: injury, treatments, examinations
    MILIEU = 1  # host immune cells, debris, scar, vessels
    TRANSPORT = 2  # diffusion and decay of fields
    SENSE = 3  # what agents read off the fields; hazards are deposited here
    DECIDE = 4  # divisions, fates, directions
    ACT = 5  # moves, growth, births and deaths
    REMODEL = 6  # transfers between tissue fractions, bookkeeping, function
    RECORD = 7  # observers


class Key(NamedTuple):
    """What a kernel needs to draw random numbers and to know how long a step is.

    `seed` and `tick` are the key and part of the counter of the generator; `dt_h` is the length of the step of
    the process that receives the key, hours.
    """

    seed: int
    tick: int
    dt_h: float


@dataclass(frozen=True)
class ArraySpec:
    """One named array of the state.

    Parameters
    ----------
    name : str
        ``group.name``: ``density.neutrophils``, ``map.cord``, ``scalar.motor_index``, ``cell.hazard``.
    unit : str
    meaning : str
        Long name, for people.
    dtype : str
    initial : float
        Value before the first step.
    bounds : (low, high) or None
        What the value may never leave; tests and the debug run check it.
    record : bool
        Whether maps of it are written at the recording days.
    """

    name: str
    unit: str
    meaning: str
    dtype: str = "float64"
    initial: float = 0.0
    bounds: tuple[float, float] | None = None
    record: bool = True
    source: str = ""

    @property
    def group(self) -> str:
        """First part of the name: field, density, fraction, map, scalar, or a table."""
        return self.name.split(".", 1)[0]

    @property
    def short(self) -> str:
        """Second part of the name."""
        return self.name.split(".", 1)[1]


@dataclass(frozen=True)
class FieldSpec(ArraySpec):
    """A diffusing or bound field; ``field.NAME`` holds the values, ``source.NAME`` what was deposited.

    A deposit is an amount per volume and hour; the transport step consumes it and clears the buffer. A rate holds
    for one step of the consumer, so who deposits needs its period: `period_clashes` says where it has another.

    Parameters
    ----------
    diffusivity_um2_s, decay_per_h : float
        Defaults; the owning process may replace them from its parameters when the tissue is built.
    origin : {"cells", "tissue"}
        What makes the field: single cells, steep round each of them, or tissue that varies smoothly. Says how coarse
        a lattice it bears.
    solver : {"diffusing", "bound", "steady"}
        ``diffusing``: the transport process advances it. ``bound``: it does not move, its process writes it.
        ``steady``: its process solves for the balance in each step.
    """

    diffusivity_um2_s: float = 0.0
    decay_per_h: float = 0.0
    origin: Literal["cells", "tissue"] = "cells"
    solver: Literal["diffusing", "bound", "steady"] = "diffusing"


@dataclass(frozen=True)
class TransferSpec:
    """A permitted flow between two tissue fractions, for example white to cavity.

    Processes deposit into ``transfer.SOURCE>TARGET`` (fraction per step); one applier moves the tissue, scaled
    down where more is asked for than is there, so that the fractions sum to one at all times. It has to run in
    every tick in which a mechanism asks: a request that waits would be made again from the same tissue.
    """

    source: str
    target: str

    @property
    def name(self) -> str:
        """Address of the deposit buffer."""
        return f"transfer.{self.source}>{self.target}"


@dataclass(frozen=True)
class Provision:
    """What a process brings into the state: arrays, table columns and transfers."""

    arrays: tuple[ArraySpec, ...] = ()
    transfers: tuple[TransferSpec, ...] = ()


class Process(ABC):
    """One biological mechanism.

    Class attributes
    ----------------
    name : str
        Short, unique, lower case; its parameters live at ``parameters.NAME``.
    phase, period_h
        When it runs; the period may be changed by ``parameters.NAME.period``.
    provides : Provision
    reads, writes, deposits : tuple of str
        Full array names. What a process writes it may also read.
    optional_reads : tuple of str
        Read where another process provides them, done without where nobody does: without secretion there is no
        trophic factor to save tissue at risk. Nobody is kept in a run for their sake.
    streams : tuple of Stream
    Params : type
        Frozen dataclass of parameter specs.
    section : str
        Where its parameters stand in a scenario: ``parameters`` (default), ``injury``, or ``treatments`` (then
        `treatment_type` is the word behind ``type:`` and there may be several instances).
    """

    name: ClassVar[str]
    phase: ClassVar[Phase]
    period_h: ClassVar[float] = 1.0
    provides: ClassVar[Provision] = Provision()
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    deposits: ClassVar[tuple[str, ...]] = ()
    optional_reads: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[tuple[Stream, ...]] = ()
    section: ClassVar[Literal["parameters", "injury", "treatments"]] = "parameters"
    treatment_type: ClassVar[str] = ""
    #: Processes that cannot be switched off: without them the state has no meaning.
    essential: ClassVar[bool] = False
    #: Prepared after all others, because it plans with what they put in force (coefficients of fields).
    prepared_last: ClassVar[bool] = False

    @dataclass(frozen=True)
    class Params(BaseParams):
        """No parameters."""

    def __init__(self, params: Any = None, label: str = "") -> None:
        self.params: Any = params if params is not None else type(self).Params()
        #: Instance name; differs from `name` for treatments, which are named in the scenario.
        self.label = label or self.name

    def prepare(self, tissue: Any) -> None:  # noqa: B027 - optional hook
        """Set up static maps or field coefficients once, before the first tick (and again after a restart).

        It must depend on the parameters and static maps alone, never on state that changes.
        """

    @abstractmethod
    def step(self, tissue: Any, key: Key) -> None:
        """Advance by one period; `tissue` is a `cordgraft.state.tissue.Tissue`."""

    def event(self, tissue: Any, tick: int) -> str:
        """Return what the event log says of this tick, or an empty string (scheduled processes only)."""
        return ""

    def settings(self) -> Mapping[str, Any]:
        """Return parameter name -> value, for the plan and the record."""
        return {name: getattr(self.params, name) for name in type(self.params).specs()}


def matches(declared: tuple[str, ...], name: str) -> bool:
    """Whether a full array name is covered by a tuple of declared names (``cell.*`` covers all columns)."""
    group = name.split(".", 1)[0]
    return name in declared or f"{group}.*" in declared


def provisions(
    processes: Iterable[Process], base: Iterable[ArraySpec] = ()
) -> tuple[list[ArraySpec], list[TransferSpec]]:
    """Return every array and transfer of a run, each once: those in `base` and those the processes provide.

    Raises
    ------
    ValueError
        If two processes declare one array differently.
    """
    arrays: dict[str, ArraySpec] = {spec.name: spec for spec in base}
    transfers: dict[str, TransferSpec] = {}
    for process in processes:
        for spec in process.provides.arrays:
            if arrays.setdefault(spec.name, spec) != spec:
                raise ValueError(f"{process.name} declares {spec.name} differently from another process")
        for transfer in process.provides.transfers:
            transfers.setdefault(transfer.name, transfer)
    return list(arrays.values()), list(transfers.values())


class Clash(NamedTuple):
    """Two processes whose periods do not go together: who deposits, who takes it, and what is wrong."""

    depositor: str
    consumer: str
    sentence: str


def period_clashes(kinds: Mapping[str, type[Process]], ticks: Mapping[str, int]) -> list[Clash]:
    """Return the deposits whose period does not fit that of the process that consumes them.

    A rate (``source.*``) holds for one step of the consumer: both need one period. An amount (``transfer.*``)
    must be taken in the tick in which it is asked for: the period of the consumer divides that of the other.
    Scheduled processes are free: they act now and then, and what they ask for is made once.

    Parameters
    ----------
    kinds : mapping
        Label -> class of the active processes.
    ticks : mapping
        Label -> period in ticks.
    """
    found: dict[tuple[str, str], Clash] = {}
    for label, kind in kinds.items():
        if kind.phase is Phase.TREAT:
            continue
        for name in kind.deposits:
            rate = name.startswith("source.")
            if not rate and not name.startswith("transfer."):
                continue
            for other, consumer in kinds.items():
                if not matches(consumer.writes, name):
                    continue
                if rate and ticks[label] != ticks[other]:
                    sentence = f"{label} deposits a rate into {name}, so it needs the period of {other}"
                elif not rate and ticks[label] % ticks[other] != 0:
                    sentence = f"{label} asks for {name}, so {other} must run whenever it does"
                else:
                    continue
                found.setdefault((label, other), Clash(label, other, sentence))
    return list(found.values())
