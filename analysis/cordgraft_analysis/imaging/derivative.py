"""Rendered images as a BIDS derivative: names, sidecars, and all of it or nothing.

A session is written aside and then moved into place file by file, so that an error on the way leaves what was there.
Layout below the given folder: ``derivatives/cordgraft/sub-sim01/ses-d365/anat/sub-sim01_ses-d365_T2w.nii.gz`` with
``_label-SC_seg``, ``_label-lesion_seg`` (0 and 1) and ``_desc-soft_label-..._probseg`` (share of the voxel); maps of
diffusion lie in ``dwi``. Every volume has a JSON file that says that it is simulated, and how.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.render import Scene, in_frame
from cordgraft_analysis.imaging.save import save_volume
from cordgraft_analysis.imaging.sessions import MONTHS_COLUMN, SESSION_COLUMN
from cordgraft_analysis.imaging.sidecar import DORSAL_KEY, SIMULATED, SPECIES_KEY
from cordgraft_analysis.imaging.volume import Floats

BIDS_VERSION = "1.10.0"
PLACE = Path("derivatives") / "cordgraft"
#: Folder and end of the name of each contrast.
SUFFIXES: dict[str, tuple[str, str]] = {
    "t2w": ("anat", "T2w"),
    "fa": ("dwi", "model-tensor_param-fa_dwimap"),
    "md": ("dwi", "model-tensor_param-md_dwimap"),
    "mwf": ("anat", "MWFmap"),
    "mtr": ("anat", "MTRmap"),
}
DAYS_PER_MONTH = 365.25 / 12.0
_LABEL = re.compile(r"[A-Za-z0-9]+")
#: What is left out of the model of the scanner, for every sidecar.
LIMITS = (
    "Single receiver, one spin echo in place of an echo train, no motion, no bias field. Intensity is arbitrary: "
    "compare it only after normalising to cord and fluid. Bone, discs and muscle are not simulated: beyond the canal "
    "there is no signal."
)


@dataclass(frozen=True)
class Session:
    """What is to be written of one day of one run.

    Parameters
    ----------
    subject : str
        Label, without ``sub-``: letters and digits.
    source : str
        Name of the run directory, not its place.
    scene : Scene
    images : mapping
        Contrast -> values (x, y, z) and facts, from `Scene.image`.
    like : str
        Name of the file whose grid was taken, or empty.
    """

    subject: str
    source: str
    scene: Scene
    images: Mapping[str, tuple[Floats, dict[str, Any]]]
    like: str = ""

    @property
    def label(self) -> str:
        """Return the label of the session, without ``ses-``: ``d365``; ``d0h06`` for hours."""
        hours = round(24.0 * float(self.scene.facts["day"]))
        day, rest = divmod(hours, 24)
        return f"d{day}" + (f"h{rest:02d}" if rest else "")

    @property
    def folder(self) -> Path:
        """Return the folder of the session below that of the derivative."""
        return Path(f"sub-{self.subject}") / f"ses-{self.label}"

    @property
    def stem(self) -> str:
        """Return what all names of the session begin with."""
        return f"sub-{self.subject}_ses-{self.label}"


def check_subject(subject: str) -> str:
    """Return a label of a subject without ``sub-``, or raise `BadInput`."""
    label = subject.removeprefix("sub-")
    if _LABEL.fullmatch(label) is None:
        raise BadInput(
            Problem(
                "no such label of a subject",
                key="--subject",
                value=subject,
                allowed="letters and digits: sim01",
            )
        )
    return label


def write_sessions(sessions: list[Session], out: Path, overwrite: bool = False) -> list[Path]:
    """Write sessions below ``out/derivatives/cordgraft``; returns the volumes that were written, in order.

    Raises
    ------
    BadInput
        E23 if a file is there already and may not be replaced, two sessions have the same name, or the place cannot be
        written.
    """
    if len({session.stem for session in sessions}) < len(sessions):
        raise BadInput(Problem("E23: two sessions have the same subject and day", key="--subject"))
    root = out / PLACE
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        aside = Path(mkdtemp(prefix=".cordgraft-writing-", dir=out))
    except OSError as error:
        raise BadInput(_unwritable(out, error)) from None
    try:
        volumes = [path for session in sessions for path in _write_session(session, aside)]
        for session in sessions:
            _note_session(session, root, aside)
        _describe(root, aside)
        files = sorted(path.relative_to(aside) for path in aside.rglob("*") if path.is_file())
        kept = [name for name in files if name.name not in _SHARED and not name.name.endswith(_SESSIONS)]
        taken = [name for name in kept if (root / name).exists()]
        if taken and not overwrite:
            raise BadInput(
                Problem(
                    "E23: the file exists",
                    key="-o",
                    value=str(root / taken[0]),
                    allowed="--overwrite replaces it",
                )
            )
        for name in files:  # each in one step; a volume after its sidecar, because .json sorts before .nii.gz
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(root / name)
    except OSError as error:
        raise BadInput(_unwritable(root, error)) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        for folder in made:  # innermost first; one that holds something stays
            with suppress(OSError):
                folder.rmdir()
    return [root / path for path in volumes]


def _unwritable(place: Path, error: OSError) -> Problem:
    return Problem("cannot be written", key="E23", file=str(place), value=error.strerror or str(error))


#: Files that belong to the whole derivative; sessions are added to them.
_SHARED = ("dataset_description.json",)
_SESSIONS = "_sessions.tsv"


def _write_session(session: Session, aside: Path) -> list[Path]:
    """Write the volumes of a session below `aside`; returns their places there."""
    scene, stem = session.scene, session.stem
    written: list[Path] = []

    def put(folder: str, end: str, values: Any, kind: Any, sidecar: dict[str, Any]) -> None:
        name = session.folder / folder / f"{stem}_{end}.nii.gz"
        save_volume(aside / name, in_frame(scene.frame, values, kind), sidecar)
        written.append(name)

    common = _common(session)
    first = ""
    for contrast, (values, facts) in session.images.items():
        folder, end = SUFFIXES[contrast]
        put(folder, end, values, "image", {**common, **_of_image(scene.facts, facts)})
        first = first or f"bids::{(session.folder / folder / f'{stem}_{end}.nii.gz').as_posix()}"
    of_image = {"Sources": [first, *common["Sources"]]} if first else {}
    for part, word, soft, hard in (
        ("SC", "spinal cord", scene.cord_soft, scene.cord),
        ("lesion", f"lesion ({scene.facts['lesion_definition']})", scene.lesion_soft, scene.lesion),
    ):
        shared = {**common, **of_image, "Label": word, "PointSpread": "none: masks are not blurred"}
        kind = "Lesion" if part == "lesion" else "ROI"
        put("anat", f"label-{part}_seg", hard, "mask", {**shared, "Type": kind, "Threshold": 0.5})
        put(
            "anat",
            f"desc-soft_label-{part}_probseg",
            soft,
            "soft",
            {**shared, "Type": kind, "Units": "share of the voxel"},
        )
    return written


def _common(session: Session) -> dict[str, Any]:
    facts = session.scene.facts
    return {
        SIMULATED: True,
        "Description": f"Simulated by cordgraft, not scanned. {schema.RESEARCH_SENTENCE}",
        "Limits": LIMITS,
        "Sources": [f"{session.source}/{schema.STORE_NAME}"],
        "GeneratedBy": [_generator()],
        "SpatialReference": _reference(session),
        "Placing": facts["placing"],
        "Scenario": facts["name"],
        "ScenarioDigest": facts["run_scenario_digest"],
        "SimulationSeed": facts["run_seed"],
        "SimulatedWith": f"cordgraft {facts['run_cordgraft_version']}",
        SPECIES_KEY: facts["species"],
        DORSAL_KEY: facts["dorsal_axis"],
        "DaysSinceInjury": facts["day"],
        "Extrusion": facts["extrusion"],
        "PartialVolume": facts["partial_volume"],
        "CanalLayer": f"{facts['canal_layer_mm']:g} mm of fluid round the cord, assumed",
        "DeadTissueAs": facts["necrosis_as"],
        "BloodAs": facts["blood_as"],
    }


def _of_image(scene: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"Units": facts["units"], "Contrast": facts["contrast"]}
    if "tr_ms" in facts:
        # BIDS wants seconds.
        found |= {
            "RepetitionTime": 1e-3 * facts["tr_ms"],
            "EchoTime": 1e-3 * facts["te_ms"],
            "SequencePreset": facts["sequence"],
            "MagneticFieldStrength": 3,
        }
    if "mtr_line" in facts:
        found["Calibration"] = facts["mtr_line"]
    blur = scene["psf_voxels"]
    found["PointSpread"] = (
        f"{'no blur' if blur == 0.0 else f'Gaussian, FWHM {blur:g} voxel'} in the plane of a slice, "
        f"box of a voxel across slices ({scene['slice_axis']} axis)"
    )
    found["Noise"] = "Rician" if "snr" in facts else "none"
    if "snr" in facts:
        found |= {"SNR": facts["snr"], "NoiseSigma": facts["sigma"], "Seed": facts["seed"]}
        found["CordSignal"] = facts["cord_signal"]
    if facts["contrast"] in ("fa", "md"):
        found["Orientation"] = (
            "order parameter of recorded axon headings in white matter, 1 where none is recorded; FA in a lesion is "
            "mostly partial volume of free water"
        )
    return found


def _reference(session: Session) -> str:
    if session.like:
        return session.like
    if session.scene.facts["space"] == "scanner":
        return "grid of the masks that the run was built from"
    return (
        "straight cord, mm: origin at the middle of the injury, right, anterior, superior (rostral); "
        f"dorsal is {session.scene.facts['dorsal_axis']}"
    )


def _generator() -> dict[str, str]:
    try:
        version = metadata.version("cordgraft")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        version = "not installed"
    return {"Name": "cordgraft", "Version": version, "Description": "cordgraft imaging render"}


def _describe(root: Path, aside: Path) -> None:
    """Write the description of the derivative, unless there is one."""
    if (root / _SHARED[0]).is_file():
        return
    described = {
        "Name": "Simulated images of cordgraft",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [_generator()],
        "HowToAcknowledge": schema.RESEARCH_SENTENCE,
        "Description": f"All volumes are simulated. {schema.RESEARCH_SENTENCE} {LIMITS}",
    }
    aside.joinpath(_SHARED[0]).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def _note_session(session: Session, root: Path, aside: Path) -> None:
    """Add the session to the table of its subject, with the months since the injury."""
    name = Path(f"sub-{session.subject}") / f"sub-{session.subject}{_SESSIONS}"
    rows: dict[str, str] = {}
    for place in (root / name, aside / name):
        if place.is_file():
            lines = csv.DictReader(io.StringIO(place.read_text(encoding="utf-8")), delimiter="\t")
            rows |= {
                row[SESSION_COLUMN]: row.get(MONTHS_COLUMN, "n/a") for row in lines if row.get(SESSION_COLUMN)
            }
    rows[f"ses-{session.label}"] = f"{float(session.scene.facts['day']) / DAYS_PER_MONTH:.4f}"
    text = "".join(f"{label}\t{months}\n" for label, months in rows.items())
    (aside / name).write_text(f"{SESSION_COLUMN}\t{MONTHS_COLUMN}\n{text}", encoding="utf-8")
