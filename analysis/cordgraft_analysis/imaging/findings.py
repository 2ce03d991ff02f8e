"""What a check of scanner files found: errors that stop, warnings that travel with results, and notes.

The codes E01 to E23 name the cases of bad input; one code may be an error in a bad case and a warning in a mild
one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cordgraft.core.problems import BadInput, Problem

Level = Literal["error", "warning", "note"]

#: What each code is about, for people and for the documentation.
CODES: dict[str, str] = {
    "E01": "missing file, or a folder in place of a file",
    "E02": "DICOM in place of NIfTI",
    "E03": "placeholder, web page, cut or misnamed file, or no NIfTI at all",
    "E04": "more than three dimensions",
    "E05": "a single slice where a volume is measured",
    "E06": "neither sform nor qform",
    "E07": "singular matrix, or one with NaN",
    "E08": "units and sizes that are not credible; rodents without a dorsal side",
    "E09": "pixdim and affine disagree",
    "E10": "qform and sform disagree",
    "E11": "oblique slices",
    "E12": "sheared affine",
    "E13": "two files on different grids",
    "E14": "empty lesion mask (a valid result)",
    "E15": "cord mask empty or absent, lesion outside the cord",
    "E16": "values that are no mask of 0 and 1, no share, no label",
    "E17": "NaN or infinite values",
    "E18": "integer range and scaling",
    "E19": "cord in pieces, or with gaps",
    "E20": "volume fractions that break their contract",
    "E21": "sessions without months, twice, or alone",
    "E22": "sessions of very different resolution",
    "E23": "output that cannot be written or exists",
}


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Parameters
    ----------
    code : str
        A key of `CODES`.
    level : {"error", "warning", "note"}
    message : str
        What is the matter, as a sentence without the value and without full stop.
    file : str
        As the user wrote it.
    value : str
        What was found.
    remedy : str
        What to do, as a sentence without full stop.
    """

    code: str
    level: Level
    message: str
    file: str = ""
    value: str = ""
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """Return message, value and remedy as one text."""
        found = f" (found {self.value})" if self.value else ""
        return f"{self.message}{found}{'. ' + self.remedy if self.remedy else ''}"

    def __str__(self) -> str:
        place = f"{self.file}: " if self.file else ""
        return f"{place}{self.level} {self.code}: {self.sentence}"

    def problem(self) -> Problem:
        """Return the finding as a problem, in the words of every other verb."""
        return Problem(self.sentence, key=self.code, file=self.file)

    def record(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)


class Ledger:
    """Collects the findings on one file.

    Parameters
    ----------
    file : str
        Name under which the user knows it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def add(self, level: Level, code: str, message: str, value: str = "", remedy: str = "") -> None:
        """Write a finding down."""
        self.findings.append(Finding(code, level, message, self.file, value, remedy))

    def error(self, code: str, message: str, value: str = "", remedy: str = "") -> None:
        """Write down what makes the file useless."""
        self.add("error", code, message, value, remedy)

    def warning(self, code: str, message: str, value: str = "", remedy: str = "") -> None:
        """Write down what the reader of a result has to know."""
        self.add("warning", code, message, value, remedy)

    def note(self, code: str, message: str, value: str = "", remedy: str = "") -> None:
        """Write down what is worth knowing and no mistake."""
        self.add("note", code, message, value, remedy)

    @property
    def failed(self) -> bool:
        """Tell whether there is an error."""
        return has_errors(self.findings)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding is an error."""
    return any(finding.level == "error" for finding in findings)


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Raise all errors among the findings at once.

    Raises
    ------
    BadInput
        With one problem per error.
    """
    problems = [finding.problem() for finding in findings if finding.level == "error"]
    if problems:
        raise BadInput(problems)


def milder(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the warnings and notes."""
    return tuple(finding for finding in findings if finding.level != "error")
