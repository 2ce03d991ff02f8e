"""The configuration: defaults by preset, the resolved text that loads to itself, cautions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cordgraft.core.contract import Phase
from cordgraft.processes import registry
from cordgraft.scenario import catalog
from cordgraft.scenario.config import Config
from cordgraft.scenario.load import load
from cordgraft.scenario.sections import BORROWED, LEVELS, SECTIONS, Top

TEXT = """\
kind: scenario
schema_version: 1
title: a test
duration: 50 d
"""


def config_of(folder: Path, more: str, *sets: str) -> Config:
    path = folder / "a.yaml"
    path.write_text(TEXT + more, encoding="utf-8")
    return load(path, sets)


def again(folder: Path, config: Config) -> Config:
    """Return what the resolved text of a configuration loads to."""
    path = folder / f"{config.name}.yaml"
    path.write_text(catalog.to_yaml(config.resolved), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    "name", [entry.name for entry in catalog.list_scenarios() if entry.name != "human_from_masks"]
)
def test_shipped_scenarios_load_and_their_resolved_text_loads_to_the_same(name: str, tmp_path: Path) -> None:
    config = load(name)
    assert config.cautions == () or config.subject.species == "human"
    assert again(tmp_path, config) == config


def test_a_scenario_from_masks_resolves_to_itself_and_publishes_no_folder(tmp_path: Path) -> None:
    for name, content in (("cord.nii", b"cord"), ("lesion.nii", b"lesion")):
        (tmp_path / name).write_bytes(content)
    sets = [
        f"geometry.{key}={tmp_path / key.replace('_mask', '.nii')}" for key in ("cord_mask", "lesion_mask")
    ]
    config = load("human_from_masks", [*sets, "geometry.scan_at=14 d"])
    assert again(tmp_path / "..", config) == config
    assert config.published["geometry"]["cord_mask"] == "cord.nii"
    assert str(tmp_path) not in json.dumps(config.published) and str(tmp_path) in json.dumps(config.resolved)
    assert set(config.inputs) == {"geometry.cord_mask", "geometry.lesion_mask"}


def test_the_digest_follows_the_content_of_the_masks_not_their_place(tmp_path: Path) -> None:
    digests = []
    for folder, content in (("a", b"one"), ("b", b"one"), ("c", b"other")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cord.nii").write_bytes(content)
        more = "subject: {species: human}\ngeometry: {cord_mask: cord.nii}\n"
        digests.append(config_of(tmp_path / folder, more).digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_changes_with_every_value_and_not_with_its_spelling(tmp_path: Path) -> None:
    subject = "subject: {species: mouse}\n"
    base = config_of(tmp_path, subject).digest
    assert config_of(tmp_path, subject + "geometry: {voxel: 0.025mm, level: T9}\n").digest == base
    assert config_of(tmp_path, subject + "geometry: {voxel: 26 um}\n").digest != base
    assert config_of(tmp_path, subject, "parameters.scar.enabled=false").digest != base
    assert config_of(tmp_path, subject, "seed=2").digest != base


@pytest.mark.parametrize(
    ("species", "level", "preset", "diameters", "segment"),
    [
        ("mouse", "T9", "mouse", (2000.0, 1400.0), 1300.0),
        ("mouse", "T10", "mouse", (2000.0, 1400.0), 1300.0),
        ("rat", "T9", "rat", (3000.0, 2400.0), 2700.0),
        ("human", "C5", "human_cervical", (13300.0, 7400.0), 11000.0),
        ("human", "T8", "human_thoracic", (8300.0, 6300.0), 20000.0),
        ("human", "T12", "human_thoracolumbar", (8900.0, 7000.0), 15000.0),
        ("human", "L1", "human_thoracolumbar", (8900.0, 7000.0), 15000.0),
    ],
)
def test_sizes_follow_species_and_level(
    tmp_path: Path, species: str, level: str, preset: str, diameters: tuple[float, float], segment: float
) -> None:
    config = config_of(tmp_path, f"subject: {{species: {species}}}\ngeometry: {{level: {level}}}\n")
    geometry = config.geometry
    assert (geometry.preset, geometry.cord_diameter_um, geometry.segment_um) == (preset, diameters, segment)
    borrowed = (species, level) in BORROWED
    assert any("stands in" in caution.message for caution in config.cautions) == borrowed


@pytest.mark.parametrize("species", LEVELS)
def test_every_default_stands_inside_its_own_cited_range(tmp_path: Path, species: str) -> None:
    for level in LEVELS[species]:
        config = config_of(tmp_path, f"subject: {{species: {species}}}\ngeometry: {{level: {level}}}\n")
        assert not [str(caution) for caution in config.cautions if "cited range" in caution.message]


def test_defaults_of_mechanisms_follow_the_preset(tmp_path: Path) -> None:
    mouse = config_of(tmp_path, "subject: {species: mouse}\ntreatments: {graft: {type: cell_graft}}\n")
    human = config_of(tmp_path, "subject: {species: human}\ntreatments: {graft: {type: cell_graft}}\n")
    assert (mouse.treatments["graft"][1].dose, human.treatments["graft"][1].dose) == (5e5, 2e6)
    assert (mouse.treatments["graft"][1].at, human.treatments["graft"][1].at) == (216.0, 504.0)
    assert mouse.injury.primary_length < human.injury.primary_length


def test_voxels_are_counted(tmp_path: Path) -> None:
    more = "subject: {species: mouse}\ngeometry: {length: 4 mm, voxel: [100 um, 50 um, 25 um]%s}\n"
    section = config_of(tmp_path, more % "").geometry
    assert section.voxels == (1, 28, 160) and section.lattice().spacing_um == (50.0, 50.0, 25.0)
    volume = config_of(tmp_path, more % ", section: volume").geometry
    assert volume.voxels == (20, 28, 160) and volume.voxel_um == (100.0, 50.0, 25.0)
    assert config_of(tmp_path, more % "").resolved["geometry"]["voxel"] == ["100 um", "50 um", "25 um"]


def test_every_mechanism_is_configured(tmp_path: Path) -> None:
    config = config_of(tmp_path, "subject: {species: mouse}\ntreatments: {mine: {type: cell_graft}}\n")
    for name, kind in registry().items():
        if kind.section == "treatments":
            continue
        assert config.enabled[name] and config.periods_h[name] == kind.period_h
        params = config.injury if kind.section == "injury" else config.parameters[name]
        assert isinstance(params, kind.Params)
    assert config.periods_h["mine"] == 1.0


def test_periods_are_whole_ticks(tmp_path: Path) -> None:
    config = config_of(tmp_path, "tick: 4 h\nsubject: {species: mouse}\n", "parameters.scar.period=8 h")
    assert config.periods_h["scar"] == 8.0
    for name, kind in registry().items():
        if kind.section != "treatments":
            assert config.periods_h[name] % 4.0 == 0.0
            if kind.phase == Phase.TREAT:
                assert config.periods_h[name] == 4.0


def test_a_value_outside_its_cited_range_is_a_caution_with_the_source(tmp_path: Path) -> None:
    config = config_of(tmp_path, "subject: {species: mouse}\ngeometry: {cord_width: 2.4 mm}\n")
    (caution,) = config.cautions
    assert caution.key == "geometry.cord_width"
    assert "2.4 mm lies outside the cited range 1.7 mm to 2.3 mm" in caution.message
    edge = config_of(tmp_path, "subject: {species: mouse}\ngeometry: {cord_width: 0.23 cm}\n")
    assert edge.cautions == (), "a rounding error of the conversion is none of the user's"


def test_a_switched_off_mechanism_raises_no_caution(tmp_path: Path) -> None:
    name, key, spec = next(
        (name, key, spec)
        for name, kind in registry().items()
        if kind.section == "parameters" and not kind.essential
        for key, spec in kind.Params.specs().items()
        if spec.kind == "quantity" and spec.cited and spec.bounds and spec.cited[1] < spec.bounds[1]
    )
    stated = f"parameters.{name}.{key}={spec.bounds[1]!r} {'' if spec.unit == '1' else spec.unit}"
    on = config_of(tmp_path, "subject: {species: mouse}\n", stated)
    off = config_of(tmp_path, "subject: {species: mouse}\n", stated, f"parameters.{name}.enabled=false")
    assert [caution.key for caution in on.cautions] == [f"parameters.{name}.{key}"] and off.cautions == ()


def test_a_bound_that_is_judged_after_the_end_is_a_caution(tmp_path: Path) -> None:
    more = "subject: {species: mouse}\ntreatments: {graft: {type: cell_graft, at: 9 d}}\n"
    safety = "safety: {dividing_fraction: {from: 45 d, at_most: 5 %}}\n"
    config = config_of(tmp_path, more + safety)
    assert config.safety == {"dividing_fraction": {"from": 1080.0, "at_most": 0.05}}
    assert [caution.key for caution in config.cautions] == ["safety.dividing_fraction"]
    assert config_of(tmp_path, more + safety.replace("45 d", "40 d")).cautions == ()


def test_without_days_of_maps_the_last_day_is_written(tmp_path: Path) -> None:
    assert config_of(tmp_path, "subject: {species: mouse}\n").record.maps_h == (1200.0,)
    config = config_of(tmp_path, "subject: {species: mouse}\nrecord: {maps: [14 d, 3 d, 14 d]}\n")
    assert config.record.maps_h == (72.0, 336.0)
    assert config_of(tmp_path, "subject: {species: mouse}\nrecord: {maps: []}\n").record.maps_h == ()


@pytest.mark.parametrize("params", [Top, *SECTIONS.values()], ids=lambda params: params.__name__)
def test_specs_of_the_sections_are_sound(params: Any) -> None:
    faults = [fault for name, spec in params.specs().items() for fault in spec.faults(name)]
    assert faults == []


def test_few_simulated_cells_per_voxel_are_a_caution() -> None:
    """2500 um3 a cell at a packing of 0.6: 7.5 cells in a voxel of 25 x 25 x 50 um, 3.8 simulated ones of two."""
    for changes, held in (
        (["numerics.cells_per_agent=2"], "3.8"),
        (["geometry.slab=25 um"], "3.8"),
        (["numerics.cells_per_agent=2", "geometry.voxel=50 um"], ""),
        (["numerics.cells_per_agent=2", "treatments=none"], ""),
    ):
        found = [str(c) for c in load("mouse_subacute_graft", changes).cautions if "at full packing" in str(c)]
        assert len(found) == bool(held)
        assert all(f"only {held} simulated cells" in text for text in found)
