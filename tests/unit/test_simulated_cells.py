"""Cautions on few simulated cells: places in host tissue, and founders of a tumour against those that are injected."""

from __future__ import annotations

import pytest

from cordgraft.scenario.load import load
from cordgraft.scenario.simulated_cells import FEWEST_FOUNDERS, founders

MOUSE, HUMAN = "mouse_subacute_graft", "human_cervical_subacute_graft"
TUMOUR, PREVIEW = "treatments.graft.line=253G1-like", "resolution=preview"
PLAIN = "treatments.graft.pretreatment=none"
DEPOT = "treatments.depot.use=chemoattractant_depot"


def cautions(key: str, says: str, *sets: str, name: str = MOUSE) -> list[str]:
    found = [c.message for c in load(name, sets).cautions if c.key == key]
    return [text for text in found if says in text]


# ------------------------------------------------------------------------- passage through host tissue


@pytest.mark.parametrize(
    ("sets", "places"),
    [
        ([DEPOT], "1.5"),
        ([DEPOT, "geometry.voxel=50 um"], ""),
        ([DEPOT, "treatments.depot.dose=0 ng"], ""),
        ([], ""),
        (["numerics.cells_per_agent=2"], "0.75"),
        (["numerics.cells_per_agent=2", "parameters.cell_turnover.tissue_share=0.4"], ""),
        (["numerics.cells_per_agent=2", "parameters.migration.enabled=false"], ""),
        (["numerics.cells_per_agent=2", "treatments.graft.dose=0 cells"], ""),
    ],
)
def test_too_few_places_in_host_tissue_are_said(sets: list[str], places: str) -> None:
    """7.5 cells in a voxel of 25 x 25 x 50 um, of which host tissue offers a fifth."""
    found = cautions("numerics.cells_per_agent", "host tissue", *sets)
    assert len(found) == bool(places)
    assert all(f"has {places} places" in text and "larger voxels" in text for text in found)
    assert all(("drawn" in text) == (DEPOT in sets) for text in found)
    assert all(("fewer cells" in text) == ("numerics.cells_per_agent=2" in sets) for text in found)


# ------------------------------------------------------------------------------- founders of a tumour


@pytest.mark.parametrize(
    ("name", "sets", "number"),
    [
        (MOUSE, [TUMOUR], ""),
        (MOUSE, [TUMOUR, PREVIEW], "about 94"),
        (MOUSE, [TUMOUR, "treatments.graft.dose=1e3 cells"], "about 3"),
        (MOUSE, [TUMOUR, "treatments.graft.dose=100 cells"], "one or none"),
        (MOUSE, [PREVIEW], ""),
        (HUMAN, [TUMOUR, PLAIN], ""),
        (HUMAN, [TUMOUR, PLAIN, PREVIEW], "about 65"),
        (HUMAN, [TUMOUR], "about 16"),
        (HUMAN, [TUMOUR, "treatments.graft.dose=0 cells"], ""),
    ],
)
def test_a_tumour_of_few_simulated_founders_is_a_matter_of_chance(
    name: str, sets: list[str], number: str
) -> None:
    found = cautions("treatments.graft.line", "is chance; compare several seeds", *sets, name=name)
    assert len(found) == bool(number)
    assert all(number in text for text in found)
    assert all(("resolution: full" in text) == (PREVIEW in sets) for text in found)


def test_founders_are_simulated_cells_and_not_those_that_they_stand_for() -> None:
    """One that stands for three is a third of the founders; in a volume every living cell counts once."""
    whole = load(HUMAN, ["geometry.section=volume"])
    params = whole.treatments["graft"][1]
    assert founders(whole, params) == pytest.approx(2e6 * 0.8 * 0.9 / 10.0)
    coarse = load(MOUSE, ["numerics.cells_per_agent=3"])
    fine = load(MOUSE)
    dose = fine.treatments["graft"][1]
    assert founders(fine, dose) == pytest.approx(3.0 * founders(coarse, dose))
    assert founders(fine, dose) * 0.01 > FEWEST_FOUNDERS


# ------------------------------------------------------------------------- tracts without a fibre


def test_a_tract_without_simulated_fibres_is_said_to_be_spared() -> None:
    none = "parameters.axon_injury.reticulospinal_simulated"
    (said,) = cautions(none, "its drive stays 1", f"{none}=0")
    assert "1 fibre or more" in said
    assert not cautions(none, "", f"{none}=1")
    assert not cautions(none, "", f"{none}=0", "parameters.function_index.enabled=false")
