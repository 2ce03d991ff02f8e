"""From a path to the bytes of a NIfTI file, or to a sentence on what the file is instead (E01 to E03).

A reader of volumes says of all of these only that it cannot work out the file type.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from cordgraft.core.problems import nearest
from cordgraft.core.scanner import foreign_content
from cordgraft_analysis.imaging.findings import Ledger

GZIP_MAGIC = b"\x1f\x8b"
#: Extensions that scanners give to DICOM files, some of which lack the magic word.
DICOM_EXTENSIONS = (".dcm", ".ima", ".dicom")


def nifti_bytes(path: Path, ledger: Ledger) -> bytes | None:
    """Return the content of a NIfTI file without its gzip layer; None, with an error written down, where it is none.

    Parameters
    ----------
    path : Path
    ledger : Ledger
    """
    packed = _file_bytes(path, ledger)
    if packed is None:
        return None
    named_gz = path.name.lower().endswith(".gz")
    foreign = foreign_content(packed)
    if foreign is not None:
        ledger.error("E02" if "DICOM" in foreign.what else "E03", foreign.what, foreign.found, foreign.remedy)
        return None
    if not packed:
        ledger.error("E03", "is empty", "0 bytes", "Copy or export the file again")
        return None
    if packed[:2] == GZIP_MAGIC:
        content = _unpacked(packed, ledger)
        if content is None:
            return None
        if not named_gz and _signature(content):
            ledger.error(
                "E03",
                "is compressed although its name does not say so",
                "gzip",
                "Rename it to end in .nii.gz",
            )
            return None
    else:
        content = packed
        if named_gz and _signature(content):
            ledger.error(
                "E03", "is not a gzip file although its name ends in .gz", "a plain NIfTI file",
                "Rename it to end in .nii, or compress it with gzip",
            )  # fmt: skip
            return None
    if content[128:132] == b"DICM" or (path.suffix.lower() in DICOM_EXTENSIONS and not _signature(content)):
        ledger.error("E02", "is a DICOM file", "", "Convert the series with dcm2niix first")
        return None
    if content[344:348] == b"ni1\0":
        ledger.error("E03", "is the header of a .hdr/.img pair", "", "Convert the pair to one .nii file")
        return None
    if not _signature(content):
        ledger.error(
            "E03", "is not a NIfTI file", f"{len(content)} bytes without its signature",
            "Export it as .nii or .nii.gz",
        )  # fmt: skip
        return None
    return content


def is_nifti2(content: bytes) -> bool:
    """Tell the second version of the format from the first."""
    return content[4:8] == b"n+2\0"


def _signature(content: bytes) -> bool:
    return content[344:348] == b"n+1\0" or is_nifti2(content)


def _file_bytes(path: Path, ledger: Ledger) -> bytes | None:
    if path.is_dir():
        ledger.error("E01", "is a folder", "", "Name the .nii or .nii.gz file in it")
        return None
    if not path.exists():
        if path.is_symlink():
            target = str(path.readlink())
            if "annex" in target:
                ledger.error(
                    "E03", "is a git-annex placeholder, not the volume", "a link to absent content",
                    "Fetch the content: git annex get",
                )  # fmt: skip
                return None
            ledger.error(
                "E01", "is a link to a file that does not exist", target, "Restore the file or the link"
            )
            return None
        folder = path.parent
        if not folder.is_dir():
            ledger.error("E01", "there is no such file", f"no folder '{folder}' either", "Check the path")
            return None
        names = [entry.name for entry in folder.iterdir() if ".nii" in entry.name]
        near = nearest(path.name, names)
        guess = f"Did you mean {' or '.join(near)}?" if near else "Check the path"
        ledger.error("E01", "there is no such file", "", guess)
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        ledger.error("E01", "cannot be read", error.strerror or str(error), "Check its permissions")
        return None


def _unpacked(packed: bytes, ledger: Ledger) -> bytes | None:
    try:
        return gzip.decompress(packed)
    except EOFError:
        ledger.error(
            "E03",
            "is a gzip file that ends too early",
            f"{len(packed)} bytes",
            "Copy or download the file again",
        )
    except (zlib.error, gzip.BadGzipFile) as error:
        ledger.error("E03", "is a damaged gzip file", str(error), "Copy or download the file again")
    return None
