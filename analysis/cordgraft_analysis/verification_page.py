"""The report of ``cordgraft verify``: one HTML file with every case, its definition, its numbers and its picture.

Fed with plain data, so that it can also be drawn from stored records:

``summary``, ``date``, ``versions`` (name -> version), ``platform`` and ``cases``, each with ``name``, ``group``,
``meaning``, ``verdict`` (met, short or broken), ``seconds``, ``trouble``, ``checks`` (``quantity``, ``unit``,
``exact``, ``computed``, ``error``, ``allowed``, ``why``, ``met``) and ``plot``: None or ``x_label``, ``y_label``,
``scale`` (linear, log, log y), ``points`` (whether the exact answer is a set of points), ``exact`` and ``computed``,
each a list of ``label``, ``x`` and ``y``.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any

from cordgraft_analysis import palette

#: Resolution of the pictures, dots per inch; a page holds some ninety of them.
DPI = 110
#: Order of the groups; others follow.
GROUPS = ("random numbers", "agents", "coupled", "fields")
MARKERS = ("o", "s", "^", "D", "v", "P")

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1b1b1b; background: #fff;
       max-width: 1180px; margin: 0 auto; padding: 24px 28px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 38px 0 8px; border-bottom: 1px solid #ddd;
       padding-bottom: 4px; } h3 { font-size: 15.5px; margin: 0 0 4px; font-family: "DejaVu Sans Mono", monospace; }
p { margin: 6px 0; } .lead { color: #444; }
.summary { border-left: 5px solid #009E73; background: #eef8f4; padding: 8px 12px; font-weight: 600; }
.summary.missed { border-color: #D55E00; background: #fdf3ec; }
article { margin: 18px 0 26px; border-top: 1px solid #ececec; padding-top: 12px; }
article .body { display: flex; gap: 22px; flex-wrap: wrap; align-items: flex-start; }
article .words { flex: 1 1 480px; min-width: 0; }
article figure { flex: 0 1 540px; margin: 0; min-width: 0; }
img { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; margin: 6px 0; width: 100%; }
th, td { text-align: left; padding: 3px 9px 3px 0; border-bottom: 1px solid #ececec; vertical-align: top; }
th { font-weight: 600; border-bottom: 1px solid #aaa; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.met { color: #00704f; font-weight: 700; } .short, .broken { color: #b03a00; font-weight: 700; }
.why { color: #555; font-size: 12px; } td.why { padding-bottom: 8px; } tr.first td { border-bottom: none; }
a { color: #0072B2; text-decoration: none; }
nav a { margin-right: 16px; } footer { margin-top: 40px; color: #666; font-size: 12.5px; }
@media print { article { break-inside: avoid; } }
"""

_HOW = (
    "Each case runs kernels, processes or a pipeline of the product on a problem with a known answer. The allowed "
    "error is derived beforehand, from the order of the method and its spacing, from the number of draws (four "
    "standard errors), or from rounding; each check says how. It is never fitted to what comes out. A case is "
    "<em>met</em> if every check is, <em>short</em> if one is not, <em>broken</em> if it could not be computed."
)


def write_verification_page(record: Mapping[str, Any], dest: str | Path) -> Path:
    """Write the page of a record (see the module) and return where it is."""
    with palette.style():
        text = verification_page(record)
    Path(dest).write_text(text, encoding="utf-8")
    return Path(dest)


def verification_page(record: Mapping[str, Any]) -> str:
    """Return the page as text."""
    cases: Sequence[Mapping[str, Any]] = record["cases"]
    missed = any(case["verdict"] != "met" for case in cases)
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    found = dict.fromkeys(str(case["group"]) for case in cases)
    groups = [
        *(group for group in GROUPS if group in found),
        *(group for group in found if group not in GROUPS),
    ]
    links = " ".join(f'<a href="#{_anchor(group)}">{escape(group)}</a>' for group in groups)
    parts = [
        "<h1>cordgraft: verification against closed forms</h1>",
        f"<p class='lead'>{escape(str(record['date']))}; {escape(versions)}; {escape(str(record['platform']))}</p>",
        f'<p class="summary{" missed" if missed else ""}">{escape(str(record["summary"]))}</p>',
        f"<p>{_HOW}</p>",
        f'<nav><a href="#overview">overview</a> {links}</nav>',
        '<section id="overview"><h2>Overview</h2>',
        _image(overview_png(cases), "Share of the allowed error that each check uses") if cases else "",
        _overview_table(cases),
        "</section>",
    ]
    for group in groups:
        parts.append(f'<section id="{_anchor(group)}"><h2>{escape(group[:1].upper() + group[1:])}</h2>')
        parts += [_article(case) for case in cases if case["group"] == group]
        parts.append("</section>")
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>cordgraft verify</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n"
        f"<footer>{palette.RESEARCH_SENTENCE} Verification says that equations are solved right, not that they are the "
        "right equations.</footer>\n</body>\n</html>\n"
    )


# ------------------------------------------------------------------------------------------------- pictures
def case_png(plot: Mapping[str, Any]) -> bytes:
    """Return the picture of a case: exact curves, computed points, labelled axes."""
    figure = palette.new_figure(5.4, 3.3)
    axes = figure.add_axes((0.14, 0.15, 0.82, 0.66))
    for series, colour in zip(plot["exact"], cycle(palette.CYCLE), strict=False):
        if plot.get("points"):
            axes.plot(series["x"], series["y"], "_", color=colour, markersize=13, label=series["label"])
        else:
            axes.plot(series["x"], series["y"], "-", color=colour, label=series["label"])
    one_curve = len(plot["exact"]) == 1
    for number, series in enumerate(plot["computed"]):
        colour = palette.VERMILLION if one_curve and number == 0 else palette.CYCLE[(number + one_curve) % 8]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(
            series["x"], series["y"], marker, color=colour, markersize=4.5 - 0.4 * min(number, 3),
            markerfacecolor="none", markeredgewidth=1.0, label=series["label"],
        )  # fmt: skip
    axes.set_xlabel(plot["x_label"])
    axes.set_ylabel(plot["y_label"])
    if plot["scale"] == "log":
        axes.set_xscale("log")
    if plot["scale"] in ("log", "log y"):
        axes.set_yscale("log")
    values = [y for series in (*plot["exact"], *plot["computed"]) for y in series["y"]]
    if values and max(values) - min(values) < 1e-6 * max(abs(y) for y in values):
        # what is constant to rounding must not be blown up until rounding looks like a difference
        axes.set_ylim(*sorted((0.9 * min(values), 1.1 * max(values))))
    axes.grid(True, color="#E8E8E8", linewidth=0.5)
    axes.set_axisbelow(True)
    lines = len(plot["exact"]) + len(plot["computed"])
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.03),
        ncols=2 if lines <= 6 else 3,
        fontsize=7.0,
        borderpad=0.2,
    )
    return _png(figure)


def overview_png(cases: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the picture of error over allowed error, a point per check; right of the line falls short."""
    bars = [
        (
            str(case["name"]),
            [
                check["error"] / check["allowed"] if check["allowed"] > 0.0 else 0.0
                for check in case["checks"]
            ],
        )
        for case in cases
    ]
    least = 1e-4
    figure = palette.new_figure(9.6, 1.1 + 0.145 * max(1, len(bars)))
    height = figure.get_size_inches()[1]
    axes = figure.add_axes((0.30, 0.62 / height, 0.66, 1.0 - 0.95 / height))
    for row, (_, used) in enumerate(bars):
        for share in used:
            colour = palette.BLUE if share <= 1.0 else palette.VERMILLION
            axes.plot(max(share, least), row, "o", color=colour, markersize=3.2)
    axes.axvline(1.0, color=palette.VERMILLION, linewidth=1.0)
    axes.set_xscale("log")
    axes.set_xlim(0.7 * least, 3.0)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_yticks(range(len(bars)), [name for name, _ in bars], fontsize=6.3)
    axes.set_xlabel(
        f"error / allowed error (1), a point per check; {least:g} stands for less, none for a case that broke"
    )
    axes.grid(True, axis="x", color="#E8E8E8", linewidth=0.5)
    return _png(figure)


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI)
    return data.getvalue()


def _image(data: bytes, words_for_it: str) -> str:
    coded = base64.b64encode(data).decode("ascii")
    return f'<img alt="{escape(words_for_it, quote=True)}" src="data:image/png;base64,{coded}">'


# ---------------------------------------------------------------------------------------------------- text
def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _row(cells: Iterable[tuple[str, str]], tag: str = "td") -> str:
    made = (
        f'<{tag} class="{kind}">{text}</{tag}>' if kind else f"<{tag}>{text}</{tag}>" for text, kind in cells
    )
    return f"<tr>{''.join(made)}</tr>"


def _table(header: Sequence[tuple[str, str]], rows: Iterable[str]) -> str:
    body = "\n".join(rows)
    return f'<div class="scroll"><table>\n<thead>{_row(header, "th")}</thead>\n<tbody>\n{body}\n</tbody></table></div>'


_NUMBERS = [(word, "number") for word in ("exact", "computed", "error", "allowed")]


def _numbers(check: Mapping[str, Any]) -> list[tuple[str, str]]:
    digits = {"exact": 7, "computed": 7, "error": 2, "allowed": 2}
    return [(f"{check[name]:.{digits[name]}g}", "number") for name in digits]


def _verdict(word: str) -> tuple[str, str]:
    return (word, word)


def _overview_table(cases: Sequence[Mapping[str, Any]]) -> str:
    header = [("case", ""), ("quantity", ""), *_NUMBERS, ("unit", ""), ("verdict", ""), ("seconds", "number")]
    rows = []
    for case in cases:
        link = f'<a href="#{_anchor(str(case["name"]))}">{escape(str(case["name"]))}</a>'
        seconds = f"{case['seconds']:.1f}"
        if not case["checks"]:
            trouble = (escape(str(case["trouble"])), "")
            rows.append([(link, ""), trouble, *[("", "")] * 5, _verdict("broken"), (seconds, "number")])
        for number, check in enumerate(case["checks"]):
            first = number == 0
            rows.append(
                [
                    (link if first else "", ""),
                    (escape(check["quantity"]), ""),
                    *_numbers(check),
                    (escape(check["unit"]), ""),
                    _verdict("met" if check["met"] else "short"),
                    (seconds if first else "", "number"),
                ]
            )
    return _table(header, (_row(row) for row in rows))


def _article(case: Mapping[str, Any]) -> str:
    name = str(case["name"])
    header = [("quantity", ""), *_NUMBERS, ("unit", ""), ("verdict", "")]
    rows = []
    for check in case["checks"]:
        verdict = _verdict("met" if check["met"] else "short")
        cells = [(escape(check["quantity"]), ""), *_numbers(check), (escape(check["unit"]), ""), verdict]
        rows.append(_row(cells).replace("<tr>", '<tr class="first">', 1))
        rows.append(f'<tr><td class="why" colspan="7">allowed: {escape(check["why"])}</td></tr>')
    trouble = f'<p class="broken">{escape(str(case["trouble"]))}</p>' if case["trouble"] else ""
    picture = ""
    if case["plot"] is not None:
        alt = f"{name}: exact and computed, {case['plot']['y_label']} over {case['plot']['x_label']}"
        picture = f"<figure>{_image(case_png(case['plot']), alt)}</figure>"
    return (
        f'<article id="{_anchor(name)}"><h3>{escape(name)} '
        f'<span class="{case["verdict"]}">{case["verdict"]}</span></h3>\n'
        f'<p>{escape(str(case["meaning"]))}</p>\n<div class="body"><div class="words">'
        f"{trouble}{_table(header, rows) if rows else ''}</div>{picture}</div></article>"
    )
