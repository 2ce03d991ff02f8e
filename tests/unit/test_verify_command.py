"""``cordgraft verify`` as a user meets it: table, exit codes, JSON, page, Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cordgraft.run.cli import app
from cordgraft.run.verification import suite
from cordgraft.run.verification.case import Case, Check, Outcome, Plot, Series
from cordgraft_analysis.verification_page import case_png, verification_page

CHEAP = ["philox", "decay_only", "steady_line"]


def command(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["verify", *arguments], env={"COLUMNS": "200"})


def of_a_wrong_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the suite consist of one case that falls short and one that breaks."""
    plot = Plot("x (um)", "y (1)", [Series("exact", [0, 1], [0, 1])], [Series("computed", [0, 1], [0, 2])])
    short = Outcome((Check("end", "1", 1.0, 2.0, 0.5, "half a unit"),), plot)

    def broken() -> Outcome:
        raise RuntimeError("it <broke>")

    cases = (Case("wrong", "fields", "A line.", lambda: short), Case("torn", "fields", "Another.", broken))
    monkeypatch.setattr(suite, "find_cases", lambda names: cases)


def test_the_table_has_a_row_per_check_and_a_sentence() -> None:
    result = command(*CHEAP)
    assert result.exit_code == 0, result.output
    for word in ("case", "exact", "computed", "error", "allowed", "verdict", "seconds", "decay_only[rkl2]"):
        assert word in result.output
    assert re.search(r"6 of 6 cases met \(10 checks, \d+ s\)", result.output)


def test_a_short_case_is_exit_code_one(monkeypatch: pytest.MonkeyPatch) -> None:
    of_a_wrong_case(monkeypatch)
    result = command()
    assert result.exit_code == 1
    assert "0 of 2 cases met" in result.output
    assert "not met: wrong (short), torn (broken)" in result.output
    assert "RuntimeError: it <broke>" in result.output


def test_quiet_shows_only_what_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(command("philox", "--quiet").output.splitlines()) == 1
    of_a_wrong_case(monkeypatch)
    assert "short" in command("--quiet").output


def test_a_narrow_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "WIDE", 1000)
    of_a_wrong_case(monkeypatch)
    lines = command().output.splitlines()
    assert lines[0].startswith("wrong: short, ")
    assert lines[1:3] == ["    end", "      exact 1, computed 2, error 1 of 0.5  SHORT"]
    assert lines[3].startswith("torn: broken, ")
    assert lines[4] == "    RuntimeError: it <broke>"


def test_an_unknown_case_is_exit_code_two() -> None:
    result = command("cosin_3d")
    assert result.exit_code == 2
    assert "did you mean cosine_3d" in result.output
    result = command("cosin_3d", "--json")
    assert result.exit_code == 2
    record = json.loads(result.stdout[result.stdout.index("{") :])
    assert "cosine_3d" in record["problems"][0]["near"]


def test_the_list_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "run_cases", None)
    result = command("--list")
    assert result.exit_code == 0
    assert "[spectral] [sdirk2] [rkl2]" in re.sub(r"\s+", " ", result.output)
    rows = json.loads(command("--list", "--json").output)
    assert {"case", "group", "meaning"} == set(rows[0])
    assert len(rows) == len({row["case"] for row in rows}) > 80


def test_json_holds_every_number() -> None:
    result = command("steady_line", "philox", "--json")
    record = json.loads(result.output)
    assert record["ok"] is True
    assert [case["name"] for case in record["cases"]] == ["philox", "steady_line"]
    check = record["cases"][1]["checks"][0]
    assert set(check) == {"quantity", "unit", "exact", "computed", "allowed", "why", "error", "met"}
    assert check["met"] is True
    assert check["error"] == pytest.approx(abs(check["exact"] - check["computed"]))
    assert record["versions"]["cordgraft"] and record["date"].startswith("20")


class Links(HTMLParser):
    """Everything that the page would fetch, every picture, and every anchor with its target."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.targets: set[str] = set()
        self.links: set[str] = set()
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "src" in found:
            self.sources.append(found["src"])
            self.alts.append(found.get("alt", ""))
        if "id" in found:
            self.targets.add(found["id"])
        if "href" in found:
            self.links.add(found["href"])


def test_the_report_is_one_file_with_a_picture_of_every_case(tmp_path: Path) -> None:
    page = tmp_path / "verify.html"
    result = command(*CHEAP, "--report", str(page))
    assert result.exit_code == 0, result.output
    assert "wrote" in result.output
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert len(links.sources) == 1 + 6
    assert all(source.startswith("data:image/png;base64,") for source in links.sources)
    assert all(links.alts)
    assert all(link.removeprefix("#") in links.targets for link in links.links)
    for word in ("cordgraft 0", "numpy", "decay_only[sdirk2]", "allowed:", "6 of 6 cases met"):
        assert word in text


def test_the_report_shows_what_is_not_met(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    of_a_wrong_case(monkeypatch)
    page = tmp_path / "verify.html"
    assert command("--report", str(page)).exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert '<span class="short">short</span>' in text
    assert "RuntimeError: it &lt;broke&gt;" in text
    assert 'class="summary missed"' in text


def test_a_report_needs_a_directory_and_says_so_before_anything_runs(tmp_path: Path) -> None:
    result = command("philox", "--report", str(tmp_path / "nowhere" / "verify.html"))
    assert result.exit_code == 2
    assert "there is no directory for the report" in result.output
    result = command("philox", "--report", str(tmp_path))
    assert result.exit_code == 2
    assert "would replace a directory" in result.output


@pytest.mark.parametrize("scale", ["linear", "log", "log y"])
def test_a_picture_is_drawn_on_every_scale(scale: str) -> None:
    lines = [{"label": f"line {i}", "x": [1.0, 2.0], "y": [1.0, 3.0]} for i in range(4)]
    plot = {
        "x_label": "x (um)",
        "y_label": "y (1)",
        "scale": scale,
        "points": False,
        "exact": lines,
        "computed": lines,
    }
    assert case_png(plot).startswith(b"\x89PNG")


def test_rounding_is_not_blown_up(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[Any] = []
    from cordgraft_analysis import palette

    right = palette.new_figure

    def figure(*size: float) -> Any:
        made = right(*size)
        limits.append(made)
        return made

    monkeypatch.setattr(palette, "new_figure", figure)
    plot = {
        "x_label": "x (um)",
        "y_label": "y (1)",
        "scale": "linear",
        "exact": [{"label": "exact", "x": [0.0, 1.0], "y": [2.0, 2.0]}],
        "computed": [{"label": "computed", "x": [0.0, 1.0], "y": [2.0 + 1e-14, 2.0]}],
    }
    case_png(plot)
    assert limits[0].axes[0].get_ylim() == pytest.approx((1.8, 2.2))


def test_a_page_without_cases_can_be_written() -> None:
    record = {"summary": "0 of 0", "date": "d", "versions": {}, "platform": "p", "cases": []}
    assert "0 of 0" in verification_page(record)


def test_the_list_loads_nothing_heavy() -> None:
    program = (
        "import sys; from cordgraft.run.cli import main; sys.argv = ['cordgraft', 'verify', '--list', '--json']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numba', 'scipy', 'matplotlib', 'xarray', 'zarr', 'mesa'} & {n.split('.')[0] for n in sys.modules}\n"
        "print('LOADED', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_prints_what_is_done() -> None:
    program = (
        "import sys, time\nfrom cordgraft.run.cli import main\nfrom cordgraft.run.verification import suite\n"
        "right = suite.find_cases(['philox'])[0]\n"
        "def wait():\n    print('waiting', file=sys.stderr, flush=True)\n    time.sleep(60)\n"
        "slow = suite.Case('slow', 'fields', 'Waits.', wait)\n"
        "suite.find_cases = lambda names: (right, slow, right)\n"
        "sys.argv = ['cordgraft', 'verify']\nmain()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    started = time.monotonic()
    while "waiting" not in process.stderr.readline():
        assert time.monotonic() - started < 60.0
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "philox" in output
    assert "1 of 1 cases met" in output and "interrupted, 2 cases were not run" in output


def test_the_documentation_names_every_case(repository: Path) -> None:
    text = (repository / "docs" / "verification.md").read_text(encoding="utf-8")
    missing = {case.problem for case in suite.all_cases() if f"| `{case.problem}` |" not in text}
    assert not missing
    table = text.split("## The table")[1]
    assert {case.name for case in suite.all_cases()} == set(
        re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    )
