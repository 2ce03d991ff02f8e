"""Write constraints.txt: one tested version of every package that any extra of cordgraft pulls in.

Names and versions only, never a host or an address: where packages come from is the business of the
machine that installs them.  Run it from the environment whose pip should do the resolving:

    .venv/bin/python tools/update_constraints.py

then run the tests before committing what it wrote.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# The versions that cordgraft is tested with, for Python 3.12 and 3.13: `pip install -c constraints.txt ...`.
# Written by tools/update_constraints.py; names and versions only.
"""


def resolve() -> dict[str, str]:
    """Return name -> version of everything that cordgraft with all its extras would install."""
    with (ROOT / "pyproject.toml").open("rb") as handle:
        extras = tomllib.load(handle)["project"]["optional-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        target = f"{ROOT}[{','.join(extras)}]"
        subprocess.run([*command, "--report", str(report), target], check=True)
        installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    found = {item["metadata"]["name"]: item["metadata"]["version"] for item in installed}
    found.pop("cordgraft")
    return found


def main() -> None:
    """Resolve all extras and write the file."""
    versions = resolve()
    lines = [f"{name}=={versions[name]}\n" for name in sorted(versions, key=str.lower)]
    (ROOT / "constraints.txt").write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"constraints.txt: {len(lines)} versions")


if __name__ == "__main__":
    main()
