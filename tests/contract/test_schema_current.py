"""The committed JSON Schema is the one that the code describes, and it agrees with the loader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cordgraft.core.contract import Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, quantity
from cordgraft.core.problems import BadInput
from cordgraft.core.schema import SAFETY_BOUNDS
from cordgraft.processes import registry
from cordgraft.scenario import assemble, catalog, rules, schema
from cordgraft.scenario.document import parse
from cordgraft.scenario.load import from_document, load
from cordgraft.scenario.sections import LEVELS, SAFETY, Geometry

COMMAND = "python -m cordgraft.scenario.schema scenarios/schema/scenario.json"
NAMES = [entry.name for entry in catalog.list_scenarios()]


@pytest.fixture(scope="module")
def committed(repository: Path) -> dict[str, Any]:
    text = (repository / "scenarios" / "schema" / "scenario.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def checker(committed: dict[str, Any]) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(committed)
    return jsonschema.Draft202012Validator(committed)


def test_the_committed_schema_is_current(committed: dict[str, Any]) -> None:
    now = schema.scenario_schema()
    stale = [address for address, piece in branches(now) if dict(branches(committed)).get(address) != piece]
    assert committed == now, f"run: {COMMAND}\nchanged: {', '.join(stale[-5:])}"


def test_the_command_writes_the_committed_text(tmp_path: Path, repository: Path) -> None:
    target = tmp_path / "scenario.json"
    assert schema.main([str(target)]) == 0
    assert json.loads(target.read_bytes()) == json.loads(
        (repository / "scenarios" / "schema" / "scenario.json").read_bytes()
    )


@pytest.mark.parametrize("name", NAMES)
def test_shipped_scenarios_pass_the_schema_and_name_it(name: str, checker: Any) -> None:
    text = catalog.read_text(name)
    assert text.startswith(catalog.SCHEMA_LINE + "\n")
    data = parse(text, name).data
    assert list(data)[:2] == ["kind", "schema_version"]
    assert [fault.message for fault in checker.iter_errors(data)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "human_from_masks"])
def test_a_resolved_scenario_passes_the_schema(name: str, checker: Any) -> None:
    text = catalog.to_yaml(load(name).resolved)
    assert [fault.message for fault in checker.iter_errors(parse(text, name).data)] == []


def branches(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield address -> piece of schema for everything below ``properties``."""
    if not isinstance(value, dict):
        return
    for key, piece in value.get("properties", {}).items():
        here = f"{path}.{key}" if path else key
        yield here, piece
        yield from branches(piece, here)


def test_every_parameter_of_every_process_is_in_the_schema(committed: dict[str, Any]) -> None:
    known = dict(branches(committed))
    treatments = {
        branch["if"]["properties"]["type"]["const"]: branch["then"]["properties"]
        for branch in committed["properties"]["treatments"]["additionalProperties"]["allOf"]
    }
    assert set(treatments) == {
        kind.treatment_type for kind in registry().values() if kind.section == "treatments"
    }
    for name, kind in registry().items():
        for key, spec in kind.Params.specs().items():
            if kind.section == "treatments":
                piece = treatments[kind.treatment_type][key]
            else:
                piece = known[f"injury.{key}" if kind.section == "injury" else f"parameters.{name}.{key}"]
            assert spec.meaning.rstrip(".")[1:] in piece["description"]
            if spec.kind == "quantity" and spec.unit != "1":
                assert piece["type"] == "string" and piece["pattern"] and piece["patternErrorMessage"]


def test_no_parameter_is_called_like_a_key_of_every_mechanism() -> None:
    for kind in registry().values():
        taken = {"type"} if kind.section == "treatments" else {"enabled", "period"}
        assert not taken & set(kind.Params.specs()), kind.name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dose: 5e5 cells", "dose: 5e5"),
        ("dose: 5e5 cells", "dose: -5 cells"),
        ("dose: 5e5 cells", "doze: 5e5 cells"),
        ("dose: 5e5 cells", "dose: 5e5 mm"),
        ("type: cell_graft", "type: cell_grafts"),
        ("voxel: 25 um", "voxel: 25"),
        ("voxel: 25 um", "voxle: 25 um"),
        ("voxel: 25 um", "voxel: [25 um, 25 um]"),
        ("type: contusion", "type: contusoin"),
        ("maps: [3 d, 14 d, 42 d, 112 d]", "maps: [3 d, 14]"),
        ("cspg_half_inhibition: 5 ug/mL", "cspg_half_inhibition: 5 ug"),
        ("axon_growth:", "axon_grows:"),
        ("kind: scenario", "kind: sweep"),
        ("seed: 1 ", "seed: one "),
        ("duration: 112 d", "length: 112 d"),
    ],
)
def test_editor_and_loader_refuse_alike(old: str, new: str, checker: Any, tmp_path: Path) -> None:
    text = catalog.read_text("mouse_subacute_graft")
    assert old in text
    changed = text.replace(old, new)
    assert not checker.is_valid(parse(changed, "a.yaml").data)
    with pytest.raises(BadInput):
        from_document(parse(changed, "a.yaml"), tmp_path / "a.yaml")


def test_levels_and_safety_bounds_are_those_of_the_rest_of_the_project() -> None:
    assert set(SAFETY) == set(SAFETY_BOUNDS)
    assert set(Geometry.specs()["level"].options) == {level for levels in LEVELS.values() for level in levels}


class Invented(Process):
    """A mechanism that exists in this test alone."""

    name = "invented"
    phase = Phase.MILIEU
    period_h = 3.0

    @dataclass(frozen=True)
    class Params(BaseParams):
        rate: float = quantity(
            2.0, "1/d", "rate of the invention", bounds=(0.0, 9.0), cited=(1.0, 3.0), evidence="assumed"
        )
        mode: str = choice("slow", ("slow", "fast"), "mode of the invention")

    def step(self, tissue: Any, key: Any) -> None:
        raise NotImplementedError


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    larger = {**registry(), "invented": Invented}
    for module in (schema, assemble, rules):
        monkeypatch.setattr(module, "registry", lambda: larger)
    schema.reader.cache_clear()
    yield
    schema.reader.cache_clear()


@pytest.mark.usefixtures("invented")
def test_a_new_process_appears_in_schema_and_language_by_being_registered(tmp_path: Path) -> None:
    piece = schema.scenario_schema()["properties"]["parameters"]["properties"]["invented"]["properties"]
    assert list(piece) == ["enabled", "period", "rate", "mode"]
    for words in ("Rate of the invention.", "Default: 2 1/d", "Cited range: 1 1/d to 3 1/d", "Default: 3 h"):
        assert words in piece["rate"]["description"] + piece["period"]["description"]
    text = catalog.read_text("mouse_contusion_untreated")
    stated = text + "parameters:\n  invented: {rate: 5 1/d, mode: fast, period: 6 h}\n"
    config = from_document(parse(stated, "a.yaml"), tmp_path / "a.yaml")
    assert config.parameters["invented"] == Invented.Params(5.0, "fast")
    assert config.periods_h["invented"] == 6.0
    assert [caution.key for caution in config.cautions] == ["parameters.invented.rate"]
    assert config.resolved["parameters"]["invented"] == {
        "enabled": True, "period": "6 h", "rate": "5 1/d", "mode": "fast"
    }  # fmt: skip
    with pytest.raises(BadInput) as caught:
        from_document(parse(stated.replace("5 1/d", "5 d"), "a.yaml"), tmp_path / "a.yaml")
    assert [problem.key for problem in caught.value.problems] == ["parameters.invented.rate"]
