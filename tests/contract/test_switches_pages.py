"""What the page of a mechanism says about switching it off can be done as it is written there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cordgraft.core.contract import Process
from cordgraft.processes import registry
from cordgraft.run.cli import app
from cordgraft.scenario.load import load

KINDS = list(registry().values())
#: What a scenario has to say at least, and a treatment of each kind in it.
DOCUMENT: dict[str, Any] = {
    "kind": "scenario",
    "schema_version": 1,
    "title": "A mouse",
    "duration": "365 d",
    "subject": {"species": "mouse", "immune_system": "intact"},
    "treatments": {
        f"a_{kind.treatment_type}": {"type": kind.treatment_type}
        for kind in KINDS
        if kind.section == "treatments"
    },
}


def part_of(repository: Path, kind: type[Process]) -> str:
    """Return what the page of a mechanism says about switching it off."""
    page = (repository / "docs" / "processes" / f"{kind.name}.md").read_text(encoding="utf-8")
    _, found, part = page.partition("\n## Switching it off\n")
    assert found, "the page does not say how to switch it off"
    return part


def write(path: Path, **changes: Any) -> str:
    path.write_text(yaml.safe_dump({**DOCUMENT, **changes}, sort_keys=False), encoding="utf-8")
    return str(path)


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return exit code and words of ``cordgraft check``."""
    with pytest.raises(SystemExit) as leaving:
        app(["check", *arguments])
    written = capsys.readouterr()
    return int(leaving.value.code or 0), written.out + written.err


def by_name(kinds: list[type[Process]]) -> Any:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


@by_name([kind for kind in KINDS if kind.section == "parameters" and not kind.essential])
def test_the_lines_of_the_page_switch_a_mechanism_off(
    kind: type[Process], repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = part_of(repository, kind)
    block = re.search(r"```yaml\n(.*?)```", part, re.DOTALL)
    option = re.search(r"`--set ([^`]*)`", part)
    assert block and option
    plain = write(tmp_path / "plain.yaml")
    edited = write(tmp_path / "edited.yaml", **yaml.safe_load(block[1]))
    assert load(plain, []).enabled[kind.name]
    for arguments in ((edited, []), (plain, [option[1]])):
        enabled = load(*arguments).enabled
        assert [name for name, acts in enabled.items() if not acts] == [kind.name]
    code, words = check(capsys, edited)
    assert code == 0 and "edited.yaml: ok" in words
    code, words = check(capsys, plain, "--set", option[1])
    assert code == 0 and "plain.yaml: ok" in words


@by_name([kind for kind in KINDS if kind.essential])
def test_what_the_page_calls_indispensable_is_refused(
    kind: type[Process], repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "It cannot be switched off" in part_of(repository, kind)
    off = {"enabled": False}
    stated: dict[str, Any] = {"injury": off} if kind.section == "injury" else {"parameters": {kind.name: off}}
    code, words = check(capsys, write(tmp_path / "mouse.yaml", **stated))
    assert code != 0
    reason = (
        "injury.enabled: there is no such key here"
        if kind.section == "injury"
        else "the state has no meaning without it"
    )
    assert reason in " ".join(words.split())


@by_name([kind for kind in KINDS if kind.section == "treatments"])
def test_a_treatment_is_left_out_as_its_page_says(
    kind: type[Process], repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = part_of(repository, kind)
    option = re.search(r"`--set ([^`]*)`", part)
    assert option and f"`type: {kind.treatment_type}`" in part
    label = f"a_{kind.treatment_type}"
    named = option[1].replace("NAME", label)
    assert named != option[1]
    path = write(tmp_path / "mouse.yaml")
    assert load(path, []).treatments.keys() - load(path, [named]).treatments.keys() == {label}
    code, words = check(capsys, path, "--set", named)
    assert code == 0 and "mouse.yaml: ok" in words
    left = {name: keys for name, keys in DOCUMENT["treatments"].items() if name != label}
    code, words = check(capsys, write(tmp_path / "without.yaml", treatments=left))
    assert code == 0 and "without.yaml: ok" in words
