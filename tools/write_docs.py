"""Write the pages of the documentation that follow from the code: parameters, mechanisms, the ODD description.

``tools/write_docs.py`` writes what has changed; ``tools/write_docs.py --check`` writes nothing and says what is out of
date. The texts are made in ``tools/pages``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools.pages import odd, parameters, processes  # noqa: E402

#: Folder in which every page is written: what nobody wrote is out of date.
WHOLLY_WRITTEN = "docs/processes"
COMMAND = "make docs"


def wanted() -> dict[str, str]:
    """Return path from the root -> text of every page that follows from the code."""
    return {
        "docs/parameters.md": parameters.parameters_page(),
        "docs/odd.md": odd.odd_page(),
        **processes.pages(),
    }


def stale(root: Path, pages: dict[str, str]) -> list[str]:
    """Return the pages that are missing or differ, and those of mechanisms that are no longer there."""
    changed = [path for path, text in pages.items() if _read(root / path) != text]
    left = sorted(path.relative_to(root).as_posix() for path in (root / WHOLLY_WRITTEN).glob("*.md"))
    return changed + [path for path in left if path not in pages]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def write(root: Path, pages: dict[str, str]) -> list[str]:
    """Write the pages that have changed, remove those that nobody wants; return their paths."""
    found = stale(root, pages)
    for path in found:
        target = root / path
        if path in pages:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(pages[path], encoding="utf-8", newline="\n")
        else:
            target.unlink()
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a page is out of date")
    check = parser.parse_args(arguments).check
    found = stale(ROOT, wanted()) if check else write(ROOT, wanted())
    for path in found:
        print(f"out of date: {path}" if check else f"wrote {path}")
    if check and found:
        print(f"write them with: {COMMAND}")
    return int(check and bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
