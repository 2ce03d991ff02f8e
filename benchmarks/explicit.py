"""The baseline of fields: explicit steps of diffusion (forward in time, central in space), as fast as they get.

Double precision, as the product's fields are. Rows along ``z`` are contiguous and vectorise; steps are taken in a
wave that runs over the lattice, row by row, each step one row behind the one before, so that a row is still in the
cache when the next step needs it. Two buffers suffice: when step ``t + 1`` overwrites a row, step ``t`` has done
with it and with its neighbours.

Sections only (one voxel along ``x``): the figures of the table are those of sections.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.medium import Medium

Array = NDArray[Any]
#: Steps that one wave takes: their rows fit into the second-level cache.
WAVE = 8


@body
def _plain_row(out: Any, c: Any, below: Any, above: Any, s: Any, k: Any) -> None:
    """One row of one step: `k` = (what stays, exchange along y, exchange along z, step)."""
    stay, y, z, dt = k
    n = out.shape[0]
    for i in range(1, n - 1):
        out[i] = stay * c[i] + y * (below[i] + above[i]) + z * (c[i - 1] + c[i + 1]) + dt * s[i]
    out[0] = stay * c[0] + y * (below[0] + above[0]) + z * (c[0] + c[1]) + dt * s[0]
    m = n - 1
    out[m] = stay * c[m] + y * (below[m] + above[m]) + z * (c[m - 1] + c[m]) + dt * s[m]


@kernel
def plain_steps(one: Any, two: Any, s: Any, rates: Any, dt: Any, steps: Any, wave: Any) -> None:
    """Take an even number of steps in a box of one medium; one, two, s : (ny, nz), the result is in `one`.

    `rates` = (exchange along y, along z, decay), 1/time.
    """
    ny = one.shape[0]
    y, z = rates[0] * dt, rates[1] * dt
    k = (1.0 - 2.0 * y - 2.0 * z - rates[2] * dt, y, z, dt)
    done = 0
    while done < steps:
        ahead = min(wave, steps - done)
        for front in range(ny + ahead - 1):
            for t in range(ahead):
                j = front - t
                if j < 0 or j >= ny:
                    continue
                low, high = max(j - 1, 0), min(j + 1, ny - 1)
                if (done + t) % 2 == 0:
                    _plain_row(two[j], one[j], one[low], one[high], s[j], k)
                else:
                    _plain_row(one[j], two[j], two[low], two[high], s[j], k)
        done += ahead


@body
def _tissue_row(out: Any, rows: Any, weights: Any, s: Any) -> None:
    """One row of one step with a coefficient for every face.

    `rows` = c, below, above; `weights` = exchange with the row below, with that above, along the row, and what
    stays; all of them are multiplied by the step already.
    """
    c, below, above = rows
    down, up, along, stay = weights
    n = out.shape[0]
    for i in range(1, n - 1):
        out[i] = (
            stay[i] * c[i]
            + down[i] * below[i]
            + up[i] * above[i]
            + along[i - 1] * c[i - 1]
            + along[i] * c[i + 1]
            + s[i]
        )
    out[0] = stay[0] * c[0] + down[0] * below[0] + up[0] * above[0] + along[0] * c[1] + s[0]
    m = n - 1
    out[m] = stay[m] * c[m] + down[m] * below[m] + up[m] * above[m] + along[m - 1] * c[m - 1] + s[m]


@kernel
def tissue_steps(one: Any, two: Any, s: Any, faces: Any, spans: Any, steps: Any, wave: Any) -> None:
    """Take an even number of steps through tissue; one, two, s : (ny, nz), the result is in `one`.

    `faces` = exchange with the next row (ny + 1, nz; row 0 is the wall), along the row (ny, nz), and what stays
    (ny, nz), times the step; `s` too. `spans` (ny, 2) int64: first voxel of the cord in each row, and one past the
    last.
    """
    up, along, stay = faces
    ny = one.shape[0]
    done = 0
    while done < steps:
        ahead = min(wave, steps - done)
        for front in range(ny + ahead - 1):
            for t in range(ahead):
                j = front - t
                if j < 0 or j >= ny or spans[j, 1] - spans[j, 0] < 2:
                    continue
                a, b = spans[j, 0], spans[j, 1]
                low, high = max(j - 1, 0), min(j + 1, ny - 1)
                weights = (up[j, a:b], up[j + 1, a:b], along[j, a:b], stay[j, a:b])
                if (done + t) % 2 == 0:
                    _tissue_row(two[j, a:b], (one[j, a:b], one[low, a:b], one[high, a:b]), weights, s[j, a:b])
                else:
                    _tissue_row(one[j, a:b], (two[j, a:b], two[low, a:b], two[high, a:b]), weights, s[j, a:b])
        done += ahead


def stable_step(medium: Medium, safety: float = 0.95) -> float:
    """Return the longest step that is stable, times `safety`: half the reciprocal of the fastest exchange."""
    inside = medium.volume > 0.0
    fastest = np.max((medium.outflow() + 0.5 * medium.loss)[inside])
    return safety / float(fastest)


class Explicit:
    """Explicit steps through one medium of a section.

    Parameters
    ----------
    medium : Medium
        Of a section, closed, with uncut voxels.
    wave : int
        Steps per wave; 1 goes through the whole lattice in every step.
    """

    def __init__(self, medium: Medium, wave: int = WAVE) -> None:
        if medium.shape[0] != 1 or medium.coarse or medium.inflow is not None:
            raise ValueError("the explicit baseline is for closed sections")
        self.medium = medium
        self.wave = wave
        self.box = medium.uniform is not None and medium.fills_the_box
        self._prepared: tuple[float, Any] | None = None

    def steps(self, dt: float) -> int:
        """Return the least even number of stable steps that make up `dt`."""
        return 2 * int(np.ceil(0.5 * dt / stable_step(self.medium)))

    def advance(self, field: Array, source: Array, dt: float, steps: int | None = None) -> None:
        """Advance by `dt` in place; field, source : (1, ny, nz) float64."""
        steps = steps or self.steps(dt)
        step = dt / steps
        one, s = field[0], source[0]
        two = np.zeros_like(one)
        if self.box and self.medium.uniform is not None:
            rates, decay = self.medium.uniform
            plain_steps(one, two, s, (rates[1], rates[2], decay), step, steps, self.wave)
            return
        faces, spans = self._faces(step)
        tissue_steps(one, two, s * step * self.medium.volume[0], faces, spans, steps, self.wave)

    def _faces(self, step: float) -> tuple[Any, Array]:
        if self._prepared is not None and self._prepared[0] == step:
            return self._prepared[1]
        medium = self.medium
        up = np.zeros((medium.shape[1] + 1, medium.shape[2]))
        up[1:] = step * medium.gy[0]
        stay = medium.volume[0] - step * (medium.outflow()[0] + medium.loss[0])
        inside = medium.volume[0] > 0.0
        spans = np.zeros((medium.shape[1], 2), dtype=np.int64)
        for j, row in enumerate(inside):
            where = np.flatnonzero(row)
            if where.size:
                spans[j] = (where[0], where[-1] + 1)
        self._prepared = (step, ((up, step * medium.gz[0], stay), spans))
        return self._prepared[1]
