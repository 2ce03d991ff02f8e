"""Treatments from fragments: brought in by name, changed where written, reported where they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput
from cordgraft.processes.scaffold import Scaffold
from cordgraft.run.inspection import parameter_rows, show_parameters, show_scenario
from cordgraft.scenario import fragments
from cordgraft.scenario.load import load
from cordgraft.scenario.schema import treatment_types

SCENARIO = """
kind: scenario
schema_version: 1
title: a test
duration: 30 d
subject: {species: mouse}
treatments:
"""


def scenario(folder: Path, treatments: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(SCENARIO + treatments, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(fragments.files()))
def test_every_shipped_fragment_can_be_used(tmp_path: Path, name: str) -> None:
    config = load(scenario(tmp_path, f"  one: {{use: {name}, at: 8 d}}\n"))
    word, params = config.treatments["one"]
    assert word in name
    assert params.at == 8 * 24.0
    assert "use" not in config.resolved["treatments"]["one"]
    assert load("mouse_subacute_graft", [f"treatments.more.use={name}"]).treatments["more"][0] == word


def test_what_is_written_wins_and_two_can_be_combined(tmp_path: Path) -> None:
    text = "  gel: {use: chondroitinase_gel, dose: 0.5 U}\n  drug: {use: anti_inflammatory_early}\n"
    config = load(scenario(tmp_path, text), ["treatments.gel.release_time=7 d"])
    gel = config.treatments["gel"][1]
    assert (gel.product, gel.dose, gel.release_time) == ("gel", 0.5, 168.0)
    assert config.treatments["drug"][1].duration == 70.0


@pytest.mark.parametrize("name", ["scaffold_aligned", "scaffold_sponge", "chemoattractant_depot"])
def test_a_fragment_leaves_what_depends_on_the_species_to_it(name: str) -> None:
    for scenario_name in ("mouse_subacute_graft", "human_cervical_subacute_graft"):
        config = load(scenario_name, [f"treatments.more.use={name}"])
        kind, params = config.treatments["more"]
        usual = treatment_types()[kind].Params.for_preset(config.subject.species)
        assert params.at == usual.at
        if name == "chemoattractant_depot":
            assert params.position == usual.position
            assert params.at == config.treatments["graft"][1].at
    assert (
        load("human_cervical_subacute_graft", [f"treatments.more.use={name}"]).treatments["more"][1].at
        > 20 * 24.0
    )


def test_a_name_alone_is_answered_with_how_to_write_it(tmp_path: Path) -> None:
    for word, answer in (("scaffold_aligned", "{use: scaffold_aligned}"), ("scaffold", "{type: scaffold}"),
                         ("scafold", "use: FRAGMENT")):  # fmt: skip
        with pytest.raises(BadInput) as error:
            load(scenario(tmp_path, f"  tube: {word}\n"))
        (problem,) = error.value.problems
        assert problem.key == "treatments.tube" and answer in problem.allowed and problem.line == 8
    with pytest.raises(BadInput, match=r"the key type is missing, or use.*use: one of .*scaffold_aligned"):
        load(scenario(tmp_path, "  tube: {at: 7 d}\n"))


def test_a_fragment_is_no_scenario_and_says_how_it_is_brought_in(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        BadInput, match=r"a treatment, not a scenario.*treatments\.NAME\.use=scaffold_aligned"
    ):
        load("scaffold_aligned")
    with pytest.raises(BadInput, match=r"cannot be run by itself.*use: scaffold_aligned"):
        load(repository / "scenarios" / "treatments" / "scaffold_aligned.yaml")
    show_scenario("scaffold_aligned", [], False)
    said = capsys.readouterr().out
    assert "alignment: channels" in said and "--set treatments.NAME.use=scaffold_aligned" in " ".join(
        said.split()
    )
    show_scenario("scaffold_aligned", [], True)
    assert json.loads(capsys.readouterr().out)["treatment"]["type"] == "scaffold"


# ------------------------------------------------------------------ parameters that mention a word


def test_a_word_finds_all_keys_of_the_treatments_of_that_type(capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["treatments.tube.use=scaffold_aligned"]
    found = [row["address"] for row in parameter_rows("mouse_subacute_graft", sets, "scaffold")]
    keys = {f"treatments.tube.{key}" for key in Scaffold.Params.specs()}
    assert keys < set(found) and "parameters.axon_growth.substrate_scaffold" in found
    show_parameters("mouse_subacute_graft", sets, "scaffold", False)
    assert "does not have" not in capsys.readouterr().out


@pytest.mark.parametrize("word", ["scaffold", "Chemoattractant", "suicide switch"])
def test_a_treatment_that_is_not_there_is_pointed_to(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_parameters("mouse_subacute_graft", [], word, False)
    said = " ".join(capsys.readouterr().out.split())
    kind = word.lower().replace(" ", "_")
    assert f"{kind} is a type of treatment that mouse_subacute_graft does not have" in said
    assert "docs/parameters.md" in said and f"--set treatments.NAME.type={kind}" in said
    show_parameters("mouse_subacute_graft", [], "nonsense", False)
    assert "docs/parameters.md" not in capsys.readouterr().out


def test_a_fragment_beside_the_scenario_wins(tmp_path: Path) -> None:
    (tmp_path / "treatments").mkdir()
    own = "kind: treatment\nschema_version: 1\ntitle: mine\ntreatment: {type: chondroitinase, dose: 3 U}\n"
    (tmp_path / "treatments" / "chondroitinase_gel.yaml").write_text(own, encoding="utf-8")
    params = load(scenario(tmp_path, "  gel: {use: chondroitinase_gel}\n")).treatments["gel"][1]
    assert (params.product, params.dose) == ("bare", 3.0)


def test_mistakes_are_reported_where_they_stand(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        load(scenario(tmp_path, "  gel: {use: chondroitinase_jel}\n"))
    problem = error.value.problems[0]
    assert "no such fragment" in str(problem) and "chondroitinase_gel" in str(problem)
    assert problem.line == 8
    (tmp_path / "treatments").mkdir()
    broken = tmp_path / "treatments" / "wrong.yaml"
    broken.write_text("kind: treatment\ntreatment:\n  type: chondroitinase\n  dose: 3 mL\n", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        load(scenario(tmp_path, "  gel: {use: wrong}\n"))
    problem = error.value.problems[0]
    assert (problem.file, problem.line) == ("treatments/wrong.yaml", 4)
    broken.write_text("kind: scenario\ntreatment: {type: chondroitinase}\nmore: 1\n", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        load(scenario(tmp_path, "  gel: {use: wrong}\n"))
    text = " ".join(map(str, error.value.problems))
    assert "kind: treatment" in text and "no such key" in text
