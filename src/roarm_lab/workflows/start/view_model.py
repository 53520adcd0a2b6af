"""Turn an arm by hand in the browser: a name becomes a model, the model a page."""

import time
from dataclasses import replace
from inspect import isfunction

import numpy as np

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.core.object_references import Kind, find_object, is_reference
from roarm_lab.envs.env import Env
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.table import get_robot, robot_names
from roarm_lab.sim.geometry import Geometry
from roarm_lab.tasks.table import get_task, task_names
from roarm_lab.view.model_page import Model, ModelPage
from roarm_lab.view.serving import serving
from roarm_lab.view.show import markers_of
from roarm_lab.workflows.frontend import UNATTENDED, Frontend
from roarm_lab.workflows.live_pages import tell_where
from roarm_lab.workflows.start.view_request import ViewRequest

EITHER = Kind(
    noun="arm or task",
    group="",
    example="my_tasks.py:stack_two",
    fits=lambda found, module: isinstance(found, Robot) or (isfunction(found) and found.__module__ == module),
)
LOOK_S = 0.2
"""How often it is asked whether to end."""


def view_model(request: ViewRequest, frontend: Frontend = UNATTENDED) -> None:
    """Serve the page until the front end cancels.

    Raises:
        UnknownNameError: It is neither an arm nor a task.
        BadInputError: The page can not be served there.
    """
    model = model_of(request.name)
    with serving(request.host, request.port, f"RoArm Lab: {request.name}") as server:
        ModelPage(server, model)
        tell_where(frontend, request.name, request.host, server)
        while not frontend.cancelled():
            time.sleep(LOOK_S)


def model_of(name: str) -> Model:
    """Return an arm at home, or the start of an episode of a task.

    Raises:
        UnknownNameError: It is neither an arm nor a task.
        BadInputError: The file of one can not be loaded.
    """
    if is_reference(name):
        return _start_of(name) if isfunction(find_object(EITHER, name, ())[1]) else _at_home(get_robot(name))
    if name in robot_names():
        return _at_home(get_robot(name))
    if name in task_names():
        return _start_of(name)
    raise UnknownNameError("arm or task", name, (*robot_names(), *task_names()))


def _at_home(robot: Robot) -> Model:
    geometry = Geometry.of_robot(robot)
    angles = dict(robot.keyframes).get("home", (0.0,) * len(robot.joints))
    return Model(about=robot.title, geometry=geometry, qpos=geometry.qpos(angles))


def _start_of(task: str) -> Model:
    config = get_task(task)
    env = Env(replace(config, random_age=False, sim=replace(config.sim, threads=1)), 1)
    try:
        env.reset()
        markers = {marker: np.asarray(env.state.commands[marker.name][0]) for marker in markers_of(config)}
        about = f"The start of an episode of {config.name}, with the {config.robot.title}"
        qpos = np.asarray(env.backend.get("qpos")[0], dtype=np.float64)
        return Model(about=about, geometry=Geometry.of_backend(env.backend), qpos=qpos, markers=markers)
    finally:
        env.close()
