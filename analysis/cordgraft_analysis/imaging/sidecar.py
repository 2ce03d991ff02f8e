"""The JSON file beside a volume: what it says of the scan, in BIDS' words and our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.species import DIRECTIONS, RODENTS, SPECIES

_EXTENSION = re.compile(r"\.nii(?:\.gz)?$", re.IGNORECASE)
#: Keys of a sidecar that say that a scan or its lesion was not a patient's.
SIMULATED, SYNTHETIC = "Simulated", "SyntheticLesion"
#: Keys that say of which species a scan is and where dorsal is in the scanner's world: ``-y`` is posterior.
SPECIES_KEY, DORSAL_KEY = "Species", "DorsalAxis"
#: BIDS' key for the files from which one was made.
SOURCES_KEY = "Sources"


def read_sidecar(path: str | Path) -> dict[str, Any]:
    """Return the JSON file beside a volume; empty where there is none that can be read."""
    file = Path(path).expanduser()
    beside = file.with_name(_EXTENSION.sub("", file.name) + ".json")
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def source_names(path: str | Path) -> tuple[str, ...]:
    """Return the names, without folders, of the files from which a volume was made, by its sidecar."""
    stated = read_sidecar(path).get(SOURCES_KEY)
    listed = stated if isinstance(stated, list) else [stated]
    return tuple(re.split(r"[/:]", one)[-1] for one in listed if isinstance(one, str))


def stated_species(path: str | Path) -> str | None:
    """Return the species that the sidecar of a volume names, if it is one that is known here."""
    word = read_sidecar(path).get(SPECIES_KEY)
    return word.lower() if isinstance(word, str) and word.lower() in SPECIES else None


def stated_dorsal(path: str | Path) -> str | None:
    """Return the dorsal side that the sidecar of a volume states; None without one, or for a word that is none."""
    word = read_sidecar(path).get(DORSAL_KEY)
    return word if isinstance(word, str) and word.lower() in DIRECTIONS else None


def stated(
    files: Iterable[str | Path], species: str | None, dorsal: str | None
) -> tuple[str | None, str | None, list[Finding]]:
    """Return species and dorsal side of a scan: what the user says, else what the sidecars of its files say.

    A dorsal side that a file states is not guessed; without a statement a rodent has none, see `species.dorsal_axis`.

    Parameters
    ----------
    files : iterable of path
        Of one scan; those without a sidecar say nothing.
    species, dorsal : str, optional
        The user's words, which go before those of files.

    Returns
    -------
    species, dorsal : str or None
    findings : list of Finding
        E08: an error if files contradict each other, a warning if the user contradicts a file, a note on what was
        taken from a file of a rodent.
    """
    found: list[Finding] = []
    answers: list[str | None] = []
    paths = list(files)
    for asked, read, key, option in (
        (species, stated_species, SPECIES_KEY, "--species"),
        (dorsal, stated_dorsal, DORSAL_KEY, "--dorsal-axis"),
    ):
        said = {path: word for path in paths if (word := read(path)) is not None}
        places = {word: DIRECTIONS[word.lower()] if key == DORSAL_KEY else word for word in said.values()}
        first = next(iter(said), None)
        if asked is None and len(set(places.values())) > 1:
            words = ", ".join(f"{word} of '{Path(path).name}'" for path, word in said.items())
            found.append(
                Finding("E08", "error", f"sidecars of one scan contradict each other on {key}", str(first), words,
                        f"Say it with {option}")
            )  # fmt: skip
        elif asked is not None and first is not None:
            own = DIRECTIONS.get(asked.lower()) if key == DORSAL_KEY else asked
            if any(place != own for place in places.values()):
                found.append(
                    Finding("E08", "warning", f"has a sidecar that says otherwise than {option}, which is followed",
                            str(first), f"{key} {said[first]}, {option} {asked}")
                )  # fmt: skip
        answers.append(asked if asked is not None else None if first is None else said[first])
        if key == DORSAL_KEY and asked is None and first is not None and answers[0] in RODENTS:
            found.append(
                Finding("E08", "note", "states in its sidecar where dorsal is", str(first), f"{key} {said[first]}")
            )  # fmt: skip
    return answers[0], answers[1], found
