"""The table of bad input for test_imaging_cases.py: how a good scan or run is spoilt, and what is said of it."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.imaging_support import (
    CODES as FORM_CODES,
)
from tests.imaging_support import (
    PIXDIM,
    SFORM,
    SLOPE,
    affine_of,
    cord_data,
    floats,
    image_data,
    lesion_data,
    rotated,
    write,
)

Files = dict[str, Path]
#: Changes the files of a good scan in a folder, and the mapping of their roles.
Spoil = Callable[[Path, Files], None]
#: Verbs that read one scan: how each is called with an image, a cord and a lesion.
SCAN_VERBS = ("check", "lesion", "cord", "compare", "report")
#: Verbs that have the options on how files are read (--volume, --label, --assume-affine, --orientation).
READERS = ("check", "lesion", "report")


def call(verb: str, files: Files, out: Path, options: tuple[str, ...]) -> list[Any]:
    """Return the arguments with which a verb is given a scan."""
    image, cord, lesion = (files.get(role) for role in ("image", "cord", "lesion"))
    given = [
        *(("-i", image) if image else ()), *(("-s", cord) if cord else ()), *(("-m", lesion) if lesion else ())
    ]  # fmt: skip
    if verb == "compare":
        return ["compare", lesion, lesion, *(("-s", cord) if cord else ()), "-o", out, *options]
    places = {"check": [], "lesion": ["-o", out / "a.csv"], "cord": ["-o", out / "a.csv"]}
    return [verb, *given, *places.get(verb, ["-o", out / "a.html"]), *options]


@dataclass(frozen=True)
class Case:
    """One case of the table.

    Parameters
    ----------
    code, name : str
    level : str
        ``"error"``, ``"warning"`` or ``"note"``; ``"taken"`` where nothing at all is said.
    words : tuple of str
        What has to stand in the one sentence.
    spoil : callable
        Changes the files of a good scan in a folder, and the mapping of their roles.
    verbs : tuple of str
    options : tuple of str
        Of the command line.
    """

    code: str
    name: str
    level: str
    words: tuple[str, ...]
    spoil: Spoil
    verbs: tuple[str, ...] = SCAN_VERBS
    options: tuple[str, ...] = field(default=())


def bytes_of(content: bytes, role: str = "lesion", name: str = "odd_lesion_seg.nii.gz") -> Spoil:
    def spoil(folder: Path, files: Files) -> None:
        files[role] = folder / name
        files[role].write_bytes(content)

    return spoil


def volumes_of(*roles: str, data: Callable[[np.ndarray], np.ndarray] = lambda one: one, **how: Any) -> Spoil:
    """Return a change that writes volumes again: other numbers, or another header."""

    def spoil(folder: Path, files: Files) -> None:
        made = {"image": image_data, "cord": cord_data, "lesion": lesion_data}
        for role in roles:
            place = files[role].with_name(files[role].name.removesuffix(".gz"))
            files[role] = write(place, data(made[role]()), **how)

    return spoil


def absent(folder: Path, files: Files) -> None:
    files["lesion"] = folder / "t2_lesion_sge.nii.gz"


def a_folder(folder: Path, files: Files) -> None:
    files["lesion"] = folder / "sub-01"
    files["lesion"].mkdir()


def cut_gzip(folder: Path, files: Files) -> None:
    content = files["lesion"].read_bytes()
    files["lesion"].write_bytes(content[: len(content) // 2])


def misnamed(folder: Path, files: Files) -> None:
    files["lesion"].write_bytes(gzip.decompress(files["lesion"].read_bytes()))


def not_a_number(one: np.ndarray) -> np.ndarray:
    odd = one.astype(np.float32)
    odd[0, 0, :3] = [np.nan, np.inf, -np.inf]
    return odd


def scaled(factor: float) -> np.ndarray:
    affine = affine_of()
    affine[:3] *= factor
    return affine


def moved(millimetres: float) -> np.ndarray:
    affine = affine_of()
    affine[1, 3] += millimetres
    return affine


def sheared() -> np.ndarray:
    affine = affine_of()
    affine[0, 2] = 0.1
    return affine


def partly_outside(one: np.ndarray) -> np.ndarray:
    """Return 36 voxels of lesion, of which 12 lie outside the cord."""
    lesion = np.zeros_like(one)
    lesion[0:6, 7:8, 9:15] = 1
    return lesion


def mostly_outside(one: np.ndarray) -> np.ndarray:
    lesion = partly_outside(one)
    lesion[3:] = 0
    return lesion


def sheared_image(folder: Path, files: Files) -> None:
    """An image without masks: on a sheared grid there are none that could be measured."""
    volumes_of("image", affine=sheared(), codes=(1, 0))(folder, files)
    del files["cord"], files["lesion"]


def in_pieces(one: np.ndarray) -> np.ndarray:
    cord = one.copy()
    cord[0, 0, 3:6] = 1
    cord[:, :, 20:22] = 0
    return cord


def of_a_rodent(folder: Path, files: Files) -> None:
    volumes_of("image", "cord", "lesion", affine=affine_of(0.15))(folder, files)


def as_labels(folder: Path, files: Files) -> None:
    labels = cord_data() + 2 * lesion_data()
    files["lesion"] = files["cord"] = write(folder / "t2_dseg.nii.gz", labels)


LABELS = ("--label", "3", "--cord-label", "1", "--cord-label", "3")
ASSUMED = ("--assume-affine", "pixdim", "--orientation", "LAS")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
DICOM = b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0" + b"\0" * 400
ALL = ("image", "cord", "lesion")
MASKS = ("check", "lesion", "compare", "report")
#: A grid that lies between all axes of the world.
BETWEEN = np.eye(4)
BETWEEN[:3, :3] = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3.0

CASES = [
    Case("E01", "missing", "error", ("there is no such file", "Did you mean t2_lesion_seg.nii.gz"), absent),
    Case("E01", "folder", "error", ("is a folder",), a_folder),
    Case("E02", "dicom", "error", ("is a DICOM file", "dcm2niix"), bytes_of(DICOM, name="IM0001.dcm")),
    Case("E02", "renamed", "error", ("is a DICOM file", "dcm2niix"), bytes_of(DICOM, name="a.nii")),
    Case("E03", "annex", "error", ("git-annex placeholder", "git annex get"),
         bytes_of(b"/annex/objects/SHA256E-s1868--0a.nii.gz\n")),
    Case("E03", "lfs", "error", ("Git LFS", "git lfs pull"), bytes_of(LFS)),
    Case("E03", "web page", "error", ("is a web page",), bytes_of(b"<!DOCTYPE html><html>404</html>")),
    Case("E03", "cut", "error", ("ends too early",), cut_gzip),
    Case("E03", "misnamed", "error", ("not a gzip file although its name ends in .gz",), misnamed),
    Case("E04", "several volumes", "error", ("holds 3 volumes", "--volume N, from 0 to 2"),
         volumes_of("lesion", data=lambda one: np.stack([one] * 3, axis=-1))),
    Case("E04", "chosen", "note", ("number 2 is taken",),
         volumes_of("lesion", data=lambda one: np.stack([0 * one, 0 * one, one], axis=-1)), READERS,
         ("--volume", "2")),
    Case("E04", "trailing one", "note", ("which is dropped",), volumes_of("lesion", data=lambda one: one[..., None])),
    Case("E05", "one slice", "note", ("single slice across the right-left axis", "not measured"),
         volumes_of(*ALL, data=lambda one: one[7:8]), MASKS),
    Case("E06", "lost", "error", ("nobody knows left from right", "--assume-affine pixdim --orientation LAS"),
         volumes_of("lesion", patch={FORM_CODES: bytes(4)})),
    Case("E06", "assumed", "warning", ("assumed", "LAS (nibabel) = RPI (SCT)"),
         volumes_of(*ALL, patch={FORM_CODES: bytes(4)}), (*READERS, "cord"), ASSUMED),
    Case("E07", "flat", "error", ("places nothing", "voxels without volume"),
         volumes_of("lesion", patch={SFORM: floats(0, 0, 0, 0)})),
    Case("E07", "no numbers", "error", ("places nothing", "no numbers"),
         volumes_of("lesion", patch={SFORM: floats(float("nan"))})),
    Case("E08", "micrometres", "warning", ("states its lengths in micrometres",),
         volumes_of(*ALL, affine=scaled(1e3), units="micron")),
    Case("E08", "metres", "warning", ("states its lengths in metres",),
         volumes_of(*ALL, affine=scaled(1e-3), units="meter")),
    Case("E08", "no unit", "note", ("credible in mm",), volumes_of("lesion", units="unknown")),
    Case("E08", "impossible", "error", ("look like micrometres", "1000 x 1000"),
         volumes_of("lesion", affine=scaled(1e3))),
    Case("E08", "no person's", "error", ("size of a rodent's", "--species rat", "--dorsal-axis"), of_a_rodent),
    Case("E08", "rodent", "error", ("not guessed", "--dorsal-axis -y"), of_a_rodent, SCAN_VERBS,
         ("--species", "mouse")),
    Case("E08", "stated", "taken", (), of_a_rodent, SCAN_VERBS, ("--species", "mouse", "--dorsal-axis", "-y")),
    Case("E09", "pixdim", "warning", ("0.3 % apart",),
         volumes_of("lesion", patch={PIXDIM: floats(1.0, 1.003, 1.0)})),
    Case("E10", "near", "warning", ("0.200 mm at a corner",), volumes_of("lesion", qform=moved(0.2))),
    Case("E10", "far", "error", ("more than half a voxel", "3.00 mm at a corner"),
         volumes_of("lesion", qform=moved(3.0))),
    Case("E11", "slightly", "note", ("5.0 degrees",), volumes_of(*ALL, affine=rotated(0, 5.0))),
    Case("E11", "oblique", "warning", ("30.0 degrees",), volumes_of(*ALL, affine=rotated(0, 30.0))),
    Case("E11", "too oblique", "error", ("too oblique", "48.2 degrees"),
         volumes_of("lesion", affine=BETWEEN @ affine_of())),
    Case("E11", "permuted", "error", ("tilted against the slices", "90.0 degrees"),
         volumes_of(*ALL, data=lambda one: np.repeat(one, 4, axis=2), affine=affine_of()[:, [0, 2, 1, 3]])),
    Case("E12", "mask", "error", ("sheared", "Resample"), volumes_of("lesion", affine=sheared(), codes=(1, 0))),
    Case("E12", "image", "warning", ("not at right angles",),
         sheared_image, ("check",)),
    Case("E13", "shape", "error", ("another grid", "14 x 16 x 23 and 14 x 16 x 24"),
         volumes_of("lesion", data=lambda one: one[..., :-1])),
    Case("E13", "far", "error", ("does not lie where", "50.00 mm apart"), volumes_of("lesion", affine=moved(50.0))),
    Case("E13", "near", "warning", ("not lie quite where", "0.20 mm apart"),
         volumes_of("lesion", affine=moved(0.2))),
    Case("E13", "same", "taken", (), volumes_of("lesion", affine=moved(0.04))),
    Case("E14", "empty", "note", ("lesion_present = false",), volumes_of("lesion", data=lambda one: 0 * one)),
    Case("E15", "no cord", "error", ("empty cord mask", "not one voxel"),
         volumes_of("cord", data=lambda one: 0 * one)),
    Case("E15", "partly", "warning", ("12 of 36 voxels, 33.3 %",), volumes_of("lesion", data=partly_outside)),
    Case("E15", "mostly", "error", ("mostly outside the cord", "do not belong together"),
         volumes_of("lesion", data=mostly_outside)),
    Case("E16", "soft", "error", ("is a soft mask", "--threshold 0.5"),
         volumes_of("lesion", data=lambda one: (0.75 * one).astype(np.float32)), ("check",)),
    Case("E16", "soft for sct", "error", ("is a soft mask", "--threshold 0.5"),
         volumes_of("lesion", data=lambda one: (0.75 * one).astype(np.float32)), ("lesion", "compare"),
         ("--method", "sct")),
    Case("E16", "cut", "note", ("cut at 0.5",),
         volumes_of("lesion", data=lambda one: (0.75 * one).astype(np.float32)), SCAN_VERBS, ("--threshold", "0.5")),
    Case("E16", "labels", "error", ("holds labels", "--label N"), as_labels),
    Case("E16", "chosen", "note", ("of which 3 is the mask",), as_labels, ("lesion", "report"), LABELS),
    Case("E16", "0 and 255", "note", ("255 is taken as 1",),
         volumes_of("lesion", data=lambda one: one * np.uint8(255))),
    Case("E16", "image", "error", ("looks like an image",),
         volumes_of("lesion", data=lambda one: (one * 731.5).astype(np.float32))),
    Case("E17", "mask", "error", ("3 NaN or infinite voxels",), volumes_of("lesion", data=not_a_number)),
    Case("E17", "image", "warning", ("left out of every mean", "3"), volumes_of("image", data=not_a_number),
         ("check", "lesion", "cord", "report")),
    Case("E18", "read", "note", ("x 100 + -5 is applied",), volumes_of("image", patch={SLOPE: floats(100.0, -5.0)}),
         ("check", "lesion", "cord", "report")),
    Case("E19", "pieces", "warning", ("slices 3-5, counted from the inferior end",),
         volumes_of("cord", data=in_pieces)),
    Case("E19", "gaps", "warning", ("slices 20-21",), volumes_of("cord", data=in_pieces)),
]  # fmt: skip


def good_scan(folder: Path) -> Files:
    """Return a scan with which nothing is wrong."""
    return {
        "image": write(folder / "t2.nii.gz", image_data()),
        "cord": write(folder / "t2_sc_seg.nii.gz", cord_data()),
        "lesion": write(folder / "t2_lesion_seg.nii.gz", lesion_data()),
    }


# ------------------------------------------------------------------------------------------ E20: runs
def cell_in(group: Any, name: str, value: float) -> None:
    """Change one voxel in the middle of the cord on the last day."""
    array = group[f"maps/{name}"]
    array[-1, 0, array.shape[2] // 2, array.shape[3] // 2] = value


def more(group: Any, name: str, step: float) -> None:
    array = group[f"maps/{name}"]
    place = (-1, 0, array.shape[2] // 2, array.shape[3] // 2)
    array[place] = float(array[place]) + step


def say_unit(group: Any) -> None:
    group["maps/y"].attrs["units"] = "mm"


def reverse(group: Any) -> None:
    group["maps/z"][:] = group["maps/z"][:][::-1].copy()


def uneven(group: Any) -> None:
    group["maps/z"][-1] = float(group["maps/z"][-1]) + 20.0


def elsewhere(group: Any) -> None:
    group["geometry/y"][:] = group["geometry/y"][:] + 50.0


def no_cord(group: Any) -> None:
    group["geometry/map_cord"][:] = 0


#: How a run is damaged, and what is said of it: the variable, and the worst cell.
DAMAGES: dict[str, tuple[Callable[[Any], None], tuple[str, ...]]] = {
    "sum": (lambda group: more(group, "fraction_scar", 0.25),
            ("maps/fraction_*", "do not sum to 1", "found 1.2", "time 2 d, x 0, y 0, z ", "the worst of 1 cells")),
    # the sum stays 1, and so it does after both classes have become one: only the variable itself shows it
    "negative": (lambda group: (more(group, "fraction_scar", -0.25), more(group, "fraction_necrosis", 0.25)),
                 ("maps/fraction_scar is negative", "found -0.1", "at time 2 d, x 0, y 0, z ")),
    "large": (lambda group: cell_in(group, "fraction_graft", 3.0), ("maps/fraction_graft is larger than 1", "3 at ")),
    "no number": (lambda group: cell_in(group, "fraction_white", np.nan),
                  ("maps/fraction_white holds values that are no numbers", "time 2 d")),
    "oedema": (lambda group: cell_in(group, "density_oedema", -0.5), ("maps/density_oedema is negative", "-0.5 at")),
    "unit": (say_unit, ("maps/y is not in um", "units 'mm'")),
    "order": (reverse, ("maps/z does not increase", "at index 1", "grows to rostral")),
    "affine": (uneven, ("maps/z disagrees with the affine", "20 um apart")),
    "geometry": (elsewhere, ("geometry/y and maps/y disagree", "50 um apart")),
    "cord": (no_cord, ("geometry/map_cord is empty",)),
}  # fmt: skip


def damaged(run: Path, folder: Path, name: str) -> tuple[Path, tuple[str, ...]]:
    import zarr

    place = folder / "damaged"
    shutil.copytree(run, place)
    spoil, words = DAMAGES[name]
    spoil(zarr.open_group(place / "run.zarr", mode="r+", use_consolidated=False))
    return place, words
