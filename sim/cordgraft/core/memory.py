"""How much memory a new program may take on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def free_memory() -> int | None:
    """Return the memory that is free for a new program, bytes, or None where the system does not say.

    A batch job or container may hold less than the machine: the smaller of both counts.
    """
    known = [number for number in (_machine_memory(), _group_memory()) if number is not None]
    return min(known) if known else None


def _machine_memory() -> int | None:
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _group_memory(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return what the control group of this process leaves, bytes, or None without a limit."""
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limit = int((root / most).read_text(encoding="ascii"))
            taken = int((root / used).read_text(encoding="ascii"))
        except (OSError, ValueError):  # no such group, or the word max
            continue
        return max(0, limit - taken) if limit < 1 << 60 else None
    return None
