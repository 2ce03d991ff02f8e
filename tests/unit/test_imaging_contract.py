"""What a simulated state must carry to become an image (E20); damaged files of runs are in test_imaging_cases."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.contract import FRACTIONS, check_fractions
from cordgraft_analysis.imaging.findings import refuse_errors

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def dataset() -> xr.Dataset:
    """Return a section that keeps the contract."""
    x, y, z = [0.0], np.arange(4) * 0.5 - 1.0, np.arange(5) * 2.0
    shape = (2, 1, 4, 5)
    axes = {
        name: ((name,), values, {"units": "mm", "axis_direction": direction})
        for name, values, direction in (("x", x, "R"), ("y", y, "A"), ("z", z, "S"))
    }
    one = xr.Dataset(
        coords={"time": (("time",), [0.0, 28.0], {"units": "days"}), **axes},
        attrs={
            "affine": [1.0, 0, 0, 0, 0, 0.5, 0, -1.0, 0, 0, 2.0, 0, 0, 0, 0, 1],
            "space": "cord-straight",
            "species": "human",
            "section_thickness_mm": 1.0,
            "epicentre_mm": [0.0, 0.0, 4.0],
        },
    )
    for name in FRACTIONS:
        one[name] = (("time", "x", "y", "z"), np.zeros(shape))
    one["frac_white"][...] = 0.75
    one["frac_cavity"][...] = 0.25
    one["domain"] = (("x", "y", "z"), np.ones(shape[1:], dtype=bool))
    one["cord"] = (("x", "y", "z"), np.ones(shape[1:], dtype=bool))
    return one


def test_e20_a_whole_state_passes() -> None:
    assert check_fractions(dataset()).findings == []
    outside = dataset()
    outside["domain"][0, 0, 0] = False
    outside["frac_white"][:, 0, 0, 0] = 0.0
    assert check_fractions(outside).findings == []


def spoilt(name: str):
    one = dataset()
    if name == "sum":
        one["frac_white"][1, 0, 2, 3] = 0.5
        one["frac_white"][1, 0, 0, 0] = 0.7
    elif name == "negative":
        one["frac_scar"][1, 0, 2, 3] = -0.1
    elif name == "large":
        one["frac_graft"][0, 0, 1, 1] = 1.2
    elif name == "nan":
        one["frac_grey"][1, 0, 3, 4] = np.nan
    elif name == "units":
        one["y"].attrs["units"] = "um"
    elif name == "time":
        one["time"].attrs["units"] = "hours"
    elif name == "order":
        one = one.isel(z=slice(None, None, -1))
    elif name == "affine":
        one.attrs["affine"][11] = 0.01
    elif name == "matrix":
        one.attrs["affine"] = [1.0, 2.0]
    elif name == "missing":
        one = one.drop_vars("frac_oedema")
    elif name == "dims":
        one["frac_csf"] = one["frac_csf"].transpose("time", "z", "y", "x")
    elif name == "domain":
        one = one.drop_vars("domain")
    elif name == "thickness":
        del one.attrs["section_thickness_mm"]
    elif name == "space":
        one.attrs["space"] = "mni"
    elif name == "species":
        del one.attrs["species"]
    elif name == "direction":
        one["y"].attrs["axis_direction"] = "P"
    elif name == "mask":
        one["cord"] = one["cord"].astype(float)
    elif name == "coordinate":
        one = one.drop_vars("z")
    elif name == "myelin":
        one["myelin"] = one["frac_white"] + 1.0
    return one


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sum", ("do not sum to 1", "0.75 at time 28 d, x 0, y 0, z 6 mm", "worst of 2 cells")),
        ("negative", ("variable frac_scar is negative", "-0.1 at time 28 d, x 0, y 0, z 6 mm")),
        ("large", ("variable frac_graft is larger than 1", "1.2 at time 0 d, x 0, y -0.5, z 2 mm")),
        ("nan", ("variable frac_grey holds values that are no numbers", "time 28 d, x 0, y 0.5, z 8 mm")),
        ("units", ("coordinate y is not in mm", "'um'")),
        ("time", ("coordinate time is not in days", "'hours'")),
        ("order", ("coordinate z does not increase", "8 and then 6 at index 1", "to S")),
        ("affine", ("attribute affine disagrees with the coordinate", "0.01 mm apart")),
        ("matrix", ("no list of 16 numbers",)),
        ("missing", ("variable frac_oedema is missing",)),
        ("dims", ("variable frac_csf has other dimensions", "time, z, y, x")),
        ("domain", ("variable domain is missing",)),
        ("thickness", ("section_thickness_mm",)),
        ("space", ("attribute space", "'mni'", "cord-straight, scanner")),
        ("species", ("attribute species is missing",)),
        ("direction", ("coordinate y does not say that it grows to A", "'P'")),
        ("mask", ("variable cord is no mask", "float64")),
        ("coordinate", ("coordinate z is missing",)),
        ("myelin", ("variable myelin is larger than 1", "1.75")),
    ],
)  # fmt: skip
def test_e20_broken_states(name: str, words: tuple[str, ...]) -> None:
    ledger = check_fractions(spoilt(name), "run.zarr")
    errors = [str(finding) for finding in ledger.findings if finding.level == "error"]
    hits = [error for error in errors if all(word in error for word in words)]
    assert len(hits) == 1, errors
    assert hits[0].startswith("run.zarr: error E20: ")
    with pytest.raises(BadInput):
        refuse_errors(ledger.findings)
