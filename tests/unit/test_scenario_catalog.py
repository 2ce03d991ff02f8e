"""Finding scenarios, and starting a new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput, Problem
from cordgraft.scenario import catalog
from cordgraft.scenario.load import load

SHIPPED = {
    "human_cervical_subacute_graft",
    "human_from_masks",
    "mouse_contusion_untreated",
    "mouse_subacute_graft",
}


@pytest.fixture(autouse=True)
def no_folder_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(catalog.VARIABLE, raising=False)


def refusal(name: str | Path) -> Problem:
    with pytest.raises(BadInput) as caught:
        catalog.locate(name)
    return caught.value.problems[0]


def test_the_shipped_scenarios_are_listed_with_title_and_kind() -> None:
    entries = {entry.name: entry for entry in catalog.list_scenarios()}
    assert set(entries) >= SHIPPED
    assert all(entry.title and entry.kind == "scenario" and not entry.fault for entry in entries.values())


def test_a_folder_of_ones_own_comes_first_and_adds_to_the_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mouse_subacute_graft.yaml"
    mine.write_text("kind: scenario\ntitle: mine\n", encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
    monkeypatch.setenv(catalog.VARIABLE, str(tmp_path))
    assert catalog.locate("mouse_subacute_graft") == mine
    entries = {entry.name: entry for entry in catalog.list_scenarios()}
    assert entries["mouse_subacute_graft"].title == "mine"
    assert "broken.yaml:1" in entries["broken"].fault
    assert set(entries) >= SHIPPED


def test_an_explicit_path_comes_before_every_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mouse_subacute_graft").write_text("kind: scenario\n", encoding="utf-8")
    assert catalog.locate("mouse_subacute_graft") == Path("mouse_subacute_graft")
    Path("mouse_subacute_graft").unlink()
    assert catalog.locate("mouse_subacute_graft").parent == catalog.package_folder()


def test_unknown_names_and_paths_list_the_near_ones(tmp_path: Path) -> None:
    assert refusal("mouse_subacut_graft").near[0] == "mouse_subacute_graft"
    assert set(refusal("mouse").near) == {"mouse_contusion_untreated", "mouse_subacute_graft"}
    assert "human_from_masks" in refusal("qqq").allowed
    (tmp_path / "mine.yaml").write_text("", encoding="utf-8")
    assert refusal(tmp_path / "mien.yaml").near == ("mine.yaml",)
    assert refusal("nowhere/mouse_subacute_graft.yaml").near[0] == "mouse_subacute_graft"


def test_a_new_scenario_comes_with_its_schema_and_loads(tmp_path: Path) -> None:
    target = tmp_path / "study" / "mine.yaml"
    written = catalog.write_new(target, "mouse_subacute_graft")
    assert written == [target, tmp_path / "study" / "schema" / "scenario.json"]
    first, second = target.read_text(encoding="utf-8").splitlines()[:2]
    assert first == "# yaml-language-server: $schema=schema/scenario.json"
    assert not second.startswith("# yaml-language-server")
    assert (target.parent / first.partition("=")[2]).read_text(encoding="utf-8") == catalog.schema_file_text()
    assert load(target).digest == load("mouse_subacute_graft").digest


def test_a_new_scenario_never_replaces_one_unasked(tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("precious", encoding="utf-8")
    with pytest.raises(BadInput, match="exists already"):
        catalog.write_new(target, "mouse_subacute_graft")
    assert target.read_text(encoding="utf-8") == "precious" and not (tmp_path / "schema").exists()
    catalog.write_new(target, "mouse_subacute_graft", overwrite=True)
    assert target.read_text(encoding="utf-8") != "precious"


def test_a_new_scenario_never_replaces_a_schema_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    foreign = tmp_path / "schema" / "scenario.json"
    foreign.write_text('{"title": "another program"}', encoding="utf-8")
    with pytest.raises(BadInput, match="of something else"):
        catalog.write_new(tmp_path / "mine.yaml", "mouse_subacute_graft")
    assert "another program" in foreign.read_text(encoding="utf-8")
    assert not (tmp_path / "mine.yaml").exists()
    foreign.unlink()
    catalog.write_new(tmp_path / "mine.yaml", "mouse_subacute_graft")
    catalog.write_new(tmp_path / "other.yaml", "mouse_subacute_graft")


def test_a_directory_is_no_scenario_but_may_hold_one(tmp_path: Path) -> None:
    (tmp_path / "run-001").mkdir()
    (tmp_path / "run-001" / "scenario.resolved.yaml").touch()
    problem = refusal(tmp_path / "run-001")
    assert "a directory" in problem.message
    assert problem.near == (str(tmp_path / "run-001" / "scenario.resolved.yaml"),)


@pytest.mark.parametrize(("given", "name"), [("study", "study.yaml"), ("study.yml", "study.yml")])
def test_names_of_new_files(tmp_path: Path, given: str, name: str) -> None:
    assert catalog.write_new(tmp_path / given, "mouse_subacute_graft")[0] == tmp_path / name


def test_a_new_scenario_in_a_folder_keeps_its_name(tmp_path: Path) -> None:
    assert catalog.write_new(tmp_path, "human_from_masks")[0] == tmp_path / "human_from_masks.yaml"


def test_a_schema_line_is_put_in_front_where_there_was_none(tmp_path: Path) -> None:
    (tmp_path / "bare.yaml").write_text("kind: scenario\n", encoding="utf-8")
    assert catalog.text_for_new(tmp_path / "bare.yaml") == f"{catalog.SCHEMA_LINE}\nkind: scenario\n"
