"""Function indices and drives over time with the spread over seeds, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cordgraft.core import axon_layout, schema
from cordgraft_analysis import palette, words
from cordgraft_analysis.charts import drawable
from cordgraft_analysis.compare import draw_arms
from cordgraft_analysis.outcome_charts import Chart, Curve
from cordgraft_analysis.outcomes.gathering import Gathered
from cordgraft_analysis.outcomes.heads import NOTE_WIDTH, WIDTH_IN, arm_lines, head
from cordgraft_analysis.seeds import FEW, HIGH, LOW, draw_band
from cordgraft_analysis.sheet import Sheet


def function_charts() -> tuple[Chart, ...]:
    """Return the charts of indices and drives: one with all curves each for one arm."""
    descending = [tract for tract in schema.HOST_TRACTS if tract not in axon_layout.ASCENDING_TRACTS]

    def drives(key: str, title: str, tracts: Sequence[str]) -> Chart:
        curves = tuple(
            Curve(f"function_drive_{tract}", tract, palette.tract_colour(tract)) for tract in tracts
        )
        return Chart(key, title, "share of normal", curves)

    index = (
        Curve("function_motor_index", "motor", palette.BLACK),
        Curve("function_sensory_index", "sensory", palette.SKY, "--"),
    )
    return (
        Chart("indices", "Function index", "index (1 is healthy)", index, ceiling=1.05),
        drives("descending", "Drive, descending tracts", descending),
        drives("ascending", "Drive, ascending tracts", axon_layout.ASCENDING_TRACTS),
    )


def function_figure(gathered: Gathered) -> Any:
    """Return indices and drives over time with the spread over seeds; call it within `palette.style`."""
    charts = [
        chart for chart in function_charts() if any(drawable([chart], arm.ensemble) for arm in gathered.arms)
    ]
    several = len(gathered.arms) > 1
    if several:  # one quantity a panel, a colour each arm
        charts = [
            Chart(curve.name, f"{chart.title.partition(',')[0]}: {curve.label}", chart.unit, (curve,))
            for chart in charts
            for curve in chart.curves
        ]
    notes = words.wrapped(_function_notes(gathered, charts), NOTE_WIDTH)
    rows = -(-len(charts) // 3)
    lines = arm_lines(gathered, coloured=True)
    sheet = Sheet(WIDTH_IN, 0.6 + 0.17 * len(lines) + 2.45 * rows + 0.5 + 0.14 * len(notes))
    head(sheet, "Function over time", lines)
    arms = [(arm.label, arm.ensemble) for arm in gathered.arms]
    marks = {mark.day: mark.label for mark in gathered.arms[0].first.marks}
    for axes, chart, letter, is_last in sheet.chart_grid(charts, 3, 2.45):
        if several:
            draw_arms(axes, chart, arms, letter)
        else:
            draw_band(axes, chart, arms[0][1], marks, letter)
        if is_last:
            axes.set_xlabel("days after injury")
    sheet.notes(notes)
    return sheet.figure


def _function_notes(gathered: Gathered, charts: Sequence[Chart]) -> list[str]:
    """Return what lines, marks and drives are, and which curves cannot be seen as they are 0."""
    notes = []
    seeds = [len(arm.subjects) for arm in gathered.arms]
    if max(seeds) > 1:
        notes.append(
            f"Lines: median over seeds; bands: {LOW:g}th to {HIGH:g}th percentile. A seed draws the subject as well as"
            " the noise." + (" Thin lines: single seeds." if any(1 < count < FEW for count in seeds) else "")
        )
    if any(arm.first.marks for arm in gathered.arms):
        notes.append("Dashed vertical line = treatment" + (" of any arm." if len(seeds) > 1 else "."))
    notes.append(
        "Drive of a tract: what its spared fibres conduct, raised by plasticity, plus the share that regrew to a"
        " target and what relays through the graft carry; the parts are not recorded apart. Every panel has an axis of"
        " its own."
    )
    nil = [
        f"{curve.label} ({arm.label})" if len(seeds) > 1 else curve.label
        for chart in charts
        for curve in chart.curves
        for arm in gathered.arms
        if not np.nan_to_num(arm.ensemble.stack(curve.name)).any()
    ]
    if nil:
        notes.append(f"0 on every day: {', '.join(nil)}.")
    return [*notes, *gathered.notes]
