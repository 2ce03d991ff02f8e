"""The report page: whole HTML, nothing from outside, every number with its unit and definition."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from cordgraft.core import schema
from cordgraft_analysis import palette
from cordgraft_analysis.page import page, write_page
from cordgraft_analysis.page_parts import table
from cordgraft_analysis.view import open_view
from run_support import make_fake_run

VOID = {"meta", "img", "br", "hr", "link", "input"}
PIXEL = b"\x89PNG"


class Checker(HTMLParser):
    """Follows open tags, collects text, links and anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "src":
                self.sources.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.anchors.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    return checker


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fake_run(tmp_path_factory.mktemp("runs") / "run")


def test_page_is_whole_and_stands_alone(run: Path, tmp_path: Path) -> None:
    path = write_page(run, tmp_path / "report.html")
    checker = parsed(path.read_text(encoding="utf-8"))
    assert checker.open == []
    assert len(checker.sources) == 1 and checker.sources[0].startswith("data:image/png;base64,iVBOR")
    assert checker.links and all(link.startswith("#") for link in checker.links)
    assert {link[1:] for link in checker.links} <= checker.anchors
    assert "script" not in checker.tags and "link" not in checker.tags
    assert "http" not in "".join(checker.sources)


def test_page_says_every_outcome_with_unit_and_definition(run: Path) -> None:
    view = open_view(run)
    text = " ".join(parsed(page(view, PIXEL)).text)
    for spec in schema.series_specs("mouse"):
        if spec.name in view.series and not spec.name.endswith("_simulated"):
            assert spec.name in text
            assert spec.definition in text
    assert palette.RESEARCH_SENTENCE in text
    assert all(caution in text for caution in view.cautions)
    assert "day after injury" in text and "5e5 cells" in text  # the event
    assert "0000000" in text  # the commit
    assert "map.impact" in text  # the plan


def test_page_of_an_interrupted_run_says_so(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", last_day=20.0, status="interrupted", map_days=(3.0,))
    assert "it reached day 20 of 112" in " ".join(parsed(page(open_view(run), PIXEL)).text)


def test_text_of_the_run_cannot_become_markup(run: Path) -> None:
    assert table(["<b>"], [["<script>alert(1)</script>"]]).count("<script>") == 0
    view = open_view(run)
    view.tree.attrs["title"] = '<img src="http://example.org/x.png">'
    view.tree.attrs["scenario"] = "</pre><script>bad()</script>"
    checker = parsed(page(view, PIXEL))
    assert "script" not in checker.tags
    assert all(source.startswith("data:") for source in checker.sources)


def test_movie_of_the_run_directory_is_shown(run: Path, tmp_path: Path) -> None:
    (run / "movie.gif").write_bytes(b"GIF89a")
    try:
        checker = parsed(write_page(run, tmp_path / "report.html").read_text(encoding="utf-8"))
    finally:
        (run / "movie.gif").unlink()
    assert [source[:22] for source in checker.sources] == ["data:image/png;base64,", "data:image/gif;base64,"]


def test_a_store_of_the_real_recorder_is_drawn(tmp_path: Path) -> None:
    from cordgraft.record.provenance import RunInfo
    from cordgraft.record.writer import RunWriter
    from cordgraft_analysis.overview import draw_overview
    from support import make_tissue

    tissue = make_tissue(days=2.0)
    tissue.cells.add(3, weight=5.0, kind=2, site=700)
    tissue.fibres.add(1, tract=0, weight=40.0)
    tissue.segments.add(3, parent=[-1, 0, 1], fibre=0, z=[1000.0, 0.0, -1000.0], grown=[0, 1, 1])
    info = RunInfo(
        "bare",
        "A cord without processes",
        1,
        "kind: scenario\n",
        "abc",
        maps_h=(24.0, 48.0),
        cautions=("nothing acts",),
    )
    writer = RunWriter(tmp_path / "run", info, tissue, ())
    for tick in range(tissue.clock.ticks + 1):
        writer.observe(tissue, tick)
    writer.finish()
    view = open_view(tmp_path / "run")
    assert view.map_days.tolist() == [1.0, 2.0]
    frame = view.frame(1)
    assert frame.cells is not None and frame.cells.weight.tolist() == [5.0] * 3
    assert frame.paths is not None and frame.paths.tract.tolist() == ["corticospinal"]
    assert frame.paths.grown[0].tolist() == [False, True, True]
    assert draw_overview(tmp_path / "run", tmp_path / "overview.png").stat().st_size > 20_000
    assert "nothing acts" in page(view, PIXEL)
