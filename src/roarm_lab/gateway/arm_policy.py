"""A bundle that drives an arm: samples in, joint targets out, computed by the same terms as in training."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Array, Float32, Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.gateway.measured import MeasuredState
from roarm_lab.mdp.groups import ActionGroup, ObservationGroup
from roarm_lab.mdp.rebuild import action_terms, command_terms, observation_terms, success_term
from roarm_lab.mdp.scene import Scene
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import InterfaceError, observed
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.robot import Robot


def check_sources(bundle: Bundle, provides: frozenset[str]) -> None:
    """Refuse a policy that needs what an arm can not provide.

    Raises:
        InterfaceError: Names every such term and its source.
    """
    missing = [f"{term.name!r} ({term.source})" for term in observed(bundle.contract) if term.source not in provides]
    if missing:
        raise InterfaceError(
            f"This arm can not provide what the policy needs: {', '.join(missing)}. It provides terms that are "
            f"{' or '.join(sorted(provides))}."
        )


class ArmPolicy:
    """A loaded bundle with the memory that an episode on an arm needs."""

    def __init__(self, bundle: Bundle, robot: Robot) -> None:
        """Bind the contract's terms to a robot.

        Raises:
            InterfaceError: The policy was made for another robot, or for joints in another order.
        """
        interface = bundle.contract.interface
        names = [joint.get("name") for joint in interface.get("joints", [])]
        if interface.get("robot") != robot.name or names != list(robot.joint_names):
            raise InterfaceError(
                f"The policy is for {interface.get('robot')!r} with joints {names}, this arm is {robot.name!r} with "
                f"{list(robot.joint_names)}."
            )
        self.bundle, self.robot = bundle, robot
        self.control_dt_s, self.episode_s = float(interface["control_dt_s"]), float(interface["episode_s"])
        self.command_terms = command_terms(interface["commands"])
        actions = action_terms(interface["actions"])
        sizes = tuple((name, term.size) for name, term in self.command_terms.items())
        bare = Scene(robot=robot, control_dt_s=self.control_dt_s, command_sizes=sizes)
        self.scene = Scene(
            robot=robot,
            control_dt_s=self.control_dt_s,
            command_sizes=sizes,
            action_size=sum(term.size(bare) for term in actions.values()),
        )
        self._terms = observation_terms(interface["observations"])
        self._actions = ActionGroup(actions, self.scene)
        self._success = success_term(interface["success"])
        self._is_success, self._distance = self._success.bind(self.scene), self._success.distance(self.scene)
        self._kinematics = Kinematics(robot)
        self._group = ObservationGroup(self._terms, self.scene)
        self._state: MeasuredState | None = None

    @property
    def hold_s(self) -> float:
        """How long success must hold at the end of an episode."""
        return self._success.hold_s

    @property
    def start_pose(self) -> Float64:
        """Joint angles [joint] rad in the middle of where training episodes began."""
        for entry in self.bundle.contract.interface["start"]:
            if entry["kind"] == "StartPose":
                return np.asarray(self.robot.keyframe(entry["params"]["keyframe"]))
        return np.asarray(self.robot.keyframe("home"))

    def draw_commands(self, rng: np.random.Generator) -> dict[str, Float32]:
        """Return a random command of each kind [1, size], from the distribution of training."""
        return {
            name: np.asarray(term.bind(self.scene)(rng.random((1, term.draws), dtype=np.float32)), np.float32)
            for name, term in self.command_terms.items()
        }

    def commands(self, given: Mapping[str, Any]) -> dict[str, Float32]:
        """Return commands [1, size] from lists of numbers by name.

        Raises:
            BadInputError: A command is missing, unknown, of the wrong size or not finite.
        """
        if set(given) != set(self.command_terms):
            raise BadInputError(f"The policy takes the commands {sorted(self.command_terms)}, got {sorted(given)}.")
        made: dict[str, Float32] = {}
        for name, term in self.command_terms.items():
            values = np.asarray(given[name], dtype=np.float32)
            if values.shape != (term.size,) or not np.isfinite(values).all():
                raise BadInputError(f"The command {name!r} needs {term.size} finite numbers, got {given[name]!r}.")
            made[name] = values[None]
        return made

    def reset(self) -> None:
        """Forget the last episode."""
        self._state = None

    def observe(self, sample: ArmSample, sent: Float64, commands: Mapping[str, Float32]) -> Observation:
        """Take in a measurement and return what the policy sees.

        Raises:
            MissingError: The sample was not measured.
        """
        joint_pos = np.asarray(sample.joint_pos, dtype=np.float32)[None]
        still = np.zeros((1, self._actions.size), dtype=np.float32)
        old = self._state
        change = np.zeros_like(joint_pos) if old is None else joint_pos - old.joint_pos
        self._state = MeasuredState(
            kinematics=self._kinematics,
            joint_pos=joint_pos,
            joint_vel=change / np.float32(self.control_dt_s),
            joint_target=np.asarray(sent, dtype=np.float32)[None],
            commands=commands,
            action=still if old is None else old.action,
            last_action=still if old is None else old.last_action,
            episode_time_s=np.zeros(1, np.float32)
            if old is None
            else old.episode_time_s + np.float32(self.control_dt_s),
        )
        fresh = None if old is None else np.zeros(1, dtype=bool)
        return Observation(sample.measured_at_s, self._group.push(self._state, None, fresh))

    def infer(self, observation: Observation) -> ActionChunk:
        """Return joint targets [step, joint] rad that answer the latest observation."""
        state = self._now()
        action = self.bundle.policy.infer(_batch(observation.terms))[0]
        rows: list[Float32] = []
        for row in action:
            clipped = np.clip(row, -1.0, 1.0)[None].astype(np.float32)
            rows.append(self._actions.goal(state, clipped)[0])
            state = MeasuredState(**{**vars(state), "action": clipped, "last_action": state.action})
        self._state = state
        return ActionChunk(observation.observed_at_s, self.control_dt_s, np.asarray(rows, dtype=np.float64))

    def is_success(self) -> bool:
        """Return whether the task is being done at the latest observation."""
        return bool(self._is_success(self._now())[0])

    def distance_m(self) -> float:
        """Return how far off the latest observation is [m]."""
        return float(self._distance(self._now())[0])

    def _now(self) -> MeasuredState:
        if self._state is None:
            raise BadInputError("Call observe() before infer(): there is no observation yet.")
        return self._state


def _batch(terms: Mapping[str, Array]) -> dict[str, Float32]:
    return {name: np.asarray(values, dtype=np.float32) for name, values in terms.items()}
