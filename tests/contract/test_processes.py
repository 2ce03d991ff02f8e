"""Every registered process keeps the contract: no exclusion list, a new process is tested by being registered."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.streams import Stream
from cordgraft.engine.pipeline import Pipeline, PlanError
from cordgraft.processes import MODULES, registry
from cordgraft.scenario.build import Built, build
from cordgraft.scenario.load import load
from cordgraft.state.tissue import TABLES, Tissue

NAMES = [name for name, _ in MODULES]
SMALL = [
    "duration=12 d",
    "geometry.length=3.2 mm",
    "geometry.voxel=100 um",
    "record.maps=[3 d]",
    "treatments.graft.at=6 d",
    "treatments.graft.dose=2e4 cells",
    # every kind of treatment, and a host that can reject
    "subject.immune_system=intact",
    "treatments.drug.type=immunosuppression",
    "treatments.drug.at=6 d",
    "treatments.drug.strength=10 %",
    "treatments.switch.type=suicide_switch",
    "treatments.switch.at=6 d",
    "treatments.switch.duration=8 d",
    "treatments.switch.killed=20 %",
    "treatments.quiet.type=anti_inflammatory",
    "treatments.quiet.at=6 d",
    "treatments.quiet.duration=8 d",
    "treatments.cut.type=chondroitinase",
    "treatments.cut.at=6 d",
    "treatments.lay.type=matrix_factor",
    "treatments.lay.at=6 d",
    "treatments.lure.type=chemoattractant",
    "treatments.lure.at=6 d",
    "treatments.lure.position=0 mm",
    "treatments.bridge.type=scaffold",
    "treatments.bridge.at=6 d",
    "treatments.push.type=growth_stimulation",
    "treatments.push.at=6 d",
    "treatments.free.type=inhibitor_block",
    "treatments.free.at=6 d",
    "treatments.slow.type=mtor_block",
    "treatments.slow.at=6 d",
    "treatments.train.type=rehabilitation",
    "treatments.train.at=6 d",
]


@pytest.fixture(scope="module")
def built() -> Built:
    found = build(load("mouse_subacute_graft", SMALL))
    for process in found.processes:
        process.prepare(found.tissue)
    return found


@pytest.fixture(scope="module")
def untouched(built: Built) -> dict[str, Any]:
    """The state before the first tick."""
    return built.tissue.snapshot()


@pytest.fixture(scope="module")
def ripe(built: Built, untouched: dict[str, Any]) -> Tissue:
    """A tissue nine days after the injury, three after the graft: every process has something to do."""
    pipeline = Pipeline(built.processes, built.tissue.clock, dict(built.config.periods_h))
    pipeline.check(built.tissue)
    pipeline.prepare(built.tissue)
    for tick in range(9 * 24 + 1):
        pipeline.step(built.tissue, tick)
    return built.tissue


def _processes() -> list[type[Process]]:
    return list(registry().values())


def test_the_registry_lists_every_file() -> None:
    import pathlib

    import cordgraft.processes as room

    files = {path.stem for path in pathlib.Path(room.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(NAMES)


@pytest.mark.parametrize("kind", _processes(), ids=lambda kind: kind.name)
def test_declarations_are_complete(kind: type[Process]) -> None:
    assert isinstance(kind.phase, Phase) and kind.period_h > 0.0
    assert kind.__module__.rsplit(".", 1)[1] in NAMES
    import sys

    document = sys.modules[kind.__module__].__doc__ or ""
    assert len(document) > 200, "the docstring says what is modelled, the equation, the units and the sources"
    for word in ("left out",):
        assert word in document.lower(), f"the docstring of {kind.name} does not say what is left out"
    assert all(isinstance(stream, Stream) for stream in kind.streams)
    for spec in kind.provides.arrays:
        assert spec.unit and spec.meaning, f"{spec.name} has no unit or meaning"
    faults = [
        fault for name, spec in kind.Params.specs().items() for fault in spec.faults(f"{kind.name}.{name}")
    ]
    assert faults == []
    assert dataclasses.is_dataclass(kind.Params) and kind.Params.__dataclass_params__.frozen  # type: ignore[attr-defined]


def _instance(built: Built, kind: type[Process]) -> Process:
    for process in built.processes:
        if type(process) is kind:
            return process
    pytest.fail(f"{kind.name} is registered, but the default scenario does not run it")


@pytest.mark.parametrize("kind", _processes(), ids=lambda kind: kind.name)
def test_undeclared_arrays_are_byte_unchanged(kind: type[Process], built: Built, ripe: Tissue) -> None:
    process = _instance(built, kind)
    saved = ripe.snapshot()
    try:
        ticks = [0, 6 * 24, 10 * 24] if kind.phase is Phase.TREAT else [10 * 24]
        for tick in ticks:
            before = ripe.snapshot()
            process.step(ripe, Key(ripe.setting.seed, tick, process.period_h))
            assert ripe.changed(before, kind.writes + kind.deposits) == []
            assert ripe.lattice.shape == before["map.cord"].shape
    finally:
        ripe.restore(saved)


@pytest.mark.parametrize("kind", _processes(), ids=lambda kind: kind.name)
def test_a_step_is_a_pure_function_of_state_and_key(kind: type[Process], built: Built, ripe: Tissue) -> None:
    process = _instance(built, kind)
    saved = ripe.snapshot()
    key = Key(ripe.setting.seed, 10 * 24, process.period_h)
    try:
        process.step(ripe, key)
        first = ripe.snapshot()
        ripe.restore(saved)
        process.step(ripe, key)
        assert ripe.changed(first) == []
    finally:
        ripe.restore(saved)


def crowd(tissue: Tissue) -> None:
    """Take nearly all room from the grafted cells."""
    tissue["density.cell_capacity"][...] *= 1e-3
    tissue["density.cell_places"][...] = 0


def test_something_happens_in_every_process(
    built: Built, ripe: Tissue, untouched: dict[str, Any]
) -> None:
    """A process that declares effects has one within the run; a kernel that silently writes nothing would show."""
    saved = ripe.snapshot()
    idle = []
    for process in built.processes:
        changed: list[str] = []
        scheduled = process.phase is Phase.TREAT
        ticks = [0, 6 * 24, 6 * 24] if scheduled else list(range(9 * 24 + 1, 9 * 24 + 49))
        for number, tick in enumerate(ticks):
            # a scheduled one acts on the cord of its day, or on a graft that is there
            ripe.restore(untouched if scheduled and number < 2 else saved)
            before = ripe.snapshot()
            process.step(ripe, Key(ripe.setting.seed, tick, process.period_h))
            changed = ripe.changed(before)
            if changed:
                break
        if not changed:
            crowd(ripe)  # or on a graft that has outgrown its room
            before = ripe.snapshot()
            process.step(ripe, Key(ripe.setting.seed, ticks[-1], process.period_h))
            changed = ripe.changed(before)
        if not changed:
            idle.append(process.label)
    ripe.restore(saved)
    # applying transfers needs deposits of the same tick, which no other process makes here
    assert set(idle) <= {"tissue_transfer"}


def test_nothing_lives_outside_the_cord(ripe: Tissue) -> None:
    outside = ripe["map.cord"] == 0
    for name in ripe.names():
        if name.split(".")[0] in ("fraction", "density", "field", "source"):
            assert not ripe[name][outside].any(), name
    cord = ripe["map.cord"].ravel()
    assert cord[ripe.cells["site"]].all()


def test_values_are_finite_and_inside_their_bounds(ripe: Tissue) -> None:
    inside = ripe["map.cord"] > 0
    for name in ripe.names():
        values = ripe[name]
        assert np.isfinite(values.astype(np.float64)).all(), name
        spec = ripe.specs.get(name)
        if spec is not None and spec.bounds is not None and spec.group not in TABLES:
            chosen = values[inside] if values.ndim == 3 else values
            low, high = spec.bounds
            assert chosen.min() >= low - 1e-9 and chosen.max() <= high + 1e-9, name


def test_fractions_sum_to_one(ripe: Tissue) -> None:
    total = sum(ripe[name] for name in ripe.names() if name.startswith("fraction."))
    np.testing.assert_allclose(total[ripe["map.cord"] > 0], 1.0, atol=1e-12)


class _Probe(Process):
    name = "probe"
    phase = Phase.MILIEU
    reads = ("field.nobody",)

    def step(self, tissue: Any, key: Key) -> None:
        """Do nothing."""


def test_the_pipeline_refuses_what_cannot_work(built: Built) -> None:
    with pytest.raises(PlanError, match=r"probe reads field\.nobody, which no active process provides"):
        Pipeline([*built.processes, _Probe()], built.tissue.clock).check(built.tissue)
    twice = type("Twice", (_Probe,), {"name": "twice", "reads": (), "writes": ("field.cspg",)})
    thrice = type("Thrice", (_Probe,), {"name": "thrice", "reads": (), "writes": ("field.cspg",)})
    with pytest.raises(PlanError, match=r"both write field\.cspg in phase milieu"):
        Pipeline([twice(), thrice()], built.tissue.clock).check(built.tissue)
    drawing = type("Drawing", (_Probe,), {"name": "drawing", "reads": (), "streams": (Stream.FATE,)})
    with pytest.raises(PlanError, match="both draw from stream FATE"):
        Pipeline([*built.processes, drawing()], built.tissue.clock).check(built.tissue)
    with pytest.raises(PlanError, match="not a whole number of ticks"):
        Pipeline([_Probe()], built.tissue.clock, {"probe": 1.5})


def test_no_outcome_is_an_input(shared_science: Any) -> None:
    """Rows of the parameter table that the model must produce are nobody's default."""
    import csv

    with (shared_science / "parameters.csv").open(encoding="utf-8") as lines:
        rows = {row["name"]: row for row in csv.DictReader(lines)}
    wrong = []
    for kind in _processes():
        for name, spec in kind.Params.specs().items():
            if not spec.row:
                continue
            if spec.row not in rows:
                wrong.append(f"{kind.name}.{name}: no row {spec.row}")
            elif rows[spec.row]["role"] != "input":
                wrong.append(f"{kind.name}.{name}: {spec.row} is an outcome")
    assert wrong == []
