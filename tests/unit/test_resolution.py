"""`resolution: preview`: what it makes coarse, what it leaves alone, and that it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput
from cordgraft.core.schema import series_specs
from cordgraft.engine.model import CordModel
from cordgraft.scenario import catalog
from cordgraft.scenario.document import parse
from cordgraft.scenario.load import from_document, load
from cordgraft.scenario.resolution import FEWEST_ACROSS, PREVIEW, TICKS_H, TOLERANCE, UNUSABLE

NAMES = [entry.name for entry in catalog.list_scenarios() if entry.name != "human_from_masks"]
PREVIEWED = ("resolution=preview",)


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_has_a_preview_that_says_what_it_is(name: str) -> None:
    config, full = load(name, PREVIEWED), load(name)
    coarse = PREVIEW[config.subject.species]
    assert (config.resolution, full.resolution) == ("preview", "full")
    assert min(config.geometry.voxel_um) == coarse.voxel_um > full.geometry.voxel_um[1]
    assert config.tick_h == TICKS_H[0] > full.tick_h
    assert config.parameters["transport"].tolerance == TOLERANCE > full.parameters["transport"].tolerance
    assert config.geometry.cells_per_agent == max(coarse.cells_per_agent, full.geometry.cells_per_agent)
    (said,) = (str(caution) for caution in config.cautions if caution.key == "resolution")
    assert "6 h" in said and "docs/preview.md" in said
    assert not any("FEWEST" in str(caution) or "simulated cells at full packing" in str(caution)
                   for caution in config.cautions)  # fmt: skip
    assert config.injury == full.injury and config.treatments == full.treatments
    assert config.duration_h == full.duration_h and config.record.maps_h == full.record.maps_h


@pytest.mark.parametrize("name", NAMES)
def test_a_resolved_preview_is_a_preview_of_itself(name: str, tmp_path: Path) -> None:
    config = load(name, PREVIEWED)
    text = catalog.to_yaml(config.resolved)
    again = from_document(parse(text, "a.yaml"), tmp_path / f"{name}.yaml")
    assert again.digest == config.digest != load(name).digest
    assert again.resolved == config.resolved


def test_the_written_resolution_may_be_the_coarser_one() -> None:
    config = load(
        "human_cervical_subacute_graft", [*PREVIEWED, "geometry.voxel=900 um", "numerics.cells_per_agent=99"]
    )
    assert config.geometry.voxel_um == (900.0,) * 3 and config.geometry.cells_per_agent == 99
    edges = load("human_cervical_subacute_graft", [*PREVIEWED, "geometry.voxel=[700 um, 250 um, 800 um]"])
    assert edges.geometry.voxel_um == (700.0, PREVIEW["human"].voxel_um, 800.0)


def test_full_is_the_default_and_changes_nothing() -> None:
    stated, silent = load("mouse_subacute_graft", ["resolution=full"]), load("mouse_subacute_graft")
    assert stated.digest == silent.digest and stated == silent


def test_a_thin_cord_keeps_its_voxels_across() -> None:
    config = load("mouse_subacute_graft", [*PREVIEWED, "geometry.cord_depth=400 um", "treatments.graft.depth=0.1 mm",
                                           "treatments.graft.at=9 d"])  # fmt: skip
    assert config.geometry.voxel_um[1] == pytest.approx(400.0 / FEWEST_ACROSS)


@pytest.mark.parametrize(
    ("setting", "tick_h"),
    [
        ("duration=112 d", 6.0),
        ("treatments.graft.at=220 h", 4.0),
        ("treatments.graft.at=219 h", 3.0),
        ("treatments.graft.at=218 h", 2.0),
        ("treatments.graft.at=217 h", 1.0),
        ("record.maps=[3 d, 100 h]", 4.0),
        ("tick=12 h", 12.0),
    ],
)
def test_the_tick_is_the_longest_that_meets_every_stated_time(setting: str, tick_h: float) -> None:
    config = load("mouse_subacute_graft", [*PREVIEWED, setting])
    assert config.tick_h == tick_h


def test_written_periods_are_rounded_up_to_whole_ticks() -> None:
    config = load("mouse_subacute_graft", [*PREVIEWED, "parameters.axon_injury.period=8 h"])
    assert config.periods_h["axon_injury"] == 12.0
    assert config.periods_h["transport"] == config.periods_h["inflammation"] == 6.0


def test_a_preview_refuses_what_the_full_resolution_refuses() -> None:
    for setting in ("treatments.graft.at=500 d", "geometry.length=1 um", "resolution=draft"):
        with pytest.raises(BadInput):
            load("mouse_subacute_graft", [*PREVIEWED, setting])


def test_outcomes_that_are_not_to_be_read_exist() -> None:
    for species, names in UNUSABLE.items():
        known = {spec.name for spec in series_specs(species, ("graft_volume_ratio", "neuron_distance"))}
        assert set(names) <= known


def test_a_preview_agrees_with_the_full_resolution_on_the_lesion() -> None:
    sets = {"duration": "2 d", "record.maps": "[2 d]", "treatments": "none", "safety": "{}"}
    volumes = []
    for resolution in ("full", "preview"):
        model = CordModel("mouse_subacute_graft", settings={**sets, "resolution": resolution})
        while model.running:
            model.step()
        volumes.append(model.latest["lesion_volume"])
    assert volumes[1] == pytest.approx(volumes[0], rel=0.2)
    assert volumes[0] > 0.1
