"""What to evaluate and how, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.core.errors import BadInputError
from roarm_lab.workflows.requests import at_least


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest:
    """What to evaluate and how."""

    bundle: Path | None = None
    """A bundle folder, or a run folder that has one; None for the policy that comes with the package."""
    episodes: int = 2000
    """How many fresh episodes."""
    seed: int = 0
    """Seed of starts and goals; the same seed gives the same episodes."""
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

    def validate(self) -> None:
        """Refuse numbers and combinations that make no sense.

        Raises:
            BadInputError: Says which.
        """
        at_least(self, 1, "episodes")
        at_least(self, 0, "seed", "threads")
        if self.device not in {"cuda", "cpu"} and self.backend == "mujoco_cpu":
            raise BadInputError("`device=` says where mujoco_warp simulates: it goes with `backend='mujoco_warp'`.")
        if self.record_rollouts is not None and self.backend != "mujoco_cpu":
            raise BadInputError(
                "`record_rollouts=` goes with `backend='mujoco_cpu'`: recordings are made from its worlds."
            )
