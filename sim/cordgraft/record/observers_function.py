"""Function of the cord, and the safety bounds that a scenario declared before the run."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cordgraft.core.schema import HOST_TRACTS, SAFETY_BOUNDS, SCALES
from cordgraft.record.outcome import Numbers, Outcome, derived, number, numbers
from cordgraft.record.scene import Scene


@number("function_motor_index")
def motor_index(scene: Scene) -> float:
    """Motor index, 1 is normal: ``(1 + K^n) H(D; K, n)`` of the descending drive, from the function index."""
    return scene.scalar("scalar.motor_index")


@number("function_sensory_index")
def sensory_index(scene: Scene) -> float:
    """Sensory index, 1 is normal: the same form on the ascending tracts, from the function index."""
    return scene.scalar("scalar.sensory_index")


@numbers(*(f"function_drive_{tract}" for tract in HOST_TRACTS))
def drives(scene: Scene) -> Numbers:
    """Drive of each host tract, 1 is normal, from the function index."""
    return [scene.scalar(f"scalar.drive_{tract}") for tract in HOST_TRACTS]


def scale_outcomes(species: str) -> tuple[Outcome, ...]:
    """Return the outcome of the clinical scale of a species: Basso scale of a rodent, leg drive of a human."""
    if species not in SCALES:
        return ()
    name, array, _ = SCALES[species]

    @number(name)
    def scale(scene: Scene) -> float:
        """Score on the motor scale of the species, from the function index."""
        return scene.scalar(array)

    return (scale,)


# ------------------------------------------------------------------ safety
def hours_since_graft(scene: Scene) -> float:
    """Return the time since the first delivery of cells, h; NaN before it."""
    if scene.memory.graft_tick < 0:
        return math.nan
    return (scene.tick - scene.memory.graft_tick) * scene.tissue.clock.tick_h


@derived("graft_volume_ratio")
def volume_ratio(scene: Scene, values: Mapping[str, float]) -> Numbers:
    """Volume of the graft over its volume on the reference day, 1.

    Days count from transplantation. The reference is the volume at the first recorded time on or after ``from``
    of the bound ``graft_volume_ratio``; from the first recorded time on or after ``to`` the ratio stays.
    """
    bound = scene.bounds.get("graft_volume_ratio")
    since = hours_since_graft(scene)
    memory = scene.memory
    if bound is None or math.isnan(since) or since < bound.get("from", 0.0):
        return (math.nan,)
    if math.isnan(memory.reference_volume_mm3):
        memory.reference_volume_mm3 = values["graft_volume"]
    if not memory.ratio_closed:
        reference = memory.reference_volume_mm3
        memory.last_ratio = values["graft_volume"] / reference if reference > 0.0 else math.nan
        memory.ratio_closed = since >= bound.get("to", math.inf)
    return (memory.last_ratio,)


def _verdict(scene: Scene, values: Mapping[str, float], name: str) -> float:
    bound = scene.bounds[name]
    value = values[SAFETY_BOUNDS[name][0]]
    since = hours_since_graft(scene)
    if math.isnan(value) or math.isnan(since) or since < bound.get("from", 0.0):
        return scene.memory.broken.get(name, math.nan)
    broken = float(value > bound["at_most"])
    if name != "graft_volume_ratio" and since <= bound.get("to", math.inf):
        broken = max(broken, scene.memory.broken.get(name, 0.0))
    elif name != "graft_volume_ratio":
        broken = scene.memory.broken.get(name, broken)
    scene.memory.broken[name] = broken
    return broken


def safety_outcomes(bounds: Mapping[str, Mapping[str, float]]) -> tuple[Outcome, ...]:
    """Return the verdict on each declared bound, then whether any is broken.

    A bound on a volume ratio is judged by the ratio of its last day; the others stay broken once they were.
    """
    declared = [name for name in SAFETY_BOUNDS if name in bounds]

    def verdicts(scene: Scene, values: Mapping[str, float]) -> Numbers:
        """1 if the bound is broken, 0 if it holds so far, NaN before it applies."""
        return [_verdict(scene, values, name) for name in declared]

    def any_flag(scene: Scene, values: Mapping[str, float]) -> Numbers:
        """1 if any declared bound is broken, 0 if none is, NaN if none applies yet."""
        known = [values[f"safety_{name}"] for name in declared if not math.isnan(values[f"safety_{name}"])]
        return (max(known) if known else math.nan,)

    each = derived(*(f"safety_{name}" for name in declared))(verdicts)
    return (each, derived("safety_any_flag")(any_flag))


OUTCOMES: tuple[Outcome, ...] = (motor_index, sensory_index, drives)
