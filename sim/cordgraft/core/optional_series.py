"""Series that not every run has: those of treatments that were not given and of mechanisms that are switched off."""

from __future__ import annotations

from cordgraft.core.series import HOST_TRACTS, SeriesSpec

#: What became of the sheath of a spared fibre: word of the series -> what it says.
SHEATHS: dict[str, str] = {
    "myelinated": "keep the sheath that they had",
    "blocked": "are bare and pass no signal",
    "bare": "are bare and conduct",
    "remyelinated": "have a new sheath",
}
_NO_SPARED = "without a spared fibre among them, or before the fibres are laid out"
_SPARED = "host fibres that pass the injury unbroken and not swollen, by represented axons"


def _myelin() -> tuple[SeriesSpec, ...]:
    return (
        *(
            SeriesSpec(
                f"axons_descending_{word}",
                "1",
                f"share of spared descending fibres that {words}",
                "myelin",
                _NO_SPARED,
                _SPARED,
            )
            for word, words in SHEATHS.items()
        ),
        *(
            SeriesSpec(
                f"axons_{tract}_latency",
                "1",
                f"time that signals of the {tract} tract take through the injured stretch, intact is 1",
                "myelin",
                "without a conducting fibre of the tract",
                "mean over conducting fibres, spared or regrown, by represented axons and the signals that each "
                "passes on",
            )
            for tract in HOST_TRACTS
        ),
        SeriesSpec(
            "axons_new_sheath_fraction",
            "1",
            "share of myelinated spared fibres that carry a new sheath",
            "myelin",
            "without a spared fibre that has a sheath",
            _SPARED + "; all tracts, at the injury",
        ),
        SeriesSpec(
            "axons_g_ratio",
            "1",
            "mean g-ratio of the spared fibres that have a sheath",
            "myelin",
            "without a spared fibre that has a sheath",
            _SPARED + "; all tracts, at the injury",
        ),
    )


#: Array that a run has only with a certain treatment or mechanism -> its series.
OPTIONAL_SERIES: dict[str, tuple[SeriesSpec, ...]] = {
    "density.scaffold": (
        SeriesSpec(
            "scaffold_volume",
            "mm3",
            "volume that scaffold spans with its pores",
            "scaffold",
            definition="in runs with a scaffold; in a section by elliptic extrusion with weights pi e |y - y0|",
        ),
    ),
    "fibre.sheath": _myelin(),
}
