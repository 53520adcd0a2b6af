"""The files of a run folder, as the report reads them: checked, and without the trainer that wrote them."""

from dataclasses import dataclass, fields
from itertools import pairwise
from math import ceil, isfinite, nan
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import run_near
from roarm_lab.core.json_fields import Fields, read_fields
from roarm_lab.evaluation.evaluate import Evaluation, RegionResult
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.policies.contract import Contract, parse_contract
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.runs.run_meta import read_meta

CURVE_NEEDS = ("steps", "wall_s", "success")
SAME_RATE = 1e-6
"""How far a rate may be from successes / episodes: rounding, when a person has shortened the number."""


@dataclass(frozen=True, kw_only=True)
class ArmRun:
    """What happened when the policy drove an arm through the gateway."""

    arm: str
    goals: int
    successes: int
    interval: tuple[float, float] | None
    """None without any finished goal, and where nobody could judge them all."""
    real_time: bool | None
    """Whether the simulated arm ran in real time; None: not recorded."""
    late_ms: tuple[tuple[str, float], ...]
    """How late control cycles began: (p50, ms), (p99, ms), (max, ms)."""
    held: tuple[str, ...]
    """Why the gateway held the arm still, one entry per time."""
    episodes: tuple[tuple[float | None, bool | None], ...]
    """Final distance m (None: unknown) and success (None: nobody could judge) of each goal."""


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """A run folder. Parts that a run does not have yet are None."""

    path: Path
    meta: Fields
    contract: Contract | None
    evaluation: Evaluation | None
    stale: bool
    """The evaluation is of another policy than the bundle, because training has gone on."""
    curve: dict[str, list[float]] | None
    """Columns of `curve.csv`; NaN where nothing was known yet."""
    arm_run: ArmRun | None


def read_run(path: Path) -> RunFiles:
    """Return the files of the run folder `path`.

    Raises:
        BadInputError: It is no run folder, or a file in it is damaged; the text names the file.
    """
    if not path.is_dir():
        raise BadInputError(f"There is no run folder {path}. {run_near(path)}")
    if not (path / "meta.json").is_file():
        raise BadInputError(f"{path} is not a run folder: it has no meta.json. {run_near(path)}")
    contract = _contract(path / "bundle" / "contract.json")
    found = _optional(path / "evaluation.json")
    arm = _optional(path / "arm_run.json")
    return RunFiles(
        path=path,
        meta=Fields(read_meta(path), str(path / "meta.json")),
        contract=contract,
        evaluation=evaluation_of(found) if found else None,
        stale=found is not None and contract is not None and contract.evaluation != found.data,
        curve=_curve(RunFolder(path)),
        arm_run=_arm_run(arm) if arm else None,
    )


def _optional(path: Path) -> Fields | None:
    return read_fields(path) if path.exists() else None


def _contract(path: Path) -> Contract | None:
    if not path.exists():
        return None
    try:
        return parse_contract(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} can not be read: {error}.") from error


def evaluation_of(data: Fields) -> Evaluation:
    """Return the evaluation in `evaluation.json`.

    Raises:
        BadInputError: A value is missing, unknown, or not what it should be; the text names it.
    """
    data.only(*(part.name for part in fields(Evaluation)))
    episodes, successes = _counts(data, "episodes", low=1)
    rate = data.number("success_rate", 0.0, 1.0)
    if not abs(rate - successes / episodes) <= SAME_RATE:
        raise data.damaged("success_rate", f"successes / episodes = {successes}/{episodes}")
    times = data.fields("time_to_success_s") if data.has("time_to_success_s") else None
    rewards, failures = data.fields("reward_per_step"), data.fields("failures")
    return Evaluation(
        task=data.text("task"),
        seed=data.whole("seed"),
        successes=successes,
        episodes=episodes,
        success_rate=rate,
        interval=data.interval("interval"),
        regions=tuple(_region(row) for row in data.rows("regions")),
        time_to_success_s=_median_p90(times) if times else None,
        final_distance_m=_median_p90(data.fields("final_distance_m")),
        reward_per_step={name: rewards.number(name) for name in rewards.data},
        failures=_counts_of(failures),
        diverged=data.whole("diverged"),
        overflows=_counts_of(data.fields("overflows")) if data.has("overflows") else {},
    )


def _counts_of(data: Fields) -> dict[str, int]:
    return {name: data.whole(name) for name in data.data}


def _region(row: Fields) -> RegionResult:
    row.only(*(part.name for part in fields(RegionResult)))
    episodes, successes = _counts(row, "episodes")
    return RegionResult(
        name=row.text("name"),
        range=row.text("range"),
        episodes=episodes,
        successes=successes,
        success_rate=successes / episodes if episodes else None,
        interval=wilson_interval(successes, episodes) if episodes else None,
    )


def _counts(data: Fields, total: str, low: int = 0) -> tuple[int, int]:
    tried, successes = data.whole(total, low), data.whole("successes")
    if successes > tried:
        raise data.damaged("successes", f"{tried} or less ({total})")
    return tried, successes


def _median_p90(data: Fields) -> dict[str, float]:
    return {name: data.number(name, 0.0) for name in ("median", "p90")}


def _arm_run(data: Fields) -> ArmRun:
    goals, successes = _counts(data, "goals")
    late = data.fields("cycle_late_ms") if data.has("cycle_late_ms") else None
    rows = data.rows("episodes") if data.has("episodes") else ()
    episodes = tuple((row.number("distance_m", 0.0) if row.has("distance_m") else None, _judged(row)) for row in rows)
    judged = data.data.get("success_rate", 0.0) is not None and all(success is not None for _, success in episodes)
    return ArmRun(
        arm=data.text("arm"),
        goals=goals,
        successes=successes,
        interval=wilson_interval(successes, goals) if goals and judged else None,
        real_time=data.flag("real_time") if data.has("real_time") else None,
        late_ms=tuple((name, late.number(name)) for name in ("p50", "p99", "max") if late.has(name)) if late else (),
        held=data.texts("held") if data.has("held") else (),
        episodes=episodes,
    )


def _judged(row: Fields) -> bool | None:
    """Return whether a goal was reached; null in the file says that nobody could judge."""
    return None if "success" in row.data and row.data["success"] is None else row.flag("success")


def _curve(run: RunFolder) -> dict[str, list[float]] | None:
    curve = run.read_curve()
    if not curve:
        return None
    if missing := [name for name in CURVE_NEEDS if name not in curve]:
        raise BadInputError(f"{run.curve} is damaged: line 1 must name the columns {', '.join(missing)}.")
    for line, steps in enumerate(curve["steps"], start=2):
        if not isfinite(steps):
            raise BadInputError(f"{run.curve} is damaged: line {line}: steps must be a finite number.")
    return {name: [value if isfinite(value) else nan for value in column] for name, column in curve.items()}


def thinned(column: list[float], points: int) -> list[float]:
    """Return at most `points` means of neighbouring values, NaN where none of them is known."""
    size = ceil(len(column) / points)
    groups = (column[first : first + size] for first in range(0, len(column), size))
    known = ([value for value in group if isfinite(value)] for group in groups)
    return [sum(group) / len(group) if group else nan for group in known]


def wall_time_s(curve: dict[str, list[float]]) -> float:
    """Return how long training took [s]; the clock begins at 0 again where a run was resumed."""
    times = [0.0, *(value for value in curve["wall_s"] if isfinite(value))]
    return sum(after - before if after >= before else after for before, after in pairwise(times))
