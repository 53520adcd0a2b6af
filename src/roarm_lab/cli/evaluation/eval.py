"""`roarm eval`: how often a policy succeeds, with an interval, and why it fails where it does."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError
from roarm_lab.policies.pretrained import check_one_policy

DESCRIPTION = """\
  Run a policy bundle for many fresh episodes in simulation and count how often
  it succeeds, with a 95 % Wilson interval, by kind of start, and with the
  reasons of the failures. Needs no PyTorch.

examples:
  roarm eval --demo                                a policy that comes with the package
  roarm eval runs/RUN                              2000 episodes, as tables
  roarm eval runs/RUN --episodes 500 --json        for programs
  roarm eval runs/RUN/bundle --min-success 0.95    exit code 1 when fewer than 95 % succeed
  roarm eval runs/RUN --domain-randomization dr.yaml   on worlds that differ in another way
  roarm eval runs/RUN --backend mujoco_warp        in the simulator on an NVIDIA GPU

exit codes: 0 done, 1 --min-success was missed, 2 bad input"""


@dataclass(frozen=True)
class EvalArguments:
    """What to evaluate and how."""

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, or a run folder that has one."""
    demo: bool = False
    """Evaluate the policy that comes with the package instead of one of yours."""
    episodes: int = 2000
    """How many fresh episodes."""
    seed: int = 0
    """Seed of starts and goals; the same seed gives the same episodes."""
    json: bool = False
    """Print the result as JSON."""
    min_success: float | None = None
    """Leave with exit code 1 when the success rate is below this share (0 to 1)."""
    allow_drift: bool = False
    """Evaluate even if model or task differ from those of the training."""
    domain_randomization: Path | None = None
    """YAML with what differs from world to world, or default; without it as in the training of the run."""
    backend: Literal["mujoco_cpu", "mujoco_warp"] = "mujoco_cpu"
    """The simulator: on the CPU, or mujoco_warp on an NVIDIA GPU."""
    device: str = "cuda"
    """Where mujoco_warp simulates: cuda, cuda:1, ..."""
    threads: int = 0
    """CPU threads of the simulation; 0 takes all."""
    record_rollouts: Path | None = None
    """Also record every episode below this folder."""


def run(argv: list[str]) -> int:
    """Evaluate; exit code 1 when the success rate is below --min-success."""
    arguments = parse(EvalArguments, argv, prog="roarm eval", description=DESCRIPTION)
    check_one_policy(arguments.bundle, arguments.demo, "eval")
    if arguments.min_success is not None and not 0.0 <= arguments.min_success <= 1.0:
        raise BadInputError(f"--min-success must be between 0 and 1, got {arguments.min_success}.")
    if arguments.episodes < 1:
        raise BadInputError(f"--episodes must be 1 or more, got {arguments.episodes}.")
    if arguments.seed < 0 or arguments.threads < 0:
        raise BadInputError("--seed and --threads must be 0 or more.")
    if arguments.device not in {"cuda", "cpu"} and arguments.backend == "mujoco_cpu":
        raise BadInputError("--device says where mujoco_warp simulates: it goes with --backend mujoco_warp.")
    if arguments.record_rollouts is not None and arguments.backend != "mujoco_cpu":
        raise BadInputError("--record-rollouts goes with --backend mujoco_cpu: recordings are made from its worlds.")
    from roarm_lab.workflows.evaluation.evaluate import evaluate_bundle, table

    evaluation, drift, worlds = evaluate_bundle(arguments)
    if arguments.json:
        data = evaluation.to_plain() | {"drift": drift, "worlds": worlds.told or "nominal"}
        sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
    else:
        table(evaluation)
    if arguments.min_success is not None and evaluation.success_rate < arguments.min_success:
        sys.stderr.write(
            f"roarm: the success rate {beside(evaluation.success_rate, arguments.min_success)} is below --min-success "
            f"{arguments.min_success}.\n"
        )
        return 1
    return 0
