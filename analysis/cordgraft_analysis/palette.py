"""Colours, marks and sentences that every figure shares, so that one thing looks the same everywhere.

Categories use the Okabe-Ito set, which stays distinct under the common colour-vision deficiencies; fields use
perceptually uniform maps of the viridis family, which also survive printing in grey.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8A8A8A"
FAINT: Final = "#C9C9C9"

#: Order in which unnamed categories take their colours.
CYCLE: Final[tuple[str, ...]] = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)

#: Dry tissue fraction -> colour; a voxel is painted with the mixture of what it holds.
TISSUE: Final[dict[str, str]] = {
    "white": "#F1EEE6",
    "grey": "#C4BDB1",
    "csf": "#DCEBF5",
    "necrosis": "#7A5C48",
    "cavity": SKY,
    "scar": PURPLE,
    "graft": GREEN,
    "blood": VERMILLION,
}

#: Words for the legend of the tissue panels.
TISSUE_WORDS: Final[dict[str, str]] = {
    "white": "white matter",
    "grey": "grey matter",
    "csf": "CSF",
    "necrosis": "dead, not cleared",
    "cavity": "cavity",
    "scar": "fibrotic scar",
    "graft": "graft tissue",
    "blood": "blood",
}

#: Map of what a scaffold spans, the share from which it is hatched, and the colour of the hatch.
SCAFFOLD: Final = "density_scaffold"
SCAFFOLD_SHOWN: Final = 0.1
SCAFFOLD_COLOUR: Final = "#555555"

#: Stage of a grafted cell -> colour.
CELL: Final[dict[str, str]] = {
    "undifferentiated": VERMILLION,
    "precursor": ORANGE,
    "neuron": BLUE,
    "astrocyte": PURPLE,
    "oligodendrocyte": SKY,
}

#: Host tract -> colour; the graft's own axons are always green, like graft tissue.
TRACT: Final[dict[str, str]] = {
    "corticospinal": BLUE,
    "reticulospinal": ORANGE,
    "propriospinal": PURPLE,
    "gracile": SKY,
    "spinothalamic": BLACK,
    "graft": GREEN,
}

GRAFT_AXON: Final = GREEN
HOST: Final = BLUE

#: Field -> colour map. Dark is little and bright is much in all of them.
FIELD_MAP: Final[dict[str, str]] = {
    "tnf": "inferno",
    "trophic": "viridis",
    "cspg": "magma",
    "oxygen": "cividis",
    "enzyme": "viridis",
    "cxcl12": "plasma",
    "oedema": "bone",
}

#: Printed on every figure and page that shows an outcome.
RESEARCH_SENTENCE: Final = "Research model: it predicts no patient."

DPI: Final = 170


def tract_colour(tract: str, position: int = 0) -> str:
    """Return the colour of a tract; one that is not listed takes the next of `CYCLE`."""
    return TRACT.get(tract, CYCLE[position % len(CYCLE)])


def words(name: str) -> str:
    """Return an identifier as words for people (``dorsal_column`` -> ``dorsal column``)."""
    return name.replace("_", " ")


@contextmanager
def style() -> Iterator[None]:
    """Draw with the project's fonts and lines, whatever the user's matplotlib is set to."""
    import matplotlib

    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 8.0,
        "axes.titlesize": 9.0,
        "axes.labelsize": 8.0,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "legend.fontsize": 7.5,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
        "savefig.facecolor": "white",
        "axes.formatter.useoffset": False,
        "hatch.linewidth": 0.35,
        "path.simplify": True,
    }
    defaults: dict[Any, Any] = dict(matplotlib.rcParamsDefault)
    with matplotlib.rc_context({**defaults, **settings, "backend": "agg"}):
        yield


def new_figure(width_in: float, height_in: float) -> Any:
    """Return an empty figure of the given size with its own Agg canvas (no global figure list)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure
