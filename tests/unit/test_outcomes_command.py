"""`cordgraft outcomes` on small real runs."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import SMALL

TINY = [f"--set={address}={value}" for address, value in SMALL.items()]


def cordgraft(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cordgraft.run", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outcomes")
    for name, more in (("plain", []), ("low", ["--set=treatments.graft.dose=1e4 cells"])):
        done = cordgraft(
            "run", "mouse_subacute_graft", *TINY, *more, "--no-figures", "-q", "-o", name, cwd=folder
        )
        assert done.returncode == 0, done.stderr
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_agree_with_the_series_of_the_run(place: Path, tmp_path: Path) -> None:
    done = cordgraft("outcomes", str(place / "plain"), "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "research model" in done.stdout
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "crossings.csv", "reach.csv", "connections.csv", "function.csv", "crossings.png", "connections.png",
        "function.png",
    }  # fmt: skip
    last = rows_of(place / "plain" / "timeseries.csv")[-1]
    edge = [row for row in rows_of(out / "crossings.csv") if float(row["distance_mm"]) == 0.0]
    assert {float(row["day"]) for row in edge} == {float(last["day"])}
    for side in ("caudal", "rostral"):
        (row,) = (row for row in edge if row["tract"] == "graft" and row["side"] == side)
        assert float(row["axons_represented"]) == pytest.approx(float(last[f"axons_graft_crossings_{side}"]))
        assert float(row["axons_simulated"]) == float(last[f"axons_graft_crossings_{side}_simulated"])
    assert float(last["axons_graft_count"]) > 0.0
    (outside,) = (row for row in rows_of(out / "reach.csv") if row["measure"] == "beyond_nearest")
    assert float(outside["axons_represented"]) == pytest.approx(float(last["axons_graft_outside"]))
    living = sum(
        float(row["synapses_living_represented"])
        for row in rows_of(out / "connections.csv")
        if row["route"] == "host to graft"
    )
    assert living == pytest.approx(float(last["synapses_host_to_graft"]))


def test_two_arms_have_contrasts_and_json_has_the_tables(place: Path, tmp_path: Path) -> None:
    done = cordgraft(
        "outcomes", str(place / "plain"), str(place / "low"), "--json", "-o", "out", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    survivors = next(row for row in found["contrasts"] if row["outcome"] == "graft_survivors")
    assert survivors["mean_difference"] < 0.0 and survivors["pairs"] == 1
    assert survivors["remark"] == "spread only, no interval"
    assert (tmp_path / "out" / "contrasts.png").exists()
    again = cordgraft("outcomes", str(place / "plain"), str(place / "low"), "-o", "out", cwd=tmp_path)
    assert again.returncode == 2 and "--overwrite" in again.stderr
    quiet = cordgraft(
        "outcomes", str(place / "plain"), str(place / "low"), "-q", "-o", "out", "--overwrite", cwd=tmp_path
    )
    assert quiet.returncode == 0 and quiet.stdout == "out\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["PLAIN", "--days", "3.25"], "3.25"),
        (["PLAIN", "--days", "soon"], "--days"),
        (["PLAIN", "--days", "-1"], "--days"),
    ],
)
def test_bad_input_ends_with_2_and_writes_nothing(
    place: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    arguments = [argument.replace("PLAIN", str(place / "plain")) for argument in arguments]
    done = cordgraft("outcomes", *arguments, "-o", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
