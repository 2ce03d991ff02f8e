"""The verbs that look and do not run: list, new, show, check, plan."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path
from typing import Any

from cordgraft.core.problems import BadInput, Caution
from cordgraft.processes import registry
from cordgraft.run.console import (
    BAD_INPUT,
    OK,
    problem_record,
    say,
    say_cautions,
    say_problems,
    say_table,
)
from cordgraft.scenario import catalog, fragments
from cordgraft.scenario.assemble import values_of
from cordgraft.scenario.config import Config
from cordgraft.scenario.document import parse
from cordgraft.scenario.fields import cited_in_words, in_words, limits
from cordgraft.scenario.load import load
from cordgraft.scenario.schema import treatment_types

#: What the plan says of a field that stays where it is made; the owner writes it.
_BOUND = {"solver": "bound", "edge": "", "lattice": "", "step": "", "expected error": ""}
#: Voxels of a lattice that any machine has room for.
SURELY_FITS = 300_000


def list_scenarios(json_output: bool) -> None:
    """Print the scenarios that can be run by name."""
    rows = [{"name": entry.name, "title": entry.title} for entry in catalog.list_scenarios()]
    parts = [{"name": name, "title": title} for name, title in fragments.titles()]
    if json_output:
        kinds = [(row, "scenario") for row in rows] + [(row, "treatment") for row in parts]
        say(json.dumps([{**row, "kind": kind} for row, kind in kinds], indent=2))
    else:
        say_table("Scenarios", rows)
        say_table("Treatments, brought in with use: NAME", parts)
        say("cordgraft show NAME prints one with every default; cordgraft run NAME runs it")


def new_scenario(destination: Path, origin: str, overwrite: bool) -> None:
    """Write a copy of a shipped scenario with its schema beside it."""
    written = catalog.write_new(destination, origin, overwrite=overwrite)
    for path in written:
        say(f"wrote {path}")
    say(f"run it with: cordgraft run {shlex.quote(str(written[0]))}")


def show_scenario(name: str, sets: list[str], json_output: bool) -> None:
    """Print a scenario with every default filled in, or a fragment of a treatment as it stands."""
    file = fragments.files().get(name)
    if file is not None and name not in catalog.names():
        _show_fragment(name, file, json_output)
        return
    config = load(name, sets, allow_open=True)
    if json_output:
        say(json.dumps(config.resolved, indent=2))
        return
    say(catalog.to_yaml(config.resolved).rstrip())
    say_cautions(config.cautions)


def _show_fragment(name: str, file: Path, json_output: bool) -> None:
    """Print a treatment that scenarios bring in; what it leaves out depends on the species."""
    text = catalog.read_text(file)
    if json_output:
        say(json.dumps(parse(text, file.name).data, indent=2))
        return
    say(text.rstrip())
    say(f"{name} is a treatment, not a scenario: {catalog.how_to_use(name)}")


def parameter_rows(name: str, sets: list[str], word: str) -> list[dict[str, Any]]:
    """Return the parameters of a scenario that mention `word`, one dict each.

    That is in the address, in the meaning or, for all keys of a treatment, in its type.
    """
    config = load(name, sets, allow_open=True)
    types = {f"treatments.{label}": kind for label, (kind, _) in config.treatments.items()}
    rows = []
    for address, spec, value in values_of(config):
        kind = types.get(address.rpartition(".")[0], "")
        if word.lower() not in f"{address} {spec.meaning} {kind}".lower():
            continue
        rows.append(
            {
                "address": address,
                "value": "" if value is None else str(in_words(spec, value)),
                "meaning": spec.meaning,
                "allowed": limits(spec) or spec.allowed(),
                "cited": cited_in_words(spec),
                "evidence": spec.evidence,
                "source": " ".join(part for part in (spec.source, spec.doi) if part),
            }
        )
    return rows


def show_parameters(name: str, sets: list[str], word: str, json_output: bool) -> None:
    """Print the parameters that mention `word`."""
    rows = parameter_rows(name, sets, word)
    if json_output:
        say(json.dumps(rows, indent=2))
    elif rows:
        say_table(f"Parameters of {name} that mention '{word}'", rows)
    else:
        say(f"no parameter of {name} mentions '{word}'")
    if not json_output:
        for line in _absent(name, sets, word):
            say(line)


def _absent(name: str, sets: list[str], word: str) -> list[str]:
    """Return a line for every type of treatment that `word` names and the scenario does not have, or for no name."""
    present = {kind for kind, _ in load(name, sets, allow_open=True).treatments.values()}
    wanted = word.lower().replace(" ", "_")
    lines = [
        f"{kind} is a type of treatment that {name} does not have: its keys stand in docs/parameters.md, and with "
        f"--set treatments.NAME.type={kind} they are listed here"
        for kind in treatment_types()
        if wanted and wanted in kind and kind not in present
    ]
    if not lines and not parameter_rows(name, sets, word) and wanted in registry():
        lines = [f"{wanted} is a mechanism; all parameters of all mechanisms stand in docs/parameters.md"]
    return lines


def check_scenarios(names: list[str], sets: list[str], json_output: bool, quiet: bool) -> int:
    """Check scenario files; returns the exit code."""
    code = OK
    found: list[dict[str, Any]] = []
    for name in names:
        try:
            config = load(name, sets, allow_open=True)
            cautions = (*config.cautions, *too_large_here(config))
            if config.cautions == cautions:
                refuse_solver(config)
        except BadInput as error:
            code = BAD_INPUT
            found.extend({"scenario": name, **problem_record(problem)} for problem in error.problems)
            say_problems(error)
            continue
        if not json_output:
            say_cautions(cautions)
            if not quiet:
                say(f"{name}: ok ({config.title})")
        found.extend({"scenario": name, "caution": str(caution)} for caution in cautions)
    if json_output:
        say(json.dumps({"ok": code == OK, "findings": found}, indent=2))
    return code


def refuse_solver(config: Config) -> None:
    """Raise `BadInput` if the solver is forced to one that the lattices of the fields cannot have.

    Most of that follows from the text and has been refused by then. What is left follows from the blocks that the
    fields choose, so the state is built for it; it is a section, and small.
    """
    if config.parameters["transport"].solver != "spectral" or config.requires:
        return
    from cordgraft.engine.pipeline import Pipeline
    from cordgraft.scenario.build import build

    with config.locating():
        built = build(config)
        Pipeline(built.processes, built.tissue.clock, dict(built.config.periods_h), built.resting).prepare(
            built.tissue
        )


def too_large_here(config: Config) -> tuple[Caution, ...]:
    """Return a caution if a scenario is sound but does not fit into the memory of this machine."""
    # Masks say for themselves how large the lattice is, and counting the arrays of a small one takes a while.
    if config.geometry.cord_mask or math.prod(config.geometry.voxels) < SURELY_FITS:
        return ()
    from cordgraft.scenario.build import estimate, make_processes, resting_processes
    from cordgraft.scenario.size import what_fits

    size = estimate(config)
    if size.fits:
        return ()
    active = make_processes(config)
    rest = what_fits(config, config.geometry.lattice(), active, resting_processes(config, active))
    sentence = (
        f"does not fit into the memory of this machine and would not run here: {size.sentence()}; {rest}"
    )
    return (Caution("geometry.voxel", sentence),)


def print_plan(config: Config, json_output: bool) -> None:
    """Print processes, fields and size of a run."""
    from cordgraft.engine.pipeline import Pipeline
    from cordgraft.scenario.build import build, estimate

    with config.locating():
        built = build(config)
        tissue = built.tissue
        pipeline = Pipeline(built.processes, tissue.clock, dict(built.config.periods_h), built.resting)
        pipeline.check(tissue)
        pipeline.prepare(tissue)
    rows = pipeline.table()
    fields = [
        {
            "field": short,
            "unit": tissue.specs[f"field.{short}"].unit,
            "diffusivity": f"{tissue.coefficients[short][0]:g} um2/s",
            "decay": f"{tissue.coefficients[short][1]:.4g} 1/h",
            "length": _length(*tissue.coefficients[short]),
            **tissue.field_notes.get(short, _BOUND),
        }
        for short in tissue.field_names
    ]
    size = {
        "voxels": list(tissue.lattice.shape),
        "spacing_um": list(tissue.lattice.spacing_um),
        "ticks": tissue.clock.ticks,
        "tick_h": tissue.clock.tick_h,
        "state_bytes": tissue.nbytes(),
    }
    needed = estimate(built.config, tissue.lattice)
    if json_output:
        say(
            json.dumps(
                {
                    "title": built.config.title,
                    "processes": rows,
                    "fields": fields,
                    "size": size,
                    "estimate": needed.as_record(),
                },
                indent=2,
            )
        )
        return
    say(built.config.title)
    say_table("Processes", rows)
    say_table("Fields", fields)
    shape = " x ".join(str(n) for n in tissue.lattice.shape)
    spacing = " x ".join(f"{edge:g}" for edge in tissue.lattice.spacing_um)
    say(
        f"lattice {shape} voxels of {spacing} um (right, anterior, superior); {tissue.nbytes() / 1e6:.1f} MB of state"
    )
    say(
        f"{tissue.clock.ticks} ticks of {tissue.clock.tick_h:g} h: {tissue.clock.days(tissue.clock.ticks):g} days"
    )
    say(f"memory: {needed.sentence()}")
    say(f"time: {needed.time_sentence()}")
    say_cautions(built.cautions)


def _length(diffusivity_um2_s: float, decay_per_h: float) -> str:
    """Return the distance over which a field falls by e, sqrt(D/k)."""
    if diffusivity_um2_s <= 0.0 or decay_per_h <= 0.0:
        return ""
    return f"{(diffusivity_um2_s * 3600.0 / decay_per_h) ** 0.5:.0f} um"
