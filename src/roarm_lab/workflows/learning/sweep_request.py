"""What a sweep is to train, and where, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.workflows.learning.train_request import LARGEST_SEED
from roarm_lab.workflows.requests import at_least, refuse_changed


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """What to train, and where."""

    task: str | None = None
    """The task: reach, or one of your own, my_tasks.py:stack_two (not given to go on with a sweep: it knows it)."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each setting is trained once with each of these seeds."""
    set: tuple[str, ...] = ()
    """NAME=VALUE,VALUE: values to compare, of a setting of the algorithm, `gamma=0.9,0.95`, or of the task,
    `rewards.near.weight=0.25,0.5`. May be given several times: then every combination is trained."""
    algorithm: Literal["ppo", "sac"] = "ppo"
    """How they learn."""
    trainers: tuple[Literal["sb3", "rsl_rl", "skrl"], ...] = ()
    """Whose PPO or SAC learns; several are compared. By default the one that a single training takes."""
    backend: Literal["mujoco_cpu", "mujoco_warp"] = "mujoco_cpu"
    """The simulator: mujoco_cpu, or mujoco_warp on an NVIDIA GPU (then one GPU per trial)."""
    num_envs: int | None = None
    """Worlds side by side; the tuned number by default."""
    total_timesteps: int | None = None
    """Environment steps of each training; the tuned number by default."""
    device: str = "auto"
    """Where the networks learn, and where mujoco_warp simulates, as for a single training."""
    hyperparameters: Path | None = None
    """YAML with changes to the settings of the algorithm, for all trainings."""
    reward_config: Path | None = None
    """YAML with changes to reward terms, for all trainings."""
    domain_randomization: Path | None = None
    """YAML with what differs from world to world, for all trainings; or default."""
    eval_episodes: int = 512
    """Episodes of the evaluation at the end of each training."""
    wandb: str | None = None
    """Also send the curves to Weights & Biases: PROJECT or TEAM/PROJECT, each training as a run of its own."""
    cpus_per_trial: int | None = None
    """Cores of one training. By default all: one training after the other, so that its time is its own.
    On a cluster: all of the smallest computer."""
    gpus_per_trial: float = 0.0
    """GPUs of one training; a part of one lets several share it."""
    ray: str | None = None
    """HOST:PORT of the head of a Ray cluster, or auto for one that runs here. By default one is started for this."""
    sweeps: Path = Path("sweeps")
    """Folder in which folders of sweeps are made."""
    name: str | None = None
    """Name of the new folder; time and task by default."""
    resume: Path | None = None
    """A sweep to go on with."""

    def validate(self) -> None:
        """Refuse combinations that make no sense.

        Raises:
            BadInputError: No task, options that a resumed sweep already knows, or a number that makes no sense.
        """
        if (self.task is None) == (self.resume is None):
            raise BadInputError("Give either a task (`sweep('reach')`) or a sweep to go on with (`resume=`).")
        if self.resume is not None:
            refuse_changed(self, SweepRequest(), ("ray", "cpus_per_trial", "gpus_per_trial"))
        at_least(self, 1, "num_envs", "total_timesteps", "eval_episodes", "cpus_per_trial")
        if max(self.seeds, default=0) > LARGEST_SEED:
            raise InvalidValueError("seeds", max(self.seeds), f"must be at most {LARGEST_SEED}")
        gpus = self.gpus_per_trial
        if not (0.0 <= gpus < 1.0 or (0.0 <= gpus < 1000.0 and gpus == int(gpus))):
            raise InvalidValueError("gpus_per_trial", f"{gpus:g}", "must be a whole number, or a part below 1")
        if self.name is not None and (self.name in {"", ".."} or Path(self.name).name != self.name):
            raise InvalidValueError("name", repr(self.name), "must be the name of a folder without slashes")
        check_room_on_gpus(self.backend, self.device, gpus)


def check_room_on_gpus(backend: str | None, device: str, gpus: float) -> None:
    """Refuse trainings that need a GPU and are given none: Ray would hide all of them.

    Raises:
        BadInputError: Says what to add.
    """
    on_gpu = device.startswith("cuda") or (backend == "mujoco_warp" and device == "auto")
    if on_gpu and not gpus:
        what = f"`device={device!r}`" if device.startswith("cuda") else f"`backend={backend!r}`"
        raise BadInputError(f"{what}: say how many GPUs each training takes, for instance `gpus_per_trial=1`.")
