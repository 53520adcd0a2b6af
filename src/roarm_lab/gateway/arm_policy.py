"""A bundle that drives an arm: samples in, joint targets out, computed by the same terms as in training."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.gateway.goal_checks import fits_boxes, refuse_out_of_reach
from roarm_lab.gateway.measured_state import MeasuredState
from roarm_lab.mdp.effects import BoxPoseEffect
from roarm_lab.mdp.from_contract import action_terms, command_terms, observation_terms, start_terms, success_term
from roarm_lab.mdp.groups import ActionGroup, ObservationGroup
from roarm_lab.mdp.holding import Holding
from roarm_lab.mdp.scene import Scene
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import InterfaceError, observed
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.perception import BoxTruth, Sight
from roarm_lab.robots.robot import Robot

MAX_DRAWS = 1000
"""Tries to draw boxes that suit a given goal."""
AHEAD_ABOVE_RAD_S = 0.3
"""Up to this speed a joint is seen where it was measured: close to its goal a policy corrects itself from step to step,
and looking ahead would make more of every correction until the arm trembles. Above it, only what is above counts."""
NOWHERE = np.array([0.25, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
"""Where a box is imagined that no term of the task puts anywhere: position m, quaternion wxyz."""


def check_sources(bundle: Bundle, provides: frozenset[str]) -> None:
    """Refuse a policy that needs what an arm can not provide.

    Raises:
        InterfaceError: Names every such term and its source, or the boxes that the arm can not see.
    """
    refuse_blind(bundle)
    missing = [f"{term.name!r} ({term.source})" for term in observed(bundle.contract) if term.source not in provides]
    if missing:
        raise InterfaceError(
            f"This arm can not provide what the policy needs: {', '.join(missing)}. It provides terms that are "
            f"{' or '.join(sorted(provides))}."
        )


def refuse_blind(bundle: Bundle) -> None:
    """Refuse a policy whose task has boxes that no term of it sees: on an arm nothing would tell where they are.

    So an arm that provides what the terms of a policy need (`check_sources`) also sees its boxes.

    Raises:
        InterfaceError: Names the boxes.
    """
    boxes = _box_names(bundle)
    if boxes and all(term.source != "perception" for term in observed(bundle.contract)):
        raise InterfaceError(
            f"The policy's task has boxes ({', '.join(boxes)}), but no term that it observes has the source "
            "perception: it would act on an arm without seeing them. Train it with BoxPos or the like."
        )


def _box_names(bundle: Bundle) -> tuple[str, ...]:
    try:
        return tuple(str(box["name"]) for box in bundle.contract.interface.get("boxes", []))
    except (KeyError, TypeError) as error:
        raise InterfaceError(f"The contract's list of boxes can not be read: {error!r}.") from error


class ArmPolicy:
    """A loaded bundle with the memory that an episode on an arm needs."""

    def __init__(self, bundle: Bundle, robot: Robot) -> None:
        """Bind the contract's terms to a robot.

        Raises:
            InterfaceError: The policy was made for another robot or for joints in another order, or is blind to its
                boxes.
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
        refuse_blind(bundle)
        boxes = _box_names(bundle)
        bare = Scene(robot=robot, control_dt_s=self.control_dt_s, command_sizes=sizes, boxes=boxes)
        self.scene = replace(bare, action_size=sum(term.size(bare) for term in actions.values()))
        self._actions = ActionGroup(actions, self.scene)
        self._success = success_term(interface["success"])
        self._is_success, self._distance = self._success.bind(self.scene), self._success.distance(self.scene)
        self._kinematics = Kinematics(robot)
        self._group = ObservationGroup(observation_terms(interface["observations"]), self.scene)
        self._state: MeasuredState | None = None
        """What the policy was shown."""
        self._measured: MeasuredState | None = None
        """What was measured, for judging."""
        self._measured_at_s = 0.0

    @property
    def holding(self) -> Holding:
        """For how long success must hold at the end of an episode."""
        return self._success.holding(self.control_dt_s)

    @property
    def start_pose(self) -> Float64:
        """Joint angles [joint] rad in the middle of where training episodes began."""
        for entry in self.bundle.contract.interface["start"]:
            if entry["kind"] == "StartPose":
                return np.asarray(self.robot.keyframe(entry["params"]["keyframe"]))
        return np.asarray(self.robot.keyframe("home"))

    @property
    def boxes(self) -> tuple[str, ...]:
        """Names of the boxes that must be seen."""
        return self.scene.boxes

    def draw_boxes(self, rng: np.random.Generator, commands: Mapping[str, Float32] | None = None) -> dict[str, Float32]:
        """Return where boxes lie at the start, poses [7] (position in the world m, wxyz) by name, drawn as in training.

        Args:
            rng: Random numbers.
            commands: What will be asked for, where a person has chosen it: then boxes are drawn that suit it.

        Raises:
            BadInputError: No box lies where the commands could have been asked for in training.
        """
        for _ in range(MAX_DRAWS):
            poses = self._draw_boxes(rng)
            places = {name: pose[:3] for name, pose in poses.items()}
            if commands is None or fits_boxes(self.command_terms, commands, places):
                return poses
        raise BadInputError(
            f"The policy was not trained to carry a box to {_told(commands)} from any place where boxes lie: its goals "
            f"were in about the direction of the box, as seen from the base. Choose one nearer to straight ahead."
        )

    def draw_commands(self, rng: np.random.Generator, sight: Sight | None = None) -> dict[str, Float32]:
        """Return a random command of each kind [1, size], from the distribution of training.

        Args:
            rng: Random numbers.
            sight: Where the boxes are; needed by a policy with boxes.

        Raises:
            BadInputError: The policy has boxes and they were not looked for.
            MissingError: They could not be seen.
        """
        start = self.start_pose.astype(np.float32)[None]
        state = self._first(start, start, {}, self._seen(sight))
        return {
            name: np.asarray(term.bind(self.scene)(rng.random((1, term.draws), dtype=np.float32), state), np.float32)
            for name, term in self.command_terms.items()
        }

    def commands(self, given: Mapping[str, Any]) -> dict[str, Float32]:
        """Return commands [1, size] from lists of numbers by name.

        Raises:
            BadInputError: A command is missing, unknown, of the wrong size, not finite, or out of reach.
        """
        if set(given) != set(self.command_terms):
            raise BadInputError(f"The policy takes the commands {sorted(self.command_terms)}, got {sorted(given)}.")
        return {name: self._command(name, values)[None] for name, values in given.items()}

    def rehearse(self) -> None:
        """Go through one turn on paper: the first time takes a tenth of a second, and no arm should wait for it."""
        self.reset()
        rng, sample = np.random.default_rng(0), ArmSample.of(0.0, self.start_pose)
        truth = self._imagined(rng) if self.boxes else None
        sight = truth.sight if truth else None
        self.infer(self.observe(sample, self.start_pose, self.draw_commands(rng, sight), sight))
        self.is_success(truth)
        self.distance_m()
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._state = self._measured = None

    def observe(
        self,
        sample: ArmSample,
        sent: Float64,
        commands: Mapping[str, Float32],
        sight: Sight | None = None,
        *,
        ahead_s: float = 0.0,
    ) -> Observation:
        """Take in a measurement and return what the policy sees.

        A policy that was trained without delays sees the arm as it will be when its answer takes effect: fast joints
        move on, but not beyond the target they were sent to. Success is judged by the measurement.

        Args:
            sample: The newest measurement.
            sent: The last target that was sent [joint] rad.
            commands: What is asked for, [1, size] by name.
            sight: The newest look; needed by a policy with boxes.
            ahead_s: Time from the measurement until what the policy answers takes effect.

        Raises:
            MissingError: The sample was not measured, or the boxes were not seen.
            BadInputError: Something in the observation is not a number, or a box was not looked for.
        """
        joint_pos = np.asarray(sample.joint_pos, dtype=np.float32)[None]
        joint_target = np.asarray(sent, dtype=np.float32)[None]
        boxes, old = self._seen(sight), self._measured
        if old is None or self._state is None:
            measured = shown = self._first(joint_pos, joint_target, commands, boxes)
        else:
            # The time that really went by, as a turn of the loop may come late or be left out; in too short a time the
            # steps of an encoder are all that shows.
            elapsed_s = np.float32(sample.measured_at_s - self._measured_at_s)
            moving = elapsed_s >= 0.5 * self.control_dt_s
            measured = replace(
                self._state,
                joint_pos=joint_pos,
                joint_vel=(joint_pos - old.joint_pos) / elapsed_s if moving else old.joint_vel,
                joint_target=joint_target,
                commands=commands,
                episode_time_s=old.episode_time_s + elapsed_s,
                **boxes,
            )
            shown = replace(measured, joint_pos=_moved_on(measured, ahead_s))
        self._measured_at_s = sample.measured_at_s
        fresh = None if old is None else np.zeros(1, dtype=bool)
        self._measured, self._state = measured, shown
        seen = self._group.push(shown, None, fresh)
        return Observation(sample.measured_at_s, {name: values[0] for name, values in seen.items()})

    def infer(self, observation: Observation) -> ActionChunk:
        """Return joint targets [1, joint] rad that answer the latest observation.

        Raises:
            InterfaceError: The network gave something that is not a number.
        """
        state = self._now(self._state)
        inputs = {name: np.asarray(values, dtype=np.float32)[None] for name, values in observation.terms.items()}
        action = np.clip(self.bundle.policy.infer(inputs)[:, 0], -1.0, 1.0)
        self._state = replace(state, action=action, last_action=state.action)
        goal = np.asarray(self._actions.goal(state, action), dtype=np.float64)
        return ActionChunk(observation.observed_at_s, self.control_dt_s, goal)

    def is_success(self, truth: BoxTruth | None = None) -> bool | None:
        """Return whether the task is being done at the latest observation; None where nobody can tell.

        Args:
            truth: What a simulator knows. Without it a task that is judged by such knowledge can not be judged.
        """
        state = self._now(self._measured)
        if self._success.source == "sim_only":
            if truth is None:
                return None
            touching = truth.touching[truth.sight.rows(self.boxes)][None]
            state = replace(state, **self._seen(truth.sight), touching=touching)
        return bool(self._is_success(state)[0])

    def distance_m(self) -> float:
        """Return how far off the latest observation is [m]."""
        return float(self._distance(self._now(self._measured))[0])

    def _command(self, name: str, given: Any) -> Float32:
        size = self.command_terms[name].size
        try:
            values = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        if values.shape != (size,) or not np.isfinite(values).all():
            raise BadInputError(f"The command {name!r} needs {size} finite numbers, got {given!r}.")
        refuse_out_of_reach(name, self.command_terms[name], self.scene, values)
        return values.astype(np.float32)

    def _draw_boxes(self, rng: np.random.Generator) -> dict[str, Float32]:
        start = self.start_pose.astype(np.float32)[None]
        state = self._first(start, start, {}, {})
        terms = start_terms(self.bundle.contract.interface["start"]) if self.boxes else []
        effects = [
            term.bind(self.scene)(rng.random((1, term.draws(self.scene)), dtype=np.float32), state) for term in terms
        ]
        return {
            effect.box: np.asarray(effect.values[0], np.float32)
            for effect in effects
            if isinstance(effect, BoxPoseEffect)
        }

    def _imagined(self, rng: np.random.Generator) -> BoxTruth:
        """Return boxes as they might lie at the start."""
        poses = self._draw_boxes(rng)
        table = np.array([poses.get(name, NOWHERE) for name in self.boxes])
        touching = np.zeros((len(self.boxes), self.scene.jaws), dtype=np.bool_)
        return BoxTruth(Sight.of(0.0, self.boxes, table[:, :3], table[:, 3:]), touching)

    def _seen(self, sight: Sight | None) -> dict[str, Float32]:
        """Return the fields of the state that a look gives; none for a policy without boxes."""
        if not self.boxes:
            return {}
        if sight is None:
            raise BadInputError(f"The policy needs to see {', '.join(self.boxes)}: hand over what the arm sees.")
        rows = sight.rows(self.boxes)
        return {
            "box_pos_w": sight.box_pos_w[rows].astype(np.float32)[None],
            "box_quat_w": sight.box_quat_w[rows].astype(np.float32)[None],
        }

    def _first(
        self,
        joint_pos: Float32,
        joint_target: Float32,
        commands: Mapping[str, Float32],
        boxes: Mapping[str, Float32],
    ) -> MeasuredState:
        """Return the state at the beginning of an episode: at rest, as in training."""
        still = np.zeros((1, self._actions.size), dtype=np.float32)
        return MeasuredState(
            kinematics=self._kinematics,
            joint_pos=joint_pos,
            joint_vel=np.zeros_like(joint_pos),
            joint_target=joint_target,
            commands=commands,
            action=still,
            last_action=still,
            episode_time_s=np.zeros(1, np.float32),
            box_scale=np.ones((1, len(self.boxes)), np.float32),  # of the size that the contract says
            **boxes,
        )

    def _now(self, state: MeasuredState | None) -> MeasuredState:
        if state is None:
            raise BadInputError("Call observe() before infer(): there is no observation yet.")
        return state


def _moved_on(state: MeasuredState, ahead_s: float) -> Float32:
    """Return where the joints [1, joint] rad will be in a while, at the speed they have; none passes its target."""
    speed = np.sign(state.joint_vel) * np.maximum(np.abs(state.joint_vel) - AHEAD_ABOVE_RAD_S, 0.0)
    way, left = speed * ahead_s, state.joint_target - state.joint_pos
    ahead = np.sign(left) * np.minimum(np.abs(way), np.abs(left))
    return np.asarray(state.joint_pos + np.where(way * left > 0.0, ahead, 0.0), dtype=np.float32)


def _told(commands: Mapping[str, Float32] | None) -> str:
    """Return commands in words."""
    numbers = {name: ", ".join(f"{value:.3g}" for value in values[0]) for name, values in (commands or {}).items()}
    return " and ".join(f"{name!r} ({values})" for name, values in numbers.items())
