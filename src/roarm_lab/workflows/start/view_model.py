"""Turn an arm by hand in the browser: a name becomes a model, the model a page."""

import time
from dataclasses import replace

import numpy as np

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.robots.table import ROBOTS, get_robot
from roarm_lab.sim.geometry import Geometry
from roarm_lab.tasks.table import TASKS, get_task
from roarm_lab.view.model_page import Model, ModelPage
from roarm_lab.view.serving import serving
from roarm_lab.view.show import markers_of
from roarm_lab.workflows.frontend import UNATTENDED, Frontend
from roarm_lab.workflows.live_pages import tell_where
from roarm_lab.workflows.start.view_request import ViewRequest

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
