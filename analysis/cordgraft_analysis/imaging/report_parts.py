"""The parts of a report on scans that a single examination and a trial share, as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from cordgraft_analysis.imaging import report_figures, report_words
from cordgraft_analysis.imaging.examination import Examination
from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.report_words import MEASURES, bridge_words, cell, error_words, number
from cordgraft_analysis.page_parts import image, table

STYLE = """
.figures { display: flex; flex-wrap: wrap; gap: 18px 20px; align-items: flex-start; }
.figures figure { margin: 6px 0; flex: 0 1 auto; max-width: 100%; }
.figures img { border: none; display: block; }
figcaption { color: #444; font-size: 13px; max-width: 30em; margin-top: 4px; }
.keys { display: flex; flex-wrap: wrap; gap: 10px; margin: 10px 0; padding: 0; }
.keys div { border: 1px solid #ddd; border-radius: 4px; padding: 7px 12px; min-width: 9.5em; flex: 1 1 9.5em; }
.keys dt { color: #555; font-size: 12.5px; } .keys dd { margin: 0; font-size: 19px; font-weight: 600; }
.keys small { color: #555; font-size: 12.5px; font-weight: 400; white-space: nowrap; }
td.name { font-weight: 600; min-width: 9em; }
td.name span { display: block; font-weight: 400; color: #555; font-size: 12.5px; max-width: 44em; }
td.quiet { color: #555; white-space: nowrap; }
td.text { min-width: 15em; } td.file { min-width: 13em; overflow-wrap: anywhere; } td.mark { white-space: nowrap; }
td.sum { font-family: "DejaVu Sans Mono", monospace; font-size: 11px; word-break: break-all; min-width: 14em; }
.wrap th { white-space: normal; min-width: 4.5em; vertical-align: bottom; }
code { overflow-wrap: anywhere; font-size: 12.5px; }
@media (max-width: 640px) { body { padding: 14px 14px 40px; } nav a { display: inline-block; } h1 { font-size: 22px;
       overflow-wrap: anywhere; } h3 { overflow-wrap: anywhere; } .keys div { min-width: 7.5em; }
       table.measures td.quiet { white-space: normal; min-width: 5em; } table.measures { font-size: 12.5px; } }
"""
#: Pixels of a picture per CSS pixel, so that it is sharp and of one size on every page.
SHARPNESS = report_figures.DPI / 96.0


def figure(data: bytes, words_for_it: str, caption: str) -> str:
    """Return a picture with its caption (plain text), at most as wide as it was drawn."""
    wide = round(int.from_bytes(data[16:20], "big") / SHARPNESS)
    tall = round(int.from_bytes(data[20:24], "big") / SHARPNESS)
    drawn = image("image/png", data, words_for_it).replace(
        "<img ", f'<img width="{wide}" height="{tall}" ', 1
    )
    return f'<figure style="width: {wide}px">{drawn}<figcaption>{escape(caption)}</figcaption></figure>'


def keys(examination: Examination) -> str:
    """Return the numbers that a reader looks for first, each with unit and uncertainty."""
    row = examination.table.total
    cells = []
    for measure in MEASURES:
        if not measure.key:
            continue
        error = report_words.error_mm(measure, row)
        more = f" ± {error:.{report_words.digits(measure, row)}f}" if error is not None else ""
        unit = "" if measure.unit == "1" else f" {measure.unit}"
        cells.append(
            f"<div><dt>{escape(measure.words)}</dt><dd>{cell(measure, row)}"
            f"<small>{escape(more)}{escape(unit)}</small></dd></div>"
        )
    return f'<dl class="keys">{"".join(cells)}</dl>'


def pictures(examination: Examination, with_profile: bool = True) -> str:
    """Return the planes of an examination, and its profiles."""
    row = examination.table.total
    named = [file.name for file in examination.files if file.role == "image"]
    ground = f"image: {named[0]}" if named else "no image was given"
    if not examination.lesion_present:
        bridges, place = (
            "The mask holds no lesion: there is no bridge to draw.",
            "at the middle of the cord's mask",
        )
    elif examination.bridges:
        widths = " and ".join(f"{one.side} {bridge_words(one)}" for one in examination.bridges)
        bridges, place = f"Yellow: the narrowest tissue bridges, {widths}.", "at the epicentre of the lesion"
    else:
        kind = str(row.get("bridge_kind") or "not measured").removeprefix("proxy: ")
        bridges, place = f"No bridge is drawn: {kind}.", "at the epicentre of the lesion"
    left, right = examination.sides
    drawn = [
        figure(
            report_figures.sagittal_png(examination),
            f"{examination.title}: midsagittal plane with the outlines of cord and lesion. {bridges}",
            f"Sagittal plane through the cord's centreline ({ground}); outlines where masks pass one half. {bridges}",
        )
    ]
    if not examination.section:
        drawn.append(
            figure(
                report_figures.axial_png(examination),
                f"{examination.title}: plane normal to the cord {place}, with the outlines of cord and lesion",
                f"Plane normal to the cord {place}: {left} of the subject is on the left, {right} on "
                "the right, ventral above.",
            )
        )
    if with_profile:
        drawn.append(
            figure(
                report_figures.profile_png([examination]),
                f"{examination.title}: damage ratio and areas of cord and lesion along the cord, over mm",
                f"Means over pieces of {examination.along.step_mm:g} mm of cord. The damage ratio is lesion area over "
                "cord area.",
            )
        )
    return f'<div class="figures">{"".join(drawn)}</div>'


def measures_table(examination: Examination) -> str:
    """Return all measures of the whole lesion with unit, uncertainty, definition, and those by SCT's formulas."""
    row = examination.table.total
    sct = None if examination.sct is None else _sct_row(examination.sct.rows)
    rows = []
    for measure in MEASURES:
        values = [cell(measure, row)]
        if sct is not None:
            values.append(cell(measure, sct))
        numbers = "".join(f'<td class="number">{value}</td>' for value in values)
        rows.append(
            f'<tr><td class="name">{escape(measure.words)}<span>{escape(measure.definition)}</span></td>{numbers}'
            f'<td>{escape(measure.unit)}</td><td class="quiet">{escape(error_words(measure, row))}</td></tr>'
        )
    numbers = '<th class="number">mm</th>' + ('<th class="number">SCT</th>' if sct is not None else "")
    body = "\n".join(rows)
    return (
        f'<div class="scroll"><table class="measures">\n<thead><tr><th>measure</th>{numbers}<th>unit</th>'
        f"<th>uncertainty (mm)</th></tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _sct_row(rows: Sequence[Row]) -> Row:
    """Return the row of SCT's table for the whole lesion: that of the lesion where there is one, else the sums."""
    return rows[0] if len(rows) <= 2 else rows[-1]


def lesions_table(examination: Examination) -> str:
    """Return one row for each lesion of a mask with several; nothing for one or none."""
    if len(examination.table.lesions) < 2:
        return ""
    shown = [measure for measure in MEASURES if measure.key]
    header = ["lesion", *(f"{m.words}, {m.unit}" if m.unit != "1" else m.words for m in shown)]
    rows = [[str(row["label"]), *(cell(m, row) for m in shown)] for row in examination.table.rows]
    note = "<p>Each lesion on its own, and all of them as one (<em>total</em>).</p>"
    return (
        f"<h3>Single lesions</h3>{note}{table(header, rows, dict.fromkeys(range(1, len(header)), 'number'))}"
    )


def profile_details(examination: Examination) -> str:
    """Return the profile as a table that is folded away."""
    rows = [
        [number(value, places) for value, places in zip(row.values(), (2, 2, 2, 3, 2, 2), strict=True)]
        for row in examination.along.rows()
    ]
    header = ["mm along the cord", "cord, mm²", "lesion, mm²", "damage ratio", "cord A-P, mm", "cord R-L, mm"]
    return (
        f"<details><summary>{escape(examination.title)}: {len(rows)} pieces of {examination.along.step_mm:g} mm"
        f"</summary>\n{table(header, rows, dict.fromkeys(range(6), 'number'))}\n</details>"
    )


def warnings(examinations: Sequence[Examination], more: Sequence[Finding] = ()) -> str:
    """Return what the checks found and what the grids make of the numbers, warnings first."""
    rows: list[tuple[str, str, str]] = []
    for one in examinations:
        rows += [("warning", one.title, remark) for remark in report_words.remarks(one)]
        rows += [_found(finding, one.title) for finding in one.findings]
    rows += [_found(finding, "data set") for finding in more]
    rows.sort(key=lambda row: not row[0].startswith("warning"))
    if not rows:
        return "<p>None: the checks found nothing to say.</p>"
    header, kinds = ["level", "examination", "what was found, and what to do"], {0: "mark", 2: "text"}
    if len({title for _, title, _ in rows}) == 1:
        return table(
            [header[0], header[2]], [(level, text) for level, _, text in rows], {0: "mark", 1: "text"}
        )
    return table(header, rows, kinds)


def _found(finding: Finding, title: str) -> tuple[str, str, str]:
    # Files by their names: where they lie on this machine is nobody's business.
    name = finding.file.replace("\\", "/").rpartition("/")[2]
    sentence = finding.sentence.replace(finding.file, name) if finding.file else finding.sentence
    return f"{finding.level} {finding.code}", title, f"{name}: {sentence}" if name else sentence


def files_table(examinations: Sequence[Examination]) -> str:
    """Return the files with grid, maker and checksum."""
    rows = [
        (
            file.name,
            file.role,
            file.shape,
            file.voxel,
            file.orientation,
            file.made_by or "not said",
            file.sha256,
        )
        for one in examinations
        for file in one.files
    ]
    header = ["file", "role", "voxels", "edges, mm", "nibabel / SCT", "made by (sidecar)", "SHA-256"]
    return table(header, rows, {0: "file", 1: "mark", 2: "mark", 3: "mark", 4: "mark", 6: "sum"})


def provenance(facts: Mapping[str, str]) -> str:
    """Return versions and the command."""
    return table(["what", "value"], list(facts.items()), {0: "name"})


def voxels(examination: Examination) -> str:
    """Return the voxel edges as a reader of measures needs them."""
    across, forward, along = examination.table.spacing_mm
    return f"{across:.3g} x {forward:.3g} x {along:.3g} mm (across, dorsoventral, along)"
