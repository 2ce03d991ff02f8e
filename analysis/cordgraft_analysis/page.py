"""The report page of a run: one HTML file with pictures, tables, cautions and provenance, and nothing outside it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from cordgraft.core import schema
from cordgraft_analysis import palette, words
from cordgraft_analysis.overview import overview_figure
from cordgraft_analysis.page_parts import document, image, section, table
from cordgraft_analysis.reading import read_events
from cordgraft_analysis.tables import OutcomeRow, key_rows, outcome_rows, safety_rows
from cordgraft_analysis.view import RunView, open_view

MOVIE_NAME = "movie.gif"


def write_page(run_dir: str | Path, dest: str | Path, movie: str | Path | None = None) -> Path:
    """Write the report page of a run and return where it is.

    Parameters
    ----------
    run_dir : path
        Run directory; an interrupted run is reported as far as it went.
    dest : path
        An HTML file; it can be mailed or archived on its own.
    movie : path, optional
        A ``.gif`` to show on the page; without it, a ``movie.gif`` in the run directory.

    Raises
    ------
    BadInput
        If `run_dir` holds no run.
    """
    view = open_view(run_dir)
    with palette.style():
        picture = io.BytesIO()
        overview_figure(view).savefig(picture, format="png", dpi=palette.DPI)
    moving = Path(movie) if movie is not None else view.directory / MOVIE_NAME
    gif = moving.read_bytes() if moving.is_file() else None
    Path(dest).write_text(page(view, picture.getvalue(), gif), encoding="utf-8")
    return Path(dest)


def page(view: RunView, overview_png: bytes, movie_gif: bytes | None = None) -> str:
    """Return the page as text.

    Parameters
    ----------
    view : RunView
    overview_png, movie_gif : bytes
        Pictures to embed.
    """
    parts = [
        _head(view),
        section(
            "outcomes",
            f"Outcomes on day {view.days[-1]:g}" if view.days.size else "Outcomes",
            _key_table(view),
        ),
        section("safety", "Safety", _safety(view)),
        section("overview", "Overview", image("image/png", overview_png, f"Overview of {view.title}")),
    ]
    if movie_gif is not None:
        parts.append(
            section(
                "movie", "Movie of the recorded days", image("image/gif", movie_gif, "Movie of the maps")
            )
        )
    parts += [
        section("all", "All outcomes and their definitions", _all_tables(view)),
        section("cautions", "Cautions", _cautions(view)),
        section("events", "Events", _events(view)),
        section("plan", "Processes", _plan(view)),
        section("scenario", "Scenario", _scenario(view)),
        section("provenance", "Where this comes from", _provenance(view)),
    ]
    body = "\n".join(parts)
    sentence = f"{palette.RESEARCH_SENTENCE} {schema.RESEARCH_SENTENCE}"
    return document(view.title, body, f"{escape(sentence)} {escape(words.provenance_line(view))}")


# ------------------------------------------------------------------------------------------------ pieces
def _head(view: RunView) -> str:
    unfinished = ""
    if view.status != "finished":
        planned = f" of {view.planned_days:g}" if view.planned_days else ""
        reached = f"day {view.days[-1]:g}{planned}" if view.days.size else "no recorded day"
        unfinished = (
            f'<p class="warning">This run is not finished ({escape(view.status)}): it reached {reached}.</p>'
        )
    links = " ".join(
        f'<a href="#{anchor}">{word}</a>'
        for anchor, word in (
            ("outcomes", "outcomes"), ("overview", "overview"), ("all", "definitions"), ("cautions", "cautions"),
            ("plan", "processes"), ("scenario", "scenario"), ("provenance", "provenance"),
        )
    )  # fmt: skip
    return (
        f"<h1>{escape(view.title)}</h1>\n<p class='lead'>{escape(words.run_line(view))}</p>\n"
        f"<p class='lead'>{escape(words.scale_line(view))}</p>\n"
        f'<p class="research">{palette.RESEARCH_SENTENCE}</p>\n{unfinished}<nav>{links}</nav>'
    )


_NUMBERS = {2: "number", 3: "number", 4: "number", 5: "number"}


def _numbers(row: OutcomeRow) -> list[str]:
    return [row.meaning, row.unit, row.end, row.simulated, row.peak, row.peak_day]


def _key_table(view: RunView) -> str:
    rows = [_numbers(row) for row in key_rows(view)]
    if not rows:
        return "<p>No outcome was recorded.</p>"
    note = (
        "<p>Counts are of the whole cord (represented); the column <em>simulated</em> says how many simulated cells or"
        " axons stand behind them. A dash means that the value is not defined on that day; why is said"
        ' <a href="#all">below</a>.</p>'
    )
    return note + table(["outcome", "unit", "last day", "simulated", "peak", "day of peak"], rows, _NUMBERS)


def _safety(view: RunView) -> str:
    rows = safety_rows(view)
    if not rows:
        return "<p>No safety bound was declared in the scenario, or the run did not get so far as to be judged.</p>"
    note = "<p>Bounds were declared before the run and are judged, not fitted.</p>"
    return note + table(["bound", "at most", "found", "verdict", "remark"], rows, {1: "number", 2: "number"})


def _all_tables(view: RunView) -> str:
    parts = []
    for title, rows in outcome_rows(view).items():
        content = table(
            [
                "outcome",
                "unit",
                "last day",
                "simulated",
                "peak",
                "day of peak",
                "name in the data",
                "definition",
            ],
            [[*_numbers(row), row.name, row.definition] for row in rows],
            {**_NUMBERS, 6: "small", 7: "small"},
        )
        parts.append(f"<details><summary>{escape(title)} ({len(rows)})</summary>\n{content}\n</details>")
    return "\n".join(parts) or "<p>No outcome was recorded.</p>"


def _cautions(view: RunView) -> str:
    if not view.cautions:
        return "<p>None: every value lies in its cited range.</p>"
    items = "\n".join(f"<li>{escape(caution)}</li>" for caution in view.cautions)
    return f"<p>A reader of any number on this page must know:</p>\n<ul>\n{items}\n</ul>"


def _events(view: RunView) -> str:
    rows = [(f"{event.day:g}", event.name, event.text) for event in read_events(view.directory)]
    return (
        table(["day after injury", "event", "what"], rows, {0: "number"})
        if rows
        else "<p>None were logged.</p>"
    )


def _plan(view: RunView) -> str:
    rows: list[dict[str, Any]] = view.attribute("plan", [])
    if not rows:
        return "<p>The plan was not stored.</p>"
    columns = list(rows[0])
    content = table(
        columns,
        [[str(row.get(column, "")) for column in columns] for row in rows],
        dict.fromkeys((3, 4, 5), "small"),
    )
    return (
        "<p>The processes of the run in the order in which they act within a tick, with what each reads, writes and"
        f" deposits.</p>\n<details><summary>{len(rows)} processes</summary>\n{content}\n</details>"
    )


def _scenario(view: RunView) -> str:
    text = str(view.attrs.get("scenario", ""))
    if not text:
        path = view.directory / schema.SCENARIO_NAME
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not text:
        return "<p>The scenario was not stored.</p>"
    return (
        "<p>The scenario with every default written out; it runs again as it stands.</p>\n"
        f"<details><summary>{schema.SCENARIO_NAME}</summary>\n<pre>{escape(text)}</pre>\n</details>"
    )


def _provenance(view: RunView) -> str:
    rows: list[tuple[str, str]] = []
    for name in schema.ROOT_ATTRS:
        if name in ("plan", "scenario", "cautions", "setting") or name not in view.attrs:
            continue
        value = view.attribute(name, "") if name == "versions" else view.attrs[name]
        text = (
            ", ".join(f"{key} {entry}" for key, entry in value.items())
            if isinstance(value, Mapping)
            else str(value)
        )
        if text:
            rows.append((name.replace("_", " "), text))
    rows += [(f"setting: {key.replace('_', ' ')}", str(value)) for key, value in view.setting.items()]
    return table(["", ""], rows)
