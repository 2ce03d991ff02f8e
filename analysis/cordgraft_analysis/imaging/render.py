"""A scanner image of a recorded day of a run, with the masks that belong to it.

`scene_of` puts the tissue on the voxels of an image once; `Scene.image` makes contrasts of it. `render` and `masks` do
both in one call. Nothing here reads or writes image files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft.core.scanner import LARGEST_VOXEL_MM, SMALLEST_VOXEL_MM
from cordgraft_analysis.imaging.cord_placing import Bend, Placing, Shift, stored_bend
from cordgraft_analysis.imaging.dorsal_turn import OWN_DORSAL, dorsal_of_scan, turned, words_of
from cordgraft_analysis.imaging.extrusion import Extrusion, missing_extrusion
from cordgraft_analysis.imaging.findings import refuse_errors
from cordgraft_analysis.imaging.fractions import (
    BLOOD_AS,
    CARRIED,
    CLASSES,
    LESION_CLASSES,
    NECROSIS_AS,
    canal_layer,
    fractions_of,
    frame_at,
    is_section,
)
from cordgraft_analysis.imaging.grid import Grid, nowhere
from cordgraft_analysis.imaging.noise import rician
from cordgraft_analysis.imaging.orientation import canonical
from cordgraft_analysis.imaging.render_size import refuse_too_large, run_axes_um, size_of
from cordgraft_analysis.imaging.resample import Aligned, images, resampler
from cordgraft_analysis.imaging.run_contract import check_run
from cordgraft_analysis.imaging.sidecar import stated_dorsal
from cordgraft_analysis.imaging.signal import CONTRASTS, T2W, Calibration, Sequence, contrast_of
from cordgraft_analysis.imaging.volume import Array, Floats, Volume

if TYPE_CHECKING:
    import xarray

#: Background round the canal in an image that is made to measure, voxels.
BORDER = 2
#: The tissue whose signal the SNR refers to.
HEALTHY = ("frac_white", "frac_grey")
#: Blur in the plane of a slice, voxels: recalled as the usual order; the blur of an echo train is left out.
PSF_VOXELS = 1.0


@dataclass(frozen=True)
class Options:
    """What a rendering assumes of the tissue and the scanner, with its defaults.

    Parameters
    ----------
    extrusion : Extrusion, optional
        How a section becomes a volume; a run that is a volume has none.
    psf : float
        Full width at half maximum of the blur in the plane of a slice, voxels; 0 for none.
    centre_mm : (3,) float, optional
        Where the middle of the injury goes in the image, mm; the middle of the image unless given.
    canal_mm : float, optional
        Thickness of the fluid round the cord, mm; that of the species unless given.
    necrosis, blood : str
        Tissue class that stands for dead tissue and for blood.
    dorsal : str, optional
        Where the back goes in the image, as `species.dorsal_axis` takes it; see `dorsal_turn.dorsal_of_scan`.
    """

    extrusion: Extrusion | None = None
    psf: float = PSF_VOXELS
    centre_mm: tuple[float, float, float] | None = None
    canal_mm: float | None = None
    necrosis: str = NECROSIS_AS
    blood: str = BLOOD_AS
    dorsal: str | None = None


@dataclass(frozen=True)
class Scene:
    """The tissue of one day on the voxels of an image.

    Parameters
    ----------
    frame : Volume
        Grid of the image, and the way back to the axes of the file that it is like; its data are empty.
    channels : mapping
        ``frac_*``, ``myelin`` and ``white_order`` with the blur of the scanner, each (x, y, z) float64.
    cord_soft, lesion_soft : (x, y, z) float64
        Shares of the voxel, without blur.
    facts : mapping
        How it was made, for the sidecar.
    """

    frame: Volume
    channels: dict[str, Floats]
    cord_soft: Floats
    lesion_soft: Floats
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def cord(self) -> Array:
        """Voxels that lie at least half in the cord : (x, y, z) bool."""
        return np.asarray(self.cord_soft >= 0.5)

    @property
    def lesion(self) -> Array:
        """Voxels of which at least half is lesion : (x, y, z) bool."""
        return np.asarray(self.lesion_soft >= 0.5)

    def image(
        self,
        contrast: str = "t2w",
        *,
        snr: float | None = None,
        seed: int = 0,
        sequence: Sequence = T2W,
        mtr: Calibration | None = None,
    ) -> tuple[Floats, dict[str, Any]]:
        """Return an image (x, y, z) float64 and how it was made.

        Parameters
        ----------
        contrast : str
            One of `CONTRASTS`, which says the unit.
        snr : float, optional
            Signal of the cord's white and grey matter over the noise of t2w; no noise without it.
        seed : int
            Of the noise.
        sequence : Sequence
        mtr : Calibration, optional

        Raises
        ------
        BadInput
            If the contrast is unknown or lacks its calibration, or noise is asked for a map that has none.
        """
        values = contrast_of(contrast, self.channels, sequence, mtr)
        facts: dict[str, Any] = {"contrast": contrast, "units": CONTRASTS[contrast]}
        if contrast == "t2w":
            facts |= {"sequence": sequence.name, "tr_ms": sequence.tr_ms, "te_ms": sequence.te_ms}
        if mtr is not None and contrast == "mtr":
            facts["mtr_line"] = f"MTR = {mtr.a:g} + {mtr.b:g} x bound share, both in %"
        if snr is None:
            return values, facts
        if contrast != "t2w":
            raise BadInput(
                Problem("the noise of a map depends on how it is fitted, which is not modelled", key="--snr",
                        value=f"{snr:g} with {contrast}", allowed="no --snr, or --contrast t2w alone")
            )  # fmt: skip
        if not (np.isfinite(snr) and snr > 0.0):
            raise BadInput(Problem("no such SNR", key="--snr", value=f"{snr:g}", allowed="above 0"))
        cord = self._cord_signal(sequence)
        sigma = float(cord / snr)
        facts |= {"snr": float(snr), "sigma": sigma, "seed": int(seed), "cord_signal": cord}
        return rician(values, sigma, seed), facts

    def _cord_signal(self, sequence: Sequence) -> float:
        """Return the T2-weighted signal of the white and grey matter in the image, mixed as they are in it.

        Their amounts are the same on every grid, so that one SNR gives one noise; a mean over voxels of healthy cord
        would depend on how many of those a grid happens to have. Without either, white matter stands for them.
        """
        amounts = {name: float(self.channels[name].sum()) for name in HEALTHY}
        whole = sum(amounts.values())
        shares = (
            {name: np.array([amount / whole]) for name, amount in amounts.items()}
            if whole > 0.0
            else {"frac_white": np.ones(1)}
        )
        return float(contrast_of("t2w", shares, sequence)[0])


def scene_of(
    run: xarray.DataTree,
    day: float,
    *,
    like: Volume | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    options: Options | None = None,
) -> Scene:
    """Return the tissue of a recorded day on the voxels of an image.

    Parameters
    ----------
    run : xarray.DataTree
        From `cordgraft_analysis.reading.open_run`.
    day : float
        Days since the injury.
    like : Volume, optional
        An image whose grid is taken. A run from masks goes back into their scan, another one where
        ``options.centre_mm`` says.
    spacing_mm : (3,) float, optional
        Voxel edges, right, anterior, superior, of an image made to measure round the straight cord. With neither of
        the two a run from masks takes the grid of its masks.
    options : Options, optional

    Raises
    ------
    BadInput
        If the day was not recorded, a section has no extrusion, the grid is not stated, the cord lies outside it, or
        nobody says where dorsal is in the scan of a rodent that the image is to be like.
    """
    chosen = options or Options()
    # What breaks the contract is refused before anything is reckoned from it.
    refuse_errors(check_run(run, frame_at(run, day)).findings)
    if is_section(run) and chosen.extrusion is None:
        wide, deep = (float(value) for value in run.attrs["setting"]["cord_diameter_um"])
        raise missing_extrusion(wide / deep)
    if not (np.isfinite(chosen.psf) and chosen.psf >= 0.0):
        raise BadInput(
            Problem("no such blur", key="--psf", value=f"{chosen.psf:g}", allowed="0 voxels or more")
        )
    bend = stored_bend(run)
    frame = like if like is not None else _own_frame(bend) if spacing_mm is None else None
    _check_places(frame, like, spacing_mm, bend, chosen)
    species = str(run.attrs["setting"]["species"])
    said = stated_dorsal(like.path) if like is not None and like.path is not None else None
    back_there = bend is not None and spacing_mm is None
    dorsal = dorsal_of_scan(species, chosen.dorsal or said, like is not None and not back_there)
    if back_there and dorsal != OWN_DORSAL:  # a run from masks takes posterior for dorsal
        raise BadInput(
            Problem("the cord of this run goes back into its own scan, whose posterior side it took for dorsal",
                    key="--dorsal-axis", value=dorsal, allowed=OWN_DORSAL)
        )  # fmt: skip
    edges = frame.spacing_mm if frame is not None else spacing_mm
    assert edges is not None
    layer = canal_layer(species, chosen.canal_mm)
    shape = None if frame is None else frame.data.shape
    axes_um = run_axes_um(run[schema.MAPS_GROUP].dataset)
    edge, *voxels = size_of(axes_um, chosen.extrusion, edges, layer, shape)
    refuse_too_large(voxels[0], voxels[1], "--spacing" if frame is None else "--like")
    data = fractions_of(
        run,
        day,
        extrusion=chosen.extrusion,
        fine_mm=edge,
        canal_mm=chosen.canal_mm,
        necrosis=chosen.necrosis,
        blood=chosen.blood,
    )
    data = turned(data, dorsal)
    if frame is None:
        assert spacing_mm is not None
        frame = _to_measure(data, spacing_mm)
    grid = Grid((frame.data.shape[0], frame.data.shape[1], frame.data.shape[2]), frame.affine)
    placing: Placing
    if bend is not None and back_there:
        placing = bend
    elif like is not None:
        placing = Shift(chosen.centre_mm or grid.centre_mm)
    else:
        placing = Shift()
    axes = tuple(np.asarray(data[axis].values, dtype=np.float64) for axis in schema.SPACE)
    steps = np.diag(np.asarray(data.attrs["affine"]).reshape(4, 4))[:3]
    way = resampler(
        (axes[0], axes[1], axes[2]),
        (float(steps[0]), float(steps[1]), float(steps[2])),
        placing,
        grid,
        chosen.psf,
    )
    channels = {name: data[name].values[0] for name in (*(f"frac_{word}" for word in CLASSES), *CARRIED)}
    lesion = np.sum([channels[f"frac_{word}"] for word in LESION_CLASSES], axis=0, dtype=np.float32)
    facts = {
        "day": float(data[schema.TIME].values[0]),
        "species": data.attrs["species"],
        "extrusion": data.attrs.get("extrusion", "none: the run is a volume"),
        "space": "scanner" if isinstance(placing, Bend) else "cord-straight",
        "placing": placing.words if isinstance(placing, Bend) else f"{placing.words}; {words_of(dorsal)}",
        "dorsal_axis": dorsal,
        "partial_volume": "exact overlap" if isinstance(way, Aligned) else "balanced shares",
        "psf_voxels": float(chosen.psf),
        "slice_axis": ["right", "anterior", "superior"][grid.slice_axis],
        "lesion_definition": " + ".join(LESION_CLASSES) + ", share of the voxel at least 0.5",
        **{name: data.attrs[name] for name in ("canal_layer_mm", "necrosis_as", "blood_as", "name")},
        **{f"run_{name}": data.attrs[name] for name in ("seed", "scenario_digest", "cordgraft_version")},
    }
    sharp = images(way, {"cord": data["cord_share"].values[0], "lesion": lesion}, blurred=False)
    if not ("cord" in sharp and sharp["cord"].any()):
        raise nowhere(grid)
    # A file holds float32: masks are cut from what it will say, so that both agree. A sum of
    # fractions rounds to one float32 above one at times, and every measure refuses such a share.
    soft = {
        name: np.clip(np.asarray(sharp.get(name, np.zeros(grid.shape)), dtype=np.float32), 0.0, 1.0)
        for name in ("cord", "lesion")
    }
    return Scene(
        frame,
        images(way, channels, blurred=True),
        soft["cord"].astype(np.float64),
        soft["lesion"].astype(np.float64),
        facts,
    )


def render(
    run: xarray.DataTree,
    day: float,
    contrast: str = "t2w",
    *,
    like: Volume | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    options: Options | None = None,
    snr: float | None = None,
    seed: int = 0,
    sequence: Sequence = T2W,
    mtr: Calibration | None = None,
) -> Volume:
    """Return an image of a recorded day; see `scene_of` and `Scene.image` for the parameters and errors."""
    scene = scene_of(run, day, like=like, spacing_mm=spacing_mm, options=options)
    values, facts = scene.image(contrast, snr=snr, seed=seed, sequence=sequence, mtr=mtr)
    return in_frame(
        scene.frame, values, "image", (f"simulated: {schema.RESEARCH_SENTENCE}", str(scene.facts | facts))
    )


def masks(
    run: xarray.DataTree,
    day: float,
    *,
    like: Volume | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    options: Options | None = None,
) -> dict[str, Volume]:
    """Return ``cord`` and ``lesion`` (masks) and ``cord_soft`` and ``lesion_soft`` (shares); see `scene_of`."""
    scene = scene_of(run, day, like=like, spacing_mm=spacing_mm, options=options)
    return {
        "cord": in_frame(scene.frame, scene.cord, "mask"),
        "lesion": in_frame(scene.frame, scene.lesion, "mask"),
        "cord_soft": in_frame(scene.frame, scene.cord_soft, "soft"),
        "lesion_soft": in_frame(scene.frame, scene.lesion_soft, "soft"),
    }


def in_frame(frame: Volume, data: Array, kind: Any, notes: tuple[str, ...] = ()) -> Volume:
    """Return values on the grid of `frame`, which is no file of its own."""
    return Volume(data, frame.affine, kind, None, frame.original_axes, frame.order, frame.flips, notes)


def _check_places(
    frame: Volume | None,
    like: Volume | None,
    spacing_mm: tuple[float, float, float] | None,
    bend: Bend | None,
    chosen: Options,
) -> None:
    """Raise `BadInput` if it is not clear on which grid and where in it the cord goes."""
    if like is not None and spacing_mm is not None:
        raise BadInput(
            Problem("the grid is stated twice", key="--spacing", allowed="--like or --spacing, not both")
        )
    if frame is None and spacing_mm is None:
        raise BadInput(
            Problem("the grid of the image is not stated", key="--like", value="none",
                    allowed="--like FILE for the grid of a file, or --spacing X,Y,Z in mm, e.g. 0.8,0.8,0.8")
        )  # fmt: skip
    if spacing_mm is not None and not all(SMALLEST_VOXEL_MM <= edge <= LARGEST_VOXEL_MM for edge in spacing_mm):
        raise BadInput(
            Problem("no such voxel", key="--spacing", value=",".join(f"{edge:g}" for edge in spacing_mm),
                    allowed=f"three edges of {SMALLEST_VOXEL_MM:g} to {LARGEST_VOXEL_MM:g} mm: right, anterior, "
                    "superior")
        )  # fmt: skip
    if chosen.centre_mm is not None and (like is None or bend is not None):
        why = (
            "goes back into its own scan"
            if bend is not None
            else "lies in the middle of an image made to measure"
        )
        raise BadInput(
            Problem(f"the cord of this run {why}: there is nothing to place", key="--centre",
                    allowed="only with --like, for a run that was not built from masks")
        )  # fmt: skip


def _own_frame(bend: Bend | None) -> Volume | None:
    """Return the grid of the masks that a run was built from, or None for another run."""
    if bend is None:
        return None
    way = bend.straightening
    data, affine, turn = canonical(np.broadcast_to(np.uint8(0), way.source_shape), way.source_affine)
    return Volume(data, affine, "image", None, turn.axes, turn.order, turn.flips)


def _to_measure(data: xarray.Dataset, spacing_mm: tuple[float, float, float]) -> Volume:
    """Return a grid round the canal; in the middle of its odd number of voxels lies that of the simulated cord."""
    counts, affine = [], np.eye(4)
    for row, (axis, edge) in enumerate(zip(schema.SPACE, spacing_mm, strict=True)):
        centres = np.asarray(data[axis].values, dtype=np.float64)
        step = float(data.attrs["affine"][5 * row])
        reach = 0.5 * (float(centres[-1]) - float(centres[0]) + step)
        half = max(int(np.ceil(reach / edge - 0.5 - 1e-9)), 0) + (BORDER if axis != "z" else 0)
        counts.append(2 * half + 1)
        affine[row, row] = edge
        affine[row, 3] = 0.5 * (float(centres[0]) + float(centres[-1])) - half * edge
    return Volume(np.broadcast_to(np.uint8(0), counts), affine)
