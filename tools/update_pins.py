"""Pin the numbers of the regression scenarios anew, with the reason why they changed.

    .venv/bin/python tools/update_pins.py --reason "the barrier is thinner: half-width from a source"

Prints old and new values side by side; without a reason worth the name nothing is written.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.regression.pinned import PINS, SCENARIOS, fingerprint, machine


def main() -> None:
    """Run the scenarios and write the pins."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reason", required=True, help="why the numbers may change; at least 20 letters")
    reason = parser.parse_args().reason.strip()
    if len(reason) < 20:
        parser.error("a reason has at least 20 letters")
    old = json.loads(PINS.read_text(encoding="utf-8")) if PINS.exists() else {"scenarios": {}, "history": []}
    scenarios = {}
    for name in SCENARIOS:
        scenarios[name] = fingerprint(name)
        before = old["scenarios"].get(name, {}).get("values", {})
        for key, value in scenarios[name]["values"].items():
            mark = "" if before.get(key) == value else "   changed"
            print(f"{name:18} {key:30} {before.get(key, '-'):>24} -> {value:>24}{mark}")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    history = [*old["history"], {"date": today, "reason": reason}]
    content = {"machine": machine(), "scenarios": scenarios, "history": history}
    PINS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
