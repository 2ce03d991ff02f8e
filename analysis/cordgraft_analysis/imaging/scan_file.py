"""What a report says of a file that it was made from: name, grid, checksum, and who made it by its sidecar."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cordgraft_analysis.imaging.load import Reading, description
from cordgraft_analysis.imaging.sidecar import SIMULATED, SYNTHETIC, read_sidecar


@dataclass(frozen=True)
class ScanFile:
    """One file of an examination.

    Parameters
    ----------
    role : str
        ``"lesion mask"``, ``"cord mask"`` or ``"image"``.
    name : str
        Without its folder.
    shape : str
        Voxels, as stored.
    voxel : str
        Edges, mm, as stored.
    orientation : str
        In the words of nibabel and of SCT.
    sha256 : str
    made_by : str
        Programs by the sidecar; empty where it says nothing.
    simulated, synthetic : bool
        Whether the sidecar says that the scan is simulated, or that its lesion is made.
    """

    role: str
    name: str
    shape: str
    voxel: str
    orientation: str
    sha256: str
    made_by: str = ""
    simulated: bool = False
    synthetic: bool = False


def scan_file(role: str, reading: Reading) -> ScanFile:
    """Return what is to be said of a file that was read."""
    path = Path(reading.file).expanduser()
    about = description(reading)
    edges = about["voxel_mm"]
    side = read_sidecar(path)
    return ScanFile(
        role,
        path.name,
        " x ".join(map(str, about["shape"])),
        " x ".join(f"{edge:.4g}" for edge in edges) if edges else "",
        f"{about['orientation_nibabel']} / {about['orientation_sct']}",
        hashlib.sha256(path.read_bytes()).hexdigest(),
        _made_by(side),
        side.get(SIMULATED) is True,
        side.get(SYNTHETIC) is True,
    )


def _made_by(side: dict[str, Any]) -> str:
    programs = side.get("GeneratedBy")
    words = []
    for one in programs if isinstance(programs, list) else []:
        if isinstance(one, dict) and isinstance(one.get("Name"), str):
            words.append(" ".join(str(one[key]) for key in ("Name", "Version") if one.get(key)))
    return ", ".join(words)
