"""`roarm sweep`: many trainings over seeds and settings, and a table of what came out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.extras import extras_of_training, require
from roarm_lab.cli.learning.train import LARGEST_SEED
from roarm_lab.core.errors import BadInputError

DESCRIPTION = """\
  Train every combination of settings with every seed, each as `roarm train`
  would, and compare: a table per setting and the learning curves. Everything
  goes into a new folder below sweeps/, as it comes. Ctrl-C saves; `roarm sweep
  --resume SWEEP` goes on. Ray runs it (pip install 'roarm-lab[sweep]'), here
  or on a cluster.

examples:
  roarm sweep lift-cube --seeds 0 1 2                          three seeds, one table
  roarm sweep reach --seeds 0 1 --set gamma=0.9,0.95 --set num_envs=256,512      a grid: 2 seeds x 2 x 2 settings
  roarm sweep lift-cube --trainers sb3 rsl_rl skrl --domain-randomization dr.yaml    whose PPO?
  roarm sweep reach --seeds 0 1 2 3 --cpus-per-trial 1         as many at once as there are cores
  roarm sweep reach --ray 192.168.1.5:6379                     on a cluster whose computers share this folder
  roarm sweep --resume sweeps/SWEEP                            go on after Ctrl-C or a crash; failed ones begin again

exit codes: 0 done, 1 a training failed (the others are done), 2 bad input, 3 something is not installed,
130 interrupted (and saved)"""


@dataclass(frozen=True)
class SweepArguments:
    """What to train, and where."""

    task: Annotated[str | None, tyro.conf.Positional] = None
    """The task, for instance reach (not given with --resume: the sweep knows it)."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each setting is trained once with each of these seeds."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=VALUE,VALUE: values of a setting of the algorithm to compare, by its name in a
    --hyperparameters file. May be given several times: then every combination is trained."""
    algorithm: Literal["ppo", "sac"] = "ppo"
    """How they learn."""
    trainers: tuple[Literal["sb3", "rsl_rl", "skrl"], ...] = ()
    """Whose PPO or SAC learns; several are compared. By default the one that `roarm train` takes."""
    backend: Literal["mujoco_cpu", "mujoco_warp"] = "mujoco_cpu"
    """The simulator: mujoco_cpu, or mujoco_warp on an NVIDIA GPU (then --gpus-per-trial 1)."""
    num_envs: int | None = None
    """Worlds side by side; the tuned number by default."""
    total_timesteps: int | None = None
    """Environment steps of each training; the tuned number by default."""
    device: str = "auto"
    """Where the networks learn, and where mujoco_warp simulates, as for `roarm train`."""
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
    With --ray: all of the smallest computer."""
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


def run(argv: list[str]) -> int:
    """Train what is asked for and print the table; return 1 if a training failed."""
    arguments = parse(SweepArguments, argv, prog="roarm sweep", description=DESCRIPTION)
    checked(arguments)
    if arguments.resume is None:
        trainers = arguments.trainers or (None,)
        wanted = (extras_of_training(each, arguments.backend, wandb=arguments.wandb is not None) for each in trainers)
        require("sweep", *(extra for extras in wanted for extra in extras))
    from roarm_lab.workflows.learning.sweep import sweep

    return sweep(arguments, command=("roarm", "sweep", *argv))


def checked(arguments: SweepArguments) -> SweepArguments:
    """Return the arguments after refusing combinations that make no sense.

    Raises:
        BadInputError: No task, flags that a resumed sweep already knows, or a number that makes no sense.
    """
    if (arguments.task is None) == (arguments.resume is None):
        raise BadInputError("Give either a task (`roarm sweep reach`) or a sweep to go on with (`--resume SWEEP`).")
    if arguments.resume is not None:
        kept = {name: getattr(arguments, name) for name in ("resume", "ray", "cpus_per_trial", "gpus_per_trial")}
        if replace(SweepArguments(), **kept) != arguments:
            raise BadInputError("With --resume only --ray, --cpus-per-trial and --gpus-per-trial may be given.")
    for name in ("num_envs", "total_timesteps", "eval_episodes", "cpus_per_trial"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise BadInputError(f"--{name.replace('_', '-')} must be 1 or more, got {value}.")
    if max(arguments.seeds, default=0) > LARGEST_SEED:
        raise BadInputError(f"--seeds must be at most {LARGEST_SEED}, got {max(arguments.seeds)}.")
    _check_gpus(arguments.gpus_per_trial)
    if arguments.name is not None and (arguments.name in {"", ".."} or Path(arguments.name).name != arguments.name):
        raise BadInputError(f"--name must be the name of a folder without slashes, got {arguments.name!r}.")
    check_room_on_gpus(arguments.backend, arguments.device, arguments.gpus_per_trial)
    return arguments


def check_room_on_gpus(backend: str | None, device: str, gpus: float) -> None:
    """Refuse trainings that need a GPU and are given none: Ray would hide all of them.

    Raises:
        BadInputError: Says what to add.
    """
    on_gpu = device.startswith("cuda") or (backend == "mujoco_warp" and device == "auto")
    if on_gpu and not gpus:
        what = f"--device {device}" if device.startswith("cuda") else f"--backend {backend}"
        raise BadInputError(f"{what}: say how many GPUs each training takes, for instance --gpus-per-trial 1.")


def _check_gpus(gpus: float) -> None:
    whole = gpus == int(gpus) if 0.0 <= gpus < 1000.0 else False
    if not (0.0 <= gpus < 1.0 or whole):
        raise BadInputError(f"--gpus-per-trial must be a whole number, or a part below 1, got {gpus:g}.")
