"""What to measure, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.workflows.requests import at_least


@dataclass(frozen=True, kw_only=True)
class BenchRequest:
    """What to measure."""

    what: Literal["sim", "train", "loop", "latency"]
    """sim: environment stepping. train: the whole loop, with the task's tuned settings. loop, latency: an arm."""
    task: str = "reach"
    """The task."""
    worlds: tuple[int, ...] = ()
    """Numbers of worlds; by default 64 to 2048 for sim (1024 to 16384 on a GPU), and the tuned number for train."""
    backend: Literal["mujoco_cpu", "mujoco_warp"] = "mujoco_cpu"
    """sim, train: the simulator; mujoco_warp needs an NVIDIA GPU."""
    device: str = "cuda"
    """sim, train: where mujoco_warp simulates: cuda, cuda:1, ..."""
    threads: tuple[int, ...] = ()
    """Numbers of threads; by default 1 and all for sim, all for train."""
    seconds: float | None = None
    """Time per row, that of the yardstick not counted; by default 2 for sim, 20 for train and loop."""
    substeps: int | None = None
    """sim, train: physics steps per control step; by default the task's. For comparing with a peer that has others."""
    trainer: Literal["sb3", "rsl_rl", "skrl"] | None = None
    """train: whose PPO; by default Stable-Baselines3, with mujoco_warp RSL-RL."""
    hyperparameters: Path | None = None
    """train: YAML with changes to the tuned settings, as for training."""
    bundle: Path | None = None
    """sim: the policy whose actions are carried out; by default they are random."""
    demo: bool = False
    """sim: carry out the actions of the policy that comes with the package."""
    arm: str = "emulator"
    """loop, latency: which arm, as for running a policy."""
    robot: str = "roarm_m3"
    """loop, latency: what kind of arm it is."""
    firmware: Literal["250108", "20260701"] = "20260701"
    """loop, latency: which firmware the emulator pretends."""
    busy: bool = False
    """loop, latency: let one process per core compute meanwhile."""
    commands: int = 50
    """latency: how many."""
    against: tuple[str, ...] = ()
    """sim, train: measure other libraries in turn with us: mjlab, gymnasium-robotics; several separated by commas."""
    peer_python: tuple[str, ...] = ()
    """against: NAME=PATH, the Python of an environment in which a peer is installed; once for each peer."""
    peer_device: Literal["auto", "cpu", "cuda"] = "auto"
    """against: where a peer simulates that has the choice; by default on a GPU if it finds one."""

    def validate(self) -> None:
        """Refuse numbers and combinations that make no sense.

        Raises:
            BadInputError: Says which.
        """
        self._refuse_numbers()
        if self.device not in {"cuda", "cpu"} and self.backend == "mujoco_cpu":
            raise BadInputError("`device=` says where mujoco_warp simulates: it goes with `backend='mujoco_warp'`.")
        if self.substeps is not None and self.what not in {"sim", "train"}:
            raise BadInputError("`substeps=` goes with `bench('sim')` and `bench('train')`.")
        for name in ("trainer", "hyperparameters"):
            if self.what != "train" and getattr(self, name) is not None:
                raise BadInputError(f"`{name}=` goes with `bench('train')`: nothing else learns.")
        if self.demo or self.bundle is not None:
            self._refuse_policies()
        if self.against or self.peer_python:
            self._refuse_peers()

    def _refuse_numbers(self) -> None:
        if min((*self.worlds, *self.threads, 1)) < 1:
            raise BadInputError("`worlds=` and `threads=` must be 1 or more.")
        if self.seconds is not None and not 0.0 < self.seconds <= 600.0:
            raise InvalidValueError("seconds", self.seconds, "must be above 0 and at most 600")
        at_least(self, 1, "commands", "substeps")

    def _refuse_policies(self) -> None:
        if self.against:
            raise BadInputError("`against=` takes random actions on both sides: leave out `bundle=` and `demo=`.")
        if self.what != "sim":
            raise BadInputError("`bundle=` and `demo=` go with `bench('sim')`.")
        if self.substeps is not None:
            raise BadInputError("A policy acts as often as it was trained to: leave out `substeps=`.")
        if self.demo and self.bundle is not None:
            raise BadInputError("Give either `bundle=` or `demo=`.")

    def _refuse_peers(self) -> None:
        if self.what not in {"sim", "train"}:
            raise BadInputError("`against=` goes with `bench('sim')` and `bench('train')`.")
        if len(self.threads) > 1:
            raise BadInputError(f"`against=` measures one number of threads at a time, got {len(self.threads)}.")
