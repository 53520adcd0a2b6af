"""A bundle that drives while a person watches, interrupts, and takes over with the keyboard."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.core.random_streams import seed_for
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.perception import Sight
from roarm_lab.teleop.approach import Approach
from roarm_lab.teleop.jog import Jog
from roarm_lab.teleop.session import JOINT_POS, JOINT_TARGET, OperatorCommand, answer

Look = Callable[[], Sight]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the policy is asked for."""

    goal: Mapping[str, Float32] | None = None
    """Commands [1, size] by name; None draws others for each episode, as in training."""
    seed: int = 0


class PolicyDriver:
    """Lets a policy drive, episode after episode. Space, or any motion key, hands the arm to the keyboard.

    It begins with a slow move to where training episodes began. While the keyboard has the arm, space gives it back;
    after an emergency stop it is the keyboard that has the arm.
    """

    name = "policy"

    def __init__(
        self, policy: ArmPolicy, jog: Jog | None = None, look: Look | None = None, wanted: Wanted | None = None
    ) -> None:
        """Put a policy and a keyboard together.

        Args:
            policy: What drives.
            jog: Takes over; without one, space pauses.
            look: Where the boxes are; needed by a policy with boxes.
            wanted: What is asked for.
        """
        self._policy, self._jog, self._look = policy, jog, look
        self._wanted = wanted or Wanted()
        self._rng = np.random.default_rng(seed_for(self._wanted.seed, "arm-goals"))
        self._approach = Approach(policy.robot, policy.control_dt_s)
        self._commands: Mapping[str, Float32] | None = None
        self._began_s = 0.0
        self._episodes = 0
        self.by_hand = False
        """Whether the keyboard has the arm."""

    @property
    def note(self) -> str:
        """Who drives."""
        if self.by_hand and self._jog is not None:
            return f"by hand, {self._jog.note}"
        return "slowly to its start" if self._commands is None else f"episode {self._episodes}"

    @property
    def trouble(self) -> str:
        """Why the keyboard is not followed."""
        return self._jog.trouble if self.by_hand and self._jog is not None else ""

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        """Return the orders of the keyboard; its pause becomes a change of hands."""
        if self._jog is None:
            return ()
        orders = list(self._jog.orders(now_s))
        # Who has stopped the policy does not want it back at once.
        if any(order.stops or order is OperatorCommand.HOLD for order in orders):
            self._hand_over(to_person=True)
        elif orders.count(OperatorCommand.PAUSE) % 2:
            self._hand_over(to_person=not self.by_hand)
        elif self._jog.moving and not self.by_hand:
            self._hand_over(to_person=True)
        return [order for order in orders if order not in {OperatorCommand.PAUSE, OperatorCommand.HOLD}]

    def reset(self) -> None:
        """Begin anew: the keyboard where the arm is, the policy at its start."""
        self._policy.reset()
        self._approach.reset()
        self._commands = None
        if self._jog is not None:
            self._jog.reset()

    def infer(self, observation: Observation) -> ActionChunk:
        """Return what the one who drives wants.

        Raises:
            RoarmLabError: The policy can not say, or the boxes can not be seen.
        """
        if self.by_hand and self._jog is not None:
            return self._jog.infer(observation)
        sent, measured = observation.terms[JOINT_TARGET], observation.terms[JOINT_POS]
        if not self._approach.arrived:
            goal = self._approach.step(self._policy.start_pose, sent, measured)
            return answer(observation, goal, self._policy.control_dt_s)
        return self._infer(observation, sent, measured)

    def _infer(self, observation: Observation, sent: Float64, measured: Float64) -> ActionChunk:
        sight = self._look() if self._look is not None else None
        if self._commands is None or observation.observed_at_s - self._began_s >= self._policy.episode_s:
            self._policy.reset()
            self._commands = self._wanted.goal or self._policy.draw_commands(self._rng, sight)
            self._began_s = observation.observed_at_s
            self._episodes += 1
        sample = ArmSample.of(observation.observed_at_s, measured)
        seen = self._policy.observe(sample, sent, self._commands, sight)
        chunk = self._policy.infer(seen)
        return ActionChunk(observation.observed_at_s, chunk.step_s, chunk.joint_target)

    def _hand_over(self, *, to_person: bool) -> None:
        self.by_hand = to_person
        self.reset()
