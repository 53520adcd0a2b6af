"""Environments by the name of their task, for Python."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from roarm_lab.envs.randomization import DomainRandomization, load_randomization, randomized
from roarm_lab.sim.table import check_backend
from roarm_lab.tasks.table import get_task

if TYPE_CHECKING:
    from roarm_lab.envs.env import Env


def make_env(
    task: str,
    *,
    num_envs: int = 1,
    backend: str = "mujoco_cpu",
    seed: int = 0,
    domain_randomization: DomainRandomization | Path | None = None,
) -> "Env":
    """Return worlds of a task that are stepped together.

    `reset()` returns observations, group -> term -> array [env, size]; `step(actions)` takes actions [env, action],
    each -1 to 1. A world is reset in the step in which its episode ends.

    Args:
        task: Its name, for instance `lift-cube`, or a reference to one of your own: `my_tasks.py:stack_two`.
        num_envs: How many worlds.
        backend: The simulator: `mujoco_cpu`, or `mujoco_warp` on a GPU.
        seed: Seed of everything random.
        domain_randomization: By what worlds differ: a value, a YAML file, `Path("default")` for the defaults; None for
            nominal worlds.

    Raises:
        UnknownNameError: No task or simulator has that name.
        BadInputError: The file or a number can not be used.
        MissingError: The simulator's packages are not installed, or there is no GPU for it.
    """
    from roarm_lab.envs.env import Env

    config = get_task(task)
    if isinstance(domain_randomization, Path):
        domain_randomization = load_randomization(domain_randomization)
    if domain_randomization is not None:
        config = randomized(config, domain_randomization)
    config = replace(config, sim=replace(config.sim, backend=backend))
    check_backend(config.robot, num_envs, config.sim)
    return Env(config, num_envs, seed)
