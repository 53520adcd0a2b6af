"""Viewing as the command line does it: a name becomes a model, the model a page."""

import time
from dataclasses import replace

import numpy as np

from roarm_lab.cli.start.view import ViewArguments
from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.robots.table import ROBOTS, get_robot
from roarm_lab.sim.geometry import Geometry
from roarm_lab.tasks.table import TASKS, get_task
from roarm_lab.view.model_page import Model, ModelPage
from roarm_lab.view.serving import serving
from roarm_lab.view.stage import markers_of
from roarm_lab.workflows.evaluation.play import say_where

FOREVER_S = 3600.0


def show(arguments: ViewArguments) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UnknownNameError: It is neither an arm nor a task.
        BadInputError: The page can not be served there.
    """
    model = model_of(arguments.name)
    with serving(arguments.host, arguments.port, f"RoArm Lab: {arguments.name}") as server:
        ModelPage(server, model)
        say_where(arguments.host, server)
        while True:
            time.sleep(FOREVER_S)


def model_of(name: str) -> Model:
    """Return an arm at home, or the start of an episode of a task.

    Raises:
        UnknownNameError: It is neither an arm nor a task.
    """
    if name in ROBOTS:
        robot = get_robot(name)
        geometry = Geometry.of_robot(robot)
        angles = dict(robot.keyframes).get("home", (0.0,) * len(robot.joints))
        return Model(about=robot.title, geometry=geometry, qpos=geometry.qpos(angles))
    if name in TASKS:
        return _start_of(name)
    raise UnknownNameError("arm or task", name, (*ROBOTS, *TASKS))


def _start_of(task: str) -> Model:
    config = get_task(task)
    env = Env(replace(config, random_age=False, sim=replace(config.sim, threads=1)), 1)
    try:
        env.reset()
        markers = {marker: np.asarray(env.state.commands[marker.name][0]) for marker in markers_of(config)}
        about = f"The start of an episode of {task}, with the {config.robot.title}"
        qpos = np.asarray(env.backend.get("qpos")[0], dtype=np.float64)
        return Model(about=about, geometry=Geometry.of_backend(env.backend), qpos=qpos, markers=markers)
    finally:
        env.close()
