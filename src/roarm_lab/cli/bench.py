"""`roarm bench`: how fast it is on this machine, beside a yardstick measured in the same process."""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError

DESCRIPTION = """Environment steps per second (actions, observations, rewards, resets) beside bare mj_step on the same
states and controls, measured in turn in one process. A fraction of 1 would mean that the environment costs nothing.

examples:
  roarm bench sim                                           1 thread and all, 64 to 2048 worlds
  roarm bench sim --worlds 512 --threads 4 --seconds 10     one row, measured longer
  roarm bench sim --json                                    for programs"""


@dataclass(frozen=True)
class BenchArguments:
    """What to measure."""

    what: Annotated[Literal["sim"], tyro.conf.Positional]
    """sim: environment stepping."""
    task: str = "reach"
    """The task."""
    worlds: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    """Numbers of worlds."""
    threads: tuple[int, ...] = ()
    """Numbers of threads; by default 1 and all."""
    seconds: float = 2.0
    """Time for the environment per row (the yardstick takes as long again)."""
    json: bool = False
    """Print the result as JSON."""


@dataclass(frozen=True)
class Row:
    """One measurement. A control step is `substeps` physics steps of one world."""

    worlds: int
    threads: int
    env_steps_per_s: float
    raw_steps_per_s: float
    """Bare mj_step on as many simultaneous threads, in control steps per second."""
    fraction: float


def run(argv: list[str]) -> int:
    """Measure and print a table."""
    arguments = parse(BenchArguments, argv, prog="roarm bench", description=DESCRIPTION)
    if not arguments.worlds or min((*arguments.worlds, *arguments.threads)) < 1:
        raise BadInputError("--worlds and --threads must be 1 or more.")
    if not 0.0 < arguments.seconds <= 600.0:
        raise BadInputError(f"--seconds must be above 0 and at most 600, got {arguments.seconds}.")
    from roarm_lab.cli.measuring import machine, measure_sim
    from roarm_lab.core.provenance import usable_cores
    from roarm_lab.tasks.table import get_task

    config, about = get_task(arguments.task), machine()
    rows: list[Row] = []
    if not arguments.json:
        sys.stdout.write(f"{about['cpu']}, {about['cores']} cores, load {about['load']}, {about['time_utc']}\n")
        sys.stdout.write("worlds  threads  env steps/s  raw mj_step (same unit)  fraction\n")
    for count in arguments.threads or tuple(dict.fromkeys((1, usable_cores()))):
        for worlds in arguments.worlds:
            rows.append(measure_sim(config, worlds, count, arguments.seconds))
            if not arguments.json:
                _say(rows[-1])
    if arguments.json:
        data = {"task": arguments.task, "machine": about, "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
    return 0


def _say(row: Row) -> None:
    sys.stdout.write(
        f"{row.worlds:6}  {row.threads:7}  {row.env_steps_per_s:11,.0f}  {row.raw_steps_per_s:23,.0f}  "
        f"{row.fraction:8.2f}\n"
    )
    sys.stdout.flush()
