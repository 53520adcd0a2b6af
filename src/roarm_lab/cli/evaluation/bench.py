"""`roarm bench`: how fast it is on this machine, beside a yardstick measured in the same process."""

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.workflows.evaluation.bench_request import BenchRequest

if TYPE_CHECKING:
    from roarm_lab.rl.speed import TrainingSpeed
    from roarm_lab.workflows.evaluation.bench import BenchResult
    from roarm_lab.workflows.evaluation.bench_sim import Row

DESCRIPTION = """\
  sim:      environment steps per second (actions, observations, rewards,
            resets) beside bare physics on the same states and controls,
            measured in turn in one process. A fraction of 1 would mean that it
            costs nothing.
  train:    steps per second of the whole training loop beside the environment
            alone, and where the time goes.
  loop:     how punctually an arm is driven at 20 Hz, and what a cycle costs.
            It moves a real arm, by 0.2 rad.
  latency:  the time from a command to the first motion that is measured. It
            moves a real arm, by 0.1 rad.

examples:
  roarm bench sim                                           1 thread and all, 64 to 2048 worlds
  roarm bench sim --task lift-cube --demo                   a policy grips and carries the cubes meanwhile
  roarm bench sim --task lift-cube --backend mujoco_warp    on an NVIDIA GPU, beside the bare steps of MuJoCo Warp
  roarm bench sim --worlds 512 --threads 4 --seconds 10     one row, measured longer
  roarm bench train --task lift-cube                        needs the extra `train`
  roarm bench train --trainer skrl                          the same with another library's PPO
  roarm bench sim --task lift-cube --against mjlab --peer-python mjlab=mjlab-env/bin/python
                                                            beside another library, in turn (train too)
  roarm bench loop --arm emulator --seconds 60              in a process of its own, at the speed of its cable
  roarm bench loop --arm emulator --busy                    while one process per core does nothing but compute
  roarm bench latency --arm emulator --firmware 250108      50 commands
  roarm bench sim --json                                    for programs

exit codes: 0 done, 1 a real arm was not to be moved or was held, 2 bad input, 3 something is missing,
            130 ended with Ctrl-C"""
HEADS = {
    "sim": "worlds  threads  env steps/s  raw physics (same unit)  fraction  boxes gripped",
    "train": "worlds  threads  steps/s  environment alone  fraction  simulation  policy  learning",
}


@dataclass(frozen=True, kw_only=True)
class BenchArguments(BenchRequest):
    """What to measure."""

    what: Annotated[Literal["sim", "train", "loop", "latency"], tyro.conf.Positional]
    """sim: environment stepping. train: the whole loop, with the task's tuned settings. loop, latency: an arm."""
    peer_python: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """--against: NAME=PATH, the Python of an environment in which a peer is installed; once for each peer."""
    yes: bool = False
    """loop, latency: do not ask before a real arm moves."""
    json: bool = False
    """Print the result as JSON."""


def run(argv: list[str]) -> int:
    """Measure and print a table."""
    request = parse(BenchArguments, argv, prog="roarm bench", description=DESCRIPTION)
    request.validate()
    from roarm_lab.workflows.evaluation.bench import bench

    with terminal(yes=request.yes) as frontend:
        result = bench(request, frontend)
    if request.json:
        sys.stdout.write(json.dumps(_plain(request, result), indent=2, allow_nan=False) + "\n")
        return 0
    about = result.machine
    sys.stdout.write(f"{about['cpu']}, {about['cores']} cores, load {about['load']}, {about['time_utc']}\n")
    if result.arm is not None:
        sys.stdout.write("".join(f"{name:<26}{_words(value)}\n" for name, value in result.arm.items()))
    elif request.against:
        from roarm_lab.workflows.evaluation.bench_against import table_of

        sys.stdout.write("".join("\n" + table_of(comparison) for comparison in result.comparisons))
    else:
        sys.stdout.write("\n".join((HEADS[request.what], *map(_line, result.rows))) + "\n")
    return 0


def _plain(request: BenchArguments, result: "BenchResult") -> dict[str, Any]:
    if result.arm is not None:
        return {"machine": result.machine, request.what: result.arm}
    if request.against:
        from roarm_lab.workflows.evaluation.bench_against import data_of

        return {"what": request.what, "machine": result.machine, "against": [*map(data_of, result.comparisons)]}
    trainer = {} if result.trainer is None else {"trainer": result.trainer}
    return {"task": request.task, **trainer, "machine": result.machine, "rows": [asdict(row) for row in result.rows]}


def _line(row: "Row | TrainingSpeed") -> str:
    from roarm_lab.workflows.evaluation.bench_sim import Row

    if isinstance(row, Row):
        gripped = "-" if row.gripped is None else f"{row.gripped:.0%}"
        line = f"{row.env_steps_per_s:11,.0f}  {row.raw_steps_per_s:23,.0f}  {row.fraction:8.2f}  {gripped:>13}"
    else:
        line = (
            f"{row.steps_per_s:7,.0f}  {row.alone_steps_per_s:17,.0f}  {row.fraction:8.2f}  "
            f"{row.simulation_share:10.0%}  {row.policy_share:6.0%}  {row.learning_share:8.0%}"
        )
    return f"{row.worlds:6}  {row.threads:7}  {line}"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())  # pyright: ignore
    return f"{value:.4g}" if isinstance(value, float) else str(value)
