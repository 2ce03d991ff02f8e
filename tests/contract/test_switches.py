"""A mechanism that is switched off leaves out what it does, and nothing else.

The rows are those of `tests.switch_rows`. What *nothing else* means is taken from the declarations: after each tick
two runs, with and without a mechanism, may differ in no array but those that follow, by what the processes declare to
read and write, from what differed before that tick and from what the mechanism itself may write. So a read that
nobody declared shows as a difference that cannot be explained. That a mechanism without strength is as good as off,
and that off is the same as doing nothing, is tested in `test_pairs`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core.contract import Key, Phase, Process, matches
from cordgraft.engine.pipeline import Pipeline, PlanError
from cordgraft.processes import registry
from tests.declaration_support import ROWS, Course, Graph, follow, noted, sees, watched
from tests.support import make_tissue
from tests.switch_rows import SWITCHES, labels_of, off_settings
from tests.switch_support import BLOW, EVENTFUL, Switch

#: Every mechanism that a scenario can do without: by `enabled: false`, or by leaving a treatment out.
NAMES = [name for name, kind in registry().items() if kind.section != "injury" and not kind.essential]
ENTRY = 24  # entries of a course per day; the first one is the state before the first tick


@cache
def course_of(settings: tuple[tuple[str, str], ...]) -> Course:
    return follow(dict(settings))


def pair(name: str) -> tuple[Switch, Course, Course]:
    """Return a row with its runs with and without the mechanism."""
    assert name in SWITCHES, f"say in tests/switch_rows.py what is missing when {name} is off"
    row = SWITCHES[name]
    on, off = (course_of(tuple(sorted(one.items()))) for one in (row.settings, off_settings(name)))
    assert len(on.digests) == len(off.digests) > ENTRY
    return row, on, off


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def gone(on: Course, off: Course) -> set[str]:
    """Return the arrays that are there only with the mechanism."""
    return on.digests[0].keys() - off.digests[0].keys()


def differing(on: Course, off: Course) -> list[set[str]]:
    """Return for every entry the arrays that differ, those that are gone included."""
    missing = gone(on, off)
    return [
        missing | {name for name in here.keys() & there.keys() if here[name] != there[name]}
        for here, there in zip(on.digests, off.digests, strict=True)
    ]


def graph_of(name: str, on: Course) -> Graph:
    return Graph(on.model.pipeline.rows, on.digests[0], labels_of(name))


# --------------------------------------------------------------------------------------- what it does
@pytest.mark.parametrize("name", NAMES)
def test_what_a_mechanism_does_is_missing_without_it(name: str) -> None:
    row, on, off = pair(name)
    ever = set().union(*differing(on, off))
    assert {*row.changes, *row.empty} - ever == set()
    for array in row.empty:
        assert on.tissue[array].any(), f"with it, {array} is empty too"
        assert array in gone(on, off) or not off.tissue[array].any(), f"without it, {array} is not empty"
    broken = [words for words, claim in row.claims.items() if not claim(on, off)]
    assert broken == []


# ---------------------------------------------------------------------------------------- nothing else
@pytest.mark.parametrize("name", NAMES)
def test_whatever_differs_follows_from_what_is_declared(name: str) -> None:
    _, on, off = pair(name)
    graph, found = graph_of(name, on), differing(on, off)
    assert off.digests[0].keys() <= on.digests[0].keys(), "switching off brings no array"
    assert found[0] == gone(on, off), "the state before the first tick is the same"
    for tick, (before, after) in enumerate(pairwise(found)):
        unexplained = after - graph.after(tick, before)
        assert unexplained == set(), f"after tick {tick}"


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_beyond_the_reach_of_a_mechanism_stays_the_same(name: str) -> None:
    row, on, off = pair(name)
    found, own = differing(on, off), gone(on, off)
    ever = set().union(*found)
    idle = [one for one in (*BLOW, *row.reach) if not any(fits(array, (one,)) for array in on.digests[0])]
    assert idle == [], "patterns that mean no array"
    assert {array for array in ever if fits(array, BLOW)} == set()
    assert {array for array in ever if not fits(array, row.reach)} == set()
    # the last of these is the state before the first tick of that day
    early = found[: int(ENTRY * row.since_d) + 1]
    assert set().union(*early) == own, "before it has anything to act on, nothing differs"


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name in SWITCHES and SWITCHES[name].reach != ("*",)]
)
def test_declarations_alone_hold_a_mechanism_back(name: str) -> None:
    """Nothing that axons, oedema and indices do comes back to the tissue, by whatever anybody reads and writes."""
    row, on, off = pair(name)
    far = {array for array in graph_of(name, on).downstream(gone(on, off)) if not fits(array, row.reach)}
    assert row.declared == (far == set()), f"beyond its reach, by declarations: {sorted(far)}"


def test_everything_switched_on_is_the_same_as_not_mentioned() -> None:
    on = {f"parameters.{name}.enabled": "true" for name in NAMES if registry()[name].section == "parameters"}
    assert len(on) > 15
    stated = course_of(tuple(sorted({**EVENTFUL, **on}.items())))
    assert stated.digests == course_of(tuple(sorted(EVENTFUL.items()))).digests


# ---------------------------------------------------------------------------------------- declarations
@cache
def touches() -> dict[type[Process], tuple[set[str], set[str]]]:
    """Return what the processes of each kind asked for in any step, and while they were prepared, in all runs."""
    found: dict[type[Process], tuple[set[str], set[str]]] = {
        kind: (set(), set()) for kind in registry().values()
    }
    for name in NAMES:
        for course in pair(name)[1:]:
            for row in course.model.pipeline.rows:
                stepping, preparing = found[type(row.process)]
                stepping |= course.touched[row.process.label]
                preparing |= course.prepared[row.process.label]
    return found


@pytest.mark.parametrize("kind", registry().values(), ids=lambda kind: kind.name)
def test_no_process_touches_what_it_does_not_declare(kind: type[Process]) -> None:
    stepping, preparing = touches()[kind]
    assert stepping, "it runs"
    assert sorted(name for name in stepping if not sees(kind, name)) == []
    own = {spec.name for spec in kind.provides.arrays}
    brought = {name for name in preparing if name in own or name.startswith("map.")}
    assert sorted(name for name in preparing - brought if not sees(kind, name)) == []


@pytest.mark.parametrize("kind", registry().values(), ids=lambda kind: kind.name)
def test_no_read_is_declared_in_vain(kind: type[Process]) -> None:
    """A read that never happens makes others look like a cause of what they have nothing to do with."""
    names = set().union(*touches()[kind])
    reads = (*kind.reads, *kind.optional_reads)
    idle = []
    for declared in reads:
        group = declared.split(".")[0]
        # who asks only how many there are names one column for all
        counted = f"{group}.{ROWS}" in names and sum(one.startswith(f"{group}.") for one in reads) == 1
        if not counted and not any(matches((declared,), name) for name in names):
            idle.append(declared)
    assert idle == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_array_stays_as_it_was_prepared(name: str) -> None:
    """Nothing passes from one process to another beside the arrays."""
    _, on, off = pair(name)
    assert on.unsettled + off.unsettled == []


class _Probe(Process):
    name = "probe"
    phase = Phase.MILIEU
    reads = ("map.cord", "cell.kind")
    optional_reads = ("field.trophic",)
    writes = ("density.vessels",)

    def step(self, tissue: object, key: Key) -> None:
        """Do nothing."""


def test_an_undeclared_touch_is_noticed() -> None:
    model = CordModel("mouse_subacute_graft", settings=EVENTFUL)
    tissue, names = watched(model.tissue), set[str]()

    def step() -> None:
        tissue["map.cord"], tissue["cell.kind"], tissue["density.vessels"]
        assert "field.trophic" in tissue and len(tissue.cells) == 0

    noted(step, tissue, names)()
    assert all(sees(_Probe, name) for name in names) and len(names) == 5
    for touch in (
        lambda: tissue["field.tnf"],
        lambda: tissue.scalar("nets"),
        lambda: tissue.set_scalar("nets", 1.0),
        lambda: "density.graft_matrix_rate" in tissue,
        lambda: tissue.cells["site"],
        lambda: len(tissue.cones),
        lambda: tissue.synapses.keep(np.zeros(0, dtype=bool)),
    ):
        names.clear()
        noted(touch, tissue, names)()
        assert names and not any(sees(_Probe, name) for name in names)
    assert tissue.touched is None


def test_the_pipeline_refuses_an_option_that_is_none() -> None:
    model = CordModel("mouse_subacute_graft", settings=EVENTFUL)
    processes, clock = list(model.built.processes), model.tissue.clock
    for options, message in (
        (("field.nobody",), "reads field.nobody where it is there, but no mechanism provides it"),
        (("map.cord",), "reads map.cord, and also only where it is there"),
    ):
        kind = type("Wrong", (_Probe,), {"name": "wrong", "writes": (), "optional_reads": options})
        with pytest.raises(PlanError, match=message):
            Pipeline([*processes, kind()], clock).check(model.tissue)


def test_an_optional_array_need_not_be_there() -> None:
    """The pipeline takes a process without it; the plan shows it in brackets."""
    kind = type("Fine", (_Probe,), {"name": "fine", "writes": ()})
    tissue = make_tissue([kind()])
    pipeline = Pipeline([kind()], tissue.clock)
    pipeline.check(tissue)
    assert "field.trophic" not in tissue
    assert pipeline.table()[0]["reads"] == "map.cord, cell.kind, (field.trophic)"
