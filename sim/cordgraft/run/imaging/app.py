"""The verbs of `cordgraft imaging`. Nothing heavy is imported before a verb runs."""

from __future__ import annotations

import typer

from cordgraft.run.imaging.check import check
from cordgraft.run.imaging.compare import compare
from cordgraft.run.imaging.cord import cord
from cordgraft.run.imaging.lesion import lesion
from cordgraft.run.imaging.longitudinal import longitudinal
from cordgraft.run.imaging.render import render
from cordgraft.run.imaging.report import report

imaging_app = typer.Typer(
    name="imaging",
    help="Work with scanner volumes: check, measure, render, compare. A research model: it predicts no patient.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Verbs import what they need when they run; here they are only named.
imaging_app.command()(check)
imaging_app.command()(render)
imaging_app.command()(lesion)
imaging_app.command()(cord)
imaging_app.command()(compare)
imaging_app.command()(longitudinal)
imaging_app.command()(report)
