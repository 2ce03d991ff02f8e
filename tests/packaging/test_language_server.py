"""The committed JSON Schema in a real editor: yaml-language-server is driven over its own protocol.

The server is an npm package. The tests look for it in ``$CORDGRAFT_YAML_LANGUAGE_SERVER`` (the path of its
executable) and on the search path, and are skipped where there is none.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cordgraft.scenario import catalog

VARIABLE = "CORDGRAFT_YAML_LANGUAGE_SERVER"
SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
PATIENCE_S = 60.0


class LanguageServer:
    """A language server on the other end of two pipes."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.numbers = itertools.count(1)
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        self.notes: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, daemon=True).start()
        root = {"uri": folder.as_uri(), "name": folder.name}
        able = {
            "textDocument": {
                "publishDiagnostics": {},
                "completion": {"completionItem": {"snippetSupport": True}},
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": True, "workspaceFolders": True},
        }
        self.ask(
            "initialize",
            {"processId": None, "rootUri": root["uri"], "capabilities": able, "workspaceFolders": [root]},
        )
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": {"yaml": SETTINGS}})

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                return
            self.inbox.put(json.loads(stream.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        message = self.inbox.get(timeout=PATIENCE_S)
        if "method" in message and "id" in message:
            items = (
                message["params"].get("items", []) if message["method"] == "workspace/configuration" else None
            )
            answer = (
                None if items is None else [SETTINGS if i.get("section") == "yaml" else {} for i in items]
            )
            self._send({"id": message["id"], "result": answer})
        elif "method" in message:
            self.notes.append(message)
        return message

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        number = next(self.numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Show a text to the server as the content of `path`; returns its complaints."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        while True:
            for note in self.notes:
                if (
                    note["method"] == "textDocument/publishDiagnostics"
                    and note["params"]["uri"] == path.as_uri()
                ):
                    self.notes.remove(note)
                    return list(note["params"]["diagnostics"])
            self._receive()

    def at(self, method: str, path: Path, line: int, character: int) -> Any:
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": path.as_uri()}, "position": place})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `cordgraft new` leaves it: a scenario and the schema beside it."""
    path = tmp_path_factory.mktemp("scenarios")
    catalog.write_new(path / "mine.yaml", "mouse_subacute_graft")
    return path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LanguageServer]:
    found = os.environ.get(VARIABLE) or shutil.which("yaml-language-server")
    if not found:
        pytest.skip(f"yaml-language-server (npm) is neither in ${VARIABLE} nor on the search path")
    if shutil.which("node") is None:
        pytest.skip("yaml-language-server needs node, which is not on the search path")
    server = LanguageServer([found, "--stdio"], folder)
    yield server
    server.process.kill()
    server.process.wait()


def text_of(folder: Path) -> str:
    return (folder / "mine.yaml").read_text(encoding="utf-8")


def line_with(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines()) if words in line)


def test_a_shipped_scenario_has_nothing_to_complain_of(server: LanguageServer, folder: Path) -> None:
    for entry in catalog.list_scenarios():
        path = folder / f"{entry.name}.yaml"
        assert server.open(path, catalog.text_for_new(entry.name)) == []


def test_a_wrong_unit_and_an_unknown_key_are_underlined(server: LanguageServer, folder: Path) -> None:
    good = text_of(folder)
    bad = good.replace("dose: 5e5 cells", "dose: 5e5 mm").replace("  voxel:", "  voxle:")
    bad = bad.replace("axon_growth:", "inflammation:").replace(
        "cspg_half_inhibition: 5 ug/mL", "tnf_diffusivity: 5 mm/h"
    )
    complaints = {d["range"]["start"]["line"]: d["message"] for d in server.open(folder / "bad.yaml", bad)}
    print(*(f"{line + 1}: {message}" for line, message in sorted(complaints.items())), sep="\n")
    assert set(complaints) == {line_with(bad, words) for words in ("dose:", "voxle:", "tnf_diffusivity:")}
    assert complaints[line_with(bad, "dose:")].startswith("A value like '5e5 cells'")
    assert "um2/s" in complaints[line_with(bad, "tnf_diffusivity:")]
    assert "voxle" in complaints[line_with(bad, "voxle:")]


def test_keys_of_the_injury_are_completed(server: LanguageServer, folder: Path) -> None:
    text = f"{catalog.SCHEMA_LINE}\nkind: scenario\ninjury:\n  type: contusion\n  "
    path = folder / "completed.yaml"
    server.open(path, text)
    items = {item["label"]: item for item in server.at("completion", path, 4, 2)["items"]}
    print(*(f"{label} -> {item['insertText']!r}" for label, item in items.items()), sep="\n")
    assert {"severity", "primary_length", "primary_spared_white_matter"} <= set(items)
    assert "type" not in items, "it is there already"
    assert "mm" in items["primary_length"]["insertText"]


def test_keys_of_a_treatment_follow_from_its_type(server: LanguageServer, folder: Path) -> None:
    text = f"{catalog.SCHEMA_LINE}\nkind: scenario\ntreatments:\n  mine:\n    type: cell_graft\n    "
    path = folder / "treatment.yaml"
    server.open(path, text)
    labels = {item["label"] for item in server.at("completion", path, 5, 4)["items"]}
    assert {"at", "dose", "line"} <= labels


def test_hovering_over_dose_shows_its_meaning_and_cited_range(server: LanguageServer, folder: Path) -> None:
    text, path = text_of(folder), folder / "hover.yaml"
    server.open(path, text)
    line = line_with(text, "dose:")
    column = text.splitlines()[line].index("dose")
    shown = server.at("hover", path, line, column)["contents"]["value"]
    print(shown)
    assert "Cells injected" in shown and "Cited range: " in shown and "1e5 cells" in shown
    assert "Default: 5e5 cells" in shown and "Evidence: " in shown
