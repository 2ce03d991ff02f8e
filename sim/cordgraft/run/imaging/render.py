"""`cordgraft imaging render`: an image of a recorded day of a run, with its masks, as a BIDS derivative."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import exit_codes, say

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.derivative import Session
    from cordgraft_analysis.imaging.render import Options


def render(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run directories, or a directory of runs of several seeds."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Directory in which derivatives/cordgraft is written.")
    ],
    times: Annotated[
        list[str],
        typer.Option(
            "--time", "-t", metavar="365d", help="Recorded day, since the injury; several times for several."
        ),
    ],
    contrasts: Annotated[
        list[str] | None,
        typer.Option("--contrast", help="t2w (default), fa, md, mwf or mtr; several times for several."),
    ] = None,
    like: Annotated[
        Path | None, typer.Option("--like", metavar="FILE", help="Take the grid of this volume (NIfTI).")
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option("--spacing", metavar="0.8,0.8,0.8", help="Voxel edges, mm, of an image round the cord."),
    ] = None,
    centre: Annotated[
        str | None,
        typer.Option(
            "--centre", metavar="X,Y,Z", help="Where the injury goes with --like, mm; its middle otherwise."
        ),
    ] = None,
    dorsal_axis: Annotated[
        str | None,
        typer.Option(
            "--dorsal-axis",
            metavar="-y",
            help="Where the back goes in the image: -y unless given, but with --like it has to be said for a rodent.",
        ),
    ] = None,
    extrusion: Annotated[
        str | None,
        typer.Option(
            "--extrusion",
            help="How a section becomes a volume: axisymmetric, elliptic:ratio=R, extrude:mm=W.",
        ),
    ] = None,
    snr: Annotated[
        float | None,
        typer.Option("--snr", help="Signal of white and grey matter over noise, t2w only; none without it."),
    ] = None,
    psf: Annotated[
        float, typer.Option("--psf", help="Blur in the plane of a slice: FWHM in voxels, 0 for none.")
    ] = 1.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the noise; the next image has the next number.")
    ] = 0,
    mtr: Annotated[
        str | None,
        typer.Option(
            "--mtr", metavar="A,B", help="MTR = A + B x bound share, in %, from your controls; for mtr."
        ),
    ] = None,
    canal: Annotated[
        float | None,
        typer.Option("--canal", metavar="MM", help="Fluid round the cord, mm (default: by species)."),
    ] = None,
    necrosis: Annotated[
        str, typer.Option("--necrosis", help="Tissue class whose signal dead tissue has.")
    ] = "oedema",
    blood: Annotated[
        str, typer.Option("--blood", help="Tissue class whose signal blood has: blood for its own.")
    ] = "oedema",
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="Label of the subject (default: sim01, sim02, ... by run)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of the same name.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only errors and the result's place.")
    ] = False,
) -> None:
    """Render recorded days of runs as scanner images with cord and lesion masks. Simulated: a research model."""
    with exit_codes(json_output):
        from cordgraft.core.units import parse_quantity
        from cordgraft_analysis.imaging.derivative import PLACE, write_sessions
        from cordgraft_analysis.imaging.extrusion import parse_extrusion
        from cordgraft_analysis.imaging.render import Options
        from cordgraft_analysis.imaging.signal import Calibration

        options = Options(
            extrusion=None if extrusion is None else parse_extrusion(extrusion),
            psf=psf,
            centre_mm=None if centre is None else _numbers("--centre", centre, "mm"),
            canal_mm=canal,
            necrosis=necrosis,
            blood=blood,
            dorsal=dorsal_axis,
        )
        line = None if mtr is None else _pair(mtr)
        sessions = _sessions(
            runs,
            [parse_quantity(time, "h") / 24.0 for time in times],
            list(dict.fromkeys(contrasts or ["t2w"])),
            like,
            None if spacing is None else _numbers("--spacing", spacing, "mm"),
            options,
            {"snr": snr, "seed": seed, "mtr": None if line is None else Calibration(*line)},
            subject,
        )
        written = write_sessions(sessions, out, overwrite)
        if json_output:
            records = [
                {
                    "subject": session.subject,
                    "session": session.label,
                    "run": session.source,
                    "scene": session.scene.facts,
                    "images": {name: facts for name, (_, facts) in session.images.items()},
                    "cord_mm3": float(session.scene.cord_soft.sum()) * session.scene.frame.voxel_mm3,
                    "lesion_mm3": float(session.scene.lesion_soft.sum()) * session.scene.frame.voxel_mm3,
                }
                for session in sessions
            ]
            say(
                json.dumps(
                    {"ok": True, "files": [str(path) for path in written], "sessions": records}, indent=2
                )
            )
            return
        if not quiet:
            for path in written:
                say(f"wrote {path}")
            sides = {
                f"{session.scene.facts['species']}, dorsal is {session.scene.facts['dorsal_axis']}"
                for session in sessions
            }
            say(f"sidecars say so: {'; '.join(sorted(sides))} in the header")
            say("simulated images of a research model: they show no patient and predict none")
        say(str(out / PLACE))


def _sessions(
    places: list[Path],
    days: list[float],
    contrasts: list[str],
    like: Path | None,
    spacing_mm: tuple[float, float, float] | None,
    options: Options,
    of_image: dict[str, Any],
    subject: str | None,
) -> list[Session]:
    """Return what is to be written, every run opened once; nothing is written."""
    from cordgraft_analysis.imaging.derivative import Session, check_subject
    from cordgraft_analysis.imaging.fractions import frame_at
    from cordgraft_analysis.imaging.load import load_image
    from cordgraft_analysis.imaging.render import scene_of
    from cordgraft_analysis.reading import open_run
    from cordgraft_analysis.seeds import run_directories

    directories = [directory for place in places for directory in run_directories(place)]
    if subject is not None and len(directories) > 1:
        raise BadInput(
            Problem("one label for several runs", key="--subject", value=f"{subject} for {len(directories)} runs",
                    allowed="leave it out: they are sim01, sim02, ...")
        )  # fmt: skip
    volume = None if like is None else load_image(like)
    digits = max(2, len(str(len(directories))))
    if of_image["snr"] is not None and "t2w" not in contrasts:
        raise BadInput(
            Problem("only t2w has noise: that of a map depends on how it is fitted, which is not modelled",
                    key="--snr", value=", ".join(contrasts), allowed="no --snr, or --contrast t2w among them")
        )  # fmt: skip
    found: list[Session] = []
    for number, directory in enumerate(directories, 1):
        label = check_subject(subject) if subject is not None else f"sim{number:0{digits}d}"
        run = open_run(directory)
        for day in days:  # all days before the first is rendered
            frame_at(run, day)
        for day in days:
            scene = scene_of(run, day, like=volume, spacing_mm=spacing_mm, options=options)
            # No two images have the same noise; the seed of each stands in its sidecar.
            noise = {"snr": of_image["snr"], "seed": of_image["seed"] + len(found)}
            images = {
                contrast: scene.image(contrast, mtr=of_image["mtr"], **(noise if contrast == "t2w" else {}))
                for contrast in contrasts
            }
            found.append(
                Session(label, directory.resolve().name, scene, images, like.name if like is not None else "")
            )
    return found


def _numbers(key: str, text: str, unit: str) -> tuple[float, float, float]:
    """Return three numbers with commas between them."""
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(
            Problem("three numbers are needed", key=key, value=text, allowed=f"X,Y,Z in {unit}")
        ) from None
    return x, y, z


def _pair(text: str) -> tuple[float, float]:
    try:
        a, b = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(Problem("two numbers are needed", key="--mtr", value=text, allowed="A,B")) from None
    return a, b
