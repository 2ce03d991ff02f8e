"""Growth cones: stop-and-go, speed, steering, branching and retraction.

One kernel serves sections and volumes. A lattice that is flat along x (or y) gives headings in the plane of the
other axes; nothing is interpolated along a flat axis. A cone is advanced through its whole time step in pieces
no longer than `Growth.step_um`, and looks at the landscape again before each piece.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.core.streams import Stream
from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.landscape import CHANNELS, carried, inside, sample
from cordgraft.kernels.random import normal_pair, uniform, uniform_pair
from cordgraft.kernels.sensing import detection
from cordgraft.kernels.steering import tilt, turn_plane, turn_space

_SPEED = int(Stream.CONE_SPEED)
_TURN = int(Stream.CONE_TURN)
_STATE = int(Stream.CONE_STATE)

ACTIVE, PAUSED, DYSTROPHIC, CONNECTED, CENSORED = 0, 1, 2, 3, 4
#: Pieces into which a time step may fall; reached only by cones that crawl through changing tissue.
MOST_PIECES = 256


class Cones(NamedTuple):
    """Columns of the table ``cone``."""

    id: Any
    state: Any
    x: Any
    y: Any
    z: Any
    hx: Any
    hy: Any
    hz: Any
    last: Any
    base: Any
    since_um: Any
    arc_um: Any
    stalled_h: Any
    growth: Any


class Paths(NamedTuple):
    """Columns of the table ``segment``."""

    parent: Any
    x: Any
    y: Any
    z: Any
    lost_tick: Any


class Work(NamedTuple):
    """Per cone: what it brings along and what the step proposes.

    `capacity`, `cue_floor` (n,); `graft` (n,) uint8; `points` (n, most, 3) um, `count` (n,): new path points;
    `branch_at` (n,): which of them is a branch point, -1 none; `child` (n, 3): heading of the branch; `channel` (n,):
    which channel of the landscape carries it; `sensitivity` (n,): to CSPG.
    """

    capacity: Any
    cue_floor: Any
    graft: Any
    points: Any
    count: Any
    branch_at: Any
    child: Any
    channel: Any
    sensitivity: Any


class Growth(NamedTuple):
    """Constants of a step; lengths in um, rates per hour, speeds in um/h; `support` is a channel, -1 none."""

    speed: float
    fluctuation: float
    fluctuation_at: float
    fluctuation_factor: float
    cue_rest: float
    cue_intact: float
    width: float
    samples: float
    least_cue: float
    leave: float
    leave_slow: float
    resume: float
    pause_at: float
    dystrophic_h: float
    graft_turning: float
    persistence: float
    contact: float
    gradient: float
    step_um: float
    segment_um: float
    branch_angle: float
    support: int = -1


# ------------------------------------------------------------------------------------------- sensing
@body
def drive(cue: Any, support: Any, intact: Any, detected: Any, floor: Any, growth: Any) -> Any:
    """Return Q: the pull of cues, at least that of intact tissue and that of a young graft axon."""
    fed = min(1.0, cue / (1.0 + cue) + support)
    pull = growth.cue_rest + (1.0 - growth.cue_rest) * max(detected, fed)
    return max(pull, max(growth.cue_intact * intact, floor))


@body
def stay_active(state: Any, u: Any, dt_h: Any, growth: Any) -> Any:
    """Return the chance to be active after `dt_h` hours: the exact solution of the two-state chain."""
    slow = (u / growth.pause_at) ** 3
    leave = growth.leave + growth.leave_slow / (1.0 + slow)
    resume = growth.resume * slow / (1.0 + slow)
    share = resume / (leave + resume)
    start = 1.0 if state == ACTIVE else 0.0
    return share + (start - share) * np.exp(-(leave + resume) * dt_h)


@body
def velocity(u: Any, deviate: Any, growth: Any) -> Any:
    """Return the mean speed over the step, um/h; `deviate` is one standard normal for the whole step."""
    spread = growth.fluctuation * min(1.0, np.sqrt(u / growth.fluctuation_at))
    return growth.speed * u + spread * growth.fluctuation_factor * deviate


# ------------------------------------------------------------------------------------------- steering
@body
def steer(
    hx: Any, hy: Any, hz: Any, flat: Any, pull: Any, length: Any, growth: Any, key: Any, who: Any, piece: Any
) -> Any:
    """Return the heading after an arc `length`.

    Parameters
    ----------
    flat : int
        0: a volume; 1: flat along x; 2: flat along y.
    pull : (ax, ay, az)
        Preferred direction times the restoring rate ``1/l_r``, 1/um.
    piece : int
        Number of the piece within the step: each draws its own numbers.
    """
    if flat == 0:
        u, v = uniform_pair(key.seed, who, key.tick, _TURN, piece)
        return turn_space(hx, hy, hz, pull[0], pull[1], pull[2], length, growth.persistence, u, v)
    deviate, _ = normal_pair(key.seed, who, key.tick, _TURN, piece)
    across = hy if flat == 1 else hx
    sideways = pull[1] if flat == 1 else pull[0]
    rate = np.sqrt(sideways * sideways + pull[2] * pull[2])
    toward = np.arctan2(sideways, pull[2])
    angle = turn_plane(np.arctan2(across, hz), toward, rate, length, growth.persistence, deviate)
    if flat == 1:
        return 0.0, np.sin(angle), np.cos(angle)
    return np.sin(angle), 0.0, np.cos(angle)


# ---------------------------------------------------------------------------------------- one cone
@body
def retract(i: Any, length: Any, cones: Any, paths: Any, tick: Any) -> None:
    """Draw a cone back along its own path by `length`, never past its base."""
    left = length
    while left > 0.0:
        last = cones.last[i]
        dx, dy, dz = paths.x[last] - cones.x[i], paths.y[last] - cones.y[i], paths.z[last] - cones.z[i]
        gap = np.sqrt(dx * dx + dy * dy + dz * dz)
        if left < gap:
            share = left / gap
            cones.x[i] += share * dx
            cones.y[i] += share * dy
            cones.z[i] += share * dz
            cones.since_um[i] = gap - left
            cones.arc_um[i] = max(0.0, cones.arc_um[i] - left)
            return
        cones.x[i], cones.y[i], cones.z[i] = paths.x[last], paths.y[last], paths.z[last]
        cones.arc_um[i] = max(0.0, cones.arc_um[i] - gap)
        cones.since_um[i] = 0.0
        left -= gap
        if last == cones.base[i]:
            return
        paths.lost_tick[last] = tick
        cones.last[i] = paths.parent[last]


@body
def lay(i: Any, cones: Any, work: Any) -> Any:
    """Propose a path point where the cone stands; returns whether there was room for it in this step."""
    count = work.count[i]
    if count >= work.points.shape[1]:
        return False
    work.points[i, count, 0] = cones.x[i]
    work.points[i, count, 1] = cones.y[i]
    work.points[i, count, 2] = cones.z[i]
    work.count[i] = count + 1
    cones.since_um[i] = 0.0
    return True


@body
def move(i: Any, length: Any, cones: Any, space: Any) -> Any:
    """Move a cone along its heading; at the wall it glances off. Returns 0 moved, 1 left the lattice, 2 blocked."""
    for attempt in range(5):
        hx, hy, hz = cones.hx[i], cones.hy[i], cones.hz[i]
        # Mirror the component across the cord first, then turn back: the cord is long and narrow.
        if attempt == 1 or attempt == 3 or attempt == 4:
            hy = -hy
        if attempt == 2 or attempt == 3 or attempt == 4:
            hx = -hx
        if attempt == 4:
            hz = -hz
        x, y, z = cones.x[i] + length * hx, cones.y[i] + length * hy, cones.z[i] + length * hz
        where = inside(x, y, z, space)
        if where == 1:
            half = 0.5 * space.grid[5]
            bottom = space.grid[2]
            top = space.grid[2] + (space.cord.shape[2] - 1) * space.grid[5]
            end = min(max(z, bottom - half), top + half)
            share = abs((end - cones.z[i]) / (length * hz))
            x, y, z = cones.x[i] + share * length * hx, cones.y[i] + share * length * hy, end
            if inside(x, y, min(max(z, bottom), top), space) != 0:
                where = 2
        if where == 2:
            continue
        cones.hx[i], cones.hy[i], cones.hz[i] = hx, hy, hz
        cones.x[i], cones.y[i], cones.z[i] = x, y, z
        return where
    return 2


@body
def advance(i: Any, cones: Any, work: Any, paths: Any, space: Any, growth: Any, key: Any) -> None:
    """Carry one growth cone through a step of ``key.dt_h`` hours."""
    work.count[i] = 0
    work.branch_at[i] = -1
    state = cones.state[i]
    if state != ACTIVE and state != PAUSED:
        return
    who = cones.id[i]
    flat = 1 if space.cord.shape[0] == 1 else (2 if space.cord.shape[1] == 1 else 0)
    change, branch = uniform_pair(key.seed, who, key.tick, _STATE, 0)
    to_branch = -np.log(branch)  # hazard to be used up before this step brings a branch
    deviate, _ = normal_pair(key.seed, who, key.tick, _SPEED, 0)
    left_h = key.dt_h
    for piece in range(MOST_PIECES):
        found = sample(cones.x[i], cones.y[i], cones.z[i], space)
        host, grafted, aligned, cue, intact, inhibitor, branching, gx, gy, gz = found
        steepness = np.sqrt(gx * gx + gy * gy + gz * gz)
        detected = detection(cue, steepness, growth)
        carrying = grafted if work.graft[i] != 0 else host
        if work.channel[i] >= CHANNELS:
            carrying = carried(cones.x[i], cones.y[i], cones.z[i], work.channel[i], space)
        support = 0.0
        if growth.support >= 0 and work.graft[i] == 0:
            support = carried(cones.x[i], cones.y[i], cones.z[i], growth.support, space)
        u = work.capacity[i] * carrying * drive(cue, support, intact, detected, work.cue_floor[i], growth)
        if piece == 0:
            cones.growth[i] = u
            cones.state[i] = ACTIVE if change < stay_active(state, u, key.dt_h, growth) else PAUSED
            if cones.state[i] == PAUSED and work.sensitivity[i] * inhibitor > 1.0:
                cones.stalled_h[i] += key.dt_h
                if cones.stalled_h[i] > growth.dystrophic_h:
                    cones.state[i] = DYSTROPHIC
            else:
                cones.stalled_h[i] = 0.0
            if cones.state[i] != ACTIVE:
                return
        speed = velocity(u, deviate, growth)
        if speed <= 0.0:
            if piece == 0:
                retract(i, -speed * left_h, cones, paths, key.tick)
            return
        length = min(speed * left_h, growth.step_um)
        # White matter has an axis without a sense: the cone follows it whichever way it already goes.
        ahead = aligned / growth.contact if cones.hz[i] >= 0.0 else -aligned / growth.contact
        up = detected / (growth.gradient * steepness) if steepness > 0.0 else 0.0
        if work.graft[i] != 0:
            up *= growth.graft_turning
        pull = (up * gx, up * gy, ahead + up * gz)
        cones.hx[i], cones.hy[i], cones.hz[i] = steer(
            cones.hx[i], cones.hy[i], cones.hz[i], flat, pull, length, growth, key, who, piece
        )
        where = move(i, length, cones, space)
        left_h -= length / speed
        if where == 2:
            if left_h <= 1e-9:
                return
            continue
        cones.since_um[i] += length
        cones.arc_um[i] += length
        if where == 1:
            lay(i, cones, work)
            cones.state[i] = CENSORED
            return
        to_branch -= branching * length
        if to_branch <= 0.0 and work.branch_at[i] < 0 and lay(i, cones, work):
            work.branch_at[i] = work.count[i] - 1
            azimuth = 2.0 * np.pi * uniform(key.seed, who, key.tick, _STATE, 1)
            fork(i, flat, azimuth, cones, work, growth)
        elif cones.since_um[i] >= growth.segment_um:
            lay(i, cones, work)
        if left_h <= 1e-9:
            return


@body
def fork(i: Any, flat: Any, azimuth: Any, cones: Any, work: Any, growth: Any) -> None:
    """Write the heading of a branch: off the parent's by the branch angle, to a random side."""
    hx, hy, hz = cones.hx[i], cones.hy[i], cones.hz[i]
    if flat == 0:
        hx, hy, hz = tilt(hx, hy, hz, np.cos(growth.branch_angle), azimuth)
    else:
        side = growth.branch_angle if azimuth < np.pi else -growth.branch_angle
        angle = np.arctan2(hy if flat == 1 else hx, hz) + side
        hx = 0.0 if flat == 1 else np.sin(angle)
        hy = np.sin(angle) if flat == 1 else 0.0
        hz = np.cos(angle)
    work.child[i, 0] = hx
    work.child[i, 1] = hy
    work.child[i, 2] = hz


@kernel
def advance_all(
    start: Any, stop: Any, cones: Any, work: Any, paths: Any, space: Any, growth: Any, key: Any
) -> None:
    """Carry the cones of rows ``start .. stop`` through one step.

    A path point belongs to one cone alone (a branch moves its parent's base up to the branch point), so no two
    rows ever write to the same place.
    """
    for i in range(start, stop):
        advance(i, cones, work, paths, space, growth, key)
