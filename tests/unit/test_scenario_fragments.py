"""Treatments from fragments: brought in by name, changed where written, reported where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput
from cordgraft.scenario import fragments
from cordgraft.scenario.load import load

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
