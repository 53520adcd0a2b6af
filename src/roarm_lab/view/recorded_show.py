"""Recorded rollouts as a show: what live pages, films and replays take in place of a policy at work."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.datasets.recordings import Recording
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.state import at_rest
from roarm_lab.evaluation.outcomes import Outcome
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.sim.geometry import Geometry
from roarm_lab.view.show import Moment, markers_of


class RecordedShow:
    """Recorded episodes, one after another. For how long the task was being done is not in a recording: 0 is shown."""

    def __init__(self, recordings: Sequence[Recording], config: EnvConfig, only: int | None = None) -> None:
        """Prepare the world in which they happened.

        Args:
            recordings: What to show.
            config: Their task.
            only: The number of one episode, from 1; None shows all.

        Raises:
            BadInputError: There is no such episode, or a recording is of another task or arm.
        """
        self.config, self.markers, self.dt_s = config, markers_of(config), config.control_dt_s
        self.tip_site = config.described.site
        for recording in recordings:
            _refuse_other(recording, config)
        listed = [(recording, index) for recording in recordings for index in range(len(recording.outcomes))]
        if only is not None and not 1 <= only <= len(listed):
            raise InvalidValueError("episode", only, f"must be 1 to {len(listed)}, as many were recorded")
        self._episodes = listed if only is None else [listed[only - 1]]
        self._env = Env(replace(config, random_age=False, sim=replace(config.sim, threads=1)), 1, autoreset=False)
        self._distance = config.success.distance(self._env.scene)
        self._kinematics = Kinematics(config.robot)
        self.geometry = Geometry.of_backend(self._env.backend)

    def __len__(self) -> int:
        """Return how many episodes there are."""
        return len(self._episodes)

    def close(self) -> None:
        """Free what the simulator holds."""
        self._env.close()

    def play(self, number: int) -> Iterator[Moment]:
        """Yield the moments of an episode.

        Raises:
            BadInputError: Its file is damaged.
        """
        recording, index = self._episodes[number]
        arrays = recording.arrays(index)
        try:
            moments = self._moments(arrays)
        except (KeyError, ValueError, IndexError) as error:
            raise BadInputError(f"Episode {index} in {recording.path} is damaged: {error!r}.") from error
        success = recording.outcomes[index]
        when = "" if recording.steps is None else f"after {recording.steps:,} steps of learning: "
        moments[-1] = replace(moments[-1], outcome=Outcome(success, when + ("done" if success else "not done")))
        yield from moments

    def _moments(self, arrays: Mapping[str, Any]) -> list[Moment]:
        commands = {marker.name: arrays[f"command_{marker.name}"] for marker in self.markers}
        boxes = {name: arrays[name] for name in ("box_pos_w", "box_quat_w") if self.config.sim.boxes}
        poses, times_s = arrays["joint_pos"], arrays["time_s"]
        if not boxes:  # where boxes are after the last step is not in a recording
            poses = np.concatenate([poses, arrays["next_joint_pos"][-1:]])
            times_s = np.append(times_s, times_s[-1] + self.dt_s)
            commands = {name: np.concatenate([values, values[-1:]]) for name, values in commands.items()}
        distances_m = self._distances_m(poses, commands, boxes)
        return [
            Moment(
                time_s=float(times_s[row]),
                qpos=self._qpos(poses[row], {name: values[row] for name, values in boxes.items()}),
                markers={name: np.asarray(values[row], np.float32) for name, values in commands.items()},
                distance_m=float(distances_m[row]),
                held_s=0.0,
            )
            for row in range(len(poses))
        ]

    def _qpos(self, joint_pos: Float32, boxes: Mapping[str, Float32]) -> Any:
        backend = self._env.backend
        for name, values in boxes.items():
            backend.set(name, np.asarray(values, np.float32)[None])
        return self.geometry.qpos(joint_pos, backend.get("qpos")[0])

    def _distances_m(self, poses: Float32, commands: Mapping[str, Float32], boxes: Mapping[str, Float32]) -> Float32:
        state = at_rest(self._kinematics, np.asarray(poses, np.float32), commands, self._env.actions.size)
        return np.asarray(self._distance(replace(state, **boxes)), np.float32)


def _refuse_other(recording: Recording, config: EnvConfig) -> None:
    wanted = {
        "task": config.task,
        "robot": config.robot.name,
        "joint_names": list(config.robot.joint_names),
        "box_names": [box.name for box in config.sim.boxes],
    }
    for name, value in wanted.items():
        if recording.about.get(name) != value:
            raise BadInputError(
                f"{recording.path} was recorded with {name} {recording.about.get(name)!r}; here it is {value!r}."
            )
