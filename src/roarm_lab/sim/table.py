"""The simulators by name."""

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import Backend, SimConfig

BACKENDS = ("mujoco_cpu", "mujoco_warp")


def check_backend(robot: Robot, num_envs: int, config: SimConfig) -> None:
    """Refuse a simulator that could not be made here, before anything else is done.

    Raises:
        UnknownNameError: No simulator has the name `config.backend`.
        MissingError: What it needs is not here: a package, a GPU, enough of its memory.
    """
    if config.backend not in BACKENDS:
        raise UnknownNameError("simulation backend", config.backend, BACKENDS)
    if config.backend == "mujoco_warp":
        from roarm_lab.sim.mujoco_cpu import compile_model  # noqa: PLC0415 (a simulator is loaded only when it is used)
        from roarm_lab.sim.warp_device import WarpDevice  # noqa: PLC0415 (likewise)

        WarpDevice(config.device).check_memory(compile_model(robot, config), num_envs, len(config.boxes))


def make_backend(robot: Robot, num_envs: int, config: SimConfig) -> Backend:
    """Return `num_envs` worlds of a robot.

    Raises:
        UnknownNameError: No simulator has the name `config.backend`.
        MissingError: What the simulator needs is not here: a package, a GPU, enough of its memory.
    """
    if config.backend == "mujoco_cpu":
        from roarm_lab.sim.mujoco_cpu import MujocoCpu  # noqa: PLC0415 (a simulator is loaded only when it is used)

        return MujocoCpu(robot, num_envs, config)
    if config.backend == "mujoco_warp":
        from roarm_lab.sim.mujoco_warp import MujocoWarp  # noqa: PLC0415 (likewise)

        return MujocoWarp(robot, num_envs, config)
    raise UnknownNameError("simulation backend", config.backend, BACKENDS)
