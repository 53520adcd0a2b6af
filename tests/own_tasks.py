"""What a user's own files hold, in tests: a task with a term of its own, and an arm."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

TASKS = '''\
"""Tasks of somebody who does not touch the package."""

from dataclasses import dataclass, replace

from roarm_lab.core.arrays import array_namespace
from roarm_lab.envs.config import EnvConfig, Region
from roarm_lab.mdp.terms import RewardTerm
from roarm_lab.tasks.reach import goal_radius_m, reach


@dataclass(frozen=True, kw_only=True)
class Calm(RewardTerm):
    """1 while the joints rest."""

    scale: float = 1.0

    def bind(self, scene):
        def calm(state):
            xp = array_namespace(state.joint_vel)
            return xp.exp(-self.scale * xp.mean(state.joint_vel * state.joint_vel, axis=1))

        return calm


def radius(scene, also=None):
    return goal_radius_m(scene)


def stack_two() -> EnvConfig:
    task = reach()
    regions = {"radius": Region(value=radius, edges=(0.3,), names=("near", "far"))}
    return replace(task, rewards={**task.rewards, "calm": Calm(weight=0.1)}, regions=regions)
'''
ROBOT = """\
from dataclasses import replace

from roarm_lab.robots.roarm_m3 import ROARM_M3

ROBOT = replace(ROARM_M3, name="longer", title="A longer arm")
"""
SMALL = ("--num-envs", "64", "--total-timesteps", "1024", "--eval-episodes", "8")


def write_tasks(folder: Path, name: str = "my_tasks.py") -> Path:
    """Write the tasks into a folder and return their file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(TASKS)
    return path


@contextmanager
def python_as_before(folder: Path) -> Generator[None]:
    """Forget afterwards what was loaded from below a folder."""
    path = [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = path
        for name, module in [*sys.modules.items()]:
            if str(getattr(module, "__file__", None)).startswith(f"{folder}{os.sep}"):
                del sys.modules[name]


def install(site: Path) -> None:
    """Put a package that offers a task and a robot into a folder, as pip would."""
    package, about = site / "arm_plugin", site / "arm_plugin-1.0.dist-info"
    about.mkdir(parents=True)
    write_tasks(package, "tasks.py")
    (package / "__init__.py").write_text("")
    (package / "arm.py").write_text(ROBOT)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: arm-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[roarm_lab.tasks]\nstack-two = arm_plugin.tasks:stack_two\n\n"
        "[roarm_lab.robots]\nlonger = arm_plugin.arm:ROBOT\n"
    )
