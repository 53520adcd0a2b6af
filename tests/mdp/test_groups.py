"""Terms side by side: the action vector, and observations with noise, delay and history."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.actions import GripperOpening, JointDelta, JointTarget
from roarm_lab.mdp.groups import ActionGroup, ObservationGroup
from roarm_lab.mdp.observations import JointPos
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ObservationFn, ObservationTerm, SensorNoise, Source
from tests.mdp.fake_state import bare, toy_scene

FLOAT32 = 1e-6
NOBODY = np.array([False, False])


@dataclass(frozen=True, kw_only=True)
class Clock(ObservationTerm):
    """Two numbers that say when they were taken: the time, and the time plus 100."""

    source: ClassVar[Source] = "sim_only"
    unit: ClassVar[str] = "s"

    def components(self, scene: Scene) -> tuple[str, ...]:
        return ("now", "later")

    def bind(self, scene: Scene) -> ObservationFn:
        def clock(state: State) -> Array:
            return np.stack((state.episode_time_s, state.episode_time_s + 100.0), axis=-1)

        return clock

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        return 0.0


def at(*times_s: float) -> Any:
    """Return a moment with a time per world."""
    return bare(episode_time_s=times_s)


def group(**terms: ObservationTerm) -> ObservationGroup:
    return ObservationGroup(terms, toy_scene())


def test_actions_share_the_vector_in_order_and_the_joints_come_back_in_theirs() -> None:
    terms = {"grip": GripperOpening(), "elbow": JointDelta(joint_names=("elbow",), step_rad=0.1)}
    actions = ActionGroup(terms, toy_scene())
    assert actions.size == 2
    state = bare(joint_target=[[0.7, 0.5, 0.3], [0.8, 0.6, 0.4]])
    goal = actions.goal(state, np.float32([[1.0, -1.0], [-1.0, 0.5]]))
    # base: no action, keeps its target; elbow: its target plus a tenth of the second number; gripper: 1.2 or 0.
    np.testing.assert_allclose(goal, [[0.7, 0.4, 1.2], [0.8, 0.65, 0.0]], atol=FLOAT32)


def test_two_actions_on_one_joint_are_refused_by_name() -> None:
    terms = {"all": JointDelta(), "grip": GripperOpening()}
    with pytest.raises(BadInputError, match="Actions 'all' and 'grip' both move joint 'gripper'"):
        ActionGroup(terms, toy_scene())
    with pytest.raises(BadInputError, match="Actions 'twice' and 'twice' both move joint 'base'"):
        ActionGroup({"twice": JointTarget(joint_names=("base", "base"))}, toy_scene())


def test_without_delay_or_history_the_present_is_shown() -> None:
    seen = group(clock=Clock())
    assert seen.sizes == {"clock": 2}
    for time_s in (0.0, 1.0, 2.0):
        np.testing.assert_array_equal(seen.push(at(time_s, 10.0 + time_s))["clock"][:, 0], [time_s, 10.0 + time_s])


def test_scale_is_a_factor_on_the_number() -> None:
    np.testing.assert_array_equal(group(clock=Clock(scale=0.5)).push(at(4.0))["clock"], [[2.0, 52.0]])


def test_delay_shows_what_was_and_the_first_moment_until_then() -> None:
    seen = group(clock=Clock(delay_s=0.10))  # two steps of 0.05 s
    assert seen.sizes == {"clock": 2}
    shown = [seen.push(at(float(t), 0.0), None, NOBODY if t else None)["clock"][0, 0] for t in range(5)]
    assert shown == [0.0, 0.0, 0.0, 1.0, 2.0]


def test_history_shows_the_oldest_first() -> None:
    seen = group(clock=Clock(history_s=0.10))
    assert seen.sizes == {"clock": 6}
    for t in range(4):
        shown = seen.push(at(float(t), 0.0), None, NOBODY if t else None)["clock"][0]
    np.testing.assert_array_equal(shown, [1.0, 101.0, 2.0, 102.0, 3.0, 103.0])


def test_delayed_history_ends_where_the_delay_says() -> None:
    seen = group(clock=Clock(history_s=0.05, delay_s=0.05))
    for t in range(5):
        shown = seen.push(at(float(t), 0.0), None, NOBODY if t else None)["clock"][0]
    np.testing.assert_array_equal(shown, [2.0, 102.0, 3.0, 103.0])


def test_a_fresh_world_has_no_past_and_the_others_keep_theirs() -> None:
    seen = group(clock=Clock(history_s=0.10))
    for t in range(3):
        seen.push(at(float(t), 10.0 + t), None, NOBODY if t else None)
    shown = seen.push(at(3.0, 50.0), None, np.array([False, True]))["clock"]
    np.testing.assert_array_equal(shown[:, ::2], [[1.0, 2.0, 3.0], [50.0, 50.0, 50.0]])


def test_a_restart_replaces_the_moment_of_the_fresh_worlds_alone() -> None:
    seen = group(clock=Clock(history_s=0.10), plain=Clock())
    for t in range(3):
        before = seen.push(at(float(t), 10.0 + t), None, NOBODY if t else None)
    shown = seen.restart(at(77.0, 50.0), None, np.array([False, True]))
    np.testing.assert_array_equal(shown["clock"][:, ::2], [[0.0, 1.0, 2.0], [50.0, 50.0, 50.0]])
    np.testing.assert_array_equal(shown["plain"][:, 0], [2.0, 50.0])
    # A restart is no step: what the next one shows follows the moments before.
    shown = seen.push(at(3.0, 51.0), None, NOBODY)
    np.testing.assert_array_equal(shown["clock"][:, ::2], [[1.0, 2.0, 3.0], [50.0, 50.0, 51.0]])
    np.testing.assert_array_equal(before["clock"][:, ::2], [[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]])  # handed out earlier


def test_pushing_without_fresh_begins_anew_for_all() -> None:
    seen = group(clock=Clock(history_s=0.05))
    seen.push(at(1.0, 2.0))
    np.testing.assert_array_equal(seen.push(at(5.0, 6.0))["clock"][:, ::2], [[5.0, 5.0], [6.0, 6.0]])


def test_noise_is_added_before_scale_from_the_terms_own_numbers() -> None:
    seen = group(
        first=Clock(noise_std=0.1, scale=2.0), quiet=Clock(), second=Clock(noise_std=1.0), pose=JointPos(noise_std=0.5)
    )
    assert seen.noise_draws == 2 + 2 + 3
    state = bare(episode_time_s=[1.0], joint_pos=[[0.1, 0.2, 0.3]])
    shown = seen.push(state, np.float32([[1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 6.0]]))
    np.testing.assert_allclose(shown["first"], [[2.0 * 1.1, 2.0 * 101.2]], rtol=FLOAT32)
    np.testing.assert_array_equal(shown["quiet"], [[1.0, 101.0]])
    np.testing.assert_allclose(shown["second"], [[4.0, 105.0]], rtol=FLOAT32)
    np.testing.assert_allclose(shown["pose"], [[1.1, 2.2, 3.3]], rtol=FLOAT32)


def test_without_noise_numbers_a_noisy_term_is_exact() -> None:
    # On an arm the world makes the noise.
    np.testing.assert_array_equal(group(clock=Clock(noise_std=0.1)).push(at(1.0))["clock"], [[1.0, 101.0]])


def test_a_delayed_term_keeps_the_noise_it_was_taken_with() -> None:
    seen = group(clock=Clock(noise_std=1.0, delay_s=0.05))
    seen.push(at(0.0), np.float32([[0.25, 0.0]]))
    shown = seen.push(at(1.0), np.float32([[9.0, 9.0]]), np.array([False]))
    np.testing.assert_array_equal(shown["clock"], [[0.25, 100.0]])


def test_a_group_without_noise_needs_no_numbers() -> None:
    assert group(clock=Clock(), pose=JointPos()).noise_draws == 0
