"""A transform between two scans as plain text: four lines of four numbers, world mm of A to world mm of B.

Other programs' files look alike and mean other things (ITK's map points the other way round and in LPS, FSL's maps
scaled voxels), so what is recognised as one of them is refused with what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cordgraft_analysis.imaging.findings import Finding, Ledger, milder, refuse_errors
from cordgraft_analysis.imaging.volume import Floats

#: A move so long, mm, leaves every scanner.
LONGEST_MM = 1000.0
#: Stretch along an axis that is no longer that of one body seen twice.
STRETCH = 0.1
PLAIN = "A plain text file of four lines of four numbers is needed, world mm of A to world mm of B (RAS)"


@dataclass(frozen=True)
class Transform:
    """A matrix between two scans.

    Parameters
    ----------
    matrix : (4, 4) float64
        World mm of A to world mm of B.
    findings : tuple of Finding
        Warnings.
    """

    matrix: Floats
    findings: tuple[Finding, ...] = ()

    @property
    def rotation_deg(self) -> float:
        """Return the angle of its rotation, degrees."""
        u, _, v = np.linalg.svd(self.matrix[:3, :3])
        rotation = u @ v
        cosine = 0.5 * (float(np.trace(rotation)) * np.sign(np.linalg.det(rotation)) - 1.0)
        return float(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))

    @property
    def shift_mm(self) -> float:
        """Return the length of its translation, mm."""
        return float(np.sqrt((self.matrix[:3, 3] ** 2).sum()))

    @property
    def stretch(self) -> tuple[float, float]:
        """Return the smallest and the largest factor by which it changes lengths."""
        factors = np.linalg.svd(self.matrix[:3, :3], compute_uv=False)
        return float(factors.min()), float(factors.max())


def read_transform(path: str | Path) -> Transform:
    """Read and check a transform.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    BadInput
        E01 if the file cannot be read, E03 if it is no plain matrix, E07 if the matrix maps nothing.
    """
    transform, findings = examine_transform(path)
    refuse_errors(findings)
    assert transform is not None, "what was not refused is a transform"
    return transform


def examine_transform(path: str | Path) -> tuple[Transform | None, list[Finding]]:
    """Return a transform, or None if it cannot be used, and everything that was found on it."""
    ledger = Ledger(str(path))
    matrix = _rows(Path(path).expanduser(), ledger)
    if matrix is not None:
        _judge(matrix, ledger)
        if Path(path).suffix.lower() in (".mat", ".xfm"):
            ledger.warning(
                "E03", "has the name of another program's transform", Path(path).suffix,
                "FSL maps scaled voxels, not world mm: convert it unless you wrote world mm yourself",
            )  # fmt: skip
    if matrix is None or ledger.failed:
        return None, ledger.findings
    return Transform(matrix, milder(ledger.findings)), ledger.findings


def _rows(file: Path, ledger: Ledger) -> Floats | None:
    if file.is_dir():
        ledger.error("E01", "is a folder", "", PLAIN)
        return None
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        ledger.error("E01", "there is no such file", "", "Check the path")
        return None
    except UnicodeDecodeError:
        ledger.error("E03", "is no text", "", PLAIN)
        return None
    except OSError as error:
        ledger.error("E01", "cannot be read", error.strerror or str(error), "Check its permissions")
        return None
    if "insight transform" in text.lower():
        ledger.error("E03", "is a transform of ITK or ANTs, which is in LPS and maps backwards", "", PLAIN)
        return None
    if "type      =" in text or "xform info" in text.lower() or "nxform" in text.lower():
        ledger.error("E03", "is a transform of FreeSurfer (LTA)", "", PLAIN)
        return None
    lines = [line.split("#", 1)[0].replace(",", " ").split() for line in text.splitlines()]
    lines = [line for line in lines if line]
    try:
        numbers = [[float(word) for word in line] for line in lines]
    except ValueError as error:
        ledger.error("E03", "holds something else than numbers", str(error), PLAIN)
        return None
    if len(numbers) != 4 or any(len(line) != 4 for line in numbers):
        shape = f"{len(numbers)} lines of {', '.join(str(n) for n in sorted({len(line) for line in numbers}))} numbers"
        ledger.error("E03", "is no 4 x 4 matrix", shape, PLAIN)
        return None
    return np.array(numbers, dtype=np.float64)


def _judge(matrix: Floats, ledger: Ledger) -> None:
    if not np.isfinite(matrix).all():
        ledger.error("E07", "is a transform with entries that are no numbers", "", "Write it again")
        return
    if np.abs(matrix[3] - (0.0, 0.0, 0.0, 1.0)).max() > 1e-6:
        ledger.error(
            "E07", "is a transform whose last line is not 0 0 0 1", " ".join(f"{x:g}" for x in matrix[3]),
            "Is it transposed? Points are columns: the shift stands in the last column",
        )  # fmt: skip
        return
    factors = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    if factors.min() < 1e-6:
        ledger.error(
            "E07",
            "is a transform that flattens space",
            f"smallest factor {factors.min():.2g}",
            "Write it again",
        )
        return
    if np.linalg.det(matrix[:3, :3]) < 0.0:
        ledger.error(
            "E07", "is a transform that mirrors: left would become right", "a negative determinant",
            "World to world of one body is a rotation; was it written for voxels?",
        )  # fmt: skip
        return
    if max(factors.max() - 1.0, 1.0 - factors.min()) > STRETCH:
        ledger.warning(
            "E07", "is a transform that stretches",
            f"lengths change by factors {factors.min():.3g} to {factors.max():.3g}",
            "Volumes and lengths are measured before it, never after it",
        )  # fmt: skip
    shift = float(np.sqrt((matrix[:3, 3] ** 2).sum()))
    if shift > LONGEST_MM:
        ledger.warning("E07", "is a transform over a distance that leaves the scanner", f"{shift:.0f} mm")
