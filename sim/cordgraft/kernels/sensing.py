"""Sensing of a cue: the share of gradient readings that beat the noise of the receptors, for growth cones and cells.

With the concentration ``c`` in units of the dissociation constant, the width ``w`` (um) over which a sensor compares
and ``N`` receptor readings it averages: ``d = w |grad c|/c``, ``SNR = d sqrt(N c)/(1 + c)``, ``B = SNR^2/(1 + SNR^2)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.kernels.compile import body


@body
def detection(cue: Any, steepness: Any, sensor: Any) -> Any:
    """Return B, the share of gradient readings that beat the noise; `steepness` = |grad c|, 1/um.

    `sensor` is any named tuple with `width` (um), `samples` (N) and `least_cue`, below which nothing is sensed.
    """
    if cue <= sensor.least_cue:
        return 0.0
    difference = sensor.width * steepness / cue
    ratio = difference * np.sqrt(sensor.samples * cue) / (1.0 + cue)
    square = ratio * ratio
    return square / (1.0 + square)
