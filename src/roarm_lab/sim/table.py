"""The simulators by name."""

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import Backend, SimConfig

BACKENDS = ("mujoco_cpu",)


def make_backend(robot: Robot, num_envs: int, config: SimConfig) -> Backend:
    """Return `num_envs` worlds of a robot.

    Raises:
        UnknownNameError: No simulator has the name `config.backend`.
    """
    if config.backend == "mujoco_cpu":
        from roarm_lab.sim.mujoco_cpu import MujocoCpu  # noqa: PLC0415 (a simulator is loaded only when it is used)

        return MujocoCpu(robot, num_envs, config)
    raise UnknownNameError("simulation backend", config.backend, BACKENDS)
