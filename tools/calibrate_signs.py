"""Thresholds of the signs at S4-S5 from untreated virtual patients who are not those of row S1.

    .venv/bin/python tools/calibrate_signs.py --patients 240 --jobs 2
    .venv/bin/python tools/calibrate_signs.py --keep build/signs --try 0.062,0.058

Runs the arms of row S1 (`cordgraft validate --rows S1`) with other seeds, from 100,001 on, and keeps of each patient
what there was to be found at the first examination and at one year (`cordgraft.state.findings.Cord`): drives, motor
neurons beside the lesion, recovery at its edge. Then every patient is examined again, many times with fresh chance,
with each pair of thresholds on a grid, by the link and the rules of the product. The grades 1 to 3 of a muscle move
with the motor threshold, as they do in the defaults. Printed are the expected shares of row S1, with standard errors
over the patients, and how far the worst lies within its bounds, in half widths.

Nobody is treated, and no patient of row S1 is used, so that the row stays a check.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cordgraft.processes.examination import Examination
from cordgraft.run.validation.natural_history import CERVICAL, MIX, THORACIC, THORACOLUMBAR
from cordgraft.run.validation.row import Arm
from cordgraft.run.validation.store import code_version
from cordgraft.state import findings
from cordgraft.state.isncsci import AIS

ROOT = Path(__file__).resolve().parents[1]
ARMS: dict[str, Arm] = {"cervical": CERVICAL, "T1-T9": THORACIC, "T10-L2": THORACOLUMBAR}
#: Seeds of row S1 end far below.
FIRST_SEED = 100_001
#: Examinations of every patient with fresh chance.
AGAIN = 40
#: Share of each level among the patients, as in a group of row S1.
PATIENTS: dict[str, float] = {"cervical": 0.6, "T1-T9": 0.25, "T10-L2": 0.15}
SENSORY = tuple(round(0.050 + 0.003 * step, 3) for step in range(8))
MOTOR = tuple(round(0.044 + 0.003 * step, 3) for step in range(8))

Bools = NDArray[np.bool_]


class Found(NamedTuple):
    """What there is to be found in one patient at the first examination and at the end."""

    first: findings.Cord
    last: findings.Cord


@dataclass(frozen=True)
class Target:
    """A share of row S1, percent, with its bounds."""

    name: str
    low: float
    high: float


TARGETS = (
    Target("mixed: any", 11.0, 31.0),
    Target("mixed: B", 5.0, 18.0),
    Target("mixed: C or D", 5.0, 18.0),
    Target("cervical: any", 25.0, 35.0),
    Target("cervical: C or D", 10.0, 18.0),
    Target("T1-T9: still A", 85.0, 100.0),
)


def patient(level: str, seed: int, keep: Path) -> float:
    """Run one patient and keep what there is to be found; return the seconds it took."""
    from cordgraft import CordModel
    from cordgraft.scenario.load import load

    path = keep / level / f"{seed}.pickle"
    if path.exists():
        return 0.0
    began = time.monotonic()
    arm = ARMS[level]
    model = CordModel(load(arm.scenario, [*arm.settings], seed=seed))
    examination = next(one for one in model.built.processes if isinstance(one, Examination))
    first = None
    while model.running:
        model.step()
        if first is None and model.tissue.scalar("exam_number") >= 1.0:
            first = examination.cord(model.tissue, model.tick)
    assert first is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(Found(first, examination.cord(model.tissue, model.tick))))
    part.replace(path)
    return time.monotonic() - began


def repeated(cord: findings.Cord, times: int) -> findings.Cord:
    """Return the cord of one patient as those of `times`; the first level that is lost stays one number."""
    values = {
        name: np.repeat(np.asarray(value)[None], times, axis=0) for name, value in cord._asdict().items()
    }
    return findings.Cord(**{**values, "first": cord.first})


def grades(cord: findings.Cord, link: findings.Link, chance: np.random.Generator) -> NDArray[np.int64]:
    """Return the AIS grade at each of n examinations of a patient : (n,)."""
    number = len(np.asarray(cord.drive))
    draws = findings.Draws(
        *chance.standard_normal((2, number)),
        *chance.random((3, number)),
        chance.standard_normal((number, findings.SIDES, findings.MUSCLES)),
    )
    found = findings.examine(cord, draws, link)
    return np.array([findings.classified(findings.Findings(*one)).grade for one in zip(*found, strict=True)])


def link_of(sensory: float, motor: float) -> findings.Link:
    """Return the link with two thresholds; grades 1 to 3 keep their ratio to the motor one."""
    usual = Examination.Params.for_preset("human_cervical")
    scale = motor / usual.motor_threshold
    lowest = {f"grade_{n}": scale * getattr(usual, f"grade_{n}") for n in (1, 2, 3)}
    return Examination.Params.for_preset(
        "human_cervical", sensory_threshold=sensory, motor_threshold=motor, **lowest
    ).link()


def shares(
    found: dict[str, list[Found]], link: findings.Link
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected shares of `TARGETS`, percent : (6,), and their standard errors over the patients : (6,)."""
    rates, errors = {}, {}
    for level, patients in found.items():
        chance = np.random.default_rng(1)  # the same chance for every pair of thresholds
        first = np.stack([grades(repeated(one.first, AGAIN), link, chance) for one in patients])
        last = np.stack([grades(repeated(one.last, AGAIN), link, chance) for one in patients])
        complete = first == AIS.A
        weight = complete.sum(axis=1)
        for name, hit in (("A", last == AIS.A), ("B", last == AIS.B), ("motor", last > AIS.B)):
            count = (complete & hit).sum(axis=1)
            rates[level, name] = rate = 100.0 * count.sum() / weight.sum()
            # of a ratio of sums over patients
            errors[level, name] = float(np.sqrt(np.sum((100.0 * count - rate * weight) ** 2)) / weight.sum())

    def mixed(name: str) -> tuple[float, float]:
        mean = sum(MIX[level] * rates[level, name] for level in MIX)
        return mean, float(np.sqrt(sum((MIX[level] * errors[level, name]) ** 2 for level in MIX)))

    still = mixed("A")
    pairs = [
        (100.0 - still[0], still[1]),
        mixed("B"),
        mixed("motor"),
        (100.0 - rates["cervical", "A"], errors["cervical", "A"]),
        (rates["cervical", "motor"], errors["cervical", "motor"]),
        (rates["T1-T9", "A"], errors["T1-T9", "A"]),
    ]
    values = np.array(pairs)
    return values[:, 0], values[:, 1]


def within(values: NDArray[np.float64]) -> float:
    """Return how far the worst share lies within its bounds, in half widths: 1 in the middle, below 0 outside."""
    rooms = [
        min(value - one.low, one.high - value) / (0.5 * (one.high - one.low))
        for one, value in zip(TARGETS, values, strict=True)
    ]
    return float(min(rooms))


def run_all(number: int, jobs: int, keep: Path) -> None:
    """Run the patients that are not there yet, and say how far it is."""
    todo = [
        (level, FIRST_SEED + index)
        for level, share in PATIENTS.items()
        for index in range(round(share * number))
        if not (keep / level / f"{FIRST_SEED + index}.pickle").exists()
    ]
    began = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        runs = [pool.submit(patient, level, seed, keep) for level, seed in todo]
        try:
            for done, run in enumerate(as_completed(runs), 1):
                run.result()
                ahead = (time.monotonic() - began) / done * (len(todo) - done)
                print(f"{done}/{len(todo)} patients; about {ahead / 60.0:.0f} min left", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def read_all(keep: Path) -> dict[str, list[Found]]:
    """Return level -> patients, in the order of their seeds."""
    return {
        level: [pickle.loads(path.read_bytes()) for path in sorted((keep / level).glob("*.pickle"))]
        for level in ARMS
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the patients, print the shares for every pair of thresholds, the best pairs first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=240, help="patients of all levels together")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "build" / "signs", help="folder that keeps the patients"
    )
    parser.add_argument("--try", dest="pairs", action="append", metavar="SENSORY,MOTOR",
                        help="these thresholds in place of the grid; may be repeated")  # fmt: skip
    asked = parser.parse_args(arguments)
    keep = asked.keep / code_version().partition("+")[2]  # patients of other code are not taken for these
    try:
        run_all(asked.patients, asked.jobs, keep)
    except KeyboardInterrupt:
        print(f"stopped; the finished patients are in {keep}, and the same command goes on", flush=True)
        return 130
    found = read_all(keep)
    print(", ".join(f"{len(patients)} {level}" for level, patients in found.items()))
    pairs: list[Any] = [tuple(float(part) for part in text.split(",")) for text in asked.pairs or []]
    pairs = pairs or [(sensory, motor) for sensory in SENSORY for motor in MOTOR]
    table = sorted(
        ((*shares(found, link_of(*pair)), pair) for pair in pairs), key=lambda row: -within(row[0])
    )
    print(
        "sensory motor | "
        + " | ".join(f"{one.name} ({one.low:g}-{one.high:g})" for one in TARGETS)
        + " | room"
    )
    for values, error, (sensory, motor) in table:
        cells = " | ".join(f"{value:.1f} +- {of:.1f}" for value, of in zip(values, error, strict=True))
        print(f"{sensory:.3f} {motor:.3f} | {cells} | {within(values):.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
