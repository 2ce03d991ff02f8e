"""The pages that follow from the code are those that the code describes, they read well, and so do the docstrings.

A new mechanism gets its page by being registered: ``make docs`` writes it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools import write_docs
from tools.pages import prose
from tools.pages.parameters import GROUPS, TOP_LEVEL, assumptions, entries, is_modelling
from tools.pages.processes import text_of
from tools.pages.tables import anchor

from cordgraft.core.contract import Process
from cordgraft.core.parameters import PRESETS, ParameterSpec, count, quantity
from cordgraft.core.streams import Stream
from cordgraft.processes import registry
from cordgraft.scenario.schema import all_specs
from cordgraft.state.lines import LINES

#: Most columns of a table, and longest piece of code in a cell, letters: code does not wrap, prose does.
MOST_COLUMNS, LONGEST_CODE = 7, 60


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return write_docs.wanted()


def processes() -> list[type[Process]]:
    return list(registry().values())


# ---------------------------------------------------------------------------------------- the written pages


def test_committed_pages_are_current(pages: dict[str, str], repository: Path) -> None:
    stale = write_docs.stale(repository, pages)
    assert stale == [], f"write them with: {write_docs.COMMAND}"


def test_what_is_stale_is_found_written_and_removed(tmp_path: Path) -> None:
    wanted = {"docs/parameters.md": "new\n", "docs/processes/a.md": "a\n"}
    old = tmp_path / "docs" / "processes" / "gone.md"
    old.parent.mkdir(parents=True)
    old.write_text("a mechanism that is no longer there\n", encoding="utf-8")
    (tmp_path / "docs" / "by_hand.md").write_text("written by hand\n", encoding="utf-8")
    everything = ["docs/parameters.md", "docs/processes/a.md", "docs/processes/gone.md"]
    assert write_docs.stale(tmp_path, wanted) == everything
    assert write_docs.write(tmp_path, wanted) == everything
    assert write_docs.stale(tmp_path, wanted) == []
    assert not old.exists() and (tmp_path / "docs" / "by_hand.md").exists()


def test_every_parameter_and_mechanism_is_there(pages: dict[str, str]) -> None:
    page = pages["docs/parameters.md"]
    for entry in entries():
        table = page.split(f"\n### {entry.under}\n", 1)[1].split("\n### ", 1)[0]
        address = entry.key if entry.under == TOP_LEVEL else f"{entry.under}.{entry.key}"
        start = f'| <a id="{address}"></a>`{entry.key}` |'
        row = next(line for line in table.splitlines() if line.startswith(start))
        assert entry.spec.evidence in row or not is_modelling(entry), row
        for reference in (entry.spec.doi, *(v.get("doi", "") for v in entry.spec.variants.values())):
            assert reference in table
    assert len(entries()) > 300
    for kind in processes():
        own = pages[f"docs/processes/{kind.name}.md"]
        assert f"({kind.name}.md)" in pages["docs/processes/README.md"]
        assert f"(processes/{kind.name}.md)" in pages["docs/odd.md"]
        for name in (*kind.reads, *kind.optional_reads, *kind.writes, *kind.deposits):
            assert f"| `{name}` |" in own
        for key in kind.Params.specs():
            assert f"| `{key}` |" in own
        off = "cannot be switched off" if kind.essential else "enabled: false"
        assert (f"type: {kind.treatment_type}" if kind.section == "treatments" else off) in own


def test_open_assumptions_are_all_listed(pages: dict[str, str]) -> None:
    listed = pages["docs/parameters.md"].split("\n## Open assumptions\n", 1)[1].split("\n## ", 1)[0]
    titles = re.findall(r"^### (.*)$", listed, re.MULTILINE)
    assert titles == [title for title, *_ in GROUPS]
    for title, evidence, sourced, _ in GROUPS:
        part = listed.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0]
        for one in assumptions():
            if (one.evidence, one.sourced) == (evidence, sourced):
                row = next(r for r in part.splitlines() if r.startswith(f"| [{one.entry.under}]"))
                assert f"`{one.entry.key}`" in row
    assert {one.sourced for one in assumptions()} == {True, False}


def test_the_odd_description_has_the_parts_of_the_protocol(pages: dict[str, str]) -> None:
    """Headings in the order of Grimm et al. 2020, 10.18564/jasss.4259."""
    parts = [
        "Purpose and patterns",
        "Entities, state variables and scales",
        "Process overview and scheduling",
        "Design concepts",
        "Initialization",
        "Input data",
        "Submodels",
    ]
    concepts = [
        "Basic principles",
        "Emergence",
        "Adaptation",
        "Objectives",
        "Learning",
        "Prediction",
        "Sensing",
        "Interaction",
        "Stochasticity",
        "Collectives",
        "Observation",
    ]
    page = pages["docs/odd.md"]
    assert re.findall(r"^## \d (.*)$", page, re.MULTILINE) == parts
    assert re.findall(r"^### 4\.\d+ (.*)$", page, re.MULTILINE) == concepts
    for stream in Stream:
        assert f"| {int(stream)} | {stream.name.lower()} |" in page


def test_links_lead_somewhere(pages: dict[str, str], repository: Path) -> None:
    headings = {}
    for path, text in pages.items():
        headings[path] = {anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
        headings[path].update(re.findall(r'<a id="([^"]+)"></a>', text))
    dead = []
    for path, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            file, _, part = target.partition("#")
            there = ((repository / path).parent / file).resolve() if file else (repository / path).resolve()
            name = there.relative_to(repository).as_posix()
            if not there.exists() or (part and part not in headings[name]):
                dead.append(f"{path}: {target}")
    assert dead == []


def test_markdown_is_sound(pages: dict[str, str]) -> None:
    """Tables have as many cells in each row as their head, no markup of docstrings is left, code is closed."""
    for path, text in pages.items():
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert text.count("```") % 2 == 0 and "``" not in outside, path
        assert not re.search(r"^(=+ )+=+$|::$", outside, re.MULTILINE), path
        width = 0
        for line in outside.splitlines():
            if not line.startswith("|"):
                width = 0
                continue
            cells = len(re.findall(r"(?<!\\)\|", line))
            width = width or cells
            assert cells == width, f"{path}: {line}"
            assert cells - 1 <= MOST_COLUMNS, f"{path}: {line}"
            assert all(len(code) <= LONGEST_CODE for code in re.findall(r"`([^`]+)`", line)), f"{path}: {line}"


# -------------------------------------------------------------------------------------------- the docstrings


@pytest.mark.parametrize("kind", processes(), ids=lambda kind: kind.name)
def test_a_docstring_explains_its_mechanism(kind: type[Process]) -> None:
    """It says what is modelled, with a formula; on what its numbers rest, in words or by its specs; what it omits."""
    text = text_of(kind)
    assert len(text.sections[prose.MODEL]) > 100, "what is modelled is not explained"
    assert text.equations > 0, "there is no formula"
    assert text.sections.get(prose.LEFT_OUT), "a paragraph 'Left out: ...' is missing"
    sourced = [spec for spec in kind.Params.specs().values() if spec.source or spec.doi or spec.row]
    assert text.sections.get(prose.SOURCES) or sourced or _all_assumed(kind), "where do its numbers come from?"


def _all_assumed(kind: type[Process]) -> bool:
    """Whether every number is tagged as assumed, which the page then says by itself."""
    specs = kind.Params.specs().values()
    return all(spec.evidence == "assumed" for spec in specs if spec.kind in ("quantity", "count"))


DOCUMENT = """Thing: does one thing.

A rate falls::

    x' = -x/tau

with `tau` in d; see `fate` and ``a/b``. Nothing else.

=====  =======
``a``  first
       more
``b``  second
=====  =======

Sources: a book (10.1000/xyz123(4), read). Left out: the rest.
"""


def test_a_docstring_becomes_markdown() -> None:
    text = prose.read(DOCUMENT, lambda word: f"[{word}]" if word == "fate" else f"`{word}`")
    assert text.summary == "Thing: does one thing."
    assert text.sections[prose.MODEL].split("\n\n") == [
        "A rate falls:",
        "```text\nx' = -x/tau\n```",
        "with `tau` in d; see [fate] and `a/b`. Nothing else.",
        "|  |  |\n| --- | --- |\n| `a` | first more |\n| `b` | second |",
    ]
    assert text.sections[prose.SOURCES] == "A book ([10.1000/xyz123(4)](https://doi.org/10.1000/xyz123(4)), read)."
    assert text.sections[prose.LEFT_OUT] == "The rest."
    assert text.equations == 2


# ------------------------------------------------------------------------------------------------ the numbers


def outside(address: str, spec: ParameterSpec) -> list[str]:
    """Return what is wrong with the defaults of a spec against what it cites, for every preset."""
    wrong = []
    for preset in ("", *PRESETS):
        under = spec.under(preset) if preset else spec
        value = under.default
        if value is None or spec.kind not in ("quantity", "count"):
            continue
        if under.cited is not None and not under.cited[0] <= value <= under.cited[1]:
            wrong.append(f"{address} ({preset or 'default'}): {value} lies outside the cited {under.cited}")
        own = spec.presets.keys() & {preset, preset.split("_", maxsplit=1)[0]}
        if own and spec.cited is not None and under.cited is None and under.evidence == "read":
            wrong.append(f"{address} ({preset}): {value} is tagged read, but left the range that was read")
    return wrong


def test_no_default_leaves_what_it_cites() -> None:
    """Neither by calibration nor under a preset; one without a range of its own may not claim to have been read."""
    wrong = [fault for address, spec in all_specs().items() for fault in outside(address, spec)]
    assert wrong == []
    cited = [spec for spec in all_specs().values() if spec.cited is not None]
    assert len(cited) > 30


def test_a_default_outside_its_range_is_noticed() -> None:
    def spec(**keys: object) -> ParameterSpec:
        declared = quantity(5.0, "um", "x", bounds=(0.0, 100.0), evidence="read", source="a book", **keys)  # type: ignore[arg-type]
        found: ParameterSpec = declared.metadata["spec"]
        return found

    assert outside("a", spec(cited=(1.0, 9.0))) == []
    assert len(outside("a", spec(cited=(6.0, 9.0)))) == 1
    assert "tagged read" in outside("a", spec(cited=(1.0, 9.0), presets={"rat": 20.0}))[0]
    assert outside("a", count(3, "x", bounds=(1, 9)).metadata["spec"]) == []


def test_what_is_calibrated_says_to_what() -> None:
    """A value that was tuned names the outcome, so that nobody counts that outcome as a test."""
    tuned = {address: spec for address, spec in all_specs().items() if spec.evidence == "calibrated"}
    assert tuned
    assert [address for address, spec in tuned.items() if not spec.source] == []


def test_numbers_of_cell_lines_lie_in_their_ranges() -> None:
    wrong = []
    for line in LINES:
        for name, one in line.attributes().items():
            if not one.low <= one.value <= one.high or (one.evidence == "read" and not one.source):
                wrong.append(f"{line.name}.{name}")
    assert wrong == []


def test_a_line_that_begins_like_a_list_is_none_and_code_shows_no_backslash() -> None:
    text = prose.to_markdown("A sum ``a\n+ b`` of two\n- and less\n3. than that.", lambda word: f"`{word}`")
    assert text == "A sum `a + b` of two\n\\- and less\n\\3. than that."
